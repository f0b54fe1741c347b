//! Deadlines: when a connection's next packet is due, and what is said when it does not come.

use super::{Policy, Predictor, blank, imagine};
use crate::flow::{Side, Slot, Summary};
use crate::model::{Model, PacketFacts};
use crate::predict::coverage::Class;
use crate::predict::track::Standing;
use crate::predict::{Kind, SyntheticPacket};
use crate::time::{Span, Timestamp};

/// A packet that came, as far as deadlines are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Its connection's place.
    pub slot: Slot,
    /// When it came.
    pub time: Timestamp,
    /// Time since the packet before it.
    pub since: Option<Span>,
    /// What that time cost the model, in bits.
    pub time_bits: f32,
    /// Packets of its connection, this one included.
    pub packets: u32,
    /// Whether both sides were heard.
    pub two_way: bool,
}

impl Predictor {
    /// The model stepped past a packet: sets its connection's next deadline.
    #[inline]
    pub fn arm(&mut self, arrival: &Arrival, model: &dyn Model) {
        if self.policy.max_run == 0 {
            return;
        }
        let slot = arrival.slot;
        let Some(track) = self.tracks.get_mut(slot.index()) else { return };
        match std::mem::replace(&mut track.standing, Standing::Nothing) {
            Standing::Nothing => {}
            Standing::Deadline => self.coverages.decide(track.class, false),
            Standing::Silence => self.coverages.keep_silent(track.class),
        }
        if let Some(since) = arrival.since {
            track.baseline.observe(since, arrival.time_bits);
        }
        let known = arrival.two_way && arrival.packets >= self.policy.min_packets;
        if !known || track.baseline.is_better() {
            self.cancel(slot);
            return;
        }
        // A service has a row from its first deadline on; until then it has the stated quantile.
        let quantile = match track.class {
            Class::NONE => Some(self.policy.quantile),
            class => self.coverages.quantile(class),
        };
        let wanted = quantile.unwrap_or(self.policy.quantile);
        match model.deadline(slot, wanted, self.policy.min_confidence) {
            Some(deadline) => {
                if track.class == Class::NONE {
                    track.class = self.coverages.class(track.service);
                }
                if quantile.is_none() {
                    track.standing = Standing::Silence;
                    self.cancel(slot);
                    return;
                }
                track.record.count_set();
                track.standing = Standing::Deadline;
                (track.made, track.confidence, track.from) = (0, 1.0, arrival.time);
                self.wheel.arm(self.policy.open + slot.0, arrival.time.after(deadline.after));
            }
            None => self.cancel(slot),
        }
    }

    /// No packet is due on `slot` any more.
    pub fn cancel(&mut self, slot: Slot) {
        self.wheel.cancel(self.policy.open + slot.0);
        if let Some(track) = self.tracks.get_mut(slot.index())
            && track.standing == Standing::Deadline
        {
            track.standing = Standing::Nothing;
        }
    }

    /// Says what a connection missed when its deadline, just popped, passed; and waits for the one after.
    ///
    /// Nothing where deadlines have passed too often to be believed, where too few of the service were
    /// decided to state anything, or where nothing more may come.
    /// `next` answers the next TCP sequence number of a side.
    pub fn miss(
        &mut self,
        summary: &Summary,
        due: Timestamp,
        model: &dyn Model,
        last: &PacketFacts,
        next: impl Fn(Side) -> Option<u32>,
    ) {
        let Policy { quantile, max_run, min_confidence, max_nothing_more, .. } = self.policy;
        let slot = summary.id.slot;
        let Some(track) = self.tracks.get_mut(slot.index()) else { return };
        if track.made == 0 {
            track.record.count_missed();
            track.standing = Standing::Nothing;
            self.coverages.decide(track.class, true);
        }
        if !track.record.is_good(quantile) || !self.coverages.is_known(track.class) {
            return;
        }
        self.imagined.clear();
        let mut sent = [0_u32; 2];
        let mut expected = model.expect(slot, &self.imagined, quantile);
        for _ in 0..track.made {
            let packet = imagine(last, &expected, self.imagined.len());
            sent[packet.side as usize] =
                sent[packet.side as usize].wrapping_add(packet.payload_len);
            self.imagined.push(packet);
            expected = model.expect(slot, &self.imagined, quantile);
        }
        if expected.nothing_more > max_nothing_more {
            return;
        }
        expected.confidence *= track.confidence;
        track.made += 1;
        track.confidence = expected.confidence;
        let expected_at = track.from.after(expected.time.median);
        track.from = expected_at;
        let (run, class, side) = (track.made, track.class, expected.side);
        if run < max_run {
            self.imagined.push(imagine(last, &expected, self.imagined.len()));
            let next = model.expect(slot, &self.imagined, quantile);
            if next.confidence * expected.confidence >= min_confidence {
                // The packet imagined came before its deadline, so the next one's may lie before it too;
                // but what is missed after another is not missed earlier.
                let at = expected_at.after(next.deadline).max(due);
                self.wheel.arm(self.policy.open + slot.0, at);
            }
        }
        let at = |side: Side| next(side).map(|number| number.wrapping_add(sent[side as usize]));
        let packet = SyntheticPacket {
            made: due,
            due,
            last: summary.last,
            run,
            side,
            flags: expected.flags,
            payload_len: expected.size.mode,
            entropy: self.entropy(slot, side, expected.size.mode),
            sequence: at(side),
            acknowledgement: at(side.other()),
            confidence: expected.confidence,
            capture_loss: self.loss.likelihood(self.coverages.missed(class)),
            ..blank(summary, Kind::Overdue, expected)
        };
        // How much later it may be and still be itself: half the wait for it, so that it is not taken for
        // the next of its kind, or as long again as the deadline allowed.
        let wait = expected.time.median.nanos();
        let slack = expected.deadline.nanos().saturating_sub(wait).saturating_mul(2).max(wait / 2);
        let slack = Span::from_nanos(slack).min(self.policy.outcome_wait);
        let until = expected_at.after(slack).max(due);
        if let Some(number) = self.open(slot, packet, until) {
            self.make_held(number, due);
        }
    }
}
