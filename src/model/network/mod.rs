//! The recurrent network of the forecast: what every connection's state says of its next packet.
//!
//! ```text
//! packet -> features (schema) -> rows of gate sums + dense numbers -> step of the state (engine)
//! state  -> sums: side and flags | hidden layers of size, time, entropy | wait, nothing
//!        -> given side and flags: sizes; given also the size: times, entropy
//! ```
//!
//! Weights are shared by all connections and come out of a [`ModelFile`](super::file::ModelFile). What
//! of the input depends on few values (which service, which flags, which size bin) was multiplied
//! with the cell's weights when the file was read, so that it costs an addition a packet.
//!
//! Promises: equal packets give equal bits on every processor; no packet and no accepted file makes a
//! number that is not finite; nothing is allocated for a known connection. A connection's first packet
//! is not forecast: the network is not trained on it, and says so by not being asked.
//!
//! What it does not do: learn, or turn logits into probabilities ([`super::adaptive`] does).

mod chained;
mod places;
mod read;
#[cfg(test)]
pub(super) mod tests;

use std::ops::Range;

use super::discretise::{SIZES, TIMES};
use super::engine::{BLOCK, Engine, Instructions, Maths, prefetch};
use super::schema::{DENSE, ENTROPIES, FINE_SIZES, Recall, SIDE_FLAGS_NODES, TABLES};
use super::{Origin, PacketFacts};
use crate::flow::Slot;
use chained::Chained;
use places::{Place, Places};
pub(super) use read::declares;

/// Places for the logits of sizes: as many as a block has.
pub(super) const SIZE_LOGITS: usize = SIZES.next_multiple_of(BLOCK);
/// Places for the logits of times. Behind those of the wait stands that of "nothing more".
pub(super) const TIME_LOGITS: usize = TIMES.next_multiple_of(BLOCK);
/// Places for the logits of entropies.
pub(super) const ENTROPY_LOGITS: usize = ENTROPIES.next_multiple_of(BLOCK);
/// The widest hidden layer of a head.
const WIDEST: usize = 64;
/// Outputs straight from the state, at most: side and flags, three hidden layers, wait and nothing.
const MOST_SUMS: usize = BLOCK + 3 * WIDEST + TIME_LOGITS;
/// Sums of all gates of the largest cell.
const MOST_GATES: usize = 1_024;
/// Floats of the largest state.
const MOST_STATE: usize = 512;

/// The network, and the states of the connections that it follows.
#[derive(Clone)]
pub(super) struct Network {
    engine: Engine,
    places: Places,
    /// By place.
    recalls: Vec<Recall>,
    /// By table: where its rows begin in `rows`.
    tables: [usize; TABLES.len()],
    /// Rows of all tables, multiplied with the cell's input weights: gates x hidden floats each.
    rows: Vec<f32>,
    /// The sum of a packet's rows.
    added: Vec<f32>,
    size: Chained,
    time: Chained,
    entropy: Chained,
    /// Where wait and nothing stand among the outputs.
    wait: Range<usize>,
    /// By side and flags (by role), and fine size: how likely it is within its common size.
    within: Vec<f32>,
}

/// A connection as the network has it.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) recall: &'a Recall,
    pub(super) state: &'a [f32],
}

/// A state that only exists while somebody imagines packets.
#[derive(Clone)]
pub(super) struct Imagined {
    recall: Recall,
    state: [f32; MOST_STATE],
    len: usize,
}

impl Imagined {
    pub(super) fn view(&self) -> View<'_> {
        View { recall: &self.recall, state: &self.state[..self.len] }
    }
}

/// A head of what a packet is, in the order of the chain.
#[derive(Clone, Copy)]
pub(super) enum Part {
    SideFlags,
    Size,
    Time,
    Entropy,
}

/// What a state says before anything is known of the packet.
#[derive(Clone)]
pub(super) struct Sums([f32; MOST_SUMS]);

impl Sums {
    pub(super) const NONE: Self = Self([0.0; MOST_SUMS]);

    /// Logits of the tree of side and flags, with sides by role.
    pub(super) fn side_flags(&self) -> [f32; SIDE_FLAGS_NODES] {
        std::array::from_fn(|node| self.0[node])
    }
}

impl Network {
    /// Functions on the engine's instructions.
    const fn maths(&self) -> Maths {
        self.engine.maths()
    }

    /// The engine's instructions.
    pub(super) const fn instructions(&self) -> Instructions {
        self.maths().instructions()
    }

    /// Bytes held: for weights, and for connections.
    pub(super) fn memory(&self) -> (usize, usize) {
        let shared = size_of_val(&*self.rows)
            + [&self.size, &self.time, &self.entropy].map(Chained::memory).iter().sum::<usize>();
        let live = self.recalls.capacity() * size_of::<Recall>();
        (shared, self.engine.memory() + live + self.places.memory())
    }

    /// Bytes that a connection takes which the network follows; others take four.
    pub(super) const fn per_connection(&self) -> usize {
        size_of::<u32>() + size_of::<Recall>() + self.engine.shape().state() * size_of::<f32>()
    }

