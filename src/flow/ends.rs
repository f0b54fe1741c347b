//! The two ends of a packet, and whether they are those of a connection.

use crate::wire::{Address, Network, TcpFlags, Transport};

use super::{ConnectionKey, Side, icmp, service};

/// The two ends of a packet as its sender has them.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    pub(super) source: Address,
    pub(super) destination: Address,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) protocol: u8,
    one_way: bool,
    pub(super) domain: u16,
}

impl Ends {
    pub(super) fn of(network: &Network, transport: &Transport, domain: u16) -> Self {
        let (source_port, destination_port, one_way) = match *transport {
            Transport::Tcp(tcp) => (tcp.source, tcp.destination, false),
            Transport::Udp { source, destination } | Transport::Sctp { source, destination } => {
                (source, destination, false)
            }
            Transport::Icmp(icmp) => icmp::ports(network.protocol, icmp.kind, icmp.code),
            Transport::Absent | Transport::Other => (0, 0, false),
        };
        Self {
            source: network.source,
            destination: network.destination,
            source_port,
            destination_port,
            protocol: network.protocol,
            one_way,
            domain,
        }
    }

    pub(super) fn in_key(key: &ConnectionKey) -> Self {
        Self {
            source: key.address_a,
            destination: key.address_b,
            source_port: key.port_a,
            destination_port: key.port_b,
            protocol: key.protocol,
            one_way: false,
            domain: key.domain,
        }
    }

    pub(super) const fn key(&self) -> ConnectionKey {
        ConnectionKey {
            address_a: self.source,
            address_b: self.destination,
            port_a: self.source_port,
            port_b: self.destination_port,
            protocol: self.protocol,
            domain: self.domain,
        }
    }

    /// Which side of a connection the sender is, if the packet belongs to it.
    #[inline]
    pub(super) fn side_in(&self, key: &ConnectionKey) -> Option<Side> {
        if (self.protocol, self.domain) != (key.protocol, key.domain) {
            return None;
        }
        if (self.source_port, self.destination_port) == (key.port_a, key.port_b)
            && self.source == key.address_a
            && self.destination == key.address_b
        {
            return Some(Side::A);
        }
        (!self.one_way
            && (self.source_port, self.destination_port) == (key.port_b, key.port_a)
            && self.source == key.address_b
            && self.destination == key.address_a)
            .then_some(Side::B)
    }
}

/// Whether a first packet looks like an answer, so that its receiver is the originator.
///
/// By the ports alone, as Zeek does it: a SYN-ACK from a port no server has may be a scan. What is
/// sent to the broadcast address is never an answer.
pub(super) fn is_answer(key: &ConnectionKey, transport: &Transport) -> bool {
    const SYN_ACK: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0);
    let both_may_serve = match transport {
        Transport::Tcp(tcp) if tcp.flags.contains(SYN_ACK) => false,
        Transport::Tcp(tcp) if tcp.flags.contains(TcpFlags::SYN) => return false,
        Transport::Tcp(_) => key.port_a < key.port_b,
        Transport::Udp { .. } => false,
        _ => return false,
    };
    key.address_b != Address::v4([255; 4])
        && service::is_likely_server(key.protocol, key.port_a)
        && (both_may_serve || !service::is_likely_server(key.protocol, key.port_b))
}
