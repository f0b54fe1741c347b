//! What a sensor says of its windows, as blobs and back from bytes that nobody vouches for.
//!
//! ```text
//! "FSFC" | version u8 | key id u64 | terms u64 | sensor text | round u64 | epoch u64 | warm u8
//!        | rounds u8 x (round u64, activity u64 x categories) | weight f64 x categories
//!        | counters u8 x (category u8, length u32, counter)
//!        | targets u32 x (id 16, masks u32 x 2, sketches u8 x (category u8, sketch 32 x 2))
//!        | seal u128
//! ```

use crate::bloom::key::{Element, SealKey};
use crate::bloom::reach::Sketch;
use crate::bloom::{BloomCounter, Mask, Name};
use crate::bytes::{Reader, Write};

use super::refusal::Refusal;
use super::terms::Terms;

const MAGIC: &[u8; 4] = b"FSFC";
const VERSION: u8 = 1;
pub(super) const SEAL: usize = 16;

/// A blob is closed once it has as many bytes, so that most fit into one message of any transport.
const ENOUGH: usize = 512 << 10;
/// Rounds whose activity travels along, so that up to as many blobs less one may be lost.
pub(super) const ROUNDS: usize = 4;
const TARGET_LEN: usize = 16 + 4 + 4 + 1;
const SKETCH_LEN: usize = 1 + 2 * Sketch::BYTES;

/// A target as a sensor saw it, in the open window and in the one before.
#[derive(Clone, PartialEq, Debug)]
pub struct Reached {
    /// Its keyed hash.
    pub id: Element,
    /// The categories it appears in.
    pub masks: [Mask; 2],
    /// How many it reached, in categories where that matters.
    pub sketches: Vec<(u8, [Sketch; 2])>,
}

/// The state of one sensor's windows at the end of a round.
#[derive(Clone, PartialEq, Debug)]
pub struct Contribution {
    /// Who says it.
    pub sensor: Name,
    /// The round that ended.
    pub round: u64,
    /// The epoch of the open windows.
    pub epoch: u64,
    /// Whether its own weights have become those of its site.
    pub is_warm: bool,
    /// Elements newly counted by each category, in this round and some before it.
    pub rounds: Vec<(u64, Vec<u64>)>,
    /// Its own weights.
    pub weights: Vec<f64>,
    /// Counters by number of their category.
    pub counters: Vec<(u8, BloomCounter)>,
    /// The targets that reached most.
    pub targets: Vec<Reached>,
}

impl Contribution {
    /// It as blobs, each of which says who speaks and of which round, and can be taken alone.
    #[must_use]
    pub fn encode(&self, terms: &Terms) -> Vec<Vec<u8>> {
        let counters = self.counters.iter().map(|(number, counter)| {
            let encoded = counter.encode(&terms.seal);
            let mut item = Vec::with_capacity(encoded.len() + 5);
            item.u8(*number);
            item.u32(encoded.len() as u32);
            item.put(&encoded);
            item
        });
        let head = self.head(terms);
        let mut blobs = Vec::new();
        let mut blob = Blob::new(&head);
        for item in counters {
            if blob.counters > 0 && blob.len() + item.len() > ENOUGH {
                blobs.push(std::mem::replace(&mut blob, Blob::new(&head)).close(&terms.seal));
            }
            blob.counters += 1;
            blob.first.put(&item);
        }
        for target in &self.targets {
            if blob.targets > 0 && blob.len() > ENOUGH {
                blobs.push(std::mem::replace(&mut blob, Blob::new(&head)).close(&terms.seal));
            }
            blob.targets += 1;
            target.write(&mut blob.second);
        }
        blobs.push(blob.close(&terms.seal));
        blobs
    }

    fn head(&self, terms: &Terms) -> Vec<u8> {
        let mut head = Vec::new();
        head.put(MAGIC);
        head.u8(VERSION);
        head.u64(terms.seal.id());
        head.u64(terms.digest());
        head.text(self.sensor.as_str());
        head.u64(self.round);
        head.u64(self.epoch);
        head.u8(u8::from(self.is_warm));
        head.u8(self.rounds.len() as u8);
        for (round, activity) in &self.rounds {
            head.u64(*round);
            activity.iter().for_each(|new| head.u64(*new));
        }
        self.weights.iter().for_each(|weight| head.f64(*weight));
        head
    }

