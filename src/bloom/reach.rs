//! How many distinct elements each target had in a category: a small sketch each, in bounded memory.

use std::sync::LazyLock;

use hashbrown::HashTable;

use super::key::Element;
use crate::wire::Address;

/// Bits of one sketch; it tells counts of up to about 600 apart.
const BITS: usize = 256;

/// A linear count: as many bits as elements, until they begin to coincide.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sketch([u64; BITS / 64]);

impl Sketch {
    /// The most that can be told: all bits but one are set.
    pub const MOST: u32 = 1_420;

    /// Where an element's bit is: the word, and the word with it alone.
    fn place(element: Element) -> (usize, u64) {
        // The low half places elements in counters; the sketch uses bits that those hardly do.
        let bit = (element.0 >> 100) as usize % BITS;
        (bit / 64, 1 << (bit % 64))
    }

    /// Bytes of its encoding.
    pub(super) const BYTES: usize = BITS / 8;

    /// Its bits.
    pub(super) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (to, word) in bytes.chunks_exact_mut(8).zip(self.0) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The sketch of these bits; `None` unless they are as many.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut words = [0; BITS / 64];
        for (word, from) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = u64::from_le_bytes(from.try_into().ok()?);
        }
        (bytes.len() == Self::BYTES).then_some(Self(words))
    }

    /// What both of two windows saw.
    pub(super) fn union([open, before]: &[Self; 2]) -> Self {
        let mut both = *open;
        both.merge(before);
        both
    }

    /// Takes in what another sketch saw.
    pub fn merge(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(other.0) {
            *word |= other;
        }
    }

    /// About how many distinct elements it saw: `-bits ln(share of bits not set)`.
    #[must_use]
    pub fn distinct(&self) -> u32 {
        DISTINCT[self.ones()]
    }

    fn ones(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// How many distinct elements so many bits tell of.
static DISTINCT: LazyLock<[u32; BITS + 1]> = LazyLock::new(|| {
    let bits = BITS as f64;
    std::array::from_fn(|ones| {
        let zeros = (BITS - ones).max(1) as f64;
        (-bits * (zeros / bits).ln()).round() as u32
    })
});

/// One target in one category.
#[derive(Clone, Copy)]
struct Entry {
    target: Element,
    address: Address,
    category: u8,
    /// Seen in the open window and in the one before.
    seen: [Sketch; 2],
    /// Bits set in each of them, and in both together: a flood asks for these with every packet.
    ones: [u16; 2],
    together: u16,
}

impl Entry {
    fn new(target: Element, address: Address, category: u8) -> Self {
        Self { target, address, category, seen: [Sketch::default(); 2], ones: [0; 2], together: 0 }
    }

    fn count(&mut self, element: Element) {
        let (word, bit) = Sketch::place(element);
        if self.seen[0].0[word] & bit == 0 {
            self.seen[0].0[word] |= bit;
            self.ones[0] += 1;
            self.together += u16::from(self.seen[1].0[word] & bit == 0);
        }
    }

    fn rotate(&mut self) {
        self.seen = [Sketch::default(), self.seen[0]];
        self.ones = [0, self.ones[0]];
        self.together = self.ones[1];
    }
}

/// The sketches of all targets.
#[derive(Clone)]
pub(super) struct Reach {
    index: HashTable<u32>,
    entries: Vec<Entry>,
    capacity: usize,
    /// Where the search for an entry to replace goes on.
    hand: usize,
}

/// Entries compared when one has to give way.
const SAMPLE: usize = 8;

impl Reach {
    pub(super) fn new(capacity: usize) -> Self {
        Self { index: HashTable::new(), entries: Vec::new(), capacity: capacity.max(1), hand: 0 }
    }

    /// Counts an element for a target; how many distinct ones it had in both windows.
    pub(super) fn count(
        &mut self,
        target: Element,
        address: Address,
        category: u8,
        element: Element,
    ) -> u32 {
        let found = self.find(target, category);
        let at = found.unwrap_or_else(|| self.make(target, address, category));
        let entry = &mut self.entries[at];
        entry.count(element);
        DISTINCT[usize::from(entry.together)]
    }

    /// Every target's sketches in every category where it has some.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Element, u8, [Sketch; 2])> {
        self.entries.iter().map(|entry| (entry.target, entry.category, entry.seen))
    }

    /// The address of a target.
    pub(super) fn address(&self, target: Element) -> Option<Address> {
        let found = (0..u8::MAX).find_map(|category| self.find(target, category));
        found.map(|at| self.entries[at].address)
    }

    /// Closes the window and forgets the one before.
    pub(super) fn rotate(&mut self) {
        for entry in &mut self.entries {
            entry.rotate();
        }
        let kept: Vec<Entry> =
            self.entries.iter().filter(|entry| entry.together > 0).copied().collect();
        self.index.clear();
        self.entries.clear();
        for entry in kept {
            self.insert(entry);
        }
        self.hand = 0;
    }

    pub(super) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.index.allocation_size()
    }

    fn find(&self, target: Element, category: u8) -> Option<usize> {
        let is_it = |&at: &u32| {
            let entry = &self.entries[at as usize];
            entry.target == target && entry.category == category
        };
        self.index.find(hash(target, category), is_it).map(|&at| at as usize)
    }

    fn make(&mut self, target: Element, address: Address, category: u8) -> usize {
        let entry = Entry::new(target, address, category);
        if self.entries.len() < self.capacity {
            return self.insert(entry);
        }
        // The one that saw least gives way: a target that goes about something has seen more.
        let sample = (0..SAMPLE).map(|step| (self.hand + step) % self.entries.len());
        let seen = |at: &usize| self.entries[*at].ones.iter().sum::<u16>();
        let victim = sample.min_by_key(seen).unwrap_or(0);
        self.hand = (self.hand + SAMPLE) % self.entries.len();
        let old = self.entries[victim];
        let slot =
            self.index.find_entry(hash(old.target, old.category), |&at| at as usize == victim);
        if let Ok(slot) = slot {
            slot.remove();
        }
        self.entries[victim] = entry;
        self.file(victim);
        victim
    }

    fn insert(&mut self, entry: Entry) -> usize {
        self.entries.push(entry);
        let at = self.entries.len() - 1;
        self.file(at);
        at
    }

    fn file(&mut self, at: usize) {
        let Entry { target, category, .. } = self.entries[at];
        let entries = &self.entries;
        let rehash = |&at: &u32| hash(entries[at as usize].target, entries[at as usize].category);
        self.index.insert_unique(hash(target, category), at as u32, rehash);
    }
}

