//! The parts of a packet's surprise, and what each of them weighs.

use crate::model::Surprise;

/// What the forecast's bits count beside those of the site's habits: a forecast that learns fast
/// soon expects what an attack does over and over.
const FORECAST: f32 = 0.3;

/// How many parts there are.
pub(super) const PARTS: usize = 4;

/// A part of a packet's surprise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Part {
    /// Who sent it, with which flags.
    SideFlags = 0,
    /// Its size.
    Size = 1,
    /// Its time.
    Time = 2,
    /// How random its payload was.
    Entropy = 3,
}

impl Part {
    /// All of them, in the order in which the forecast is chained.
    pub const ALL: [Self; PARTS] = [Self::SideFlags, Self::Size, Self::Time, Self::Entropy];

    /// The name used in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SideFlags => "side_flags",
            Self::Size => "size",
            Self::Time => "time",
            Self::Entropy => "entropy",
        }
    }
}

/// The bits of each part.
pub(super) fn bits(surprise: &Surprise) -> [f32; PARTS] {
    [surprise.side_flags, surprise.size, surprise.time, surprise.entropy]
}

/// What a bit of each part counts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Weights {
    /// By part, in the order of [`Part::ALL`].
    pub parts: [f32; PARTS],
    /// Of what departs from the profile of an endpoint or a service.
    pub profile: f32,
}

impl Default for Weights {
    fn default() -> Self {
        Self { parts: [1.0; PARTS], profile: 1.0 }
    }
}

impl Weights {
    /// A packet's surprise as it counts, by part; `site` is how much side and flags surprise the site.
    #[inline]
    pub(super) fn counted(&self, surprise: &Surprise, site: f32) -> Surprise {
        let [side_flags, size, time, entropy] = self.parts;
        Surprise {
            side_flags: (surprise.side_flags * FORECAST + site) * side_flags,
            size: surprise.size * FORECAST * size,
            time: surprise.time * FORECAST * time,
            entropy: surprise.entropy * FORECAST * entropy,
        }
    }
}
