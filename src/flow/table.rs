//! The live connections, and where each packet belongs.
//!
//! # Order of things
//!
//! [`ConnectionTable::observe`] may close connections: by time-out, by reuse, to make room, or
//! all of them when the clock was set back. They wait in a queue, keep their slots and stay readable
//! until [`ConnectionTable::pop_closed`] takes them, so whoever keeps something by slot does this:
//! observe (or advance), take every closed one and drop what its slot held, and only then treat a
//! new connection as begun. A slot is given out again only after its summary was taken.
//!
//! # The clock
//!
//! It never runs backwards by itself. A packet behind it by no more than the tolerance is taken at
//! the clock's time. One further behind means that the capture's clock was set back: every live
//! connection is closed as of the old clock and the clock goes to the packet's time.
//!
//! # Expiry
//!
//! One wheel entry a connection, not moved by packets: when it fires, the connection's last packet
//! says whether it ends or when to look again. A deadline is moved forward only when a FIN or
//! RST ends a TCP connection.

use std::collections::VecDeque;

use crate::time::Timestamp;
use crate::time::wheel::TimingWheel;
use crate::wire::{Network, PacketView, TcpFlags, Transport};

use super::carrier::{Carrier, Carriers, PLAIN};
use super::connection::Load;
use super::ends::{Ends, is_answer};
use super::fragment::{Datagram, Fragments, Owner};
use super::index::{Index, Mixer};
use super::slab::Slab;
use super::{
    Admitted, CloseReason, Connection, ConnectionId, HostHint, Limits, Observation, Side, Slot,
    Stats, Summary, uid,
};

/// Connections looked at to find the one that gives way.
const SAMPLE: u32 = 16;
/// Closed connections that may wait beyond a full table before the oldest summary is lost.
const BACKLOG: usize = 1_024;

/// A closed connection whose summary was not taken yet.
#[derive(Clone, Copy)]
struct Closing {
    slot: Slot,
    reason: CloseReason,
    time: Timestamp,
}

/// The table of live connections; see the module's text for the order in which to use it.
pub struct ConnectionTable {
    limits: Limits,
    mixer: Mixer,
    index: Index,
    slab: Slab,
    wheel: TimingWheel,
    closed: VecDeque<Closing>,
    fragments: Fragments,
    carriers: Carriers,
    clock: Option<Timestamp>,
    /// Where the next search for something to evict begins.
    hand: u32,
    stats: Stats,
}

