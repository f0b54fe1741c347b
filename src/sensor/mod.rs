//! The whole line in order: push packets, advance time, poll what should be heard of.
//!
//! ```text
//! push: wire -> flow -> score against the standing forecast -> model step -> next deadline
//! advance: deadlines that passed -> synthetic packets; connections that fell silent -> summaries
//! poll: everything the host should hear of, in packet-time order
//! ```
//!
//! The same bytes, config and times give the same events in every host. A [`Sensor`] does no I/O,
//! starts no thread, reads no clock, and for a packet of a known connection allocates nothing.

mod behaviour;
mod event;
mod federation;
mod heartbeat;
mod keep;
mod line;
mod open;
mod queue;
mod stats;
mod synthesis;

pub use event::{Event, Explanation, Shed, Verdict};
pub use federation::{FederationError, federation_member, federation_terms};
pub use open::OpenError;
pub use stats::Stats;

use crate::bloom::Stage;
use crate::flow::{
    CloseReason, ConnectionId, ConnectionTable, HostHint, Observation, Slot, Summary,
};
use crate::kept::Kept;
use crate::model::{Model, Origin, PacketFacts, Surprise};
use crate::predict::cadence::{Heartbeat, Heartbeats};
use crate::predict::{Arrival, Coverage, Due, Predictor};
use crate::score::{
    AnomalousConnection, Anomaly, ConnectionScore, Finding, Scorer, StateError, Tipping,
};
use crate::time::{Span, Timestamp};
use crate::wire::{self, LinkType, PacketView, TcpFlags, Transport, Tunnels};

use behaviour::SiteClock;
use queue::EventQueue;

/// The quantile that an anomaly shows as the deadline of what was expected.
const ANOMALY_QUANTILE: f32 = 0.95;

/// One captured frame, as the host has it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// When it was captured.
    pub time: Timestamp,
    /// How `data` begins.
    pub link: LinkType,
    /// The captured bytes.
    pub data: &'a [u8],
    /// Bytes the frame had on the wire; at least as many as captured.
    pub wire_len: u32,
    /// What the host knows of its connection.
    pub host: HostHint,
}

/// One instance of the whole line.
pub struct Sensor {
    tunnels: Tunnels,
    table: ConnectionTable,
    model: Box<dyn Model>,
    /// Whether the model may learn at all.
    learn: bool,
    predictor: Predictor,
    heartbeats: Heartbeats,
    scorer: Scorer,
    /// The categories; `None` where behaviours are not counted.
    behaviours: Option<Stage>,
    site_clock: SiteClock,
    /// The last packet of each connection, by slot: what a synthetic one is made after.
    last: Vec<PacketFacts>,
    events: EventQueue,
    stats: Stats,
    stats_interval: Span,
    /// When the next stats event is due; `None` before the first packet.
    stats_due: Option<Timestamp>,
    /// What outlives connections; `None` where nothing is to be kept.
    kept: Option<Box<Kept>>,
}

impl Sensor {
    /// Takes one packet and answers for it at once; what follows from it in time waits in `poll`.
    pub fn push(&mut self, packet: &Packet<'_>) -> Verdict {
        self.take(packet, None)
    }

    /// As [`push`](Self::push), and says what the verdict rests on; `None` where there is no score.
    pub fn push_and_explain(&mut self, packet: &Packet<'_>) -> (Verdict, Option<Explanation>) {
        let mut explanation = None;
        (self.take(packet, Some(&mut explanation)), explanation)
    }

