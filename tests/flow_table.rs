//! The connection table from outside: what packets do to it, told as short stories.

#![allow(clippy::unwrap_used)]

use foreshadow::flow::{
    CloseReason, ConnectionTable, HostHint, Limits, Observation, Side, Summary, Uid,
};
use foreshadow::time::{Span, Timestamp};
use foreshadow::wire::{
    Address, Fragment, Icmp, Network, PacketView, Tcp, TcpFlags, Transport, Tunnel, TunnelKind,
    Vlans,
};

const SYN: u8 = 2;
const ACK: u8 = 16;
const FIN: u8 = 1;
const RST: u8 = 4;

/// A packet under construction; host 1 speaks to host 2 unless turned around.
#[derive(Clone, Copy)]
struct Packet {
    view: PacketView<'static>,
}

static PAYLOAD: [u8; 4_096] = [0; 4_096];

fn packet(protocol: u8, transport: Transport, len: u32) -> Packet {
    let network = Network {
        at: 14,
        source: Address::v4([192, 0, 2, 1]),
        destination: Address::v4([192, 0, 2, 2]),
        version: 4,
        protocol,
        ttl: 64,
        length: 40 + len,
        id: None,
        fragment: None,
    };
    let view = PacketView {
        captured: 54 + len,
        wire_len: 54 + len,
        vlans: Vlans::default(),
        tunnel: None,
        network: Some(network),
        transport,
        payload: &PAYLOAD[..len.min(4_096) as usize],
        payload_len: len,
        stop: None,
    };
    Packet { view }
}

fn tcp(flags: u8, sequence: u32, acknowledgement: u32, len: u32) -> Packet {
    let header = Tcp {
        source: 50_000,
        destination: 80,
        sequence,
        acknowledgement,
        flags: TcpFlags(flags),
        window: 1_000,
    };
    packet(6, Transport::Tcp(header), len)
}

fn udp(source: u16, destination: u16, len: u32) -> Packet {
    packet(17, Transport::Udp { source, destination }, len)
}

fn icmp(kind: u8, code: u8) -> Packet {
    packet(1, Transport::Icmp(Icmp { kind, code }), 8)
}

impl Packet {
    /// The same from host 2 to host 1.
    fn back(mut self) -> Self {
        if let Some(network) = &mut self.view.network {
            std::mem::swap(&mut network.source, &mut network.destination);
        }
        match &mut self.view.transport {
            Transport::Tcp(tcp) => std::mem::swap(&mut tcp.source, &mut tcp.destination),
            Transport::Udp { source, destination } => std::mem::swap(source, destination),
            _ => {}
        }
        self
    }

    fn fragment(mut self, id: u32, offset: u32) -> Self {
        if let Some(network) = &mut self.view.network {
            network.fragment = Some(Fragment { id, offset, more: true });
        }
        if offset > 0 {
            self.view.transport = Transport::Absent;
        }
        self
    }

    fn vlan(mut self, id: u16) -> Self {
        self.view.vlans.outer = Some(id);
        self
    }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_nanos(1_700_000_000_000_000_000).after(Span::from_millis(millis))
}

fn see(table: &mut ConnectionTable, millis: u64, packet: Packet) -> Observation {
    table.observe(at(millis), &packet.view, HostHint::default()).unwrap()
}

fn drain(table: &mut ConnectionTable) -> Vec<Summary> {
    std::iter::from_fn(|| Some(table.pop_closed()?.1)).collect()
}

fn table() -> ConnectionTable {
    ConnectionTable::new(Limits::default())
}

