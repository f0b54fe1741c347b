//! How many packets a second one core takes, stage by stage, and what a connection costs.
//!
//! `cargo bench --bench line` reads the captures under `$FORESHADOW_CAPTURES` (a folder; default
//! `tests/data`) into memory, one after another on one clock, and prints for `wire`, `wire + flow` and
//! the whole line: nanoseconds a packet, packets a second, and allocations on known connections. Then
//! the memory of a million connections, and what `capinfos` and `tshark -T fields` take for the largest
//! capture where they are installed. Every figure is the best of several passes. `$FORESHADOW_KIND` names
//! another `model.kind` than the default.

#![allow(unsafe_code, reason = "counting allocations takes a global allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use foreshadow::config::Config;
use foreshadow::flow::{ConnectionTable, HostHint, Limits};
use foreshadow::sensor::{Packet, Sensor};
use foreshadow::source::{Capture, Source};
use foreshadow::time::{Span, Timestamp};
use foreshadow::wire::{self, LinkType, Tunnels};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static ALLOCATED: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes to the system's allocator unchanged; the counters are atomics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        ALLOCATED.fetch_add(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size() as u64, Ordering::Relaxed);
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static GLOBAL: Counting = Counting;

/// A packet in memory: where its bytes lie in one long buffer.
struct Stored {
    time: Timestamp,
    link: LinkType,
    wire_len: u32,
    start: usize,
    end: usize,
}

/// Captures one after another on one clock.
#[derive(Default)]
struct Traffic {
    bytes: Vec<u8>,
    packets: Vec<Stored>,
}

impl Traffic {
    fn add(&mut self, path: &Path) {
        let Ok(mut capture) = Capture::open(path) else { return };
        let begins = self.packets.last().map_or(Timestamp::from_nanos(0), |packet| packet.time);
        let begins = begins.after(Span::from_secs(1));
        let mut first = None;
        while let Ok(Some(packet)) = capture.next() {
            let first = *first.get_or_insert(packet.time);
            let start = self.bytes.len();
            self.bytes.extend_from_slice(packet.data);
            self.packets.push(Stored {
                time: begins.after(packet.time.since(first)),
                link: packet.link,
                wire_len: packet.wire_len,
                start,
                end: self.bytes.len(),
            });
        }
    }

    fn iter(&self) -> impl Iterator<Item = Packet<'_>> {
        self.packets.iter().map(|packet| Packet {
            time: packet.time,
            link: packet.link,
            data: &self.bytes[packet.start..packet.end],
            wire_len: packet.wire_len,
            host: HostHint::default(),
        })
    }
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

fn main() {
    let folder = std::env::var("FORESHADOW_CAPTURES").unwrap_or_else(|_| "tests/data".to_owned());
    let mut paths = Vec::new();
    captures(Path::new(&folder), &mut paths);
    paths.sort();
    let mut traffic = Traffic::default();
    paths.iter().for_each(|path| traffic.add(path));
    let count = traffic.packets.len();
    assert!(count > 0, "no packets under {folder}");
    println!(
        "{count} packets, {} MB captured, {} captures under {folder}\n",
        traffic.bytes.len() / 1_000_000,
        paths.len()
    );
    let passes = (4_000_000 / count).clamp(3, 50);

    println!("{:<28} {:>10} {:>14}", "stage", "ns/packet", "packets/s");
    stage("wire", passes, count, || {
        for packet in traffic.iter() {
            black_box(wire::parse(packet.link, packet.data, packet.wire_len, Tunnels::ALL));
        }
    });
    stage("wire + flow", passes, count, || {
        let mut table = ConnectionTable::new(Limits::default());
        for packet in traffic.iter() {
            let view = wire::parse(packet.link, packet.data, packet.wire_len, Tunnels::ALL);
            let now = table.admit(packet.time).time;
            table.advance(now);
            black_box(table.observe(now, &view, packet.host));
            while table.pop_closed().is_some() {}
        }
    });
    for (name, setting) in [("whole line, no deadlines", "false"), ("whole line", "true")] {
        let mut config = config();
        config.set("predict.enabled", setting).expect("a key of the config");
        stage(name, passes, count, || {
            let mut sensor = Sensor::new(&config).expect("the default config opens");
            for packet in traffic.iter() {
                black_box(sensor.push(&packet));
                while sensor.poll().is_some() {}
            }
        });
    }

    println!("\nallocations a packet on known connections: {}", allocations(&traffic));
    memory();
    beside(&paths);
}

/// The default configuration, or that with another kind of model.
fn config() -> Config {
    let mut config = Config::default();
    if let Ok(kind) = std::env::var("FORESHADOW_KIND") {
        config.set("model.kind", &format!("{kind:?}")).expect("a kind of model");
    }
    config
}

