//! Everything that connections share and that is learned on line: the lines and the mixer.

use super::arithmetic::squash;
use super::context::CONTEXTS;
use super::decisions::{Decisions, FIRST, ROOM};
use super::flags::Flags;
use super::line::{ABSENT, Line, Lines};
use super::mixer::Mixer;
use super::sharp::Shares;
use super::tree::{DEEPEST, Head, Path};
use super::weights::Weights;

/// Of all lines, one in this many is for when the next packet is due.
const WAITING: usize = 4;

/// The way to a symbol: where it was looked for and where its decisions stand.
#[derive(Clone)]
pub(super) struct Walk {
    pub(super) head: Head,
    contexts: [u64; CONTEXTS],
    /// Where their lines are.
    found: [u32; CONTEXTS],
    /// How many of them there are.
    used: usize,
    path: &'static Path,
    first: usize,
}

impl Walk {
    /// A way of no step.
    pub(super) fn none(head: Head) -> Self {
        Self {
            head,
            contexts: [0; CONTEXTS],
            found: [ABSENT; CONTEXTS],
            used: 0,
            path: &Path::NONE,
            first: 0,
        }
    }

    /// Takes the way to a symbol, given the contexts' lines, and adds its decisions.
    #[inline(always)]
    pub(super) fn go<const N: usize>(
        &mut self,
        (contexts, found): &([u64; N], [u32; N]),
        lines: &[&Line; CONTEXTS],
        symbol: u8,
        prior: &[f32; Line::SLOTS],
        decisions: &mut Decisions,
    ) {
        self.contexts[..N].copy_from_slice(contexts);
        self.found[..N].copy_from_slice(found);
        self.used = N;
        self.path = Path::to(self.head, symbol);
        self.first = decisions.add(self.head, self.path, prior, lines);
    }

    /// Takes no way.
    pub(super) fn stay(&mut self) {
        self.used = 0;
        self.path = &Path::NONE;
    }

    /// The bits that going it costs; none for no way.
    #[inline(always)]
    pub(super) fn cost(&self, decisions: &Decisions) -> f32 {
        decisions.cost(self.first, self.first + self.path.steps().len())
    }
}

/// What was learned; or nothing ever, where the network stands alone.
#[derive(Clone)]
pub(super) struct Learned {
    pub(super) lines: Lines,
    /// Lines of the wait, which only somebody who asks for deadlines makes: kept apart, so that scores
    /// are the same whether anybody does.
    pub(super) waits: Lines,
    pub(super) mixer: Mixer,
    pub(super) flags: Flags,
    /// How sharp times are within their octave, once side, flags and size are known.
    pub(super) sharpness: Box<Shares>,
    adapts: bool,
    /// Whether the mixer is being trained, as nothing on line ever does.
    trains: bool,
}

impl Learned {
    /// Nothing was learned yet; lines take at most `bytes`.
    pub(super) fn new(bytes: usize, mixer: Mixer) -> Self {
        let waiting = bytes / WAITING;
        Self {
            lines: Lines::with_bytes(bytes - waiting),
            waits: Lines::with_bytes(waiting),
            sharpness: Box::new(mixer.weights().bumps),
            flags: Flags::new(),
            mixer,
            adapts: true,
            trains: false,
        }
    }

    /// As [`Self::new`], with a mixer that is yet to be trained.
    pub(super) fn untrained(bytes: usize) -> Self {
        Self { trains: true, ..Self::new(bytes, Mixer::new(Weights::untrained())) }
    }

    /// Forgets everything but what the mixer learned.
    pub(super) fn forget_lines(&mut self) {
        self.lines.clear();
        self.waits.clear();
        self.flags = Flags::new();
    }

    /// Nothing ever will be: a decision is what the prior says.
    pub(super) fn nothing() -> Self {
        Self { adapts: false, ..Self::new(0, Mixer::new(Weights::untrained())) }
    }

    /// Whether anything is learned and mixed at all.
    #[inline]
    pub(super) const fn adapts(&self) -> bool {
        self.adapts
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.lines.memory() + self.waits.memory() + self.mixer.memory() + self.flags.memory()
    }

    pub(super) const fn weights(&self) -> &Weights {
        self.mixer.weights()
    }

    /// Contexts and where their lines are.
    #[inline(always)]
    pub(super) fn find<const N: usize>(&self, contexts: [u64; N]) -> ([u64; N], [u32; N]) {
        let found = if self.adapts { self.lines.find_all(&contexts) } else { [ABSENT; N] };
        (contexts, found)
    }

    /// The lines of a head's contexts.
    #[cfg(test)]
    pub(super) fn find_all(&self, contexts: &[u64; CONTEXTS]) -> [&Line; CONTEXTS] {
        self.lines.at_all(&self.find(*contexts).1)
    }

    /// The lines of the wait's contexts.
    #[inline]
    pub(super) fn find_waits(&self, contexts: &[u64; CONTEXTS]) -> [&Line; CONTEXTS] {
        // Nobody makes any where nothing adapts.
        self.waits.at_all(&self.waits.find_all(contexts))
    }

    /// The probability of one decision's one.
    pub(super) fn one(
        &self,
        head: Head,
        node: usize,
        prior: f32,
        lines: &[&Line; CONTEXTS],
    ) -> f32 {
        if self.adapts { self.mixer.one(head, node, prior, lines) } else { squash(prior) }
    }

    /// Forecasts decisions.
    #[inline]
    pub(super) fn forecast(&self, decisions: &mut Decisions) {
        if self.adapts {
            self.mixer.forecast(decisions);
            return;
        }
        for (one, prior) in decisions.ones.iter_mut().zip(decisions.priors) {
            *one = squash(prior);
        }
    }

    /// Learns which way decisions went, and what their slots are to be.
    #[inline]
    pub(super) fn learn(&mut self, decisions: &mut Decisions) {
        if self.trains {
            self.mixer.train(decisions);
        }
        self.mixer.learn(decisions);
    }
}

/// Writes the slots of a walk, once its decisions learned, into its lines; `keep` sees every line of it
/// as well.
#[inline(always)]
pub(super) fn write(
    lines: &mut Lines,
    walk: &Walk,
    decisions: &Decisions,
    mut keep: impl FnMut(&mut Line),
) {
    let steps = walk.path.steps();
    let first = walk.first.min(ROOM - DEEPEST);
    let slots = &decisions.slots[first..first + DEEPEST];
    for number in 0..walk.used.min(CONTEXTS) {
        let line = lines.claim_at(walk.found[number], walk.contexts[number]);
        for (&(node, _), slots) in steps.iter().zip(slots) {
            line.slots[usize::from(node).min(Line::SLOTS - 1)] = slots[FIRST + number];
        }
        keep(line);
    }
}
