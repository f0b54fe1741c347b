//! Which port names the service, and what it is called.

use super::Side;

/// The service a connection most likely is: a protocol number and a port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Service {
    /// The transport protocol's number.
    pub protocol: u8,
    /// The port; the type for ICMP; 0 where there is none.
    pub port: u16,
}

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP6: u8 = 58;

impl Service {
    /// Chooses between the two ports of a connection: the responder's when it is known or below
    /// 1024, else the originator's when that one is, else the smaller.
    pub(crate) fn of(protocol: u8, ports: [u16; 2], originator: Side) -> Self {
        let ours = ports[originator as usize];
        let theirs = ports[originator.other() as usize];
        let fixed = |port: u16| (port != 0 && port < 1024) || name(protocol, port).is_some();
        let port = if matches!(protocol, ICMP | ICMP6) || (!fixed(theirs) && fixed(ours)) {
            ours
        } else if fixed(theirs) {
            theirs
        } else {
            ours.min(theirs)
        };
        Self { protocol, port }
    }

    /// The name as Zeek would log it (`dns`, `http`, `ssl`, `ssh`, ...), if the port has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        name(self.protocol, self.port)
    }
}

/// Whether a port is a server's rather than a client's: exactly the ports that Zeek's own scripts
/// register, so that both turn the same connections around.
pub(super) const fn is_likely_server(protocol: u8, port: u16) -> bool {
    match protocol {
        TCP => matches!(
            port,
            21 | 22
                | 25
                | 53
                | 79
                | 80
                | 81
                | 88
                | 110
                | 135
                | 139
                | 143
                | 389
                | 443
                | 445
                | 465
                | 502
                | 514
                | 563
                | 585
                | 587
                | 614
                | 631
                | 636
                | 989
                | 990
                | 992
                | 993
                | 995
                | 1080
                | 1434
                | 1883
                | 2811
                | 3128
                | 3268
                | 3306
                | 3389
                | 5222
                | 5223
                | 5269
                | 5432
                | 6379
                | 6666..=6669 | 8000 | 8080 | 8888 | 20000
        ),
        UDP => matches!(
            port,
            53 | 67
                | 88
                | 123
                | 137
                | 161
                | 162
                | 389
                | 443
                | 514
                | 784
                | 853
                | 1812
                | 2123
                | 2152
                | 3389
                | 3544
                | 4011
                | 4754
                | 4789
                | 5060
                | 5072
                | 5353
                | 5355
                | 6081
                | 20000
        ),
        _ => false,
    }
}

const fn name(protocol: u8, port: u16) -> Option<&'static str> {
    match protocol {
        TCP => tcp(port),
        UDP => udp(port),
        _ => None,
    }
}

/// Ports of TCP services: those Zeek's analyzers register, and a few that are as plain.
const fn tcp(port: u16) -> Option<&'static str> {
    Some(match port {
        21 | 2811 => "ftp",
        22 => "ssh",
        23 => "telnet",
        25 | 587 => "smtp",
        43 => "whois",
        53 => "dns",
        80 | 81 | 631 | 3128 | 8000 | 8080 | 8888 => "http",
        88 => "krb",
        110 => "pop3",
        111 => "portmap",
        135 => "dce_rpc",
        139 | 445 => "smb",
        143 => "imap",
        179 => "bgp",
        389 | 3268 => "ldap",
        443 | 563 | 585 | 614 | 636 | 853 | 989 | 990 | 992 | 993 | 995 | 5223 | 8443 => "ssl",
        502 => "modbus",
        514 => "rsh",
        554 => "rtsp",
        1080 => "socks",
        1433 => "mssql",
        1521 => "oracle",
        1723 => "pptp",
        1883 => "mqtt",
        3306 => "mysql",
        3389 => "rdp",
        5060 => "sip",
        5222 | 5269 => "xmpp",
        5432 => "postgresql",
        5900 => "rfb",
        6379 => "redis",
        6666..=6669 => "irc",
        9200 => "elasticsearch",
        20000 => "dnp3",
        27017 => "mongodb",
        44818 => "enip",
        _ => return None,
    })
}

/// Ports of UDP services.
const fn udp(port: u16) -> Option<&'static str> {
    Some(match port {
        53 | 137 | 5353 | 5355 => "dns",
        67 | 68 | 4011 => "dhcp",
        69 => "tftp",
        88 => "krb",
        111 => "portmap",
        123 => "ntp",
        138 => "netbios_dgm",
        161 | 162 => "snmp",
        389 => "ldap",
        443 | 853 => "quic",
        500 | 4500 => "ipsec",
        502 => "modbus",
        514 => "syslog",
        520 => "rip",
        1194 => "openvpn",
        1812 | 1813 => "radius",
        1900 => "ssdp",
        2123 | 2152 => "gtpv1",
        3389 => "rdp",
        3478 => "stun",
        3544 => "teredo",
        4789 => "vxlan",
        5060 => "sip",
        5072 => "ayiya",
        6081 => "geneve",
        20000 => "dnp3",
        44818 => "enip",
        47808 => "bacnet",
        51820 => "wireguard",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_responders_known_port_names_the_service() {
        assert_eq!(Service::of(TCP, [51_000, 443], Side::A).name(), Some("ssl"));
        assert_eq!(Service::of(TCP, [443, 51_000], Side::B).name(), Some("ssl"));
        assert_eq!(Service::of(UDP, [53, 51_000], Side::A).port, 53);
        assert_eq!(Service::of(TCP, [51_000, 40_000], Side::A).port, 40_000);
        assert_eq!(Service::of(ICMP, [8, 0], Side::A).port, 8);
        assert_eq!(Service::of(47, [0, 0], Side::A).name(), None);
    }
}
