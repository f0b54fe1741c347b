//! Deadlines and open synthetic packets of all connections, on one wheel.

use super::capture::CaptureLoss;
use super::coverage::{Class, Coverages};
use super::hole::{self, Split, Walk};
use super::ledger::{self, Came, Fate, Ledger, State};
use super::track::{Standing, Track};
use super::{Coverage, Gap, Kind, Outcome, Settled, SyntheticId, SyntheticPacket, Why};
use crate::flow::{Service, Side, Slot, Summary};
use crate::model::{Expectation, Model, PacketFacts};
use crate::time::wheel::TimingWheel;
use crate::time::{Span, Timestamp};
use crate::wire::TcpFlags;

/// When a missing packet is worth a word. No forecast worth having, no synthetic packet.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Policy {
    /// The share of packets that come by their deadline.
    pub quantile: f32,
    /// Overdue packets in a row before a connection is left in peace; 0 makes none at all.
    pub max_run: u8,
    /// The least confidence a deadline needs, 0 to 1; over a run, confidences multiply.
    pub min_confidence: f32,
    /// An overdue packet is made only if the forecast gives less than this to nothing more coming.
    pub max_nothing_more: f32,
    /// Packets a connection must have had before its deadlines count.
    pub min_packets: u32,
    /// Gap packets made for one hole; 0 makes none at all.
    pub max_gap_packets: u32,
    /// How long what looks like a hole may be a packet that overtook another.
    pub reorder_wait: Span,
    /// The longest wait for an outcome.
    pub outcome_wait: Span,
    /// How far one deadline moves a service's effective quantile; 0 leaves it.
    pub adapt: f32,
    /// Synthetic packets without an outcome at one time.
    pub open: u32,
}

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

/// A hole.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// How it was found.
    pub why: Why,
    /// Whose packets are missing.
    pub side: Side,
    /// The first number skipped.
    pub start: u32,
    /// Bytes skipped; packets for RTP, and 1 for a response.
    pub len: u32,
    /// The packet before it on the connection.
    pub before: Timestamp,
    /// The packet that shows it; for a response, when it was due.
    pub after: Timestamp,
    /// Now.
    pub now: Timestamp,
    /// How many packets the side's own numbering says are missing.
    pub skipped: Option<u16>,
    /// The TCP acknowledgement number that its packets would have.
    pub acknowledgement: Option<u32>,
}

/// What fell due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Due {
    /// A connection's deadline.
    Deadline(Slot),
    /// Something about an open synthetic packet: hand it to [`Predictor::wake`].
    Open(u32),
}

/// What the host should hear of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Report {
    /// A synthetic packet was made.
    Made(SyntheticPacket),
    /// Its outcome is known.
    Settled(Settled),
}

/// Without loss by the capture, about this share of TCP's holes are due to other reasons.
const HOLES_OTHERWISE: f32 = 0.02;
/// Entropy says nothing of fewer bytes.
const ENTROPY_FROM: u32 = 8;

/// The deadlines and open synthetic packets of all connections.
pub struct Predictor {
    policy: Policy,
    /// Open packets by number, then deadlines by slot.
    wheel: TimingWheel,
    tracks: Vec<Track>,
    ledger: Ledger,
    coverages: Coverages,
    loss: CaptureLoss,
    /// Room to imagine in, kept to spare allocations.
    imagined: Vec<PacketFacts>,
    reports: Vec<Report>,
    serial: u64,
    withheld: u64,
}

