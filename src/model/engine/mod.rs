//! The recurrent network of the forecast, fast on one core: heads on a state, the step past a packet.
//!
//! An [`Engine`] holds one state per connection, found by its [`Slot`], and the weights that all
//! connections share. Before a packet comes, [`Engine::heads`] tells what the state says of it;
//! after it came, [`Engine::step`] moves the state past it. [`Maths`] and [`Layer`] are what is
//! needed to make distributions of the heads' sums.
//!
//! Promises:
//!
//! - The plain engine is the truth and can be read in one sitting; AVX2 and AVX-512 are chosen at
//!   run time and give *the same bits*, in whatever batches the packets come. What a sensor reports
//!   does not depend on the machine it runs on.
//! - Nothing is allocated after a slot's first use, nothing grows with time, nothing is copied when
//!   the table of connections grows.
//! - States stay numbers: no weights that were accepted and no finite inputs make a NaN.
//!
//! What it does not do: know what features and outputs mean, read files, learn. There are no kernels
//! for ARM: the plain engine's loops are made vectors there by the compiler.
//!
//! ```
//! use foreshadow::flow::Slot;
//! use foreshadow::model::engine::{Cell, Dispatch, Engine, Shape, Weights};
//!
//! let shape = Shape { cell: Cell::Gru, hidden: 32, inputs: 4, outputs: 16 };
//! let mut engine = Engine::new(
//!     &Weights {
//!         shape,
//!         weight_ih: &[0.1; 96 * 4],
//!         weight_hh: &[-0.1; 96 * 32],
//!         bias_ih: &[0.0; 96],
//!         bias_hh: &[0.0; 96],
//!         head_weight: &[0.2; 16 * 32],
//!         head_bias: &[0.0; 16],
//!     },
//!     Dispatch::Auto,
//! )?;
//! let connection = Slot(0);
//! engine.begin(connection);
//! let mut out = [0.0; 16];
//! engine.heads(connection, &mut out);
//! assert_eq!(out, [0.0; 16]);
//! engine.step(connection, &[1.0, 0.0, -1.0, 0.5], &[]);
//! engine.heads(connection, &mut out);
//! assert!(out[0] > 0.0);
//! # Ok::<(), foreshadow::model::engine::EngineError>(())
//! ```

mod aligned;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod dense;
mod eight;
#[cfg(target_arch = "x86_64")]
mod functions;
#[cfg(target_arch = "x86_64")]
mod kernel;
mod layer;
mod level;
mod maths;
#[cfg(target_arch = "x86_64")]
mod packed;
mod plain;
mod prefetch;
mod recurrent;
mod slab;
#[cfg(target_arch = "x86_64")]
mod step;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod vector;
mod weights;
mod work;

pub(super) use eight::{AnyEight, Eight};
pub use layer::Layer;
pub use level::Dispatch;
pub use maths::Maths;
pub(super) use prefetch::prefetch;
pub use weights::{BLOCK, Cell, EngineError, Shape, Weights};
pub(super) use work::{Instructions, Work};

use std::ops::Range;

use aligned::Aligned;
use level::Level;
use recurrent::Recurrent;
use slab::Slab;

use crate::flow::Slot;

/// Rows that are taken at once: the most that a kernel can hold in registers.
const GROUP: usize = 6;

/// The network, and the states of all connections.
#[derive(Clone)]
pub struct Engine {
    shape: Shape,
    maths: Maths,
    recurrent: Recurrent,
    heads: Layer,
    slab: Slab,
    /// The state of a connection that has seen nothing.
    rest: Aligned,
    /// Where a group's next states are made before they replace the old ones.
    next: Aligned,
}

