//! Times within their octave: the last one under the same context, give or take.
//!
//! A wait's line keeps, in slots that its tree leaves free, the logarithm of the last time under its
//! context and how often it was about the same. Within an octave the forecast is a mixture of three
//! bumps about that time (two-sided exponentials, cut off at the octave's ends) and of nothing
//! but the octave, weighed by how often such times were right.

use super::arithmetic::exp;
use super::context::CONTEXTS;
use super::line::Line;
use super::weights::{BUMPS, HITS, Weights};
use crate::time::Span;

/// Slots of a wait's line: the last time, and how often it was about the same.
const LAST: usize = 14;
const HIT: usize = 29;
/// Steps of an octave in which the last time is kept, and how near counts as the same.
const STEPS: f32 = 2_048.0;
const SAME: u16 = 128;
/// Lines by how much they are about: this connection's longest context first.
const ORDER: [usize; CONTEXTS] = [5, 1, 2, 3, 4, 0];
/// A last time this far beyond an octave's end still says something about that octave, in octaves:
/// a period close to a power of two falls now on this side, now on that.
const BEYOND: f32 = 0.125;
/// Widths of the bumps, in octaves.
const WIDTHS: [f32; BUMPS - 1] = [1.0 / 256.0, 1.0 / 32.0, 1.0 / 4.0];
/// How fast their shares follow, and the least one.
const RATE: f32 = 0.01;
const LEAST: f32 = 0.01;
/// The last octave is open, and 0 us has no logarithm: neither has a shape.
const SHAPED: std::ops::RangeInclusive<u8> = 1..=27;

/// Where in an octave the next time is expected, 0 to 1, and how often it was right.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Peak {
    at: f32,
    hits: usize,
}

impl Peak {
    fn of(lines: &[&Line; CONTEXTS], bin: u8) -> Option<Self> {
        if !SHAPED.contains(&bin) {
            return None;
        }
        ORDER.into_iter().map(|number| lines[number]).find_map(|line| {
            let last = line.slots[LAST];
            let at = f32::from(last) / STEPS - f32::from(bin - 1);
            let near = last != Line::UNKNOWN && (-BEYOND..1.0 + BEYOND).contains(&at);
            near.then(|| Self { at: at.clamp(0.0, 1.0), hits: usize::from(hits_of(line)) })
        })
    }

    /// The densities of the bumps and of the even rest at a place.
    fn densities(self, place: f32) -> [f32; BUMPS] {
        let mut densities = [1.0; BUMPS];
        for (density, width) in densities.iter_mut().zip(WIDTHS) {
            let height = exp(-(place - self.at).abs() / width) / (2.0 * width);
            *density = height / self.inside(width);
        }
        densities
    }

    /// How much of a bump lies within the octave.
    fn inside(self, width: f32) -> f32 {
        1.0 - 0.5 * exp(-self.at / width) - 0.5 * exp(-(1.0 - self.at) / width)
    }

    /// What lies below a place does not change but with it; the rest is worked out once.
    fn mixture(self, shares: &[f32; BUMPS]) -> Mixture {
        let mut mixture = Mixture { at: self.at, even: shares[BUMPS - 1], bumps: [(0.0, 0.0); 3] };
        for ((bump, share), width) in mixture.bumps.iter_mut().zip(shares).zip(WIDTHS) {
            *bump = (share / self.inside(width), 0.5 * exp(-self.at / width));
        }
        mixture
    }
}

/// A peak with the shares of its bumps.
struct Mixture {
    at: f32,
    even: f32,
    /// By bump: its share for what is not cut off, and how much of it is cut off below.
    bumps: [(f32, f32); BUMPS - 1],
}

impl Mixture {
    /// How much of it lies below a place.
    #[inline]
    fn below(&self, place: f32) -> f32 {
        let away = (place - self.at).abs();
        let halves = WIDTHS.map(|width| 0.5 * exp(-away * (1.0 / width)));
        let mut sum = self.even * place;
        for (&(share, cut), half) in self.bumps.iter().zip(halves) {
            sum += share * (if place < self.at { half } else { 1.0 - half } - cut);
        }
        sum
    }
}

fn hits_of(line: &Line) -> u16 {
    if line.slots[HIT] == Line::UNKNOWN { 0 } else { line.slots[HIT].min(HITS as u16 - 1) }
}

