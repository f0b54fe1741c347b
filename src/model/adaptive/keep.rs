//! What the model learned as bytes, and back: its table and the mixer's weights.
//!
//! ```text
//! name | form | hash of the weights it began with | lines | lines of the wait
//! the mixer's numbers | shares of the bumps | flags | the lines
//! ```
//!
//! Lines are found by hashes of contexts, so they are of use to exactly the contexts and the table
//! size that they were learned under. Weights are taken back only where the model still begins with
//! those that they were learned from: a newer release's are better than old ones that adapted.

use super::Adaptive;
use super::weights::{Weights, layout_hash};
use crate::bytes::{Reader, Write};
use crate::model::{KeptError, Model, mix};

/// How a line and a history are laid out. Change this text with them.
const FORM: &str =
    "line: check 16, 31 slots of 12 + 4 bits; flags: 64 x 16 x 8; history: 104 bytes";

/// The hash of everything that the meaning of the bytes hangs on.
fn form() -> u64 {
    let texts = [layout_hash(), FORM.to_owned()];
    texts.iter().flat_map(|text| text.bytes()).fold(0, |hash, byte| mix(hash ^ u64::from(byte)))
}

/// The hash of weights, to tell by.
pub(super) fn origin_of(weights: &Weights) -> u64 {
    weights.numbers().fold(0, |hash, number| mix(hash ^ u64::from(number.to_bits())))
}

pub(super) fn keep(model: &Adaptive) -> Vec<u8> {
    let learned = &model.learned;
    let mut to = Vec::with_capacity(65_536 + learned.lines.memory() + learned.waits.memory());
    to.text(model.name());
    to.u64(form());
    to.u64(model.began_with);
    to.u32(learned.lines.all().len() as u32);
    to.u32(learned.waits.all().len() as u32);
    learned.weights().numbers().for_each(|number| to.f32(number));
    learned.sharpness.as_flattened().iter().for_each(|&number| to.f32(number));
    learned.flags.all().for_each(|&slot| to.u16(slot));
    for line in learned.lines.all().iter().chain(learned.waits.all()) {
        to.u16(line.check);
        line.slots.iter().for_each(|&slot| to.u16(slot));
    }
    to
}

pub(super) fn restore(model: &mut Adaptive, kept: &[u8]) -> Result<(), KeptError> {
    let mut from = Reader(kept);
    let found = from.text().ok_or(KeptError::Damaged)?;
    if found != model.name() {
        let expected = model.name().to_owned();
        return Err(KeptError::OtherModel { expected, found: found.to_owned() });
    }
    if from.u64().ok_or(KeptError::Damaged)? != form() {
        return Err(KeptError::OtherForm);
    }
    let began_with = from.u64().ok_or(KeptError::Damaged)?;
    let learned = &mut model.learned;
    let ours = [learned.lines.all().len(), learned.waits.all().len()];
    let theirs = [from.u32(), from.u32()].map(|count| u64::from(count.unwrap_or_default()));
    let (expected, found) = (64 * ours.iter().sum::<usize>() as u64, 64 * (theirs[0] + theirs[1]));
    if ours.map(|count| count as u64) != theirs {
        return Err(KeptError::OtherSize { expected, found });
    }
    let weights = Weights::from_numbers(numbers(&mut from, learned.weights().numbers().count())?);
    let weights = weights.ok_or(KeptError::Damaged)?;
    let mut sharpness = learned.sharpness.clone();
    let places = sharpness.as_flattened_mut();
    let read = numbers(&mut from, places.len())?;
    for (place, number) in places.iter_mut().zip(read) {
        *place =
            Some(number).filter(|share| (0.0..=1.0).contains(share)).ok_or(KeptError::Damaged)?;
    }
    let flags = from.bytes(2 * learned.flags.all().count()).ok_or(KeptError::Damaged)?;
    if from.0.len() as u64 != found {
        return Err(KeptError::Damaged);
    }
    for (slot, word) in learned.flags.all_mut().zip(flags.as_chunks().0) {
        // No probability is 0, but in a forged store.
        *slot = u16::from_le_bytes(*word).max(1 << 4);
    }
    let lines = learned.lines.all_mut().iter_mut().chain(learned.waits.all_mut());
    for (line, bytes) in lines.zip(from.0.as_chunks::<64>().0) {
        let (words, _) = bytes.as_chunks();
        let slots = std::iter::once(&mut line.check).chain(&mut line.slots);
        slots.zip(words).for_each(|(slot, word)| *slot = u16::from_le_bytes(*word));
    }
    if began_with == model.began_with {
        *learned.mixer.weights_mut() = *weights;
        learned.sharpness = sharpness;
    }
    model.changes += 1;
    Ok(())
}

fn numbers<'a>(
    from: &mut Reader<'a>,
    count: usize,
) -> Result<impl Iterator<Item = f32> + use<'a>, KeptError> {
    let (numbers, _) = from.bytes(4 * count).ok_or(KeptError::Damaged)?.as_chunks();
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)))
}
