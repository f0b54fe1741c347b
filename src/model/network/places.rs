//! Which connections the network follows, and where their states stand.
//!
//! Most connections bring nothing that the adaptive part does not know: a scan, a flood, the
//! thousandth look-up of a name. They have no state, only a few bits to begin one with when their first
//! piece of news comes. Places are given back and reused.

use crate::flow::Slot;

/// A connection that is not followed: this bit, and what it will begin with.
const WAITING: u32 = 1 << 31;

/// Places by slot.
#[derive(Clone, Default)]
pub(super) struct Places {
    of: Vec<u32>,
    free: Vec<u32>,
    made: u32,
}

/// Where a connection's state stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// Here, since earlier.
    Old(usize),
    /// Here from now on, begun with this.
    New(usize, u16),
}

impl Places {
    /// A connection begins in `slot`, and nothing is kept of it but `with`.
    pub(super) fn begin(&mut self, slot: Slot, with: u16) {
        self.end(slot);
        if slot.index() >= self.of.len() {
            self.of.resize(slot.index() + 1, WAITING);
        }
        self.of[slot.index()] = WAITING | u32::from(with);
    }

    /// The connection in `slot` ended.
    pub(super) fn end(&mut self, slot: Slot) {
        if let Some(place) = self.of.get_mut(slot.index())
            && *place & WAITING == 0
        {
            self.free.push(std::mem::replace(place, WAITING));
        }
    }

    /// Where the state of the connection in `slot` stands, or what it would begin with.
    #[inline]
    pub(super) fn of(&self, slot: Slot) -> Result<usize, u16> {
        let place = self.of.get(slot.index()).copied().unwrap_or(WAITING);
        if place & WAITING == 0 { Ok(place as usize) } else { Err(place as u16) }
    }

    /// The same, which takes a place if it has none.
    #[inline]
    pub(super) fn take(&mut self, slot: Slot) -> Place {
        match self.of(slot) {
            Ok(place) => Place::Old(place),
            Err(with) => {
                let place = self.free.pop().unwrap_or_else(|| {
                    self.made += 1;
                    self.made - 1
                });
                if let Some(of) = self.of.get_mut(slot.index()) {
                    *of = place;
                }
                Place::New(place as usize, with)
            }
        }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        (self.of.capacity() + self.free.capacity()) * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_taken_once_and_given_to_another_when_its_connection_ended() {
        let mut places = Places::default();
        places.begin(Slot(5), 7);
        assert_eq!((places.of(Slot(5)), places.of(Slot(2))), (Err(7), Err(0)));
        assert_eq!(places.take(Slot(5)), Place::New(0, 7));
        assert_eq!(places.take(Slot(5)), Place::Old(0));
        places.begin(Slot(2), 9);
        assert_eq!(places.take(Slot(2)), Place::New(1, 9));
        places.end(Slot(5));
        places.end(Slot(5));
        places.begin(Slot(3), 1);
        assert_eq!(places.take(Slot(3)), Place::New(0, 1));
        places.begin(Slot(2), 4);
        assert_eq!(places.of(Slot(2)), Err(4), "its slot was reused");
        assert_eq!((places.of(Slot(3)), places.made), (Ok(0), 2));
    }
}
