//! The opponent: a Markov chain over packets, and its surprise smoothed in two ways.
//!
//! A packet is its three symbols of [`crate::model::discretise`] as one; it follows the packet
//! before it on its connection, or none. Counts are taken over ordinary traffic and frozen. It is
//! trivial, and smoothed it beats well-known detectors, so it is the bar.

use std::collections::HashMap;

use crate::model::PacketFacts;
use crate::model::discretise::{SIDE_FLAGS, SIZES, Symbols, TIMES};

/// Weight of a new packet in a smoothed score.
const SMOOTHING: f32 = 0.1;
/// How many packets of evidence the shorter context is worth to the longer one.
const BACKING: f32 = 4.0;

type Symbol = u16;
const START: Symbol = 0;
const SYMBOLS: usize = SIDE_FLAGS * SIZES * TIMES;

/// The counts.
#[derive(Clone, Default)]
pub(super) struct Counts {
    after: HashMap<(Symbol, Symbol), u32>,
    before: HashMap<Symbol, u32>,
    alone: HashMap<Symbol, u32>,
    total: u32,
}

/// The three scores of one packet.
#[derive(Clone, Copy, Default)]
pub(super) struct Scores {
    pub(super) raw: f32,
    pub(super) connection: f32,
    pub(super) pair: f32,
}

/// The chain over one capture.
#[derive(Default)]
pub(super) struct Chain {
    connections: HashMap<u64, (Symbol, f32)>,
    pairs: HashMap<u128, f32>,
}

impl Counts {
    fn bits(&self, last: Symbol, symbol: Symbol) -> f32 {
        let count = |of: Option<&u32>| of.copied().unwrap_or(0) as f32;
        let flat = 1.0 / SYMBOLS as f32;
        let alone =
            (count(self.alone.get(&symbol)) + BACKING * flat) / (self.total as f32 + BACKING);
        let after = count(self.after.get(&(last, symbol))) + BACKING * alone;
        -(after / (count(self.before.get(&last)) + BACKING)).log2()
    }

    fn learn(&mut self, last: Symbol, symbol: Symbol) {
        *self.after.entry((last, symbol)).or_default() += 1;
        *self.before.entry(last).or_default() += 1;
        *self.alone.entry(symbol).or_default() += 1;
        self.total += 1;
    }
}

impl Chain {
    /// Counts a packet of `connection`.
    pub(super) fn learn(&mut self, counts: &mut Counts, connection: u64, packet: &PacketFacts) {
        let symbol = symbol(packet);
        let last = self.connections.entry(connection).or_default();
        counts.learn(last.0, symbol);
        last.0 = symbol;
    }

    /// Scores a packet of `connection`, which belongs to `pair`.
    pub(super) fn score(
        &mut self,
        counts: &Counts,
        connection: u64,
        pair: u128,
        packet: &PacketFacts,
    ) -> Scores {
        let symbol = symbol(packet);
        let known = self.connections.get(&connection).copied();
        let raw = counts.bits(known.map_or(START, |(last, _)| last), symbol);
        let smooth = |before: f32| before + SMOOTHING * (raw - before);
        let smoothed = known.map_or(raw, |(_, before)| smooth(before));
        self.connections.insert(connection, (symbol, smoothed));
        let pair = self.pairs.entry(pair).and_modify(|it| *it = smooth(*it)).or_insert(raw);
        Scores { raw, connection: smoothed, pair: *pair }
    }
}

fn symbol(packet: &PacketFacts) -> Symbol {
    let Symbols { side_flags, size, time } = Symbols::of(packet);
    let time = usize::from(time.unwrap_or(0));
    ((usize::from(side_flags) * SIZES + usize::from(size)) * TIMES + time + 1) as Symbol
}

const _: () = assert!(SYMBOLS < Symbol::MAX as usize);

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(len: u32) -> PacketFacts {
        PacketFacts { payload_len: len, ..PacketFacts::NONE }
    }

    #[test]
    fn what_followed_before_surprises_less_than_what_did_not() {
        let mut counts = Counts::default();
        let mut chain = Chain::default();
        (0..200).for_each(|at| chain.learn(&mut counts, 1, &packet(100 * (at % 2))));
        let mut chain = Chain::default();
        chain.score(&counts, 1, 1, &packet(0));
        let usual = chain.score(&counts, 1, 1, &packet(100));
        let odd = chain.score(&counts, 1, 1, &packet(100));
        assert!(usual.raw < 0.2 && odd.raw > 4.0, "{} {}", usual.raw, odd.raw);
        assert!(odd.connection < odd.raw && odd.connection > usual.raw);
    }
}
