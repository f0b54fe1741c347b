//! The side branch of the line: packets in, category reports and flagged targets out.

use std::collections::VecDeque;

use super::category::{Category, use_of_service};
use super::counter::BloomCounter;
use super::federate::publish::Member;
use super::federate::{Caps, Terms, terms::number};
use super::geometry::Geometry;
use super::key::FederationKey;
use super::name::Name;
use super::reach::Reach;
use super::rule::{Could, Facts};
use super::targets::{Limits, Mask, Target, Targets};
use super::weights::{Smoothing, Weighting, Weights};
use crate::flow::Slot;
use crate::time::{Span, Timestamp};

/// Everything a [`Stage`] is made from.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The categories, at most [`Stage::MOST`].
    pub categories: Vec<Category>,
    /// The federation's key.
    pub key: FederationKey,
    /// How often weights are made anew and reported.
    pub interval: Span,
    /// How long a window of the counters stands open; what falls silent is forgotten after two.
    pub window: Span,
    /// How weights are made.
    pub weighting: Weighting,
    /// Their constants.
    pub smoothing: Smoothing,
    /// When a target is spoken of.
    pub limits: Limits,
    /// Intervals before any is: the weights must have become those of the site.
    pub warm_up: u32,
    /// Targets remembered at once.
    pub max_targets: usize,
    /// The endpoints' uses of services that are remembered.
    pub uses: Geometry,
    /// How long a window of that memory stands open.
    pub uses_window: Span,
    /// Under what name, and within what bounds, it is a member of a federation, if it is.
    pub member: Option<(Name, Caps)>,
}

/// What a category did in an interval.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Report {
    /// When the interval ended.
    pub time: Timestamp,
    /// Which category.
    pub name: Name,
    /// How long the interval was.
    pub interval: Span,
    /// Elements newly counted in the interval.
    pub activity: u64,
    /// Its weight from now on.
    pub weight: f64,
    /// The share of its counter's bits that are set.
    pub fill: f64,
    /// About how many distinct elements the open window saw.
    pub distinct: f64,
    /// How likely the counter takes a new element for a known one.
    pub false_positive_rate: f64,
    /// Whether the counter holds more than it was made for.
    pub is_overfull: bool,
}

/// A target whose score came over the threshold.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Flagged {
    /// When.
    pub time: Timestamp,
    /// The target.
    pub target: Target,
    /// The threshold.
    pub threshold: f64,
    /// Its categories by name, those that weigh most first, as many as have a place here.
    pub heaviest: [Option<Name>; Self::NAMED],
    /// How many sensors saw it, where the whole network's score came over the threshold; 1 where this
    /// sensor's own did.
    pub sensors: u32,
}

impl Flagged {
    /// How many categories are named.
    pub const NAMED: usize = 6;
}

/// What the stage has to say.
#[derive(Clone, Copy, PartialEq, Debug)]
#[allow(clippy::large_enum_variant, reason = "few wait at a time, and a box would allocate")]
pub enum Heard {
    /// An interval ended for a category.
    Category(Report),
    /// A target's score came over the threshold.
    Target(Flagged),
}

/// What is kept of a connection.
#[derive(Clone, Copy, Default)]
struct Watch {
    /// Categories that its packets could still belong to.
    open: Mask,
    /// The same at its beginning: what is open again in the next window.
    possible: Mask,
    /// The window that `open` is for.
    window: u32,
    is_first_use: bool,
}

/// Something that comes round.
#[derive(Clone, Copy)]
struct Turn {
    every: Span,
    /// `None` before the first packet.
    next: Option<Timestamp>,
}

impl Turn {
    const fn every(every: Span) -> Self {
        Self { every, next: None }
    }

    /// When the turn last came that was due by `now`, and how many times it did; `None` if not once.
    #[inline]
    fn pass(&mut self, now: Timestamp) -> Option<(Timestamp, u64)> {
        // At even times of the clock, so that the sensors of a federation agree on them.
        let due = *self.next.get_or_insert_with(|| next(now, self.every));
        (now >= due).then(|| {
            let late = now.since(due).nanos() / self.every.nanos().max(1);
            let last = due.after(Span::from_nanos(late.saturating_mul(self.every.nanos())));
            self.next = Some(last.after(self.every));
            (last, late + 1)
        })
    }
}

