//! Which connection a later fragment belongs to.
//!
//! Only the first fragment of a datagram has ports. It is remembered here under addresses, protocol
//! and identification, for as long as a receiver would wait for the rest (RFC 791 and RFC 8200 give
//! figures from 15 to 60 seconds), in a direct-mapped cache of fixed size: a collision forgets the older
//! datagram, whose later fragments are then counted as orphans. The hash has a fixed seed, because
//! which datagrams collide must not differ from run to run.

use crate::time::{Span, Timestamp};
use crate::wire::{Address, Fragment, Network};

use super::index::Mixer;
use super::{ConnectionId, Side};

const LIFETIME: Span = Span::from_secs(30);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Datagram {
    source: Address,
    destination: Address,
    id: u32,
    domain: u16,
    protocol: u8,
}

impl Datagram {
    pub(super) fn of(network: &Network, fragment: Fragment, domain: u16) -> Self {
        Self {
            source: network.source,
            destination: network.destination,
            id: fragment.id,
            domain,
            protocol: network.protocol,
        }
    }
}

/// What the first fragment told.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    pub(super) id: ConnectionId,
    pub(super) side: Side,
    /// Where in the stream the next fragment's bytes go, for TCP.
    pub(super) sequence: u32,
}

pub(super) struct Fragments {
    entries: Vec<Option<(Datagram, Owner, Timestamp)>>,
    size: usize,
    mixer: Mixer,
}

impl Fragments {
    pub(super) fn new(size: u32) -> Self {
        let size = (size.clamp(1, 1 << 24) as usize).next_power_of_two();
        Self { entries: Vec::new(), size, mixer: Mixer::new(0) }
    }

    /// Remembers a first fragment. The cache is made when the first one comes.
    pub(super) fn remember(&mut self, datagram: Datagram, owner: Owner, now: Timestamp) {
        if self.entries.is_empty() {
            self.entries = vec![None; self.size];
        }
        let at = self.place(&datagram);
        self.entries[at] = Some((datagram, owner, now));
    }

    /// Whose a later fragment is.
    pub(super) fn find(&mut self, datagram: &Datagram, now: Timestamp) -> Option<&mut Owner> {
        let at = self.place(datagram);
        match self.entries.get_mut(at) {
            // One from after `now` was left behind by a clock that has been set back since.
            Some(Some((known, owner, since)))
                if known == datagram && *since <= now && now.since(*since) <= LIFETIME =>
            {
                Some(owner)
            }
            _ => None,
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Option<(Datagram, Owner, Timestamp)>>()
    }

    fn place(&self, datagram: &Datagram) -> usize {
        let sum = self.mixer.mix(datagram.source.bytes(), u64::from(datagram.id))
            ^ self
                .mixer
                .mix(datagram.destination.bytes(), u64::from(datagram.domain))
                .rotate_left(1);
        self.mixer.finish(sum, u64::from(datagram.protocol)) as usize & (self.size - 1)
    }
}
