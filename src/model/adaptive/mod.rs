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
//! own connection. What it learned can be kept over a restart ([`keep`]).

mod arithmetic;
mod context;
mod decisions;
mod exact;
mod flags;
mod forecast;
mod keep;
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
use super::engine::{Dispatch, prefetch};
use super::file::{FileError, ModelFile};
use super::network::{self, Network};
use super::schema::entropy_class;
use super::{Deadline, Expectation, KeptError, Model, ModelMemory, Origin, PacketFacts, Surprise};
use crate::flow::Slot;
use crate::time::Span;
use arithmetic::log2;
use context::{CONTEXTS, History};
use decisions::Decisions;
use exact::Inside;
use learned::{Learned, Walk, write};
use line::Line;
use mixer::Mixer;
use prior::{Asked, Odds, Scratch, is_news};
use sharp::Cell as Moment;
use tree::Head;
use weights::Weights;
pub(super) use weights::declares;

/// The small network that ships, with its mixer: the model that a sensor has unasked.
pub static GRU_SMALL: &[u8] = include_bytes!("../../../models/gru-small.safetensors");
/// The mixer that ships for doing without a network.
pub static MIXER_ONLY: &[u8] = include_bytes!("../../../models/adaptive.safetensors");

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
    /// A hash of the weights before any learning.
    began_with: u64,
}