/// The first even multiple of `every` after `now`.
fn next(now: Timestamp, every: Span) -> Timestamp {
    let every = i64::try_from(every.nanos().max(1)).unwrap_or(i64::MAX);
    Timestamp::from_nanos(now.nanos().div_euclid(every).saturating_add(1).saturating_mul(every))
}

/// The categories at work.
///
/// A connection is counted once in a category and window: a packet of one that is counted everywhere
/// costs a comparison. What a rule can't be for a connection is known from its first packet.
#[derive(Clone)]
pub struct Stage {
    pub(super) settings: Settings,
    pub(super) counters: Vec<BloomCounter>,
    activity: Vec<u64>,
    pub(super) weights: Weights,
    pub(super) targets: Targets,
    pub(super) reach: Reach,
    uses: BloomCounter,
    watches: Vec<Watch>,
    /// Categories whose rules never hold for what did not fail, and for packets of the responder.
    needs_failed: Mask,
    needs_outgoing: Mask,
    window: u32,
    /// The number of the window that stands open, counted from 1970.
    pub(super) epoch: u64,
    intervals: u32,
    interval_turn: Turn,
    window_turn: Turn,
    uses_turn: Turn,
    heard: VecDeque<Heard>,
    pub(super) member: Option<Box<Member>>,
}

impl Stage {
    /// The most categories there can be.
    pub const MOST: usize = Mask::BITS as usize;

    /// A stage that has seen nothing. Categories beyond [`MOST`](Self::MOST) are left out.
    #[must_use]
    pub fn new(mut settings: Settings) -> Self {
        settings.categories.truncate(Self::MOST);
        let Settings { categories, key, weighting, smoothing, limits, max_targets, uses, .. } =
            &settings;
        let member = settings
            .member
            .map(|(sensor, caps)| Box::new(Member::new(sensor, Terms::new(&settings, caps))));
        let mask = |needs: fn(&Category) -> bool| {
            let numbers = (0_u32..).zip(categories).filter(|(_, category)| needs(category));
            numbers.fold(0, |mask: Mask, (number, _)| mask | 1 << number)
        };
        let needs_failed = mask(|category| category.rule.needs_failed());
        let needs_outgoing = mask(|category| category.rule.needs_outgoing());
        let initial = categories.iter().map(|category| category.weight).collect();
        Self {
            counters: categories.iter().map(|it| BloomCounter::new(it.geometry, key)).collect(),
            activity: vec![0; categories.len()],
            weights: Weights::new(*weighting, *smoothing, initial),
            targets: Targets::new(*max_targets, *limits),
            reach: Reach::new(*max_targets),
            uses: BloomCounter::new(*uses, key),
            watches: Vec::new(),
            needs_failed,
            needs_outgoing,
            window: 0,
            epoch: 0,
            intervals: 0,
            interval_turn: Turn::every(settings.interval),
            window_turn: Turn::every(settings.window),
            uses_turn: Turn::every(settings.uses_window),
            heard: VecDeque::new(),
            member,
            settings,
        }
    }

    /// The categories, in the order of their numbers.
    #[must_use]
    pub fn categories(&self) -> &[Category] {
        &self.settings.categories
    }

    /// A category's counter.
    #[must_use]
    pub fn counter(&self, category: usize) -> Option<&BloomCounter> {
        self.counters.get(category)
    }

