//! The adaptive model: learns on line, from an empty table, what no shared network can know.
//!
//! ```text
//! history of the connection -> six contexts a head -> a line each (64 bytes, hashed, bounded)
//! a symbol = a path of decisions; a decision = prior and six slots, mixed by weights that ship
//! ```
//!
//! It works as the best compressors do: for every head ([`Head`](tree::Head)) of the chain several
//! contexts, from this connection's last packets to all traffic, each keep what followed, and a
//! logistic [`mixer`] learns whom to believe. Under them lies a [`prior`]: the forecast of the
//! [`network`](super::network), or without one that every symbol is as likely as the others. The
//! network may also stand alone: then nothing is learned on line. Why these contexts and what each
//! part is worth: docs/forecast.md.
//!
//! What it promises: every head's distribution sums to one, the same packets give the same answers,
//! memory is bounded, and a packet that is not learned from leaves no trace but in the history of its
//! own connection. What it does not do: keep what it learned over a restart.

mod arithmetic;
mod context;
mod exact;
mod learned;
mod line;
mod look;
mod mixer;
mod prior;
mod sharp;
mod tree;
mod weights;

use std::cell::{Cell, RefCell};

use super::discretise::Symbols;
use super::engine::Dispatch;
use super::file::{FileError, ModelFile};
use super::network::{self, Network};
use super::{Deadline, Expectation, Model, ModelMemory, Origin, PacketFacts, Surprise};
use crate::flow::Slot;
use context::{CONTEXTS, History};
use learned::Learned;
use line::Line;
use mixer::{Decision, Mixer};
use prior::{Odds, Scratch};
use tree::{DEEPEST, Head, Path};
use weights::Weights;
pub(super) use weights::declares;

/// The mixer that ships without a network.
pub(super) static MIXER_ONLY: &[u8] = include_bytes!("../../../models/adaptive.safetensors");

/// The model.
#[derive(Clone)]
pub struct Adaptive {
    name: String,
    learned: Learned,
    network: Option<Box<Network>>,
    /// What is forecast without a network, or before a connection's first packet.
    uniform: Odds,
    histories: Vec<History>,
    /// The last packet's forecast, kept from scoring it to learning from it.
    standing: RefCell<Standing>,
    /// Counts what changes answers, to tell whether `standing` still holds.
    changes: u64,
    /// Whether anybody ever wanted to know when a packet is due. Until then it is not learned.
    is_waited_for: Cell<bool>,
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
    odds: Odds,
    scratch: Scratch,
}

