//! Side A and side B in a log's words: originator and responder.

use crate::flow::{ConnectionKey, Side};
use crate::wire::{Address, TcpFlags};

use super::row::Row;

const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// Zeek's `transport_proto`: what is not TCP, UDP or ICMP has no name in it.
pub(super) const fn transport(protocol: u8) -> &'static str {
    match protocol {
        TCP => "tcp",
        UDP => "udp",
        ICMP | ICMPV6 => "icmp",
        _ => "unknown_transport",
    }
}

/// `orig` or `resp`, as the names of Zeek's columns begin.
pub(super) fn role(side: Side, originator: Side) -> &'static str {
    if side == originator { "orig" } else { "resp" }
}

/// Writes the four columns of `id` and `proto`.
pub(super) fn write_id(row: &mut Row<'_>, key: &ConnectionKey, originator: Side) {
    for side in [originator, originator.other()] {
        row.addr(key.address(side));
        row.port(key.port(side));
    }
    row.enumerated(transport(key.protocol));
}

/// A packet's TCP flags as people write them: `SYN-ACK`, or `none`.
pub(super) struct FlagNames {
    // Eight names of three letters and seven hyphens.
    text: [u8; 31],
    len: usize,
}

impl FlagNames {
    /// The names of `flags`; `None` for a protocol that has none.
    pub(super) fn of(protocol: u8, flags: TcpFlags) -> Option<Self> {
        const NAMES: [(TcpFlags, &[u8; 3]); 8] = [
            (TcpFlags::SYN, b"SYN"),
            (TcpFlags::FIN, b"FIN"),
            (TcpFlags::RST, b"RST"),
            (TcpFlags::PSH, b"PSH"),
            (TcpFlags::ACK, b"ACK"),
            (TcpFlags::URG, b"URG"),
            (TcpFlags::ECE, b"ECE"),
            (TcpFlags::CWR, b"CWR"),
        ];
        if protocol != TCP {
            return None;
        }
        let mut names = Self { text: [0; 31], len: 0 };
        for (flag, name) in NAMES {
            if flags.contains(flag) {
                if names.len > 0 {
                    names.push(b"-");
                }
                names.push(name);
            }
        }
        if names.len == 0 {
            names.push(b"none");
        }
        Some(names)
    }

    fn push(&mut self, name: &[u8]) {
        self.text[self.len..self.len + name.len()].copy_from_slice(name);
        self.len += name.len();
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

/// Writes the flags of a packet, unset where the protocol has none.
pub(super) fn write_flags(row: &mut Row<'_>, protocol: u8, flags: TcpFlags) {
    row.string_or_unset(FlagNames::of(protocol, flags).as_ref().map(FlagNames::as_bytes));
}

/// Whether `address` is one that Zeek calls local by default: `Site::private_address_space` of
/// Zeek 8, which is what IANA lists as not routable, in IPv6 also as a 6to4 address.
pub(super) fn is_local(address: Address) -> bool {
    match address.as_v4() {
        Some(bytes) => is_local_v4(u32::from_be_bytes(bytes)),
        None => is_local_v6(u128::from_be_bytes(*address.bytes())),
    }
}

fn is_local_v4(address: u32) -> bool {
    LOCAL_V4.iter().any(|(prefix, len)| (address ^ u32::from_be_bytes(*prefix)) >> (32 - len) == 0)
}

fn is_local_v6(address: u128) -> bool {
    if address >> 112 == 0x2002 {
        return is_local_v4((address >> 80) as u32);
    }
    LOCAL_V6.iter().any(|(prefix, len)| (address ^ prefix) >> (128 - len) == 0)
}

const LOCAL_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 24),
    ([239, 0, 0, 0], 8),
    ([240, 0, 0, 0], 4),
    ([255, 255, 255, 255], 32),
];

const LOCAL_V6: [(u128, u32); 10] = [
    (0, 128),
    (1, 128),
    (0x0064_ff9b_0001 << 80, 48),
    (0x0100 << 112, 64),
    (0x2001 << 112, 23),
    (0x2001_0002 << 96, 48),
    (0x2001_0db8 << 96, 32),
    (0xfc << 120, 7),
    (0xfe80 << 112, 10),
    (0xfec0 << 112, 10),
];

/// The service usual on a port, by the names Zeek gives what it recognises by content.
///
/// A hint and no more: ports are conventions. The list holds what a reader of logs would miss.
pub(super) const fn service_hint(protocol: u8, port: u16) -> Option<&'static str> {
    if protocol != TCP && protocol != UDP {
        return None;
    }
    Some(match port {
        20 => "ftp-data",
        21 => "ftp",
        22 => "ssh",
        23 => "telnet",
        25 | 465 | 587 => "smtp",
        53 => "dns",
        67 | 68 => "dhcp",
        69 => "tftp",
        80 | 8080 => "http",
        88 => "krb",
        110 | 995 => "pop3",
        123 => "ntp",
        135 => "dce_rpc",
        137 => "netbios-ns",
        139 => "netbios-ssn",
        143 | 993 => "imap",
        161 | 162 => "snmp",
        389 | 636 => "ldap",
        443 if protocol == UDP => "quic",
        443 | 8443 => "ssl",
        445 => "smb",
        500 | 4500 => "ipsec",
        502 => "modbus",
        514 => "syslog",
        853 => "dns-over-tls",
        1194 => "openvpn",
        1433 => "mssql",
        1883 => "mqtt",
        1900 => "ssdp",
        2049 => "nfs",
        3306 => "mysql",
        3389 => "rdp",
        5060 => "sip",
        5353 => "mdns",
        5355 => "llmnr",
        5432 => "postgresql",
        5671 | 5672 => "amqp",
        5900 => "rfb",
        6379 => "redis",
        20000 => "dnp3",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn local_is_what_zeek_calls_local() {
        let local = |text: &str| is_local(text.parse::<IpAddr>().unwrap().into());
        for address in [
            "10.255.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "192.0.2.7",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fd00::1",
            "fe80::1",
            "febf::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "2002:c0a8:101::",
        ] {
            assert!(local(address), "{address}");
        }
        for address in [
            "172.32.0.0",
            "11.0.0.0",
            "193.1.186.60",
            "224.2.127.254",
            "100.128.0.0",
            "2606:4700::1111",
            "::2",
            "2002:808:808::1",
            "ff02::1",
            "2001:4860::8888",
        ] {
            assert!(!local(address), "{address}");
        }
    }

    #[test]
    fn flags_read_as_people_write_them() {
        let names = |protocol, bits| {
            FlagNames::of(protocol, TcpFlags(bits))
                .map(|names| String::from_utf8(names.as_bytes().to_vec()).unwrap())
        };
        assert_eq!(names(TCP, 0x12).as_deref(), Some("SYN-ACK"));
        assert_eq!(names(TCP, 0).as_deref(), Some("none"));
        assert_eq!(names(TCP, 0xff).as_deref(), Some("SYN-FIN-RST-PSH-ACK-URG-ECE-CWR"));
        assert_eq!(names(UDP, 0), None);
    }

    #[test]
    fn a_service_is_guessed_for_ports_only() {
        assert_eq!(service_hint(TCP, 443), Some("ssl"));
        assert_eq!(service_hint(UDP, 443), Some("quic"));
        assert_eq!(service_hint(ICMP, 53), None);
        assert_eq!(service_hint(TCP, 49_152), None);
    }
}
