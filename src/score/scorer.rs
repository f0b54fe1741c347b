//! The verdict on each packet, and what it adds up to for its connection and its endpoints.

use std::collections::VecDeque;

use crate::flow::{CloseReason, ConnectionKey, Service, Side, Slot, Summary};
use crate::model::{PacketFacts, Surprise};
use crate::time::{Span, Timestamp};
use crate::wire::{Address, TcpFlags};

use super::alarm::Alarms;
use super::calibration::Calibration;
use super::class::{Class, Classes};
use super::contact::{Contacts, mix};
use super::endpoint::{Activity, Endpoint, Endpoints};
use super::habit::{Before, Habits, Step};
use super::meeting::{self, Meetings, Recency};
use super::volume::{self, DIMENSIONS, Volume, Volumes};
use super::{
    AnomalousEndpoint, ConnectionScore, Finding, Grounds, Reason, TermKind, Weights, evidence,
};

/// What the operator states.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Policy {
    /// Share of ordinary packets that may be called anomalies.
    pub false_alarms: f32,
    /// Alarms on connections and endpoints together that may be raised a day.
    pub alarms_per_day: f32,
    /// Packets the sensor must have scored before one is called an anomaly, or is evidence.
    pub warm_up: u64,
    /// Packets the connection must have had before.
    pub min_packets: u32,
    /// What the parts of surprise weigh.
    pub weights: Weights,
    /// Endpoints remembered.
    pub endpoints: usize,
}

/// One in this many of what scores high is learned beyond what its allowance lets through.
const SURPRISING_LEARNED: u64 = 16;
/// Packets as rare as this draw on the allowances.
const RARE: f32 = 0.01;
/// How much of what is rare a connection may teach at once.
const ALLOWANCE: u8 = 4;
/// The same for an endpoint.
const MOST_ALLOWANCE: u8 = 16;
/// Packets of a connection for which it regains one; an endpoint regains one a connection.
const REGAIN: u32 = 64;
/// One stake in eight is on volumes and one on new meetings: what carries much is often only a long
/// connection, and what is new only new.
const PROFILE_STAKE: f32 = 3.0;
/// Unanswered packets beyond which a connection is a one-way stream and no attempt.
const ATTEMPT: u64 = 4;
/// How long an attempt must have waited for an answer when the capture ends.
const PATIENCE: Span = Span::from_secs(3);
/// First meetings that are remembered, for each endpoint remembered; and those of which more is kept.
const MEETINGS: usize = 8;
const KEPT_MEETINGS: usize = 2;
/// Evidence in bits from which what a connection does is not taken for ordinary: little is learned.
const SUSPICIOUS: f32 = 15.0;
/// Evidence against a meeting that is too little to count, in bits.
const LEAST_LENT: f32 = 2.0;

/// The answer for one packet.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Judgement {
    /// Share of packets of its service, at its stage, that surprise as much here.
    pub probability: f32,
    /// Whether it is an anomaly.
    pub anomalous: bool,
    /// Its connection's evidence so far, in bits.
    pub severity: f32,
    /// Set when with this packet its connection became an anomaly.
    pub finding: Option<Finding>,
}

/// What is kept of a live connection beside its score.
#[derive(Clone, Copy)]
struct Connection {
    score: ConnectionScore,
    /// Wealth of the test over its packets, in bits.
    wealth: f32,
    /// What its beginning added to that.
    novelty: f32,
    /// How new the meeting of its ends is, what that is worth, and what is held against them.
    recency: f32,
    young: f32,
    lent: f32,
    /// The most wealth there was: without more of it, or of another bet, severity does not grow.
    peak: f32,
    meeting: u64,
    /// What it carries so far, and the evidence in the least likely of that.
    amounts: [u32; DIMENSIONS],
    volume: f32,
    most: Volume,
    rarest: f32,
    before: Before,
    class: Class,
    allowance: u8,
    flags: u8,
}

