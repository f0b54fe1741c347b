//! What a hole must have held: the packets that its bytes were split into, and when they were sent.

use super::habit::Habit;
use crate::time::{Span, Timestamp};

/// Packets of the connection imagined to find those of a hole; more would cost a hostile stream's
/// every packet dear.
pub(super) const WALK: usize = 6;
/// A full segment where nothing is known of the side: the usual one on Ethernet.
const USUAL: u32 = 1_460;

/// How the bytes of a hole are shared out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Split {
    /// Packets made.
    pub(super) parts: u32,
    /// Bytes for which none is made.
    pub(super) left: u32,
    sizes: Sizes,
    len: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sizes {
    /// These, one after another.
    Forecast([u32; WALK]),
    /// All of this size but the last, which has the rest.
    Full(u32),
    /// As even as can be over this many packets.
    Even(u32),
}

/// What the forecast says of the side's next payloads.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Walk {
    /// Sizes of its next payload packets.
    pub(super) sizes: [u32; WALK],
    /// When each would come, from the last real packet.
    pub(super) times: [Span; WALK],
    /// How many of these there are.
    pub(super) count: usize,
}

impl Walk {
    /// The side's next payload packet, as forecast.
    pub(super) fn push(&mut self, size: u32, time: Span) {
        if self.count < WALK {
            self.sizes[self.count] = size;
            self.times[self.count] = time;
            self.count += 1;
        }
    }

    /// How many of the forecast packets make up `len` bytes exactly.
    fn fits(&self, len: u32) -> Option<usize> {
        let mut sum = 0_u64;
        for (at, size) in self.sizes[..self.count].iter().enumerate() {
            sum += u64::from(*size);
            if sum >= u64::from(len) {
                return (sum == u64::from(len)).then_some(at + 1);
            }
        }
        None
    }
}

impl Split {
    /// Splits `len` bytes that a side skipped.
    ///
    /// `skipped` counts its packets that were never seen, where its numbering tells, bare
    /// acknowledgements among them. In this order: what the forecast makes up exactly; repetitions
    /// of a size the side keeps to; as few full segments as hold it. `most` bounds the packets.
    pub(super) fn new(
        len: u32,
        habit: &Habit,
        skipped: Option<u16>,
        walk: &Walk,
        most: u32,
    ) -> Self {
        let full = if habit.largest() == 0 { USUAL } else { habit.largest() };
        let least = len.div_ceil(full);
        let ceiling = skipped.map(u32::from).filter(|&count| count >= least);
        let possible = |count: u32| count >= least && ceiling.is_none_or(|most| count <= most);
        let steady =
            habit.steady().filter(|&size| len.is_multiple_of(size) && possible(len / size));
        let (sizes, parts) = match (walk.fits(len), steady) {
            (Some(count), _) if possible(count as u32) => {
                (Sizes::Forecast(walk.sizes), count as u32)
            }
            (_, Some(size)) => (Sizes::Full(size), len / size),
            _ => match ceiling {
                // A side that sends data in a row does not acknowledge in between.
                Some(count) if count > least && habit.steady().is_none() => {
                    (Sizes::Even(count.min(len)), count.min(len))
                }
                _ => (Sizes::Full(full), least),
            },
        };
        let mut split = Self { parts: parts.min(most), left: 0, sizes, len };
        if split.parts < parts {
            let made: u64 = (0..split.parts).map(|part| u64::from(split.planned(part))).sum();
            split.left = (u64::from(len) - made.min(u64::from(len))) as u32;
        }
        split
    }

    /// `count` packets of the same size, where numbers count packets and not bytes.
    pub(super) fn count(count: u32, size: u32, most: u32) -> Self {
        let parts = count.min(most);
        let len = parts.saturating_mul(size);
        Self { parts, left: count - parts, sizes: Sizes::Full(size), len }
    }

    /// Bytes of a part, counted from 0.
    pub(super) fn size(&self, part: u32) -> u32 {
        self.planned(part)
    }

    fn planned(&self, part: u32) -> u32 {
        match self.sizes {
            Sizes::Forecast(sizes) => sizes.get(part as usize).copied().unwrap_or(0),
            Sizes::Full(full) => (u64::from(self.len))
                .saturating_sub(u64::from(part) * u64::from(full))
                .min(u64::from(full)) as u32,
            Sizes::Even(parts) => {
                // Cut at multiples of len / parts, rounded down.
                let cut = |at: u32| u64::from(self.len) * u64::from(at) / u64::from(parts.max(1));
                (cut(part + 1) - cut(part)) as u32
            }
        }
    }
}

/// When a part was sent of which only the first one's time is known: spread from there to `until`.
pub(super) fn evenly(part: u32, parts: u32, first: Timestamp, until: Timestamp) -> Timestamp {
    let room = u128::from(until.since(first).nanos()) * u128::from(part) / u128::from(parts.max(1));
    first.after(Span::from_nanos(u64::try_from(room).unwrap_or(u64::MAX)))
}

