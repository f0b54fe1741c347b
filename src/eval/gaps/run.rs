//! From folders to a report: every capture untouched, then with packets taken out.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use crate::config::Config;
use crate::eval::dataset::{Found, find};
use crate::eval::{EvalError, Part, Split};
use crate::predict::Outcome;
use crate::sensor::OpenError;

use super::baselines::{Baselines, Rule};
use super::deletion::Deletion;
use super::frames::{Class, Frames};
use super::matching::{Lost, by_bytes, by_time, lost};
use super::tally::{Tally, Untouched};
use super::watch::{Claim, Watched, order, watch};

/// The figures of one source.
#[derive(Clone, Debug, Default)]
pub struct GapSource {
    /// Its name.
    pub name: String,
    /// Whether constants of the baselines are chosen on it.
    pub trains: bool,
    /// Captures of it.
    pub captures: usize,
    /// Packets in them.
    pub packets: u64,
    /// What was found, by place in [`Class::ALL`].
    pub classes: [Tally; 5],
    /// UDP and pure acknowledgements on connections where the forecast beats its baseline.
    pub ahead: Tally,
    /// The same by each of [`Rule::ALL`].
    pub rules: Vec<Tally>,
    /// What was said of the untouched captures.
    pub untouched: Untouched,
}

/// A rule with the constant that did best on the training sources.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Chosen {
    /// The rule.
    pub rule: Rule,
    /// Its place in [`Rule::ALL`].
    pub place: usize,
}

/// All figures.
#[derive(Clone, Debug)]
pub struct GapReport {
    /// How packets were taken out.
    pub deletion: Deletion,
    /// How many true inter-arrivals a time may be off.
    pub tolerance: f64,
    /// The quantile that deadlines are set at.
    pub quantile: f64,
    /// By source.
    pub sources: Vec<GapSource>,
    /// The three baselines.
    pub chosen: Vec<Chosen>,
    /// Whether there were training sources to choose them on; else all were taken.
    pub trained: bool,
    /// Captures that broke off, and why.
    pub broken: Vec<String>,
}

impl GapReport {
    /// The sum of all sources.
    #[must_use]
    pub fn overall(&self) -> GapSource {
        let mut all = GapSource {
            name: "all".to_owned(),
            rules: vec![Tally::default(); Rule::ALL.len()],
            ..GapSource::default()
        };
        for source in &self.sources {
            all.captures += source.captures;
            all.packets += source.packets;
            for (sum, one) in all.classes.iter_mut().zip(&source.classes) {
                sum.add(one);
            }
            all.ahead.add(&source.ahead);
            for (sum, one) in all.rules.iter_mut().zip(&source.rules) {
                sum.add(one);
            }
            all.untouched.add(&source.untouched);
        }
        all
    }
}

/// Runs it all over the captures of `class` under `folders`.
///
/// # Errors
///
/// When a folder can't be read, holds no such capture, or the sensor does not open.
pub fn gaps(
    folders: &[PathBuf],
    class: &str,
    split: &Split,
    config: &Config,
    deletion: Deletion,
    tolerance: f64,
) -> Result<GapReport, EvalError> {
    let training: HashSet<&str> = split.named(class).collect();
    let mut sources: BTreeMap<String, GapSource> = BTreeMap::new();
    let mut broken = Vec::new();
    for capture in captures(folders, class, split)? {
        let (frames, error) = Frames::read(&capture.path, config.wire.tunnels());
        broken.extend(error.map(|error| error.to_string()));
        let source = sources.entry(capture.source.clone()).or_insert_with(|| GapSource {
            name: capture.source.clone(),
            trains: !training.contains(capture.source.as_str()),
            rules: vec![Tally::default(); Rule::ALL.len()],
            ..GapSource::default()
        });
        source.captures += 1;
        source.packets += frames.all.len() as u64;
        let one = One { frames: &frames, config, deletion, tolerance };
        one.run(&capture.name, source)
            .map_err(|error| EvalError::Sensor { reason: error.to_string() })?;
    }
    let sources: Vec<GapSource> = sources.into_values().collect();
    let trained = sources.iter().any(|source| source.trains);
    let chosen = choose(sources.iter().filter(|source| source.trains || !trained));
    let quantile = config.predict.quantile();
    Ok(GapReport { deletion, tolerance, quantile, sources, chosen, trained, broken })
}

