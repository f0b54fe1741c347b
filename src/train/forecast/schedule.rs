//! How fast is learned at each step.

/// Steps until the rate is reached.
const WARM_UP: f64 = 50.0;
/// The highest and the lowest rate.
const HIGHEST: f64 = 4e-3;
const LOWEST: f64 = 1e-5;

/// The rate of step `step` of `steps`, from 1: it rises, then falls as a cosine.
pub(super) fn rate(step: u64, steps: u64) -> f64 {
    let warm = (step as f64 / WARM_UP).min(1.0);
    let done = (step as f64 / steps.max(1) as f64).min(1.0);
    HIGHEST * warm * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()) + LOWEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_then_falls_and_stays_low_past_the_end() {
        assert!(rate(1, 1_000) < 1e-4);
        assert!(rate(50, 1_000) > 3.9e-3);
        assert!((rate(1_000, 1_000) - LOWEST).abs() < 1e-9);
        assert!((rate(1_200, 1_000) - LOWEST).abs() < 1e-9);
    }
}