/// Runs a stage often enough and prints its best pass.
fn stage(name: &str, passes: usize, packets: usize, mut run: impl FnMut()) {
    let best = (0..passes).map(|_| timed(&mut run)).min().expect("at least one pass");
    let nanos = best.as_nanos() as f64 / packets as f64;
    println!("{name:<28} {nanos:>10.1} {:>14.0}", 1e9 / nanos);
}

fn timed(run: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

/// Allocations made while pushing packets that began no connection and raised no event.
fn allocations(traffic: &Traffic) -> f64 {
    let mut sensor = Sensor::new(&config()).expect("the default config opens");
    let (mut allocations, mut packets) = (0, 0);
    for packet in traffic.iter() {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        let verdict = sensor.push(&packet);
        let during = ALLOCATIONS.load(Ordering::Relaxed) - before;
        let mut events = 0;
        while sensor.poll().is_some() {
            events += 1;
        }
        if !verdict.is_new && events == 0 {
            allocations += during;
            packets += 1;
        }
    }
    allocations as f64 / f64::from(packets.max(1))
}

/// Opens a million connections with a few packets each and prints what one costs.
fn memory() {
    const CONNECTIONS: u32 = 1_000_000;
    let mut config = config();
    config.set("predict.min_packets", "2").expect("a key of the config");
    let mut sensor = Sensor::new(&config).expect("the default config opens");
    let empty = ALLOCATED.load(Ordering::Relaxed);
    let mut frame = [0; 60];
    frame[12] = 0x08;
    frame[14] = 0x45;
    frame[16..18].copy_from_slice(&46_u16.to_be_bytes());
    frame[23] = 17;
    frame[38..40].copy_from_slice(&26_u16.to_be_bytes());
    let start = Instant::now();
    for packet in 0..3 {
        for connection in 0..CONNECTIONS {
            frame[26..30].copy_from_slice(&(0x0a00_0000 + connection).to_be_bytes());
            frame[30..34].copy_from_slice(&[192, 0, 2, 1]);
            frame[34..36].copy_from_slice(&40_000_u16.to_be_bytes());
            frame[36..38].copy_from_slice(&53_u16.to_be_bytes());
            let nanos = i64::from(packet) * 1_000_000_000 + i64::from(connection);
            sensor.push(&Packet {
                time: Timestamp::from_nanos(nanos),
                link: LinkType::ETHERNET,
                data: &frame,
                wire_len: 60,
                host: HostHint::default(),
            });
        }
    }
    let nanos = start.elapsed().as_nanos() as f64 / f64::from(3 * CONNECTIONS);
    assert_eq!(sensor.stats().live, u64::from(CONNECTIONS), "every connection is live");
    let bytes = ALLOCATED.load(Ordering::Relaxed) - empty;
    println!(
        "bytes a connection at a million: {:.0} (limit 512); {nanos:.0} ns/packet, each on another connection",
        bytes as f64 / f64::from(CONNECTIONS)
    );
}

/// What other tools take for the largest capture, and what reading plus the whole line takes.
fn beside(paths: &[PathBuf]) {
    let size = |path: &PathBuf| path.metadata().map_or(0, |data| data.len());
    let Some(path) = paths.iter().max_by_key(|path| size(path)) else { return };
    println!(
        "\nbeside other tools, reading {} ({} kB), best of 3:",
        path.display(),
        size(path) / 1_000
    );
    let ours = best_of_3(|| {
        let mut sensor = Sensor::new(&config()).expect("the default config opens");
        let mut capture = Capture::open(path).expect("it was read before");
        while let Ok(Some(packet)) = capture.next() {
            sensor.push(&Packet {
                time: packet.time,
                link: packet.link,
                data: packet.data,
                wire_len: packet.wire_len,
                host: HostHint::default(),
            });
            while sensor.poll().is_some() {}
        }
    });
    println!("{:<28} {:>10.1} ms", "foreshadow, reading included", ours.as_secs_f64() * 1e3);
    let fields =
        ["-n", "-T", "fields", "-e", "frame.time_epoch", "-e", "ip.src", "-e", "tcp.stream"];
    for (tool, arguments) in [("capinfos", &["-c"][..]), ("tshark", &fields[..])] {
        let mut command = Command::new(tool);
        if tool == "tshark" {
            command.arg("-r").arg(path).args(arguments);
        } else {
            command.args(arguments).arg(path);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        if !command.status().is_ok_and(|status| status.success()) {
            println!("SKIPPED {tool}: not installed");
            continue;
        }
        let took = best_of_3(|| drop(command.status()));
        println!(
            "{:<28} {:>10.1} ms, {:.1} times ours",
            format!("{tool} {}", arguments[0]),
            took.as_secs_f64() * 1e3,
            took.as_secs_f64() / ours.as_secs_f64()
        );
    }
}

fn best_of_3(mut run: impl FnMut()) -> Duration {
    (0..3).map(|_| timed(&mut run)).min().expect("three passes")
}
