//! Looking ahead: when the next packet is due, and what a reader may expect of it.

use super::super::discretise::{self, SIDE_FLAGS, SIZES};
use super::super::{Deadline, Expectation, SizeRange, TimeRange};
use super::context::{CONTEXTS, History, Last};
use super::exact::Inside;
use super::line::Line;
use super::prior::Prior;
use super::tree::{self, Head, NOTHING_SLOT};
use super::{Adaptive, sharp};
use crate::flow::Slot;
use crate::time::Span;

/// A deadline needs this many packets of the connection itself after one like its last.
const MIN_EVIDENCE: u16 = 4;
/// The wait's context that is about exactly that.
const EVIDENCE: usize = 1;

/// The standing forecast of a connection.
pub(super) struct Look<'a> {
    model: &'a Adaptive,
    history: &'a History,
    last: Last,
    wait: [&'a Line; CONTEXTS],
}

impl Adaptive {
    /// Looks ahead from a history.
    pub(super) fn look<'a>(&'a self, history: &'a History) -> Look<'a> {
        let last = history.last();
        let wait = self.learned.lines.find_all(&history.wait(last));
        Look { model: self, history, last, wait }
    }

    /// Probabilities that the next packet on `slot` comes within each of some spans, given that one
    /// comes.
    #[must_use]
    pub fn within<const N: usize>(&self, slot: Slot, spans: [Span; N]) -> [f32; N] {
        let look = self.look(&self.histories[slot.index()]);
        let times = Times::new(&look);
        spans.map(|span| times.within(span))
    }
}

impl Look<'_> {
    /// When the next packet is due, if enough is known of the connection.
    pub(super) fn deadline(&self, quantile: f32) -> Option<Deadline> {
        if self.wait[EVIDENCE].count(0) < MIN_EVIDENCE {
            return None;
        }
        let times = Times::new(self);
        Some(Deadline { after: times.quantile(quantile), confidence: times.confidence() })
    }

    /// The whole expectation.
    pub(super) fn expect(&self, quantile: f32) -> Expectation {
        let times = Times::new(self);
        let nothing_more = self.nothing_more();
        let lines = self.model.learned.lines.find_all(&self.history.side_flags(self.last));
        let all: [f32; SIDE_FLAGS] =
            tree::spread(Head::SideFlags, |node| self.one(Head::SideFlags, node, &lines));
        let side_flags = likeliest(&all);
        let (side, class) = discretise::side_flags_of(side_flags);
        Expectation {
            side,
            flags: class.typical(),
            side_flags_probability: all[usize::from(side_flags)] * (1.0 - nothing_more),
            size: self.size(side_flags),
            time: TimeRange {
                low: times.quantile(0.05),
                median: times.quantile(0.5),
                high: times.quantile(0.95),
            },
            deadline: times.quantile(quantile),
            nothing_more,
            confidence: times.confidence(),
        }
    }

    /// The payload size of a packet with `side_flags`.
    fn size(&self, side_flags: u8) -> SizeRange {
        let lines = self.model.learned.lines.find_all(&self.history.size(self.last, side_flags));
        let bins: [f32; SIZES] =
            tree::spread(Head::Size, |node| self.one(Head::Size, node, &lines));
        let weights = self.model.learned.mixer.weights();
        let inside = |bin| Inside::new(weights, &lines, bin);
        let quantile = |quantile| {
            let (bin, share) =
                tree::quantile(Head::Size, quantile, |node| self.one(Head::Size, node, &lines));
            inside(bin).quantile(share)
        };
        let mode = inside(likeliest(&bins)).mode().0;
        SizeRange { low: quantile(0.05).min(mode), mode, high: quantile(0.95).max(mode) }
    }

    fn nothing_more(&self) -> f32 {
        self.one(Head::Nothing, NOTHING_SLOT, &self.wait)
    }

    fn one(&self, head: Head, node: usize, lines: &[&Line; CONTEXTS]) -> f32 {
        let prior = self.model.prior.odds(head)[node];
        self.model.learned.mixer.decide(head, node, prior, lines).one
    }
}

/// The distribution of the time to the next packet, worked out as far as it is asked for.
struct Times<'a> {
    look: &'a Look<'a>,
    /// By node; NaN where not asked for yet.
    ones: [std::cell::Cell<f32>; Line::SLOTS],
}

impl<'a> Times<'a> {
    fn new(look: &'a Look<'a>) -> Self {
        Self { look, ones: [const { std::cell::Cell::new(f32::NAN) }; Line::SLOTS] }
    }

    fn one(&self, node: usize) -> f32 {
        let known = &self.ones[node];
        if known.get().is_nan() {
            known.set(self.look.one(Head::Wait, node, &self.look.wait));
        }
        known.get()
    }

    fn quantile(&self, quantile: f32) -> Span {
        let (bin, share) = tree::quantile(Head::Wait, quantile, |node| self.one(node));
        let weights = self.look.model.learned.mixer.weights();
        discretise::time_within(bin, sharp::place(weights, &self.look.wait, bin, share))
    }

    /// Probability that the packet comes within `span`, given that one comes.
    fn within(&self, span: Span) -> f32 {
        let bin = discretise::time(span);
        let (below, here) = tree::below(Head::Wait, bin, |node| self.one(node));
        let weights = self.look.model.learned.mixer.weights();
        let share = discretise::time_share(bin, span);
        below + here * sharp::below(weights, &self.look.wait, bin, share)
    }

    /// How far a reader may trust the deadline: the probability that a packet comes at all, times
    /// the share of times in the median's octave and its neighbours.
    fn confidence(&self) -> f32 {
        let (median, _) = tree::quantile(Head::Wait, 0.5, |node| self.one(node));
        let last = discretise::TIMES as u8 - 1;
        let near = median.saturating_sub(1)..=(median + 1).min(last);
        let share: f32 =
            near.map(|bin| tree::below(Head::Wait, bin, |node| self.one(node)).1).sum();
        (1.0 - self.look.nothing_more()) * share
    }
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
