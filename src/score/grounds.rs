//! What a finding is made of, beside what spoke loudest: its terms in bits, what was expected of the
//! same count, and how much was seen for that to be known.

use crate::model::{Expectation, PacketFacts, Surprise};

/// Terms that a finding names, the largest first.
pub const TERMS: usize = 3;

/// What a part of the evidence is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum TermKind {
    /// A connection's packets, one after the other, its beginning included.
    Packets = 1,
    /// Of these, what the connection's beginning was worth: ends or a service that are new here.
    Beginning = 2,
    /// The bet on a connection's rarest packet alone.
    Rarest = 3,
    /// The bet on what a connection carries.
    Volume = 4,
    /// An endpoint's counts of this minute.
    Minute = 5,
    /// An endpoint's minutes before.
    Before = 6,
    /// First meetings that came to nothing.
    Failures = 7,
}

impl TermKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Packets,
        Self::Beginning,
        Self::Rarest,
        Self::Volume,
        Self::Minute,
        Self::Before,
        Self::Failures,
    ];

    /// The name used in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packets => "packets",
            Self::Beginning => "beginning",
            Self::Rarest => "rarest",
            Self::Volume => "volume",
            Self::Minute => "minute",
            Self::Before => "before",
            Self::Failures => "failures",
        }
    }
}

/// A part of the evidence.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Term {
    /// What it is about.
    pub kind: TermKind,
    /// How much it speaks against the ordinary, in bits.
    pub bits: f32,
}

/// A count as it usually is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CountRange {
    /// 5 % are smaller.
    pub low: u32,
    /// Half are smaller.
    pub median: u32,
    /// 5 % are larger.
    pub high: u32,
}

/// What a finding is made of.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Grounds {
    /// What speaks against the ordinary, the largest first; they stand side by side and do not add up.
    pub terms: [Option<Term>; TERMS],
    /// Where something was counted: how many were expected.
    pub expected: Option<CountRange>,
    /// Connections, or minutes of endpoints, seen here so far: what `share` rests on.
    pub known: u32,
}

impl Grounds {
    /// Of these terms those that speak against the ordinary, the largest first.
    pub(super) fn of<const N: usize>(
        mut terms: [(TermKind, f32); N],
        expected: Option<CountRange>,
        known: f64,
    ) -> Self {
        terms.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut grounds = Self { terms: [None; TERMS], expected, known: known as u32 };
        let against = terms.into_iter().filter(|(_, bits)| *bits > 0.0);
        for (place, (kind, bits)) in grounds.terms.iter_mut().zip(against) {
            *place = Some(Term { kind, bits });
        }
        grounds
    }
}

/// The packet that tipped a connection over: what was expected of it and what came.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tipping {
    /// Its surprise by part.
    pub surprise: Surprise,
    /// The same as it counts, by `score.weight_*`.
    pub counted: Surprise,
    /// What was expected before it came.
    pub expected: Expectation,
    /// What came.
    pub seen: PacketFacts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_terms_come_first_and_what_speaks_for_the_ordinary_is_no_term() {
        let grounds = Grounds::of(
            [
                (TermKind::Packets, 3.0),
                (TermKind::Beginning, -1.0),
                (TermKind::Rarest, 9.0),
                (TermKind::Volume, f32::NEG_INFINITY),
            ],
            None,
            12.0,
        );
        let kinds: Vec<_> = grounds.terms.iter().flatten().map(|term| term.kind).collect();
        assert_eq!(kinds, [TermKind::Rarest, TermKind::Packets]);
        assert_eq!(grounds.known, 12);
    }
}
