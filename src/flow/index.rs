//! From a hash to a slot.
//!
//! Open addressing with linear probing over eight-byte entries, half of each being the hash. Made
//! for this one use instead of taken from `hashbrown`, for three reasons: a lookup compares hashes
//! in one cache line before it touches a connection; growing moves entries by the hashes they hold
//! and so never visits the connections, which keeps the pause at a million of them in
//! milliseconds; and removal shifts entries back, so no tombstones gather until a rehash.
//!
//! The hash is keyed, so that nobody outside can aim many connections at one bucket. Nothing that
//! leaves the table depends on it.

const SMALLEST: usize = 1 << 10;

/// One entry: the upper half of the hash, then the slot plus one; 0 is empty.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry(u64);

impl Entry {
    const EMPTY: Self = Self(0);

    const fn new(hash: u64, slot: u32) -> Self {
        Self((hash & TAG) | (slot as u64 + 1))
    }

    const fn slot(self) -> u32 {
        (self.0 as u32).wrapping_sub(1)
    }
}

const TAG: u64 = 0xffff_ffff_0000_0000;

pub(super) struct Index {
    entries: Vec<Entry>,
    len: usize,
}

impl Index {
    pub(super) fn new() -> Self {
        Self { entries: vec![Entry::EMPTY; SMALLEST], len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }

    /// The first answer `matches` gives to a slot filed under `hash`.
    pub(super) fn find<T>(
        &self,
        hash: u64,
        mut matches: impl FnMut(u32) -> Option<T>,
    ) -> Option<(u32, T)> {
        let mask = self.entries.len() - 1;
        let mut at = home(hash, mask);
        loop {
            let entry = self.entries[at];
            if entry == Entry::EMPTY {
                return None;
            }
            if (entry.0 ^ hash) & TAG == 0
                && let Some(answer) = matches(entry.slot())
            {
                return Some((entry.slot(), answer));
            }
            at = (at + 1) & mask;
        }
    }

    /// Files a slot that is not filed yet.
    pub(super) fn insert(&mut self, hash: u64, slot: u32) {
        if (self.len + 1) * 4 > self.entries.len() * 3 {
            let larger = vec![Entry::EMPTY; self.entries.len() * 2];
            let old = std::mem::replace(&mut self.entries, larger);
            old.into_iter().filter(|&entry| entry != Entry::EMPTY).for_each(|e| self.put(e));
        }
        self.put(Entry::new(hash, slot));
        self.len += 1;
    }

    /// Takes out a slot filed under `hash`.
    pub(super) fn remove(&mut self, hash: u64, slot: u32) {
        let mask = self.entries.len() - 1;
        let wanted = Entry::new(hash, slot);
        let mut hole = home(hash, mask);
        while self.entries[hole] != wanted {
            if self.entries[hole] == Entry::EMPTY {
                return;
            }
            hole = (hole + 1) & mask;
        }
        self.len -= 1;
        // Every entry behind the hole that may stand in it moves there, so that no search that
        // passed over the removed one ends too early.
        let mut at = (hole + 1) & mask;
        while self.entries[at] != Entry::EMPTY {
            let wish = home(self.entries[at].0, mask);
            if (at.wrapping_sub(wish) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.entries[hole] = self.entries[at];
                hole = at;
            }
            at = (at + 1) & mask;
        }
        self.entries[hole] = Entry::EMPTY;
    }

    fn put(&mut self, entry: Entry) {
        let mask = self.entries.len() - 1;
        let mut at = home(entry.0, mask);
        while self.entries[at] != Entry::EMPTY {
            at = (at + 1) & mask;
        }
        self.entries[at] = entry;
    }
}

/// Where the search for `hash` begins, by the half that entries keep.
const fn home(hash: u64, mask: usize) -> usize {
    (hash >> 32) as usize & mask
}

/// The keyed mixing of the index: multiply to 128 bits, fold the halves (as wyhash does).
#[derive(Clone, Copy)]
pub(super) struct Mixer {
    keys: [u64; 3],
}

impl Mixer {
    pub(super) const fn new(seed: u64) -> Self {
        let first = fold(seed ^ 0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9);
        let second = fold(first ^ seed, 0x94d0_49bb_1331_11eb);
        let third = fold(second ^ first, 0xd6e8_feb8_6659_fd93);
        Self { keys: [first, second, third] }
    }

    /// Sixteen bytes and a number, mixed.
    pub(super) fn mix(&self, bytes: &[u8; 16], extra: u64) -> u64 {
        let [a, b, c, d, e, f, g, h, rest @ ..] = *bytes;
        let high = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let low = u64::from_le_bytes(rest);
        fold(low ^ self.keys[0] ^ extra.rotate_left(40), high ^ self.keys[1] ^ extra)
    }

    /// The end of a hash.
    pub(super) const fn finish(&self, sum: u64, extra: u64) -> u64 {
        fold(sum ^ self.keys[2], extra ^ self.keys[0] | 1)
    }
}

const fn fold(one: u64, other: u64) -> u64 {
    let product = one as u128 * other as u128;
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_survive_growth_and_the_removal_of_their_neighbours() {
        let mut index = Index::new();
        let mixer = Mixer::new(7);
        // Few different hashes, so that runs are long and wrap around the end.
        let hash = |slot: u32| mixer.finish(u64::from(slot % 97), 0) | (0xffff << 48);
        (0..3_000).for_each(|slot| index.insert(hash(slot), slot));
        (0..3_000).step_by(3).for_each(|slot| index.remove(hash(slot), slot));
        index.remove(hash(0), 0);
        assert_eq!(index.len(), 2_000);
        for slot in 0..3_000 {
            let found = index.find(hash(slot), |other| (other == slot).then_some(()));
            assert_eq!(found.is_some(), slot % 3 != 0, "slot {slot}");
        }
    }

    #[test]
    fn nearby_addresses_spread_over_the_table() {
        let mixer = Mixer::new(0);
        let mut seen = std::collections::HashSet::new();
        for host in 0..=255u8 {
            for port in 0..64u64 {
                let mut bytes = [0; 16];
                bytes[15] = host;
                seen.insert(mixer.finish(mixer.mix(&bytes, port), 6) >> 32);
            }
        }
        assert!(seen.len() > 16_380, "{} of 16384", seen.len());
    }
}
