//! Gaps, overdue packets and their outcomes, through the whole line.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

use std::collections::BTreeMap;

use etherparse::PacketBuilder;
use foreshadow::config::Config;
use foreshadow::flow::{HostHint, Side};
use foreshadow::predict::{Kind, Outcome, Settled, SyntheticId, SyntheticPacket, Why};
use foreshadow::sensor::{Event, Packet, Sensor};
use foreshadow::time::Timestamp;
use foreshadow::wire::LinkType;
use proptest::prelude::*;

const MILLI: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MILLI;

fn sensor(settings: &[(&str, &str)]) -> Sensor {
    let mut config = Config::default();
    for (key, value) in settings {
        config.set(key, value).unwrap();
    }
    Sensor::new(&config).unwrap()
}

fn push(sensor: &mut Sensor, nanos: i64, frame: &[u8]) -> Option<f32> {
    let verdict = sensor.push(&Packet {
        time: Timestamp::from_nanos(nanos),
        link: LinkType::ETHERNET,
        data: frame,
        wire_len: frame.len() as u32,
        host: HostHint::default(),
    });
    verdict.surprise.map(|surprise| surprise.total())
}

/// A segment from the client (side A) or the server, on ports 40,000 and 443.
fn tcp(from_client: bool, sequence: u32, acknowledgement: u32, len: usize) -> Vec<u8> {
    let (from, to, source, destination) =
        if from_client { (1, 2, 40_000, 443) } else { (2, 1, 443, 40_000) };
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
        .tcp(source, destination, sequence, 8_192)
        .ack(acknowledgement);
    let mut frame = Vec::new();
    builder.write(&mut frame, &vec![7; len]).unwrap();
    frame
}

fn udp(from_client: bool, port: u16, len: usize) -> Vec<u8> {
    let (from, to, source, destination) =
        if from_client { (1, 2, 40_000, port) } else { (2, 1, port, 40_000) };
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
        .udp(source, destination);
    let mut frame = Vec::new();
    builder.write(&mut frame, &vec![7; len]).unwrap();
    frame
}

#[derive(Default)]
struct Seen {
    made: Vec<SyntheticPacket>,
    settled: BTreeMap<SyntheticId, Settled>,
    times: Vec<Timestamp>,
}

impl Seen {
    fn drain(&mut self, sensor: &mut Sensor) {
        while let Some(event) = sensor.poll() {
            self.times.push(event.time());
            match event {
                Event::Synthetic(packet) => self.made.push(packet),
                Event::Outcome(settled) => {
                    let known = self.made.iter().any(|packet| packet.serial == settled.serial);
                    assert!(known, "an outcome follows its packet");
                    let twice = self.settled.insert(settled.serial, settled);
                    assert_eq!(twice, None, "one outcome each");
                }
                _ => {}
            }
        }
    }

    fn gaps(&self, why: Why) -> Vec<&SyntheticPacket> {
        let is = |packet: &&SyntheticPacket| packet.kind.gap().is_some_and(|gap| gap.why == why);
        self.made.iter().filter(is).collect()
    }

    fn outcome(&self, packet: &SyntheticPacket) -> Outcome {
        self.settled[&packet.serial].outcome
    }
}

/// An upload of `segments` of 1,000 bytes from 1,000 on, each acknowledged, without those in `lost`.
fn upload(sensor: &mut Sensor, segments: u32, lost: &[u32]) {
    for at in 0..segments {
        let (start, time) = (1_000 + at * 1_000, i64::from(at) * 10 * MILLI);
        if !lost.contains(&at) {
            push(sensor, time, &tcp(true, start, 500, 1_000));
        }
        if !lost.contains(&(at + 1)) || at % 2 == 0 {
            push(sensor, time + MILLI, &tcp(false, 500, start + 1_000, 0));
        }
    }
}

