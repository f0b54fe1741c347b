//! One side's TCP sequence space: what was sent, what is missing, what the peer has.
//!
//! Positions are 32-bit numbers that wrap around; everything is kept and compared relative to the
//! next expected one, and nothing further than 2^30 from it is believed, so that order is never in
//! doubt. Up to four holes are known at a time. A fifth makes the oldest count as missed and be
//! forgotten, so a stream full of holes costs no more than a whole one.
//!
//! What it does not do: keep payload, or look at options (SACK, window scale).

/// Holes kept at a time.
pub const HOLES: usize = 4;

/// Further apart than this, two sequence numbers do not belong to one stream.
const PLAUSIBLE: i64 = 1 << 30;

/// What a packet told about the stream it belongs to; all in bytes but for `lost_packets`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SequenceNote {
    /// Payload seen before, or given up as missed.
    pub retransmitted: u32,
    /// Payload that came late, into a hole.
    pub filled: u32,
    /// Payload skipped before this packet: a hole was opened.
    pub gap: u32,
    /// Sequence number of the first skipped byte; means something when `gap` is not 0. For RTP
    /// (`lost_packets`) the first skipped packet's number.
    pub gap_start: u32,
    /// Payload of the *other* side that this packet acknowledges and nobody saw.
    pub acknowledged_unseen: u32,
    /// How much of that lies beyond everything seen of the other side; the rest lay in its holes.
    pub unseen_ahead: u32,
    /// Sequence number of the first of these bytes; means something when there are any.
    pub unseen_start: u32,
    /// The number of an RTP packet that came late.
    pub late_number: Option<u16>,
    /// RTP packets skipped before this one.
    pub lost_packets: u16,
    /// A keep-alive probe: at most one byte, just before the next expected one.
    pub keep_alive: bool,
    /// The number lies too far off to be of this stream; counting began again here.
    pub restarted: bool,
}

/// A stretch of the stream that was skipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hole {
    /// Sequence number of its first byte.
    pub start: u32,
    /// Bytes.
    pub len: u32,
}

/// The sequence space of one side, what every segment needs first.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Sequence {
    /// From the first byte to the next expected one; grows past 32 bits.
    advanced: u64,
    first: u32,
    acknowledged: u32,
    count: u8,
    flags: u8,
    pub(super) gaps: u16,
    pub(super) zero_windows: u16,
    pub(super) state: super::state::TcpState,
    missed: u64,
    retransmissions: u32,
    out_of_order: u32,
    /// In stream order, `count` of them.
    holes: [Hole; HOLES],
}

const STARTED: u8 = 1;
const SYN_SEEN: u8 = 2;
const FIN_SEEN: u8 = 4;

impl Sequence {
    /// The side sent a SYN numbered `sequence`.
    pub(super) fn syn(&mut self, sequence: u32) {
        let first = sequence.wrapping_add(1);
        // A second SYN before any data moves the start: the first one did not get through.
        if self.flags & STARTED == 0 || (self.advanced == 0 && self.flags & SYN_SEEN != 0) {
            self.first = first;
            self.acknowledged = first;
        }
        self.flags |= STARTED | SYN_SEEN;
    }

    /// Whether a SYN numbered `sequence` is the one this side began with.
    pub(super) const fn began_with(&self, sequence: u32) -> bool {
        self.flags & SYN_SEEN != 0 && sequence.wrapping_add(1) == self.first
    }

    /// Whether a SYN numbered `sequence` is the one that the peer's first packet answered.
    pub(super) const fn was_answered(&self, sequence: u32) -> bool {
        self.flags & (STARTED | SYN_SEEN) == STARTED
            && self.advanced == 0
            && sequence.wrapping_add(1) == self.first
    }

    /// Whether `sequence` lies between the first byte and a megabyte past the next expected.
    pub(super) fn in_reach(&self, sequence: u32) -> bool {
        let distance = i64::from(sequence.wrapping_sub(self.next()) as i32);
        self.is_started() && distance <= 1 << 20 && distance >= -(self.advanced.min(1 << 30) as i64)
    }

