//! What an endpoint does: how many it turns to, how many of these do not answer, how many turn to it.
//!
//! Two tests run for each endpoint. *Activity*: each minute's counts of eight kinds against what is
//! usual for this endpoint (a negative binomial whose mean is learned, see [`count`]),
//! and then against what the minutes of all endpoints of this site came to. *Failures*: each first
//! meeting with a service that comes to nothing is a bet won and each that is answered a bet lost,
//! as in the threshold random walk of Jung, Paxson, Berger and Balakrishnan (2004), with the rate of
//! failures of this site as the odds; it needs no window, so it sees a scan of any speed. Both are
//! wealths that may be looked at any time (see [`evidence`]).

use crate::time::{Span, Timestamp};

use super::state::{Reader, Writer};
use super::tail::TailSketch;
use super::{CountRange, TermKind, contact::mix, count, evidence};

/// The window over which activity is counted.
const WINDOW: Span = Span::from_secs(60);
/// Endpoints to a bucket of the table.
const WAYS: usize = 8;
/// Windows remembered of the site.
const MEMORY: f32 = 20_000.0;
/// As how many windows the bound itself counts against what the site's windows came to.
const RELIANCE: f32 = 20.0;
/// As how many windows what is assumed of an endpoint counts against its own.
const ASSUMED: f32 = 5.0;
/// How many windows an endpoint's mean remembers.
const HABIT: f32 = 60.0;
/// The shape of counts within a window: bursts are usual.
const SHAPE: f32 = 0.35;
/// Outcomes that the site's rate of failures remembers.
const OUTCOMES: f32 = 500.0;
/// Share of first meetings that come to nothing where an endpoint tries what it does not know.
const FAILING: f32 = 0.8;

/// What is counted of an endpoint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Activity {
    /// Connections it began.
    Opened = 0,
    /// Services of others that it turned to for the first time.
    NewServices = 1,
    /// Connections it began that came to nothing.
    Failed = 2,
    /// Connections begun with it.
    Received = 3,
    /// Endpoints that turned to it for the first time.
    NewSources = 4,
    /// Connections begun with it that it did not answer.
    Unanswered = 5,
    /// Well-known services of an endpoint that it had met before for others, and echoes of strangers.
    Probes = 6,
    /// Connections to a service that asks for a password, to which it had turned before.
    Logins = 7,
}

impl Activity {
    /// How many kinds there are.
    pub const COUNT: usize = 8;
    /// All of them by number.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Opened,
        Self::NewServices,
        Self::Failed,
        Self::Received,
        Self::NewSources,
        Self::Unanswered,
        Self::Probes,
        Self::Logins,
    ];

    /// The name used in logs and reasons.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::NewServices => "new_services",
            Self::Failed => "failed",
            Self::Received => "received",
            Self::NewSources => "new_sources",
            Self::Unanswered => "unanswered",
            Self::Probes => "probes",
            Self::Logins => "logins",
        }
    }

    /// What is assumed of a minute of an endpoint nothing is known of.
    const fn assumed(self) -> f32 {
        match self {
            Self::Opened => 3.0,
            Self::NewServices => 1.5,
            Self::Failed | Self::Unanswered => 0.5,
            Self::Received => 5.0,
            Self::NewSources => 1.0,
            Self::Probes | Self::Logins => 0.1,
        }
    }

    /// Whether it is about what others do to the endpoint.
    #[must_use]
    pub const fn is_suffered(self) -> bool {
        matches!(self, Self::Received | Self::NewSources | Self::Unanswered)
    }
}

/// What is kept of an endpoint.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Endpoint {
    /// The number its address makes; 0 is a free place.
    key: u64,
    last: Timestamp,
    window: Timestamp,
    /// Windows with something in them.
    windows: f32,
    counts: [u32; Activity::COUNT],
    means: [f32; Activity::COUNT],
    /// Wealth of the activity test before this window, of this window, and of the failure test, in bits.
    settled: f32,
    current: f32,
    failures: f32,
    /// First meetings that came to nothing since the failure test last began, and all of them.
    failed: u16,
    tried: u16,
    /// Which count speaks loudest.
    pub(super) loudest: Activity,
    /// The most evidence there was, and when, since it was last called an anomaly.
    peak: f32,
    peak_at: Timestamp,
    /// When it was last called an anomaly.
    pub(super) alarmed: Option<Timestamp>,
    /// Connections it began, and how many of them to a service that was new to it; fading.
    pub(super) opened: f32,
    pub(super) opened_new: f32,
    /// How much of what surprises may be learned from it.
    pub(super) allowance: u8,
}

