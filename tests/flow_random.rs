//! The connection table under packets that no network sends.

use std::collections::HashMap;

use foreshadow::flow::{
    CloseReason, ConnectionId, ConnectionTable, HostHint, Limits, Observation, Summary,
};
use foreshadow::time::{Span, Timestamp};
use foreshadow::wire::{
    Address, Fragment, Icmp, Layer, Network, PacketView, Reason, Stop, Tcp, TcpFlags, Transport,
    Tunnel, TunnelKind, Vlans,
};
use proptest::prelude::*;

static PAYLOAD: [u8; 64] = [0x80; 64];

/// Few hosts and ports, so that packets meet; every other field may be anything.
fn view() -> impl Strategy<Value = PacketView<'static>> {
    let header = (0u8..4, 0u8..4, 0u16..3, 0u16..3, any::<[u32; 4]>(), any::<[u8; 4]>());
    let outside = (proptest::option::of(0u16..3), 0u8..8, 0usize..=64, any::<bool>());
    (header, outside).prop_map(|((from, to, source, destination, numbers, bytes), outside)| {
        let (vlan, odd, captured, tunnelled) = outside;
        let [sequence, acknowledgement, length, payload_len] = numbers;
        let [kind, flags, choice, offset] = bytes;
        let small = choice & 0x80 == 0;
        let (protocol, transport) = match choice & 7 {
            0..=2 => (
                6,
                Transport::Tcp(Tcp {
                    source,
                    destination,
                    sequence: if small { sequence % 5_000 } else { sequence },
                    acknowledgement: if small { acknowledgement % 5_000 } else { acknowledgement },
                    flags: TcpFlags(flags),
                    window: acknowledgement as u16 % 3,
                }),
            ),
            3 => (17, Transport::Udp { source: source + 1_023, destination: destination + 1_023 }),
            4 => (1, Transport::Icmp(Icmp { kind: kind % 20, code: flags % 3 })),
            5 => (58, Transport::Icmp(Icmp { kind: 125 + kind % 20, code: flags % 3 })),
            6 => (132, Transport::Sctp { source, destination }),
            _ => (kind, Transport::Other),
        };
        let fragment = (odd == 1).then(|| Fragment {
            id: u32::from(kind % 3),
            offset: u32::from(offset % 2) * 8,
            more: small,
        });
        let network = Network {
            at: 14,
            source: Address::v4([10, 0, 0, from]),
            destination: Address::v4([10, 0, 0, to]),
            version: 4,
            protocol,
            ttl: 1,
            length: if small { length % 1_500 } else { length },
            id: None,
            fragment,
        };
        let stop = Stop { layer: Layer::Transport, reason: Reason::Truncated, offset: 0 };
        PacketView {
            captured: captured as u32,
            wire_len: length,
            vlans: Vlans { outer: vlan, inner: None },
            tunnel: tunnelled.then(|| Tunnel {
                kind: TunnelKind::Gre,
                id: u32::from(kind % 2),
                depth: 1,
                source: Address::v4([10, 1, 0, from]),
                destination: Address::v4([10, 1, 0, to]),
            }),
            network: (odd != 2).then_some(network),
            transport: if odd == 3 { Transport::Absent } else { transport },
            payload: &PAYLOAD[..captured],
            payload_len: if small { payload_len % 1_500 } else { payload_len },
            stop: (odd == 3).then_some(stop),
        }
    })
}

/// Mostly steps of milliseconds, sometimes minutes, now and then anything at all.
fn time_step() -> impl Strategy<Value = (i64, bool)> {
    prop_oneof![
        20 => (0i64..50_000_000).prop_map(|step| (step, false)),
        4 => (-5_000_000_000i64..200_000_000_000).prop_map(|step| (step, false)),
        1 => any::<i64>().prop_map(|time| (time, true)),
    ]
}

#[derive(Debug, PartialEq)]
enum Event {
    Seen(Option<Observation>),
    Closed(Box<Closed>),
}

/// A summary without its uid, which depends on the seed and is meant to.
#[derive(Debug, PartialEq)]
struct Closed {
    id: ConnectionId,
    reason: Option<CloseReason>,
    text: String,
}

impl From<Summary> for Event {
    fn from(summary: Summary) -> Self {
        let text = format!("{:?}", Summary { uid: 0, ..summary });
        Self::Closed(Box::new(Closed { id: summary.id, reason: summary.closed, text }))
    }
}