impl Adaptive {
    /// A model without a network that has learned nothing, whose table takes at most `bytes`, with
    /// the mixer that ships.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self::read(bytes, MIXER_ONLY).expect("a test reads it")
    }

    /// The same with the mixer of another model file.
    ///
    /// # Errors
    /// If the content is no such file, or holds anything but a mixer for this version's contexts.
    pub fn read(bytes: usize, file: &[u8]) -> Result<Self, FileError> {
        let file = ModelFile::read(file)?;
        refuse_others(&file, declares)?;
        let mixer = Mixer::new(Weights::read(&file)?);
        Ok(Self::of("adaptive-1".to_owned(), Learned::new(bytes, mixer), None))
    }

    /// A model with the network of a model file, and the mixer that was trained for it. Without
    /// `adapt` the network stands alone, needs no mixer, and nothing is learned on line.
    ///
    /// # Errors
    /// If the content is no such file, or a part of it is missing or does not fit.
    pub fn with_network(bytes: usize, adapt: bool, file: &[u8]) -> Result<Self, FileError> {
        let file = ModelFile::read(file)?;
        refuse_others(&file, |name| declares(name) || network::declares(name))?;
        let network = Network::read(&file, Dispatch::Auto)?;
        let (learned, name) = if adapt {
            (Learned::new(bytes, Mixer::new(Weights::read(&file)?)), "network-1")
        } else {
            (Learned::nothing(), "network-1 alone")
        };
        let name = format!("{name} {}", file.fingerprint());
        Ok(Self::of(name, learned, Some(Box::new(network))))
    }

    /// A model with the network of a model file and a mixer that is yet to be trained for it, or
    /// without a network if the file holds none. It learns from packets as any other, and its mixer
    /// at the rates of training; [`Self::mixer_into`] writes down what came of it.
    ///
    /// # Errors
    /// As [`Self::with_network`].
    pub fn untrained(bytes: usize, file: &[u8]) -> Result<Self, FileError> {
        let file = ModelFile::read(file)?;
        refuse_others(&file, |name| declares(name) || network::declares(name))?;
        let network = if file.has_network() {
            Some(Box::new(Network::read(&file, Dispatch::Auto)?))
        } else {
            None
        };
        let model = Self::of("in training".to_owned(), Learned::untrained(bytes), network);
        model.is_waited_for.set(true);
        Ok(model)
    }

    /// Forgets everything but what the mixer learned: what comes next is another site.
    pub fn forget(&mut self) {
        self.learned.forget_lines();
        self.changes += 1;
    }

    /// The content of a model file with this model's mixer in place of its own.
    ///
    /// # Errors
    /// If `file` is not the content of a model file.
    pub fn mixer_into(&self, file: &[u8]) -> Result<Vec<u8>, FileError> {
        let file = ModelFile::read(file)?;
        let (word, mixer) = self.learned.weights().to_tensors();
        let mut others = Vec::new();
        for name in file.names().filter(|name| !declares(name)) {
            let shape = file.shape(name).unwrap_or_default();
            others.push((name, shape, file.tensor(name, shape)?));
        }
        let mut words = file.words().to_vec();
        words.retain(|(key, _)| *key != word.0);
        words.push(word);
        let mut tensors: Vec<super::file::Tensor<'_>> =
            others.iter().map(|(name, shape, numbers)| (*name, *shape, &numbers[..])).collect();
        tensors.extend(mixer);
        Ok(super::file::write(&words, &tensors))
    }

    fn of(name: String, learned: Learned, network: Option<Box<Network>>) -> Self {
        Self {
            name,
            learned,
            network,
            uniform: Odds::uniform(),
            histories: Vec::new(),
            standing: RefCell::new(Standing {
                of: None,
                surprise: Surprise::default(),
                side_flags: Walk::new(Head::SideFlags),
                size: Walk::new(Head::Size),
                time: Walk::new(Head::Time),
                wait: Walk::new(Head::Wait),
                nothing: Walk::new(Head::Nothing),
                odds: Odds::uniform(),
                scratch: Scratch::NEW,
            }),
            changes: 0,
            is_waited_for: Cell::new(false),
        }
    }

    /// Forecasts a packet into `standing`.
    fn forecast(&self, slot: Slot, packet: &PacketFacts, standing: &mut Standing) {
        let history = &self.histories[slot.index()];
        if let Some(network) = &self.network {
            network.prefetch(slot);
        }
        let now = Symbols::of(packet);
        let last = history.last();
        let contexts = [
            history.side_flags(last),
            history.size(last, now.side_flags),
            history.time(last, packet, now),
        ];
        // All look-ups before any arithmetic, so that their cache misses overlap.
        let lines = contexts.each_ref().map(|contexts| self.learned.find_all(contexts));
        let Standing { side_flags, size, time, odds, scratch, .. } = standing;
        let entropy = match &self.network {
            Some(network) if history.has_begun() => {
                prior::before(network, network.view(slot), packet, now, scratch, odds)
            }
            _ => {
                odds.clone_from(&self.uniform);
                0.0
            }
        };
        let learned = &self.learned;
        let [who, how_long, when] = contexts;
        standing.surprise = Surprise {
            side_flags: side_flags.go(who, now.side_flags).forecast(learned, odds, &lines[0]),
            size: size.go(how_long, now.size).forecast(learned, odds, &lines[1]),
            time: now.time.map_or(0.0, |bin| time.go(when, bin).forecast(learned, odds, &lines[2])),
            entropy,
        };
        standing.of = Some((slot, *packet, self.changes));
    }

    /// Learns when a packet came, or that none did, if anybody wants to know.
    fn learn_wait(&mut self, slot: Slot, history: &History, packet: Option<&PacketFacts>) {
        if !self.is_waited_for.get() || !history.has_begun() {
            return;
        }
        let contexts = history.wait(history.last());
        let Standing { wait, nothing, odds, .. } = self.standing.get_mut();
        if let Some(network) = &self.network {
            prior::wait(network, network.view(slot), odds);
        }
        let learned = &mut self.learned;
        let found = learned.lines.find_all(&contexts);
        nothing.go(contexts, u8::from(packet.is_none())).forecast(learned, odds, &found);
        let since = packet.and_then(|packet| packet.since);
        if let Some(since) = since {
            let bin = super::discretise::time(since);
            wait.go(contexts, bin).forecast(learned, odds, &found);
            sharp::learn(learned.mixer.weights_mut(), &found, since, bin);
        }
        learned.learn(nothing, odds, |_| {});
        if let Some(since) = since {
            let logarithm = sharp::logarithm(since);
            learned.learn(wait, odds, |line| sharp::keep(line, logarithm));
        }
    }

    /// Learns from a packet, which is scored first if it was not.
    fn learn(&mut self, slot: Slot, packet: &PacketFacts, now: Symbols) {
        let history = self.histories[slot.index()];
        if self.standing.get_mut().of != Some((slot, *packet, self.changes)) {
            self.score(slot, packet);
        }
        self.learn_wait(slot, &history, Some(packet));
        let Self { standing, learned, .. } = self;
        let Standing { side_flags, size, time, odds, .. } = standing.get_mut();
        learned.learn(side_flags, odds, |_| {});
        let lines = learned.lines.find_all(&size.contexts);
        exact::learn(learned.mixer.weights_mut(), &lines, packet.payload_len, now.size);
        let length = context::length(packet);
        learned.learn(size, odds, |line| exact::keep(line, length));
        if now.time.is_some() {
            learned.learn(time, odds, |_| {});
        }
    }
}

