//! Captures through a sensor, and the highest score each endpoint had.

use std::collections::HashMap;

use crate::bloom::{Mask, Stage, Weighting};
use crate::config::Config;
use crate::eval::EvalError;
use crate::eval::dataset::Found;
use crate::eval::detect::{Labels, Truth};
use crate::flow::{ConnectionId, HostHint};
use crate::sensor::{Event, Packet, Sensor};
use crate::source::{Capture, Source};
use crate::time::{Span, Timestamp};
use crate::wire::Address;

/// Between two captures in one sensor, beside two windows: every connection is over then, and every
/// target forgotten.
const BETWEEN: Span = Span::from_secs(3_600);
/// A silence counts for at most this much of a capture's length.
const SILENCE: Span = Span::from_secs(3_600);
/// A longer one within a capture is no silence: captures were glued together, or a clock was wrong.
const LEAP: i128 = 8 * DAY;
const DAY: i128 = 86_400_000_000_000;

/// An endpoint as far as it was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Endpoint {
    /// The highest score, and the categories it appeared in then.
    pub(super) peak: f64,
    pub(super) categories: Mask,
    /// Connections begun, and whether one of them was part of an attack, or surely of none.
    pub(super) began: u64,
    pub(super) is_attacker: bool,
    pub(super) is_known: bool,
}

/// One sensor, and what it came to.
pub(super) struct Line {
    sensor: Sensor,
    clock: Option<Timestamp>,
    shift: i128,
    between: i128,
    live: HashMap<u64, Address>,
    pub(super) endpoints: HashMap<Address, Endpoint>,
    pub(super) told: u64,
    pub(super) packets: u64,
    pub(super) hours: f64,
}

impl Line {
    /// A sensor of this weighting, cold, or with what a stage has seen by `since`.
    pub(super) fn new(
        config: &Config,
        weighting: Weighting,
        knows: Option<(&Stage, Option<Timestamp>)>,
    ) -> Result<Self, EvalError> {
        let wrong = |reason: String| EvalError::Sensor { reason };
        let mut config = config.clone();
        let name = super::WEIGHTINGS.iter().find(|(of, _)| *of == weighting).map_or("", |of| of.1);
        // Forecasts take no part in categories.
        for (key, value) in
            [("bloom.weighting", name), ("predict.enabled", "false"), ("model.kind", "markov")]
        {
            config.set(key, value).map_err(|error| wrong(error.to_string()))?;
        }
        let mut sensor = Sensor::new(&config).map_err(|error| wrong(error.to_string()))?;
        let mut clock = None;
        if let Some((stage, since)) = knows {
            sensor.set_stage(stage.clone());
            clock = since;
        }
        Ok(Self {
            sensor,
            clock,
            shift: 0,
            between: i128::from(BETWEEN.nanos()) + 2 * i128::from(config.bloom.window().nanos()),
            live: HashMap::new(),
            endpoints: HashMap::new(),
            told: 0,
            packets: 0,
            hours: 0.0,
        })
    }

    /// Plays a capture, on a later day at the hour at which it was taken.
    pub(super) fn play(&mut self, capture: &Found, labels: &Labels) {
        let Ok(mut file) = Capture::open(&capture.path) else { return };
        let (mut at, mut is_first) = (0, true);
        while let Ok(Some(packet)) = file.next() {
            let truth = labels.of(at);
            at += 1;
            if packet.synthetic {
                continue;
            }
            let leaps = self.clock.is_some_and(|clock| {
                i128::from(packet.time.nanos()) + self.shift > i128::from(clock.nanos()) + LEAP
            });
            let begins = std::mem::take(&mut is_first) || leaps;
            if begins {
                self.shift = self.days_to(packet.time);
            }
            let time = i128::from(packet.time.nanos()) + self.shift;
            let time = Timestamp::from_nanos(time.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
            if let Some(clock) = self.clock.filter(|_| !begins) {
                self.hours += time.since(clock).min(SILENCE).secs_f64() / 3_600.0;
            }
            self.clock = self.clock.max(Some(time));
            let verdict = self.sensor.push(&Packet {
                time,
                link: packet.link,
                data: packet.data,
                wire_len: packet.wire_len,
                host: HostHint::default(),
            });
            self.packets += 1;
            self.drain();
            if let Some(id) = verdict.connection {
                self.count(id, verdict.is_new, truth);
            }
        }
    }

    /// How far a capture is to be moved: whole days, to at least an hour after what came before.
    fn days_to(&self, begins: Timestamp) -> i128 {
        let Some(clock) = self.clock else { return 0 };
        let behind = i128::from(clock.nanos()) + self.between - i128::from(begins.nanos());
        behind.div_euclid(DAY) * DAY + if behind.rem_euclid(DAY) > 0 { DAY } else { 0 }
    }

    fn count(&mut self, id: ConnectionId, is_new: bool, truth: Truth) {
        if is_new && let Some((summary, _)) = self.sensor.connection(id) {
            let address = summary.key.address(summary.originator);
            self.live.insert(id.to_u64(), address);
            self.endpoints.entry(address).or_default().began += 1;
        }
        if let Some(endpoint) =
            self.live.get(&id.to_u64()).and_then(|address| self.endpoints.get_mut(address))
        {
            endpoint.is_attacker |= truth == Truth::Attack;
            endpoint.is_known |= truth != Truth::Unknown;
        }
    }

    /// Ends the last interval.
    pub(super) fn finish(&mut self) {
        self.sensor.finish();
        self.drain();
        self.look();
    }

    /// What the stage has seen, for others to begin with.
    pub(super) fn stage(&self) -> Option<(&Stage, Option<Timestamp>)> {
        self.sensor.stage().map(|stage| (stage, self.clock))
    }

    fn drain(&mut self) {
        let mut is_interval = false;
        while let Some(event) = self.sensor.poll() {
            match event {
                Event::Category(_) => is_interval = true,
                Event::Target(_) => self.told += 1,
                Event::Connection { summary, .. } => {
                    self.live.remove(&summary.id.to_u64());
                }
                _ => {}
            }
        }
        if is_interval {
            self.look();
        }
    }

    fn look(&mut self) {
        let Some(stage) = self.sensor.stage() else { return };
        for (address, peak, categories) in stage.peaks() {
            let endpoint = self.endpoints.entry(address).or_default();
            if peak > endpoint.peak {
                endpoint.peak = peak;
            }
            endpoint.categories |= categories;
        }
    }
}
