//! Times within their octave: the last one under the same context, give or take.
//!
//! A wait's line keeps, in slots that its tree leaves free, the logarithm of the last time under its
//! context and how often it was about the same. Within an octave the forecast is a mixture of three
//! bumps about that time (two-sided exponentials, cut off at the octave's ends) and of nothing
//! but the octave, weighed by how often such times were right.

use super::arithmetic::{exp, log2};
use super::context::CONTEXTS;
use super::line::Line;
use super::weights::{BUMPS, HITS};
use crate::time::Span;

/// Slots of a wait's line: the last time, and how often it was about the same.
const LAST: usize = 14;
const HIT: usize = 29;
/// Steps of an octave in which the last time is kept, and how near counts as the same.
const STEPS: f32 = 2_048.0;
const SAME: u16 = 128;
/// Lines by how much they are about: this connection's longest context first.
pub(super) const WAIT: [usize; CONTEXTS] = [5, 1, 2, 3, 4, 0];
pub(super) const TIME: [usize; CONTEXTS] = [0, 2, 5, 1, 3, 4];
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

/// By hits: how much of a time lies under each bump.
pub(super) type Shares = [[f32; BUMPS]; HITS];

/// Where in an octave the next time is expected, 0 to 1, and how often it was right.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Peak {
    at: f32,
    hits: usize,
}

impl Peak {
    #[inline(always)]
    fn of(lines: &[&Line; CONTEXTS], order: &[usize; CONTEXTS], bin: u8) -> Option<Self> {
        if !SHAPED.contains(&bin) {
            return None;
        }
        order.iter().map(|&number| lines[number % CONTEXTS]).find_map(|line| {
            let last = line.slots[LAST];
            let at = f32::from(last) / STEPS - f32::from(bin - 1);
            let near = last != Line::UNKNOWN && (-BEYOND..1.0 + BEYOND).contains(&at);
            near.then(|| Self { at: at.clamp(0.0, 1.0), hits: usize::from(hits_of(line)) })
        })
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
    /// How much of it lies below some places.
    #[inline(always)]
    fn below_all<const N: usize>(&self, places: &[f32; N]) -> [f32; N] {
        let mut sums = places.map(|place| self.even * place);
        for (&(share, cut), width) in self.bumps.iter().zip(WIDTHS) {
            for (sum, place) in sums.iter_mut().zip(places) {
                let half = 0.5 * exp(-(place - self.at).abs() * (1.0 / width));
                *sum += share * (if *place < self.at { half } else { 1.0 - half } - cut);
            }
        }
        sums
    }

    /// How much of it lies below a place.
    fn below(&self, place: f32) -> f32 {
        self.below_all(&[place])[0]
    }
}

fn hits_of(line: &Line) -> u16 {
    if line.slots[HIT] == Line::UNKNOWN { 0 } else { line.slots[HIT].min(HITS as u16 - 1) }
}

/// The place in the octave of `bin` below which `share` of it lies, 0 to 1.
pub(super) fn place(shares: &Shares, lines: &[&Line; CONTEXTS], bin: u8, share: f32) -> f32 {
    let Some(peak) = Peak::of(lines, &WAIT, bin) else { return share };
    let shares = &shares[peak.hits];
    let wanted = share * shares.iter().sum::<f32>();
    let mixture = peak.mixture(shares);
    let (mut low, mut step) = (0.0, 1.0);
    // To a four-thousandth of an octave, sixteen places at a time.
    for _ in 0..3 {
        step /= 16.0;
        let places: [f32; 16] = std::array::from_fn(|at| low + step * (at + 1) as f32);
        let below = mixture.below_all(&places);
        let passed = below.iter().filter(|&&below| below < wanted).count();
        low += step * passed as f32;
    }
    (low + 0.5 * step).min(1.0)
}

/// How much of the octave of `bin` lies below a place in it.
pub(super) fn below(shares: &Shares, lines: &[&Line; CONTEXTS], bin: u8, place: f32) -> f32 {
    let Some(peak) = Peak::of(lines, &WAIT, bin) else { return place };
    let shares = &shares[peak.hits];
    peak.mixture(shares).below(place) / shares.iter().sum::<f32>()
}

/// How finely an octave is told apart: as the narrowest bump is wide.
const CELLS: f32 = 256.0;
/// Where a cell is a microsecond: in octaves that have no more of them than cells.
const WHOLE: u8 = 9;

/// The piece of an octave in which a time fell, and how likely it was under each bump.
///
/// A time is scored to 1/256 octave or to a microsecond, whichever is coarser. A density would have
/// done, but its bits can be less than none, and captures have no more than microseconds to tell.
#[derive(Clone)]
pub(super) struct Cell {
    peak: Option<Peak>,
    /// Under each bump and the even rest, given the octave.
    under: [f32; BUMPS],
    probability: f32,
}

impl Cell {
    pub(super) const NONE: Self = Self { peak: None, under: [1.0; BUMPS], probability: 1.0 };

