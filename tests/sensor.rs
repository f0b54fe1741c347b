//! The whole line: what goes in as packets and comes out as events.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

use etherparse::PacketBuilder;
use foreshadow::config::Config;
use foreshadow::flow::{CloseReason, HostHint, Side};
use foreshadow::predict::{Kind, SyntheticPacket};
use foreshadow::sensor::{Event, Packet, Sensor, Verdict};
use foreshadow::time::Timestamp;
use foreshadow::wire::LinkType;

const MILLI: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MILLI;

/// A sensor that believes quickly, with some keys set otherwise.
fn sensor(settings: &[(&str, &str)]) -> Sensor {
    let mut config = Config::default();
    for (key, value) in [("score.warm_up", "100")].iter().chain(settings) {
        config.set(key, value).unwrap();
    }
    Sensor::new(&config).unwrap()
}

/// A UDP frame from host `from` to host `to`, on ports 4000 and 502.
fn udp(from: u8, to: u8, len: usize) -> Vec<u8> {
    let (source, destination) = if from < to { (4_000, 502) } else { (502, 4_000) };
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
        .udp(source, destination);
    let mut frame = Vec::new();
    builder.write(&mut frame, &vec![7; len]).unwrap();
    frame
}

fn push(sensor: &mut Sensor, nanos: i64, frame: &[u8]) -> Verdict {
    sensor.push(&Packet {
        time: Timestamp::from_nanos(nanos),
        link: LinkType::ETHERNET,
        data: frame,
        wire_len: frame.len() as u32,
        host: HostHint::default(),
    })
}

/// `beats` questions a second apart, each answered after 20 ms; returns when the last answer came.
fn poll_for(sensor: &mut Sensor, start: i64, beats: i64) -> i64 {
    for beat in 0..beats {
        push(sensor, start + beat * SECOND, &udp(1, 2, 40));
        push(sensor, start + beat * SECOND + 20 * MILLI, &udp(2, 1, 200));
    }
    start + (beats - 1) * SECOND + 20 * MILLI
}

fn drain(sensor: &mut Sensor) -> Vec<Event> {
    std::iter::from_fn(|| sensor.poll()).collect()
}

fn synthetic(events: &[Event]) -> Vec<SyntheticPacket> {
    let only = |event: &Event| match event {
        Event::Synthetic(packet) => Some(*packet),
        _ => None,
    };
    events.iter().filter_map(only).collect()
}

#[test]
fn a_poll_that_stops_is_missed_and_the_one_that_goes_on_is_not() {
    let mut sensor = sensor(&[]);
    let last = poll_for(&mut sensor, 0, 100);
    assert_eq!(synthetic(&drain(&mut sensor)), [], "nothing was missing");
    sensor.advance(Timestamp::from_nanos(last + 30 * SECOND));
    let missed = synthetic(&drain(&mut sensor));
    let first = missed.first().expect("the next poll is overdue");
    assert_eq!((first.kind, first.run, first.last.nanos()), (Kind::Overdue, 1, last));
    assert_eq!(first.expected.side, Side::A, "the question was due");
    assert!((32..64).contains(&first.expected.size.mode), "{:?}", first.expected.size);
    let late = first.due.nanos() - last;
    assert!((SECOND..3 * SECOND).contains(&late), "due {late} ns after the last packet");
    assert!(missed.len() <= 4, "a run is bounded: {}", missed.len());
    let runs: Vec<u8> = missed.iter().map(|packet| packet.run).collect();
    assert_eq!(runs, (1..=missed.len() as u8).collect::<Vec<_>>());
}

#[test]
fn deadlines_fire_with_their_own_time_whether_a_packet_or_the_clock_brings_them() {
    let missed_by = |bring: &dyn Fn(&mut Sensor, i64)| {
        let mut sensor = sensor(&[]);
        let last = poll_for(&mut sensor, 0, 100);
        bring(&mut sensor, last + 20 * SECOND);
        synthetic(&drain(&mut sensor))
    };
    let by_clock = missed_by(&|sensor, now| sensor.advance(Timestamp::from_nanos(now)));
    let by_packet = missed_by(&|sensor, now| {
        push(sensor, now, &udp(8, 9, 10));
    });
    let by_steps = missed_by(&|sensor, now| {
        for step in (0..=20).rev() {
            sensor.advance(Timestamp::from_nanos(now - step * SECOND));
        }
    });
    assert!(!by_clock.is_empty());
    assert_eq!(by_clock, by_packet);
    assert_eq!(by_clock, by_steps);
}

