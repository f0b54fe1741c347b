//! What should have come and did not: deadlines, holes, synthetic packets and what became of them.
//!
//! - After each packet [`Predictor::arm`] asks the model when the next one is due, at a quantile that
//!   `coverage` keeps honest on this site. If the time comes and the packet does not,
//!   [`Predictor::miss`] says what it should have been, imagines that it came, and waits for the one after
//!   it, a few times over. The real state is never touched, and the next real packet starts afresh.
//! - Where numbers were skipped, [`Predictor::fill`] says what the `hole` must have held; where only the
//!   IP identification tells of a packet, its `vacancy` says when that came.
//! - Every synthetic packet stays in the `ledger` until later packets, or time, decide its outcome.
//!
//! A synthetic packet is a type of its own ([`SyntheticPacket`]), so that it can't be taken for a real
//! one anywhere: it is never learned from, never scored, and never fed again. What is made leaves
//! through [`Predictor::reports`], in packet-time order.

mod baseline;
pub mod cadence;
mod capture;
mod coverage;
mod habit;
mod hole;
mod ledger;
mod numbers;
mod predictor;
pub mod rebuild;
mod respond;
mod synthetic;
mod track;
mod vacancy;

pub use coverage::Coverage;
pub(crate) use ledger::Came;
pub use predictor::{Arrival, Due, Found, Policy, Predictor, Report, Sender, Unseen};
pub use synthetic::{Gap, Kind, Outcome, Settled, SyntheticId, SyntheticPacket, Why};