    /// The cell of a time whose bin is `bin`, as the lines of its contexts expect it; `order` says
    /// which line is asked first.
    #[inline(always)]
    pub(super) fn of(
        shares: &Shares,
        lines: &[&Line; CONTEXTS],
        order: &[usize; CONTEXTS],
        since: Span,
        bin: u8,
    ) -> Self {
        if !SHAPED.contains(&bin) {
            return Self { probability: unshaped(since, bin), ..Self::NONE };
        }
        let micros = since.micros();
        let place = |micros: f32| log2(micros) - f32::from(bin - 1);
        let (low, high) = if bin <= WHOLE {
            (place(micros as f32), place((micros + 1) as f32))
        } else {
            let cell = (place(micros as f32) * CELLS).clamp(0.0, CELLS - 1.0) as u32 as f32;
            (cell / CELLS, (cell + 1.0) / CELLS)
        };
        let peak = Peak::of(lines, order, bin);
        let Some(Peak { at, hits }) = peak else {
            return Self { probability: high - low, ..Self::NONE };
        };
        // What lies below both ends under each bump, and what is cut off at the octave's.
        let mut halves = [0.0; 4 * (BUMPS - 1)];
        for (number, width) in WIDTHS.into_iter().enumerate() {
            for (end, away) in [at - low, at - high, at, at - 1.0].into_iter().enumerate() {
                halves[4 * number + end] = -away.abs() * (1.0 / width);
            }
        }
        for half in &mut halves {
            *half = 0.5 * exp(*half);
        }
        let below = |half: f32, is_before: bool| if is_before { half } else { 1.0 - half };
        let mut under = [high - low; BUMPS];
        for (under, halves) in under.iter_mut().zip(halves.as_chunks::<4>().0) {
            let [first, last, start, end] = *halves;
            let inside = 1.0 - start - end;
            *under = (below(last, high < at) - below(first, low < at)).max(0.0) / inside;
        }
        let shares = &shares[hits % HITS];
        let (mut sum, mut all) = (0.0, 0.0);
        for (share, under) in shares.iter().zip(under) {
            (sum, all) = (sum + share * under, all + share);
        }
        Self { peak, under, probability: sum / all }
    }

    /// The probability of this cell, given the octave.
    pub(super) fn probability(&self) -> f32 {
        self.probability
    }

    /// Learns which bumps are right; before the lines learn the time.
    #[inline(always)]
    pub(super) fn learn(&self, shares: &mut Shares) {
        let Some(peak) = self.peak else { return };
        let shares = &mut shares[peak.hits % HITS];
        let mut all = f32::MIN_POSITIVE;
        for (share, under) in shares.iter().zip(self.under) {
            all += share * under;
        }
        let mut sum = 0.0;
        for (share, under) in shares.iter_mut().zip(self.under) {
            let responsible = *share * under / all;
            *share = (*share + RATE * (responsible - *share)).max(LEAST);
            sum += *share;
        }
        let scale = 1.0 / sum;
        for share in shares {
            *share *= scale;
        }
    }
}

/// A time's probability given its bin, where that has no shape: below a microsecond all are one
/// cell; the open last bin gives half of what is left to each octave, and even cells to that.
fn unshaped(since: Span, bin: u8) -> f32 {
    if bin == 0 {
        return 1.0;
    }
    let octave = since.micros().max(1).ilog2().saturating_sub(u32::from(*SHAPED.end()));
    f32::from_bits((127 - 1 - octave) << 23) / CELLS
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
    log2(since.nanos().max(1_000) as f32 / 1_000.0)
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
        let shares = &shipped().bumps;
        for share in [0.05, 0.5, 0.95] {
            let place = place(shares, &[&line; CONTEXTS], bin, share);
            let secs = discretise::time_within(bin, place).secs_f64();
            assert!((secs / 30.0 - 1.0).abs() < 0.04, "{share}: {secs} s");
            let back = below(shares, &[&line; CONTEXTS], bin, place);
            assert!((back - share).abs() < 0.02, "{share}: {back}");
        }
    }

