//! RTP sequence numbers, where a UDP payload looks like RTP.
//!
//! RTP has no port of its own and no magic number, so a side is believed to send it after three
//! packets in a row with version 2, one synchronisation source and numbers that go up by a few at
//! most (RFC 3550, appendix A.1, asks for two). Until then, and whenever the source changes, no gap
//! is reported.

use super::SequenceNote;

/// Packets in a row that make a stream.
const PROBATION: u8 = 3;
/// A jump larger than this is a new start and not loss (RFC 3550's MAX_DROPOUT).
const MAX_DROPOUT: u16 = 3_000;
/// On probation the numbers must lie closer.
const MAX_STRIDE: u16 = 16;
/// A packet this far behind is late; further, the sender began anew (RFC 3550's MAX_MISORDER).
const MAX_MISORDER: u16 = 100;

/// One side's RTP stream, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rtp {
    source: u32,
    last: u16,
    seen: u8,
}

impl Rtp {
    /// Looks at a payload sent between ports that are both above 1023.
    #[inline]
    pub(super) fn observe(&mut self, payload: &[u8], note: &mut SequenceNote) {
        let Some(&[first, kind, high, low, _, _, _, _, a, b, c, d]) = payload.first_chunk() else {
            return;
        };
        // Payload types 72 to 76 are RTCP packets on the same port (RFC 5761).
        if first >> 6 != 2 || matches!(kind & 0x7f, 72..=76) {
            return;
        }
        let source = u32::from_be_bytes([a, b, c, d]);
        let number = u16::from_be_bytes([high, low]);
        let ahead = number.wrapping_sub(self.last);
        if self.seen == 0 || source != self.source {
            *self = Self { source, last: number, seen: 1 };
        } else if self.seen < PROBATION {
            let regular = (1..=MAX_STRIDE).contains(&ahead);
            *self = Self { source, last: number, seen: if regular { self.seen + 1 } else { 1 } };
        } else if ahead == 0 || ahead.wrapping_neg() <= MAX_MISORDER {
            // A duplicate or a late one: it moves nothing.
            note.late_number = (ahead != 0).then_some(number);
        } else if ahead <= MAX_DROPOUT {
            if ahead > 1 {
                note.lost_packets = ahead - 1;
                note.gap_start = u32::from(self.last.wrapping_add(1));
            }
            self.last = number;
        } else {
            *self = Self { source, last: number, seen: 1 };
        }
    }

    /// Source and last number of a stream that is believed.
    pub(super) const fn stream(&self) -> Option<(u32, u16)> {
        if self.seen >= PROBATION { Some((self.source, self.last)) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(number: u16, source: u32) -> [u8; 20] {
        let mut bytes = [0; 20];
        bytes[0] = 0x80;
        bytes[1] = 0x60;
        bytes[2..4].copy_from_slice(&number.to_be_bytes());
        bytes[8..12].copy_from_slice(&source.to_be_bytes());
        bytes
    }

    fn lost(rtp: &mut Rtp, number: u16, source: u32) -> u16 {
        let mut note = SequenceNote::default();
        rtp.observe(&packet(number, source), &mut note);
        note.lost_packets
    }

    #[test]
    fn a_gap_counts_after_three_regular_packets_and_across_the_wrap() {
        let mut rtp = Rtp::default();
        for number in [65_532, 65_533, 65_534] {
            assert_eq!(lost(&mut rtp, number, 7), 0);
        }
        assert_eq!(rtp.stream(), Some((7, 65_534)));
        assert_eq!(lost(&mut rtp, 3, 7), 4);
        let mut note = SequenceNote::default();
        rtp.observe(&packet(1, 7), &mut note);
        assert_eq!((note.lost_packets, note.late_number), (0, Some(1)));
        assert_eq!(lost(&mut rtp, 4, 7), 0);
    }

    #[test]
    fn another_source_or_a_wild_jump_begins_anew() {
        let mut rtp = Rtp::default();
        (1..=3).for_each(|number| assert_eq!(lost(&mut rtp, number, 7), 0));
        assert_eq!(lost(&mut rtp, 30_000, 7), 0);
        assert_eq!(rtp.stream(), None);
        (1..=3).for_each(|number| assert_eq!(lost(&mut rtp, number, 8), 0));
        assert_eq!(rtp.stream(), Some((8, 3)));
    }

    #[test]
    fn short_and_other_payloads_are_left_alone() {
        let mut rtp = Rtp::default();
        let mut note = SequenceNote::default();
        for _ in 0..5 {
            rtp.observe(&[0x80; 11], &mut note);
            rtp.observe(&[0x17; 40], &mut note);
        }
        assert_eq!(rtp.stream(), None);
    }
}
