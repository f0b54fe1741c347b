//! Network and transport headers, and what is cut off from them.

use super::*;

/// An Ethernet frame with a TCP segment of `payload`.
fn segment(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ethernet2([2; 6], [4; 6])
        .ipv4(A, B, 61)
        .tcp(1000, 2000, 0x0102_0304, 512)
        .ack(77)
        .psh()
        .write(&mut bytes, payload)
        .unwrap();
    bytes
}

#[test]
fn a_segment_is_read_field_by_field() {
    let frame = segment(HELLO);
    let view = read(LinkType::ETHERNET, &frame);
    let network = view.network.unwrap();
    assert_eq!((network.source, network.destination), (Address::v4(A), Address::v4(B)));
    assert_eq!((network.ttl, network.protocol, network.length), (61, 6, 52));
    let tcp = Tcp {
        source: 1000,
        destination: 2000,
        sequence: 0x0102_0304,
        acknowledgement: 77,
        flags: TcpFlags(0x18),
        window: 512,
    };
    assert_eq!(view.transport, Transport::Tcp(tcp));
    assert_eq!((view.payload, view.payload_len, view.stop), (HELLO, 12, None));
}

#[test]
fn padding_to_the_shortest_frame_is_no_payload() {
    let mut frame = segment(b"");
    frame.resize(60, 0);
    let view = read(LinkType::ETHERNET, &frame);
    assert_eq!((view.payload, view.payload_len, view.stop), (&b""[..], 0, None));
}

#[test]
fn a_snap_length_cuts_the_payload_and_not_its_length() {
    let frame = segment(&[7; 1000]);
    let view = parse(LinkType::ETHERNET, &frame[..64], 1054, Tunnels::ALL);
    assert_eq!((view.captured, view.wire_len), (64, 1054));
    assert_eq!((view.payload, view.payload_len, view.stop), (&[7; 10][..], 1000, None));
}

#[test]
fn total_length_zero_of_segmentation_offload_means_the_wire_length() {
    let mut frame = segment(&[7; 1000]);
    (frame[16], frame[17]) = (0, 0);
    let view = parse(LinkType::ETHERNET, &frame[..64], 1054, Tunnels::ALL);
    assert_eq!((view.network.unwrap().length, view.payload_len), (1040, 1000));
    let mut jumbo = udp6();
    (jumbo[4], jumbo[5]) = (0, 0);
    assert_hello(&read(LinkType::IPV6, &jumbo));
}

#[test]
fn a_total_length_beyond_the_wire_is_believed() {
    let frame = segment(&[7; 100]);
    let view = read(LinkType::ETHERNET, &frame[..60]);
    assert_eq!((view.payload.len(), view.payload_len, view.stop), (6, 100, None));
}

#[test]
fn a_total_length_below_the_header_is_malformed() {
    let mut packet = udp4();
    (packet[2], packet[3]) = (0, 19);
    let view = read(LinkType::IPV4, &packet);
    assert_eq!(view.network.unwrap().length, 19);
    assert_eq!((view.transport, view.payload_len), (Transport::Absent, 0));
    assert_stop(&view, Layer::Network, Reason::Malformed, 0);
}

#[test]
fn tcp_is_reported_from_sixteen_bytes_and_says_it_was_cut() {
    let frame = segment(HELLO);
    for captured in 50..54 {
        let view = parse(LinkType::ETHERNET, &frame[..captured], 66, Tunnels::ALL);
        assert!(matches!(view.transport, Transport::Tcp(Tcp { window: 512, .. })));
        assert_eq!(view.payload_len, 12);
        assert_stop(&view, Layer::Transport, Reason::Truncated, 34);
    }
    let view = parse(LinkType::ETHERNET, &frame[..49], 66, Tunnels::ALL);
    assert_eq!((view.transport, view.payload_len), (Transport::Absent, 0));
    assert_stop(&view, Layer::Transport, Reason::Truncated, 34);
}

#[test]
fn a_data_offset_that_cannot_be_is_malformed_but_the_fields_stand() {
    for offset in [0x40, 0xf0] {
        let mut frame = segment(HELLO);
        frame[46] = offset;
        let view = read(LinkType::ETHERNET, &frame);
        assert!(matches!(view.transport, Transport::Tcp(Tcp { acknowledgement: 77, .. })));
        assert_eq!((view.payload, view.payload_len), (&b""[..], 0));
        assert_stop(&view, Layer::Transport, Reason::Malformed, 34);
    }
}

#[test]
fn ip_options_are_skipped_and_may_be_cut_off() {
    let mut packet = udp4();
    packet.splice(20..20, [1, 1, 1, 0]);
    (packet[0], packet[3]) = (0x46, packet[3] + 4);
    assert_hello(&read(LinkType::IPV4, &packet));
    let view = parse(LinkType::IPV4, &packet[..22], 44, Tunnels::ALL);
    assert_eq!(view.network.unwrap().source, Address::v4(A));
    assert_stop(&view, Layer::Network, Reason::Truncated, 0);
    packet[0] = 0x44;
    let view = read(LinkType::IPV4, &packet);
    assert!(view.network.is_none());
    assert_stop(&view, Layer::Network, Reason::Malformed, 0);
}

#[test]
fn udp_lengths_are_taken_when_sane_and_ip_is_believed_otherwise() {
    for (claimed, payload_len, malformed) in
        [(0, 12, false), (15, 7, false), (8, 0, false), (400, 12, false), (5, 12, true)]
    {
        let mut packet = udp4();
        packet[24..26].copy_from_slice(&u16::to_be_bytes(claimed));
        let view = read(LinkType::IPV4, &packet);
        assert_eq!(view.payload_len, payload_len, "a length of {claimed}");
        assert_eq!(view.stop.is_some(), malformed, "a length of {claimed}");
    }
}

