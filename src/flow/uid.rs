//! Names for connections that are the same wherever the same capture is read.

use std::fmt;

use crate::time::Timestamp;

use super::ConnectionKey;
use super::index::Mixer;

/// The 96-bit number of a connection, mixed from seed, first time and key.
///
/// It tells connections apart; it is no secret and no proof, so two rounds of multiplication do,
/// at a tenth of what a cryptographic hash costs a short connection.
pub(super) fn uid(key: &ConnectionKey, first: Timestamp, seed: u64) -> u128 {
    let ports = u64::from(key.port_a) << 48 | u64::from(key.port_b) << 32;
    let rest = ports | u64::from(key.domain) << 16 | u64::from(key.protocol);
    let time = first.nanos().cast_unsigned();
    let lane = |round: u64| {
        let mixer = Mixer::new(seed ^ round);
        let ends = mixer.mix(key.address_a.bytes(), rest).rotate_left(29)
            ^ mixer.mix(key.address_b.bytes(), time);
        mixer.finish(ends, rest ^ time.rotate_left(32))
    };
    u128::from(lane(1)) << 32 ^ u128::from(lane(2))
}

/// A uid as Zeek prints one: `C` and the number in base 62.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Uid(pub u128);

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        // 96 bits never take more than seventeen digits; a full 128 take twenty-two.
        let mut text = [b'0'; 23];
        let mut at = text.len();
        let mut rest = self.0;
        while rest > 0 || text.len() - at < 17 {
            at -= 1;
            text[at] = DIGITS[(rest % 62) as usize];
            rest /= 62;
        }
        at -= 1;
        text[at] = b'C';
        f.write_str(std::str::from_utf8(&text[at..]).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Address;

    #[test]
    fn uids_have_eighteen_characters_and_differ_by_time_and_seed() {
        let key = ConnectionKey {
            address_a: Address::v4([192, 0, 2, 1]),
            address_b: Address::v4([192, 0, 2, 2]),
            port_a: 1,
            port_b: 2,
            protocol: 6,
            domain: 0,
        };
        let one = uid(&key, Timestamp::from_nanos(5), 0);
        assert_eq!(one, uid(&key, Timestamp::from_nanos(5), 0));
        assert_ne!(one, uid(&key, Timestamp::from_nanos(6), 0));
        assert_ne!(one, uid(&key, Timestamp::from_nanos(5), 1));
        assert!(one < 1 << 96);
        assert_eq!(Uid(0).to_string(), "C00000000000000000");
        assert_eq!(Uid((1 << 96) - 1).to_string().len(), 18);
        assert_eq!(Uid(u128::MAX).to_string().len(), 23);
        assert_eq!(Uid(61).to_string(), "C0000000000000000z");
    }

    #[test]
    fn neighbouring_connections_never_share_a_uid() {
        let mut seen = std::collections::HashSet::new();
        for host in 0..=255 {
            for port in 0..200 {
                for nanos in 0..4 {
                    let key = ConnectionKey {
                        address_a: Address::v4([10, 0, 0, host]),
                        address_b: Address::v4([10, 0, 0, 1]),
                        port_a: port,
                        port_b: 53,
                        protocol: 17,
                        domain: 0,
                    };
                    // The lower half alone already tells them apart, as the upper half does.
                    let uid = uid(&key, Timestamp::from_nanos(nanos), 0);
                    assert!(seen.insert(uid as u64), "{key:?} at {nanos}");
                }
            }
        }
    }
}
