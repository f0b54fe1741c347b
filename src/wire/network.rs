//! IPv4 and IPv6, with extension headers.

use super::rest::Rest;
use super::{Address, Fragment, Layer, Network, Reason, Stop};

use etherparse::{
    IpAuthHeaderSlice, IpNumber, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice, ip_number,
};

/// More extension headers than this are an attack on the reader; RFC 8200 recommends six.
const MAX_EXTENSIONS: usize = 12;

/// An IP header that was read, and what it carries.
pub(super) struct Packet<'a> {
    pub(super) network: Network,
    /// What stands behind the header and its extensions; nothing when `stop` is set.
    pub(super) inside: Rest<'a>,
    /// Why what is carried could not be reached, though the header itself could be read.
    pub(super) stop: Option<Stop>,
}

/// An IPv4 packet.
#[inline]
pub(super) fn ipv4(rest: Rest<'_>) -> Result<Packet<'_>, Stop> {
    let Ok(header) = Ipv4HeaderSlice::from_slice(rest.bytes) else {
        return damaged_ipv4(rest);
    };
    let network = ipv4_network(&header, rest);
    let header_length = header.slice().len();
    if (network.length as usize) < header_length {
        let stop = rest.stop(Layer::Network, Reason::Malformed);
        return Ok(Packet::unreachable(network, rest, stop));
    }
    let inside = rest.sized(network.length).skip(header_length);
    if network.protocol == ip_number::AUTH.0 {
        return Ok(behind_extensions(network, inside));
    }
    Ok(Packet { network, inside, stop: None })
}

/// An IPv6 packet.
#[inline]
pub(super) fn ipv6(rest: Rest<'_>) -> Result<Packet<'_>, Stop> {
    let Ok(header) = Ipv6HeaderSlice::from_slice(rest.bytes) else {
        return Err(unreadable(rest, 6, 40));
    };
    let next = header.next_header();
    let length = match header.payload_length() {
        // Segmentation offload or a jumbogram (RFC 2675).
        0 if next != ip_number::IPV6_NO_NEXT_HEADER => rest.wire,
        payload => 40 + u32::from(payload),
    };
    let network = Network {
        source: Address::v6(header.source()),
        destination: Address::v6(header.destination()),
        version: 6,
        protocol: next.0,
        ttl: header.hop_limit(),
        length,
        fragment: None,
    };
    let inside = rest.sized(length).skip(40);
    if is_extension(next, 6) {
        return Ok(behind_extensions(network, inside));
    }
    Ok(Packet { network, inside, stop: None })
}

#[inline]
fn ipv4_network(header: &Ipv4HeaderSlice<'_>, rest: Rest<'_>) -> Network {
    let offset = u32::from(header.fragments_offset().byte_offset());
    let more = header.more_fragments();
    Network {
        source: Address::v4(header.source()),
        destination: Address::v4(header.destination()),
        version: 4,
        protocol: header.protocol().0,
        ttl: header.ttl(),
        length: match header.total_len() {
            // Segmentation offload leaves it to the card, which the capture did not see.
            0 => rest.wire,
            total => u32::from(total),
        },
        fragment: (more || offset != 0).then(|| Fragment {
            id: u32::from(header.identification()),
            offset,
            more,
        }),
    }
}

/// A header that etherparse refuses: its fixed part still counts when only options were cut off.
#[cold]
fn damaged_ipv4(rest: Rest<'_>) -> Result<Packet<'_>, Stop> {
    let Some(fixed) = rest.bytes.first_chunk::<20>() else {
        return Err(unreadable(rest, 4, 20));
    };
    let mut without_options = *fixed;
    without_options[0] = 0x45;
    match Ipv4HeaderSlice::from_slice(&without_options) {
        Ok(header) if matches!(fixed[0], 0x46..=0x4f) => {
            let stop = rest.short(Layer::Network, usize::from(fixed[0] & 0xf) * 4);
            Ok(Packet::unreachable(ipv4_network(&header, rest), rest, stop))
        }
        _ => Err(rest.stop(Layer::Network, Reason::Malformed)),
    }
}

/// Why there is no header of this version here.
#[cold]
fn unreadable(rest: Rest<'_>, version: u8, need: usize) -> Stop {
    match rest.bytes.first() {
        Some(first) if first >> 4 != version => rest.stop(Layer::Network, Reason::Malformed),
        _ => rest.short(Layer::Network, need),
    }
}

/// Whether a protocol number stands for a header that merely precedes the transport.
///
/// Mobility (135) and HIP (139) are listed as extensions too but are conversations of their own,
/// and behind ESP (50) all is encrypted: these three are the protocol.
#[inline]
fn is_extension(number: IpNumber, version: u8) -> bool {
    match number {
        ip_number::AUTH => true,
        ip_number::IPV6_HEADER_HOP_BY_HOP
        | ip_number::IPV6_ROUTE_HEADER
        | ip_number::IPV6_FRAGMENTATION_HEADER
        | ip_number::IPV6_DESTINATION_OPTIONS
        | ip_number::SHIM6 => version == 6,
        _ => false,
    }
}

fn behind_extensions(mut network: Network, mut inside: Rest<'_>) -> Packet<'_> {
    for _ in 0..MAX_EXTENSIONS {
        let number = IpNumber(network.protocol);
        // In a later fragment the bytes here are the middle of something.
        let later = network.fragment.is_some_and(|fragment| fragment.offset != 0);
        if later || !is_extension(number, network.version) {
            return Packet { network, inside, stop: None };
        }
        match extension(number, inside, &mut network.fragment) {
            Ok((next, behind)) => (network.protocol, inside) = (next.0, behind),
            Err(stop) => return Packet::unreachable(network, inside, stop),
        }
    }
    let stop = inside.stop(Layer::Network, Reason::TooDeep);
    Packet::unreachable(network, inside, stop)
}

/// One extension header: what it announces, and what stands behind it.
fn extension<'a>(
    number: IpNumber,
    rest: Rest<'a>,
    fragment: &mut Option<Fragment>,
) -> Result<(IpNumber, Rest<'a>), Stop> {
    // How long a header is can be told from its second byte, before asking for all of it.
    let [_, units] = *rest.head::<2>(Layer::Network)?;
    let units = usize::from(units);
    let (next, length) = match number {
        ip_number::IPV6_FRAGMENTATION_HEADER => {
            let header = Ipv6FragmentHeaderSlice::from_slice(rest.bytes)
                .map_err(|_| rest.short(Layer::Network, 8))?;
            let offset = u32::from(header.fragment_offset().byte_offset());
            // An atomic fragment (RFC 6946) is a whole packet.
            *fragment = header.is_fragmenting_payload().then(|| Fragment {
                id: header.identification(),
                offset,
                more: header.more_fragments(),
            });
            (header.next_header(), 8)
        }
        ip_number::AUTH if units == 0 => return Err(rest.stop(Layer::Network, Reason::Malformed)),
        ip_number::AUTH => {
            let header = IpAuthHeaderSlice::from_slice(rest.bytes)
                .map_err(|_| rest.short(Layer::Network, (units + 2) * 4))?;
            (header.next_header(), header.slice().len())
        }
        _ => {
            let header = Ipv6RawExtHeaderSlice::from_slice(rest.bytes)
                .map_err(|_| rest.short(Layer::Network, (units + 1) * 8))?;
            (header.next_header(), header.slice().len())
        }
    };
    Ok((next, rest.skip(length)))
}

impl<'a> Packet<'a> {
    fn unreachable(network: Network, rest: Rest<'a>, stop: Stop) -> Self {
        Self { network, inside: rest.sized(0), stop: Some(stop) }
    }
}
