//! `--rebuild`: where the rebuilt stream goes, and what may not be written over.

use std::fs::{File, Metadata};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Failure;
use super::args::{Order, RunArgs};
use crate::config::Config;
use crate::predict::rebuild;
use crate::sink::{Destination, RebuildOptions, RebuiltStream};

/// What stands for standard input and output.
const STANDARD: &str = "-";

/// Whether the stream is written to standard output, so that nothing else may be.
pub(super) fn takes_standard_output(args: &RunArgs) -> bool {
    args.rebuild.as_deref() == Some(Path::new(STANDARD))
}

/// Refuses what could not be written without harm, before anything is opened.
pub(super) fn check(args: &RunArgs) -> Result<(), Failure> {
    let Some(path) = &args.rebuild else { return Ok(()) };
    if takes_standard_output(args) {
        if args.separate_file {
            return Err(Failure::Usage(
                "--separate-file needs a file name with --rebuild, not standard output".to_owned(),
            ));
        }
        if io::stdout().is_terminal() {
            return Err(Failure::Usage(
                "--rebuild -: standard output is a terminal; redirect it or name a file".to_owned(),
            ));
        }
        return Ok(());
    }
    match would_replace(&args.read, written_to(args, path)) {
        None => Ok(()),
        Some(input) => Err(Failure::Usage(format!(
            "--rebuild {}: would be written over {}, which is read",
            path.display(),
            input.display()
        ))),
    }
}

/// The first of the inputs that one of the files to be written is.
pub(super) fn would_replace(
    read: &[PathBuf],
    written: impl IntoIterator<Item = PathBuf>,
) -> Option<&Path> {
    let read: Vec<_> = read.iter().filter_map(|path| about(path).map(|it| (path, it))).collect();
    written.into_iter().find_map(|written| {
        let there = std::fs::metadata(&written).ok().filter(Metadata::is_file)?;
        let same = |about: &Metadata| (about.dev(), about.ino()) == (there.dev(), there.ino());
        read.iter().find(|(_, about)| same(about)).map(|(path, _)| path.as_path())
    })
}

/// Begins the stream, if one is asked for.
pub(super) fn create(args: &RunArgs, config: &Config) -> Result<Option<RebuiltStream>, Failure> {
    let Some(path) = &args.rebuild else { return Ok(None) };
    let options = RebuildOptions {
        order: match args.order {
            Order::Sequence => rebuild::Order::Sequence,
            Order::Time => rebuild::Order::Time,
        },
        window: config.rebuild.window(),
        memory: config.rebuild.memory_mib() << 20,
        quantile: config.predict.quantile(),
        tunnels: config.wire.tunnels(),
    };
    let main = if takes_standard_output(args) {
        let owned = io::stdout().as_fd().try_clone_to_owned();
        let stream = File::from(owned.map_err(|error| Failure::output(&error))?);
        Destination::Stream("standard output".to_owned(), Box::new(stream))
    } else {
        Destination::Path(path.clone())
    };
    let apart = args.separate_file.then(|| Destination::Path(Destination::beside(path)));
    Ok(Some(RebuiltStream::create(main, apart, options)?))
}

/// Every path that is written to in the course of it.
fn written_to(args: &RunArgs, path: &Path) -> Vec<PathBuf> {
    let mut all = vec![path.to_owned()];
    if args.separate_file {
        all.push(Destination::beside(path));
    }
    all.extend(all.clone().iter().map(|path| Destination::part(path)));
    all
}

/// What an input is, if that can be told.
fn about(path: &Path) -> Option<Metadata> {
    if path == Path::new(STANDARD) {
        let owned = io::stdin().as_fd().try_clone_to_owned().ok()?;
        return File::from(owned).metadata().ok();
    }
    std::fs::metadata(path).ok()
}