impl Predictor {
    /// No deadlines yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            wheel: TimingWheel::new(Timestamp::MIN),
            tracks: Vec::new(),
            ledger: Ledger::new(policy.open),
            coverages: Coverages::new(1.0 - policy.quantile, policy.adapt),
            loss: CaptureLoss::default(),
            imagined: Vec::new(),
            reports: Vec::new(),
            serial: 0,
            withheld: 0,
        }
    }

    /// Whether it makes anything at all.
    #[inline]
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.policy.max_run > 0 || self.policy.max_gap_packets > 0
    }

    /// A connection of `service` begins in `slot`.
    pub fn begin(&mut self, slot: Slot, service: Service) {
        if !self.is_on() {
            return;
        }
        if slot.index() >= self.tracks.len() {
            self.tracks.resize(slot.index() + 1, Track::NONE);
        }
        self.tracks[slot.index()] = Track::of(service);
    }

    /// A packet came: remembers how its side's packets look. Answers how many of its side were never
    /// seen before it, where the side numbers them.
    #[inline]
    pub fn observe(&mut self, slot: Slot, facts: &PacketFacts, id: Option<u16>) -> Option<u16> {
        let track = self.tracks.get_mut(slot.index())?;
        track.habits[facts.side as usize].observe(facts.payload_len, facts.entropy, id)
    }

    /// A TCP packet of a connection with two sides came: what the capture loses is counted against these.
    #[inline]
    pub fn see_tcp(&mut self, time: Timestamp) {
        self.loss.see(time);
    }

    /// When the response to the packet before was due, if that was a request which now counts as
    /// unanswered; see [`Why::NoResponse`].
    #[inline]
    pub fn unanswered(
        &mut self,
        slot: Slot,
        requester: Side,
        facts: &PacketFacts,
        before: &PacketFacts,
    ) -> Option<Span> {
        let since = facts.since?;
        let track = self.tracks.get_mut(slot.index())?;
        track.answers.observe(facts.side, before.side, requester, since)
    }

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
        let deadline = model.deadline(slot, quantile.unwrap_or(self.policy.quantile));
        match deadline.filter(|deadline| deadline.confidence >= self.policy.min_confidence) {
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

    /// A connection ended at `time`: its open packets get their outcome, and whatever comes next in its
    /// slot starts with a clean record.
    pub fn end(&mut self, slot: Slot, time: Timestamp) {
        self.cancel(slot);
        let Some(track) = self.tracks.get(slot.index()) else { return };
        let mut next = track.open.first();
        while let Some(number) = next {
            next = self.ledger.after(number);
            self.make_held(number, time);
            let outcome = ledger::last_outcome(&self.ledger.get(number).packet);
            self.settle(number, outcome, time, None);
        }
        self.tracks[slot.index()] = Track::NONE;
    }

    /// The clock was set to `now`: no deadline holds any more. Every connection has ended before.
    pub fn clear(&mut self, now: Timestamp) {
        self.wheel.clear(now);
        self.loss.clear();
    }

    /// The earliest of what is due at `now`, taken off the wheel.
    #[inline]
    pub fn pop_due(&mut self, now: Timestamp) -> Option<(Due, Timestamp)> {
        let (id, due) = self.wheel.pop_due(now)?;
        let due_of = match id.checked_sub(self.policy.open) {
            Some(slot) => Due::Deadline(Slot(slot)),
            None => Due::Open(id),
        };
        Some((due_of, due))
    }

    /// Whether anything is open on `slot`.
    #[inline]
    #[must_use]
    pub fn has_open(&self, slot: Slot) -> bool {
        self.tracks.get(slot.index()).is_some_and(|track| !track.open.is_empty())
    }

    /// A real packet came on `slot`: decides what it can of the open ones. `facts` of the packet, its TCP
    /// sequence and acknowledgement numbers, whether it only repeats, and the number of a late RTP packet.
    pub(crate) fn decide(&mut self, slot: Slot, came: &Came, time: Timestamp) {
        let Some(track) = self.tracks.get(slot.index()) else { return };
        let mut next = track.open.first();
        let mut taken = false;
        while let Some(number) = next {
            next = self.ledger.after(number);
            let open = self.ledger.get(number);
            let Fate::Settle(outcome) = ledger::fate(&open.packet, came) else { continue };
            if outcome == Outcome::Late && std::mem::replace(&mut taken, true) {
                // One packet is one packet.
                continue;
            }
            if open.state == State::Held {
                if outcome != Outcome::Lost {
                    // It was only overtaken.
                    self.drop_open(number);
                    continue;
                }
                self.make_held(number, time);
            }
            let came = (outcome != Outcome::Lost).then_some(came.payload_len);
            self.settle(number, outcome, time, came);
        }
    }

    /// The time of an open packet has come: it is made, or nothing more is waited for.
    pub fn wake(&mut self, number: u32, due: Timestamp) {
        let open = self.ledger.get(number);
        match open.state {
            State::Gone => {}
            State::Held => {
                self.make_held(number, due);
                let packet = &self.ledger.get(number).packet;
                if packet.kind.gap().is_some_and(|gap| gap.why == Why::Acknowledged) {
                    self.settle(number, Outcome::Lost, due, None);
                    return;
                }
                let until = due.after(self.policy.outcome_wait);
                self.ledger.get_mut(number).until = until;
                self.wheel.arm(number, until);
            }
            State::Made => {
                let outcome = ledger::last_outcome(&open.packet);
                self.settle(number, outcome, due, None);
            }
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

    /// Says what a hole must have held, from the forecast that stood before the packet that shows it.
    pub fn fill(
        &mut self,
        summary: &Summary,
        found: &Found,
        model: &dyn Model,
        last: &PacketFacts,
    ) {
        let slot = summary.id.slot;
        let most = self.policy.max_gap_packets;
        if most == 0 || found.len == 0 {
            return;
        }
        let Some(track) = self.tracks.get_mut(slot.index()) else { return };
        if track.class == Class::NONE {
            track.class = self.coverages.class(track.service);
        }
        let (habit, class, open) = (track.habits[found.side as usize], track.class, track.open);
        let (expected, walk) = self.walk(slot, found, model, last);
        let tcp = matches!(found.why, Why::Hole | Why::Acknowledged);
        // A single byte from a side that sends no single bytes is a FIN, which takes a number too.
        let is_fin = found.why == Why::Acknowledged && found.len == 1 && habit.last() != 1;
        let split = if tcp {
            Split::new(found.len, &habit, found.skipped, &walk, most)
        } else {
            Split::count(found.len, habit.last(), most)
        };
        if !self.ledger.has_room(open, split.parts) {
            self.withheld += u64::from(split.parts);
            return;
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
                _ => hole::time_of(part, split.parts, &walk, found.before, found.after),
            };
            let flags = match (tcp, is_fin, size == habit.largest()) {
                (false, ..) => TcpFlags(0),
                (_, true, _) => TcpFlags(TcpFlags::FIN.0 | TcpFlags::ACK.0),
                (_, _, true) => TcpFlags::ACK,
                (_, _, false) => TcpFlags(TcpFlags::PSH.0 | TcpFlags::ACK.0),
            };
            let packet = SyntheticPacket {
                due,
                last: found.before,
                side: found.side,
                flags,
                payload_len: size,
                entropy: self.entropy(slot, found.side, size),
                sequence: (found.why != Why::NoResponse).then_some(sequence),
                acknowledgement: found.acknowledgement,
                confidence: 1.0,
                capture_loss: match found.why {
                    Why::Acknowledged => 1.0,
                    Why::Hole | Why::Rtp => self.loss.likelihood(HOLES_OTHERWISE),
                    Why::NoResponse => self.loss.likelihood(self.coverages.missed(class)),
                },
                ..blank(summary, kind, expected)
            };
            sequence = sequence.wrapping_add(if tcp { size } else { 1 });
            if !self.stands_already(slot, &packet, found.now) {
                self.open(slot, packet, found.now.after(self.policy.reorder_wait));
            }
        }
    }

    /// What was made and settled since this was last asked, in packet-time order.
    pub fn reports(&mut self) -> std::vec::Drain<'_, Report> {
        self.reports.drain(..)
    }

    /// Whether there are any.
    #[inline]
    #[must_use]
    pub const fn has_reports(&self) -> bool {
        !self.reports.is_empty()
    }

    /// What became of deadlines and synthetic packets, by service.
    pub fn coverage(&self) -> impl Iterator<Item = Coverage> {
        self.coverages.iter()
    }

    /// The share of packets that the capture itself loses by now, 0 to 1.
    #[must_use]
    pub fn capture_loss(&self) -> f32 {
        self.loss.rate()
    }

    /// Synthetic packets that were not made because too many were open.
    #[must_use]
    pub const fn withheld(&self) -> u64 {
        self.withheld
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.wheel.memory()
            + self.tracks.capacity() * size_of::<Track>()
            + self.ledger.memory()
            + self.coverages.memory()
            + self.reports.capacity() * size_of::<Report>()
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
        let same = self.ledger.numbers(track.open).find(|&number| {
            let open = &self.ledger.get(number).packet;
            open.kind == Kind::Overdue
                && (open.side, open.sequence, open.payload_len)
                    == (part.side, part.sequence, part.payload_len)
        });
        let Some(number) = same else { return false };
        let until = now.after(self.policy.outcome_wait);
        self.ledger.get_mut(number).until = until;
        self.wheel.arm(number, until);
        true
    }

    fn entropy(&self, slot: Slot, side: Side, size: u32) -> Option<u8> {
        let habit = &self.tracks.get(slot.index())?.habits[side as usize];
        habit.entropy().filter(|_| size >= ENTROPY_FROM)
    }

    /// Enters a packet that is not made yet.
    fn open(&mut self, slot: Slot, packet: SyntheticPacket, until: Timestamp) -> Option<u32> {
        let track = self.tracks.get_mut(slot.index())?;
        if !self.ledger.has_room(track.open, 1) {
            self.withheld += 1;
            return None;
        }
        let number = self.ledger.add(&mut track.open, slot, packet, until);
        self.wheel.arm(number, until);
        Some(number)
    }

    /// Makes a packet at `time`, unless it was.
    fn make_held(&mut self, number: u32, time: Timestamp) {
        let open = self.ledger.get_mut(number);
        if open.state != State::Held {
            return;
        }
        self.serial += 1;
        open.state = State::Made;
        open.packet.serial = SyntheticId(self.serial);
        open.packet.made = time;
        let (packet, slot) = (open.packet, open.slot);
        let class = self.tracks.get(slot.index()).map_or(Class::NONE, |track| track.class);
        self.coverages.made(class, &packet);
        self.reports.push(Report::Made(packet));
    }

    /// Gives a packet its outcome and lets it go.
    fn settle(&mut self, number: u32, outcome: Outcome, time: Timestamp, came: Option<u32>) {
        let (packet, slot) = (self.ledger.get(number).packet, self.ledger.get(number).slot);
        self.drop_open(number);
        let class = self.tracks.get(slot.index()).map_or(Class::NONE, |track| track.class);
        self.coverages.settled(class, &packet, outcome);
        let by_peer = outcome == Outcome::Lost && packet.key.protocol == 6;
        if by_peer {
            self.loss.miss(slot, 1);
        }
        self.reports.push(Report::Settled(Settled {
            serial: packet.serial,
            id: packet.id,
            host_id: packet.host_id,
            key: packet.key,
            originator: packet.originator,
            uid: packet.uid,
            kind: packet.kind,
            made: packet.made,
            due: packet.due,
            side: packet.side,
            payload_len: packet.payload_len,
            sequence: packet.sequence,
            outcome,
            time,
            came,
            capture_loss: match outcome {
                Outcome::Late | Outcome::Filled => 0.0,
                Outcome::Lost if by_peer => 1.0,
                Outcome::Lost | Outcome::Phantom => packet.capture_loss,
            },
        }));
    }

    fn drop_open(&mut self, number: u32) {
        self.wheel.cancel(number);
        let slot = self.ledger.get(number).slot;
        if let Some(track) = self.tracks.get_mut(slot.index()) {
            self.ledger.remove(&mut track.open, number);
        }
    }
}

/// A synthetic packet of this connection with nothing in it.
fn blank(summary: &Summary, kind: Kind, expected: Expectation) -> SyntheticPacket {
    SyntheticPacket {
        serial: SyntheticId::default(),
        id: summary.id,
        host_id: summary.host_id,
        key: summary.key,
        originator: summary.originator,
        uid: summary.uid,
        kind,
        made: summary.last,
        due: summary.last,
        last: summary.last,
        run: 0,
        side: Side::A,
        flags: TcpFlags(0),
        payload_len: 0,
        entropy: None,
        sequence: None,
        acknowledgement: None,
        confidence: 0.0,
        capture_loss: 0.0,
        expected,
    }
}

/// The packet that `expected` describes, as if it had come.
fn imagine(last: &PacketFacts, expected: &Expectation, before: usize) -> PacketFacts {
    let headers = last.wire_len.saturating_sub(last.payload_len);
    PacketFacts {
        side: expected.side,
        flags: expected.flags,
        payload_len: expected.size.mode,
        // A capture may claim any length on the wire.
        wire_len: headers.saturating_add(expected.size.mode),
        since: Some(expected.time.median),
        position: last.position.saturating_add(1 + before as u32),
        entropy: None,
        ..*last
    }
}
