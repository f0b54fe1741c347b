//! A head that is given what earlier heads said: a hidden layer, then logits.

use super::super::engine::{BLOCK, Layer, Maths};
use super::WIDEST;

/// The head.
#[derive(Clone)]
pub(super) struct Chained {
    /// Where its hidden layer begins among the state's outputs, and how wide it is.
    pub(super) at: usize,
    pub(super) width: usize,
    /// By value given: what each of its classes adds to the hidden layer, row by row.
    pub(super) given: [Vec<f32>; 2],
    /// What each class of the first value given adds to the logits, filled up to whole blocks.
    pub(super) direct: Vec<f32>,
    pub(super) out: Layer,
}

impl Chained {
    /// Its logits in whole blocks. What fills them up is 0.
    #[inline]
    pub(super) fn apply(&self, maths: Maths, sums: &[f32], values: [u8; 2], out: &mut [f32]) {
        let mut hidden = [0.0; WIDEST];
        let hidden = &mut hidden[..self.width];
        hidden.copy_from_slice(&sums[self.at..self.at + self.width]);
        for (rows, value) in self.given.iter().zip(values) {
            if !rows.is_empty() {
                let at = usize::from(value) * self.width;
                maths.add(hidden, &rows[at..at + self.width]);
            }
        }
        maths.rectify(hidden);
        let outputs = self.out.outputs();
        self.out.apply(&[hidden], 0..outputs / BLOCK, out);
        let at = usize::from(values[0]) * outputs;
        maths.add(&mut out[..outputs], &self.direct[at..at + outputs]);
    }

    /// Where its hidden layer ends among the state's outputs.
    pub(super) const fn end(&self) -> usize {
        self.at + self.width
    }

    /// Bytes of what each value adds.
    pub(super) fn memory(&self) -> usize {
        let given: usize = self.given.iter().map(|rows| size_of_val(&**rows)).sum();
        given + size_of_val(&*self.direct)
    }
}
