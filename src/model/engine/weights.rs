//! What a network is made of: its shape, and its weights as PyTorch lays them out.

use std::fmt;

use super::Dispatch;

/// The recurrent cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cell {
    /// A gated recurrent unit as PyTorch computes it; gates stacked r, z, n.
    Gru,
    /// A long short-term memory; gates stacked i, f, g, o.
    Lstm,
}

impl Cell {
    /// How many gates' rows are stacked in each weight matrix.
    #[must_use]
    pub const fn gates(self) -> usize {
        match self {
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }
}

/// The sizes of a network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// The recurrent cell.
    pub cell: Cell,
    /// Hidden units: a multiple of 16 from 32 to 256.
    pub hidden: usize,
    /// Input features, 1 to 256.
    pub inputs: usize,
    /// Outputs of the heads on the state, 1 to 1,024.
    pub outputs: usize,
}

impl Shape {
    /// Floats of one connection's state: h, and c after it where the cell has one.
    #[must_use]
    pub const fn state(&self) -> usize {
        match self.cell {
            Cell::Gru => self.hidden,
            Cell::Lstm => 2 * self.hidden,
        }
    }

    /// Floats that the heads write for one connection: the outputs, then zeroes up to a multiple
    /// of [`BLOCK`].
    #[must_use]
    pub const fn heads(&self) -> usize {
        self.outputs.next_multiple_of(BLOCK)
    }

    /// Multiply-adds of one packet: heads and step.
    #[must_use]
    pub const fn multiply_adds(&self) -> usize {
        self.cell.gates() * self.hidden * (self.hidden + self.inputs) + self.hidden * self.outputs
    }
}

/// Outputs come in blocks of this many, the widest vector there is.
pub const BLOCK: usize = 16;

/// The most hidden units.
pub(super) const MAX_HIDDEN: usize = 256;

/// The weights of a network, each matrix row by row as PyTorch writes it.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// The sizes that all slices must fit.
    pub shape: Shape,
    /// `weight_ih_l0`: gates x hidden rows of `inputs`.
    pub weight_ih: &'a [f32],
    /// `weight_hh_l0`: gates x hidden rows of `hidden`.
    pub weight_hh: &'a [f32],
    /// `bias_ih_l0`: gates x hidden.
    pub bias_ih: &'a [f32],
    /// `bias_hh_l0`: gates x hidden.
    pub bias_hh: &'a [f32],
    /// `head.weight`: `outputs` rows of `hidden`.
    pub head_weight: &'a [f32],
    /// `head.bias`: `outputs`.
    pub head_bias: &'a [f32],
}

impl Weights<'_> {
    /// Sees that every size is one the engine takes and every weight a number it can trust.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        let Shape { cell, hidden, inputs, outputs } = self.shape;
        if !(32..=MAX_HIDDEN).contains(&hidden) || !hidden.is_multiple_of(16) {
            return Err(EngineError::Size { what: "hidden", value: hidden });
        }
        check_size("inputs", inputs, 256)?;
        check_size("outputs", outputs, 1_024)?;
        let rows = cell.gates() * hidden;
        check_tensor("weight_ih", self.weight_ih, rows * inputs)?;
        check_tensor("weight_hh", self.weight_hh, rows * hidden)?;
        check_tensor("bias_ih", self.bias_ih, rows)?;
        check_tensor("bias_hh", self.bias_hh, rows)?;
        check_tensor("head.weight", self.head_weight, outputs * hidden)?;
        check_tensor("head.bias", self.head_bias, outputs)
    }
}

/// Sees that a size is 1 to `most`.
pub(super) fn check_size(what: &'static str, value: usize, most: usize) -> Result<(), EngineError> {
    if (1..=most).contains(&value) { Ok(()) } else { Err(EngineError::Size { what, value }) }
}

/// The largest weight that is believed. Trained ones stay below 100; the bound keeps every sum of
/// weights and bounded inputs finite, so that no file can put a NaN into a forecast.
const LARGEST: f32 = 1e6;

/// Sees that a tensor has its length and only sane numbers.
pub(super) fn check_tensor(
    tensor: &'static str,
    values: &[f32],
    expected: usize,
) -> Result<(), EngineError> {
    if values.len() != expected {
        return Err(EngineError::Length { tensor, expected, actual: values.len() });
    }
    match values.iter().position(|value| value.is_nan() || value.abs() > LARGEST) {
        Some(index) => Err(EngineError::Value { tensor, index, value: values[index] }),
        None => Ok(()),
    }
}

/// Why no engine could be made.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum EngineError {
    /// A size that the engine does not take.
    Size {
        /// Which size.
        what: &'static str,
        /// What was asked for.
        value: usize,
    },
    /// A tensor whose length does not fit the shape.
    Length {
        /// Its name.
        tensor: &'static str,
        /// Floats that the shape asks for.
        expected: usize,
        /// Floats there are.
        actual: usize,
    },
    /// A weight that is no number, or absurdly large.
    Value {
        /// The tensor's name.
        tensor: &'static str,
        /// Where in it.
        index: usize,
        /// The weight.
        value: f32,
    },
    /// This processor lacks the instructions that were asked for by name.
    Instructions(Dispatch),
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Size { what: "hidden", value } => {
                write!(f, "{value} hidden units; a multiple of 16 from 32 to 256 is needed")
            }
            Self::Size { what, value } => write!(f, "a network can't have {value} {what}"),
            Self::Length { tensor, expected, actual } => {
                write!(f, "{tensor} has {actual} numbers, its shape asks for {expected}")
            }
            Self::Value { tensor, index, value } => {
                write!(f, "{tensor} holds {value} at {index}, which is no sane weight")
            }
            Self::Instructions(dispatch) => {
                write!(f, "this processor lacks the instructions for {dispatch:?}")
            }
        }
    }
}

impl std::error::Error for EngineError {}
