//! The words of a verdict.

use crate::flow::{ConnectionId, ConnectionKey, Side};
use crate::model::{Expectation, PacketFacts, Surprise};
use crate::time::Timestamp;

/// A packet whose surprise reached the threshold.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Anomaly {
    /// The connection it came on.
    pub id: ConnectionId,
    /// The host's own number for the connection, if the host gave one.
    pub host_id: Option<u64>,
    /// The connection's addresses, ports and protocol.
    pub key: ConnectionKey,
    /// The connection's originator.
    pub originator: Side,
    /// The connection's uid.
    pub uid: u128,
    /// When it came.
    pub time: Timestamp,
    /// Its surprise by part.
    pub surprise: Surprise,
    /// The threshold it reached, in bits.
    pub threshold: f32,
    /// What was expected before it came.
    pub expected: Expectation,
    /// What came.
    pub seen: PacketFacts,
}

/// What a connection's packets said so far.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ConnectionScore {
    /// Packets scored.
    pub scored: u32,
    /// Packets that were anomalies.
    pub anomalies: u32,
    /// Synthetic packets made.
    pub synthetic: u32,
    /// Sum of all packets' surprise, in bits.
    pub total: f32,
    /// The largest surprise of one packet, in bits.
    pub max: f32,
}

impl ConnectionScore {
    /// Mean surprise of a packet in bits, `None` before the first.
    #[must_use]
    pub fn mean(&self) -> Option<f32> {
        (self.scored > 0).then(|| self.total / self.scored as f32)
    }
}