    fn take(
        &mut self,
        packet: &Packet<'_>,
        explanation: Option<&mut Option<Explanation>>,
    ) -> Verdict {
        self.events.begin_call();
        let view = wire::parse(packet.link, packet.data, packet.wire_len, self.tunnels);
        self.stats.wire_bytes += u64::from(view.wire_len);
        let now = self.admit(packet.time);
        self.heartbeats.saw(now);
        let Some(seen) = self.table.observe(now, &view, packet.host) else {
            return Verdict::NONE;
        };
        self.model.prefetch(seen.id.slot);
        self.settle_closed();
        let Some(connection) = self.table.connection(seen.id.slot) else { return Verdict::NONE };
        let position = (connection.position() - 1).min(u64::from(u32::MAX)) as u32;
        let is_ended = connection.is_ended();
        if seen.is_new {
            let (service, originator) = (connection.service(), connection.originator());
            let (key, first) = (*connection.key(), connection.first());
            let origin = Origin::new(&key, service, originator, first);
            self.scorer.begin(seen.id.slot, &key, service, originator, now);
            self.begin(seen.id.slot, &origin);
            if self.kept.is_some() {
                self.go_on(seen.id.slot, &key, origin, first, is_syn(&view));
            }
            self.report_endpoints();
            self.beat_of_connections(seen.id.slot, now);
        }
        if seen.is_fragment {
            // Only the first fragment has a transport header, and it was scored for all of them.
            return Verdict { connection: Some(seen.id), side: seen.side, ..Verdict::NONE };
        }
        let facts = facts(&view, &seen, position);
        let slot = seen.id.slot;
        if seen.is_new {
            self.behaviour_begins(slot, &facts, now);
        }
        self.behaviour_goes_on(slot, &facts, now);
        let surprise = self.model.score(slot, &facts);
        let Some(connection) = self.table.connection(slot) else { return Verdict::NONE };
        let (key, originator) = (connection.key(), connection.originator());
        let judgement = self.scorer.judge(slot, key, originator, &facts, &surprise, now);
        self.report_endpoints();
        if let Some(explanation) = explanation {
            *explanation = Some(self.explain(slot, &facts));
        }
        if judgement.anomalous {
            self.report_anomaly(&seen, &facts, surprise, judgement.probability);
        }
        if let Some(finding) = judgement.finding {
            self.report_connection(&seen, &facts, surprise, finding);
        }
        let two_way = self.review(&seen, &view, &facts, &surprise);
        let learn = self.learn && self.scorer.may_learn(&judgement);
        self.model.step(slot, &facts, learn);
        if is_ended {
            // Both sides said goodbye, or one hung up: silence is what is expected.
            self.predictor.cancel(slot);
        } else {
            let arrival = Arrival {
                slot,
                time: now,
                since: facts.since,
                time_bits: surprise.time,
                packets: facts.position.saturating_add(1),
                two_way,
            };
            self.predictor.arm(&arrival, &*self.model);
        }
        self.beat_of_packets(slot, &facts, now);
        self.last[slot.index()] = facts;
        self.stats.scored += 1;
        self.stats.surprise_millibits += (surprise.total() * 1_000.0) as u64;
        Verdict {
            connection: Some(seen.id),
            side: seen.side,
            is_new: seen.is_new,
            surprise: Some(surprise),
            probability: judgement.probability,
            severity: judgement.severity,
            anomalous: judgement.anomalous,
        }
    }

    /// The category with this number, counted as in [`Explanation::categories`]; `None` if there is none.
    #[must_use]
    pub fn category_name(&self, number: usize) -> Option<&str> {
        let category = self.behaviours.as_ref()?.categories().get(number)?;
        Some(category.name.as_str())
    }

    /// Tells the sensor that packet time has come to `now` though no packet did: deadlines fire and
    /// silent connections close. Going backwards does nothing.
    pub fn advance(&mut self, now: Timestamp) {
        self.events.begin_call();
        let Some(clock) = self.table.clock() else { return };
        if now > clock {
            self.run_to(now);
        }
    }

    /// The next thing the host should hear of.
    pub fn poll(&mut self) -> Option<Event> {
        self.events.pop()
    }

    /// Closes a connection for the host and answers what it was; no event follows.
    /// `None` if the id is stale.
    pub fn close_connection(&mut self, id: ConnectionId) -> Option<(Summary, ConnectionScore)> {
        let summary = self.table.close(id, CloseReason::Host)?;
        let time = self.table.clock().unwrap_or(summary.last);
        Some((summary, self.forget(&summary, time)))
    }

    /// A live connection as it stands; `None` if the id is stale.
    #[must_use]
    pub fn connection(&self, id: ConnectionId) -> Option<(Summary, ConnectionScore)> {
        Some((self.table.summary(id)?, self.scorer.connection(id.slot)))
    }

    /// Gives a live connection the host's number, where that was not known when its first packet was
    /// pushed; false if the id is stale.
    pub fn set_host_id(&mut self, id: ConnectionId, host_id: Option<u64>) -> bool {
        self.table.set_host_id(id, host_id)
    }

    /// The cadences that are believed now, as each would be told of if it stopped: period, jitter, last
    /// beat, and the beats that are missing already.
    pub fn cadences(&self) -> impl Iterator<Item = Heartbeat> {
        self.heartbeats.watched(self.table.clock().unwrap_or_default())
    }

    /// The capture ended: closes every connection and queues the last counters.
    pub fn finish(&mut self) {
        self.events.begin_call();
        let Some(clock) = self.table.clock() else { return };
        self.table.close_all(CloseReason::Shutdown);
        self.settle_closed();
        self.finish_behaviours(clock);
        let stats = self.stats();
        self.events.push(Event::Stats { time: clock, stats });
    }

