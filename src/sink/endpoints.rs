//! Side A and side B in a log's words: originator and responder.

use crate::flow::{ConnectionKey, Side};
use crate::wire::TcpFlags;

use super::row::Row;

const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
