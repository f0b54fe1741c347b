//! From surprise in bits to "one packet in so many of this kind, here".
//!
//! Three histograms answer, the narrower one leaning on the wider one as long as it has seen little:
//! the packet's service, its protocol, the whole site, and under these a curve that ships. Each by
//! stage of the connection. A last histogram looks at the answers themselves: if more packets were
//! called one in a thousand lately than one in a thousand, it says so and the answer follows, up to
//! thirty-two-fold.
//!
//! * With `n` packets of a service seen, nothing rarer than about 1 in n is claimed. What the wider
//!   histograms know counts for at most [`BORROWED`] packets.
//! * What scores high is learned, or "1 in N" would be wrong, but of each connection and endpoint
//!   only as much as its allowance (see [`Scorer`](super::Scorer)), and one in sixteen beyond it.

use super::class::{Class, PROTOCOLS, SERVICES, STAGES, stage};
use super::tail::TailSketch;

/// Packets that a histogram remembers.
const MEMORY: f32 = 100_000.0;
/// Packets that the last histogram remembers: what drifts must be seen soon.
const RECENT: f32 = 5_000.0;
/// How far its answers may be off before the last histogram no longer corrects them: whoever floods
/// it gains no more than this.
const MOST_CORRECTION: f32 = 32.0;
/// Packets that the histogram of learned answers remembers.
const ROBUST: f32 = 20_000.0;
/// How many packets of its own weigh as much as what the wider histogram says.
const LEANING: f32 = 50.0;
/// As how many packets what others know counts at most, for the least that is claimed.
const BORROWED: f32 = 1_000.0;
/// The same for the answers against what they say.
const RELIANCE: f32 = 200.0;

/// Shares of surprise by stage and class.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Calibration {
    pub(super) site: [TailSketch; STAGES],
    pub(super) protocols: Vec<TailSketch>,
    /// By service and stage, as far as services are known.
    pub(super) services: Vec<TailSketch>,
    /// Answers of these, as far as they were learned, and of that, whole.
    pub(super) learned: TailSketch,
    pub(super) answers: TailSketch,
}

impl Default for Calibration {
    fn default() -> Self {
        Self {
            site: Default::default(),
            protocols: vec![TailSketch::default(); PROTOCOLS * STAGES],
            services: Vec::new(),
            learned: TailSketch::default(),
            answers: TailSketch::default(),
        }
    }
}

/// An answer, and what it was made of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Answer {
    /// Share of packets like this one that surprise as much.
    pub(super) probability: f32,
    /// The same as far as only what may be learned was learned: an attack that goes on for long
    /// does not become usual. This is what evidence is made of; it is not claimed to be a share.
    pub(super) robust: f32,
    /// What the three histograms say, and what of that is left, both in bits.
    first_bits: f32,
    robust_bits: f32,
}

impl Calibration {
    /// Makes room for a class that was not there before.
    pub(super) fn admit(&mut self, class: Class) {
        let Some(service) = class.service else { return };
        let needed = (usize::from(service).min(SERVICES - 1) + 1) * STAGES;
        if self.services.len() < needed {
            self.services.resize_with(needed, TailSketch::default);
        }
    }

    /// How often a packet of this class, with `before` others before it, surprises by `bits`.
    #[inline]
    pub(super) fn ask(&self, class: Class, before: u32, bits: f32) -> Answer {
        let stage = stage(before);
        let (service, protocol) = self.places(class, stage);
        let mut share = expected(stage, bits);
        let mut known = BORROWED / 10.0;
        for sketch in [Some(&self.site[stage]), protocol, service].into_iter().flatten() {
            let examples = sketch.examples();
            share = (sketch.above(bits) + LEANING * share) / (examples + LEANING);
            known = known.min(BORROWED) + examples;
        }
        let least = 1.0 / (1.0 + known);
        let first = share.max(least);
        let first_bits = -first.log2();
        let robust = corrected(&self.learned, first, first_bits).max(f32::MIN_POSITIVE);
        let robust_bits = -robust.log2();
        let factor = corrected(&self.answers, robust, robust_bits) / robust;
        let probability = robust * factor.clamp(1.0 / MOST_CORRECTION, MOST_CORRECTION);
        Answer {
            probability: probability.clamp(least, 1.0),
            robust: robust.min(1.0),
            first_bits,
            robust_bits,
        }
    }

    /// Learns what `ask` was asked of, as `share` of a packet.
    #[inline]
    pub(super) fn learn(
        &mut self,
        class: Class,
        before: u32,
        bits: f32,
        answer: Answer,
        share: f32,
    ) {
        let stage = stage(before);
        self.learned.learn(answer.first_bits, share, ROBUST);
        // Whole, whatever the share: it must see how wrong the others are, and its say is bounded.
        self.answers.learn(answer.robust_bits, 1.0, RECENT);
        self.site[stage].learn(bits, share, MEMORY);
        let place = usize::from(class.protocol) * STAGES + stage;
        if let Some(sketch) = self.protocols.get_mut(place) {
            sketch.learn(bits, share, MEMORY);
        }
        let place = class.service.map_or(usize::MAX, |it| usize::from(it) * STAGES + stage);
        if let Some(sketch) = self.services.get_mut(place) {
            sketch.learn(bits, share, MEMORY);
        }
    }

