//! Every link type, and the shims.

use super::*;

fn behind(header: &[u8], packet: &[u8]) -> Vec<u8> {
    [header, packet].concat()
}

#[test]
fn ethernet_carries_both_versions_of_ip() {
    assert_hello(&read(LinkType::ETHERNET, &ethernet(0x0800, &udp4())));
    let frame = ethernet(0x86dd, &udp6());
    let view = read(LinkType::ETHERNET, &frame);
    assert_hello(&view);
    let network = view.network.unwrap();
    assert_eq!((network.source, network.destination), (Address::v6(A6), Address::v6(B6)));
    assert_eq!((network.version, network.length, network.protocol), (6, 60, 17));
}

#[test]
fn llc_carries_ip_by_snap_and_by_its_own_sap() {
    for header in [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &[6, 6, 3]] {
        let llc = behind(header, &udp4());
        let length = u16::try_from(llc.len()).unwrap();
        assert_hello(&read(LinkType::ETHERNET, &ethernet(length, &llc)));
    }
    let spanning_tree = ethernet(38, &[0x42, 0x42, 3, 0, 0]);
    let view = read(LinkType::ETHERNET, &spanning_tree);
    assert_stop(&view, Layer::Link, Reason::Unsupported, 14);
}

#[test]
fn arp_and_types_nobody_knows_are_unsupported_where_they_begin() {
    for ether_type in [0x0806, 1501, 0x8863, 0x88cc] {
        let frame = ethernet(ether_type, &[0; 46]);
        let view = read(LinkType::ETHERNET, &frame);
        assert!(view.network.is_none());
        assert_stop(&view, Layer::Network, Reason::Unsupported, 14);
    }
}

#[test]
fn two_tags_are_kept_and_further_ones_skipped() {
    let tags = [0x20, 5, 0x88, 0xa8, 0, 6, 0x91, 0, 0, 7, 8, 0];
    let frame = ethernet(0x8100, &behind(&tags, &udp4()));
    let view = read(LinkType::ETHERNET, &frame);
    assert_hello(&view);
    assert_eq!(view.vlans, Vlans { outer: Some(5), inner: Some(6) });
}

#[test]
fn a_priority_tag_is_no_vlan() {
    let frame = ethernet(0x8100, &behind(&[0xe0, 0, 0x81, 0, 0, 9, 8, 0], &udp4()));
    let view = read(LinkType::ETHERNET, &frame);
    assert_eq!(view.vlans, Vlans { outer: Some(9), inner: None });
}

#[test]
fn tags_are_told_even_when_no_ip_follows() {
    let frame = ethernet(0x8100, &behind(&[0, 9, 8, 6], &[0; 28]));
    let view = read(LinkType::ETHERNET, &frame);
    assert_eq!(view.vlans.outer, Some(9));
    assert_stop(&view, Layer::Network, Reason::Unsupported, 18);
}

#[test]
fn endless_tags_are_too_deep() {
    let frame = ethernet(0x8100, &[0, 5, 0x81, 0].repeat(40));
    assert_eq!(read(LinkType::ETHERNET, &frame).stop.unwrap().reason, Reason::TooDeep);
}

#[test]
fn labels_are_skipped_to_the_bottom_of_the_stack() {
    let labels = [0, 1, 0x00, 64, 0, 2, 0x01, 64];
    assert_hello(&read(LinkType::ETHERNET, &ethernet(0x8847, &behind(&labels, &udp6()))));
    let pseudowire = ethernet(0x8847, &behind(&labels, &[0; 20]));
    let view = read(LinkType::ETHERNET, &pseudowire);
    assert_stop(&view, Layer::Network, Reason::Unsupported, 22);
}

#[test]
fn pppoe_sessions_are_read_and_their_control_is_not() {
    let session = behind(&[0x11, 0, 0, 1, 0, 42, 0, 0x21], &udp4());
    assert_hello(&read(LinkType::ETHERNET, &ethernet(0x8864, &session)));
    assert_hello(&read(LinkType::PPP_ETHER, &session));
    let control = [0x11, 0, 0, 1, 0, 4, 0xc0, 0x21, 9, 0];
    let view = read(LinkType::PPP_ETHER, &control);
    assert_stop(&view, Layer::Link, Reason::Unsupported, 6);
    assert_stop(&read(LinkType::PPP_ETHER, &[0; 8]), Layer::Shim, Reason::Malformed, 0);
}

