//! Decisions, weighed: the prior and six contexts, added up as ln-odds.
//!
//! ```text
//! inputs  x = prior's odds, 0.3, odds of each context's slot (0 where it was never asked)
//! weights w = confidence[input][updates of its slot] + node[input]
//! mixed     = squash(w . x), then half of it and half of what such a value turned out to be
//! ```
//!
//! The confidence weights stay as they shipped, so that learning is one update of eight lanes: the
//! node's weights, by the gradient of the bits paid. Sums are written as a tree so that their order
//! is fixed: one decision alone ([`Mixer::one`]) and many together ([`Mixer::forecast`]) give the
//! same bits, on every machine.

use super::super::engine::{AnyEight, Eight, Instructions, Work};
use super::arithmetic::squash;
use super::context::CONTEXTS;
use super::decisions::{Decisions, FIRST, ROOM, row};
use super::line::{Line, moved};
use super::tree::Head;
use super::weights::{INPUTS, POINTS, Weights};

/// How fast node weights and corrections follow.
const RATE: f32 = 0.01;
/// How fast weights by confidence and by node follow while a mixer is trained.
const TRAINED: f32 = 0.005;
const TRAINED_NODE: f32 = 0.002;
/// The constant input.
const CONSTANT: f32 = 0.3;
/// No decision is taken to be surer than this.
const LEAST: f32 = 1.0 / 8_192.0;

/// A correction never comes nearer to 0 or 1. Left to itself it would fade into numbers so small that
/// a processor takes a hundred cycles for each (measured: a quarter of all time).
const SUREST: f32 = 1e-6;

/// Weighs decisions and learns how.
#[derive(Clone)]
pub(super) struct Mixer {
    weights: Box<Weights>,
    /// Ln-odds by a slot's probability. A slot that was never asked holds even odds: its input is 0.
    stretch: Box<[f32; 4_096]>,
    instructions: Instructions,
}

impl Mixer {
    pub(super) fn new(weights: Box<Weights>) -> Self {
        let mut stretch = Box::new([0.0; 4_096]);
        for (at, odds) in stretch.iter_mut().enumerate() {
            let at = at.max(1) as f64;
            *odds = (at / (4_096.0 - at)).ln() as f32;
        }
        Self { weights, stretch, instructions: Instructions::widest() }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.weights) + size_of_val(&*self.stretch)
    }

    pub(super) const fn weights(&self) -> &Weights {
        &self.weights
    }

    pub(super) const fn weights_mut(&mut self) -> &mut Weights {
        &mut self.weights
    }

    /// The probability of one decision's one, from its prior and what the contexts' lines know.
    pub(super) fn one(
        &self,
        head: Head,
        node: usize,
        prior: f32,
        lines: &[&Line; CONTEXTS],
    ) -> f32 {
        let mut slots = [0; INPUTS];
        for (slot, line) in slots[FIRST..].iter_mut().zip(lines) {
            *slot = line.slots[node];
        }
        let row = row(head, node);
        let (odds, _) = self.weigh(AnyEight, (head, row), prior, size_of_odds(prior), &slots);
        let (point, share) = place(odds);
        self.correct(row, squash(odds), point, share)
    }

    /// Forecasts all decisions.
    #[inline]
    pub(super) fn forecast(&self, decisions: &mut Decisions) {
        self.instructions.run(Forecast { mixer: self, decisions });
    }

    /// Learns which way all decisions went, and moves their slots accordingly.
    #[inline]
    pub(super) fn learn(&mut self, decisions: &mut Decisions) {
        let instructions = self.instructions;
        instructions.run(Learn { mixer: self, decisions });
    }

    /// A decision's ln-odds, and its inputs. `size` is [`size_of_odds`] of the prior.
    #[inline(always)]
    fn weigh<E: Eight>(
        &self,
        e: E,
        (head, row): (Head, usize),
        prior: f32,
        size: u32,
        slots: &[u16; INPUTS],
    ) -> (f32, E::F) {
        let slots = e.read_whole(slots);
        let inputs = e.look_up(&self.stretch, e.sixteenth(slots));
        let inputs = e.with_first(inputs, prior, CONSTANT);
        // The first two slots are 0: they are no contexts' and are not known.
        let counts = e.and(slots, 15);
        let known = e.count(counts);
        let counts = e.with_first_whole(counts, prior_count(size, known), known);
        let by_count = e.look_up_rows(&self.weights.confidence[head as usize], counts);
        let by_node = e.read(&self.weights.node.as_flattened()[row]);
        let odds = e.sum(e.mul(e.add(by_count, by_node), inputs));
        (odds.clamp(-14.0, 14.0), inputs)
    }

    /// The probability of one, from what was mixed and where that lies on the node's correction.
    #[inline(always)]
    fn correct(&self, row: usize, mixed: f32, point: u32, share: f32) -> f32 {
        let curve = &self.weights.correction.as_flattened()[row];
        let point = (point as usize).min(POINTS - 2);
        let corrected = curve[point] * (1.0 - share) + curve[point + 1] * share;
        (0.5 * (mixed + corrected)).clamp(LEAST, 1.0 - LEAST)
    }

    /// Trains the weights by confidence too, and those by node more slowly than on line: for a mixer
    /// that is yet to ship. [`Self::learn`] follows.
    pub(super) fn train(&mut self, decisions: &Decisions) {
        let weights = &mut self.weights;
        for at in 0..decisions.len {
            let (head, row) = (decisions.heads[at] as usize, usize::from(decisions.rows[at]));
            let error = decisions.bits[at] - decisions.mixed[at];
            let size = size_of_odds(decisions.priors[at]);
            let counts = counts(size, &decisions.slots[at]);
            for (input, confidence) in counts.into_iter().enumerate() {
                let step = error * decisions.inputs[at][input];
                weights.confidence[head][input][confidence as usize & 15] += TRAINED * step;
                weights.node.as_flattened_mut()[row][input] += (TRAINED_NODE - RATE) * step;
            }
        }
    }
}

