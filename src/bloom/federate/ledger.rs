//! All that the sensors said and that is not over yet: a state that only grows, in whatever order.

use std::collections::BTreeMap;

use crate::bloom::counter::Window;
use crate::bloom::key::Element;
use crate::bloom::reach::Sketch;
use crate::bloom::{Mask, Name};

use super::contribution::{Contribution, Reached};

/// What each sensor said, joined.
///
/// Every part of it has a join that is commutative, associative and idempotent: bits are or-ed, numbers
/// of the same round and sensor are the larger one. So is [`merge`](Self::merge), and two ledgers that
/// took the same contributions are equal, however those came.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Ledger {
    pub(super) sensors: BTreeMap<Name, Says>,
}

/// What one sensor said.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Says {
    /// The newest round it spoke of.
    pub(super) newest: u64,
    pub(super) is_warm: bool,
    /// Its own weights, of the newest round.
    pub(super) weights: Vec<f64>,
    /// Elements newly counted by each category, by round.
    pub(super) rounds: BTreeMap<u64, Vec<u64>>,
    pub(super) epochs: BTreeMap<u64, Windows>,
}

/// One epoch of a sensor.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Windows {
    pub(super) counters: BTreeMap<u8, Window>,
    pub(super) targets: BTreeMap<Element, Seen>,
}

/// A target in one epoch.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Seen {
    pub(super) mask: Mask,
    pub(super) sketches: BTreeMap<u8, Sketch>,
}

impl From<Contribution> for Ledger {
    fn from(contribution: Contribution) -> Self {
        let Contribution { sensor, round, epoch, is_warm, rounds, weights, counters, targets } =
            contribution;
        let mut says = Says {
            newest: round,
            is_warm,
            weights,
            rounds: rounds.into_iter().collect(),
            epochs: BTreeMap::new(),
        };
        // The open window's epoch, and the one before it.
        let epochs = [Some(epoch), epoch.checked_sub(1)];
        for (number, counter) in counters {
            for (epoch, window) in epochs.into_iter().zip(counter.into_windows()) {
                if let Some(epoch) = epoch.filter(|_| !window.is_empty()) {
                    says.epochs.entry(epoch).or_default().counters.insert(number, window);
                }
            }
        }
        for Reached { id, masks, sketches } in targets {
            for (place, epoch) in epochs.into_iter().enumerate() {
                let own = sketches.iter().map(|(category, both)| (*category, both[place]));
                let seen = Seen {
                    mask: masks[place],
                    sketches: own.filter(|(_, sketch)| *sketch != Sketch::default()).collect(),
                };
                if let Some(epoch) = epoch.filter(|_| seen != Seen::default()) {
                    let known =
                        says.epochs.entry(epoch).or_default().targets.entry(id).or_default();
                    known.merge(seen);
                }
            }
        }
        Self { sensors: BTreeMap::from([(sensor, says)]) }
    }
}

impl Ledger {
    /// Takes in what another holds.
    pub fn merge(&mut self, other: Self) {
        for (sensor, says) in other.sensors {
            self.sensors.entry(sensor).or_default().merge(says);
        }
    }

    /// Drops the activity of rounds up to `round`, what was said of epochs before `epoch`, and sensors
    /// that said nothing since.
    pub(super) fn forget(&mut self, round: u64, epoch: u64) {
        self.sensors.retain(|_, says| {
            says.rounds = says.rounds.split_off(&round.saturating_add(1));
            says.epochs = says.epochs.split_off(&epoch);
            !says.rounds.is_empty() || !says.epochs.is_empty()
        });
    }

    /// What all sensors together say of the targets of some epochs, and how many said it of each.
    pub(super) fn targets(&self, epochs: [u64; 2]) -> BTreeMap<Element, (Seen, usize)> {
        let mut all: BTreeMap<Element, (Seen, usize)> = BTreeMap::new();
        for says in self.sensors.values() {
            let mut own: BTreeMap<Element, Seen> = BTreeMap::new();
            for windows in epochs.iter().filter_map(|epoch| says.epochs.get(epoch)) {
                for (id, seen) in &windows.targets {
                    own.entry(*id).or_default().merge(seen.clone());
                }
            }
            for (id, seen) in own {
                let (known, sensors) = all.entry(id).or_default();
                known.merge(seen);
                *sensors += 1;
            }
        }
        all
    }
}

impl Says {
    fn merge(&mut self, other: Self) {
        let Self { newest, is_warm, weights, rounds, epochs } = other;
        if newest > self.newest || self.weights.is_empty() {
            self.weights = weights;
        } else if newest == self.newest {
            join(&mut self.weights, &weights, |a, b| if b > a { b } else { a });
        }
        self.newest = self.newest.max(newest);
        self.is_warm |= is_warm;
        for (round, activity) in rounds {
            join(self.rounds.entry(round).or_default(), &activity, u64::max);
        }
        for (epoch, windows) in epochs {
            self.epochs.entry(epoch).or_default().merge(windows);
        }
    }
}

impl Windows {
    fn merge(&mut self, other: Self) {
        for (number, window) in other.counters {
            match self.counters.get_mut(&number) {
                Some(known) => known.merge(&window),
                None => drop(self.counters.insert(number, window)),
            }
        }
        for (id, seen) in other.targets {
            self.targets.entry(id).or_default().merge(seen);
        }
    }
}

impl Seen {
    fn merge(&mut self, other: Self) {
        self.mask |= other.mask;
        for (category, sketch) in other.sketches {
            self.sketches.entry(category).or_default().merge(&sketch);
        }
    }
}

/// Joins number by number; what one lacks is the other's.
fn join<T: Copy>(to: &mut Vec<T>, from: &[T], larger: impl Fn(T, T) -> T) {
    for (own, other) in to.iter_mut().zip(from) {
        *own = larger(*own, *other);
    }
    to.extend(from.iter().skip(to.len()));
}