#[test]
fn a_whole_tcp_connection_is_told_in_zeeks_words() {
    let mut table = table();
    let first = see(&mut table, 0, tcp(SYN, 99, 0, 0));
    assert!(first.is_new && first.since.is_none() && first.side == Side::A);
    let answer = see(&mut table, 10, tcp(SYN | ACK, 499, 100, 0).back());
    assert_eq!((answer.side, answer.since), (Side::B, Some(Span::from_millis(10))));
    see(&mut table, 20, tcp(ACK, 100, 500, 0));
    see(&mut table, 30, tcp(ACK, 100, 500, 300));
    see(&mut table, 40, tcp(ACK, 500, 400, 1_000).back());
    let gap = see(&mut table, 45, tcp(ACK, 2_500, 400, 1_000).back());
    assert_eq!((gap.sequence.gap, gap.sequence.gap_start), (1_000, 1_500));
    let late = see(&mut table, 50, tcp(ACK, 1_500, 400, 1_000).back());
    assert_eq!((late.sequence.filled, late.sequence.retransmitted), (1_000, 0));
    let again = see(&mut table, 55, tcp(ACK, 100, 500, 300));
    assert_eq!(again.sequence.retransmitted, 300);
    let live = *table.live(first.id).unwrap();
    assert_eq!(live.next_sequence(Side::B), Some(3_500));
    assert_eq!(live.acknowledged(Side::A), Some(400));
    assert_eq!(live.service().name(), Some("http"));
    assert_eq!(live.position(), 8);
    see(&mut table, 60, tcp(FIN | ACK, 400, 3_500, 0));
    see(&mut table, 70, tcp(FIN | ACK, 3_500, 401, 0).back());
    see(&mut table, 80, tcp(ACK, 401, 3_501, 0));
    assert!(table.pop_closed().is_none());
    table.advance(at(5_080));
    let (_, summary) = table.pop_closed().unwrap();
    assert_eq!(summary.closed, Some(CloseReason::Timeout));
    assert_eq!(summary.state.name(), "SF");
    assert_eq!(summary.history.as_str(), "ShADdtTFf");
    assert_eq!(summary.sides.map(|side| side.payload_bytes), [300, 3_000]);
    assert_eq!(summary.sides.map(|side| side.packets), [6, 5]);
    assert_eq!(summary.sides[0].ip_bytes, 6 * 40 + 600);
    assert_eq!(summary.sides[1].out_of_order, 1);
    assert_eq!(summary.sides[0].retransmissions, 1);
    assert_eq!(summary.sides.map(|side| side.missed_bytes), [0, 0]);
    assert_eq!(Uid(summary.uid).to_string().len(), 18);
    assert!(table.is_empty() && table.live(first.id).is_none());
}

#[test]
fn a_fresh_syn_takes_the_ports_over_and_a_repeated_one_does_not() {
    let mut table = table();
    let first = see(&mut table, 0, tcp(SYN, 99, 0, 0));
    assert_eq!(see(&mut table, 1_000, tcp(SYN, 99, 0, 0)).id, first.id);
    see(&mut table, 1_010, tcp(SYN | ACK, 499, 100, 0).back());
    see(&mut table, 1_020, tcp(ACK, 100, 500, 0));
    assert_eq!(see(&mut table, 1_030, tcp(SYN, 150, 0, 0)).id, first.id, "a stray within reach");
    see(&mut table, 1_040, tcp(RST, 100, 0, 0));
    let second = see(&mut table, 1_050, tcp(SYN, 99_000_000, 0, 0));
    assert!(second.is_new);
    let closed = drain(&mut table);
    assert_eq!(closed.len(), 1);
    assert_eq!((closed[0].id, closed[0].closed), (first.id, Some(CloseReason::Reused)));
    assert_eq!(closed[0].state.name(), "RSTO");
    assert_ne!(second.id, first.id);
    assert_eq!(see(&mut table, 1_060, tcp(SYN | ACK, 7, 99_000_001, 0).back()).id, second.id);
}

#[test]
fn a_slot_is_given_out_again_only_after_its_summary_was_taken() {
    let mut table = table();
    let first = see(&mut table, 0, udp(50_000, 53, 30));
    let second = see(&mut table, 61_000, udp(50_000, 53, 30));
    assert!(second.is_new && second.id.slot != first.id.slot);
    assert_eq!(table.connection(first.id.slot).unwrap().position(), 1);
    assert_eq!(drain(&mut table).len(), 1);
    let third = see(&mut table, 200_000, udp(50_001, 53, 30));
    assert_eq!(third.id.slot, first.id.slot);
    assert_eq!(third.id.generation, first.id.generation + 1);
}

