//! Gap packets: what a hole must have held.

use super::{Predictor, blank, imagine};
use crate::flow::{Side, Slot, Summary};
use crate::model::{Expectation, Model, PacketFacts};
use crate::predict::coverage::Class;
use crate::predict::hole::{self, Split, Walk};
use crate::predict::{Gap, Kind, SyntheticPacket, Why};
use crate::time::{Span, Timestamp};
use crate::wire::TcpFlags;

/// Without loss by the capture, about this share of TCP's holes are due to other reasons.
const HOLES_OTHERWISE: f32 = 0.02;

/// A hole.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// How it was found.
    pub why: Why,
    /// Whose packets are missing.
    pub side: Side,
    /// The first number skipped.
    pub start: u32,
    /// Bytes skipped; packets where numbers count these, and 1 for a response.
    pub len: u32,
    /// The packet before it on the connection.
    pub before: Timestamp,
    /// The packet that shows it; for a response, when it was due; for a number, its likeliest place.
    pub after: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// How many packets the side's own numbering says are missing.
    pub skipped: Option<u16>,
    /// How sure it is that they were sent, 0 to 1.
    pub confidence: f32,
    /// The TCP acknowledgement number that its packets would have.
    pub acknowledgement: Option<u32>,
}

impl Predictor {
    /// Says what a hole must have held, from the forecast that stood before the packet that shows it.
    /// Answers how many packets of its side that explains; more than there can be if nobody knows.
    pub fn fill(
        &mut self,
        summary: &Summary,
        found: &Found,
        model: &dyn Model,
        last: &PacketFacts,
    ) -> u32 {
        let slot = summary.id.slot;
        let most = self.policy.max_gap_packets;
        if most == 0 || found.len == 0 {
            return 0;
        }
        let Some(track) = self.tracks.get_mut(slot.index()) else { return 0 };
        if track.class == Class::NONE {
            track.class = self.coverages.class(track.service);
        }
        let (habit, class, open) = (track.habits[found.side as usize], track.class, track.open);
        let tcp = summary.key.protocol == 6;
        let by_bytes = matches!(found.why, Why::Hole | Why::Acknowledged);
        let (expected, walk) = if by_bytes {
            self.walk(slot, found, model, last)
        } else {
            (model.expect(slot, &[], self.policy.quantile), Walk::default())
        };
        // A single byte from a side that sends no single bytes is a FIN, which takes a number too.
        let is_fin = found.why == Why::Acknowledged && found.len == 1 && habit.last() != 1;
        let split = if by_bytes {
            Split::new(found.len, &habit, found.skipped, &walk, most)
        } else {
            // Payload of TCP would have left a hole, so these had none.
            Split::count(found.len, if tcp { 0 } else { habit.last() }, most)
        };
        let explained = if split.left > 0 { u32::MAX } else { split.parts };
        if found.why == Why::Acknowledged
            && let Some(track) = self.tracks.get_mut(slot.index())
        {
            track.habits[found.side as usize].tell(explained);
        }
        if !self.ledger.has_room(open, split.parts) {
            self.withheld += u64::from(split.parts);
            return explained;
        }
        let mut sequence = found.start;
        for part in 0..split.parts {
            let size = if is_fin { 0 } else { split.size(part) };
            let kind = Kind::Gap(Gap {
                why: found.why,
                part: part + 1,
                parts: split.parts,
                left: split.left,
            });
            let due = match found.why {
                Why::NoResponse => found.after,
                // The first came at its most likely place; of the others nothing is known.
                Why::Numbering => hole::evenly(part, split.parts, found.after, found.now),
                _ => hole::time_of(part, split.parts, &walk, found.before, found.after),
            };
            let flags = match (tcp, is_fin) {
                (false, _) => TcpFlags(0),
                (true, true) => TcpFlags(TcpFlags::FIN.0 | TcpFlags::ACK.0),
                (true, false) if size == 0 || size == habit.largest() => TcpFlags::ACK,
                (true, false) => TcpFlags(TcpFlags::PSH.0 | TcpFlags::ACK.0),
            };
            let packet = SyntheticPacket {
                due,
                last: found.before,
                side: found.side,
                flags,
                payload_len: size,
                entropy: self.entropy(slot, found.side, size),
                sequence: (tcp || found.why == Why::Rtp).then_some(sequence),
                acknowledgement: found.acknowledgement,
                confidence: found.confidence,
                capture_loss: match found.why {
                    Why::Acknowledged => 1.0,
                    Why::Hole | Why::Rtp | Why::Numbering => self.loss.likelihood(HOLES_OTHERWISE),
                    Why::NoResponse => self.loss.likelihood(self.coverages.missed(class)),
                },
                ..blank(summary, kind, expected)
            };
            sequence = sequence.wrapping_add(if found.why == Why::Rtp { 1 } else { size });
            if !self.stands_already(slot, &packet, found.now) {
                self.open(slot, packet, found.now.after(self.policy.reorder_wait));
            }
        }
        explained
    }

    /// The standing forecast, and what it says of the next payloads of the side whose packets are missing.
    fn walk(
        &mut self,
        slot: Slot,
        found: &Found,
        model: &dyn Model,
        last: &PacketFacts,
    ) -> (Expectation, Walk) {
        self.imagined.clear();
        let standing = model.expect(slot, &self.imagined, self.policy.quantile);
        let (mut expected, mut walk) = (standing, Walk::default());
        let (mut elapsed, mut bytes) = (Span::ZERO, 0_u64);
        for step in 0..hole::WALK {
            elapsed =
                Span::from_nanos(elapsed.nanos().saturating_add(expected.time.median.nanos()));
            if expected.side == found.side && expected.size.mode > 0 {
                walk.push(expected.size.mode, elapsed);
                if bytes >= u64::from(found.len) {
                    // That was the one after the hole.
                    break;
                }
                bytes += u64::from(expected.size.mode);
            }
            self.imagined.push(imagine(last, &expected, step));
            expected = model.expect(slot, &self.imagined, self.policy.quantile);
        }
        (standing, walk)
    }

    /// Whether an overdue packet stands for just this part of a hole; it then waits on as a gap does.
    fn stands_already(&mut self, slot: Slot, part: &SyntheticPacket, now: Timestamp) -> bool {
        let Some(track) = self.tracks.get(slot.index()) else { return false };
        let by_number = part.kind.gap().is_some_and(|gap| gap.why == Why::Numbering);
        let same = self.ledger.numbers(track.open).find(|&number| {
            let open = &self.ledger.get(number).packet;
            let alike = if by_number {
                (open.payload_len > 0) == (part.payload_len > 0)
            } else {
                (open.sequence, open.payload_len) == (part.sequence, part.payload_len)
            };
            open.kind == Kind::Overdue && open.side == part.side && alike
        });
        let Some(number) = same else { return false };
        let until = now.after(self.policy.outcome_wait);
        self.ledger.get_mut(number).until = until;
        self.wheel.arm(number, until);
        true
    }
}
