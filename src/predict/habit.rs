//! What is remembered of one side of a connection, to say what a packet of it that is missing was like.

/// Regular steps of the IP identification before it is believed to count this side's packets.
const PROBATION: u8 = 8;
/// More than this were never skipped by a number that counts one connection's packets.
const MAX_SKIPPED: u16 = 512;
/// No entropy known.
const UNKNOWN: u8 = 0;

/// Payload sizes, entropy, and how the side numbers its IP packets, in ten bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habit {
    largest: u16,
    last: u16,
    before: u16,
    id: u16,
    /// Packets in a row whose identification was one more than the one before.
    streak: u8,
    entropy: u8,
}

impl Habit {
    pub(super) const NONE: Self =
        Self { largest: 0, last: 0, before: 0, id: 0, streak: 0, entropy: UNKNOWN };

    /// The side sent a packet. Answers how many of its packets were never seen before this one, where
    /// its IP identification tells: many systems count a TCP connection's packets with it, and
    /// once that held for a while, a step of more than one is a count of what is missing.
    #[inline]
    pub(super) fn observe(
        &mut self,
        payload_len: u32,
        entropy: Option<u8>,
        id: Option<u16>,
    ) -> Option<u16> {
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
        let id = id?;
        let step = id.wrapping_sub(std::mem::replace(&mut self.id, id));
        if step == 1 {
            self.streak = self.streak.saturating_add(1);
            return (self.streak > PROBATION).then_some(0);
        }
        let believed = self.streak >= PROBATION && (2..=MAX_SKIPPED).contains(&step);
        if !believed {
            self.streak = 0;
        }
        believed.then(|| step - 1)
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
        assert_eq!(habit.observe(10, None, Some(65_530)), None);
        for id in 65_531..65_535 {
            assert_eq!(habit.observe(10, None, Some(id)), None, "not believed yet");
        }
        for id in [65_535, 0, 1, 2] {
            assert!(habit.observe(10, None, Some(id)).is_none_or(|skipped| skipped == 0));
        }
        assert_eq!(habit.observe(10, None, Some(6)), Some(3));
        assert_eq!(habit.observe(10, None, Some(7)), Some(0));
        assert_eq!(habit.observe(10, None, Some(40_000)), None, "it counts something else as well");
        assert_eq!(habit.observe(10, None, Some(40_002)), None);
        assert_eq!(habit.observe(10, None, None), None, "IPv6 has no such number");
    }

    #[test]
    fn two_payloads_alike_are_a_steady_size() {
        let mut habit = Habit::NONE;
        for len in [100, 1_448, 0, 1_448] {
            habit.observe(len, None, None);
        }
        assert_eq!((habit.largest(), habit.steady()), (1_448, Some(1_448)));
        habit.observe(99_999, None, None);
        assert_eq!((habit.largest(), habit.last(), habit.steady()), (65_535, 65_535, None));
    }
}
