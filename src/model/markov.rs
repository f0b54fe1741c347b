//! The order-1 Markov model: the baseline every later model is measured beside.
//!
//! It learns on line from an empty start. Each packet is three symbols ([`discretise`]), chained:
//!
//! ```text
//! side+flags | previous side+flags, previous size           (or "nothing more")
//! size       | side+flags, previous side+flags, previous size
//! time       | side+flags, previous side+flags, previous time
//! ```
//!
//! Each is counted under four ever longer contexts (all traffic, protocol, service, connection) and
//! the counts are blended by Witten–Bell back-off: a context that has seen few packets, or many
//! kinds of them, leans on the shorter one. The first two are dense arrays; services and
//! connections share one hashed table of bounded size.

use super::counts::{ContextTable, Counts};
use super::discretise::{self, SIDE_FLAGS, SIZES, Symbols, TIMES};
use super::origin::mix;
use super::{
    Deadline, Expectation, Model, ModelMemory, Origin, PacketFacts, SizeRange, Surprise, TimeRange,
};
use crate::flow::Slot;
use crate::time::Span;

/// "Nothing more comes", beside the side and flag symbols; and, as a context, "nothing yet".
const NOTHING: u8 = SIDE_FLAGS as u8;
/// "No time yet", as a context.
const NO_TIME: u8 = TIMES as u8;

/// Alphabets of the three heads.
const NEXT: usize = SIDE_FLAGS + 1;

/// Dense contexts of each head.
const NEXT_CONTEXTS: usize = NEXT * SIZES;
const SIZE_CONTEXTS: usize = SIDE_FLAGS * NEXT * SIZES;
const TIME_CONTEXTS: usize = SIDE_FLAGS * NEXT * (TIMES + 1);
const CONTEXTS: usize = NEXT_CONTEXTS + SIZE_CONTEXTS + TIME_CONTEXTS;

/// Dense levels: all traffic, then TCP, UDP, ICMP and the rest.
const DENSE_LEVELS: usize = 5;

/// A side with flags less likely than this does not move the deadline.
const LIKELY: f32 = 0.02;

/// A deadline needs this many packets of the connection itself in the time context it rests upon.
const MIN_EVIDENCE: u32 = 4;

/// What the model keeps of a connection.
#[derive(Clone, Copy)]
struct State {
    /// Salts of the connection's and the service's contexts in the hashed table.
    connection: u64,
    service: u64,
    /// Which dense level its protocol has.
    protocol: u8,
    /// The last packet, as contexts.
    last: Context,
}

/// The last packet's symbols as a context.
#[derive(Clone, Copy)]
struct Context {
    side_flags: u8,
    size: u8,
    time: u8,
}

impl Context {
    const START: Self = Self { side_flags: NOTHING, size: 0, time: NO_TIME };

    fn after(symbols: Symbols) -> Self {
        Self {
            side_flags: symbols.side_flags,
            size: symbols.size,
            time: symbols.time.unwrap_or(NO_TIME),
        }
    }

    /// Number of the dense context for what comes next.
    fn next(self) -> usize {
        usize::from(self.side_flags) * SIZES + usize::from(self.size)
    }

    /// Number of the dense context for the size of a packet with `side_flags`.
    fn size(self, side_flags: u8) -> usize {
        NEXT_CONTEXTS + usize::from(side_flags) * NEXT_CONTEXTS + self.next()
    }

    /// Number of the dense context for the time to a packet with `side_flags`.
    fn time(self, side_flags: u8) -> usize {
        NEXT_CONTEXTS
            + SIZE_CONTEXTS
            + (usize::from(side_flags) * NEXT + usize::from(self.side_flags)) * (TIMES + 1)
            + usize::from(self.time)
    }
}

/// The model.
#[derive(Clone)]
pub struct Markov {
    /// `DENSE_LEVELS` times `CONTEXTS`.
    dense: Vec<Counts>,
    hashed: ContextTable,
    states: Vec<State>,
}

