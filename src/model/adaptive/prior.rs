//! What is forecast of a packet before anything was learned on line.
//!
//! Here a network's forecast will come in: it says the odds of every decision of a head at once, and
//! the mixer learns how far to believe it beside what was learned on line. Until there is one, [`Uniform`].

use super::line::Line;
use super::tree::{self, Head};

/// Odds of every decision on one packet.
///
/// Asked in the order of the chain: a head's odds are given the true symbols of the heads before it.
pub(super) trait Prior {
    /// By node: `ln(p / (1 - p))` of its one. Nodes that the head's tree does not use are 0.
    fn odds(&self, head: Head) -> &[f32; Line::SLOTS];
}

/// Every symbol as likely as the others.
#[derive(Clone)]
pub(super) struct Uniform {
    odds: [[f32; Line::SLOTS]; Head::COUNT],
}

/// Nothing more comes after one packet in fifty: not uniform, because two in four is absurd.
const NOTHING: f32 = 0.02;

impl Uniform {
    pub(super) fn new() -> Self {
        let heads = [Head::SideFlags, Head::Size, Head::Time, Head::Wait];
        let mut odds = [[(NOTHING / (1.0 - NOTHING)).ln(); Line::SLOTS]; Head::COUNT];
        for head in heads {
            odds[head as usize] = tree::behind(head).map(|(zero, one)| {
                if zero == 0 { 0.0 } else { (f32::from(one) / f32::from(zero)).ln() }
            });
        }
        Self { odds }
    }
}

impl Prior for Uniform {
    #[inline]
    fn odds(&self, head: Head) -> &[f32; Line::SLOTS] {
        &self.odds[head as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_odds_make_every_symbol_as_likely_as_the_others() {
        let prior = Uniform::new();
        for (head, symbols) in [(Head::SideFlags, 16), (Head::Size, 13), (Head::Wait, 29)] {
            let all: [f32; 29] =
                tree::spread(head, |node| 1.0 / (1.0 + (-prior.odds(head)[node]).exp()));
            for probability in &all[..symbols] {
                assert!((probability * symbols as f32 - 1.0).abs() < 1e-4, "{head:?} {all:?}");
            }
        }
    }
}
