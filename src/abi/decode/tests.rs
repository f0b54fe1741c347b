use super::*;
use crate::abi::encode;
use crate::flow::Slot;

fn expected() -> Expectation {
    Expectation {
        side: Side::B,
        flags: TcpFlags(0x12),
        side_flags_probability: 0.25,
        size: SizeRange { low: 1, mode: 2, high: 3 },
        time: TimeRange {
            low: Span::from_nanos(4),
            median: Span::from_nanos(5),
            high: Span::from_nanos(6),
        },
        deadline: Span::from_nanos(7),
        nothing_more: 0.125,
        confidence: 0.75,
    }
}

fn key() -> ConnectionKey {
    ConnectionKey {
        address_a: Address::v4([192, 0, 2, 1]),
        address_b: Address::v6([0x20; 16]),
        port_a: 8,
        port_b: 9,
        protocol: 17,
        domain: 10,
    }
}

const ID: ConnectionId = ConnectionId { slot: Slot(11), generation: 12 };
const UID: u128 = 13 << 64 | 14;

fn finding(reason: Reason) -> Finding {
    let term = |kind, bits| Some(Term { kind, bits });
    let grounds = Grounds {
        terms: [term(TermKind::Minute, 11.5), term(TermKind::Failures, 2.5), None],
        expected: Some(CountRange { low: 121, median: 122, high: 123 }),
        known: 124,
    };
    Finding { severity: 12.5, threshold: 10.5, share: 0.001, reason, grounds }
}

fn endpoint(reason: Reason) -> Event {
    Event::AnomalousEndpoint(AnomalousEndpoint {
        address: Address::v4([10, 0, 0, 9]),
        domain: 7,
        time: Timestamp::from_nanos(33),
        finding: finding(reason),
    })
}

