//! Two endpoints and the service they meet on: since when, and what was held against them.
//!
//! A connection is rarely alone. What it came to stands, for a while, against the next one of the
//! same two on the same service, so that all of an attack's connections are seen and not only those
//! that surprise by themselves; half of it fades in an hour, and a little with each connection that
//! is as usual. It raises no alarm: it is severity, and what is under suspicion teaches less.

use crate::time::{Span, Timestamp};

use super::by_class::ByClass;
use super::class::Class;
use super::contact::mix;

/// Meetings to a bucket of the table.
const WAYS: usize = 8;
/// The most that is remembered against a meeting, in bits.
const MOST: f32 = 200.0;
/// Less than this, in bits, is not held against anybody: one chance in two hundred.
const LEAST: f32 = 7.6;
/// Below this a connection was as usual, and so much is left of what is held against the meeting.
const USUAL: f32 = 2.0;
const FADE: f32 = 0.97;
/// Half of the evidence fades in this time.
const HALF_LIFE: f64 = 3_600.0;
/// Connections whose recency is remembered.
const CONNECTIONS: f32 = 20_000.0;
/// What ages are counted in.
const SETTLED: Span = Span::from_secs(60);

/// What is kept of two endpoints on a service.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Meeting {
    /// 0 is a free place.
    pub(super) key: u64,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    /// Evidence as it stood at `last`, in bits.
    pub(super) evidence: f32,
}

impl Meeting {
    const FREE: Self = Self { key: 0, first: Timestamp::MIN, last: Timestamp::MIN, evidence: 0.0 };

    /// What is held against it now.
    pub(super) fn evidence(&self, now: Timestamp) -> f32 {
        if self.evidence <= 0.0 {
            return 0.0;
        }
        let idle = now.since(self.last).secs_f64() / HALF_LIFE;
        self.evidence * (-idle).exp2() as f32
    }

    /// A connection of theirs came to so much.
    pub(super) fn accuse(&mut self, bits: f32, now: Timestamp) {
        self.evidence = self.evidence(now).max(bits).min(MOST);
        self.last = now;
    }

    /// A connection of theirs is over and came to `bits`.
    pub(super) fn settle(&mut self, bits: f32, now: Timestamp) {
        self.accuse(if bits >= LEAST { bits } else { 0.0 }, now);
        if bits < USUAL {
            self.evidence *= FADE;
        }
    }
}

/// How new a meeting is: octaves by which it is younger than the time this sensor has seen.
pub(super) fn recency(first: Timestamp, began: Timestamp, now: Timestamp) -> f32 {
    let in_minutes = |span: Span| span.secs_f64() / SETTLED.secs_f64() + 1.0;
    let (age, seen) = (in_minutes(now.since(first)), in_minutes(now.since(began)));
    (seen / age).log2().max(0.0) as f32
}

/// How new the meetings of this site's connections were, by service.
pub(super) type Recency = ByClass<1>;

impl Recency {
    /// The share of connections of a class whose ends had met as shortly before.
    pub(super) fn share(&self, class: Class, recency: f32) -> f32 {
        let Some((sketch, _)) = self.narrowest(class, 0) else { return 1.0 };
        ((sketch.above(recency) + 1.0) / (sketch.examples() + 1.0)).min(1.0)
    }

    /// Learns a connection that is over, as `weight` of one.
    pub(super) fn settle(&mut self, class: Class, recency: f32, weight: f32) {
        self.learn(class, [recency], weight, CONNECTIONS);
    }
}

/// All meetings that are remembered.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Meetings {
    places: Vec<Meeting>,
}

impl Meetings {
    /// Room for about this many.
    pub(super) fn new(room: usize) -> Self {
        Self { places: vec![Meeting::FREE; room.next_power_of_two().max(WAYS)] }
    }

    /// The meeting of a key. A new one takes a free place or that of the one silent for longest.
    pub(super) fn find(&mut self, key: u64, now: Timestamp) -> &mut Meeting {
        let key = key.max(1);
        let bucket = mix(key) as usize & (self.places.len() / WAYS - 1);
        let places = &mut self.places[bucket * WAYS..(bucket + 1) * WAYS];
        let known = places.iter().position(|place| place.key == key);
        let at = known.unwrap_or_else(|| {
            let oldest = places.iter().enumerate().min_by_key(|(_, place)| place.last);
            oldest.map_or(0, |(at, _)| at)
        });
        if known.is_none() {
            places[at] = Meeting { key, first: now, last: now, evidence: 0.0 };
        }
        &mut places[at]
    }

    /// The meetings that are known.
    pub(super) fn known(&self) -> impl Iterator<Item = &Meeting> {
        self.places.iter().filter(|place| place.key != 0)
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.places.capacity() * size_of::<Meeting>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    #[test]
    fn what_is_held_against_two_fades_with_time_and_with_usual_connections() {
        let mut meetings = Meetings::new(64);
        meetings.find(7, at(0)).settle(20.0, at(10));
        assert!((meetings.find(7, at(11)).evidence(at(11)) - 20.0).abs() < 0.1);
        assert!((meetings.find(7, at(3_610)).evidence(at(3_610)) - 10.0).abs() < 0.1);
        for second in 20..220 {
            meetings.find(7, at(second)).settle(0.5, at(second));
        }
        assert!(meetings.find(7, at(220)).evidence(at(220)) < 0.5);
    }

    #[test]
    fn a_meeting_is_new_against_what_the_sensor_has_seen() {
        assert_eq!(recency(at(0), at(0), at(86_400)), 0.0);
        assert!(recency(at(86_400), at(0), at(86_400)) > 10.0);
        assert!(recency(at(80_000), at(0), at(86_400)) < 5.0);
    }

    #[test]
    fn a_meeting_as_new_as_few_is_rare_at_a_site() {
        const CLASS: Class = Class { protocol: 0, service: Some(0) };
        let mut site = Recency::default();
        site.admit(CLASS);
        assert_eq!(site.share(CLASS, 8.0), 1.0);
        (0..500).for_each(|at| site.settle(CLASS, if at % 50 == 0 { 8.0 } else { 0.0 }, 1.0));
        assert!(site.share(CLASS, 8.0) < 0.03);
        assert_eq!(site.share(CLASS, 0.0), 1.0);
    }

    #[test]
    fn a_full_table_forgets_the_one_silent_for_longest() {
        let mut meetings = Meetings::new(8);
        for key in 1..=9 {
            meetings.find(key, at(key as i64)).last = at(key as i64);
        }
        assert!(meetings.known().all(|meeting| meeting.key != 1));
        assert_eq!(meetings.known().count(), 8);
    }
}