    /// The side sent `len` bytes of payload at `sequence`, with a FIN behind them or not.
    #[inline]
    pub(super) fn segment(&mut self, sequence: u32, len: u32, fin: bool, note: &mut SequenceNote) {
        if self.flags & STARTED == 0 {
            self.flags |= STARTED;
            self.first = sequence;
            self.acknowledged = sequence;
        }
        let distance = i64::from(sequence.wrapping_sub(self.next()) as i32);
        if distance == 0 && self.count == 0 {
            self.advanced += u64::from(len);
        } else if len > 0 || fin {
            self.irregular(sequence, len, fin, distance, note);
        } else if distance == -1 && self.advanced > 0 {
            note.keep_alive = true;
        }
        if fin {
            self.flags |= FIN_SEEN;
        }
    }

    fn irregular(
        &mut self,
        sequence: u32,
        len: u32,
        fin: bool,
        distance: i64,
        note: &mut SequenceNote,
    ) {
        if distance.abs() > PLAUSIBLE || i64::from(len) > PLAUSIBLE {
            self.give_up_all();
            note.restarted = true;
            self.first = sequence.wrapping_sub(self.advanced as u32);
            self.acknowledged = sequence;
            self.advanced += u64::from(len);
            return;
        }
        if len <= 1 && distance == -1 && !fin {
            note.keep_alive = true;
            return;
        }
        if distance > 0 {
            note.gap = distance as u32;
            note.gap_start = self.next();
            self.open(Hole { start: self.next(), len: distance as u32 });
            self.advanced += distance as u64;
        } else if distance < 0 && len > 0 {
            // What lies before the first byte known is neither new nor a repetition; skip it.
            let known = self.advanced.min(i64::MAX as u64) as i64;
            let begin = distance.max(-known);
            let end = (distance + i64::from(len)).min(0);
            if end > begin {
                let old = (end - begin) as u32;
                note.filled = self.fill(begin, end);
                note.retransmitted = old - note.filled;
                if note.filled > 0 {
                    self.out_of_order = self.out_of_order.saturating_add(1);
                } else if distance + i64::from(len) <= 0 {
                    self.retransmissions = self.retransmissions.saturating_add(1);
                }
            }
        }
        self.advanced += (distance.min(0) + i64::from(len)).max(0) as u64;
        self.give_up_distant();
    }

    /// The peer acknowledged everything before `number`; answers the bytes nobody saw.
    #[inline]
    pub(super) fn acknowledge(&mut self, number: u32) -> u32 {
        if self.flags & STARTED == 0 {
            self.flags |= STARTED;
            self.first = number;
            self.acknowledged = number;
            return 0;
        }
        if (number.wrapping_sub(self.acknowledged) as i32) <= 0 {
            return 0;
        }
        let ahead = i64::from(number.wrapping_sub(self.next()) as i32);
        if self.count == 0 && ahead <= 0 {
            self.acknowledged = number;
            return 0;
        }
        self.acknowledge_unseen(number, ahead)
    }

    fn acknowledge_unseen(&mut self, number: u32, ahead: i64) -> u32 {
        if ahead > PLAUSIBLE {
            return 0;
        }
        self.acknowledged = number;
        // A FIN takes one number and is no payload.
        let ahead = ahead - i64::from(ahead > 0 && self.flags & FIN_SEEN != 0);
        let lost = self.fill(i64::MIN, ahead.min(0)) + ahead.max(0) as u32;
        self.advanced += ahead.max(0) as u64;
        self.missed += u64::from(lost);
        lost
    }

    /// Takes back what `acknowledge` just counted as missed.
    pub(super) fn forgive(&mut self, unseen: u32) {
        self.missed -= u64::from(unseen);
    }

    /// The next sequence number expected of this side.
    pub(super) const fn next(&self) -> u32 {
        self.first.wrapping_add(self.advanced as u32)
    }

    /// The highest number the peer acknowledged.
    pub(super) const fn acknowledged(&self) -> u32 {
        self.acknowledged
    }

    /// Whether any number is known of this side.
    pub(super) const fn is_started(&self) -> bool {
        self.flags & STARTED != 0
    }

    /// Payload bytes from the first to the last, holes included.
    pub(super) const fn extent(&self) -> u64 {
        self.advanced
    }

    /// The holes that are still open, in stream order.
    pub(super) fn holes(&self) -> &[Hole] {
        &self.holes[..usize::from(self.count)]
    }

    /// Bytes that will be missed if nothing more comes.
    pub(super) fn missed_at_close(&self) -> u64 {
        self.missed + self.holes().iter().map(|hole| u64::from(hole.len)).sum::<u64>()
    }

    pub(super) const fn retransmissions(&self) -> u32 {
        self.retransmissions
    }

    pub(super) const fn out_of_order(&self) -> u32 {
        self.out_of_order
    }

