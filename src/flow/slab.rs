//! Where connections stand.
//!
//! Chunks of a fixed size, so that growing never moves a connection nor asks for one large block.
//! Freed slots are given out again, the lowest first, under the next generation; so what lives
//! stays dense, and a table that was large once is not slow to walk for ever.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Connection, Slot};

const CHUNK_BITS: u32 = 10;
const CHUNK: usize = 1 << CHUNK_BITS;

#[derive(Default)]
pub(super) struct Slab {
    chunks: Vec<Vec<Connection>>,
    len: u32,
    free: BinaryHeap<Reverse<u32>>,
}

impl Slab {
    /// Slots given out so far, free ones included.
    pub(super) const fn slots(&self) -> u32 {
        self.len
    }

    pub(super) fn get(&self, slot: Slot) -> Option<&Connection> {
        self.chunks.get(slot.index() >> CHUNK_BITS)?.get(slot.index() % CHUNK)
    }

    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut Connection> {
        self.chunks.get_mut(slot.index() >> CHUNK_BITS)?.get_mut(slot.index() % CHUNK)
    }

    /// Puts a connection somewhere and gives it its generation.
    pub(super) fn insert(&mut self, mut connection: Connection) -> Slot {
        if let Some(slot) = self.free.pop().map(|Reverse(slot)| Slot(slot))
            && let Some(place) = self.get_mut(slot)
        {
            // 0 is never a generation, so that no id is all zero.
            connection.generation = place.generation.wrapping_add(1).max(1);
            *place = connection;
            return slot;
        }
        connection.generation = 1;
        if (self.len as usize).is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(connection);
        }
        self.len += 1;
        Slot(self.len - 1)
    }

    /// Gives a slot free.
    pub(super) fn free(&mut self, slot: Slot) {
        self.free.push(Reverse(slot.0));
    }

    pub(super) fn memory(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<Connection>()
            + self.chunks.capacity() * size_of::<Vec<Connection>>()
            + self.free.capacity() * size_of::<u32>()
    }
}
