//! A stage as a member of a federation: what it gives out, and what it hears back.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::bloom::key::Element;
use crate::bloom::reach::Sketch;
use crate::bloom::{Flagged, Name, Stage, Target};
use crate::time::Timestamp;

use super::contribution::{Contribution, ROUNDS, Reached};
use super::refusal::{Refusal, Refused};
use super::terms::Terms;
use super::view::{NetworkTarget, View};

/// What a stage keeps to be a member.
#[derive(Clone)]
pub(in crate::bloom) struct Member {
    sensor: Name,
    terms: Terms,
    /// The activity of the last rounds, the newest last.
    rounds: VecDeque<(u64, Vec<u64>)>,
    /// Whether a round ended since the last contribution.
    is_due: bool,
    view: Option<View>,
    /// Network targets that were told of, with the round their episode began in.
    told: BTreeMap<Element, u64>,
    refused: Refused,
}

impl Member {
    pub(in crate::bloom) fn new(sensor: Name, terms: Terms) -> Self {
        let (rounds, told) = (VecDeque::new(), BTreeMap::new());
        let refused = Refused::NONE;
        Self { sensor, terms, rounds, is_due: false, view: None, told, refused }
    }

    /// An interval ended at `time`.
    pub(in crate::bloom) fn note(&mut self, time: Timestamp, activity: &[u64]) {
        let last = Timestamp::from_nanos(time.nanos().saturating_sub(1));
        let round = self.terms.round(last);
        self.is_due = true;
        match self.rounds.back_mut() {
            Some((of, known)) if *of == round => {
                known.iter_mut().zip(activity).for_each(|(known, new)| *known += new);
                return;
            }
            // The clock was set back: what was before is of another time.
            Some((of, _)) if *of > round => self.rounds.clear(),
            _ => {}
        }
        self.rounds.push_back((round, activity.to_vec()));
        let oldest = round.saturating_sub(ROUNDS as u64 - 1);
        self.rounds.retain(|(of, _)| *of >= oldest);
    }
}

impl Stage {
    /// What the members of its federation agree on; `None` where it is in none.
    #[must_use]
    pub fn terms(&self) -> Option<&Terms> {
        self.member.as_ref().map(|member| &member.terms)
    }

    /// The state of its windows; `None` while no round ended since the last time, or in no federation.
    pub fn contribute(&mut self) -> Option<Contribution> {
        let member = self.member.as_mut().filter(|member| member.is_due)?;
        member.is_due = false;
        let (round, _) = *member.rounds.back()?;
        let (sensor, rounds) = (member.sensor, member.rounds.iter().cloned().collect());
        let most = member.terms.caps.targets;
        let counters = || (0_u8..).zip(&self.counters);
        Some(Contribution {
            sensor,
            round,
            epoch: self.epoch,
            is_warm: self.is_warm(),
            rounds,
            weights: (0..self.counters.len()).map(|number| self.weights.share(number)).collect(),
            counters: counters().map(|(number, counter)| (number, counter.clone())).collect(),
            targets: self.reached(most),
        })
    }

    /// The last round that ended here.
    #[must_use]
    pub fn last_round(&self) -> Option<u64> {
        self.member.as_ref()?.rounds.back().map(|(round, _)| *round)
    }

    /// The same as sealed blobs, none where there is nothing to say.
    pub fn export(&mut self) -> Vec<Vec<u8>> {
        let contribution = self.contribute();
        let blobs = contribution.zip(self.terms()).map(|(it, terms)| it.encode(terms));
        blobs.unwrap_or_default()
    }

    /// Hears the network's view; each of its targets that was met here is said once an episode.
    /// Answers whether it is newer than the one before.
    ///
    /// # Errors
    ///
    /// Why the blob is refused.
    pub fn import(&mut self, blob: &[u8], now: Timestamp) -> Result<bool, Refusal> {
        let Some(member) = &mut self.member else { return Ok(false) };
        let view = View::decode(blob, &member.terms)
            .inspect_err(|refusal| member.refused.count(*refusal))?;
        if member.view.as_ref().is_some_and(|known| known.round >= view.round) {
            return Ok(false);
        }
        let goes_on = |id: &Element| view.targets.iter().any(|target| target.id == *id);
        member.told.retain(|id, _| goes_on(id));
        member.view = Some(view);
        self.tell_of_network(now);
        Ok(true)
    }

    /// Says every target of the network that was met here by now and was not said in its episode.
    pub(in crate::bloom) fn tell_of_network(&mut self, now: Timestamp) {
        let Some(mut member) = self.member.take() else { return };
        if let Some(view) = &member.view {
            for target in &view.targets {
                if member.told.get(&target.id) != Some(&target.since)
                    && self.tell(target, view, now)
                {
                    member.told.insert(target.id, target.since);
                }
            }
        }
        self.member = Some(member);
    }

    /// The network as it was last heard of.
    #[must_use]
    pub fn network(&self) -> Option<&View> {
        self.member.as_ref()?.view.as_ref()
    }

    /// Views that were refused, by name.
    #[must_use]
    pub fn refused(&self) -> Refused {
        self.member.as_ref().map_or(Refused::NONE, |member| member.refused)
    }

    /// Answers whether its address is known here.
    fn tell(&mut self, target: &NetworkTarget, view: &View, now: Timestamp) -> bool {
        let NetworkTarget { id, score, categories, sensors, since: _ } = *target;
        let met = self.targets.met(id);
        // Who is not known here was not met here, or long ago.
        let address = met.map(|met| met.0).or_else(|| self.reach.address(id));
        let Some(address) = address else { return false };
        let (first, last) = met.map_or((now, now), |(_, first, last)| (first, last));
        let target = Target { address, score, categories, first, last };
        let weight = |number: usize| view.categories.get(number).map_or(0.0, |it| it.weight);
        let flagged = Flagged {
            time: now,
            target,
            threshold: self.settings.limits.threshold,
            heaviest: self.heaviest(categories, weight),
            sensors,
        };
        self.say(flagged);
        true
    }

    /// The targets that are nearest to appearing in most categories.
    fn reached(&self, most: usize) -> Vec<Reached> {
        let mut all: HashMap<Element, (f64, Reached)> = HashMap::new();
        let none = |id| (0.0, Reached { id, masks: [0; 2], sketches: Vec::new() });
        for (id, masks) in self.targets.appearances() {
            let (rank, known) = all.entry(id).or_insert_with(|| none(id));
            known.masks = masks;
            *rank += f64::from((masks[0] | masks[1]).count_ones());
        }
        for (id, number, both) in self.reach.iter() {
            let Some(category) = self.settings.categories.get(usize::from(number)) else {
                continue;
            };
            let (rank, known) = all.entry(id).or_insert_with(|| none(id));
            known.sketches.push((number, both));
            if (known.masks[0] | known.masks[1]) & (1 << number) == 0 {
                let union = Sketch::union(&both).distinct();
                *rank += f64::from(union) / f64::from(category.at_least.max(1));
            }
        }
        let mut ranked: Vec<(f64, Reached)> = all.into_values().collect();
        ranked.sort_unstable_by(|(a, one), (b, other)| b.total_cmp(a).then(one.id.cmp(&other.id)));
        ranked.truncate(most);
        ranked
            .into_iter()
            .map(|(_, mut target)| {
                target.sketches.sort_unstable_by_key(|(number, _)| *number);
                target
            })
            .collect()
    }
}
