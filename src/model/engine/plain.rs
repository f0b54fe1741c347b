//! The truth: the network in plain Rust, one output after another.
//!
//! Every sum begins with the bias and adds the products in the order of their index, each with one
//! rounding ([`f32::mul_add`]); every function below is a fixed string of correctly rounded IEEE
//! operations. The vector engines do the same operations in the same order, sixteen outputs
//! abreast, so that their results are not near these but equal to them, bit for bit. That is why
//! nothing here calls the system's `expf`: it differs from machine to machine.
//!
//! It is the engine of processors without AVX2. `mul_add` is an instruction on every 64-bit ARM,
//! where the compiler makes vectors of these loops; on x86-64 it is a call, and slow.

use super::weights::{Cell, MAX_HIDDEN, Shape, Weights};

/// A dense layer's weights, transposed: for each input the weights towards all outputs.
#[derive(Clone)]
pub(super) struct Dense {
    outputs: usize,
    weights: Vec<f32>,
}

impl Dense {
    /// Takes the `rows` (each of `inputs` weights) of a matrix in PyTorch's order.
    pub(super) fn new(matrix: &[f32], inputs: usize) -> Self {
        let outputs = matrix.len() / inputs;
        let weights =
            (0..inputs).flat_map(|k| (0..outputs).map(move |j| matrix[j * inputs + k])).collect();
        Self { outputs, weights }
    }

    /// Adds the layer's answer to `inputs` onto `sums`.
    pub(super) fn accumulate(&self, inputs: &[f32], sums: &mut [f32]) {
        for (weights, &input) in self.weights.chunks_exact(self.outputs).zip(inputs) {
            for (sum, &weight) in sums.iter_mut().zip(weights) {
                *sum = weight.mul_add(input, *sum);
            }
        }
    }
}

/// A recurrent cell.
#[derive(Clone)]
pub(super) struct Recurrent {
    shape: Shape,
    /// From h and from the input to the gates; of a GRU to r and z only.
    gates_h: Dense,
    gates_x: Dense,
    gates_bias: Vec<f32>,
    /// From h and from the input to the GRU's candidate n, which the reset gate keeps apart.
    candidate_h: Dense,
    candidate_x: Dense,
    candidate_bias_h: Vec<f32>,
    candidate_bias_x: Vec<f32>,
}

impl Recurrent {
    /// Takes the recurrent part of checked weights.
    pub(super) fn new(weights: &Weights<'_>) -> Self {
        let Shape { cell, hidden, inputs, .. } = weights.shape;
        let gates = match cell {
            Cell::Gru => 2 * hidden,
            Cell::Lstm => 4 * hidden,
        };
        let (gates_h, candidate_h) = weights.weight_hh.split_at(gates * hidden);
        let (gates_x, candidate_x) = weights.weight_ih.split_at(gates * inputs);
        let (bias_h, candidate_bias_h) = weights.bias_hh.split_at(gates);
        let (bias_x, candidate_bias_x) = weights.bias_ih.split_at(gates);
        Self {
            shape: weights.shape,
            gates_h: Dense::new(gates_h, hidden),
            gates_x: Dense::new(gates_x, inputs),
            gates_bias: bias_x.iter().zip(bias_h).map(|(x, h)| x + h).collect(),
            candidate_h: Dense::new(candidate_h, hidden),
            candidate_x: Dense::new(candidate_x, inputs),
            candidate_bias_h: candidate_bias_h.to_vec(),
            candidate_bias_x: candidate_bias_x.to_vec(),
        }
    }

    /// One packet: from `state` and its `input` to `next`. `added` is put onto the gates' sums, in
    /// PyTorch's order of gates; it may be empty.
    pub(super) fn step(&self, state: &[f32], input: &[f32], added: &[f32], next: &mut [f32]) {
        match self.shape.cell {
            Cell::Gru => self.step_gru(state, input, added, next),
            Cell::Lstm => self.step_lstm(state, input, added, next),
        }
    }