impl Engine {
    /// An engine with no connections yet.
    ///
    /// # Errors
    /// If the weights do not fit their shape or are no sane numbers, or if the processor lacks the
    /// instructions that `dispatch` names.
    pub fn new(weights: &Weights<'_>, dispatch: Dispatch) -> Result<Self, EngineError> {
        weights.check()?;
        let level = dispatch.resolve().ok_or(EngineError::Instructions(dispatch))?;
        let shape = weights.shape;
        Ok(Self {
            shape,
            maths: Maths(level),
            recurrent: Recurrent::new(level, weights),
            heads: Layer::checked(level, shape.hidden, weights.head_weight, weights.head_bias),
            slab: Slab::new(shape.state()),
            rest: Aligned::zeroed(shape.state()),
            next: Aligned::zeroed(GROUP * shape.state()),
        })
    }

    /// The network's sizes.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Functions on the same instructions.
    #[must_use]
    pub const fn maths(&self) -> Maths {
        self.maths
    }

    /// Bytes that the states hold.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.slab.memory()
    }

    /// A connection begins in `slot`: its state is at rest. Allocates if no slot as high was used.
    pub fn begin(&mut self, slot: Slot) {
        self.slab.begin(slot);
    }

    /// Tells the processor that the slot's state will be needed soon. With many connections, a
    /// state comes from memory, which takes as long as a step.
    #[inline]
    pub fn prefetch(&self, slot: Slot) {
        if let Some(row) = self.slab.row(slot) {
            prefetch(row);
        }
    }

    /// The slot's state; at rest if the slot never began.
    #[inline]
    #[must_use]
    pub fn state(&self, slot: Slot) -> &[f32] {
        self.slab.row(slot).unwrap_or(&self.rest)
    }

    /// Replaces the slot's state, with that of a connection like it, say.
    ///
    /// # Panics
    /// If `state` does not have [`Shape::state`] floats.
    pub fn set_state(&mut self, slot: Slot, state: &[f32]) {
        assert_eq!(state.len(), self.shape.state(), "a state of another network");
        self.slab.make_room(slot);
        if let Some(row) = self.slab.row_mut(slot) {
            row.copy_from_slice(state);
        }
    }

    /// Copies the slot's state out, for packets that are only imagined.
    ///
    /// # Panics
    /// If `state` does not have [`Shape::state`] floats.
    pub fn copy_state(&self, slot: Slot, state: &mut [f32]) {
        state.copy_from_slice(self.state(slot));
    }

    /// What the slot's state says of the next packet: [`Shape::heads`] floats.
    ///
    /// # Panics
    /// If `out` is shorter.
    pub fn heads(&self, slot: Slot, out: &mut [f32]) {
        self.heads.apply(&[self.state(slot)], 0..self.heads.blocks(), out);
    }

    /// Some blocks of [`BLOCK`] outputs alone, for one head out of many.
    ///
    /// # Panics
    /// If the heads do not have all of `blocks` or `out` no room for them.
    pub fn heads_part(&self, slot: Slot, blocks: Range<usize>, out: &mut [f32]) {
        self.heads.apply(&[self.state(slot)], blocks, out);
    }

    /// The heads of several slots, [`Shape::heads`] floats each.
    ///
    /// # Panics
    /// If `out` is shorter.
    pub fn heads_batch(&self, slots: &[Slot], out: &mut [f32]) {
        let width = self.heads.outputs();
        for (i, group) in slots.chunks(GROUP).enumerate() {
            let mut rows: [&[f32]; GROUP] = [&[]; GROUP];
            for (row, &slot) in rows.iter_mut().zip(group) {
                *row = self.state(slot);
            }
            for &slot in slots.iter().skip((i + 1) * GROUP).take(GROUP) {
                self.prefetch(slot);
            }
            let rows = &rows[..group.len()];
            self.heads.apply(rows, 0..self.heads.blocks(), &mut out[i * GROUP * width..]);
        }
    }

    /// The heads of a state that stands in no slot.
    ///
    /// # Panics
    /// If `state` is shorter than [`Shape::state`], or `out` than [`Shape::heads`].
    pub fn heads_detached(&self, state: &[f32], out: &mut [f32]) {
        self.heads.apply(&[state], 0..self.heads.blocks(), out);
    }

    /// Moves the slot's state past a packet.
    ///
    /// `added` is put onto the sums of the gates: [`Cell::gates`] rows of hidden floats, in the
    /// order of the weights. That is how an embedding enters at the price of an addition: its
    /// product with `weight_ih` is made once, when the model is read. It may be empty.
    ///
    /// # Panics
    /// If `input` is shorter than the shape's inputs, or `added` has another length.
    pub fn step(&mut self, slot: Slot, input: &[f32], added: &[f32]) {
        self.step_batch(&[slot], input, added);
    }

    /// Moves several slots past a packet each. A slot may come more than once: its packets are then
    /// taken in order. What comes out does not depend on how packets are put into batches.
    ///
    /// `inputs` holds a row for each slot, and so does `added`, unless it is empty.
    ///
    /// # Panics
    /// If `inputs` is shorter than that, or `added` has another length.
    pub fn step_batch(&mut self, slots: &[Slot], inputs: &[f32], added: &[f32]) {
        let width = self.shape.state();
        let gates = self.shape.cell.gates() * self.shape.hidden;
        assert!(inputs.len() >= slots.len() * self.shape.inputs, "an input for each slot");
        assert!(added.is_empty() || added.len() == slots.len() * gates, "all rows or none");
        let mut done = 0;
        while done < slots.len() {
            let group = distinct(&slots[done..]);
            let n = group.len();
            for &slot in group {
                self.slab.make_room(slot);
            }
            for &slot in slots.iter().skip(done + n).take(GROUP) {
                self.prefetch(slot);
            }
            let mut states: [&[f32]; GROUP] = [&[]; GROUP];
            let mut rows: [&[f32]; GROUP] = [&[]; GROUP];
            let mut sums: [&[f32]; GROUP] = [&[]; GROUP];
            for (r, &slot) in group.iter().enumerate() {
                states[r] = self.slab.row(slot).unwrap_or(&self.rest);
                rows[r] = &inputs[(done + r) * self.shape.inputs..][..self.shape.inputs];
                if !added.is_empty() {
                    sums[r] = &added[(done + r) * gates..][..gates];
                }
            }
            let sums = if added.is_empty() { &[] } else { &sums[..n] };
            self.recurrent.step(&states[..n], &rows[..n], sums, &mut self.next[..n * width]);
            for (next, &slot) in self.next.chunks_exact(width).zip(group) {
                if let Some(row) = self.slab.row_mut(slot) {
                    row.copy_from_slice(next);
                }
            }
            done += n;
        }
    }

    /// Some blocks of the heads of a state that stands in no slot.
    ///
    /// # Panics
    /// If `state` is shorter than [`Shape::state`], the heads do not have all of `blocks`, or `out` no
    /// room for them.
    #[inline]
    pub fn heads_part_detached(&self, state: &[f32], blocks: Range<usize>, out: &mut [f32]) {
        self.heads.apply(&[state], blocks, out);
    }

    /// The step of a state that stands in no slot: from `state` to `next`.
    ///
    /// # Panics
    /// If `state` or `next` does not have [`Shape::state`] floats; otherwise as [`Self::step`].
    pub fn step_detached(&self, state: &[f32], input: &[f32], added: &[f32], next: &mut [f32]) {
        let gates = self.shape.cell.gates() * self.shape.hidden;
        assert!(state.len() == self.shape.state() && next.len() == state.len(), "a whole state");
        assert!(added.is_empty() || added.len() == gates, "a whole row or none");
        let input = &input[..self.shape.inputs];
        let added: &[&[f32]] = if added.is_empty() { &[] } else { &[added] };
        self.recurrent.step(&[state], &[input], added, next);
    }
}

/// As many of the first slots as a group takes, up to the first that comes a second time.
#[inline]
fn distinct(slots: &[Slot]) -> &[Slot] {
    let most = slots.len().min(GROUP);
    let mut n = 1.min(most);
    while n < most && !slots[..n].contains(&slots[n]) {
        n += 1;
    }
    &slots[..n]
}
