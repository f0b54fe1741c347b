//! What should have come and did not: deadlines on forecasts, and synthetic packets when they pass.
//!
//! After each packet [`Predictor::arm`] asks the model when the next one is due. If the time comes
//! and the packet does not, [`Predictor::miss`] says what it should have been, imagines that it came,
//! and waits for the one after it, a few times over; the real state is never touched, and the next
//! real packet starts afresh from it.
//!
//! A synthetic packet is a type of its own ([`SyntheticPacket`]), so that it can't be taken for a
//! real one anywhere: it is never learned from, never scored, and never fed again.

pub mod cadence;
mod predictor;
pub mod rebuild;
mod synthetic;

pub use predictor::{Miss, Policy, Predictor};
pub use synthetic::{Gap, Kind, Outcome, Settled, SyntheticId, SyntheticPacket, Why};
