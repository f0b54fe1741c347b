//! IPv4 and IPv6, with extension headers.

use super::rest::Rest;
use super::{Address, Fragment, Layer, Network, Reason, Stop};

use etherparse::{
    IpAuthHeaderSlice, IpNumber, Ipv4HeaderSlice, Ipv6FragmentHeaderSlice, Ipv6HeaderSlice,
    Ipv6RawExtHeaderSlice, ip_number,
};

/// More extension headers than this are an attack on the reader; RFC 8200 recommends six.
const MAX_EXTENSIONS: usize = 12;

/// What stands behind a network header that was read, or why that could not be reached.
pub(super) type Inside<'a> = Result<Rest<'a>, Stop>;

/// Reads an IPv4 header into `network`, which stays as it is when there is none.
///
/// The header is written where it stays: moving it there would cost more than reading it.
#[inline]
pub(super) fn ipv4<'a>(rest: Rest<'a>, network: &mut Option<Network>) -> Result<Inside<'a>, Stop> {
    let Ok(header) = Ipv4HeaderSlice::from_slice(rest.bytes) else {
        return damaged_ipv4(rest, network);
    };
    let network = network.insert(ipv4_network(&header, rest));
    let header_length = header.slice().len();
    if (network.length as usize) < header_length {
        return Ok(Err(rest.stop(Layer::Network, Reason::Malformed)));
    }
    let inside = rest.sized(network.length).skip(header_length);
    if network.protocol == ip_number::AUTH.0 {
        return Ok(behind_extensions(network, inside));
    }
    Ok(Ok(inside))
}

/// Reads an IPv6 header and its extensions into `network`, which stays as it is when there is none.
#[inline]
pub(super) fn ipv6<'a>(rest: Rest<'a>, network: &mut Option<Network>) -> Result<Inside<'a>, Stop> {
    let Ok(header) = Ipv6HeaderSlice::from_slice(rest.bytes) else {
        return Err(unreadable(rest, 6, 40));
    };
    let next = header.next_header();
    let length = match header.payload_length() {
        // Segmentation offload or a jumbogram (RFC 2675).
        0 if next != ip_number::IPV6_NO_NEXT_HEADER => rest.wire,
        payload => 40 + u32::from(payload),
    };
    let network = network.insert(Network {
        at: rest.at,
        source: Address::v6(header.source()),
        destination: Address::v6(header.destination()),
        version: 6,
        protocol: next.0,
        ttl: header.hop_limit(),
        length,
        id: None,
        fragment: None,
    });
    let inside = rest.sized(length).skip(40);
    if is_extension(next, 6) {
        return Ok(behind_extensions(network, inside));
    }
    Ok(Ok(inside))
}

#[inline]
fn ipv4_network(header: &Ipv4HeaderSlice<'_>, rest: Rest<'_>) -> Network {
    let offset = u32::from(header.fragments_offset().byte_offset());
    let more = header.more_fragments();
    Network {
        at: rest.at,
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
        id: Some(header.identification()),
        fragment: (more || offset != 0).then(|| Fragment {
            id: u32::from(header.identification()),
            offset,
            more,
        }),
    }
}

/// A header that etherparse refuses: its fixed part still counts when only options were cut off.
#[cold]
fn damaged_ipv4<'a>(rest: Rest<'a>, network: &mut Option<Network>) -> Result<Inside<'a>, Stop> {
    let Some(fixed) = rest.bytes.first_chunk::<20>() else {
        return Err(unreadable(rest, 4, 20));
    };
    let mut without_options = *fixed;
    without_options[0] = 0x45;
    match Ipv4HeaderSlice::from_slice(&without_options) {
        Ok(header) if matches!(fixed[0], 0x46..=0x4f) => {
            *network = Some(ipv4_network(&header, rest));
            Ok(Err(rest.short(Layer::Network, usize::from(fixed[0] & 0xf) * 4)))
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

#[cold]
fn behind_extensions<'a>(network: &mut Network, mut inside: Rest<'a>) -> Inside<'a> {
    for _ in 0..MAX_EXTENSIONS {
        let number = IpNumber(network.protocol);
        // In a later fragment the bytes here are the middle of something.
        let later = network.fragment.is_some_and(|fragment| fragment.offset != 0);
        if later || !is_extension(number, network.version) {
            return Ok(inside);
        }
        let (next, behind) = extension(number, inside, &mut network.fragment)?;
        (network.protocol, inside) = (next.0, behind);
    }
    Err(inside.stop(Layer::Network, Reason::TooDeep))
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
