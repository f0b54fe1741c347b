//! All decisions of a packet side by side, so that they are worked out together.
//!
//! The way to a symbol is known once the packet came: no decision waits for another. What each
//! needs of the lines is gathered first; the arithmetic of all is then a few loops over arrays, which
//! the compiler makes vectors of. [`Mixer`](super::mixer::Mixer) does it.

use super::arithmetic::log2;
use super::context::CONTEXTS;
use super::line::Line;
use super::tree::{Head, Path};
use super::weights::INPUTS;

/// Decisions of the longest packet (6 + 4 + 5 + 4), as whole vectors.
pub(super) const ROOM: usize = 24;
/// Where the contexts begin among the inputs: after the prior and the constant.
pub(super) const FIRST: usize = INPUTS - CONTEXTS;

/// The decisions of a packet, in the order in which they are made.
#[derive(Clone)]
pub(super) struct Decisions {
    pub(super) len: usize,
    pub(super) heads: [Head; ROOM],
    pub(super) nodes: [u8; ROOM],
    /// Which way each went: 0 or 1.
    pub(super) bits: [f32; ROOM],
    pub(super) priors: [f32; ROOM],
    /// By decision and input: the contexts' slots as they were; 0 where the input is no context.
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
        nodes: [0; ROOM],
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
        let (at, node) = (self.len % ROOM, node % Line::SLOTS);
        self.heads[at] = head;
        self.nodes[at] = node as u8;
        self.bits[at] = f32::from(u8::from(bit));
        self.priors[at] = prior[node];
        for (slot, line) in self.slots[at][FIRST..].iter_mut().zip(lines) {
            *slot = line.slots[node];
        }
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

    /// The slots as they are once they learned which way the decisions went.
    #[inline(always)]
    pub(super) fn learned(&self) -> [[u16; INPUTS]; ROOM] {
        let mut learned = [[0; INPUTS]; ROOM];
        for ((learned, slots), bit) in
            learned.iter_mut().zip(&self.slots).zip(self.bits).take(self.len)
        {
            for (learned, &slot) in learned.iter_mut().zip(slots) {
                *learned = Line::moved(slot, bit);
            }
        }
        learned
    }
}
