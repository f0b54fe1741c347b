//! A dense layer: what the heads are made of.

use std::ops::Range;

use super::weights::{BLOCK, EngineError, check_size, check_tensor};
use super::{Level, Maths, plain};
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512, dense, packed::PackedLayer, vector::Vector};

/// A dense layer, packed for the engine's instructions.
///
/// Outputs come in blocks of [`BLOCK`]; the last is filled up with zeroes. A layer may answer for
/// some of its blocks alone, for a reader who wants one head and not all.
#[derive(Clone)]
pub struct Layer {
    inputs: usize,
    outputs: usize,
    kind: Kind,
}

/// The most inputs and the most outputs.
const MOST: usize = 1_024;

#[derive(Clone)]
enum Kind {
    Plain {
        dense: plain::Dense,
        bias: Vec<f32>,
    },
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2, PackedLayer),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512, PackedLayer),
}

impl Layer {
    /// Takes a matrix of `bias.len()` rows of `inputs` weights, as PyTorch's `Linear` keeps it.
    ///
    /// # Errors
    /// If the matrix has another size, or a weight is no sane number.
    pub fn new(
        maths: Maths,
        inputs: usize,
        weight: &[f32],
        bias: &[f32],
    ) -> Result<Self, EngineError> {
        check_size("inputs", inputs, MOST)?;
        check_size("outputs", bias.len(), MOST)?;
        check_tensor("weight", weight, bias.len() * inputs)?;
        check_tensor("bias", bias, bias.len())?;
        Ok(Self::checked(maths.0, inputs, weight, bias))
    }

    /// The same from tensors that were checked.
    pub(super) fn checked(level: Level, inputs: usize, weight: &[f32], bias: &[f32]) -> Self {
        let outputs = bias.len().next_multiple_of(BLOCK);
        let kind = match level {
            Level::Plain => {
                let mut matrix = weight.to_vec();
                matrix.resize(outputs * inputs, 0.0);
                let mut padded = bias.to_vec();
                padded.resize(outputs, 0.0);
                Kind::Plain { dense: plain::Dense::new(&matrix, inputs), bias: padded }
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(token) => {
                Kind::Avx2(token, PackedLayer::new(weight, bias, inputs, Avx2::LANES))
            }
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(token) => {
                Kind::Avx512(token, PackedLayer::new(weight, bias, inputs, Avx512::LANES))
            }
        };
        Self { inputs, outputs, kind }
    }

    /// Floats of a row of inputs.
    #[must_use]
    pub const fn inputs(&self) -> usize {
        self.inputs
    }

    /// Floats that come out for one row: a multiple of [`BLOCK`].
    #[must_use]
    pub const fn outputs(&self) -> usize {
        self.outputs
    }

    /// Blocks of outputs.
    #[must_use]
    pub const fn blocks(&self) -> usize {
        self.outputs / BLOCK
    }

    /// Bias and weighted inputs, for each of `rows`; of all blocks or some, side by side in `out`.
    ///
    /// # Panics
    /// If a row is shorter than the inputs, `out` has no room for what was asked, or the layer does
    /// not have all of `blocks`.
    pub fn apply(&self, rows: &[&[f32]], blocks: Range<usize>, out: &mut [f32]) {
        match &self.kind {
            Kind::Plain { dense, bias } => {
                let part = blocks.start * BLOCK..blocks.end * BLOCK;
                let mut sums = [0.0; MOST];
                let sums = &mut sums[..self.outputs];
                for (r, row) in rows.iter().enumerate() {
                    sums.copy_from_slice(bias);
                    dense.accumulate(&row[..self.inputs], sums);
                    out[r * part.len()..][..part.len()].copy_from_slice(&sums[part.clone()]);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(token, layer) => token.call(dense::Dense { layer, rows, blocks, out }),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(token, layer) => token.call(dense::Dense { layer, rows, blocks, out }),
        }
    }
}