impl Markov {
    /// An empty model whose service and connection counts take at most `bytes`.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self {
            dense: vec![Counts::default(); DENSE_LEVELS * CONTEXTS],
            hashed: ContextTable::with_bytes(bytes),
            states: Vec::new(),
        }
    }

    /// When the next packet comes, given that one does.
    #[must_use]
    pub fn time_forecast(&self, slot: Slot) -> TimeForecast {
        TimeForecast { bins: self.look_ahead(&self.states[slot.index()]).times }
    }

    /// The counts of one context from all traffic to the connection, as far as they exist.
    #[inline]
    fn levels(&self, state: &State, context: usize) -> Levels<'_> {
        Levels([
            Some(&self.dense[context]),
            Some(&self.dense[usize::from(state.protocol) * CONTEXTS + context]),
            self.hashed.find(hash(state.service, context)),
            self.hashed.find(hash(state.connection, context)),
        ])
    }

    fn add(&mut self, state: &State, context: usize, symbol: u8, connection: bool) {
        self.dense[context].add(symbol);
        self.dense[usize::from(state.protocol) * CONTEXTS + context].add(symbol);
        self.hashed.add(hash(state.service, context), symbol);
        if connection {
            self.hashed.add(hash(state.connection, context), symbol);
        }
    }

    /// What comes next, and when: the time over all sides and flags that are likely at all, because
    /// an answer that mostly comes at once and sometimes not at all is due when the one after it is.
    fn look_ahead(&self, state: &State) -> Ahead {
        let next = self.levels(state, state.last.next()).distribution::<NEXT>();
        let side_flags = likeliest(&next[..SIDE_FLAGS]);
        let mut times = [0.0; TIMES];
        let (mut share, mut evidence) = (0.0, 0);
        for (symbol, &probability) in next[..SIDE_FLAGS].iter().enumerate() {
            if probability < LIKELY {
                continue;
            }
            let context = state.last.time(symbol as u8);
            let levels = self.levels(state, context);
            for (time, given) in times.iter_mut().zip(levels.distribution::<TIMES>()) {
                *time += probability * given;
            }
            share += probability;
            evidence += levels.evidence();
        }
        if share > 0.0 {
            times.iter_mut().for_each(|time| *time /= share);
        }
        Ahead {
            nothing_more: next[usize::from(NOTHING)],
            side_flags,
            probability: next[usize::from(side_flags)],
            times,
            evidence,
        }
    }
}

/// What is known under one context, the shortest history first.
struct Levels<'a>([Option<&'a Counts>; 4]);

impl Levels<'_> {
    /// Probabilities of some symbols out of `alphabet`.
    #[inline]
    fn probabilities<const N: usize>(&self, alphabet: usize, symbols: [u8; N]) -> [f32; N] {
        let uniform = [1.0 / alphabet as f32; N];
        self.0.iter().flatten().fold(uniform, |lower, counts| counts.blend(symbols, lower))
    }

    /// The whole distribution.
    #[inline]
    fn distribution<const N: usize>(&self) -> [f32; N] {
        let mut all = [1.0 / N as f32; N];
        for counts in self.0.iter().flatten() {
            counts.blend_all(&mut all);
        }
        all
    }

    /// How many packets of the connection itself stand behind it.
    #[inline]
    fn evidence(&self) -> u32 {
        self.0[3].map_or(0, |counts| u32::from(counts.sum()))
    }
}

/// The time to the next packet as a distribution over the bins of [`discretise::time`].
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TimeForecast {
    bins: [f32; TIMES],
}

impl TimeForecast {
    /// Probability that the packet comes within `span`; a bin is taken as
    /// [`discretise::time_within`] takes it.
    #[must_use]
    pub fn within(&self, span: Span) -> f32 {
        let bin = discretise::time(span);
        let below: f32 = self.bins[..usize::from(bin)].iter().sum();
        below + self.bins[usize::from(bin)] * discretise::time_share(bin, span)
    }
}