    #[test]
    fn a_time_at_an_octaves_end_is_sharp_on_both_sides_of_it() {
        let line = heard(&[1_049; 20]);
        let shares = &shipped().bumps;
        for (bin, share) in [(20, 0.5), (21, 0.5), (21, 0.9)] {
            let place = place(shares, &[&line; CONTEXTS], bin, share);
            let secs = discretise::time_within(bin, place).secs_f64();
            assert!((secs / 1.049 - 1.0).abs() < 0.04, "{bin}: {secs} s");
        }
    }

    #[test]
    fn where_nothing_is_known_an_octave_is_even() {
        let shares = &shipped().bumps;
        assert_eq!(place(shares, &[&Line::FRESH; CONTEXTS], 20, 0.3), 0.3);
        let line = heard(&[30_000]);
        assert_eq!(place(shares, &[&line; CONTEXTS], 20, 0.3), 0.3, "of another octave");
        assert_eq!(place(shares, &[&line; CONTEXTS], 0, 0.3), 0.3);
        assert_eq!(place(shares, &[&line; CONTEXTS], 28, 0.3), 0.3);
    }

    #[test]
    fn the_mixture_is_a_distribution_over_the_octave() {
        let shares = &shipped().bumps;
        for at in [0.0, 0.01, 0.4, 1.0] {
            let peak = Peak { at, hits: 9 };
            let shares = &shares[9];
            let whole: f32 = shares.iter().sum();
            let mixture = peak.mixture(shares);
            assert!(mixture.below(0.0).abs() < 1e-4);
            assert!((mixture.below(1.0) - whole).abs() < 1e-4);
        }
    }

    #[test]
    fn the_cells_of_an_octave_sum_to_one_and_the_known_time_has_the_most() {
        let shares = &shipped().bumps;
        for (bin, millis) in [(8, 0), (9, 0), (20, 900), (21, 1_049), (25, 30_000)] {
            let line = heard(&[millis; 10]);
            for lines in [[&Line::FRESH; CONTEXTS], [&line; CONTEXTS]] {
                let of = |since| Cell::of(shares, &lines, &TIME, since, bin).probability();
                let sum: f32 = if bin <= WHOLE {
                    (1_u64 << (bin - 1)..1 << bin).map(|us| of(Span::from_micros(us))).sum()
                } else {
                    let middle = |cell| (cell as f32 + 0.5) / CELLS;
                    (0..256).map(|cell| of(discretise::time_within(bin, middle(cell)))).sum()
                };
                assert!((sum - 1.0).abs() < 1e-3, "{bin}: {sum}");
            }
        }
        let line = heard(&[30_000; 10]);
        let known = Cell::of(shares, &[&line; CONTEXTS], &TIME, Span::from_secs(30), 25);
        assert!(known.probability() > 0.1, "{}", known.probability());
    }

    #[test]
    fn times_without_a_shape_sum_to_no_more_than_one() {
        assert_eq!(unshaped(Span::from_nanos(500), 0), 1.0);
        let sum: f32 =
            (27..54).map(|octave| CELLS * unshaped(Span::from_micros(1 << octave), 28)).sum();
        assert!(sum > 0.99 && sum <= 1.0, "{sum}");
    }

    #[test]
    fn any_time_can_be_kept_and_learned() {
        let mut shares = shipped().bumps;
        for nanos in [0, 999, 1_000, 1 << 40, u64::MAX] {
            let since = Span::from_nanos(nanos);
            let mut line = Line::FRESH;
            keep(&mut line, logarithm(since));
            let bin = discretise::time(since);
            let cell = Cell::of(&shares, &[&line; CONTEXTS], &WAIT, since, bin);
            assert!(cell.probability() > 0.0, "{nanos}");
            cell.learn(&mut shares);
        }
        assert!(shares.as_flattened().iter().all(|share| (0.0..=1.0).contains(share)));
    }
}
