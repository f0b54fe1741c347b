//! Looking ahead: when the next packet is due, and what a reader may expect of it.

use std::cell::Cell;

use super::super::discretise::{self, SIDE_FLAGS, SIZES};
use super::super::network::{Network, View};
use super::super::{Deadline, Expectation, SizeRange, TimeRange};
use super::context::{CONTEXTS, History, Last};
use super::decisions::Decisions;
use super::exact::Inside;
use super::line::Line;
use super::prior::{self, Odds, is_news};
use super::tree::{self, Head, NOTHING_SLOT};
use super::{Adaptive, sharp};
use crate::flow::Slot;
use crate::time::Span;

/// A deadline needs this many packets of the connection itself after one like its last.
const MIN_EVIDENCE: u16 = 4;
/// Nodes of the wait's tree from this one on decide between two symbols.
const LAST_STEPS: usize = 15;
/// The wait's context that is about exactly that.
const EVIDENCE: usize = 1;

/// The standing forecast of a connection.
pub(super) struct Look<'a> {
    pub(super) model: &'a Adaptive,
    pub(super) history: &'a History,
    pub(super) view: Option<View<'a>>,
    pub(super) last: Last,
    pub(super) wait: [&'a Line; CONTEXTS],
    /// What the network said, once it was asked; else every symbol is as likely as the others.
    pub(super) odds: Option<Odds>,
}

impl Adaptive {
    /// Looks ahead from a history, and from the network's state where there is one.
    pub(super) fn look<'a>(&'a self, history: &'a History, view: Option<View<'a>>) -> Look<'a> {
        let last = history.last();
        let wait = self.learned.find_waits(&history.wait(last));
        // A connection's first packet is not the network's to forecast.
        let view = view.filter(|view| view.recall.has_begun());
        Look { model: self, history, view, last, wait, odds: None }
    }

    /// Looks ahead on a live connection.
    fn look_at(&self, slot: Slot) -> Look<'_> {
        let view = self.network.as_ref().and_then(|network| network.view(slot));
        self.look(&self.histories[slot.index()], view)
    }

    /// When the next packet is due on a live connection.
    pub(super) fn deadline_of(&self, slot: Slot, quantile: f32, at_least: f32) -> Option<Deadline> {
        self.look_at(slot).deadline(quantile, at_least)
    }

    /// Probabilities that the next packet on `slot` comes within each of some spans, given that one
    /// comes.
    #[must_use]
    pub fn within<const N: usize>(&self, slot: Slot, spans: [Span; N]) -> [f32; N] {
        let mut look = self.look_at(slot);
        look.await_next();
        let times = Times::new(&look);
        spans.map(|span| times.within(span))
    }
}

