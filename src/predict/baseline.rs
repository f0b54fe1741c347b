//! Whether the model's times are any better, on one connection, than the plainest forecast there is.
//!
//! The baseline is an exponentially weighted mean and deviation of the logarithm of the time between
//! packets, as a hand-set monitor would keep it: bits of a two-sided exponential distribution about the
//! mean, on the common discretisation. Both are charged for every packet, the model by its
//! surprise; what is kept is the fading difference. It costs a logarithm a packet and six bytes.

use crate::model::discretise;
use crate::time::Span;

/// Fixed point of what is kept: 1/256 of a bin or a bit.
const UNIT: f32 = 256.0;
/// How much the newest packet counts.
const RATE: f32 = 1.0 / 16.0;
/// No deviation is believed to be smaller, in bins.
const NARROWEST: f32 = 0.3;
/// The model may be this many bits a packet behind before it counts as beaten: less is noise.
const SLACK: f32 = 0.25;

/// The running comparison of one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Baseline {
    mean: i16,
    deviation: i16,
    /// Bits a packet by which the model is better.
    advantage: i16,
}

impl Baseline {
    pub(super) const NONE: Self = Self { mean: 0, deviation: 0, advantage: 0 };

    /// A packet came `since` after the one before, and its time cost the model `bits`.
    #[inline]
    pub(super) fn observe(&mut self, since: Span, bits: f32) {
        let bin = f32::from(discretise::time(since));
        if self.deviation == 0 {
            // The first time: nothing to compare with yet.
            self.mean = fixed(bin);
            self.deviation = fixed(4.0);
            return;
        }
        let (mean, deviation) = (f32::from(self.mean) / UNIT, f32::from(self.deviation) / UNIT);
        let away = (bin - mean).abs();
        let width = deviation.max(NARROWEST);
        let cost = ((2.0 * width).log2() + away / width * std::f32::consts::LOG2_E).max(0.0);
        let advantage = f32::from(self.advantage) / UNIT;
        self.advantage = fixed(advantage + RATE * ((cost - bits).clamp(-8.0, 8.0) - advantage));
        self.mean = fixed(mean + RATE * (bin - mean));
        self.deviation = fixed(deviation + RATE * (away - deviation)).max(1);
    }

    /// Whether the baseline forecasts this connection's times better than the model does.
    #[inline]
    pub(super) fn is_better(&self) -> bool {
        f32::from(self.advantage) < -SLACK * UNIT
    }
}

fn fixed(value: f32) -> i16 {
    (value * UNIT).round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_wastes_bits_on_a_steady_rhythm_is_beaten_and_one_that_does_not_is_not() {
        let (mut wasteful, mut sharp) = (Baseline::NONE, Baseline::NONE);
        for _ in 0..100 {
            wasteful.observe(Span::from_secs(1), 2.0);
            sharp.observe(Span::from_secs(1), 0.1);
        }
        assert!(wasteful.is_better());
        assert!(!sharp.is_better());
    }

    #[test]
    fn a_model_that_sees_two_rhythms_in_one_is_better_than_any_mean() {
        let mut baseline = Baseline::NONE;
        for _ in 0..50 {
            baseline.observe(Span::from_millis(20), 0.5);
            baseline.observe(Span::from_secs(1), 0.5);
        }
        assert!(!baseline.is_better());
        assert!(baseline.advantage > 512, "{}", baseline.advantage);
    }
}
