//! The two kernels, for any set of vector instructions: a dense layer and a recurrent step.
//!
//! Both come down to [`accumulate`]: R rows (connections) times T tiles (of a register's width of
//! outputs) times G gates of sums, all in registers, while k walks the inputs:
//!
//! ```text
//! for k: for t: for r: for g:  sum[r][t][g] += weights[t][k][g] * row[r][k]
//! ```
//!
//! Each weight that is loaded serves R rows, each number of a row T*G registers. The sums of one
//! output never meet those of another, and k runs in order, so an output's value depends neither on
//! the width of the registers nor on what else is in the batch: all variants give the same bits.
//!
//! R and T are chosen so that the sums fit the registers (32 with AVX-512, 16 with AVX2) and are
//! enough of them, eight or more, to hide the four cycles that a fused multiply-add takes.
//!
//! Sums leave the registers through memory before anything else is done with them: an epilogue in a
//! loop over the array of sums would keep that array on the stack, and every multiply-add of the
//! inner loop would then end in a store (measured: 1.8 times slower). After a change here, look for
//! `(%rsp)` in the inner loops.
#![allow(unsafe_code)]
// Indices over rows, tiles and gates are what the formula above is written in.
#![allow(clippy::needless_range_loop)]

use std::mem::MaybeUninit;
use std::ops::Range;

use super::functions::{sigmoid, sigmoid_pair, tanh};
use super::packed::{PackedCell, PackedLayer, SUMS};
use super::vector::{Operation, Vector};
use super::weights::BLOCK;

/// Rows that are best taken at once, of `left`.
#[inline(always)]
const fn rows_at_once(lanes: usize, left: usize) -> usize {
    match (lanes, left) {
        (16, 6..) => 6,
        (16, 4) => 4,
        (_, 3..) => 3,
        _ => left,
    }
}

/// Adds the products of `n` inputs of each row with `weights` to the sums.
///
/// # Safety
/// Each of `rows` is readable for `n` floats; `weights` is readable for `n * G * LANES` floats at
/// each of T places `stride` floats apart.
#[inline(always)]
unsafe fn accumulate<S: Vector, const R: usize, const T: usize, const G: usize>(
    s: S,
    mut sums: [[[S::V; G]; T]; R],
    weights: *const f32,
    stride: usize,
    rows: [*const f32; R],
    n: usize,
) -> [[[S::V; G]; T]; R] {
    for k in 0..n {
        for t in 0..T {
            let mut gates = [s.splat(0.0); G];
            for (g, gate) in gates.iter_mut().enumerate() {
                // SAFETY: t < T and k < n, so the register lies in what the caller made readable.
                *gate = unsafe { s.load(weights.add(t * stride + (k * G + g) * S::LANES)) };
            }
            for r in 0..R {
                // SAFETY: k < n, for which the caller made each row readable.
                let input = s.splat(unsafe { *rows[r].add(k) });
                for g in 0..G {
                    sums[r][t][g] = s.mul_add(gates[g], input, sums[r][t][g]);
                }
            }
        }
    }
    sums
}

/// Blocks of a dense layer's outputs for some rows of inputs.
pub(super) struct Dense<'a> {
    pub(super) layer: &'a PackedLayer,
    /// Rows, each of at least the layer's inputs.
    pub(super) rows: &'a [&'a [f32]],
    /// Which blocks of [`BLOCK`] outputs.
    pub(super) blocks: Range<usize>,
    /// For each row, that many blocks.
    pub(super) out: &'a mut [f32],
}