    fn step_gru(&self, h: &[f32], input: &[f32], added: &[f32], next: &mut [f32]) {
        let hidden = self.shape.hidden;
        let mut gates = [0.0; 2 * MAX_HIDDEN];
        let gates = &mut gates[..2 * hidden];
        gates.copy_from_slice(&self.gates_bias);
        self.gates_h.accumulate(h, gates);
        self.gates_x.accumulate(input, gates);

        let mut candidate_h = [0.0; MAX_HIDDEN];
        let candidate_h = &mut candidate_h[..hidden];
        candidate_h.copy_from_slice(&self.candidate_bias_h);
        self.candidate_h.accumulate(h, candidate_h);

        let mut candidate_x = [0.0; MAX_HIDDEN];
        let candidate_x = &mut candidate_x[..hidden];
        candidate_x.copy_from_slice(&self.candidate_bias_x);
        self.candidate_x.accumulate(input, candidate_x);

        if !added.is_empty() {
            add(gates, &added[..2 * hidden]);
            add(candidate_x, &added[2 * hidden..]);
        }
        for j in 0..hidden {
            let (r, z) = sigmoid_pair(gates[j], gates[hidden + j]);
            let n = tanh(r.mul_add(candidate_h[j], candidate_x[j]));
            next[j] = z.mul_add(h[j] - n, n);
        }
    }

    fn step_lstm(&self, state: &[f32], input: &[f32], added: &[f32], next: &mut [f32]) {
        let hidden = self.shape.hidden;
        let (h, c) = state.split_at(hidden);
        let (next_h, next_c) = next.split_at_mut(hidden);
        let mut gates = [0.0; 4 * MAX_HIDDEN];
        let gates = &mut gates[..4 * hidden];
        gates.copy_from_slice(&self.gates_bias);
        self.gates_h.accumulate(h, gates);
        self.gates_x.accumulate(input, gates);
        if !added.is_empty() {
            add(gates, added);
        }
        for j in 0..hidden {
            let (i, f) = sigmoid_pair(gates[j], gates[hidden + j]);
            let g = tanh(gates[2 * hidden + j]);
            next_c[j] = f.mul_add(c[j], i * g);
            next_h[j] = sigmoid(gates[3 * hidden + j]) * tanh(next_c[j]);
        }
    }
}

/// [`super::Maths::sum_rows`].
pub(super) fn sum_rows(sums: &mut [f32], rows: &[&[f32]]) {
    let [first, rest @ ..] = rows else { return };
    let len = rows.iter().fold(sums.len(), |len, row| len.min(row.len()));
    sums[..len].copy_from_slice(&first[..len]);
    for row in rest {
        add(sums, row);
    }
}

/// Adds `row` onto `sums`.
pub(super) fn add(sums: &mut [f32], row: &[f32]) {
    for (sum, &value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}

/// The furthest from 0 that [`exp`] looks: e^±87 are the last normal numbers.
pub(super) const EXP_LIMIT: f32 = 87.0;
/// ln 2 as a short number, exact times any exponent, and the rest; after Cephes.
pub(super) const LN2_HIGH: f32 = 0.693_359_4;
/// What is missing from [`LN2_HIGH`].
pub(super) const LN2_LOW: f32 = -2.121_944_4e-4;
/// The polynomial of e^f - 1 - f over f², |f| <= ln 2 / 2, highest power first; after Cephes.
pub(super) const EXP: [f32; 6] =
    [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5];

/// Added to a number from -126 to 127, this rounds it to an integer (floats of this size have no
/// fraction) and leaves that integer in the lowest bits, biased as the exponent of a float is.
pub(super) const ROUND: f32 = 12_582_912.0 + 127.0;

/// e^x: relative error below 2e-7 for |x| <= 87, beyond which (and for NaN) x counts as ±87.
pub(super) fn exp(x: f32) -> f32 {
    exp_near(within(x, EXP_LIMIT))
}

/// [`exp`] of what is known to be within its limit.
fn exp_near(x: f32) -> f32 {
    let rounded = x.mul_add(std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let f = n.mul_add(-LN2_LOW, n.mul_add(-LN2_HIGH, x));
    let tail = EXP[1..].iter().fold(EXP[0], |sum, &c| sum.mul_add(f, c));
    let scale = f32::from_bits(rounded.to_bits() << 23);
    (tail.mul_add(f * f, f) + 1.0) * scale
}

/// The nearest number to x from -`limit` to `limit`. Written out, because what is no number becomes
/// -`limit` here, as vector instructions have it, and stays what it is with [`f32::clamp`].
fn within(x: f32, limit: f32) -> f32 {
    let x = if x > -limit { x } else { -limit };
    if x < limit { x } else { limit }
}

/// The logistic function: absolute error below 2e-7.
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(0.0 - x))
}

