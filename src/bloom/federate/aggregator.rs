//! Rounds of many sensors, merged: weights and targets of the whole network.

use std::collections::{BTreeMap, BTreeSet};

use crate::bloom::counter::Window;
use crate::bloom::key::Element;
use crate::bloom::targets::score;
use crate::bloom::{Mask, Name, Weights};
use crate::time::Timestamp;

use super::contribution::Contribution;
use super::ledger::{Ledger, Says, Seen};
use super::refusal::{Refusal, Refused};
use super::terms::{Agreed, Terms};
use super::view::{Merged, NetworkTarget, View};

/// What an aggregator has done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Blobs taken.
    pub taken: u64,
    /// Blobs refused, by name.
    pub refused: Refused,
    /// Rounds closed.
    pub rounds: u64,
    /// Times a sensor's windows were left out of a round, because it alone overfilled a counter.
    pub left_out: u64,
    /// Targets raised.
    pub targets: u64,
}

/// Takes the sensors' blobs and gives the network's view, round by round.
///
/// A round is closed when the clock it is told has left it behind by [`Caps::grace`](super::Caps)
/// rounds. Between two closings the order of blobs, and how often each comes, makes no difference. A blob
/// that comes after its round was closed still brings its counters and targets, as long as their windows
/// are not over; only the round's activity is lost then, and the next blob brings that of four.
pub struct Aggregator {
    terms: Terms,
    ledger: Ledger,
    /// `None` until the first round is closed.
    weights: Option<Weights>,
    /// The newest round closed.
    closed: Option<u64>,
    /// Targets in an episode, with the round it began in.
    flagged: BTreeMap<Element, u64>,
    view: Option<View>,
    tally: Tally,
}

