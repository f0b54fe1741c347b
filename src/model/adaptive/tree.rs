//! Symbols as paths through binary trees, so that any mixing of decisions still sums to one.
//!
//! Side and flags have a tree of their own, in which a rare flag is decided first:
//!
//! ```text
//! side, then for that side: reset? FIN? SYN? then with ACK? or: ACK? then with PSH? or other?
//! ```
//!
//! Sizes and times are halved: `0..8 | 8..16`, and so on; a half without any symbol is not asked for.

use super::super::discretise::{SIDE_FLAGS, SIZES, TIMES};
use super::super::schema;
use super::super::schema::ENTROPIES;
use super::line::Line;

/// What is decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub(super) enum Head {
    /// Who sends, with which flags.
    SideFlags = 0,
    /// The size, given side and flags.
    Size = 1,
    /// The time, given side, flags and size.
    Time = 2,
    /// The time before anything else is known of the next packet: the deadline's distribution.
    Wait = 3,
    /// Whether nothing more comes.
    Nothing = 4,
    /// How random the payload is, given side, flags and size.
    Entropy = 5,
}

impl Head {
    /// How many there are.
    pub(super) const COUNT: usize = 6;
    /// How many of them, from the first, a file has weights for.
    pub(super) const TRAINED: usize = 5;

    /// Symbols, and leaves of the halved tree.
    const fn extent(self) -> (usize, usize) {
        match self {
            Self::SideFlags => (SIDE_FLAGS, SIDE_FLAGS),
            Self::Size => (SIZES, 16),
            Self::Time | Self::Wait => (TIMES, 32),
            Self::Nothing => (2, 2),
            Self::Entropy => (ENTROPIES, ENTROPIES),
        }
    }
}

/// The slot of a wait's line that decides whether nothing more comes; its tree does not use it.
pub(super) const NOTHING_SLOT: usize = 30;

/// Decisions of the longest path.
pub(super) const DEEPEST: usize = 6;

/// The way to a symbol: nodes, and which way each went.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    steps: [(u8, bool); DEEPEST],
    len: usize,
}

impl Path {
    #[inline]
    pub(super) fn steps(&self) -> &[(u8, bool)] {
        &self.steps[..self.len]
    }

    /// No step.
    pub(super) const NONE: Self = Self { steps: [(0, false); DEEPEST], len: 0 };

    /// The path with one more step.
    pub(super) const fn then(mut self, node: usize, bit: bool) -> Self {
        self.steps[self.len] = (node as u8, bit);
        self.len += 1;
        self
    }

    /// The path to `symbol`.
    #[inline]
    pub(super) fn to(head: Head, symbol: u8) -> &'static Self {
        &PATHS[head as usize][usize::from(symbol) % MOST]
    }

    /// Works it out.
    const fn find(head: Head, symbol: usize) -> Self {
        let mut path = Self::NONE;
        match head {
            Head::SideFlags => {
                let side = symbol >> 3;
                path = path.then(0, side == 1);
                let flags = schema::FLAG_PATHS[symbol & 7];
                let mut at = 0;
                while at < flags.len() {
                    path = path.then(1 + 7 * side + flags[at].0, flags[at].1);
                    at += 1;
                }
            }
            Head::Nothing => path = path.then(NOTHING_SLOT, symbol == 1),
            Head::Size | Head::Time | Head::Wait | Head::Entropy => {
                let (symbols, leaves) = head.extent();
                let mut half = Half::whole(leaves);
                while half.len > 1 {
                    let bit = symbol >= half.middle();
                    if half.is_asked(symbols) {
                        path = path.then(half.node, bit);
                    }
                    half = half.child(bit);
                }
            }
        }
        path
    }
}

/// No head has more symbols.
const MOST: usize = 32;

/// By head and symbol; no step where there is no such symbol.
static PATHS: [[Path; MOST]; Head::COUNT] = {
    let heads = [Head::SideFlags, Head::Size, Head::Time, Head::Wait, Head::Nothing, Head::Entropy];
    let mut paths = [[Path::NONE; MOST]; Head::COUNT];
    let mut head = 0;
    while head < heads.len() {
        let mut symbol = 0;
        while symbol < heads[head].extent().0 {
            paths[heads[head] as usize][symbol] = Path::find(heads[head], symbol);
            symbol += 1;
        }
        head += 1;
    }
    paths
};

/// A node of a halved tree and the leaves under it.
#[derive(Clone, Copy)]
struct Half {
    node: usize,
    low: usize,
    len: usize,
}

impl Half {
    const fn whole(leaves: usize) -> Self {
        Self { node: 0, low: 0, len: leaves }
    }

    const fn middle(self) -> usize {
        self.low + self.len / 2
    }

    /// Whether both halves hold a symbol.
    const fn is_asked(self, symbols: usize) -> bool {
        self.middle() < symbols
    }

