//! What ships with the adaptive part: how a mixer weighs its inputs before it has seen this site.
//!
//! They stand in a [`ModelFile`] as the tensors `mixer.*`, beside a network or alone; its word `mixer` is
//! the hash of the contexts they belong to. docs/forecast.md says how the shipped ones were made.

use super::super::file::{self, FileError, ModelFile};
use super::arithmetic::squash;
use super::context::LAYOUT;
use super::line::Line;
use super::tree::Head;

/// Inputs of a mixer: the prior, a constant, and the contexts.
pub(super) const INPUTS: usize = 8;
/// Points of a final correction, over -8 to 8 in ln-odds.
pub(super) const POINTS: usize = 33;
/// Candidates for an exact size, and steps of how often one came in a row.
pub(super) const CANDIDATES: usize = 8;
pub(super) const RUNS: usize = 16;
/// Bumps of a time within its octave, the uniform one included, and steps of how often it was right.
pub(super) const BUMPS: usize = 4;
pub(super) const HITS: usize = 16;

/// How far a context of the entropy is believed at first.
const ENTROPY_WEIGHT: f32 = 0.4;

/// The word of a file under which the hash of the contexts stands.
const MIXER: &str = "mixer";

/// All numbers of the adaptive part that do not belong to a context.
#[derive(Clone, PartialEq, Debug)]
#[repr(C)]
pub(super) struct Weights {
    /// By head, input and confidence; these stay as they are.
    pub(super) confidence: [[[f32; 16]; INPUTS]; Head::COUNT],
    /// By head, node and input; these learn on line.
    pub(super) node: [[[f32; INPUTS]; Line::SLOTS]; Head::COUNT],
    /// By head and node: what a mixed probability turned out to be.
    pub(super) correction: [[[f32; POINTS]; Line::SLOTS]; Head::COUNT],
    /// By candidate and run: how likely the size is exactly this one.
    pub(super) equal: [[f32; RUNS]; CANDIDATES],
    /// By hits: how much of a time lies under each bump.
    pub(super) bumps: [[f32; BUMPS]; HITS],
}

/// A tensor: its name, its shape and the numbers that it may hold.
struct Tensor {
    name: &'static str,
    shape: &'static [usize],
    range: std::ops::RangeInclusive<f32>,
}

/// In the order of the fields.
const TENSORS: [Tensor; 5] = [
    Tensor { name: "mixer.confidence", shape: &[Head::TRAINED, INPUTS, 16], range: -64.0..=64.0 },
    Tensor {
        name: "mixer.node",
        shape: &[Head::TRAINED, Line::SLOTS, INPUTS],
        range: -64.0..=64.0,
    },
    Tensor {
        name: "mixer.correction",
        shape: &[Head::TRAINED, Line::SLOTS, POINTS],
        range: 0.0..=1.0,
    },
    Tensor { name: "mixer.equal", shape: &[CANDIDATES, RUNS], range: 0.0..=1.0 },
    Tensor { name: "mixer.bumps", shape: &[HITS, BUMPS], range: 0.0..=1.0 },
];

/// Whether a tensor belongs to the mixer.
pub(in super::super) fn declares(tensor: &str) -> bool {
    TENSORS.iter().any(|known| known.name == tensor)
}

impl Weights {
    /// Reads the mixer of a model file.
    pub(super) fn read(file: &ModelFile<'_>) -> Result<Box<Self>, FileError> {
        file.expect_word(MIXER, &layout_hash())?;
        // A head that no file has weights for begins untrained.
        let mut weights = Self::untrained();
        for (tensor, places) in TENSORS.iter().zip(weights.fields_mut()) {
            let numbers = file.tensor(tensor.name, tensor.shape)?;
            if let Some(index) = numbers.iter().position(|number| !tensor.range.contains(number)) {
                let (tensor, value) = (tensor.name.to_owned(), numbers[index]);
                return Err(FileError::Value { tensor, index, value });
            }
            places.copy_from_slice(&numbers);
        }
        Ok(weights)
    }

