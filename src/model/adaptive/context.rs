//! What a connection's next packet is told by: a short history, and the contexts made of it.
//!
//! A context is a hash of what is held against what: this connection, its service, or its pair (the
//! same two addresses on the same service), with the last packets. Which contexts each head has was
//! chosen by leaving out, one after the other, what others said as well; see docs/forecast.md.

use super::super::discretise::Symbols;
use super::super::origin::mix;
use super::super::schema::entropy_class;
use super::super::{Origin, PacketFacts};
use crate::bytes::{Reader, Write};

/// Contexts of a head; with the prior and a constant, eight inputs to a mixer.
pub(super) const CONTEXTS: usize = 6;

/// What the contexts are, in order: a mixer's weights belong to them. Change this text with them.
pub(super) const LAYOUT: &str = "\
    o1, o2, o3: last packets' side+flags and payload length; s: side+flags; t: time; n: number\n\
    side_flags: service o3, service n s1, all s1..3, service s1..4, pair o1 n, service o1 t1 s2\n\
    size (s): service, service o2, service o3, service n, all o1, service last two of the side\n\
    time (s, length or size): service o2, service t1 s1 t2, pair s1, all o1, all s1 t1, service due\n\
    wait: connection, connection o1, service o1, pair s1 t1, all o1 t1 s2, connection o2\n\
    nothing: as wait\n";

/// "No packet", where a side with flags is meant.
const NOTHING: u8 = 98;
/// Packets of a connection counted for contexts.
const MOST: u8 = 40;

/// What is kept of a connection.
#[derive(Clone, Copy)]
pub(super) struct History {
    /// When the last packet came, in microseconds since the first.
    now: u64,
    periods: [Period; Self::PERIODS],
    connection: u32,
    service: u32,
    pair: u32,
    /// Payload lengths of the last packets, the latest first.
    lengths: [u16; 4],
    /// By side: one more than the lengths of its last two packets, 0 for none.
    of_side: [[u16; 2]; 2],
    side_flags: [u8; 4],
    times: [u8; 4],
    /// By side: one more than the entropy class of its last payload, 0 for none.
    entropies: [u8; 2],
    packets: u8,
    next_period: u8,
}

/// When packets of one kind came, and how far apart.
#[derive(Clone, Copy)]
struct Period {
    last: u64,
    /// In microseconds; 0 where there was only one.
    every: u32,
    /// Side, flags and length; 0 for none.
    kind: u32,
}

impl History {
    /// Kinds of packets whose periods are kept.
    const PERIODS: usize = 4;
    /// Contexts of the payload's entropy.
    const ENTROPY: usize = 3;

    pub(super) fn new(origin: &Origin) -> Self {
        let service = u64::from(origin.service.protocol) << 16 | u64::from(origin.service.port);
        Self {
            now: 0,
            periods: [Period { last: 0, every: 0, kind: 0 }; Self::PERIODS],
            connection: mix(origin.identity) as u32,
            service: mix(service ^ origin.salt) as u32,
            pair: mix(origin.pair) as u32,
            lengths: [0; 4],
            of_side: [[0; 2]; 2],
            side_flags: [NOTHING; 4],
            times: [0; 4],
            entropies: [0; 2],
            packets: 0,
            next_period: 0,
        }
    }

    /// A hash of the service.
    pub(super) const fn service_hash(&self) -> u32 {
        self.service
    }

    /// Bytes of a history that is kept.
    pub(super) const KEPT: usize = 8 + Self::PERIODS * 16 + 4 + 4 * 2 + 2 * 4 + 4 + 4 + 2 + 1 + 1;

    /// Writes all but what the connection's origin tells anew.
    pub(super) fn keep(&self, mut to: &mut [u8]) {
        to.u64(self.now);
        for period in &self.periods {
            to.u64(period.last);
            to.u32(period.every);
            to.u32(period.kind);
        }
        to.u32(self.connection);
        self.lengths.iter().chain(self.of_side.as_flattened()).for_each(|&length| to.u16(length));
        to.put(&self.side_flags);
        to.put(&self.times);
        to.put(&self.entropies);
        to.u8(self.packets);
        to.u8(self.next_period);
    }

