//! Measuring synthetic packets: packets are taken out of captures, and looked for.
//!
//! ```text
//! captures -> Deletion: which frames are left out (or come late)
//!   -> the whole sensor line over the rest, three baselines beside it -> claims
//!   -> matched with what was left out -> GapReport, by source and class
//! ```
//!
//! Besides, the line runs over the untouched captures: every overdue packet there is a false one, and
//! holes that a capture had before are not held against the line. [`silence`] stops one device at a
//! time and asks for the missing heartbeat.
//!
//! What it promises: the same captures, configuration and seed give the same figures. A sensor begins
//! each capture knowing nothing. What counts as found is said in `matching`, as beaten by the
//! forecast in `standing`.
//!
//! What it does not do: train anything, or know what a capture lost before it came here.

mod baselines;
mod deletion;
mod frames;
mod json;
mod matching;
mod run;
mod silence;
mod standing;
mod table;
mod tally;
mod watch;

pub use baselines::Rule;
pub use deletion::Deletion;
pub use frames::Class;
pub use json::{gaps_json, silence_json};
pub use run::{Chosen, GapReport, GapSource, gaps};
pub use silence::{SilenceReport, SilenceSource, silence};
pub use table::{gaps_table, silence_table};
pub use tally::{Tally, Untouched};
