//! What a model answers: surprise in bits, and an expectation that a person can read.

use crate::flow::Side;
use crate::time::Span;
use crate::wire::TcpFlags;

/// How surprising one packet was: `-log2 p` by part, each given the parts before it.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Surprise {
    /// Who sent it, with which flags.
    pub side_flags: f32,
    /// How large it was.
    pub size: f32,
    /// When it came; 0 for a connection's first packet.
    pub time: f32,
    /// How random its payload was; 0 where the model does not look.
    pub entropy: f32,
}

impl Surprise {
    /// All parts together, in bits.
    #[must_use]
    pub fn total(&self) -> f32 {
        self.side_flags + self.size + self.time + self.entropy
    }
}

/// What a model expects of the next packet.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Expectation {
    /// The likelier sender.
    pub side: Side,
    /// The likeliest flags.
    pub flags: TcpFlags,
    /// Probability of that side with those flags, 0 to 1.
    pub side_flags_probability: f32,
    /// Payload size given side and flags.
    pub size: SizeRange,
    /// Time from the last packet, given that one comes.
    pub time: TimeRange,
    /// When the expectation counts as missed, from the last packet; never before the asked quantile of
    /// the time.
    pub deadline: Span,
    /// Probability that no further packet comes on this connection, 0 to 1.
    pub nothing_more: f32,
    /// How far the deadline deserves belief, as in [`Deadline`](super::Deadline).
    pub confidence: f32,
}

/// The likeliest payload size in bytes, and the range that holds 90 %.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SizeRange {
    /// 5 % are smaller.
    pub low: u32,
    /// The likeliest.
    pub mode: u32,
    /// 5 % are larger.
    pub high: u32,
}

/// The middle of the time to the next packet, and the range that holds 90 %.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TimeRange {
    /// 5 % come sooner.
    pub low: Span,
    /// Half come sooner.
    pub median: Span,
    /// 5 % come later.
    pub high: Span,
}