fn finish(mut sensor: Sensor) -> Seen {
    let mut seen = Seen::default();
    seen.drain(&mut sensor);
    sensor.finish();
    seen.drain(&mut sensor);
    let stats = sensor.stats();
    assert_eq!(stats.synthetic, seen.made.len() as u64);
    assert_eq!(stats.late + stats.filled + stats.lost + stats.phantom, stats.synthetic);
    let by_service: u64 = sensor.coverage().map(|row| row.overdue + row.gaps).sum();
    assert_eq!(by_service, stats.synthetic);
    seen
}

#[test]
fn bytes_that_the_peer_acknowledged_unseen_are_lost_packets_of_their_exact_range() {
    let mut sensor = sensor(&[]);
    upload(&mut sensor, 30, &[10, 20, 21]);
    let seen = finish(sensor);
    let gaps = seen.gaps(Why::Acknowledged);
    let ranges: Vec<_> = gaps.iter().map(|gap| (gap.sequence, gap.payload_len)).collect();
    assert_eq!(ranges, [(Some(11_000), 1_000), (Some(21_000), 1_000), (Some(22_000), 1_000)]);
    assert!(gaps.iter().all(|gap| gap.side == Side::A && seen.outcome(gap) == Outcome::Lost));
    assert!(gaps.iter().all(|gap| gap.last <= gap.due && gap.due <= gap.made));
}

#[test]
fn a_hole_that_a_retransmission_fills_was_filled_and_one_overtaken_never_was() {
    let mut sensor = sensor(&[("predict.max_run", "0")]);
    push(&mut sensor, 0, &tcp(true, 1_000, 500, 1_000));
    push(&mut sensor, MILLI, &tcp(false, 500, 2_000, 0));
    push(&mut sensor, 2 * MILLI, &tcp(true, 3_000, 500, 1_000));
    push(&mut sensor, 3 * MILLI, &tcp(true, 2_000, 500, 1_000));
    push(&mut sensor, 4 * MILLI, &tcp(true, 5_000, 500, 1_000));
    push(&mut sensor, 300 * MILLI, &tcp(true, 4_000, 500, 1_000));
    let seen = finish(sensor);
    let [gap] = &seen.made[..] else { panic!("one packet, not {:?}", seen.made) };
    assert_eq!((gap.sequence, gap.payload_len), (Some(4_000), 1_000));
    assert_eq!(gap.made.nanos(), 24 * MILLI, "after the wait for what was overtaken");
    assert_eq!(seen.outcome(gap), Outcome::Filled);
}

#[test]
fn a_hole_of_a_gigabyte_makes_as_many_packets_as_allowed_and_says_what_it_left() {
    let mut sensor = sensor(&[("predict.max_gap_packets", "5")]);
    push(&mut sensor, 0, &tcp(true, 1_000, 500, 1_000));
    push(&mut sensor, MILLI, &tcp(false, 500, 2_000, 0));
    push(&mut sensor, 2 * MILLI, &tcp(true, 1_000_002_000, 500, 1_000));
    let seen = finish(sensor);
    assert_eq!(seen.made.len(), 5);
    for (at, packet) in seen.made.iter().enumerate() {
        let gap = packet.kind.gap().unwrap();
        assert_eq!((gap.part, gap.parts, gap.left), (at as u32 + 1, 5, 1_000_000_000 - 5_000));
    }
}

#[test]
fn what_only_looks_like_a_gap_makes_none() {
    let mut sensor = sensor(&[("predict.max_run", "0")]);
    // Mid-stream: A acknowledges up to 500, B's first packet that is seen lies further on.
    push(&mut sensor, 0, &tcp(true, 1_000, 500, 100));
    push(&mut sensor, SECOND, &tcp(false, 9_500, 1_100, 100));
    push(&mut sensor, 2 * SECOND, &tcp(true, 1_100, 9_600, 0));
    // A keep-alive and its answer, and a retransmission.
    push(&mut sensor, 3 * SECOND, &tcp(true, 1_099, 9_600, 1));
    push(&mut sensor, 4 * SECOND, &tcp(false, 9_600, 1_100, 0));
    push(&mut sensor, 5 * SECOND, &tcp(false, 9_500, 1_100, 100));
    push(&mut sensor, 6 * SECOND, &tcp(true, 1_100, 9_600, 0));
    assert_eq!(finish(sensor).made, []);
}

