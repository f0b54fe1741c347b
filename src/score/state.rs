//! What the scorer knows, as bytes, so that a restart goes on where it stopped.
//!
//! Kept are calibration, volumes, habits of endpoints, meetings and the state of alarms; not
//! kept is what belongs to live connections. The bytes say what they are, which version, and carry a
//! checksum; whatever does not fit is one error, and nothing is taken over then. Shares of surprise
//! belong to the model that surprised: with another one they are left out, and the rest goes on.
//! A histogram comes back with its counts as 32-bit floats, so that shares may differ by 1 in 10⁵.

use std::fmt;

use crate::flow::Service;
use crate::time::Timestamp;

use super::by_class::ByClass;
use super::class::{PROTOCOLS, SERVICES, STAGES};
use super::habit::{Habits, Row};
use super::meeting::{Meeting, Meetings};
use super::scorer::Scorer;
use super::tail::TailSketch;

const MAGIC: &[u8; 8] = b"FSSCORE\0";
/// Raise it whenever what follows changes.
const VERSION: u32 = 3;

/// Why a state can't be taken over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StateError {
    /// It does not begin as a state of scores does.
    NotAState,
    /// It is of another version of the format.
    Version {
        /// The version it is of.
        found: u32,
    },
    /// It is cut short or was changed.
    Damaged,
    /// The sensor has seen packets already.
    TooLate,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAState => f.write_str("it is no state of scores"),
            Self::Version { found } => {
                write!(f, "it is a state of version {found}, this program reads {VERSION}")
            }
            Self::Damaged => f.write_str("it is cut short or was changed"),
            Self::TooLate => f.write_str("the sensor has seen packets already"),
        }
    }
}

impl std::error::Error for StateError {}

impl Scorer {
    /// One that knows nothing, under the same policy.
    #[must_use]
    pub fn anew(&self) -> Self {
        Self::new(*self.policy())
    }

    /// All that is worth keeping; `model` is the name of the model that surprises.
    #[must_use]
    pub fn encode(&self, model: &str) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(1 << 20));
        out.0.extend_from_slice(MAGIC);
        out.u32(VERSION);
        out.bytes(model.as_bytes());
        out.u64(self.scored);
        self.begun.iter().for_each(|&count| out.f32(count));
        out.u32(self.classes.known().len() as u32);
        for service in self.classes.known() {
            out.u8(service.protocol);
            out.u16(service.port);
        }
        let calibration = &self.calibration;
        let widest = calibration.site.iter().chain(&calibration.protocols);
        widest
            .chain([&calibration.learned, &calibration.answers])
            .for_each(|sketch| out.sketch(sketch));
        out.u32(calibration.services.len() as u32);
        calibration.services.iter().for_each(|sketch| out.sketch(sketch));
        self.volumes.encode(&mut out);
        self.recency.encode(&mut out);
        self.habits.encode(&mut out);
        self.meetings.encode(&mut out);
        out.time(self.began.unwrap_or(Timestamp::MIN));
        self.endpoints.encode(&mut out);
        let tags = self.contacts.tags();
        out.u32(tags.len() as u32);
        tags.iter().flatten().for_each(|&tag| out.u32(tag));
        self.of_connections.encode(&mut out);
        self.of_endpoints.encode(&mut out);
        let sum = checksum(&out.0);
        out.u64(sum);
        out.0
    }

    /// Takes over what [`encode`](Self::encode) wrote, in place of what is known now. To be called
    /// before the first connection begins.
    ///
    /// # Errors
    ///
    /// When the bytes are no such state; nothing is changed then.
    pub fn restore(&mut self, bytes: &[u8], model: &str) -> Result<(), StateError> {
        if !bytes.starts_with(MAGIC) {
            return Err(StateError::NotAState);
        }
        let Some((content, sum)) = bytes.split_last_chunk::<8>() else {
            return Err(StateError::Damaged);
        };
        let mut input = Reader(content.get(MAGIC.len()..).unwrap_or_default());
        match input.u32() {
            Some(VERSION) => {}
            Some(found) => return Err(StateError::Version { found }),
            None => return Err(StateError::Damaged),
        }
        if checksum(content) != u64::from_le_bytes(*sum) {
            return Err(StateError::Damaged);
        }
        let mut fresh = Self::new(*self.policy());
        fresh.read(&mut input, model).ok_or(StateError::Damaged)?;
        if !input.0.is_empty() {
            return Err(StateError::Damaged);
        }
        *self = fresh;
        Ok(())
    }

    fn read(&mut self, input: &mut Reader<'_>, model: &str) -> Option<()> {
        let same_model = input.bytes()? == model.as_bytes();
        let scored = input.u64()?;
        for count in &mut self.begun {
            *count = input.f32()?;
        }
        for _ in 0..input.count(SERVICES)? {
            let service = Service { protocol: input.u8()?, port: input.u16()? };
            let class = self.classes.of(service);
            self.calibration.admit(class);
            self.volumes.admit(class);
            self.recency.admit(class);
        }
        let mut calibration = super::calibration::Calibration::default();
        for sketch in calibration.site.iter_mut().chain(&mut calibration.protocols) {
            *sketch = input.sketch()?;
        }
        calibration.learned = input.sketch()?;
        calibration.answers = input.sketch()?;
        for _ in 0..input.count(SERVICES * STAGES)? {
            calibration.services.push(input.sketch()?);
        }
        if same_model {
            self.calibration = calibration;
            self.scored = scored;
        }
        self.volumes.read(input)?;
        self.recency.read(input)?;
        self.habits.read(input)?;
        self.meetings.read(input)?;
        self.began = input.time().map(|at| (at != Timestamp::MIN).then_some(at))?;
        self.endpoints.read(input)?;
        let buckets = input.count(input.0.len() / 32)?;
        let mut tags = Vec::with_capacity(buckets);
        for _ in 0..buckets {
            let mut bucket = [0; 8];
            for tag in &mut bucket {
                *tag = input.u32()?;
            }
            tags.push(bucket);
        }
        // Of another size they lie elsewhere: meetings are then new once more.
        if tags.len() == self.contacts.tags().len() {
            self.contacts = super::contact::Contacts::from_tags(tags)?;
        }
        self.of_connections.read(input)?;
        self.of_endpoints.read(input)
    }
}

