//! What a model may know of a connection when it begins.

use crate::flow::{ConnectionKey, Service, Side};
use crate::time::Timestamp;

/// Protocol, service, and numbers that are the same whenever the same parties meet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The service the connection most likely speaks.
    pub service: Service,
    /// The same whenever the same two addresses meet on the same service, whoever begins.
    pub pair: u64,
    /// Made of addresses, ports, protocol and first packet time: the connection itself.
    pub identity: u64,
    /// The side that serves, as far as is known at the first packet.
    pub responder: Side,
    /// Mixed into what is learned of the service: 0, or another number after each time that the
    /// service was to be forgotten.
    pub salt: u64,
}

impl Origin {
    /// The origin of a connection from what its first packet told.
    #[must_use]
    pub fn new(key: &ConnectionKey, service: Service, originator: Side, first: Timestamp) -> Self {
        let [a, b] = [key.address_a, key.address_b].map(|address| {
            let words = u128::from_ne_bytes(*address.bytes());
            mix(words as u64 ^ mix((words >> 64) as u64))
        });
        let service_number = u64::from(service.protocol) << 16 | u64::from(service.port);
        let ports = u64::from(key.port_a) << 48 | u64::from(key.port_b) << 32;
        // Swapping the addresses must not change the pair, so they are joined by a sum.
        let pair = mix(a.wrapping_add(b) ^ service_number);
        let ends = mix(a ^ ports ^ u64::from(key.domain)) ^ b.rotate_left(32);
        Self {
            service,
            pair,
            identity: mix(ends ^ u64::from(key.protocol)) ^ mix(first.nanos().cast_unsigned()),
            responder: originator.other(),
            salt: 0,
        }
    }
}

/// A finaliser with full avalanche: one 128-bit multiply, folded.
#[inline]
pub(crate) fn mix(value: u64) -> u64 {
    let product = u128::from(value ^ 0x2d35_8dcc_aa6c_78a5) * 0x8bb8_4b93_962e_acc9_u128;
    (product >> 64) as u64 ^ product as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Address;

    fn key(a: u8, b: u8, port_a: u16) -> ConnectionKey {
        ConnectionKey {
            address_a: Address::v4([10, 0, 0, a]),
            address_b: Address::v4([10, 0, 0, b]),
            port_a,
            port_b: 53,
            protocol: 17,
            domain: 0,
        }
    }

    fn origin(key: &ConnectionKey, nanos: i64) -> Origin {
        let service = Service { protocol: 17, port: 53 };
        Origin::new(key, service, Side::A, Timestamp::from_nanos(nanos))
    }

    #[test]
    fn the_same_two_parties_make_the_same_pair_and_another_connection() {
        let first = origin(&key(1, 2, 4_000), 1);
        let later = origin(&key(1, 2, 5_000), 2);
        let swapped = origin(&key(2, 1, 4_000), 1);
        assert_eq!((first.pair, first.pair), (later.pair, swapped.pair));
        assert_ne!(first.identity, later.identity);
        assert_ne!(first.pair, origin(&key(1, 3, 4_000), 1).pair);
    }
}
