//! The kernel of a recurrent step.
#![allow(unsafe_code)]
// Indices over rows, tiles and gates are what the formula of `kernel` is written in.
#![allow(clippy::needless_range_loop)]

use std::mem::MaybeUninit;

use super::functions::{sigmoid, sigmoid_pair, tanh};
use super::kernel::{accumulate, rows_at_once};
use super::packed::{PackedCell, SUMS};
use super::vector::{Operation, Vector};
use super::weights::BLOCK;

/// One recurrent step of some rows.
pub(super) struct Step<'a> {
    pub(super) cell: &'a PackedCell,
    /// Each row's state.
    pub(super) states: &'a [&'a [f32]],
    /// Each row's input.
    pub(super) inputs: &'a [&'a [f32]],
    /// What each row adds to its gates' sums, gate by gate in PyTorch's order; or no rows at all.
    pub(super) added: &'a [&'a [f32]],
    /// For each row, its next state.
    pub(super) next: &'a mut [f32],
}

impl Operation for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vector>(self, s: S) {
        let shape = self.cell.shape;
        let (n, width) = (self.states.len(), shape.state());
        let gates = shape.cell.gates();
        assert!(self.inputs.len() == n && self.next.len() >= n * width);
        assert!(self.added.is_empty() || self.added.len() == n);
        assert!(self.states.iter().all(|state| state.len() >= width));
        assert!(self.inputs.iter().all(|input| input.len() >= shape.inputs));
        assert!(self.added.iter().all(|added| added.len() >= gates * shape.hidden));
        assert!(
            self.cell.weights.len() == gates * shape.hidden * (shape.hidden + shape.inputs)
                && self.cell.bias.len() == SUMS * shape.hidden
                && shape.hidden.is_multiple_of(BLOCK)
        );
        let mut step = self;
        let mut first = 0;
        while first < n {
            let taken = rows_at_once(S::LANES, n - first);
            // SAFETY: weights and rows were all seen above to have the cell's sizes, and rows
            // `first` to `first + taken` exist.
            unsafe {
                match gates {
                    3 => step_rows::<S, 3>(s, &mut step, first, taken),
                    _ => step_rows::<S, 4>(s, &mut step, first, taken),
                }
            }
            first += taken;
        }
    }
}

/// A few rows: with how many tiles at once depends on their number and the registers.
///
/// # Safety
/// The step's slices have the cell's sizes, the cell has G gates, and there are `taken` rows from
/// `first` on.
#[inline(always)]
unsafe fn step_rows<S: Vector, const G: usize>(
    s: S,
    step: &mut Step<'_>,
    first: usize,
    taken: usize,
) {
    // SAFETY: the same conditions, passed on.
    unsafe {
        match (S::LANES, taken) {
            (16, 6) => step_tiles::<S, G, 6, 1>(s, step, first),
            (16, 4) => step_tiles::<S, G, 4, 1>(s, step, first),
            (16, 3) => step_tiles::<S, G, 3, 2>(s, step, first),
            (16, 2) => step_tiles::<S, G, 2, 2>(s, step, first),
            (16, _) => step_tiles::<S, G, 1, 4>(s, step, first),
            (_, 3) => step_tiles::<S, G, 3, 1>(s, step, first),
            (_, 2) => step_tiles::<S, G, 2, 1>(s, step, first),
            _ => step_tiles::<S, G, 1, 2>(s, step, first),
        }
    }
}

/// All tiles of R rows, T at once.
///
/// # Safety
/// As [`step_rows`], for R rows.
#[inline(always)]
unsafe fn step_tiles<S: Vector, const G: usize, const R: usize, const T: usize>(
    s: S,
    step: &mut Step<'_>,
    first: usize,
) {
    let tiles = step.cell.shape.hidden / S::LANES;
    let mut tile = 0;
    // SAFETY: as many tiles are done as there are; the rest is passed on.
    unsafe {
        while tile + T <= tiles {
            step_block::<S, G, R, T>(s, step, first, tile);
            tile += T;
        }
        if T > 2 && tile + 2 <= tiles {
            step_block::<S, G, R, 2>(s, step, first, tile);
            tile += 2;
        }
        if T > 1 && tile < tiles {
            step_block::<S, G, R, 1>(s, step, first, tile);
        }
    }
}

