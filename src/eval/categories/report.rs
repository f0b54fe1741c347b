//! What was measured.

use crate::bloom::Mask;
use crate::eval::Part;
use crate::eval::detect::Roc;

use super::WEIGHTINGS;

/// Thresholds of which it is said what they would do.
pub(super) const THRESHOLDS: [f64; 14] =
    [0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0];

/// Everything measured.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct CategoriesReport {
    /// The categories' names, in the order of their numbers.
    pub names: Vec<String>,
    /// The threshold that targets were told of at, under each weighting.
    pub thresholds: [f64; WEIGHTINGS.len()],
    /// Captures with attacks.
    pub captures: Vec<CaptureReport>,
    /// The highest score of each benign capture that is not of the training part.
    pub ordinary: Vec<[f64; WEIGHTINGS.len()]>,
    /// Each benign source, in a sensor of its own.
    pub benign: Vec<BenignSource>,
    /// The best target of each attack capture against that of each benign capture.
    pub by_capture: [Option<Roc>; WEIGHTINGS.len()],
    /// Endpoints that began a connection of an attack against those that began others.
    pub by_target: [Option<Roc>; WEIGHTINGS.len()],
    /// Endpoints of captures with a truth for each packet, alone.
    pub by_labelled_target: [Option<Roc>; WEIGHTINGS.len()],
    /// Nanoseconds a packet: without and with the stage.
    pub cost: [f64; 2],
    /// How many packets that was measured on.
    pub cost_packets: usize,
}

/// What one capture with attacks came to.
#[derive(Clone, PartialEq, Debug)]
pub struct CaptureReport {
    /// Source and file.
    pub name: String,
    /// What kind of attack it is, where that is known.
    pub kind: String,
    /// Its packets.
    pub packets: u64,
    /// The highest score under each weighting.
    pub scores: [Scored; WEIGHTINGS.len()],
}

/// The target that scored highest.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Scored {
    /// Its score.
    pub score: f64,
    /// Its address; empty where there was no target.
    pub address: String,
    /// The categories it appeared in.
    pub categories: Mask,
    /// Targets that were told of.
    pub told: u64,
}

/// A benign source.
#[derive(Clone, PartialEq, Debug)]
pub struct BenignSource {
    /// Its name.
    pub name: String,
    /// The part of the split it is in.
    pub part: Part,
    /// Captures of it.
    pub captures: usize,
    /// How long they are, a silence counting as at most an hour.
    pub hours: f64,
    /// Targets that were told of, under each weighting.
    pub told: [u64; WEIGHTINGS.len()],
    /// The highest score of every endpoint that had one.
    pub peaks: [Vec<f64>; WEIGHTINGS.len()],
}

/// What a threshold would do.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Sweep {
    /// The threshold.
    pub threshold: f64,
    /// Share of attack captures whose best target reaches it.
    pub attacks: f64,
    /// Share of those that are scans, floods and guessed passwords.
    pub loud: f64,
    /// Benign endpoints a day that reach it, over the sources that were watched for long.
    pub a_day: f64,
}

impl CaptureReport {
    /// Whether it is a scan, a flood or a guessing of passwords: what categories are to raise.
    #[must_use]
    pub fn is_loud(&self) -> bool {
        const LOUD: [&str; 7] =
            ["port-scan", "scan", "icmp-scan", "flood", "brute", "worm", "amplification"];
        // Fingerprinting asks one machine some tens of questions, "discovery" and "web-scan" one server.
        let is = |kind: &str| {
            LOUD.iter().any(|loud| kind == *loud || (kind.contains(loud) && *loud != "scan"))
        };
        is(&self.kind) || (self.kind.starts_with('(') && self.name.contains("brute"))
    }
}

impl BenignSource {
    /// Whether it was watched for so long that targets a day mean something: a capture of a minute in which
    /// somebody shows a protocol is no site.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.hours >= 6.0
    }
}

impl CategoriesReport {
    /// What each threshold would do under a weighting.
    #[must_use]
    pub fn sweep(&self, weighting: usize) -> Vec<Sweep> {
        let long = || self.benign.iter().filter(|source| source.is_long());
        let days = long().map(|source| source.hours).sum::<f64>() / 24.0;
        let share = |threshold: f64, loud_only: bool| {
            let of = |it: &&CaptureReport| !loud_only || it.is_loud();
            let all: Vec<&CaptureReport> = self.captures.iter().filter(of).collect();
            let raised = all.iter().filter(|it| it.scores[weighting].score >= threshold).count();
            raised as f64 / all.len().max(1) as f64
        };
        let reaching = |threshold: f64| {
            let peaks = long().flat_map(|source| &source.peaks[weighting]);
            peaks.filter(|peak| **peak >= threshold).count() as f64
        };
        THRESHOLDS
            .iter()
            .map(|&threshold| Sweep {
                threshold,
                attacks: share(threshold, false),
                loud: share(threshold, true),
                a_day: reaching(threshold) / days.max(1e-9),
            })
            .collect()
    }
}
