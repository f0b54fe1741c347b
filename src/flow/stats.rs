//! What the layer counted.

use crate::wire::{Reason, Stop};

use super::CloseReason;

/// Counters of a [`ConnectionTable`](super::ConnectionTable) since it was made.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Packets observed.
    pub packets: u64,
    /// Of these, packets in which no IP header could be read.
    pub without_ip: u64,
    /// Packets whose reading ended early, by [`Reason`] in the order of its variants.
    pub stops: [u64; 4],
    /// Connections begun.
    pub begun: u64,
    /// Connections closed, by [`CloseReason`] as a number; index 0 is unused.
    pub closed: [u64; 7],
    /// Later fragments that were found to belong to a connection.
    pub fragments_later: u64,
    /// Later fragments whose first one was not seen, or is forgotten.
    pub fragments_orphan: u64,
    /// Packets behind the clock by no more than the tolerance, taken at the clock's time.
    pub time_reversed: u64,
    /// Times the clock was set back and every connection closed.
    pub clock_resets: u64,
    /// Connections whose VLAN or tunnel is not known because too many different ones are alive.
    pub carriers_unknown: u64,
    /// Summaries thrown away because nobody fetched them.
    pub summaries_lost: u64,
    /// Live connections.
    pub live: u32,
    /// Most connections alive at one time.
    pub peak: u32,
}

impl Stats {
    /// Connections closed for `reason`.
    #[must_use]
    pub const fn closed_by(&self, reason: CloseReason) -> u64 {
        self.closed[reason as usize]
    }

    /// Connections that gave way to new ones in a full table.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.closed_by(CloseReason::Evicted)
    }

    /// Packets whose reading ended for `reason`.
    #[must_use]
    pub const fn stopped_by(&self, reason: Reason) -> u64 {
        self.stops[place(reason)]
    }

    pub(super) const fn note_stop(&mut self, stop: Stop) {
        self.stops[place(stop.reason)] += 1;
    }
}

const fn place(reason: Reason) -> usize {
    match reason {
        Reason::Truncated => 0,
        Reason::Malformed => 1,
        Reason::Unsupported => 2,
        Reason::TooDeep => 3,
    }
}
