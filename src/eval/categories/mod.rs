//! Measuring categories: which of them attacks raise, whether a target's score tells attackers from others,
//! and what the stage costs a packet.
//!
//! ```text
//! benign captures of the split's training part -> a stage that knows ordinary traffic
//!   a copy of it for each other capture -> the highest score each endpoint had -> Report
//! benign captures of each source, in a sensor of their own, cold -> targets a day
//! ```
//!
//! Both weightings are measured over the same packets. Captures keep the time of day at which they were
//! taken, on a clock of whole days moved to fit, for some rules speak of the hour. What it promises: the same
//! captures and configuration give the same figures, but for the cost. What it does not do: choose a threshold;
//! it says what each of some would do.

mod cost;
mod drive;
mod kinds;
mod measure;
mod report;
mod table;

pub use measure::measure;
pub use report::{BenignSource, CaptureReport, CategoriesReport, Scored, Sweep};
pub use table::{json, table};

use std::path::PathBuf;

use crate::bloom::Weighting;
use crate::config::Config;

use super::Split;

/// The weightings that are compared, in the order of every list of them.
pub const WEIGHTINGS: [(Weighting, &str); 2] =
    [(Weighting::Share, "share"), (Weighting::Rarity, "rarity")];

/// What is to be measured.
pub struct Task {
    /// Folders of captures.
    pub data: Vec<PathBuf>,
    /// Which benign sources the stage knows before, and which it is measured on.
    pub split: Split,
    /// The configuration; its weighting is replaced.
    pub config: Config,
}
