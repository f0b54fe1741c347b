//! Numbers in bytes, little-endian, and back; whatever the bytes are, reading them can't fail badly.

use crate::time::Timestamp;
use crate::wire::Address;

/// Appends numbers.
pub(crate) trait Write {
    fn put(&mut self, bytes: &[u8]);

    fn u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    fn u16(&mut self, value: u16) {
        self.put(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.put(&value.to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    fn f32(&mut self, value: f32) {
        self.put(&value.to_le_bytes());
    }

    fn f64(&mut self, value: f64) {
        self.put(&value.to_le_bytes());
    }

    fn time(&mut self, value: Timestamp) {
        self.put(&value.nanos().to_le_bytes());
    }

    fn address(&mut self, value: Address) {
        self.put(value.bytes());
    }

    /// Text, of which at most 255 bytes are kept.
    fn text(&mut self, value: &str) {
        let kept = &value.as_bytes()[..value.len().min(usize::from(u8::MAX))];
        self.u8(kept.len() as u8);
        self.put(kept);
    }
}

impl Write for Vec<u8> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Writes from the front on; what there is no room for is dropped.
impl Write for &mut [u8] {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let (to, rest) = std::mem::take(self).split_at_mut_checked(bytes.len()).unwrap_or_default();
        if to.len() == bytes.len() {
            to.copy_from_slice(bytes);
        }
        *self = rest;
    }
}

/// Takes numbers from the front; `None` once there are too few bytes.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number that is one.
    pub(crate) fn f64(&mut self) -> Option<f64> {
        self.u64().map(f64::from_bits).filter(|value| value.is_finite())
    }

    pub(crate) fn time(&mut self) -> Option<Timestamp> {
        self.u64().map(|nanos| Timestamp::from_nanos(nanos.cast_signed()))
    }

    pub(crate) fn address(&mut self) -> Option<Address> {
        self.array().map(Address::v6)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let len = usize::from(self.u8()?);
        std::str::from_utf8(self.bytes(len)?).ok()
    }

    /// How many things of `size` bytes follow, if so many can.
    pub(crate) fn count(&mut self, size: usize) -> Option<usize> {
        let count = usize::try_from(self.u32()?).ok()?;
        (count.checked_mul(size)? <= self.0.len()).then_some(count)
    }

    /// `value`, if nothing follows any more.
    pub(crate) fn end<T>(&self, value: T) -> Option<T> {
        self.0.is_empty().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_and_no_more() {
        let mut bytes = Vec::new();
        bytes.u8(1);
        bytes.u16(2);
        bytes.u32(3);
        bytes.u64(4);
        bytes.f64(0.5);
        bytes.text("six");
        bytes.time(Timestamp::from_nanos(-7));
        bytes.address(Address::v4([8; 4]));
        let mut from = Reader(&bytes);
        assert_eq!((from.u8(), from.u16(), from.u32()), (Some(1), Some(2), Some(3)));
        assert_eq!((from.u64(), from.f64(), from.text()), (Some(4), Some(0.5), Some("six")));
        assert_eq!(from.time().map(Timestamp::nanos), Some(-7));
        assert_eq!(from.end(()), None);
        assert_eq!((from.address(), from.u8()), (Some(Address::v4([8; 4])), None));
        assert_eq!(from.end(()), Some(()));
    }

    #[test]
    fn counts_and_numbers_that_can_t_be_are_none() {
        assert_eq!(Reader(&[255; 4]).count(1), None);
        assert_eq!(Reader(&[2, 0, 0, 0, 9, 9]).count(1), Some(2));
        assert_eq!(Reader(&f64::NAN.to_le_bytes()).f64(), None);
        assert_eq!(Reader(&[3, 0xff, 0xff, 0xff]).text(), None);
    }

    #[test]
    fn a_slice_takes_what_there_is_room_for() {
        let mut room = [0; 5];
        let mut to = &mut room[..];
        to.u32(u32::MAX);
        to.u16(7);
        assert_eq!(room, [255, 255, 255, 255, 0]);
    }
}
