//! Whether probabilities mean what they say.

use super::{Ahead, HORIZONS};
use crate::time::Span;

/// Bins of the reliability table, each a tenth of the probabilities wide.
pub const BINS: usize = 10;

/// Forecasts of "the next packet comes within `t`" against whether it did: for each scored packet
/// one forecast for each of [`HORIZONS`].
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Calibration {
    bins: [Bin; BINS],
    packets: u64,
    in_time: u64,
    offered: u64,
    offered_in_time: u64,
}

/// One row of the reliability table.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Bin {
    /// Forecasts in it.
    pub forecasts: u64,
    predicted: f64,
    came: u64,
}

impl Bin {
    /// The mean of the probabilities that were forecast.
    #[must_use]
    pub fn predicted(&self) -> f64 {
        ratio(self.predicted, self.forecasts)
    }

    /// The share of these forecasts that came true.
    #[must_use]
    pub fn observed(&self) -> f64 {
        ratio(self.came as f64, self.forecasts)
    }
}

impl Calibration {
    /// Takes a forecast and the time the packet did take.
    pub(super) fn add(&mut self, ahead: &Ahead, since: Span) {
        for (&probability, &horizon) in ahead.within.iter().zip(&HORIZONS) {
            let bin = &mut self.bins[((probability * BINS as f64) as usize).min(BINS - 1)];
            bin.forecasts += 1;
            bin.predicted += probability;
            bin.came += u64::from(since <= horizon);
        }
        let in_time = u64::from(since <= ahead.deadline);
        self.packets += 1;
        self.in_time += in_time;
        if ahead.offered {
            self.offered += 1;
            self.offered_in_time += in_time;
        }
    }

    /// Joins what was counted elsewhere.
    pub(super) fn merge(&mut self, other: &Self) {
        for (bin, other) in self.bins.iter_mut().zip(&other.bins) {
            bin.forecasts += other.forecasts;
            bin.predicted += other.predicted;
            bin.came += other.came;
        }
        self.packets += other.packets;
        self.in_time += other.in_time;
        self.offered += other.offered;
        self.offered_in_time += other.offered_in_time;
    }

    /// The reliability table, from improbable to certain.
    #[must_use]
    pub fn bins(&self) -> &[Bin; BINS] {
        &self.bins
    }

    /// Expected calibration error: how far the forecast and the observed share of a bin lie apart, on
    /// the average over all forecasts. 0 is perfect.
    #[must_use]
    pub fn error(&self) -> f64 {
        let apart = |bin: &Bin| (bin.predicted - bin.came as f64).abs();
        let forecasts = self.bins.iter().map(|bin| bin.forecasts).sum();
        ratio(self.bins.iter().map(apart).sum(), forecasts)
    }

    /// The share of packets that came by the deadline; should be [`DEADLINE`](super::DEADLINE).
    #[must_use]
    pub fn coverage(&self) -> f64 {
        ratio(self.in_time as f64, self.packets)
    }

    /// The same for the deadlines that the model would stand behind.
    #[must_use]
    pub fn coverage_offered(&self) -> f64 {
        ratio(self.offered_in_time as f64, self.offered)
    }

    /// The share of packets before which the model would stand behind its deadline.
    #[must_use]
    pub fn offered(&self) -> f64 {
        ratio(self.offered as f64, self.packets)
    }
}

fn ratio(sum: f64, count: u64) -> f64 {
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ahead(probability: f64, offered: bool) -> Ahead {
        Ahead {
            median: Span::ZERO,
            size: 0,
            deadline: Span::from_millis(5),
            offered,
            within: [probability; HORIZONS.len()],
        }
    }

    #[test]
    fn the_error_is_the_weighted_distance_of_forecast_and_share() {
        let mut calibration = Calibration::default();
        // 2 ms are longer than the first three horizons, 0.1, 0.3 and 1 ms.
        calibration.add(&ahead(0.95, true), Span::from_millis(2));
        let came = HORIZONS.iter().filter(|horizon| **horizon >= Span::from_millis(2)).count();
        assert_eq!(came, 10);
        let bin = calibration.bins()[9];
        assert_eq!((bin.forecasts, bin.observed()), (13, 10.0 / 13.0));
        assert!((calibration.error() - (0.95 - 10.0 / 13.0)).abs() < 1e-12);
        // As many forecasts again that are exactly right in another bin halve it.
        let mut right = ahead(0.0, false);
        right.within = HORIZONS.map(|horizon| f64::from(u8::from(horizon.micros() > 2_000)));
        let before = calibration.error();
        let mut other = Calibration::default();
        other.add(&right, Span::from_millis(2));
        assert_eq!(other.error(), 0.0);
        calibration.merge(&other);
        assert!(calibration.error() < before);
        assert_eq!(calibration.bins().iter().map(|bin| bin.forecasts).sum::<u64>(), 26);
    }

    #[test]
    fn coverage_counts_what_came_by_the_deadline() {
        let mut calibration = Calibration::default();
        calibration.add(&ahead(0.5, true), Span::from_millis(5));
        calibration.add(&ahead(0.5, true), Span::from_millis(6));
        calibration.add(&ahead(0.5, false), Span::from_millis(1));
        calibration.add(&ahead(1.0, false), Span::from_millis(1));
        assert_eq!(calibration.coverage(), 0.75);
        assert_eq!((calibration.offered(), calibration.coverage_offered()), (0.5, 0.5));
    }

    #[test]
    fn nothing_measured_is_nothing_wrong() {
        let calibration = Calibration::default();
        assert_eq!((calibration.error(), calibration.coverage()), (0.0, 0.0));
    }
}