/// See [`Mixer::forecast`].
struct Forecast<'a> {
    mixer: &'a Mixer,
    decisions: &'a mut Decisions,
}

impl Work for Forecast<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self, e: E) {
        let Self { mixer, decisions: all } = self;
        let lanes = all.lanes();
        let mut sizes = [0; ROOM];
        for (size, prior) in sizes[..lanes].iter_mut().zip(&all.priors[..lanes]) {
            *size = size_of_odds(*prior);
        }
        let mut odds = [0.0; ROOM];
        for at in 0..all.len.min(ROOM) {
            let place = (all.heads[at], usize::from(all.rows[at]));
            let weighed = mixer.weigh(e, place, all.priors[at], sizes[at], &all.slots[at]);
            odds[at] = weighed.0;
            e.write(&mut all.inputs[at], weighed.1);
        }
        for (at, &odds) in odds[..lanes].iter().enumerate() {
            all.mixed[at] = squash(odds);
            (all.points[at], all.shares[at]) = place(odds);
        }
        for at in 0..all.len.min(ROOM) {
            let row = usize::from(all.rows[at]);
            all.ones[at] = mixer.correct(row, all.mixed[at], all.points[at], all.shares[at]);
        }
    }
}

/// See [`Mixer::learn`].
struct Learn<'a> {
    mixer: &'a mut Mixer,
    decisions: &'a mut Decisions,
}

impl Work for Learn<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self, e: E) {
        let Self { mixer, decisions: all } = self;
        for at in 0..all.len.min(ROOM) {
            let row = usize::from(all.rows[at]);
            let bit = all.bits[at];
            let step = e.splat(RATE * (bit - all.mixed[at]));
            let weights = &mut mixer.weights.node.as_flattened_mut()[row];
            let learned = e.add(e.read(weights), e.mul(step, e.read(&all.inputs[at])));
            e.write(weights, learned);
            let curve = &mut mixer.weights.correction.as_flattened_mut()[row];
            let (point, share) = ((all.points[at] as usize).min(POINTS - 2), all.shares[at]);
            let target = bit * (1.0 - 2.0 * SUREST) + SUREST;
            curve[point] += RATE * (1.0 - share) * (target - curve[point]);
            curve[point + 1] += RATE * share * (target - curve[point + 1]);
            let slots = moved(e, e.read_whole(&all.slots[at]), bit);
            e.write_whole(&mut all.slots[at], slots);
        }
    }
}

/// The lower point of a correction at some odds, and the share of the upper one.
#[inline(always)]
fn place(odds: f32) -> (u32, f32) {
    // Added to a float it leaves the nearest whole number in the lowest bits. Half way between two
    // of them either will do: the correction does not jump there.
    const WHOLE: f32 = 12_582_912.0;
    let place = (odds.clamp(-7.99, 7.99) + 8.0) * 2.0;
    let rounded = (place - 0.5) + WHOLE;
    (rounded.to_bits() & 63, place - (rounded - WHOLE))
}

