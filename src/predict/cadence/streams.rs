//! The sequences of arrivals that are watched, and which gives way when there are too many.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::flow::{Side, Slot};
use crate::wire::Address;

use super::heartbeat::Beats;
use super::rhythm::Rhythm;

/// Sequences looked at to find the one that gives way.
const SAMPLE: usize = 16;

/// Who sends what to whom.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    pub(super) source: Address,
    pub(super) destination: Address,
    pub(super) source_port: u16,
    pub(super) destination_port: u16,
    pub(super) protocol: u8,
    pub(super) domain: u16,
    pub(super) beats: Beats,
}

impl Key {
    /// A number for the key that nobody outside can steer.
    fn hash(&self, seed: u64) -> u64 {
        let ports = u64::from(self.source_port) << 16 | u64::from(self.destination_port);
        let rest = u64::from(self.protocol) << 8 | self.beats as u64 | u64::from(self.domain) << 16;
        let hash = fold(address(self.source, seed) ^ ports, seed ^ SECOND);
        fold(hash ^ address(self.destination, seed ^ THIRD), rest ^ SECOND)
    }
}

/// The same for everything that two endpoints exchange on one service.
pub(super) fn group(key: &Key, service: u16, seed: u64) -> u64 {
    let both = address(key.source, seed).wrapping_add(address(key.destination, seed));
    fold(both ^ u64::from(service), seed ^ THIRD ^ u64::from(key.protocol))
}

const SECOND: u64 = 0x94d0_49bb_1331_11eb;
const THIRD: u64 = 0xbf58_476d_1ce4_e5b9;

fn address(address: Address, seed: u64) -> u64 {
    let words = u128::from_be_bytes(*address.bytes());
    fold(words as u64 ^ seed ^ SECOND, (words >> 64) as u64 ^ seed.rotate_left(32) ^ THIRD)
}

const fn fold(one: u64, other: u64) -> u64 {
    let product = (one as u128).wrapping_mul(other as u128);
    product as u64 ^ (product >> 64) as u64
}

/// Where a sequence stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// No cadence, or none that is believed yet.
    Learning,
    /// A cadence: its deadline stands.
    Held,
    /// Its deadline passed, and so it was said.
    Stopped,
    /// Its deadline passed; the stop of another one between the same endpoints had been told.
    StoppedToo,
    /// Its deadline passed while nothing at all came.
    Suspended,
    /// After a silence of several: a new deadline stands, and the next gap says nothing of the cadence.
    Awaited,
    /// After a silence that may have been its own: a new deadline stands.
    Paused,
}

impl State {
    pub(super) const fn is_held(self) -> bool {
        matches!(self, Self::Held | Self::Awaited | Self::Paused)
    }
}

/// One sequence of arrivals.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) key: Key,
    pub(super) service: u16,
    /// Whether the source is the originator.
    pub(super) outbound: bool,
    pub(super) state: State,
    /// The live connection and its side whose packets these are.
    pub(super) of: Option<(Slot, Side)>,
    pub(super) rhythm: Rhythm,
}

impl Stream {
    /// What is lost by forgetting it; the least of a sample gives way.
    fn worth(&self) -> (bool, u32, i64) {
        (self.state != State::Learning, self.rhythm.beats().min(64), self.rhythm.last().nanos())
    }
}

/// A bounded table of them, found by key.
pub(super) struct Streams {
    seed: u64,
    capacity: usize,
    all: Vec<Option<Stream>>,
    free: Vec<u32>,
    index: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    hand: usize,
}

impl Streams {
    pub(super) fn new(capacity: usize, seed: u64) -> Self {
        Self {
            seed,
            capacity,
            all: Vec::new(),
            free: Vec::new(),
            index: HashMap::default(),
            hand: 0,
        }
    }