    /// This history as it was when it was kept, its sides changed over if they have been since;
    /// `None` if no history is like that.
    pub(super) fn restored(mut self, from: &[u8], turned: bool, silence: u64) -> Option<Self> {
        let mut from = Reader(from);
        self.now = from.u64()?;
        for period in &mut self.periods {
            *period = Period { last: from.u64()?, every: from.u32()?, kind: from.u32()? };
            if period.last > self.now || period.kind > kind(15, u16::MAX) {
                return None;
            }
            if turned && period.kind > 0 {
                period.kind = ((period.kind - 1) ^ (8 << 16)) + 1;
            }
        }
        self.connection = from.u32()?;
        for length in self.lengths.iter_mut().chain(self.of_side.as_flattened_mut()) {
            *length = from.u16()?;
        }
        for side_flags in &mut self.side_flags {
            *side_flags = from.u8()?;
            if *side_flags != NOTHING && *side_flags > 15 {
                return None;
            }
            if turned && *side_flags != NOTHING {
                *side_flags ^= 8;
            }
        }
        if turned {
            self.of_side.swap(0, 1);
        }
        for number in self.times.iter_mut().chain(&mut self.entropies) {
            *number = from.u8()?;
        }
        if turned {
            self.entropies.swap(0, 1);
        }
        self.packets = from.u8()?.min(MOST);
        self.next_period = from.u8()?;
        self.now = self.now.saturating_add(silence);
        from.end(self)
    }

    /// Whether a packet came before.
    pub(super) fn has_begun(&self) -> bool {
        self.packets > 0
    }

    /// Packets so far, up to some number.
    pub(super) fn packets(&self) -> u8 {
        self.packets
    }

    /// Moves past a packet.
    pub(super) fn push(&mut self, packet: &PacketFacts, symbols: Symbols) {
        let length = length(packet);
        let since = packet.since.map_or(0, crate::time::Span::micros);
        self.now = self.now.saturating_add(since);
        let kind = kind(symbols.side_flags, length);
        if let Some(period) = self.periods.iter_mut().find(|period| period.kind == kind) {
            period.every = u32::try_from(self.now - period.last).unwrap_or(u32::MAX);
            period.last = self.now;
        } else {
            let place = usize::from(self.next_period) % Self::PERIODS;
            self.periods[place] = Period { last: self.now, every: 0, kind };
            self.next_period = self.next_period.wrapping_add(1);
        }
        self.lengths.rotate_right(1);
        self.side_flags.rotate_right(1);
        self.times.rotate_right(1);
        self.lengths[0] = length;
        self.side_flags[0] = symbols.side_flags;
        self.times[0] = symbols.time.unwrap_or(0);
        let side = &mut self.of_side[usize::from(symbols.side_flags >> 3)];
        *side = [length + 1, side[0]];
        if let Some(entropy) = packet.entropy {
            self.entropies[usize::from(symbols.side_flags >> 3)] = 1 + entropy_class(entropy);
        }
        self.packets = (self.packets + 1).min(MOST);
    }

    /// Hashes of the last packets: one, two and three of them.
    #[inline]
    pub(super) fn last(&self) -> Last {
        let packet = |at: usize| u64::from(self.side_flags[at]) << 16 | u64::from(self.lengths[at]);
        let one = mix(1 << 40 | packet(0));
        let two = mix(one.wrapping_add(packet(1)));
        Last { one, two, three: mix(two.wrapping_add(packet(2))) }
    }

    /// Contexts of side and flags.
    #[inline]
    pub(super) fn side_flags(&self, last: Last) -> [u64; CONTEXTS] {
        let [s1, s2, s3, s4] = self.side_flags.map(u64::from);
        let [t1, ..] = self.times.map(u64::from);
        let n = u64::from(self.packets);
        let of = Of(0);
        [
            of.service(self, 0, last.three),
            of.service(self, 1, s1 << 8 | n),
            of.all(2, s3 << 16 | s2 << 8 | s1),
            of.service(self, 3, s4 << 24 | s3 << 16 | s2 << 8 | s1),
            of.pair(self, 4, last.one.wrapping_add(n.min(4))),
            of.service(self, 5, last.one.wrapping_add(s2 << 8 | t1)),
        ]
    }

    /// Contexts of the size, given side and flags.
    #[inline]
    pub(super) fn size(&self, last: Last, side_flags: u8) -> [u64; CONTEXTS] {
        let [before, earlier] = self.of_side[usize::from(side_flags >> 3)].map(u64::from);
        let of = Of(1 << 5 | u64::from(side_flags) << 8);
        [
            of.service(self, 0, 0),
            of.service(self, 1, last.two),
            of.service(self, 2, last.three),
            of.service(self, 3, u64::from(self.packets)),
            of.all(4, last.one),
            of.service(self, 5, before << 16 | earlier),
        ]
    }

