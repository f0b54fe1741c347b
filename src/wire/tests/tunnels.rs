//! Connections inside connections.

use super::*;

/// Asserts that `packet` opens into `HELLO` through a tunnel of this kind and identifier, and that
/// with its switch off it stays closed.
#[track_caller]
fn assert_opens(packet: &[u8], kind: TunnelKind, id: u32, closed: Tunnels) {
    let view = read(LinkType::RAW, packet);
    assert_hello(&view);
    let tunnel = view.tunnel.unwrap();
    assert_eq!((tunnel.kind, tunnel.id, tunnel.depth), (kind, id, 1));
    assert_eq!(tunnel.source, if packet[0] >> 4 == 4 { Address::v4(A) } else { Address::v6(A6) });
    let wire_len = u32::try_from(packet.len()).unwrap();
    let view = parse(LinkType::RAW, packet, wire_len, closed);
    assert_eq!((view.tunnel, view.stop), (None, None));
    assert_ne!(view.payload, HELLO);
}

#[test]
fn ip_in_ip_opens_in_all_four_combinations() {
    let closed = Tunnels { ip_in_ip: false, ..Tunnels::ALL };
    for packet in [ipv4(4, &udp4()), ipv4(41, &udp6()), ipv6(4, &udp4()), ipv6(41, &udp6())] {
        assert_opens(&packet, TunnelKind::IpInIp, 0, closed);
    }
}

#[test]
fn gre_opens_with_any_of_its_optional_fields() {
    let closed = Tunnels { gre: false, ..Tunnels::ALL };
    for (flags, fields, key) in [(0x00, 0, 0), (0x80, 4, 0), (0x10, 4, 0), (0xb0, 12, 0x0101_0101)]
    {
        let header = [&[flags, 0, 8, 0][..], &vec![1; fields]].concat();
        let packet = ipv4(47, &[header, udp4()].concat());
        assert_opens(&packet, TunnelKind::Gre, key, closed);
    }
    let bridged = ipv6(47, &[&[0, 0, 0x65, 0x58][..], &ethernet(0x86dd, &udp6())].concat());
    assert_opens(&bridged, TunnelKind::Gre, 0, closed);
    let point_to_point =
        [&[0x30, 0x81, 0x88, 0x0b, 0, 42, 0, 9][..], &[1; 8], &[0xff, 3, 0, 0x21], &udp4()];
    assert_opens(&ipv4(47, &point_to_point.concat()), TunnelKind::Gre, 9, closed);
}

#[test]
fn gre_that_only_acknowledges_is_whole() {
    let packet = ipv4(47, &[0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 9, 0, 0, 0, 1]);
    let view = read(LinkType::RAW, &packet);
    assert_eq!((view.transport, view.stop, view.tunnel), (Transport::Other, None, None));
}

#[test]
fn vxlan_geneve_and_gtp_open_by_port() {
    let vxlan = [&[8, 0, 0, 0, 1, 2, 3, 0][..], &ethernet(0x0800, &udp4())].concat();
    let closed = Tunnels { vxlan: false, ..Tunnels::ALL };
    assert_opens(&udp4_to(4789, &vxlan), TunnelKind::Vxlan, 0x01_0203, closed);
    let options = [2, 0, 0x65, 0x58, 1, 2, 3, 0, 9, 9, 9, 9, 9, 9, 9, 9];
    let geneve = [&options[..], &ethernet(0x86dd, &udp6())].concat();
    let closed = Tunnels { geneve: false, ..Tunnels::ALL };
    assert_opens(&udp4_to(6081, &geneve), TunnelKind::Geneve, 0x01_0203, closed);
    let closed = Tunnels { gtp_u: false, ..Tunnels::ALL };
    for header in [
        &[0x30, 255, 0, 40, 0, 0, 1, 2][..],
        &[0x32, 255, 0, 44, 0, 0, 1, 2, 0, 1, 0, 0],
        &[0x34, 255, 0, 52, 0, 0, 1, 2, 0, 0, 0, 0x85, 1, 0, 0, 0xc0, 1, 0, 0, 0],
    ] {
        let packet = udp4_to(2152, &[header, &udp4()].concat());
        assert_opens(&packet, TunnelKind::GtpU, 258, closed);
    }
}