    /// The name of the model that forecasts.
    #[must_use]
    pub fn model_name(&self) -> &str {
        self.model.name()
    }

    /// What the scores have learned of this site, as bytes for a store; see
    /// [`restore_scores`](Self::restore_scores).
    #[must_use]
    pub fn encode_scores(&self) -> Vec<u8> {
        self.scorer.encode(self.model.name())
    }

    /// Goes on with what [`encode_scores`](Self::encode_scores) wrote. To be called before the first
    /// packet; after it, what is known of live connections would be lost.
    ///
    /// # Errors
    ///
    /// When the bytes are no whole state of this version; nothing is changed then.
    pub fn restore_scores(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        if self.table.clock().is_some() {
            return Err(StateError::TooLate);
        }
        self.scorer.restore(bytes, self.model.name())
    }

    /// Totals since the sensor was opened.
    #[must_use]
    pub fn stats(&self) -> Stats {
        let mut stats = self.stats;
        stats.take_from(self.table.stats());
        stats.alarms_held = self.scorer.held();
        stats.cadences = u64::from(self.heartbeats.cadences());
        stats.events_shed = self.events.shed_total();
        stats.withheld = self.predictor.withheld();
        stats.capture_loss_ppm = (self.predictor.capture_loss() * 1e6) as u64;
        stats.memory = self.memory() as u64;
        stats
    }

    /// What became of deadlines and synthetic packets, by service, in the order in which services were
    /// first met.
    pub fn coverage(&self) -> impl Iterator<Item = Coverage> {
        self.predictor.coverage()
    }

