//! One device at a time falls silent in the middle of a capture: is its heartbeat missed?
//!
//! A device is the source of a cadence that the sensor believes in the middle of the capture (by
//! time), with at least four periods to come. From then on every packet to or from it is taken out.
//! It is detected if a missing heartbeat of it, as source or destination, is told within three periods of
//! the last beat. The untouched capture says how many are told falsely, or truly: a device that stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::config::Config;
use crate::eval::{EvalError, Split};
use crate::flow::HostHint;
use crate::predict::cadence::{Change, Heartbeat};
use crate::sensor::{OpenError, Packet, Sensor};
use crate::time::{Span, Timestamp};
use crate::wire::Address;

use super::frames::Frames;
use super::run::captures;
use super::tally::Untouched;
use super::watch::{order, watch};

/// Devices of one capture that are silenced, those with the most cadences first.
const MOST_DEVICES: usize = 8;

/// The figures of one source.
#[derive(Clone, Debug, Default)]
pub struct SilenceSource {
    /// Its name.
    pub name: String,
    /// Captures of it.
    pub captures: usize,
    /// Cadences believed in the middle of them.
    pub cadences: u64,
    /// Devices silenced.
    pub devices: u64,
    /// Of these, told of within three periods.
    pub detected: u64,
    /// Told of later.
    pub later: u64,
    /// No packet was left from the middle on, or all that was told was a silence of everything.
    pub silent: u64,
    /// Periods from the last beat to the event.
    pub periods: Vec<f64>,
    /// What was told of the untouched captures.
    pub untouched: Untouched,
}

/// All figures.
#[derive(Clone, Debug)]
pub struct SilenceReport {
    /// By source.
    pub sources: Vec<SilenceSource>,
    /// Captures that broke off, and why.
    pub broken: Vec<String>,
}

impl SilenceReport {
    /// The sum of all sources.
    #[must_use]
    pub fn overall(&self) -> SilenceSource {
        let mut all = SilenceSource { name: "all".to_owned(), ..SilenceSource::default() };
        for source in &self.sources {
            all.captures += source.captures;
            all.cadences += source.cadences;
            all.devices += source.devices;
            all.detected += source.detected;
            all.later += source.later;
            all.silent += source.silent;
            all.periods.extend(&source.periods);
            all.untouched.add(&source.untouched);
        }
        all
    }
}

/// Runs it over the captures of `class` under `folders`.
///
/// # Errors
///
/// When a folder can't be read, holds no such capture, or the sensor does not open.
pub fn silence(
    folders: &[PathBuf],
    class: &str,
    split: &Split,
    config: &Config,
) -> Result<SilenceReport, EvalError> {
    let mut sources: BTreeMap<String, SilenceSource> = BTreeMap::new();
    let mut broken = Vec::new();
    for capture in captures(folders, class, split)? {
        let (frames, error) = Frames::read(&capture.path, config.wire.tunnels());
        broken.extend(error.map(|error| error.to_string()));
        let source = sources.entry(capture.source.clone()).or_insert_with(|| SilenceSource {
            name: capture.source.clone(),
            ..SilenceSource::default()
        });
        source.captures += 1;
        one(&frames, config, source)
            .map_err(|error| EvalError::Sensor { reason: error.to_string() })?;
    }
    Ok(SilenceReport { sources: sources.into_values().collect(), broken })
}

fn one(frames: &Frames, config: &Config, source: &mut SilenceSource) -> Result<(), OpenError> {
    let Some((first, last)) = frames.span() else { return Ok(()) };
    let seen = watch(frames, &order(frames, &[], None), config, None)?;
    let told = |change| seen.heartbeats.iter().filter(|beat| beat.change == change).count() as u64;
    source.untouched.add(&Untouched {
        seconds: frames.seconds(),
        stopped: told(Change::Stopped),
        silences: told(Change::Silence),
        ..Untouched::default()
    });
    let middle = first.after(Span::from_nanos(last.since(first).nanos() / 2));
    let cadences = held_at(frames, config, middle)?;
    source.cadences += cadences.len() as u64;
    let mut devices: BTreeMap<Address, u64> = BTreeMap::new();
    for cadence in &cadences {
        if last.since(middle).nanos() >= cadence.period.nanos().saturating_mul(4) {
            *devices.entry(cadence.source).or_default() += 1;
        }
    }
    let mut devices: Vec<(u64, Address)> =
        devices.into_iter().map(|(address, count)| (count, address)).collect();
    devices.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, device) in devices.into_iter().take(MOST_DEVICES) {
        stop(frames, config, middle, device, source)?;
    }
    Ok(())
}

/// Takes one device out from the middle on.
fn stop(
    frames: &Frames,
    config: &Config,
    middle: Timestamp,
    device: Address,
    source: &mut SilenceSource,
) -> Result<(), OpenError> {
    let is_its = |ends: super::frames::Ends| ends.from.0 == device || ends.to.0 == device;
    let chosen: Vec<bool> = frames
        .all
        .iter()
        .map(|frame| {
            frame.time >= middle && frame.content.is_some_and(|content| is_its(content.ends))
        })
        .collect();
    let seen = watch(frames, &order(frames, &chosen, None), config, None)?;
    source.devices += 1;
    let after = seen.heartbeats.iter().filter(|beat| beat.time >= middle);
    let of_it = after.clone().find(|beat| {
        beat.change == Change::Stopped && (beat.source == device || beat.destination == device)
    });
    if let Some(beat) = of_it {
        let periods = beat.time.since(beat.last).secs_f64() / beat.period.secs_f64();
        source.periods.push(periods);
        if periods <= 3.0 {
            source.detected += 1;
        } else {
            source.later += 1;
        }
    } else if after.clone().any(|beat| beat.change == Change::Silence)
        || is_empty(frames, &chosen, middle)
    {
        source.silent += 1;
    }
    Ok(())
}

/// Whether nothing is left from the middle on, so that time does not even go on.
fn is_empty(frames: &Frames, chosen: &[bool], middle: Timestamp) -> bool {
    let mut left =
        frames.all.iter().zip(chosen).filter(|(frame, gone)| !**gone && frame.time >= middle);
    left.next().is_none()
}

/// The cadences that a sensor believes at `until`, one for each source and destination.
fn held_at(
    frames: &Frames,
    config: &Config,
    until: Timestamp,
) -> Result<Vec<Heartbeat>, OpenError> {
    let mut sensor = Sensor::new(config)?;
    for frame in frames.all.iter().take_while(|frame| frame.time < until) {
        sensor.push(&Packet {
            time: frame.time,
            link: frame.link,
            data: frames.data(frame),
            wire_len: frame.wire_len,
            host: HostHint::default(),
        });
        while sensor.poll().is_some() {}
    }
    let mut pairs = BTreeSet::new();
    let mut held: Vec<Heartbeat> = sensor.cadences().collect();
    held.sort_by_key(|beat| beat.period);
    held.retain(|beat| pairs.insert((beat.source, beat.destination, beat.service)));
    Ok(held)
}