impl Connection {
    const NEW: Self = Self {
        score: ConnectionScore {
            scored: 0,
            anomalies: 0,
            synthetic: 0,
            total: 0.0,
            max: 0.0,
            severity: 0.0,
        },
        wealth: 0.0,
        novelty: 0.0,
        recency: 0.0,
        young: -1.0,
        lent: 0.0,
        peak: f32::NEG_INFINITY,
        meeting: 0,
        amounts: [0; DIMENSIONS],
        volume: f32::NEG_INFINITY,
        most: Volume::Packets,
        rarest: 1.0,
        before: Before(0),
        class: Class { protocol: 0, service: None },
        allowance: ALLOWANCE,
        flags: 0,
    };
}

/// Bits of `Connection::flags`.
mod flag {
    /// The responder was heard.
    pub(super) const ANSWERED: u8 = 0x01;
    /// It came to nothing.
    pub(super) const FAILED: u8 = 0x02;
    /// Its originator had not met its service before.
    pub(super) const FIRST: u8 = 0x04;
    /// It was called an anomaly.
    pub(super) const ALARMED: u8 = 0x08;
    /// Its destination is a group, from which no answer is due.
    pub(super) const GROUP: u8 = 0x10;
}

/// Scores of all live connections, and what the site is like.
pub struct Scorer {
    policy: Policy,
    pub(super) scored: u64,
    surprising: u64,
    connections: Vec<Connection>,
    pub(super) classes: Classes,
    pub(super) calibration: Calibration,
    pub(super) habits: Habits,
    pub(super) volumes: Volumes,
    pub(super) recency: Recency,
    pub(super) meetings: Meetings,
    /// When the first connection began.
    pub(super) began: Option<Timestamp>,
    pub(super) endpoints: Endpoints,
    pub(super) contacts: Contacts,
    pub(super) of_connections: Alarms,
    pub(super) of_endpoints: Alarms,
    /// Connections begun, and of these: by an unknown endpoint, to a service new to the site; fading.
    pub(super) begun: [f32; 3],
    /// How much the last packet's side and flags surprised the site.
    site: f32,
    found: VecDeque<AnomalousEndpoint>,
}

