//! Who appears in which categories, since when, and how much that weighs.

use hashbrown::HashTable;

use super::key::Element;
use super::weights::Weights;
use crate::time::Timestamp;
use crate::wire::Address;

/// Categories as bits, the first the lowest.
pub type Mask = u32;

/// When a target is spoken of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits {
    /// The score from which it is.
    pub threshold: f64,
    /// The score below which the episode is over; a later rise is a new one.
    pub release: f64,
}

/// An address, and what it has been seen in.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Target {
    /// The address.
    pub address: Address,
    /// Sum of the weights of its categories.
    pub score: f64,
    /// The categories it appears in.
    pub categories: Mask,
    /// When it was first seen in one.
    pub first: Timestamp,
    /// When it was last counted in one.
    pub last: Timestamp,
}

#[derive(Clone)]
struct Entry {
    id: Element,
    address: Address,
    /// Appeared in, in the open window and in the one before.
    masks: [Mask; 2],
    first: Timestamp,
    last: Timestamp,
    is_flagged: bool,
    /// The highest score it had.
    peak: f64,
}

/// All targets.
#[derive(Clone)]
pub(super) struct Targets {
    limits: Limits,
    index: HashTable<u32>,
    entries: Vec<Entry>,
    capacity: usize,
    hand: usize,
}

/// Entries compared when one has to give way.
const SAMPLE: usize = 8;

impl Targets {
    pub(super) fn new(capacity: usize, limits: Limits) -> Self {
        let capacity = capacity.max(1);
        Self { limits, index: HashTable::new(), entries: Vec::new(), capacity, hand: 0 }
    }

    /// A target appears in a category. Answers it if that takes it over the threshold; without
    /// `weights`, while they mean nothing yet, none is judged.
    pub(super) fn appear(
        &mut self,
        id: Element,
        address: Address,
        category: u8,
        now: Timestamp,
        weights: Option<&Weights>,
    ) -> Option<Target> {
        let found = self.index.find(id.0 as u64, |&at| self.entries[at as usize].id == id);
        let at = match found {
            Some(&at) => at as usize,
            None => self.make(Entry {
                id,
                address,
                masks: [0; 2],
                first: now,
                last: now,
                is_flagged: false,
                peak: 0.0,
            }),
        };
        let entry = &mut self.entries[at];
        entry.last = now;
        let bit = 1 << category;
        if entry.masks[0] & bit != 0 {
            return None;
        }
        entry.masks[0] |= bit;
        entry.judge(self.limits, weights?)
    }

    /// A target's address, and when it was first and last seen.
    pub(super) fn met(&self, id: Element) -> Option<(Address, Timestamp, Timestamp)> {
        let at = *self.index.find(id.0 as u64, |&at| self.entries[at as usize].id == id)?;
        let Entry { address, first, last, .. } = self.entries[at as usize];
        Some((address, first, last))
    }

    /// The categories that each target appears in, in the open window and in the one before.
    pub(super) fn appearances(&self) -> impl Iterator<Item = (Element, [Mask; 2])> {
        self.entries.iter().map(|entry| (entry.id, entry.masks))
    }

    /// Each target's address, the highest score it had, and the categories it appears in.
    pub(super) fn peaks(&self) -> impl Iterator<Item = (Address, f64, Mask)> {
        self.entries
            .iter()
            .map(|entry| (entry.address, entry.peak, entry.masks[0] | entry.masks[1]))
    }

    /// Weights changed: answers every target that is now over the threshold and was not before.
    pub(super) fn reweigh<'a>(&'a mut self, weights: &'a Weights) -> impl Iterator<Item = Target> {
        let limits = self.limits;
        self.entries.iter_mut().filter_map(move |entry| entry.judge(limits, weights))
    }

    /// Closes the window and forgets the one before.
    pub(super) fn rotate(&mut self) {
        self.entries.retain_mut(|entry| {
            entry.masks = [0, entry.masks[0]];
            entry.masks[1] != 0
        });
        self.index.clear();
        for at in 0..self.entries.len() {
            self.file(at);
        }
        self.hand = 0;
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.index.allocation_size()
    }

    fn make(&mut self, entry: Entry) -> usize {
        if self.entries.len() < self.capacity {
            self.entries.push(entry);
            let at = self.entries.len() - 1;
            self.file(at);
            return at;
        }
        // The one in the fewest categories, of those the one longest silent, gives way.
        let sample = (0..SAMPLE).map(|step| (self.hand + step) % self.entries.len());
        let value = |&at: &usize| {
            let Entry { masks, last, is_flagged, .. } = &self.entries[at];
            (*is_flagged, (masks[0] | masks[1]).count_ones(), *last)
        };
        let victim = sample.min_by_key(value).unwrap_or(0);
        self.hand = (self.hand + SAMPLE) % self.entries.len();
        let old = self.entries[victim].id.0 as u64;
        if let Ok(slot) = self.index.find_entry(old, |&at| at as usize == victim) {
            slot.remove();
        }
        self.entries[victim] = entry;
        self.file(victim);
        victim
    }

    fn file(&mut self, at: usize) {
        let entries = &self.entries;
        let hash = |&at: &u32| entries[at as usize].id.0 as u64;
        self.index.insert_unique(hash(&(at as u32)), at as u32, hash);
    }
}

