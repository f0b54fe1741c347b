//! The yardsticks: models counted over the training sources and frozen on the others.
//!
//! Each symbol of a packet is counted under the symbols of the same packet before it in the chain
//! together with a context, and contexts back off from the longest to the shortest, the uniform
//! distribution last (see [`witten_bell`](super::witten_bell)):
//!
//! | model | contexts, longest first |
//! |---|---|
//! | uniform | |
//! | marginal | all traffic |
//! | per protocol | transport and service, transport, all traffic |
//! | Markov k | the last k packets, ..., the last packet, all traffic |
//!
//! The chain comes first: a size under a shorter context is still counted with the side and flags
//! of its packet, a time with its side, flags and size, never without. Backing off to counts without
//! them as well cost the Markov models 0.016 bits a packet on the held-out benign sources of
//! `models/split.toml`, and a yardstick should be as good as it can be.
//!
//! A packet as a context is all three of its symbols; "no packet" stands before the first.

use super::witten_bell::Counts;
use super::{Ahead, Forecaster};
use crate::flow::{Service, Slot};
use crate::model::discretise::{SIDE_FLAGS, SIZES, Symbols, TIMES};
use crate::model::{Origin, PacketFacts};

/// The most packets that make a context.
const MOST_ORDER: usize = 3;

/// Ports above 1023 that stand for a service of their own in the per-protocol marginal: discovery
/// (SSDP, mDNS, LLMNR) and industrial protocols, which is where the captures have many of them.
const REGISTERED: [u16; 12] =
    [1900, 2222, 3389, 4712, 4713, 4840, 5353, 5355, 8080, 20_000, 44_818, 47_808];

/// A packet's three symbols in one number from 1; 0 is no packet.
type Packed = u16;

/// Bits it takes.
const PACKED_BITS: u32 = 13;

const _: () = assert!(SIDE_FLAGS * SIZES * TIMES < 1 << PACKED_BITS);

/// One of the yardsticks.
pub struct Baseline {
    name: &'static str,
    kind: Kind,
    counts: Counts,
    frozen: bool,
    states: Vec<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Uniform,
    Marginal,
    PerProtocol,
    Markov(usize),
}

/// What is kept of a connection.
#[derive(Clone, Copy)]
struct State {
    service: Service,
    /// The last packets, the latest first.
    last: [Packed; MOST_ORDER],
}

impl Baseline {
    /// Every symbol as likely as every other.
    #[must_use]
    pub fn uniform() -> Self {
        Self::new("uniform", Kind::Uniform)
    }

    /// How often each packet comes at all.
    #[must_use]
    pub fn marginal() -> Self {
        Self::new("marginal", Kind::Marginal)
    }

    /// How often each packet comes with the transport protocol and service.
    #[must_use]
    pub fn per_protocol() -> Self {
        Self::new("per protocol", Kind::PerProtocol)
    }

    /// How often each packet comes after the last `order` ones.
    ///
    /// # Panics
    ///
    /// When `order` is not 1, 2 or 3.
    #[must_use]
    pub fn markov(order: usize) -> Self {
        let names = ["Markov 1", "Markov 2", "Markov 3"];
        Self::new(names[order - 1], Kind::Markov(order))
    }

    /// Whether it is one of the Markov models, the best of which is what others are compared with.
    pub(super) fn is_markov(name: &str) -> bool {
        name.starts_with("Markov ")
    }

    fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, counts: Counts::default(), frozen: false, states: Vec::new() }
    }

    /// What the head's symbol is counted under, shortest context first.
    fn contexts(&self, state: &State, head: Head) -> impl Iterator<Item = u64> + use<> {
        let [first, second, third] = state.last.map(u64::from);
        let two = first << PACKED_BITS | second;
        let (contexts, levels) = match self.kind {
            Kind::Uniform => ([0; 4], 0),
            Kind::Marginal => ([0; 4], 1),
            Kind::PerProtocol => {
                let Service { protocol, port } = state.service;
                let known = port < 1_024 || REGISTERED.contains(&port);
                let port = if known { u64::from(port) } else { u64::from(u16::MAX) };
                let protocol = u64::from(protocol);
                ([0, protocol, protocol << 16 | port, 0], 3)
            }
            Kind::Markov(order) => {
                ([0, first, two, two << PACKED_BITS | third], order.min(MOST_ORDER) + 1)
            }
        };
        let number = move |(level, context): (usize, u64)| {
            (context << 8 | u64::from(head.given)) << 2 | level as u64
        };
        contexts.into_iter().take(levels).enumerate().map(number)
    }
}

