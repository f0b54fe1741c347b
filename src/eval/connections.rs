//! Which packets make a connection, for the comparison of models.
//!
//! TCP and UDP only, told apart by addresses, ports and protocol, whichever way round. A connection
//! starts anew after 300 seconds of silence, or with a fresh SYN (no ACK, FIN or RST) once it has had
//! more than three packets. Of each at most 4,000 packets count; further ones only keep it alive.
//! Side A sent the first packet. Tunnels are not opened and later fragments, which have no ports,
//! are left out. Time that runs back counts as none.
//!
//! The rule is apart from [`crate::flow`] on purpose. That table has timeouts by protocol and state,
//! which are configuration and will change; figures measured on these connections stay comparable.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::flow::{ConnectionKey, Service, Side};
use crate::model::{Origin, PacketFacts};
use crate::time::{Span, Timestamp};
use crate::wire::{self, Address, PacketView, TcpFlags, Transport};

/// A silence longer than this ends a connection.
pub const SILENCE: Span = Span::from_secs(300);
/// A fresh SYN begins a new connection once the old one has had more packets than this.
pub const BEFORE_FRESH_SYN: u32 = 3;
/// Packets of a connection that count.
pub const MOST_PACKETS: u32 = 4_000;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// An address and a port.
type End = (Address, u16);

/// The connections of one capture.
#[derive(Default)]
pub struct Connections {
    live: HashMap<(End, End, u8), Live>,
    count: u32,
}

struct Live {
    number: u32,
    first_sender: End,
    packets: u32,
    last: Timestamp,
}

/// What a packet is to its connection.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Seen {
    /// The connection's number in the capture, counted from 0.
    pub connection: u32,
    /// Set for the first packet of a connection.
    pub began: Option<Began>,
    /// The packet as models see it.
    pub facts: PacketFacts,
}

/// A connection that has just begun.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Began {
    /// What a model may know of it.
    pub origin: Origin,
    /// Its addresses, ports and protocol.
    pub key: ConnectionKey,
    /// The connection between the same ends that is over now.
    pub replaces: Option<u32>,
}

impl Connections {
    /// Files a packet; `None` if it does not count.
    pub fn see(&mut self, time: Timestamp, view: &PacketView<'_>) -> Option<Seen> {
        let network = view.network?;
        let (ports, flags, window, protocol) = match view.transport {
            Transport::Tcp(tcp) => ([tcp.source, tcp.destination], tcp.flags, tcp.window, TCP),
            Transport::Udp { source, destination } => ([source, destination], TcpFlags(0), 0, UDP),
            _ => return None,
        };
        let sender = (network.source, ports[0]);
        let receiver = (network.destination, ports[1]);
        let key = (sender.min(receiver), sender.max(receiver), protocol);
        let mut replaces = None;
        let mut began = false;
        let live = match self.live.entry(key) {
            Entry::Vacant(vacant) => {
                began = true;
                vacant.insert(Live::new(&mut self.count, sender))
            }
            Entry::Occupied(occupied) => {
                let live = occupied.into_mut();
                let fresh = protocol == TCP && is_fresh(flags) && live.packets > BEFORE_FRESH_SYN;
                if fresh || time.since(live.last) > SILENCE {
                    began = true;
                    replaces = Some(live.number);
                    *live = Live::new(&mut self.count, sender);
                }
                live
            }
        };
        let since = (!began).then(|| time.since(live.last));
        live.last = time;
        live.packets = live.packets.saturating_add(1);
        if live.packets > MOST_PACKETS {
            return None;
        }
        let facts = PacketFacts {
            side: if sender == live.first_sender { Side::A } else { Side::B },
            protocol,
            flags,
            payload_len: view.payload_len,
            wire_len: view.wire_len,
            window,
            entropy: wire::payload_entropy(view.payload),
            since,
            position: live.packets - 1,
        };
        let began = began
            .then(|| Began { replaces, ..Began::new(sender, receiver, protocol, flags, time) });
        Some(Seen { connection: live.number, began, facts })
    }
}

impl Live {
    fn new(count: &mut u32, first_sender: End) -> Self {
        let number = *count;
        *count += 1;
        Self { number, first_sender, packets: 0, last: Timestamp::MIN }
    }
}

/// A SYN that answers nothing and ends nothing.
fn is_fresh(flags: TcpFlags) -> bool {
    let others = TcpFlags(TcpFlags::ACK.0 | TcpFlags::FIN.0 | TcpFlags::RST.0);
    flags.contains(TcpFlags::SYN) && !flags.intersects(others)
}

