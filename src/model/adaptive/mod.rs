//! The adaptive model: learns on line, from an empty table, what no shared network can know.
//!
//! ```text
//! history of the connection -> six contexts a head -> a line each (64 bytes, hashed, bounded)
//! a symbol = a path of decisions; a decision = prior and six slots, mixed by weights that ship
//! ```
//!
//! It works as the best compressors do: for every head ([`Head`](tree::Head)) of the chain several
//! contexts, from this connection's last packets to all traffic, each keep what followed, and a
//! logistic [`mixer`] learns whom to believe. Under them lies a [`prior`], today a uniform one: there
//! a network's forecast comes in. Why these contexts and what each part is worth: docs/forecast.md.
//!
//! What it promises: every head's distribution sums to one, the same packets give the same answers,
//! memory is bounded, and a packet that is not learned from leaves no trace but in the history of its
//! own connection. What it does not do: forecast entropy, or keep what it learned over a restart.

mod arithmetic;
mod context;
mod exact;
mod line;
mod look;
mod mixer;
mod prior;
mod sharp;
mod tree;
mod weights;

pub use weights::WeightsError;

use std::cell::{Cell, RefCell};

use super::discretise::Symbols;
use super::{Deadline, Expectation, Model, ModelMemory, Origin, PacketFacts, Surprise};
use crate::flow::Slot;
use context::{CONTEXTS, History};
use line::{Line, Lines};
use mixer::{Decision, Mixer};
use prior::{Prior, Uniform};
use tree::{DEEPEST, Head, Path};
use weights::Weights;

/// The model.
#[derive(Clone)]
pub struct Adaptive {
    learned: Learned,
    prior: Uniform,
    histories: Vec<History>,
    /// The last packet's forecast, kept from scoring it to learning from it.
    standing: RefCell<Standing>,
    /// Counts what changes answers, to tell whether `standing` still holds.
    changes: u64,
    /// Whether anybody ever wanted to know when a packet is due. Until then it is not learned.
    is_waited_for: Cell<bool>,
}

/// Everything shared by connections.
#[derive(Clone)]
struct Learned {
    lines: Lines,
    mixer: Mixer,
}

/// The way to a symbol as it was forecast.
#[derive(Clone)]
struct Walk {
    head: Head,
    contexts: [u64; CONTEXTS],
    path: Path,
    decisions: [Decision; DEEPEST],
}

/// A packet with its three walks.
#[derive(Clone)]
struct Standing {
    of: Option<(Slot, PacketFacts, u64)>,
    surprise: Surprise,
    side_flags: Walk,
    size: Walk,
    time: Walk,
    /// When the packet was due, and whether it was; these are walked only to learn.
    wait: Walk,
    nothing: Walk,
}

impl Adaptive {
    /// A model that has learned nothing, whose table takes at most `bytes`, with the shipped weights.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self::of(bytes, Weights::shipped())
    }

    /// The same with weights from the content of a file.
    ///
    /// # Errors
    ///
    /// When the content is not weights for this version's contexts.
    pub fn with_weights(bytes: usize, file: &[u8]) -> Result<Self, WeightsError> {
        Weights::read(file).map(|weights| Self::of(bytes, weights))
    }

    fn of(bytes: usize, weights: Box<Weights>) -> Self {
        Self {
            learned: Learned { lines: Lines::with_bytes(bytes), mixer: Mixer::new(weights) },
            prior: Uniform::new(),
            histories: Vec::new(),
            standing: RefCell::new(Standing {
                of: None,
                surprise: Surprise::default(),
                side_flags: Walk::new(Head::SideFlags),
                size: Walk::new(Head::Size),
                time: Walk::new(Head::Time),
                wait: Walk::new(Head::Wait),
                nothing: Walk::new(Head::Nothing),
            }),
            changes: 0,
            is_waited_for: Cell::new(false),
        }
    }

    /// Forecasts a packet into `standing`.
    fn forecast(&self, slot: Slot, packet: &PacketFacts, standing: &mut Standing) {
        let history = &self.histories[slot.index()];
        let now = Symbols::of(packet);
        let last = history.last();
        let contexts = [
            history.side_flags(last),
            history.size(last, now.side_flags),
            history.time(last, packet, now),
        ];
        // All look-ups before any arithmetic, so that their cache misses overlap.
        let lines = contexts.each_ref().map(|contexts| self.learned.lines.find_all(contexts));
        let [side_flags, size, time] = contexts;
        standing.of = Some((slot, *packet, self.changes));
        let (mixer, prior) = (&self.learned.mixer, &self.prior);
        let Standing { side_flags: who, size: how_long, time: when, .. } = standing;
        standing.surprise = Surprise {
            side_flags: who.go(side_flags, now.side_flags).forecast(mixer, prior, &lines[0]),
            size: how_long.go(size, now.size).forecast(mixer, prior, &lines[1]),
            time: now.time.map_or(0.0, |bin| when.go(time, bin).forecast(mixer, prior, &lines[2])),
            entropy: 0.0,
        };
    }

    /// Learns when a packet came, or that none did, if anybody wants to know.
    fn learn_wait(&mut self, history: &History, packet: Option<&PacketFacts>) {
        if !self.is_waited_for.get() || !history.has_begun() {
            return;
        }
        let contexts = history.wait(history.last());
        let Standing { wait, nothing, .. } = self.standing.get_mut();
        let found = self.learned.lines.find_all(&contexts);
        let mixer = &mut self.learned.mixer;
        nothing.go(contexts, u8::from(packet.is_none())).forecast(mixer, &self.prior, &found);
        let since = packet.and_then(|packet| packet.since);
        if let Some(since) = since {
            let bin = super::discretise::time(since);
            wait.go(contexts, bin).forecast(mixer, &self.prior, &found);
            sharp::learn(mixer.weights_mut(), &found, since, bin);
        }
        self.learned.learn(nothing, |_| {});
        if let Some(since) = since {
            let logarithm = sharp::logarithm(since);
            self.learned.learn(wait, |line| sharp::keep(line, logarithm));
        }
    }
}