/// Sees that a file holds nothing but what is declared.
fn refuse_others(file: &ModelFile<'_>, declares: impl Fn(&str) -> bool) -> Result<(), FileError> {
    match file.names().find(|name| !declares(name)) {
        Some(name) => Err(FileError::Unknown { tensor: name.to_owned() }),
        None => Ok(()),
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
    fn forecast(&mut self, learned: &Learned, odds: &Odds, lines: &[&Line; CONTEXTS]) -> f32 {
        let steps = self.path.steps();
        learned.decide_all(self.head, steps, odds.of(self.head), lines, &mut self.decisions);
        let mut probability = 1.0_f32;
        for (&(_, bit), decision) in steps.iter().zip(&self.decisions) {
            probability *= if bit { decision.one } else { 1.0 - decision.one };
        }
        -probability.log2()
    }
}

impl Model for Adaptive {
    fn name(&self) -> &str {
        &self.name
    }

    fn begin(&mut self, slot: Slot, origin: &Origin) {
        let history = History::new(origin);
        if slot.index() >= self.histories.len() {
            self.histories.resize(slot.index() + 1, history);
        }
        self.histories[slot.index()] = history;
        if let Some(network) = &mut self.network {
            network.begin(slot, origin);
        }
        self.changes += 1;
    }

    fn score(&self, slot: Slot, packet: &PacketFacts) -> Surprise {
        let mut standing = self.standing.borrow_mut();
        self.forecast(slot, packet, &mut standing);
        standing.surprise
    }

    fn step(&mut self, slot: Slot, packet: &PacketFacts, learn: bool) {
        let now = Symbols::of(packet);
        if learn && self.learned.adapts() {
            self.learn(slot, packet, now);
        }
        self.histories[slot.index()].push(packet, now);
        if let Some(network) = &mut self.network {
            network.step(slot, packet);
        }
        self.changes += 1;
    }

    fn deadline(&self, slot: Slot, quantile: f32) -> Option<Deadline> {
        self.is_waited_for.set(true);
        self.deadline_of(slot, quantile)
    }

    fn expect(&self, slot: Slot, run: &[PacketFacts], quantile: f32) -> Expectation {
        self.is_waited_for.set(true);
        let mut history = self.histories[slot.index()];
        for packet in run {
            history.push(packet, Symbols::of(packet));
        }
        let imagined = self.network.as_ref().map(|network| network.imagine(slot, run));
        let view = imagined.as_ref().map(network::Imagined::view);
        self.look(&history, view).expect(quantile)
    }

    fn end(&mut self, slot: Slot, learn: bool) {
        if learn && self.learned.adapts() {
            let history = self.histories[slot.index()];
            self.learn_wait(slot, &history, None);
            self.changes += 1;
        }
    }

    fn memory(&self) -> ModelMemory {
        let (shared, live) = self.network.as_ref().map_or((0, 0), |network| network.memory());
        let state = self.network.as_ref().map_or(0, |network| network.per_connection());
        ModelMemory {
            total: self.learned.memory()
                + shared
                + live
                + self.histories.capacity() * size_of::<History>(),
            per_connection: size_of::<History>() + state,
        }
    }
}

#[cfg(test)]
mod tests;