#[test]
fn each_protocol_and_state_has_its_silence() {
    let ends = |packets: &[Packet]| {
        let mut table = table();
        for packet in packets {
            see(&mut table, 0, *packet);
        }
        (1..400).find(|&seconds| {
            table.advance(at(seconds * 1_000));
            table.pop_closed().is_some()
        })
    };
    assert_eq!(ends(&[tcp(SYN, 1, 0, 0)]), Some(30));
    assert_eq!(ends(&[tcp(SYN, 1, 0, 0), tcp(SYN | ACK, 1, 2, 0).back()]), Some(300));
    assert_eq!(ends(&[tcp(SYN, 1, 0, 0), tcp(RST | ACK, 0, 2, 0).back()]), Some(5));
    assert_eq!(ends(&[tcp(ACK, 1, 1, 5)]), Some(300));
    assert_eq!(ends(&[udp(1_024, 53, 5)]), Some(60));
    assert_eq!(ends(&[icmp(8, 0)]), Some(60));
    assert_eq!(ends(&[packet(47, Transport::Other, 5)]), Some(60));
}

#[test]
fn activity_puts_the_end_off_and_the_end_comes_exactly_on_time() {
    let mut table = table();
    see(&mut table, 0, udp(50_000, 53, 5));
    see(&mut table, 59_999, udp(50_000, 53, 5));
    table.advance(at(119_998));
    assert!(table.pop_closed().is_none());
    table.advance(at(119_999));
    assert_eq!(table.pop_closed().unwrap().1.last, at(59_999));
}

#[test]
fn a_packet_slightly_late_is_taken_at_the_clock_and_one_far_behind_sets_the_clock_back() {
    let mut table = table();
    let first = see(&mut table, 60_000, udp(50_000, 53, 5));
    let late = see(&mut table, 50_000, udp(50_000, 53, 5));
    assert_eq!((late.id, late.time, late.since), (first.id, at(60_000), Some(Span::ZERO)));
    let reset = see(&mut table, 49_999, udp(50_000, 53, 5));
    assert!(reset.is_new);
    assert_eq!(reset.time, at(49_999));
    let closed = drain(&mut table);
    assert_eq!(closed.len(), 1);
    assert_eq!((closed[0].closed, closed[0].last), (Some(CloseReason::ClockReset), at(60_000)));
    assert_eq!((table.stats().time_reversed, table.stats().clock_resets), (1, 1));
    table.advance(at(1));
    assert_eq!(table.clock(), Some(at(49_999)), "advance never goes back");
    table.advance(at(109_999));
    assert_eq!(drain(&mut table).len(), 1, "deadlines stand on the new clock");
}

#[test]
fn later_fragments_count_on_the_connection_of_the_first_and_orphans_nowhere() {
    let mut table = table();
    let first = see(&mut table, 0, udp(50_000, 53, 1_000).fragment(7, 0));
    let later = see(&mut table, 1, udp(0, 0, 500).fragment(7, 1_008));
    assert_eq!((later.id, later.is_fragment, later.side), (first.id, true, Side::A));
    assert_eq!(table.live(first.id).unwrap().counters(Side::A).payload_bytes, 1_500);
    for orphan in [udp(0, 0, 9).fragment(8, 8), udp(0, 0, 9).back().fragment(7, 8)] {
        assert!(table.observe(at(2), &orphan.view, HostHint::default()).is_none());
    }
    let old = udp(0, 0, 500).fragment(7, 1_508);
    assert!(table.observe(at(30_001), &old.view, HostHint::default()).is_none());
    assert_eq!((table.stats().fragments_later, table.stats().fragments_orphan), (1, 3));

    see(&mut table, 40_000, tcp(ACK, 100, 1, 1_000).fragment(9, 0));
    see(&mut table, 40_001, tcp(0, 0, 0, 400).fragment(9, 1_020));
    let next = see(&mut table, 40_002, tcp(ACK, 1_500, 1, 10));
    assert_eq!((next.sequence.gap, next.sequence.retransmitted), (0, 0));
}