/// The most registers of sums that a block has: R * T * SUMS.
const MOST: usize = 24;

/// T tiles of R rows.
///
/// # Safety
/// As [`step_rows`], for R rows; and the cell has T tiles from `tile` on.
#[inline(always)]
unsafe fn step_block<S: Vector, const G: usize, const R: usize, const T: usize>(
    s: S,
    step: &mut Step<'_>,
    first: usize,
    tile: usize,
) {
    // Not a `const` assertion: arms that no set of registers takes are compiled all the same.
    assert!(R * T * SUMS <= MOST);
    let shape = step.cell.shape;
    let (hidden, width) = (shape.hidden, shape.state());
    let stride = G * (hidden + shape.inputs) * S::LANES;
    let mut states = [std::ptr::null(); R];
    let mut inputs = [std::ptr::null(); R];
    for r in 0..R {
        states[r] = step.states[first + r].as_ptr();
        inputs[r] = step.inputs[first + r].as_ptr();
    }
    let mut parked = MaybeUninit::<[[f32; BLOCK]; MOST]>::uninit();
    let parked = parked.as_mut_ptr().cast::<f32>();
    let mut sums = [[[s.splat(0.0); G]; T]; R];
    // SAFETY: T tiles of weights and biases from `tile` on, and R rows from `first` on, are what
    // the caller vouches for; `parked` has room for R * T * SUMS registers, and of these every one
    // that is read below was written before.
    unsafe {
        let bias = step.cell.bias.as_ptr().add(tile * SUMS * S::LANES);
        let weights = step.cell.weights.as_ptr().add(tile * stride);
        for sums in &mut sums {
            for (t, sums) in sums.iter_mut().enumerate() {
                for (g, sum) in sums.iter_mut().enumerate() {
                    *sum = s.load(bias.add((t * SUMS + g) * S::LANES));
                }
            }
        }
        sums = accumulate(s, sums, weights, stride, states, hidden);
        if G == 3 {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (t, sums) in sums.iter_mut().enumerate() {
                    s.store(parked.add(((r * T + t) * SUMS + 2) * S::LANES), sums[2]);
                    sums[2] = s.load(bias.add((t * SUMS + 3) * S::LANES));
                }
            }
        }
        let weights = weights.add(G * hidden * S::LANES);
        sums = accumulate(s, sums, weights, stride, inputs, shape.inputs);
        for (r, sums) in sums.iter().enumerate() {
            for (t, sums) in sums.iter().enumerate() {
                for (g, &sum) in sums.iter().enumerate() {
                    let g = if G == 3 && g == 2 { 3 } else { g };
                    s.store(parked.add(((r * T + t) * SUMS + g) * S::LANES), sum);
                }
            }
        }
        for r in 0..R {
            for t in 0..T {
                let unit = (tile + t) * S::LANES;
                let at = parked.add((r * T + t) * SUMS * S::LANES);
                let mut sums = [s.splat(0.0); SUMS];
                for (g, sum) in sums.iter_mut().enumerate() {
                    *sum = s.load(at.add(g * S::LANES));
                }
                if let Some(added) = step.added.get(first + r) {
                    for g in 0..G {
                        let sum = if G == 3 && g == 2 { 3 } else { g };
                        let row = s.load(added.as_ptr().add(g * hidden + unit));
                        sums[sum] = s.add(sums[sum], row);
                    }
                }
                let old = states[r].add(unit);
                let new = step.next.as_mut_ptr().add((first + r) * width + unit);
                if G == 3 {
                    let [r, z, candidate_h, candidate_x] = sums;
                    let (r, z) = sigmoid_pair(s, r, z);
                    let n = tanh(s, s.mul_add(r, candidate_h, candidate_x));
                    s.store(new, s.mul_add(z, s.sub(s.load(old), n), n));
                } else {
                    let [i, f, g, o] = sums;
                    let (i, f) = sigmoid_pair(s, i, f);
                    let c = s.mul(i, tanh(s, g));
                    let c = s.mul_add(f, s.load(old.add(hidden)), c);
                    s.store(new.add(hidden), c);
                    s.store(new, s.mul(sigmoid(s, o), tanh(s, c)));
                }
            }
        }
    }
}
