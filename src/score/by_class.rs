//! Histograms of several numbers for each service, each protocol and the site.

use super::class::{Class, PROTOCOLS};
use super::tail::TailSketch;

/// Connections of a class from which it speaks for itself.
const ENOUGH: f32 = 30.0;

/// `N` numbers of connections, by class.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct ByClass<const N: usize> {
    pub(super) site: [TailSketch; N],
    pub(super) protocols: Vec<[TailSketch; N]>,
    pub(super) services: Vec<[TailSketch; N]>,
}

impl<const N: usize> Default for ByClass<N> {
    fn default() -> Self {
        Self { site: none(), protocols: vec![none(); PROTOCOLS], services: Vec::new() }
    }
}

impl<const N: usize> ByClass<N> {
    /// Makes room for a class that was not there before.
    pub(super) fn admit(&mut self, class: Class) {
        let needed = class.service.map_or(0, |service| usize::from(service) + 1);
        if self.services.len() < needed {
            self.services.resize_with(needed, none);
        }
    }

    /// The narrowest histogram of number `at` that has seen enough, and whether it is the
    /// service's own; `None` if none has.
    pub(super) fn narrowest(&self, class: Class, at: usize) -> Option<(&TailSketch, bool)> {
        let protocol = self.protocols.get(usize::from(class.protocol));
        let service = class.service.and_then(|it| self.services.get(usize::from(it)));
        [service, protocol, Some(&self.site)]
            .into_iter()
            .enumerate()
            .filter_map(|(place, sketches)| Some((sketches?.get(at)?, place == 0)))
            .find(|(sketch, _)| sketch.examples() >= ENOUGH)
    }

    /// Learns a connection's numbers, as `weight` of one; `memory` is how many are remembered.
    pub(super) fn learn(&mut self, class: Class, numbers: [f32; N], weight: f32, memory: f32) {
        let protocol = self.protocols.get_mut(usize::from(class.protocol));
        let service = class.service.and_then(|it| self.services.get_mut(usize::from(it)));
        for sketches in [Some(&mut self.site), protocol, service].into_iter().flatten() {
            for (sketch, number) in sketches.iter_mut().zip(numbers) {
                sketch.learn(number, weight, memory);
            }
        }
    }

    /// All histograms, the widest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &TailSketch> {
        self.site
            .iter()
            .chain(self.protocols.iter().flatten())
            .chain(self.services.iter().flatten())
    }

    /// The same, to be written.
    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut TailSketch> {
        let widest = self.site.iter_mut().chain(self.protocols.iter_mut().flatten());
        widest.chain(self.services.iter_mut().flatten())
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        (self.protocols.capacity() + self.services.capacity()) * size_of::<[TailSketch; N]>()
    }
}

fn none<const N: usize>() -> [TailSketch; N] {
    std::array::from_fn(|_| TailSketch::default())
}