/// What `look_ahead` found.
struct Ahead {
    nothing_more: f32,
    side_flags: u8,
    probability: f32,
    times: [f32; TIMES],
    evidence: u32,
}

impl Ahead {
    /// How far a reader may trust the deadline: the probability that a packet comes at all, times
    /// the share of the time distribution in its three densest neighbouring bins, which is near one
    /// for a connection with a rhythm and small for one without.
    fn confidence(&self) -> f32 {
        let densest = self.times.windows(3).map(|bins| bins.iter().sum()).fold(0.0, f32::max);
        (1.0 - self.nothing_more) * densest
    }

    fn time_quantile(&self, quantile: f32) -> Span {
        let (bin, share) = quantile_of(&self.times, quantile);
        discretise::time_within(bin, share)
    }

    /// The end of the bin that holds the quantile: where in a bin packets come is not known, and a
    /// perfect rhythm must not be late by the shape of the bins.
    fn deadline(&self, quantile: f32) -> Span {
        let (bin, _) = quantile_of(&self.times, quantile);
        discretise::time_within(bin, 1.0)
    }
}

impl Model for Markov {
    fn name(&self) -> &'static str {
        "markov-1"
    }

    fn begin(&mut self, slot: Slot, origin: &Origin) {
        let protocol = match origin.service.protocol {
            6 => 1,
            17 => 2,
            1 | 58 => 3,
            _ => 4,
        };
        let service = u64::from(origin.service.protocol) << 16 | u64::from(origin.service.port);
        let state = State {
            connection: mix(origin.identity ^ 0x9e37_79b9_7f4a_7c15),
            service: mix(service),
            protocol,
            last: Context::START,
        };
        if slot.index() >= self.states.len() {
            self.states.resize(slot.index() + 1, state);
        }
        self.states[slot.index()] = state;
    }

    fn score(&self, slot: Slot, packet: &PacketFacts) -> Surprise {
        let state = &self.states[slot.index()];
        let last = state.last;
        let symbols = Symbols::of(packet);
        let now = symbols.side_flags;
        // All look-ups before any arithmetic, so that their cache misses overlap.
        let next = self.levels(state, last.next());
        let sizes = self.levels(state, last.size(now));
        let times = symbols.time.map(|time| (time, self.levels(state, last.time(now))));
        let [side_flags, nothing] = next.probabilities(NEXT, [now, NOTHING]);
        // Given that a packet came at all; the guard is for rounding when `nothing` is close to one.
        let side_flags = side_flags / (1.0 - nothing).max(side_flags);
        let [size] = sizes.probabilities(SIZES, [symbols.size]);
        let time = times.map_or(1.0, |(time, levels)| levels.probabilities(TIMES, [time])[0]);
        Surprise { side_flags: bits(side_flags), size: bits(size), time: bits(time), entropy: 0.0 }
    }

    fn step(&mut self, slot: Slot, packet: &PacketFacts, learn: bool) {
        let state = self.states[slot.index()];
        let symbols = Symbols::of(packet);
        if learn {
            let (last, now) = (state.last, symbols.side_flags);
            self.add(&state, last.next(), now, true);
            self.add(&state, last.size(now), symbols.size, true);
            if let Some(time) = symbols.time {
                self.add(&state, last.time(now), time, true);
            }
        }
        self.states[slot.index()].last = Context::after(symbols);
    }

    fn deadline(&self, slot: Slot, quantile: f32, at_least: f32) -> Option<Deadline> {
        let ahead = self.look_ahead(&self.states[slot.index()]);
        if ahead.evidence < MIN_EVIDENCE {
            return None;
        }
        let confidence = ahead.confidence();
        (confidence >= at_least).then(|| Deadline { after: ahead.deadline(quantile), confidence })
    }

    fn expect(&self, slot: Slot, run: &[PacketFacts], quantile: f32) -> Expectation {
        let mut state = self.states[slot.index()];
        if let Some(packet) = run.last() {
            state.last = Context::after(Symbols::of(packet));
        }
        let ahead = self.look_ahead(&state);
        let (side, class) = discretise::side_flags_of(ahead.side_flags);
        let levels = self.levels(&state, state.last.size(ahead.side_flags));
        let sizes = levels.distribution::<SIZES>();
        let mode = likeliest(&sizes);
        let (low, _) = quantile_of(&sizes, 0.05);
        let (high, _) = quantile_of(&sizes, 0.95);
        let middle = discretise::sizes_of(mode);
        Expectation {
            side,
            flags: class.typical(),
            side_flags_probability: ahead.probability,
            size: SizeRange {
                low: *discretise::sizes_of(low).start(),
                mode: u32::midpoint(*middle.start(), *middle.end()),
                high: *discretise::sizes_of(high).end(),
            },
            time: TimeRange {
                low: ahead.time_quantile(0.05),
                median: ahead.time_quantile(0.5),
                high: ahead.time_quantile(0.95),
            },
            deadline: ahead.deadline(quantile),
            nothing_more: ahead.nothing_more,
            confidence: ahead.confidence(),
        }
    }

    fn end(&mut self, slot: Slot, learn: bool) {
        if learn {
            let state = self.states[slot.index()];
            self.add(&state, state.last.next(), NOTHING, false);
        }
    }

    fn memory(&self) -> ModelMemory {
        ModelMemory {
            total: self.dense.len() * size_of::<Counts>()
                + self.hashed.memory()
                + self.states.capacity() * size_of::<State>(),
            per_connection: size_of::<State>(),
        }
    }
}

