//! What is usually spoken on a port.

use super::endpoints::{TCP, UDP};

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
    use super::*;

    #[test]
    fn a_service_is_guessed_for_ports_only() {
        assert_eq!(service_hint(TCP, 443), Some("ssl"));
        assert_eq!(service_hint(UDP, 443), Some("quic"));
        assert_eq!(service_hint(1, 53), None);
        assert_eq!(service_hint(TCP, 49_152), None);
    }
}
