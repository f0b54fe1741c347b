//! Evidence that adds up: from probabilities to a test that may be looked at after every packet.
//!
//! A probability `p` that is even under ordinary traffic becomes an e-value, a number whose mean
//! under ordinary traffic is at most 1: ∫ κ·p^(κ-1) dκ over κ from 0 to 1, which bets on every power
//! at once (Vovk and Sellke's mixture). Their product along a connection is a wealth that a fair
//! game makes a thousandfold at most once in a thousand times. Kept from falling below 1 it is the
//! e-value form of CUSUM, which forgets the past that speaks for the connection and so sees a change
//! late in its life; the mean number of packets to a false alarm at level `c` is then at least `c`
//! (Shin, Ramdas and Rinaldo, "E-detectors", 2022). Chosen over a wealth without restart because a
//! connection that turns bad after an hour is what it is for. All in bits: `log2` of the wealth.
//!
//! The promise needs probabilities that are even given the connection's past. Those of one odd
//! connection are not, so the level is not left to theory alone: [`Alarms`](super::alarm) compares
//! it with what other connections of this site came to.

/// Least probability that is believed.
const LEAST: f32 = 1e-7;

/// The e-value of a probability, in bits; negative where it speaks for the ordinary.
#[inline]
pub(super) fn bits(probability: f32) -> f32 {
    let p = probability.clamp(LEAST, 1.0);
    if p > 0.999 {
        // The limit of the expression below, where it is nought by nought.
        return -1.0;
    }
    let ln = p.ln();
    ((1.0 - p + p * ln) / (p * ln * ln)).log2()
}

/// The mean of wealths, all given in bits. Bets made side by side may be averaged, never added.
pub(super) fn mean(bits: &[f32]) -> f32 {
    let most = bits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if !most.is_finite() {
        return 0.0;
    }
    let sum: f32 = bits.iter().map(|bits| (bits - most).exp2()).sum();
    most + (sum / bits.len() as f32).log2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fair_game_is_worth_one_on_average() {
        // A sum over a grid in the logarithm, where the small probabilities weigh.
        let (mut mean, steps) = (0.0f64, 200_000u32);
        let (low, high) = (f64::from(LEAST).ln(), 0.0f64);
        for at in 0..steps {
            let p = (low + (high - low) * (f64::from(at) + 0.5) / f64::from(steps)).exp();
            mean += f64::from(bits(p as f32)).exp2() * p * (high - low) / f64::from(steps);
        }
        assert!(mean <= 1.0 && mean > 0.9, "{mean}");
    }

    #[test]
    fn the_rare_speaks_for_and_the_usual_against() {
        assert!(bits(1e-6) > 11.0 && bits(1e-3) > 4.0);
        assert!(bits(0.5) < 0.0 && bits(1.0) < 0.0);
        assert!((bits(0.9995) + 1.0).abs() < 0.01);
    }

    #[test]
    fn bets_side_by_side_are_averaged() {
        assert!((mean(&[10.0, 0.0]) - 9.0).abs() < 0.01);
        assert!((mean(&[3.0, 3.0, 3.0]) - 3.0).abs() < 1e-6);
        assert_eq!(mean(&[]), 0.0);
    }
}
