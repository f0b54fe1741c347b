//! What follows what at this site, by service: a slow second opinion beside the forecast.
//!
//! A forecast that learns a connection's own habits within a few packets is right to expect the
//! next one of an attack, too, once it has seen a few. So the packet is also held against what
//! connections of its service do *here*, whoever they are: side and flags given the packet before,
//! counted over the site, the protocol and the service, and blended by Witten and Bell's rule. It
//! knows nothing of the connection, and learns little of what is under suspicion.

use crate::flow::Side;
use crate::model::PacketFacts;
use crate::model::discretise::{self, SIDE_FLAGS, SIZES};

use super::class::{Class, PROTOCOLS, SERVICES};

/// Contexts: a packet's side, flags and size; and none before it.
const CONTEXTS: usize = SIDE_FLAGS * SIZES + 1;
/// What a packet adds to a count; one under suspicion adds less.
const UNIT: f32 = 16.0;

/// How often each side and flags followed one context, in sixteenths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Row {
    pub(super) counts: [u16; SIDE_FLAGS],
}

impl Row {
    pub(super) const EMPTY: Self = Self { counts: [0; SIDE_FLAGS] };
    /// Counts are halved when one comes to this.
    pub(super) const MOST: u16 = 32_768;

    /// Whether nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.iter().all(|&count| count == 0)
    }

    /// The probability of a symbol, given what a wider context says of it.
    #[inline]
    fn blend(&self, symbol: usize, wider: f32) -> f32 {
        let (mut sum, mut kinds) = (0_u32, 0_u32);
        for &count in &self.counts {
            sum += u32::from(count);
            kinds += u32::from(count > 0);
        }
        if sum == 0 {
            return wider;
        }
        let seen = self.counts.get(symbol).copied().unwrap_or(0);
        let (sum, kinds) = (sum as f32 / UNIT, kinds as f32);
        (f32::from(seen) / UNIT + kinds * wider) / (sum + kinds)
    }

    fn add(&mut self, symbol: usize, units: u16) {
        let Some(count) = self.counts.get_mut(symbol) else { return };
        *count = count.saturating_add(units);
        if *count >= Self::MOST {
            self.counts.iter_mut().for_each(|count| *count /= 2);
        }
    }
}

/// The counts of the site, of each protocol and of each service.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Habits {
    pub(super) rows: Vec<Row>,
}

impl Default for Habits {
    fn default() -> Self {
        Self { rows: vec![Row::EMPTY; (1 + PROTOCOLS) * CONTEXTS] }
    }
}

/// A connection's last packet as a context.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Before(pub(super) u16);

/// A packet as what comes after a context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    symbol: u8,
    after: Before,
}

impl Step {
    /// A packet, by who began its connection.
    #[inline]
    pub(super) fn of(facts: &PacketFacts, originator: Side) -> Self {
        let side = if facts.side == originator { Side::A } else { Side::B };
        let symbol = discretise::side_flags(side, facts.flags);
        let size = discretise::size(facts.payload_len);
        Self { symbol, after: Before(u16::from(symbol) * SIZES as u16 + u16::from(size) + 1) }
    }

    /// What it is to the packet after it.
    pub(super) const fn context(self) -> Before {
        self.after
    }
}

impl Habits {
    /// How many rows there can be.
    pub(super) const MOST_ROWS: usize = (1 + PROTOCOLS + SERVICES) * CONTEXTS;

    /// Makes room for a class that was not there before.
    pub(super) fn admit(&mut self, class: Class) {
        let Some(service) = class.service else { return };
        let needed = (1 + PROTOCOLS + usize::from(service) + 1) * CONTEXTS;
        if self.rows.len() < needed {
            self.rows.resize(needed, Row::EMPTY);
        }
    }

    /// How surprising a packet is to this site, in bits.
    #[inline]
    pub(super) fn bits(&self, class: Class, before: Before, step: Step) -> f32 {
        let symbol = usize::from(step.symbol);
        let mut probability = 1.0 / SIDE_FLAGS as f32;
        for at in places(class, before).into_iter().flatten() {
            if let Some(row) = self.rows.get(at) {
                probability = row.blend(symbol, probability);
            }
        }
        -probability.log2()
    }

    /// Learns it as `share` of a packet.
    #[inline]
    pub(super) fn learn(&mut self, class: Class, before: Before, step: Step, share: f32) {
        let units = (share * UNIT) as u16;
        for at in places(class, before).into_iter().flatten() {
            if let Some(row) = self.rows.get_mut(at) {
                row.add(usize::from(step.symbol), units);
            }
        }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.rows.capacity() * size_of::<Row>()
    }
}

fn places(class: Class, before: Before) -> [Option<usize>; 3] {
    let context = usize::from(before.0);
    let level = |level: usize| level * CONTEXTS + context;
    [
        Some(level(0)),
        Some(level(1 + usize::from(class.protocol))),
        class.service.map(|service| level(1 + PROTOCOLS + usize::from(service))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::TcpFlags;

    const CLASS: Class = Class { protocol: 0, service: Some(0) };

    fn step(side: Side, flags: TcpFlags) -> Step {
        Step::of(&PacketFacts { side, flags, ..PacketFacts::NONE }, Side::A)
    }

    #[test]
    fn what_the_service_never_did_surprises_and_what_it_does_not() {
        let mut habits = Habits::default();
        habits.admit(CLASS);
        let (syn, answer) = (step(Side::A, TcpFlags::SYN), step(Side::B, TcpFlags::ACK));
        for _ in 0..500 {
            habits.learn(CLASS, Before::default(), syn, 1.0);
            habits.learn(CLASS, syn.context(), answer, 1.0);
        }
        assert!(habits.bits(CLASS, syn.context(), answer) < 0.1);
        assert!(habits.bits(CLASS, syn.context(), step(Side::B, TcpFlags::RST)) > 8.0);
        assert!(habits.bits(CLASS, Before::default(), answer) > 8.0);
    }

    #[test]
    fn what_is_under_suspicion_takes_sixteen_times_as_long_to_become_usual() {
        let (mut usual, mut slow) = (Habits::default(), Habits::default());
        let (syn, reset) = (step(Side::A, TcpFlags::SYN), step(Side::B, TcpFlags::RST));
        for habits in [&mut usual, &mut slow] {
            (0..100).for_each(|_| habits.learn(CLASS, Before::default(), syn, 1.0));
        }
        for _ in 0..16 {
            usual.learn(CLASS, Before::default(), reset, 1.0);
            slow.learn(CLASS, Before::default(), reset, 1.0 / 16.0);
        }
        let bits = |habits: &Habits| habits.bits(CLASS, Before::default(), reset);
        assert!(bits(&slow) > bits(&usual) + 2.0, "{} {}", bits(&slow), bits(&usual));
    }

    #[test]
    fn counts_never_overflow() {
        let mut habits = Habits::default();
        let syn = step(Side::A, TcpFlags::SYN);
        (0..200_000).for_each(|_| habits.learn(CLASS, Before::default(), syn, 1.0));
        assert!(habits.bits(CLASS, Before::default(), syn) < 0.01);
    }
}
