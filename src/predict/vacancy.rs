//! When a packet was sent of which only the numbering tells, as its side's IP identification does.
//!
//! It came somewhere between its side's last packet and the one that shows the skip, and the other side
//! may have sent a whole run of packets meanwhile. The forecast knows best where: in front of the
//! packet whose place it was, which surprised by its side, flags and size because another was expected.

use crate::time::{Span, Timestamp};

/// The likeliest place so far in a run of packets of one side. Packed: there is one a connection.
#[derive(Clone, Copy, Debug)]
#[repr(C, packed(2))]
pub(super) struct Vacancy {
    at: Timestamp,
    /// How much the packet behind it surprised, in 1/64 bit.
    surprise: u16,
}

impl Vacancy {
    pub(super) const NONE: Self = Self { at: Timestamp::MIN, surprise: 0 };

    /// A packet came at `now`, `since` after the one before it, and surprised by `bits`: had a packet of
    /// the other side been between them, which usually waits `usual`, this is when.
    pub(super) fn consider(&mut self, now: Timestamp, since: Span, usual: Option<Span>, bits: f32) {
        // A cast of a float saturates, so what is no number counts as 0.
        let surprise = (bits * 64.0) as u16;
        if self.place().is_some() && surprise <= self.surprise {
            return;
        }
        let half = Span::from_nanos(since.nanos() / 2);
        let wait = usual.map_or(half, |usual| usual.min(half));
        *self = Self { at: now.before(since).after(wait), surprise };
    }

    /// When the missing packet most likely came; `None` where the run is empty.
    pub(super) fn place(self) -> Option<Timestamp> {
        let at = self.at;
        (at > Timestamp::MIN).then_some(at)
    }
}

/// How long a side usually waits before it answers the other, within a fifth, in one byte.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Wait(u8);

impl Wait {
    pub(super) const UNKNOWN: Self = Self(0);

    /// The side answered after `since`: goes a step towards it, so that it stays near the median.
    pub(super) fn observe(&mut self, since: Span) {
        let quarters = quarter_octaves(since.nanos());
        self.0 = match self.0 {
            0 => quarters,
            usual if quarters > usual => usual + 1,
            usual if quarters < usual => usual - 1,
            usual => usual,
        };
    }

    pub(super) fn usual(self) -> Option<Span> {
        let (octave, quarter) = (self.0 / 4, u64::from(self.0 % 4));
        // Counted from 1, so that 0 is free to mean unknown; 4 / 4 to 7 / 4 of the octave's start.
        (self.0 > 0).then(|| Span::from_nanos((1_u64 << octave.min(62)) / 4 * (4 + quarter)))
    }
}

/// Quarters of octaves up to `nanos`, straight within each octave; at least 8.
fn quarter_octaves(nanos: u64) -> u8 {
    let nanos = nanos.max(4);
    let octave = nanos.ilog2();
    let quarter = (nanos >> (octave - 2)) & 3;
    (octave * 4 + quarter as u32).min(u32::from(u8::MAX)) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_nanos(micros * 1_000)
    }

    #[test]
    fn the_place_is_in_front_of_the_packet_that_surprised_most() {
        let mut vacancy = Vacancy::NONE;
        assert_eq!(vacancy.place(), None);
        let usual = Some(Span::from_micros(40));
        for (now, bits) in [(1_000, 0.1), (2_000, 5.0), (3_000, 0.2), (4_000, 5.0)] {
            vacancy.consider(at(now), Span::from_micros(1_000), usual, bits);
        }
        assert_eq!(vacancy.place(), Some(at(1_040)));
    }

    #[test]
    fn where_there_is_less_room_than_the_usual_wait_the_place_is_in_the_middle() {
        let mut vacancy = Vacancy::NONE;
        vacancy.consider(at(1_000), Span::from_micros(10), Some(Span::from_micros(40)), f32::NAN);
        assert_eq!(vacancy.place(), Some(at(995)));
    }

    #[test]
    fn a_single_odd_wait_hardly_moves_the_usual_one() {
        let mut wait = Wait::UNKNOWN;
        for micros in [100, 100, 90_000_000, 100, 110] {
            wait.observe(Span::from_micros(micros));
        }
        let usual = wait.usual().map_or(0, Span::micros);
        assert!((80..=125).contains(&usual), "{usual}");
    }

    proptest! {
        #[test]
        fn the_first_wait_is_kept_within_a_fifth(nanos in 4_u64..1 << 62) {
            let mut wait = Wait::UNKNOWN;
            wait.observe(Span::from_nanos(nanos));
            let kept = wait.usual().map_or(0, Span::nanos);
            prop_assert!(kept <= nanos && kept as f64 >= nanos as f64 * 0.8, "{kept} of {nanos}");
        }
    }
}
