//! The few functions the mixer needs, written out so that every machine gets the same bits.
//!
//! Every one is a fixed string of correctly rounded operations without a branch or a call, none of
//! them fused, so that a loop over an array of them becomes vectors and gives the same bits whichever
//! instructions it was compiled for.

/// Added to a float and taken away again it leaves the nearest whole number; in between the lowest
/// bits are that number, and shifted into place they are the exponent of its power of two.
const ROUND: f32 = 12_582_912.0 + 127.0;

/// `e^x` for `-80 <= x <= 80`, wrong by less than 1 in 10^6.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let scaled = x.clamp(-80.0, 80.0) * std::f32::consts::LOG2_E;
    let rounded = scaled + ROUND;
    let f = scaled - (rounded - ROUND);
    // The series of 2^f about 0: enough for f in -0.5..=0.5.
    let series = 1.540_353e-4;
    let series = series * f + 1.333_355_8e-3;
    let series = series * f + 9.618_129e-3;
    let series = series * f + 5.550_411e-2;
    let series = series * f + 2.402_265e-1;
    let series = series * f + 6.931_472e-1;
    let series = series * f + 1.0;
    series * f32::from_bits(rounded.to_bits() << 23)
}

/// The probability whose ln-odds are `x`.
#[inline(always)]
pub(super) fn squash(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The binary logarithm of a positive normal number; exact at powers of two, elsewhere wrong by less
/// than 1e-6 or by 2 in 10^7 of it.
#[inline(always)]
pub(super) fn log2(x: f32) -> f32 {
    const HALF: u32 = 0x3f35_04f3; // sqrt(1/2)
    // The exponent so that the rest m lies between sqrt(1/2) and sqrt(2).
    let offset = x.to_bits().wrapping_sub(HALF) & 0xff80_0000;
    let exponent = (offset.cast_signed() >> 23) as f32;
    let m = f32::from_bits(x.to_bits().wrapping_sub(offset));
    // ln m = 2 atanh((m - 1) / (m + 1)).
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let series = 0.320_598_9;
    let series = series * square + 0.412_198_58;
    let series = series * square + 0.577_078;
    let series = series * square + 0.961_796_7;
    let series = series * square + 2.885_39;
    exponent + series * s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_a_millionth() {
        for step in -800..=800 {
            let x = step as f32 * 0.1;
            let true_value = f64::from(x).exp();
            let error = (f64::from(exp(x)) - true_value).abs() / true_value;
            // The rounding of x * log2(e) grows with x.
            assert!(error < 1e-6 + 1e-7 * f64::from(x.abs()), "{x}: {error}");
        }
    }

    #[test]
    fn odds_and_probabilities_mirror_each_other() {
        for step in -140..=140 {
            let x = step as f32 * 0.1;
            assert!((squash(x) + squash(-x) - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn the_logarithm_is_right_to_a_millionth_and_exact_at_powers_of_two() {
        for exponent in -126..=127 {
            let power = f32::from_bits(((exponent + 127) as u32) << 23);
            assert_eq!(log2(power), exponent as f32);
            for step in 1..100 {
                let x = power * (1.0 + step as f32 / 100.0);
                let error = f64::from(log2(x)) - f64::from(x).log2();
                assert!(error.abs() < 1e-6 + 2e-7 * f64::from(x).log2().abs(), "{x}: {error}");
            }
        }
    }
}
