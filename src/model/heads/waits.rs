//! Times to the next packet: pieces between edges, each even in the logarithm.

use crate::time::Span;

/// A distribution over times, given that a packet comes.
#[derive(Clone, PartialEq, Debug)]
pub struct Waits {
    /// A time in nanoseconds, and the probability of an earlier one; both rise.
    edges: Vec<(f64, f64)>,
}

impl Waits {
    /// Pieces one after another from zero on: where each ends, and how likely it is.
    pub(in super::super) fn new(pieces: impl IntoIterator<Item = (Span, f32)>) -> Self {
        let (mut edges, mut sum) = (vec![(0.0, 0.0)], 0.0);
        let mut last = 0.0;
        for (end, mass) in pieces {
            sum += f64::from(mass);
            last = f64::max(last, end.nanos() as f64);
            edges.push((last, sum));
        }
        if sum > 0.0 {
            edges.iter_mut().for_each(|edge| edge.1 /= sum);
        }
        Self { edges }
    }

    /// Probability that the packet comes within `time`.
    #[must_use]
    pub fn within(&self, time: Span) -> f32 {
        let time = time.nanos() as f64;
        let after = self.edges.partition_point(|edge| edge.0 <= time);
        let Some(&[low, high]) = self.edges.get(after.wrapping_sub(1)..=after).and_then(pair)
        else {
            return 1.0;
        };
        let share = if low.0 >= 1.0 {
            (time / low.0).ln() / (high.0 / low.0).ln()
        } else {
            (time - low.0) / (high.0 - low.0)
        };
        (low.1 + share.clamp(0.0, 1.0) * (high.1 - low.1)) as f32
    }

    /// Probability that it has not come by `time`.
    #[must_use]
    pub fn survival(&self, time: Span) -> f32 {
        1.0 - self.within(time)
    }

    /// The time that a share of the probability (0 to 1) does not go beyond.
    #[must_use]
    pub fn quantile(&self, share: f32) -> Span {
        let share = f64::from(share).clamp(0.0, 1.0);
        let after = self.edges.partition_point(|edge| edge.1 < share).max(1);
        let Some(&[low, high]) = self.edges.get(after - 1..=after).and_then(pair) else {
            let last = self.edges.last().map_or(0.0, |edge| edge.0);
            return Span::from_nanos(last as u64);
        };
        let part = if high.1 > low.1 { (share - low.1) / (high.1 - low.1) } else { 1.0 };
        let nanos = if low.0 >= 1.0 {
            low.0 * (high.0 / low.0).powf(part)
        } else {
            low.0 + part * (high.0 - low.0)
        };
        Span::from_nanos(nanos as u64)
    }

    /// The mean time.
    #[must_use]
    pub fn mean(&self) -> Span {
        let sum: f64 =
            self.pieces().map(|(low, high)| (high.1 - low.1) * middle(low.0, high.0)).sum();
        Span::from_nanos(sum as u64)
    }

    /// The likeliest time, as the logarithm has it: the middle of the densest piece.
    #[must_use]
    pub fn mode(&self) -> Span {
        let density = |low: (f64, f64), high: (f64, f64)| {
            (high.1 - low.1) / (high.0.max(1.0) / low.0.max(1.0)).ln()
        };
        let mut best = (0.0, 0.0);
        for (low, high) in self.pieces().filter(|(low, high)| high.0 > low.0.max(1.0)) {
            let here = density(low, high);
            if here > best.1 {
                best = ((low.0.max(1.0) * high.0).sqrt(), here);
            }
        }
        Span::from_nanos(best.0 as u64)
    }

    fn pieces(&self) -> impl Iterator<Item = ((f64, f64), (f64, f64))> {
        self.edges.iter().copied().zip(self.edges.iter().copied().skip(1))
    }
}

fn pair(edges: &[(f64, f64)]) -> Option<&[(f64, f64); 2]> {
    edges.try_into().ok()
}

/// The mean of what is even in the logarithm.
fn middle(low: f64, high: f64) -> f64 {
    if low < 1.0 || high <= low * (1.0 + 1e-9) {
        return f64::midpoint(low, high);
    }
    (high - low) / (high / low).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits() -> Waits {
        let ends =
            [(1_000, 0.1), (1_000_000, 0.0), (2_000_000, 0.4), (2_020_000, 0.4), (64_000_000, 0.1)];
        Waits::new(ends.map(|(nanos, mass)| (Span::from_nanos(nanos), mass)))
    }

    #[test]
    fn what_comes_within_a_time_rises_from_none_to_all() {
        let waits = waits();
        let all: Vec<f32> =
            (0..=64_000).map(|step| waits.within(Span::from_micros(step))).collect();
        assert!(all.is_sorted() && all[0] == 0.0 && (all[64_000] - 1.0).abs() < 1e-6);
        assert!((waits.within(Span::from_micros(500)) - 0.1).abs() < 1e-6);
        assert_eq!(waits.within(Span::MAX), 1.0);
        assert_eq!(waits.survival(Span::ZERO), 1.0);
    }

    #[test]
    fn a_quantile_is_where_that_share_comes_within() {
        let waits = waits();
        for share in [0.05, 0.2, 0.5, 0.7, 0.95, 0.999] {
            let back = waits.within(waits.quantile(share));
            assert!((back - share).abs() < 1e-3, "{share} {back}");
        }
        assert_eq!(waits.quantile(1.0), Span::from_nanos(64_000_000));
    }

    #[test]
    fn the_mode_lies_where_it_is_densest_and_the_mean_is_the_integral() {
        let waits = waits();
        assert!((2_000_000..2_020_000).contains(&waits.mode().nanos()));
        let steps = 200_000;
        let integral: f64 = (0..steps)
            .map(|step| waits.quantile((step as f32 + 0.5) / steps as f32).nanos() as f64)
            .sum::<f64>()
            / f64::from(steps);
        let mean = waits.mean().nanos() as f64;
        assert!((mean / integral - 1.0).abs() < 1e-2, "{mean} {integral}");
    }
}
