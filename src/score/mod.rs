//! What the forecast did not expect: anomalies, with what was expected, what came, and why.
//!
//! The first verdict is a plain one: a packet whose surprise reaches a stated number of bits is an
//! anomaly, once the sensor and the connection have seen enough for surprise to mean something.

mod anomaly;
mod scorer;

pub use anomaly::{Anomaly, ConnectionScore};
pub use scorer::{Scorer, Threshold};
