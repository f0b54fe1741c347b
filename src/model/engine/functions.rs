//! The functions of `plain.rs` on vectors: the same operations in the same order, lane by lane.

use std::f32::consts::{FRAC_1_SQRT_2, LOG2_E};
use std::ops::Range;

use super::plain::{self, EXP, EXP_LIMIT, LN, LN2_HIGH, LN2_LOW, ROUND, SIGMOID_LIMIT, TANH_LIMIT};
use super::vector::{Operation, Vector};

/// [`plain::exp`].
#[inline(always)]
pub(super) fn exp<S: Vector>(s: S, x: S::V) -> S::V {
    exp_near(s, clamp(s, x, EXP_LIMIT))
}

/// The same of what is known to be within its limit.
#[inline(always)]
fn exp_near<S: Vector>(s: S, x: S::V) -> S::V {
    let rounded = s.mul_add(x, s.splat(LOG2_E), s.splat(ROUND));
    let n = s.sub(rounded, s.splat(ROUND));
    let f = s.mul_add(n, s.splat(-LN2_HIGH), x);
    let f = s.mul_add(n, s.splat(-LN2_LOW), f);
    let mut tail = s.splat(EXP[0]);
    for &c in &EXP[1..] {
        tail = s.mul_add(tail, f, s.splat(c));
    }
    let sum = s.add(s.mul_add(tail, s.mul(f, f), f), s.splat(1.0));
    s.mul(sum, s.low_bits_as_exponent(rounded))
}

/// [`plain::sigmoid`].
#[inline(always)]
pub(super) fn sigmoid<S: Vector>(s: S, x: S::V) -> S::V {
    let one = s.splat(1.0);
    s.div(one, s.add(one, exp(s, s.sub(s.splat(0.0), x))))
}

/// [`plain::sigmoid_pair`].
#[inline(always)]
pub(super) fn sigmoid_pair<S: Vector>(s: S, a: S::V, b: S::V) -> (S::V, S::V) {
    let (zero, one) = (s.splat(0.0), s.splat(1.0));
    let a = s.add(one, exp_near(s, s.sub(zero, clamp(s, a, SIGMOID_LIMIT))));
    let b = s.add(one, exp_near(s, s.sub(zero, clamp(s, b, SIGMOID_LIMIT))));
    let inverse = s.div(one, s.mul(a, b));
    (s.mul(b, inverse), s.mul(a, inverse))
}

/// [`plain::tanh`].
#[inline(always)]
pub(super) fn tanh<S: Vector>(s: S, x: S::V) -> S::V {
    let x = clamp(s, x, TANH_LIMIT);
    let one = s.splat(1.0);
    let e = exp_near(s, s.add(x, x));
    s.sub(one, s.div(s.splat(2.0), s.add(e, one)))
}

/// [`plain::ln`].
#[inline(always)]
pub(super) fn ln<S: Vector>(s: S, x: S::V) -> S::V {
    let x = s.max(x, s.splat(f32::MIN_POSITIVE));
    let (exponent, m) = (s.exponent(x), s.mantissa(x));
    let (one, half) = (s.splat(1.0), s.splat(FRAC_1_SQRT_2));
    let exponent = s.if_less(m, half, s.sub(exponent, one), exponent);
    let m = s.sub(s.if_less(m, half, s.add(m, m), m), one);
    let square = s.mul(m, m);
    let mut tail = s.splat(LN[0]);
    for &c in &LN[1..] {
        tail = s.mul_add(tail, m, s.splat(c));
    }
    let tail = s.mul_add(exponent, s.splat(LN2_LOW), s.mul(s.mul(tail, m), square));
    let tail = s.mul_add(square, s.splat(-0.5), tail);
    s.mul_add(exponent, s.splat(LN2_HIGH), s.add(m, tail))
}

#[inline(always)]
fn clamp<S: Vector>(s: S, x: S::V, limit: f32) -> S::V {
    s.min(s.max(x, s.splat(-limit)), s.splat(limit))
}

/// A function that is put on every value of a slice.
pub(super) trait Function {
    /// Its value at `x`, lane by lane.
    fn at<S: Vector>(&self, s: S, x: S::V) -> S::V;
}

/// Writes the types that stand for functions.
macro_rules! functions {
    ($($name:ident = $function:ident;)*) => {$(
        pub(super) struct $name;
        impl Function for $name {
            #[inline(always)]
            fn at<S: Vector>(&self, s: S, x: S::V) -> S::V {
                $function(s, x)
            }
        }
    )*};
}
functions! {
    Exp = exp;
    Ln = ln;
    Tanh = tanh;
    Sigmoid = sigmoid;
}

/// e to the power of the value less this.
pub(super) struct ExpFrom(pub(super) f32);

impl Function for ExpFrom {
    #[inline(always)]
    fn at<S: Vector>(&self, s: S, x: S::V) -> S::V {
        exp(s, s.sub(x, s.splat(self.0)))
    }
}

/// What is above 0.
pub(super) struct Rectify;

