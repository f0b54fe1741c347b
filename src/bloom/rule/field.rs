//! What a rule can speak of.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::wire::{self, TcpFlags};

/// A packet and its connection, as rules see them.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// Who began the connection.
    pub originator: wire::Address,
    /// Whom it was begun with.
    pub responder: wire::Address,
    /// The originator's port; 0 where there are none.
    pub originator_port: u16,
    /// The responder's port.
    pub responder_port: u16,
    /// The transport protocol's number.
    pub protocol: u8,
    /// The service's name, as in conn.log.
    pub service: Option<&'a str>,
    /// Whether the originator sent this packet.
    pub is_outgoing: bool,
    /// Payload bytes of the packet.
    pub size: u32,
    /// Payload bytes of its sender on this connection, this packet included.
    pub bytes: u64,
    /// Packets of the connection, this one included.
    pub packets: u64,
    /// TCP flags.
    pub flags: TcpFlags,
    /// Bits a byte of the payload's beginning, where it is long enough to say.
    pub entropy: Option<f32>,
    /// Hour of the day, 0 to 23, by packet time and the configured offset from UTC.
    pub hour: u8,
    /// Whether the connection was refused, or ended without an answer.
    pub has_failed: bool,
    /// Whether the originator used this service for the first time as far as is remembered.
    pub is_first_use: bool,
}

/// Declares a kind of field: its variants with name, documentation and value.
macro_rules! fields {
    ($(#[$doc:meta])+ $Kind:ident -> $value:ty {$($Variant:ident $name:literal $of:expr;)+}) => {
        $(#[$doc])+
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum $Kind {$($Variant,)+}

        impl $Kind {
            pub(super) const ALL: &[(&str, Self)] = &[$(($name, Self::$Variant),)+];

            #[inline]
            pub(super) fn of<'a>(self, facts: &Facts<'a>) -> $value {
                match self {$(Self::$Variant => {
                    let of: fn(&Facts<'a>) -> $value = $of;
                    of(facts)
                })+}
            }
        }
    };
}

fields! {
    /// Fields that are true or not.
    Truth -> bool {
        Outgoing "outgoing" |facts| facts.is_outgoing;
        Failed "failed" |facts| facts.has_failed;
        FirstUse "first_use" |facts| facts.is_first_use;
        Syn "syn" |facts| facts.flags.contains(TcpFlags::SYN);
        Ack "ack" |facts| facts.flags.contains(TcpFlags::ACK);
        Fin "fin" |facts| facts.flags.contains(TcpFlags::FIN);
        Rst "rst" |facts| facts.flags.contains(TcpFlags::RST);
        Psh "psh" |facts| facts.flags.contains(TcpFlags::PSH);
        Urg "urg" |facts| facts.flags.contains(TcpFlags::URG);
    }
}

fields! {
    /// Fields that are numbers; one that a packet lacks meets no comparison.
    Number -> Option<f64> {
        OriginatorPort "originator_port" |facts| Some(f64::from(facts.originator_port));
        ResponderPort "responder_port" |facts| Some(f64::from(facts.responder_port));
        Size "size" |facts| Some(f64::from(facts.size));
        Bytes "bytes" |facts| Some(facts.bytes as f64);
        Packets "packets" |facts| Some(facts.packets as f64);
        Entropy "entropy" |facts| facts.entropy.map(f64::from);
        Hour "hour" |facts| Some(f64::from(facts.hour));
    }
}

impl Number {
    /// Whether it stays the same while the connection lives.
    pub(super) const fn is_fixed(self) -> bool {
        matches!(self, Self::OriginatorPort | Self::ResponderPort)
    }
}

fields! {
    /// Fields that are names.
    Name -> Option<&'a str> {
        Protocol "protocol" |facts| protocol(facts.protocol);
        Service "service" |facts| Some(facts.service.unwrap_or("none"));
    }
}

/// Protocols by the names that rules give them.
pub(super) const PROTOCOLS: &[(u8, &str)] = &[
    (1, "icmp"),
    (2, "igmp"),
    (6, "tcp"),
    (17, "udp"),
    (47, "gre"),
    (50, "esp"),
    (58, "icmp6"),
    (132, "sctp"),
];

fn protocol(number: u8) -> Option<&'static str> {
    PROTOCOLS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

fields! {
    /// Fields that are addresses.
    Address -> wire::Address {
        Originator "originator" |facts| facts.originator;
        Responder "responder" |facts| facts.responder;
        Source "source" |facts| if facts.is_outgoing { facts.originator } else { facts.responder };
        Destination "destination"
            |facts| if facts.is_outgoing { facts.responder } else { facts.originator };
    }
}

impl Address {
    /// Whether it stays the same while the connection lives.
    pub(super) const fn is_fixed(self) -> bool {
        matches!(self, Self::Originator | Self::Responder)
    }
}

/// Addresses that begin alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Prefix {
    bits: u128,
    mask: u128,
}

impl Prefix {
    #[inline]
    pub(super) fn holds(self, address: wire::Address) -> bool {
        u128::from_be_bytes(*address.bytes()) & self.mask == self.bits
    }
}

/// As `10.0.0.0/8`, without the length where it is a single address.
impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = wire::Address::v6(self.bits.to_be_bytes());
        let length = self.mask.leading_ones();
        match length.checked_sub(96).filter(|_| address.as_v4().is_some()) {
            Some(32) => write!(f, "{address}"),
            Some(length) => write!(f, "{address}/{length}"),
            None if length == 128 => write!(f, "{address}"),
            None => write!(f, "{}/{length}", std::net::Ipv6Addr::from(self.bits)),
        }
    }
}

/// A text that is no network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PrefixError(String);

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected an address or a network as 10.0.0.0/8 or fe80::/10, got {}", self.0)
    }
}

impl std::error::Error for PrefixError {}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Self, PrefixError> {
        let wrong = || PrefixError(text.to_owned());
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        // IPv4 stands in the last 32 of the 128 bits.
        let (width, offset) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let length = match length {
            Some(length) => length.parse::<u32>().ok().filter(|length| *length <= width),
            None => Some(width),
        };
        let mask = match length.ok_or_else(wrong)? + offset {
            0 => 0,
            length => u128::MAX << (128 - length),
        };
        Ok(Self { bits: u128::from_be_bytes(*wire::Address::from(address).bytes()) & mask, mask })
    }
}

/// Networks by name.
pub type Networks = BTreeMap<String, Vec<Prefix>>;
