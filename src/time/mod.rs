//! Packet time: integer nanoseconds that come out of the packet, never from the machine's clock.
//!
//! A file replayed today and the same traffic seen live last year must give the same answers, so
//! nothing between `wire` and `sensor` may ask the operating system what time it is. [`Timestamp`]
//! is a point on the capture's clock, [`Span`] a length of time on it; [`wheel`] files many
//! deadlines on that clock at constant cost.

pub mod wheel;

use std::fmt;

/// Nanoseconds in a second.
pub const NANOS_PER_SEC: u64 = 1_000_000_000;

/// A point in packet time: nanoseconds since 1970-01-01T00:00:00Z, from year 1677 to 2262.
///
/// Arithmetic saturates: a capture with a nonsense clock must not stop the sensor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest representable time.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest representable time.
    pub const MAX: Self = Self(i64::MAX);

    /// A time from nanoseconds since the epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// A time from whole seconds and nanoseconds since the epoch, saturating.
    #[must_use]
    pub const fn from_parts(secs: i64, nanos: u32) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SEC as i64).saturating_add(nanos as i64))
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch (rounded down) and the nanoseconds after them.
    #[must_use]
    pub const fn parts(self) -> (i64, u32) {
        let unit = NANOS_PER_SEC as i64;
        (self.0.div_euclid(unit), self.0.rem_euclid(unit) as u32)
    }

    /// The time from `earlier` to `self`; zero when `earlier` is in fact later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        let difference = self.0 as i128 - earlier.0 as i128;
        if difference <= 0 {
            Span::ZERO
        } else if difference > u64::MAX as i128 {
            Span::MAX
        } else {
            Span(difference as u64)
        }
    }

    /// The time `span` after `self`, saturating.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        let nanos = if span.0 > i64::MAX as u64 { i64::MAX } else { span.0 as i64 };
        Self(self.0.saturating_add(nanos))
    }

    /// The time `span` before `self`, saturating.
    #[must_use]
    pub const fn before(self, span: Span) -> Self {
        let nanos = if span.0 > i64::MAX as u64 { i64::MAX } else { span.0 as i64 };
        Self(self.0.saturating_sub(nanos))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, nanos) = self.parts();
        write!(f, "{secs}.{nanos:09}")
    }
}

/// A length of packet time in whole nanoseconds, never negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest representable span, 584 years.
    pub const MAX: Self = Self(u64::MAX);

    /// A span of whole nanoseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// A span of whole microseconds, saturating.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros.saturating_mul(1_000))
    }

    /// A span of whole milliseconds, saturating.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }

    /// A span of whole seconds, saturating.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(NANOS_PER_SEC))
    }

    /// A span from seconds as a float; negative and not-a-number become zero, too large saturates.
    #[must_use]
    pub const fn from_secs_f64(secs: f64) -> Self {
        Self((secs * NANOS_PER_SEC as f64) as u64)
    }

    /// Whole nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds, rounded down.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Seconds as a float, for display and statistics only.
    #[must_use]
    pub const fn secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SEC as f64
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}s", self.0 / NANOS_PER_SEC, self.0 % NANOS_PER_SEC)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_before_the_epoch_splits_into_parts_that_add_up() {
        let time = Timestamp::from_nanos(-1);
        assert_eq!(time.parts(), (-1, 999_999_999));
        assert_eq!(Timestamp::from_parts(-1, 999_999_999), time);
    }

    #[test]
    fn a_span_backwards_is_zero_and_extremes_saturate() {
        assert_eq!(Timestamp::MIN.since(Timestamp::MAX), Span::ZERO);
        assert_eq!(Timestamp::MAX.since(Timestamp::MIN), Span::MAX);
        assert_eq!(Timestamp::MAX.after(Span::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.before(Span::MAX), Timestamp::MIN);
        assert_eq!(Span::from_secs_f64(-3.0), Span::ZERO);
        assert_eq!(Span::from_secs_f64(f64::NAN), Span::ZERO);
    }
}