#[test]
fn ppp_comes_with_and_without_framing_and_compression() {
    for header in [&[0xff, 3, 0, 0x21][..], &[0, 0x21], &[0x21], &[0xff, 3, 0x21]] {
        assert_hello(&read(LinkType::PPP, &behind(header, &udp4())));
    }
    assert_hello(&read(LinkType::PPP_HDLC, &behind(&[0xff, 3, 0, 0x57], &udp6())));
}

#[test]
fn ciscos_framing_announces_by_ether_type() {
    let frame = behind(&[0x0f, 0, 8, 0], &udp4());
    assert_hello(&read(LinkType::C_HDLC, &frame));
    assert_hello(&read(LinkType::PPP_HDLC, &frame));
}

#[test]
fn loopback_families_come_in_both_byte_orders() {
    for link in [LinkType::NULL, LinkType::LOOP] {
        assert_hello(&read(link, &behind(&2u32.to_le_bytes(), &udp4())));
        assert_hello(&read(link, &behind(&2u32.to_be_bytes(), &udp4())));
        for family in [10u32, 24, 28, 30] {
            assert_hello(&read(link, &behind(&family.to_le_bytes(), &udp6())));
            assert_hello(&read(link, &behind(&family.to_be_bytes(), &udp6())));
        }
        assert_stop(&read(link, &[7, 0, 0, 0]), Layer::Link, Reason::Unsupported, 0);
    }
}

#[test]
fn raw_links_begin_with_ip() {
    assert_hello(&read(LinkType::RAW, &udp4()));
    assert_hello(&read(LinkType::RAW, &udp6()));
    assert_hello(&read(LinkType::IPV4, &udp4()));
    assert_hello(&read(LinkType::IPV6, &udp6()));
    let wrong = udp6();
    assert_stop(&read(LinkType::IPV4, &wrong), Layer::Network, Reason::Malformed, 0);
}

#[test]
fn cooked_captures_are_read_whatever_the_hardware() {
    for hardware in [1u8, 0xfe] {
        let v1 = [0, 0, hardware, hardware, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0];
        assert_hello(&read(LinkType::LINUX_SLL, &behind(&v1, &udp4())));
        let mut v2 = [0; 20];
        (v2[0], v2[1], v2[9]) = (0x86, 0xdd, hardware);
        assert_hello(&read(LinkType::LINUX_SLL2, &behind(&v2, &udp6())));
    }
    let mut netlink = [0; 40];
    (netlink[2], netlink[3]) = (0x03, 0x38);
    assert_stop(&read(LinkType::LINUX_SLL, &netlink), Layer::Link, Reason::Unsupported, 0);
}

#[test]
fn data_frames_of_802_11_are_read_unless_encrypted_or_in_parts() {
    let snap = behind(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &udp4());
    let mut plain = [0; 24];
    plain[0] = 0x08;
    assert_hello(&read(LinkType::IEEE802_11, &behind(&plain, &snap)));
    let mut quality = [0; 32];
    (quality[0], quality[1]) = (0x88, 0x03);
    assert_hello(&read(LinkType::IEEE802_11, &behind(&quality, &snap)));
    for (at, value) in [(0, 0x80), (0, 0x48), (1, 0x40), (1, 0x04), (22, 1)] {
        let mut header = plain;
        header[at] = value;
        let frame = behind(&header, &snap);
        let view = read(LinkType::IEEE802_11, &frame);
        assert_stop(&view, Layer::Link, Reason::Unsupported, 0);
    }
}

#[test]
fn radiotap_says_where_the_frame_begins_and_whether_it_is_padded() {
    let mut data = [0; 26];
    data[0] = 0x88;
    let snap = behind(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &udp4());
    // A second presence word, a timer aligned to eight, the flags.
    let mut radiotap = [0; 26];
    (radiotap[2], radiotap[4], radiotap[7], radiotap[24]) = (26, 0b11, 0x80, 0x20);
    let padded = [&radiotap[..], &data, &[0, 0], &snap].concat();
    assert_hello(&read(LinkType::IEEE802_11_RADIOTAP, &padded));
    radiotap[24] = 0;
    let packed = [&radiotap[..], &data, &snap].concat();
    assert_hello(&read(LinkType::IEEE802_11_RADIOTAP, &packed));
    let view = read(LinkType::IEEE802_11_RADIOTAP, &[0, 0, 7, 0, 0, 0, 0, 0]);
    assert_stop(&view, Layer::Link, Reason::Malformed, 0);
}

#[test]
fn an_unknown_link_type_is_unsupported() {
    assert_stop(&read(LinkType(147), &udp4()), Layer::Link, Reason::Unsupported, 0);
}
