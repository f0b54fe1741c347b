//! The inner loop of both kernels, `dense` and `step`, for any set of vector instructions.
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

use super::vector::Vector;

/// Rows that are best taken at once, of `left`.
#[inline(always)]
pub(super) const fn rows_at_once(lanes: usize, left: usize) -> usize {
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
pub(super) unsafe fn accumulate<S: Vector, const R: usize, const T: usize, const G: usize>(
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
