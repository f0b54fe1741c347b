//! Community ID version 1: a name for a conversation that every tool computes alike.
//!
//! Specification: <https://github.com/corelight/community-id-spec>. The order of the two ends is
//! the order of their bytes; ICMP types stand in for ports, a request and its answer sharing an id,
//! and types without an answer keep their direction.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::wire::Address;

use super::ConnectionKey;
use super::icmp;

/// The Community ID of a connection, `1:` and 28 characters; `seed` is 0 unless a site chose one.
#[must_use]
pub fn community_id(key: &ConnectionKey, seed: u16) -> String {
    let ends = [(key.address_a, key.port_a), (key.address_b, key.port_b)];
    let one_way = icmp::is_one_way(key);
    let [(source, source_port), (destination, destination_port)] =
        if one_way || ends[0] <= ends[1] { ends } else { [ends[1], ends[0]] };
    let mut hash = Sha1::new();
    hash.update(seed.to_be_bytes());
    update(&mut hash, source);
    update(&mut hash, destination);
    hash.update([key.protocol, 0]);
    if matches!(key.protocol, icmp::V4 | icmp::V6 | 6 | 17 | 132) {
        hash.update(source_port.to_be_bytes());
        hash.update(destination_port.to_be_bytes());
    }
    let mut id = String::with_capacity(30);
    id.push_str("1:");
    STANDARD.encode_string(hash.finalize(), &mut id);
    id
}

fn update(hash: &mut Sha1, address: Address) {
    match address.as_v4() {
        Some(v4) => hash.update(v4),
        None => hash.update(address.bytes()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn id(a: &str, port_a: u16, b: &str, port_b: u16, protocol: u8) -> String {
        let address = |text: &str| Address::from(text.parse::<IpAddr>().unwrap());
        let (address_a, address_b) = (address(a), address(b));
        let key = ConnectionKey { address_a, address_b, port_a, port_b, protocol, domain: 0 };
        community_id(&key, 0)
    }

    #[test]
    fn ids_agree_with_tsharks_in_both_directions() {
        for (a, port_a, b, port_b, protocol, expected) in [
            ("128.232.110.120", 34_855, "66.35.250.204", 80, 6, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
            ("192.168.1.52", 54_585, "8.8.8.8", 53, 17, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
            ("192.168.170.8", 7, "192.168.170.56", 80, 132, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ="),
            ("192.168.0.89", 8, "192.168.0.1", 0, 1, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
            ("192.168.0.89", 14, "192.168.0.1", 13, 1, "1:uiloJmzo9VB4N869eqNADHXuQJM="),
            ("192.168.0.89", 10, "192.168.0.1", 9, 1, "1:ZCE6FYKtYq6/Z5/7VYclhgEesAg="),
            ("2001:db8::1", 5_000, "2001:db8::2", 80, 6, "1:6A/HGcyRkSz2UtPb9OqNcE7PPKY="),
            (
                "fe80::200:86ff:fe05:80da",
                135,
                "fe80::260:97ff:fe07:69ea",
                136,
                58,
                "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=",
            ),
            ("10.1.24.4", 0, "10.1.12.1", 0, 46, "1:/nQI4Rh/TtY3mf0R2gJFBkVlgS4="),
        ] {
            assert_eq!(id(a, port_a, b, port_b, protocol), expected);
            assert_eq!(id(b, port_b, a, port_a, protocol), expected);
        }
    }

    #[test]
    fn icmp_without_an_answer_keeps_its_direction() {
        let there = id("192.168.0.89", 3, "192.168.0.1", 1, 1);
        let back = id("192.168.0.1", 3, "192.168.0.89", 1, 1);
        assert_eq!(there, "1:LXCfhMUFbYXe+CEMrQuZCbiLY3o=");
        assert_eq!(back, "1:o3zT92uTgnRWv/YrDVeXcWumpC4=");
        let too_big = id("fe80::260:97ff:fe07:69ea", 2, "fe80::200:86ff:fe05:80da", 0, 58);
        assert_eq!(too_big, "1:tbFa1a13RsQm9o9RwPvDEt+E7eU=");
    }
}