    /// The word that a file with these weights has to say, and the tensors to put into it.
    pub(super) fn to_tensors(&self) -> ((String, String), [file::Tensor<'_>; 5]) {
        let fields = self.fields();
        let tensors = std::array::from_fn(|at| (TENSORS[at].name, TENSORS[at].shape, fields[at]));
        ((MIXER.to_owned(), layout_hash()), tensors)
    }

    /// All numbers, in the order of the fields.
    pub(super) fn numbers(&self) -> impl Iterator<Item = f32> {
        self.fields().into_iter().flatten().copied()
    }

    /// Weights from [`Self::numbers`]; `None` where one is out of its range.
    pub(super) fn from_numbers(mut numbers: impl Iterator<Item = f32>) -> Option<Box<Self>> {
        let mut weights = Self::zero();
        for (tensor, places) in TENSORS.iter().zip(weights.fields_mut()) {
            for place in places {
                *place = numbers.next().filter(|number| tensor.range.contains(number))?;
            }
        }
        Some(weights)
    }

    /// Where training begins: the prior is mostly believed, each context a little.
    pub(super) fn untrained() -> Box<Self> {
        let mut weights = Self::zero();
        for inputs in &mut weights.confidence {
            let [prior, constant, contexts @ ..] = inputs;
            prior.fill(0.7);
            constant.fill(0.0);
            contexts.as_flattened_mut().fill(0.15);
        }
        // It has half as many contexts, so each is believed more.
        weights.confidence[Head::Entropy as usize][2..].as_flattened_mut().fill(ENTROPY_WEIGHT);
        for curve in weights.correction.as_flattened_mut() {
            for (point, probability) in curve.iter_mut().enumerate() {
                *probability = squash((point as f32 - (POINTS / 2) as f32) * 0.5);
            }
        }
        weights.equal.as_flattened_mut().fill(0.5);
        weights.bumps.as_flattened_mut().fill(1.0 / BUMPS as f32);
        weights
    }

    fn zero() -> Box<Self> {
        Box::new(Self {
            confidence: [[[0.0; 16]; INPUTS]; Head::COUNT],
            node: [[[0.0; INPUTS]; Line::SLOTS]; Head::COUNT],
            correction: [[[0.0; POINTS]; Line::SLOTS]; Head::COUNT],
            equal: [[0.0; RUNS]; CANDIDATES],
            bumps: [[0.0; BUMPS]; HITS],
        })
    }

    fn fields(&self) -> [&[f32]; 5] {
        [
            self.confidence[..Head::TRAINED].as_flattened().as_flattened(),
            self.node[..Head::TRAINED].as_flattened().as_flattened(),
            self.correction[..Head::TRAINED].as_flattened().as_flattened(),
            self.equal.as_flattened(),
            self.bumps.as_flattened(),
        ]
    }

    fn fields_mut(&mut self) -> [&mut [f32]; 5] {
        [
            self.confidence[..Head::TRAINED].as_flattened_mut().as_flattened_mut(),
            self.node[..Head::TRAINED].as_flattened_mut().as_flattened_mut(),
            self.correction[..Head::TRAINED].as_flattened_mut().as_flattened_mut(),
            self.equal.as_flattened_mut(),
            self.bumps.as_flattened_mut(),
        ]
    }
}

/// What a file of weights must name: everything the order and meaning of its numbers hang on.
pub(super) fn layout_hash() -> String {
    file::hash(LAYOUT.as_bytes())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{MIXER_ONLY, file::write};

    /// The weights that ship without a network.
    pub(in super::super) fn shipped() -> Box<Weights> {
        Weights::read(&ModelFile::read(MIXER_ONLY).unwrap()).unwrap()
    }

    /// A file of the shipped weights after `change` was made to them.
    fn changed(change: impl FnOnce(&mut Weights)) -> Vec<u8> {
        let mut weights = shipped();
        change(&mut weights);
        let (word, tensors) = weights.to_tensors();
        write(&[word], &tensors)
    }

    fn error(file: &[u8]) -> String {
        Weights::read(&ModelFile::read(file).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn what_was_written_is_read_again() {
        let file = changed(|weights| weights.node[2][3][4] = 0.625);
        let weights = Weights::read(&ModelFile::read(&file).unwrap()).unwrap();
        assert_eq!(weights.node[2][3][4], 0.625);
        assert_eq!(weights.confidence, shipped().confidence);
    }

    #[test]
    fn weights_that_no_training_gives_are_refused() {
        let file = changed(|weights| weights.equal[0][1] = 1.5);
        assert_eq!(error(&file), "tensor mixer.equal holds 1.5 at 1, which no training gives");
        let file = changed(|weights| weights.confidence[0][0][0] = 65.0);
        assert!(error(&file).starts_with("tensor mixer.confidence holds 65"));
    }

    #[test]
    fn weights_for_other_contexts_are_refused() {
        let weights = shipped();
        let (_, tensors) = weights.to_tensors();
        let file = write(&[(MIXER.to_owned(), "0".repeat(16))], &tensors);
        assert!(error(&file).starts_with("its `mixer` is 0000000000000000, but "));
        assert!(error(&write(&[], &tensors)).starts_with("its `mixer` is nothing, but "));
    }
}
