//! Training and scoring: every model over the same packets in the same order.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::{
    Baseline, Capture, Dataset, EvalError, Extent, Forecaster, ModelReport, Online, Packet, Part,
    Report, Score, SourceReport, Split,
};
use crate::flow::Slot;

/// The models that are always measured, and those of model files, which are named and given whole.
///
/// # Errors
///
/// When a model file can't be used.
pub fn line_up_with(files: &[(String, Vec<u8>)]) -> Result<Vec<Box<dyn Forecaster>>, EvalError> {
    let mut models = line_up();
    models.extend(models_of(files)?);
    Ok(models)
}

/// The models of model files alone.
///
/// # Errors
///
/// When one of them can't be used.
pub fn models_of(files: &[(String, Vec<u8>)]) -> Result<Vec<Box<dyn Forecaster>>, EvalError> {
    let mut models = Vec::new();
    for (name, file) in files {
        let found = Online::of_file(name, file);
        let found = found
            .map_err(|error| EvalError::Model { name: name.clone(), error: error.to_string() })?;
        models.extend(found.into_iter().map(|model| Box::new(model) as Box<dyn Forecaster>));
    }
    Ok(models)
}

/// The models that are always measured.
#[must_use]
pub fn line_up() -> Vec<Box<dyn Forecaster>> {
    vec![
        Box::new(Baseline::uniform()),
        Box::new(Baseline::marginal()),
        Box::new(Baseline::per_protocol()),
        Box::new(Baseline::markov(1)),
        Box::new(Baseline::markov(2)),
        Box::new(Baseline::markov(3)),
        Box::new(Online::markov()),
        Box::new(Online::adaptive()),
    ]
}

/// The captures of a part of the split, of one class.
///
/// # Errors
///
/// When the split names a source that the data lacks, or the part is empty.
pub fn part_of<'a>(
    data: &'a Dataset,
    class: &str,
    split: &Split,
    part: Part,
) -> Result<Vec<&'a Capture>, EvalError> {
    let known = data.sources();
    if let Some(missing) = split.named(class).find(|source| !known.contains(source)) {
        return Err(EvalError::NoSuchSource {
            origin: split.origin().to_owned(),
            class: class.to_owned(),
            source: missing.to_owned(),
            known: known.into_iter().map(str::to_owned).collect(),
        });
    }
    let captures = data.captures().iter();
    let captures: Vec<_> =
        captures.filter(|capture| split.part(class, &capture.source) == part).collect();
    if !captures.is_empty() {
        return Ok(captures);
    }
    let origin = split.origin().to_owned();
    Err(match part {
        Part::Training => EvalError::NothingToTrainOn { origin },
        _ => EvalError::NothingToScore { origin, class: class.to_owned(), part: part.name() },
    })
}

/// Trains every model that trains here on the captures, in their order.
pub fn train(models: &mut [Box<dyn Forecaster>], captures: &[&Capture]) -> Extent {
    for model in models {
        if model.trains() {
            for capture in captures {
                drive(&mut **model, capture, |_, _| {});
            }
        }
        model.trained();
    }
    extent(captures)
}

/// Scores every model on the captures.
pub fn measure(models: &mut [Box<dyn Forecaster>], captures: &[&Capture]) -> Report {
    let mut sources: BTreeMap<&str, Vec<&Capture>> = BTreeMap::new();
    for capture in captures.iter().filter(|capture| capture.scored() > 0) {
        sources.entry(&capture.source).or_default().push(capture);
    }
    let mut report = Report {
        data: Vec::new(),
        class: captures.first().map_or(String::new(), |capture| capture.class.clone()),
        part: None,
        split: None,
        training: Extent::default(),
        scored: extent(captures),
        models: Vec::new(),
        sources: Vec::new(),
    };
    for (name, captures) in &sources {
        let (name, captures) = ((*name).to_owned(), captures.len());
        report.sources.push(SourceReport { name, captures, scores: Vec::new() });
    }
    for model in models {
        let started = Instant::now();
        let mut overall = Score::default();
        for (captures, source) in sources.values().zip(&mut report.sources) {
            let score = score(&mut **model, captures);
            overall.merge(&score);
            source.scores.push(score);
        }
        report.models.push(ModelReport {
            name: model.name().to_owned(),
            about: model.about().to_owned(),
            seconds: started.elapsed().as_secs_f64(),
            overall,
        });
    }
    report
}

fn score(model: &mut dyn Forecaster, captures: &[&Capture]) -> Score {
    let mut score = Score::default();
    for capture in captures {
        drive(model, capture, |model, packet| {
            let ahead = model.ahead(Slot(packet.connection));
            let bits = model.bits(Slot(packet.connection), &packet.facts);
            score.add(&packet.facts, bits, ahead.as_ref());
        });
    }
    score
}

/// Leads a model through a capture; `before` is called ahead of every packet but a connection's first.
fn drive(
    model: &mut dyn Forecaster,
    capture: &Capture,
    mut before: impl FnMut(&mut dyn Forecaster, &Packet),
) {
    model.restart();
    for packet in capture.packets() {
        let slot = Slot(packet.connection);
        if packet.facts.position == 0 {
            let began = capture.began(packet.connection);
            if let Some(over) = began.replaces {
                model.end(Slot(over));
            }
            model.begin(slot, &began.origin);
        } else {
            before(model, packet);
        }
        model.learn(slot, &packet.facts);
    }
}

/// How much there is in the captures that have a packet to score at all.
fn extent(captures: &[&Capture]) -> Extent {
    let mut extent = Extent::default();
    let mut sources = BTreeSet::new();
    for capture in captures.iter().filter(|capture| capture.scored() > 0) {
        sources.insert(&capture.source);
        extent.captures += 1;
        extent.packets += capture.scored();
    }
    Extent { sources: sources.len(), ..extent }
}
