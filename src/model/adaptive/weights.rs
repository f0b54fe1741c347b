//! What ships with the adaptive part: how a mixer weighs its inputs before it has seen this site.
//!
//! The file, little-endian: 8 bytes of magic, a version (u32), the hash of the layout the weights
//! belong to (u64), the numbers (f32), and a hash of all that came before (u64). docs/forecast.md says
//! how the shipped one was made.

use std::fmt;

use super::context::LAYOUT;
use super::line::Line;
use super::tree::Head;

/// Inputs of a mixer: the prior, a constant, and the contexts.
pub(super) const INPUTS: usize = 8;
/// Points of a final correction, over -8 to 8 in ln-odds.
pub(super) const POINTS: usize = 33;
/// Candidates for an exact size, and steps of how often one came in a row.
pub(super) const CANDIDATES: usize = 8;
pub(super) const RUNS: usize = 16;
/// Bumps of a time within its octave, the uniform one included, and steps of how often it was right.
pub(super) const BUMPS: usize = 4;
pub(super) const HITS: usize = 16;

/// The weights that are in force when no file is named.
static SHIPPED: &[u8] = include_bytes!("../../../models/adaptive.mixer");

const MAGIC: &[u8; 8] = b"FSADAPT\0";
const VERSION: u32 = 1;
const HEADER: usize = 20;
const HASH: usize = 8;
const NUMBERS: usize = size_of::<Weights>() / size_of::<f32>();

/// All numbers of the adaptive part that do not belong to a context.
#[derive(Clone, PartialEq, Debug)]
#[repr(C)]
pub(super) struct Weights {
    /// By head, input and confidence; these stay as they are.
    pub(super) confidence: [[[f32; 16]; INPUTS]; Head::COUNT],
    /// By head, node and input; these learn on line.
    pub(super) node: [[[f32; INPUTS]; Line::SLOTS]; Head::COUNT],
    /// By head and node: what a mixed probability turned out to be.
    pub(super) correction: [[[f32; POINTS]; Line::SLOTS]; Head::COUNT],
    /// By candidate and run: how likely the size is exactly this one.
    pub(super) equal: [[f32; RUNS]; CANDIDATES],
    /// By hits: how much of a time lies under each bump.
    pub(super) bumps: [[f32; BUMPS]; HITS],
}

/// Why a file of weights can't be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum WeightsError {
    /// It does not begin as such a file does.
    NotWeights,
    /// It is of a version that this program does not read.
    Version(u32),
    /// It belongs to other contexts than this program's.
    Layout {
        /// The hash of this program's.
        expected: u64,
        /// The hash in the file.
        found: u64,
    },
    /// It is too short or too long.
    Length {
        /// Bytes it should have.
        expected: usize,
        /// Bytes it has.
        found: usize,
    },
    /// Its content is not what was written.
    Damaged,
    /// A number is out of the range that any training gives.
    OutOfRange,
}

impl fmt::Display for WeightsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWeights => f.write_str("not a file of adaptive weights"),
            Self::Version(version) => {
                write!(f, "of version {version}, but this program reads version {VERSION}")
            }
            Self::Layout { expected, found } => write!(
                f,
                "made for other contexts ({found:016x}) than this program has ({expected:016x})"
            ),
            Self::Length { expected, found } => {
                write!(f, "{found} bytes long, but {expected} are needed")
            }
            Self::Damaged => f.write_str("damaged: its hash does not fit its content"),
            Self::OutOfRange => f.write_str("unusable: it holds a number that no training gives"),
        }
    }
}

impl std::error::Error for WeightsError {}

impl Weights {
    /// The weights that ship.
    pub(super) fn shipped() -> Box<Self> {
        Self::read(SHIPPED).expect("a test reads them")
    }

