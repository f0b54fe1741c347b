//! One decision, weighed: the prior and six contexts, added up as ln-odds.
//!
//! ```text
//! inputs  x = prior's odds, 0.3, odds of each context's slot (0 where it was never asked)
//! weights w = confidence[input][updates of its slot] + node[input]
//! mixed     = squash(w . x), then half of it and half of what such a value turned out to be
//! ```
//!
//! The confidence weights stay as they shipped, so that learning is one update of eight lanes: the
//! node's weights, by the gradient of the bits paid. Plain arrays of eight; the compiler makes
//! vectors of them, and sums are written as a tree so that their order is fixed.

use super::arithmetic::squash;
use super::context::CONTEXTS;
use super::line::Line;
use super::tree::{DEEPEST, Head};
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

/// A decision as it was forecast.
#[derive(Clone, Copy)]
pub(super) struct Decision {
    inputs: [f32; INPUTS],
    /// Before the correction.
    mixed: f32,
    /// The probability of one.
    pub(super) one: f32,
    /// The correction's lower point and the share of the upper one.
    point: usize,
    share: f32,
}

impl Decision {
    pub(super) const NONE: Self =
        Self { inputs: [0.0; INPUTS], mixed: 0.5, one: 0.5, point: 0, share: 0.0 };
}

/// Weighs decisions and learns how.
#[derive(Clone)]
pub(super) struct Mixer {
    weights: Box<Weights>,
    /// Ln-odds by a slot's probability.
    stretch: Box<[f32; 4_096]>,
}

