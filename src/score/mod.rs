//! What the forecast did not expect: how rare it is here, what it adds up to, and why.
//!
//! ```text
//! packet's surprise -> calibration: one in N packets like it, here -> anomaly at a stated share
//!                         \-> evidence of its connection, which adds up  -> anomalous connection
//! connections begun, answered, come to nothing -> evidence of endpoints  -> anomalous endpoint
//! ```
//!
//! Nothing here knows which model forecast: only that its surprise is larger where it expected
//! less. What it promises: a stated number of false alarms; memory that does not grow with traffic
//! beyond what the config names, other than a few bytes a connection; nothing allocated for a
//! packet of a known connection. What it does not do: say what an attack is called.

mod alarm;
mod anomaly;
mod by_class;
mod calibration;
mod class;
mod contact;
mod count;
mod endpoint;
mod evidence;
mod grounds;
mod habit;
mod meeting;
mod part;
mod scorer;
mod sentence;
mod state;
mod tail;
mod volume;

pub use anomaly::{
    AnomalousConnection, AnomalousEndpoint, Anomaly, ConnectionScore, Finding, Reason,
};
pub use endpoint::Activity;
pub use grounds::{CountRange, Grounds, TERMS, Term, TermKind, Tipping};
pub use part::{Part, Weights};
pub use scorer::{Judgement, Policy, Scorer};
pub use sentence::Sentence;
pub use state::StateError;
pub use volume::Volume;
