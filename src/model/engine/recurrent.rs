//! The recurrent cell on whichever instructions the engine has.

use super::{Level, Weights, plain};
#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512, packed::PackedCell, step, vector::Vector};

/// A recurrent cell.
#[derive(Clone)]
pub(super) enum Recurrent {
    Plain(plain::Recurrent),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2, PackedCell),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512, PackedCell),
}

impl Recurrent {
    /// Takes the recurrent part of checked weights.
    pub(super) fn new(level: Level, weights: &Weights<'_>) -> Self {
        match level {
            Level::Plain => Self::Plain(plain::Recurrent::new(weights)),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(token) => Self::Avx2(token, PackedCell::new(weights, Avx2::LANES)),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(token) => Self::Avx512(token, PackedCell::new(weights, Avx512::LANES)),
        }
    }

    /// Steps each of `states` past its row of `inputs`; `next` gets the new states side by side.
    /// `added` holds a row for the gates' sums of each state, or nothing.
    pub(super) fn step(
        &self,
        states: &[&[f32]],
        inputs: &[&[f32]],
        added: &[&[f32]],
        next: &mut [f32],
    ) {
        match self {
            Self::Plain(cell) => {
                let width = states.first().map_or(1, |state| state.len());
                for (r, next) in next.chunks_exact_mut(width).take(states.len()).enumerate() {
                    cell.step(states[r], inputs[r], added.get(r).unwrap_or(&&[][..]), next);
                }
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(token, cell) => {
                token.call(step::Step { cell, states, inputs, added, next });
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(token, cell) => {
                token.call(step::Step { cell, states, inputs, added, next });
            }
        }
    }
}
