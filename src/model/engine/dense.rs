//! The kernel of a dense layer.
#![allow(unsafe_code)]

use std::ops::Range;

use super::kernel::{accumulate, rows_at_once};
use super::packed::PackedLayer;
use super::vector::{Operation, Vector};
use super::weights::BLOCK;

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
