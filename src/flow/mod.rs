//! Packets in, connections out: who talks with whom, since when, how much, and where in the stream.
//!
//! A [`ConnectionTable`] finds or makes the [`Connection`] of each packet, keeps its counters, its
//! state in Zeek's words and both sides' TCP sequence space, and closes it by time-out, by reuse of
//! its addresses and ports, when the table is full, or when the host says so. Memory is bounded;
//! packet time is the only clock; nothing is allocated for a packet of a known connection.
//!
//! What it does not do: score, predict, or know of any host. Direction is side A and side B, A
//! being the sender of the first packet; originator and responder are names given on output.

mod carrier;
mod community_id;
mod connection;
mod ends;
mod fragment;
mod icmp;
mod index;
mod key;
mod limits;
mod observation;
mod rtp;
mod sequence;
mod service;
mod slab;
mod state;
mod stats;
mod summary;
mod table;
mod uid;

pub use community_id::community_id;
pub use connection::Connection;
pub use key::{ConnectionId, ConnectionKey, Side, Slot};
pub use limits::Limits;
pub use observation::{Admitted, HostHint, Observation};
pub use sequence::{HOLES, Hole, SequenceNote};
pub use service::Service;
pub use stats::Stats;
pub use summary::{CloseReason, ConnectionState, Counters, History, Summary};
pub use table::ConnectionTable;
pub use uid::Uid;