impl Endpoint {
    const FREE: Self = Self {
        key: 0,
        last: Timestamp::MIN,
        window: Timestamp::MIN,
        windows: 0.0,
        counts: [0; Activity::COUNT],
        means: [0.0; Activity::COUNT],
        settled: 0.0,
        current: 0.0,
        failures: 0.0,
        failed: 0,
        tried: 0,
        loudest: Activity::Opened,
        peak: 0.0,
        peak_at: Timestamp::MIN,
        alarmed: None,
        opened: 0.0,
        opened_new: 0.0,
        allowance: 16,
    };

    /// Evidence against the ordinary as it stands, in bits.
    pub(super) fn evidence(&self) -> f32 {
        evidence::mean(&[self.settled + self.current, self.failures])
    }

    /// The evidence that counts for a connection that lasted since `first`.
    pub(super) fn evidence_since(&self, first: Timestamp) -> f32 {
        let now = self.evidence();
        if self.peak_at.after(WINDOW) >= first { now.max(self.peak) } else { now }
    }

    /// How often an activity was counted in this window.
    pub(super) fn count(&self, activity: Activity) -> u32 {
        self.counts[activity as usize]
    }

    /// What a window usually holds of it.
    pub(super) fn usual(&self, activity: Activity) -> f32 {
        let own = self.means[activity as usize] * self.windows.min(HABIT);
        (own + ASSUMED * activity.assumed()) / (self.windows.min(HABIT) + ASSUMED)
    }

    /// First meetings that came to nothing, of how many.
    pub(super) const fn outcomes(&self) -> (u16, u16) {
        (self.failed, self.tried)
    }

    /// What its evidence is made of.
    pub(super) const fn terms(&self) -> [(TermKind, f32); 3] {
        [
            (TermKind::Minute, self.current),
            (TermKind::Before, self.settled),
            (TermKind::Failures, self.failures),
        ]
    }

    /// The range that holds 90 % of windows, as its habit has it.
    pub(super) fn expected(&self, activity: Activity) -> CountRange {
        let of = |share| count::quantile(share, self.usual(activity), SHAPE);
        CountRange { low: of(0.05), median: of(0.5), high: of(0.95) }
    }

    /// Whether the failure test speaks louder than the counts.
    pub(super) fn fails(&self) -> bool {
        self.failures > self.settled + self.current
    }

    /// It was called an anomaly: both tests begin anew.
    pub(super) fn alarm(&mut self, now: Timestamp) {
        self.alarmed = Some(now);
        (self.settled, self.current, self.failures) = (0.0, 0.0, 0.0);
        (self.failed, self.tried) = (0, 0);
    }

    /// Whether it was called an anomaly not long ago, so that what it does is explained by that.
    pub(super) fn is_alarmed(&self, now: Timestamp) -> bool {
        const EPISODE: Span = Span::from_secs(3_600);
        self.alarmed.is_some_and(|since| now.since(since) <= EPISODE)
    }
}

/// All endpoints that are remembered, and what the site's are like.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Endpoints {
    places: Vec<Endpoint>,
    /// What the windows of this site came to, by activity, in bits.
    pub(super) activity: [TailSketch; Activity::COUNT],
    /// First meetings that came to nothing, and all, fading.
    pub(super) failed: f32,
    pub(super) tried: f32,
    /// Wealth and share of windows that ended since somebody asked.
    over: Option<(f32, f32)>,
}

impl Endpoints {
    /// Room for about this many.
    pub(super) fn new(room: usize) -> Self {
        Self {
            places: vec![Endpoint::FREE; room.next_power_of_two().max(WAYS)],
            activity: Default::default(),
            failed: 2.0,
            tried: 16.0,
            over: None,
        }
    }

    /// The endpoint of a key, and whether it was not remembered. A new one takes a free place or
    /// that of the one silent for longest.
    pub(super) fn find(&mut self, key: u64, now: Timestamp) -> (&mut Endpoint, bool) {
        let key = key.max(1);
        let bucket = mix(key) as usize & (self.places.len() / WAYS - 1);
        let places = &mut self.places[bucket * WAYS..(bucket + 1) * WAYS];
        let known = places.iter().position(|place| place.key == key);
        let at = known.unwrap_or_else(|| {
            let oldest = places.iter().enumerate().min_by_key(|(_, place)| place.last);
            oldest.map_or(0, |(at, _)| at)
        });
        if known.is_none() {
            places[at] = Endpoint { key, window: now, ..Endpoint::FREE };
        }
        places[at].last = now;
        (&mut places[at], known.is_none())
    }

    /// The endpoint of a key, if it is remembered.
    pub(super) fn get(&self, key: u64) -> Option<&Endpoint> {
        let key = key.max(1);
        let bucket = mix(key) as usize & (self.places.len() / WAYS - 1);
        self.places[bucket * WAYS..(bucket + 1) * WAYS].iter().find(|place| place.key == key)
    }