impl Mixer {
    pub(super) fn new(weights: Box<Weights>) -> Self {
        let mut stretch = Box::new([0.0; 4_096]);
        for (at, odds) in stretch.iter_mut().enumerate() {
            let at = at.max(1) as f64;
            *odds = (at / (4_096.0 - at)).ln() as f32;
        }
        Self { weights, stretch }
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

    /// Forecasts one decision from its prior and what the contexts' lines know.
    pub(super) fn decide(
        &self,
        head: Head,
        node: usize,
        prior: f32,
        lines: &[&Line; CONTEXTS],
    ) -> Decision {
        let (inputs, odds) = self.mix(head, node, prior, lines);
        self.correct(head, node, inputs, odds, squash(odds))
    }

    /// Forecasts the decisions of a path: the same, but squashed together, as vectors can.
    #[inline]
    pub(super) fn decide_all(
        &self,
        head: Head,
        steps: &[(u8, bool)],
        prior: &[f32; Line::SLOTS],
        lines: &[&Line; CONTEXTS],
        decisions: &mut [Decision; DEEPEST],
    ) {
        let mut odds = [0.0; INPUTS];
        for ((&(node, _), decision), odds) in steps.iter().zip(&mut *decisions).zip(&mut odds) {
            let node = usize::from(node);
            (decision.inputs, *odds) = self.mix(head, node, prior[node], lines);
        }
        let mut mixed = odds;
        for value in &mut mixed {
            *value = squash(*value);
        }
        for (at, (&(node, _), decision)) in steps.iter().zip(decisions).enumerate() {
            let node = usize::from(node);
            *decision = self.correct(head, node, decision.inputs, odds[at], mixed[at]);
        }
    }

    /// A decision's inputs and their weighed sum.
    #[inline]
    fn mix(
        &self,
        head: Head,
        node: usize,
        prior: f32,
        lines: &[&Line; CONTEXTS],
    ) -> ([f32; INPUTS], f32) {
        let (inputs, confidences) = self.gather(node, prior, lines);
        let by_confidence = &self.weights.confidence[head as usize];
        let by_node = &self.weights.node[head as usize][node];
        let mut terms = [0.0; INPUTS];
        for input in 0..INPUTS {
            // All are below 16; saying so spares a check each.
            terms[input] = by_confidence[input][confidences[input] & 15];
        }
        for input in 0..INPUTS {
            terms[input] = (terms[input] + by_node[input]) * inputs[input];
        }
        let [a, b, c, d, e, f, g, h] = terms;
        let sum = ((a + e) + (c + g)) + ((b + f) + (d + h));
        (inputs, sum.clamp(-14.0, 14.0))
    }

    /// A decision's inputs, and by which count or size each is weighed.
    #[inline]
    fn gather(
        &self,
        node: usize,
        prior: f32,
        lines: &[&Line; CONTEXTS],
    ) -> ([f32; INPUTS], [usize; INPUTS]) {
        let slots = lines.map(|line| line.slots[node]);
        let known = slots.iter().filter(|&&slot| slot & 15 != 0).count();
        let mut inputs = [prior, CONSTANT, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let mut confidences = [0; INPUTS];
        confidences[0] = size_of_odds(prior) + 8 * usize::from(2 * known > CONTEXTS);
        confidences[1] = known;
        for (context, slot) in slots.into_iter().enumerate() {
            let count = usize::from(slot & 15);
            let odds = self.stretch[usize::from(slot >> 4)];
            inputs[context + 2] = if count == 0 { 0.0 } else { odds };
            confidences[context + 2] = count;
        }
        (inputs, confidences)
    }

    /// Trains the weights by confidence too, and those by node more slowly than on line: for a mixer
    /// that is yet to ship. [`Self::learn`] follows.
    pub(super) fn train(
        &mut self,
        head: Head,
        node: usize,
        prior: f32,
        lines: &[&Line; CONTEXTS],
        decision: &Decision,
        bit: bool,
    ) {
        let error = f32::from(u8::from(bit)) - decision.mixed;
        let (inputs, confidences) = self.gather(node, prior, lines);
        let weights = &mut self.weights;
        for input in 0..INPUTS {
            let step = error * inputs[input];
            weights.confidence[head as usize][input][confidences[input] & 15] += TRAINED * step;
            weights.node[head as usize][node][input] += (TRAINED_NODE - RATE) * step;
        }
    }

    /// A decision, once its mixed odds are squashed.
    #[inline]
    fn correct(
        &self,
        head: Head,
        node: usize,
        inputs: [f32; INPUTS],
        odds: f32,
        mixed: f32,
    ) -> Decision {
        let place = (odds.clamp(-7.99, 7.99) + 8.0) * 2.0;
        let point = (place as u32 as usize).min(POINTS - 2);
        let share = place - point as f32;
        let curve = &self.weights.correction[head as usize][node];
        let corrected = curve[point] * (1.0 - share) + curve[point + 1] * share;
        let one = (0.5 * (mixed + corrected)).clamp(LEAST, 1.0 - LEAST);
        Decision { inputs, mixed, one, point, share }
    }

    /// Learns which way a decision went.
    #[inline]
    pub(super) fn learn(&mut self, head: Head, node: usize, decision: &Decision, bit: bool) {
        let bit = f32::from(u8::from(bit));
        let step = RATE * (bit - decision.mixed);
        let weights = &mut self.weights.node[head as usize][node];
        for (weight, input) in weights.iter_mut().zip(&decision.inputs) {
            *weight += step * input;
        }
        let curve = &mut self.weights.correction[head as usize][node];
        let Decision { point, share, .. } = *decision;
        curve[point] += RATE * (1.0 - share) * (bit - curve[point]);
        curve[point + 1] += RATE * share * (bit - curve[point + 1]);
    }
}

/// In which of eight steps the prior's confidence lies.
#[inline]
fn size_of_odds(prior: f32) -> usize {
    let size = prior.abs();
    [0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0].iter().map(|&edge| usize::from(size >= edge)).sum()
}

#[cfg(test)]
mod tests {
    use super::super::weights::tests::shipped;
    use super::*;

    #[test]
    fn contexts_that_are_sure_outweigh_the_prior() {
        let mixer = Mixer::new(shipped());
        let mut line = Line::FRESH;
        for _ in 0..100 {
            line.learn(0, true);
        }
        let ignorant = mixer.decide(Head::SideFlags, 0, 0.0, &[&Line::FRESH; CONTEXTS]);
        let sure = mixer.decide(Head::SideFlags, 0, 0.0, &[&line; CONTEXTS]);
        assert!((0.2..0.8).contains(&ignorant.one), "{}", ignorant.one);
        assert!(sure.one > 0.99, "{}", sure.one);
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
        let before = mixer.decide(Head::Size, 0, 0.0, &lines).one;
        for _ in 0..1_000 {
            let decision = mixer.decide(Head::Size, 0, 0.0, &lines);
            mixer.learn(Head::Size, 0, &decision, false);
        }
        let after = mixer.decide(Head::Size, 0, 0.0, &lines).one;
        assert!(after < 0.1 && after < before, "{before} {after}");
    }
}