/// When a part of a hole was sent: between the packet before the hole and the one that showed it,
/// in order.
///
/// The forecast's waits are kept in proportion: with both neighbours given, a wait twice as long
/// takes twice the share of the time between them. Beyond what was forecast, parts are spread evenly.
pub(super) fn time_of(
    part: u32,
    parts: u32,
    walk: &Walk,
    before: Timestamp,
    after: Timestamp,
) -> Timestamp {
    let room = u128::from(after.since(before).nanos());
    let (share, whole) =
        match walk.times.get(parts as usize).filter(|_| walk.count > parts as usize) {
            // The packet after the hole is forecast too, so every wait is.
            Some(whole) if whole.nanos() > 0 => {
                (u128::from(walk.times[part as usize].nanos()), u128::from(whole.nanos()))
            }
            _ => (u128::from(part) + 1, u128::from(parts) + 1),
        };
    let offset = (room * share / whole).min(room);
    before.after(Span::from_nanos(u64::try_from(offset).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn habit(sizes: &[u32]) -> Habit {
        let mut habit = Habit::NONE;
        for &size in sizes {
            habit.observe(size, None, None, |_| 0);
        }
        habit
    }

    fn sizes(split: &Split) -> Vec<u32> {
        (0..split.parts).map(|part| split.size(part)).collect()
    }

    #[test]
    fn a_bulk_transfer_lost_full_segments_and_a_rest() {
        let split = Split::new(3_000, &habit(&[1_448, 1_448, 700]), None, &Walk::default(), 64);
        assert_eq!(sizes(&split), [1_448, 1_448, 104]);
    }

    #[test]
    fn a_side_that_repeats_a_size_lost_repetitions_of_it() {
        let split = Split::new(360, &habit(&[1_000, 120, 120]), None, &Walk::default(), 64);
        assert_eq!(sizes(&split), [120, 120, 120]);
        let counted = Split::new(360, &habit(&[1_000, 120, 120]), Some(1), &Walk::default(), 64);
        assert_eq!(sizes(&counted), [360], "its numbering says that one packet is missing");
    }

    #[test]
    fn sizes_that_the_forecast_makes_up_exactly_are_taken() {
        let mut walk = Walk::default();
        for size in [40, 60, 25] {
            walk.push(size, Span::from_secs(1));
        }
        assert_eq!(sizes(&Split::new(100, &habit(&[1_000]), None, &walk, 64)), [40, 60]);
        assert_eq!(sizes(&Split::new(101, &habit(&[1_000]), None, &walk, 64)), [101]);
    }

    #[test]
    fn waits_between_both_neighbours_keep_the_forecasts_proportions() {
        let at = |millis: i64| Timestamp::from_nanos(millis * 1_000_000);
        let mut walk = Walk::default();
        for (size, millis) in [(40, 20), (40, 1_000), (40, 1_020)] {
            walk.push(size, Span::from_millis(millis));
        }
        assert_eq!(time_of(0, 1, &walk, at(0), at(2_000)), at(40));
        assert_eq!(time_of(0, 1, &Walk::default(), at(0), at(2_000)), at(1_000));
    }

    proptest! {
        #[test]
        fn every_byte_of_a_hole_is_in_one_part_or_left(
            len in 1u32..=1 << 30,
            seen in proptest::collection::vec(1u32..3_000, 0..4),
            skipped in proptest::option::of(1u16..500),
            forecast in proptest::collection::vec(1u32..2_000, 0..WALK),
            most in 1u32..200,
        ) {
            let mut walk = Walk::default();
            forecast.iter().for_each(|&size| walk.push(size, Span::from_millis(1)));
            let split = Split::new(len, &habit(&seen), skipped, &walk, most);
            let sum: u64 = sizes(&split).iter().map(|&size| u64::from(size)).sum();
            prop_assert!(split.parts >= 1 && split.parts <= most);
            prop_assert!(sizes(&split).iter().all(|&size| size > 0));
            prop_assert_eq!(sum + u64::from(split.left), u64::from(len));
        }

        #[test]
        fn parts_come_in_order_between_their_neighbours(
            parts in 1u32..100,
            from in -1_000_000i64..1_000_000,
            room in 0i64..1 << 50,
            waits in proptest::collection::vec(0u64..1 << 40, 0..WALK),
        ) {
            let (before, after) = (Timestamp::from_nanos(from), Timestamp::from_nanos(from + room));
            let mut walk = Walk::default();
            let mut sum = 0;
            for wait in waits {
                sum += wait;
                walk.push(1, Span::from_nanos(sum));
            }
            let times: Vec<_> =
                (0..parts).map(|part| time_of(part, parts, &walk, before, after)).collect();
            prop_assert!(times.is_sorted());
            prop_assert!(times.iter().all(|time| (before..=after).contains(time)));
        }
    }
}