#[test]
fn scores_do_not_depend_on_deadlines() {
    let bits = |enabled: &str| {
        let mut sensor = sensor(&[("predict.enabled", enabled)]);
        let mut bits = Vec::new();
        for beat in 0..200 {
            let gap = if beat % 37 == 0 { 9 * SECOND } else { 0 };
            let (from, to) = if beat % 2 == 0 { (1, 2) } else { (2, 1) };
            let verdict = push(&mut sensor, beat * 10 * SECOND + gap, &udp(from, to, 40));
            bits.push(verdict.surprise.unwrap().total());
        }
        (bits, sensor.stats().synthetic)
    };
    let (with, made) = bits("true");
    let (without, none) = bits("false");
    assert_eq!(with, without);
    assert!(made > 0, "deadlines did pass");
    assert_eq!(none, 0);
}

#[test]
fn a_packet_that_never_came_before_is_an_anomaly_with_what_was_expected() {
    let mut sensor = sensor(&[("score.false_alarms_per_million", "10000")]);
    let last = poll_for(&mut sensor, 0, 300);
    drain(&mut sensor);
    let verdict = push(&mut sensor, last + 3_600 * SECOND / 100, &udp(2, 1, 1_400));
    assert!(verdict.anomalous, "{verdict:?}");
    let events = drain(&mut sensor);
    let anomaly = events.iter().find_map(|event| match event {
        Event::Anomaly(anomaly) => Some(anomaly),
        _ => None,
    });
    let anomaly = anomaly.expect("the event follows the verdict");
    assert_eq!(Some(anomaly.surprise), verdict.surprise);
    assert_eq!(anomaly.expected.side, Side::A);
    assert_eq!((anomaly.seen.side, anomaly.seen.payload_len), (Side::B, 1_400));
    assert_eq!(anomaly.seen.entropy, Some(0), "equal bytes hold no information");
}

#[test]
fn what_surprises_changes_the_forecast_only_slowly() {
    // The same odd packet after each of eight polls: surprise of the first and of the last.
    let surprise = |false_alarms: &str| {
        let mut sensor = sensor(&[("score.false_alarms_per_million", false_alarms)]);
        let mut last = poll_for(&mut sensor, 0, 300);
        let odd: Vec<f32> = (0..8)
            .map(|_| {
                let verdict = push(&mut sensor, last + 10 * MILLI, &udp(2, 1, 1_400));
                last = poll_for(&mut sensor, last + SECOND, 1);
                verdict.surprise.unwrap().total()
            })
            .collect();
        (odd[0], odd[7])
    };
    let (first, eighth) = surprise("20000");
    assert!(eighth > 12.0, "still odd: {first} then {eighth}");
    let (first, eighth) = surprise("0.1");
    assert!(eighth < first / 2.0, "learned, since nothing is called odd: {first} then {eighth}");
}

#[test]
fn every_connection_is_summarised_once_and_in_order() {
    let mut sensor = sensor(&[]);
    for host in 1..=200_u8 {
        push(&mut sensor, i64::from(host) * SECOND, &udp(host, 250, 40));
    }
    sensor.finish();
    let events = drain(&mut sensor);
    let times: Vec<_> = events.iter().map(Event::time).collect();
    assert!(times.is_sorted(), "events leave in packet-time order");
    let closed: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Connection { summary, score, .. } => Some((summary, score)),
            _ => None,
        })
        .collect();
    assert_eq!(closed.len(), 200);
    assert!(closed.iter().all(|(summary, score)| score.scored == 1
        && summary.sides[0].packets == 1
        && summary.closed.is_some()));
    let silent = closed.iter().filter(|(it, _)| it.closed == Some(CloseReason::Timeout)).count();
    assert!((130..150).contains(&silent), "those silent for a minute: {silent}");
    assert!(matches!(events.last(), Some(Event::Stats { .. })), "the counters come last");
}

