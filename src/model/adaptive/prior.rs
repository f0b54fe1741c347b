//! What is forecast of a packet before anything was learned on line.
//!
//! Either the network's forecast, or that every symbol is as likely as the others. It says the odds
//! of the decisions of a head at once, and the mixer learns how far to believe them beside what was
//! learned on line.
//!
//! The network is asked where little was learned: about a head of whose contexts more than one is new
//! ([`is_news`]). Where all but one are known it is worth nothing (measured: 0.002 bits a packet) and
//! would cost as much as all the rest. When the next packet comes, and whether one does, it is never asked
//! while anything adapts: measured, it makes the deadline no better.
//!
//! The network has its sides by role, the adaptive part by who sent first: where the first sender is
//! the responder, its tree of side and flags is turned here.

use super::super::PacketFacts;
use super::super::discretise::{SIZES, Symbols, TIMES};
use super::super::engine::{Eight, Instructions, Work};
use super::super::network::{ENTROPY_LOGITS, Network, Part, SIZE_LOGITS, Sums, TIME_LOGITS, View};
use super::super::schema::{self, ENTROPIES, SIDE_FLAGS_NODES, fine_size};
use super::arithmetic::{exp, log2};
use super::line::{ABSENT, Line};
use super::tree::{self, Head, NOTHING_SLOT};

/// By head and node: `ln(p / (1 - p))` of the node's one. Nodes that a head's tree does not use are 0.
#[derive(Clone)]
pub(super) struct Odds([[f32; Line::SLOTS]; Head::COUNT]);

/// Nothing more comes after one packet in fifty: not uniform, because two in four is absurd.
const NOTHING: f32 = 0.02;
/// No decision of a network is believed beyond these odds, one in 100,000.
const MOST: f32 = 1e5;

impl Odds {
    /// Every symbol as likely as the others.
    pub(super) fn uniform() -> Self {
        let heads = [Head::SideFlags, Head::Size, Head::Time, Head::Wait, Head::Entropy];
        let mut odds = [[(NOTHING / (1.0 - NOTHING)).ln(); Line::SLOTS]; Head::COUNT];
        for head in heads {
            odds[head as usize] = tree::behind(head).map(|(zero, one)| {
                if zero == 0 { 0.0 } else { (f32::from(one) / f32::from(zero)).ln() }
            });
        }
        Self(odds)
    }

    /// Those of one head.
    #[inline]
    pub(super) fn of(&self, head: Head) -> &[f32; Line::SLOTS] {
        &self.0[head as usize]
    }
}

/// Whether a head's contexts, found at these places, know so little that the network is asked.
#[inline(always)]
pub(super) fn is_news<const N: usize>(found: &[u32; N]) -> bool {
    found.iter().map(|&place| u32::from(place == ABSENT)).sum::<u32>() > 1
}

/// About which heads of a packet the network is asked.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    pub(super) side_flags: bool,
    pub(super) size: bool,
    pub(super) time: bool,
    pub(super) entropy: bool,
}

impl Asked {
    pub(super) const NOTHING: Self =
        Self { side_flags: false, size: false, time: false, entropy: false };

    /// The last of them in the chain.
    const fn last(self) -> Part {
        match self {
            Self { entropy: true, .. } => Part::Entropy,
            Self { time: true, .. } => Part::Time,
            Self { size: true, .. } => Part::Size,
            _ => Part::SideFlags,
        }
    }

    /// Whether about any.
    pub(super) const fn any(self) -> bool {
        self.side_flags || self.size || self.time || self.entropy
    }
}

/// What a network's forecast is worked out in.
#[derive(Clone)]
pub(super) struct Scratch {
    sums: Sums,
}

impl Scratch {
    pub(super) const NEW: Self = Self { sums: Sums::NONE };
}

