//! Everything that connections share and that is learned on line: the lines and the mixer.

use super::Walk;
use super::arithmetic::squash;
use super::context::CONTEXTS;
use super::line::{Line, Lines};
use super::mixer::{Decision, Mixer};
use super::prior::Odds;
use super::tree::{DEEPEST, Head};
use super::weights::Weights;

/// What was learned; or nothing ever, where the network stands alone.
#[derive(Clone)]
pub(super) struct Learned {
    pub(super) lines: Lines,
    pub(super) mixer: Mixer,
    adapts: bool,
    /// Whether the mixer is being trained, as nothing on line ever does.
    trains: bool,
}

impl Learned {
    /// Nothing was learned yet; lines take at most `bytes`.
    pub(super) fn new(bytes: usize, mixer: Mixer) -> Self {
        Self { lines: Lines::with_bytes(bytes), mixer, adapts: true, trains: false }
    }

    /// As [`Self::new`], with a mixer that is yet to be trained.
    pub(super) fn untrained(bytes: usize) -> Self {
        Self { trains: true, ..Self::new(bytes, Mixer::new(Weights::untrained())) }
    }

    /// Forgets everything but what the mixer learned.
    pub(super) fn forget_lines(&mut self) {
        self.lines.clear();
    }

    /// Nothing ever will be: a decision is what the prior says.
    pub(super) fn nothing() -> Self {
        let (lines, mixer) = (Lines::with_bytes(0), Mixer::new(Weights::untrained()));
        Self { lines, mixer, adapts: false, trains: false }
    }

    /// Whether anything is learned and mixed at all.
    #[inline]
    pub(super) const fn adapts(&self) -> bool {
        self.adapts
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.lines.memory() + self.mixer.memory()
    }

    pub(super) const fn weights(&self) -> &Weights {
        self.mixer.weights()
    }

    /// The lines of a head's contexts.
    #[inline]
    pub(super) fn find_all(&self, contexts: &[u64; CONTEXTS]) -> [&Line; CONTEXTS] {
        if self.adapts { self.lines.find_all(contexts) } else { [&Line::FRESH; CONTEXTS] }
    }

    /// The probability of one decision's one.
    pub(super) fn one(
        &self,
        head: Head,
        node: usize,
        prior: f32,
        lines: &[&Line; CONTEXTS],
    ) -> f32 {
        if self.adapts { self.mixer.decide(head, node, prior, lines).one } else { squash(prior) }
    }

    /// Forecasts the decisions of a path.
    #[inline]
    pub(super) fn decide_all(
        &self,
        head: Head,
        steps: &[(u8, bool)],
        prior: &[f32; Line::SLOTS],
        lines: &[&Line; CONTEXTS],
        decisions: &mut [Decision; DEEPEST],
    ) {
        if self.adapts {
            self.mixer.decide_all(head, steps, prior, lines, decisions);
            return;
        }
        for (&(node, _), decision) in steps.iter().zip(decisions) {
            decision.one = squash(prior[usize::from(node)]);
        }
    }

    /// Learns that a walk was gone that `odds` were given for; `keep` sees every line of it as well.
    #[inline]
    pub(super) fn learn(&mut self, walk: &Walk, odds: &Odds, mut keep: impl FnMut(&mut Line)) {
        if self.trains {
            let lines = self.lines.find_all(&walk.contexts);
            for (&(node, bit), decision) in walk.path.steps().iter().zip(&walk.decisions) {
                let node = usize::from(node);
                let prior = odds.of(walk.head)[node];
                self.mixer.train(walk.head, node, prior, &lines, decision, bit);
            }
        }
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