impl Scorer {
    /// No packet scored yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let half = policy.alarms_per_day / 2.0;
        Self {
            scored: 0,
            surprising: 0,
            connections: Vec::new(),
            classes: Classes::default(),
            calibration: Calibration::default(),
            habits: Habits::default(),
            volumes: Volumes::default(),
            recency: Recency::default(),
            meetings: Meetings::new(policy.endpoints * KEPT_MEETINGS),
            began: None,
            endpoints: Endpoints::new(policy.endpoints),
            contacts: Contacts::new(policy.endpoints * MEETINGS),
            of_connections: Alarms::new(half),
            of_endpoints: Alarms::new(half),
            begun: [0.0; 3],
            site: 0.0,
            found: VecDeque::new(),
            policy,
        }
    }

    /// A connection begins in `slot`.
    pub fn begin(
        &mut self,
        slot: Slot,
        key: &ConnectionKey,
        service: Service,
        originator: Side,
        now: Timestamp,
    ) {
        if slot.index() >= self.connections.len() {
            self.connections.resize(slot.index() + 1, Connection::NEW);
        }
        let class = self.classes.of(service);
        self.calibration.admit(class);
        self.habits.admit(class);
        self.volumes.admit(class);
        self.recency.admit(class);
        let ends = Ends::of(key, originator);
        let mut connection = Connection { class, ..Connection::NEW };
        let first = self.contacts.is_new(ends.service ^ mix(ends.source));
        let new_pair = self.contacts.is_new(mix(ends.source).wrapping_add(ends.destination));
        let new_service = self.contacts.is_new(ends.service);
        let (source, new_source) = self.endpoints.find(ends.source, now);
        source.allowance = source.allowance.saturating_add(1).min(MOST_ALLOWANCE);
        connection.novelty = novelty(source, new_source, first, &mut self.begun, new_service)
            * self.policy.weights.profile;
        connection.wealth = connection.novelty.max(0.0);
        connection.score.severity = connection.novelty.min(0.0);
        connection.meeting = ends.meeting(service);
        let began = *self.began.get_or_insert(now);
        let meeting = self.meetings.find(connection.meeting, now);
        connection.recency = meeting::recency(meeting.first, began, now);
        connection.lent = meeting.evidence(now) * self.policy.weights.profile;
        let share = self.recency.share(class, connection.recency);
        connection.young = evidence::bits(share) * self.policy.weights.profile - PROFILE_STAKE;
        connection.flags =
            if first { flag::FIRST } else { 0 } | if ends.is_group { flag::GROUP } else { 0 };
        self.connections[slot.index()] = connection;

        self.did(key, originator, Activity::Opened, now);
        if first {
            self.did(key, originator, Activity::NewServices, now);
        }
        if first && !ends.is_group && is_probe(service, new_pair) {
            self.did(key, originator, Activity::Probes, now);
        }
        if !first && asks_for_password(service) {
            self.did(key, originator, Activity::Logins, now);
        }
        if !ends.is_group {
            self.did(key, originator.other(), Activity::Received, now);
            if new_pair {
                self.did(key, originator.other(), Activity::NewSources, now);
            }
        }
    }

    /// Takes a packet's surprise into account and says how rare it is.
    #[inline]
    pub fn judge(
        &mut self,
        slot: Slot,
        key: &ConnectionKey,
        originator: Side,
        facts: &PacketFacts,
        surprise: &Surprise,
        now: Timestamp,
    ) -> Judgement {
        let before = facts.position;
        let connection = &mut self.connections[slot.index()];
        let (step, last) = (Step::of(facts, originator), connection.before);
        connection.before = step.context();
        let connection = &self.connections[slot.index()];
        let site = self.habits.bits(connection.class, last, step);
        let bits = self.policy.weights.counted(surprise, site).total();
        self.site = site;
        let (class, suspicious) = (connection.class, connection.is_suspicious());
        if facts.side != originator && connection.flags & flag::ANSWERED == 0 {
            self.answered(slot, key, originator, facts, now);
        }
        let answer = self.calibration.ask(class, before, bits);
        let share = if suspicious {
            1.0 / SURPRISING_LEARNED as f32
        } else if answer.robust > RARE {
            1.0
        } else {
            self.allow(slot, key, originator, now)
        };
        self.calibration.learn(class, before, bits, answer, share);
        self.habits.learn(class, last, step, share);
        self.of_connections.look(now);

        let warm = self.scored >= self.policy.warm_up;
        self.scored += 1;
        let probability = answer.probability;
        let anomalous =
            warm && before >= self.policy.min_packets && probability <= self.policy.false_alarms;
        let connection = &mut self.connections[slot.index()];
        let score = &mut connection.score;
        score.scored = score.scored.saturating_add(1);
        score.total += surprise.total();
        score.max = score.max.max(surprise.total());
        score.anomalies += u32::from(anomalous);
        let mut grew = probability < connection.rarest;
        connection.rarest = connection.rarest.min(probability);
        if warm {
            connection.wealth = (connection.wealth + evidence::bits(answer.robust)).max(0.0);
        }
        grew |= connection.wealth > connection.peak;
        connection.peak = connection.peak.max(connection.wealth);
        let amounts = connection.carry(facts, originator);
        if before > 0 && before.is_multiple_of(REGAIN) {
            connection.allowance = connection.allowance.saturating_add(1).min(ALLOWANCE);
        }
        if let Some((of, amount)) = amounts {
            self.weigh(slot, of, amount);
            grew = true;
        }
        let finding = if grew { self.look_at(slot, key, originator, now) } else { None };
        let connection = &self.connections[slot.index()];
        let severity = connection.with_lent(connection.score.severity);
        Judgement { probability, anomalous, severity, finding }
    }

    /// A connection's evidence has grown: keeps it, and says whether that is an alarm.
    fn look_at(
        &mut self,
        slot: Slot,
        key: &ConnectionKey,
        originator: Side,
        now: Timestamp,
    ) -> Option<Finding> {
        let connection = &mut self.connections[slot.index()];
        let severity = connection.severity();
        let grew = score_most(&mut connection.score, severity);
        if severity < self.of_connections.least() {
            return None;
        }
        if grew {
            self.meetings.find(connection.meeting, now).accuse(severity, now);
        }
        self.found_connection(slot, key, originator, now)
    }

    /// Whether a packet this rare may be learned from by the model. What scores high must not become
    /// normal at once, but a lasting new habit must in time: one such packet in sixteen is.
    #[inline]
    #[must_use]
    pub fn may_learn(&mut self, judgement: &Judgement) -> bool {
        let usual = judgement.probability > self.policy.false_alarms;
        if self.scored <= self.policy.warm_up || (usual && judgement.severity < SUSPICIOUS) {
            return true;
        }
        self.surprising += 1;
        self.surprising.is_multiple_of(SURPRISING_LEARNED)
    }

    /// The surprise in bits from which a packet like this one is an anomaly now.
    #[must_use]
    pub fn threshold(&self, slot: Slot, before: u32) -> f32 {
        let class = self.connections[slot.index()].class;
        self.calibration.threshold(class, before, self.policy.false_alarms)
    }

    /// The surprise of the packet judged last as it counts, by part: what the forecast and what the
    /// site's habits made of it.
    #[must_use]
    pub fn counted(&self, surprise: &Surprise) -> Surprise {
        self.policy.weights.counted(surprise, self.site)
    }

    /// Packets of the service of `slot` that were seen at this stage of a connection; 0 where the
    /// service is not told apart.
    #[must_use]
    pub fn known(&self, slot: Slot, before: u32) -> u32 {
        self.calibration.known(self.connections[slot.index()].class, before)
    }

    /// A synthetic packet was made on `slot`.
    pub fn count_synthetic(&mut self, slot: Slot) {
        self.connections[slot.index()].score.synthetic += 1;
    }

    /// What the connection in `slot` has scored so far.
    #[must_use]
    pub fn connection(&self, slot: Slot) -> ConnectionScore {
        self.connections[slot.index()].score
    }

    /// The connection in `slot` is over; answers what it scored, its endpoints' evidence included.
    pub fn end(&mut self, slot: Slot, summary: &Summary, now: Timestamp) -> ConnectionScore {
        let Summary { key, originator, .. } = summary;
        let ends = Ends::of(key, *originator);
        let flags = self.connections[slot.index()].flags;
        if flags & (flag::ANSWERED | flag::GROUP) == 0 && came_to_nothing(summary, now) {
            self.failed(slot, key, *originator, now);
            self.did(key, originator.other(), Activity::Unanswered, now);
        }
        let connection = self.connections[slot.index()];
        let own = connection.score.severity;
        self.meetings.find(connection.meeting, now).settle(own, now);
        let odd = connection.flags & (flag::FIRST | flag::FAILED) != 0;
        let mut severity = connection.with_lent(own);
        // What is no alarm of an endpoint says nothing of each of its connections.
        let mut lend = |evidence: f32| {
            let evidence = evidence * self.policy.weights.profile;
            if evidence >= self.of_endpoints.least() {
                severity = severity.max(evidence);
            }
        };
        if let Some(source) = self.endpoints.get(ends.source) {
            let acts = !source.loudest.is_suffered() || source.fails();
            if acts && (odd || source.loudest == Activity::Opened) {
                lend(source.evidence_since(summary.first));
            }
        }
        if let Some(destination) = self.endpoints.get(ends.destination)
            && destination.loudest.is_suffered()
        {
            lend(destination.evidence_since(summary.first));
        }
        let share = if connection.is_suspicious() { 1.0 / SURPRISING_LEARNED as f32 } else { 1.0 };
        self.of_connections.settle(own.max(0.0), share);
        self.volumes.settle(connection.class, connection.amounts.map(u64::from), share);
        self.recency.settle(connection.class, connection.recency, share);
        ConnectionScore { severity, ..connection.score }
    }

    /// What the operator stated.
    pub(super) const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The next endpoint that became an anomaly.
    pub fn pop_endpoint(&mut self) -> Option<AnomalousEndpoint> {
        self.found.pop_front()
    }

    /// Alarms that were held back because as many as stated had been raised.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.of_connections.held() + self.of_endpoints.held()
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.connections.capacity() * size_of::<Connection>()
            + self.calibration.memory()
            + self.habits.memory()
            + self.volumes.memory()
            + self.recency.memory()
            + self.meetings.memory()
            + self.endpoints.memory()
            + self.contacts.memory()
    }

    /// How much of a rare packet the calibration may learn.
    #[cold]
    fn allow(&mut self, slot: Slot, key: &ConnectionKey, originator: Side, now: Timestamp) -> f32 {
        let (source, _) = self.endpoints.find(Ends::of(key, originator).source, now);
        let connection = &mut self.connections[slot.index()];
        if connection.allowance == 0 || source.allowance == 0 {
            return 1.0 / SURPRISING_LEARNED as f32;
        }
        connection.allowance -= 1;
        source.allowance -= 1;
        1.0
    }

    /// A connection has come to carry so much that it is worth a look.
    #[cold]
    fn weigh(&mut self, slot: Slot, of: Volume, amount: u32) {
        let connection = &mut self.connections[slot.index()];
        let (share, own) = self.volumes.share(connection.class, of, u64::from(amount));
        // What is only known of other services counts half.
        let believed = if own { 1.0 } else { 0.5 };
        let bits = evidence::bits(share) * believed - (DIMENSIONS as f32).log2();
        let bits = bits * self.policy.weights.profile - PROFILE_STAKE;
        if bits > connection.volume {
            (connection.volume, connection.most) = (bits, of);
        }
    }

    /// The responder was heard for the first time.
    #[cold]
    fn answered(
        &mut self,
        slot: Slot,
        key: &ConnectionKey,
        originator: Side,
        facts: &PacketFacts,
        now: Timestamp,
    ) {
        let connection = &mut self.connections[slot.index()];
        connection.flags |= flag::ANSWERED;
        if facts.flags.contains(TcpFlags::RST) {
            self.failed(slot, key, originator, now);
        } else if connection.flags & flag::FIRST != 0 {
            self.endpoints.outcome(Ends::of(key, originator).source, false, now);
        }
    }

    /// The connection came to nothing.
    fn failed(&mut self, slot: Slot, key: &ConnectionKey, originator: Side, now: Timestamp) {
        let connection = &mut self.connections[slot.index()];
        connection.flags |= flag::FAILED;
        let first = connection.flags & flag::FIRST != 0;
        self.did(key, originator, Activity::Failed, now);
        if first {
            let source = Ends::of(key, originator).source;
            let level = self.endpoints.outcome(source, true, now);
            self.look(key.address(originator), key.domain, source, level, now);
        }
    }

    /// The endpoint on a side did something.
    fn did(&mut self, key: &ConnectionKey, side: Side, activity: Activity, now: Timestamp) {
        let (address, domain) = (key.address(side), key.domain);
        let number = number(address, domain);
        let level = self.endpoints.count(number, activity, now);
        if let Some((level, share)) = self.endpoints.take_over() {
            self.of_endpoints.settle(level, share);
        }
        self.of_endpoints.look(now);
        if let Some(level) = level {
            self.look(address, domain, number, level, now);
        }
    }

    /// Whether an endpoint's evidence is an alarm.
    fn look(&mut self, address: Address, domain: u16, number: u64, level: f32, now: Timestamp) {
        let level = level * self.policy.weights.profile;
        if level < self.of_endpoints.least() {
            return;
        }
        let threshold = self.of_endpoints.threshold();
        let (endpoint, _) = self.endpoints.find(number, now);
        if level < threshold || endpoint.is_alarmed(now) || !self.of_endpoints.spend() {
            return;
        }
        let (reason, terms) = (reason(endpoint), endpoint.terms());
        let mut expected = match reason {
            Reason::Count { activity, .. } => Some(endpoint.expected(activity)),
            _ => None,
        };
        endpoint.alarm(now);
        if let Reason::Failures { tried, .. } = reason {
            expected = Some(self.endpoints.expected_failures(tried));
        }
        let share = self.of_endpoints.claim(level);
        let grounds = Grounds::of(terms, expected, self.of_endpoints.units());
        let finding = Finding { severity: level, threshold, share, reason, grounds };
        self.found.push_back(AnomalousEndpoint { address, domain, time: now, finding });
    }

    /// Whether a connection's evidence is an alarm.
    #[cold]
    fn found_connection(
        &mut self,
        slot: Slot,
        key: &ConnectionKey,
        originator: Side,
        now: Timestamp,
    ) -> Option<Finding> {
        let connection = &self.connections[slot.index()];
        let severity = connection.severity();
        if connection.flags & flag::ALARMED != 0 {
            return None;
        }
        let threshold = self.of_connections.threshold();
        if severity < threshold {
            return None;
        }
        let ends = Ends::of(key, originator);
        let explained = [ends.source, ends.destination]
            .into_iter()
            .any(|end| self.endpoints.get(end).is_some_and(|end| end.is_alarmed(now)));
        if explained || !self.of_connections.spend() {
            return None;
        }
        let connection = &mut self.connections[slot.index()];
        connection.flags |= flag::ALARMED;
        let rarest = connection.rarest;
        let reason = if connection.volume > connection.wealth.max(connection.young) {
            let (of, seen) = (connection.most, connection.amounts[connection.most as usize]);
            let (share, _) = self.volumes.share(connection.class, of, u64::from(seen));
            Reason::Volume { of, seen, share }
        } else if connection.novelty > severity / 4.0 || connection.young > connection.wealth {
            Reason::Novelty { rarest }
        } else {
            Reason::Packets { rarest }
        };
        let share = self.of_connections.claim(severity);
        let expected = match reason {
            Reason::Volume { of, .. } => self.volumes.expected(connection.class, of),
            _ => None,
        };
        let grounds = Grounds::of(connection.terms(), expected, self.of_connections.units());
        Some(Finding { severity, threshold, share, reason, grounds })
    }
}

