//! Connections that may return: the model's state of each, by 5-tuple, the latest so many of them.

use std::collections::HashMap;

use crate::bytes::{Reader, Write};
use crate::flow::{ConnectionKey, Service, Side};
use crate::time::Timestamp;
use crate::wire::Address;

/// Addresses, ports and protocol, the same whichever side is A.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ends {
    /// The lower of the two addresses with its port.
    pub lower: (Address, u16),
    /// The upper one.
    pub upper: (Address, u16),
    /// The transport protocol's number.
    pub protocol: u8,
}

impl Ends {
    /// The ends of a connection, and whether side A is the upper one.
    #[must_use]
    pub fn of(key: &ConnectionKey) -> (Self, bool) {
        let a = (key.address_a, key.port_a);
        let b = (key.address_b, key.port_b);
        let ends = Self { lower: a.min(b), upper: a.max(b), protocol: key.protocol };
        (ends, a > b)
    }

    /// Whether an address is one of the two.
    #[must_use]
    pub fn has(&self, address: Address) -> bool {
        self.lower.0 == address || self.upper.0 == address
    }

    /// The service it most likely is, as far as two ports tell.
    #[must_use]
    pub fn service(&self) -> Service {
        Service::of(self.protocol, [self.lower.1, self.upper.1], Side::A)
    }
}

/// What is kept of one connection beside the model's state.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Record {
    /// Whom it is between.
    pub ends: Ends,
    /// Whether its side A was the upper end.
    pub a_is_upper: bool,
    /// When it was seen first.
    pub first: Timestamp,
    /// When it was seen last.
    pub last: Timestamp,
    /// Packets, over all its returns.
    pub packets: u64,
    /// Those of them that were scored.
    pub scored: u64,
    /// Their surprise in bits.
    pub bits: f64,
}

/// A record in its place, between the one kept before it and the one kept after it.
#[derive(Clone, Copy)]
struct Entry {
    record: Record,
    older: u32,
    newer: u32,
}

const NONE: u32 = u32::MAX;
/// Bytes of a record without its state.
const LEN: usize = 2 * 18 + 1 + 1 + 5 * 8;

/// Records in a room of fixed size: when it is full, the one that was kept longest ago gives way.
#[derive(Clone)]
pub struct Records {
    capacity: usize,
    state_len: usize,
    entries: Vec<Entry>,
    states: Vec<u8>,
    places: HashMap<Ends, u32>,
    oldest: u32,
    newest: u32,
}

impl Records {
    /// No record; the room for all is taken at once.
    #[must_use]
    pub fn new(capacity: usize, state_len: usize) -> Self {
        let capacity = capacity.min(NONE as usize / 2);
        Self {
            capacity,
            state_len,
            entries: Vec::with_capacity(capacity),
            states: Vec::with_capacity(capacity * state_len),
            // Twice the room, so that it is never moved to make more.
            places: HashMap::with_capacity(2 * capacity),
            oldest: NONE,
            newest: NONE,
        }
    }

    /// A connection's record and the model's state of it.
    #[must_use]
    pub fn find(&self, ends: &Ends) -> Option<(&Record, &[u8])> {
        let place = *self.places.get(ends)?;
        Some((&self.entries.get(place as usize)?.record, self.state(place)))
    }

    /// Keeps a record; one of the same connection is replaced, what it counted is added.
    pub fn put(&mut self, record: Record, write: impl FnOnce(&mut [u8])) {
        if self.capacity == 0 {
            return;
        }
        let mut record = record;
        let place = if let Some(&place) = self.places.get(&record.ends) {
            let known = self.entries[place as usize].record;
            record.first = record.first.min(known.first);
            record.packets = record.packets.saturating_add(known.packets);
            record.scored = record.scored.saturating_add(known.scored);
            record.bits += known.bits;
            self.unlink(place);
            place
        } else if self.entries.len() < self.capacity {
            self.entries.push(Entry { record, older: NONE, newer: NONE });
            self.states.resize(self.entries.len() * self.state_len, 0);
            (self.entries.len() - 1) as u32
        } else {
            let place = self.oldest;
            self.places.remove(&self.entries[place as usize].record.ends);
            self.unlink(place);
            place
        };
        self.places.insert(record.ends, place);
        self.entries[place as usize].record = record;
        self.link_newest(place);
        let from = place as usize * self.state_len;
        write(&mut self.states[from..from + self.state_len]);
    }

