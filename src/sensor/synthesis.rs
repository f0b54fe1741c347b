//! Holes and deadlines to synthetic packets, and these to events.

use crate::flow::{Observation, Side, Summary};
use crate::model::{PacketFacts, Surprise};
use crate::predict::{Came, Found, Outcome, Report, Sender, Unseen, Why};
use crate::time::Timestamp;
use crate::wire::{PacketView, TcpFlags, Transport};

use super::{Event, Sensor};

impl Sensor {
    /// Looks at a packet before the model steps past it: what it decides of open synthetic packets, and
    /// what it shows to be missing. Answers whether both sides of its connection were heard.
    #[inline]
    pub(super) fn review(
        &mut self,
        seen: &Observation,
        view: &PacketView<'_>,
        facts: &PacketFacts,
        surprise: &Surprise,
    ) -> bool {
        let slot = seen.id.slot;
        let Some(connection) = self.table.connection(slot) else { return false };
        let two_way = connection.packets(Side::A) > 0 && connection.packets(Side::B) > 0;
        if !self.predictor.is_on() {
            return two_way;
        }
        let from = Sender {
            address: connection.key().address(seen.side),
            id: view.network.and_then(|network| network.id),
            time: seen.time,
        };
        let bits = surprise.side_flags + surprise.size;
        let unseen = self.predictor.observe(slot, facts, &from, bits);
        if !two_way {
            return false;
        }
        let (requester, before) = (connection.originator(), self.last[slot.index()]);
        let unanswered = match &view.transport {
            Transport::Tcp(_) => {
                self.predictor.see_tcp(seen.time);
                None
            }
            _ => self.predictor.unanswered(slot, requester, facts, &before),
        };
        if self.predictor.has_open(slot) {
            let came = came(seen, view, facts, before.side, unseen.behind);
            self.predictor.decide(slot, &came, seen.time);
        }
        let note = &seen.sequence;
        let by_sequence = note.gap > 0 || note.unseen_ahead > 0 || note.lost_packets > 0;
        if by_sequence || unseen.untold > 0 || unanswered.is_some() {
            self.find_missing(
                seen,
                facts,
                &unseen,
                unanswered.map(|wait| {
                    let since = facts.since.unwrap_or_default();
                    seen.time.before(since).after(wait.min(since))
                }),
            );
        }
        self.report_synthetic();
        true
    }

    /// Fills the holes that a packet shows.
    #[cold]
    fn find_missing(
        &mut self,
        seen: &Observation,
        facts: &PacketFacts,
        unseen: &Unseen,
        unanswered: Option<Timestamp>,
    ) {
        let slot = seen.id.slot;
        let Some(summary) = self.table.summary(seen.id) else { return };
        let Some(connection) = self.table.connection(slot) else { return };
        let (own, peer) = (seen.side, seen.side.other());
        let note = &seen.sequence;
        let found = |why, side: Side, start, len| Found {
            why,
            side,
            start,
            len,
            before: seen.time.before(facts.since.unwrap_or_default()),
            after: seen.time,
            now: seen.time,
            confidence: 1.0,
            skipped: if side == own { unseen.skipped } else { None },
            acknowledgement: connection.next_sequence(side.other()),
        };
        let mut holes: [Option<Found>; 4] = [None; 4];
        // Before a side's first packet nothing is known of where it began.
        if note.gap > 0 && connection.packets(own) > 1 {
            holes[0] = Some(found(Why::Hole, own, note.gap_start, note.gap));
        }
        if note.unseen_ahead > 0 {
            holes[1] = Some(found(Why::Acknowledged, peer, note.unseen_start, note.unseen_ahead));
        }
        if note.lost_packets > 0 {
            holes[2] = Some(found(Why::Rtp, own, note.gap_start, u32::from(note.lost_packets)));
        }
        if let Some(due) = unanswered {
            holes[3] = Some(Found { after: due, ..found(Why::NoResponse, peer, 0, 1) });
        }
        let last = &self.last[slot.index()];
        let mut explained = 0_u32;
        for hole in holes.iter().flatten() {
            let parts = self.predictor.fill(&summary, hole, &*self.model, last);
            if hole.side == own {
                explained = explained.saturating_add(parts);
            }
        }
        // What its numbers count beyond these left no mark anywhere else.
        let rest = u32::from(unseen.untold).saturating_sub(explained);
        if let Some(place) = unseen.place
            && rest > 0
        {
            let start = connection.next_sequence(own).unwrap_or_default();
            let start = start.wrapping_sub(facts.payload_len);
            let hole = Found {
                after: place,
                confidence: unseen.confidence,
                ..found(Why::Numbering, own, start, rest)
            };
            self.predictor.fill(&summary, &hole, &*self.model, last);
        }
    }

    #[cold]
    pub(super) fn report_miss(&mut self, summary: &Summary, due: Timestamp) {
        let slot = summary.id.slot;
        let Some(last) = self.last.get(slot.index()) else { return };
        let Some(connection) = self.table.connection(slot) else { return };
        let next = |side| connection.next_sequence(side);
        self.predictor.miss(summary, due, &*self.model, last, next);
        self.report_synthetic();
    }

    /// Hands on what the predictor made and settled.
    #[inline]
    pub(super) fn report_synthetic(&mut self) {
        if self.predictor.has_reports() {
            self.hand_on();
        }
    }

    #[cold]
    fn hand_on(&mut self) {
        for report in self.predictor.reports() {
            match report {
                Report::Made(packet) => {
                    self.scorer.count_synthetic(packet.id.slot);
                    self.stats.synthetic += 1;
                    self.stats.gaps += u64::from(packet.kind.gap().is_some());
                    self.events.push(Event::Synthetic(packet));
                }
                Report::Settled(settled) => {
                    *match settled.outcome {
                        Outcome::Late => &mut self.stats.late,
                        Outcome::Filled => &mut self.stats.filled,
                        Outcome::Lost => &mut self.stats.lost,
                        Outcome::Phantom => &mut self.stats.phantom,
                    } += 1;
                    self.events.push(Event::Outcome(settled));
                }
            }
        }
    }
}

/// What a packet says to the open ones of its connection.
fn came(
    seen: &Observation,
    view: &PacketView<'_>,
    facts: &PacketFacts,
    before: Side,
    behind: bool,
) -> Came {
    let note = &seen.sequence;
    let len = facts.payload_len;
    let (mut sequence, mut acknowledgement) = (None, None);
    if let Transport::Tcp(tcp) = &view.transport
        && !tcp.flags.contains(TcpFlags::RST)
    {
        let syn = u32::from(tcp.flags.contains(TcpFlags::SYN));
        if len > 0 || tcp.flags.contains(TcpFlags::FIN) {
            sequence = Some(tcp.sequence.wrapping_add(syn));
        }
        if tcp.flags.contains(TcpFlags::ACK) {
            acknowledgement = Some(tcp.acknowledgement);
        }
    }
    Came {
        side: seen.side,
        payload_len: len,
        sequence,
        acknowledgement,
        repeats: note.keep_alive || (len > 0 && note.retransmitted == len),
        behind,
        late_number: note.late_number,
        in_a_row: facts.position > 0 && before == seen.side,
    }
}