#[test]
fn a_full_table_gives_up_the_unanswered_first_and_then_the_long_silent() {
    let mut table = ConnectionTable::new(Limits { max_connections: 3, ..Limits::default() });
    for port in [1, 2, 3] {
        see(&mut table, 0, udp(40_000 + port, 53, 5));
        if port != 2 {
            see(&mut table, u64::from(port), udp(40_000 + port, 53, 5).back());
        }
    }
    let mut evicted = || {
        let port = 50_000 + table.stats().begun as u16;
        see(&mut table, 5, udp(port, 53, 5));
        see(&mut table, 5, udp(port, 53, 5).back());
        let closed = drain(&mut table);
        assert_eq!(closed.len(), 1);
        assert_eq!(closed[0].closed, Some(CloseReason::Evicted));
        closed[0].key.port_a
    };
    assert_eq!(evicted(), 40_002);
    assert_eq!(evicted(), 40_001);
    assert_eq!(evicted(), 40_003);
    assert_eq!((table.stats().evicted(), table.stats().peak, table.len()), (3, 3, 3));
}

#[test]
fn answers_and_errors_of_icmp_find_their_place() {
    let mut table = table();
    let ask = see(&mut table, 0, icmp(8, 0));
    let answer = see(&mut table, 1, icmp(0, 0).back());
    assert_eq!((answer.id, answer.side), (ask.id, Side::B));
    let error = see(&mut table, 2, icmp(3, 3));
    let other_way = see(&mut table, 3, icmp(3, 3).back());
    assert!(error.is_new && other_way.is_new);
    assert_eq!(see(&mut table, 4, icmp(3, 3).back()).id, other_way.id);
    let key = *table.live(ask.id).unwrap().key();
    assert_eq!((key.port_a, key.port_b), (8, 0));
}

#[test]
fn the_originator_is_found_where_the_first_packet_is_an_answer() {
    let mut table = table();
    let scan = see(&mut table, 0, tcp(SYN | ACK, 1, 2, 0).back());
    let dns = see(&mut table, 0, udp(50_000, 53, 9).back());
    let told = table.observe(
        at(1),
        &udp(50_001, 53, 9).view,
        HostHint { id: Some(77), from_originator: Some(false) },
    );
    let summary = |id| table.summary(id).unwrap();
    assert_eq!((summary(scan.id).originator, summary(scan.id).history.as_str()), (Side::B, "^h"));
    assert_eq!((summary(dns.id).state.name(), summary(dns.id).history.as_str()), ("SHR", "^d"));
    let told = summary(told.unwrap().id);
    assert_eq!((told.originator, told.host_id, told.history.as_str()), (Side::B, Some(77), "d"));
}

#[test]
fn a_syn_ack_from_no_servers_port_waits_for_its_syn_to_be_turned_around() {
    let turn = |mut packet: Packet| {
        if let Transport::Tcp(tcp) = &mut packet.view.transport {
            tcp.destination = 40_000;
        }
        packet
    };
    let mut table = table();
    let first = see(&mut table, 0, turn(tcp(SYN | ACK, 499, 100, 0)).back());
    assert_eq!(table.summary(first.id).unwrap().originator, Side::A);
    assert_eq!(see(&mut table, 1, turn(tcp(SYN, 99, 0, 0))).id, first.id);
    see(&mut table, 2, turn(tcp(ACK, 100, 500, 0)));
    let summary = table.summary(first.id).unwrap();
    assert_eq!(summary.originator, Side::B);
    assert_eq!((summary.state.name(), summary.history.as_str()), ("S1", "Hs^A"));
}

#[test]
fn one_captured_direction_misses_nothing() {
    let mut table = table();
    let first = see(&mut table, 0, tcp(ACK, 1, 1_000, 5));
    let second = see(&mut table, 1, tcp(ACK, 6, 9_000, 5));
    assert_eq!(second.sequence.acknowledged_unseen, 0);
    see(&mut table, 2, tcp(ACK, 9_000, 11, 100).back());
    let third = see(&mut table, 3, tcp(ACK, 11, 9_200, 5));
    assert_eq!(third.sequence.acknowledged_unseen, 100);
    let summary = table.summary(first.id).unwrap();
    assert_eq!(summary.sides[1].missed_bytes, 100);
    assert_eq!(summary.history.as_str(), "Ddg");
}