impl<'a> Look<'a> {
    /// Lets the network write its odds of some head.
    pub(super) fn hear(&mut self, write: impl FnOnce(&Network, View<'_>, &mut Odds)) {
        if let (Some(network), Some(view)) = (&self.model.network, self.view) {
            write(network, view, self.odds.get_or_insert_with(|| self.model.uniform.clone()));
        }
    }

    /// Works out when the network expects the next packet, if it stands alone.
    pub(super) fn await_next(&mut self) {
        if !self.model.learned.adapts() {
            self.hear(prior::wait);
        }
    }

    /// The lines of side and flags, once the network was heard if it has to be.
    pub(super) fn who(&mut self) -> [&'a Line; CONTEXTS] {
        let (_, found) = self.model.learned.find(self.history.side_flags(self.last));
        if is_news(&found) {
            self.hear(prior::who);
        }
        self.model.learned.lines.at_all(&found)
    }

    /// The lines of the size, given side and flags, likewise.
    pub(super) fn how_long(&mut self, side_flags: u8) -> [&'a Line; CONTEXTS] {
        let (_, found) = self.model.learned.find(self.history.size(self.last, side_flags));
        if is_news(&found) {
            self.hear(|network, view, odds| prior::size(network, view, side_flags, odds));
        }
        self.model.learned.lines.at_all(&found)
    }

    /// The odds of a head before anything learned is mixed in.
    pub(super) fn odds_of(&self, head: Head) -> &[f32; Line::SLOTS] {
        self.odds.as_ref().unwrap_or(&self.model.uniform).of(head)
    }

    /// When the next packet is due, if enough is known of the connection and the confidence is at
    /// least so high.
    fn deadline(mut self, quantile: f32, at_least: f32) -> Option<Deadline> {
        let evidence = if self.model.learned.adapts() {
            self.wait[EVIDENCE].count(0)
        } else {
            self.history.packets().into()
        };
        if evidence < MIN_EVIDENCE {
            return None;
        }
        self.await_next();
        // Most connections have no rhythm, and many have said all; neither is worth a quantile.
        if 1.0 - self.one(Head::Nothing, NOTHING_SLOT, &self.wait) < at_least {
            return None;
        }
        let times = Times::new(&self);
        let confidence = times.confidence();
        (confidence >= at_least).then(|| Deadline { after: times.quantile(quantile), confidence })
    }

    /// The whole expectation.
    pub(super) fn expect(mut self, quantile: f32) -> Expectation {
        self.await_next();
        let lines = self.who();
        let all: [f32; SIDE_FLAGS] =
            tree::spread(Head::SideFlags, |node| self.one(Head::SideFlags, node, &lines));
        let side_flags = likeliest(&all);
        let (side, _) = discretise::side_flags_of(side_flags);
        let lines = self.how_long(side_flags);
        let times = Times::new(&self);
        let nothing_more = times.nothing_more();
        Expectation {
            side,
            flags: self.model.learned.flags.likeliest(self.history.service_hash(), side_flags),
            side_flags_probability: all[usize::from(side_flags)] * (1.0 - nothing_more),
            size: self.size(&lines),
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

    /// The payload size, given its lines.
    fn size(&self, lines: &[&Line; CONTEXTS]) -> SizeRange {
        let bins: [f32; SIZES] = tree::spread(Head::Size, |node| self.one(Head::Size, node, lines));
        let weights = self.model.learned.weights();
        let inside = |bin| Inside::new(weights, lines, bin);
        let quantile = |quantile| {
            let (bin, share) =
                tree::quantile(Head::Size, quantile, |node| self.one(Head::Size, node, lines));
            inside(bin).quantile(share)
        };
        let mode = inside(likeliest(&bins)).mode().0;
        SizeRange { low: quantile(0.05).min(mode), mode, high: quantile(0.95).max(mode) }
    }

    pub(super) fn one(&self, head: Head, node: usize, lines: &[&Line; CONTEXTS]) -> f32 {
        self.model.learned.one(head, node, self.odds_of(head)[node], lines)
    }
}

/// The distribution of the time to the next packet, worked out as far as it is asked for.
struct Times<'a> {
    look: &'a Look<'a>,
    /// By node; NaN where not asked for yet.
    ones: [Cell<f32>; Line::SLOTS],
}

impl<'a> Times<'a> {
    fn new(look: &'a Look<'a>) -> Self {
        let times = Self { look, ones: [const { Cell::new(f32::NAN) }; Line::SLOTS] };
        // All but the last step of any way are worked out together; of the last ones few are needed.
        let mut all = Decisions::NONE;
        for node in 0..LAST_STEPS {
            all.push(Head::Wait, node, false, look.odds_of(Head::Wait), &look.wait);
        }
        let nothing = look.odds_of(Head::Nothing);
        all.push(Head::Nothing, NOTHING_SLOT, false, nothing, &look.wait);
        look.model.learned.forecast(&mut all);
        for (known, one) in times.ones.iter().zip(&all.ones[..LAST_STEPS]) {
            known.set(*one);
        }
        times.ones[NOTHING_SLOT].set(all.ones[LAST_STEPS]);
        times
    }

    /// The probability that nothing more comes.
    fn nothing_more(&self) -> f32 {
        self.ones[NOTHING_SLOT].get()
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
        let weights = self.look.model.learned.weights();
        discretise::time_within(bin, sharp::place(&weights.bumps, &self.look.wait, bin, share))
    }

    /// Probability that the packet comes within `span`, given that one comes.
    fn within(&self, span: Span) -> f32 {
        let bin = discretise::time(span);
        let (below, here) = tree::below(Head::Wait, bin, |node| self.one(node));
        let weights = self.look.model.learned.weights();
        let share = discretise::time_share(bin, span);
        below + here * sharp::below(&weights.bumps, &self.look.wait, bin, share)
    }

    /// How far a reader may trust the deadline: the probability that a packet comes at all, times
    /// the share of times in the median's octave and its neighbours.
    fn confidence(&self) -> f32 {
        let (median, _) = tree::quantile(Head::Wait, 0.5, |node| self.one(node));
        let last = discretise::TIMES as u8 - 1;
        let near = median.saturating_sub(1)..=(median + 1).min(last);
        let share: f32 =
            near.map(|bin| tree::below(Head::Wait, bin, |node| self.one(node)).1).sum();
        (1.0 - self.nothing_more()) * share
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
