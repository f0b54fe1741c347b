//! The packet that should have been.

use crate::flow::Side;
use crate::flow::{ConnectionId, ConnectionKey};
use crate::model::Expectation;
use crate::time::Timestamp;

/// Why a synthetic packet was made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Its deadline passed and nothing came.
    Overdue = 1,
}

impl Kind {
    /// The name used in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
        }
    }
}

/// A packet that was expected and did not come.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SyntheticPacket {
    /// The connection it belongs to.
    pub id: ConnectionId,
    /// The host's own number for the connection, if the host gave one.
    pub host_id: Option<u64>,
    /// The connection's addresses, ports and protocol.
    pub key: ConnectionKey,
    /// The connection's originator.
    pub originator: Side,
    /// The connection's uid.
    pub uid: u128,
    /// Why it was made.
    pub kind: Kind,
    /// When it was due: the deadline that passed.
    pub due: Timestamp,
    /// The connection's last real packet.
    pub last: Timestamp,
    /// How many were made since that packet, this one included.
    pub run: u8,
    /// TCP sequence number it would have, where the connection fixes it.
    pub sequence: Option<u32>,
    /// TCP acknowledgement number it would have, likewise.
    pub acknowledgement: Option<u32>,
    /// The forecast it was made from.
    pub expected: Expectation,
}
