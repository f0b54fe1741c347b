//! Weights in the order in which the kernels read them.
//!
//! Outputs stand side by side in the lanes of a register: a *tile* is as many outputs as a register
//! has lanes. A kernel walks the inputs k of a tile one after another and multiplies the weights of
//! all its outputs with the one number of input k, so weights lie `[tile][k][gate][lane]` and are
//! read front to back.

use super::aligned::Aligned;
use super::weights::{BLOCK, Cell, Shape, Weights};

/// A dense layer for registers of some number of lanes.
#[derive(Clone)]
pub(super) struct PackedLayer {
    pub(super) inputs: usize,
    /// Outputs, padded with zero weights to a multiple of [`BLOCK`].
    pub(super) outputs: usize,
    /// `[tile][k][lane]`.
    pub(super) weights: Aligned,
    /// `[tile][lane]`.
    pub(super) bias: Aligned,
}

impl PackedLayer {
    /// Packs a matrix of `inputs` weights a row.
    pub(super) fn new(matrix: &[f32], bias: &[f32], inputs: usize, lanes: usize) -> Self {
        let outputs = bias.len().next_multiple_of(BLOCK);
        let mut weights = Vec::with_capacity(outputs * inputs);
        for tile in (0..outputs).step_by(lanes) {
            for k in 0..inputs {
                for output in tile..tile + lanes {
                    weights.push(matrix.get(output * inputs + k).copied().unwrap_or(0.0));
                }
            }
        }
        let mut padded = bias.to_vec();
        padded.resize(outputs, 0.0);
        Self { inputs, outputs, weights: weights.into(), bias: padded.into() }
    }
}

/// The numbers of a step's sums for each unit: of a GRU r, z, n from h, n from the input; of an
/// LSTM i, f, g, o.
pub(super) const SUMS: usize = 4;

/// A recurrent cell for registers of some number of lanes.
#[derive(Clone)]
pub(super) struct PackedCell {
    pub(super) shape: Shape,
    /// `[tile][k][gate][lane]`, k running over the hidden units and then over the inputs.
    pub(super) weights: Aligned,
    /// `[tile][sum][lane]`.
    pub(super) bias: Aligned,
}

impl PackedCell {
    /// Packs the recurrent part of checked weights.
    pub(super) fn new(from: &Weights<'_>, lanes: usize) -> Self {
        let Shape { cell, hidden, inputs, .. } = from.shape;
        let gates = cell.gates();
        let mut weights = Vec::with_capacity(gates * hidden * (hidden + inputs));
        let mut bias = Vec::with_capacity(SUMS * hidden);
        let mut pack = |matrix: &[f32], width: usize, tile: usize| {
            for k in 0..width {
                for gate in 0..gates {
                    for unit in tile..tile + lanes {
                        weights.push(matrix[(gate * hidden + unit) * width + k]);
                    }
                }
            }
        };
        for tile in (0..hidden).step_by(lanes) {
            pack(from.weight_hh, hidden, tile);
            pack(from.weight_ih, inputs, tile);
            for sum in 0..SUMS {
                for unit in tile..tile + lanes {
                    let at = |gate: usize| gate * hidden + unit;
                    bias.push(match (cell, sum) {
                        // The reset gate acts on what comes from h alone, so n has two sums.
                        (Cell::Gru, 2) => from.bias_hh[at(2)],
                        (Cell::Gru, 3) => from.bias_ih[at(2)],
                        _ => from.bias_ih[at(sum)] + from.bias_hh[at(sum)],
                    });
                }
            }
        }
        Self { shape: from.shape, weights: weights.into(), bias: bias.into() }
    }
}