/// Hash of a dense context number under a salt.
#[inline]
fn hash(salt: u64, context: usize) -> u64 {
    mix(salt ^ (context as u64).wrapping_mul(0xff51_afd7_ed55_8ccd))
}

fn bits(probability: f32) -> f32 {
    -probability.log2()
}

fn likeliest(probabilities: &[f32]) -> u8 {
    let mut best = 0;
    for (symbol, probability) in probabilities.iter().enumerate() {
        if *probability > probabilities[best] {
            best = symbol;
        }
    }
    best as u8
}

/// The bin that holds a quantile, and which share of that bin lies below it.
fn quantile_of(probabilities: &[f32], quantile: f32) -> (u8, f32) {
    let mut below = 0.0;
    for (bin, &probability) in probabilities.iter().enumerate() {
        if below + probability >= quantile {
            return (bin as u8, (quantile - below) / probability.max(f32::MIN_POSITIVE));
        }
        below += probability;
    }
    (probabilities.len() as u8 - 1, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Service, Side};
    use crate::wire::TcpFlags;

    fn origin(identity: u64) -> Origin {
        Origin {
            service: Service { protocol: 17, port: 53 },
            pair: 1,
            identity,
            responder: Side::B,
            salt: 0,
        }
    }

    fn packet(side: Side, payload_len: u32, millis: u64) -> PacketFacts {
        PacketFacts {
            side,
            protocol: 17,
            flags: TcpFlags(0),
            payload_len,
            wire_len: payload_len + 42,
            window: 0,
            entropy: None,
            since: Some(Span::from_millis(millis)),
            position: 1,
        }
    }

    fn beat(model: &mut Markov, slot: Slot, times: usize) {
        for _ in 0..times {
            model.step(slot, &packet(Side::A, 40, 1_000), true);
            model.step(slot, &packet(Side::B, 200, 20), true);
        }
    }

    #[test]
    fn what_always_came_surprises_little_and_what_never_came_much() {
        let mut model = Markov::new(1 << 20);
        model.begin(Slot(0), &origin(1));
        beat(&mut model, Slot(0), 200);
        assert!(model.score(Slot(0), &packet(Side::A, 40, 1_000)).total() < 0.5);
        let odd = model.score(Slot(0), &packet(Side::B, 1_400, 1));
        assert!(odd.total() > 12.0, "{odd:?}");
    }

    #[test]
    fn probabilities_of_all_next_symbols_sum_to_one() {
        let mut model = Markov::new(1 << 20);
        model.begin(Slot(0), &origin(1));
        beat(&mut model, Slot(0), 50);
        let state = model.states[0];
        let levels = model.levels(&state, state.last.next());
        let sum: f32 = (0..NEXT as u8).map(|symbol| levels.probabilities(NEXT, [symbol])[0]).sum();
        assert!((levels.distribution::<NEXT>().iter().sum::<f32>() - 1.0).abs() < 1e-5);
        assert!((sum - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_rhythm_gives_a_deadline_near_its_period() {
        let mut model = Markov::new(1 << 20);
        model.begin(Slot(3), &origin(1));
        assert_eq!(model.deadline(Slot(3), 0.95, 0.0), None, "nothing is known yet");
        beat(&mut model, Slot(3), 100);
        let deadline = model.deadline(Slot(3), 0.95, 0.0).unwrap();
        let millis = deadline.after.micros() / 1_000;
        assert!((1_000..2_200).contains(&millis), "{millis} ms");
        assert!(deadline.confidence > 0.9);
    }

    #[test]
    fn a_perfect_rhythm_is_never_late_wherever_it_lies_in_its_bin() {
        for millis in [1, 2, 15, 16, 17, 30, 31, 33] {
            let mut model = Markov::new(1 << 20);
            model.begin(Slot(0), &origin(millis));
            for _ in 0..200 {
                model.step(Slot(0), &packet(Side::A, 40, millis), true);
            }
            let deadline = model.deadline(Slot(0), 0.95, 0.0).unwrap();
            assert!(deadline.after >= Span::from_millis(millis), "{millis} ms: {deadline:?}");
        }
    }

    #[test]
    fn a_new_connection_of_a_known_service_starts_warm() {
        let mut model = Markov::new(1 << 20);
        model.begin(Slot(0), &origin(1));
        let cold = model.score(Slot(0), &packet(Side::A, 40, 1_000)).total();
        beat(&mut model, Slot(0), 50);
        model.begin(Slot(1), &origin(2));
        model.step(Slot(1), &packet(Side::B, 200, 20), true);
        let warm = model.score(Slot(1), &packet(Side::A, 40, 1_000)).total();
        assert!(warm < cold / 4.0, "cold {cold}, warm {warm}");
    }

    #[test]
    fn a_frozen_step_moves_the_state_and_learns_nothing() {
        let mut model = Markov::new(1 << 20);
        model.begin(Slot(0), &origin(1));
        beat(&mut model, Slot(0), 10);
        let before = model.score(Slot(0), &packet(Side::A, 40, 1_000));
        for _ in 0..100 {
            model.step(Slot(0), &packet(Side::A, 9_000, 1), false);
            model.step(Slot(0), &packet(Side::B, 200, 20), false);
        }
        assert_eq!(model.score(Slot(0), &packet(Side::A, 40, 1_000)), before);
    }

    #[test]
    fn connections_that_always_end_here_expect_nothing_more() {
        let mut model = Markov::new(1 << 20);
        for identity in 0..100 {
            model.begin(Slot(0), &origin(identity));
            model.step(Slot(0), &packet(Side::A, 40, 0), true);
            model.step(Slot(0), &packet(Side::B, 200, 20), true);
            model.end(Slot(0), true);
        }
        model.begin(Slot(0), &origin(1_000));
        model.step(Slot(0), &packet(Side::A, 40, 0), true);
        model.step(Slot(0), &packet(Side::B, 200, 20), true);
        assert!(model.expect(Slot(0), &[], 0.95).nothing_more > 0.9);
    }
}