impl<const N: usize> ByClass<N> {
    fn encode(&self, out: &mut Writer) {
        out.u32(self.services.len() as u32);
        self.all().for_each(|sketch| out.sketch(sketch));
    }

    fn read(&mut self, input: &mut Reader<'_>) -> Option<()> {
        let services = input.count(SERVICES)?;
        self.services.clear();
        self.services.resize_with(services, || std::array::from_fn(|_| TailSketch::default()));
        for sketch in self.all_mut() {
            *sketch = input.sketch()?;
        }
        Some(())
    }
}

impl Habits {
    /// The rows that hold something, each with its number.
    fn encode(&self, out: &mut Writer) {
        let held = || self.rows.iter().enumerate().filter(|(_, row)| !row.is_empty());
        out.u32(self.rows.len() as u32);
        out.u32(held().count() as u32);
        for (at, row) in held() {
            out.u32(at as u32);
            row.counts.iter().for_each(|&count| out.u16(count));
        }
    }

    fn read(&mut self, input: &mut Reader<'_>) -> Option<()> {
        let rows = input.count(Self::MOST_ROWS)?;
        self.rows.resize(rows.max(self.rows.len()), Row::EMPTY);
        for _ in 0..input.count(rows)? {
            let row = self.rows.get_mut(input.u32()? as usize)?;
            for count in &mut row.counts {
                *count = input.u16()?.min(Row::MOST);
            }
        }
        Some(())
    }
}

impl Meetings {
    fn encode(&self, out: &mut Writer) {
        out.u32(self.known().count() as u32);
        for Meeting { key, first, last, evidence } in self.known().copied() {
            out.u64(key);
            out.time(first);
            out.time(last);
            out.f32(evidence);
        }
    }

    fn read(&mut self, input: &mut Reader<'_>) -> Option<()> {
        for _ in 0..input.u32()? {
            let key = input.u64()?.max(1);
            let (first, last) = (input.time()?, input.time()?);
            let evidence = input.f32()?.max(0.0);
            *self.find(key, last) = Meeting { key, first, last, evidence };
        }
        Some(())
    }
}

const _: () = assert!(PROTOCOLS * STAGES + STAGES < u8::MAX as usize);

/// FNV-1a: the bytes come from our own disk, and what is looked for is damage, not malice.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Numbers into bytes, the low byte first.
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    pub(super) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn f32(&mut self, value: f32) {
        self.u32(value.to_bits());
    }
    pub(super) fn f64(&mut self, value: f64) {
        self.u64(value.to_bits());
    }
    pub(super) fn time(&mut self, value: Timestamp) {
        self.u64(value.nanos().cast_unsigned());
    }
    fn bytes(&mut self, value: &[u8]) {
        self.u32(value.len() as u32);
        self.0.extend_from_slice(value);
    }
    /// The bins that hold something.
    pub(super) fn sketch(&mut self, sketch: &TailSketch) {
        let counts = sketch.counts();
        let held = || counts.iter().enumerate().filter(|(_, count)| **count > 0.0);
        self.u8(held().count() as u8);
        for (bin, &count) in held() {
            self.u8(bin as u8);
            self.f32(count);
        }
    }
}