impl Entry {
    /// Judges it anew; answers it if that begins an episode.
    fn judge(&mut self, limits: Limits, weights: &Weights) -> Option<Target> {
        let categories = self.masks[0] | self.masks[1];
        let score = score(categories, weights);
        self.peak = self.peak.max(score);
        let begins = !self.is_flagged && score >= limits.threshold;
        self.is_flagged = begins || (self.is_flagged && score >= limits.release);
        let Self { address, first, last, .. } = *self;
        begins.then_some(Target { address, score, categories, first, last })
    }
}

/// The sum of the weights of these categories.
pub(super) fn score(categories: Mask, weights: &Weights) -> f64 {
    (0..Mask::BITS)
        .filter(|category| categories & (1 << category) != 0)
        .map(|category| weights.weight(category as usize))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::super::key::FederationKey;
    use super::super::weights::{Smoothing, Weighting};
    use super::*;

    const LIMITS: Limits = Limits { threshold: 1.5, release: 1.0 };

    fn weights(each: f64) -> Weights {
        let smoothing = Smoothing { alpha: 0.9, idle: 0.9, floor: 0.01 };
        Weights::new(Weighting::Share, smoothing, vec![each; 4])
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_nanos(secs * 1_000_000_000)
    }

    fn appear(targets: &mut Targets, host: u8, category: u8, weights: &Weights) -> Option<Target> {
        let address = Address::v4([10, 0, 0, host]);
        let id = FederationKey::new([1; 16]).element(address.bytes());
        targets.appear(id, address, category, at(i64::from(category)), Some(weights))
    }

    #[test]
    fn a_target_is_spoken_of_once_an_episode() {
        let mut targets = Targets::new(16, LIMITS);
        let weights = weights(1.0);
        assert_eq!(appear(&mut targets, 1, 0, &weights), None);
        let target = appear(&mut targets, 1, 2, &weights).unwrap();
        assert_eq!((target.score, target.categories), (2.0, 0b101));
        assert_eq!((target.first, target.last), (at(0), at(2)));
        assert_eq!(appear(&mut targets, 1, 3, &weights), None, "in the same episode");
        assert_eq!(appear(&mut targets, 2, 3, &weights), None, "another target");
    }

    #[test]
    fn an_episode_ends_below_the_release_and_not_between() {
        let mut targets = Targets::new(16, LIMITS);
        appear(&mut targets, 1, 0, &weights(1.0));
        assert!(appear(&mut targets, 1, 1, &weights(1.0)).is_some());
        assert_eq!(targets.reweigh(&weights(0.6)).count(), 0, "1.2 lies between the two");
        assert_eq!(targets.reweigh(&weights(0.9)).count(), 0, "still the same episode");
        assert_eq!(targets.reweigh(&weights(0.4)).count(), 0, "over");
        assert_eq!(targets.reweigh(&weights(0.8)).count(), 1, "a new one");
    }

    #[test]
    fn what_falls_silent_is_forgotten_after_two_windows() {
        let mut targets = Targets::new(16, LIMITS);
        appear(&mut targets, 1, 0, &weights(1.0));
        targets.rotate();
        assert!(appear(&mut targets, 1, 1, &weights(1.0)).is_some(), "both windows count");
        targets.rotate();
        targets.rotate();
        assert_eq!(targets.len(), 0);
    }

    #[test]
    fn a_flood_of_targets_does_not_drive_out_a_flagged_one() {
        let mut targets = Targets::new(32, LIMITS);
        let weights = weights(1.0);
        appear(&mut targets, 1, 0, &weights);
        appear(&mut targets, 1, 1, &weights).unwrap();
        for number in 0..10_000_u32 {
            let address = Address::v4((number + 0x0b00_0000).to_be_bytes());
            let id = FederationKey::new([1; 16]).element(address.bytes());
            targets.appear(id, address, 3, at(9), Some(&weights));
            assert!(targets.len() <= 32 && targets.index.len() == targets.len());
        }
        assert_eq!(appear(&mut targets, 1, 2, &weights), None, "still known, still flagged");
        assert!(targets.entries.iter().any(|entry| entry.is_flagged));
    }
}
