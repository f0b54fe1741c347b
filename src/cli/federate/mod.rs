//! `foreshadow federate`: carries a sensor's blobs, or merges those of all.

mod report;
#[cfg(feature = "nats")]
mod through_nats;

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Failure;
use super::args::{ClockKind, FederateArgs, RoleKind};
use super::signals::Stop;
use crate::bloom::federate::{Aggregator, Terms};
use crate::exchange::{Spool, frames};
use crate::sensor::federation_terms;
use crate::time::Timestamp;

/// Between two looks into folders.
const LOOK: Duration = Duration::from_millis(500);

pub(super) fn federate(args: &FederateArgs) -> Result<(), Failure> {
    let config = super::configure(args.config.as_deref(), &args.settings)?;
    let terms = federation_terms(&config).map_err(|error| Failure::Usage(error.to_string()))?;
    if args.print_seal_key {
        let key = u128::from_be_bytes(*terms.seal.danger_bytes());
        return super::print(&format!("{key:032x}\n"));
    }
    let stop = Stop::listen()
        .map_err(|error| Failure::Usage(format!("cannot listen for signals: {error}")))?;
    let role = args.role.ok_or_else(|| Failure::Usage("expected --role".to_owned()))?;
    match (role, &args.nats, &args.dir) {
        (RoleKind::Aggregator, None, Some(folder)) => from_folders(args, terms, folder, &stop),
        (RoleKind::Aggregator, None, None) => from_pipe(args, terms),
        (RoleKind::Sensor, None, Some(folder)) => to_pipe(folder),
        (RoleKind::Sensor, _, None) => Err(Failure::Usage(
            "--role sensor: expected --dir, the folder that run --federate writes".to_owned(),
        )),
        #[cfg(feature = "nats")]
        (RoleKind::Sensor, Some(url), Some(folder)) => {
            through_nats::sensor(args, url, folder, &stop)
        }
        #[cfg(feature = "nats")]
        (RoleKind::Aggregator, Some(url), _) => through_nats::aggregator(args, terms, url, &stop),
        #[cfg(not(feature = "nats"))]
        (_, Some(_), _) => Err(Failure::Usage(
            "--nats: this foreshadow was built without it; cargo build --release --features nats"
                .to_owned(),
        )),
    }
}

/// An aggregator and its clock.
struct Merging {
    aggregator: Aggregator,
    clock: ClockKind,
    once: bool,
    quiet: bool,
}

impl Merging {
    fn new(args: &FederateArgs, terms: Terms) -> Self {
        let aggregator = Aggregator::new(terms);
        Self { aggregator, clock: args.clock, once: args.once, quiet: args.quiet }
    }

    /// Our time, where we have one of our own.
    fn now(&self) -> Option<Timestamp> {
        (self.clock == ClockKind::Machine).then(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
        })
    }

    fn take(&mut self, blob: &[u8], sender: Option<&str>) {
        let now = self.now();
        if let Err(refusal) = self.aggregator.take(blob, sender, now)
            && !self.quiet
        {
            eprintln!("foreshadow: refused {}: {refusal}", sender.unwrap_or("a blob"));
        }
    }

    /// Closes what is over, or at the `end` everything; answers the view as a blob where it is another one.
    fn close(&mut self, end: bool) -> Option<Vec<u8>> {
        let before = self.aggregator.tally().rounds;
        if end {
            self.aggregator.finish();
        } else if !self.once {
            let now = self.now().or_else(|| self.aggregator.newest_time())?;
            self.aggregator.advance(now);
        }
        if self.aggregator.tally().rounds == before {
            return None;
        }
        Some(self.aggregator.view()?.encode(self.aggregator.terms()))
    }

    /// Says how the network stands, as one line of JSON.
    fn say(&self, to: &mut impl Write) -> Result<(), Failure> {
        let Some(line) = report::line(&self.aggregator) else { return Ok(()) };
        match writeln!(to, "{line}").and_then(|()| to.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::output(&error)),
            _ => Ok(()),
        }
    }
}

/// Merges what lies in the sensors' folders, and leaves the view in each.
fn from_folders(
    args: &FederateArgs,
    terms: Terms,
    folder: &Path,
    stop: &Stop,
) -> Result<(), Failure> {
    let broken = |error: crate::exchange::SpoolError| Failure::Output(error.to_string());
    let mut merging = Merging::new(args, terms);
    loop {
        let mut spools = Spool::all(folder).map_err(broken)?;
        for spool in &spools {
            for waiting in spool.waiting().map_err(broken)? {
                if let Some(blob) = spool.get(&waiting).map_err(broken)? {
                    merging.take(&blob, spool.name());
                }
                spool.done(&waiting).map_err(broken)?;
            }
        }
        let end = merging.once || stop.asked();
        if let Some(view) = merging.close(end) {
            merging.say(&mut io::stdout().lock())?;
            for spool in &mut spools {
                spool.put_view(&view).map_err(broken)?;
            }
        }
        if end {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

/// Merges frames from standard input, and writes views to standard output.
fn from_pipe(args: &FederateArgs, terms: Terms) -> Result<(), Failure> {
    let most = terms.caps.blob;
    let mut merging = Merging::new(args, terms);
    let (mut from, mut to) = (io::stdin().lock(), io::stdout().lock());
    loop {
        let blob = frames::read(&mut from, most).map_err(|error| {
            eprintln!("foreshadow: standard input: {error}");
            Failure::Input
        })?;
        if let Some(blob) = &blob {
            merging.take(blob, None);
        }
        if let Some(view) = merging.close(blob.is_none()) {
            merging.say(&mut io::stderr())?;
            match frames::write(&mut to, &view) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                other => other.map_err(|error| Failure::output(&error))?,
            }
        }
        if blob.is_none() {
            return Ok(());
        }
    }
}

/// Writes what waits in a sensor's folder to standard output, as frames.
fn to_pipe(folder: &Path) -> Result<(), Failure> {
    let broken = |error: crate::exchange::SpoolError| Failure::Output(error.to_string());
    let spool = Spool::open(folder).map_err(broken)?;
    let mut to = io::stdout().lock();
    for waiting in spool.waiting().map_err(broken)? {
        if let Some(blob) = spool.get(&waiting).map_err(broken)? {
            frames::write(&mut to, &blob).map_err(|error| Failure::output(&error))?;
        }
        spool.done(&waiting).map_err(broken)?;
    }
    Ok(())
}
