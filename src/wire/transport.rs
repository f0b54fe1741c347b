//! TCP, UDP, ICMP and SCTP headers.
//!
//! A header is reported when every field that [`Transport`] holds of it was captured, even if the
//! rest of the header was cut off; [`Stop`] says that it was.

use super::rest::{Rest, be16};
use super::{Icmp, Layer, Network, Reason, Stop, Tcp, TcpFlags, Transport};

use etherparse::{IpNumber, TcpHeaderSlice, UdpHeaderSlice, ip_number};

/// The length of SCTP's common header.
const SCTP_LENGTH: usize = 12;
/// The length of an ICMP header with the four bytes every type has a use for.
const ICMP_LENGTH: usize = 8;
const UDP_LENGTH: usize = 8;

/// What an IP packet carries.
pub(super) struct Carried<'a> {
    pub(super) transport: Transport,
    pub(super) payload: Rest<'a>,
    pub(super) stop: Option<Stop>,
}

/// Reads the transport header that `network` announces at the start of `inside`.
#[inline]
pub(super) fn transport<'a>(network: &Network, inside: Rest<'a>) -> Carried<'a> {
    if network.fragment.is_some_and(|fragment| fragment.offset != 0) {
        return Carried { transport: Transport::Absent, payload: inside, stop: None };
    }
    match (IpNumber(network.protocol), network.version) {
        (ip_number::TCP, _) => tcp(inside),
        (ip_number::UDP, _) => udp(inside),
        (ip_number::ICMP, 4) | (ip_number::IPV6_ICMP, 6) => {
            let icmp = inside.bytes.first_chunk::<2>();
            let icmp = icmp.map(|[kind, code]| Transport::Icmp(Icmp { kind: *kind, code: *code }));
            plain(inside, icmp, ICMP_LENGTH)
        }
        (ip_number::SCTP, _) => {
            let ports = inside.bytes.first_chunk::<4>();
            let sctp = ports.map(|ports| Transport::Sctp {
                source: be16(ports, 0),
                destination: be16(ports, 2),
            });
            plain(inside, sctp, SCTP_LENGTH)
        }
        _ => Carried { transport: Transport::Other, payload: inside, stop: None },
    }
}

#[inline]
fn tcp(inside: Rest<'_>) -> Carried<'_> {
    match TcpHeaderSlice::from_slice(inside.bytes) {
        Ok(header) => Carried {
            transport: Transport::Tcp(tcp_fields(&header)),
            payload: inside.skip(header.slice().len()),
            stop: None,
        },
        Err(_) => damaged_tcp(inside),
    }
}

#[inline]
fn tcp_fields(header: &TcpHeaderSlice<'_>) -> Tcp {
    Tcp {
        source: header.source_port(),
        destination: header.destination_port(),
        sequence: header.sequence_number(),
        acknowledgement: header.acknowledgment_number(),
        flags: TcpFlags(header.slice()[13]),
        window: header.window_size(),
    }
}

/// A header that etherparse refuses: cut off, or with a data offset that cannot be.
///
/// The fields we report end with the window at byte 16; what they say is certain without the
/// checksum, urgent pointer and options behind it. The length of the payload is certain only with
/// a data offset that can be.
#[cold]
fn damaged_tcp(inside: Rest<'_>) -> Carried<'_> {
    let Some(fields) = inside.bytes.first_chunk::<16>() else {
        return Carried::nothing(Transport::Absent, inside, inside.short(Layer::Transport, 20));
    };
    let mut whole = [0; 20];
    whole[..16].copy_from_slice(fields);
    whole[12] = 5 << 4;
    let Ok(header) = TcpHeaderSlice::from_slice(&whole) else {
        return Carried::nothing(Transport::Absent, inside, inside.short(Layer::Transport, 20));
    };
    let transport = Transport::Tcp(tcp_fields(&header));
    let length = usize::from(fields[12] >> 4) * 4;
    if length < 20 {
        let stop = inside.stop(Layer::Transport, Reason::Malformed);
        return Carried::nothing(transport, inside, stop);
    }
    Carried {
        transport,
        payload: inside.skip(length),
        stop: Some(inside.short(Layer::Transport, length)),
    }
}

#[inline]
fn udp(inside: Rest<'_>) -> Carried<'_> {
    let Ok(header) = UdpHeaderSlice::from_slice(inside.bytes) else {
        let ports = inside.bytes.first_chunk::<4>();
        let udp = ports
            .map(|ports| Transport::Udp { source: be16(ports, 0), destination: be16(ports, 2) });
        return plain(inside, udp, UDP_LENGTH);
    };
    let transport =
        Transport::Udp { source: header.source_port(), destination: header.destination_port() };
    let payload = inside.skip(UDP_LENGTH);
    let claimed = u32::from(header.length());
    // 0 is a jumbogram's or offloading's; more than IP holds is what a first fragment says.
    if claimed == 0 || claimed > inside.wire {
        return Carried { transport, payload, stop: None };
    }
    match claimed.checked_sub(8) {
        Some(length) => Carried { transport, payload: payload.sized(length), stop: None },
        None => {
            let stop = inside.stop(Layer::Transport, Reason::Malformed);
            Carried { transport, payload, stop: Some(stop) }
        }
    }
}

/// A header of fixed length, `reported` if its fields were captured.
#[inline]
fn plain(inside: Rest<'_>, reported: Option<Transport>, length: usize) -> Carried<'_> {
    let stop = (inside.bytes.len() < length).then(|| inside.short(Layer::Transport, length));
    match (reported, stop) {
        (Some(transport), stop) => Carried { transport, payload: inside.skip(length), stop },
        (None, _) => {
            let stop = inside.short(Layer::Transport, length);
            Carried::nothing(Transport::Absent, inside, stop)
        }
    }
}

impl<'a> Carried<'a> {
    fn nothing(transport: Transport, inside: Rest<'a>, stop: Stop) -> Self {
        Self { transport, payload: inside.sized(0), stop: Some(stop) }
    }
}
