//! Synthetic packets whose outcome is open, and the rules by which each gets exactly one.
//!
//! A packet enters when it is made, or before: a gap waits a moment, since what looks like a hole is
//! often a packet that overtook another ([`State::Held`]). If its bytes come meanwhile it never was.
//! It leaves with its outcome ([`Fate::Settle`]): decided by a later packet ([`fate`]), when its
//! time is over, or when its connection ends. `docs/predictive-buffering.md` has the rules in words.

use super::{Outcome, SyntheticPacket, Why};
use crate::flow::{Side, Slot};
use crate::time::Timestamp;

/// Open packets of one connection; no more are made beyond.
const PER_CONNECTION: u16 = 128;
/// End of a list.
const END: u32 = u32::MAX;

/// Where an open packet stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    /// Not made yet: it may be that its bytes were only overtaken.
    Held,
    /// Made, its outcome open.
    Made,
    /// It left; its place is free.
    Gone,
}

/// A packet whose outcome is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) packet: SyntheticPacket,
    pub(super) state: State,
    /// When nothing more is waited for.
    pub(super) until: Timestamp,
    pub(super) slot: Slot,
    next: u32,
}

/// What a real packet says to those that are open on its connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    /// Who sent it.
    pub(crate) side: Side,
    /// Its payload.
    pub(crate) payload_len: u32,
    /// For TCP: the sequence number of its payload.
    pub(crate) sequence: Option<u32>,
    /// For TCP: what it acknowledges.
    pub(crate) acknowledgement: Option<u32>,
    /// It carries only what was seen before: a retransmission or a keep-alive.
    pub(crate) repeats: bool,
    /// By its side's numbering it is one of those that were skipped before.
    pub(crate) behind: bool,
    /// The RTP number of a packet that came late.
    pub(crate) late_number: Option<u16>,
    /// The packet before it on the connection came from the same side.
    pub(crate) in_a_row: bool,
}

/// What becomes of an open packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It stays open.
    Keep,
    /// Its outcome is known.
    Settle(Outcome),
}

/// What a real packet makes of an open one.
pub(super) fn fate(open: &SyntheticPacket, came: &Came) -> Fate {
    let own = came.side == open.side;
    match open.kind.gap().map(|gap| gap.why) {
        Some(Why::Hole | Why::Acknowledged) => {
            let Some(sequence) = open.sequence else { return Fate::Keep };
            if own {
                let brings = came
                    .sequence
                    .is_some_and(|at| covered(sequence, open.payload_len, at, came.payload_len));
                if brings { Fate::Settle(Outcome::Filled) } else { Fate::Keep }
            } else {
                let has = came
                    .acknowledgement
                    .is_some_and(|number| !before(number, sequence.wrapping_add(open.payload_len)));
                if has { Fate::Settle(Outcome::Lost) } else { Fate::Keep }
            }
        }
        Some(Why::Rtp) => {
            let late = own && came.late_number.map(u32::from) == open.sequence;
            if late { Fate::Settle(Outcome::Late) } else { Fate::Keep }
        }
        Some(Why::NoResponse) => {
            // One answer answers the last request; a second one in a row must be this.
            if own && came.in_a_row { Fate::Settle(Outcome::Late) } else { Fate::Keep }
        }
        Some(Why::Numbering) => {
            if own && came.behind {
                Fate::Settle(Outcome::Late)
            } else {
                Fate::Keep
            }
        }
        None => overdue_fate(open, came, own),
    }
}

fn overdue_fate(open: &SyntheticPacket, came: &Came, own: bool) -> Fate {
    if !own {
        let passed = open.payload_len > 0
            && open.sequence.zip(came.acknowledgement).is_some_and(|(at, to)| before(at, to));
        return if passed { Fate::Settle(Outcome::Lost) } else { Fate::Keep };
    }
    if came.repeats {
        // Old bytes again are not what was due, unless these are the ones.
        let brings = open.sequence.zip(came.sequence).is_some_and(|(at, from)| {
            open.payload_len > 0 && covered(at, open.payload_len, from, came.payload_len)
        });
        return if brings { Fate::Settle(Outcome::Filled) } else { Fate::Keep };
    }
    let same_place = open.payload_len > 0
        && came.payload_len > 0
        && open.sequence.is_some_and(|at| came.sequence == Some(at));
    let alike = (open.expected.size.low..=open.expected.size.high).contains(&came.payload_len)
        || came.payload_len == open.payload_len;
    if same_place || alike { Fate::Settle(Outcome::Late) } else { Fate::Keep }
}

