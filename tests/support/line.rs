//! The whole line over a capture, in this process.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fmt::Write;
use std::path::Path;

use foreshadow::config::Config;
use foreshadow::flow::HostHint;
use foreshadow::sensor::{Event, Packet, Sensor};
use foreshadow::source::{Merged, Source, SourceError};

/// A sensor with the default configuration but for these keys.
pub(crate) fn sensor(settings: &[(&str, &str)]) -> Sensor {
    let mut config = Config::default();
    for (key, value) in settings {
        config.set(key, value).unwrap();
    }
    Sensor::new(&config).unwrap()
}

/// Runs captures, merged by time, through `sensor` and hands over every event, the last ones too.
/// Synthetic packets in a capture are not fed again. Answers why files could not be read to the end.
pub(crate) fn run(
    sensor: &mut Sensor,
    captures: &[impl AsRef<Path>],
    mut event: impl FnMut(&Event),
) -> Vec<SourceError> {
    let mut source = Merged::open(captures);
    while let Some(packet) = source.next().unwrap() {
        if packet.synthetic {
            continue;
        }
        let (time, link, data) = (packet.time, packet.link, packet.data);
        let host = HostHint::default();
        sensor.push(&Packet { time, link, data, wire_len: packet.wire_len, host });
        while let Some(next) = sensor.poll() {
            event(&next);
        }
    }
    sensor.finish();
    while let Some(next) = sensor.poll() {
        event(&next);
    }
    source.errors().to_vec()
}

/// Every event of captures as its line: what two hosts that saw the same print alike.
pub(crate) fn lines(settings: &[(&str, &str)], captures: &[impl AsRef<Path>]) -> String {
    let mut lines = String::new();
    let errors = run(&mut sensor(settings), captures, |event| writeln!(lines, "{event}").unwrap());
    assert_eq!(errors, []);
    lines
}

/// The captures of a folder of `tests/data`, by name.
pub(crate) fn bundled(folder: &str) -> Vec<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut captures: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    captures.sort();
    captures
}
