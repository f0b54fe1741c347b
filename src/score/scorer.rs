//! The verdict on each packet, and what it adds up to for its connection.

use crate::flow::Slot;
use crate::model::Surprise;

use super::ConnectionScore;

/// When surprise is called an anomaly.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Threshold {
    /// Surprise in bits from which a packet is one.
    pub bits: f32,
    /// Packets the sensor must have scored before.
    pub warm_up: u64,
    /// Packets the connection must have had before.
    pub min_packets: u32,
}

/// One in this many packets above the threshold is learned from.
const SURPRISING_LEARNED: u64 = 16;

/// Scores of all live connections.
pub struct Scorer {
    threshold: Threshold,
    scored: u64,
    surprising: u64,
    connections: Vec<ConnectionScore>,
}

impl Scorer {
    /// No packet scored yet.
    #[must_use]
    pub fn new(threshold: Threshold) -> Self {
        Self { threshold, scored: 0, surprising: 0, connections: Vec::new() }
    }

    /// A connection begins in `slot`.
    pub fn begin(&mut self, slot: Slot) {
        if slot.index() >= self.connections.len() {
            self.connections.resize(slot.index() + 1, ConnectionScore::default());
        }
        self.connections[slot.index()] = ConnectionScore::default();
    }

    /// Takes a packet's surprise into account and says whether it is an anomaly. `before` counts
    /// the connection's earlier packets.
    #[inline]
    pub fn judge(&mut self, slot: Slot, surprise: Surprise, before: u32) -> bool {
        let bits = surprise.total();
        let anomalous = bits >= self.threshold.bits
            && before >= self.threshold.min_packets
            && self.scored >= self.threshold.warm_up;
        self.scored += 1;
        let score = &mut self.connections[slot.index()];
        score.scored = score.scored.saturating_add(1);
        score.total += bits;
        score.max = score.max.max(bits);
        score.anomalies += u32::from(anomalous);
        anomalous
    }

    /// Whether a packet this surprising may be learned from. What scores high must not become normal
    /// at once, but a lasting new habit must in time: one such packet in sixteen is.
    #[inline]
    #[must_use]
    pub fn may_learn(&mut self, surprise: Surprise) -> bool {
        if self.scored < self.threshold.warm_up || surprise.total() < self.threshold.bits {
            return true;
        }
        self.surprising += 1;
        self.surprising.is_multiple_of(SURPRISING_LEARNED)
    }

    /// A synthetic packet was made on `slot`.
    pub fn count_synthetic(&mut self, slot: Slot) {
        self.connections[slot.index()].synthetic += 1;
    }

    /// What the connection in `slot` has scored so far.
    #[must_use]
    pub fn connection(&self, slot: Slot) -> ConnectionScore {
        self.connections[slot.index()]
    }

    /// The threshold in force.
    #[must_use]
    pub fn threshold(&self) -> Threshold {
        self.threshold
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.connections.capacity() * size_of::<ConnectionScore>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surprise(bits: f32) -> Surprise {
        Surprise { size: bits, ..Surprise::default() }
    }

    #[test]
    fn a_packet_is_an_anomaly_only_when_everybody_is_warm() {
        let mut scorer = Scorer::new(Threshold { bits: 20.0, warm_up: 2, min_packets: 3 });
        scorer.begin(Slot(0));
        assert!(!scorer.judge(Slot(0), surprise(25.0), 9), "the sensor is cold");
        assert!(!scorer.judge(Slot(0), surprise(1.0), 9));
        assert!(!scorer.judge(Slot(0), surprise(25.0), 2), "the connection is new");
        assert!(!scorer.judge(Slot(0), surprise(19.9), 3), "below the threshold");
        assert!(scorer.judge(Slot(0), surprise(20.0), 3));
        let score = scorer.connection(Slot(0));
        assert_eq!((score.scored, score.anomalies, score.max), (5, 1, 25.0));
    }

    #[test]
    fn what_scores_high_is_learned_slowly_once_the_sensor_is_warm() {
        let mut scorer = Scorer::new(Threshold { bits: 20.0, warm_up: 1, min_packets: 0 });
        scorer.begin(Slot(0));
        assert!(scorer.may_learn(surprise(25.0)), "a cold sensor learns everything");
        scorer.judge(Slot(0), surprise(1.0), 0);
        let learned = (0..160).filter(|_| scorer.may_learn(surprise(25.0))).count();
        assert_eq!(learned, 10);
        assert!(scorer.may_learn(surprise(19.0)));
    }
}