/// Beyond this a sigmoid is 0 or 1 to single precision, and below it the product of two
/// denominators stays finite.
pub(super) const SIGMOID_LIMIT: f32 = 40.0;

/// Two logistic functions for one division, the dearest instruction of a step.
pub(super) fn sigmoid_pair(a: f32, b: f32) -> (f32, f32) {
    let one_over = |x: f32| 1.0 + exp_near(0.0 - within(x, SIGMOID_LIMIT));
    let (a, b) = (one_over(a), one_over(b));
    let inverse = 1.0 / (a * b);
    (b * inverse, a * inverse)
}

/// Beyond this the hyperbolic tangent is ±1 to single precision.
pub(super) const TANH_LIMIT: f32 = 20.0;

/// The hyperbolic tangent: absolute error below 3e-7 (relative error is not kept near 0).
pub(super) fn tanh(x: f32) -> f32 {
    let x = within(x, TANH_LIMIT);
    1.0 - 2.0 / (exp_near(x + x) + 1.0)
}

/// The polynomial of ln(1 + m) over m³, highest power first; after Cephes.
pub(super) const LN: [f32; 9] = [
    7.037_683_6e-2,
    -1.151_461e-1,
    1.167_699_9e-1,
    -1.242_014_1e-1,
    1.424_932_3e-1,
    -1.666_805_8e-1,
    2.000_071_5e-1,
    -2.499_999_4e-1,
    3.333_333e-1,
];

/// The natural logarithm: error below 2e-7 absolute or relative, whichever is larger. What is not
/// above the smallest normal number (and NaN) counts as that.
pub(super) fn ln(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let mut exponent = ((bits >> 23) as i32 - 126) as f32;
    let mut m = f32::from_bits(bits & 0x007f_ffff | 0x3f00_0000);
    if m < std::f32::consts::FRAC_1_SQRT_2 {
        exponent -= 1.0;
        m += m;
    }
    m -= 1.0;
    let square = m * m;
    let tail = LN[1..].iter().fold(LN[0], |sum, &c| sum.mul_add(m, c));
    let tail = exponent.mul_add(LN2_LOW, tail * m * square);
    let tail = square.mul_add(-0.5, tail);
    exponent.mul_add(LN2_HIGH, m + tail)
}

/// The value or 0, whichever is larger.
pub(super) fn rectify(x: f32) -> f32 {
    // Not `max`, which leaves open whether -0 or 0 is the larger.
    if x > 0.0 { x } else { 0.0 }
}

/// ln of the sum of e^value, without overflow; minus infinity of nothing.
pub(super) fn log_sum_exp(values: &[f32]) -> f32 {
    let largest = largest(values);
    largest + ln(exp_sum(values, largest))
}

/// The largest of `values`.
pub(super) fn largest(values: &[f32]) -> f32 {
    values.iter().fold(f32::NEG_INFINITY, |largest, &value| value.max(largest))
}

/// The sum of e^(value - `shift`): sixteen sums abreast, folded in halves at the end, which is how
/// wide vectors must do it.
pub(super) fn exp_sum(values: &[f32], shift: f32) -> f32 {
    let mut sums = [0.0; 16];
    for block in values.chunks(16) {
        for (value, sum) in block.iter().zip(&mut sums) {
            *sum += exp(value - shift);
        }
    }
    fold(sums)
}

/// The sum of sixteen sums.
fn fold(mut sums: [f32; 16]) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
    }
    sums[0]
}
