//! What categories cost: an insert into a counter, and the whole stage a packet with the shipped rules.
//!
//! `cargo bench --bench bloom` reads the captures under `$FORESHADOW_CAPTURES` (a folder; default
//! `tests/data`) into memory and prints nanoseconds, the best of several passes. The stage is timed as the
//! difference that it makes to the whole line, for what it is given is made for it there.
#![allow(clippy::unwrap_used, reason = "a benchmark may fail as a test may")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use foreshadow::bloom::{BloomCounter, Element, FederationKey, Geometry};
use foreshadow::config::Config;
use foreshadow::flow::HostHint;
use foreshadow::sensor::{Packet, Sensor};
use foreshadow::source::{Capture, Source};
use foreshadow::time::{Span, Timestamp};
use foreshadow::wire::LinkType;

const PASSES: usize = 9;
/// No packet waits longer for the next: a link that is silent for an hour has time for the reports and the
/// windows that end in it, and they would be all that is measured.
const GAP: Span = Span::from_millis(20);

fn main() {
    inserts();
    line();
}

/// Distinct elements of the 36 bytes that a pair of addresses and a port take, into a counter of the
/// shipped size up to its capacity, hashing apart and together.
fn inserts() {
    let key = FederationKey::new([7; 16]);
    let geometry = Geometry::new(50_000, 0.01).unwrap();
    let bytes: Vec<[u8; 36]> = (0..50_000_u32)
        .map(|number| {
            let mut bytes = [0; 36];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            bytes
        })
        .collect();
    let elements: Vec<Element> = bytes.iter().map(|bytes| key.element(bytes)).collect();
    let hash = best(bytes.len(), || {
        for bytes in &bytes {
            black_box(key.element(black_box(bytes)));
        }
    });
    let mut counter = BloomCounter::new(geometry, &key);
    let mut insert = f64::INFINITY;
    for _ in 0..PASSES {
        // Twice: nothing is left of what was there.
        counter.rotate();
        counter.rotate();
        insert = insert.min(timed(elements.len(), || {
            for element in &elements {
                black_box(counter.insert(*element));
            }
        }));
    }
    assert!((counter.distinct() / 50_000.0 - 1.0).abs() < 0.01);
    println!("{:<44} {hash:>8.1} ns", "hashing an element of 36 bytes");
    println!("{:<44} {insert:>8.1} ns (limit 60)", "inserting a new one, up to capacity");
    let again = best(elements.len(), || {
        for element in &elements {
            black_box(counter.insert(*element));
        }
    });
    println!("{:<44} {again:>8.1} ns", "inserting a known one");
    let million = Geometry::new(1_000_000, 0.01).unwrap();
    let elements: Vec<Element> =
        (0..1_000_000_u32).map(|number| key.element(&number.to_be_bytes())).collect();
    let insert = (0..3).map(|_| {
        let mut counter = BloomCounter::new(million, &key);
        timed(elements.len(), || {
            for element in &elements {
                black_box(counter.insert(*element));
            }
        })
    });
    let insert = insert.fold(f64::INFINITY, f64::min);
    println!("{:<44} {insert:>8.1} ns", "the same into a counter of a million");
}

/// The whole line without and with the stage, in turn.
fn line() {
    let folder = std::env::var("FORESHADOW_CAPTURES").unwrap_or_else(|_| "tests/data".to_owned());
    let (bytes, packets) = load(Path::new(&folder));
    let mut took = [f64::INFINITY; 2];
    let mut counted = 0;
    for _ in 0..PASSES {
        for (took, is_enabled) in took.iter_mut().zip(["false", "true"]) {
            let mut config = Config::default();
            config.set("bloom.enabled", is_enabled).unwrap();
            config.set("model.kind", "markov").unwrap();
            config.set("predict.enabled", "false").unwrap();
            let mut sensor = Sensor::new(&config).unwrap();
            *took = took.min(timed(packets.len(), || {
                for (time, link, wire_len, data) in &packets {
                    sensor.push(&Packet {
                        time: *time,
                        link: *link,
                        data: &bytes[data.clone()],
                        wire_len: *wire_len,
                        host: HostHint::default(),
                    });
                    while let Some(event) = sensor.poll() {
                        black_box(event);
                    }
                }
            }));
            counted = sensor.stage().map_or(counted, |stage| {
                (0..stage.categories().len())
                    .filter_map(|number| stage.counter(number))
                    .filter(|counter| counter.fill() > 0.0)
                    .count()
            });
        }
    }
    let [without, with] = took;
    println!(
        "{:<44} {:>8.1} ns (limit 150; {without:.0} without, {with:.0} with it; {} packets of {folder}, {counted} categories fired)",
        "the stage with the shipped rules, a packet",
        with - without,
        packets.len()
    );
}

type Stored = (Timestamp, LinkType, u32, std::ops::Range<usize>);

/// The captures in a folder, one after the other on one clock.
fn load(folder: &Path) -> (Vec<u8>, Vec<Stored>) {
    let mut paths = Vec::new();
    captures(folder, &mut paths);
    paths.sort();
    let (mut bytes, mut packets) = (Vec::new(), Vec::<Stored>::new());
    for path in paths {
        let Ok(mut capture) = Capture::open(&path) else { continue };
        let mut last = None;
        while let Ok(Some(packet)) = capture.next() {
            let start = bytes.len();
            bytes.extend_from_slice(packet.data);
            let gap = packet.time.since(last.replace(packet.time).unwrap_or(packet.time)).min(GAP);
            let time =
                packets.last().map_or(Timestamp::from_nanos(0), |packet| packet.0.after(gap));
            packets.push((time, packet.link, packet.wire_len, start..bytes.len()));
        }
    }
    assert!(!packets.is_empty(), "no packets under {}", folder.display());
    (bytes, packets)
}

fn captures(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            captures(&path, found);
        } else if path.extension().is_some_and(|end| end == "pcap" || end == "pcapng") {
            found.push(path);
        }
    }
}

fn best(count: usize, mut run: impl FnMut()) -> f64 {
    (0..PASSES).map(|_| timed(count, &mut run)).fold(f64::INFINITY, f64::min)
}

/// Nanoseconds each.
fn timed(count: usize, mut run: impl FnMut()) -> f64 {
    let started = Instant::now();
    run();
    started.elapsed().as_nanos() as f64 / count as f64
}
