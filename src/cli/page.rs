//! `--report`: where the page goes, what may not be written over, and what it says of the run.

use std::path::Path;

use super::Failure;
use super::args::RunArgs;
use super::rebuild::would_replace;
use crate::config::Config;
use crate::sensor::Sensor;
use crate::sink::{About, Report};

/// Refuses what could not be written without harm, before anything is opened.
pub(super) fn check(args: &RunArgs) -> Result<(), Failure> {
    let Some(path) = &args.report else { return Ok(()) };
    match would_replace(&args.read, [path.clone(), Report::part(path)]) {
        None => Ok(()),
        Some(input) => Err(Failure::Usage(format!(
            "--report {}: would be written over {}, which is read",
            path.display(),
            input.display()
        ))),
    }
}

/// Begins the page, if one is asked for.
pub(super) fn create(
    args: &RunArgs,
    config: &Config,
    sensor: &Sensor,
) -> Result<Option<Report>, Failure> {
    let Some(path) = &args.report else { return Ok(None) };
    let name = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).display().to_string();
    let about = About {
        inputs: match &args.interface {
            Some(interface) => vec![interface.clone()],
            None => args.read.iter().map(|path| name(path)).collect(),
        },
        model: sensor.model_name().to_owned(),
        false_alarms: config.score.false_alarms_per_million() / 1e6,
        alarms_per_day: config.score.alarms_per_day(),
        warm_up: config.score.warm_up(),
    };
    Ok(Some(Report::create(path, about)?))
}
