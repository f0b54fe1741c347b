//! What is said of a cadence.

use crate::flow::Service;
use crate::time::{Span, Timestamp};
use crate::wire::Address;

/// What a cadence is made of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Beats {
    /// The packets that one side of a connection sends.
    Packets = 1,
    /// The connections that one endpoint begins to another on one service.
    Connections = 2,
}

impl Beats {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Packets, Self::Connections];

    /// The name used in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packets => "packets",
            Self::Connections => "connections",
        }
    }
}

/// What happened to a cadence.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Change {
    /// It held, and its beats no longer come, though others' packets do.
    Stopped = 1,
    /// It is back.
    Resumed = 2,
    /// Nothing at all comes any more: the capture itself may have stopped. Said once, of the cadence
    /// that showed it, and held against nobody.
    Silence = 3,
}

impl Change {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Stopped, Self::Resumed, Self::Silence];

    /// The name used in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Resumed => "resumed",
            Self::Silence => "silence",
        }
    }
}

/// A missing heartbeat, or one that came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heartbeat {
    /// When: the end of the wait, or the beat that came back.
    pub time: Timestamp,
    /// What happened.
    pub change: Change,
    /// What the cadence is made of.
    pub beats: Beats,
    /// Who sends the packets, or begins the connections.
    pub source: Address,
    /// The port it does so from; 0 for connections, which have one each.
    pub source_port: u16,
    /// To whom.
    pub destination: Address,
    /// At which port; for connections, the service's.
    pub destination_port: u16,
    /// The service they speak.
    pub service: Service,
    /// Uid of the connection, while the sensor knows it; `None` for connections.
    pub uid: Option<u128>,
    /// Time between beats.
    pub period: Span,
    /// Seven in eight beats come within this of their time.
    pub jitter: Span,
    /// Beats so far.
    pub count: u32,
    /// The last beat before the silence.
    pub last: Timestamp,
    /// How long after it the cadence counts as stopped.
    pub wait: Span,
    /// Beats that did not come.
    pub missed: u32,
    /// Cadences that are believed now, this one included.
    pub cadences: u32,
}
