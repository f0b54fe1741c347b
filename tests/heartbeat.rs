//! Missing heartbeats, by the whole line: polling over one connection, with a connection each time, and
//! all that is no missing heartbeat.

#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

use std::path::Path;

use etherparse::PacketBuilder;
use foreshadow::config::Config;
use foreshadow::flow::HostHint;
use foreshadow::predict::cadence::{Beats, Change, Heartbeat};
use foreshadow::sensor::{Event, Packet, Sensor};
use foreshadow::time::Timestamp;
use foreshadow::wire::{Address, LinkType};

const SECOND: f64 = 1.0;

/// What is put on the wire, by time.
#[derive(Default)]
struct Wire {
    frames: Vec<(f64, Vec<u8>)>,
}

#[derive(Clone, Copy)]
struct Tcp {
    from: (u8, u16),
    to: (u8, u16),
}

impl Tcp {
    const fn answer(self) -> Self {
        Self { from: self.to, to: self.from }
    }
}

impl Wire {
    /// A segment; flags are letters.
    fn tcp(&mut self, at: f64, ends: Tcp, flags: &str, payload: usize) {
        let Tcp { from, to } = ends;
        let mut builder = PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([10, 0, 0, from.0], [10, 0, 0, to.0], 64)
            .tcp(from.1, to.1, (at * 1_000.0) as u32, 8_192);
        for flag in flags.chars() {
            builder = match flag {
                'S' => builder.syn(),
                'F' => builder.fin(),
                'R' => builder.rst(),
                _ => builder.ack(1),
            };
        }
        let mut frame = Vec::new();
        builder.write(&mut frame, &vec![7; payload]).unwrap();
        self.frames.push((at, frame));
    }

    fn udp(&mut self, at: f64, from: (u8, u16), to: (u8, u16), payload: usize) {
        let builder = PacketBuilder::ethernet2([2; 6], [4; 6])
            .ipv4([10, 0, 0, from.0], [10, 0, 0, to.0], 64)
            .udp(from.1, to.1);
        let mut frame = Vec::new();
        builder.write(&mut frame, &vec![7; payload]).unwrap();
        self.frames.push((at, frame));
    }

    /// Questions, answers and acknowledgements on one TCP connection, `period` apart.
    fn poll(&mut self, ends: Tcp, period: f64, beats: std::ops::Range<u32>) {
        for beat in beats {
            let at = f64::from(beat) * period;
            self.tcp(at, ends, "A", 12);
            self.tcp(at + 0.02, ends.answer(), "A", 30);
            self.tcp(at + 0.06, ends, "A", 0);
        }
    }

    /// A whole connection.
    fn visit(&mut self, at: f64, ends: Tcp) {
        let answer = ends.answer();
        for (after, ends, flags, payload) in [
            (0.0, ends, "S", 0),
            (0.01, answer, "SA", 0),
            (0.02, ends, "A", 80),
            (0.03, answer, "A", 200),
            (0.04, ends, "FA", 0),
            (0.05, answer, "FA", 0),
            (0.06, ends, "A", 0),
        ] {
            self.tcp(at + after, ends, flags, payload);
        }
    }

    /// Others that go about their business, at no particular times.
    fn others(&mut self, until: f64) {
        let mut at = 0.7;
        let mut step = 1_u32;
        while at < until {
            step = step.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            self.udp(at, (200, 40_000 + (step >> 24) as u16), (201, 9_999), 20);
            at += 0.1 + f64::from(step >> 16) / 30_000.0;
        }
    }

    fn run(mut self, settings: &[(&str, &str)]) -> Vec<Heartbeat> {
        self.frames.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut config = Config::default();
        for (key, value) in settings {
            config.set(key, value).unwrap();
        }
        let mut sensor = Sensor::new(&config).unwrap();
        let mut found = Vec::new();
        for (at, data) in &self.frames {
            sensor.push(&Packet {
                time: time(*at),
                link: LinkType::ETHERNET,
                data,
                wire_len: data.len() as u32,
                host: HostHint::default(),
            });
            collect(&mut sensor, &mut found);
        }
        sensor.finish();
        collect(&mut sensor, &mut found);
        found
    }
}