    /// Bytes of memory held for connections, model, deadlines, scores and waiting events.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.table.memory()
            + self.model.memory().total
            + self.predictor.memory()
            + self.heartbeats.memory()
            + self.scorer.memory()
            + self.behaviours.as_ref().map_or(0, Stage::memory)
            + self.last.capacity() * size_of::<PacketFacts>()
            + self.events.memory()
            + self.kept.as_ref().map_or(0, |kept| kept.memory())
    }

    /// Brings the clock to a packet's time and answers the time the packet counts as having.
    #[inline]
    fn admit(&mut self, time: Timestamp) -> Timestamp {
        let now = self.table.admit(time);
        if now.reset {
            self.settle_closed();
            self.predictor.clear(now.time);
            self.heartbeats.clear(now.time);
            self.stats_due = None;
            if let Some(stage) = &mut self.behaviours {
                stage.restart();
            }
        }
        self.run_to(now.time);
        now.time
    }

    /// Lets everything happen that is due by `now`, in order.
    #[inline]
    fn run_to(&mut self, now: Timestamp) {
        let due = *self.stats_due.get_or_insert_with(|| now.after(self.stats_interval));
        let mut behaviours = self.behaviours_due(now);
        if now >= due {
            if let Some(time) = behaviours.take_if(|time| *time <= due) {
                self.report_behaviours(time);
            }
            self.fire_deadlines(due);
            let stats = self.stats();
            self.events.push(Event::Stats { time: due, stats });
            // After a silence the next one counts from now: nobody wants a thousand equal lines.
            let next = due.after(self.stats_interval);
            self.stats_due = Some(if next > now { next } else { now.after(self.stats_interval) });
        }
        if let Some(time) = behaviours {
            self.report_behaviours(time);
        }
        self.fire_deadlines(now);
        self.advance_behaviours(now);
    }

    fn report_behaviours(&mut self, time: Timestamp) {
        self.fire_deadlines(time);
        self.advance_behaviours(time);
    }

    #[inline]
    fn fire_deadlines(&mut self, now: Timestamp) {
        while let Some((what, due)) = self.predictor.pop_due(now) {
            match what {
                Due::Deadline(slot) => {
                    let connection = self.table.connection(slot);
                    let Some(id) = connection.map(|connection| connection.id(slot)) else {
                        continue;
                    };
                    self.fire_heartbeats(due);
                    self.expire(due);
                    // Its connection may have fallen silent for good before the deadline came.
                    if let Some(summary) = self.table.summary(id) {
                        self.report_miss(&summary, due);
                    }
                }
                Due::Open(number) => {
                    self.fire_heartbeats(due);
                    self.expire(due);
                    self.predictor.wake(number, due);
                    self.report_synthetic();
                }
            }
        }
        self.fire_heartbeats(now);
        self.expire(now);
    }

    #[inline]
    fn expire(&mut self, now: Timestamp) {
        self.table.advance(now);
        self.settle_closed();
    }

    fn settle_closed(&mut self) {
        while let Some((time, summary)) = self.table.pop_closed() {
            let score = self.forget(&summary, time);
            self.events.push(Event::Connection { time, summary, score });
        }
    }

    fn begin(&mut self, slot: Slot, origin: &Origin) {
        self.model.begin(slot, origin);
        self.predictor.begin(slot, origin.service);
        if slot.index() >= self.last.len() {
            self.last.resize(slot.index() + 1, PacketFacts::NONE);
        }
    }

    /// Drops everything held for a closed connection but what it scored and what is to be kept.
    fn forget(&mut self, summary: &Summary, time: Timestamp) -> ConnectionScore {
        let slot = summary.id.slot;
        if let Some(kept) = &mut self.kept {
            let score = self.scorer.connection(slot);
            kept.end(summary, &score, |to| self.model.keep_state(slot, to));
        }
        let silent = summary.closed == Some(CloseReason::Timeout);
        self.behaviour_ends(summary, time);
        self.model.end(slot, self.learn && silent);
        self.predictor.end(slot, time);
        self.report_synthetic();
        self.heartbeats.end(slot);
        let score = self.scorer.end(slot, summary, time);
        self.report_endpoints();
        score
    }

    /// Queues what was found of endpoints.
    #[inline]
    fn report_endpoints(&mut self) {
        while let Some(endpoint) = self.scorer.pop_endpoint() {
            self.stats.anomalous_endpoints += 1;
            self.events.push(Event::AnomalousEndpoint(endpoint));
        }
    }

    /// What the verdict on a packet rests on, before the model steps past it.
    fn explain(&self, slot: Slot, facts: &PacketFacts) -> Explanation {
        Explanation {
            seen: *facts,
            expected: self.model.expect(slot, &[], ANOMALY_QUANTILE),
            categories: self.behaviours.as_ref().map_or(0, |stage| stage.counted(slot)),
        }
    }

    #[cold]
    fn report_connection(
        &mut self,
        seen: &Observation,
        facts: &PacketFacts,
        surprise: Surprise,
        finding: Finding,
    ) {
        let Some(summary) = self.table.summary(seen.id) else { return };
        self.stats.anomalous_connections += 1;
        self.events.push(Event::AnomalousConnection(AnomalousConnection {
            id: summary.id,
            host_id: summary.host_id,
            key: summary.key,
            originator: summary.originator,
            uid: summary.uid,
            time: seen.time,
            finding,
            score: self.scorer.connection(summary.id.slot),
            tipping: Tipping {
                surprise,
                counted: self.scorer.counted(&surprise),
                expected: self.model.expect(summary.id.slot, &[], ANOMALY_QUANTILE),
                seen: *facts,
            },
        }));
    }

    #[cold]
    fn report_anomaly(
        &mut self,
        seen: &Observation,
        facts: &PacketFacts,
        surprise: Surprise,
        probability: f32,
    ) {
        let Some(summary) = self.table.summary(seen.id) else { return };
        self.stats.anomalies += 1;
        self.events.push(Event::Anomaly(Anomaly {
            id: summary.id,
            host_id: summary.host_id,
            key: summary.key,
            originator: summary.originator,
            uid: summary.uid,
            time: seen.time,
            surprise,
            counted: self.scorer.counted(&surprise),
            threshold: self.scorer.threshold(summary.id.slot, facts.position),
            probability,
            known: self.scorer.known(summary.id.slot, facts.position),
            expected: self.model.expect(summary.id.slot, &[], ANOMALY_QUANTILE),
            seen: *facts,
        }));
    }
}

/// Whether a packet asks for a TCP connection.
fn is_syn(view: &PacketView<'_>) -> bool {
    matches!(view.transport, Transport::Tcp(tcp) if tcp.flags.contains(TcpFlags::SYN))
}

/// A packet in the model's words.
#[inline]
fn facts(view: &PacketView<'_>, seen: &Observation, position: u32) -> PacketFacts {
    let (flags, window) = match view.transport {
        Transport::Tcp(tcp) => (tcp.flags, tcp.window),
        _ => (TcpFlags(0), 0),
    };
    PacketFacts {
        side: seen.side,
        protocol: view.network.map_or(0, |network| network.protocol),
        flags,
        payload_len: view.payload_len,
        wire_len: view.wire_len,
        window,
        entropy: wire::payload_entropy(view.payload),
        since: seen.since,
        position,
    }
}