    /// Packets of the class's service at this stage that were learned; 0 where it has none.
    pub(super) fn known(&self, class: Class, before: u32) -> u32 {
        self.places(class, stage(before)).0.map_or(0, |sketch| sketch.examples() as u32)
    }

    /// The surprise in bits that a packet of this class needs for a probability at or below `stated`.
    pub(super) fn threshold(&self, class: Class, before: u32, stated: f32) -> f32 {
        let (mut low, mut high) = (0.0, 64.0);
        for _ in 0..10 {
            let middle = f32::midpoint(low, high);
            if self.ask(class, before, middle).probability <= stated {
                high = middle;
            } else {
                low = middle;
            }
        }
        high
    }

    fn places(&self, class: Class, stage: usize) -> (Option<&TailSketch>, Option<&TailSketch>) {
        let service = class.service.map_or(usize::MAX, |it| usize::from(it) * STAGES + stage);
        let protocol = usize::from(class.protocol) * STAGES + stage;
        (self.services.get(service), self.protocols.get(protocol))
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        (self.services.capacity() + self.protocols.capacity()) * size_of::<TailSketch>()
    }
}

/// How often answers were at or below a probability, which is `bits`, by a histogram of them.
fn corrected(answers: &TailSketch, said: f32, bits: f32) -> f32 {
    (answers.above(bits) + RELIANCE * said) / (answers.examples() + RELIANCE)
}

/// What a site is taken to be like before anything is known of it: a tail that falls by half every
/// three bits from a point on that depends on the stage.
fn expected(stage: usize, bits: f32) -> f32 {
    const FROM: [f32; STAGES] = [14.0, 12.0, 9.0, 7.0];
    let beyond = bits - FROM.get(stage).copied().unwrap_or(7.0);
    (-beyond / 3.0).exp2().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTPS: Class = Class { protocol: 0, service: Some(0) };

    /// Numbers evenly spread over 0 to 1, always the same.
    fn even(state: &mut u64) -> f32 {
        *state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((*state >> 40) as f32 + 0.5) / (1u64 << 24) as f32
    }

    /// A site whose surprise falls by half every bit, after `packets` of it.
    fn site(packets: usize) -> (Calibration, u64) {
        let mut calibration = Calibration::default();
        calibration.admit(HTTPS);
        let mut state = 7;
        for _ in 0..packets {
            let bits = -even(&mut state).log2();
            let answer = calibration.ask(HTTPS, 20, bits);
            calibration.learn(HTTPS, 20, bits, answer, 1.0);
        }
        (calibration, state)
    }

    #[test]
    fn one_in_n_is_true_on_a_steady_site() {
        let (mut calibration, mut state) = site(5_000);
        let (mut hundredths, mut thousandths) = (0, 0);
        for _ in 0..200_000 {
            let bits = -even(&mut state).log2();
            let answer = calibration.ask(HTTPS, 20, bits);
            hundredths += u32::from(answer.probability <= 1e-2);
            thousandths += u32::from(answer.probability <= 1e-3);
            calibration.learn(HTTPS, 20, bits, answer, 1.0);
        }
        assert!((1_700..2_300).contains(&hundredths), "{hundredths}");
        assert!((140..280).contains(&thousandths), "{thousandths}");
    }

    #[test]
    fn nothing_rarer_is_claimed_than_was_seen() {
        for packets in [0, 10, 100, 1_000, 10_000] {
            let (calibration, _) = site(packets);
            let least = calibration.ask(HTTPS, 20, 60.0).probability;
            let known = packets as f32 + 2_000.0;
            assert!(least >= 0.99 / (known + 1_000.0), "{least} after {packets}");
        }
    }

    #[test]
    fn an_unknown_service_is_judged_by_its_protocol() {
        let (calibration, _) = site(20_000);
        let other = Class { protocol: 0, service: None };
        let alike = calibration.ask(other, 20, 8.0).probability;
        let usual = calibration.ask(HTTPS, 20, 8.0).probability;
        assert!((alike / usual - 1.0).abs() < 0.2, "{alike} {usual}");
    }

    #[test]
    fn the_threshold_is_the_surprise_that_the_probability_turns_at() {
        let (calibration, _) = site(50_000);
        let bits = calibration.threshold(HTTPS, 20, 1e-3);
        assert!(calibration.ask(HTTPS, 20, bits).probability <= 1e-3);
        assert!(calibration.ask(HTTPS, 20, bits - 0.5).probability > 1e-3);
        assert!((bits - 10.0).abs() < 1.0, "{bits}");
    }
}