fn collect(sensor: &mut Sensor, found: &mut Vec<Heartbeat>) {
    let mut last = Timestamp::MIN;
    while let Some(event) = sensor.poll() {
        assert!(event.time() >= last, "events leave in the order of time");
        last = event.time();
        if let Event::Heartbeat(heartbeat) = event {
            found.push(heartbeat);
        }
    }
}

fn time(seconds: f64) -> Timestamp {
    Timestamp::from_nanos((seconds * 1e9) as i64 + 1_700_000_000_000_000_000)
}

fn since_start(time: Timestamp) -> f64 {
    (time.nanos() - 1_700_000_000_000_000_000) as f64 / 1e9
}

const MODBUS: Tcp = Tcp { from: (1, 50_000), to: (2, 502) };

#[test]
fn polling_that_stops_is_told_once_within_three_periods_and_again_when_it_is_back() {
    let mut wire = Wire::default();
    wire.poll(MODBUS, SECOND, 0..100);
    wire.poll(MODBUS, SECOND, 160..200);
    wire.others(200.0);
    let found = wire.run(&[]);
    let [stopped, resumed] = found[..] else { panic!("{found:?}") };
    assert_eq!((stopped.change, stopped.beats), (Change::Stopped, Beats::Packets));
    let late = since_start(stopped.time) - 99.0;
    assert!((2.0..=3.0).contains(&late), "{late} s after the last beat");
    assert!((stopped.period.secs_f64() - 1.0).abs() < 0.01, "{stopped:?}");
    assert!(stopped.uid.is_some());
    assert_eq!((stopped.source, stopped.source_port), (Address::v4([10, 0, 0, 1]), 50_000));
    assert_eq!((stopped.missed, stopped.last), (2, time(99.0)));
    assert_eq!((resumed.change, resumed.missed), (Change::Resumed, 60));
    assert_eq!(since_start(resumed.time), 160.0);
}

#[test]
fn polling_that_goes_on_is_not_told_of() {
    let mut wire = Wire::default();
    wire.poll(MODBUS, SECOND, 0..300);
    wire.others(300.0);
    assert_eq!(wire.run(&[]), []);
}

#[test]
fn a_device_that_answers_no_more_is_told_of_though_it_is_still_asked() {
    let mut wire = Wire::default();
    wire.poll(MODBUS, SECOND, 0..100);
    for beat in 100..140 {
        wire.tcp(f64::from(beat), MODBUS, "A", 12);
    }
    let found = wire.run(&[]);
    let [stopped] = found[..] else { panic!("{found:?}") };
    assert_eq!((stopped.source, stopped.change), (Address::v4([10, 0, 0, 2]), Change::Stopped));
}

#[test]
fn a_beat_can_be_a_whole_connection() {
    let mut wire = Wire::default();
    for beat in 0..40_u16 {
        let jitter = f64::from(beat * 7 % 5) * 0.3;
        wire.visit(f64::from(beat) * 60.0 + jitter, Tcp { from: (1, 50_000 + beat), to: (2, 443) });
    }
    wire.others(3_000.0);
    let found = wire.run(&[]);
    let [stopped] = found[..] else { panic!("{found:?}") };
    assert_eq!((stopped.change, stopped.beats), (Change::Stopped, Beats::Connections));
    assert_eq!((stopped.source_port, stopped.destination_port), (0, 443));
    let late = since_start(stopped.time) - 39.0 * 60.0;
    assert!(late <= 180.0, "{late} s after the last beat");
}

#[test]
fn a_flow_that_times_out_between_beats_keeps_its_cadence() {
    let mut wire = Wire::default();
    for beat in 0..60 {
        wire.udp(f64::from(beat) * 45.0, (3, 123), (4, 123), 48);
        wire.udp(f64::from(beat) * 45.0 + 0.1, (4, 123), (3, 123), 48);
    }
    wire.others(3_000.0);
    let found = wire.run(&[]);
    assert_eq!(found.len(), 1, "one event for two endpoints on a service: {found:?}");
    assert!(since_start(found[0].time) <= 59.0 * 45.0 + 3.0 * 45.0);
}

