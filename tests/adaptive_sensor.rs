//! The adaptive model in a sensor: chosen by the configuration, the same answers each time, deadlines
//! that a heartbeat's silence passes at once, and clear words for a file that is none.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

use std::io::Write as _;

use foreshadow::config::Config;
use foreshadow::flow::HostHint;
use foreshadow::sensor::{Event, Packet, Sensor};
use foreshadow::time::{Span, Timestamp};
use foreshadow::wire::LinkType;

const SHIPPED: &[u8] = include_bytes!("../models/adaptive.safetensors");

fn config() -> Config {
    let mut config = Config::default();
    config.set("model.kind", "adaptive").unwrap();
    config
}

/// A raw IPv4 datagram from side A or back.
fn datagram(from_a: bool, payload: u16) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend((28 + payload).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    let (a, b) = ([192, 0, 2, 1], [198, 51, 100, 2]);
    bytes.extend(if from_a { [a, b] } else { [b, a] }.concat());
    let [source, destination] = if from_a { [40_001_u16, 5_000] } else { [5_000, 40_001] };
    bytes.extend(source.to_be_bytes());
    bytes.extend(destination.to_be_bytes());
    bytes.extend((8 + payload).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.resize(28 + usize::from(payload), 7);
    bytes
}

fn push(sensor: &mut Sensor, millis: i64, data: &[u8]) {
    sensor.push(&Packet {
        time: Timestamp::from_nanos(millis * 1_000_000),
        link: LinkType::RAW,
        data,
        wire_len: data.len() as u32,
        host: HostHint::default(),
    });
}

/// A poll every five seconds and its answer, then silence; all events.
fn heartbeat(config: &Config) -> Vec<Event> {
    let mut sensor = Sensor::new(config).unwrap();
    for beat in 0..40 {
        push(&mut sensor, beat * 5_000, &datagram(true, 40));
        push(&mut sensor, beat * 5_000 + 3, &datagram(false, 300));
    }
    sensor.advance(Timestamp::from_nanos(230_000_000_000));
    std::iter::from_fn(|| sensor.poll()).collect()
}

#[test]
fn a_heartbeat_that_stops_is_missed_within_a_few_per_cent_of_its_period() {
    let events = heartbeat(&config());
    let missed = events.iter().find_map(|event| match event {
        Event::Synthetic(synthetic) => Some(synthetic),
        _ => None,
    });
    let missed = missed.expect("the silence is noticed");
    let late = missed.due.since(Timestamp::from_nanos(200_000_000_000));
    assert!(late < Span::from_millis(200), "due {late:?} after the beat that did not come");
    assert_eq!(missed.expected.size.mode, 40);
}

#[test]
fn the_same_packets_give_the_same_events() {
    let lines =
        |events: Vec<Event>| -> Vec<String> { events.iter().map(ToString::to_string).collect() };
    let first = lines(heartbeat(&config()));
    assert!(!first.is_empty());
    assert_eq!(first, lines(heartbeat(&config())));
    // Named or built in, the weights are the same.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(SHIPPED).unwrap();
    let mut named = config();
    named.set("model.path", file.path().to_str().unwrap()).unwrap();
    assert_eq!(first, lines(heartbeat(&named)));
}

#[test]
fn a_file_that_is_missing_or_no_weights_is_named_with_the_reason() {
    let said = |path: &str| {
        let mut config = config();
        config.set("model.path", path).unwrap();
        Sensor::new(&config).err().unwrap().to_string()
    };
    let missing = said("/nowhere/at all");
    assert!(missing.starts_with("model.path: \"/nowhere/at all\" can't be read: "), "{missing}");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&SHIPPED[..1_000]).unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(
        said(path),
        format!(
            "model.path: \"{path}\" can't be used: tensor mixer.confidence lies at 0 to 2560, not 0 to 408"
        )
    );
    let endless = said("/dev/zero");
    assert!(endless.contains("a model has at most 16777216"), "{endless}");
}
