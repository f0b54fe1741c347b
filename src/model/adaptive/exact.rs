//! Exact sizes within a bin: what came before under the same context tends to come again.
//!
//! A size's line keeps, in slots that its tree leaves free, the last two lengths that came under its
//! context and how often in a row the last one did. They are the candidates, from the longest
//! context to the shortest; each may be it with a probability that is learned by candidate and run.
//! What is left is spread evenly over the rest of the bin.

use super::super::discretise;
use super::context::CONTEXTS;
use super::line::Line;
use super::weights::{CANDIDATES, RUNS, Weights};

/// Slots of a size's line: one more than its last two lengths, and the run of the last.
const LENGTHS: [usize; 2] = [16, 17];
const RUN: usize = 18;
/// How fast the probabilities follow.
const RATE: f32 = 0.02;
/// What none of the candidates gets, however sure they are.
const LEAST: f32 = 1.0 / 8_192.0;

/// Which sizes within one bin are likely.
#[derive(Clone)]
pub(super) struct Inside {
    /// Candidates and their probabilities within the bin, the one tried first coming first.
    candidates: [(u32, f32); CANDIDATES],
    /// How often in a row each came.
    runs: [u8; CANDIDATES],
    len: usize,
    /// What is left when none of them comes.
    rest: f32,
    bin: u8,
}

impl Inside {
    pub(super) const NONE: Self = Self {
        candidates: [(0, 0.0); CANDIDATES],
        runs: [0; CANDIDATES],
        len: 0,
        rest: 1.0,
        bin: 0,
    };

    pub(super) fn new(weights: &Weights, lines: &[&Line; CONTEXTS], bin: u8) -> Self {
        let mut inside = Self { bin, ..Self::NONE };
        each_candidate(lines, bin, |number, length, run| {
            let equal = weights.equal[number][run];
            inside.candidates[number] = (length, inside.rest * equal);
            inside.runs[number] = run as u8;
            inside.len = number + 1;
            inside.rest *= 1.0 - equal;
        });
        inside
    }

    pub(super) fn candidates(&self) -> &[(u32, f32)] {
        &self.candidates[..self.len]
    }

    /// The probability of a size, given its bin.
    pub(super) fn probability(&self, size: u32) -> f32 {
        let candidates = self.candidates().iter().filter(|candidate| candidate.0 == size);
        let known = candidates.map(|candidate| candidate.1).sum::<f32>();
        let rest = LEAST + (1.0 - LEAST) * self.rest;
        (1.0 - LEAST) * known + rest * even(size, self.bin)
    }

    /// Learns how far candidates are to be believed, once the size is known.
    pub(super) fn learn(&self, weights: &mut Weights, size: u32) {
        for (number, (length, _)) in self.candidates().iter().enumerate() {
            let target = if *length == size { 0.999 } else { 0.001 };
            let equal = &mut weights.equal[number][usize::from(self.runs[number]) % RUNS];
            *equal += RATE * (target - *equal);
            if *length == size {
                return;
            }
        }
    }

    /// The likeliest size and its probability within the bin; the bin's middle if none stands out.
    pub(super) fn mode(&self) -> (u32, f32) {
        let sizes = discretise::sizes_of(self.bin);
        let count = sizes.end() - sizes.start() + 1;
        let even = self.rest / count as f32;
        let middle = (u32::midpoint(*sizes.start(), *sizes.end()), even);
        self.candidates().iter().copied().fold(
            middle,
            |best, one| {
                if one.1 > best.1 { one } else { best }
            },
        )
    }

    /// The size below which, with it, `share` of the bin lies.
    pub(super) fn quantile(&self, share: f32) -> u32 {
        let mut sorted = self.candidates;
        let sorted = &mut sorted[..self.len];
        sorted.sort_unstable_by_key(|&(length, _)| length);
        let sizes = discretise::sizes_of(self.bin);
        let width = (sizes.end() - sizes.start() + 1) as f32;
        let even = self.rest;
        let mut below = 0.0;
        for &(length, probability) in &*sorted {
            let spread = even * (length - sizes.start()) as f32 / width;
            if below + spread >= share {
                break;
            }
            below += probability;
            if below + spread >= share {
                return length;
            }
        }
        let part = if even > 0.0 { ((share - below) / even).clamp(0.0, 1.0) } else { 1.0 };
        (sizes.start() + (part * width) as u32).min(*sizes.end())
    }

    /// How much of the bin is left to all its sizes.
    pub(super) const fn rest(&self) -> f32 {
        self.rest
    }
}