    /// The endpoint did something; answers its evidence if that is worth a look.
    pub(super) fn count(&mut self, key: u64, activity: Activity, now: Timestamp) -> Option<f32> {
        self.turn(key, now);
        let (endpoint, _) = self.find(key, now);
        let at = activity as usize;
        endpoint.counts[at] = endpoint.counts[at].saturating_add(1);
        let seen = endpoint.counts[at];
        if !count::is_worth_a_look(seen) {
            return None;
        }
        let bits = count::bits(seen, endpoint.usual(activity), SHAPE);
        let share = share(&self.activity[at], bits);
        // All counts are looked at side by side, and the best of them is taken.
        let gained = evidence::bits(share) - (Activity::COUNT as f32).log2();
        let (endpoint, _) = self.find(key, now);
        if gained > endpoint.current {
            endpoint.current = gained;
            endpoint.loudest = activity;
        }
        Some(endpoint.look(now))
    }

    /// A first meeting came to something or nothing; answers the endpoint's evidence.
    pub(super) fn outcome(&mut self, key: u64, failed: bool, now: Timestamp) -> f32 {
        let usual = (self.failed / self.tried).clamp(0.02, 0.9);
        let failing = FAILING.max(f32::midpoint(usual, 1.0));
        let odds = if failed { failing / usual } else { (1.0 - failing) / (1.0 - usual) };
        let (endpoint, _) = self.find(key, now);
        if endpoint.failures <= 0.0 {
            (endpoint.failed, endpoint.tried) = (0, 0);
        }
        endpoint.failures = (endpoint.failures + odds.log2()).max(0.0);
        endpoint.failed = endpoint.failed.saturating_add(u16::from(failed));
        endpoint.tried = endpoint.tried.saturating_add(1);
        // One endpoint that scans must not make failing usual for all.
        let learned = endpoint.tried <= 8 && endpoint.alarmed.is_none();
        let seen = endpoint.look(now);
        if learned {
            let keep = 1.0 - 1.0 / OUTCOMES;
            self.failed = self.failed * keep + f32::from(u8::from(failed)) + 2.0 / OUTCOMES;
            self.tried = self.tried * keep + 1.0 + 16.0 / OUTCOMES;
        }
        seen
    }

    /// Of `tried` first meetings those that usually come to nothing here: the mean and 1.645 deviations
    /// of a binomial around it.
    pub(super) fn expected_failures(&self, tried: u16) -> CountRange {
        let (usual, tried) = ((self.failed / self.tried).clamp(0.02, 0.9), f32::from(tried));
        let mean = usual * tried;
        let around = 1.645 * (mean * (1.0 - usual)).sqrt();
        CountRange {
            low: (mean - around).max(0.0).round() as u32,
            median: mean.round() as u32,
            high: (mean + around).min(tried).round() as u32,
        }
    }

    /// A window that ended: the evidence its endpoint came to, and which share of it may be learned.
    pub(super) const fn take_over(&mut self) -> Option<(f32, f32)> {
        self.over.take()
    }

    /// Ends the endpoint's window if its time is over.
    fn turn(&mut self, key: u64, now: Timestamp) {
        let (endpoint, _) = self.find(key, now);
        // A clock set back ends it as well.
        if now >= endpoint.window && now.since(endpoint.window) < WINDOW {
            return;
        }
        let evidence = endpoint.evidence();
        let share = if endpoint.is_alarmed(now) { 1.0 / 16.0 } else { 1.0 };
        let counts = endpoint.counts;
        let usual = Activity::ALL.map(|activity| endpoint.usual(activity));
        let rate = 1.0 / (endpoint.windows.min(HABIT) + 1.0);
        for (mean, count) in endpoint.means.iter_mut().zip(counts) {
            // An attack must not become a habit at once.
            *mean += (count as f32 - *mean) * rate * share;
        }
        endpoint.windows += 1.0;
        endpoint.settled = (endpoint.settled + endpoint.current).max(0.0);
        // What was found long ago counts less: an hour halves it.
        let idle = now.since(endpoint.window).secs_f64() / 3_600.0;
        endpoint.settled *= (-idle).exp2() as f32;
        (endpoint.current, endpoint.counts, endpoint.window) = (-0.5, [0; Activity::COUNT], now);
        self.over = Some((evidence, share));
        for (activity, count) in Activity::ALL.into_iter().zip(counts) {
            if count > 0 {
                let at = activity as usize;
                let bits = count::bits(count, usual[at], SHAPE);
                self.activity[at].learn(bits, share, MEMORY);
            }
        }
    }

    /// Writes down what the site is like, and all endpoints.
    pub(super) fn encode(&self, out: &mut Writer) {
        self.activity.iter().for_each(|sketch| out.sketch(sketch));
        out.f32(self.failed);
        out.f32(self.tried);
        let known = || self.places.iter().filter(|place| place.key != 0);
        out.u32(known().count() as u32);
        known().for_each(|endpoint| endpoint.encode(out));
    }