    /// Takes the bytes from `begin` to `end`, relative to the next expected one, out of the holes;
    /// answers how many there were.
    fn fill(&mut self, begin: i64, end: i64) -> u32 {
        let next = self.next();
        let old = self.holes;
        let count = usize::from(std::mem::take(&mut self.count));
        let mut filled = 0;
        for hole in &old[..count] {
            let from = -i64::from(next.wrapping_sub(hole.start));
            let to = from + i64::from(hole.len);
            let (cut_from, cut_to) = (begin.max(from), end.min(to));
            if cut_from >= cut_to {
                self.open(*hole);
                continue;
            }
            filled += (cut_to - cut_from) as u32;
            if cut_from > from {
                self.open(Hole { start: hole.start, len: (cut_from - from) as u32 });
            }
            if cut_to < to {
                let start = hole.start.wrapping_add((cut_to - from) as u32);
                self.open(Hole { start, len: (to - cut_to) as u32 });
            }
        }
        filled
    }

    /// Adds a hole behind all others, giving up the oldest when there is no room.
    fn open(&mut self, hole: Hole) {
        if usize::from(self.count) == HOLES {
            self.give_up_oldest();
        }
        self.holes[usize::from(self.count)] = hole;
        self.count += 1;
    }

    fn give_up_oldest(&mut self) {
        self.missed += u64::from(self.holes[0].len);
        self.holes.copy_within(1.., 0);
        self.count -= 1;
    }

    fn give_up_all(&mut self) {
        self.missed = self.missed_at_close();
        self.count = 0;
    }

