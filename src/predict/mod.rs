//! What should have come and did not: deadlines on forecasts, and synthetic packets when they pass.
//!
//! A synthetic packet is a type of its own ([`SyntheticPacket`]), so that it can't be taken for a
//! real one anywhere: it is never learned from, never scored, and never fed again.

mod synthetic;

pub use synthetic::{Kind, SyntheticPacket};
