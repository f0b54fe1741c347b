//! What was asked to be forgotten, as salts.
//!
//! The model keeps what it learned under hashes, so nobody can say which lines are a service's. But
//! a hash with a salt leads elsewhere: once a service's salt changes, its lines are never found again
//! and give way in time. A salt is made of how often the service or address was forgotten.

use std::collections::BTreeMap;
use std::fmt;

use crate::bytes::{Reader, Write};
use crate::flow::{ConnectionKey, Service};
use crate::model::{Origin, mix};
use crate::wire::Address;

/// How often each service and address was forgotten.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Forgotten {
    services: BTreeMap<Service, u32>,
    addresses: BTreeMap<Address, u32>,
}

/// As many services or addresses were forgotten as can be remembered to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooManyForgotten;

impl fmt::Display for TooManyForgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} services or addresses were forgotten already", Forgotten::MOST)
    }
}

impl std::error::Error for TooManyForgotten {}

impl Forgotten {
    /// Services, and addresses, that can be forgotten.
    pub const MOST: usize = 65_536;

    /// Forgets all that was learned on a service.
    ///
    /// # Errors
    /// When too many were forgotten already.
    pub fn service(&mut self, service: Service) -> Result<(), TooManyForgotten> {
        forget(&mut self.services, service)
    }

    /// Forgets all that was learned of an address with any other.
    ///
    /// # Errors
    /// When too many were forgotten already.
    pub fn address(&mut self, address: Address) -> Result<(), TooManyForgotten> {
        forget(&mut self.addresses, address)
    }

    /// Services and how often they were forgotten.
    pub fn services(&self) -> impl Iterator<Item = (Service, u32)> {
        self.services.iter().map(|(service, times)| (*service, *times))
    }

    /// Addresses and how often they were forgotten.
    pub fn addresses(&self) -> impl Iterator<Item = (Address, u32)> {
        self.addresses.iter().map(|(address, times)| (*address, *times))
    }

    /// A connection's origin with the salts of its service and addresses.
    #[must_use]
    pub fn salted(&self, origin: Origin, key: &ConnectionKey) -> Origin {
        let salt = self.services.get(&origin.service).map_or(0, |times| mix(u64::from(*times)));
        // A sum, because swapping the addresses must not change the pair.
        let ends = [key.address_a, key.address_b].map(|address| {
            self.addresses.get(&address).map_or(0, |times| mix(u64::from(*times) << 32))
        });
        let ends = ends[0].wrapping_add(ends[1]);
        Origin { salt, pair: origin.pair ^ salt ^ ends, ..origin }
    }

    /// Bytes held, about.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.services.len() * 16 + self.addresses.len() * 32
    }

    /// All of it as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::new();
        to.u32(self.services.len() as u32);
        for (service, times) in &self.services {
            to.u8(service.protocol);
            to.u16(service.port);
            to.u32(*times);
        }
        to.u32(self.addresses.len() as u32);
        for (address, times) in &self.addresses {
            to.address(*address);
            to.u32(*times);
        }
        to
    }

    /// Reads what [`Self::encode`] wrote; `None` if it is something else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        let mut forgotten = Self::default();
        for _ in 0..from.count(7)?.min(Self::MOST) {
            let service = Service { protocol: from.u8()?, port: from.u16()? };
            forgotten.services.insert(service, from.u32()?);
        }
        for _ in 0..from.count(20)?.min(Self::MOST) {
            forgotten.addresses.insert(from.address()?, from.u32()?);
        }
        from.end(forgotten)
    }
}

fn forget<K: Ord>(all: &mut BTreeMap<K, u32>, one: K) -> Result<(), TooManyForgotten> {
    if all.len() >= Forgotten::MOST && !all.contains_key(&one) {
        return Err(TooManyForgotten);
    }
    let times = all.entry(one).or_default();
    *times = times.wrapping_add(1).max(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Side;
    use crate::time::Timestamp;

    fn key(a: u8, b: u8) -> ConnectionKey {
        ConnectionKey {
            address_a: Address::v4([10, 0, 0, a]),
            address_b: Address::v4([10, 0, 0, b]),
            port_a: 40_000,
            port_b: 443,
            protocol: 6,
            domain: 0,
        }
    }

    fn origin(key: &ConnectionKey) -> Origin {
        let service = Service { protocol: 6, port: 443 };
        Origin::new(key, service, Side::A, Timestamp::from_nanos(1))
    }

    #[test]
    fn an_origin_changes_only_where_something_was_forgotten() {
        let mut forgotten = Forgotten::default();
        let (near, far) = (key(1, 2), key(3, 4));
        assert_eq!(forgotten.salted(origin(&near), &near), origin(&near));
        forgotten.address(Address::v4([10, 0, 0, 2])).unwrap();
        assert_eq!(forgotten.salted(origin(&far), &far), origin(&far));
        let once = forgotten.salted(origin(&near), &near);
        assert_ne!(once.pair, origin(&near).pair);
        assert_eq!(once.salt, 0);
        assert_eq!(forgotten.salted(origin(&key(2, 1)), &key(2, 1)).pair, once.pair);
        forgotten.service(Service { protocol: 6, port: 443 }).unwrap();
        let far_now = forgotten.salted(origin(&far), &far);
        assert!(far_now.salt != 0 && far_now.pair != origin(&far).pair);
        forgotten.service(Service { protocol: 6, port: 443 }).unwrap();
        assert_ne!(forgotten.salted(origin(&far), &far).salt, far_now.salt);
        assert_eq!(Forgotten::decode(&forgotten.encode()), Some(forgotten));
    }
}