    /// A hole too far behind would soon look as if it lay ahead.
    fn give_up_distant(&mut self) {
        while self.count > 0 && i64::from(self.next().wrapping_sub(self.holes[0].start)) > PLAUSIBLE
        {
            self.give_up_oldest();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(at: u32) -> Sequence {
        let mut sequence = Sequence::default();
        sequence.syn(at.wrapping_sub(1));
        sequence
    }

    fn send(sequence: &mut Sequence, at: u32, len: u32) -> SequenceNote {
        let mut note = SequenceNote::default();
        sequence.segment(at, len, false, &mut note);
        note
    }

    #[test]
    fn a_hole_opens_across_the_wrap_and_a_late_segment_fills_it_in_two_parts() {
        let start = u32::MAX - 49;
        let mut sequence = stream(start);
        assert_eq!(send(&mut sequence, start, 10), SequenceNote::default());
        let note = send(&mut sequence, 50, 10);
        assert_eq!((note.gap, note.gap_start), (90, start + 10));
        let note = send(&mut sequence, start + 30, 40);
        assert_eq!((note.filled, note.retransmitted), (40, 0));
        assert_eq!(
            sequence.holes(),
            [Hole { start: start + 10, len: 20 }, Hole { start: 20, len: 30 }]
        );
        assert_eq!(sequence.next(), 60);
        assert_eq!(sequence.out_of_order(), 1);
    }

    #[test]
    fn what_the_peer_acknowledges_unseen_is_missed_and_a_fin_is_not() {
        let mut sequence = stream(0);
        send(&mut sequence, 0, 10);
        send(&mut sequence, 20, 10);
        assert_eq!(sequence.acknowledge(15), 5);
        assert_eq!(sequence.acknowledge(30), 5);
        assert_eq!(sequence.acknowledge(40), 10);
        let mut note = SequenceNote::default();
        sequence.segment(40, 0, true, &mut note);
        assert_eq!(sequence.acknowledge(41), 0);
        assert_eq!((sequence.missed, sequence.extent()), (20, 40));
    }

    #[test]
    fn a_keep_alive_is_no_retransmission() {
        let mut sequence = stream(100);
        send(&mut sequence, 100, 10);
        assert!(send(&mut sequence, 109, 0).keep_alive);
        assert!(send(&mut sequence, 109, 1).keep_alive);
        assert_eq!(sequence.retransmissions(), 0);
        assert_eq!(send(&mut sequence, 100, 10).retransmitted, 10);
        assert_eq!(sequence.retransmissions(), 1);
    }

    #[test]
    fn a_fifth_hole_gives_up_the_oldest_and_an_impossible_jump_gives_up_all() {
        let mut sequence = stream(0);
        for hole in 1..=5u32 {
            send(&mut sequence, hole * 20, 10);
        }
        assert_eq!(sequence.holes().len(), HOLES);
        assert_eq!(sequence.missed, 20);
        assert_eq!(sequence.missed_at_close(), 60);
        let note = send(&mut sequence, 1 << 31, 10);
        assert!(note.restarted && note.gap == 0);
        assert_eq!((sequence.missed, sequence.extent()), (60, 120));
        assert_eq!(sequence.next(), (1 << 31) + 10);
    }

    #[test]
    fn bytes_from_before_the_first_known_one_count_as_nothing() {
        let mut sequence = Sequence::default();
        send(&mut sequence, 1_000, 10);
        let note = send(&mut sequence, 900, 105);
        assert_eq!((note.retransmitted, note.filled, sequence.extent()), (5, 0, 10));
    }

    proptest! {
        /// Against a plain list of which bytes were seen, while holes fit.
        #[test]
        fn the_space_agrees_with_a_map_of_every_byte(
            start in prop_oneof![any::<u32>(), (0u32..3_000).prop_map(|back| u32::MAX - back)],
            steps in proptest::collection::vec((0usize..400, 1usize..120, 0usize..12), 1..120),
        ) {
            let mut sequence = stream(start);
            let mut seen: Vec<bool> = Vec::new();
            let (mut missed, mut acknowledged) = (0u64, 0usize);
            for (back, len, kind) in steps {
                if kind == 0 {
                    // The peer acknowledges up to a little past the end.
                    let to = (seen.len() + 40).saturating_sub(back);
                    let mut lost = 0;
                    if to > acknowledged {
                        acknowledged = to;
                        if to > seen.len() {
                            seen.resize(to, false);
                        }
                        lost = seen[..to].iter().filter(|&&byte| !byte).count();
                        seen[..to].fill(true);
                    }
                    missed += lost as u64;
                    prop_assert_eq!(sequence.acknowledge(start.wrapping_add(to as u32)) as usize, lost);
                } else {
                    // In order, skipping ahead, or somewhere behind.
                    let at = match kind {
                        1..=5 => seen.len(),
                        6 | 7 => seen.len() + back % 60,
                        _ => seen.len().saturating_sub(back),
                    };
                    if at + 1 == seen.len() && len == 1 {
                        continue;
                    }
                    let known = seen.len();
                    let mut model = seen.clone();
                    if at + len > known {
                        model.resize(at + len, false);
                    }
                    let before = known.min(at + len);
                    let old = at.min(before)..before;
                    let filled = model[old.clone()].iter().filter(|&&byte| !byte).count();
                    let repeated = old.len() - filled;
                    model[at..at + len].fill(true);
                    if runs(&model).len() > HOLES {
                        continue;
                    }
                    seen = model;
                    let note = send(&mut sequence, start.wrapping_add(at as u32), len as u32);
                    prop_assert_eq!(note.filled as usize, filled);
                    prop_assert_eq!(note.retransmitted as usize, repeated);
                    prop_assert_eq!(note.gap as usize, at.saturating_sub(known));
                    prop_assert!(!note.keep_alive && !note.restarted);
                }
                let holes: Vec<(u32, u32)> =
                    sequence.holes().iter().map(|hole| (hole.start, hole.len)).collect();
                let expected: Vec<(u32, u32)> = runs(&seen)
                    .into_iter()
                    .map(|(from, to)| (start.wrapping_add(from as u32), (to - from) as u32))
                    .collect();
                prop_assert_eq!(holes, expected);
                prop_assert_eq!(sequence.extent() as usize, seen.len());
                prop_assert_eq!(sequence.missed, missed);
                prop_assert_eq!(sequence.next(), start.wrapping_add(seen.len() as u32));
            }
        }

        #[test]
        fn no_numbers_break_the_space(
            steps in proptest::collection::vec((any::<u32>(), any::<u32>(), any::<bool>()), 1..60),
        ) {
            let mut sequence = Sequence::default();
            for (at, len, fin) in steps {
                let mut note = SequenceNote::default();
                sequence.segment(at, len >> (at % 32), fin, &mut note);
                sequence.acknowledge(len);
                prop_assert!(sequence.missed_at_close() <= sequence.extent());
            }
        }
    }

    /// The unseen stretches.
    fn runs(seen: &[bool]) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (at, _) in seen.iter().enumerate().filter(|&(_, &byte)| !byte) {
            match runs.last_mut() {
                Some((_, to)) if *to == at => *to += 1,
                _ => runs.push((at, at + 1)),
            }
        }
        runs
    }
}
