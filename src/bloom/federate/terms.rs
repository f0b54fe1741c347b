//! What the sensors and the aggregator of a federation must have in common, and what bounds them.

use crate::bloom::category::{Part, Role};
use crate::bloom::{Category, Geometry, Limits, Name, SealKey, Settings, Smoothing, Weighting};
use crate::bytes::Write;
use crate::time::{Span, Timestamp};

/// Bounds of what one sensor, and all of them, may bring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Caps {
    /// Bytes of a blob.
    pub blob: usize,
    /// Targets in a contribution; one sensor may have four times as many in a window.
    pub targets: usize,
    /// Sensors at once.
    pub sensors: usize,
    /// Sensors that must have seen a target before it is one of the network: no sensor makes one alone.
    pub quorum: usize,
    /// Rounds that an interval waits for blobs that come late.
    pub grace: u64,
    /// Rounds that a sensor's clock may be ahead.
    pub ahead: u64,
}

impl Default for Caps {
    fn default() -> Self {
        Self { blob: 8 << 20, targets: 1_024, sensors: 64, quorum: 2, grace: 2, ahead: 2 }
    }
}

/// What of a category all must agree on. Its rule may differ: `internal` is not the same everywhere.
#[derive(Clone, PartialEq, Debug)]
pub struct Agreed {
    /// Its name.
    pub name: Name,
    /// What makes two elements different.
    pub count: Vec<Part>,
    /// Whom it speaks of.
    pub target: Role,
    /// Distinct elements before a target appears in it.
    pub at_least: u32,
    /// Sizes of its counters.
    pub geometry: Geometry,
    /// Its weight at the beginning.
    pub weight: f64,
}

/// Everything that is agreed on.
#[derive(Clone, PartialEq, Debug)]
pub struct Terms {
    /// What seals the messages.
    pub seal: SealKey,
    /// The categories, in the order of their numbers.
    pub categories: Vec<Agreed>,
    /// How long a round is.
    pub interval: Span,
    /// How long an epoch is.
    pub window: Span,
    /// How weights are made.
    pub weighting: Weighting,
    /// Their constants.
    pub smoothing: Smoothing,
    /// When a target is spoken of.
    pub limits: Limits,
    /// The bounds.
    pub caps: Caps,
}

impl Agreed {
    fn of(category: &Category) -> Self {
        let Category { name, count, target, at_least, geometry, weight, why: _, rule: _ } =
            category;
        Self {
            name: *name,
            count: count.clone(),
            target: *target,
            at_least: *at_least,
            geometry: *geometry,
            weight: *weight,
        }
    }
}

impl Terms {
    /// The terms of a stage with these settings.
    #[must_use]
    pub fn new(settings: &Settings, caps: Caps) -> Self {
        let Settings { categories, key, interval, window, weighting, smoothing, limits, .. } =
            settings;
        Self {
            seal: key.seal_key(),
            categories: categories.iter().take(super::super::Stage::MOST).map(Agreed::of).collect(),
            interval: *interval,
            window: *window,
            weighting: *weighting,
            smoothing: *smoothing,
            limits: *limits,
            caps,
        }
    }

    /// A number that is the same where counters can be merged.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut bytes = Vec::new();
        bytes.u64(self.interval.nanos());
        bytes.u64(self.window.nanos());
        for Agreed { name, count, target, at_least, geometry, weight: _ } in &self.categories {
            bytes.text(name.as_str());
            bytes.u8(*target as u8);
            bytes.u8(count.len() as u8);
            for part in count {
                bytes.u8(match part {
                    Part::Address(role) => *role as u8,
                    Part::Port => 100,
                    Part::Service => 101,
                    Part::OriginatorPort => 102,
                });
            }
            bytes.u32(*at_least);
            bytes.u32(geometry.capacity());
            bytes.f64(geometry.rate());
        }
        self.seal.seal(&bytes) as u64
    }

    /// The round that a time lies in; all before 1970 is the first.
    #[must_use]
    pub fn round(&self, time: Timestamp) -> u64 {
        number(time, self.interval)
    }

    /// The epoch that a round ends in.
    #[must_use]
    pub fn epoch(&self, round: u64) -> u64 {
        let last =
            round.saturating_mul(self.interval.nanos()).saturating_add(self.interval.nanos());
        (last - 1) / self.window.nanos().max(1)
    }
}

/// How many times `every` has passed since 1970.
pub(in crate::bloom) fn number(time: Timestamp, every: Span) -> u64 {
    time.nanos().max(0).cast_unsigned() / every.nanos().max(1)
}
