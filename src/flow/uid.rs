//! Names for connections that are the same wherever the same capture is read.

use std::fmt;

use sha1::{Digest, Sha1};

use crate::time::Timestamp;

use super::ConnectionKey;

/// The 96-bit number of a connection: the first bits of a SHA-1 over seed, first time and key.
pub(super) fn uid(key: &ConnectionKey, first: Timestamp, seed: u64) -> u128 {
    let mut hash = Sha1::new();
    hash.update(seed.to_be_bytes());
    hash.update(first.nanos().to_be_bytes());
    hash.update(key.address_a.bytes());
    hash.update(key.address_b.bytes());
    hash.update(key.port_a.to_be_bytes());
    hash.update(key.port_b.to_be_bytes());
    hash.update(key.domain.to_be_bytes());
    hash.update([key.protocol]);
    let digest = hash.finalize();
    digest.iter().take(12).fold(0, |number, &byte| number << 8 | u128::from(byte))
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
}
