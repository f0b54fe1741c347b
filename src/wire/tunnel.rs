//! GRE, IP in IP, VXLAN, Geneve and GTP-U: what a carrier's payload opens into.

use super::parse::Next;
use super::rest::{Rest, be16};
use super::{Layer, Network, Reason, Stop, Transport, TunnelKind, Tunnels};

use etherparse::{EtherType, IpNumber, ip_number};

const VXLAN_PORT: u16 = 4789;
const GENEVE_PORT: u16 = 6081;
const GTP_U_PORT: u16 = 2152;

/// Ethernet as a protocol type.
const TYPE_ETHERNET: u16 = 0x6558;
/// PPP as a protocol type.
const TYPE_PPP: u16 = 0x880b;

/// GTP-U's message type for a carried packet (3GPP TS 29.281, 6.1).
const GTP_G_PDU: u8 = 255;
/// More GTP-U extension headers than this are an attack on the reader.
const MAX_GTP_EXTENSIONS: usize = 8;

/// A tunnel header that was read, and what it announces.
#[derive(Clone, Copy)]
pub(super) struct Opened<'a> {
    pub(super) kind: TunnelKind,
    pub(super) id: u32,
    pub(super) next: Next,
    pub(super) inside: Rest<'a>,
}

type Opening<'a> = Result<Option<Opened<'a>>, Stop>;

