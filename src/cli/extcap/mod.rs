//! `foreshadow extcap`: the rebuilt stream as a source of Wireshark's, by its extcap contract.
//!
//! Wireshark asks each program in its extcap folder which interfaces it has, what can be set about one,
//! and then to capture from it into a pipe (wireshark.org, "extcap"). Every start of Wireshark or tshark
//! asks, so the questions are answered before any model, config or capture is looked at.

mod answers;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;
use crate::predict::rebuild;
use crate::sensor::Sensor;
use crate::sink::{Destination, RebuildOptions, RebuiltStream, SinkError};

use super::Failure;
use super::args::{ExtcapArgs, Order};
use super::input::{Input, Next, Origin, for_sensor};
use super::run::is_closed_pipe;
use super::signals::Stop;

/// How often, and after which pauses, the pipe of a capture that failed is tried: three seconds in all.
const RELEASE_TRIES: u32 = 60;
const RELEASE_PAUSE: Duration = Duration::from_millis(50);

/// A source in Wireshark's list of interfaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Interface {
    /// Captures.
    File,
    /// A network interface.
    Live,
}

impl Interface {
    /// Those that can be had in this build.
    const ALL: &[Self] =
        if cfg!(feature = "live") { &[Self::File, Self::Live] } else { &[Self::File] };

    /// Its name in options and preferences.
    const fn name(self) -> &'static str {
        match self {
            Self::File => "foreshadow_file",
            Self::Live => "foreshadow_live",
        }
    }

    /// What people read.
    const fn title(self) -> &'static str {
        match self {
            Self::File => "Foreshadow: file",
            Self::Live => "Foreshadow: live",
        }
    }

    fn named(name: &str) -> Result<Self, Failure> {
        Self::ALL.iter().copied().find(|it| it.name() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|it| it.name()).collect();
            Failure::Usage(format!(
                "--extcap-interface {name}: expected one of: {}",
                known.join(", ")
            ))
        })
    }
}

/// The arguments as `foreshadow extcap` takes them, where Wireshark called the program itself: it puts
/// no subcommand first.
pub(super) fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut given: Vec<OsString> = given.collect();
    let first = given.get(1).and_then(|word| word.to_str()).unwrap_or_default();
    if first.starts_with("--extcap-") || first == "--capture" {
        given.insert(1, "extcap".into());
    }
    given
}

/// Does what Wireshark asks.
pub(super) fn extcap(args: &ExtcapArgs) -> Result<(), Failure> {
    if args.extcap_interfaces {
        return super::print(&answers::interfaces());
    }
    let Some(name) = &args.extcap_interface else {
        return Err(Failure::Usage(
            "extcap: Wireshark calls this; see docs/wireshark.md. Expected --extcap-interfaces, or \
             --extcap-interface with --extcap-dlts, --extcap-config or --capture"
                .to_owned(),
        ));
    };
    let interface = Interface::named(name)?;
    if args.extcap_dlts {
        return super::print(answers::LINK_TYPES);
    }
    if args.extcap_config {
        return super::print(&answers::settings(interface));
    }
    if !args.capture {
        return Err(Failure::Usage(
            "extcap: expected --extcap-dlts, --extcap-config or --capture".to_owned(),
        ));
    }
    let Some(fifo) = &args.fifo else {
        return Err(Failure::Usage("extcap: --capture needs --fifo".to_owned()));
    };
    let source = args.source.as_deref().unwrap_or_default();
    let done = if source.trim().is_empty() {
        Err(Failure::Usage(format!(
            "{}: no {} is set; choose one in the interface's options, or give tshark \
             -o extcap.{}.source:NAME",
            interface.title(),
            if interface == Interface::File { "capture" } else { "network interface" },
            interface.name()
        )))
    } else {
        capture(interface, source, fifo, args)
    };
    if done.is_err() {
        release(fifo);
    }
    done
}

/// Lets go whoever waits for somebody to open the pipe: a stream of nothing. Wireshark would wait for ever.
fn release(fifo: &Path) {
    // A section header of pcapng and nothing in it.
    const EMPTY: [u8; 28] = [
        0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 28, 0, 0, 0,
    ];
    let pipe = || OpenOptions::new().write(true).custom_flags(libc::O_NONBLOCK).open(fifo);
    for _ in 0..RELEASE_TRIES {
        // It cannot be opened before somebody reads it.
        if let Ok(mut pipe) = pipe() {
            // Who does not want it any more is released all the same.
            let _ = pipe.write_all(&EMPTY);
            return;
        }
        std::thread::sleep(RELEASE_PAUSE);
    }
}

