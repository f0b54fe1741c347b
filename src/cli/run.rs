//! `foreshadow run`: packets in, logs out, a summary at the end.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use crate::config::{Config, LogFormat};
use crate::exchange::Spool;
use crate::sensor::{Event, Sensor, federation_member};
use crate::sink::{
    self, LogDirectory, LogOptions, Publish, RebuiltStream, Report, Rotation, SinkError, ZeekLogs,
};
use crate::source::SourceError;
use crate::store::Keeper;

use super::args::{Format, RunArgs};
use super::input::{Input, Next, Origin, for_sensor};
use super::progress::Progress;
use super::report::{self, Talkers};
use super::signals::Stop;
use super::{Failure, page, rebuild};

/// How often a live run looks at what the kernel dropped.
const DROPS_INTERVAL: Duration = Duration::from_secs(10);

pub(super) fn run(args: &RunArgs) -> Result<(), Failure> {
    let config = configure(args)?;
    rebuild::check(args)?;
    page::check(args)?;
    let mut sensor = Sensor::new(&config).map_err(|error| Failure::Usage(error.to_string()))?;
    let keeper = Keeper::open(&config, &mut sensor)
        .map_err(|error| Failure::Usage(format!("store.path: {error}")))?;
    if let Some(set_aside) = keeper.as_ref().and_then(Keeper::set_aside) {
        eprintln!("foreshadow: store.path: {set_aside}");
    }
    let stop = Stop::listen()
        .map_err(|error| Failure::Usage(format!("cannot listen for signals: {error}")))?;
    let input = Input::open(Origin::of(args), &config, &stop)?;
    if input.is_at_end() && !input.errors().is_empty() && !stop.asked() {
        // There will be nothing to log: no directory, no summary of nothing.
        say_all(input.errors());
        return Err(Failure::Input);
    }
    let directory = LogDirectory::create(&args.out)?;
    let options = log_options(&config, input.is_live());
    let logs = ZeekLogs::create(directory, options)?;
    let rebuilt = rebuild::create(args, &config)?;
    let page = page::create(args, &config, &sensor)?;
    let federation = federation(args, &config)?;
    let errors = if stop.asked() { 0 } else { input.errors().len() };
    let (talkers, started) = (Talkers::default(), Instant::now());
    let sinks = Sinks { logs, rebuilt, page, talkers };
    Run { input, sensor, keeper, sinks, federation, stop, errors, started }.go(args)
}

/// The folder for what the sensor tells its federation, if it is to tell anything.
fn federation(args: &RunArgs, config: &Config) -> Result<Option<Spool>, Failure> {
    let Some(folder) = &args.federate else { return Ok(None) };
    federation_member(config).map_err(|error| Failure::Usage(format!("--federate: {error}")))?;
    Spool::open(folder).map(Some).map_err(|error| Failure::Output(error.to_string()))
}

fn say_all(errors: &[SourceError]) {
    for error in errors {
        eprintln!("foreshadow: {error}");
    }
}

/// The config file, the single settings over it, and the options that are keys as well.
fn configure(args: &RunArgs) -> Result<Config, Failure> {
    let mut config = super::configure(args.config.as_deref(), &args.settings)?;
    if let Some(format) = args.format {
        let name = match format {
            Format::Tsv => "tsv",
            Format::Json => "json",
        };
        config.set("log.format", name).map_err(|error| Failure::Usage(error.to_string()))?;
    }
    Ok(config)
}

/// A capture's logs appear when they are whole; those of an interface grow and are rotated.
fn log_options(config: &Config, is_live: bool) -> LogOptions {
    const MIB: u64 = 1 << 20;
    let rotation = Rotation {
        interval: config.log.rotate_interval(),
        size: config.log.rotate_size_mib().map(|size| size * MIB),
    };
    LogOptions {
        format: match config.log.format() {
            LogFormat::Tsv => sink::Format::Tsv,
            LogFormat::Json => sink::Format::Json,
        },
        publish: if is_live { Publish::Growing(rotation) } else { Publish::AtClose },
        ..LogOptions::default()
    }
}

struct Run {
    input: Input,
    sensor: Sensor,
    keeper: Option<Keeper>,
    sinks: Sinks,
    federation: Option<Spool>,
    stop: Stop,
    /// How many captures were broken before somebody asked to stop: what is cut by stopping is not.
    errors: usize,
    started: Instant,
}

/// Whoever hears of events.
struct Sinks {
    logs: ZeekLogs,
    /// None without one, or when nobody reads it any longer.
    rebuilt: Option<RebuiltStream>,
    page: Option<Report>,
    talkers: Talkers,
}

