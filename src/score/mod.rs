//! What the forecast did not expect: anomalies, with what was expected, what came, and why.

mod anomaly;

pub use anomaly::{Anomaly, ConnectionScore};