    const fn child(self, bit: bool) -> Self {
        let low = if bit { self.middle() } else { self.low };
        Self { node: 2 * self.node + 1 + bit as usize, low, len: self.len / 2 }
    }
}

/// Probabilities of all symbols of a head, from those of its nodes' ones.
pub(super) fn spread<const N: usize>(head: Head, mut one: impl FnMut(usize) -> f32) -> [f32; N] {
    // Every node is worked out once, however many symbols lie behind it.
    let mut known = [f32::NAN; Line::SLOTS];
    let mut probabilities = [0.0; N];
    for (symbol, probability) in probabilities.iter_mut().enumerate() {
        let mut product = 1.0;
        for &(node, bit) in Path::to(head, symbol as u8).steps() {
            let known = &mut known[usize::from(node)];
            if known.is_nan() {
                *known = one(usize::from(node));
            }
            product *= if bit { *known } else { 1.0 - *known };
        }
        *probability = product;
    }
    probabilities
}

/// The probability of all symbols of a halved tree below one, and that of the one itself.
pub(super) fn below(head: Head, symbol: u8, mut one: impl FnMut(usize) -> f32) -> (f32, f32) {
    let (mut below, mut here) = (0.0, 1.0);
    for &(node, bit) in Path::to(head, symbol).steps() {
        let one = one(usize::from(node));
        below += if bit { here * (1.0 - one) } else { 0.0 };
        here *= if bit { one } else { 1.0 - one };
    }
    (below, here)
}

/// The symbol of a halved tree that holds a quantile, and which share of it lies below.
pub(super) fn quantile(head: Head, quantile: f32, mut one: impl FnMut(usize) -> f32) -> (u8, f32) {
    let (symbols, leaves) = head.extent();
    let mut half = Half::whole(leaves);
    let mut rest = quantile.clamp(0.0, 1.0);
    while half.len > 1 {
        let mut bit = false;
        if half.is_asked(symbols) {
            let one = one(half.node);
            let zero = 1.0 - one;
            bit = rest > zero;
            rest = if bit { (rest - zero) / one } else { rest / zero };
        }
        half = half.child(bit);
    }
    (half.low as u8, rest.clamp(0.0, 1.0))
}

/// How many symbols lie behind a node's zero and one, by node; 0 and 0 where it is not used.
pub(super) fn behind(head: Head) -> [(u16, u16); Line::SLOTS] {
    let mut behind = [(0, 0); Line::SLOTS];
    for symbol in 0..head.extent().0 {
        for &(node, bit) in Path::to(head, symbol as u8).steps() {
            let (zero, one) = &mut behind[usize::from(node)];
            *(if bit { one } else { zero }) += 1;
        }
    }
    behind
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Head; Head::COUNT] =
        [Head::SideFlags, Head::Size, Head::Time, Head::Wait, Head::Nothing, Head::Entropy];

    /// Some probability for every node.
    fn odd(node: usize) -> f32 {
        (node as f32 * 0.37 + 0.11).fract() * 0.98 + 0.01
    }

    #[test]
    fn whatever_the_nodes_say_all_symbols_sum_to_one() {
        for head in ALL {
            let all: [f32; 29] = spread(head, odd);
            let sum: f32 = all[..head.extent().0].iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "{head:?} {sum}");
        }
    }

    #[test]
    fn no_two_symbols_share_a_path_and_none_is_longer_than_there_is_room() {
        for head in ALL {
            let paths: Vec<Vec<(u8, bool)>> = (0..head.extent().0 as u8)
                .map(|symbol| Path::to(head, symbol).steps().to_vec())
                .collect();
            for (number, path) in paths.iter().enumerate() {
                assert!(!path.is_empty() && path.len() <= DEEPEST);
                for other in &paths[..number] {
                    let fork = path.iter().zip(other).find(|(step, other)| step != other);
                    assert_eq!(fork.map(|(step, other)| step.0 == other.0), Some(true));
                }
            }
        }
    }

    #[test]
    fn a_quantile_found_by_descent_is_the_one_of_the_whole_distribution() {
        let all: [f32; TIMES] = spread(Head::Wait, odd);
        for wanted in [0.0, 0.1, 0.5, 0.77, 0.95, 0.999] {
            let (bin, share) = quantile(Head::Wait, wanted, odd);
            let sum: f32 = all[..usize::from(bin)].iter().sum();
            let (lower, here) = below(Head::Wait, bin, odd);
            assert!((lower - sum).abs() < 1e-5 && (here - all[usize::from(bin)]).abs() < 1e-6);
            assert!((lower + share * all[usize::from(bin)] - wanted).abs() < 1e-4);
        }
    }

    #[test]
    fn slots_outside_a_tree_stay_free_for_other_uses() {
        for slot in [14, 29, NOTHING_SLOT] {
            assert_eq!(behind(Head::Wait)[slot], (0, 0));
        }
        for slot in 15..Line::SLOTS {
            assert_eq!(behind(Head::Size)[slot], (0, 0));
        }
    }
}