/// Opens the tunnel that `payload` is, if it is one of a kind that `tunnels` lets open.
///
/// A UDP port alone is no proof: what does not begin with the tunnel's own magic is the payload
/// of an ordinary connection, not a broken tunnel.
#[inline]
pub(super) fn open<'a>(
    tunnels: Tunnels,
    network: &Network,
    transport: &Transport,
    payload: Rest<'a>,
) -> Opening<'a> {
    match *transport {
        Transport::Udp { destination: VXLAN_PORT, .. } if tunnels.vxlan => vxlan(payload),
        Transport::Udp { destination: GENEVE_PORT, .. } if tunnels.geneve => geneve(payload),
        Transport::Udp { destination: GTP_U_PORT, .. } if tunnels.gtp_u => gtp_u(payload),
        Transport::Other => match IpNumber(network.protocol) {
            ip_number::IPV4 if tunnels.ip_in_ip => Ok(ip_in_ip(EtherType::IPV4, payload)),
            ip_number::IPV6 if tunnels.ip_in_ip => Ok(ip_in_ip(EtherType::IPV6, payload)),
            ip_number::GRE if tunnels.gre => gre(payload),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

fn ip_in_ip(inner: EtherType, inside: Rest<'_>) -> Option<Opened<'_>> {
    Some(Opened { kind: TunnelKind::IpInIp, id: 0, next: Next::Type(inner), inside })
}

/// GRE (RFC 2784, 2890) and the enhanced GRE of PPTP (RFC 2637).
fn gre(rest: Rest<'_>) -> Opening<'_> {
    let head = rest.head::<4>(Layer::Tunnel)?;
    let (flags, protocol) = (be16(head, 0), be16(head, 2));
    let (checksum, routing, key) = (flags & 0x8000 != 0, flags & 0x4000 != 0, flags & 0x2000 != 0);
    let (sequence, acknowledgement) = (flags & 0x1000 != 0, flags & 0x0080 != 0);
    let version = flags & 0b111;
    let enhanced = version == 1 && key && protocol == TYPE_PPP;
    if routing || !(version == 0 || enhanced) {
        return Err(rest.stop(Layer::Tunnel, Reason::Unsupported));
    }
    let mut behind = rest.skip(4);
    if checksum {
        behind = behind.skip_header(Layer::Tunnel, 4).map_err(|stop| at(rest, stop))?;
    }
    let mut id = 0;
    if key {
        let word = *behind.head::<4>(Layer::Tunnel).map_err(|stop| at(rest, stop))?;
        id = u32::from_be_bytes(word);
        behind = behind.skip(4);
    }
    let words = usize::from(sequence) + usize::from(enhanced && acknowledgement);
    behind = behind.skip_header(Layer::Tunnel, words * 4).map_err(|stop| at(rest, stop))?;
    if enhanced {
        // The key's upper half is this packet's length; the call is the lower one. A packet
        // without a sequence number only acknowledges.
        id &= 0xffff;
        if !sequence {
            return Ok(None);
        }
    }
    let next = carried_type(protocol);
    Ok(Some(Opened { kind: TunnelKind::Gre, id, next, inside: behind }))
}

/// VXLAN (RFC 7348).
fn vxlan(rest: Rest<'_>) -> Opening<'_> {
    // The one flag that must be set; RFC 7348 has the others ignored.
    if rest.bytes.first().is_some_and(|flags| flags & 0x08 == 0) || rest.wire < 8 {
        return Ok(None);
    }
    let head = rest.head::<8>(Layer::Tunnel)?;
    let inside = rest.skip(8);
    Ok(Some(Opened { kind: TunnelKind::Vxlan, id: vni(head), next: Next::Ethernet, inside }))
}

/// Geneve (RFC 8926), its options skipped.
fn geneve(rest: Rest<'_>) -> Opening<'_> {
    if rest.bytes.first().is_some_and(|first| first >> 6 != 0) || rest.wire < 8 {
        return Ok(None);
    }
    let head = rest.head::<8>(Layer::Tunnel)?;
    let inside = rest.skip_header(Layer::Tunnel, 8 + usize::from(head[0] & 0x3f) * 4)?;
    let next = carried_type(be16(head, 2));
    Ok(Some(Opened { kind: TunnelKind::Geneve, id: vni(head), next, inside }))
}

/// GTP version 1, user plane (3GPP TS 29.281), its optional fields and extension headers skipped.
fn gtp_u(rest: Rest<'_>) -> Opening<'_> {
    const VERSION_1_NOT_PRIME: u8 = 0x30;
    if rest.bytes.first().is_some_and(|first| first & 0xf0 != VERSION_1_NOT_PRIME)
        || rest.bytes.get(1).is_some_and(|message| *message != GTP_G_PDU)
        || rest.wire < 8
    {
        return Ok(None);
    }
    let head = rest.head::<8>(Layer::Tunnel)?;
    let mut length = 8;
    if head[0] & 0b111 != 0 {
        // Sequence number, N-PDU number and next extension type come together.
        length = 12;
        let options = rest.head::<12>(Layer::Tunnel)?;
        let mut next_extension = if head[0] & 0b100 != 0 { options[11] } else { 0 };
        let mut extensions = 0;
        while next_extension != 0 {
            if extensions == MAX_GTP_EXTENSIONS {
                return Err(rest.stop(Layer::Tunnel, Reason::TooDeep));
            }
            extensions += 1;
            let byte = |index: usize| {
                rest.bytes.get(index).copied().ok_or_else(|| rest.short(Layer::Tunnel, index + 1))
            };
            let units = usize::from(byte(length)?);
            if units == 0 {
                return Err(rest.stop(Layer::Tunnel, Reason::Malformed));
            }
            length += units * 4;
            next_extension = byte(length - 1)?;
        }
    }
    let id = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
    let inside = rest.skip_header(Layer::Tunnel, length)?;
    Ok(Some(Opened { kind: TunnelKind::GtpU, id, next: Next::Ip, inside }))
}

/// What GRE and Geneve announce: an EtherType, or one of the numbers kept for links.
fn carried_type(protocol: u16) -> Next {
    match protocol {
        TYPE_PPP => Next::Ppp,
        TYPE_ETHERNET => Next::Ethernet,
        other => Next::Type(EtherType(other)),
    }
}

/// The 24-bit network identifier, in the same place in VXLAN and Geneve.
fn vni(head: &[u8; 8]) -> u32 {
    u32::from_be_bytes([0, head[4], head[5], head[6]])
}

/// The stop of an optional field, moved to where its header begins.
#[cold]
fn at(rest: Rest<'_>, stop: Stop) -> Stop {
    Stop { offset: rest.at, ..stop }
}
