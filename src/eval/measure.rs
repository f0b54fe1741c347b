//! What one model did on some packets.

use super::{Ahead, Calibration};
use crate::model::PacketFacts;
use crate::time::Span;

/// Sums over scored packets.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Score {
    packets: u64,
    bits: [f64; 3],
    points: Points,
    calibration: Option<Calibration>,
}

/// Errors of the single values a model expects, one entry for each packet.
#[derive(Clone, PartialEq, Debug, Default)]
struct Points {
    /// `|log2|` of the ratio of the time that came to the one expected.
    time: Vec<f32>,
    /// Bytes between the size that came and the one expected.
    size: Vec<u32>,
}

/// How far the single values a model expects lie from what came.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PointErrors {
    /// Mean of `|log2|` of the ratio of the inter-arrival that came to the expected median. Both are
    /// taken for at least a microsecond, the resolution of most captures.
    pub time_mean: f64,
    /// Its median.
    pub time_median: f64,
    /// Mean of the bytes between the payload that came and the likeliest one.
    pub size_mean: f64,
    /// Their median.
    pub size_median: f64,
}

impl Score {
    /// Takes what a model gave for `packet` into account.
    pub(super) fn add(&mut self, packet: &PacketFacts, bits: [f64; 3], ahead: Option<&Ahead>) {
        self.packets += 1;
        for (sum, bits) in self.bits.iter_mut().zip(bits) {
            *sum += bits;
        }
        let (Some(ahead), Some(since)) = (ahead, packet.since) else { return };
        self.points.time.push((micros(since) / micros(ahead.median)).log2().abs() as f32);
        self.points.size.push(packet.payload_len.abs_diff(ahead.size));
        self.calibration.get_or_insert_default().add(ahead, since);
    }

    /// Joins what the same model did elsewhere.
    pub(super) fn merge(&mut self, other: &Self) {
        self.packets += other.packets;
        for (sum, bits) in self.bits.iter_mut().zip(other.bits) {
            *sum += bits;
        }
        self.points.time.extend_from_slice(&other.points.time);
        self.points.size.extend_from_slice(&other.points.size);
        if let Some(calibration) = &other.calibration {
            self.calibration.get_or_insert_default().merge(calibration);
        }
    }

    /// Packets scored.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Bits a packet: side and flags, size, time.
    #[must_use]
    pub fn parts(&self) -> [f64; 3] {
        self.bits.map(|sum| sum / self.packets.max(1) as f64)
    }

    /// Bits a packet, all parts together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.parts().iter().sum()
    }

    /// Errors of the values it expected, if it expects any.
    #[must_use]
    pub fn points(&self) -> Option<PointErrors> {
        let Points { time, size } = &self.points;
        if time.is_empty() {
            return None;
        }
        let count = time.len() as f64;
        let (mut times, mut sizes) = (time.clone(), size.clone());
        let middle = times.len() / 2;
        Some(PointErrors {
            time_mean: time.iter().map(|error| f64::from(*error)).sum::<f64>() / count,
            time_median: f64::from(*times.select_nth_unstable_by(middle, f32::total_cmp).1),
            size_mean: size.iter().map(|error| f64::from(*error)).sum::<f64>() / count,
            size_median: f64::from(*sizes.select_nth_unstable(middle).1),
        })
    }

    /// Whether its probabilities of "within `t`" held, if it gives any.
    #[must_use]
    pub fn calibration(&self) -> Option<&Calibration> {
        self.calibration.as_ref()
    }
}

fn micros(span: Span) -> f64 {
    (span.nanos() as f64 / 1_000.0).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::HORIZONS;

    fn packet(payload_len: u32, micros: u64) -> PacketFacts {
        PacketFacts { payload_len, since: Some(Span::from_micros(micros)), ..PacketFacts::NONE }
    }

    #[test]
    fn point_errors_are_octaves_and_bytes() {
        let ahead = Ahead {
            median: Span::from_micros(100),
            size: 40,
            deadline: Span::from_micros(200),
            offered: true,
            within: [0.5; HORIZONS.len()],
        };
        let mut score = Score::default();
        for (payload_len, micros) in [(40, 400), (30, 25), (100, 100)] {
            score.add(&packet(payload_len, micros), [1.0, 2.0, 3.0], Some(&ahead));
        }
        let points = score.points().unwrap();
        assert!((points.time_mean - 4.0 / 3.0).abs() < 1e-6 && points.time_median == 2.0);
        assert!((points.size_mean - 70.0 / 3.0).abs() < 1e-9 && points.size_median == 10.0);
        assert_eq!((score.parts(), score.total(), score.packets()), ([1.0, 2.0, 3.0], 6.0, 3));
    }

    #[test]
    fn joined_scores_weigh_by_packets() {
        let (mut few, mut many) = (Score::default(), Score::default());
        few.add(&packet(0, 1), [4.0, 0.0, 0.0], None);
        for _ in 0..3 {
            many.add(&packet(0, 1), [0.0, 0.0, 2.0], None);
        }
        few.merge(&many);
        assert_eq!((few.parts(), few.points()), ([1.0, 0.0, 1.5], None));
    }
}
