//! The few functions the mixer needs, written out so that every machine gets the same bits.

/// `e^x` for `-80 <= x <= 80`, wrong by less than 1 in 10^6.
#[inline]
pub(super) fn exp(x: f32) -> f32 {
    let scaled = x.clamp(-80.0, 80.0) * std::f32::consts::LOG2_E;
    // Rounds to the nearest whole number without a call: the low bits of a large float are whole.
    const WHOLE: f32 = 12_582_912.0;
    let whole = (scaled + WHOLE) - WHOLE;
    let f = scaled - whole;
    // The series of 2^f about 0: enough for f in -0.5..=0.5.
    let series = 1.540_353e-4;
    let series = series * f + 1.333_355_8e-3;
    let series = series * f + 9.618_129e-3;
    let series = series * f + 5.550_411e-2;
    let series = series * f + 2.402_265e-1;
    let series = series * f + 6.931_472e-1;
    let series = series * f + 1.0;
    series * f32::from_bits(((whole as i32 + 127) << 23) as u32)
}

/// The probability whose ln-odds are `x`.
#[inline]
pub(super) fn squash(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
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
}
