//! Categories of behaviour in the whole line: what a scan does, and what it does not do to others.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

use etherparse::PacketBuilder;
use foreshadow::bloom::{Flagged, Name, Report};
use foreshadow::config::Config;
use foreshadow::flow::HostHint;
use foreshadow::sensor::{Event, Packet, Sensor};
use foreshadow::time::Timestamp;
use foreshadow::wire::{Address, LinkType};

const SECOND: i64 = 1_000_000_000;

fn sensor(settings: &[(&str, &str)]) -> Sensor {
    let mut config = Config::default();
    for (key, value) in settings {
        config.set(key, value).unwrap();
    }
    Sensor::new(&config).unwrap()
}

fn push(sensor: &mut Sensor, nanos: i64, frame: &[u8]) {
    sensor.push(&Packet {
        time: Timestamp::from_nanos(nanos),
        link: LinkType::ETHERNET,
        data: frame,
        wire_len: frame.len() as u32,
        host: HostHint::default(),
    });
}

/// A name look-up of one of thirty hosts inside, and its answer.
fn look_up(sensor: &mut Sensor, nanos: i64, number: i64) {
    let (host, port) = ((number % 30) as u8 + 1, 20_000 + (number % 40_000) as u16);
    let [client, resolver] = [[10, 0, 0, host], [10, 0, 0, 253]];
    for (from, to, ports, after) in
        [(client, resolver, (port, 53), 0), (resolver, client, (53, port), 20_000_000)]
    {
        let builder =
            PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from, to, 64).udp(ports.0, ports.1);
        let mut frame = Vec::new();
        builder.write(&mut frame, &[9; 40]).unwrap();
        push(sensor, nanos + after, &frame);
    }
}

/// A SYN from the scanner to some host's port, and the refusal.
fn knock(sensor: &mut Sensor, nanos: i64, number: i64) {
    let (scanner, host) =
        ([10, 0, 0, 66], [10, 0, (number / 250) as u8 + 1, (number % 250) as u8 + 1]);
    let port = 30_000 + number as u16;
    let mut frame = Vec::new();
    let ethernet = || PacketBuilder::ethernet2([2; 6], [4; 6]);
    ethernet()
        .ipv4(scanner, host, 64)
        .tcp(port, 445, 1, 64_240)
        .syn()
        .write(&mut frame, &[])
        .unwrap();
    push(sensor, nanos, &frame);
    frame.clear();
    let refusal = ethernet().ipv4(host, scanner, 64).tcp(445, port, 0, 0).rst().ack(2);
    refusal.write(&mut frame, &[]).unwrap();
    push(sensor, nanos + 1_000_000, &frame);
}

/// An hour of look-ups, with a scan in its last quarter if there is one.
fn hour(sensor: &mut Sensor, scan: bool) -> Vec<Event> {
    let mut events = Vec::new();
    for second in 0..3_600 {
        look_up(sensor, second * SECOND, second);
        if scan && second >= 2_700 {
            knock(sensor, second * SECOND + SECOND / 2, second - 2_700);
        }
        events.extend(std::iter::from_fn(|| sensor.poll()));
    }
    sensor.finish();
    events.extend(std::iter::from_fn(|| sensor.poll()));
    events
}

fn targets(events: &[Event]) -> Vec<Flagged> {
    let only = |event: &Event| match event {
        Event::Target(flagged) => Some(*flagged),
        _ => None,
    };
    events.iter().filter_map(only).collect()
}

fn reports(events: &[Event]) -> Vec<Report> {
    let only = |event: &Event| match event {
        Event::Category(report) => Some(*report),
        _ => None,
    };
    events.iter().filter_map(only).collect()
}

#[test]
fn a_scanner_becomes_a_target_once_under_either_weighting_and_nobody_else_does() {
    for weighting in ["share", "rarity"] {
        let events = hour(&mut sensor(&[("bloom.weighting", weighting)]), true);
        let found = targets(&events);
        let [flagged] = &found[..] else {
            panic!("{weighting}: expected one target, got {found:?}")
        };
        assert_eq!(flagged.target.address, Address::v4([10, 0, 0, 66]), "{weighting}");
        let names: Vec<&str> = flagged.heaviest.iter().flatten().map(Name::as_str).collect();
        assert!(names.contains(&"failed-handshakes") || names.contains(&"fan-out"), "{names:?}");
        assert!(targets(&hour(&mut sensor(&[("bloom.weighting", weighting)]), false)).is_empty());
    }
}

#[test]
fn categories_are_reported_every_interval_and_at_the_end_in_time_order() {
    let events = hour(&mut sensor(&[]), true);
    assert!(events.iter().map(Event::time).is_sorted());
    let failed: Vec<Report> = reports(&events)
        .into_iter()
        .filter(|report| report.name.as_str() == "failed-handshakes")
        .collect();
    assert_eq!(failed.len(), 60);
    assert_eq!(failed.iter().map(|report| report.activity).sum::<u64>(), 900);
    assert!(failed.iter().all(|report| (0.01..=1.0).contains(&report.weight)));
}

#[test]
fn without_behaviours_nothing_else_changes() {
    let line = |settings: &[(&str, &str)]| -> Vec<String> {
        let of_bloom = |event: &Event| matches!(event, Event::Category(_) | Event::Target(_));
        let text = |event: &Event| match event {
            // The stage's own memory is counted.
            Event::Stats { .. } => String::new(),
            event => event.to_string(),
        };
        let events = hour(&mut sensor(settings), true);
        events.iter().filter(|event| !of_bloom(event)).map(text).collect()
    };
    assert_eq!(line(&[]), line(&[("bloom.enabled", "false")]));
}