/// Whether a segment brings at least half of `len` bytes at `sequence`; a bare FIN has none and
/// is brought by what reaches its place.
fn covered(sequence: u32, len: u32, at: u32, came_len: u32) -> bool {
    let offset = i64::from(at.wrapping_sub(sequence) as i32);
    let (begin, end) = (offset.max(0), (offset + i64::from(came_len)).min(i64::from(len)));
    if len == 0 { offset == 0 } else { (end - begin) * 2 >= i64::from(len) }
}

/// Whether `number` lies before `other` in TCP's circle of numbers.
fn before(number: u32, other: u32) -> bool {
    (number.wrapping_sub(other) as i32) < 0
}

/// The outcome of a packet for which nothing more is waited for.
pub(super) fn last_outcome(open: &SyntheticPacket) -> Outcome {
    match open.kind.gap().map(|gap| gap.why) {
        // The side's own numbers say that the packet was sent, and it passed unseen.
        Some(Why::Acknowledged | Why::Rtp | Why::Numbering) => Outcome::Lost,
        _ => Outcome::Phantom,
    }
}

/// The first open packet of a connection and how many there are; kept by whoever keeps connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct List {
    first: u32,
    count: u16,
}

impl List {
    pub(super) const EMPTY: Self = Self { first: END, count: 0 };

    /// The number of the oldest.
    pub(super) fn first(self) -> Option<u32> {
        (self.first != END).then_some(self.first)
    }

    #[inline]
    pub(super) const fn is_empty(self) -> bool {
        self.first == END
    }
}

/// All open packets, in one array.
pub(super) struct Ledger {
    entries: Vec<Pending>,
    free: Vec<u32>,
    capacity: u32,
}

impl Ledger {
    pub(super) fn new(capacity: u32) -> Self {
        Self { entries: Vec::new(), free: Vec::new(), capacity }
    }

    /// Whether `parts` more may be added to `list`.
    pub(super) fn has_room(&self, list: List, parts: u32) -> bool {
        let used = (self.entries.len() - self.free.len()) as u32;
        u32::from(list.count) + parts <= u32::from(PER_CONNECTION) && used + parts <= self.capacity
    }

    /// Adds one, held, at the end of `list`; answers its number. Ask [`Self::has_room`] before.
    pub(super) fn add(
        &mut self,
        list: &mut List,
        slot: Slot,
        packet: SyntheticPacket,
        until: Timestamp,
    ) -> u32 {
        let pending = Pending { packet, state: State::Held, until, slot, next: END };
        let at = match self.free.pop() {
            Some(at) => {
                self.entries[at as usize] = pending;
                at
            }
            None => {
                self.entries.push(pending);
                (self.entries.len() - 1) as u32
            }
        };
        match self.numbers(*list).last() {
            Some(last) => self.entries[last as usize].next = at,
            None => list.first = at,
        }
        list.count += 1;
        at
    }

    /// Takes one out of `list`.
    pub(super) fn remove(&mut self, list: &mut List, number: u32) {
        let next = self.entries[number as usize].next;
        if list.first == number {
            list.first = next;
        } else {
            let previous = self.numbers(*list).find(|&at| self.entries[at as usize].next == number);
            if let Some(previous) = previous {
                self.entries[previous as usize].next = next;
            }
        }
        list.count -= 1;
        self.entries[number as usize].state = State::Gone;
        self.free.push(number);
    }

    pub(super) fn get(&self, number: u32) -> &Pending {
        &self.entries[number as usize]
    }

    pub(super) fn get_mut(&mut self, number: u32) -> &mut Pending {
        &mut self.entries[number as usize]
    }

    /// The number after `number` in its list.
    pub(super) fn after(&self, number: u32) -> Option<u32> {
        let next = self.entries[number as usize].next;
        (next != END).then_some(next)
    }

    /// The numbers of a list, oldest first.
    pub(super) fn numbers(&self, list: List) -> impl Iterator<Item = u32> {
        std::iter::successors(list.first(), |&number| self.after(number))
    }

    pub(super) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Pending>() + self.free.capacity() * size_of::<u32>()
    }
}