/// The element is a keyed hash already.
fn hash(target: Element, category: u8) -> u64 {
    (target.0 as u64).wrapping_add(u64::from(category).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

#[cfg(test)]
mod tests {
    use super::super::key::FederationKey;
    use super::*;

    fn element(number: u64) -> Element {
        FederationKey::new([9; 16]).element(&number.to_le_bytes())
    }

    fn counted(reach: &mut Reach, target: u64, elements: std::ops::Range<u64>) -> u32 {
        let target = element(1_000_000 + target);
        let address = Address::v4([10, 0, 0, 1]);
        elements.fold(0, |_, number| reach.count(target, address, 0, element(number)))
    }

    #[test]
    fn distinct_elements_are_told_to_within_a_tenth() {
        for many in [1, 5, 20, 100, 300] {
            let mut reach = Reach::new(16);
            let told = counted(&mut reach, 1, 0..many);
            assert_eq!(told, counted(&mut reach, 1, 0..many), "the same again is nothing new");
            assert!((f64::from(told) / many as f64 - 1.0).abs() < 0.1, "{told} of {many}");
        }
    }

    #[test]
    fn bits_are_counted_as_they_are_set() {
        let mut entry = Entry::new(element(0), Address::v4([10, 0, 0, 1]), 0);
        for number in 0..400 {
            entry.count(element(number / 2 * 7));
            if number % 130 == 129 {
                entry.rotate();
            }
            let ones = entry.seen.map(|sketch| sketch.ones());
            assert_eq!(entry.ones.map(usize::from), ones);
            assert_eq!(usize::from(entry.together), Sketch::union(&entry.seen).ones());
        }
    }

    #[test]
    fn windows_pass() {
        let mut reach = Reach::new(16);
        counted(&mut reach, 1, 0..50);
        reach.rotate();
        assert!(counted(&mut reach, 1, 50..60) > 50);
        reach.rotate();
        assert!(counted(&mut reach, 1, 60..61) < 15);
        reach.rotate();
        reach.rotate();
        assert_eq!(reach.entries.len(), 0);
    }

    #[test]
    fn a_scanner_outlives_a_flood_of_others() {
        let mut reach = Reach::new(64);
        counted(&mut reach, 1, 0..100);
        for other in 2..5_000 {
            counted(&mut reach, other, 0..1);
            assert!(reach.entries.len() <= 64 && reach.index.len() == reach.entries.len());
        }
        assert!(counted(&mut reach, 1, 100..101) > 90);
    }

    #[test]
    fn the_most_is_what_a_full_sketch_says() {
        let mut reach = Reach::new(16);
        assert_eq!(counted(&mut reach, 1, 0..100_000), Sketch::MOST);
    }
}