/// Writes the odds of those heads of a packet that the network is `asked` about, each given what comes
/// before it in the chain.
pub(super) fn before(
    network: &Network,
    view: View<'_>,
    (packet, now): (&PacketFacts, Symbols),
    asked: Asked,
    scratch: &mut Scratch,
    odds: &mut Odds,
) {
    let sums = &mut scratch.sums;
    network.sums(view, asked.last(), sums);
    if asked.side_flags {
        side_flags(view, sums, odds);
    }
    let given = schema::turn(now.side_flags, view.recall.turned());
    let fine = fine_size(packet.payload_len);
    if asked.size {
        let mut logits = [0.0; SIZE_LOGITS];
        network.size(sums, given, &mut logits);
        halve(network.instructions(), &mut logits, SIZES, &mut odds.0[Head::Size as usize]);
    }
    if asked.time {
        let mut logits = [0.0; TIME_LOGITS];
        network.time(sums, given, fine, &mut logits);
        halve(network.instructions(), &mut logits, TIMES, &mut odds.0[Head::Time as usize]);
    }
    if asked.entropy {
        let mut logits = [0.0; ENTROPY_LOGITS];
        network.entropy(sums, given, fine, &mut logits);
        halve(network.instructions(), &mut logits, ENTROPIES, &mut odds.0[Head::Entropy as usize]);
    }
}

/// Writes the odds of side and flags alone.
pub(super) fn who(network: &Network, view: View<'_>, odds: &mut Odds) {
    let mut sums = Sums::NONE;
    network.sums(view, Part::SideFlags, &mut sums);
    side_flags(view, &sums, odds);
}

/// Writes the odds of the size, given side and flags.
pub(super) fn size(network: &Network, view: View<'_>, side_flags: u8, odds: &mut Odds) {
    let mut sums = Sums::NONE;
    network.sums(view, Part::Size, &mut sums);
    let mut logits = [0.0; SIZE_LOGITS];
    network.size(&sums, schema::turn(side_flags, view.recall.turned()), &mut logits);
    halve(network.instructions(), &mut logits, SIZES, &mut odds.0[Head::Size as usize]);
}

/// Writes the odds of the payload's entropy, given also the size.
pub(super) fn entropy(
    network: &Network,
    view: View<'_>,
    side_flags: u8,
    length: u32,
    odds: &mut Odds,
) {
    let mut sums = Sums::NONE;
    network.sums(view, Part::Entropy, &mut sums);
    let mut logits = [0.0; ENTROPY_LOGITS];
    let given = schema::turn(side_flags, view.recall.turned());
    network.entropy(&sums, given, fine_size(length), &mut logits);
    halve(network.instructions(), &mut logits, ENTROPIES, &mut odds.0[Head::Entropy as usize]);
}

/// Writes the odds of when the next packet comes, and of that nothing more does.
pub(super) fn wait(network: &Network, view: View<'_>, odds: &mut Odds) {
    let mut logits = [0.0; TIME_LOGITS];
    network.wait(view, &mut logits);
    let most = MOST.ln();
    odds.0[Head::Nothing as usize][NOTHING_SLOT] = logits[TIMES].clamp(-most, most);
    halve(network.instructions(), &mut logits, TIMES, &mut odds.0[Head::Wait as usize]);
}

/// The network's tree is the adaptive part's, but for whose side is whose.
fn side_flags(view: View<'_>, sums: &Sums, odds: &mut Odds) {
    let most = MOST.ln();
    let logits = sums.side_flags().map(|logit| logit.clamp(-most, most));
    let turned = view.recall.turned();
    let odds = &mut odds.0[Head::SideFlags as usize];
    for (node, place) in odds[..SIDE_FLAGS_NODES].iter_mut().enumerate() {
        *place = logits[schema::turn_node(node, turned)];
    }
    if turned {
        odds[0] = -odds[0];
    }
}

/// Odds of all nodes of a halved tree, from logits of its symbols.
fn halve<const LEAVES: usize>(
    instructions: Instructions,
    logits: &mut [f32; LEAVES],
    symbols: usize,
    odds: &mut [f32; Line::SLOTS],
) {
    instructions.run(Halve { logits, symbols, odds });
}

