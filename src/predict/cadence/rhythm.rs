//! How regularly something comes: period, jitter and how long a silence means that it stopped.
//!
//! Arrivals closer together than a third of the period are one *beat*: a question, its acknowledgement
//! and a repetition of it count once, at the time of the first. The period is not known beforehand,
//! so the third is taken of the gap length that half of all elapsed time lies in or above. That is the
//! pause between bursts, however many packets a burst has, and one long pause does not move it.
//!
//! Period and jitter are read off the last [`KEPT`] gaps by rank (median, and the deviation that seven
//! in eight stay below), so that a beat too few or too many changes neither, and a slow drift is
//! followed within a few beats. A gap of several periods is so many beats skipped; how often that
//! happens decides how many missed beats in a row are believed to be a stop.
//!
//! Constant time and memory; nothing here depends on anything but the times given.

use crate::time::{Span, Timestamp};

/// Gaps remembered.
pub(super) const KEPT: usize = 16;
/// Gaps closer than the period divided by this belong to one beat.
const PARTS: f32 = 3.0;
/// A burst that lasts longer than this many thirds of a period is no beat, but a stream.
const LONGEST_BURST: f32 = 2.0;
/// The same for a cadence that is believed, which bears one long transfer.
const LONGEST_BURST_HELD: f32 = 9.0;
/// Beats missed in a row that are never waited for.
const MOST_MISSED: u32 = 8;
/// Counts of beats fade by this share a beat.
const FADE: f32 = 1.0 / 256.0;
/// Counts of stops fade by this share a beat.
const STOP_FADE: f32 = 1.0 / 1_024.0;
/// The longest silence borne fades by this share a beat.
const TAIL_FADE: f32 = 1.0 / 64.0;
/// Even gaps in a row that a cadence owes after it stopped, before it is believed again.
const OWED: u8 = 3;
/// Stops that were none, by then faded, above which a cadence is not believed.
const MOST_STOPS: f32 = 1.5;

/// What makes a cadence.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Steadiness {
    /// Beats before a cadence is believed.
    pub beats: u32,
    /// The most jitter, as a share of the period.
    pub jitter: f32,
    /// The shortest period.
    pub period: Span,
    /// The share of gaps that may falsely be taken for a stop.
    pub false_rate: f32,
}

impl Steadiness {
    /// Arrivals closer than this are one beat whatever the period is.
    fn floor(&self) -> f32 {
        seconds(self.period) / PARTS / 2.0
    }
}

/// What an arrival was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arrival {
    /// It belongs to the beat before it.
    Same,
    /// A beat.
    Beat,
    /// It goes on and on: what was learned is forgotten.
    Stream,
}

/// The beats of one sequence of arrivals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    /// In seconds, oldest first from `next` on once all are there.
    gaps: [f32; KEPT],
    len: u8,
    next: u8,
    /// Beats in a row after which the gaps were regular.
    steady: u32,
    beats: u32,
    /// When the last beat began.
    beat: Timestamp,
    /// The last arrival.
    last: Timestamp,
    /// Arrivals closer than this many seconds are one beat.
    merge: f32,
    period: f32,
    jitter: f32,
    /// Gaps, and beats skipped in them, fading.
    came: f32,
    skipped: f32,
    /// The longest silence borne, in periods, fading.
    tail: f32,
    /// Stops that the cadence came back from, fading.
    stops: f32,
    /// Even gaps still owed after the last of them.
    owed: u8,
}

impl Rhythm {
    /// The first arrival.
    pub(super) fn new(now: Timestamp, rule: &Steadiness) -> Self {
        Self {
            gaps: [0.0; KEPT],
            len: 0,
            next: 0,
            steady: 0,
            beats: 1,
            beat: now,
            last: now,
            merge: rule.floor(),
            period: 0.0,
            jitter: 0.0,
            came: 0.0,
            skipped: 0.0,
            tail: 0.0,
            stops: 0.0,
            owed: 0,
        }
    }

    /// Something came.
    #[inline]
    pub(super) fn arrive(&mut self, now: Timestamp, rule: &Steadiness) -> Arrival {
        let silence = seconds(now.since(self.last));
        self.last = now;
        if silence < self.merge {
            let bound = if self.steady > 0 { LONGEST_BURST_HELD } else { LONGEST_BURST };
            let learned = self.merge > rule.floor();
            if learned && seconds(now.since(self.beat)) > bound * self.merge {
                *self = Self { stops: self.stops, ..Self::new(now, rule) };
                return Arrival::Stream;
            }
            return Arrival::Same;
        }
        let gap = seconds(now.since(self.beat));
        self.beat = now;
        self.beats = self.beats.saturating_add(1);
        self.learn(gap, rule);
        Arrival::Beat
    }

    /// Something came after a silence that is not the cadence's doing, or was taken for its end.
    pub(super) fn come_back(&mut self, now: Timestamp, was_stop: bool) {
        let gap = seconds(now.since(self.beat));
        if was_stop {
            self.stops += 1.0;
            self.owed = OWED;
            if gap <= MOST_MISSED as f32 * self.period {
                self.tail = self.tail.max(gap / self.period);
            }
        }
        self.beat = now;
        self.last = now;
        self.beats = self.beats.saturating_add(1);
    }

