//! A snapshot as the bytes of a file, and back.
//!
//! ```text
//! "FSSTORE\0" | version u32 | parts u32
//! for each part:  name (length u8, text) | length u64 | blocks
//! for each block of at most 1 MiB:  packed length u32 | LZ4 block
//! checksum u64 of all before it
//! ```
//!
//! All numbers are little-endian. The checksum is looked at before anything else is believed; it finds
//! accidents, not forgery, so that what follows is checked as well.

use std::fmt;

use crate::bytes::{Reader, Write};
use crate::kept::Snapshot;

const MAGIC: &[u8; 8] = b"FSSTORE\0";
const VERSION: u32 = 1;
const BLOCK: usize = 1 << 20;
/// LZ4 packs no better than this.
const MOST_PACKED: u64 = 255;

/// What is wrong with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Damage {
    /// It does not begin as a store does.
    NotAStore,
    /// It is of a version that this program does not read.
    Version(u32),
    /// It was cut off or changed.
    Checksum,
    /// Its checksum fits, but it is not what any version writes.
    Content,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAStore => f.write_str("this is not a store of Foreshadow"),
            Self::Version(version) => {
                write!(f, "a store of version {version}, but this program reads version {VERSION}")
            }
            Self::Checksum => f.write_str("damaged: its checksum does not fit its content"),
            Self::Content => f.write_str("damaged: its content makes no sense"),
        }
    }
}

impl std::error::Error for Damage {}

/// The bytes of a file that holds `snapshot`.
#[must_use]
pub fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let mut to = Vec::new();
    to.put(MAGIC);
    to.u32(VERSION);
    to.u32(snapshot.parts().len() as u32);
    for part in snapshot.parts() {
        to.text(&part.name);
        to.u64(part.bytes.len() as u64);
        for block in part.bytes.chunks(BLOCK) {
            let packed = lz4_flex::block::compress(block);
            to.u32(packed.len() as u32);
            to.put(&packed);
        }
    }
    let sum = checksum(&to);
    to.u64(sum);
    to
}

/// What a file holds.
///
/// # Errors
/// When it is not exactly what [`encode`] writes.
pub fn decode(file: &[u8]) -> Result<Snapshot, Damage> {
    if !file.starts_with(MAGIC) {
        return Err(Damage::NotAStore);
    }
    let (content, sum) = file.split_last_chunk().ok_or(Damage::Checksum)?;
    let mut from = Reader(&file[MAGIC.len()..]);
    // The version comes first: another one may have its checksum elsewhere.
    let version = from.u32().ok_or(Damage::Checksum)?;
    if version != VERSION {
        return Err(Damage::Version(version));
    }
    if checksum(content) != u64::from_le_bytes(*sum) {
        return Err(Damage::Checksum);
    }
    parts(content.get(MAGIC.len() + 4..).unwrap_or_default()).ok_or(Damage::Content)
}

fn parts(content: &[u8]) -> Option<Snapshot> {
    let mut from = Reader(content);
    let mut snapshot = Snapshot::default();
    for _ in 0..from.u32()? {
        let name = from.text()?;
        let len = from.u64()?;
        if len > from.0.len() as u64 * MOST_PACKED || snapshot.get(name).is_some() {
            return None;
        }
        let mut bytes = Vec::with_capacity(len as usize);
        while (bytes.len() as u64) < len {
            let block = BLOCK.min(len as usize - bytes.len());
            let packed = from.u32()? as usize;
            let block_bytes = lz4_flex::block::decompress(from.bytes(packed)?, block).ok()?;
            if block_bytes.len() != block {
                return None;
            }
            bytes.extend(block_bytes);
        }
        snapshot.put(name, bytes);
    }
    from.end(snapshot)
}

/// Eight bytes at a time, each multiplied into what came before. Not for forgers.
fn checksum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().chain(std::iter::once(&last));
    words.fold(bytes.len() as u64, |sum, word| {
        let product = u128::from(sum ^ u64::from_le_bytes(*word) ^ 0xa076_1d64_78bd_642f)
            * 0xe703_7ed1_a0b4_28db;
        (product >> 64) as u64 ^ product as u64
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn snapshot() -> Snapshot {
        let mut snapshot = Snapshot::default();
        snapshot.put("numbers", (0..5_000_u32).flat_map(|n| (n / 7).to_le_bytes()).collect());
        snapshot.put("nothing", Vec::new());
        snapshot.put("large", vec![7; 2 * BLOCK + 3]);
        snapshot
    }

    /// The content under a checksum that fits.
    fn forged(mut content: Vec<u8>) -> Vec<u8> {
        let sum = checksum(&content);
        content.u64(sum);
        content
    }

    #[test]
    fn what_was_written_is_read() {
        let file = encode(&snapshot());
        assert!(file.len() < 50_000, "{} bytes: not packed", file.len());
        assert_eq!(decode(&file), Ok(snapshot()));
    }

    #[test]
    fn a_file_cut_off_anywhere_is_refused() {
        let file = encode(&snapshot());
        for end in (0..file.len()).filter(|end| *end < 64 || end % 997 == 0) {
            assert!(decode(&file[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(decode(b""), Err(Damage::NotAStore));
        assert_eq!(decode(b"SQLite format 3\0"), Err(Damage::NotAStore));
        assert_eq!(decode(b"FSSTORE\0\x02\0\0\0ABCDEFGH"), Err(Damage::Version(2)));
        let file = encode(&snapshot());
        assert_eq!(decode(&[&file[..], b"x"].concat()), Err(Damage::Checksum));
    }

    #[test]
    fn a_length_that_no_packing_gives_takes_no_memory() {
        let mut content = encode(&Snapshot::default())[..12].to_vec();
        content.u32(1);
        content.text("model");
        content.u64(u64::MAX / 2);
        assert_eq!(decode(&forged(content)), Err(Damage::Content));
    }

    proptest! {
        #[test]
        fn a_file_with_any_byte_changed_is_refused(at in any::<prop::sample::Index>(), by in 1..=255_u8) {
            let mut file = encode(&snapshot());
            let at = at.index(file.len());
            file[at] ^= by;
            prop_assert!(decode(&file).is_err());
        }

        #[test]
        fn forged_content_is_a_snapshot_or_refused(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            extra in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let file = encode(&snapshot());
            let mut content = file[..file.len() - 8].to_vec();
            for (at, to) in changes {
                let at = at.index(content.len());
                content[at] = to;
            }
            content.extend(extra);
            let _ = decode(&forged(content));
        }

        #[test]
        fn any_bytes_behind_a_head_are_a_snapshot_or_refused(rest in prop::collection::vec(any::<u8>(), 0..300)) {
            let content = [&encode(&Snapshot::default())[..12], &rest].concat();
            let _ = decode(&forged(content));
        }
    }
}
