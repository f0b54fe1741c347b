//! Chance out of a seed (splitmix64): the same in every run and on every machine.

/// A stream of numbers.
pub(super) struct Chance(u64);

impl Chance {
    /// The stream number `which` of a seed.
    pub(super) fn new(seed: u64, which: u64) -> Self {
        let mut start = Self(seed ^ which.wrapping_mul(0xd134_2543_de82_ef95));
        Self(start.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    pub(super) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        ((u128::from(self.next()) * end as u128) >> 64) as usize
    }

    /// Puts things in any order.
    pub(super) fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_order_and_another_stream_another() {
        let order = |which| {
            let mut things: Vec<u32> = (0..50).collect();
            Chance::new(7, which).shuffle(&mut things);
            things
        };
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        let mut sorted = order(1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn shares_fill_the_range_evenly() {
        let mut chance = Chance::new(1, 1);
        let mut bins = [0; 10];
        for _ in 0..10_000 {
            bins[(chance.share() * 10.0) as usize] += 1;
        }
        assert!(bins.iter().all(|count| (850..1_150).contains(count)), "{bins:?}");
    }
}
