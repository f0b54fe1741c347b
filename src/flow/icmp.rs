//! ICMP types in the place of ports, as Zeek and the Community ID have them.
//!
//! A request and its answer are one pseudo-connection: the asker's port is the request's type and
//! the answerer's the answer's. A type without an answer has its code as the other port and never
//! meets a packet of the other direction.

use super::ConnectionKey;

pub(super) const V4: u8 = 1;
pub(super) const V6: u8 = 58;

/// Both ports of an ICMP packet as its sender has them, and whether it is one of a kind without
/// answers.
pub(super) const fn ports(protocol: u8, kind: u8, code: u8) -> (u16, u16, bool) {
    match counterpart(protocol, kind as u16) {
        Some(other) => (kind as u16, other, false),
        None => (kind as u16, code as u16, true),
    }
}

/// Whether only packets from side A to side B belong to the connection.
pub(super) const fn is_one_way(key: &ConnectionKey) -> bool {
    matches!(key.protocol, V4 | V6) && counterpart(key.protocol, key.port_a).is_none()
}

const fn counterpart(protocol: u8, kind: u16) -> Option<u16> {
    Some(match (protocol, kind) {
        (V4, 0) => 8,
        (V4, 8) => 0,
        (V4, 9) => 10,
        (V4, 10) => 9,
        (V4, 13) => 14,
        (V4, 14) => 13,
        (V4, 15) => 16,
        (V4, 16) => 15,
        (V4, 17) => 18,
        (V4, 18) => 17,
        (V6, 128) => 129,
        (V6, 129) => 128,
        (V6, 130) => 131,
        (V6, 131) => 130,
        (V6, 133) => 134,
        (V6, 134) => 133,
        (V6, 135) => 136,
        (V6, 136) => 135,
        (V6, 139) => 140,
        (V6, 140) => 139,
        (V6, 144) => 145,
        (V6, 145) => 144,
        _ => return None,
    })
}