    /// A connection begins. It is followed from its first [`Self::step`] on.
    pub(super) fn begin(&mut self, slot: Slot, origin: &Origin) {
        self.places.begin(slot, Recall::new(origin).seed());
    }

    /// The connection in `slot` ended.
    pub(super) fn end(&mut self, slot: Slot) {
        self.places.end(slot);
    }

    /// Tells the processor that a connection will be needed soon.
    #[inline]
    pub(super) fn prefetch(&self, slot: Slot) {
        if let Some(view) = self.view(slot) {
            prefetch(view.recall);
            prefetch(view.state);
        }
    }

    /// The connection in `slot`, if it is followed.
    #[inline]
    pub(super) fn view(&self, slot: Slot) -> Option<View<'_>> {
        let place = self.places.of(slot).ok()?;
        Some(View { recall: self.recalls.get(place)?, state: self.engine.state(at(place)) })
    }

    /// Moves the connection's state past a packet.
    pub(super) fn step(&mut self, slot: Slot, packet: &PacketFacts) {
        let place = match self.places.take(slot) {
            Place::Old(place) => place,
            Place::New(place, seed) => {
                let recall = Recall::of_seed(seed);
                if place >= self.recalls.len() {
                    self.recalls.resize(place + 1, recall);
                }
                self.recalls[place] = recall;
                self.engine.begin(at(place));
                place
            }
        };
        let features = self.recalls[place].push(packet);
        let mut added = std::mem::take(&mut self.added);
        self.add_rows(&features.rows, &mut added);
        self.engine.step(at(place), &features.dense, &added);
        self.added = added;
    }

    /// The connection's state after packets that did not come.
    pub(super) fn imagine(&self, slot: Slot, run: &[PacketFacts]) -> Imagined {
        let seed = self.places.of(slot).err().unwrap_or_default();
        let len = self.engine.shape().state();
        let mut imagined =
            Imagined { recall: Recall::of_seed(seed), state: [0.0; MOST_STATE], len };
        if let Some(View { recall, state }) = self.view(slot) {
            imagined.recall = *recall;
            imagined.state[..len].copy_from_slice(state);
        }
        let mut next = [0.0; MOST_STATE];
        let mut added = [0.0; MOST_GATES];
        let added = &mut added[..self.added.len()];
        for packet in run {
            let features = imagined.recall.push(packet);
            self.add_rows(&features.rows, added);
            let (from, next) = (&imagined.state[..imagined.len], &mut next[..imagined.len]);
            self.engine.step_detached(from, &features.dense, added, next);
            imagined.state[..imagined.len].copy_from_slice(next);
        }
        imagined
    }

    /// What the state says of side and flags, and the hidden layers that sizes, times and entropies rest
    /// on: all up to that of `last`.
    #[inline]
    pub(super) fn sums(&self, view: View<'_>, last: Part, sums: &mut Sums) {
        let end = match last {
            Part::SideFlags => BLOCK,
            Part::Size => self.size.end(),
            Part::Time => self.time.end(),
            Part::Entropy => self.entropy.end(),
        };
        self.engine.heads_part_detached(view.state, 0..end.div_ceil(BLOCK), &mut sums.0);
    }

    /// Logits of the size, given side and flags (by role).
    #[inline]
    pub(super) fn size(&self, sums: &Sums, side_flags: u8, out: &mut [f32]) {
        self.size.apply(self.maths(), &sums.0, [side_flags, 0], out);
    }

    /// Logits of the time, given side and flags (by role) and the fine size.
    #[inline]
    pub(super) fn time(&self, sums: &Sums, side_flags: u8, fine: u8, out: &mut [f32]) {
        self.time.apply(self.maths(), &sums.0, [side_flags, fine], out);
    }

    /// Logits of the payload's entropy, given the same.
    #[inline]
    pub(super) fn entropy(&self, sums: &Sums, side_flags: u8, fine: u8, out: &mut [f32]) {
        self.entropy.apply(self.maths(), &sums.0, [side_flags, fine], out);
    }

    /// By fine size: how likely it is within its common size, given side and flags (by role).
    pub(super) fn within(&self, side_flags: u8) -> &[f32] {
        &self.within[usize::from(side_flags) * FINE_SIZES..][..FINE_SIZES]
    }

    /// Logits of the time before anything else is known; at [`TIMES`] that of "nothing more".
    #[inline]
    pub(super) fn wait(&self, view: View<'_>, out: &mut [f32; TIME_LOGITS]) {
        let blocks = self.wait.start / BLOCK..self.wait.end / BLOCK;
        self.engine.heads_part_detached(view.state, blocks, out);
    }

    /// The sum of a packet's rows.
    #[inline]
    fn add_rows(&self, rows: &[u8; TABLES.len()], sums: &mut [f32]) {
        let width = sums.len();
        let rows: [&[f32]; TABLES.len()] = std::array::from_fn(|table| {
            let at = self.tables[table] + usize::from(rows[table]) * width;
            &self.rows[at..at + width]
        });
        self.engine.maths().sum_rows(sums, &rows);
    }
}

/// Where the engine has the state of a place.
const fn at(place: usize) -> Slot {
    Slot(place as u32)
}

const _: () = assert!(DENSE.len() <= 256 && TIMES < TIME_LOGITS);