impl Connection {
    /// Its evidence now: the test that adds up, the bet on its single rarest packet, what it
    /// carries, and how new the meeting of its ends is, side by side.
    fn severity(&self) -> f32 {
        evidence::mean(&[self.wealth, self.single(), self.volume, self.young])
    }

    /// The bet on its rarest packet.
    fn single(&self) -> f32 {
        evidence::bits((self.rarest * self.score.scored.max(1) as f32).min(1.0))
    }

    /// What its evidence is made of.
    fn terms(&self) -> [(TermKind, f32); 4] {
        [
            (TermKind::Packets, self.wealth),
            (TermKind::Beginning, self.novelty.max(self.young)),
            (TermKind::Rarest, self.single()),
            (TermKind::Volume, self.volume),
        ]
    }

    /// Its severity with what is held against the meeting of its ends.
    fn with_lent(&self, severity: f32) -> f32 {
        if self.lent < LEAST_LENT {
            return severity;
        }
        severity.max(evidence::mean(&[severity, self.lent]))
    }

    /// Whether what it does is not to be taken for ordinary.
    fn is_suspicious(&self) -> bool {
        self.score.severity.max(self.lent) >= SUSPICIOUS || self.flags & flag::ALARMED != 0
    }

    /// Counts what a packet carries; answers an amount that has come to where it is worth a look.
    #[inline]
    fn carry(&mut self, facts: &PacketFacts, originator: Side) -> Option<(Volume, u32)> {
        let side = if facts.side == originator { Volume::Sent } else { Volume::Received };
        let mut passed = None;
        for (of, more) in [(Volume::Packets, 1), (side, facts.payload_len)] {
            let amount = &mut self.amounts[of as usize];
            let before = *amount;
            *amount = before.saturating_add(more);
            if volume::is_worth_a_look(of, u64::from(before), u64::from(*amount)) {
                passed = Some((of, *amount));
            }
        }
        passed
    }
}

