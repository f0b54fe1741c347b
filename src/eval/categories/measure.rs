//! All captures, under both weightings.

use crate::eval::dataset::{Found, find};
use crate::eval::detect::{Labels, Roc, Truth};
use crate::eval::{EvalError, Part};

use super::drive::{Endpoint, Line};
use super::kinds::Kinds;
use super::report::{BenignSource, CaptureReport, CategoriesReport, Scored};
use super::{Task, WEIGHTINGS, cost};

/// Endpoints of one capture and truth that count, those that began most connections: a flood from forty
/// thousand invented addresses is one attack.
const ENDPOINTS: usize = 100;

type Examples = [Vec<(f32, bool)>; WEIGHTINGS.len()];

/// Measures everything the task names.
///
/// # Errors
///
/// When a folder can't be read, there is nothing to measure, or no sensor can be made.
pub fn measure(task: &Task) -> Result<CategoriesReport, EvalError> {
    let of = |class: &str| find(&task.data, class, &task.split);
    let (benign, attacks, mixed) = (of("benign")?, of("attack")?, of("mixed")?);
    let mut labelled = Vec::new();
    for capture in &mixed {
        if let Some(labels) = Labels::beside(capture)? {
            labelled.push((capture, labels));
        }
    }
    if benign.is_empty() && attacks.is_empty() && labelled.is_empty() {
        let paths = task.data.iter().map(|folder| folder.display().to_string()).collect();
        return Err(EvalError::NoCaptures { paths, class: "benign, attack or mixed".to_owned() });
    }
    let kinds = Kinds::read(&task.data);
    let mut report = CategoriesReport {
        names: task.config.categories().iter().map(|category| category.name.to_string()).collect(),
        thresholds: WEIGHTINGS
            .map(|(weighting, _)| task.config.bloom.threshold().unwrap_or(weighting.threshold())),
        ..CategoriesReport::default()
    };
    let is_training = |it: &Found| task.split.part("benign", &it.source) == Part::Training;
    let mut pools: [Examples; 3] = Default::default();
    for (number, (weighting, _)) in WEIGHTINGS.into_iter().enumerate() {
        let mut knows = Line::new(&task.config, weighting, None)?;
        for capture in benign.iter().filter(|it| is_training(it)) {
            knows.play(capture, &Labels::Whole(Truth::Benign));
        }
        knows.finish();
        let alone = |capture: &Found, labels: &Labels| -> Result<Line, EvalError> {
            let mut line = Line::new(&task.config, weighting, knows.stage())?;
            line.play(capture, labels);
            line.finish();
            Ok(line)
        };
        let ordinary = benign.iter().filter(|it| !is_training(it));
        for (index, capture) in ordinary.enumerate() {
            let line = alone(capture, &Labels::Whole(Truth::Benign))?;
            if number == 0 {
                report.ordinary.push([0.0; WEIGHTINGS.len()]);
            }
            let best = best(&line);
            report.ordinary[index][number] = best.score;
            pools[0][number].push((best.score as f32, false));
            pools[1][number].extend(examples(&line));
        }
        let whole = attacks.iter().map(|capture| (capture, &Labels::Whole(Truth::Attack)));
        let each = labelled.iter().map(|(capture, labels)| (*capture, labels));
        for (index, (capture, labels)) in whole.chain(each).enumerate() {
            let line = alone(capture, labels)?;
            if number == 0 {
                report.captures.push(CaptureReport {
                    name: format!("{}/{}", capture.source, capture.name),
                    kind: kinds.of(&capture.path).unwrap_or(&capture.class).to_owned(),
                    packets: line.packets,
                    scores: Default::default(),
                });
            }
            let best = best(&line);
            pools[0][number].push((best.score as f32, true));
            pools[1][number].extend(examples(&line));
            if matches!(labels, Labels::Each(_)) {
                pools[2][number].extend(examples(&line));
            }
            report.captures[index].scores[number] = best;
        }
        sources(task, &benign, number, &mut report)?;
    }
    let [by_capture, by_target, by_labelled] = pools;
    report.by_capture = by_capture.map(|examples| Roc::of(&examples));
    report.by_target = by_target.map(|examples| Roc::of(&examples));
    report.by_labelled_target = by_labelled.map(|examples| Roc::of(&examples));
    let all: Vec<&Found> = mixed.iter().chain(&attacks).chain(&benign).collect();
    (report.cost, report.cost_packets) = cost::measure(&all, &task.config)?;
    Ok(report)
}

/// Each benign source in a sensor of its own that begins cold, as a site does.
fn sources(
    task: &Task,
    benign: &[Found],
    number: usize,
    report: &mut CategoriesReport,
) -> Result<(), EvalError> {
    for (index, captures) in benign.chunk_by(|a, b| a.source == b.source).enumerate() {
        let mut line = Line::new(&task.config, WEIGHTINGS[number].0, None)?;
        for capture in captures {
            line.play(capture, &Labels::Whole(Truth::Benign));
        }
        line.finish();
        if number == 0 {
            let name = captures[0].source.clone();
            report.benign.push(BenignSource {
                part: task.split.part("benign", &name),
                name,
                captures: captures.len(),
                hours: line.hours,
                told: [0; WEIGHTINGS.len()],
                peaks: Default::default(),
            });
        }
        let source = &mut report.benign[index];
        source.told[number] = line.told;
        let peaks = line.endpoints.values().map(|endpoint| endpoint.peak);
        source.peaks[number] = peaks.filter(|peak| *peak > 0.0).collect();
        source.peaks[number].sort_by(f64::total_cmp);
    }
    Ok(())
}

/// The target that scored highest; of equal ones that in most categories.
fn best(line: &Line) -> Scored {
    let rank = |endpoint: &Endpoint| (endpoint.peak, endpoint.categories.count_ones());
    let best = line.endpoints.iter().max_by(|(one, a), (other, b)| {
        let (a, b) = (rank(a), rank(b));
        a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(one.bytes().cmp(other.bytes()))
    });
    best.map_or_else(Scored::default, |(address, endpoint)| Scored {
        score: endpoint.peak,
        address: address.to_string(),
        categories: endpoint.categories,
        told: line.told,
    })
}

/// Endpoints that began connections of which the truth is known.
fn examples(line: &Line) -> Vec<(f32, bool)> {
    let mut all: Vec<&Endpoint> =
        line.endpoints.values().filter(|it| it.began > 0 && it.is_known).collect();
    all.sort_by(|a, b| b.began.cmp(&a.began).then(b.peak.total_cmp(&a.peak)));
    let of =
        |attacker: bool| all.iter().filter(move |it| it.is_attacker == attacker).take(ENDPOINTS);
    of(true).chain(of(false)).map(|it| (it.peak as f32, it.is_attacker)).collect()
}
