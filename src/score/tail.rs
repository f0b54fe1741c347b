//! How often a number is reached: a decaying histogram that answers tail shares.
//!
//! Bins are half a unit wide from 0 to 48; what is larger falls in the last one. Every example is
//! worth a little more than the one before it, so that old ones fade: with a memory of `m` examples
//! the weight of one falls to 1/e after `m` more. A Fenwick tree keeps the sums from the top, so
//! that learning and asking take seven steps each, whatever was learned.
//!
//! A histogram and not a sketch of quantiles (t-digest, KLL): what is wanted is the share above a
//! given number at constant cost, forgetting must be exact and cheap, two of them must add up, and
//! surprise is a logarithm already, so that even bins are fine where it matters. No curve is fitted
//! beyond the data: a share below one in as many as were seen is never claimed from this alone.

/// Bins to a unit.
const PER_UNIT: f32 = 2.0;
/// Bins in all; 96 half units.
const BINS: usize = 96;
/// From this weight of the newest example on everything is scaled down.
const MOST_WEIGHT: f32 = 1_048_576.0;

/// A decaying histogram of numbers from 0 up.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct TailSketch {
    /// A Fenwick tree over the bins, the highest first; place 0 is unused.
    tree: [f32; BINS + 1],
    /// What the next example is worth.
    weight: f32,
    /// All of them together.
    total: f32,
}

impl Default for TailSketch {
    fn default() -> Self {
        Self { tree: [0.0; BINS + 1], weight: 1.0, total: 0.0 }
    }
}

impl TailSketch {
    /// Adds an example worth `share` of a full one; `memory` is how many it remembers.
    #[inline]
    pub(super) fn learn(&mut self, value: f32, share: f32, memory: f32) {
        self.weight *= 1.0 + share / memory;
        let weight = self.weight * share;
        self.total += weight;
        let mut at = BINS - bin(value).0;
        while let Some(node) = self.tree.get_mut(at) {
            *node += weight;
            at += at & at.wrapping_neg();
        }
        if self.weight > MOST_WEIGHT {
            self.scale(1.0 / self.weight);
            self.weight = 1.0;
        }
    }

    /// How many examples it is worth now.
    #[inline]
    pub(super) fn examples(&self) -> f32 {
        self.total / self.weight
    }

    /// How many of these are at least `value`, taken as even within a bin.
    #[inline]
    pub(super) fn above(&self, value: f32) -> f32 {
        let (bin, within) = bin(value);
        let higher = self.top(BINS - 1 - bin);
        let here = self.top(BINS - bin) - higher;
        ((higher + here * (1.0 - within)) / self.weight).max(0.0)
    }

    /// Weight of the highest `bins` bins.
    #[inline]
    fn top(&self, bins: usize) -> f32 {
        let (mut at, mut sum) = (bins, 0.0);
        while at > 0 {
            sum += self.tree.get(at).copied().unwrap_or(0.0);
            at &= at - 1;
        }
        sum
    }

    #[cold]
    fn scale(&mut self, by: f32) {
        self.tree.iter_mut().for_each(|node| *node *= by);
        self.total *= by;
    }
}

/// The bin of a number and where in it the number lies, 0 to 1.
#[inline]
fn bin(value: f32) -> (usize, f32) {
    // A number that is none falls to 0 here.
    let scaled = (value * PER_UNIT).clamp(0.0, BINS as f32 - 1.0);
    let bin = scaled as usize;
    (bin, scaled - bin as f32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_share_is_the_share_of_what_was_learned() {
        let mut sketch = TailSketch::default();
        (0..1_000).for_each(|at| sketch.learn(at as f32 / 100.0, 1.0, 1e9));
        assert!((sketch.examples() - 1_000.0).abs() < 0.1);
        for (value, share) in [(0.0, 1_000.0), (5.0, 500.0), (9.0, 100.0), (9.9, 20.0)] {
            assert!((sketch.above(value) - share).abs() < 11.0, "{value}: {}", sketch.above(value));
        }
        assert_eq!(sketch.above(20.0), 0.0);
    }

    #[test]
    fn old_examples_fade() {
        let mut sketch = TailSketch::default();
        (0..1_000).for_each(|_| sketch.learn(20.0, 1.0, 100.0));
        (0..1_000).for_each(|_| sketch.learn(1.0, 1.0, 100.0));
        assert!(sketch.above(10.0) < 0.01 && (sketch.examples() - 100.0).abs() < 3.0);
    }

    #[test]
    fn a_very_long_life_changes_nothing() {
        let mut sketch = TailSketch::default();
        (0..200_000).for_each(|at| sketch.learn((at % 10) as f32, 1.0, 1_000.0));
        assert!((sketch.above(5.0) / sketch.examples() - 0.5).abs() < 0.02);
    }

    proptest! {
        #[test]
        fn more_is_never_less_rare(values in prop::collection::vec(0f32..60.0, 1..200), a in 0f32..60.0, b in 0f32..60.0) {
            let mut sketch = TailSketch::default();
            values.iter().for_each(|&value| sketch.learn(value, 1.0, 50.0));
            prop_assert!(sketch.above(a.max(b)) <= sketch.above(a.min(b)) + 1e-3);
        }

        #[test]
        fn no_number_is_too_strange(value in proptest::num::f32::ANY) {
            let mut sketch = TailSketch::default();
            sketch.learn(value, 1.0, 10.0);
            prop_assert!(sketch.above(value).is_finite());
        }
    }
}