    /// Reads a file of weights.
    pub(super) fn read(file: &[u8]) -> Result<Box<Self>, WeightsError> {
        let expected = HEADER + NUMBERS * size_of::<f32>() + HASH;
        let length = WeightsError::Length { expected, found: file.len() };
        let Some(rest) = file.strip_prefix(MAGIC) else { return Err(WeightsError::NotWeights) };
        let (version, rest) = rest.split_first_chunk().ok_or(length)?;
        let version = u32::from_le_bytes(*version);
        if version != VERSION {
            return Err(WeightsError::Version(version));
        }
        let (layout, rest) = rest.split_first_chunk().ok_or(length)?;
        let (expected, found) = (layout_hash(), u64::from_le_bytes(*layout));
        if expected != found {
            return Err(WeightsError::Layout { expected, found });
        }
        let (numbers, hash) = rest.split_last_chunk().ok_or(length)?;
        if numbers.len() != NUMBERS * size_of::<f32>() {
            return Err(length);
        }
        if fnv(&file[..file.len() - HASH]) != u64::from_le_bytes(*hash) {
            return Err(WeightsError::Damaged);
        }
        let (numbers, _) = numbers.as_chunks();
        Self::of(&mut numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)))
    }

    /// Weights from numbers in the order of the fields.
    fn of(numbers: &mut dyn Iterator<Item = f32>) -> Result<Box<Self>, WeightsError> {
        let mut weights = Box::new(Self {
            confidence: [[[0.0; 16]; INPUTS]; Head::COUNT],
            node: [[[0.0; INPUTS]; Line::SLOTS]; Head::COUNT],
            correction: [[[0.0; POINTS]; Line::SLOTS]; Head::COUNT],
            equal: [[0.0; RUNS]; CANDIDATES],
            bumps: [[0.0; BUMPS]; HITS],
        });
        let mut fill = |places: &mut [f32], range: std::ops::RangeInclusive<f32>| {
            for (place, number) in places.iter_mut().zip(&mut *numbers) {
                if !range.contains(&number) {
                    return Err(WeightsError::OutOfRange);
                }
                *place = number;
            }
            Ok(())
        };
        fill(weights.confidence.as_flattened_mut().as_flattened_mut(), -64.0..=64.0)?;
        fill(weights.node.as_flattened_mut().as_flattened_mut(), -64.0..=64.0)?;
        fill(weights.correction.as_flattened_mut().as_flattened_mut(), 0.0..=1.0)?;
        fill(weights.equal.as_flattened_mut(), 0.0..=1.0)?;
        fill(weights.bumps.as_flattened_mut(), 0.0..=1.0)?;
        Ok(weights)
    }
}

/// What a file of weights must name: everything the order and meaning of its numbers hang on.
fn layout_hash() -> u64 {
    fnv(LAYOUT.as_bytes())
}

/// FNV-1a.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shipped file with some bytes changed, and its hash made to fit again.
    fn changed(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut file = SHIPPED.to_vec();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        let end = file.len() - HASH;
        let hash = fnv(&file[..end]);
        file[end..].copy_from_slice(&hash.to_le_bytes());
        file
    }

    #[test]
    fn the_shipped_weights_can_be_read() {
        let expected = layout_hash();
        assert_eq!(Weights::read(SHIPPED).map(|_| ()), Ok(()), "layout {expected:#018x}");
    }

    #[test]
    fn a_file_that_is_not_right_is_one_clear_error() {
        let error = |file: &[u8]| Weights::read(file).map(|_| ()).unwrap_err();
        assert_eq!(error(b""), WeightsError::NotWeights);
        assert_eq!(error(b"FSADAPT"), WeightsError::NotWeights);
        assert_eq!(error(&changed(8, &[9])), WeightsError::Version(9));
        assert!(matches!(error(&changed(12, &[0; 8])), WeightsError::Layout { found: 0, .. }));
        assert_eq!(error(&changed(HEADER, &f32::NAN.to_le_bytes())), WeightsError::OutOfRange);
        assert_eq!(error(&changed(HEADER, &1e9_f32.to_le_bytes())), WeightsError::OutOfRange);
        let mut damaged = SHIPPED.to_vec();
        damaged[5_000] ^= 1;
        assert_eq!(error(&damaged), WeightsError::Damaged);
        let longer = [SHIPPED, &[0]].concat();
        assert!(matches!(error(&longer), WeightsError::Length { .. }));
    }

    #[test]
    fn no_prefix_of_a_file_is_taken_for_one() {
        for end in (0..SHIPPED.len()).step_by(97).chain(0..64) {
            assert!(Weights::read(&SHIPPED[..end]).is_err(), "{end}");
        }
    }
}
