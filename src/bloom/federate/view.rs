//! What the aggregator sends back: the network's weights, and its targets under their keyed hashes.
//!
//! ```text
//! "FSFV" | version u8 | key id u64 | terms u64 | round u64 | sensors u32
//!        | categories x (activity u64, weight f64, distinct f64, fill f64, false-positive rate f64, overfull u8)
//!        | targets u32 x (id 16, score f64, mask u32, sensors u32, since u64)
//!        | seal u128
//! ```

use crate::bloom::Mask;
use crate::bloom::key::Element;
use crate::bytes::Write;

use super::contribution::{open, sealed, sixteen};
use super::refusal::Refusal;
use super::terms::Terms;

const MAGIC: &[u8; 4] = b"FSFV";
const VERSION: u8 = 1;
const TARGET_LEN: usize = 16 + 8 + 4 + 4 + 8;

/// A category in the whole network.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Merged {
    /// Elements newly counted in the round, each once as far as the counters tell.
    pub activity: u64,
    /// Its weight from now on.
    pub weight: f64,
    /// About how many distinct elements all sensors' windows saw.
    pub distinct: f64,
    /// The share of the merged window's bits that are set.
    pub fill: f64,
    /// How likely that takes a new element for a known one.
    pub false_positive_rate: f64,
    /// Whether it holds more than it was made for.
    pub is_overfull: bool,
}

/// A target whose score in the whole network is over the threshold.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct NetworkTarget {
    /// Its keyed hash; a sensor that met it knows the address.
    pub id: Element,
    /// Sum of the network's weights of its categories.
    pub score: f64,
    /// Those categories.
    pub categories: Mask,
    /// How many sensors saw it.
    pub sensors: u32,
    /// The round in which this episode began.
    pub since: u64,
}

/// The network at the end of a round.
#[derive(Clone, PartialEq, Debug)]
pub struct View {
    /// The round.
    pub round: u64,
    /// How many sensors spoke in it.
    pub sensors: u32,
    /// Each category.
    pub categories: Vec<Merged>,
    /// Those over the threshold, the highest score first.
    pub targets: Vec<NetworkTarget>,
}

impl View {
    /// It as a blob.
    #[must_use]
    pub fn encode(&self, terms: &Terms) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.put(MAGIC);
        bytes.u8(VERSION);
        bytes.u64(terms.seal.id());
        bytes.u64(terms.digest());
        bytes.u64(self.round);
        bytes.u32(self.sensors);
        for merged in &self.categories {
            let Merged { activity, weight, distinct, fill, false_positive_rate, is_overfull } =
                *merged;
            bytes.u64(activity);
            [weight, distinct, fill, false_positive_rate]
                .iter()
                .for_each(|number| bytes.f64(*number));
            bytes.u8(u8::from(is_overfull));
        }
        bytes.u32(self.targets.len() as u32);
        for NetworkTarget { id, score, categories, sensors, since } in &self.targets {
            bytes.put(&id.0.to_le_bytes());
            bytes.f64(*score);
            bytes.u32(*categories);
            bytes.u32(*sensors);
            bytes.u64(*since);
        }
        sealed(bytes, &terms.seal)
    }

    /// The view in a blob, if it is one of this federation.
    ///
    /// # Errors
    ///
    /// Whatever does not fit.
    pub fn decode(bytes: &[u8], terms: &Terms) -> Result<Self, Refusal> {
        let mut from = open(bytes, MAGIC, VERSION, terms)?;
        if from.u64().ok_or(Refusal::Length)? != terms.digest() {
            return Err(Refusal::Terms);
        }
        let round = from.u64().ok_or(Refusal::Length)?;
        let sensors = from.u32().ok_or(Refusal::Length)?;
        let mut categories = Vec::with_capacity(terms.categories.len());
        for _ in &terms.categories {
            let activity = from.u64().ok_or(Refusal::Length)?;
            let numbers = [(); 4].map(|()| from.f64().filter(|number| *number >= 0.0));
            let [Some(weight), Some(distinct), Some(fill), Some(false_positive_rate)] = numbers
            else {
                return Err(Refusal::Content("categories"));
            };
            if weight > 1.0 {
                return Err(Refusal::Content("weights"));
            }
            let is_overfull = from.u8().ok_or(Refusal::Length)? != 0;
            categories.push(Merged {
                activity,
                weight,
                distinct,
                fill,
                false_positive_rate,
                is_overfull,
            });
        }
        let count = from.count(TARGET_LEN).ok_or(Refusal::Length)?;
        if count > terms.caps.targets {
            return Err(Refusal::Targets);
        }
        let mut targets = Vec::with_capacity(count);
        for _ in 0..count {
            let id = Element(u128::from_le_bytes(sixteen(&mut from)?));
            let score = from.f64().ok_or(Refusal::Content("score"))?;
            let (categories, sensors) = (from.u32(), from.u32());
            let (Some(categories), Some(sensors)) = (categories, sensors) else {
                return Err(Refusal::Length);
            };
            let since = from.u64().ok_or(Refusal::Length)?;
            targets.push(NetworkTarget { id, score, categories, sensors, since });
        }
        from.end(()).ok_or(Refusal::Length)?;
        Ok(Self { round, sensors, categories, targets })
    }
}
