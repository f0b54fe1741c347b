//! Why a blob is not taken, and how often each was so.

use std::fmt;

use crate::bloom::DecodeError;

/// Why a blob is refused.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// More bytes than any blob may have, too few, or some left over.
    Length,
    /// It does not begin as it should.
    Magic,
    /// Another version of the form.
    Version(u8),
    /// Another federation's key.
    Key(u64),
    /// The seal does not fit: changed, damaged, or made without the key.
    Seal,
    /// Other categories, intervals or windows than ours.
    Terms,
    /// A counter in it that can't be taken.
    Counter(DecodeError),
    /// Sealed, and still out of bounds: which part.
    Content(&'static str),
    /// A round that has not come yet, further ahead than clocks may differ.
    Early,
    /// Windows that are over.
    Late,
    /// More sensors than there may be.
    Sensors,
    /// More targets of one sensor than there may be.
    Targets,
    /// Sent under another sensor's name.
    Sender,
}

impl Refusal {
    /// Every name, in the order in which they are counted.
    pub const NAMES: [&str; 13] = [
        "length", "magic", "version", "key", "seal", "terms", "counter", "content", "early",
        "late", "sensors", "targets", "sender",
    ];

    const fn number(self) -> usize {
        match self {
            Self::Length => 0,
            Self::Magic => 1,
            Self::Version(_) => 2,
            Self::Key(_) => 3,
            Self::Seal => 4,
            Self::Terms => 5,
            Self::Counter(_) => 6,
            Self::Content(_) => 7,
            Self::Early => 8,
            Self::Late => 9,
            Self::Sensors => 10,
            Self::Targets => 11,
            Self::Sender => 12,
        }
    }

    /// The name used in logs and counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self.number()]
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("a blob that is too long, cut short, or goes on after its end"),
            Self::Magic => f.write_str("expected a blob of a federation, got other bytes"),
            Self::Version(version) => write!(f, "a blob of version {version}, which is unknown"),
            Self::Key(id) => write!(f, "a blob of another federation key, {id:016x}"),
            Self::Seal => f.write_str("a blob whose seal does not fit its content"),
            Self::Terms => f.write_str(
                "a blob of other terms: categories, bloom.interval and bloom.window must be the same everywhere",
            ),
            Self::Counter(error) => write!(f, "a blob with {error}"),
            Self::Content(part) => write!(f, "a sealed blob whose {part} is out of bounds"),
            Self::Early => f.write_str("a blob of a round that has not come yet"),
            Self::Late => f.write_str("a blob of windows that are over"),
            Self::Sensors => f.write_str("a blob of one sensor more than there may be"),
            Self::Targets => f.write_str("a blob with more targets than one sensor may have"),
            Self::Sender => f.write_str("a blob under another sensor's name"),
        }
    }
}

impl std::error::Error for Refusal {}

/// How many blobs were refused, by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Refused([u64; Refusal::NAMES.len()]);

impl Refused {
    /// None yet.
    pub const NONE: Self = Self([0; Refusal::NAMES.len()]);

    /// One more.
    pub fn count(&mut self, refusal: Refusal) {
        self.0[refusal.number()] += 1;
    }

    /// All together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Every name with its count.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Refusal::NAMES.into_iter().zip(self.0)
    }
}