#[test]
fn a_proper_goodbye_is_no_missing_heartbeat() {
    for goodbye in ["FA", "R"] {
        let mut wire = Wire::default();
        wire.poll(MODBUS, SECOND, 0..100);
        wire.tcp(99.5, MODBUS, goodbye, 0);
        wire.others(200.0);
        assert_eq!(wire.run(&[]), [], "{goodbye}");
    }
}

#[test]
fn polling_that_goes_on_in_another_connection_has_not_stopped() {
    let mut wire = Wire::default();
    wire.poll(MODBUS, SECOND, 0..100);
    wire.poll(Tcp { from: (1, 50_001), ..MODBUS }, SECOND, 100..200);
    wire.others(200.0);
    assert_eq!(wire.run(&[]), []);
}

#[test]
fn a_capture_that_sees_nothing_at_all_says_so_once() {
    let mut wire = Wire::default();
    for device in 2..12 {
        let ends = Tcp { from: (1, 50_000 + u16::from(device)), to: (device, 502) };
        wire.poll(ends, SECOND, 0..100);
        wire.poll(ends, SECOND, 200..300);
    }
    let found = wire.run(&[]);
    let [silence] = found[..] else { panic!("{found:?}") };
    assert_eq!((silence.change, silence.cadences), (Change::Silence, 20));
}

#[test]
fn a_device_that_does_not_come_back_after_such_a_silence_is_told_of() {
    let mut wire = Wire::default();
    for device in 2..12 {
        let ends = Tcp { from: (1, 50_000 + u16::from(device)), to: (device, 502) };
        wire.poll(ends, SECOND, 0..100);
        if device != 7 {
            wire.poll(ends, SECOND, 200..300);
        }
    }
    let found = wire.run(&[]);
    let changes: Vec<_> = found.iter().map(|beat| beat.change).collect();
    assert_eq!(changes, [Change::Silence, Change::Stopped], "{found:?}");
    assert_eq!(found[1].destination, Address::v4([10, 0, 0, 7]));
    assert!(since_start(found[1].time) <= 203.0);
}

#[test]
fn a_cadence_that_pauses_now_and_then_is_soon_not_believed() {
    let mut wire = Wire::default();
    for round in 0..12 {
        wire.poll(MODBUS, SECOND, round * 100..round * 100 + 50);
    }
    let alone = wire.run(&[]);
    assert!(alone.iter().all(|beat| beat.change == Change::Silence), "{alone:?}");
    assert!((1..=3).contains(&alone.len()), "nobody else shows that the capture lives: {alone:?}");
    let mut wire = Wire::default();
    for round in 0..12 {
        wire.poll(MODBUS, SECOND, round * 100..round * 100 + 50);
    }
    wire.others(1_200.0);
    let stopped = wire.run(&[]).iter().filter(|beat| beat.change == Change::Stopped).count();
    assert!((1..=3).contains(&stopped), "{stopped} of 11 pauses told");
}

#[test]
fn the_end_of_the_capture_is_no_stop() {
    let mut wire = Wire::default();
    wire.poll(MODBUS, SECOND, 0..100);
    assert_eq!(wire.run(&[]), []);
}

#[test]
fn nothing_is_watched_where_the_config_says_so() {
    for setting in [("predict.heartbeats", "0"), ("predict.enabled", "false")] {
        let mut wire = Wire::default();
        wire.poll(MODBUS, SECOND, 0..100);
        wire.others(200.0);
        assert_eq!(wire.run(&[setting]), []);
    }
}

/// A WeMo switch and a Modbus master from the licence-clean captures: no event as they are.
#[test]
fn the_bundled_captures_raise_none() {
    use foreshadow::source::{Capture, Source};
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/agree");
    for name in ["ModbusTCP__modbus_test_data_part1.pcap", "WeMoSwitch2.pcap", "ntp.pcap"] {
        let mut capture = Capture::open(folder.join(name)).unwrap();
        let mut sensor = Sensor::new(&Config::default()).unwrap();
        let mut found = Vec::new();
        while let Some(packet) = capture.next().unwrap() {
            sensor.push(&Packet {
                time: packet.time,
                link: packet.link,
                data: packet.data,
                wire_len: packet.wire_len,
                host: HostHint::default(),
            });
            collect(&mut sensor, &mut found);
        }
        sensor.finish();
        collect(&mut sensor, &mut found);
        assert_eq!(found, [], "{name}");
    }
}
