//! Functions on slices for what the heads do with their sums, on the engine's instructions.
//!
//! Every function gives the same bits whichever instructions it uses. Errors are against the exact
//! function, measured by the tests below.

use std::ops::Range;

use super::{Instructions, Level, plain};
#[cfg(target_arch = "x86_64")]
use super::{
    functions::{Add, Exp, ExpFrom, Ln, LogSumExps, Map, Rectify, Sigmoid, SumRows, Tanh},
    vector::Vector,
};

/// Functions on slices.
#[derive(Clone, Copy)]
pub struct Maths(pub(super) Level);

/// Does the plain thing or the operation, whichever the processor is for.
macro_rules! either {
    ($maths:expr, $plain:expr, $operation:expr) => {
        match $maths.0 {
            Level::Plain => $plain,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(token) => token.call($operation),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(token) => token.call($operation),
        }
    };
}

impl Maths {
    /// Functions on these instructions; `None` if the processor lacks them.
    #[must_use]
    pub fn new(dispatch: super::Dispatch) -> Option<Self> {
        dispatch.resolve().map(Self)
    }

    /// These instructions, for work of one's own.
    pub(in crate::model) const fn instructions(self) -> Instructions {
        Instructions(self.0)
    }

    /// e^x of each: relative error below 2e-7; beyond ±87 x counts as ±87.
    pub fn exp(self, values: &mut [f32]) {
        either!(self, each(values, plain::exp), Map { values, function: Exp });
    }

    /// The natural logarithm of each: error below 2e-7, absolute near 1 and relative elsewhere.
    /// What is not above the smallest normal number counts as that.
    pub fn ln(self, values: &mut [f32]) {
        either!(self, each(values, plain::ln), Map { values, function: Ln });
    }

    /// The hyperbolic tangent of each: absolute error below 3e-7.
    pub fn tanh(self, values: &mut [f32]) {
        either!(self, each(values, plain::tanh), Map { values, function: Tanh });
    }

    /// The logistic function of each: absolute error below 2e-7.
    pub fn sigmoid(self, values: &mut [f32]) {
        either!(self, each(values, plain::sigmoid), Map { values, function: Sigmoid });
    }

    /// Each value or 0, whichever is larger.
    pub fn rectify(self, values: &mut [f32]) {
        either!(self, each(values, plain::rectify), Map { values, function: Rectify });
    }

    /// Adds `row` onto `sums`, as far as the shorter of them goes.
    pub fn add(self, sums: &mut [f32], row: &[f32]) {
        either!(self, plain::add(sums, row), Add { sums, row });
    }

    /// Makes `sums` the sum of some rows as long as itself, added in their order; nothing if there are
    /// none.
    pub fn sum_rows(self, sums: &mut [f32], rows: &[&[f32]]) {
        either!(self, plain::sum_rows(sums, rows), SumRows { sums, rows });
    }

    /// ln of the sum of e^value: error below 1e-6, absolute or relative, up to 1,024 values.
    /// Minus infinity may stand for what can't be; the answer to no values is minus infinity.
    #[must_use]
    pub fn log_sum_exp(self, values: &[f32]) -> f32 {
        let mut out = [0.0];
        self.log_sum_exps(values, std::slice::from_ref(&(0..values.len())), &mut out);
        out[0]
    }

    /// [`Self::log_sum_exp`] of several parts of `values`, in much less time than one by one.
    ///
    /// # Panics
    /// If there are not as many places in `out` as `parts`, or a part is none of `values`.
    pub fn log_sum_exps(self, values: &[f32], parts: &[Range<usize>], out: &mut [f32]) {
        assert_eq!(parts.len(), out.len(), "a place for each part");
        either!(
            self,
            for (part, out) in parts.iter().zip(out) {
                *out = plain::log_sum_exp(&values[part.clone()]);
            },
            LogSumExps { values, parts, out }
        );
    }

    /// Turns log weights into probabilities and gives the log of their sum before.
    pub fn softmax(self, values: &mut [f32]) -> f32 {
        let total = self.log_sum_exp(values);
        either!(
            self,
            each(values, |x| plain::exp(x - total)),
            Map { values, function: ExpFrom(total) }
        );
        total
    }
}

