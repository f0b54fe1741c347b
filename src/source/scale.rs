//! A pcapng interface's clock: how its 64-bit counts become nanoseconds.

use crate::time::{NANOS_PER_SEC, Timestamp};

/// The resolution and offset of one interface's time stamps.
///
/// `pcap-parser` rejects every base-2 resolution and reads the offset of a big-endian file in
/// the wrong byte order, so both are read here from the raw options.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    unit: Unit,
    /// Nanoseconds to add.
    offset: i128,
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    /// So many nanoseconds each.
    Nanos(u64),
    /// So many of them in a nanosecond.
    PerNano(u128),
    /// Two to this power of them in a second.
    SecondShifted(u32),
}

impl Scale {
    /// A clock from the options `if_tsresol` and `if_tsoffset` (in seconds).
    pub(super) fn new(resolution: u8, offset_secs: i64) -> Self {
        let power = u32::from(resolution & 0x7f);
        let unit = match (resolution & 0x80 != 0, power) {
            (true, _) => Unit::SecondShifted(power),
            (false, 0..=9) => Unit::Nanos(10u64.pow(9 - power)),
            // Past this every 64-bit count is less than a nanosecond anyway.
            (false, _) => Unit::PerNano(10u128.pow((power - 9).min(38))),
        };
        Self { unit, offset: i128::from(offset_secs) * i128::from(NANOS_PER_SEC) }
    }

    /// The time of a count, rounded down to the nanosecond, saturating.
    pub(super) fn time(&self, count: u64) -> Timestamp {
        let nanos = match self.unit {
            Unit::Nanos(each) => i128::from(count) * i128::from(each),
            Unit::PerNano(per) => (u128::from(count) / per) as i128,
            Unit::SecondShifted(power) => (i128::from(count) * i128::from(NANOS_PER_SEC)) >> power,
        };
        let sum = nanos + self.offset;
        Timestamp::from_nanos(sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64)
    }
}

impl Default for Scale {
    /// Microseconds since the epoch, as the format has it without options.
    fn default() -> Self {
        Self::new(6, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_resolution_is_exact_to_the_nanosecond() {
        let second = i64::try_from(NANOS_PER_SEC).unwrap();
        for (resolution, count, nanos) in [
            (0, 1_700_000_000, 1_700_000_000 * second),
            (3, 1_700_000_000_123, 1_700_000_000_123_000_000),
            (6, 1_700_000_000_123_456, 1_700_000_000_123_456_000),
            (9, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
            (10, 17_000_000_001_234_567_899, 1_700_000_000_123_456_789),
            (0x80 | 20, (5 << 20) | (1 << 19), 5 * second + second / 2),
            (0x80, 7, 7 * second),
            (0x80 | 32, (3 << 32) | 1, 3 * second),
        ] {
            assert_eq!(Scale::new(resolution, 0).time(count).nanos(), nanos, "{resolution:#x}");
        }
    }

    #[test]
    fn absurd_clocks_saturate() {
        assert_eq!(Scale::new(0, 0).time(u64::MAX), Timestamp::MAX);
        assert_eq!(Scale::new(6, i64::MIN).time(0), Timestamp::MIN);
        assert_eq!(Scale::new(0x7f, 0).time(u64::MAX), Timestamp::default());
        assert_eq!(Scale::new(0xff, 2).time(u64::MAX).parts(), (2, 0));
    }

    #[test]
    fn an_offset_counts_in_seconds_both_ways() {
        assert_eq!(Scale::new(6, 3600).time(1).nanos(), 3_600_000_001_000);
        assert_eq!(Scale::new(6, -1).time(1).nanos(), -999_999_000);
    }
}