    /// Records that there is room for.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.capacity
    }

    /// Records kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All of them with their states, the one kept longest ago first.
    pub fn iter(&self) -> impl Iterator<Item = (&Record, &[u8])> {
        let mut next = self.oldest;
        std::iter::from_fn(move || {
            let (entry, state) = (self.entries.get(next as usize)?, self.state(next));
            next = entry.newer;
            Some((&entry.record, state))
        })
    }

    /// Drops every record that `is_unwanted`; how many.
    pub fn remove(&mut self, is_unwanted: impl Fn(&Record) -> bool) -> usize {
        let before = self.len();
        let mut rest = Self::new(self.capacity, self.state_len);
        for (record, state) in self.iter().filter(|(record, _)| !is_unwanted(record)) {
            rest.put(*record, |to| to.copy_from_slice(state));
        }
        *self = rest;
        before - self.len()
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
            + self.states.capacity()
            + self.places.capacity() * size_of::<(Ends, u32)>()
    }

    fn state(&self, place: u32) -> &[u8] {
        &self.states[place as usize * self.state_len..][..self.state_len]
    }

    fn unlink(&mut self, place: u32) {
        let Entry { older, newer, .. } = self.entries[place as usize];
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
        match self.entries.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
    }

    fn link_newest(&mut self, place: u32) {
        let older = self.newest;
        let entry = &mut self.entries[place as usize];
        (entry.older, entry.newer) = (older, NONE);
        match self.entries.get_mut(older as usize) {
            Some(entry) => entry.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
    }

    /// All of it as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::with_capacity(8 + self.len() * (LEN + self.state_len));
        to.u32(self.state_len as u32);
        to.u32(self.len() as u32);
        for (record, state) in self.iter() {
            for (address, port) in [record.ends.lower, record.ends.upper] {
                to.address(address);
                to.u16(port);
            }
            to.u8(record.ends.protocol);
            to.u8(u8::from(record.a_is_upper));
            to.time(record.first);
            to.time(record.last);
            to.u64(record.packets);
            to.u64(record.scored);
            to.f64(record.bits);
            to.extend(state);
        }
        to
    }

    /// Reads what [`Self::encode`] wrote into an empty room like this one, the latest records that
    /// fit; `None` if it is something else or has states of another length.
    #[must_use]
    pub fn take(&self, bytes: &[u8]) -> Option<Self> {
        let (count, state_len, from) = Self::head(bytes)?;
        if state_len != self.state_len && count > 0 {
            return None;
        }
        Self::new(self.capacity, self.state_len).fill(count, from)
    }

    /// Reads what [`Self::encode`] wrote into a room just as large; `None` if it is something else.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (count, state_len, from) = Self::head(bytes)?;
        Self::new(count, state_len).fill(count, from)
    }

    /// How many records follow, with states of which length: never more than there are bytes.
    fn head(bytes: &[u8]) -> Option<(usize, usize, Reader<'_>)> {
        let mut from = Reader(bytes);
        let state_len = from.u32()? as usize;
        let count = from.count(LEN.checked_add(state_len)?)?;
        Some((count, state_len, from))
    }

    fn fill(mut self, count: usize, mut from: Reader<'_>) -> Option<Self> {
        for _ in 0..count {
            let lower = (from.address()?, from.u16()?);
            let upper = (from.address()?, from.u16()?);
            let record = Record {
                ends: Ends { lower, upper, protocol: from.u8()? },
                a_is_upper: from.u8()? != 0,
                first: from.time()?,
                last: from.time()?,
                packets: from.u64()?,
                scored: from.u64()?,
                bits: from.f64()?,
            };
            let state = from.bytes(self.state_len)?;
            self.put(record, |to| to.copy_from_slice(state));
        }
        from.end(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(number: u8, packets: u64) -> Record {
        let lower = (Address::v4([10, 0, 0, number]), 1_000);
        let upper = (Address::v4([10, 0, 1, 0]), 123);
        Record {
            ends: Ends { lower, upper, protocol: 17 },
            a_is_upper: number % 2 == 1,
            first: Timestamp::from_nanos(i64::from(number)),
            last: Timestamp::from_nanos(i64::from(number) + 1),
            packets,
            scored: packets,
            bits: 1.5,
        }
    }

    fn numbers(records: &Records) -> Vec<u8> {
        records.iter().map(|(record, _)| record.ends.lower.0.bytes()[15]).collect()
    }

    #[test]
    fn both_directions_are_the_same_ends() {
        let key = ConnectionKey {
            address_a: Address::v4([10, 0, 0, 2]),
            address_b: Address::v4([10, 0, 0, 1]),
            port_a: 5,
            port_b: 6,
            protocol: 6,
            domain: 0,
        };
        let back = ConnectionKey {
            address_a: key.address_b,
            address_b: key.address_a,
            port_a: key.port_b,
            port_b: key.port_a,
            ..key
        };
        let ((ends, upper), (same, lower)) = (Ends::of(&key), Ends::of(&back));
        assert_eq!((ends, upper, lower), (same, true, false));
    }

    #[test]
    fn a_full_room_gives_up_what_was_kept_longest_ago() {
        let mut records = Records::new(3, 1);
        for number in [1, 2, 3, 1, 4] {
            records.put(record(number, 2), |to| to[0] = number);
        }
        assert_eq!(numbers(&records), [3, 1, 4]);
        let (known, state) = records.find(&record(1, 0).ends).unwrap();
        assert_eq!((known.packets, known.bits, state), (4, 3.0, &[1][..]));
        assert!(records.find(&record(2, 0).ends).is_none());
        assert_eq!(records.remove(|record| record.a_is_upper), 2);
        assert_eq!(numbers(&records), [4]);
    }

    #[test]
    fn a_room_of_nothing_keeps_nothing() {
        let mut records = Records::new(0, 8);
        records.put(record(1, 1), |_| panic!("nothing is kept"));
        assert!(records.is_empty());
    }

    proptest! {
        #[test]
        fn records_are_found_in_the_order_they_were_kept_and_read_back_so(
            puts in prop::collection::vec(0..20_u8, 0..200),
        ) {
            let mut records = Records::new(8, 2);
            let mut expected: Vec<u8> = Vec::new();
            for (at, &number) in puts.iter().enumerate() {
                records.put(record(number, 1), |to| to.copy_from_slice(&[number, at as u8]));
                expected.retain(|&known| known != number);
                expected.push(number);
                if expected.len() > 8 {
                    expected.remove(0);
                }
            }
            prop_assert_eq!(numbers(&records), expected.clone());
            let back = Records::decode(&records.encode()).unwrap();
            prop_assert!(back.iter().eq(records.iter()));
            let fewer = Records::new(3, 2).take(&records.encode()).unwrap();
            prop_assert_eq!(numbers(&fewer), expected[expected.len().saturating_sub(3)..].to_vec());
        }

        #[test]
        fn any_bytes_are_records_or_none(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = Records::decode(&bytes);
        }
    }
}