impl Aggregator {
    /// One that has heard nothing.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            ledger: Ledger::default(),
            weights: None,
            closed: None,
            flagged: BTreeMap::new(),
            view: None,
            tally: Tally::default(),
        }
    }

    /// The terms it works under.
    #[must_use]
    pub const fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Takes a blob; answers who sent it and which round it is of. `sender` is who the transport
    /// says it came from, where it can say so; `now` is the time by our clock, where there is one.
    ///
    /// # Errors
    ///
    /// Why it is refused; it is counted, and nothing of it is taken.
    pub fn take(
        &mut self,
        blob: &[u8],
        sender: Option<&str>,
        now: Option<Timestamp>,
    ) -> Result<(Name, u64), Refusal> {
        let taken = self.admit(blob, sender, now).map(|contribution| {
            let of = (contribution.sensor, contribution.round);
            self.ledger.merge(contribution.into());
            of
        });
        match taken {
            Ok(_) => self.tally.taken += 1,
            Err(refusal) => self.tally.refused.count(refusal),
        }
        taken
    }

    fn admit(
        &self,
        blob: &[u8],
        sender: Option<&str>,
        now: Option<Timestamp>,
    ) -> Result<Contribution, Refusal> {
        let mut contribution = Contribution::decode(blob, &self.terms)?;
        if sender.is_some_and(|sender| sender != contribution.sensor.as_str()) {
            return Err(Refusal::Sender);
        }
        let caps = self.terms.caps;
        if now.is_some_and(|now| {
            contribution.round > self.terms.round(now).saturating_add(caps.ahead)
        }) {
            return Err(Refusal::Early);
        }
        if let Some(closed) = self.closed {
            if contribution.epoch.saturating_add(1) < self.terms.epoch(closed) {
                return Err(Refusal::Late);
            }
            contribution.rounds.retain(|(round, _)| *round > closed);
        }
        let known = self.ledger.sensors.get(&contribution.sensor);
        if known.is_none() && self.ledger.sensors.len() >= caps.sensors {
            return Err(Refusal::Sensors);
        }
        if known.is_some_and(|says| targets_with(says, &contribution) > 4 * caps.targets) {
            return Err(Refusal::Targets);
        }
        Ok(contribution)
    }

    /// The clock came to `now`: closes every round that is over long enough. Answers the network's view
    /// where one was closed.
    pub fn advance(&mut self, now: Timestamp) -> Option<&View> {
        let open = self.terms.round(now).saturating_sub(self.terms.caps.grace);
        let last = open.checked_sub(1)?;
        self.close_to(last)
    }

    /// Closes every round that was spoken of.
    pub fn finish(&mut self) -> Option<&View> {
        let last = self.newest()?;
        self.close_to(last)
    }

    /// When the newest round ended that any sensor spoke of: the clock where captures are replayed.
    #[must_use]
    pub fn newest_time(&self) -> Option<Timestamp> {
        let nanos = (self.newest()? + 1).saturating_mul(self.terms.interval.nanos());
        Some(Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)))
    }

    /// The network as it stood at the last closing.
    #[must_use]
    pub const fn view(&self) -> Option<&View> {
        self.view.as_ref()
    }

    /// What was taken and refused.
    #[must_use]
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// The sensors that are heard at present.
    pub fn sensors(&self) -> impl Iterator<Item = Name> {
        self.ledger.sensors.keys().copied()
    }

    fn newest(&self) -> Option<u64> {
        self.ledger.sensors.values().map(|says| says.newest).max()
    }

    fn close_to(&mut self, last: u64) -> Option<&View> {
        let spoken: BTreeSet<u64> =
            self.ledger.sensors.values().flat_map(|says| says.rounds.keys().copied()).collect();
        let due: Vec<u64> = spoken.into_iter().filter(|round| *round <= last).collect();
        let newest = *due.last()?;
        due.into_iter().for_each(|round| self.close(round));
        self.ledger.forget(newest, self.terms.epoch(newest).saturating_sub(1));
        self.view.as_ref()
    }

    fn close(&mut self, round: u64) {
        let epoch = self.terms.epoch(round);
        let epochs = [epoch, epoch.saturating_sub(1)];
        // No category of a sensor counts more in a round than its counter can.
        let most = self.terms.categories.iter().map(|it| u64::from(it.geometry.capacity()));
        let clipped =
            |said: &Vec<u64>| said.iter().zip(most.clone()).map(|(a, b)| b.min(*a)).collect();
        let speak: Vec<(Name, Vec<u64>)> = self
            .ledger
            .sensors
            .iter()
            .filter_map(|(name, says)| Some((*name, clipped(says.rounds.get(&round)?))))
            .collect();
        let mut merged = Vec::with_capacity(self.terms.categories.len());
        let activity = bounded(speak.iter().map(|(_, activity)| &activity[..]));
        for (number, category) in self.terms.categories.iter().enumerate() {
            let (window, apart, left_out) = self.windows(number as u8, category, epoch);
            self.tally.left_out += left_out;
            let bits = category.geometry.bits() as f64;
            let distinct = window.as_ref().map_or(0.0, |window| window.distinct(category.geometry));
            let fill = window.as_ref().map_or(0.0, |window| window.ones() as f64 / bits);
            // What several sensors saw counts once, as far as the merged counters tell.
            let once = if apart > distinct { distinct / apart } else { 1.0 };
            merged.push(Merged {
                activity: (activity.get(number).copied().unwrap_or(0.0) * once).round() as u64,
                weight: 0.0,
                distinct,
                fill,
                false_positive_rate: fill.powi(i32::from(category.geometry.hashes())),
                is_overfull: distinct > f64::from(category.geometry.capacity()) * 1.05,
            });
        }
        let weights = self.weights.get_or_insert_with(|| first(&self.terms, &self.ledger));
        weights.update(&merged.iter().map(|merged| merged.activity).collect::<Vec<_>>());
        for (number, merged) in merged.iter_mut().enumerate() {
            merged.weight = weights.weight(number);
        }
        let warm = |(name, _): &&(Name, Vec<u64>)| {
            self.ledger.sensors.get(name).is_some_and(|says| says.is_warm)
        };
        let is_warm = speak.iter().filter(warm).count() * 2 >= speak.len();
        let targets = if is_warm { self.judge(round, epochs) } else { Vec::new() };
        self.closed = Some(round);
        self.tally.rounds += 1;
        self.view = Some(View { round, sensors: speak.len() as u32, categories: merged, targets });
    }

    /// A category's windows of one epoch, merged; the sum of what each sensor's says alone; and how many
    /// were left out. A sensor whose own window is beyond its capacity would fill everybody's.
    fn windows(&self, number: u8, category: &Agreed, epoch: u64) -> (Option<Window>, f64, u64) {
        let most = f64::from(category.geometry.capacity()) * 1.05;
        let (mut merged, mut apart, mut left_out) = (None::<Window>, 0.0, 0);
        for says in self.ledger.sensors.values() {
            let window = says.epochs.get(&epoch).and_then(|windows| windows.counters.get(&number));
            let Some(window) = window else { continue };
            let distinct = window.distinct(category.geometry);
            if distinct > most {
                left_out += 1;
                continue;
            }
            apart += distinct;
            match &mut merged {
                Some(merged) => merged.merge(window),
                None => merged = Some(window.clone()),
            }
        }
        (merged, apart, left_out)
    }

    fn judge(&mut self, round: u64, epochs: [u64; 2]) -> Vec<NetworkTarget> {
        let Some(weights) = &self.weights else { return Vec::new() };
        let limits = self.terms.limits;
        let mut targets = Vec::new();
        for (id, (seen, sensors)) in self.ledger.targets(epochs) {
            let categories = appears(&seen, &self.terms.categories);
            let score = score(categories, weights);
            let known = self.flagged.get(&id).copied();
            let needed = if known.is_some() { limits.release } else { limits.threshold };
            if score >= needed && sensors >= self.terms.caps.quorum {
                let (since, sensors) = (known.unwrap_or(round), sensors as u32);
                targets.push(NetworkTarget { id, score, categories, sensors, since });
            }
        }
        targets.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
        targets.truncate(self.terms.caps.targets);
        self.tally.targets += targets.iter().filter(|target| target.since == round).count() as u64;
        self.flagged = targets.iter().map(|target| (target.id, target.since)).collect();
        targets
    }
}