    pub(super) fn get(&self, number: u32) -> Option<&Stream> {
        self.all.get(number as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut Stream> {
        self.all.get_mut(number as usize)?.as_mut()
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        0..self.all.len() as u32
    }

    pub(super) fn find(&self, key: &Key) -> Option<u32> {
        let number = *self.index.get(&key.hash(self.seed))?;
        self.get(number).is_some_and(|stream| stream.key == *key).then_some(number)
    }

    /// The one that has to go before another is added, if any.
    pub(super) fn in_the_way(&mut self) -> Option<u32> {
        if self.free.len() + self.capacity > self.all.len() {
            return None;
        }
        let len = self.all.len();
        let sample = (0..SAMPLE.min(len)).map(|step| (self.hand + step) % len);
        let least = sample
            .filter_map(|at| Some((self.all.get(at)?.as_ref()?.worth(), at)))
            .min()
            .map(|(_, at)| at as u32);
        self.hand = (self.hand + SAMPLE) % len.max(1);
        least
    }

    pub(super) fn add(&mut self, stream: Stream) -> u32 {
        let hash = stream.key.hash(self.seed);
        let number = if let Some(number) = self.free.pop() {
            self.all[number as usize] = Some(stream);
            number
        } else {
            self.all.push(Some(stream));
            self.all.len() as u32 - 1
        };
        self.index.insert(hash, number);
        number
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<Stream> {
        let stream = self.all.get_mut(number as usize)?.take()?;
        self.free.push(number);
        let hash = stream.key.hash(self.seed);
        if self.index.get(&hash) == Some(&number) {
            self.index.remove(&hash);
        }
        Some(stream)
    }

    /// A number for the endpoints and the service of a sequence.
    pub(super) fn group(&self, stream: &Stream) -> u64 {
        group(&stream.key, stream.service, self.seed)
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
        self.free.clear();
        self.index.clear();
        self.hand = 0;
    }

    pub(super) fn memory(&self) -> usize {
        self.all.capacity() * size_of::<Option<Stream>>()
            + self.free.capacity() * size_of::<u32>()
            + self.index.capacity() * size_of::<(u64, u32)>()
    }
}

/// Takes a hash for its own: the keys are hashes already.
#[derive(Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::cadence::Steadiness;
    use crate::time::{Span, Timestamp};

    const RULE: Steadiness =
        Steadiness { beats: 20, jitter: 0.1, period: Span::from_millis(500), false_rate: 0.001 };

    fn stream(host: u32, state: State, beats: i64) -> Stream {
        let key = Key {
            source: Address::v4(host.to_be_bytes()),
            destination: Address::v4([10, 0, 0, 1]),
            source_port: 0,
            destination_port: 53,
            protocol: 17,
            domain: 0,
            beats: Beats::Connections,
        };
        let mut rhythm = Rhythm::new(Timestamp::from_nanos(i64::from(host)), &RULE);
        for beat in 1..beats {
            rhythm.arrive(Timestamp::from_nanos(beat * 10_000_000_000), &RULE);
        }
        Stream { key, service: 53, outbound: true, state, of: None, rhythm }
    }

    #[test]
    fn the_table_keeps_to_its_size_and_a_cadence_outlives_a_flood() {
        let mut streams = Streams::new(100, 7);
        let held = streams.add(stream(0, State::Held, 30));
        for host in 1..10_000 {
            if let Some(number) = streams.in_the_way() {
                streams.remove(number);
            }
            streams.add(stream(host, State::Learning, 1));
        }
        assert_eq!(streams.index.len(), 100);
        assert_eq!(streams.find(&stream(0, State::Held, 1).key), Some(held));
        assert!(streams.find(&stream(9_999, State::Held, 1).key).is_some());
    }

    #[test]
    fn a_group_is_the_same_both_ways() {
        let one = stream(3, State::Held, 1);
        let mut other = one;
        (other.key.source, other.key.destination) = (one.key.destination, one.key.source);
        let streams = Streams::new(16, 3);
        assert_eq!(streams.group(&one), streams.group(&other));
        assert_ne!(streams.group(&one), streams.group(&stream(4, State::Held, 1)));
    }
}
