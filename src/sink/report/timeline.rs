//! What happened when: bins of time that widen as the capture gets longer, so that there are never more
//! than a page can draw.

use crate::time::Timestamp;

use super::json::Json;

/// Bins at most; fewer than half as many never once there were more.
const MOST_BINS: usize = 512;
/// The width of a bin at first, as a power of two of nanoseconds: about a millisecond.
const FIRST_WIDTH: u32 = 20;

/// What happened within a bin.
#[derive(Clone, Copy, Default)]
struct Bin {
    packets: u32,
    scored: u32,
    bits: f64,
    /// The largest `-log10` of a packet's share.
    rarest: f32,
    anomalies: u32,
    synthetic: u32,
    begun: u32,
}

impl Bin {
    fn add(&mut self, other: Self) {
        self.packets = self.packets.saturating_add(other.packets);
        self.scored = self.scored.saturating_add(other.scored);
        self.bits += other.bits;
        self.rarest = self.rarest.max(other.rarest);
        self.anomalies = self.anomalies.saturating_add(other.anomalies);
        self.synthetic = self.synthetic.saturating_add(other.synthetic);
        self.begun = self.begun.saturating_add(other.begun);
    }
}

/// The bins, in order of time.
pub(super) struct Timeline {
    /// A bin's width is two to this many nanoseconds.
    width: u32,
    /// The number of the first bin: its time divided by the width.
    first: i64,
    bins: Vec<Bin>,
}

impl Timeline {
    pub(super) const fn new() -> Self {
        Self { width: FIRST_WIDTH, first: 0, bins: Vec::new() }
    }

    /// A packet came, with this share and surprise if it was scored.
    pub(super) fn packet(&mut self, time: Timestamp, scored: Option<(f32, f32)>, is_new: bool) {
        let mut one = Bin { packets: 1, begun: u32::from(is_new), ..Bin::default() };
        if let Some((probability, bits)) = scored {
            one.scored = 1;
            one.bits = f64::from(bits);
            one.rarest = -probability.max(f32::MIN_POSITIVE).log10();
        }
        self.count(time, one);
    }

    /// A packet that came was an anomaly.
    pub(super) fn anomaly(&mut self, time: Timestamp) {
        self.count(time, Bin { anomalies: 1, ..Bin::default() });
    }

    /// A synthetic packet was made.
    pub(super) fn synthetic(&mut self, time: Timestamp) {
        self.count(time, Bin { synthetic: 1, ..Bin::default() });
    }

    /// Writes the bins by column, times in seconds.
    pub(super) fn write(&self, json: &mut Json) {
        let width = (1_u64 << self.width) as f64 / 1e9;
        json.object(|json| {
            json.key("start").number(self.first as f64 * width);
            json.key("width").number(width);
            let mut column = |name: &str, of: &dyn Fn(&Bin) -> f64| {
                json.key(name).array(|json| self.bins.iter().for_each(|bin| json.number(of(bin))));
            };
            column("packets", &|bin| f64::from(bin.packets));
            column("bits", &|bin| bin.bits / f64::from(bin.scored.max(1)));
            column("rarest", &|bin| f64::from(bin.rarest));
            column("anomalies", &|bin| f64::from(bin.anomalies));
            column("synthetic", &|bin| f64::from(bin.synthetic));
            column("begun", &|bin| f64::from(bin.begun));
        });
    }

    fn count(&mut self, time: Timestamp, one: Bin) {
        if self.bins.is_empty() {
            self.first = time.nanos() >> self.width;
            self.bins.push(Bin::default());
        }
        let at = loop {
            let number = time.nanos() >> self.width;
            let last = self.first + self.bins.len() as i64 - 1;
            let (low, high) = (self.first.min(number), last.max(number));
            if high.abs_diff(low) < MOST_BINS as u64 {
                break self.reach(low, high, number);
            }
            self.widen();
        };
        if let Some(bin) = self.bins.get_mut(at) {
            bin.add(one);
        }
    }

    /// Makes bins from `low` to `high`; answers the place of `number`.
    fn reach(&mut self, low: i64, high: i64, number: i64) -> usize {
        let before = (self.first - low).max(0) as usize;
        if before > 0 {
            self.bins.splice(0..0, std::iter::repeat_n(Bin::default(), before));
            self.first = low;
        }
        self.bins.resize((high - low + 1) as usize, Bin::default());
        (number - self.first) as usize
    }

    fn widen(&mut self) {
        let first = self.first >> 1;
        let mut wider: Vec<Bin> = Vec::with_capacity(self.bins.len() / 2 + 1);
        for (number, bin) in (self.first..).zip(&self.bins) {
            let at = ((number >> 1) - first) as usize;
            if at == wider.len() {
                wider.push(Bin::default());
            }
            wider[at].add(*bin);
        }
        (self.bins, self.first) = (wider, first);
        self.width += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_the_times_every_packet_is_in_a_bin_and_bins_are_few(
            times in prop::collection::vec(any::<i64>(), 1..60),
            steps in prop::collection::vec(0i64..3_000_000_000, 0..200),
        ) {
            let mut timeline = Timeline::new();
            let mut counted = 0;
            let mut now = times[0];
            for step in steps {
                now = now.saturating_add(step);
                timeline.packet(Timestamp::from_nanos(now), Some((0.01, 3.0)), true);
                counted += 1;
            }
            for time in times {
                timeline.packet(Timestamp::from_nanos(time), None, false);
                counted += 1;
            }
            prop_assert!(timeline.bins.len() <= MOST_BINS);
            prop_assert_eq!(timeline.bins.iter().map(|bin| bin.packets).sum::<u32>(), counted);
        }
    }

    #[test]
    fn a_packet_lies_in_the_bin_of_its_time() {
        let mut timeline = Timeline::new();
        for second in 0..100 {
            timeline.packet(Timestamp::from_parts(1_000 + second, 0), Some((0.1, 2.0)), false);
        }
        timeline.anomaly(Timestamp::from_parts(1_050, 0));
        let width = 1_i64 << timeline.width;
        let at = Timestamp::from_parts(1_050, 0).nanos() / width - timeline.first;
        let bin = timeline.bins[at as usize];
        assert_eq!((bin.anomalies, bin.packets > 0), (1, true));
        assert!((bin.rarest - 1.0).abs() < 1e-6);
    }
}