fn each(values: &mut [f32], function: impl Fn(f32) -> f32) {
    for value in values {
        *value = function(*value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::engine::tests::levels;

    /// The largest error of `function` against `exact` over evenly spaced points.
    fn error(
        from: f64,
        to: f64,
        function: impl Fn(f32) -> f32,
        exact: impl Fn(f64) -> f64,
        measure: impl Fn(f64, f64) -> f64,
    ) -> f64 {
        let points = 100_000;
        (0..=points)
            .map(|i| (from + (to - from) * f64::from(i) / f64::from(points)) as f32)
            .map(|x| measure(f64::from(function(x)), exact(f64::from(x))))
            .fold(0.0, f64::max)
    }

    fn relative(is: f64, should: f64) -> f64 {
        ((is - should) / should).abs()
    }

    fn absolute(is: f64, should: f64) -> f64 {
        (is - should).abs()
    }

    fn either(is: f64, should: f64) -> f64 {
        (is - should).abs() / should.abs().max(1.0)
    }

    #[test]
    fn functions_keep_their_stated_errors() {
        let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        let pair = |x: f32| plain::sigmoid_pair(x, -x).0;
        let errors = [
            ("exp", 2e-7, error(-87.0, 87.0, plain::exp, f64::exp, relative)),
            ("ln", 2e-7, error(1e-6, 4.0, plain::ln, f64::ln, either)),
            ("ln", 2e-7, error(4.0, 1e12, plain::ln, f64::ln, either)),
            ("tanh", 3e-7, error(-25.0, 25.0, plain::tanh, f64::tanh, absolute)),
            ("sigmoid", 2e-7, error(-50.0, 50.0, plain::sigmoid, logistic, absolute)),
            ("sigmoid_pair", 3e-7, error(-50.0, 50.0, pair, logistic, absolute)),
        ];
        for (name, stated, is) in errors {
            println!("{name}: {is:.2e}");
            assert!(is < stated, "{name}: {is:.2e} is above {stated:.0e}");
        }
    }

    #[test]
    fn functions_answer_anything_with_a_number() {
        for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, -0.0, 1e-40] {
            for level in levels("functions_answer_anything_with_a_number") {
                let maths = Maths(level);
                for function in [Maths::exp, Maths::ln, Maths::tanh, Maths::sigmoid] {
                    let (mut is, mut should) = ([x], [x]);
                    function(maths, &mut is);
                    function(Maths(Level::Plain), &mut should);
                    assert!(is[0].is_finite() && is[0].to_bits() == should[0].to_bits(), "{x}");
                }
            }
        }
    }

    #[test]
    fn the_log_of_a_sum_survives_what_a_sum_would_not() {
        for level in levels("the_log_of_a_sum_survives_what_a_sum_would_not") {
            let maths = Maths(level);
            assert!((maths.log_sum_exp(&[1_000.0; 4]) - 1_001.386_3).abs() < 1e-3);
            assert_eq!(maths.log_sum_exp(&[]), f32::NEG_INFINITY);
            assert_eq!(maths.log_sum_exp(&[f32::NEG_INFINITY; 20]), f32::NEG_INFINITY);
            let one = [f32::NEG_INFINITY, 0.5, f32::NEG_INFINITY];
            assert_eq!(maths.log_sum_exp(&one), 0.5);
        }
    }

    fn bits(values: &[f32]) -> Vec<u32> {
        values.iter().map(|value| value.to_bits()).collect()
    }

    proptest! {
        #[test]
        fn every_level_gives_the_same_bits(
            values in prop::collection::vec(-90.0_f32..90.0, 0..100),
            scale in prop::sample::select(vec![1e-3_f32, 0.1, 1.0]),
        ) {
            let values: Vec<f32> = values.iter().map(|value| value * scale).collect();
            let truth = Maths(Level::Plain);
            for level in levels("every_level_gives_the_same_bits") {
                let maths = Maths(level);
                let functions =
                    [Maths::exp, Maths::ln, Maths::tanh, Maths::sigmoid, Maths::rectify];
                for function in functions {
                    let (mut is, mut should) = (values.clone(), values.clone());
                    function(maths, &mut is);
                    function(truth, &mut should);
                    prop_assert_eq!(bits(&is), bits(&should));
                }
                let (is, should) = (maths.log_sum_exp(&values), truth.log_sum_exp(&values));
                prop_assert_eq!(is.to_bits(), should.to_bits());
                let n = values.len();
                let parts: Vec<_> = (0..40).map(|i| i * n / 47..(i * n / 47 + i).min(n)).collect();
                let (mut is, mut should) = ([0.0; 40], [0.0; 40]);
                maths.log_sum_exps(&values, &parts, &mut is);
                truth.log_sum_exps(&values, &parts, &mut should);
                prop_assert_eq!(bits(&is), bits(&should));
                let (mut is, mut should) = (values.clone(), values.clone());
                maths.softmax(&mut is);
                truth.softmax(&mut should);
                prop_assert_eq!(bits(&is), bits(&should));
                let row: Vec<f32> = is.iter().rev().copied().collect();
                maths.add(&mut is, &row);
                truth.add(&mut should, &row);
                prop_assert_eq!(bits(&is), bits(&should));
            }
        }

        #[test]
        fn probabilities_sum_to_one_and_the_log_is_right(
            values in prop::collection::vec(-30.0_f32..30.0, 1..1_024),
        ) {
            let exact = values.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln();
            let mut probabilities = values.clone();
            let total = Maths(Level::Plain).softmax(&mut probabilities);
            prop_assert!(either(f64::from(total), exact) < 1e-6);
            let sum: f64 = probabilities.iter().map(|&p| f64::from(p)).sum();
            // Probabilities near 1 carry the rounding of a log near 30.
            prop_assert!((sum - 1.0).abs() < 5e-6, "{}", sum);
        }
    }
}
