//! The IP identifications that hosts used lately, on any of their connections.
//!
//! Some systems count all they send with one number, others each connection's packets. On a connection of
//! the first kind numbers are skipped all the time and nothing is missing: they were seen elsewhere.
//!
//! One table of fixed size. Consecutive numbers of a host lie beside each other, so that a busy host
//! stays in the cache. A collision may forget a number, which at worst tells of a packet too many.

use crate::time::{Span, Timestamp};
use crate::wire::Address;

/// Entries: one for each number that a single host can use.
const ENTRIES: usize = 1 << 16;
/// A number seen this long ago, and a connection's silence more, was used for the same run of packets.
const RECENT: Span = Span::from_secs(60);

/// See the module.
pub(super) struct Numbers {
    entries: Box<[Entry]>,
}

#[derive(Clone, Copy, Default)]
struct Entry {
    /// Of the host; 0 where nothing was seen.
    tag: u16,
    /// When, in seconds, as far as that fits.
    second: u16,
}

impl Numbers {
    pub(super) fn new() -> Self {
        Self { entries: vec![Entry::default(); ENTRIES].into_boxed_slice() }
    }

    /// `host` sent a packet with this number.
    #[inline]
    pub(super) fn see(&mut self, host: &Address, id: u16, now: Timestamp) {
        let (start, tag) = place(host);
        self.entries[usize::from(start.wrapping_add(id))] = Entry { tag, second: second(now) };
    }

    /// How many of the `count` numbers before `id` the host used within `silence` and a minute.
    pub(super) fn seen(
        &self,
        host: &Address,
        id: u16,
        count: u16,
        silence: Span,
        now: Timestamp,
    ) -> u16 {
        let (start, tag) = place(host);
        let recent = silence.nanos().saturating_add(RECENT.nanos()) / 1_000_000_000;
        let is_seen = |back: &u16| {
            let at = start.wrapping_add(id).wrapping_sub(*back);
            let entry = self.entries[usize::from(at)];
            entry.tag == tag && u64::from(second(now).wrapping_sub(entry.second)) <= recent
        };
        (1..=count).filter(is_seen).count() as u16
    }

    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.entries)
    }
}

/// Where a host's numbers begin, and its tag.
#[inline]
fn place(host: &Address) -> (u16, u16) {
    // Only IPv4 has such numbers, and its address is in the last bytes.
    let [.., a, b, c, d] = *host.bytes();
    let hash = u64::from(u32::from_be_bytes([a, b, c, d])).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((hash >> 48) as u16, (hash >> 32) as u16 | 1)
}

fn second(time: Timestamp) -> u16 {
    (time.nanos() / 1_000_000_000) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: Address = Address::v4([10, 0, 0, 1]);

    #[test]
    fn numbers_used_on_other_connections_are_seen_for_a_while() {
        let mut numbers = Numbers::new();
        let at = |seconds| Timestamp::from_parts(seconds, 0);
        for id in [65_534, 65_535, 1] {
            numbers.see(&HOST, id, at(100));
        }
        let seen = |now, silence| numbers.seen(&HOST, 2, 4, Span::from_secs(silence), at(now));
        assert_eq!(seen(101, 0), 3);
        assert_eq!(seen(170, 0), 0);
        assert_eq!(seen(170, 20), 3);
        let other = Address::v4([10, 0, 0, 2]);
        assert_eq!(numbers.seen(&other, 2, 4, Span::ZERO, at(101)), 0);
    }
}