/// Keeps the most there was; answers whether this is it.
fn score_most(score: &mut ConnectionScore, severity: f32) -> bool {
    let grew = severity > score.severity || score.scored <= 1;
    if grew {
        score.severity = severity;
    }
    grew
}

/// Grounds an endpoint stands out.
fn reason(endpoint: &Endpoint) -> Reason {
    if endpoint.fails() {
        let (failed, tried) = endpoint.outcomes();
        return Reason::Failures { failed, tried };
    }
    let activity = endpoint.loudest;
    Reason::Count { activity, seen: endpoint.count(activity), usual: endpoint.usual(activity) }
}

/// Evidence of a connection's beginning, in bits: an endpoint nobody saw before, a meeting that did
/// not happen before, a service that is new to the site. How rare each is here is counted; the three
/// bets stand side by side.
fn novelty(
    source: &mut Endpoint,
    new_source: bool,
    first: bool,
    begun: &mut [f32; 3],
    new_service: bool,
) -> f32 {
    let share = |happened: bool, of: f32, all: f32| {
        if happened { evidence::bits((of + 1.0) / (all + 2.0)) } else { 0.0 }
    };
    let bets = [
        share(new_source, begun[1], begun[0]),
        share(first && !new_source, source.opened_new, source.opened),
        share(new_service, begun[2], begun[0]),
    ];
    const KEEP: f32 = 0.999;
    begun.iter_mut().for_each(|count| *count *= KEEP);
    begun[0] += 1.0;
    begun[1] += f32::from(u8::from(new_source));
    begun[2] += f32::from(u8::from(new_service));
    source.opened = source.opened * KEEP + 1.0;
    source.opened_new = source.opened_new * KEEP + f32::from(u8::from(first));
    evidence::mean(&bets)
}

