//! A connection's two printed names: Zeek's uid and the Community ID.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::flow::{ConnectionKey, Side};
use crate::wire::Address;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Writes a 96-bit number as a uid in Zeek's manner: `C` and seventeen digits of base 62.
pub(super) fn zeek_uid(out: &mut Vec<u8>, uid: u128) {
    // A full 128 bits would take twenty-two digits.
    let mut text = [b'0'; 22];
    let mut at = text.len();
    let mut rest = uid;
    while rest > 0 || text.len() - at < 17 {
        at -= 1;
        text[at] = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    out.push(b'C');
    out.extend_from_slice(&text[at..]);
}

/// The Community ID (version 1, <https://github.com/corelight/community-id-spec>) of a connection:
/// the same for both directions and in every tool that uses the same seed.
pub(super) fn community_id(key: &ConnectionKey, seed: u16) -> [u8; 30] {
    let end = |side| (key.address(side), key.port(side));
    let (mut first, mut second) = (end(Side::A), end(Side::B));
    let ports = matches!(key.protocol, 1 | 6 | 17 | 58 | 132);
    let one_way =
        matches!(key.protocol, 1 | 58) && answer(key.protocol, key.port_a) != Some(key.port_b);
    let lower = if ports { second < first } else { second.0 < first.0 };
    if lower && !one_way {
        (first, second) = (second, first);
    }
    let mut hash = Sha1::new();
    hash.update(seed.to_be_bytes());
    for address in [first.0, second.0] {
        update(&mut hash, address);
    }
    hash.update([key.protocol, 0]);
    if ports {
        hash.update(first.1.to_be_bytes());
        hash.update(second.1.to_be_bytes());
    }
    let mut text = [0; 30];
    text[..2].copy_from_slice(b"1:");
    // Twenty bytes of SHA-1 are twenty-eight of base 64, just what is left.
    let _ = STANDARD.encode_slice(hash.finalize(), &mut text[2..]);
    text
}

fn update(hash: &mut Sha1, address: Address) {
    match address.as_v4() {
        Some(bytes) => hash.update(bytes),
        None => hash.update(address.bytes()),
    }
}

/// The ICMP type that answers a type, where there is one.
const fn answer(protocol: u8, icmp_type: u16) -> Option<u16> {
    Some(match (protocol, icmp_type) {
        (1, 0) => 8,
        (1, 8) => 0,
        (1, 9) => 10,
        (1, 10) => 9,
        (1, 13) => 14,
        (1, 14) => 13,
        (1, 15) => 16,
        (1, 16) => 15,
        (1, 17) => 18,
        (1, 18) => 17,
        (58, 128) => 129,
        (58, 129) => 128,
        (58, 130) => 131,
        (58, 131) => 130,
        (58, 133) => 134,
        (58, 134) => 133,
        (58, 135) => 136,
        (58, 136) => 135,
        (58, 139) => 140,
        (58, 140) => 139,
        (58, 144) => 145,
        (58, 145) => 144,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn id(a: (&str, u16), b: (&str, u16), protocol: u8) -> String {
        let address = |text: &str| text.parse::<IpAddr>().unwrap().into();
        let key = ConnectionKey {
            address_a: address(a.0),
            address_b: address(b.0),
            port_a: a.1,
            port_b: b.1,
            protocol,
            domain: 0,
        };
        String::from_utf8(community_id(&key, 0).to_vec()).unwrap()
    }

    #[test]
    fn community_ids_are_those_of_the_specification() {
        // Values published with the specification and with Zeek's community_id_v1.
        let tcp = [("128.232.110.120", 34855), ("66.35.250.204", 80)];
        assert_eq!(id(tcp[0], tcp[1], 6), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(id(tcp[1], tcp[0], 6), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        assert_eq!(
            id(("192.168.1.52", 54585), ("8.8.8.8", 53), 17),
            "1:d/FP5EW3wiY1vCndhwleRRKHowQ="
        );
        assert_eq!(
            id(("192.168.0.89", 8), ("192.168.0.1", 0), 1),
            "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="
        );
    }

    #[test]
    fn a_uid_is_the_number_in_base_62_behind_zeeks_letter() {
        let text = |uid| {
            let mut out = Vec::new();
            zeek_uid(&mut out, uid);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(0), "C00000000000000000");
        assert_eq!(text(61), "C0000000000000000z");
        assert_eq!(text((1 << 96) - 1).len(), 18);
        assert_eq!(text(u128::MAX).len(), 23);
    }
}