impl ConnectionTable {
    /// An empty table.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let limits = Limits { max_connections: limits.max_connections.max(1), ..limits };
        let mixer = Mixer::new(limits.seed);
        Self {
            mixer,
            index: Index::new(),
            slab: Slab::default(),
            wheel: TimingWheel::new(Timestamp::MIN),
            closed: VecDeque::new(),
            fragments: Fragments::new(limits.fragments),
            carriers: Carriers::new(mixer),
            clock: None,
            hand: 0,
            stats: Stats::default(),
            limits,
        }
    }

    /// Decides at which time a packet stamped `time` is taken, before anything else happens at it.
    ///
    /// Whoever has other things due by then calls this, lets them happen in order with
    /// [`Self::advance`], and then observes the packet at the time that was answered. Where the clock
    /// was set back every connection is closed; take the summaries with [`Self::pop_closed`].
    pub fn admit(&mut self, time: Timestamp) -> Admitted {
        match self.clock {
            None => {
                self.wheel.clear(time);
                self.clock = Some(time);
            }
            Some(clock) if clock <= time => {}
            Some(clock) if clock.since(time) <= self.limits.reorder_tolerance => {
                self.stats.time_reversed += 1;
                return Admitted { time: clock, reset: false };
            }
            Some(_) => {
                self.stats.clock_resets += 1;
                self.close_all(CloseReason::ClockReset);
                self.wheel.clear(time);
                self.clock = Some(time);
                return Admitted { time, reset: true };
            }
        }
        Admitted { time, reset: false }
    }

    /// Finds or makes the packet's connection and follows what the packet says.
    ///
    /// `None` for a packet without IP, and for a later fragment whose first one is not known.
    /// Afterwards take what [`Self::pop_closed`] holds.
    pub fn observe(
        &mut self,
        time: Timestamp,
        packet: &PacketView<'_>,
        host: HostHint,
    ) -> Option<Observation> {
        self.stats.packets += 1;
        if let Some(stop) = packet.stop {
            self.stats.note_stop(stop);
        }
        let time = self.set_clock(time);
        let Some(network) = &packet.network else {
            self.stats.without_ip += 1;
            return None;
        };
        if let Some(fragment) = network.fragment
            && fragment.offset > 0
        {
            return self.observe_fragment(time, packet, network);
        }
        let domain = self.domain(packet);
        let ends = Ends::of(network, &packet.transport, domain.unwrap_or(PLAIN));
        let hash = self.hash(&ends);
        let known = match domain {
            Some(_) => self.find(hash, &ends),
            None => None,
        };
        let known = known.filter(|&(slot, side)| !self.is_reuse(slot, side, &packet.transport));
        let (slot, side, is_new) = match known {
            Some((slot, side)) => (slot, side, false),
            None => (self.begin(time, packet, ends, host), Side::A, true),
        };
        let connection = self.slab.get_mut(slot)?;
        let since = (!is_new).then(|| time.since(connection.last()));
        connection.count(time, side, load(packet, network));
        let sequence =
            connection.follow(side, &packet.transport, packet.payload, packet.payload_len);
        let id = connection.id(slot);
        if let Transport::Tcp(tcp) = &packet.transport
            && tcp.flags.intersects(TcpFlags(TcpFlags::FIN.0 | TcpFlags::RST.0))
            && connection.is_ended()
        {
            self.wheel.arm(slot.0, time.after(self.limits.timeout_tcp_closed));
        } else if is_new {
            self.wheel.arm(slot.0, time.after(connection.timeout(&self.limits)));
        }
        if let Some(fragment) = network.fragment {
            let next = match &packet.transport {
                Transport::Tcp(tcp) => tcp.sequence.wrapping_add(packet.payload_len),
                _ => 0,
            };
            let datagram = Datagram::of(network, fragment, ends.domain);
            self.fragments.remember(datagram, Owner { id, side, sequence: next }, time);
        }
        Some(Observation { id, side, is_new, is_fragment: false, time, since, sequence })
    }

    /// Moves the clock to `now` and closes what timed out by then; an earlier `now` does nothing.
    pub fn advance(&mut self, now: Timestamp) {
        if self.clock.is_none_or(|clock| clock < now) {
            self.set_clock(now);
        }
    }

    /// The next closed connection: when it was closed, and its summary; see the module's text for
    /// when to ask.
    pub fn pop_closed(&mut self) -> Option<(Timestamp, Summary)> {
        let Closing { slot, reason, time } = self.closed.pop_front()?;
        Some((time, self.release(slot, reason)?))
    }

    /// Closes one connection at once; `None` when `id` is not of a live one.
    pub fn close(&mut self, id: ConnectionId, reason: CloseReason) -> Option<Summary> {
        self.live(id)?;
        self.unlink(id.slot, reason);
        self.release(id.slot, reason)
    }

    /// Closes every live connection, by time of the first packet, then slot; take the summaries
    /// with [`Self::pop_closed`].
    pub fn close_all(&mut self, reason: CloseReason) {
        let mut live: Vec<(Timestamp, Slot)> =
            self.iter().map(|(slot, connection)| (connection.first(), slot)).collect();
        live.sort_unstable();
        let time = self.clock.unwrap_or_default();
        for (_, slot) in live {
            self.retire(slot, reason, time);
        }
    }

    /// The connection that stands in `slot`: a live one, or a closed one whose summary was not taken
    /// yet, or what is left of the last one.
    #[must_use]
    pub fn connection(&self, slot: Slot) -> Option<&Connection> {
        self.slab.get(slot)
    }

    /// The live connection with this id.
    #[must_use]
    pub fn live(&self, id: ConnectionId) -> Option<&Connection> {
        self.slab
            .get(id.slot)
            .filter(|connection| connection.is_live() && connection.generation == id.generation)
    }

    /// Gives a live connection the host's number; false when `id` is not of a live one.
    pub fn set_host_id(&mut self, id: ConnectionId, host_id: Option<u64>) -> bool {
        if self.live(id).is_none() {
            return false;
        }
        let Some(connection) = self.slab.get_mut(id.slot) else { return false };
        connection.set_host_id(host_id);
        true
    }

    /// The summary so far of a live connection.
    #[must_use]
    pub fn summary(&self, id: ConnectionId) -> Option<Summary> {
        let connection = self.live(id)?;
        Some(self.summarise(connection, id.slot, None))
    }

    /// Every live connection, in the order of slots.
    pub fn iter(&self) -> impl Iterator<Item = (Slot, &Connection)> {
        (0..self.slab.slots())
            .map(Slot)
            .filter_map(|slot| Some((slot, self.slab.get(slot)?)))
            .filter(|(_, connection)| connection.is_live())
            // Low slots are given out first, so most often this ends the search early.
            .take(self.index.len())
    }

    /// The clock: the latest time seen, unless it was set back. `None` before the first packet.
    #[must_use]
    pub const fn clock(&self) -> Option<Timestamp> {
        self.clock
    }

    /// Live connections.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no connection is live.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// One more than the largest slot given out so far; never above `max_connections` plus 1,024.
    #[must_use]
    pub const fn slots(&self) -> u32 {
        self.slab.slots()
    }

    /// What was counted.
    #[must_use]
    pub const fn stats(&self) -> Stats {
        Stats { live: self.index.len() as u32, ..self.stats }
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.index.memory()
            + self.slab.memory()
            + self.wheel.memory()
            + self.fragments.memory()
            + self.carriers.memory()
            + self.closed.capacity() * size_of::<Closing>()
    }

    /// The time a packet is taken at, with everything that is due by then closed.
    fn set_clock(&mut self, time: Timestamp) -> Timestamp {
        if self.clock == Some(time) {
            return time;
        }
        let time = self.admit(time).time;
        self.clock = Some(time);
        self.expire(time);
        time
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some((id, due)) = self.wheel.pop_due(now) {
            let slot = Slot(id);
            let Some(connection) = self.slab.get(slot) else { continue };
            let deadline = connection.last().after(connection.timeout(&self.limits));
            if deadline > due {
                self.wheel.arm(id, deadline);
            } else {
                self.retire(slot, CloseReason::Timeout, due);
            }
        }
    }

    fn observe_fragment(
        &mut self,
        time: Timestamp,
        packet: &PacketView<'_>,
        network: &Network,
    ) -> Option<Observation> {
        let domain = self.domain(packet);
        let fragment = network.fragment?;
        let owner = domain
            .and_then(|domain| self.fragments.find(&Datagram::of(network, fragment, domain), time));
        let found = owner.and_then(|owner| {
            let connection = self.slab.get_mut(owner.id.slot)?;
            let same = connection.is_live() && connection.generation == owner.id.generation;
            same.then_some((owner, connection))
        });
        let Some((owner, connection)) = found else {
            self.stats.fragments_orphan += 1;
            return None;
        };
        self.stats.fragments_later += 1;
        let since = Some(time.since(connection.last()));
        connection.count(time, owner.side, load(packet, network));
        let sequence = connection.follow_fragment(owner.side, owner.sequence, packet.payload_len);
        owner.sequence = owner.sequence.wrapping_add(packet.payload_len);
        let (id, side) = (owner.id, owner.side);
        Some(Observation { id, side, is_new: false, is_fragment: true, time, since, sequence })
    }

    /// The number of what keeps the packet apart; `None` when no connection has it yet.
    fn domain(&self, packet: &PacketView<'_>) -> Option<u16> {
        if !self.limits.key_vlan && !self.limits.key_tunnel {
            return Some(PLAIN);
        }
        // With all numbers taken the packet joins those that nothing keeps apart.
        let number = self.carriers.find(&self.domain_of(packet));
        number.or_else(|| self.carriers.is_full().then_some(PLAIN))
    }

    fn domain_of(&self, packet: &PacketView<'_>) -> Carrier {
        let carrier = Carrier { vlans: packet.vlans, tunnel: packet.tunnel };
        carrier.domain(self.limits.key_vlan, self.limits.key_tunnel)
    }

    fn hash(&self, ends: &Ends) -> u64 {
        // A sum, so that both directions hash alike without being put in order.
        let sum = self.mixer.mix(ends.source.bytes(), u64::from(ends.source_port)).wrapping_add(
            self.mixer.mix(ends.destination.bytes(), u64::from(ends.destination_port)),
        );
        self.mixer.finish(sum, u64::from(ends.domain) << 8 | u64::from(ends.protocol))
    }

    fn find(&self, hash: u64, ends: &Ends) -> Option<(Slot, Side)> {
        self.index
            .find(hash, |slot| ends.side_in(self.slab.get(Slot(slot))?.key()))
            .map(|(slot, side)| (Slot(slot), side))
    }

    /// Closes a connection whose addresses and ports this packet takes over.
    fn is_reuse(&mut self, slot: Slot, side: Side, transport: &Transport) -> bool {
        let Transport::Tcp(tcp) = transport else { return false };
        let reuse = tcp.flags.contains(TcpFlags::SYN)
            && self.slab.get(slot).is_some_and(|connection| connection.is_reused_by(side, tcp));
        if reuse {
            self.retire(slot, CloseReason::Reused, self.clock.unwrap_or_default());
        }
        reuse
    }

    /// Makes a connection for its first packet.
    fn begin(
        &mut self,
        time: Timestamp,
        packet: &PacketView<'_>,
        mut ends: Ends,
        host: HostHint,
    ) -> Slot {
        if self.index.len() >= self.limits.max_connections as usize {
            self.evict(time);
        }
        if self.index.len() + self.closed.len() >= self.limits.max_connections as usize + BACKLOG
            && self.pop_closed().is_some()
        {
            self.stats.summaries_lost += 1;
        }
        let carrier = Carrier { vlans: packet.vlans, tunnel: packet.tunnel };
        let carrier = self.carriers.acquire(carrier);
        let domain = if self.limits.key_vlan || self.limits.key_tunnel {
            self.carriers.acquire(self.domain_of(packet))
        } else {
            Some(PLAIN)
        };
        self.stats.carriers_unknown += u64::from(carrier.is_none() || domain.is_none());
        ends.domain = domain.unwrap_or(PLAIN);
        let key = ends.key();
        let mut connection = Connection::new(key, time, carrier.unwrap_or(PLAIN), host.id);
        match (host.from_originator, &packet.transport) {
            (Some(false), _) => connection.originate_from_b(false),
            (None, transport) if is_answer(&key, transport) => connection.originate_from_b(true),
            (Some(true) | None, _) => {}
        }
        let slot = self.slab.insert(connection);
        self.index.insert(self.hash(&ends), slot.0);
        self.stats.begun += 1;
        self.stats.peak = self.stats.peak.max(self.index.len() as u32);
        slot
    }

    /// Closes the least valuable of the next few live connections the hand meets.
    fn evict(&mut self, now: Timestamp) {
        let slots = self.slab.slots();
        let mut least: Option<((u8, u64), Slot)> = None;
        let mut seen = 0;
        for _ in 0..slots {
            let slot = Slot(self.hand % slots);
            self.hand = (slot.0 + 1) % slots;
            let Some(connection) = self.slab.get(slot).filter(|it| it.is_live()) else { continue };
            let worth = connection.worth(now);
            if least.is_none_or(|(smallest, _)| worth < smallest) {
                least = Some((worth, slot));
            }
            seen += 1;
            if seen == SAMPLE {
                break;
            }
        }
        if let Some((_, slot)) = least {
            self.retire(slot, CloseReason::Evicted, now);
        }
    }

    /// Closes a live connection and queues it for its summary.
    fn retire(&mut self, slot: Slot, reason: CloseReason, time: Timestamp) {
        self.unlink(slot, reason);
        self.closed.push_back(Closing { slot, reason, time });
    }

    /// Takes a live connection out of index and wheel; its slot stays taken.
    fn unlink(&mut self, slot: Slot, reason: CloseReason) {
        self.wheel.cancel(slot.0);
        let Some(connection) = self.slab.get_mut(slot) else { return };
        connection.mark_closed();
        let hash = self.slab.get(slot).map(|connection| self.hash(&Ends::in_key(connection.key())));
        if let Some(hash) = hash {
            self.index.remove(hash, slot.0);
        }
        self.stats.closed[reason as usize] += 1;
    }

    /// The summary of a closed connection, whose slot is free from now on.
    fn release(&mut self, slot: Slot, reason: CloseReason) -> Option<Summary> {
        let connection = self.slab.get(slot)?;
        let summary = self.summarise(connection, slot, Some(reason));
        let carrier = connection.carrier;
        self.carriers.release(carrier);
        self.carriers.release(summary.key.domain);
        self.slab.free(slot);
        Some(summary)
    }

    fn summarise(
        &self,
        connection: &Connection,
        slot: Slot,
        closed: Option<CloseReason>,
    ) -> Summary {
        let carrier = self.carriers.get(connection.carrier);
        Summary {
            id: connection.id(slot),
            host_id: connection.host_id(),
            key: *connection.key(),
            originator: connection.originator(),
            uid: uid::uid(connection.key(), connection.first(), self.limits.seed),
            first: connection.first(),
            last: connection.last(),
            sides: [connection.counters(Side::A), connection.counters(Side::B)],
            state: connection.state(),
            history: connection.history(),
            vlans: carrier.vlans,
            tunnel: carrier.tunnel,
            closed,
        }
    }
}

const fn load(packet: &PacketView<'_>, network: &Network) -> Load {
    Load { ip_bytes: network.length, wire_bytes: packet.wire_len, payload: packet.payload_len }
}