/// By which count or size each input is weighed.
fn counts(size: u32, slots: &[u16; INPUTS]) -> [u32; INPUTS] {
    let mut counts = slots.map(|slot| u32::from(slot & 15));
    let known = counts.iter().map(|&count| count.min(1)).sum();
    counts[0] = prior_count(size, known);
    counts[1] = known;
    counts
}

/// What stands for a count with the prior: how sure it is, and whether most contexts know something.
#[inline(always)]
fn prior_count(size: u32, known: u32) -> u32 {
    size + 8 * u32::from(2 * known > CONTEXTS as u32)
}

/// In which of eight steps the prior's confidence lies.
#[inline(always)]
fn size_of_odds(prior: f32) -> u32 {
    let size = prior.abs();
    let mut step = 0;
    for edge in [0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0] {
        step += u32::from(size >= edge);
    }
    step
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tree::Path;
    use super::super::weights::tests::shipped;
    use super::*;

    /// One decision, and the probability of its one.
    fn decided(
        mixer: &Mixer,
        head: Head,
        bit: bool,
        lines: &[&Line; CONTEXTS],
    ) -> (Decisions, f32) {
        let mut decisions = Decisions::NONE;
        let path = Path::NONE.then(0, bit);
        decisions.add(head, &path, &[0.0; Line::SLOTS], lines);
        mixer.forecast(&mut decisions);
        let one = decisions.ones[0];
        assert_eq!(one, mixer.one(head, 0, 0.0, lines));
        (decisions, one)
    }

    #[test]
    fn contexts_that_are_sure_outweigh_the_prior() {
        let mixer = Mixer::new(shipped());
        let mut line = Line::FRESH;
        for _ in 0..100 {
            line.learn(0, true);
        }
        let (_, ignorant) = decided(&mixer, Head::SideFlags, true, &[&Line::FRESH; CONTEXTS]);
        let (_, sure) = decided(&mixer, Head::SideFlags, true, &[&line; CONTEXTS]);
        assert!((0.2..0.8).contains(&ignorant), "{ignorant}");
        assert!(sure > 0.99, "{sure}");
    }

    #[test]
    fn a_node_learns_whom_to_believe() {
        let mut mixer = Mixer::new(shipped());
        let (mut liar, mut honest) = (Line::FRESH, Line::FRESH);
        for _ in 0..100 {
            liar.learn(0, true);
            honest.learn(0, false);
        }
        let lines = [&liar, &honest, &liar, &liar, &honest, &liar];
        let (_, before) = decided(&mixer, Head::Size, false, &lines);
        for _ in 0..12_000 {
            let (mut decisions, _) = decided(&mixer, Head::Size, false, &lines);
            mixer.learn(&mut decisions);
        }
        let (_, after) = decided(&mixer, Head::Size, false, &lines);
        assert!(after < 0.1 && after < before, "{before} {after}");
        let curve = &mixer.weights.correction[Head::Size as usize][0];
        assert!(curve.iter().all(|value| value.is_normal()), "{curve:?}");
    }

    proptest! {
        /// Nothing here is fused or put into another order by the compiler.
        #[test]
        fn every_processor_gets_the_same_bits(seed in any::<u64>(), prior in -12.0_f32..12.0) {
            let mut plain = Mixer { instructions: Instructions::PLAIN, ..Mixer::new(shipped()) };
            let mut wide = Mixer::new(shipped());
            let mut state = seed;
            let mut line = Line::FRESH;
            for _ in 0..30 {
                state = super::super::super::origin::mix(state);
                let mut all = Decisions::NONE;
                let other = line;
                for slot in &mut line.slots {
                    *slot = slot.wrapping_add((state >> 7) as u16).max(16);
                }
                let lines = [&line, &other, &Line::FRESH, &line, &other, &other];
                let symbol = (state % 13) as u8;
                for head in [Head::SideFlags, Head::Size, Head::Time, Head::Entropy] {
                    all.add(head, Path::to(head, symbol), &[prior; Line::SLOTS], &lines);
                }
                let mut same = all.clone();
                plain.forecast(&mut all);
                wide.forecast(&mut same);
                prop_assert_eq!(all.ones.map(f32::to_bits), same.ones.map(f32::to_bits));
                plain.learn(&mut all);
                wide.learn(&mut same);
                prop_assert_eq!(all.slots, same.slots);
                prop_assert_eq!(&plain.weights, &wide.weights);
            }
        }
    }
}