#[test]
fn a_connection_of_which_one_side_is_seen_makes_nothing() {
    for side in [true, false] {
        let mut sensor = sensor(&[]);
        for at in 0..200 {
            let start = 1_000 + at * 3_000;
            push(&mut sensor, i64::from(at) * SECOND, &tcp(side, start, 500 + at * 777, 1_000));
            push(&mut sensor, i64::from(at) * SECOND, &udp(side, 53, 40));
        }
        sensor.advance(Timestamp::from_nanos(10_000 * SECOND));
        assert_eq!(finish(sensor).made, []);
    }
}

#[test]
fn a_request_without_its_response_is_a_gap_where_responses_came_before() {
    let run = |port: u16, answered: bool| {
        let mut sensor = sensor(&[("predict.max_run", "0")]);
        for beat in 0..20 {
            let time = beat * SECOND;
            push(&mut sensor, time, &udp(true, port, 48));
            if answered && beat != 12 || beat == 0 {
                push(&mut sensor, time + 20 * MILLI, &udp(false, port, 90));
            }
        }
        finish(sensor)
    };
    let seen = run(123, true);
    let [gap] = &seen.gaps(Why::NoResponse)[..] else { panic!("one response is missing") };
    assert_eq!((gap.side, gap.payload_len, gap.sequence), (Side::B, 90, None));
    let late = gap.due.nanos() - 12 * SECOND;
    assert!((10 * MILLI..30 * MILLI).contains(&late), "due {late} ns after the request");
    assert_eq!(seen.outcome(gap), Outcome::Phantom);
    assert_eq!(run(123, false).made, [], "a server that does not answer owes nothing");
    assert_eq!(run(5_353, true).made, [], "nor does a service that need not");
}

#[test]
fn an_overdue_packet_that_comes_a_little_later_is_late_and_one_that_is_skipped_a_phantom() {
    let run = |twelfth: Option<i64>| {
        let mut sensor = sensor(&[("model.kind", "adaptive"), ("predict.min_confidence", "0.3")]);
        for beat in 0..60 {
            let late = if beat == 40 { twelfth } else { Some(0) };
            if let Some(late) = late {
                push(&mut sensor, beat * SECOND + late, &udp(true, 502, 40));
                push(&mut sensor, beat * SECOND + late + 20 * MILLI, &udp(false, 502, 200));
            }
        }
        let seen = finish(sensor);
        let first = seen.made.iter().find(|packet| packet.kind == Kind::Overdue).copied();
        let first = first.expect("the beat was missed");
        assert_eq!((first.side, first.payload_len), (Side::A, 40));
        assert!((40 * SECOND..41 * SECOND).contains(&first.due.nanos()));
        seen.outcome(&first)
    };
    assert_eq!(run(Some(300 * MILLI)), Outcome::Late);
    assert_eq!(run(None), Outcome::Phantom);
}

#[test]
fn a_capture_that_loses_on_every_connection_is_told_from_endpoints_that_fall_silent() {
    let mut sensor = sensor(&[]);
    for at in 0..100_u32 {
        for client in 0..10_u8 {
            let time = i64::from(at) * 50 * MILLI + i64::from(client) * 100_000;
            let start = 1_000 + at * 100;
            let swap = |mut frame: Vec<u8>, at: usize| {
                frame[at] = 100 + client;
                frame
            };
            if !(at + u32::from(client)).is_multiple_of(10) {
                push(&mut sensor, time, &swap(tcp(true, start, 500, 100), 29));
            }
            push(&mut sensor, time + 50_000, &swap(tcp(false, 500, start + 100, 0), 33));
        }
    }
    let loss = sensor.stats().capture_loss_ppm;
    assert!((30_000..70_000).contains(&loss), "{loss} in a million");
}

