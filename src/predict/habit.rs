//! What is remembered of one side of a connection, to say what a packet of it that is missing was like.

use super::vacancy::Wait;

/// Regular steps of the IP identification before it is believed to count this side's packets.
const PROBATION: u8 = 8;
/// More than this were never skipped by a number that counts one connection's packets.
const MAX_SKIPPED: u16 = 512;
/// No entropy known.
const UNKNOWN: u8 = 0;

/// A payload beyond this is several segments that the system took for one, each with its own number.
const ONE_SEGMENT: u32 = 1_500;
/// How far behind a number may be and still be a packet that was overtaken.
const MAX_BEHIND: u16 = 16;

/// What the number of a packet says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Numbered {
    /// Nothing: it has none, or they are not believed to count this side's packets.
    Unknown,
    /// So many packets of the side were sent and not seen since its last one.
    Skipped(u16),
    /// It is one of those that were skipped before.
    Behind,
}

/// Payload sizes, entropy, usual wait, and how the side numbers its IP packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    largest: u16,
    last: u16,
    before: u16,
    id: u16,
    /// Packets in a row whose identification was one more than the one before, fewer after a skip.
    streak: u8,
    entropy: u8,
    /// How long it takes to answer the other side.
    pub(super) wait: Wait,
    /// Gap packets already made for what it sent since its last packet.
    told: u8,
    /// The last packet was several segments, so the next number says nothing.
    was_several: bool,
}

impl Habit {
    pub(super) const NONE: Self = Self {
        largest: 0,
        last: 0,
        before: 0,
        id: 0,
        streak: 0,
        entropy: UNKNOWN,
        wait: Wait::UNKNOWN,
        told: 0,
        was_several: false,
    };

    /// The side sent a packet. Answers what its IP identification says: many systems count a
    /// connection's packets with it, and once that held for a while, a step of more than one is a count
    /// of what is missing. A side whose numbers skip often counts something else beside and is not
    /// believed. `elsewhere` answers how many of the numbers just skipped its host used on other connections.
    #[inline]
    pub(super) fn observe(
        &mut self,
        payload_len: u32,
        entropy: Option<u8>,
        id: Option<u16>,
        elsewhere: impl FnOnce(u16) -> u16,
    ) -> Numbered {
        if let Some(entropy) = entropy {
            let old = if self.entropy == UNKNOWN { entropy } else { self.entropy };
            self.entropy = u8::midpoint(old, entropy).max(1);
        }
        if payload_len > 0 {
            let size = payload_len.min(u32::from(u16::MAX)) as u16;
            self.largest = self.largest.max(size);
            self.before = self.last;
            self.last = size;
        }
        let was_several = std::mem::replace(&mut self.was_several, payload_len > ONE_SEGMENT);
        let Some(id) = id else { return Numbered::Unknown };
        let step = id.wrapping_sub(self.id);
        let is_believed = self.streak >= PROBATION;
        if is_believed && step >= MAX_BEHIND.wrapping_neg() {
            return Numbered::Behind;
        }
        self.id = id;
        let skipped = match step {
            // Nothing to be told; or the same packet, captured twice.
            _ if was_several => return Numbered::Unknown,
            0 => return Numbered::Unknown,
            1 => 0,
            2..=MAX_SKIPPED => step - 1,
            _ => u16::MAX,
        };
        let others = if (1..MAX_SKIPPED).contains(&skipped) { elsewhere(skipped) } else { 0 };
        if others == skipped {
            self.streak = self.streak.saturating_add(1);
            return if is_believed { Numbered::Skipped(0) } else { Numbered::Unknown };
        }
        self.streak = if skipped < MAX_SKIPPED { self.streak / 4 } else { 0 };
        // Where others share the numbers, nobody knows on which connection one is missing.
        let is_told = is_believed && others == 0 && skipped < MAX_SKIPPED;
        if is_told { Numbered::Skipped(skipped) } else { Numbered::Unknown }
    }

    /// How sure it is that the side's next number would follow its last, by how many did in a row.
    pub(super) fn belief(&self) -> f32 {
        let streak = f32::from(self.streak);
        streak / (streak + f32::from(PROBATION))
    }