impl Operation for Dense<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vector>(self, s: S) {
        let Dense { layer, rows, blocks, out } = self;
        let width = blocks.len() * BLOCK;
        assert!(blocks.end <= layer.outputs / BLOCK && out.len() >= rows.len() * width);
        assert!(layer.weights.len() == layer.outputs * layer.inputs);
        assert!(layer.bias.len() == layer.outputs);
        let mut done = 0;
        while done < rows.len() {
            let taken = rows_at_once(S::LANES, rows.len() - done);
            let inputs = &rows[done..done + taken];
            let tiles = blocks.start * BLOCK / S::LANES..blocks.end * BLOCK / S::LANES;
            let out = &mut out[done * width..(done + taken) * width];
            // SAFETY: the weights, biases and outputs of all blocks are there, as was seen above.
            unsafe {
                match taken {
                    6 => dense_rows::<S, 6, 4>(s, layer, inputs, tiles, out),
                    4 => dense_rows::<S, 4, 4>(s, layer, inputs, tiles, out),
                    3 => dense_rows::<S, 3, 4>(s, layer, inputs, tiles, out),
                    2 => dense_rows::<S, 2, 4>(s, layer, inputs, tiles, out),
                    _ => dense_rows::<S, 1, 8>(s, layer, inputs, tiles, out),
                }
            }
            done += taken;
        }
    }
}

/// The tiles of R rows, up to T at once.
///
/// # Safety
/// `tiles` are tiles of the layer, and `out` has room for them in R rows.
#[inline(always)]
unsafe fn dense_rows<S: Vector, const R: usize, const T: usize>(
    s: S,
    layer: &PackedLayer,
    rows: &[&[f32]],
    tiles: Range<usize>,
    out: &mut [f32],
) {
    let mut inputs = [std::ptr::null(); R];
    for (input, row) in inputs.iter_mut().zip(rows) {
        assert!(row.len() >= layer.inputs);
        *input = row.as_ptr();
    }
    assert!(rows.len() == R);
    let mut out = out.as_mut_ptr();
    let width = tiles.len() * S::LANES;
    let mut tile = tiles.start;
    while tile < tiles.end {
        let left = tiles.end - tile;
        // SAFETY: as many tiles are done as are left, and `out` moves with them; every row was
        // seen to have the layer's inputs.
        unsafe {
            let taken = if T >= 8 && left >= 8 {
                dense_tiles::<S, R, 8>(s, layer, inputs, tile, out, width)
            } else if left >= 4 {
                dense_tiles::<S, R, 4>(s, layer, inputs, tile, out, width)
            } else if left >= 2 {
                dense_tiles::<S, R, 2>(s, layer, inputs, tile, out, width)
            } else {
                dense_tiles::<S, R, 1>(s, layer, inputs, tile, out, width)
            };
            out = out.add(taken * S::LANES);
            tile += taken;
        }
    }
}

/// T tiles of R rows; answers T.
///
/// # Safety
/// The layer has T tiles from `tile` on; each of `rows` is readable for the layer's inputs; `out` is
/// writable for T tiles at each of R places `width` floats apart.
#[inline(always)]
unsafe fn dense_tiles<S: Vector, const R: usize, const T: usize>(
    s: S,
    layer: &PackedLayer,
    rows: [*const f32; R],
    tile: usize,
    out: *mut f32,
    width: usize,
) -> usize {
    let stride = layer.inputs * S::LANES;
    let mut sums = [[[s.splat(0.0); 1]; T]; R];
    // SAFETY: the weights and biases of T tiles from `tile` on, the rows and the places in `out`
    // are what the caller vouches for.
    unsafe {
        let bias = layer.bias.as_ptr().add(tile * S::LANES);
        for sums in &mut sums {
            for (t, sum) in sums.iter_mut().enumerate() {
                sum[0] = s.load(bias.add(t * S::LANES));
            }
        }
        let weights = layer.weights.as_ptr().add(tile * stride);
        sums = accumulate(s, sums, weights, stride, rows, layer.inputs);
        for (r, sums) in sums.iter().enumerate() {
            for (t, sum) in sums.iter().enumerate() {
                s.store(out.add(r * width + t * S::LANES), sum[0]);
            }
        }
    }
    T
}

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
