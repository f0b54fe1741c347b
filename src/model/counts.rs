//! Symbol counts under contexts, in bounded memory, one cache line a context.
//!
//! [`Counts`] holds how often each of up to twenty-nine symbols followed one context. Contexts that
//! are few and dense live in arrays of their own; the many that depend on a service or a connection
//! share one [`ContextTable`], where a context that does not fit pushes out a poorer one.

/// How often each symbol followed a context; one cache line.
#[derive(Clone, Copy, Default)]
#[repr(C, align(64))]
pub(crate) struct Counts {
    counts: [u16; Self::SYMBOLS],
    /// Of all counts.
    sum: u16,
    /// The rest of the context's hash in a [`ContextTable`], 0 where the line is free; unused in
    /// dense arrays.
    tag: u16,
    /// Symbols with a count.
    distinct: u8,
}

impl Counts {
    /// The largest alphabet.
    pub(crate) const SYMBOLS: usize = 29;

    /// Counts are halved when their sum reaches this, so that old habits fade.
    const LIMIT: u16 = 4_096;

    /// How many packets stand behind the counts, old ones faded.
    #[inline]
    pub(crate) fn sum(&self) -> u16 {
        self.sum
    }

    /// Counts `symbol` once more.
    #[inline]
    pub(crate) fn add(&mut self, symbol: u8) {
        if self.sum >= Self::LIMIT {
            self.fade(1);
        }
        let count = &mut self.counts[usize::from(symbol)];
        self.distinct += u8::from(*count == 0);
        *count += 1;
        self.sum += 1;
    }

    /// Takes `1/2^shift` off every count, rounded up.
    #[cold]
    fn fade(&mut self, shift: u32) {
        for count in &mut self.counts {
            *count -= count.div_ceil(1 << shift);
        }
        self.sum = self.counts.iter().sum();
        self.distinct = self.counts.iter().map(|&count| u8::from(count != 0)).sum();
    }

    /// One step of Witten–Bell back-off for some symbols: what this context says, leaning on
    /// `lower`, their probabilities from a shorter context, by how many kinds it has seen.
    #[inline]
    pub(crate) fn blend<const N: usize>(&self, symbols: [u8; N], lower: [f32; N]) -> [f32; N] {
        let distinct = f32::from(self.distinct);
        let scale = 1.0 / (f32::from(self.sum) + distinct).max(1.0);
        let mut blended = lower;
        if self.sum > 0 {
            for (probability, symbol) in blended.iter_mut().zip(symbols) {
                let count = f32::from(self.counts[usize::from(symbol)]);
                *probability = (count + distinct * *probability) * scale;
            }
        }
        blended
    }

    /// The same step for the whole distribution, in place.
    #[inline]
    pub(crate) fn blend_all<const N: usize>(&self, probabilities: &mut [f32; N]) {
        if self.sum == 0 {
            return;
        }
        let distinct = f32::from(self.distinct);
        let scale = 1.0 / (f32::from(self.sum) + distinct);
        for (probability, &count) in probabilities.iter_mut().zip(&self.counts) {
            *probability = (f32::from(count) + distinct * *probability) * scale;
        }
    }
}

/// Counts under hashed contexts; two places to look for each, the poorer one gives way.
#[derive(Clone)]
pub(crate) struct ContextTable {
    lines: Vec<Counts>,
    mask: usize,
}

impl ContextTable {
    /// A table of at most `bytes`, rounded down to a power of two lines, at least 1,024.
    pub(crate) fn with_bytes(bytes: usize) -> Self {
        let wanted = (bytes / size_of::<Counts>()).max(1_024);
        let lines = 1 << wanted.ilog2();
        Self { lines: vec![Counts::default(); lines], mask: lines - 1 }
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        self.lines.len() * size_of::<Counts>()
    }

    /// The two places of a context and its tag, which is never 0: that marks a free line.
    #[inline]
    fn places(&self, hash: u64) -> (usize, usize, u16) {
        let first = hash as usize & self.mask;
        (first, first ^ 1, (hash >> 48) as u16 | 1)
    }

    /// The counts under a context, if it is held.
    #[inline]
    pub(crate) fn find(&self, hash: u64) -> Option<&Counts> {
        let (first, second, tag) = self.places(hash);
        let line = &self.lines[first];
        if line.tag == tag {
            return Some(line);
        }
        let line = &self.lines[second];
        (line.tag == tag).then_some(line)
    }

    /// Counts `symbol` under a context, which takes the poorer of its two places if it is new.
    #[inline]
    pub(crate) fn add(&mut self, hash: u64, symbol: u8) {
        let (first, second, tag) = self.places(hash);
        let place = if self.lines[first].tag == tag {
            first
        } else if self.lines[second].tag == tag {
            second
        } else {
            let poorer =
                if self.lines[second].sum < self.lines[first].sum { second } else { first };
            self.lines[poorer] = Counts { tag, ..Counts::default() };
            // The richer one ages, so that a context nobody uses any more can't stay for ever.
            self.lines[poorer ^ 1].fade(4);
            poorer
        };
        self.lines[place].add(symbol);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_cache_line() {
        assert_eq!(size_of::<Counts>(), 64);
    }

    #[test]
    fn blending_keeps_a_distribution_summing_to_one() {
        let mut counts = Counts::default();
        for symbol in [0, 0, 3, 16, 3, 0] {
            counts.add(symbol);
        }
        let mut all = [1.0 / 17.0; 17];
        counts.blend_all(&mut all);
        assert!((all.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        for symbol in 0..17 {
            let [one] = counts.blend([symbol], [1.0 / 17.0]);
            assert!((one - all[usize::from(symbol)]).abs() < 1e-6);
        }
    }

    #[test]
    fn old_counts_fade_and_never_overflow() {
        let mut counts = Counts::default();
        for _ in 0..100_000 {
            counts.add(5);
        }
        for _ in 0..10_000 {
            counts.add(6);
        }
        assert!(counts.sum() <= Counts::LIMIT);
        assert!(counts.counts[6] > counts.counts[5], "what happened lately weighs more");
    }

    #[test]
    fn a_full_table_forgets_poor_contexts_first() {
        let mut table = ContextTable::with_bytes(0);
        let rich = 7_u64 << 48;
        for _ in 0..1_000 {
            table.add(rich, 1);
        }
        table.add(rich | 1 << 62, 2);
        table.add(rich | 1 << 61, 2);
        assert_eq!(table.find(rich).map(|counts| counts.sum() > 500), Some(true));
    }
}
