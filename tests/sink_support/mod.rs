//! Events for the tests of `sink`, and a reader of Zeek's TSV written from its documentation.

use std::collections::HashMap;

use foreshadow::bloom::{Flagged, Name, Report, Target};
use foreshadow::flow::{
    CloseReason, ConnectionId, ConnectionKey, ConnectionState, Counters, History, Service, Side,
    Slot, Summary,
};
use foreshadow::model::{Expectation, PacketFacts, SizeRange, Surprise, TimeRange};
use foreshadow::predict::cadence::{Beats, Change, Heartbeat};
use foreshadow::predict::{Gap, Kind, Outcome, Settled, SyntheticId, SyntheticPacket, Why};
use foreshadow::score::{
    Activity, AnomalousConnection, AnomalousEndpoint, Anomaly, ConnectionScore, CountRange,
    Finding, Grounds, Reason, Term, TermKind, Tipping,
};
use foreshadow::sensor::{Event, Shed, Stats};
use foreshadow::time::{Span, Timestamp};
use foreshadow::wire::{Address, TcpFlags, Tunnel, TunnelKind, Vlans};

/// 2026-11-21 00:59:30 UTC.
pub(crate) const START: i64 = 1_795_222_770;

pub(crate) fn at(seconds: i64, nanos: u32) -> Timestamp {
    Timestamp::from_parts(START + seconds, nanos)
}

const ID: ConnectionId = ConnectionId { slot: Slot(7), generation: 1 };
const UID: u128 = 0x0123_4567_89ab_cdef_0011_2233;

fn tcp_key() -> ConnectionKey {
    ConnectionKey {
        address_a: Address::v4([128, 232, 110, 120]),
        address_b: Address::v4([66, 35, 250, 204]),
        port_a: 34855,
        port_b: 80,
        protocol: 6,
        domain: 0,
    }
}

fn v6(text: &str) -> Address {
    text.parse::<std::net::IpAddr>().unwrap().into()
}

fn expectation() -> Expectation {
    Expectation {
        side: Side::B,
        flags: TcpFlags(TcpFlags::PSH.0 | TcpFlags::ACK.0),
        side_flags_probability: 0.9375,
        size: SizeRange { low: 512, mode: 1448, high: 1460 },
        time: TimeRange {
            low: Span::from_micros(20),
            median: Span::from_millis(12),
            high: Span::from_millis(250),
        },
        deadline: Span::from_millis(250),
        nothing_more: 0.0625,
        confidence: 0.890_625,
    }
}

/// A TCP connection, side A its originator.
pub(crate) fn tcp() -> Summary {
    Summary {
        id: ID,
        host_id: None,
        key: tcp_key(),
        originator: Side::A,
        uid: UID,
        first: at(0, 123_456_789),
        last: at(3, 500_000_000),
        sides: [
            Counters {
                packets: 6,
                ip_bytes: 700,
                wire_bytes: 784,
                payload_bytes: 388,
                retransmissions: 1,
                out_of_order: 0,
                missed_bytes: 0,
            },
            Counters {
                packets: 9,
                ip_bytes: 9_360,
                wire_bytes: 9_486,
                payload_bytes: 9_000,
                retransmissions: 0,
                out_of_order: 2,
                missed_bytes: 1_460,
            },
        ],
        state: ConnectionState::Sf,
        history: History::default(),
        vlans: Vlans::default(),
        tunnel: None,
        closed: Some(CloseReason::Timeout),
    }
}

pub(crate) fn connection(time: Timestamp, summary: Summary) -> Event {
    let score = ConnectionScore {
        scored: 15,
        anomalies: 1,
        synthetic: 2,
        total: 60.75,
        max: 21.25,
        severity: 6.5,
    };
    Event::Connection { time, summary, score }
}