/// A packet with its walks, and how it lay within its octaves.
#[derive(Clone)]
struct Standing {
    of: Option<(Slot, PacketFacts, u64)>,
    surprise: Surprise,
    /// Whether the network was asked about it, or would have been had it begun.
    is_news: bool,
    /// Bits of the three symbols of the common discretisation.
    coarse: [f32; 3],
    side_flags: Walk,
    size: Walk,
    time: Walk,
    entropy: Walk,
    decisions: Decisions,
    inside: Inside,
    moment: Moment,
    /// When the packet was due, and whether it was; these are walked only to learn.
    wait: Walk,
    nothing: Walk,
    waited: Decisions,
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
            (Learned::new(bytes, Mixer::new(Weights::read(&file)?)), "network-2")
        } else {
            (Learned::nothing(), "network-2 alone")
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
            began_with: keep::origin_of(learned.weights()),
            name,
            learned,
            network,
            uniform: Odds::uniform(),
            histories: Vec::new(),
            standing: RefCell::new(Standing {
                of: None,
                surprise: Surprise::default(),
                is_news: true,
                coarse: [0.0; 3],
                side_flags: Walk::none(Head::SideFlags),
                size: Walk::none(Head::Size),
                time: Walk::none(Head::Time),
                entropy: Walk::none(Head::Entropy),
                decisions: Decisions::NONE,
                inside: Inside::NONE,
                moment: Moment::NONE,
                wait: Walk::none(Head::Wait),
                nothing: Walk::none(Head::Nothing),
                waited: Decisions::NONE,
                odds: Odds::uniform(),
                scratch: Scratch::NEW,
            }),
            changes: 0,
            is_waited_for: Cell::new(false),
        }
    }

    /// Forecasts a packet into `standing`.
    fn forecast_packet(&self, slot: Slot, packet: &PacketFacts, standing: &mut Standing) {
        let history = &self.histories[slot.index()];
        let now = Symbols::of(packet);
        let last = history.last();
        // All look-ups before any arithmetic, so that their cache misses overlap.
        let learned = &self.learned;
        let who = learned.find(history.side_flags(last));
        let how_long = learned.find(history.size(last, now.side_flags));
        let when = learned.find(history.time(last, packet, now));
        if self.is_waited_for.get() {
            learned.waits.prefetch(&history.wait(last));
        }
        let random = packet
            .entropy
            .map(|entropy| (entropy_class(entropy), learned.find(history.entropy(now))));
        let Standing { side_flags, size, time, entropy, decisions, odds, scratch, .. } = standing;
        // Where nothing adapts, no context is ever found.
        let mut asked = match &self.network {
            None => Asked::NOTHING,
            Some(_) => Asked {
                side_flags: is_news(&who.1),
                size: is_news(&how_long.1),
                time: now.time.is_some() && is_news(&when.1),
                entropy: false,
            },
        };
        // Two of its three contexts are new on every new connection: that alone is no news.
        asked.entropy = asked.any() && random.as_ref().is_some_and(|random| is_news(&random.1.1));
        standing.is_news = asked.any();
        let followed =
            self.network.as_ref().and_then(|network| Some((network, network.view(slot)?)));
        let known = match followed {
            Some((network, view)) if asked.any() => {
                prior::before(network, view, (packet, now), asked, scratch, odds);
                asked
            }
            _ => Asked::NOTHING,
        };
        let odds =
            |head, is_known: bool| if is_known { odds.of(head) } else { self.uniform.of(head) };
        let at_all = |found| learned.lines.at_all::<CONTEXTS>(found);
        let lines = [at_all(&who.1), at_all(&how_long.1), at_all(&when.1)];
        decisions.clear();
        side_flags.go(
            &who,
            &lines[0],
            now.side_flags,
            odds(Head::SideFlags, known.side_flags),
            decisions,
        );
        size.go(&how_long, &lines[1], now.size, odds(Head::Size, known.size), decisions);
        match now.time {
            Some(bin) => time.go(&when, &lines[2], bin, odds(Head::Time, known.time), decisions),
            None => time.stay(),
        }
        match &random {
            Some((class, found)) => {
                let [a, b, c] = learned.lines.at_all(&found.1);
                let lines = [a, b, c, &Line::FRESH, &Line::FRESH, &Line::FRESH];
                let odds = odds(Head::Entropy, known.entropy);
                entropy.go(found, &lines, *class, odds, decisions);
            }
            None => entropy.stay(),
        }
        learned.forecast(decisions);
        standing.inside = Inside::new(learned.weights(), &lines[1], now.size);
        standing.moment = match (now.time, packet.since) {
            (Some(bin), Some(since)) => {
                Moment::of(&learned.sharpness, &lines[2], &sharp::TIME, since, bin)
            }
            _ => Moment::NONE,
        };
        let (service, symbol) = (history.service_hash(), now.side_flags);
        let flags = learned.flags.probability(service, packet.protocol, symbol, packet.flags);
        let coarse = [side_flags.cost(decisions), size.cost(decisions), time.cost(decisions)];
        standing.coarse = coarse;
        standing.surprise = Surprise {
            side_flags: coarse[0] - log2(flags),
            size: coarse[1] - log2(standing.inside.probability(packet.payload_len)),
            time: coarse[2] - log2(standing.moment.probability()),
            entropy: entropy.cost(decisions),
        };
        standing.of = Some((slot, *packet, self.changes));
    }

    /// Bits of a packet's three symbols of the common discretisation ([`Symbols`]): side and flag
    /// class, size, time. [`Model::score`] tells packets apart more finely.
    #[must_use]
    pub fn coarse(&self, slot: Slot, packet: &PacketFacts) -> [f32; 3] {
        let mut standing = self.standing.borrow_mut();
        self.forecast_packet(slot, packet, &mut standing);
        standing.coarse
    }

    /// Learns when a packet came, or that none did, if anybody wants to know.
    fn learn_wait(&mut self, history: &History, packet: Option<&PacketFacts>) {
        if !self.is_waited_for.get() || !history.has_begun() {
            return;
        }
        let contexts = history.wait(history.last());
        let Standing { wait, nothing, waited, .. } = self.standing.get_mut();
        let odds = &self.uniform;
        let learned = &mut self.learned;
        let places = (contexts, learned.waits.find_all(&contexts));
        let found = learned.waits.at_all(&places.1);
        waited.clear();
        let is_over = u8::from(packet.is_none());
        nothing.go(&places, &found, is_over, odds.of(Head::Nothing), waited);
        let since = packet.and_then(|packet| packet.since);
        let moment = since.map(|since| {
            let bin = super::discretise::time(since);
            wait.go(&places, &found, bin, odds.of(Head::Wait), waited);
            Moment::of(&learned.weights().bumps, &found, &sharp::WAIT, since, bin)
        });
        learned.forecast(waited);
        learned.learn(waited);
        write(&mut learned.waits, nothing, waited, |_| {});
        if let (Some(since), Some(moment)) = (since, moment) {
            moment.learn(&mut learned.mixer.weights_mut().bumps);
            let logarithm = sharp::logarithm(since);
            write(&mut learned.waits, wait, waited, |line| sharp::keep(line, logarithm));
        }
    }

    /// Learns from a packet, which is scored first if it was not.
    fn learn(&mut self, slot: Slot, packet: &PacketFacts, now: Symbols) {
        let history = self.histories[slot.index()];
        if self.standing.get_mut().of != Some((slot, *packet, self.changes)) {
            self.score(slot, packet);
        }
        self.learn_wait(&history, Some(packet));
        let Self { standing, learned, .. } = self;
        let Standing { side_flags, size, time, entropy, decisions, inside, moment, .. } =
            standing.get_mut();
        learned.learn(decisions);
        inside.learn(learned.mixer.weights_mut(), packet.payload_len);
        moment.learn(&mut learned.sharpness);
        let (service, symbol) = (history.service_hash(), now.side_flags);
        learned.flags.learn(service, packet.protocol, symbol, packet.flags);
        write(&mut learned.lines, side_flags, decisions, |_| {});
        let length = context::length(packet);
        write(&mut learned.lines, size, decisions, |line| exact::keep(line, length));
        if let Some(since) = packet.since {
            let logarithm = sharp::logarithm(since);
            write(&mut learned.lines, time, decisions, |line| sharp::keep(line, logarithm));
        }
        write(&mut learned.lines, entropy, decisions, |_| {});
    }
}

