//! One state per connection, found by its slot.
//!
//! Rows stand in chunks that never move: growing costs one new chunk, not a copy of a million
//! states in the middle of a burst. Every row begins on a cache line.

use super::aligned::Aligned;
use crate::flow::Slot;

/// Rows of one chunk: 128 KiB at 32 units, small enough to be zeroed between two packets.
const ROWS: usize = 1_024;

/// The states of all connections.
#[derive(Clone)]
pub(super) struct Slab {
    chunks: Vec<Aligned>,
    /// Floats of a row, a multiple of 16.
    width: usize,
}

impl Slab {
    /// No rows yet, of `width` floats each.
    pub(super) const fn new(width: usize) -> Self {
        Self { chunks: Vec::new(), width }
    }

    /// Sets the slot's row to zero, after making room for it.
    pub(super) fn begin(&mut self, slot: Slot) {
        self.make_room(slot);
        if let Some(row) = self.row_mut(slot) {
            row.fill(0.0);
        }
    }

    /// Makes room for a slot whose row may not be there yet, and for all lower ones, since slots are
    /// dense. A new row is zero.
    #[inline]
    pub(super) fn make_room(&mut self, slot: Slot) {
        while self.chunks.len() <= slot.index() / ROWS {
            self.chunks.push(Aligned::zeroed(ROWS * self.width));
        }
    }

    /// The slot's row, if there is room for it yet.
    #[inline]
    pub(super) fn row(&self, slot: Slot) -> Option<&[f32]> {
        let start = slot.index() % ROWS * self.width;
        self.chunks.get(slot.index() / ROWS)?.get(start..start + self.width)
    }

    /// The slot's row, to be written.
    #[inline]
    pub(super) fn row_mut(&mut self, slot: Slot) -> Option<&mut [f32]> {
        let start = slot.index() % ROWS * self.width;
        self.chunks.get_mut(slot.index() / ROWS)?.get_mut(start..start + self.width)
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        self.chunks.iter().map(Aligned::memory).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_begin_at_zero_and_on_a_cache_line() {
        let mut slab = Slab::new(48);
        for slot in [0, 1, 1_023, 1_024, 5_000] {
            slab.begin(Slot(slot));
            let row = slab.row(Slot(slot)).unwrap();
            assert_eq!(row, [0.0; 48]);
            assert_eq!(row.as_ptr().addr() % 64, 0);
        }
    }

    #[test]
    fn growing_moves_no_row() {
        let mut slab = Slab::new(32);
        slab.begin(Slot(7));
        slab.row_mut(Slot(7)).unwrap()[3] = 1.5;
        let before = slab.row(Slot(7)).unwrap().as_ptr();
        slab.begin(Slot(100_000));
        let row = slab.row(Slot(7)).unwrap();
        assert_eq!((row.as_ptr(), row[3]), (before, 1.5));
    }

    #[test]
    fn a_slot_without_room_has_no_row() {
        let mut slab = Slab::new(32);
        assert!(slab.row(Slot(0)).is_none());
        slab.begin(Slot(0));
        assert!(slab.row(Slot(u32::MAX)).is_none());
    }

    #[test]
    fn a_slot_used_again_starts_afresh() {
        let mut slab = Slab::new(32);
        slab.begin(Slot(2));
        slab.row_mut(Slot(2)).unwrap().fill(0.5);
        slab.begin(Slot(2));
        assert_eq!(slab.row(Slot(2)).unwrap(), [0.0; 32]);
    }
}
