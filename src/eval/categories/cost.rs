//! What the stage costs a packet of the whole line.

use std::time::Instant;

use crate::config::Config;
use crate::eval::EvalError;
use crate::eval::dataset::Found;
use crate::flow::HostHint;
use crate::sensor::{Packet, Sensor};
use crate::source::{Capture, Source};
use crate::time::{Span, Timestamp};
use crate::wire::LinkType;

/// Packets that it is measured on.
const PACKETS: usize = 200_000;
const PASSES: usize = 5;

struct Stored {
    time: Timestamp,
    link: LinkType,
    wire_len: u32,
    data: std::ops::Range<usize>,
}

/// Nanoseconds a packet without and with the stage, each the best of some passes in turn, and how many
/// packets they were.
pub(super) fn measure(
    captures: &[&Found],
    config: &Config,
) -> Result<([f64; 2], usize), EvalError> {
    let (bytes, packets) = load(captures);
    if packets.is_empty() {
        return Ok(([0.0; 2], 0));
    }
    let mut best = [f64::INFINITY; 2];
    for _ in 0..PASSES {
        for (best, is_enabled) in best.iter_mut().zip(["false", "true"]) {
            let wrong = |reason: String| EvalError::Sensor { reason };
            let mut config = config.clone();
            config.set("bloom.enabled", is_enabled).map_err(|error| wrong(error.to_string()))?;
            let mut sensor = Sensor::new(&config).map_err(|error| wrong(error.to_string()))?;
            let started = Instant::now();
            for Stored { time, link, wire_len, data } in &packets {
                sensor.push(&Packet {
                    time: *time,
                    link: *link,
                    data: bytes.get(data.clone()).unwrap_or_default(),
                    wire_len: *wire_len,
                    host: HostHint::default(),
                });
                while sensor.poll().is_some() {}
            }
            let nanos = started.elapsed().as_nanos() as f64 / packets.len() as f64;
            *best = best.min(nanos);
        }
    }
    Ok((best, packets.len()))
}

/// The first packets of the captures, on one clock.
fn load(captures: &[&Found]) -> (Vec<u8>, Vec<Stored>) {
    let (mut bytes, mut packets) = (Vec::new(), Vec::<Stored>::new());
    for capture in captures {
        let Ok(mut file) = Capture::open(&capture.path) else { continue };
        let last = packets.last().map_or(Timestamp::from_nanos(0), |packet| packet.time);
        let begins = last.after(Span::from_secs(1));
        let mut first = None;
        while let Ok(Some(packet)) = file.next() {
            if packets.len() >= PACKETS {
                return (bytes, packets);
            }
            let start = bytes.len();
            bytes.extend_from_slice(packet.data);
            packets.push(Stored {
                time: begins.after(packet.time.since(*first.get_or_insert(packet.time))),
                link: packet.link,
                wire_len: packet.wire_len,
                data: start..bytes.len(),
            });
        }
    }
    (bytes, packets)
}