    /// Contexts of the time, given side, flags and size.
    #[inline]
    pub(super) fn time(&self, last: Last, packet: &PacketFacts, now: Symbols) -> [u64; CONTEXTS] {
        let [s1, ..] = self.side_flags.map(u64::from);
        let [t1, t2, ..] = self.times.map(u64::from);
        let length = length(packet);
        let of = Of(2 << 5 | u64::from(now.side_flags) << 8);
        let exact = Of(of.0 | u64::from(length) << 16);
        let coarse = Of(of.0 | u64::from(now.size) << 16);
        [
            exact.service(self, 0, last.two),
            exact.service(self, 1, t2 << 16 | t1 << 8 | s1),
            coarse.pair(self, 2, s1),
            coarse.all(3, last.one),
            coarse.all(4, t1 << 8 | s1),
            of.service(self, 5, self.due_in(kind(now.side_flags, length))),
        ]
    }

    /// Contexts of the payload's entropy, given side, flags and size.
    #[inline]
    pub(super) fn entropy(&self, now: Symbols) -> [u64; Self::ENTROPY] {
        let side = now.side_flags >> 3;
        let last = u64::from(self.entropies[usize::from(side)]);
        let of = Of(4 << 5 | u64::from(side) << 8);
        [
            of.service(self, 0, u64::from(now.size)),
            of.pair(self, 1, 0),
            of.connection(self, 2, last << 8 | u64::from(now.size)),
        ]
    }

    /// Contexts of the time before anything else is known.
    #[inline]
    pub(super) fn wait(&self, last: Last) -> [u64; CONTEXTS] {
        let [s1, s2, ..] = self.side_flags.map(u64::from);
        let [t1, ..] = self.times.map(u64::from);
        let of = Of(3 << 5);
        [
            of.connection(self, 0, 0),
            of.connection(self, 1, last.one),
            of.service(self, 2, last.one),
            of.pair(self, 3, t1 << 8 | s1),
            of.all(4, last.one.wrapping_add(s2 << 8 | t1)),
            of.connection(self, 5, last.two),
        ]
    }

    /// In half octaves: how long until a packet of this kind is due if its period holds.
    #[inline]
    fn due_in(&self, kind: u32) -> u64 {
        let period = self.periods.iter().find(|period| period.kind == kind && period.every > 0);
        let Some(period) = period else { return 40 };
        let due = period.last.saturating_add(u64::from(period.every));
        match due.saturating_sub(self.now) {
            0 => 100,
            rest => 101 + half_octaves(1 + rest).min(62),
        }
    }
}

/// Hashes of a connection's last one, two and three packets.
#[derive(Clone, Copy)]
pub(super) struct Last {
    one: u64,
    two: u64,
    three: u64,
}

/// A head and what is given in it, to make contexts from.
#[derive(Clone, Copy)]
struct Of(u64);

impl Of {
    #[inline]
    fn connection(self, history: &History, number: u64, what: u64) -> u64 {
        self.hash(history.connection, number | 1 << 3, what)
    }

    #[inline]
    fn service(self, history: &History, number: u64, what: u64) -> u64 {
        self.hash(history.service, number | 2 << 3, what)
    }

    #[inline]
    fn pair(self, history: &History, number: u64, what: u64) -> u64 {
        self.hash(history.pair, number | 3 << 3, what)
    }

    #[inline]
    fn all(self, number: u64, what: u64) -> u64 {
        self.hash(0, number, what)
    }

    /// Two words, each masked by a constant, multiplied and folded.
    #[inline]
    fn hash(self, whose: u32, number: u64, what: u64) -> u64 {
        let whose = u64::from(whose) << 32 ^ self.0 ^ number;
        let product =
            u128::from(whose ^ 0xa076_1d64_78bd_642f) * u128::from(what ^ 0xe703_7ed1_a0b4_28db);
        mix((product >> 64) as u64 ^ product as u64)
    }
}

/// A payload length as contexts have it.
pub(super) fn length(packet: &PacketFacts) -> u16 {
    packet.payload_len.min(65_534) as u16
}

fn kind(side_flags: u8, length: u16) -> u32 {
    (u32::from(side_flags) << 16 | u32::from(length)) + 1
}

/// `floor(2 log2(value))` of a value that is not 0.
#[inline]
fn half_octaves(value: u64) -> u64 {
    let octave = u64::from(value.ilog2());
    let square = u128::from(value) * u128::from(value);
    2 * octave + u64::from(square >> (2 * octave + 1) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_takes_no_more_than_112_bytes() {
        assert_eq!(size_of::<History>(), 112);
    }

    #[test]
    fn half_octaves_are_floors_of_twice_the_logarithm() {
        for value in [1_u64, 2, 3, 4, 5, 6, 100, 12_345, 1_000_000, u64::from(u32::MAX)] {
            assert_eq!(half_octaves(value), (2.0 * (value as f64).log2()).floor() as u64);
        }
        assert_eq!(half_octaves(u64::MAX), 127);
    }
}
