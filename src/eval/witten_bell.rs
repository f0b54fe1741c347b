//! Counts under contexts with Witten–Bell back-off, from the shortest context to the longest.
//!
//! ```text
//! P_0(s)     = 1 / alphabet
//! P_k(s | c) = (count(c, s) + kinds(c) * P_(k-1)(s)) / (count(c) + kinds(c))
//! ```
//!
//! A context that was never seen says what the one before it says. Contexts are exact, in as much
//! memory as the training data asks for: this is the yardstick, not something to run on a sensor.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// How often each symbol followed each context.
#[derive(Default)]
pub(super) struct Counts {
    contexts: HashMap<u64, Context, BuildHasherDefault<Fold>>,
    symbols: HashMap<u64, u32, BuildHasherDefault<Fold>>,
}

/// All that followed one context.
#[derive(Clone, Copy, Default)]
struct Context {
    count: u32,
    kinds: u32,
}

impl Counts {
    /// Symbols are below this, so that context and symbol fit one number.
    const ALPHABET: u64 = 32;

    /// Counts `symbol` under `context`, which is below 2^59.
    pub(super) fn add(&mut self, context: u64, symbol: u8) {
        let times = self.symbols.entry(context * Self::ALPHABET + u64::from(symbol)).or_default();
        let seen = self.contexts.entry(context).or_default();
        seen.kinds += u32::from(*times == 0);
        seen.count += 1;
        *times += 1;
    }

    /// Probability of `symbol` out of `alphabet` after `contexts`, shortest first.
    pub(super) fn probability(
        &self,
        contexts: impl IntoIterator<Item = u64>,
        symbol: u8,
        alphabet: usize,
    ) -> f64 {
        let mut probability = 1.0 / alphabet as f64;
        for context in contexts {
            let Some(seen) = self.contexts.get(&context) else { continue };
            let times = self.symbols.get(&(context * Self::ALPHABET + u64::from(symbol)));
            let times = f64::from(times.copied().unwrap_or(0));
            let kinds = f64::from(seen.kinds);
            probability = (times + kinds * probability) / (f64::from(seen.count) + kinds);
        }
        probability
    }
}

/// One multiply, folded: the keys are ours, so nobody aims for collisions.
#[derive(Default)]
struct Fold(u64);

impl Hasher for Fold {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let product = u128::from(self.0 ^ value) * 0x9e37_79b9_7f4a_7c15_u128;
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Context 1 was followed by 0, 0, 1; context 2, a part of it, by 0, 0.
    fn counts() -> Counts {
        let mut counts = Counts::default();
        for (context, symbol) in [(1, 0), (1, 0), (1, 1), (2, 0), (2, 0)] {
            counts.add(context, symbol);
        }
        counts
    }

    #[test]
    fn probabilities_are_those_computed_by_hand() {
        let counts = counts();
        // (2 + 2/4) / (3 + 2), (1 + 2/4) / 5, (0 + 2/4) / 5.
        for (symbol, expected) in [(0, 0.5), (1, 0.3), (2, 0.1), (3, 0.1)] {
            let p = counts.probability([1], symbol, 4);
            assert!((p - expected).abs() < 1e-12, "{symbol}: {p}");
        }
        // Two packets of one kind on top: (2 + 0.5) / 3, (0 + 0.3) / 3.
        for (symbol, expected) in [(0, 2.5 / 3.0), (1, 0.1)] {
            let p = counts.probability([1, 2], symbol, 4);
            assert!((p - expected).abs() < 1e-12, "{symbol}: {p}");
        }
    }

    #[test]
    fn a_context_never_seen_says_what_the_shorter_one_says() {
        let counts = counts();
        assert_eq!(counts.probability([1, 77], 1, 4), counts.probability([1], 1, 4));
        assert_eq!(counts.probability([78], 3, 4), 0.25);
    }

    #[test]
    fn probabilities_sum_to_one() {
        let counts = counts();
        let sum: f64 = (0..4).map(|symbol| counts.probability([1, 2, 9], symbol, 4)).sum();
        assert!((sum - 1.0).abs() < 1e-12);
    }
}
