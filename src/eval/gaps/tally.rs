//! What is counted, and the figures that follow from it.

/// One class of packets, of one source, by one finder.
#[derive(Clone, Default, Debug)]
pub struct Tally {
    /// Packets taken out that could be found.
    pub lost: u64,
    /// Of these, found: by a gap packet.
    pub found_by_gap: u64,
    /// Of these, found: by an overdue packet.
    pub found_by_overdue: u64,
    /// Gap packets made, without those for holes that the capture had before.
    pub gaps: u64,
    /// Of these, right.
    pub gaps_right: u64,
    /// Overdue packets made.
    pub overdue: u64,
    /// Of these, right.
    pub overdue_right: u64,
    /// Overdue packets whose outcome was late: withdrawn.
    pub withdrawn: u64,
    /// Of these, right all the same.
    pub withdrawn_right: u64,
    /// Gap packets for holes that the untouched capture has as well.
    pub native: u64,
    /// Bytes taken out, and how many of them were claimed.
    pub bytes: u64,
    /// See `bytes`.
    pub bytes_found: u64,
    /// Holes of one or more packets in a row that were found, and those with the right count.
    pub holes: u64,
    /// See `holes`.
    pub holes_right: u64,
    /// Payload bytes that each found packet is off by.
    pub size_errors: Vec<f64>,
    /// Seconds that each found packet is off by.
    pub time_errors: Vec<f64>,
}

impl Tally {
    /// Packets found.
    #[must_use]
    pub const fn found(&self) -> u64 {
        self.found_by_gap + self.found_by_overdue
    }

    /// The share of what was taken out that was found.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.found(), self.lost)
    }

    /// The share of what stands, after outcomes, that is right.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        let right = self.gaps_right + self.overdue_right - self.withdrawn_right;
        share(right, self.gaps + self.overdue - self.withdrawn)
    }

    /// The same as they were made, before outcomes.
    #[must_use]
    pub fn precision_at_birth(&self) -> Option<f64> {
        share(self.gaps_right + self.overdue_right, self.gaps + self.overdue)
    }

    /// The harmonic mean of recall and precision; a withdrawn packet finds nothing.
    #[must_use]
    pub fn f1(&self) -> Option<f64> {
        let kept = self.found().saturating_sub(self.withdrawn_right);
        let recall = share(kept, self.lost)?;
        let precision = self.precision().unwrap_or(0.0);
        let sum = recall + precision;
        Some(if sum > 0.0 { 2.0 * recall * precision / sum } else { 0.0 })
    }

    /// Adds another tally.
    pub fn add(&mut self, other: &Self) {
        self.lost += other.lost;
        self.found_by_gap += other.found_by_gap;
        self.found_by_overdue += other.found_by_overdue;
        self.gaps += other.gaps;
        self.gaps_right += other.gaps_right;
        self.overdue += other.overdue;
        self.overdue_right += other.overdue_right;
        self.withdrawn += other.withdrawn;
        self.withdrawn_right += other.withdrawn_right;
        self.native += other.native;
        self.bytes += other.bytes;
        self.bytes_found += other.bytes_found;
        self.holes += other.holes;
        self.holes_right += other.holes_right;
        self.size_errors.extend(&other.size_errors);
        self.time_errors.extend(&other.time_errors);
    }
}

/// What a run over untouched captures said.
#[derive(Clone, Copy, Default, Debug)]
pub struct Untouched {
    /// Seconds in which there was something to see, over all captures; long pauses are cut.
    pub seconds: f64,
    /// Packets on connections that had enough of them for a deadline.
    pub packets: u64,
    /// Overdue packets, the first of their run only.
    pub overdue: u64,
    /// All overdue packets by outcome: late, filled, lost, phantom.
    pub outcomes: [u64; 4],
    /// Overdue packets in captures that hold nothing but connections of one packet or one direction.
    pub one_way: u64,
    /// Cadences said to have stopped.
    pub stopped: u64,
    /// Silences of everything.
    pub silences: u64,
}

impl Untouched {
    /// Overdue packets an hour.
    #[must_use]
    pub fn an_hour(&self) -> Option<f64> {
        let all: u64 = self.outcomes.iter().sum();
        (self.seconds > 0.0).then(|| all as f64 * 3_600.0 / self.seconds)
    }

    /// The share of packets that came before their deadline, where one could stand.
    #[must_use]
    pub fn coverage(&self) -> Option<f64> {
        share(self.packets.saturating_sub(self.overdue), self.packets)
    }

    /// Adds another capture's.
    pub fn add(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.packets += other.packets;
        self.overdue += other.overdue;
        self.one_way += other.one_way;
        self.stopped += other.stopped;
        self.silences += other.silences;
        for (sum, count) in self.outcomes.iter_mut().zip(other.outcomes) {
            *sum += count;
        }
    }
}

/// A part of a whole, where there is one.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// The middle one.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_withdrawn_packet_counts_for_neither_precision_nor_recall() {
        let tally = Tally {
            lost: 10,
            found_by_overdue: 6,
            overdue: 12,
            overdue_right: 6,
            withdrawn: 6,
            withdrawn_right: 1,
            ..Tally::default()
        };
        assert_eq!(tally.recall(), Some(0.6));
        assert_eq!(tally.precision_at_birth(), Some(0.5));
        assert_eq!(tally.precision(), Some(5.0 / 6.0));
        let f1 = tally.f1().unwrap();
        assert!((f1 - 2.0 * 0.5 * (5.0 / 6.0) / (0.5 + 5.0 / 6.0)).abs() < 1e-12);
        assert_eq!(Tally::default().f1(), None);
    }
}
