//! Where reading stands: what was captured from here on, and how much the wire had.

use super::{Layer, Reason, Stop};

/// The part of a frame from one layer's first byte to its end.
///
/// `bytes.len() <= wire` always holds: enclosing length fields cut both, the snap length only
/// `bytes`. That is what tells a header that was cut off by the capture ([`Reason::Truncated`])
/// from one that never had room ([`Reason::Malformed`]).
#[derive(Clone, Copy)]
pub(super) struct Rest<'a> {
    /// The captured bytes of this layer.
    pub(super) bytes: &'a [u8],
    /// Where it begins in the frame.
    pub(super) at: u32,
    /// Its length on the wire.
    pub(super) wire: u32,
}

impl<'a> Rest<'a> {
    /// The first `N` bytes, or the stop that says why they are not there.
    #[inline]
    pub(super) fn head<const N: usize>(&self, layer: Layer) -> Result<&'a [u8; N], Stop> {
        self.bytes.first_chunk().ok_or_else(|| self.short(layer, N))
    }

    /// What lies behind the first `length` bytes; nothing captured where they reach past the end.
    #[inline]
    pub(super) fn skip(self, length: usize) -> Self {
        Self {
            bytes: self.bytes.get(length..).unwrap_or_default(),
            at: self.at.saturating_add(saturate(length)),
            wire: self.wire.saturating_sub(saturate(length)),
        }
    }

    /// Moves behind a header of `length` bytes that announced `next`.
    #[inline]
    pub(super) fn then<T>(&mut self, length: usize, next: T) -> T {
        *self = self.skip(length);
        next
    }

    /// As [`Self::skip`], refusing to leave the captured bytes.
    #[inline]
    pub(super) fn skip_header(self, layer: Layer, length: usize) -> Result<Self, Stop> {
        if length > self.bytes.len() {
            return Err(self.short(layer, length));
        }
        Ok(self.skip(length))
    }

    /// The same place with a length field's word for how long it is.
    ///
    /// The word may exceed what the frame has room for: a first fragment, or a capture whose
    /// wire lengths were lost, still holds headers that tell the truth.
    #[inline]
    pub(super) fn sized(self, wire: u32) -> Self {
        let captured = self.bytes.len().min(wire as usize);
        Self { bytes: self.bytes.get(..captured).unwrap_or_default(), at: self.at, wire }
    }

    /// The stop for a header of `need` bytes that is not all here.
    #[cold]
    pub(super) fn short(&self, layer: Layer, need: usize) -> Stop {
        let cut_by_capture = need <= self.wire as usize;
        self.stop(layer, if cut_by_capture { Reason::Truncated } else { Reason::Malformed })
    }

    /// The stop at this place.
    #[cold]
    pub(super) fn stop(&self, layer: Layer, reason: Reason) -> Stop {
        Stop { layer, reason, offset: self.at }
    }
}

/// A length as 32 bits; frames are far shorter.
#[inline]
pub(super) fn saturate(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The big-endian number at `at` in a header read with [`Rest::head`].
#[inline]
pub(super) fn be16<const N: usize>(head: &[u8; N], at: usize) -> u16 {
    u16::from_be_bytes([head[at], head[at + 1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_header_is_cut_by_the_capture_or_was_never_there() {
        let rest = Rest { bytes: &[1, 2, 3], at: 14, wire: 8 };
        assert_eq!(rest.head::<4>(Layer::Link).unwrap_err().reason, Reason::Truncated);
        assert_eq!(rest.head::<9>(Layer::Link).unwrap_err().reason, Reason::Malformed);
        assert_eq!(rest.head::<3>(Layer::Link), Ok(&[1, 2, 3]));
    }

    #[test]
    fn sizes_cut_what_was_captured_and_skips_stay_inside() {
        let rest = Rest { bytes: &[1, 2, 3], at: 0, wire: 3 };
        let sized = rest.sized(2);
        assert_eq!((sized.bytes, sized.wire), (&[1u8, 2][..], 2));
        let behind = rest.sized(100).skip(40);
        assert_eq!((behind.bytes.len(), behind.at, behind.wire), (0, 40, 60));
        assert!(rest.skip_header(Layer::Shim, 4).is_err());
    }
}
