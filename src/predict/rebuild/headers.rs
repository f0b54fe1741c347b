//! The bytes of a synthetic packet: link header, IP header, transport header, and no payload.

use crate::predict::SyntheticPacket;
use crate::wire::{LinkType, TcpFlags};

use super::Templates;
use super::template::{ICMP, Template};

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// What IP can say at most of its length.
const MAX_IP: u32 = 65_535;

/// A synthetic packet as a frame that was cut behind its headers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Synthesis {
    /// How it begins: as its connection's real packets do, or as a bare IP packet.
    pub link: LinkType,
    /// The headers.
    pub bytes: Vec<u8>,
    /// Bytes it would have had on the wire, payload included.
    pub wire_len: u32,
}

impl Templates {
    /// Makes the headers of a synthetic packet; `None` for a connection that nothing is known of.
    ///
    /// The lengths in them are those of the whole packet. Its checksums are those of a packet whose
    /// payload is all zeros, so that whoever appends the missing bytes as zeros has a good packet,
    /// and a packet without payload has the right ones.
    #[must_use]
    pub fn headers(&self, packet: &SyntheticPacket) -> Option<Synthesis> {
        let template = self.of(packet.id, packet.side)?;
        let mut transport = transport(packet, &template);
        let ip_header = if template.version == 4 { 20 } else { 40 };
        let headers = ip_header + transport.len() as u32;
        // An IPv6 header does not count itself.
        let most = if template.version == 4 { MAX_IP - headers } else { MAX_IP + 40 - headers };
        let payload = packet.payload_len.min(most);
        let length = transport.len() as u32 + payload;
        let source = packet.key.address(packet.side);
        let destination = packet.key.address(packet.side.other());
        let protocol = packet.key.protocol;

        let mut bytes = template.prefix().to_vec();
        let mut pseudo = Sum::default();
        let (v4, mapped) = (source.as_v4(), destination.as_v4());
        match (template.version, v4, mapped) {
            (4, Some(source), Some(destination)) => {
                let total = (20 + length) as u16;
                let at = bytes.len();
                bytes.extend([0x45, 0]);
                bytes.extend(total.to_be_bytes());
                // Not fragmented and not to be: then the identification means nothing (RFC 6864).
                bytes.extend([0, 0, 0x40, 0, template.ttl, protocol, 0, 0]);
                bytes.extend(source);
                bytes.extend(destination);
                let mut sum = Sum::default();
                sum.add(&bytes[at..]);
                bytes[at + 10..at + 12].copy_from_slice(&sum.checksum());
                pseudo.add(&source);
                pseudo.add(&destination);
            }
            _ => {
                bytes.extend([0x60, 0, 0, 0]);
                bytes.extend((length as u16).to_be_bytes());
                bytes.extend([protocol, template.ttl]);
                bytes.extend(source.bytes());
                bytes.extend(destination.bytes());
                pseudo.add(source.bytes());
                pseudo.add(destination.bytes());
            }
        }
        pseudo.add(&length.to_be_bytes());
        pseudo.add(&[0, protocol]);
        finish(&mut transport, protocol, length, pseudo);
        bytes.extend(&transport);
        let wire_len = bytes.len() as u32 + payload;
        Some(Synthesis { link: template.link, bytes, wire_len })
    }
}

/// The transport header, its length and checksum still 0.
fn transport(packet: &SyntheticPacket, template: &Template) -> Vec<u8> {
    let (side, key) = (packet.side, &packet.key);
    let (source, destination) = (key.port(side), key.port(side.other()));
    let mut header = Vec::with_capacity(20);
    match key.protocol {
        TCP => {
            let mut flags = packet.flags;
            if flags.0 == 0 {
                // No packet of a connection that is established is without it (RFC 9293, 3.10.7.4).
                flags = TcpFlags::ACK;
            }
            header.extend(source.to_be_bytes());
            header.extend(destination.to_be_bytes());
            header.extend(packet.sequence.unwrap_or(0).to_be_bytes());
            let acknowledgement = packet.acknowledgement.filter(|_| flags.contains(TcpFlags::ACK));
            header.extend(acknowledgement.unwrap_or(0).to_be_bytes());
            header.extend([5 << 4, flags.0]);
            header.extend(template.window.to_be_bytes());
            header.extend([0; 4]);
        }
        UDP => {
            header.extend(source.to_be_bytes());
            header.extend(destination.to_be_bytes());
            header.extend([0; 4]);
        }
        // Its checksum covers what is not known, so the packet is cut before it.
        SCTP => {
            header.extend(source.to_be_bytes());
            header.extend(destination.to_be_bytes());
        }
        protocol if ICMP.contains(&protocol) => {
            header.extend(template.icmp);
            header[0] = source as u8;
            header[2..4].fill(0);
            if is_echo(protocol, header[0]) {
                let next = u16::from_be_bytes([header[6], header[7]]).wrapping_add(1);
                header[6..8].copy_from_slice(&next.to_be_bytes());
            }
        }
        _ => {}
    }
    header
}

