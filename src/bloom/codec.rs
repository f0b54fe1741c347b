//! A counter as bytes, and back from bytes that nobody vouches for.
//!
//! ```text
//! "FSBC" | version u8 | capacity u32 | rate f64 | key id u64 | epoch u64
//!        | window | window before | seal u128
//! window = form u8, length u32, then raw words, or the gaps between set bits as LEB128
//! ```
//!
//! Numbers are little-endian. The seal is a keyed digest of all before it: who lacks the key can
//! neither make a counter nor change one unseen. [`BloomCounter::decode`] takes no more memory than
//! the geometry it was told to expect, whatever the bytes claim.

use std::fmt;

use super::counter::BloomCounter;
use super::geometry::Geometry;
use super::key::SealKey;

const MAGIC: &[u8; 4] = b"FSBC";
const VERSION: u8 = 1;
const SEAL: usize = 16;

const RAW: u8 = 0;
const GAPS: u8 = 1;

/// Why bytes are not a counter that can be taken.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum DecodeError {
    /// They end before the counter does, or go on after it.
    Length,
    /// They do not begin as a counter does.
    Magic,
    /// Another version of the form.
    Version(u8),
    /// Another federation's key.
    Key(u64),
    /// The seal does not fit: changed, damaged, or made without the key.
    Seal,
    /// Other sizes than expected.
    Geometry {
        /// The capacity it says.
        capacity: u32,
        /// The false-positive rate it says.
        rate: f64,
    },
    /// Sealed, and still no windows of a counter.
    Window,
}

impl DecodeError {
    /// The name used in logs and counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::Magic => "magic",
            Self::Version(_) => "version",
            Self::Key(_) => "key",
            Self::Seal => "seal",
            Self::Geometry { .. } => "geometry",
            Self::Window => "window",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("a counter that is cut short or too long"),
            Self::Magic => f.write_str("expected a counter, got other bytes"),
            Self::Version(version) => {
                write!(f, "expected a counter of version {VERSION}, got version {version}")
            }
            Self::Key(id) => write!(f, "a counter of another federation key, {id:016x}"),
            Self::Seal => f.write_str("a counter whose seal does not fit its content"),
            Self::Geometry { capacity, rate } => {
                write!(f, "a counter of other sizes: capacity {capacity}, rate {rate}")
            }
            Self::Window => f.write_str("a counter with windows that are none"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl BloomCounter {
    /// The counter as bytes, sealed under the key it hashes with.
    #[must_use]
    pub fn encode(&self, key: &SealKey) -> Vec<u8> {
        let geometry = self.geometry();
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&geometry.capacity().to_le_bytes());
        bytes.extend_from_slice(&geometry.rate().to_le_bytes());
        bytes.extend_from_slice(&self.key_id().to_le_bytes());
        bytes.extend_from_slice(&self.epoch().to_le_bytes());
        for words in self.words() {
            write_window(&mut bytes, words);
        }
        let seal = key.seal(&bytes);
        bytes.extend_from_slice(&seal.to_le_bytes());
        bytes
    }

    /// The counter that `bytes` hold, if it is one of this federation and of these sizes.
    ///
    /// # Errors
    ///
    /// Whatever does not fit; nothing is taken over then.
    pub fn decode(bytes: &[u8], geometry: Geometry, key: &SealKey) -> Result<Self, DecodeError> {
        let mut reader = Reader(bytes);
        if reader.take()? != *MAGIC {
            return Err(DecodeError::Magic);
        }
        let [version] = reader.take()?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let capacity = u32::from_le_bytes(reader.take()?);
        let rate = f64::from_le_bytes(reader.take()?);
        let id = u64::from_le_bytes(reader.take()?);
        if id != key.id() {
            return Err(DecodeError::Key(id));
        }
        let (content, seal) = bytes.split_last_chunk::<SEAL>().ok_or(DecodeError::Length)?;
        if key.seal(content).to_le_bytes() != *seal {
            return Err(DecodeError::Seal);
        }
        if capacity != geometry.capacity() || rate != geometry.rate() {
            return Err(DecodeError::Geometry { capacity, rate });
        }
        let epoch = u64::from_le_bytes(reader.take()?);
        let windows = [read_window(&mut reader, geometry)?, read_window(&mut reader, geometry)?];
        if reader.0.len() != SEAL {
            return Err(DecodeError::Length);
        }
        Ok(Self::from_parts(geometry, id, epoch, windows))
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(DecodeError::Length)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn take_slice(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(DecodeError::Length)?;
        self.0 = rest;
        Ok(taken)
    }
}

/// Writes a window in the shorter of its two forms.
fn write_window(bytes: &mut Vec<u8>, words: &[u64]) {
    let form = bytes.len();
    bytes.extend_from_slice(&[GAPS, 0, 0, 0, 0]);
    let content = bytes.len();
    let raw = words.len() * 8;
    let mut last = 0;
    for bit in set_bits(words) {
        write_leb128(bytes, bit - last);
        last = bit;
        if bytes.len() - content >= raw {
            bytes.truncate(content);
            bytes[form] = RAW;
            bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
            break;
        }
    }
    // A geometry's largest window is below 4 GiB.
    let length = u32::try_from(bytes.len() - content).unwrap_or(u32::MAX);
    bytes[form + 1..content].copy_from_slice(&length.to_le_bytes());
}

fn read_window(reader: &mut Reader<'_>, geometry: Geometry) -> Result<Box<[u64]>, DecodeError> {
    let [form] = reader.take()?;
    let length = u32::from_le_bytes(reader.take()?) as usize;
    let mut content = Reader(reader.take_slice(length)?);
    let mut words = vec![0_u64; geometry.words()].into_boxed_slice();
    match form {
        RAW if length == words.len() * 8 => {
            for word in &mut words {
                *word = u64::from_le_bytes(content.take()?);
            }
        }
        GAPS => {
            let mut bit = 0_u64;
            while !content.0.is_empty() {
                bit = bit.checked_add(read_leb128(&mut content)?).ok_or(DecodeError::Window)?;
                let word = words.get_mut((bit / 64) as usize).ok_or(DecodeError::Window)?;
                *word |= 1 << (bit % 64);
            }
        }
        _ => return Err(DecodeError::Window),
    }
    Ok(words)
}

/// The numbers of the bits that are set, ascending.
fn set_bits(words: &[u64]) -> impl Iterator<Item = u64> {
    words.iter().zip(0_u64..).flat_map(|(&word, index)| {
        let mut left = word;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(index * 64 + u64::from(bit))
        })
    })
}