/// A stretch of traffic on a few connections, any of it lost, late, repeated.
fn step() -> impl Strategy<Value = (u8, u8, u32, i64)> {
    (0u8..3, 0u8..12, 0u32..1_500, prop_oneof![0i64..50 * MILLI, 0i64..5 * SECOND])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn every_synthetic_packet_gets_one_outcome_and_the_scores_do_not_know_of_it(
        steps in proptest::collection::vec(step(), 1..400),
        open in prop_oneof![Just("128"), Just("16384")],
    ) {
        let run = |enabled: &str| {
            let mut sensor = sensor(&[
                ("predict.enabled", enabled),
                ("predict.min_confidence", "0.05"),
                ("predict.max_nothing_more", "1.0"),
                ("predict.max_open", open),
                ("flow.max_connections", "16"),
            ]);
            let mut seen = Seen::default();
            let mut bits = Vec::new();
            let (mut now, mut sent) = (0, [[1_000_u32; 2]; 3]);
            for &(connection, kind, len, wait) in &steps {
                now += wait;
                let at = &mut sent[usize::from(connection)];
                let side = usize::from(kind % 2);
                let mut start = at[side];
                match kind / 2 {
                    0 => start = start.wrapping_add(len),
                    1 => start = start.wrapping_sub(len),
                    _ => {}
                }
                at[side] = at[side].max(start.wrapping_add(len));
                let frame = match connection {
                    0 => udp(side == 0, 53, len as usize),
                    _ => {
                        let mut frame = tcp(side == 0, start, at[1 - side], len as usize);
                        frame[if side == 0 { 29 } else { 33 }] = 100 + connection;
                        frame
                    }
                };
                bits.push(push(&mut sensor, now, &frame));
                seen.drain(&mut sensor);
            }
            sensor.advance(Timestamp::from_nanos(now + 3 * SECOND));
            sensor.finish();
            seen.drain(&mut sensor);
            (bits, seen)
        };
        let (with, seen) = run("true");
        let (without, none) = run("false");
        prop_assert_eq!(with, without);
        prop_assert_eq!(none.made.len(), 0);
        prop_assert!(seen.times.is_sorted());
        prop_assert_eq!(seen.made.len(), seen.settled.len());
        let serials: Vec<_> = seen.made.iter().map(|packet| packet.serial.0).collect();
        prop_assert_eq!(serials, (1..=seen.made.len() as u64).collect::<Vec<_>>());
    }
}

/// The same frame with an IP identification.
fn numbered(mut frame: Vec<u8>, id: u16) -> Vec<u8> {
    frame[18..20].copy_from_slice(&id.to_be_bytes());
    frame
}

#[test]
fn a_bare_acknowledgement_that_only_its_senders_numbers_tell_of_is_found_where_it_was_due() {
    let (mut sensor, mut seen) = (sensor(&[]), Seen::default());
    for at in 0..60 {
        let (start, time) = (1_000 + at * 1_000, i64::from(at) * 10 * MILLI);
        push(&mut sensor, time, &tcp(true, start, 500, 1_000));
        if at != 40 {
            let frame = numbered(tcp(false, 500, start + 1_000, 0), 7_000 + at as u16);
            push(&mut sensor, time + MILLI, &frame);
        }
        seen.drain(&mut sensor);
    }
    let [gap] = &seen.gaps(Why::Numbering)[..] else { panic!("{:?}", seen.made) };
    assert_eq!((gap.side, gap.payload_len, gap.sequence), (Side::B, 0, Some(500)));
    let off = gap.due.nanos() - (400 * MILLI + MILLI);
    assert!(off.abs() < MILLI / 2, "{off}");
    assert_eq!(seen.outcome(gap), Outcome::Lost);
}

#[test]
fn an_acknowledgement_that_was_only_overtaken_is_none() {
    let mut sensor = sensor(&[]);
    for at in 0..60_u32 {
        // Two of them changed places.
        let id = match at {
            40 => 41,
            41 => 40,
            other => other,
        };
        let (start, time) = (1_000 + at * 1_000, i64::from(at) * MILLI);
        push(&mut sensor, time, &tcp(true, start, 500, 1_000));
        let frame = numbered(tcp(false, 500, start + 1_000, 0), 7_000 + id as u16);
        push(&mut sensor, time + MILLI / 10, &frame);
    }
    assert!(finish(sensor).gaps(Why::Numbering).is_empty());
}
