//! The same packets give the same events, whatever file, packing or pipe they come from.
//!
//! Events are compared as lines, in this process, and as logs, through the command. What a C host
//! sees is compared with [`line::lines`] by the tests of the ABI.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/captures.rs"]
mod captures;
#[path = "support/command.rs"]
mod command;
#[path = "support/line.rs"]
mod line;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use captures::{Endian, Frame};
use foreshadow::source::{Capture, Source};

const MICROS: u32 = 0xa1b2_c3d4;
const NANOS: u32 = 0xa1b2_3c4d;

/// A switch joining a network, seventeen minutes of it.
const CAPTURE: &str = "agree/WeMoSwitch2.pcap";
/// So that even a short capture has events of every kind.
const SETTINGS: &[(&str, &str)] = &[
    ("score.warm_up", "100"),
    ("score.false_alarms_per_million", "10000"),
    ("predict.quantile", "0.5"),
    ("predict.min_confidence", "0.3"),
];

/// The same packets in many guises.
struct Guises {
    folder: tempfile::TempDir,
    all: Vec<(&'static str, Vec<PathBuf>)>,
}

impl Guises {
    fn new() -> Self {
        let frames = frames(&command::data(CAPTURE));
        let plain = captures::pcap(Endian::Little, MICROS, 1, &frames);
        let (first, second) = frames.split_at(frames.len() / 2);
        let (even, odd): (Vec<_>, Vec<_>) =
            frames.iter().cloned().enumerate().partition(|(at, _)| at % 2 == 0);
        let half = |frames: &[Frame]| captures::pcap(Endian::Little, MICROS, 1, frames);
        let alternate = |frames: Vec<(usize, Frame)>| {
            half(&frames.into_iter().map(|(_, frame)| frame).collect::<Vec<_>>())
        };
        let mut guises = Self { folder: tempfile::tempdir().unwrap(), all: Vec::new() };
        guises.add("pcap in microseconds", std::slice::from_ref(&plain));
        guises.add("pcap in nanoseconds", &[captures::pcap(Endian::Big, NANOS, 1, &frames)]);
        guises.add("pcapng", &[captures::pcapng(Endian::Little, &frames)]);
        guises.add("big-endian pcapng", &[captures::pcapng(Endian::Big, &frames)]);
        guises.add("gzip", &[captures::gzip(&plain)]);
        guises.add("zstd", &[captures::zstd(&plain)]);
        guises.add("lz4", &[captures::lz4(&plain)]);
        guises.add("two halves", &[half(first), half(second)]);
        guises.add("two halves, the second named first", &[half(second), half(first)]);
        guises.add("packets in turn", &[alternate(even), captures::zstd(&alternate(odd))]);
        guises
    }

    fn add(&mut self, name: &'static str, files: &[Vec<u8>]) {
        let paths = (0..files.len())
            .map(|part| self.folder.path().join(format!("{}-{part}", self.all.len())))
            .collect::<Vec<_>>();
        for (path, bytes) in paths.iter().zip(files) {
            std::fs::write(path, bytes).unwrap();
        }
        self.all.push((name, paths));
    }
}

/// The packets of a capture. Their times must differ, or merging would have to guess.
fn frames(path: &Path) -> Vec<Frame> {
    let mut capture = Capture::open(path).unwrap();
    let mut frames: Vec<Frame> = Vec::new();
    while let Some(packet) = capture.next().unwrap() {
        let nanos = packet.time.nanos() as u64;
        assert!(frames.last().is_none_or(|last| last.nanos < nanos), "at {nanos}");
        frames.push(Frame { nanos, data: packet.data.to_vec(), wire_len: packet.wire_len });
    }
    frames
}

#[test]
fn every_guise_gives_the_same_event_lines() {
    let expected = line::lines(SETTINGS, &[command::data(CAPTURE)]);
    for kind in ["connection ", "synthetic ", "anomaly ", "stats "] {
        assert!(expected.lines().any(|line| line.starts_with(kind)), "no {kind}in\n{expected}");
    }
    let guises = Guises::new();
    for (name, files) in &guises.all {
        assert!(line::lines(SETTINGS, files) == expected, "{name} differs");
    }
}

#[test]
fn every_guise_gives_the_same_logs() {
    let guises = Guises::new();
    let out = guises.folder.path().join("expected");
    let done = command::finish(&mut reading(&[command::data(CAPTURE)], &out));
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    let expected = command::logs(&out);
    assert_eq!(
        expected.keys().collect::<Vec<_>>(),
        ["alarm.log", "anomaly.log", "category.log", "conn.log", "stats.log", "synthetic.log"]
    );
    for (number, (name, files)) in guises.all.iter().enumerate() {
        let out = guises.folder.path().join(format!("out-{number}"));
        let done = command::finish(&mut reading(files, &out));
        assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""), "{name}");
        assert!(command::logs(&out) == expected, "{name} differs");
        if let [file] = &files[..] {
            let out = guises.folder.path().join(format!("piped-{number}"));
            let input = std::fs::File::open(file).unwrap();
            let mut piped = reading(&[PathBuf::from("-")], &out);
            let done = command::finish(piped.stdin(Stdio::from(input)));
            assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""), "{name}, piped");
            assert!(command::logs(&out) == expected, "{name} differs when piped");
        }
    }
}

fn reading(files: &[PathBuf], out: &Path) -> std::process::Command {
    let mut command = command::foreshadow(&["run", "--quiet"]);
    for (key, value) in SETTINGS {
        command.arg("--set").arg(format!("{key}={value}"));
    }
    command.arg("--out").arg(out).arg("--read").args(files);
    command
}
