//! Packets out as a pcapng capture: those captured, and those that were not in their places.
//!
//! [`RebuiltStream`] takes every packet that a sensor was given, and the sensor's events, and writes
//! the stream that they make. `docs/rebuilt-stream.md` says what such a file holds.
//!
//! # What it promises
//!
//! - Captured packets are written byte for byte, with their link type, lengths, time to the
//!   nanosecond, interface and what the capture said of each.
//! - The same packets and events give the same bytes.
//! - A file has its name only when it is whole; until then it is called `NAME.part` and holds whole
//!   blocks, but for at most the last one. A full disk is one [`SinkError`](super::SinkError).
//! - Memory is what the window holds and a pattern for each live connection.
//!
//! # What it does not do
//!
//! Copy blocks other than packets and interfaces: name resolution, decryption secrets, statistics.

mod block_file;
mod blocks;
mod comment;
mod rebuilt;
#[cfg(test)]
mod tests;

pub use block_file::Destination;
pub use rebuilt::{RebuildOptions, RebuiltStream, Written};
