//! A run of floats that begins on a cache line.

use std::ops::{Deref, DerefMut};

/// A cache line and an AVX-512 register, in bytes.
const LINE: usize = 64;

/// Floats of a fixed number whose first stands at a multiple of 64 bytes.
///
/// A state or a row of weights that straddles two lines costs two loads in place of one.
pub(super) struct Aligned {
    /// Longer than needed; never resized, so that its first float stays where it is.
    buffer: Box<[f32]>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// `len` zeroes.
    pub(super) fn zeroed(len: usize) -> Self {
        let buffer = vec![0.0; len + LINE / size_of::<f32>()].into_boxed_slice();
        // `align_offset` may decline to answer; the floats are then merely slower to reach.
        let offset = buffer.as_ptr().align_offset(LINE);
        let start = if offset < LINE / size_of::<f32>() { offset } else { 0 };
        Self { buffer, start, len }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.buffer)
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        let mut aligned = Self::zeroed(self.len);
        aligned.copy_from_slice(self);
        aligned
    }
}

impl From<Vec<f32>> for Aligned {
    fn from(values: Vec<f32>) -> Self {
        let mut aligned = Self::zeroed(values.len());
        aligned.copy_from_slice(&values);
        aligned
    }
}

impl Deref for Aligned {
    type Target = [f32];

    #[inline]
    fn deref(&self) -> &[f32] {
        &self.buffer[self.start..self.start + self.len]
    }
}

impl DerefMut for Aligned {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.buffer[self.start..self.start + self.len]
    }
}