/// Writes the rebuilt stream into the pipe until the source ends or somebody stops it.
fn capture(
    interface: Interface,
    source: &str,
    fifo: &Path,
    args: &ExtcapArgs,
) -> Result<(), Failure> {
    let settings: Vec<String> =
        args.settings.as_deref().unwrap_or_default().split_whitespace().map(String::from).collect();
    let config = super::configure(args.configuration.as_deref(), &settings)?;
    let mut sensor = Sensor::new(&config).map_err(|error| Failure::Usage(error.to_string()))?;
    let stop = Stop::listen()
        .map_err(|error| Failure::Usage(format!("cannot listen for signals: {error}")))?;
    let files = [PathBuf::from(source)];
    let filter = args.extcap_capture_filter.as_deref().filter(|text| !text.trim().is_empty());
    let origin = match interface {
        Interface::File => Origin { read: &files, interface: None, filter },
        Interface::Live => Origin { read: &[], interface: Some(source), filter },
    };
    let mut input = Input::open(origin, &config, &stop)?;
    if input.is_at_end()
        && let [error, ..] = input.errors()
    {
        return Err(Failure::Usage(format!("{}: {error}", interface.title())));
    }
    let mut stream = RebuiltStream::create(
        Destination::Path(fifo.to_owned()),
        None,
        options(&config, args.order),
    )?;
    match copy(&mut input, &mut sensor, &mut stream, &stop).and_then(|()| end(sensor, stream)) {
        // Whoever looked on pressed stop.
        Err(Ended::Sink(error)) if is_closed_pipe(&error) => Ok(()),
        Err(Ended::Sink(error)) => Err(error.into()),
        Err(Ended::Other(failure)) => Err(failure),
        Ok(()) => match input.errors() {
            [error, ..] if !stop.asked() => {
                Err(Failure::Usage(format!("{}: {error}", interface.title())))
            }
            _ => Ok(()),
        },
    }
}

fn options(config: &Config, order: Order) -> RebuildOptions {
    RebuildOptions {
        order: match order {
            Order::Sequence => rebuild::Order::Sequence,
            Order::Time => rebuild::Order::Time,
        },
        window: config.rebuild.window(),
        memory: config.rebuild.memory_mib() << 20,
        quantile: config.predict.quantile(),
        tunnels: config.wire.tunnels(),
    }
}

/// Why the stream ended before its source did.
enum Ended {
    Sink(SinkError),
    Other(Failure),
}

impl From<SinkError> for Ended {
    fn from(error: SinkError) -> Self {
        Self::Sink(error)
    }
}

/// Packets and what the sensor makes of them, until the source ends or somebody asks to stop.
fn copy(
    input: &mut Input,
    sensor: &mut Sensor,
    stream: &mut RebuiltStream,
    stop: &Stop,
) -> Result<(), Ended> {
    while !stop.asked() {
        match input.next().map_err(Ended::Other)? {
            Next::Packet(packet) => {
                let verdict = sensor.push(&for_sensor(&packet));
                // Synthetic packets were made before this one came.
                drain(sensor, stream)?;
                stream.packet(&packet, &verdict)?;
            }
            Next::Skipped => {}
            Next::Idle(now) => {
                sensor.advance(now);
                drain(sensor, stream)?;
                stream.advance(now)?;
            }
            Next::End => break,
        }
    }
    Ok(())
}

fn drain(sensor: &mut Sensor, stream: &mut RebuiltStream) -> Result<(), SinkError> {
    while let Some(event) = sensor.poll() {
        stream.event(&event)?;
    }
    Ok(())
}

fn end(mut sensor: Sensor, mut stream: RebuiltStream) -> Result<(), Ended> {
    sensor.finish();
    drain(&mut sensor, &mut stream)?;
    stream.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wireshark_says_becomes_the_subcommand() {
        let called = |words: &[&str]| -> Vec<String> {
            let words = words.iter().map(OsString::from);
            arguments(words)
                .into_iter()
                .map(|word| word.into_string().unwrap_or_default())
                .collect()
        };
        assert_eq!(
            called(&["foreshadow", "--extcap-interfaces", "--extcap-version=4.0"]),
            ["foreshadow", "extcap", "--extcap-interfaces", "--extcap-version=4.0"]
        );
        assert_eq!(called(&["foreshadow", "--capture"]), ["foreshadow", "extcap", "--capture"]);
        for words in
            [&["foreshadow", "run", "--read", "x"][..], &["foreshadow"], &[], &["x", "--help"]]
        {
            assert_eq!(called(words), words);
        }
    }

    #[test]
    fn every_interface_has_a_name_that_wireshark_can_make_preferences_of() {
        for interface in Interface::ALL {
            assert!(interface.name().chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            assert!(matches!(Interface::named(interface.name()), Ok(it) if it == *interface));
        }
        assert!(Interface::named("eth0").is_err());
    }
}
