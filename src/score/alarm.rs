//! When evidence is an alarm: at a stated number of alarms a day.
//!
//! Three things must agree. Theory: an e-CUSUM over `n` looks a day at level `n / a` alarms at most `a` times a
//! day where its promise holds. Practice: of the connections (or the minutes of endpoints) that this
//! site had, no more than the stated share came to this level. Purse: an alarm is spent out of a
//! purse that fills at the stated rate, so that whatever a site is like, no more are raised over
//! time; what was held back is counted, and its severity is in `conn.log` all the same.

use crate::time::Timestamp;

use super::state::{Reader, Writer};
use super::tail::TailSketch;

const DAY: f64 = 86_400.0;
/// A rate is taken over at least this long, so that a short capture does not look like a busy site.
const LEAST_SECONDS: f64 = 3_600.0;
/// Units whose level is remembered.
const MEMORY: f32 = 20_000.0;
/// As how many units what is assumed of a site counts.
const ASSUMED: f32 = 20.0;
/// No level below this is an alarm, however quiet the site: one chance in two hundred.
const LEAST_LEVEL: f32 = 7.6;
/// Alarms that may come at once.
const BURST: f32 = 6.0;
/// Alarms that a sensor which knows nothing yet may raise at once.
const FIRST: f32 = 1.0;

/// The state of one kind of alarm.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Alarms {
    per_day: f32,
    /// What units of this site came to, in bits.
    pub(super) levels: TailSketch,
    looks: f64,
    units: f64,
    began: Option<Timestamp>,
    now: Timestamp,
    purse: f32,
    held: u64,
}

impl Alarms {
    /// None raised yet, at most `per_day`.
    pub(super) fn new(per_day: f32) -> Self {
        Self {
            per_day,
            levels: TailSketch::default(),
            looks: 0.0,
            units: 0.0,
            began: None,
            now: Timestamp::MIN,
            purse: FIRST,
            held: 0,
        }
    }

    /// Somebody looked at evidence at `now`.
    #[inline]
    pub(super) fn look(&mut self, now: Timestamp) {
        self.looks += 1.0;
        if now > self.now {
            if self.began.is_some() {
                // A gap of years between two captures is not a time in which nothing happened.
                let seconds = now.since(self.now).secs_f64().min(LEAST_SECONDS);
                self.purse =
                    (self.purse + (seconds / DAY) as f32 * self.per_day).min(BURST.max(self.purse));
            }
            self.now = now;
        }
        self.began.get_or_insert(now);
    }

    /// A unit is over and came to `level` bits; learned as `share` of one.
    pub(super) fn settle(&mut self, level: f32, share: f32) {
        self.units += 1.0;
        self.levels.learn(level, share, MEMORY);
    }

    /// The level in bits from which there is an alarm now.
    pub(super) fn threshold(&self) -> f32 {
        let per_day = f64::from(self.per_day).max(1e-6);
        let theory = (self.a_day(self.looks) / per_day).log2() as f32;
        let share = (per_day / self.a_day(self.units).max(per_day)) as f32;
        let mut level = theory.max(LEAST_LEVEL);
        // In steps of a bit: nobody needs it finer, and it must end.
        for _ in 0..40 {
            if self.share(level) <= share {
                break;
            }
            level += 1.0;
        }
        level
    }

    /// The least that `threshold` can be, at little cost.
    pub(super) const fn least(&self) -> f32 {
        LEAST_LEVEL
    }

    /// The share of units that come to `level`.
    pub(super) fn share(&self, level: f32) -> f32 {
        // Until it is known what a site comes to: one unit in two comes to 4 bits, half as many each 1.5 bits further.
        let assumed = (-(level - 4.0) / 1.5).exp2().min(1.0);
        (self.levels.above(level) + ASSUMED * assumed) / (self.levels.examples() + ASSUMED)
    }

    /// The share of units that come to `level`, as it may be claimed: nothing rarer than one in as many as
    /// were seen here.
    pub(super) fn claim(&self, level: f32) -> f32 {
        self.share(level).max((1.0 / (self.units + 1.0)) as f32)
    }

    /// How many units there were so far.
    pub(super) const fn units(&self) -> f64 {
        self.units
    }

    /// Whether an alarm may be raised; if so it is paid for, else it is counted as held back.
    pub(super) fn spend(&mut self) -> bool {
        if self.purse < 1.0 {
            self.held += 1;
            return false;
        }
        self.purse -= 1.0;
        true
    }

    /// Alarms that were held back because too many had been raised.
    pub(super) const fn held(&self) -> u64 {
        self.held
    }

    /// Writes its state down.
    pub(super) fn encode(&self, out: &mut Writer) {
        out.sketch(&self.levels);
        out.f64(self.looks);
        out.f64(self.units);
        out.time(self.began.unwrap_or(Timestamp::MIN));
        out.time(self.now);
        out.f32(self.purse);
        out.u64(self.held);
    }

    /// Reads what `encode` wrote.
    pub(super) fn read(&mut self, input: &mut Reader<'_>) -> Option<()> {
        self.levels = input.sketch()?;
        self.looks = input.f64()?;
        self.units = input.f64()?;
        self.began = input.time().map(|began| (began != Timestamp::MIN).then_some(began))?;
        self.now = input.time()?;
        self.purse = input.f32()?.clamp(0.0, BURST);
        self.held = input.u64()?;
        Some(())
    }

    fn a_day(&self, count: f64) -> f64 {
        let lasted = self.began.map_or(0.0, |began| self.now.since(began).secs_f64());
        count * DAY / (lasted + LEAST_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_parts(seconds, 0)
    }

    #[test]
    fn more_looks_need_more_evidence() {
        let (mut quiet, mut busy) = (Alarms::new(10.0), Alarms::new(10.0));
        quiet.look(at(0));
        (0..1_000_000).for_each(|_| busy.look(at(0)));
        assert_eq!(quiet.threshold(), LEAST_LEVEL);
        assert!((busy.threshold() - (2_400_000.0f32).log2()).abs() < 0.5, "{}", busy.threshold());
    }

    #[test]
    fn a_site_whose_units_often_come_to_much_needs_more() {
        let mut alarms = Alarms::new(10.0);
        alarms.look(at(0));
        (0..2_000).for_each(|_| alarms.settle(1.0, 1.0));
        let before = alarms.threshold();
        (0..100).for_each(|_| alarms.settle(20.0, 1.0));
        assert!(alarms.threshold() > 20.0 && before < 20.0, "{before}");
    }

    #[test]
    fn nothing_rarer_is_claimed_than_was_seen() {
        let mut alarms = Alarms::new(10.0);
        assert_eq!(alarms.claim(30.0), 1.0);
        (0..99).for_each(|_| alarms.settle(1.0, 1.0));
        assert!((alarms.claim(30.0) - 0.01).abs() < 1e-4, "{}", alarms.claim(30.0));
    }

    #[test]
    fn no_more_alarms_are_raised_than_stated_however_much_evidence_there_is() {
        let mut alarms = Alarms::new(24.0);
        let mut raised = 0;
        for minute in 0..7 * 24 * 60 {
            alarms.look(at(minute * 60));
            raised += u32::from(alarms.spend());
        }
        assert!((7 * 24..=7 * 24 + 8).contains(&raised), "{raised}");
        assert_eq!(alarms.held() + u64::from(raised), 7 * 24 * 60);
    }
}
