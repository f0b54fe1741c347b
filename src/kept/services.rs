//! The services met, with what their connections came to.

use std::collections::HashMap;

use crate::bytes::{Reader, Write};
use crate::flow::{Service, Summary};
use crate::score::ConnectionScore;
use crate::time::Timestamp;

/// What is known of one service.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ServiceRecord {
    /// Protocol and port.
    pub service: Service,
    /// Connections.
    pub connections: u64,
    /// Their packets.
    pub packets: u64,
    /// Those of them that were scored.
    pub scored: u64,
    /// The surprise of these, in bits.
    pub bits: f64,
    /// When the first connection began.
    pub first: Timestamp,
    /// When the last packet came.
    pub last: Timestamp,
}

/// All services, as many as there is room for; where there is none, one with few packets gives way.
#[derive(Clone)]
pub struct Directory {
    services: Vec<ServiceRecord>,
    places: HashMap<Service, u32>,
    hand: usize,
}

/// Services looked at to find the one that gives way.
const SAMPLE: usize = 16;
/// Bytes of a service.
const LEN: usize = 3 + 6 * 8;

impl Default for Directory {
    fn default() -> Self {
        Self::new()
    }
}

impl Directory {
    /// Services that there is room for.
    pub const MOST: usize = 4_096;

    /// No service met; the room is taken at once.
    #[must_use]
    pub fn new() -> Self {
        Self {
            services: Vec::with_capacity(Self::MOST),
            // Twice the room, so that it is never moved to make more.
            places: HashMap::with_capacity(2 * Self::MOST),
            hand: 0,
        }
    }

    /// Counts a connection.
    pub fn count(&mut self, summary: &Summary, score: &ConnectionScore) {
        self.add(&ServiceRecord {
            service: summary.service(),
            connections: 1,
            packets: summary.sides.iter().map(|side| side.packets).sum(),
            scored: u64::from(score.scored),
            bits: f64::from(score.total),
            first: summary.first,
            last: summary.last,
        });
    }

    fn add(&mut self, one: &ServiceRecord) {
        if let Some(&place) = self.places.get(&one.service) {
            let known = &mut self.services[place as usize];
            known.connections = known.connections.saturating_add(one.connections);
            known.packets = known.packets.saturating_add(one.packets);
            known.scored = known.scored.saturating_add(one.scored);
            known.bits += one.bits;
            known.first = known.first.min(one.first);
            known.last = known.last.max(one.last);
            return;
        }
        let place = if self.services.len() < Self::MOST {
            self.services.push(*one);
            self.services.len() - 1
        } else {
            let from = self.hand;
            self.hand = (self.hand + SAMPLE) % Self::MOST;
            let sample = (from..from + SAMPLE).map(|place| place % Self::MOST);
            let least = sample.min_by_key(|&place| self.services[place].packets).unwrap_or(from);
            self.places.remove(&self.services[least].service);
            self.services[least] = *one;
            least
        };
        self.places.insert(one.service, place as u32);
    }

    /// Drops a service; whether it was there.
    pub fn remove(&mut self, service: Service) -> bool {
        let Some(place) = self.places.remove(&service) else { return false };
        self.services.swap_remove(place as usize);
        if let Some(moved) = self.services.get(place as usize) {
            self.places.insert(moved.service, place);
        }
        true
    }

    /// What is known of a service.
    #[must_use]
    pub fn get(&self, service: Service) -> Option<&ServiceRecord> {
        self.services.get(*self.places.get(&service)? as usize)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.services.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// All services, the one with the most packets first.
    #[must_use]
    pub fn by_packets(&self) -> Vec<ServiceRecord> {
        let mut all = self.services.clone();
        all.sort_by(|a, b| b.packets.cmp(&a.packets).then(a.service.cmp(&b.service)));
        all
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.services.capacity() * size_of::<ServiceRecord>()
            + self.places.capacity() * size_of::<(Service, u32)>()
    }

    /// All of it as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::with_capacity(4 + self.services.len() * LEN);
        to.u32(self.services.len() as u32);
        for one in &self.services {
            to.u8(one.service.protocol);
            to.u16(one.service.port);
            to.u64(one.connections);
            to.u64(one.packets);
            to.u64(one.scored);
            to.f64(one.bits);
            to.time(one.first);
            to.time(one.last);
        }
        to
    }

    /// Reads what [`Self::encode`] wrote; `None` if it is something else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut from = Reader(bytes);
        let mut directory = Self::new();
        for _ in 0..from.count(LEN)? {
            directory.add(&ServiceRecord {
                service: Service { protocol: from.u8()?, port: from.u16()? },
                connections: from.u64()?,
                packets: from.u64()?,
                scored: from.u64()?,
                bits: from.f64()?,
                first: from.time()?,
                last: from.time()?,
            });
        }
        from.end(directory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(port: u16, packets: u64) -> ServiceRecord {
        ServiceRecord {
            service: Service { protocol: 6, port },
            connections: 1,
            packets,
            scored: packets,
            bits: 2.0 * packets as f64,
            first: Timestamp::from_nanos(i64::from(port)),
            last: Timestamp::from_nanos(i64::from(port) + 1),
        }
    }

    #[test]
    fn connections_of_one_service_add_up() {
        let mut directory = Directory::new();
        directory.add(&record(80, 5));
        directory.add(&ServiceRecord { last: Timestamp::from_nanos(900), ..record(80, 7) });
        let known = *directory.get(Service { protocol: 6, port: 80 }).unwrap();
        assert_eq!((known.connections, known.packets, known.bits), (2, 12, 24.0));
        assert_eq!((known.first.nanos(), known.last.nanos()), (80, 900));
    }

    #[test]
    fn a_scan_of_every_port_does_not_push_out_a_busy_service() {
        let mut directory = Directory::new();
        directory.add(&record(443, 1_000_000));
        (0..=u16::MAX).filter(|&port| port != 443).for_each(|port| directory.add(&record(port, 2)));
        let all = directory.by_packets();
        assert_eq!((all.len(), all[0].service.port), (Directory::MOST, 443));
        for one in all {
            assert_eq!(directory.get(one.service), Some(&one));
        }
    }

    #[test]
    fn what_was_written_reads_back_and_what_was_removed_is_gone() {
        let mut directory = Directory::new();
        (1..50).for_each(|port| directory.add(&record(port, u64::from(port))));
        assert!(directory.remove(Service { protocol: 6, port: 3 }));
        assert!(!directory.remove(Service { protocol: 6, port: 3 }));
        let back = Directory::decode(&directory.encode()).unwrap();
        assert_eq!(back.by_packets(), directory.by_packets());
        assert_eq!(back.by_packets().len(), 48);
    }
}