/// Whether a first meeting is one of those that scans are made of: another well-known service of an
/// endpoint that was met before, or an echo from one that was not.
fn is_probe(service: Service, new_pair: bool) -> bool {
    match service.protocol {
        6 | 17 => !new_pair && (service.port < 1_024 || service.name().is_some()),
        1 => new_pair && service.port == 8,
        58 => new_pair && service.port == 128,
        _ => false,
    }
}

/// Whether a service asks each connection for a password, and is turned to once rather than often.
const fn asks_for_password(service: Service) -> bool {
    service.protocol == 6
        && matches!(
            service.port,
            21 | 22 | 23 | 110 | 143 | 512
                ..=514 | 993 | 995 | 1_433 | 1_521 | 3_306 | 3_389 | 5_432 | 5_900
        )
}

/// Whether nobody answered a connection, and somebody should have.
fn came_to_nothing(summary: &Summary, now: Timestamp) -> bool {
    let tried = summary.sides[summary.originator as usize].packets;
    let waited = now.since(summary.first) >= PATIENCE;
    let cut_short = matches!(
        summary.closed,
        Some(CloseReason::Shutdown | CloseReason::ClockReset | CloseReason::Host)
    );
    (1..=ATTEMPT).contains(&tried) && (waited || !cut_short)
}

