//! `foreshadow fit`: the mixer of a model file.

use std::path::Path;

use super::Failure;
use super::args::FitArgs;
use crate::eval::{self, Capture, Dataset, Part, Split};
use crate::model::Adaptive;

/// Memory for what is learned on line meanwhile: as much as a sensor has unasked.
const TABLE_BYTES: usize = 16 << 20;
/// Captures of ordinary traffic, and of attacks: both validate.
const CLASSES: [&str; 2] = ["benign", "attack"];

pub(super) fn fit(args: &FitArgs) -> Result<(), Failure> {
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let split = match &args.split {
        Some(path) => Split::read(path).map_err(|error| usage(&error))?,
        None => Split::shipped(),
    };
    let content = read(&args.model)?;
    let into = args.into.as_ref().unwrap_or(&args.model);
    let target = read(into)?;
    let mut model =
        Adaptive::untrained(TABLE_BYTES, &content).map_err(|error| unfit(&args.model, &error))?;
    let mut captures = Vec::new();
    let mut sets = Vec::new();
    for class in CLASSES {
        sets.push(Dataset::read(&args.data, class, &split).map_err(|error| usage(&error))?);
    }
    for (data, class) in sets.iter().zip(CLASSES) {
        let part: Vec<&Capture> =
            eval::part_of(data, class, &split, Part::Validation).map_err(|error| usage(&error))?;
        captures.extend(part);
    }
    eval::fit(&mut model, &captures, |pass, bits| {
        eprintln!("pass {pass} of {}: {bits:.3} bits per packet", eval::PASSES);
    });
    let written = model.mixer_into(&target).map_err(|error| unfit(into, &error))?;
    replace(into, &written)
        .map_err(|error| Failure::Output(format!("{}: cannot be written: {error}", into.display())))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path)
        .map_err(|error| Failure::Usage(format!("{}: cannot be read: {error}", path.display())))
}

fn unfit(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Usage(format!("{}: {error}", path.display()))
}

/// Writes beside the file first, so that it is there whole or as it was.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    std::fs::write(&beside, content)?;
    std::fs::rename(&beside, path)
}
