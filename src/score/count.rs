//! How unlikely a count is: so many new peers in a minute, against what is usual for an endpoint.

/// Bits against a count of `seen` or more, where `mean` is expected and counts scatter as those of a
/// Poisson process whose rate is itself drawn anew from a gamma distribution of shape `shape`.
///
/// That mixture is the negative binomial. The bits are those of Chernoff's bound on its tail, which
/// never says less likely than it is: x·ln(x/m) - (x+r)·ln((x+r)/(m+r)). A small shape
/// is a heavy tail: what comes in bursts.
pub(super) fn bits(seen: u32, mean: f32, shape: f32) -> f32 {
    let (x, m, r) = (f64::from(seen), f64::from(mean.max(1e-3)), f64::from(shape.max(1e-2)));
    if x <= m {
        return 0.0;
    }
    let nats = x * (x / m).ln() - (x + r) * ((x + r) / (m + r)).ln();
    (nats * std::f64::consts::LOG2_E).max(0.0) as f32
}

/// The count that a `share` of such counts do not reach: its quantile.
pub(super) fn quantile(share: f64, mean: f32, shape: f32) -> u32 {
    /// Beyond it nobody reads the number.
    const MOST: u32 = 100_000;
    let (m, r) = (f64::from(mean.max(1e-3)), f64::from(shape.max(1e-2)));
    let more = m / (m + r);
    let mut chance = (1.0 - more).powf(r);
    let (mut count, mut sum) = (0, chance);
    while sum < share && count < MOST {
        chance *= (f64::from(count) + r) / f64::from(count + 1) * more;
        sum += chance;
        count += 1;
    }
    count
}

/// Whether a count is one at which it is worth looking: up to 16 each, then sixteen to an octave.
pub(super) const fn is_worth_a_look(count: u32) -> bool {
    if count <= 16 {
        return true;
    }
    let step = 1 << (count.ilog2() - 4);
    count.is_multiple_of(step)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bound_lies_above_the_tail_and_near_it() {
        // Geometric: shape 1, mean 3 (success 1/4): P(X >= 20) = (3/4)^20, 8.3 bits.
        let exact = 20.0 * (4.0f32 / 3.0).log2();
        let bound = bits(20, 3.0, 1.0);
        assert!(bound <= exact && bound > exact - 4.0, "{bound} {exact}");
    }

    #[test]
    fn what_is_expected_is_not_held_against_anybody() {
        assert_eq!(bits(3, 3.0, 0.3), 0.0);
        assert_eq!(bits(0, 0.0, 0.0), 0.0);
    }

    #[test]
    fn a_quantile_is_the_count_that_a_share_stays_below() {
        // Geometric: shape 1, mean 3: P(X <= 1) = 7/16, P(X <= 10) = 1 - (3/4)^11 = 0.958.
        assert_eq!(quantile(0.4, 3.0, 1.0), 1);
        assert_eq!(quantile(0.95, 3.0, 1.0), 10);
        assert_eq!(quantile(0.05, 0.0, 0.35), 0);
        assert_eq!(quantile(1.0, f32::MAX, 0.35), 100_000);
    }

    proptest! {
        #[test]
        fn more_is_never_likelier(seen in 1u32..1_000_000, mean in 0f32..1e4, shape in 0.1f32..50.0) {
            prop_assert!(bits(seen + 1, mean, shape) >= bits(seen, mean, shape) - 1e-3);
            prop_assert!(bits(seen, mean, shape).is_finite());
        }
    }
}
