//! Training and the reference engine, by way of `engine-torch` (feature `torch`).
//!
//! libtorch weighs half a gigabyte and is needed only here, so nothing links it: [`TorchPlugin::open`]
//! opens it, and the library of `engine-torch` after it, when somebody trains or compares engines.
//! Where either is missing the error says what, where it looked and how to get it; nothing else of
//! Foreshadow changes.
//!
//! What it promises: a [`Trainer`] that is killed and resumed from its checkpoint ends with the same
//! weights, bit for bit, as one that was not (on the processor with one thread). A trainer does not
//! choose features, batches or learning rates, or know what a packet is; `forecast` does, which trains
//! the shipped networks (with feature `cli`, for it reads captures).

mod abi;
mod engine;
mod error;
#[cfg(feature = "cli")]
pub mod forecast;
mod plugin;
mod spec;
mod trainer;

pub use engine::TorchEngine;
pub use error::{PluginError, Refusal};
pub use plugin::{Device, TorchPlugin};
pub use spec::{Cell, GivenSpec, HeadKind, HeadSpec, NetworkSpec, TableSpec};
pub use trainer::{Batch, PartReport, StepReport, Trainer, TrainingSpec};
