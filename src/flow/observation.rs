//! What goes in with a packet besides the packet, and what comes out.

use crate::time::{Span, Timestamp};

use super::{ConnectionId, SequenceNote, Side};

/// What a host knows of a packet's connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct HostHint {
    /// The host's own number for the connection; `u64::MAX` counts as none.
    pub id: Option<u64>,
    /// Whether the sender of this packet is the originator, where the host has decided that. Taken
    /// at the first packet of a connection only.
    pub from_originator: Option<bool>,
}

/// What a packet is to its connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Observation {
    /// The connection.
    pub id: ConnectionId,
    /// Who sent the packet.
    pub side: Side,
    /// Whether this is the connection's first packet.
    pub is_new: bool,
    /// Whether this is a later fragment, without a transport header.
    pub is_fragment: bool,
    /// The packet's time on the table's clock.
    pub time: Timestamp,
    /// Time since the connection's previous packet; `None` for the first.
    pub since: Option<Span>,
    /// What the packet told about the stream.
    pub sequence: SequenceNote,
}

/// The time a packet is taken at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Admitted {
    /// The packet's time, or the clock's if the packet is a little behind it.
    pub time: Timestamp,
    /// Whether the clock was set back to it, which closed every connection.
    pub reset: bool,
}
