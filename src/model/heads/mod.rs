//! A forecast to be read: the distributions of a connection's next packet, whole and normalised.
//!
//! A model makes a [`Forecast`] when somebody asks for one; scoring and deadlines never need it whole
//! and work out only what they are asked. Each part can be asked for its mean, mode, quantiles and
//! for the probability of a value, and sums to one.
//!
//! The parts are a chain: side and flags; given these the size; given both the payload's entropy.
//! [`Waits`] stands beside it: when the next packet comes, whatever it will be.
//!
//! What it does not do: forecast. It holds numbers that a model put in.

mod sizes;
mod waits;

pub use sizes::{Piece, Sizes};
pub use waits::Waits;

use super::FlagClass;
use super::discretise::{self, SIDE_FLAGS};
use super::schema::ENTROPIES;
use crate::flow::Side;

/// What a model expects of the next packet.
#[derive(Clone, PartialEq, Debug)]
pub struct Forecast {
    /// Who sends, with which flags.
    pub side_flags: SideFlags,
    /// The side and flags that `size` and `entropy` are given.
    pub given: (Side, FlagClass),
    /// The payload's length.
    pub size: Sizes,
    /// The entropy of the payload's first bytes by half bits a byte, if it has enough of them, given
    /// also the likeliest length.
    pub entropy: [f32; ENTROPIES],
    /// The time from the last packet, given that one comes.
    pub wait: Waits,
    /// Probability that no further packet comes.
    pub nothing_more: f32,
}

/// Probabilities of who sends, with flags of which class.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SideFlags([f32; SIDE_FLAGS]);

impl SideFlags {
    /// Probabilities by the symbols of [`discretise`], which sum to one.
    pub(super) const fn new(probabilities: [f32; SIDE_FLAGS]) -> Self {
        Self(probabilities)
    }

    /// By symbol of [`discretise`].
    #[must_use]
    pub const fn all(&self) -> &[f32; SIDE_FLAGS] {
        &self.0
    }

    /// Probability that `side` sends with flags of `class`.
    #[must_use]
    pub const fn probability(&self, side: Side, class: FlagClass) -> f32 {
        self.0[side as usize * FlagClass::COUNT + class as usize]
    }

    /// Probability that `side` sends.
    #[must_use]
    pub fn of_side(&self, side: Side) -> f32 {
        FlagClass::ALL.iter().map(|&class| self.probability(side, class)).sum()
    }

    /// The likeliest, and its probability.
    #[must_use]
    pub fn mode(&self) -> ((Side, FlagClass), f32) {
        let first = (0, self.0[0]);
        let (symbol, probability) = self
            .0
            .iter()
            .copied()
            .enumerate()
            .fold(first, |best, one| if one.1 > best.1 { one } else { best });
        (discretise::side_flags_of(symbol as u8), probability)
    }

    /// The one that a share (0 to 1) of the probability leads to: a draw, if the share is at random.
    #[must_use]
    pub fn at(&self, share: f32) -> (Side, FlagClass) {
        let mut rest = share * self.0.iter().sum::<f32>();
        let mut likely = 0;
        for (symbol, &probability) in self.0.iter().enumerate() {
            if probability > 0.0 {
                likely = symbol;
                if rest < probability {
                    break;
                }
            }
            rest -= probability;
        }
        discretise::side_flags_of(likely as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn side_and_flags_are_found_by_share_as_often_as_they_are_likely() {
        let mut all = [0.0; SIDE_FLAGS];
        (all[3], all[12], all[15]) = (0.5, 0.3, 0.2);
        let side_flags = SideFlags::new(all);
        assert_eq!(side_flags.mode(), ((Side::A, FlagClass::Ack), 0.5));
        assert!((side_flags.of_side(Side::B) - 0.5).abs() < 1e-6);
        let count = |wanted| {
            let shares = (0..1_000).map(|share| share as f32 / 1_000.0);
            shares.filter(|&share| side_flags.at(share) == wanted).count()
        };
        assert!(count((Side::B, FlagClass::PushAck)).abs_diff(300) <= 1);
        assert!(count((Side::B, FlagClass::Other)).abs_diff(200) <= 1);
        assert_eq!(side_flags.at(1.0), (Side::B, FlagClass::Other));
    }
}