#[test]
fn time_a_little_backwards_is_now_and_far_backwards_is_a_new_epoch() {
    let mut sensor = sensor(&[]);
    push(&mut sensor, 100 * SECOND, &udp(1, 2, 40));
    let late = push(&mut sensor, 95 * SECOND, &udp(2, 1, 40));
    assert!(!late.is_new);
    assert_eq!(sensor.stats().time_reversed, 1);
    let again = push(&mut sensor, SECOND, &udp(1, 2, 40));
    assert!(again.is_new, "the clock was set back, so this is another connection");
    assert_eq!((sensor.stats().clock_resets, sensor.stats().live), (1, 1));
    let closed = drain(&mut sensor).into_iter().find_map(|event| match event {
        Event::Connection { time, summary, .. } => Some((time, summary.closed)),
        _ => None,
    });
    let expected = (Timestamp::from_nanos(100 * SECOND), Some(CloseReason::ClockReset));
    assert_eq!(closed, Some(expected));
}

#[test]
fn a_host_closes_a_connection_and_its_id_is_stale_from_then_on() {
    let mut sensor = sensor(&[]);
    let id = push(&mut sensor, 0, &udp(1, 2, 40)).connection.unwrap();
    push(&mut sensor, MILLI, &udp(2, 1, 60));
    assert_eq!(sensor.connection(id).unwrap().1.scored, 2);
    let (summary, score) = sensor.close_connection(id).unwrap();
    assert_eq!((summary.closed, score.scored), (Some(CloseReason::Host), 2));
    assert!(sensor.close_connection(id).is_none());
    assert!(sensor.connection(id).is_none());
    let next = push(&mut sensor, 2 * MILLI, &udp(1, 2, 40));
    assert!(next.is_new);
    assert_ne!(next.connection, Some(id));
}

#[test]
fn a_full_table_evicts_and_goes_on() {
    let mut sensor = sensor(&[("flow.max_connections", "16")]);
    for host in 1..=100_u8 {
        let verdict = push(&mut sensor, i64::from(host) * MILLI, &udp(host, 250, 40));
        assert!(verdict.is_new && verdict.surprise.is_some());
    }
    let stats = sensor.stats();
    assert_eq!((stats.live, stats.evicted, stats.connections), (16, 84, 100));
}

#[test]
fn counters_come_every_interval_and_a_silent_week_makes_one() {
    let mut sensor = sensor(&[("sensor.stats_interval", "60s")]);
    let counters = |sensor: &mut Sensor| {
        drain(sensor).iter().filter(|event| matches!(event, Event::Stats { .. })).count()
    };
    for second in 0..=600 {
        push(&mut sensor, second * SECOND, &udp(1, 2, 40));
    }
    assert_eq!(counters(&mut sensor), 10);
    push(&mut sensor, 7 * 86_400 * SECOND, &udp(1, 2, 40));
    assert_eq!(counters(&mut sensor), 1);
}

#[test]
fn what_is_no_ip_has_no_connection_and_is_counted() {
    let mut sensor = sensor(&[]);
    let mut arp = vec![0; 60];
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    let verdict = push(&mut sensor, 0, &arp);
    assert_eq!(verdict, Verdict::NONE);
    push(&mut sensor, 1, &[]);
    let stats = sensor.stats();
    assert_eq!((stats.packets, stats.not_ip, stats.scored), (2, 2, 0));
}

#[test]
fn a_host_that_polls_after_each_call_hears_of_every_connection() {
    let mut sensor = sensor(&[("sensor.event_queue", "1024")]);
    for host in 0..3_000_u16 {
        let [high, low] = host.to_be_bytes();
        let mut frame = udp(1, 2, 40);
        frame[26..30].copy_from_slice(&[10, 1, high, low]);
        push(&mut sensor, i64::from(host), &frame);
    }
    sensor.finish();
    let closed = drain(&mut sensor).into_iter();
    assert_eq!(closed.filter(|event| matches!(event, Event::Connection { .. })).count(), 3_000);
    assert_eq!(sensor.stats().events_shed, 0);
}