    /// What a blob says, if it is one of this federation and in bounds.
    ///
    /// # Errors
    ///
    /// Whatever does not fit; nothing of it is to be taken then.
    pub fn decode(bytes: &[u8], terms: &Terms) -> Result<Self, Refusal> {
        let mut from = open(bytes, MAGIC, VERSION, terms)?;
        let from = &mut from;
        if from.u64().ok_or(Refusal::Length)? != terms.digest() {
            return Err(Refusal::Terms);
        }
        let sensor =
            from.text().filter(|text| is_sensor(text)).ok_or(Refusal::Content("sensor"))?;
        let (round, epoch) = both(from.u64(), from.u64())?;
        // The windows are those of the round's end, or, where the blob was made later, of the next.
        if !(terms.epoch(round)..=terms.epoch(round).saturating_add(1)).contains(&epoch) {
            return Err(Refusal::Content("epoch"));
        }
        let warm = from.u8().ok_or(Refusal::Length)?;
        let is_warm = (warm <= 1).then_some(warm == 1).ok_or(Refusal::Content("warm"))?;
        let categories = terms.categories.len();
        let mut rounds = Vec::new();
        for _ in 0..from.u8().ok_or(Refusal::Length)? {
            let of = from.u64().ok_or(Refusal::Length)?;
            if of > round || round - of >= 4 * ROUNDS as u64 || rounds.len() >= ROUNDS {
                return Err(Refusal::Content("rounds"));
            }
            let activity: Option<Vec<u64>> = (0..categories).map(|_| from.u64()).collect();
            let activity = activity.ok_or(Refusal::Length)?;
            if activity.iter().any(|new| *new > u64::from(u32::MAX)) {
                return Err(Refusal::Content("activity"));
            }
            rounds.push((of, activity));
        }
        let weights: Option<Vec<f64>> = (0..categories)
            .map(|_| from.f64().filter(|weight| (0.0..=1.0).contains(weight)))
            .collect();
        let weights = weights.ok_or(Refusal::Content("weights"))?;
        let counters = read_counters(from, epoch, terms)?;
        let targets = read_targets(from, terms)?;
        from.end(()).ok_or(Refusal::Length)?;
        let sensor = Name::new(sensor);
        Ok(Self { sensor, round, epoch, is_warm, rounds, weights, counters, targets })
    }

    /// The number that makes a blob the same message wherever it is sent again.
    #[must_use]
    pub fn message_id(blob: &[u8]) -> String {
        // A seal is a keyed digest of all before it.
        let seal = blob.last_chunk::<SEAL>().map_or(0, |seal| u128::from_le_bytes(*seal));
        format!("{seal:032x}")
    }
}

/// Whether a sensor may have this name: what also may stand in a file's name and in a NATS subject.
#[must_use]
pub fn is_sensor(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=Name::LONGEST).contains(&name.len()) && name.chars().all(fits)
}

/// A blob that grows.
struct Blob {
    head: Vec<u8>,
    counters: u8,
    first: Vec<u8>,
    targets: u32,
    second: Vec<u8>,
}

impl Blob {
    fn new(head: &[u8]) -> Self {
        Self { head: head.to_vec(), counters: 0, first: Vec::new(), targets: 0, second: Vec::new() }
    }

    fn len(&self) -> usize {
        self.head.len() + self.first.len() + self.second.len()
    }

    fn close(self, seal: &SealKey) -> Vec<u8> {
        let mut bytes = self.head;
        bytes.u8(self.counters);
        bytes.put(&self.first);
        bytes.u32(self.targets);
        bytes.put(&self.second);
        sealed(bytes, seal)
    }
}

impl Reached {
    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.put(&self.id.0.to_le_bytes());
        self.masks.iter().for_each(|mask| bytes.u32(*mask));
        bytes.u8(self.sketches.len() as u8);
        for (category, sketches) in &self.sketches {
            bytes.u8(*category);
            sketches.iter().for_each(|sketch| bytes.put(&sketch.to_bytes()));
        }
    }
}

/// Puts the seal under a message.
pub(super) fn sealed(mut bytes: Vec<u8>, key: &SealKey) -> Vec<u8> {
    let seal = key.seal(&bytes);
    bytes.put(&seal.to_le_bytes());
    bytes
}