    /// Whether this is a cadence whose end would mean something.
    pub(super) fn is_held(&self, rule: &Steadiness) -> bool {
        self.steady > 0
            && self.beats >= rule.beats
            && self.owed == 0
            && self.stops < MOST_STOPS
            && self.missed_before_stop(rule) < MOST_MISSED
    }

    /// How long after the last beat it counts as stopped.
    pub(super) fn wait(&self, rule: &Steadiness) -> Span {
        let missed = self.missed_before_stop(rule) as f32;
        let wait = missed * self.period + 3.0 * self.jitter;
        span(wait.max(1.25 * self.tail * self.period))
    }

    /// Beats missed in a row that happen by themselves more seldom than the rate allows. One beat
    /// alone may be a lost packet, whatever the record.
    fn missed_before_stop(&self, rule: &Steadiness) -> u32 {
        let share = (self.skipped + 0.25) / (self.came + self.skipped + KEPT as f32);
        let (mut missed, mut chance) = (1, share);
        while missed < MOST_MISSED && (missed < 2 || chance > rule.false_rate) {
            missed += 1;
            chance *= share;
        }
        missed
    }

    /// Beats that should have come by `now`.
    pub(super) fn missed_by(&self, now: Timestamp) -> u32 {
        let periods = seconds(now.since(self.beat)) / self.period.max(1e-9);
        // A beat belongs to the silence from when it is due, give or take its jitter.
        (periods + self.jitter / self.period.max(1e-9)) as u32
    }

    pub(super) const fn beats(&self) -> u32 {
        self.beats
    }

    pub(super) const fn beat(&self) -> Timestamp {
        self.beat
    }

    pub(super) const fn last(&self) -> Timestamp {
        self.last
    }

    pub(super) fn period(&self) -> Span {
        span(self.period)
    }

    pub(super) fn jitter(&self) -> Span {
        span(self.jitter)
    }

    fn learn(&mut self, gap: f32, rule: &Steadiness) {
        if self.owed > 0 {
            let off = (gap - self.period).abs();
            let even = off <= (3.0 * self.jitter).max(rule.jitter * self.period);
            self.owed = if even { self.owed - 1 } else { OWED };
        }
        if self.steady > 0 {
            let periods = gap / self.period;
            let skipped = (periods + 0.5) as u32;
            self.came += 1.0 - self.came * FADE;
            self.skipped += skipped.clamp(1, MOST_MISSED) as f32 - 1.0 - self.skipped * FADE;
            self.tail -= self.tail * TAIL_FADE;
            if skipped > 1 {
                self.tail = self.tail.max(periods.min(MOST_MISSED as f32));
            }
        }
        self.stops -= self.stops * STOP_FADE;
        self.gaps[usize::from(self.next)] = gap;
        self.next = (self.next + 1) % KEPT as u8;
        self.len = (self.len + 1).min(KEPT as u8);
        self.measure(rule);
    }

    /// Reads period and jitter off the gaps.
    fn measure(&mut self, rule: &Steadiness) {
        let mut ranked = self.ranked();
        let pause = if self.steady > 0 { self.period } else { typical_pause(ranked.of()) };
        self.merge = (pause / PARTS).max(rule.floor());
        if ranked.of().first().is_some_and(|shortest| *shortest < self.merge) {
            self.join_bursts();
            ranked = self.ranked();
        }
        let gaps = ranked.of();
        if gaps.is_empty() {
            return;
        }
        self.period = f32::midpoint(gaps[(gaps.len() - 1) / 2], gaps[gaps.len() / 2]);
        let mut off = ranked;
        for gap in off.of_mut() {
            let beats = (*gap / self.period + 0.5).floor().max(1.0);
            *gap = (*gap - beats * self.period).abs();
        }
        off.of_mut().sort_unstable_by(f32::total_cmp);
        let off = off.of();
        self.jitter = off[off.len() - 1 - off.len() / 8];
        let enough = (rule.beats.max(2) as usize - 1).min(KEPT);
        let regular = off.len() >= enough
            && self.period >= seconds(rule.period)
            && self.jitter <= rule.jitter * self.period;
        if regular {
            self.steady = self.steady.saturating_add(1);
        } else {
            (self.steady, self.came, self.skipped, self.tail) = (0, 0.0, 0.0, 0.0);
        }
    }

    /// Gaps within a beat are added to the one after them.
    fn join_bursts(&mut self) {
        let len = usize::from(self.len);
        let first = if len == KEPT { usize::from(self.next) } else { 0 };
        let (mut joined, mut count, mut carried) = ([0.0; KEPT], 0, 0.0);
        for at in 0..len {
            let gap = self.gaps[(first + at) % KEPT];
            if gap < self.merge {
                carried += gap;
            } else {
                joined[count] = gap + carried;
                (count, carried) = (count + 1, 0.0);
            }
        }
        self.beats = self.beats.saturating_sub((len - count) as u32);
        self.beat = self.beat.before(span(carried));
        self.gaps = joined;
        self.len = count as u8;
        self.next = (count % KEPT) as u8;
    }