#[test]
fn synthetic_packets_of_a_run_leave_in_time_order() {
    let mut sensor = sensor(&[("predict.min_confidence", "0.1")]);
    let mut last = 0;
    for _ in 0..20 {
        last = poll_for(&mut sensor, last + 5 * SECOND, 30);
    }
    let events = drain(&mut sensor);
    let times: Vec<_> = events.iter().map(Event::time).collect();
    assert!(synthetic(&events).iter().any(|packet| packet.run > 1), "there was a run");
    assert!(times.is_sorted());
}

#[test]
fn a_claim_of_any_length_on_the_wire_is_imagined_without_overflow() {
    let mut sensor = sensor(&[]);
    for beat in 0..100 {
        let frame = if beat % 2 == 0 { udp(1, 2, 40) } else { udp(2, 1, 40) };
        sensor.push(&Packet {
            time: Timestamp::from_nanos(beat * SECOND),
            link: LinkType::ETHERNET,
            data: &frame,
            wire_len: u32::MAX,
            host: HostHint::default(),
        });
    }
    sensor.advance(Timestamp::from_nanos(200 * SECOND));
    assert!(!synthetic(&drain(&mut sensor)).is_empty(), "the beat stopped");
}

#[test]
fn an_explained_packet_is_judged_as_any_other_and_says_what_was_expected() {
    let (mut plain, mut asked) = (sensor(&[]), sensor(&[]));
    let mut explained = 0;
    for beat in 0..200 {
        let size = if beat == 199 { 900 } else { 40 };
        for (time, frame) in
            [(beat * SECOND, udp(1, 2, size)), (beat * SECOND + 20 * MILLI, udp(2, 1, 200))]
        {
            let verdict = push(&mut plain, time, &frame);
            let (same, explanation) = asked.push_and_explain(&Packet {
                time: Timestamp::from_nanos(time),
                link: LinkType::ETHERNET,
                data: &frame,
                wire_len: frame.len() as u32,
                host: HostHint::default(),
            });
            assert_eq!(verdict, same);
            let explanation = explanation.expect("it was scored");
            assert_eq!(explanation.seen.side, verdict.side);
            explained += 1;
            if beat == 198 {
                let expected = explanation.expected;
                assert_eq!((expected.side, explanation.seen.side), (verdict.side, verdict.side));
                assert!(
                    (expected.size.low..=expected.size.high)
                        .contains(&explanation.seen.payload_len)
                );
            }
        }
    }
    assert_eq!(explained, 400);
    let lines = |sensor: &mut Sensor| -> Vec<String> {
        drain(sensor).iter().map(ToString::to_string).collect()
    };
    assert_eq!(lines(&mut plain), lines(&mut asked));
}

#[test]
fn an_explanation_has_the_categories_that_the_connection_was_counted_in_so_far() {
    let config = Config::from_toml(
        "[[category]]\nname = \"large-answers\"\nrule = \"not outgoing and size > 500\"\n\
         count = [\"responder\"]\ntarget = \"originator\"\n",
        "test",
    );
    let mut sensor = Sensor::new(&config.unwrap()).unwrap();
    let number = (0..32).find(|number| sensor.category_name(*number) == Some("large-answers"));
    let bit = 1 << number.expect("the configured category has a number");
    assert_eq!(sensor.category_name(32), None);
    let mut was_counted = |time: i64, frame: &[u8]| {
        let (_, explanation) = sensor.push_and_explain(&Packet {
            time: Timestamp::from_nanos(time),
            link: LinkType::ETHERNET,
            data: frame,
            wire_len: frame.len() as u32,
            host: HostHint::default(),
        });
        explanation.unwrap().categories & bit != 0
    };
    assert!(!was_counted(0, &udp(1, 2, 900)), "a question is no answer");
    assert!(!was_counted(MILLI, &udp(2, 1, 100)), "a small answer");
    assert!(was_counted(2 * MILLI, &udp(2, 1, 900)));
    assert!(was_counted(3 * MILLI, &udp(1, 2, 40)), "the connection stays in the category");
    assert!(!was_counted(4 * MILLI, &udp(1, 3, 40)), "another connection is not in it");
}
