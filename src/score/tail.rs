//! How often a number is reached: a decaying histogram that answers tail shares.
//!
//! Bins are half a unit wide from 0 to 48; what is larger falls in the last one. Every example is
//! worth a little more than the one before it, so that old ones fade: with a memory of `m` examples
//! the weight of one falls to 1/e after `m` more. Each bin holds the sum of itself and all above, so
//! that asking is one look, and learning adds to as many bins as the value is high, which is few: most
//! packets are as expected.
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
    /// By bin what fell in it or in a higher one; the last is always 0.
    reached: [f32; BINS + 1],
    /// What the next example is worth.
    weight: f32,
    /// All of them together.
    total: f32,
}

impl Default for TailSketch {
    fn default() -> Self {
        Self { reached: [0.0; BINS + 1], weight: 1.0, total: 0.0 }
    }
}

impl TailSketch {
    /// Adds an example worth `share` of a full one; `memory` is how many it remembers.
    #[inline]
    pub(super) fn learn(&mut self, value: f32, share: f32, memory: f32) {
        self.weight *= 1.0 + share / memory;
        let weight = self.weight * share;
        self.total += weight;
        let (reached, _) = self.reached.split_at_mut(bin(value).0 + 1);
        reached.iter_mut().for_each(|sum| *sum += weight);
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
        let (here, higher) = (self.reached[bin], self.reached[bin + 1]);
        ((here + (higher - here) * within) / self.weight).max(0.0)
    }

    /// The value that a `share` of the examples reaches; 0 where there are none.
    pub(super) fn reached_by(&self, share: f32) -> f32 {
        let (mut low, mut high) = (0.0, BINS as f32 / PER_UNIT);
        let wanted = share * self.examples();
        for _ in 0..12 {
            let middle = f32::midpoint(low, high);
            if self.above(middle) < wanted || wanted <= 0.0 {
                high = middle;
            } else {
                low = middle;
            }
        }
        low
    }

    /// The share of examples at or above `value`, and how many examples there are. Where fewer than
    /// a twentieth, or than five, reach it, the tail goes on as these fall: exponentially.
    pub(super) fn tail(&self, value: f32) -> (f32, f32) {
        const ENOUGH: f32 = 5.0;
        let examples = self.examples();
        if examples < ENOUGH {
            return (1.0, 0.0);
        }
        let needed = (examples / 20.0).max(ENOUGH) * self.weight;
        // From the top, the first bin from which enough reach; and their mean excess over its foot.
        let (mut bins, mut excess, mut before) = (0, 0.0, 0.0);
        let reaching = loop {
            bins += 1;
            let reaching = self.top(bins);
            // Every example so far stands one bin higher over the foot than before.
            excess += before / PER_UNIT + (reaching - before) / (2.0 * PER_UNIT);
            before = reaching;
            if reaching >= needed || bins == BINS {
                break reaching;
            }
        };
        let foot = (BINS - bins) as f32 / PER_UNIT;
        if value <= foot {
            return ((self.above(value) / examples).min(1.0), examples);
        }
        let mean = (excess / reaching).max(0.25);
        ((reaching / self.total) * ((foot - value) / mean).exp(), examples)
    }

    /// The counts of the bins, the lowest first, in examples.
    pub(super) fn counts(&self) -> [f32; BINS] {
        let mut counts = [0.0; BINS];
        for (at, count) in counts.iter_mut().enumerate() {
            *count = ((self.top(BINS - at) - self.top(BINS - 1 - at)) / self.weight).max(0.0);
        }
        counts
    }

    /// A histogram of these counts.
    pub(super) fn from_counts(counts: &[f32; BINS]) -> Self {
        let mut sketch = Self::default();
        for (at, &count) in counts.iter().enumerate() {
            sketch.total += count;
            sketch.reached[..=at].iter_mut().for_each(|sum| *sum += count);
        }
        sketch
    }

    /// Weight of the highest `bins` bins.
    #[inline]
    fn top(&self, bins: usize) -> f32 {
        self.reached.get(BINS - bins).copied().unwrap_or(0.0)
    }

    #[cold]
    fn scale(&mut self, by: f32) {
        self.reached.iter_mut().for_each(|sum| *sum *= by);
        self.total *= by;
    }
}

/// How many bins there are, for whoever writes them down.
pub(super) const fn bins() -> usize {
    BINS
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
    fn beyond_the_data_the_tail_goes_on_as_it_fell() {
        let mut sketch = TailSketch::default();
        // Exponential: half as many each unit further.
        (0..4_096u32).for_each(|at| sketch.learn(-((at as f32 + 0.5) / 4_096.0).log2(), 1.0, 1e9));
        for (value, share) in [(2.0, 0.25), (6.0, 1.0 / 64.0), (20.0, 2f32.powi(-20))] {
            let (found, examples) = sketch.tail(value);
            assert!((found / share).log2().abs() < 4.0, "{value}: {found} of {examples}");
        }
        assert_eq!(TailSketch::default().tail(3.0), (1.0, 0.0));
    }

    #[test]
    fn a_quantile_is_where_the_share_turns() {
        let mut sketch = TailSketch::default();
        (0..1_000).for_each(|at| sketch.learn(at as f32 / 100.0, 1.0, 1e9));
        assert!((sketch.reached_by(0.5) - 5.0).abs() < 0.2, "{}", sketch.reached_by(0.5));
        assert!((sketch.reached_by(0.05) - 9.5).abs() < 0.2, "{}", sketch.reached_by(0.05));
        assert_eq!(TailSketch::default().reached_by(0.5), 0.0);
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
            let again = TailSketch::from_counts(&sketch.counts());
            prop_assert!((again.above(a) - sketch.above(a)).abs() < 1e-2 * sketch.examples());
        }

        #[test]
        fn no_number_is_too_strange(value in proptest::num::f32::ANY) {
            let mut sketch = TailSketch::default();
            sketch.learn(value, 1.0, 10.0);
            prop_assert!(sketch.above(value).is_finite());
        }
    }
}
