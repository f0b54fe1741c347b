//! Deadlines and open synthetic packets of all connections, on one wheel.

mod deadline;
mod fill;

pub use deadline::Arrival;
pub use fill::Found;

use super::capture::CaptureLoss;
use super::coverage::{Class, Coverages};
use super::habit::Numbered;
use super::ledger::{self, Came, Fate, Ledger, State};
use super::numbers::Numbers;
use super::track::Track;
use super::vacancy::Vacancy;
use super::{Coverage, Gap, Kind, Outcome, Settled, SyntheticId, SyntheticPacket, Why};
use crate::flow::{Service, Side, Slot, Summary};
use crate::model::{Expectation, PacketFacts};
use crate::time::wheel::TimingWheel;
use crate::time::{Span, Timestamp};
use crate::wire::{Address, TcpFlags};

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

/// Where a packet comes from, as far as its number goes.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// Its host.
    pub address: Address,
    /// Its IP identification.
    pub id: Option<u16>,
    /// When it came.
    pub time: Timestamp,
}

/// What a packet's own number says of packets that were not seen.
#[derive(Clone, Copy, Default, Debug)]
pub struct Unseen {
    /// How many of its side were skipped since the one before it, if its side's numbers are believed.
    pub skipped: Option<u16>,
    /// How many of these no gap packet was made for yet.
    pub untold: u16,
    /// When the first of these most likely came.
    pub place: Option<Timestamp>,
    /// How sure it is that they were sent, 0 to 1.
    pub confidence: f32,
    /// It is one of those that were skipped before.
    pub behind: bool,
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
    numbers: Numbers,
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
            numbers: Numbers::new(),
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

    /// A packet came: remembers how its side's packets look. Answers what its number says of unseen
    /// ones. `bits` is what its side, flags and size cost.
    #[inline]
    pub fn observe(&mut self, slot: Slot, facts: &PacketFacts, from: &Sender, bits: f32) -> Unseen {
        let Some(track) = self.tracks.get_mut(slot.index()) else { return Unseen::default() };
        let (own, peer) = (facts.side as usize, facts.side.other() as usize);
        let (now, since) = (from.time, facts.since.unwrap_or_default());
        let answers = facts.position > 0 && track.speaker != facts.side;
        let habit = &mut track.habits[own];
        let mut unseen = Unseen { confidence: habit.belief(), ..Unseen::default() };
        let told = habit.take_told();
        let numbers = &self.numbers;
        let elsewhere =
            |count| from.id.map_or(0, |id| numbers.seen(&from.address, id, count, since, now));
        match habit.observe(facts.payload_len, facts.entropy, from.id, elsewhere) {
            Numbered::Unknown => {}
            Numbered::Behind => unseen.behind = true,
            Numbered::Skipped(count) => {
                unseen.skipped = Some(count);
                unseen.untold = count.saturating_sub(told);
            }
        }
        if let Some(id) = from.id {
            self.numbers.see(&from.address, id, now);
        }
        let usual = habit.wait.usual();
        if unseen.untold > 0 {
            let mut vacancy = if answers { track.vacancy } else { Vacancy::NONE };
            vacancy.consider(now, since, usual.filter(|_| answers), bits);
            unseen.place = vacancy.place();
        }
        if answers {
            habit.wait.observe(since);
            track.vacancy = Vacancy::NONE;
        }
        track.vacancy.consider(now, since, track.habits[peer].wait.usual(), bits);
        track.speaker = facts.side;
        unseen
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
                // Nothing that may still come would say more of these.
                let is_told = |gap: Gap| matches!(gap.why, Why::Acknowledged | Why::Numbering);
                if packet.kind.gap().is_some_and(is_told) {
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
            + self.numbers.memory()
            + self.coverages.memory()
            + self.reports.capacity() * size_of::<Report>()
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
        let by_peer = outcome == Outcome::Lost
            && packet.key.protocol == 6
            && packet.kind.gap().is_none_or(|gap| gap.why != Why::Numbering);
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