/// One event of each kind and shape, in time order.
pub(crate) fn events() -> Vec<Event> {
    let reversed = Summary {
        key: ConnectionKey {
            address_a: v6("2001:4860:4860::8888"),
            address_b: v6("fd00::42"),
            port_a: 53,
            port_b: 50_000,
            protocol: 17,
            domain: 0,
        },
        originator: Side::B,
        state: ConnectionState::Shr,
        vlans: Vlans { outer: Some(100), inner: Some(7) },
        tunnel: Some(Tunnel {
            kind: TunnelKind::Vxlan,
            id: 4_711,
            depth: 1,
            source: Address::v4([10, 0, 0, 1]),
            destination: Address::v4([10, 0, 0, 2]),
        }),
        closed: None,
        uid: UID + 1,
        ..tcp()
    };
    let single = Summary {
        key: ConnectionKey {
            address_a: Address::v4([192, 168, 170, 8]),
            address_b: Address::v4([192, 168, 170, 56]),
            port_a: 0,
            port_b: 0,
            protocol: 132,
            domain: 0,
        },
        last: at(0, 123_456_999),
        sides: [Counters { packets: 1, ip_bytes: 52, wire_bytes: 66, ..Counters::default() }; 2],
        state: ConnectionState::Oth,
        closed: Some(CloseReason::Shutdown),
        uid: UID + 2,
        ..tcp()
    };
    let synthetic = SyntheticPacket {
        serial: SyntheticId(3),
        id: ID,
        host_id: None,
        key: tcp_key(),
        originator: Side::A,
        uid: UID,
        kind: Kind::Overdue,
        made: at(3, 750_000_000),
        due: at(3, 750_000_000),
        last: at(3, 500_000_000),
        run: 1,
        side: Side::B,
        flags: TcpFlags(TcpFlags::PSH.0 | TcpFlags::ACK.0),
        payload_len: 1448,
        entropy: Some(250),
        sequence: Some(4_294_967_295),
        acknowledgement: None,
        confidence: 0.75,
        capture_loss: 0.25,
        expected: expectation(),
    };
    let gap = SyntheticPacket {
        serial: SyntheticId(4),
        kind: Kind::Gap(Gap { why: Why::Hole, part: 2, parts: 2, left: 0 }),
        due: at(3, 600_000_000),
        entropy: None,
        ..synthetic
    };
    let settled = Settled {
        serial: SyntheticId(3),
        id: ID,
        host_id: None,
        key: tcp_key(),
        originator: Side::A,
        uid: UID,
        kind: Kind::Overdue,
        made: synthetic.made,
        due: synthetic.due,
        side: Side::B,
        payload_len: 1448,
        sequence: synthetic.sequence,
        outcome: Outcome::Late,
        time: at(4, 0),
        came: Some(1460),
        capture_loss: 0.25,
    };
    let anomaly = Anomaly {
        id: ID,
        host_id: None,
        key: tcp_key(),
        originator: Side::A,
        uid: UID,
        time: at(2, 0),
        surprise: Surprise { side_flags: 4.0, size: 0.05, time: 17.2, entropy: 0.0 },
        counted: Surprise { side_flags: 4.0, size: 0.0, time: 8.5, entropy: 0.0 },
        threshold: 10.0,
        probability: 0.000_02,
        known: 61_234,
        expected: expectation(),
        seen: PacketFacts {
            side: Side::A,
            protocol: 6,
            flags: TcpFlags::RST,
            payload_len: 0,
            wire_len: 60,
            window: 0,
            entropy: None,
            since: Some(Span::from_micros(12)),
            position: 14,
        },
    };
    let first_packet = Anomaly {
        key: reversed.key,
        originator: Side::B,
        uid: UID + 1,
        surprise: Surprise { side_flags: 0.5, size: 22.0, time: 0.0, entropy: 6.0 },
        counted: Surprise { side_flags: 0.5, size: 22.0, time: 0.0, entropy: 6.0 },
        known: 12,
        expected: Expectation { nothing_more: 0.97, ..expectation() },
        seen: PacketFacts { protocol: 17, since: None, position: 0, ..anomaly.seen },
        ..anomaly
    };
    let stopped = Heartbeat {
        time: at(7, 0),
        change: Change::Stopped,
        beats: Beats::Packets,
        source: tcp_key().address_a,
        source_port: 34855,
        destination: tcp_key().address_b,
        destination_port: 80,
        service: Service { protocol: 6, port: 80 },
        uid: Some(UID),
        period: Span::from_millis(1_000),
        jitter: Span::from_micros(1_500),
        count: 412,
        last: at(4, 990_000_000),
        wait: Span::from_millis(2_005),
        missed: 2,
        cadences: 12,
    };
    let resumed = Heartbeat {
        time: at(17, 0),
        change: Change::Resumed,
        beats: Beats::Connections,
        source_port: 0,
        uid: None,
        missed: 11,
        ..stopped
    };
    let stats = Stats {
        packets: 1_000,
        wire_bytes: u64::MAX,
        connections: 12,
        surprise_millibits: 5_432_100,
        ..Stats::default()
    };
    let term = |kind, bits| Some(Term { kind, bits });
    let grounds = Grounds {
        terms: [term(TermKind::Packets, 15.5), term(TermKind::Rarest, 6.25), None],
        expected: None,
        known: 3_100,
    };
    let counted = Grounds {
        terms: [term(TermKind::Minute, 14.5), None, None],
        expected: Some(CountRange { low: 0, median: 1, high: 5 }),
        known: 8_123,
    };
    let finding =
        |reason| Finding { severity: 14.5, threshold: 11.25, share: 0.000_4, reason, grounds };
    let endpoint = |time, reason| {
        Event::AnomalousEndpoint(AnomalousEndpoint {
            address: Address::v4([10, 0, 0, 9]),
            domain: 0,
            time,
            finding: Finding { grounds: counted, ..finding(reason) },
        })
    };
    let Anomaly { surprise, counted: as_counted, expected, seen, .. } = anomaly;
    let of_packets = AnomalousConnection {
        id: ID,
        host_id: None,
        key: tcp_key(),
        originator: Side::A,
        uid: UID,
        time: at(2, 0),
        finding: finding(Reason::Packets { rarest: 0.000_1 }),
        score: ConnectionScore { scored: 14, ..ConnectionScore::default() },
        tipping: Tipping { surprise, counted: as_counted, expected, seen },
    };
    let of_novelty =
        AnomalousConnection { finding: finding(Reason::Novelty { rarest: 0.01 }), ..of_packets };
    vec![
        Event::Anomaly(anomaly),
        Event::Anomaly(first_packet),
        Event::AnomalousConnection(of_packets),
        Event::AnomalousConnection(of_novelty),
        endpoint(at(3, 0), Reason::Failures { failed: 6, tried: 7 }),
        endpoint(
            at(3, 0),
            Reason::Count { activity: Activity::NewServices, seen: 340, usual: 1.5 },
        ),
        Event::Synthetic(synthetic),
        Event::Synthetic(gap),
        Event::Outcome(settled),
        connection(at(5, 0), tcp()),
        connection(at(6, 0), reversed),
        connection(at(6, 0), single),
        Event::Shed(Shed { time: at(6, 500_000_000), events: 42 }),
        Event::Heartbeat(stopped),
        Event::Heartbeat(resumed),
        Event::Category(Report {
            time: at(7, 0),
            name: Name::new("fan-out"),
            interval: Span::from_secs(60),
            activity: 412,
            weight: 0.25,
            fill: 0.125,
            distinct: 1_234.5,
            false_positive_rate: 0.001,
            is_overfull: false,
        }),
        Event::Target(Flagged {
            time: at(8, 0),
            target: Target {
                address: Address::v4([10, 0, 0, 66]),
                score: 1.75,
                categories: 0b101,
                first: at(2, 0),
                last: at(8, 0),
            },
            threshold: 0.75,
            heaviest: [
                Some(Name::new("fan-out")),
                Some(Name::new("night")),
                None,
                None,
                None,
                None,
            ],
            sensors: 3,
        }),
        Event::Stats { time: at(30, 0), stats },
    ]
}

