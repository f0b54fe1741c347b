//! Who met whom before: a bounded memory of meetings.

/// Tags to a bucket; the one met longest ago gives way.
const WAYS: usize = 8;

/// A set of numbers that forgets what it has not met for long once it is full.
///
/// It keeps 32 bits of each, so one in about 500 million strangers is taken for an acquaintance.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Contacts {
    tags: Vec<[u32; WAYS]>,
}

impl Contacts {
    /// Room for about this many.
    pub(super) fn new(room: usize) -> Self {
        Self { tags: vec![[0; WAYS]; (room / WAYS).next_power_of_two()] }
    }

    /// Whether this one was not met before; it is now.
    pub(super) fn is_new(&mut self, number: u64) -> bool {
        let mixed = mix(number);
        let at = (mixed >> 32) as usize & (self.tags.len() - 1);
        let tag = (mixed as u32).max(1);
        let Some(bucket) = self.tags.get_mut(at) else { return false };
        let known = bucket.iter().position(|&known| known == tag);
        bucket[..=known.unwrap_or(WAYS - 1)].rotate_right(1);
        bucket[0] = tag;
        known.is_none()
    }

    /// The tags as they lie, for whoever writes them down.
    pub(super) fn tags(&self) -> &[[u32; WAYS]] {
        &self.tags
    }

    /// The set of these tags; `None` unless their number is a power of two.
    pub(super) fn from_tags(tags: Vec<[u32; WAYS]>) -> Option<Self> {
        tags.len().is_power_of_two().then_some(Self { tags })
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.tags.capacity() * size_of::<[u32; WAYS]>()
    }
}

/// A finaliser with full avalanche: one 128-bit multiply, folded.
pub(super) fn mix(value: u64) -> u64 {
    let product = u128::from(value ^ 0x2d35_8dcc_aa6c_78a5) * 0x8bb8_4b93_962e_acc9_u128;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_new_once() {
        let mut contacts = Contacts::new(1_024);
        assert!((0..200).all(|number| contacts.is_new(number)));
        assert!((0..200).all(|number| !contacts.is_new(number)));
    }

    #[test]
    fn a_full_set_forgets_who_was_not_met_for_long() {
        let mut contacts = Contacts::new(64);
        contacts.is_new(0);
        for stranger in 1..10_000 {
            contacts.is_new(stranger);
            contacts.is_new(0);
        }
        assert!(!contacts.is_new(0));
        assert!(contacts.is_new(1));
        assert_eq!(contacts.memory(), 64 * 4);
    }
}
