//! Something small to learn: connections that count, each by its own stride.

use foreshadow::train::{Batch, Cell, HeadKind, NetworkSpec, TableSpec};

use crate::torch_support::{Numbers, head};

/// Symbols that go around.
const SYMBOLS: u32 = 7;

/// One symbol in; its parity, itself and whether it is the last one are forecast.
pub(crate) fn network(cell: Cell) -> NetworkSpec {
    let mut last = head("end", HeadKind::Bits(1), 0, &[]);
    (last.scale, last.weighted) = (0.1, false);
    NetworkSpec {
        cell,
        hidden: 16,
        width: 8,
        dense: 1,
        tables: vec![TableSpec { name: "symbol".to_owned(), values: SYMBOLS }],
        heads: vec![
            head("parity", HeadKind::Softmax(2), 0, &[]),
            head("symbol", HeadKind::Softmax(SYMBOLS), 6, &[(0, true)]),
            last,
        ],
    }
}

/// A batch that owns its numbers.
pub(crate) struct Owned {
    pub(crate) steps: usize,
    pub(crate) lengths: Vec<u32>,
    pub(crate) read: Vec<i64>,
    pub(crate) write: Vec<i64>,
    pub(crate) categories: Vec<i32>,
    pub(crate) dense: Vec<f32>,
    pub(crate) targets: Vec<i32>,
    pub(crate) weights: Vec<f32>,
}

impl Owned {
    pub(crate) fn batch(&self) -> Batch<'_> {
        Batch {
            steps: self.steps,
            lengths: &self.lengths,
            read: &self.read,
            write: &self.write,
            categories: &self.categories,
            dense: &self.dense,
            targets: &self.targets,
            weights: &self.weights,
        }
    }
}

/// The `number`-th batch: pieces of 16 connections, every second batch the sequel of the one before.
pub(crate) fn batch(number: u64) -> Owned {
    let (rows, steps) = (16usize, 12usize);
    let mut numbers = Numbers(0x5eed + number / 2);
    let (mut lengths, mut categories, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    let (mut weights, mut dense) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let (stride, start) = (1 + numbers.below(3), numbers.below(SYMBOLS));
        let begin = start + stride * (number % 2) as i32 * steps as i32;
        // Only a second piece may be short: a first one is followed.
        let length = if number.is_multiple_of(2) { steps } else { 1 + row % steps };
        lengths.push(length as u32);
        for step in 0..steps as i32 {
            let at = |step: i32| (begin + stride * step) % SYMBOLS as i32;
            categories.push(at(step));
            dense.push(numbers.even());
            weights.push(0.5 + row as f32 / 16.0);
            let (next, ends) = (at(step + 1), step + 1 == length as i32);
            targets.extend(if ends { [-1, -1, 1] } else { [next % 2, next, 0] });
        }
    }
    let places: Vec<i64> = (0..rows as i64).collect();
    let none = vec![-1; rows];
    let (read, write) = if number.is_multiple_of(2) { (none, places) } else { (places, none) };
    Owned { steps, lengths, read, write, categories, dense, targets, weights }
}