/// See [`halve`].
struct Halve<'a, const LEAVES: usize> {
    logits: &'a mut [f32; LEAVES],
    symbols: usize,
    odds: &'a mut [f32; Line::SLOTS],
}

impl<const LEAVES: usize> Work for Halve<'_, LEAVES> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self, _: E) {
        // The largest becomes 0, so that none overflows, and what is no symbol nothing.
        let mut largest = [f32::NEG_INFINITY; 8];
        self.logits[self.symbols.min(LEAVES)..].fill(f32::NEG_INFINITY);
        for eight in self.logits.as_chunks::<8>().0 {
            for (largest, logit) in largest.iter_mut().zip(eight) {
                *largest = if *logit > *largest { *logit } else { *largest };
            }
        }
        let largest = largest.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        // As a heap: the leaves come last.
        let mut sums = [0.0; 2 * TIME_LOGITS];
        for (sum, logit) in sums[LEAVES - 1..2 * LEAVES - 1].iter_mut().zip(&*self.logits) {
            *sum = exp(*logit - largest);
        }
        sums[LEAVES - 1 + self.symbols.min(LEAVES)..].fill(0.0);
        let mut ratios = [1.0; TIME_LOGITS];
        let mut parents = LEAVES / 2;
        while parents > 0 {
            let (upper, lower) = sums.split_at_mut(2 * parents - 1);
            let places = upper[parents - 1..].iter_mut().zip(&mut ratios[parents - 1..]);
            for ((sum, ratio), [zero, one]) in places.zip(lower.as_chunks::<2>().0) {
                *sum = zero + one;
                // A node without symbols behind its one is never asked.
                *ratio = if *one == 0.0 { 1.0 } else { one / zero };
            }
            parents /= 2;
        }
        for (odds, ratio) in self.odds[..LEAVES - 1].iter_mut().zip(&ratios) {
            *odds = log2(ratio.clamp(1.0 / MOST, MOST)) * std::f32::consts::LN_2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probability(odds: f32) -> f32 {
        1.0 / (1.0 + (-odds).exp())
    }

    #[test]
    fn uniform_odds_make_every_symbol_as_likely_as_the_others() {
        let odds = Odds::uniform();
        for (head, symbols) in [(Head::SideFlags, 16), (Head::Size, 13), (Head::Wait, 29)] {
            let all: [f32; 29] = tree::spread(head, |node| probability(odds.of(head)[node]));
            for probability in &all[..symbols] {
                assert!((probability * symbols as f32 - 1.0).abs() < 1e-4, "{head:?} {all:?}");
            }
        }
    }

    #[test]
    fn a_halved_tree_says_what_the_logits_say() {
        let mut odds = Odds::uniform();
        let logits: [f32; TIME_LOGITS] =
            std::array::from_fn(|symbol| ((symbol * 37) % 11) as f32 * 0.7 - 3.0);
        let sum: f32 = logits[..TIMES].iter().map(|logit| logit.exp()).sum();
        halve(Instructions::widest(), &mut logits.clone(), TIMES, &mut odds.0[Head::Wait as usize]);
        let all: [f32; TIMES] =
            tree::spread(Head::Wait, |node| probability(odds.of(Head::Wait)[node]));
        for (symbol, probability) in all.iter().enumerate() {
            let expected = logits[symbol].exp() / sum;
            assert!((probability / expected - 1.0).abs() < 1e-3, "{symbol}");
        }
    }

    #[test]
    fn the_wildest_logits_make_odds_within_bounds() {
        for wild in [1e15_f32, -1e15, 1e3] {
            let mut odds = Odds::uniform();
            let mut logits = [0.0; SIZE_LOGITS];
            logits[3] = wild;
            halve(Instructions::widest(), &mut logits, SIZES, &mut odds.0[Head::Size as usize]);
            let most = MOST.ln() + 1e-3;
            assert!(odds.of(Head::Size).iter().all(|odds| odds.abs() <= most), "{wild}");
        }
    }
}
