//! What is forecast of a packet before anything was learned on line.
//!
//! Either the network's forecast, or, without a network, that every symbol is as likely as the
//! others. It says the odds of the decisions of a head at once, and the mixer learns how far to
//! believe them beside what was learned on line.
//!
//! The network has its sides by role, the adaptive part by who sent first: where the first sender is
//! the responder, its tree of side and flags is turned here.

use super::super::PacketFacts;
use super::super::discretise::{SIZES, Symbols, TIMES};
use super::super::engine::Maths;
use super::super::network::{ENTROPY_LOGITS, Network, SIZE_LOGITS, Sums, TIME_LOGITS, View};
use super::super::schema::{self, ENTROPIES, SIDE_FLAGS_NODES, fine_size};
use super::line::Line;
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

/// What a network's forecast is worked out in.
#[derive(Clone)]
pub(super) struct Scratch {
    sums: Sums,
}

impl Scratch {
    pub(super) const NEW: Self = Self { sums: Sums::NONE };
}

/// Writes the odds of side and flags, of the size, of the time and of the entropy of a packet that
/// came, each given what comes before it in the chain.
pub(super) fn before(
    network: &Network,
    view: View<'_>,
    packet: &PacketFacts,
    now: Symbols,
    scratch: &mut Scratch,
    odds: &mut Odds,
) {
    let sums = &mut scratch.sums;
    network.sums(view, sums);
    side_flags(view, sums, odds);
    let given = schema::turn(now.side_flags, view.recall.turned());
    let fine = fine_size(packet.payload_len);
    // Both together, so that each function is called once.
    let mut logits = [0.0; SIZE_LOGITS + TIME_LOGITS];
    let (sizes, times) = logits.split_at_mut(SIZE_LOGITS);
    network.size(sums, given, sizes);
    if now.time.is_some() {
        network.time(sums, given, fine, times);
    }
    halve_both(network.maths(), &mut logits, odds);
    if packet.entropy.is_some() {
        let mut logits = [0.0; ENTROPY_LOGITS];
        network.entropy(sums, given, fine, &mut logits);
        halve(network.maths(), &mut logits, ENTROPIES, &mut odds.0[Head::Entropy as usize]);
    }
}

/// Writes the odds of side and flags alone.
pub(super) fn who(network: &Network, view: View<'_>, scratch: &mut Scratch, odds: &mut Odds) {
    network.sums(view, &mut scratch.sums);
    side_flags(view, &scratch.sums, odds);
}

/// Writes the odds of the size, given side and flags, once those of side and flags were written.
pub(super) fn size(
    network: &Network,
    view: View<'_>,
    side_flags: u8,
    scratch: &Scratch,
    odds: &mut Odds,
) {
    let mut logits = [0.0; SIZE_LOGITS];
    network.size(&scratch.sums, schema::turn(side_flags, view.recall.turned()), &mut logits);
    halve(network.maths(), &mut logits, SIZES, &mut odds.0[Head::Size as usize]);
}

/// Writes the odds of the payload's entropy, given also the size, likewise.
pub(super) fn entropy(
    network: &Network,
    view: View<'_>,
    side_flags: u8,
    length: u32,
    scratch: &Scratch,
    odds: &mut Odds,
) {
    let mut logits = [0.0; ENTROPY_LOGITS];
    let given = schema::turn(side_flags, view.recall.turned());
    network.entropy(&scratch.sums, given, fine_size(length), &mut logits);
    halve(network.maths(), &mut logits, ENTROPIES, &mut odds.0[Head::Entropy as usize]);
}

