//! What tells connections apart, and the names they are called by.

use crate::wire::Address;

/// One of the two ends of a connection; [`Side::A`] sent its first packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Side {
    /// The sender of the first packet seen.
    A = 0,
    /// The other end.
    B = 1,
}

impl Side {
    /// The opposite side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Where a live connection stands in every per-connection array of the sensor.
///
/// Slots are reused after a connection is closed; [`ConnectionId`] tells users of one slot apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(pub u32);

impl Slot {
    /// The slot as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A connection's handle for hosts: its slot and the slot's generation, so that a stale one is seen.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConnectionId {
    /// Where it stands.
    pub slot: Slot,
    /// How often the slot had been given away before, starting at 1, so that no id is all zero.
    pub generation: u32,
}

impl ConnectionId {
    /// The id as one number, never 0.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        (self.generation as u64) << 32 | self.slot.0 as u64
    }

    /// The id that `to_u64` made.
    #[must_use]
    pub const fn from_u64(raw: u64) -> Self {
        Self { slot: Slot(raw as u32), generation: (raw >> 32) as u32 }
    }
}

/// Addresses, ports and protocol as side A and side B have them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ConnectionKey {
    /// Address of side A.
    pub address_a: Address,
    /// Address of side B.
    pub address_b: Address,
    /// Port of side A; the ICMP type of A's packets; 0 where the protocol has none.
    pub port_a: u16,
    /// Port of side B; the ICMP type of the answers, or the code where there is no answer; 0 where
    /// the protocol has none.
    pub port_b: u16,
    /// The transport protocol's number.
    pub protocol: u8,
    /// What else keeps apart: an interned number for VLAN or tunnel id where the config asks for it, else 0.
    pub domain: u16,
}

impl ConnectionKey {
    /// The address of `side`.
    #[must_use]
    pub const fn address(&self, side: Side) -> Address {
        match side {
            Side::A => self.address_a,
            Side::B => self.address_b,
        }
    }

    /// The port of `side`.
    #[must_use]
    pub const fn port(&self, side: Side) -> u16 {
        match side {
            Side::A => self.port_a,
            Side::B => self.port_b,
        }
    }
}