fn run(limits: Limits, steps: &[(PacketView<'static>, (i64, bool))]) -> Vec<Event> {
    let mut table = ConnectionTable::new(limits);
    let mut events = Vec::new();
    let mut now = 0i64;
    for (number, (packet, (step, absolute))) in steps.iter().enumerate() {
        now = if *absolute { *step } else { now.saturating_add(*step) };
        let time = Timestamp::from_nanos(now);
        let seen = table.observe(time, packet, HostHint::default());
        events.extend(std::iter::from_fn(|| Some(table.pop_closed()?.1)).map(Event::from));
        events.push(Event::Seen(seen));
        if number % 7 == 0 {
            table.advance(time.after(Span::from_millis(3)));
            events.extend(std::iter::from_fn(|| Some(table.pop_closed()?.1)).map(Event::from));
        }
        assert!(table.len() <= limits.max_connections as usize);
        assert!(table.slots() <= limits.max_connections + 1_024);
        assert_eq!(table.iter().count(), table.len());
    }
    table.close_all(CloseReason::Shutdown);
    events.extend(std::iter::from_fn(|| Some(table.pop_closed()?.1)).map(Event::from));
    let stats = table.stats();
    assert_eq!(stats.begun, stats.closed.iter().sum::<u64>());
    assert_eq!((stats.live, stats.summaries_lost), (0, 0));
    events
}

proptest! {
    #[test]
    fn every_connection_begins_once_lives_in_order_and_has_one_summary(
        steps in proptest::collection::vec((view(), time_step()), 1..300),
        max_connections in 1u32..40,
        key_vlan in any::<bool>(),
        key_tunnel in any::<bool>(),
    ) {
        let limits =
            Limits { max_connections, key_vlan, key_tunnel, fragments: 2, ..Limits::default() };
        let events = run(limits, &steps);
        let mut live: HashMap<ConnectionId, u64> = HashMap::new();
        for event in &events {
            match event {
                Event::Seen(None) => {}
                Event::Seen(Some(seen)) => {
                    prop_assert_eq!(seen.is_new, seen.since.is_none());
                    if seen.is_new {
                        prop_assert!(live.insert(seen.id, 1).is_none());
                        let same_slot = live.keys().filter(|id| id.slot == seen.id.slot).count();
                        prop_assert_eq!(same_slot, 1, "a slot with two users");
                    } else {
                        let packets = live.get_mut(&seen.id);
                        prop_assert!(packets.is_some(), "a packet of a connection that is not live");
                        packets.into_iter().for_each(|packets| *packets += 1);
                    }
                }
                Event::Closed(closed) => {
                    prop_assert!(live.remove(&closed.id).is_some());
                    prop_assert!(closed.reason.is_some());
                }
            }
        }
        prop_assert!(live.is_empty());
    }

    #[test]
    fn nothing_that_comes_out_depends_on_the_seed_of_the_hash(
        steps in proptest::collection::vec((view(), time_step()), 1..200),
        seed in any::<u64>(),
        max_connections in 1u32..40,
    ) {
        let limits = Limits { max_connections, fragments: 2, ..Limits::default() };
        prop_assert_eq!(run(limits, &steps), run(Limits { seed, ..limits }, &steps));
    }
}

#[test]
fn summaries_that_nobody_fetches_are_lost_and_counted_but_take_no_more_room() {
    let mut table = ConnectionTable::new(Limits { max_connections: 2, ..Limits::default() });
    for number in 0..5_000u32 {
        let network = Network {
            at: 14,
            source: Address::v4(number.to_be_bytes()),
            destination: Address::default(),
            version: 4,
            protocol: 99,
            ttl: 1,
            length: 20,
            id: None,
            fragment: None,
        };
        let packet = PacketView {
            captured: 34,
            wire_len: 34,
            vlans: Vlans::default(),
            tunnel: None,
            network: Some(network),
            transport: Transport::Other,
            payload: &[],
            payload_len: 0,
            stop: None,
        };
        table.observe(Timestamp::default(), &packet, HostHint::default());
    }
    assert!(table.slots() <= 2 + 1_024);
    let waiting = std::iter::from_fn(|| table.pop_closed()).count() as u64;
    assert_eq!(table.stats().summaries_lost + waiting + 2, 5_000);
}