impl Began {
    /// What the first packet tells. The service's port is the one that a SYN goes to and a SYN with
    /// ACK comes from, else the lower one.
    fn new(sender: End, receiver: End, protocol: u8, flags: TcpFlags, first: Timestamp) -> Self {
        let syn = flags.contains(TcpFlags::SYN);
        let answers = flags.contains(TcpFlags::ACK);
        let (port, originator) = match (syn, answers) {
            (true, false) => (receiver.1, Side::A),
            (true, true) => (sender.1, Side::B),
            _ if sender.1 < receiver.1 => (sender.1, Side::B),
            _ => (receiver.1, Side::A),
        };
        let key = ConnectionKey {
            address_a: sender.0,
            address_b: receiver.0,
            port_a: sender.1,
            port_b: receiver.1,
            protocol,
            domain: 0,
        };
        let origin = Origin::new(&key, Service { protocol, port }, originator, first);
        Self { origin, key, replaces: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{LinkType, Tunnels, parse};

    /// A raw IPv4 packet from `10.0.0.from:port` to `10.0.0.to:port`.
    fn packet(from: (u8, u16), to: (u8, u16), flags: Option<u8>, payload: usize) -> Vec<u8> {
        let mut transport = Vec::new();
        transport.extend(from.1.to_be_bytes());
        transport.extend(to.1.to_be_bytes());
        match flags {
            Some(flags) => {
                transport.extend([0; 8]);
                transport.extend([5 << 4, flags, 1, 0, 0, 0, 0, 0]);
            }
            None => {
                transport.extend((8 + payload as u16).to_be_bytes());
                transport.extend([0; 2]);
            }
        }
        transport.extend(vec![7; payload]);
        let protocol = if flags.is_some() { TCP } else { UDP };
        let mut bytes = vec![0x45, 0];
        bytes.extend((20 + transport.len() as u16).to_be_bytes());
        bytes.extend([0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, from.0, 10, 0, 0, to.0]);
        bytes.extend(transport);
        bytes
    }

    struct Wire {
        connections: Connections,
    }

    impl Wire {
        fn new() -> Self {
            Self { connections: Connections::default() }
        }

        fn see(&mut self, nanos: i64, bytes: &[u8]) -> Option<Seen> {
            let view = parse(LinkType::RAW, bytes, bytes.len() as u32, Tunnels::NONE);
            self.connections.see(Timestamp::from_nanos(nanos), &view)
        }
    }

    const SECOND: i64 = 1_000_000_000;
    const SYN: u8 = 0x02;
    const ACK: u8 = 0x10;

    fn udp() -> Vec<u8> {
        packet((1, 4_000), (2, 53), None, 30)
    }

    #[test]
    fn both_ways_are_one_connection_and_the_first_sender_is_side_a() {
        let mut wire = Wire::new();
        let first = wire.see(0, &packet((9, 4_000), (2, 53), None, 30)).unwrap();
        let answer = wire.see(5_000, &packet((2, 53), (9, 4_000), None, 90)).unwrap();
        assert_eq!((first.connection, answer.connection), (0, 0));
        assert_eq!((first.facts.side, answer.facts.side), (Side::A, Side::B));
        assert_eq!((first.facts.since, answer.facts.since), (None, Some(Span::from_nanos(5_000))));
        assert_eq!((answer.facts.payload_len, answer.facts.position), (90, 1));
        assert_eq!(first.began.unwrap().origin.service, Service { protocol: UDP, port: 53 });
        assert_eq!(answer.began, None);
    }

    #[test]
    fn exactly_300_seconds_of_silence_are_borne_and_a_nanosecond_more_is_not() {
        let mut wire = Wire::new();
        wire.see(0, &udp());
        let borne = wire.see(300 * SECOND, &udp()).unwrap();
        assert_eq!((borne.connection, borne.began), (0, None));
        let over = wire.see(600 * SECOND + 1, &udp()).unwrap();
        assert_eq!((over.connection, over.began.unwrap().replaces), (1, Some(0)));
        assert_eq!(over.facts.since, None);
    }

    #[test]
    fn a_fresh_syn_begins_anew_only_after_more_than_three_packets() {
        let syn = packet((1, 4_000), (2, 80), Some(SYN), 0);
        let mut wire = Wire::new();
        let numbers: Vec<_> =
            (0..5).map(|at| wire.see(at, &syn).map(|seen| seen.connection)).collect();
        assert_eq!(numbers, [Some(0), Some(0), Some(0), Some(0), Some(1)]);
        let answer = packet((2, 80), (1, 4_000), Some(SYN | ACK), 0);
        let numbers: Vec<_> =
            (5..12).map(|at| wire.see(at, &answer).map(|seen| seen.connection)).collect();
        assert_eq!(numbers, [Some(1); 7], "a SYN with ACK is not fresh");
    }

    #[test]
    fn packets_after_the_4000th_are_left_out_but_keep_the_connection_alive() {
        let mut wire = Wire::new();
        for at in 0..4_000 {
            assert_eq!(wire.see(at, &udp()).unwrap().facts.position, at as u32);
        }
        assert_eq!(wire.see(200 * SECOND, &udp()), None);
        assert_eq!(wire.see(400 * SECOND, &udp()), None, "not silent for 300 s");
        assert_eq!(wire.see(701 * SECOND, &udp()).unwrap().connection, 1);
    }

    #[test]
    fn time_that_runs_back_counts_as_none() {
        let mut wire = Wire::new();
        wire.see(900 * SECOND, &udp());
        let back = wire.see(100 * SECOND, &udp()).unwrap();
        assert_eq!((back.connection, back.facts.since), (0, Some(Span::ZERO)));
    }

    #[test]
    fn other_protocols_do_not_count() {
        let mut icmp = udp();
        icmp[9] = 1;
        assert_eq!(Wire::new().see(0, &icmp), None);
    }
}
