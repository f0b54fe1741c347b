//! `foreshadow eval`: how good the forecasts are, and the verdicts.

use std::path::{Path, PathBuf};

use super::Failure;
use super::args::{CategoriesArgs, DetectArgs, EvalAction, ForecastArgs, WarmArgs};
use crate::eval::categories;
use crate::eval::detect::{self, Task, TrainClean};
use crate::eval::{self, Capture, Dataset, EvalError, Part, Report, Split};

/// What models are trained on: whatever else is scored, only ordinary traffic teaches.
const TAUGHT: &str = "benign";

pub(super) fn eval(action: &EvalAction) -> Result<(), Failure> {
    match action {
        EvalAction::Forecast(args) => forecast(args),
        EvalAction::Warm(args) => warm(args),
        EvalAction::Detect(args) => detect(args),
        EvalAction::Categories(args) => categories(args),
        EvalAction::Gaps(args) => super::eval_gaps::gaps(args),
    }
}

fn detect(args: &DetectArgs) -> Result<(), Failure> {
    let usage = |error: EvalError| Failure::Usage(error.to_string());
    let split = args.split.as_ref().map_or_else(|| Ok(Split::shipped()), |path| Split::read(path));
    let task = Task {
        data: args.data.clone(),
        split: split.map_err(usage)?,
        train_clean: match args.train_clean.as_str() {
            "none" => TrainClean::Nothing,
            "source" => TrainClean::SameSource,
            folder => TrainClean::Folders(vec![folder.into()]),
        },
        config: super::configure(args.config.as_deref(), &args.settings)?,
    };
    let report = detect::measure(&task).map_err(usage)?;
    if let Some(path) = &args.plot {
        write_picture(path, &detect::svg(&report))?;
    }
    super::print(&if args.json { detect::json(&report) } else { detect::table(&report) })
}

fn categories(args: &CategoriesArgs) -> Result<(), Failure> {
    let usage = |error: EvalError| Failure::Usage(error.to_string());
    let split = args.split.as_ref().map_or_else(|| Ok(Split::shipped()), |path| Split::read(path));
    let task = categories::Task {
        data: args.data.clone(),
        split: split.map_err(usage)?,
        config: super::configure(args.config.as_deref(), &args.settings)?,
    };
    let report = categories::measure(&task).map_err(usage)?;
    super::print(&if args.json { categories::json(&report) } else { categories::table(&report) })
}

fn write_picture(path: &Path, picture: &str) -> Result<(), Failure> {
    std::fs::write(path, picture)
        .map_err(|error| Failure::Output(format!("{}: cannot be written: {error}", path.display())))
}

fn warm(args: &WarmArgs) -> Result<(), Failure> {
    let data = read(&args.data, &args.class, &Split::nothing_kept())
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let captures: Vec<&Capture> = data.captures().iter().collect();
    let sources = eval::warm(&captures);
    super::print(&if args.json { eval::warm_json(&sources) } else { eval::warm_table(&sources) })
}

fn forecast(args: &ForecastArgs) -> Result<(), Failure> {
    let report = if args.train.is_empty() { by_split(args) } else { apart(args) };
    let report = report.map_err(|error| Failure::Usage(error.to_string()))?;
    if let Some(path) = &args.plot {
        write_picture(path, &eval::svg(&report))?;
    }
    super::print(&if args.json { eval::json(&report) } else { eval::table(&report) })
}

/// Trains on the split's training sources and scores another part of it.
fn by_split(args: &ForecastArgs) -> Result<Report, EvalError> {
    let split = match &args.split {
        Some(path) => Split::read(path)?,
        None => Split::shipped(),
    };
    let part = args.part.into();
    let data = read(&args.data, &args.class, &split)?;
    let taught = if args.class == TAUGHT { None } else { Some(read(&args.data, TAUGHT, &split)?) };
    let scored = eval::part_of(&data, &args.class, &split, part)?;
    let training = eval::part_of(taught.as_ref().unwrap_or(&data), TAUGHT, &split, Part::Training)?;
    let mut report = compare(args, &training, &scored)?;
    report.part = Some(part);
    report.split = Some(split.origin().to_owned());
    report.data = names(&args.data);
    Ok(report)
}

/// Trains on some folders and scores all of others.
fn apart(args: &ForecastArgs) -> Result<Report, EvalError> {
    let split = Split::nothing_kept();
    let data = read(&args.data, &args.class, &split)?;
    let taught = read(&args.train, TAUGHT, &split)?;
    let training: Vec<&Capture> = taught.captures().iter().collect();
    let scored: Vec<&Capture> = data.captures().iter().collect();
    let mut report = compare(args, &training, &scored)?;
    report.data = names(&args.data);
    Ok(report)
}

/// Reads captures; one that breaks off counts up to there, which is said and no more.
fn read(folders: &[PathBuf], class: &str, split: &Split) -> Result<Dataset, EvalError> {
    let data = Dataset::read(folders, class, split)?;
    for broken in data.broken() {
        eprintln!("foreshadow: {broken}");
    }
    Ok(data)
}

fn compare(
    args: &ForecastArgs,
    training: &[&Capture],
    scored: &[&Capture],
) -> Result<Report, EvalError> {
    let files = args.model.iter().map(|path| model(path)).collect::<Result<Vec<_>, _>>()?;
    let mut models =
        if args.model_only { eval::models_of(&files)? } else { eval::line_up_with(&files)? };
    let trained = eval::train(&mut models, training);
    let mut report = eval::measure(&mut models, scored);
    report.training = trained;
    Ok(report)
}

/// A model file's name, as a column has it, and its content.
fn model(path: &Path) -> Result<(String, Vec<u8>), EvalError> {
    let name = path.file_stem().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    match std::fs::read(path) {
        Ok(content) => Ok((name, content)),
        Err(error) => {
            Err(EvalError::Model { name: path.display().to_string(), error: error.to_string() })
        }
    }
}

fn names(folders: &[PathBuf]) -> Vec<String> {
    folders.iter().map(|folder| folder.display().to_string()).collect()
}