impl Walk {
    fn new(head: Head) -> Self {
        let path = Path::default();
        Self { head, contexts: [0; CONTEXTS], path, decisions: [Decision::NONE; DEEPEST] }
    }

    /// Takes the way to another symbol; its decisions are not forecast yet.
    #[inline]
    fn go(&mut self, contexts: [u64; CONTEXTS], symbol: u8) -> &mut Self {
        self.contexts = contexts;
        self.path = Path::to(self.head, symbol);
        self
    }

    /// Forecasts the decisions on the way; the bits that going it costs.
    #[inline]
    fn forecast(&mut self, mixer: &Mixer, prior: &impl Prior, lines: &[&Line; CONTEXTS]) -> f32 {
        let steps = self.path.steps();
        mixer.decide_all(self.head, steps, prior.odds(self.head), lines, &mut self.decisions);
        let mut probability = 1.0_f32;
        for (&(_, bit), decision) in steps.iter().zip(&self.decisions) {
            probability *= if bit { decision.one } else { 1.0 - decision.one };
        }
        -probability.log2()
    }
}

impl Learned {
    /// Learns that a walk was gone; `keep` sees every line of it as well.
    #[inline]
    fn learn(&mut self, walk: &Walk, mut keep: impl FnMut(&mut Line)) {
        for (&(node, bit), decision) in walk.path.steps().iter().zip(&walk.decisions) {
            self.mixer.learn(walk.head, usize::from(node), decision, bit);
        }
        for context in walk.contexts {
            let line = self.lines.claim(context);
            for &(node, bit) in walk.path.steps() {
                line.learn(usize::from(node), bit);
            }
            keep(line);
        }
    }
}

impl Model for Adaptive {
    fn name(&self) -> &'static str {
        "adaptive-1"
    }

    fn begin(&mut self, slot: Slot, origin: &Origin) {
        let history = History::new(origin);
        if slot.index() >= self.histories.len() {
            self.histories.resize(slot.index() + 1, history);
        }
        self.histories[slot.index()] = history;
        self.changes += 1;
    }

    fn score(&self, slot: Slot, packet: &PacketFacts) -> Surprise {
        let mut standing = self.standing.borrow_mut();
        self.forecast(slot, packet, &mut standing);
        standing.surprise
    }

    fn step(&mut self, slot: Slot, packet: &PacketFacts, learn: bool) {
        let now = Symbols::of(packet);
        let mut history = self.histories[slot.index()];
        if learn {
            if self.standing.get_mut().of != Some((slot, *packet, self.changes)) {
                self.score(slot, packet);
            }
            self.learn_wait(&history, Some(packet));
            let Self { standing, learned, .. } = self;
            let Standing { side_flags, size, time, .. } = standing.get_mut();
            learned.learn(side_flags, |_| {});
            let lines = learned.lines.find_all(&size.contexts);
            exact::learn(learned.mixer.weights_mut(), &lines, packet.payload_len, now.size);
            let length = context::length(packet);
            learned.learn(size, |line| exact::keep(line, length));
            if now.time.is_some() {
                learned.learn(time, |_| {});
            }
        }
        history.push(packet, now);
        self.histories[slot.index()] = history;
        self.changes += 1;
    }

    fn deadline(&self, slot: Slot, quantile: f32) -> Option<Deadline> {
        self.is_waited_for.set(true);
        self.look(&self.histories[slot.index()]).deadline(quantile)
    }

    fn expect(&self, slot: Slot, run: &[PacketFacts], quantile: f32) -> Expectation {
        self.is_waited_for.set(true);
        let mut history = self.histories[slot.index()];
        for packet in run {
            history.push(packet, Symbols::of(packet));
        }
        self.look(&history).expect(quantile)
    }

    fn end(&mut self, slot: Slot, learn: bool) {
        if learn {
            let history = self.histories[slot.index()];
            self.learn_wait(&history, None);
            self.changes += 1;
        }
    }

    fn memory(&self) -> ModelMemory {
        ModelMemory {
            total: self.learned.lines.memory()
                + self.learned.mixer.memory()
                + self.histories.capacity() * size_of::<History>(),
            per_connection: size_of::<History>(),
        }
    }
}

#[cfg(test)]
mod tests;