/// What follows a message's key id, after length, beginning, version, key and seal were looked at.
pub(super) fn open<'a>(
    bytes: &'a [u8],
    magic: &[u8; 4],
    version: u8,
    terms: &Terms,
) -> Result<Reader<'a>, Refusal> {
    if bytes.len() > terms.caps.blob {
        return Err(Refusal::Length);
    }
    let (content, seal) = bytes.split_last_chunk::<SEAL>().ok_or(Refusal::Length)?;
    let mut from = Reader(content);
    if from.bytes(magic.len()) != Some(magic) {
        return Err(Refusal::Magic);
    }
    let of = from.u8().ok_or(Refusal::Length)?;
    if of != version {
        return Err(Refusal::Version(of));
    }
    let id = from.u64().ok_or(Refusal::Length)?;
    if id != terms.seal.id() {
        return Err(Refusal::Key(id));
    }
    if terms.seal.seal(content).to_le_bytes() != *seal {
        return Err(Refusal::Seal);
    }
    Ok(from)
}

fn both(one: Option<u64>, other: Option<u64>) -> Result<(u64, u64), Refusal> {
    one.zip(other).ok_or(Refusal::Length)
}

fn read_counters(
    from: &mut Reader<'_>,
    epoch: u64,
    terms: &Terms,
) -> Result<Vec<(u8, BloomCounter)>, Refusal> {
    let mut counters: Vec<(u8, BloomCounter)> = Vec::new();
    for _ in 0..from.u8().ok_or(Refusal::Length)? {
        let number = from.u8().ok_or(Refusal::Length)?;
        let category = terms.categories.get(usize::from(number));
        let category = category.ok_or(Refusal::Content("category"))?;
        let length = from.u32().ok_or(Refusal::Length)? as usize;
        let bytes = from.bytes(length).ok_or(Refusal::Length)?;
        let counter = BloomCounter::decode(bytes, category.geometry, &terms.seal)
            .map_err(Refusal::Counter)?;
        if counter.epoch() != epoch {
            return Err(Refusal::Content("epoch"));
        }
        // Each at most once, or a blob could make us build far more than it has bytes.
        if counters.iter().any(|(known, _)| *known == number) {
            return Err(Refusal::Content("category"));
        }
        counters.push((number, counter));
    }
    Ok(counters)
}

fn read_targets(from: &mut Reader<'_>, terms: &Terms) -> Result<Vec<Reached>, Refusal> {
    let count = from.count(TARGET_LEN).ok_or(Refusal::Length)?;
    if count > terms.caps.targets {
        return Err(Refusal::Targets);
    }
    let known = terms.categories.len();
    let all = Mask::MAX.checked_shr(Mask::BITS - known.min(32) as u32).unwrap_or(0);
    let mut targets = Vec::with_capacity(count);
    for _ in 0..count {
        let id = Element(u128::from_le_bytes(sixteen(from)?));
        let mut masks = [0; 2];
        for mask in &mut masks {
            *mask = from.u32().ok_or(Refusal::Length)?;
            if *mask & !all != 0 {
                return Err(Refusal::Content("mask"));
            }
        }
        let count = usize::from(from.u8().ok_or(Refusal::Length)?);
        if count > known || count * SKETCH_LEN > from.0.len() {
            return Err(Refusal::Content("sketches"));
        }
        let mut sketches: Vec<(u8, [Sketch; 2])> = Vec::with_capacity(count);
        for _ in 0..count {
            let category = from.u8().ok_or(Refusal::Length)?;
            let last = sketches.last().map(|(last, _)| *last);
            if usize::from(category) >= known || last.is_some_and(|last| last >= category) {
                return Err(Refusal::Content("sketches"));
            }
            let both = [(); 2].map(|()| from.bytes(Sketch::BYTES).and_then(Sketch::from_bytes));
            let [Some(open), Some(before)] = both else { return Err(Refusal::Length) };
            sketches.push((category, [open, before]));
        }
        targets.push(Reached { id, masks, sketches });
    }
    Ok(targets)
}

pub(super) fn sixteen(from: &mut Reader<'_>) -> Result<[u8; 16], Refusal> {
    from.bytes(16).and_then(|bytes| bytes.try_into().ok()).ok_or(Refusal::Length)
}