    /// Gap packets were made for this side, of which its next number will tell again.
    pub(super) fn tell(&mut self, parts: u32) {
        self.told = self.told.saturating_add(parts.min(u32::from(u8::MAX)) as u8);
    }

    /// How many were told of since the side's last packet; forgets them.
    pub(super) fn take_told(&mut self) -> u16 {
        u16::from(std::mem::take(&mut self.told))
    }

    /// The entropy usual of the side's payloads, in 1/32 bit a byte.
    pub(super) fn entropy(&self) -> Option<u8> {
        (self.entropy != UNKNOWN).then_some(self.entropy)
    }

    /// The largest payload the side sent, what a full segment most likely holds.
    pub(super) fn largest(&self) -> u32 {
        u32::from(self.largest)
    }

    /// The last payload's size.
    pub(super) fn last(&self) -> u32 {
        u32::from(self.last)
    }

    /// The size of the last two payloads, if they were alike.
    pub(super) fn steady(&self) -> Option<u32> {
        (self.last > 0 && self.last == self.before).then(|| u32::from(self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_that_counts_its_packets_tells_how_many_are_missing() {
        let mut habit = Habit::NONE;
        let mut observe = |id| habit.observe(10, None, id, |_| 0);
        assert_eq!(observe(Some(65_530)), Numbered::Unknown);
        for id in 65_531..65_535 {
            assert_eq!(observe(Some(id)), Numbered::Unknown, "not believed yet");
        }
        for id in (65_535..=65_535).chain(0..30) {
            assert!(matches!(observe(Some(id)), Numbered::Unknown | Numbered::Skipped(0)));
        }
        assert_eq!(observe(Some(33)), Numbered::Skipped(3));
        assert_eq!(observe(Some(31)), Numbered::Behind, "it was overtaken");
        assert_eq!(observe(Some(33)), Numbered::Unknown, "captured twice");
        assert_eq!(observe(Some(34)), Numbered::Skipped(0));
        assert_eq!(observe(Some(40_000)), Numbered::Unknown, "it counts something else as well");
        assert_eq!(observe(Some(40_002)), Numbered::Unknown);
        assert_eq!(observe(None), Numbered::Unknown, "IPv6 has no such number");
    }

    #[test]
    fn a_number_that_counts_other_packets_too_is_not_believed_for_long() {
        let mut habit = Habit::NONE;
        let mut skips = 0;
        let mut id = 0_u16;
        for packet in 0..1_000 {
            id += if packet % 5 == 4 { 2 } else { 1 };
            skips += u32::from(matches!(
                habit.observe(0, None, Some(id), |_| 0),
                Numbered::Skipped(1..)
            ));
        }
        assert_eq!(skips, 0);
    }

    #[test]
    fn numbers_used_on_other_connections_are_not_missing() {
        let mut habit = Habit::NONE;
        for id in (0..200).step_by(2) {
            let numbered = habit.observe(0, None, Some(id), |skipped| skipped);
            assert!(matches!(numbered, Numbered::Unknown | Numbered::Skipped(0)));
        }
        let numbered = habit.observe(0, None, Some(202), |skipped| skipped - 1);
        assert_eq!(numbered, Numbered::Unknown, "it may be of another connection");
    }

    #[test]
    fn what_a_card_will_cut_into_segments_has_several_numbers() {
        let mut habit = Habit::NONE;
        (0..20).for_each(|id| {
            habit.observe(100, None, Some(id), |_| 0);
        });
        assert_eq!(habit.observe(14_480, None, Some(20), |_| 0), Numbered::Skipped(0));
        assert_eq!(habit.observe(100, None, Some(30), |_| 0), Numbered::Unknown);
        assert_eq!(habit.observe(100, None, Some(31), |_| 0), Numbered::Skipped(0));
    }

    #[test]
    fn two_payloads_alike_are_a_steady_size() {
        let mut habit = Habit::NONE;
        for len in [100, 1_448, 0, 1_448] {
            habit.observe(len, None, None, |_| 0);
        }
        assert_eq!((habit.largest(), habit.steady()), (1_448, Some(1_448)));
        habit.observe(99_999, None, None, |_| 0);
        assert_eq!((habit.largest(), habit.last(), habit.steady()), (65_535, 65_535, None));
    }
}