/// The place in the octave of `bin` below which `share` of it lies, 0 to 1.
pub(super) fn place(weights: &Weights, lines: &[&Line; CONTEXTS], bin: u8, share: f32) -> f32 {
    let Some(peak) = Peak::of(lines, bin) else { return share };
    let shares = &weights.bumps[peak.hits];
    let wanted = share * shares.iter().sum::<f32>();
    let mixture = peak.mixture(shares);
    let (mut low, mut high) = (0.0, 1.0);
    // To a four-thousandth of an octave.
    for _ in 0..12 {
        let middle = 0.5 * (low + high);
        if mixture.below(middle) < wanted { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// How much of the octave of `bin` lies below a place in it.
pub(super) fn below(weights: &Weights, lines: &[&Line; CONTEXTS], bin: u8, place: f32) -> f32 {
    let Some(peak) = Peak::of(lines, bin) else { return place };
    let shares = &weights.bumps[peak.hits];
    peak.mixture(shares).below(place) / shares.iter().sum::<f32>()
}

/// Learns which bumps are right; before the lines learn the time.
pub(super) fn learn(weights: &mut Weights, lines: &[&Line; CONTEXTS], since: Span, bin: u8) {
    let Some(peak) = Peak::of(lines, bin) else { return };
    let place = (logarithm(since) - f32::from(bin - 1)).clamp(0.0, 1.0);
    let shares = &mut weights.bumps[peak.hits];
    let densities = peak.densities(place);
    let all: f32 = shares.iter().zip(densities).map(|(share, density)| *share * density).sum();
    for (share, density) in shares.iter_mut().zip(densities) {
        let responsible = *share * density / all.max(f32::MIN_POSITIVE);
        *share = (*share + RATE * (responsible - *share)).max(LEAST);
    }
    let sum: f32 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
}

/// Keeps a time in the line of one of its contexts.
#[inline]
pub(super) fn keep(line: &mut Line, logarithm: f32) {
    let kept = (logarithm * STEPS) as u16;
    let kept = if kept == Line::UNKNOWN { kept + 1 } else { kept };
    if line.slots[LAST] != Line::UNKNOWN {
        let hits = hits_of(line);
        let same = line.slots[LAST].abs_diff(kept) < SAME;
        line.slots[HIT] = if same { (hits + 1).min(HITS as u16 - 1) } else { hits / 2 };
    }
    line.slots[LAST] = kept;
}

/// Octaves from a microsecond; 0 below that.
pub(super) fn logarithm(since: Span) -> f32 {
    (since.nanos().max(1_000) as f32 / 1_000.0).log2()
}

#[cfg(test)]
mod tests {
    use super::super::weights::tests::shipped;
    use super::*;
    use crate::model::discretise;

    fn heard(millis: &[u64]) -> Line {
        let mut line = Line::FRESH;
        for &millis in millis {
            keep(&mut line, logarithm(Span::from_millis(millis)));
        }
        line
    }

    #[test]
    fn a_steady_time_is_found_to_a_few_per_cent() {
        let line = heard(&[30_000; 20]);
        let bin = discretise::time(Span::from_secs(30));
        let weights = shipped();
        for share in [0.05, 0.5, 0.95] {
            let place = place(&weights, &[&line; CONTEXTS], bin, share);
            let secs = discretise::time_within(bin, place).secs_f64();
            assert!((secs / 30.0 - 1.0).abs() < 0.04, "{share}: {secs} s");
            let back = below(&weights, &[&line; CONTEXTS], bin, place);
            assert!((back - share).abs() < 0.02, "{share}: {back}");
        }
    }

    #[test]
    fn a_time_at_an_octaves_end_is_sharp_on_both_sides_of_it() {
        let line = heard(&[1_049; 20]);
        let weights = shipped();
        for (bin, share) in [(20, 0.5), (21, 0.5), (21, 0.9)] {
            let place = place(&weights, &[&line; CONTEXTS], bin, share);
            let secs = discretise::time_within(bin, place).secs_f64();
            assert!((secs / 1.049 - 1.0).abs() < 0.04, "{bin}: {secs} s");
        }
    }

    #[test]
    fn where_nothing_is_known_an_octave_is_even() {
        let weights = shipped();
        assert_eq!(place(&weights, &[&Line::FRESH; CONTEXTS], 20, 0.3), 0.3);
        let line = heard(&[30_000]);
        assert_eq!(place(&weights, &[&line; CONTEXTS], 20, 0.3), 0.3, "of another octave");
        assert_eq!(place(&weights, &[&line; CONTEXTS], 0, 0.3), 0.3);
        assert_eq!(place(&weights, &[&line; CONTEXTS], 28, 0.3), 0.3);
    }

    #[test]
    fn the_mixture_is_a_distribution_over_the_octave() {
        let weights = shipped();
        for at in [0.0, 0.01, 0.4, 1.0] {
            let peak = Peak { at, hits: 9 };
            let shares = &weights.bumps[9];
            let whole: f32 = shares.iter().sum();
            let mixture = peak.mixture(shares);
            assert!(mixture.below(0.0).abs() < 1e-4);
            assert!((mixture.below(1.0) - whole).abs() < 1e-4);
            // The density is the slope of what lies below.
            let middle = 0.5;
            let slope = (mixture.below(middle + 0.01) - mixture.below(middle - 0.01)) / 0.02;
            let density: f32 =
                shares.iter().zip(peak.densities(middle)).map(|(share, one)| share * one).sum();
            assert!((slope / density - 1.0).abs() < 0.05, "{at}: {slope} {density}");
        }
    }

    #[test]
    fn any_time_can_be_kept_and_learned() {
        let mut weights = shipped();
        for nanos in [0, 999, 1_000, 1 << 40, u64::MAX] {
            let since = Span::from_nanos(nanos);
            let mut line = Line::FRESH;
            keep(&mut line, logarithm(since));
            learn(&mut weights, &[&line; CONTEXTS], since, discretise::time(since));
        }
        assert!(weights.bumps.as_flattened().iter().all(|share| (0.0..=1.0).contains(share)));
    }
}
