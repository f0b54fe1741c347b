//! Behaviours, counted: which targets do what others here do not.

mod codec;
mod counter;
mod geometry;
mod key;
mod rule;
mod weights;

pub use codec::DecodeError;
pub use counter::{BloomCounter, Mismatch};
pub use geometry::{Geometry, GeometryError};
pub use key::{Element, FederationKey};
pub use rule::{Could, Facts, Networks, Prefix, Rule, RuleError};
pub use weights::{Smoothing, Weighting, Weights};