/// Sees that a file holds nothing but what is declared.
fn refuse_others(file: &ModelFile<'_>, declares: impl Fn(&str) -> bool) -> Result<(), FileError> {
    match file.names().find(|name| !declares(name)) {
        Some(name) => Err(FileError::Unknown { tensor: name.to_owned() }),
        None => Ok(()),
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
        self.forecast_packet(slot, packet, &mut standing);
        standing.surprise
    }

    fn prefetch(&self, slot: Slot) {
        if let Some(history) = self.histories.get(slot.index()) {
            prefetch(history);
        }
        if let Some(network) = &self.network {
            network.prefetch(slot);
        }
    }

    fn step(&mut self, slot: Slot, packet: &PacketFacts, learn: bool) {
        let now = Symbols::of(packet);
        if self.is_waited_for.get() {
            // Those of the next deadline come from memory while this packet is learned.
            let mut next = self.histories[slot.index()];
            next.push(packet, now);
            self.learned.waits.prefetch(&next.wait(next.last()));
        }
        if learn && self.learned.adapts() {
            self.learn(slot, packet, now);
        }
        self.histories[slot.index()].push(packet, now);
        let standing = self.standing.get_mut();
        let is_news = standing.is_news || standing.of != Some((slot, *packet, self.changes));
        if let Some(network) = &mut self.network
            && is_news
        {
            network.step(slot, packet);
        }
        self.changes += 1;
    }

    fn deadline(&self, slot: Slot, quantile: f32, at_least: f32) -> Option<Deadline> {
        self.is_waited_for.set(true);
        self.deadline_of(slot, quantile, at_least)
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
        if let Some(network) = &mut self.network {
            network.end(slot);
        }
        if learn && self.learned.adapts() {
            let history = self.histories[slot.index()];
            self.learn_wait(&history, None);
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

    fn keep(&self) -> Option<Vec<u8>> {
        Some(keep::keep(self))
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), KeptError> {
        keep::restore(self, kept)
    }

    fn state_len(&self) -> usize {
        History::KEPT
    }

    fn keep_state(&self, slot: Slot, to: &mut [u8]) {
        self.histories[slot.index()].keep(to);
    }

    fn restore_state(&mut self, slot: Slot, from: &[u8], turned: bool, silence: Span) -> bool {
        let begun = self.histories[slot.index()];
        let Some(restored) = begun.restored(from, turned, silence.micros()) else { return false };
        self.histories[slot.index()] = restored;
        self.changes += 1;
        true
    }
}

#[cfg(test)]
mod tests;