/// One symbol to be told.
#[derive(Clone, Copy)]
struct Head {
    /// Which symbol of the packet, and what the ones before it were, in one number.
    given: u8,
    symbol: u8,
    alphabet: usize,
}

/// The three symbols of a packet, each given the ones before it.
fn heads(symbols: Symbols) -> [Head; 3] {
    const SIZE: u8 = 1;
    const TIME: u8 = SIZE + SIDE_FLAGS as u8;
    let Symbols { side_flags, size, time } = symbols;
    [
        Head { given: 0, symbol: side_flags, alphabet: SIDE_FLAGS },
        Head { given: SIZE + side_flags, symbol: size, alphabet: SIZES },
        Head {
            given: TIME + side_flags * SIZES as u8 + size,
            symbol: time.unwrap_or(0),
            alphabet: TIMES,
        },
    ]
}

impl Forecaster for Baseline {
    fn name(&self) -> &str {
        self.name
    }

    fn about(&self) -> &str {
        match self.kind {
            Kind::Uniform => "knows nothing",
            _ => "counted over the training sources, then frozen",
        }
    }

    fn trained(&mut self) {
        self.frozen = true;
    }

    fn restart(&mut self) {
        self.states.clear();
    }

    fn begin(&mut self, slot: Slot, origin: &Origin) {
        let state = State { service: origin.service, last: [0; MOST_ORDER] };
        if slot.index() >= self.states.len() {
            self.states.resize(slot.index() + 1, state);
        }
        self.states[slot.index()] = state;
    }

    fn bits(&mut self, slot: Slot, packet: &PacketFacts) -> [f64; 3] {
        let state = &self.states[slot.index()];
        heads(Symbols::of(packet)).map(|head| {
            let contexts = self.contexts(state, head);
            -self.counts.probability(contexts, head.symbol, head.alphabet).log2()
        })
    }

    fn ahead(&mut self, _: Slot) -> Option<Ahead> {
        None
    }

    fn learn(&mut self, slot: Slot, packet: &PacketFacts) {
        let symbols = Symbols::of(packet);
        let state = self.states[slot.index()];
        // A connection's first packet is never scored, so it is no example either.
        if !self.frozen && packet.since.is_some() {
            for head in heads(symbols) {
                for context in self.contexts(&state, head) {
                    self.counts.add(context, head.symbol);
                }
            }
        }
        let [first, second, _] = state.last;
        self.states[slot.index()].last = [packed(symbols), first, second];
    }

    fn end(&mut self, _: Slot) {}
}