    /// Reads what `encode` wrote; of too many endpoints those stay that were heard last.
    pub(super) fn read(&mut self, input: &mut Reader<'_>) -> Option<()> {
        for sketch in &mut self.activity {
            *sketch = input.sketch()?;
        }
        self.failed = input.f32()?.max(0.0);
        self.tried = input.f32()?.max(1.0);
        for _ in 0..input.u32()? {
            let read = Endpoint::read(input)?;
            let (place, _) = self.find(read.key, read.last);
            *place = read;
        }
        Some(())
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.places.capacity() * size_of::<Endpoint>()
    }
}

impl Endpoint {
    fn encode(&self, out: &mut Writer) {
        out.u64(self.key);
        [self.last, self.window, self.peak_at].into_iter().for_each(|time| out.time(time));
        out.time(self.alarmed.unwrap_or(Timestamp::MIN));
        self.counts.iter().for_each(|&count| out.u32(count));
        self.means.iter().for_each(|&mean| out.f32(mean));
        [self.windows, self.settled, self.current, self.failures, self.peak]
            .into_iter()
            .chain([self.opened, self.opened_new])
            .for_each(|number| out.f32(number));
        out.u16(self.failed);
        out.u16(self.tried);
        out.u8(self.loudest as u8);
        out.u8(self.allowance);
    }

    fn read(input: &mut Reader<'_>) -> Option<Self> {
        let mut read = Self { key: input.u64()?.max(1), ..Self::FREE };
        for time in [&mut read.last, &mut read.window, &mut read.peak_at] {
            *time = input.time()?;
        }
        read.alarmed = input.time().map(|at| (at != Timestamp::MIN).then_some(at))?;
        for count in &mut read.counts {
            *count = input.u32()?;
        }
        for mean in &mut read.means {
            *mean = input.f32()?;
        }
        for number in [
            &mut read.windows,
            &mut read.settled,
            &mut read.current,
            &mut read.failures,
            &mut read.peak,
            &mut read.opened,
            &mut read.opened_new,
        ] {
            *number = input.f32()?;
        }
        read.failed = input.u16()?;
        read.tried = input.u16()?;
        read.loudest = *Activity::ALL.get(usize::from(input.u8()?))?;
        read.allowance = input.u8()?;
        Some(read)
    }

    /// The evidence now; the most there was is kept.
    fn look(&mut self, now: Timestamp) -> f32 {
        let evidence = self.evidence();
        if evidence >= self.peak || now.since(self.peak_at) > WINDOW {
            (self.peak, self.peak_at) = (evidence, now);
        }
        evidence
    }
}

/// The share of the site's windows that came to as many bits; the bound itself speaks where few did.
fn share(sketch: &TailSketch, bits: f32) -> f32 {
    (sketch.above(bits) + RELIANCE * (-bits).exp2()) / (sketch.examples() + RELIANCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_fan_out_unlike_any_before_is_evidence_within_the_minute() {
        let mut endpoints = Endpoints::new(64);
        for second in 0..3_600 {
            endpoints.count(1, Activity::NewServices, at(second * 20_000));
        }
        let before = endpoints.get(1).unwrap().evidence();
        assert!(before < 6.0, "{before}");
        for step in 0..400 {
            endpoints.count(1, Activity::NewServices, at(72_000_000 + step * 10));
        }
        let endpoint = endpoints.get(1).unwrap();
        assert!(endpoint.evidence() > 9.0, "{}", endpoint.evidence());
        assert_eq!(endpoint.loudest, Activity::NewServices);
    }

    #[test]
    fn first_meetings_that_come_to_nothing_add_up_at_any_speed() {
        let mut endpoints = Endpoints::new(64);
        let mut evidence = 0.0;
        for hour in 0..7 {
            evidence = endpoints.outcome(1, true, at(hour * 3_600_000));
        }
        assert!(evidence > 10.0, "{evidence}");
        for hour in 8..20 {
            evidence = endpoints.outcome(1, false, at(hour * 3_600_000));
        }
        assert!(evidence < 2.0, "{evidence}");
    }

    #[test]
    fn a_full_table_forgets_the_one_silent_for_longest() {
        let mut endpoints = Endpoints::new(8);
        (1..=9).for_each(|key| {
            endpoints.find(key, at(key as i64));
        });
        assert!(endpoints.get(1).is_none() && endpoints.get(9).is_some());
    }

    #[test]
    fn a_clock_set_back_is_a_new_window_and_no_fault() {
        let mut endpoints = Endpoints::new(8);
        endpoints.count(1, Activity::Opened, at(1_000_000));
        endpoints.count(1, Activity::Opened, at(0));
        assert_eq!(endpoints.get(1).unwrap().count(Activity::Opened), 1);
    }
}