/// A Zeek log as zeek-cut and zat see it.
pub(crate) struct ReadLog {
    pub(crate) meta: HashMap<String, String>,
    pub(crate) fields: Vec<String>,
    pub(crate) types: Vec<String>,
    pub(crate) rows: Vec<HashMap<String, String>>,
}

/// Reads a TSV log by what its own header says, and fails on whatever a strict reader would.
pub(crate) fn read_tsv(text: &str) -> ReadLog {
    assert!(text.ends_with('\n'), "the last line is whole");
    let mut log = ReadLog { meta: HashMap::new(), fields: vec![], types: vec![], rows: vec![] };
    for line in text.lines() {
        if let Some(separator) = line.strip_prefix("#separator ") {
            assert_eq!(separator, "\\x09");
        } else if let Some(rest) = line.strip_prefix('#') {
            let (key, value) = rest.split_once('\t').expect("a header line has a value");
            match key {
                "fields" => log.fields = value.split('\t').map(Into::into).collect(),
                "types" => log.types = value.split('\t').map(Into::into).collect(),
                _ => drop(log.meta.insert(key.into(), value.into())),
            }
        } else {
            assert_eq!(log.fields.len(), log.types.len());
            let values: Vec<_> = line.split('\t').collect();
            assert_eq!(values.len(), log.fields.len(), "{line}");
            for (value, kind) in values.iter().zip(&log.types) {
                check_type(value, kind);
            }
            let row = log.fields.iter().cloned().zip(values.into_iter().map(Into::into));
            log.rows.push(row.collect());
        }
    }
    log
}

/// What zat's and Zeek's own readers demand of a value of each type.
fn check_type(value: &str, kind: &str) {
    if value == "-" {
        return;
    }
    let parses = match kind {
        "time" | "interval" | "double" => value.parse::<f64>().is_ok(),
        "count" => value.parse::<u64>().is_ok(),
        "int" => value.parse::<i32>().is_ok(),
        "port" => value.parse::<u16>().is_ok(),
        "bool" => value == "T" || value == "F",
        "addr" => value.parse::<std::net::IpAddr>().is_ok(),
        "string" | "enum" | "set[string]" | "vector[string]" => !value.is_empty(),
        _ => false,
    };
    assert!(parses, "{value:?} is no {kind}");
}