/// Calls with number, length and run of each candidate in a bin.
fn each_candidate(lines: &[&Line; CONTEXTS], bin: u8, mut call: impl FnMut(usize, u32, usize)) {
    // The first two bins hold one size each.
    if bin < 2 {
        return;
    }
    let mut seen = [0; CANDIDATES];
    let mut count = 0;
    for (age, slot) in LENGTHS.into_iter().enumerate() {
        for line in lines.iter().rev() {
            let kept = line.slots[slot];
            if kept == Line::UNKNOWN || count == CANDIDATES {
                continue;
            }
            // Never 0, but for a line out of a forged store.
            let length = u32::from(kept).saturating_sub(1);
            if discretise::size(length) != bin || seen[..count].contains(&kept) {
                continue;
            }
            let run = if age == 0 { usize::from(run_of(line)) } else { 0 };
            call(count, length, run.min(RUNS - 1));
            seen[count] = kept;
            count += 1;
        }
    }
}

fn run_of(line: &Line) -> u16 {
    if line.slots[RUN] == Line::UNKNOWN { 0 } else { line.slots[RUN] }
}

/// What every length of a bin has, if nothing but the bin is known. The last bin is open: each octave
/// in it has half of what is left, so that every `u32` has its share.
fn even(size: u32, bin: u8) -> f32 {
    const LAST: u8 = discretise::SIZES as u8 - 1;
    let power = |exponent: u32| f32::from_bits((127 - exponent) << 23);
    if bin < LAST {
        return power(u32::from(bin.saturating_sub(1)));
    }
    let octave = size.max(1).ilog2();
    // The last octave has what is left for it and for all that would come after it.
    power((octave + 2).saturating_sub(u32::from(LAST)).min(u32::BITS - u32::from(LAST)))
        * power(octave)
}

/// Keeps a length in the line of one of its contexts.
#[inline]
pub(super) fn keep(line: &mut Line, length: u16) {
    let [last, earlier] = LENGTHS;
    // One that looks like "none" is remembered as its neighbour.
    let kept = if length + 1 == Line::UNKNOWN { length + 2 } else { length + 1 };
    if line.slots[last] == kept {
        line.slots[RUN] = run_of(line).saturating_add(1).min(RUNS as u16 - 1);
    } else {
        line.slots[earlier] = line.slots[last];
        line.slots[last] = kept;
        line.slots[RUN] = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::weights::tests::shipped;
    use super::*;

    fn line(lengths: &[u16]) -> Line {
        let mut line = Line::FRESH;
        lengths.iter().for_each(|&length| keep(&mut line, length));
        line
    }

    #[test]
    fn a_size_that_keeps_coming_is_the_mode_to_the_byte() {
        let line = line(&[86; 12]);
        let inside = Inside::new(&shipped(), &[&line; CONTEXTS], discretise::size(86));
        let (mode, probability) = inside.mode();
        assert!(mode == 86 && probability > 0.9, "{mode} {probability}");
        assert_eq!((inside.quantile(0.1), inside.quantile(0.9)), (86, 86));
    }

    #[test]
    fn where_nothing_is_known_the_bin_is_even() {
        let inside = Inside::new(&shipped(), &[&Line::FRESH; CONTEXTS], 7);
        assert_eq!(inside.mode().0, 95);
        assert_eq!(
            (inside.quantile(0.0), inside.quantile(0.5), inside.quantile(1.0)),
            (64, 96, 127)
        );
    }

    #[test]
    fn candidates_and_the_rest_are_a_whole() {
        let (one, two) = (line(&[70, 100, 70]), line(&[80, 80, 120, 0]));
        let lines = [&one, &two, &Line::FRESH, &one, &two, &one];
        let inside = Inside::new(&shipped(), &lines, 7);
        let sum: f32 = inside.candidates().iter().map(|candidate| candidate.1).sum();
        assert!((sum + inside.rest - 1.0).abs() < 1e-5);
        let mut last = 0;
        for step in 0..=100 {
            let size = inside.quantile(step as f32 / 100.0);
            assert!(size >= last && (64..=127).contains(&size), "{step} {size}");
            last = size;
        }
    }

    #[test]
    fn every_length_has_a_share_and_all_of_an_octave_are_a_whole() {
        let (one, two) = (line(&[70, 100, 70]), line(&[80, 80, 120, 3_000]));
        for lines in [[&Line::FRESH; CONTEXTS], [&one, &two, &Line::FRESH, &one, &two, &one]] {
            for bin in [0, 1, 2, 7, 11] {
                let inside = Inside::new(&shipped(), &lines, bin);
                let sum: f32 = discretise::sizes_of(bin).map(|size| inside.probability(size)).sum();
                assert!((sum - 1.0).abs() < 1e-3, "{bin} {sum}");
            }
            // The last bin is open: by the first length of each octave and, apart, its candidate.
            let inside = Inside::new(&shipped(), &lines, 12);
            let octaves = (11..32_u32).map(|octave| {
                inside.probability(1 << octave) * f32::from_bits((127 + octave) << 23)
            });
            let known: f32 = inside.candidates().iter().map(|candidate| candidate.1).sum();
            let sum = octaves.sum::<f32>() + (1.0 - LEAST) * known;
            assert!((sum - 1.0).abs() < 1e-3 && inside.probability(u32::MAX) > 0.0, "{sum}");
        }
    }
}
