//! What came out.

use super::{Roc, SCORERS, STATED};

/// A figure for each of [`SCORERS`]; `None` where there are not examples of both kinds.
pub type Scores = [Option<Roc>; SCORERS.len()];

/// Everything measured in one run.
#[derive(Default)]
pub struct DetectReport {
    /// Captures with a truth for each packet.
    pub labelled: Vec<LabelledReport>,
    /// Captures that are an attack as a whole.
    pub attacks: Vec<AttackReport>,
    /// Ordinary traffic, by source.
    pub benign: Vec<BenignReport>,
    /// Connections of all attack captures against those of all benign ones.
    pub pooled: Scores,
}

/// A capture with labels.
pub struct LabelledReport {
    /// Source and file.
    pub name: String,
    /// By packet.
    pub packets: Scores,
    /// By connection: an attack if one of its packets is.
    pub connections: Scores,
    /// Alarms, and the first one on the attack.
    pub attack: AttackReport,
    /// Alarms on connections that are ordinary.
    pub false_alarms: u64,
}

/// When an attack was noticed.
#[derive(Clone, Default)]
pub struct AttackReport {
    /// Source and file.
    pub name: String,
    /// Packets of the attack.
    pub packets: u64,
    /// Connections of the attack.
    pub connections: u64,
    /// Packets called anomalous, connections, and endpoints.
    pub alarms: [u64; 3],
    /// Attack packets up to the first alarm on a connection or endpoint.
    pub first_packets: Option<u64>,
    /// Seconds from the first attack packet to that alarm.
    pub first_seconds: Option<f64>,
    /// What that alarm gave as its reason.
    pub first_reason: String,
}

/// Ordinary traffic of one source.
#[derive(Clone, Default)]
pub struct BenignReport {
    /// The source.
    pub name: String,
    /// Training, validation or held-out.
    pub part: &'static str,
    /// Packets scored.
    pub packets: u64,
    /// Connections.
    pub connections: u64,
    /// Hours of traffic; a silence counts for at most one.
    pub hours: f64,
    /// Packets called anomalous, connections, and endpoints.
    pub alarms: [u64; 3],
    /// Stated and observed shares.
    pub rates: Rates,
}

/// How many packets were given a probability at or below each of [`STATED`], after the warm-up.
#[derive(Clone, Copy, Default)]
pub struct Rates {
    /// Packets with a probability, after the warm-up.
    pub packets: u64,
    /// Of these at or below each.
    pub below: [u64; STATED.len()],
}

impl BenignReport {
    /// Alarms on connections and endpoints an hour.
    #[must_use]
    pub fn per_hour(&self) -> f64 {
        (self.alarms[1] + self.alarms[2]) as f64 / self.hours.max(1e-9)
    }
}

impl Rates {
    /// Counts a packet's probability.
    pub(super) fn count(&mut self, probability: f32) {
        self.packets += 1;
        for (below, stated) in self.below.iter_mut().zip(STATED) {
            *below += u64::from(f64::from(probability) <= stated);
        }
    }

    /// The observed share for a stated one.
    #[must_use]
    pub fn observed(&self, at: usize) -> f64 {
        self.below.get(at).copied().unwrap_or(0) as f64 / self.packets.max(1) as f64
    }
}

impl DetectReport {
    /// Mean of a figure over the labelled captures that have it, for scorer `at`.
    #[must_use]
    pub fn mean(
        &self,
        at: usize,
        figure: impl Fn(&LabelledReport) -> &Scores,
        of: impl Fn(&Roc) -> f64,
    ) -> Option<f64> {
        let values: Vec<f64> = self
            .labelled
            .iter()
            .filter_map(|capture| figure(capture).get(at).copied().flatten())
            .map(|roc| of(&roc))
            .collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    }
}
