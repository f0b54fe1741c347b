//! How much the capture itself loses, told from what endpoints never sent.
//!
//! When a receiver acknowledges bytes that nobody saw, they were on the wire and the capture lost them.
//! On one connection that may be another route; on several within a window it is the capture.
//! So the estimate of a window is the share of TCP packets that were acknowledged unseen, over
//! connections of which both sides are seen, and counts only if at least three of them tell.

use crate::flow::Slot;
use crate::time::{Span, Timestamp};

/// Packet time over which losses are counted together.
const WINDOW: Span = Span::from_secs(10);
/// Connections that must tell of losses within a window.
const WITNESSES: u32 = 3;

/// The running estimate.
#[derive(Debug, Default)]
pub(super) struct CaptureLoss {
    ends: Option<Timestamp>,
    seen: u32,
    unseen: u32,
    /// One bit for each of 64 classes of connections that told of a loss.
    witnesses: u64,
    rate: f32,
}

impl CaptureLoss {
    /// A TCP packet of a connection with two sides came at `time`.
    #[inline]
    pub(super) fn see(&mut self, time: Timestamp) {
        if self.ends.is_none_or(|ends| time >= ends) {
            self.turn(time);
        }
        self.seen += 1;
    }

    /// A receiver on `slot` acknowledged `packets` that nobody saw.
    pub(super) fn miss(&mut self, slot: Slot, packets: u32) {
        self.unseen = self.unseen.saturating_add(packets);
        self.witnesses |= 1 << (slot.0.wrapping_mul(0x9e37_79b9) >> 26);
    }

    /// The share of packets that the capture loses, 0 to 1, by the last windows and the one that runs.
    pub(super) fn rate(&self) -> f32 {
        self.rate.max(self.current())
    }

    /// How likely it is that a packet which did not come was lost by the capture, where such packets
    /// fail to come at a rate of `otherwise` for other reasons.
    pub(super) fn likelihood(&self, otherwise: f32) -> f32 {
        let rate = self.rate();
        if rate == 0.0 { 0.0 } else { rate / (rate + (1.0 - rate) * otherwise) }
    }

    /// The clock was set: what was counted belongs to another time.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn current(&self) -> f32 {
        if self.witnesses.count_ones() < WITNESSES {
            return 0.0;
        }
        self.unseen as f32 / (self.unseen as f32 + self.seen as f32)
    }

    #[cold]
    fn turn(&mut self, time: Timestamp) {
        if let Some(ends) = self.ends {
            // Each window without a word of loss halves what is believed, the silent ones too.
            let silent = (time.since(ends).nanos() / WINDOW.nanos()).min(30) as i32;
            self.rate = (self.rate + self.current()) / 2.0 * 0.5_f32.powi(silent);
            if self.rate < 1e-4 {
                self.rate = 0.0;
            }
        }
        *self = Self { ends: Some(time.after(WINDOW)), rate: self.rate, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn losses_on_many_connections_are_the_captures_and_on_one_they_are_not() {
        let (mut one, mut many) = (CaptureLoss::default(), CaptureLoss::default());
        for packet in 0..1_000 {
            one.see(at(packet));
            many.see(at(packet));
            if packet % 10 == 0 {
                one.miss(Slot(7), 1);
                many.miss(Slot(packet as u32 / 10), 1);
            }
        }
        assert_eq!(one.rate(), 0.0);
        assert!((many.rate() - 0.09).abs() < 0.01, "{}", many.rate());
        assert!(many.likelihood(0.05) > 0.6);
        assert_eq!(one.likelihood(0.05), 0.0);
    }

    #[test]
    fn an_old_loss_is_forgotten_even_over_a_silence() {
        let mut loss = CaptureLoss::default();
        for packet in 0..100 {
            loss.see(at(packet));
            loss.miss(Slot(packet as u32), 1);
        }
        assert!(loss.rate() > 0.4);
        loss.see(at(3_600_000));
        assert_eq!(loss.rate(), 0.0);
    }
}