impl Run {
    fn go(mut self, args: &RunArgs) -> Result<(), Failure> {
        let progress = Progress::new(args.quiet, self.input.total());
        let failed = self.packets(progress);
        if failed.is_err() {
            // Its file stays under its partial name; the logs are ended all the same.
            self.sinks.rebuilt = None;
        }
        self.sensor.finish();
        self.drain()?;
        self.federate()?;
        let Self { mut input, sensor, keeper, sinks, federation: _, stop, errors, started } = self;
        let Sinks { logs, rebuilt, page, talkers } = sinks;
        let files = logs.close()?;
        let stored = keeper.map_or(Ok(()), |mut keeper| keeper.write(&sensor));
        let rebuilt = match rebuilt.map(RebuiltStream::close).transpose() {
            Err(error) if is_closed_pipe(&error) => None,
            other => other?,
        };
        let page = page.map(|page| page.close(&sensor.stats())).transpose()?;
        say_all(&input.errors()[..errors]);
        if !args.quiet {
            let mut text = report::summary(&sensor.stats(), &talkers, started.elapsed());
            if stop.asked() && !input.is_live() {
                let what = format_args!("stopped by a signal before its end");
                report::line(&mut text, "input", what);
            }
            if let Some(kept) = sensor.kept() {
                let (returned, services) = (kept.returned(), kept.directory.len());
                let what =
                    format_args!("{services} services known, {returned} connections returned");
                report::line(&mut text, "store", what);
            }
            let skipped = input.synthetic_skipped();
            if skipped > 0 {
                let what = format_args!("{skipped} synthetic packets were not fed again");
                report::line(&mut text, "input", what);
            }
            if let Some(dropped) = input.dropped() {
                let what = format_args!("{dropped} packets lost before they could be read");
                report::line(&mut text, "input", what);
            }
            if let Some(rebuilt) = &rebuilt {
                report::rebuilt(&mut text, rebuilt);
            }
            report::logs(&mut text, &args.out, &files);
            if let Some(path) = &page {
                report::line(&mut text, "report", format_args!("{}", path.display()));
            }
            if rebuild::takes_standard_output(args) {
                eprint!("{text}");
            } else {
                super::print(&text)?;
            }
        }
        failed?;
        stored.map_err(|error| Failure::Output(error.to_string()))?;
        if errors == 0 { Ok(()) } else { Err(Failure::Input) }
    }

    /// Runs until the captures end, somebody asks to stop, or something breaks.
    fn packets(&mut self, mut progress: Progress) -> Result<(), Failure> {
        let mut drops_due = Instant::now() + DROPS_INTERVAL;
        while !self.stop.asked() {
            self.errors = self.input.errors().len();
            let Self { input, sensor, keeper, sinks, .. } = self;
            match input.next()? {
                Next::Packet(packet) => {
                    let verdict = if let Some(page) = &mut sinks.page {
                        let (verdict, explanation) = sensor.push_and_explain(&for_sensor(&packet));
                        page.packet(packet.time, &verdict, explanation.as_ref(), sensor);
                        verdict
                    } else {
                        sensor.push(&for_sensor(&packet))
                    };
                    // Synthetic packets were made before this one came.
                    drain(sensor, keeper, sinks)?;
                    if let Some(rebuilt) = &mut sinks.rebuilt
                        && let Err(error) = rebuilt.packet(&packet, &verdict)
                    {
                        if is_closed_pipe(&error) {
                            // Whoever looked on has seen enough.
                            sinks.rebuilt = None;
                            break;
                        }
                        return Err(error.into());
                    }
                }
                Next::Skipped => {}
                Next::Idle(now) => {
                    self.sensor.advance(now);
                    self.drain()?;
                    let sinks = &mut self.sinks;
                    sinks.logs.rotate_if_due(now)?;
                    sinks.logs.flush()?;
                    if let Some(rebuilt) = &mut sinks.rebuilt
                        && let Err(error) = rebuilt.advance(now)
                    {
                        if is_closed_pipe(&error) {
                            sinks.rebuilt = None;
                            break;
                        }
                        return Err(error.into());
                    }
                }
                Next::End => {
                    if !self.stop.asked() {
                        self.errors = self.input.errors().len();
                    }
                    break;
                }
            }
            self.federate()?;
            progress.packet(|| self.input.position());
            if self.input.is_live() && Instant::now() >= drops_due {
                // libpcap counts in 32 bits: asking now and then keeps the sum right.
                self.input.dropped();
                drops_due = Instant::now() + DROPS_INTERVAL;
            }
        }
        progress.finish();
        Ok(())
    }

    /// Leaves what there is to tell in its folder, and hears the network once a round.
    fn federate(&mut self) -> Result<(), Failure> {
        let Some(spool) = &mut self.federation else { return Ok(()) };
        let broken = |error: crate::exchange::SpoolError| Failure::Output(error.to_string());
        let blobs = self.sensor.export_federation();
        if blobs.is_empty() {
            return Ok(());
        }
        for blob in &blobs {
            spool.put(self.sensor.federation_round().unwrap_or_default(), blob).map_err(broken)?;
        }
        if let Some(view) = spool.new_view().map_err(broken)?
            && let Err(refusal) = self.sensor.import_federation(view)
        {
            eprintln!("foreshadow: the network's view: {refusal}");
        }
        self.drain()
    }

    fn drain(&mut self) -> Result<(), Failure> {
        drain(&mut self.sensor, &mut self.keeper, &mut self.sinks)
    }
}

/// Hands every event that waits to whoever wants to hear of it.
fn drain(
    sensor: &mut Sensor,
    keeper: &mut Option<Keeper>,
    sinks: &mut Sinks,
) -> Result<(), Failure> {
    let Sinks { logs, rebuilt, page, talkers } = sinks;
    while let Some(event) = sensor.poll() {
        talkers.count(&event);
        logs.write(&event)?;
        if let Some(page) = page {
            page.event(&event);
        }
        if let Some(rebuilt) = rebuilt {
            rebuilt.event(&event)?;
        }
        if let (Event::Stats { .. }, Some(keeper)) = (&event, &mut *keeper)
            && let Err(error) = keeper.tick(sensor)
        {
            // Packets go on; the next try is an interval away.
            eprintln!("foreshadow: {error}");
        }
    }
    Ok(())
}

/// Whether a stream could not be written because its reader went away.
pub(super) fn is_closed_pipe(error: &SinkError) -> bool {
    error.source.kind() == ErrorKind::BrokenPipe
}