/// How many targets a sensor would have in its fullest epoch with those of a contribution.
fn targets_with(says: &Says, contribution: &Contribution) -> usize {
    let new = |windows: &super::ledger::Windows| {
        let is_new = |id: &Element| !windows.targets.contains_key(id);
        windows.targets.len()
            + contribution.targets.iter().filter(|target| is_new(&target.id)).count()
    };
    says.epochs.values().map(new).max().unwrap_or(contribution.targets.len())
}

/// The activity of all sensors together, where none counts more than all others.
fn bounded<'a>(sensors: impl Iterator<Item = &'a [u64]> + Clone) -> Vec<f64> {
    let total = |activity: &[u64]| activity.iter().map(|new| *new as f64).sum::<f64>();
    let all: f64 = sensors.clone().map(total).sum();
    let mut sums: Vec<f64> = Vec::new();
    for activity in sensors {
        let own = total(activity);
        let others = all - own;
        // One that is alone in being active speaks for the network.
        let part = if others > 0.0 && own > others { others / own } else { 1.0 };
        sums.resize(sums.len().max(activity.len()), 0.0);
        for (sum, new) in sums.iter_mut().zip(activity) {
            *sum += *new as f64 * part;
        }
    }
    sums
}

/// The weights to begin with: what the sensors have come to, so that an aggregator that was started anew
/// goes on.
fn first(terms: &Terms, ledger: &Ledger) -> Weights {
    let said: Vec<&Vec<f64>> = ledger.sensors.values().map(|says| &says.weights).collect();
    let shares = terms.categories.iter().enumerate().map(|(number, category)| {
        let of = said.iter().filter_map(|weights| weights.get(number)).copied();
        let (sum, count) = of.fold((0.0, 0.0), |(sum, count), weight| (sum + weight, count + 1.0));
        if count > 0.0 { sum / count } else { category.weight }
    });
    Weights::new(terms.weighting, terms.smoothing, shares.collect())
}

/// The categories that a target appears in, by what all sensors saw of it.
fn appears(seen: &Seen, categories: &[Agreed]) -> Mask {
    let reached = seen.sketches.iter().filter(|(number, sketch)| {
        let category = categories.get(usize::from(**number));
        category.is_some_and(|category| sketch.distinct() >= category.at_least)
    });
    reached.fold(seen.mask, |mask, (number, _)| mask | 1 << number)
}
