//! The whole line in order: push packets, advance time, poll what should be heard of.

mod event;
mod stats;

pub use event::{Event, Shed, Verdict};
pub use stats::Stats;