fn write_leb128(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn read_leb128(reader: &mut Reader<'_>) -> Result<u64, DecodeError> {
    let mut value = 0_u64;
    for shift in (0..63).step_by(7) {
        let [byte] = reader.take()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(DecodeError::Window)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::key::FederationKey;
    use super::*;

    const KEY: FederationKey = FederationKey::new([3; 16]);

    fn geometry() -> Geometry {
        Geometry::new(100, 0.01).unwrap()
    }

    fn filled(elements: &[u32], rotations: usize) -> BloomCounter {
        let mut counter = BloomCounter::new(geometry(), &KEY);
        for part in elements.chunks(elements.len().max(1).div_ceil(rotations + 1)) {
            counter.rotate();
            for number in part {
                counter.insert(KEY.element(&number.to_le_bytes()));
            }
        }
        counter
    }

    fn decode(bytes: &[u8]) -> Result<BloomCounter, DecodeError> {
        BloomCounter::decode(bytes, geometry(), &KEY.seal_key())
    }

    /// Puts a fitting seal under changed content.
    fn sealed(mut content: Vec<u8>) -> Vec<u8> {
        let seal = KEY.seal_key().seal(&content);
        content.extend_from_slice(&seal.to_le_bytes());
        content
    }

    #[test]
    fn an_empty_counter_is_small_and_a_full_one_no_larger_than_its_bits() {
        let empty = BloomCounter::new(geometry(), &KEY);
        assert_eq!(empty.encode(&KEY.seal_key()).len(), 59);
        let full = filled(&(0..5_000).collect::<Vec<_>>(), 1);
        assert_eq!(full.encode(&KEY.seal_key()).len(), 59 + full.memory());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let bytes = filled(&[1, 2, 3], 0).encode(&KEY.seal_key());
        let foreign = FederationKey::new([4; 16]);
        let refused = BloomCounter::decode(&bytes, geometry(), &foreign.seal_key());
        assert_eq!(refused, Err(DecodeError::Key(KEY.id())));
        let other = Geometry::new(200, 0.01).unwrap();
        let refused = BloomCounter::decode(&bytes, other, &KEY.seal_key());
        assert_eq!(refused, Err(DecodeError::Geometry { capacity: 100, rate: 0.01 }));
        let mut newer = bytes.clone();
        newer[4] = 2;
        assert_eq!(decode(&newer), Err(DecodeError::Version(2)));
        assert_eq!(decode(b"GIF89a"), Err(DecodeError::Magic));
        assert_eq!(decode(&[]), Err(DecodeError::Length));
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(decode(&longer), Err(DecodeError::Seal));
    }

    #[test]
    fn sealed_nonsense_is_refused_without_taking_memory_for_it() {
        let bytes = filled(&[1, 2, 3], 0).encode(&KEY.seal_key());
        let head = &bytes[..33];
        let window = |form: u8, content: &[u8]| {
            let length = (content.len() as u32).to_le_bytes();
            [&[form][..], &length, content].concat()
        };
        let beyond = window(GAPS, &[0xff, 0xff, 0xff, 0xff, 0x7f]);
        let endless = window(GAPS, &[0xff; 20]);
        let unknown = window(9, &[]);
        let short = window(RAW, &[0; 8]);
        for content in [beyond, endless, unknown, short] {
            let refused = decode(&sealed([head, &content[..], &window(GAPS, &[])].concat()));
            assert_eq!(refused, Err(DecodeError::Window), "{content:?}");
        }
        let claimed = sealed([head, &[GAPS, 0xff, 0xff, 0xff, 0xff]].concat());
        assert_eq!(decode(&claimed), Err(DecodeError::Length));
    }

    proptest! {
        #[test]
        fn a_counter_comes_back_as_it_was(elements in vec(any::<u32>(), 0..300), rotations in 0..3_usize) {
            let counter = filled(&elements, rotations);
            prop_assert_eq!(decode(&counter.encode(&KEY.seal_key())), Ok(counter));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes).is_err());
            let _ = decode(&sealed([&MAGIC[..], &[VERSION], &bytes].concat()));
        }

        #[test]
        fn one_changed_byte_is_noticed(at in any::<prop::sample::Index>(), by in 1..=255_u8) {
            let mut bytes = filled(&[1, 2, 3], 0).encode(&KEY.seal_key());
            let at = at.index(bytes.len());
            bytes[at] ^= by;
            prop_assert!(decode(&bytes).is_err());
        }
    }
}