#[test]
fn ports_are_told_as_soon_as_they_were_captured() {
    for (protocol, header, expected) in [
        (17, 8, Transport::Udp { source: 258, destination: 772 }),
        (132, 12, Transport::Sctp { source: 258, destination: 772 }),
        (1, 8, Transport::Icmp(Icmp { kind: 1, code: 2 })),
    ] {
        let packet = ipv4(protocol, &[&[1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0][..], HELLO].concat());
        let wire_len = u32::try_from(packet.len()).unwrap();
        let whole = read(LinkType::IPV4, &packet);
        assert_eq!((whole.transport, whole.stop), (expected, None));
        assert_eq!(whole.payload_len, 24 - header);
        let cut = parse(LinkType::IPV4, &packet[..24], wire_len, Tunnels::ALL);
        assert_eq!((cut.transport, cut.payload_len), (expected, 24 - header));
        assert_stop(&cut, Layer::Transport, Reason::Truncated, 20);
        let gone = parse(LinkType::IPV4, &packet[..21], wire_len, Tunnels::ALL);
        assert_eq!(gone.transport, Transport::Absent);
        let short = ipv4(protocol, &[1]);
        let short = read(LinkType::IPV4, &short);
        assert_stop(&short, Layer::Transport, Reason::Malformed, 20);
    }
}

#[test]
fn icmp_belongs_to_the_version_it_is_of() {
    let echo = [128, 0, 0, 0, 0, 1, 0, 1, 9, 9];
    let packet = ipv6(58, &echo);
    let view = read(LinkType::IPV6, &packet);
    assert_eq!(view.transport, Transport::Icmp(Icmp { kind: 128, code: 0 }));
    assert_eq!(view.payload_len, 2);
    assert_eq!(read(LinkType::IPV4, &ipv4(58, &echo)).transport, Transport::Other);
}

#[test]
fn other_protocols_are_known_by_number() {
    let packet = ipv4(89, &[1, 2, 3]);
    let view = read(LinkType::IPV4, &packet);
    assert_eq!((view.transport, view.network.unwrap().protocol), (Transport::Other, 89));
    assert_eq!((view.payload, view.stop), (&[1, 2, 3][..], None));
}

#[test]
fn extension_headers_lead_to_the_transport() {
    let udp = &udp6()[40..].to_vec();
    let chain = [
        &[43, 0, 0, 0, 0, 0, 0, 0][..],
        &[60, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[51, 0, 1, 4, 0, 0, 0, 0],
        &[17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        udp,
    ]
    .concat();
    let packet = ipv6(0, &chain);
    let view = read(LinkType::IPV6, &packet);
    assert_hello(&view);
    assert_eq!(view.network.unwrap().protocol, 17);
    let cut = parse(LinkType::IPV6, &packet[..60], 200, Tunnels::ALL);
    assert_eq!(cut.network.unwrap().protocol, 43);
    assert_stop(&cut, Layer::Network, Reason::Truncated, 48);
    let endless = ipv6(60, &[60, 0, 0, 0, 0, 0, 0, 0].repeat(30));
    assert_stop(&read(LinkType::IPV6, &endless), Layer::Network, Reason::TooDeep, 136);
}

#[test]
fn authentication_headers_are_skipped_in_ipv4_and_encryption_is_the_protocol() {
    let udp = udp4()[20..].to_vec();
    let authenticated = [&[17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &udp].concat();
    assert_hello(&read(LinkType::IPV4, &ipv4(51, &authenticated)));
    let broken = ipv4(51, &[17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_stop(&read(LinkType::IPV4, &broken), Layer::Network, Reason::Malformed, 20);
    assert_eq!(read(LinkType::IPV6, &ipv6(50, &[0; 20])).transport, Transport::Other);
}

#[test]
fn only_the_first_fragment_has_a_transport() {
    let mut packet = udp4();
    packet[6] = 0x20;
    let view = read(LinkType::IPV4, &packet);
    let fragment = view.network.unwrap().fragment.unwrap();
    assert_hello(&view);
    assert_eq!((fragment.offset, fragment.more), (0, true));
    (packet[4], packet[5], packet[6], packet[7]) = (1, 2, 0, 3);
    let view = read(LinkType::IPV4, &packet);
    let fragment = view.network.unwrap().fragment.unwrap();
    assert_eq!(fragment, Fragment { id: 258, offset: 24, more: false });
    assert_eq!((view.transport, view.payload_len, view.stop), (Transport::Absent, 20, None));
}

#[test]
fn ipv6_fragments_and_atomic_ones() {
    let udp = udp6()[40..].to_vec();
    for (offset_and_more, whole, first) in
        [(0u16, true, true), (1, false, true), (0x40, false, false)]
    {
        let mut header = vec![17, 0, 0, 0, 0, 0, 1, 2];
        header[2..4].copy_from_slice(&offset_and_more.to_be_bytes());
        header.extend(&udp);
        let packet = ipv6(44, &header);
        let view = read(LinkType::IPV6, &packet);
        let network = view.network.unwrap();
        assert_eq!((network.fragment.is_none(), network.protocol), (whole, 17));
        assert_eq!(view.transport != Transport::Absent, first);
        assert!(network.fragment.is_none_or(|fragment| fragment.id == 258));
        assert_eq!(view.stop, None);
    }
}

#[test]
fn a_wire_length_below_what_was_captured_is_the_captured_length() {
    let packet = udp4();
    let view = parse(LinkType::IPV4, &packet, 3, Tunnels::ALL);
    assert_hello(&view);
    assert_eq!(view.wire_len, view.captured);
}
