//! Measuring verdicts: does the sensor tell attacks from ordinary traffic, and is what it states of
//! its false alarms true?
//!
//! ```text
//! captures + truth -> a sensor, as it ships, and a Markov chain beside it -> Report
//! ```
//!
//! Truth is a file `CAPTURE.lab` with one character a packet (`1` attack, `0` ordinary, anything
//! else left out of every figure), or the class of a whole capture: in `benign` every packet is
//! ordinary, in `attack` every packet counts as attack, though some of it may be background.
//!
//! * Captures of class `mixed` with labels are scored each by itself: packets and connections.
//! * Captures of class `attack` say whether and when an alarm is raised at the settings given, and
//!   their connections are set against those of all benign captures.
//! * Benign captures say how many alarms an hour there are, and whether a stated share of false
//!   alarms is the observed one. Captures of one source follow each other in one sensor, an hour
//!   apart, each on a clock moved to fit.
//!
//! What it promises: the same captures, configuration and model give the same figures. What it does
//! not do: choose a threshold by looking at the truth, other than where a figure says so (ROC).

mod drive;
mod json;
mod markov;
mod plot;
mod report;
mod roc;
mod table;
mod truth;

pub use drive::measure;
pub use json::json;
pub use plot::svg;
pub use report::{AttackReport, BenignReport, DetectReport, LabelledReport, Rates, Scores};
pub use roc::Roc;
pub use table::table;
pub(in crate::eval) use truth::{Labels, Truth};

use std::path::PathBuf;

use crate::config::Config;

use super::Split;

/// The scorers that are compared, in the order of every list of them.
pub const SCORERS: [&str; 4] = ["foreshadow", "Markov 1", "Markov 1, connection", "Markov 1, pair"];

/// Shares of false alarms that are stated and looked for.
pub const STATED: [f64; 3] = [1e-2, 1e-3, 1e-4];

/// What a sensor sees before the captures that are scored.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum TrainClean {
    /// Nothing: every sensor starts cold.
    #[default]
    Nothing,
    /// For labelled captures the benign captures of the same source, where there are any.
    SameSource,
    /// The benign captures in these folders, before every capture that is scored.
    Folders(Vec<PathBuf>),
}

/// What is to be measured.
pub struct Task {
    /// Folders of captures.
    pub data: Vec<PathBuf>,
    /// Which sources the Markov chain is counted over, and whose name stands for what.
    pub split: Split,
    /// What the sensors see first.
    pub train_clean: TrainClean,
    /// The sensors' configuration.
    pub config: Config,
}
