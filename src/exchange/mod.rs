//! What carries a federation's blobs: files, pipes, and NATS JetStream.
//!
//! ```text
//! run ──► spool of a sensor ──► federate --role sensor ──► NATS ──► federate --role aggregator
//!   ◄────────  its view  ◄───────────────────────────────────────────────────┘
//! ```
//!
//! A sensor that processes packets writes blobs to a folder of its own and reads the view from there; what
//! carries them is another process, so that a network that stands still holds up no packet. What it
//! promises: a blob is in its folder whole or not at all, and leaves it when whoever is to have it has
//! said so; what a folder may hold is bounded. What it does not do: believe in what it carries.

pub mod frames;
#[cfg(feature = "nats")]
pub mod nats;
mod spool;

pub use spool::{Spool, SpoolError, Waiting};
