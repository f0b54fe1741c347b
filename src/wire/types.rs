//! The words `wire` answers in.

use super::Address;

/// A LINKTYPE number, as capture files and libpcap carry it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a four-byte address family in the capturing host's byte order.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP, with or without its HDLC-like framing bytes.
    pub const PPP: Self = Self(9);
    /// PPP in HDLC-like framing (RFC 1662).
    pub const PPP_HDLC: Self = Self(50);
    /// PPP over Ethernet, without the Ethernet header.
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IPv4 or IPv6, told apart by the first four bits.
    pub const RAW: Self = Self(101);
    /// Cisco HDLC.
    pub const C_HDLC: Self = Self(104);
    /// IEEE 802.11 without any pseudo-header.
    pub const IEEE802_11: Self = Self(105);
    /// OpenBSD loopback: a four-byte address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// IEEE 802.11 behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// The eight TCP flag bits, as byte 13 of the header holds them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push to the application.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement number counts.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x20);
    /// ECN echo.
    pub const ECE: Self = Self(0x40);
    /// Congestion window reduced.
    pub const CWR: Self = Self(0x80);

    /// Whether every flag of `other` is set in `self`.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any flag of `other` is set in `self`.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What one captured frame says, as far as it could be read.
#[derive(Clone, Copy, Debug)]
pub struct PacketView<'a> {
    /// Bytes captured of the frame.
    pub captured: u32,
    /// Bytes the frame had on the wire.
    pub wire_len: u32,
    /// 802.1Q tags, outermost first.
    pub vlans: Vlans,
    /// The tunnel that carried the innermost network header, if one was opened.
    pub tunnel: Option<Tunnel>,
    /// The innermost network header that was read.
    pub network: Option<Network>,
    /// The transport header behind it.
    pub transport: Transport,
    /// The captured part of the transport payload.
    pub payload: &'a [u8],
    /// The payload's length on the wire, by the headers.
    pub payload_len: u32,
    /// Where and why reading ended early, if it did.
    pub stop: Option<Stop>,
}

/// Up to two 802.1Q identifiers; further ones are skipped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Vlans {
    /// The outermost tag.
    pub outer: Option<u16>,
    /// The next one in.
    pub inner: Option<u16>,
}

/// Which tunnels are opened; a closed one leaves its packets on the carrying connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tunnels {
    /// GRE, with IP or Ethernet inside.
    pub gre: bool,
    /// IP in IP: 4in4, 6in4, 4in6, 6in6.
    pub ip_in_ip: bool,
    /// VXLAN on UDP port 4789.
    pub vxlan: bool,
    /// Geneve on UDP port 6081.
    pub geneve: bool,
    /// GTP-U on UDP port 2152.
    pub gtp_u: bool,
}

impl Tunnels {
    /// Every kind that can be opened.
    pub const ALL: Self =
        Self { gre: true, ip_in_ip: true, vxlan: true, geneve: true, gtp_u: true };
    /// None of them.
    pub const NONE: Self =
        Self { gre: false, ip_in_ip: false, vxlan: false, geneve: false, gtp_u: false };
}

/// What carried the innermost network header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tunnel {
    /// The innermost tunnel's kind.
    pub kind: TunnelKind,
    /// Its identifier: VNI, GTP TEID or GRE key; 0 where it has none.
    pub id: u32,
    /// How many tunnels were opened on the way.
    pub depth: u8,
    /// Source of the innermost tunnel's carrier.
    pub source: Address,
    /// Destination of the innermost tunnel's carrier.
    pub destination: Address,
}

/// A kind of tunnel.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum TunnelKind {
    /// Generic routing encapsulation.
    Gre = 1,
    /// One IP header straight inside another.
    IpInIp = 2,
    /// Virtual extensible LAN.
    Vxlan = 3,
    /// Generic network virtualization encapsulation.
    Geneve = 4,
    /// GPRS tunnelling protocol, user plane.
    GtpU = 5,
}

impl TunnelKind {
    /// The name used in logs, the same as Zeek's `Tunnel::Type` without its prefix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gre => "GRE",
            Self::IpInIp => "IP",
            Self::Vxlan => "VXLAN",
            Self::Geneve => "GENEVE",
            Self::GtpU => "GTPv1",
        }
    }
}

/// An IP header.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Where it begins, in bytes from the start of the frame.
    pub at: u32,
    /// The sender.
    pub source: Address,
    /// The receiver.
    pub destination: Address,
    /// 4 or 6.
    pub version: u8,
    /// The transport protocol's number, behind any extension headers.
    pub protocol: u8,
    /// Time to live or hop limit.
    pub ttl: u8,
    /// Length of the whole IP packet, header included, by its header
    /// (by the wire length where the header says 0, as segmentation offload leaves it).
    pub length: u32,
    /// IPv4 identification, by which many systems number what they send.
    pub id: Option<u16>,
    /// Set when the packet is a fragment.
    pub fragment: Option<Fragment>,
}

/// What a fragment says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment {
    /// The datagram's identification.
    pub id: u32,
    /// Offset in bytes; 0 is the first fragment, the only one with a transport header.
    pub offset: u32,
    /// Whether more fragments follow.
    pub more: bool,
}

/// The transport header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// None was read: no IP, a later fragment, or cut off (see [`PacketView::stop`]).
    Absent,
    /// TCP.
    Tcp(Tcp),
    /// UDP.
    Udp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// ICMP or ICMPv6, by the network header's version.
    Icmp(Icmp),
    /// SCTP.
    Sctp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// Another protocol, known by [`Network::protocol`]; everything behind IP is its payload.
    Other,
}

/// A TCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number; means something with the ACK flag only.
    pub acknowledgement: u32,
    /// The flags.
    pub flags: TcpFlags,
    /// The window as it stands in the header, unscaled.
    pub window: u16,
}

/// An ICMP or ICMPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
}

/// Reading ended before the packet did.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stop {
    /// The layer that could not be read.
    pub layer: Layer,
    /// Why.
    pub reason: Reason,
    /// Where that layer begins, in bytes from the start of the frame.
    pub offset: u32,
}

/// A layer of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Layer {
    /// Ethernet, cooked, PPP and the like.
    Link,
    /// VLAN tags, MPLS labels, PPPoE.
    Shim,
    /// IPv4 or IPv6 and its extension headers.
    Network,
    /// GRE, VXLAN, Geneve, GTP-U.
    Tunnel,
    /// TCP, UDP, ICMP, SCTP.
    Transport,
}

/// Why reading ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reason {
    /// The captured bytes end inside the header.
    Truncated,
    /// A header contradicts itself: a length or version that cannot be.
    Malformed,
    /// Nothing we read: ARP, an unknown link type, a protocol number that carries no IP.
    Unsupported,
    /// Tunnels or extension headers nest deeper than any honest packet's.
    TooDeep,
}