    /// A connection begins in `slot`; `facts` are those of its first packet.
    pub fn begin(&mut self, slot: Slot, facts: &Facts<'_>) {
        let is_new = self.uses.insert(use_of_service(facts, &self.settings.key));
        // While the stage is new itself, everybody uses everything for the first time.
        let is_first_use = is_new && self.is_warm();
        let mut possible = 0;
        for (number, category) in self.settings.categories.iter().enumerate() {
            possible |= Mask::from(category.rule.could(facts) != Could::Never) << number;
        }
        if slot.index() >= self.watches.len() {
            self.watches.resize(slot.index() + 1, Watch::default());
        }
        self.watches[slot.index()] =
            Watch { open: possible, possible, window: self.window, is_first_use };
    }

    /// Whether a packet of this connection could still be counted anywhere, by who sent it and whether
    /// it was refused.
    #[inline]
    #[must_use]
    pub fn is_watching(&self, slot: Slot, is_outgoing: bool, has_failed: bool) -> bool {
        self.watches.get(slot.index()).is_some_and(|watch| {
            let open = if watch.window == self.window { watch.open } else { watch.possible };
            open & self.askable(is_outgoing, has_failed) != 0
        })
    }

    /// The categories whose rules are worth asking.
    #[inline]
    const fn askable(&self, is_outgoing: bool, has_failed: bool) -> Mask {
        let without_failed = if has_failed { 0 } else { self.needs_failed };
        let without_outgoing = if is_outgoing { 0 } else { self.needs_outgoing };
        !(without_failed | without_outgoing)
    }

    /// The categories in which this connection has been counted in the window that stands open.
    #[must_use]
    pub fn counted(&self, slot: Slot) -> Mask {
        let of = |watch: &Watch| {
            if watch.window == self.window { watch.possible & !watch.open } else { 0 }
        };
        self.watches.get(slot.index()).map_or(0, of)
    }

    /// A packet came, or, where `facts` say that it failed, the connection ended so.
    pub fn observe(&mut self, slot: Slot, now: Timestamp, facts: &Facts<'_>) {
        let Some(watch) = self.watches.get_mut(slot.index()) else { return };
        if watch.window != self.window {
            watch.open = watch.possible;
            watch.window = self.window;
        }
        let facts = Facts { is_first_use: watch.is_first_use, ..*facts };
        let open = watch.open;
        let mut left = open & self.askable(facts.is_outgoing, facts.has_failed);
        while left != 0 {
            let number = left.trailing_zeros();
            left &= left - 1;
            if self.settings.categories[number as usize].rule.holds(&facts) {
                self.watches[slot.index()].open &= !(1 << number);
                self.count(number as u8, now, &facts);
            }
        }
    }

    /// Packet time came to `now`: intervals and windows end.
    #[inline]
    pub fn advance(&mut self, now: Timestamp) {
        if self.window_turn.next.is_none() {
            self.go_to_window(now);
        }
        if let Some((time, _)) = self.interval_turn.pass(now) {
            // After a silence that is one interval: a thousand empty ones say nothing.
            self.end_interval(time);
        }
        if self.window_turn.pass(now).is_some() {
            self.go_to_window(now);
        }
        if let Some((_, times)) = self.uses_turn.pass(now) {
            (0..times.min(2)).for_each(|_| self.uses.rotate());
        }
    }

    /// The time that the next reports bear, if an interval has ended by `now`.
    #[inline]
    #[must_use]
    pub fn report_due(&self, now: Timestamp) -> Option<Timestamp> {
        let mut turn = self.interval_turn;
        turn.next.and_then(|_| turn.pass(now)).map(|(time, _)| time)
    }

    /// The capture ended: the interval that stands open is reported as it is.
    pub fn finish(&mut self, now: Timestamp) {
        if self.interval_turn.next.is_some() {
            self.end_interval(now);
            self.restart();
        }
    }

    /// The clock was set to another time: intervals and windows begin anew.
    pub fn restart(&mut self) {
        for turn in [&mut self.interval_turn, &mut self.window_turn, &mut self.uses_turn] {
            turn.next = None;
        }
    }

    /// The next thing the stage has to say.
    pub fn poll(&mut self) -> Option<Heard> {
        self.heard.pop_front()
    }

    /// Each remembered target's address, the highest score it had, and the categories it appears in.
    pub fn peaks(&self) -> impl Iterator<Item = (crate::wire::Address, f64, Mask)> {
        self.targets.peaks()
    }

