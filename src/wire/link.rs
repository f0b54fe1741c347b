//! Link headers: from the capture's first byte to what a link type or protocol number announces.

use super::parse::{Next, Step};
use super::rest::{Rest, be16};
use super::{Layer, LinkType, Reason, dot11};

use etherparse::{EtherType, Ethernet2HeaderSlice};

/// Type fields up to here are 802.3 lengths, with LLC behind them.
const MAX_802_3_LENGTH: u16 = 1500;

/// ARPHRD_NETLINK: cooked frames whose protocol field is a netlink family.
const HARDWARE_NETLINK: u16 = 824;

/// What the capture's link type says the frame begins with, any pseudo-header read.
#[inline]
pub(super) fn first(link: LinkType, rest: &mut Rest<'_>) -> Step {
    match link {
        LinkType::ETHERNET => Ok(Next::Ethernet),
        LinkType::RAW => Ok(Next::Ip),
        LinkType::IPV4 => Ok(Next::Type(EtherType::IPV4)),
        LinkType::IPV6 => Ok(Next::Type(EtherType::IPV6)),
        other => uncommon(other, rest),
    }
}

fn uncommon(link: LinkType, rest: &mut Rest<'_>) -> Step {
    match link {
        // Two operating systems' own numbers for raw IP, which libpcap before 1.0 wrote into files.
        LinkType(12 | 14) => Ok(Next::Ip),
        LinkType::NULL | LinkType::LOOP => loopback(rest),
        LinkType::LINUX_SLL => cooked(rest),
        LinkType::LINUX_SLL2 => cooked_v2(rest),
        LinkType::PPP => Ok(Next::Ppp),
        LinkType::PPP_HDLC => match rest.bytes.first() {
            // RFC 1547, section 4.3.1: Cisco's framing under the same link type.
            Some(0x0f | 0x8f) => cisco_hdlc(rest),
            _ => Ok(Next::Ppp),
        },
        LinkType::PPP_ETHER => Ok(Next::Pppoe),
        LinkType::C_HDLC => cisco_hdlc(rest),
        LinkType::IEEE802_11 => dot11::frame(rest),
        LinkType::IEEE802_11_RADIOTAP => dot11::radiotap(rest),
        _ => Err(rest.stop(Layer::Link, Reason::Unsupported)),
    }
}

/// The Ethernet header; its type field is a length below 1,501 (IEEE 802.3, 3.2.6).
#[inline]
pub(super) fn ethernet(rest: &mut Rest<'_>) -> Step {
    let Ok(header) = Ethernet2HeaderSlice::from_slice(rest.bytes) else {
        return Err(rest.short(Layer::Link, 14));
    };
    Ok(rest.then(14, announced(header.ether_type().0)))
}

/// What a type-or-length field announces.
#[inline]
pub(super) fn announced(type_or_length: u16) -> Next {
    if type_or_length <= MAX_802_3_LENGTH {
        Next::Llc
    } else {
        Next::Type(EtherType(type_or_length))
    }
}

/// IEEE 802.2 LLC: IP by SNAP or, as RFC 948 had it, by its own SAP.
pub(super) fn llc(rest: &mut Rest<'_>) -> Step {
    let [destination, source, control] = *rest.head::<3>(Layer::Link)?;
    match (destination & 0xfe, source & 0xfe, control) {
        (0xaa, 0xaa, 3) => {
            let snap = rest.head::<8>(Layer::Link)?;
            match snap[3..6] {
                // 00-00-f8 is 802.1H's bridge tunnel, which keeps the type of the Ethernet frame.
                [0, 0, 0 | 0xf8] => Ok(rest.then(8, Next::Type(EtherType(be16(snap, 6))))),
                _ => Err(rest.stop(Layer::Link, Reason::Unsupported)),
            }
        }
        (0x06, 0x06, 3) => Ok(rest.then(3, Next::Ip)),
        _ => Err(rest.stop(Layer::Link, Reason::Unsupported)),
    }
}

/// PPP, address and control bytes present or compressed away, protocol in one byte or two.
pub(super) fn ppp(rest: &mut Rest<'_>) -> Step {
    let mut length = if rest.bytes.starts_with(&[0xff, 0x03]) { 2 } else { 0 };
    let behind = rest.skip(length);
    // RFC 1661, section 2: the last byte of a protocol number is odd, the others are even.
    let [first] = *behind.head::<1>(Layer::Link)?;
    let protocol = if first & 1 == 1 {
        length += 1;
        u16::from(first)
    } else {
        length += 2;
        u16::from_be_bytes(*behind.head::<2>(Layer::Link)?)
    };
    match protocol {
        0x0021 => Ok(rest.then(length, Next::Type(EtherType::IPV4))),
        0x0057 => Ok(rest.then(length, Next::Type(EtherType::IPV6))),
        0x0281 | 0x0283 => Ok(rest.then(length, Next::Mpls)),
        _ => Err(rest.stop(Layer::Link, Reason::Unsupported)),
    }
}

fn cisco_hdlc(rest: &mut Rest<'_>) -> Step {
    let head = rest.head::<4>(Layer::Link)?;
    Ok(rest.then(4, Next::Type(EtherType(be16(head, 2)))))
}

/// The address family in whichever byte order the capturing host had; no value is both.
fn loopback(rest: &mut Rest<'_>) -> Step {
    let head = *rest.head::<4>(Layer::Link)?;
    let family = u32::from_le_bytes(head).min(u32::from_be_bytes(head));
    match family {
        2 => Ok(rest.then(4, Next::Type(EtherType::IPV4))),
        // AF_INET6 of Linux, of NetBSD and OpenBSD, of FreeBSD, of Darwin.
        10 | 24 | 28 | 30 => Ok(rest.then(4, Next::Type(EtherType::IPV6))),
        _ => Err(rest.stop(Layer::Link, Reason::Unsupported)),
    }
}

// Both cooked headers are read by hand: etherparse refuses version 1 of a hardware type it does
// not know, and has no version 2.

fn cooked(rest: &mut Rest<'_>) -> Step {
    let head = rest.head::<16>(Layer::Link)?;
    cooked_protocol(be16(head, 2), be16(head, 14), rest, 16)
}

fn cooked_v2(rest: &mut Rest<'_>) -> Step {
    let head = rest.head::<20>(Layer::Link)?;
    cooked_protocol(be16(head, 8), be16(head, 0), rest, 20)
}

fn cooked_protocol(hardware: u16, protocol: u16, rest: &mut Rest<'_>, length: usize) -> Step {
    match (hardware, protocol) {
        (HARDWARE_NETLINK, _) => Err(rest.stop(Layer::Link, Reason::Unsupported)),
        // ETH_P_802_2 of the kernel.
        (_, 4) => Ok(rest.then(length, Next::Llc)),
        (_, ether_type) => Ok(rest.then(length, Next::Type(EtherType(ether_type)))),
    }
}
