//! What is known of a connection when it ends, or so far.

use crate::time::Timestamp;
use crate::wire::{Tunnel, Vlans};

use super::{ConnectionId, ConnectionKey, Service, Side};

/// What one side sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Packets, fragments included.
    pub packets: u64,
    /// IP bytes, headers included, by the IP header's length.
    pub ip_bytes: u64,
    /// Bytes on the wire, link header included.
    pub wire_bytes: u64,
    /// Transport payload bytes; for TCP by sequence numbers, so that a retransmission counts once.
    pub payload_bytes: u64,
    /// TCP payload packets that carried only bytes seen before.
    pub retransmissions: u32,
    /// TCP payload packets that came behind a later one and filled a hole.
    pub out_of_order: u32,
    /// TCP bytes that were never seen though later ones, or their acknowledgement, were.
    pub missed_bytes: u64,
}

/// Zeek's `conn_state`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ConnectionState {
    /// Attempt seen, no reply.
    S0,
    /// Established, not ended.
    S1,
    /// Established, closed by the originator only.
    S2,
    /// Established, closed by the responder only.
    S3,
    /// Ended normally.
    Sf,
    /// Attempt rejected.
    Rej,
    /// Established, originator aborted.
    Rsto,
    /// Established, responder aborted.
    Rstr,
    /// Originator sent a SYN and then a RST; no SYN-ACK seen.
    Rstos0,
    /// Responder sent a SYN-ACK and then a RST; no SYN of the originator seen.
    Rstrh,
    /// Originator sent a SYN and then a FIN; no SYN-ACK seen.
    Sh,
    /// Responder sent a SYN-ACK and then a FIN; no SYN of the originator seen.
    Shr,
    /// No SYN seen, mid-stream traffic.
    Oth,
}

impl ConnectionState {
    /// The name as Zeek writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::S0 => "S0",
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::Sf => "SF",
            Self::Rej => "REJ",
            Self::Rsto => "RSTO",
            Self::Rstr => "RSTR",
            Self::Rstos0 => "RSTOS0",
            Self::Rstrh => "RSTRH",
            Self::Sh => "SH",
            Self::Shr => "SHR",
            Self::Oth => "OTH",
        }
    }
}

/// Zeek's `history`: one letter an event, upper case for the originator.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct History {
    pub(super) letters: [u8; Self::CAPACITY],
    pub(super) len: u8,
}

impl History {
    /// Letters kept; later ones are dropped.
    pub const CAPACITY: usize = 23;

    /// The history of these letters, as many as are kept.
    #[must_use]
    pub fn from_letters(letters: &str) -> Self {
        let mut history = Self::default();
        for (to, from) in history.letters.iter_mut().zip(letters.bytes()) {
            *to = from;
            history.len += 1;
        }
        history
    }

    /// The letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.letters[..usize::from(self.len)]).unwrap_or("")
    }
}

/// Why a connection was closed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum CloseReason {
    /// Nothing came for the time-out of its protocol and state.
    Timeout = 1,
    /// A fresh SYN began another connection between the same addresses and ports.
    Reused = 2,
    /// The table was full and this was the least valuable connection in reach.
    Evicted = 3,
    /// The host closed it.
    Host = 4,
    /// The sensor was closed or the capture ended.
    Shutdown = 5,
    /// The capture's clock was set back further than the tolerance.
    ClockReset = 6,
}

/// A connection as it stands, in the log's words.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// The handle it had.
    pub id: ConnectionId,
    /// The host's own number for it, if the host gave one.
    pub host_id: Option<u64>,
    /// Addresses, ports, protocol.
    pub key: ConnectionKey,
    /// Which side is the originator.
    pub originator: Side,
    /// A 96-bit number made of the key, the first time and the seed, the same wherever the same
    /// capture is read with the same seed; logs print it as a Zeek uid.
    pub uid: u128,
    /// Time of the first packet.
    pub first: Timestamp,
    /// Time of the last packet.
    pub last: Timestamp,
    /// What each side sent, index by `Side as usize`.
    pub sides: [Counters; 2],
    /// Zeek's connection state; for protocols other than TCP as Zeek does it (S0, SF, SHR, OTH).
    pub state: ConnectionState,
    /// Zeek's history.
    pub history: History,
    /// VLAN tags of the first packet.
    pub vlans: Vlans,
    /// The tunnel of the first packet.
    pub tunnel: Option<Tunnel>,
    /// Why it was closed; `None` while it lives.
    pub closed: Option<CloseReason>,
}

impl Summary {
    /// The service it most likely spoke, by its ports.
    #[must_use]
    pub fn service(&self) -> Service {
        Service::of(self.key.protocol, [self.key.port_a, self.key.port_b], self.originator)
    }
}
