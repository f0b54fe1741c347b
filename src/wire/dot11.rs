//! IEEE 802.11 data frames, with or without radiotap, as far as it is cheap.
//!
//! One unencrypted MSDU with LLC in it is read. Management and control frames, encrypted ones,
//! fragments and aggregates are [`Reason::Unsupported`]: reading them takes keys or memory.

use super::parse::{Next, Step};
use super::rest::{Rest, saturate};
use super::{Layer, Reason};

/// Radiotap's flag for padding between the 802.11 header and what it carries.
const FLAG_PADDED: u8 = 0x20;

/// A radiotap header (radiotap.org) and the frame behind it.
pub(super) fn radiotap(rest: &mut Rest<'_>) -> Step {
    let [version, _, low, high] = *rest.head::<4>(Layer::Link)?;
    let length = usize::from(u16::from_le_bytes([low, high]));
    if version != 0 || length < 8 {
        return Err(rest.stop(Layer::Link, Reason::Malformed));
    }
    let header = rest.sized(saturate(length));
    let padded = radiotap_flags(header.bytes).is_some_and(|flags| flags & FLAG_PADDED != 0);
    *rest = rest.skip_header(Layer::Link, length)?;
    data_frame(rest, padded)
}

/// An 802.11 frame on its own.
pub(super) fn frame(rest: &mut Rest<'_>) -> Step {
    data_frame(rest, false)
}

/// The flags field: first or second in order, behind all words of the presence bitmap.
fn radiotap_flags(header: &[u8]) -> Option<u8> {
    let mut words = header
        .get(4..)?
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
    let present = words.next()?;
    if present & 0b10 == 0 {
        return None;
    }
    let mut at = 8;
    let mut word = present;
    while word & 0x8000_0000 != 0 {
        word = words.next()?;
        at += 4;
    }
    if present & 0b01 != 0 {
        // The timer is eight bytes, aligned to eight from the header's start.
        at = usize::next_multiple_of(at, 8) + 8;
    }
    header.get(at).copied()
}

fn data_frame(rest: &mut Rest<'_>, padded: bool) -> Step {
    let unsupported = Err(rest.stop(Layer::Link, Reason::Unsupported));
    let [kind, flags] = *rest.head::<2>(Layer::Link)?;
    let (version, frame_type, subtype) = (kind & 0b11, kind >> 2 & 0b11, kind >> 4);
    let no_data = subtype & 0b0100 != 0;
    let protected = flags & 0x40 != 0;
    if version != 0 || frame_type != 2 || no_data || protected {
        return unsupported;
    }
    let head = rest.head::<24>(Layer::Link)?;
    let (fragment, more_fragments) = (head[22] & 0x0f, flags & 0x04 != 0);
    if fragment != 0 || more_fragments {
        return unsupported;
    }
    let mut length = 24;
    if flags & 0b11 == 0b11 {
        // To and from the distribution system: a fourth address.
        length += 6;
    }
    if subtype & 0b1000 != 0 {
        let qos = rest.skip_header(Layer::Link, length)?;
        let qos = qos.head::<2>(Layer::Link).map_err(|_| rest.short(Layer::Link, length + 2))?;
        if qos[0] & 0x80 != 0 {
            return unsupported;
        }
        length += 2;
        if flags & 0x80 != 0 {
            length += 4;
        }
    }
    if padded {
        length = length.next_multiple_of(4);
    }
    *rest = rest.skip_header(Layer::Link, length)?;
    Ok(Next::Llc)
}