#[test]
fn a_port_alone_makes_no_tunnel() {
    for port in [4789, 6081, 2152] {
        let packet = udp4_to(port, b"\xc0\x01 an ordinary payload");
        let view = read(LinkType::RAW, &packet);
        assert_eq!((view.tunnel, view.stop, view.payload_len), (None, None, 22));
    }
    let echo_request = udp4_to(2152, &[0x32, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(read(LinkType::RAW, &echo_request).stop, None);
}

#[test]
fn an_unreadable_inside_leaves_the_carrying_connection() {
    let arp = [&[8, 0, 0, 0, 1, 2, 3, 0][..], &ethernet(0x0806, &[0; 28])].concat();
    let packet = udp4_to(4789, &arp);
    let view = read(LinkType::RAW, &packet);
    assert_eq!(view.transport, Transport::Udp { source: 1000, destination: 4789 });
    assert_eq!((view.payload, view.payload_len), (&arp[..], 50));
    assert_eq!(view.tunnel, None);
    assert_stop(&view, Layer::Network, Reason::Unsupported, 50);

    let mirrored = ipv4(47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1][..], &[0; 60]].concat());
    let view = read(LinkType::RAW, &mirrored);
    assert_eq!((view.transport, view.payload_len), (Transport::Other, 68));
    assert_stop(&view, Layer::Network, Reason::Unsupported, 28);

    let cut = parse(LinkType::RAW, &packet[..32], 78, Tunnels::ALL);
    assert_eq!((cut.payload.len(), cut.payload_len), (4, 50));
    assert_stop(&cut, Layer::Tunnel, Reason::Truncated, 28);
}

#[test]
fn tags_inside_an_unreadable_tunnel_are_not_the_carriers() {
    let tagged = ethernet(0x8100, &[0, 9, 8, 6, 0, 0]);
    let vxlan = [&[8, 0, 0, 0, 1, 2, 3, 0][..], &tagged].concat();
    let frame = ethernet(0x8100, &[&[0, 5, 8, 0][..], &udp4_to(4789, &vxlan)].concat());
    let view = read(LinkType::ETHERNET, &frame);
    assert_eq!(view.vlans, Vlans { outer: Some(5), inner: None });
}

#[test]
fn an_inner_packet_without_transport_is_still_the_inner_one() {
    let packet = ipv4(4, &udp4());
    let view = parse(LinkType::RAW, &packet[..41], 60, Tunnels::ALL);
    assert_eq!(view.tunnel.unwrap().kind, TunnelKind::IpInIp);
    assert_eq!((view.transport, view.payload_len), (Transport::Absent, 0));
    assert_stop(&view, Layer::Transport, Reason::Truncated, 40);
    let malformed = ipv4(4, &[&[0x45, 0, 0, 9][..], &[0; 16]].concat());
    let view = read(LinkType::RAW, &malformed);
    assert_eq!((view.transport, view.payload_len), (Transport::Absent, 0));
    assert_stop(&view, Layer::Network, Reason::Malformed, 20);
}

#[test]
fn tunnels_nest_to_a_limit() {
    let nested = (0..4).fold(udp4(), |inside, _| ipv4(4, &inside));
    let view = read(LinkType::RAW, &nested);
    assert_hello(&view);
    assert_eq!(view.tunnel.unwrap().depth, 4);
    let deeper = ipv4(4, &nested);
    let view = read(LinkType::RAW, &deeper);
    assert_eq!((view.tunnel.unwrap().depth, view.transport), (4, Transport::Other));
    assert_eq!(view.payload_len, 40);
    assert_stop(&view, Layer::Tunnel, Reason::TooDeep, 100);
}

#[test]
fn the_first_fragment_of_a_carrier_is_opened() {
    let mut packet = ipv4(47, &[&[0, 0, 8, 0][..], &udp4()].concat());
    packet[6] = 0x20;
    let view = read(LinkType::RAW, &packet);
    assert_hello(&view);
    packet[7] = 1;
    let view = read(LinkType::RAW, &packet);
    assert_eq!((view.tunnel, view.transport), (None, Transport::Absent));
    assert_eq!(view.payload_len, 44);
}

#[test]
fn gtp_extensions_of_no_length_or_without_end_are_refused() {
    let header = [0x34, 255, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0x85];
    let empty = udp4_to(2152, &[&header[..], &[0; 8]].concat());
    assert_stop(&read(LinkType::RAW, &empty), Layer::Tunnel, Reason::Malformed, 28);
    let endless = udp4_to(2152, &[&header[..], &[1, 0, 0, 0x85].repeat(20)].concat());
    assert_stop(&read(LinkType::RAW, &endless), Layer::Tunnel, Reason::TooDeep, 28);
}