    fn ranked(&self) -> Gaps {
        let mut gaps = Gaps { values: self.gaps, len: usize::from(self.len) };
        gaps.of_mut().sort_unstable_by(f32::total_cmp);
        gaps
    }
}

/// A few gaps.
#[derive(Clone, Copy)]
struct Gaps {
    values: [f32; KEPT],
    len: usize,
}

impl Gaps {
    fn of(&self) -> &[f32] {
        &self.values[..self.len]
    }

    fn of_mut(&mut self) -> &mut [f32] {
        &mut self.values[..self.len]
    }
}

/// The gap such that half of the time lies in gaps at least as long. `gaps` are in order.
fn typical_pause(gaps: &[f32]) -> f32 {
    let half = gaps.iter().sum::<f32>() / 2.0;
    let mut time = 0.0;
    let pause = gaps.iter().rev().find(|gap| {
        time += **gap;
        time >= half
    });
    pause.copied().unwrap_or(0.0)
}

fn seconds(span: Span) -> f32 {
    span.secs_f64() as f32
}

fn span(seconds: f32) -> Span {
    Span::from_secs_f64(f64::from(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Steadiness =
        Steadiness { beats: 20, jitter: 0.15, period: Span::from_millis(500), false_rate: 0.001 };

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_nanos((seconds * 1e9) as i64)
    }

    fn after(times: impl IntoIterator<Item = f64>) -> Rhythm {
        let mut times = times.into_iter();
        let mut rhythm = Rhythm::new(at(times.next().unwrap()), &RULE);
        times.for_each(|time| {
            rhythm.arrive(at(time), &RULE);
        });
        rhythm
    }

    fn near(span: Span, seconds: f64) -> bool {
        (span.secs_f64() - seconds).abs() < 0.02 * seconds
    }

    #[test]
    fn twenty_even_beats_are_a_cadence_and_nineteen_are_not() {
        let rhythm = after((0..20).map(|beat| f64::from(beat) * 10.0));
        assert!(rhythm.is_held(&RULE), "{rhythm:?}");
        assert!(near(rhythm.period(), 10.0) && near(rhythm.wait(&RULE), 20.0), "{rhythm:?}");
        assert!(!after((0..19).map(|beat| f64::from(beat) * 10.0)).is_held(&RULE));
    }

    #[test]
    fn a_burst_is_one_beat_however_many_packets_it_has() {
        for packets in [2, 5, 40] {
            let burst = (0..packets).map(|packet| f64::from(packet) * 0.03);
            let times =
                (0..30).flat_map(|beat| burst.clone().map(move |t| f64::from(beat) * 5.0 + t));
            let rhythm = after(times);
            assert!(rhythm.is_held(&RULE), "{packets}: {rhythm:?}");
            assert!(near(rhythm.period(), 5.0), "{packets}: {rhythm:?}");
            assert_eq!(rhythm.beat(), at(29.0 * 5.0), "the beat is where its burst began");
        }
    }

    #[test]
    fn a_drifting_period_is_followed() {
        let mut now = 0.0;
        let rhythm = after((0..400).map(|beat| {
            now += 10.0 * 1.004_f64.powi(beat);
            now
        }));
        assert!(rhythm.is_held(&RULE) && rhythm.period() > Span::from_secs(40), "{rhythm:?}");
    }

    #[test]
    fn what_comes_at_random_is_no_cadence() {
        let mut state = 1_u64;
        let mut random = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f64 + 1.0) / f64::from(1 << 24)
        };
        let mut now = 0.0;
        let mut rhythm = Rhythm::new(at(0.0), &RULE);
        let mut held = 0;
        for _ in 0..20_000 {
            now -= 5.0 * random().ln();
            rhythm.arrive(at(now), &RULE);
            held += u32::from(rhythm.is_held(&RULE));
        }
        assert_eq!(held, 0);
    }

    #[test]
    fn a_cadence_that_skips_beats_is_given_more_of_them() {
        let whole = after((0..200).map(f64::from));
        let skipping = after((0..200).filter(|beat| beat % 10 != 3).map(f64::from));
        assert!(skipping.is_held(&RULE), "{skipping:?}");
        assert!(skipping.wait(&RULE) > whole.wait(&RULE));
        assert!(near(skipping.period(), 1.0));
    }

    #[test]
    fn a_cadence_turns_into_a_stream_and_a_new_one_is_learned() {
        let slow = (0..30).map(|beat| f64::from(beat) * 60.0);
        let fast = (0..200).map(|beat| 1_800.0 + f64::from(beat) * 2.0);
        let rhythm = after(slow.chain(fast));
        assert!(rhythm.is_held(&RULE) && near(rhythm.period(), 2.0), "{rhythm:?}");
    }

    #[test]
    fn missed_beats_are_those_whose_time_has_come() {
        let rhythm = after((0..20).map(f64::from));
        let missed = [0.5, 1.5, 3.5].map(|late| rhythm.missed_by(at(19.0 + late)));
        assert_eq!(missed, [0, 1, 3]);
    }
}