/// Fills in what depends on the length.
fn finish(header: &mut [u8], protocol: u8, length: u32, pseudo: Sum) {
    let at = match protocol {
        TCP => 16,
        UDP => {
            header[4..6].copy_from_slice(&(length as u16).to_be_bytes());
            6
        }
        protocol if ICMP.contains(&protocol) => 2,
        _ => return,
    };
    // ICMP for IPv4 alone has no pseudo-header.
    let mut sum = if protocol == ICMP[0] { Sum::default() } else { pseudo };
    sum.add(header);
    let mut checksum = sum.checksum();
    if protocol == UDP && checksum == [0, 0] {
        checksum = [0xff, 0xff];
    }
    header[at..at + 2].copy_from_slice(&checksum);
}

/// Whether an ICMP type is an echo's, asked or answered: the two that count their messages.
const fn is_echo(protocol: u8, kind: u8) -> bool {
    matches!((protocol, kind), (1, 0 | 8) | (58, 128 | 129))
}

/// The Internet's checksum (RFC 1071) of pieces, each of them of even length but the last.
#[derive(Clone, Copy, Default)]
struct Sum(u32);

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            self.0 += u32::from(u16::from_be_bytes([pair[0], low]));
        }
    }

    fn checksum(self) -> [u8; 2] {
        let mut sum = self.0;
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        (!(sum as u16)).to_be_bytes()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::{ConnectionId, ConnectionKey, Side, Slot};
    use crate::model::{Expectation, SizeRange, TimeRange};
    use crate::predict::{Kind, SyntheticId};
    use crate::time::{Span, Timestamp};
    use crate::wire::{self, Address, Transport, Tunnels};

    const ID: ConnectionId = ConnectionId { slot: Slot(5), generation: 2 };

    fn packet(key: ConnectionKey, side: Side, payload_len: u32) -> SyntheticPacket {
        let expected = Expectation {
            side,
            flags: TcpFlags(0x18),
            side_flags_probability: 0.5,
            size: SizeRange::default(),
            time: TimeRange::default(),
            deadline: Span::ZERO,
            nothing_more: 0.0,
            confidence: 0.9,
        };
        SyntheticPacket {
            serial: SyntheticId(1),
            id: ID,
            host_id: None,
            key,
            originator: Side::A,
            uid: 1,
            kind: Kind::Overdue,
            made: Timestamp::default(),
            due: Timestamp::default(),
            last: Timestamp::default(),
            run: 1,
            side,
            flags: TcpFlags(0x18),
            payload_len,
            entropy: None,
            sequence: Some(0x0102_0304),
            acknowledgement: Some(0x0506_0708),
            confidence: 0.9,
            capture_loss: 0.0,
            expected,
        }
    }

    /// A captured frame and the connection it makes, its sender being side A.
    fn real(link: &[u8], v6: bool, protocol: u8, transport: &[u8]) -> (Vec<u8>, ConnectionKey) {
        let (a, b) = if v6 {
            (Address::v6([0x20; 16]), Address::v6([0x30; 16]))
        } else {
            (Address::v4([192, 0, 2, 1]), Address::v4([192, 0, 2, 2]))
        };
        let mut frame = link.to_vec();
        if v6 {
            frame.extend([0x60, 0, 0, 0, 0, transport.len() as u8, protocol, 60]);
            frame.extend(a.bytes());
            frame.extend(b.bytes());
        } else {
            frame.extend([0x45, 0, 0, 20 + transport.len() as u8, 1, 2, 0, 0, 60, protocol, 0, 0]);
            frame.extend([192, 0, 2, 1, 192, 0, 2, 2]);
        }
        frame.extend(transport);
        let (port_a, port_b) = if ICMP.contains(&protocol) {
            (u16::from(transport[0]), if v6 { 129 } else { 0 })
        } else {
            (4_000, 80)
        };
        let key = ConnectionKey { address_a: a, address_b: b, port_a, port_b, protocol, domain: 0 };
        (frame, key)
    }

    fn tcp() -> Vec<u8> {
        let mut header = vec![0x0f, 0xa0, 0, 80];
        header.extend([0, 0, 0, 1, 0, 0, 0, 2, 5 << 4, 0x10, 0x12, 0x34, 0, 0, 0, 0]);
        header
    }

    fn learn(link: LinkType, frame: &[u8]) -> Templates {
        let mut templates = Templates::default();
        let view = wire::parse(link, frame, frame.len() as u32, Tunnels::ALL);
        templates.learn(ID, Side::A, link, frame, &view);
        templates
    }

    /// What remains of the Internet's checksum over all of it: 0 where it is good.
    fn residue(pieces: &[&[u8]]) -> u16 {
        let mut sum = Sum::default();
        pieces.iter().for_each(|piece| sum.add(piece));
        u16::from_be_bytes(sum.checksum())
    }

    const TAGGED: [u8; 22] =
        [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 8, 0];

    #[test]
    fn a_packet_of_the_side_seen_repeats_its_link_header_and_counts_on_in_the_stream() {
        let (frame, key) = real(&TAGGED, false, TCP, &tcp());
        let made = learn(LinkType::ETHERNET, &frame).headers(&packet(key, Side::A, 100)).unwrap();
        assert_eq!((made.link, made.bytes.len(), made.wire_len), (LinkType::ETHERNET, 62, 162));
        assert_eq!(made.bytes[..22], TAGGED);
        let view = wire::parse(made.link, &made.bytes, made.wire_len, Tunnels::ALL);
        let Transport::Tcp(tcp) = view.transport else { panic!("{view:?}") };
        assert_eq!((tcp.source, tcp.destination, tcp.window), (4_000, 80, 0x1234));
        assert_eq!((tcp.sequence, tcp.acknowledgement), (0x0102_0304, 0x0506_0708));
        assert_eq!((tcp.flags, view.payload_len, view.stop), (TcpFlags(0x18), 100, None));
        assert_eq!(view.network.unwrap().ttl, 60);
    }

    #[test]
    fn a_side_never_seen_answers_from_where_the_other_sent_to() {
        let (frame, key) = real(&TAGGED, false, TCP, &tcp());
        let templates = learn(LinkType::ETHERNET, &frame);
        let made = templates.headers(&packet(key, Side::B, 0)).unwrap();
        assert_eq!(made.bytes[..12], [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
        assert_eq!(made.wire_len as usize, made.bytes.len());
        let mut group = TAGGED;
        group[0] |= 1;
        let (frame, key) = real(&group, false, TCP, &tcp());
        let made = learn(LinkType::ETHERNET, &frame).headers(&packet(key, Side::B, 0)).unwrap();
        assert_eq!((made.link, made.bytes[0]), (LinkType::RAW, 0x45));
    }

    #[test]
    fn a_connection_nothing_is_known_of_gets_no_packet() {
        let (frame, key) = real(&TAGGED, false, TCP, &tcp());
        let templates = learn(LinkType::ETHERNET, &frame);
        let stale = ConnectionId { generation: 1, ..ID };
        assert_eq!(
            templates.headers(&SyntheticPacket { id: stale, ..packet(key, Side::A, 0) }),
            None
        );
        assert_eq!(Templates::default().headers(&packet(key, Side::A, 0)), None);
    }

    #[test]
    fn a_packet_inside_a_tunnel_is_a_bare_ip_packet() {
        let (inner, key) = real(&[], false, TCP, &tcp());
        let mut frame = TAGGED.to_vec();
        frame.extend([
            0x45,
            0,
            0,
            20 + inner.len() as u8,
            0,
            0,
            0,
            0,
            64,
            4,
            0,
            0,
            1,
            1,
            1,
            1,
            2,
            2,
            2,
            2,
        ]);
        frame.extend(inner);
        let made = learn(LinkType::ETHERNET, &frame).headers(&packet(key, Side::A, 7)).unwrap();
        assert_eq!((made.link, made.bytes.len(), made.wire_len), (LinkType::RAW, 40, 47));
    }

    #[test]
    fn an_echo_counts_on_where_the_last_one_stood() {
        let (frame, key) = real(&TAGGED, false, 1, &[8, 0, 0, 0, 0x11, 0x22, 0, 0xff]);
        let templates = learn(LinkType::ETHERNET, &frame);
        let made = templates.headers(&packet(key, Side::A, 56)).unwrap();
        let icmp = &made.bytes[42..];
        assert_eq!((icmp[0], &icmp[4..]), (8, &[0x11, 0x22, 1, 0][..]));
        assert_eq!(residue(&[icmp]), 0);
        assert_eq!(templates.headers(&packet(key, Side::B, 0)).unwrap().bytes[42], 0);
    }

    proptest! {
        #[test]
        fn lengths_are_exact_and_checksums_are_those_of_a_payload_of_zeros(
            v6 in any::<bool>(),
            protocol in prop::sample::select(vec![TCP, UDP]),
            payload in 0u32..200_000,
        ) {
            let link: &[u8] = if v6 { &[0, 0, 0, 30] } else { &[2, 0, 0, 0] };
            let (frame, key) = real(link, v6, protocol, &tcp());
            let made = learn(LinkType::NULL, &frame).headers(&packet(key, Side::A, payload)).unwrap();
            prop_assert_eq!((made.link, &made.bytes[..4]), (LinkType::NULL, link));
            let view = wire::parse(made.link, &made.bytes, made.wire_len, Tunnels::ALL);
            let network = view.network.unwrap();
            prop_assert_eq!(network.length + 4, made.wire_len);
            prop_assert!(view.payload_len == payload || network.length >= MAX_IP);
            let transport = &made.bytes[if v6 { 44 } else { 24 }..];
            let length = transport.len() as u32 + view.payload_len;
            let addresses = if v6 { &made.bytes[12..44] } else { &made.bytes[16..24] };
            prop_assert_eq!(residue(&[addresses, &length.to_be_bytes(), &[0, protocol], transport]), 0);
            if !v6 {
                prop_assert_eq!(residue(&[&made.bytes[4..24]]), 0);
            }
        }
    }
}
