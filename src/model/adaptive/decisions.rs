//! All decisions of a packet side by side, so that they are worked out together.
//!
//! The way to a symbol is known once the packet came: no decision waits for another. What each
//! needs of the lines is gathered first; the arithmetic is then eight lanes at a time: the inputs of one
//! decision, or what is left of eight. [`Mixer`](super::mixer::Mixer) does it.

use super::arithmetic::log2;
use super::context::CONTEXTS;
use super::line::Line;
use super::tree::{Head, Path};
use super::weights::INPUTS;

/// Decisions of the longest packet (6 + 4 + 5 + 4), as whole vectors.
pub(super) const ROOM: usize = 24;
/// Where the contexts begin among the inputs: after the prior and the constant.
pub(super) const FIRST: usize = INPUTS - CONTEXTS;
const _: () = assert!(ROOM.is_multiple_of(8) && INPUTS == 8 && FIRST == 2);

/// Where a node of a head stands in tables of all heads' nodes, one after the other.
#[inline(always)]
pub(super) const fn row(head: Head, node: usize) -> usize {
    head as usize * Line::SLOTS + node
}
const _: () = assert!(Head::COUNT * Line::SLOTS <= 256);

/// The decisions of a packet, in the order in which they are made.
#[derive(Clone)]
pub(super) struct Decisions {
    pub(super) len: usize,
    pub(super) heads: [Head; ROOM],
    /// Their rows in tables by head and node ([`row`]).
    pub(super) rows: [u8; ROOM],
    /// Which way each went: 0 or 1.
    pub(super) bits: [f32; ROOM],
    pub(super) priors: [f32; ROOM],
    /// By decision and input: the contexts' slots as they were, and once they learned, as they are to
    /// be; 0 where the input is no context.
    pub(super) slots: [[u16; INPUTS]; ROOM],
    pub(super) inputs: [[f32; INPUTS]; ROOM],
    /// Probabilities of one before the correction, and in the end.
    pub(super) mixed: [f32; ROOM],
    pub(super) ones: [f32; ROOM],
    /// The corrections' lower points and the shares of the upper ones.
    pub(super) points: [u32; ROOM],
    pub(super) shares: [f32; ROOM],
}

impl Decisions {
    pub(super) const NONE: Self = Self {
        len: 0,
        heads: [Head::SideFlags; ROOM],
        rows: [0; ROOM],
        bits: [0.0; ROOM],
        priors: [0.0; ROOM],
        slots: [[0; INPUTS]; ROOM],
        inputs: [[0.0; INPUTS]; ROOM],
        mixed: [0.5; ROOM],
        ones: [0.5; ROOM],
        points: [0; ROOM],
        shares: [0.0; ROOM],
    };

    /// Makes room for another packet's.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// How many there are, filled up to whole vectors.
    #[inline(always)]
    pub(super) fn lanes(&self) -> usize {
        self.len.min(ROOM).next_multiple_of(8)
    }

    /// Adds those on the way to a symbol; answers where they begin.
    #[inline(always)]
    pub(super) fn add(
        &mut self,
        head: Head,
        path: &Path,
        prior: &[f32; Line::SLOTS],
        lines: &[&Line; CONTEXTS],
    ) -> usize {
        let first = self.len;
        for &(node, bit) in path.steps() {
            self.push(head, usize::from(node), bit, prior, lines);
        }
        first
    }

    /// Adds one.
    #[inline(always)]
    pub(super) fn push(
        &mut self,
        head: Head,
        node: usize,
        bit: bool,
        prior: &[f32; Line::SLOTS],
        lines: &[&Line; CONTEXTS],
    ) {
        let (at, node) = (self.len.min(ROOM - 1), node.min(Line::SLOTS - 1));
        self.heads[at] = head;
        self.rows[at] = row(head, node) as u8;
        self.bits[at] = f32::from(u8::from(bit));
        self.priors[at] = prior[node];
        let [a, b, c, d, e, f] = lines.map(|line| line.slots[node]);
        self.slots[at] = [0, 0, a, b, c, d, e, f];
        self.len = at + 1;
    }

    /// What the decisions from `first` to `end` cost that a path took, in bits.
    #[inline(always)]
    pub(super) fn cost(&self, first: usize, end: usize) -> f32 {
        let mut probability = 1.0;
        for (one, bit) in self.ones[first..end].iter().zip(&self.bits[first..end]) {
            // The way it went: `one`, or what is left of 1.
            probability *= if *bit == 1.0 { *one } else { 1.0 - *one };
        }
        -log2(probability)
    }
}