/// The captures of a class; none at all is an error.
pub(super) fn captures(
    folders: &[PathBuf],
    class: &str,
    split: &Split,
) -> Result<Vec<Found>, EvalError> {
    let found = find(folders, class, split)?;
    if found.is_empty() {
        let paths = folders.iter().map(|folder| folder.display().to_string()).collect();
        return Err(EvalError::NoCaptures { paths, class: class.to_owned() });
    }
    Ok(found)
}

struct One<'a> {
    frames: &'a Frames,
    config: &'a Config,
    deletion: Deletion,
    tolerance: f64,
}

impl One<'_> {
    fn run(&self, name: &str, source: &mut GapSource) -> Result<(), OpenError> {
        let Self { frames, config, deletion, tolerance } = *self;
        let untouched = watch(frames, &order(frames, &[], None), config, None)?;
        source.untouched.add(&self.untouched(&untouched));
        let chosen = deletion.choose(frames, name);
        let turns = order(frames, &chosen, deletion.delay);
        let mut baselines = Baselines::new(config.predict.min_packets());
        let seen = watch(frames, &turns, config, Some(&mut baselines))?;
        let lost = lost(frames, &chosen, &seen.ahead);
        for (class, tally) in Class::ALL.into_iter().zip(&mut source.classes) {
            if class == Class::Data {
                tally.add(&by_bytes(&lost, &seen.claims, &untouched.claims));
                continue;
            }
            let gone: Vec<&Lost> = lost.iter().filter(|one| one.class == class).collect();
            let said: Vec<&Claim> =
                seen.claims.iter().filter(|claim| claim.class == class).collect();
            tally.add(&by_time(&gone, &said, &untouched.claims, tolerance));
        }
        let timed = |class, ahead| matches!(class, Class::Udp | Class::Ack) && ahead;
        let gone: Vec<&Lost> = lost.iter().filter(|one| timed(one.class, one.ahead)).collect();
        let ahead_of = |claims: &[Claim]| {
            let said: Vec<&Claim> =
                claims.iter().filter(|claim| timed(claim.class, claim.ahead)).collect();
            by_time(&gone, &said, &untouched.claims, tolerance)
        };
        source.ahead.add(&ahead_of(&seen.claims));
        for (tally, claims) in source.rules.iter_mut().zip(&baselines.claims) {
            tally.add(&ahead_of(claims));
        }
        Ok(())
    }

    fn untouched(&self, seen: &Watched) -> Untouched {
        let seconds = self.frames.seconds();
        let mut figures =
            Untouched { packets: seen.with_deadline, seconds, ..Untouched::default() };
        let overdue = seen.claims.iter().filter(|claim| !claim.is_gap);
        for claim in overdue {
            figures.overdue += u64::from(claim.run == 1);
            let outcome = claim.outcome.unwrap_or(Outcome::Phantom);
            if let Some(place) = Outcome::ALL.iter().position(|one| *one == outcome) {
                figures.outcomes[place] += 1;
            }
        }
        if self.is_one_way() {
            figures.one_way = figures.outcomes.iter().sum();
        }
        for heartbeat in &seen.heartbeats {
            match heartbeat.change {
                crate::predict::cadence::Change::Stopped => figures.stopped += 1,
                crate::predict::cadence::Change::Silence => figures.silences += 1,
                crate::predict::cadence::Change::Resumed => {}
            }
        }
        figures
    }

    /// Whether no connection has packets of both sides.
    fn is_one_way(&self) -> bool {
        let contents = self.frames.all.iter().filter_map(|frame| frame.content);
        let ends: HashSet<_> = contents.map(|content| content.ends).collect();
        let connections: HashSet<_> = ends.iter().map(|ends| ends.connection()).collect();
        ends.len() == connections.len()
    }
}

/// Of each kind of rule the constant with the best F1.
fn choose<'a>(sources: impl Iterator<Item = &'a GapSource>) -> Vec<Chosen> {
    let mut sums = vec![Tally::default(); Rule::ALL.len()];
    for source in sources {
        for (sum, one) in sums.iter_mut().zip(&source.rules) {
            sum.add(one);
        }
    }
    let mut chosen: Vec<Chosen> = Vec::new();
    for (place, rule) in Rule::ALL.into_iter().enumerate() {
        let better = |other: &Chosen| sums[place].f1() > sums[other.place].f1();
        match chosen.last_mut().filter(|last| last.rule.name() == rule.name()) {
            Some(last) if better(last) => *last = Chosen { rule, place },
            Some(_) => {}
            None => chosen.push(Chosen { rule, place }),
        }
    }
    chosen
}

/// Which part of the split a source belongs to, for whoever reads the table.
pub(super) const fn part(trains: bool) -> Part {
    if trains { Part::Training } else { Part::HeldOut }
}
