//! What holds of any bytes whatever.

use super::*;

use proptest::prelude::*;

const LINKS: [LinkType; 17] = [
    LinkType::NULL,
    LinkType::ETHERNET,
    LinkType::PPP,
    LinkType(12),
    LinkType::PPP_HDLC,
    LinkType::PPP_ETHER,
    LinkType::RAW,
    LinkType::C_HDLC,
    LinkType::IEEE802_11,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::IEEE802_11_RADIOTAP,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::LINUX_SLL2,
    LinkType(147),
    LinkType(u16::MAX),
];

fn tunnels() -> impl Strategy<Value = Tunnels> {
    any::<[bool; 5]>().prop_map(|[gre, ip_in_ip, vxlan, geneve, gtp_u]| Tunnels {
        gre,
        ip_in_ip,
        vxlan,
        geneve,
        gtp_u,
    })
}

/// A frame made of headers that belong together more often than chance would have it.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let gre = [&[0x20, 0, 0x65, 0x58, 0, 0, 0, 1][..], &ethernet(0x86dd, &udp6())].concat();
    let vxlan = [&[8, 0, 0, 0, 1, 2, 3, 0][..], &ethernet(0x0800, &udp4())].concat();
    let gtp = [&[0x34, 255, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0][..], &udp4()].concat();
    let chain =
        ipv6(0, &[&[44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 1, 0, 0, 0, 1][..], &[0; 20]].concat());
    let whole = prop::sample::select(vec![
        ethernet(0x0800, &ipv4(4, &ipv4(47, &gre))),
        ethernet(0x8100, &[&[0, 1, 8, 0][..], &udp4_to(4789, &vxlan)].concat()),
        ethernet(0x0800, &udp4_to(2152, &gtp)),
        ethernet(0x86dd, &chain),
        ethernet(0x0800, &ipv4(6, &[0x50; 40])),
    ]);
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    (whole, damage, any::<prop::sample::Index>()).prop_map(|(mut frame, damage, end)| {
        for (at, byte) in damage {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        frame.truncate(end.index(frame.len() + 1));
        frame
    })
}

fn check(
    link: LinkType,
    bytes: &[u8],
    wire_len: u32,
    tunnels: Tunnels,
) -> Result<(), TestCaseError> {
    let view = parse(link, bytes, wire_len, tunnels);
    let captured = u32::try_from(bytes.len()).unwrap();
    prop_assert_eq!(view.captured, captured);
    prop_assert_eq!(view.wire_len, wire_len.max(captured));
    prop_assert!(view.payload.len() <= view.payload_len as usize);
    prop_assert!(view.payload.is_empty() || bytes.as_ptr_range().contains(&view.payload.as_ptr()));
    prop_assert!(view.stop.is_none_or(|stop| stop.offset <= captured));
    prop_assert!(view.network.is_some() || view.stop.is_some());
    prop_assert!(view.network.is_some() || view.transport == Transport::Absent);
    if let Some(network) = view.network {
        prop_assert!(view.payload_len <= network.length);
        let later = network.fragment.is_some_and(|fragment| fragment.offset != 0);
        let absent = view.transport == Transport::Absent;
        prop_assert!(!later || absent);
        prop_assert!(!absent || later || view.stop.is_some());
    }
    if let Some(tunnel) = view.tunnel {
        prop_assert!((1..=4).contains(&tunnel.depth));
        let open = match tunnel.kind {
            TunnelKind::Gre => tunnels.gre,
            TunnelKind::IpInIp => tunnels.ip_in_ip,
            TunnelKind::Vxlan => tunnels.vxlan,
            TunnelKind::Geneve => tunnels.geneve,
            TunnelKind::GtpU => tunnels.gtp_u,
        };
        prop_assert!(open && view.network.is_some());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 20 } else { 4000 }))]

    #[test]
    fn any_bytes_under_any_link_type_keep_the_promises(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        link in prop::sample::select(&LINKS[..]),
        wire_len in prop_oneof![0u32..300, any::<u32>()],
        tunnels in tunnels(),
    ) {
        check(link, &bytes, wire_len, tunnels)?;
    }

    #[test]
    fn damaged_and_cut_frames_keep_the_promises(
        bytes in frame(),
        wire_len in 0u32..300,
        tunnels in tunnels(),
    ) {
        check(LinkType::ETHERNET, &bytes, wire_len, tunnels)?;
    }

    #[test]
    fn what_a_cut_leaves_readable_reads_the_same(bytes in frame(), end in any::<prop::sample::Index>()) {
        let whole = read(LinkType::ETHERNET, &bytes);
        let cut = &bytes[..end.index(bytes.len() + 1)];
        let cut = parse(LinkType::ETHERNET, cut, whole.wire_len, Tunnels::ALL);
        prop_assert!(whole.payload.starts_with(cut.payload) || cut.stop.is_some());
        if cut.stop.is_none() {
            prop_assert_eq!((cut.transport, cut.payload_len), (whole.transport, whole.payload_len));
        }
    }
}
