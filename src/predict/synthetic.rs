//! The packet that should have been, and what became of it.

use crate::flow::Side;
use crate::flow::{ConnectionId, ConnectionKey};
use crate::model::Expectation;
use crate::time::Timestamp;
use crate::wire::TcpFlags;

/// The number of a synthetic packet: 1 is the first that a sensor makes, and none comes twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SyntheticId(pub u64);

/// Why a synthetic packet was made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Its deadline passed and nothing came.
    Overdue,
    /// What came shows that it must have been sent.
    Gap(Gap),
}

impl Kind {
    /// The name used in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overdue => "overdue",
            Self::Gap(_) => "gap",
        }
    }

    /// What is known of the hole, if that is why it was made.
    #[must_use]
    pub const fn gap(self) -> Option<Gap> {
        match self {
            Self::Overdue => None,
            Self::Gap(gap) => Some(gap),
        }
    }
}

/// Where a gap packet stands in its hole.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Gap {
    /// How the hole was found.
    pub why: Why,
    /// Which packet of the hole it is, from 1.
    pub part: u32,
    /// Packets made for the hole.
    pub parts: u32,
    /// What the hole held beyond these packets, because there may be no more of them: bytes, for
    /// RTP packets. The same in each part.
    pub left: u32,
}

/// How a hole was found.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Why {
    /// TCP: a later segment came before the bytes in front of it.
    Hole = 1,
    /// TCP: the peer acknowledged bytes that nobody saw.
    Acknowledged = 2,
    /// RTP: numbers were skipped.
    Rtp = 3,
    /// A request on a service that always answers was not answered.
    NoResponse = 4,
    /// The side's IP identification counts a packet that nobody saw, and no other number tells of.
    Numbering = 5,
}

impl Why {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Hole, Self::Acknowledged, Self::Rtp, Self::NoResponse, Self::Numbering];

    /// The name used in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hole => "hole",
            Self::Acknowledged => "acknowledged",
            Self::Rtp => "rtp",
            Self::NoResponse => "no_response",
            Self::Numbering => "numbering",
        }
    }
}

/// A packet that was expected and did not come.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SyntheticPacket {
    /// Its number.
    pub serial: SyntheticId,
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
    /// When it was made: as its deadline passed, or as something came that shows it was sent.
    pub made: Timestamp,
    /// When it should have come: the deadline, or for a gap an estimate between its neighbours.
    pub due: Timestamp,
    /// The connection's last real packet before it.
    pub last: Timestamp,
    /// How many were made since that packet, this one included.
    pub run: u8,
    /// Who should have sent it.
    pub side: Side,
    /// TCP flags it would have; empty for other protocols.
    pub flags: TcpFlags,
    /// Payload bytes it would have; exact together with `sequence` for a TCP gap.
    pub payload_len: u32,
    /// Entropy its payload would have in 1/32 bit a byte, where that is known.
    pub entropy: Option<u8>,
    /// TCP sequence number it would have, where the connection fixes it; for RTP its number.
    pub sequence: Option<u32>,
    /// TCP acknowledgement number it would have, likewise.
    pub acknowledgement: Option<u32>,
    /// How sure it is that such a packet was sent, or should have been: 0 to 1.
    pub confidence: f32,
    /// How likely it is that it did come and the capture lost it, 0 to 1.
    pub capture_loss: f32,
    /// The forecast it was made from.
    pub expected: Expectation,
}

/// What became of a synthetic packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Outcome {
    /// The real one came after all.
    Late = 1,
    /// A retransmission brought its bytes.
    Filled = 2,
    /// Who it was for acknowledged it, so that it came there, unseen here.
    Lost = 3,
    /// Nothing like it ever came.
    Phantom = 4,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Late, Self::Filled, Self::Lost, Self::Phantom];

    /// The name used in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::Filled => "filled",
            Self::Lost => "lost",
            Self::Phantom => "phantom",
        }
    }
}

/// The outcome of a synthetic packet; each has exactly one.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Settled {
    /// The number of the packet.
    pub serial: SyntheticId,
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
    /// When it was made.
    pub made: Timestamp,
    /// When it should have come.
    pub due: Timestamp,
    /// Who should have sent it.
    pub side: Side,
    /// Payload bytes it would have.
    pub payload_len: u32,
    /// TCP sequence number it would have; for RTP its number.
    pub sequence: Option<u32>,
    /// What became of it.
    pub outcome: Outcome,
    /// When that was clear.
    pub time: Timestamp,
    /// Payload bytes of the packet that came in its place, where one did.
    pub came: Option<u32>,
    /// How likely it is that it did come and the capture lost it, 0 to 1, as known by then.
    pub capture_loss: f32,
}