impl Function for Rectify {
    #[inline(always)]
    fn at<S: Vector>(&self, s: S, x: S::V) -> S::V {
        s.max(x, s.splat(0.0))
    }
}

/// Puts a [`Function`] on each of `values`.
pub(super) struct Map<'a, F> {
    pub(super) values: &'a mut [f32],
    pub(super) function: F,
}

impl<F: Function> Operation for Map<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vector>(self, s: S) {
        let mut blocks = self.values.chunks_exact_mut(S::LANES);
        for block in &mut blocks {
            s.write(block, self.function.at(s, s.read(block)));
        }
        let rest = blocks.into_remainder();
        if !rest.is_empty() {
            let mut last = [0.0; 16];
            last[..rest.len()].copy_from_slice(rest);
            let value = self.function.at(s, s.read(&last));
            s.write(&mut last, value);
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }
}

/// [`plain::add`].
pub(super) struct Add<'a> {
    pub(super) sums: &'a mut [f32],
    pub(super) row: &'a [f32],
}

impl Operation for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vector>(self, s: S) {
        let whole = self.sums.len().min(self.row.len()) / S::LANES * S::LANES;
        let (sums, last_sums) = self.sums.split_at_mut(whole);
        let (row, last_row) = self.row.split_at(whole);
        for (sums, row) in sums.chunks_exact_mut(S::LANES).zip(row.chunks_exact(S::LANES)) {
            let sum = s.add(s.read(sums), s.read(row));
            s.write(sums, sum);
        }
        plain::add(last_sums, last_row);
    }
}

/// [`plain::sum_rows`].
pub(super) struct SumRows<'a> {
    pub(super) sums: &'a mut [f32],
    pub(super) rows: &'a [&'a [f32]],
}

impl Operation for SumRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vector>(self, s: S) {
        let [first, rest @ ..] = self.rows else { return };
        let len = self.rows.iter().fold(self.sums.len(), |len, row| len.min(row.len()));
        self.sums[..len].copy_from_slice(&first[..len]);
        for row in rest {
            Add { sums: self.sums, row }.run(s);
        }
    }
}

/// [`plain::log_sum_exp`] of several parts of the values. The logarithm is taken of sixteen parts at
/// once, and nothing in one part waits for another.
pub(super) struct LogSumExps<'a> {
    pub(super) values: &'a [f32],
    pub(super) parts: &'a [Range<usize>],
    pub(super) out: &'a mut [f32],
}

impl Operation for LogSumExps<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Vector>(self, s: S) {
        for (parts, out) in self.parts.chunks(16).zip(self.out.chunks_mut(16)) {
            let mut shifts = [0.0; 16];
            let mut sums = [1.0; 16];
            for (i, part) in parts.iter().enumerate() {
                let values = &self.values[part.clone()];
                shifts[i] = largest(s, values);
                sums[i] = exp_sum(s, values, shifts[i]);
            }
            for (sums, shifts) in sums.chunks_exact_mut(S::LANES).zip(shifts.chunks_exact(S::LANES))
            {
                let logarithm = s.add(s.read(shifts), ln(s, s.read(sums)));
                s.write(sums, logarithm);
            }
            out.copy_from_slice(&sums[..out.len()]);
        }
    }
}

/// [`plain::largest`].
#[inline(always)]
fn largest<S: Vector>(s: S, values: &[f32]) -> f32 {
    let mut largest = s.splat(f32::NEG_INFINITY);
    let blocks = values.chunks_exact(S::LANES);
    let rest = blocks.remainder();
    for block in blocks {
        largest = s.max(s.read(block), largest);
    }
    if !rest.is_empty() {
        largest = s.max(s.read(&padded(rest)), largest);
    }
    s.fold_max(largest)
}

/// [`plain::exp_sum`].
#[inline(always)]
fn exp_sum<S: Vector>(s: S, values: &[f32], shift: f32) -> f32 {
    let shifted = ExpFrom(shift);
    // Sixteen sums: one register of sixteen lanes or two of eight.
    let mut sums = [s.splat(0.0); 2];
    let blocks = values.chunks_exact(16);
    let rest = blocks.remainder();
    for block in blocks {
        for (part, sum) in block.chunks_exact(S::LANES).zip(&mut sums) {
            *sum = s.add(*sum, shifted.at(s, s.read(part)));
        }
    }
    if !rest.is_empty() {
        for (part, sum) in padded(rest).chunks_exact(S::LANES).zip(&mut sums) {
            *sum = s.add(*sum, shifted.at(s, s.read(part)));
        }
    }
    if S::LANES == 8 {
        sums[0] = s.add(sums[0], sums[1]);
    }
    s.fold_sum(sums[0])
}

/// What is left over of a slice, filled up with what [`exp`] makes 1.6e-38 of: nothing, beside the 1
/// that the largest value has become.
#[inline(always)]
fn padded(rest: &[f32]) -> [f32; 16] {
    let mut block = [f32::NEG_INFINITY; 16];
    block[..rest.len()].copy_from_slice(rest);
    block
}
