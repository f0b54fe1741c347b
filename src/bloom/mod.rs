//! Behaviours, counted: which targets do what others here do not.
//!
//! ```text
//! Facts of a packet -> Rule of each category -> Element, keyed -> BloomCounter: new?
//!     new elements an interval -> Weights          target of the packet -> Targets
//!                        score of a target = sum of the weights of its categories
//! ```
//!
//! A [`Category`] is a behaviour: a [`Rule`], what is counted of it, and whom it speaks of. A [`Stage`]
//! counts, weighs, and says when a target's score comes over a threshold.
//!
//! What it promises: bounded memory, no I/O, no clock but the packets', the same packets give the
//! same answers; counters merge in any order, however often the same one comes, and hostile bytes are
//! refused by name. What it does not do: decide what is anomalous in a connection (see `score`), or
//! carry anything between sensors ([`federate`] says what would be
//! carried).

mod category;
mod codec;
mod counter;
pub mod federate;
mod geometry;
mod key;
mod name;
mod reach;
mod rule;
mod stage;
mod targets;
mod weights;

pub use category::{Category, Part, Role};
pub use codec::DecodeError;
pub use counter::{BloomCounter, Mismatch};
pub use geometry::{Geometry, GeometryError};
pub use key::{Element, FederationKey, SealKey};
pub use name::Name;
pub use reach::Sketch;
pub use rule::{Could, Facts, Networks, Prefix, Rule, RuleError};
pub use stage::{Flagged, Heard, Report, Settings, Stage};
pub use targets::{Limits, Mask, Target};
pub use weights::{Smoothing, Weighting, Weights};