fn events() -> Vec<Event> {
    let synthetic = SyntheticPacket {
        serial: SyntheticId(91),
        id: ID,
        host_id: Some(15),
        key: key(),
        originator: Side::B,
        uid: UID,
        kind: Kind::Gap(Gap { why: Why::NoResponse, part: 92, parts: 93, left: 94 }),
        made: Timestamp::from_nanos(95),
        due: Timestamp::from_nanos(16),
        last: Timestamp::from_nanos(-17),
        run: 18,
        side: Side::B,
        flags: TcpFlags(0x19),
        payload_len: 96,
        entropy: Some(97),
        sequence: Some(19),
        acknowledgement: Some(20),
        confidence: 98.5,
        capture_loss: 99.5,
        expected: expected(),
    };
    let settled = Settled {
        serial: SyntheticId(100),
        id: ID,
        host_id: Some(15),
        key: key(),
        originator: Side::B,
        uid: UID,
        kind: synthetic.kind,
        made: Timestamp::from_nanos(101),
        due: Timestamp::from_nanos(102),
        side: Side::B,
        payload_len: 103,
        sequence: Some(104),
        outcome: Outcome::Lost,
        time: Timestamp::from_nanos(105),
        came: Some(106),
        capture_loss: 107.5,
    };
    let anomaly = Anomaly {
        id: ID,
        host_id: None,
        key: key(),
        originator: Side::A,
        uid: UID,
        time: Timestamp::from_nanos(21),
        surprise: Surprise { side_flags: 22.5, size: 23.5, time: 24.5, entropy: 25.5 },
        counted: Surprise { side_flags: 22.25, size: 23.25, time: 24.25, entropy: 25.25 },
        threshold: 26.5,
        probability: 0.0001,
        known: 125,
        expected: expected(),
        seen: PacketFacts {
            side: Side::B,
            protocol: 6,
            flags: TcpFlags(0x18),
            payload_len: 27,
            wire_len: 28,
            window: 29,
            entropy: Some(30),
            since: Some(Span::from_nanos(31)),
            position: 32,
        },
    };
    let heartbeat = Heartbeat {
        time: Timestamp::from_nanos(110),
        change: Change::Resumed,
        beats: Beats::Connections,
        source: Address::v4([111; 4]),
        source_port: 112,
        destination: Address::v6([113; 16]),
        destination_port: 114,
        service: Service { protocol: 115, port: 116 },
        uid: Some(UID),
        period: Span::from_nanos(117),
        jitter: Span::from_nanos(118),
        count: 119,
        last: Timestamp::from_nanos(120),
        wait: Span::from_nanos(121),
        missed: 122,
        cadences: 123,
    };
    let counters = |from: u64| Counters {
        packets: from,
        ip_bytes: from + 1,
        wire_bytes: from + 2,
        payload_bytes: from + 3,
        retransmissions: from as u32 + 4,
        out_of_order: from as u32 + 5,
        missed_bytes: from + 6,
    };
    let summary = Summary {
        id: ID,
        host_id: Some(33),
        key: key(),
        originator: Side::B,
        uid: UID,
        first: Timestamp::from_nanos(34),
        last: Timestamp::from_nanos(35),
        sides: [counters(40), counters(50)],
        state: ConnectionState::Rstos0,
        history: History::from_letters("ShADadfFrRcCtTwWgGiIqQ^"),
        vlans: Vlans { outer: Some(60), inner: Some(61) },
        tunnel: Some(Tunnel {
            kind: TunnelKind::GtpU,
            id: 62,
            depth: 63,
            source: Address::v4([64; 4]),
            destination: Address::v4([65; 4]),
        }),
        closed: Some(CloseReason::ClockReset),
    };
    let bare = Summary {
        host_id: None,
        vlans: Vlans::default(),
        tunnel: None,
        closed: None,
        history: History::default(),
        ..summary
    };
    let score = ConnectionScore {
        scored: 66,
        anomalies: 67,
        synthetic: 68,
        total: 69.5,
        max: 70.5,
        severity: 71.5,
    };
    let stats = Stats {
        packets: 71,
        wire_bytes: 72,
        not_ip: 73,
        truncated: 74,
        malformed: 75,
        orphan_fragments: 76,
        time_reversed: 77,
        clock_resets: 78,
        connections: 79,
        live: 80,
        live_peak: 81,
        evicted: 82,
        scored: 83,
        surprise_millibits: 84,
        anomalies: 85,
        synthetic: 86,
        cadences: 108,
        heartbeats_missing: 109,
        events_shed: 87,
        memory: 88,
        anomalous_connections: 91,
        anomalous_endpoints: 92,
        alarms_held: 93,
        gaps: 110,
        late: 111,
        filled: 112,
        lost: 113,
        phantom: 114,
        withheld: 115,
        capture_loss_ppm: 116,
    };
    let time = Timestamp::from_nanos(89);
    vec![
        Event::Synthetic(synthetic),
        Event::Synthetic(SyntheticPacket {
            kind: Kind::Overdue,
            entropy: None,
            sequence: None,
            acknowledgement: None,
            host_id: None,
            ..synthetic
        }),
        Event::Outcome(settled),
        Event::Outcome(Settled {
            kind: Kind::Overdue,
            outcome: Outcome::Phantom,
            sequence: None,
            came: None,
            ..settled
        }),
        Event::Heartbeat(heartbeat),
        Event::Heartbeat(Heartbeat { uid: None, change: Change::Silence, ..heartbeat }),
        Event::Anomaly(anomaly),
        Event::Anomaly(Anomaly {
            seen: PacketFacts { since: None, entropy: None, ..anomaly.seen },
            ..anomaly
        }),
        Event::AnomalousConnection(AnomalousConnection {
            id: ID,
            host_id: None,
            key: key(),
            originator: Side::A,
            uid: UID,
            time,
            finding: Finding {
                grounds: Grounds::default(),
                ..finding(Reason::Packets { rarest: 0.5 })
            },
            score,
            tipping: Tipping {
                surprise: anomaly.surprise,
                counted: anomaly.counted,
                expected: anomaly.expected,
                seen: anomaly.seen,
            },
        }),
        endpoint(Reason::Novelty { rarest: 0.25 }),
        endpoint(Reason::Volume { of: Volume::Received, seen: 70_000, share: 0.125 }),
        endpoint(Reason::Failures { failed: 3, tried: 4 }),
        endpoint(Reason::Count { activity: Activity::Unanswered, seen: 90_000, usual: 1.5 }),
        Event::Connection { time, summary, score },
        Event::Connection { time, summary: bare, score },
        Event::Stats { time, stats },
        Event::Category(Report {
            time,
            name: Name::new("fan-out"),
            interval: Span::from_nanos(110),
            activity: 111,
            weight: 112.5,
            fill: 113.5,
            distinct: 114.5,
            false_positive_rate: 115.5,
            is_overfull: true,
        }),
        Event::Target(Flagged {
            time,
            target: Target {
                address: Address::v4([116; 4]),
                score: 117.5,
                categories: 118,
                first: Timestamp::from_nanos(119),
                last: Timestamp::from_nanos(120),
            },
            threshold: 121.5,
            heaviest: [
                Some(Name::new("a-name-of-forty-characters-is-the-longest")),
                Some(Name::new("night")),
                None,
                None,
                None,
                None,
            ],
            sensors: 122,
        }),
        Event::Shed(Shed { time, events: 90 }),
    ]
}