/// The same the other way; `None` at the end and for what no number can be.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }
    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
    pub(super) fn f32(&mut self) -> Option<f32> {
        self.u32().map(f32::from_bits).filter(|value| value.is_finite())
    }
    pub(super) fn f64(&mut self) -> Option<f64> {
        self.u64().map(f64::from_bits).filter(|value| value.is_finite())
    }
    pub(super) fn time(&mut self) -> Option<Timestamp> {
        self.u64().map(|nanos| Timestamp::from_nanos(nanos.cast_signed()))
    }
    /// How many follow, at most `most`.
    pub(super) fn count(&mut self, most: usize) -> Option<usize> {
        self.u32().map(|count| count as usize).filter(|&count| count <= most)
    }
    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.count(self.0.len())?;
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
    pub(super) fn sketch(&mut self) -> Option<TailSketch> {
        let mut counts = [0.0; super::tail::bins()];
        for _ in 0..self.u8()? {
            let bin = usize::from(self.u8()?);
            let count = self.f32().filter(|count| *count >= 0.0)?;
            *counts.get_mut(bin)? = count;
        }
        Some(TailSketch::from_counts(&counts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{ConnectionKey, Side, Slot};
    use crate::model::{PacketFacts, Surprise};
    use crate::score::{Judgement, Policy, Weights};
    use crate::wire::Address;

    fn policy() -> Policy {
        Policy {
            false_alarms: 0.01,
            alarms_per_day: 24.0,
            warm_up: 100,
            min_packets: 1,
            weights: Weights::default(),
            endpoints: 64,
        }
    }

    /// Connections with surprise of all kinds; answers what the scorer said of their packets.
    fn live(scorer: &mut Scorer, from: u64, to: u64) -> Vec<Judgement> {
        let mut said = Vec::new();
        for number in from..to {
            let key = ConnectionKey {
                address_a: Address::v4([10, 0, 0, (number % 7) as u8]),
                address_b: Address::v4([10, 0, 1, (number % 5) as u8]),
                port_a: number as u16,
                port_b: if number.is_multiple_of(3) { 443 } else { 53 },
                protocol: 6,
                domain: 0,
            };
            let service = Service { protocol: 6, port: key.port_b };
            let now = Timestamp::from_parts(number as i64 * 7, 0);
            scorer.begin(Slot(0), &key, service, Side::A, now);
            for position in 0..20 {
                let size = (number * 31 + u64::from(position) * 17) % 13;
                let surprise = Surprise { size: size as f32, ..Surprise::default() };
                let side = if position % 2 == 0 { Side::A } else { Side::B };
                let facts = PacketFacts { side, position, payload_len: 100, ..PacketFacts::NONE };
                said.push(scorer.judge(Slot(0), &key, Side::A, &facts, &surprise, now));
            }
            while scorer.pop_endpoint().is_some() {}
        }
        said
    }

    #[test]
    fn a_restarted_scorer_goes_on_as_it_was() {
        let mut scorer = Scorer::new(policy());
        live(&mut scorer, 0, 300);
        let bytes = scorer.encode("m");
        let mut again = Scorer::new(policy());
        again.restore(&bytes, "m").unwrap();
        let (was, is) = (live(&mut scorer, 300, 400), live(&mut again, 300, 400));
        for (was, is) in was.iter().zip(&is) {
            assert!((was.probability / is.probability - 1.0).abs() < 1e-2, "{was:?} {is:?}");
            assert!((was.severity - is.severity).abs() < 0.05, "{was:?} {is:?}");
        }
    }

    #[test]
    fn surprise_of_another_model_says_nothing_and_the_rest_stays() {
        let mut scorer = Scorer::new(policy());
        live(&mut scorer, 0, 300);
        let mut again = Scorer::new(policy());
        again.restore(&scorer.encode("m"), "n").unwrap();
        assert_eq!(again.scored, 0);
        assert_eq!(again.endpoints.tried, scorer.endpoints.tried);
        assert_eq!(again.contacts.tags(), scorer.contacts.tags());
    }

    #[test]
    fn what_is_not_a_whole_state_changes_nothing() {
        let mut scorer = Scorer::new(policy());
        live(&mut scorer, 0, 50);
        let bytes = scorer.encode("m");
        let mut again = Scorer::new(policy());
        assert_eq!(again.restore(b"", "m"), Err(StateError::NotAState));
        assert_eq!(again.restore(b"FSSCORE\0", "m"), Err(StateError::Damaged));
        let mut later = bytes.clone();
        later[8] = 9;
        assert_eq!(again.restore(&later, "m"), Err(StateError::Version { found: 9 }));
        for end in (8..bytes.len()).step_by(997) {
            assert_eq!(again.restore(&bytes[..end], "m"), Err(StateError::Damaged), "cut at {end}");
        }
        for at in (12..bytes.len()).step_by(1_009) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert_eq!(again.restore(&damaged, "m"), Err(StateError::Damaged), "changed at {at}");
        }
        assert_eq!(again.scored, 0);
        again.restore(&bytes, "m").unwrap();
    }
}