/// All of a packet in one number. The first packet's time is taken for 0.
fn packed(symbols: Symbols) -> Packed {
    let Symbols { side_flags, size, time } = symbols;
    let both = Packed::from(side_flags) * SIZES as Packed + Packed::from(size);
    1 + both * TIMES as Packed + Packed::from(time.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Side;
    use crate::time::Span;
    use crate::wire::TcpFlags;

    const SLOT: Slot = Slot(0);

    fn origin(port: u16) -> Origin {
        let service = Service { protocol: 17, port };
        Origin { service, pair: 1, identity: 1, responder: Side::B, salt: 0 }
    }

    fn packet(side: Side, payload_len: u32, since: Option<u64>) -> PacketFacts {
        let since = since.map(Span::from_micros);
        PacketFacts {
            side,
            protocol: 17,
            flags: TcpFlags(0),
            payload_len,
            since,
            ..PacketFacts::NONE
        }
    }

    /// One connection: A asks with 40 bytes, B answers 200 after 1 ms, A asks again after 1 s.
    fn teach(model: &mut Baseline, port: u16) {
        model.restart();
        model.begin(SLOT, &origin(port));
        model.learn(SLOT, &packet(Side::A, 40, None));
        model.learn(SLOT, &packet(Side::B, 200, Some(1_000)));
        model.learn(SLOT, &packet(Side::A, 40, Some(1_000_000)));
        model.trained();
        model.restart();
        model.begin(SLOT, &origin(port));
    }

    fn probabilities(model: &mut Baseline, packet: PacketFacts) -> [f64; 3] {
        model.bits(SLOT, &packet).map(|bits| (-bits).exp2())
    }

    fn assert_near(is: [f64; 3], should: [f64; 3]) {
        for (is, should) in is.iter().zip(should) {
            assert!((is - should).abs() < 1e-12, "{is} is not {should}");
        }
    }

    #[test]
    fn the_marginal_is_the_one_computed_by_hand() {
        let mut model = Baseline::marginal();
        teach(&mut model, 53);
        // Two packets of two kinds: (1 + 2/16) / 4. Each of them had one size and one time:
        // (1 + 1/13) / 2 and (1 + 1/29) / 2.
        let expected = [1.125 / 4.0, 14.0 / 26.0, 30.0 / 58.0];
        assert_near(probabilities(&mut model, packet(Side::B, 200, Some(1_000))), expected);
        // An unknown size after side B leans on the uniform, and nothing is known of its time.
        let expected = [1.125 / 4.0, 1.0 / 26.0, 1.0 / 29.0];
        assert_near(probabilities(&mut model, packet(Side::B, 2, Some(1_000))), expected);
    }

    #[test]
    fn markov_1_leans_on_the_marginal_as_computed_by_hand() {
        let mut model = Baseline::markov(1);
        teach(&mut model, 53);
        model.learn(SLOT, &packet(Side::A, 40, None));
        // After "A 40" came one packet of one kind: (1 + marginal) / 2.
        let marginal = [1.125 / 4.0, 14.0 / 26.0, 30.0 / 58.0];
        let expected = marginal.map(|lower| (1.0 + lower) / 2.0);
        assert_near(probabilities(&mut model, packet(Side::B, 200, Some(1_000))), expected);
    }

    #[test]
    fn markov_3_tells_histories_apart_that_end_alike() {
        let mut model = Baseline::markov(3);
        teach(&mut model, 53);
        model.learn(SLOT, &packet(Side::A, 40, None));
        let begun = model.bits(SLOT, &packet(Side::B, 200, Some(1_000)));
        model.learn(SLOT, &packet(Side::A, 9, Some(9)));
        model.learn(SLOT, &packet(Side::A, 40, Some(0)));
        let later = model.bits(SLOT, &packet(Side::B, 200, Some(1_000)));
        assert!(begun[0] < later[0], "{begun:?} {later:?}");
    }

    #[test]
    fn the_per_protocol_marginal_knows_services_and_joins_ephemeral_ports() {
        let mut model = Baseline::per_protocol();
        teach(&mut model, 50_000);
        let seen = packet(Side::B, 200, Some(1_000));
        let mut bits_on = |port| {
            model.begin(SLOT, &origin(port));
            model.bits(SLOT, &seen).iter().sum::<f64>()
        };
        assert_eq!(bits_on(50_000), bits_on(60_000));
        assert!(bits_on(50_000) < bits_on(53));
    }

    #[test]
    fn every_yardstick_gives_probabilities_that_sum_to_one() {
        let mut all = vec![Baseline::uniform(), Baseline::marginal(), Baseline::per_protocol()];
        all.extend((1..=3).map(Baseline::markov));
        for mut model in all {
            teach(&mut model, 53);
            model.learn(SLOT, &packet(Side::A, 40, None));
            let mut sum = 0.0;
            for side in [Side::A, Side::B] {
                for flags in 0..8 {
                    // FIN and RST win over the rest, so these eight are the eight classes.
                    let flags = TcpFlags([0, 0x02, 0x12, 0x10, 0x18, 0x01, 0x04, 0x08][flags]);
                    for size in 0..SIZES as u32 {
                        for time in 0..TIMES as u64 {
                            let payload_len = if size == 0 { 0 } else { 1 << (size - 1) };
                            let since = if time == 0 { 0 } else { 1 << (time - 1) };
                            let packet = packet(side, payload_len, Some(since));
                            let bits = model.bits(SLOT, &PacketFacts { flags, ..packet });
                            sum += (-bits.iter().sum::<f64>()).exp2();
                        }
                    }
                }
            }
            assert!((sum - 1.0).abs() < 1e-9, "{}: {sum}", model.name);
        }
    }

    #[test]
    fn what_comes_after_training_teaches_nothing() {
        let mut model = Baseline::markov(1);
        teach(&mut model, 53);
        let seen = packet(Side::B, 700, Some(3));
        let before = model.bits(SLOT, &seen);
        for _ in 0..10 {
            model.learn(SLOT, &seen);
        }
        model.begin(SLOT, &origin(53));
        assert_eq!(model.bits(SLOT, &seen), before);
    }
}
