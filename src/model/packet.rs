//! What a model sees of a packet.

use crate::flow::Side;
use crate::time::Span;
use crate::wire::TcpFlags;

/// A packet in the model's words: no addresses, no bytes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PacketFacts {
    /// Who sent it.
    pub side: Side,
    /// The transport protocol's number.
    pub protocol: u8,
    /// TCP flags; empty for other protocols.
    pub flags: TcpFlags,
    /// Transport payload bytes on the wire.
    pub payload_len: u32,
    /// All bytes on the wire.
    pub wire_len: u32,
    /// TCP window, unscaled; 0 for other protocols.
    pub window: u16,
    /// Entropy of the payload's first bytes in 1/32 bit a byte (0 to 255), where there were enough of them.
    pub entropy: Option<u8>,
    /// Time since the connection's previous packet; `None` for its first.
    pub since: Option<Span>,
    /// How many packets of the connection came before.
    pub position: u32,
}

impl PacketFacts {
    /// A packet of nothing, for places that hold none yet.
    pub const NONE: Self = Self {
        side: Side::A,
        protocol: 0,
        flags: TcpFlags(0),
        payload_len: 0,
        wire_len: 0,
        window: 0,
        entropy: None,
        since: None,
        position: 0,
    };
}

/// TCP flags in the eight classes of the common discretisation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum FlagClass {
    /// No flags, or not TCP.
    None = 0,
    /// SYN.
    Syn = 1,
    /// SYN and ACK.
    SynAck = 2,
    /// A bare ACK.
    Ack = 3,
    /// PSH and ACK.
    PushAck = 4,
    /// Any with FIN.
    Fin = 5,
    /// Any with RST.
    Reset = 6,
    /// Everything else.
    Other = 7,
}

impl FlagClass {
    /// How many classes there are.
    pub const COUNT: usize = 8;

    /// All classes by number.
    pub const ALL: [Self; Self::COUNT] = [
        Self::None,
        Self::Syn,
        Self::SynAck,
        Self::Ack,
        Self::PushAck,
        Self::Fin,
        Self::Reset,
        Self::Other,
    ];

    /// The class of a packet's flags. ECE, CWR and URG do not count.
    #[must_use]
    pub const fn of(flags: TcpFlags) -> Self {
        const SYN: u8 = TcpFlags::SYN.0;
        const ACK: u8 = TcpFlags::ACK.0;
        const SYN_ACK: u8 = SYN | ACK;
        const PUSH_ACK: u8 = TcpFlags::PSH.0 | ACK;
        if flags.intersects(TcpFlags::RST) {
            return Self::Reset;
        }
        if flags.intersects(TcpFlags::FIN) {
            return Self::Fin;
        }
        match flags.0 & 0x1f {
            0 => Self::None,
            SYN => Self::Syn,
            SYN_ACK => Self::SynAck,
            ACK => Self::Ack,
            PUSH_ACK => Self::PushAck,
            _ => Self::Other,
        }
    }

    /// The flags an expected packet of this class most likely carries.
    #[must_use]
    pub const fn typical(self) -> TcpFlags {
        TcpFlags(match self {
            Self::None | Self::Other => 0,
            Self::Syn => TcpFlags::SYN.0,
            Self::SynAck => TcpFlags::SYN.0 | TcpFlags::ACK.0,
            Self::Ack => TcpFlags::ACK.0,
            Self::PushAck => TcpFlags::PSH.0 | TcpFlags::ACK.0,
            Self::Fin => TcpFlags::FIN.0 | TcpFlags::ACK.0,
            Self::Reset => TcpFlags::RST.0,
        })
    }

    /// The name used in logs and reasons.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Syn => "SYN",
            Self::SynAck => "SYN-ACK",
            Self::Ack => "ACK",
            Self::PushAck => "PSH-ACK",
            Self::Fin => "FIN",
            Self::Reset => "RST",
            Self::Other => "other",
        }
    }
}