#[test]
fn vlans_and_tunnels_part_connections_only_when_asked() {
    let plain = |limits| {
        let mut table = ConnectionTable::new(limits);
        let one = see(&mut table, 0, udp(50_000, 53, 9).vlan(5));
        let two = see(&mut table, 1, udp(50_000, 53, 9).vlan(6).back());
        let mut inner = udp(50_000, 53, 9).vlan(5);
        inner.view.tunnel = Some(Tunnel {
            kind: TunnelKind::GtpU,
            id: 9,
            depth: 1,
            source: Address::v4([10, 0, 0, 1]),
            destination: Address::v4([10, 0, 0, 2]),
        });
        let three = see(&mut table, 2, inner);
        let mut answer = inner.back();
        answer.view.tunnel = inner.view.tunnel.map(|tunnel| Tunnel {
            id: 10,
            source: tunnel.destination,
            destination: tunnel.source,
            ..tunnel
        });
        assert_eq!(see(&mut table, 3, answer).id, three.id);
        table.close_all(CloseReason::Shutdown);
        let closed = drain(&mut table);
        assert_eq!(closed[0].vlans.outer, Some(5));
        (one.id == two.id, one.id == three.id, closed.len())
    };
    assert_eq!(plain(Limits::default()), (true, true, 1));
    assert_eq!(plain(Limits { key_vlan: true, ..Limits::default() }), (false, true, 2));
    let both = Limits { key_vlan: true, key_tunnel: true, ..Limits::default() };
    assert_eq!(plain(both), (false, false, 3));
}

#[test]
fn closing_by_hand_answers_once_and_stale_ids_get_nothing() {
    let mut table = table();
    let first = see(&mut table, 0, udp(50_000, 53, 9));
    let summary = table.close(first.id, CloseReason::Host).unwrap();
    assert_eq!(summary.closed, Some(CloseReason::Host));
    assert!(table.close(first.id, CloseReason::Host).is_none());
    let second = see(&mut table, 1, udp(50_000, 53, 9));
    assert_eq!(second.id.slot, first.id.slot);
    assert!(table.summary(first.id).is_none() && table.summary(second.id).is_some());
    assert!(table.pop_closed().is_none());
}

#[test]
fn a_packet_without_ip_is_counted_and_has_no_connection() {
    let mut table = table();
    let mut arp = udp(1, 2, 3);
    arp.view.network = None;
    arp.view.transport = Transport::Absent;
    assert!(table.observe(at(0), &arp.view, HostHint::default()).is_none());
    assert_eq!((table.stats().without_ip, table.stats().packets), (1, 1));
}

#[test]
fn a_million_connections_take_at_most_320_bytes_each() {
    let mut table = table();
    let before = table.memory();
    let count = 1_000_000u32;
    for number in 0..count {
        let mut packet = udp(50_000, 53, 5);
        if let Some(network) = &mut packet.view.network {
            network.source = Address::v4(number.to_be_bytes());
        }
        see(&mut table, 0, packet);
    }
    assert_eq!(table.len(), count as usize);
    let each = (table.memory() - before) / count as usize;
    assert!(each <= 320, "{each} bytes");
}

#[test]
fn lost_rtp_packets_are_reported_by_number() {
    static RTP: [[u8; 12]; 4] =
        [rtp_header(0xfffd), rtp_header(0xfffe), rtp_header(0xffff), rtp_header(4)];
    let mut table = table();
    let notes = RTP.each_ref().map(|payload| {
        let mut packet = udp(4_000, 5_000, 12);
        packet.view.payload = payload;
        see(&mut table, 0, packet)
    });
    assert_eq!(notes.map(|note| note.sequence.lost_packets), [0, 0, 0, 4]);
    assert_eq!(notes[3].sequence.gap_start, 0);
    assert_eq!(table.live(notes[0].id).unwrap().rtp(Side::A), Some((7, 4)));
}

const fn rtp_header(number: u16) -> [u8; 12] {
    let [high, low] = number.to_be_bytes();
    [0x80, 0x60, high, low, 0, 0, 0, 0, 0, 0, 0, 7]
}

#[test]
fn a_late_answer_to_a_given_up_attempt_stays_with_it() {
    let mut table = table();
    let first = see(&mut table, 0, tcp(SYN, 99, 0, 0));
    see(&mut table, 1, tcp(RST, 100, 0, 0));
    assert_eq!(see(&mut table, 2, tcp(SYN | ACK, 499, 100, 0).back()).id, first.id);
    let summary = table.summary(first.id).unwrap();
    assert_eq!(summary.history.as_str(), "SRh");
}