    /// How many targets are remembered.
    #[must_use]
    pub fn targets(&self) -> usize {
        self.targets.len()
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.counters.iter().chain([&self.uses]).map(BloomCounter::memory).sum::<usize>()
            + self.targets.memory()
            + self.reach.memory()
            + self.watches.capacity() * size_of::<Watch>()
    }

    pub(super) fn is_warm(&self) -> bool {
        self.intervals >= self.settings.warm_up
    }

    #[cold]
    fn count(&mut self, number: u8, now: Timestamp, facts: &Facts<'_>) {
        let key = &self.settings.key;
        let category = &self.settings.categories[usize::from(number)];
        let element = category.element(facts, key);
        let is_new = self.counters[usize::from(number)].insert(element);
        self.activity[usize::from(number)] += u64::from(is_new);
        let address = category.target(facts);
        let id = key.element(address.bytes());
        let reached = category.at_least <= 1
            || self.reach.count(id, address, number, element) >= category.at_least;
        if reached {
            let weights = self.is_warm().then_some(&self.weights);
            let flagged = self.targets.appear(id, address, number, now, weights);
            if let Some(target) = flagged {
                self.flag(now, target);
            }
        }
    }

    #[cold]
    fn flag(&mut self, time: Timestamp, target: Target) {
        let heaviest = self.heaviest(target.categories, |number| self.weights.weight(number));
        let threshold = self.settings.limits.threshold;
        self.say(Flagged { time, target, threshold, heaviest, sensors: 1 });
    }

    pub(super) fn say(&mut self, flagged: Flagged) {
        self.heard.push_back(Heard::Target(flagged));
    }

    /// The names of those of these categories that weigh most.
    pub(super) fn heaviest(
        &self,
        categories: Mask,
        weight: impl Fn(usize) -> f64,
    ) -> [Option<Name>; Flagged::NAMED] {
        let mut numbers: Vec<usize> = (0..self.settings.categories.len())
            .filter(|number| categories & (1 << number) != 0)
            .collect();
        numbers.sort_by(|a, b| weight(*b).total_cmp(&weight(*a)));
        let mut heaviest = [None; Flagged::NAMED];
        for (place, number) in heaviest.iter_mut().zip(numbers) {
            *place = Some(self.settings.categories[number].name);
        }
        heaviest
    }

    fn end_interval(&mut self, time: Timestamp) {
        if let Some(member) = &mut self.member {
            member.note(time, &self.activity);
        }
        self.weights.update(&self.activity);
        self.intervals = self.intervals.saturating_add(1);
        let counted = self.counters.iter().zip(&mut self.activity).enumerate();
        for (number, (counter, activity)) in counted {
            self.heard.push_back(Heard::Category(Report {
                time,
                name: self.settings.categories[number].name,
                interval: self.settings.interval,
                activity: std::mem::take(activity),
                weight: self.weights.weight(number),
                fill: counter.fill(),
                distinct: counter.distinct(),
                false_positive_rate: counter.false_positive_rate(),
                is_overfull: counter.is_overfull(),
            }));
        }
        if self.is_warm() {
            let flagged: Vec<Target> = self.targets.reweigh(&self.weights).collect();
            flagged.into_iter().for_each(|target| self.flag(time, target));
        }
        self.tell_of_network(time);
    }

    /// Brings everything to the window that a time lies in; windows are the same in every sensor.
    fn go_to_window(&mut self, now: Timestamp) {
        let epoch = number(now, self.settings.window);
        if epoch == self.epoch {
            return;
        }
        // Two forget everything, and so does a clock that was set back; more change nothing.
        let times = if epoch == self.epoch.wrapping_add(1) { 1 } else { 2 };
        for _ in 0..times {
            self.targets.rotate();
            self.reach.rotate();
        }
        self.counters.iter_mut().for_each(|counter| counter.date(epoch));
        self.epoch = epoch;
        self.window = self.window.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests;
