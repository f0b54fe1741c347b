//! `foreshadow eval gaps`: packets taken out of captures, and what was found of them.

use super::Failure;
use super::args::GapsArgs;
use crate::config::Config;
use crate::eval::Split;
use crate::eval::gaps::{self, Deletion};
use crate::time::Span;

pub(super) fn gaps(args: &GapsArgs) -> Result<(), Failure> {
    let config = configure(&args.settings)?;
    let split = Split::shipped();
    let usage = |error: crate::eval::EvalError| Failure::Usage(error.to_string());
    let (text, broken) = if args.silence {
        let report = gaps::silence(&args.data, &args.class, &split, &config).map_err(usage)?;
        let write = if args.json { gaps::silence_json } else { gaps::silence_table };
        (write(&report), report.broken)
    } else {
        let deletion = Deletion {
            loss: in_range("--loss", args.loss, 1.0)?,
            burst: args.burst,
            delay: match args.delay {
                Some(delay) => Some(Span::from_secs_f64(in_range("--delay", delay, 1e6)?)),
                None => None,
            },
            seed: args.seed,
        };
        let tolerance = in_range("--tolerance", args.tolerance, 1e6)?;
        let report = gaps::gaps(&args.data, &args.class, &split, &config, deletion, tolerance)
            .map_err(usage)?;
        let write = if args.json { gaps::gaps_json } else { gaps::gaps_table };
        (write(&report), report.broken)
    };
    for why in broken {
        eprintln!("foreshadow: {why}");
    }
    super::print(&text)
}

fn in_range(name: &str, value: f64, most: f64) -> Result<f64, Failure> {
    if (0.0..=most).contains(&value) {
        return Ok(value);
    }
    Err(Failure::Usage(format!("{name} {value}: expected a number from 0 to {most}")))
}

fn configure(settings: &[String]) -> Result<Config, Failure> {
    let mut config = Config::default();
    for setting in settings {
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| Failure::Usage(format!("--set {setting}: expected KEY=VALUE")))?;
        config.set(key.trim(), value.trim()).map_err(|error| Failure::Usage(error.to_string()))?;
    }
    Ok(config)
}