#[test]
fn an_event_comes_back_from_c_as_it_went() {
    for original in events() {
        let back = event(&encode::event(&original)).unwrap();
        assert_eq!(format!("{back:?}"), format!("{original:?}"));
        assert_eq!(back.to_string(), original.to_string());
    }
}

#[test]
fn the_longest_line_fits_the_buffer_that_the_header_promises() {
    let events = events();
    let connection = events.iter().find(|event| matches!(event, Event::Connection { .. }));
    let Some(&Event::Connection { summary, score, .. }) = connection else { unreachable!() };
    let most = Counters {
        packets: u64::MAX,
        ip_bytes: u64::MAX,
        wire_bytes: u64::MAX,
        payload_bytes: u64::MAX,
        retransmissions: u32::MAX,
        out_of_order: u32::MAX,
        missed_bytes: u64::MAX,
    };
    let address = Address::v6([0xaa; 16]);
    let longest = Event::Connection {
        time: Timestamp::MIN,
        summary: Summary {
            id: ConnectionId::from_u64(u64::MAX),
            host_id: Some(u64::MAX),
            key: ConnectionKey {
                address_a: address,
                address_b: address,
                port_a: u16::MAX,
                port_b: u16::MAX,
                protocol: u8::MAX,
                domain: u16::MAX,
            },
            uid: u128::MAX,
            first: Timestamp::MIN,
            last: Timestamp::MIN,
            sides: [most; 2],
            tunnel: summary.tunnel.map(|tunnel| Tunnel {
                id: u32::MAX,
                depth: u8::MAX,
                source: address,
                destination: address,
                ..tunnel
            }),
            vlans: Vlans { outer: Some(u16::MAX), inner: Some(u16::MAX) },
            ..summary
        },
        score: ConnectionScore {
            scored: u32::MAX,
            anomalies: u32::MAX,
            synthetic: u32::MAX,
            total: -f32::MIN_POSITIVE,
            ..score
        },
    };
    let room = ffi::FORESHADOW_LINE_MAX as usize;
    assert!(longest.to_string().len() < room, "{}", longest.to_string().len());
}

#[test]
fn numbers_and_text_that_stand_for_nothing_are_named() {
    let all = events();
    let connection = all.iter().find(|event| matches!(event, Event::Connection { .. }));
    let Some(Event::Connection { summary, score, .. }) = connection else { unreachable!() };
    let field = |change: fn(&mut ffi::foreshadow_connection)| {
        let mut connection = encode::connection(summary, score);
        change(&mut connection);
        let whole = events().into_iter().find(|it| matches!(it, Event::Connection { .. }));
        let mut c = encode::event(&whole.unwrap());
        c.data.connection = connection;
        event(&c).unwrap_err().field
    };
    assert_eq!(field(|c| c.close_reason = 200), "connection.close_reason");
    assert_eq!(field(|c| c.history[0] = b'\n' as c_char), "connection.history");
    assert_eq!(field(|c| c.state = [b'S' as c_char; 8]), "connection.state");
    assert_eq!(field(|c| c.state[0] = b'X' as c_char), "connection.state");
    assert_eq!(field(|c| c.tunnel.kind = 99), "tunnel.kind");
    assert_eq!(field(|c| c.who.originator = 2), "who.originator");
    let mut unknown = encode::event(&events()[0]);
    unknown.kind = 99;
    assert_eq!(event(&unknown).unwrap_err().field, "kind");
}