/// Writes the odds of when the next packet comes, and of that nothing more does.
pub(super) fn wait(network: &Network, view: View<'_>, odds: &mut Odds) {
    let mut logits = [0.0; TIME_LOGITS];
    network.wait(view, &mut logits);
    let most = MOST.ln();
    odds.0[Head::Nothing as usize][NOTHING_SLOT] = logits[TIMES].clamp(-most, most);
    halve(network.maths(), &mut logits, TIMES, &mut odds.0[Head::Wait as usize]);
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

/// [`halve`] for sizes and times side by side.
fn halve_both(maths: Maths, logits: &mut [f32; SIZE_LOGITS + TIME_LOGITS], odds: &mut Odds) {
    let (sizes, times) = logits.split_at_mut(SIZE_LOGITS);
    lower(&mut sizes[..SIZES]);
    lower(&mut times[..TIMES]);
    maths.exp(logits);
    let mut ratios = [1.0; SIZE_LOGITS + TIME_LOGITS];
    let (small, large) = ratios.split_at_mut(SIZE_LOGITS);
    let (sizes, times) = logits.split_at(SIZE_LOGITS);
    divide::<SIZE_LOGITS>(&sizes[..SIZES], small);
    divide::<TIME_LOGITS>(&times[..TIMES], large);
    maths.ln(&mut ratios);
    keep(&ratios[..SIZE_LOGITS], &mut odds.0[Head::Size as usize]);
    keep(&ratios[SIZE_LOGITS..], &mut odds.0[Head::Time as usize]);
}

/// Odds of all nodes of a halved tree, from logits of its symbols.
fn halve<const LEAVES: usize>(
    maths: Maths,
    logits: &mut [f32; LEAVES],
    symbols: usize,
    odds: &mut [f32; Line::SLOTS],
) {
    lower(&mut logits[..symbols]);
    maths.exp(&mut logits[..symbols]);
    let mut ratios = [1.0; LEAVES];
    divide::<LEAVES>(&logits[..symbols], &mut ratios);
    maths.ln(&mut ratios);
    keep(&ratios, odds);
}

/// Makes the largest 0, so that none overflows.
fn lower(logits: &mut [f32]) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    logits.iter_mut().for_each(|logit| *logit -= largest);
}

/// By node of a tree of `LEAVES`: what lies behind its one, over what lies behind its zero. A node
/// without symbols behind one of them gets 1.
fn divide<const LEAVES: usize>(weights: &[f32], ratios: &mut [f32]) {
    // As a heap: the leaves come last.
    let mut sums = [0.0; 2 * TIME_LOGITS];
    sums[LEAVES - 1..LEAVES - 1 + weights.len()].copy_from_slice(weights);
    for node in (0..LEAVES - 1).rev() {
        let (zero, one) = (sums[2 * node + 1], sums[2 * node + 2]);
        sums[node] = zero + one;
        ratios[node] = if one == 0.0 { 1.0 } else { (one / zero).clamp(1.0 / MOST, MOST) };
    }
}

fn keep(logarithms: &[f32], odds: &mut [f32; Line::SLOTS]) {
    let nodes = logarithms.len() - 1;
    odds[..nodes].copy_from_slice(&logarithms[..nodes]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::engine::Dispatch;

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
        let maths = Maths::new(Dispatch::Auto).unwrap();
        let mut odds = Odds::uniform();
        let logits: [f32; TIME_LOGITS] =
            std::array::from_fn(|symbol| ((symbol * 37) % 11) as f32 * 0.7 - 3.0);
        let sum: f32 = logits[..TIMES].iter().map(|logit| logit.exp()).sum();
        halve(maths, &mut logits.clone(), TIMES, &mut odds.0[Head::Wait as usize]);
        let all: [f32; TIMES] =
            tree::spread(Head::Wait, |node| probability(odds.of(Head::Wait)[node]));
        for (symbol, probability) in all.iter().enumerate() {
            let expected = logits[symbol].exp() / sum;
            assert!((probability / expected - 1.0).abs() < 1e-3, "{symbol}");
        }
        let mut both = [0.0; SIZE_LOGITS + TIME_LOGITS];
        both[SIZE_LOGITS..].copy_from_slice(&logits);
        halve_both(maths, &mut both, &mut odds);
        assert_eq!(odds.of(Head::Time)[..30], odds.of(Head::Wait)[..30]);
    }

    #[test]
    fn the_wildest_logits_make_odds_within_bounds() {
        let maths = Maths::new(Dispatch::Auto).unwrap();
        for wild in [1e15_f32, -1e15, 1e3] {
            let mut odds = Odds::uniform();
            let mut logits = [0.0; SIZE_LOGITS];
            logits[3] = wild;
            halve(maths, &mut logits, SIZES, &mut odds.0[Head::Size as usize]);
            let most = MOST.ln() + 1e-3;
            assert!(odds.of(Head::Size).iter().all(|odds| odds.abs() <= most), "{wild}");
        }
    }
}