/// The two ends of a connection as numbers.
struct Ends {
    source: u64,
    destination: u64,
    /// The destination and what it is asked for.
    service: u64,
    is_group: bool,
}

impl Ends {
    fn of(key: &ConnectionKey, originator: Side) -> Self {
        let responder = originator.other();
        let destination = number(key.address(responder), key.domain);
        let port = u64::from(key.port(responder)) | u64::from(key.protocol) << 16;
        Self {
            source: number(key.address(originator), key.domain),
            destination,
            service: mix(destination ^ mix(port)),
            is_group: is_group(key.address(responder)),
        }
    }

    /// The two ends and what they meet on, whoever began.
    fn meeting(&self, service: Service) -> u64 {
        let service = u64::from(service.port) | u64::from(service.protocol) << 16;
        mix(self.source.wrapping_add(self.destination) ^ mix(service))
    }
}

fn number(address: Address, domain: u16) -> u64 {
    let words = u128::from_be_bytes(*address.bytes());
    mix(words as u64 ^ mix((words >> 64) as u64 ^ u64::from(domain)))
}

/// Whether an address is that of many: multicast, broadcast, and the last of a /24, which may be one.
fn is_group(address: Address) -> bool {
    match address.as_v4() {
        Some([first, .., last]) => first >= 224 || last == 255,
        None => address.bytes()[0] == 0xff,
    }
}
