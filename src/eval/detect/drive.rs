//! Captures through a sensor, with a Markov chain beside it, and what both said.

use std::collections::HashMap;

use super::markov::{Chain, Counts, Scores as MarkovScores};
use super::report::{AttackReport, BenignReport, DetectReport, LabelledReport, Rates, Scores};
use super::truth::{Labels, Truth};
use super::{Roc, SCORERS, Task, TrainClean};
use crate::eval::dataset::{Found, find};
use crate::eval::{EvalError, Part};
use crate::flow::{ConnectionId, HostHint};
use crate::model::PacketFacts;
use crate::score::{Finding, Reason};
use crate::sensor::{Event, Packet, Sensor, Verdict};
use crate::source::{Capture, Source};
use crate::time::{Span, Timestamp};
use crate::wire::{self, TcpFlags, Transport, Tunnels};

/// Between two captures in one sensor; long enough that every connection is over.
const BETWEEN: Span = Span::from_secs(3_600);
/// A silence counts for at most this much of a capture's length.
const SILENCE: Span = Span::from_secs(3_600);

/// What was seen so far, in one sensor.
struct Line {
    sensor: Sensor,
    chain: Chain,
    /// Added to a packet's time, in nanoseconds.
    shift: i128,
    clock: Timestamp,
    live: HashMap<u64, Connection>,
    last: HashMap<u64, Timestamp>,
    scored: u64,
    warm_up: u64,
}

/// A connection while it is scored.
#[derive(Clone, Copy, Default)]
struct Connection {
    benign: bool,
    attack: bool,
    scores: [f32; SCORERS.len()],
    alarmed: bool,
}

/// Examples and alarms out of one or more captures.
#[derive(Default)]
struct Outcome {
    packets: [Vec<(f32, bool)>; SCORERS.len()],
    connections: [Vec<(f32, bool)>; SCORERS.len()],
    alarms: [u64; 3],
    false_alarms: u64,
    seen: u64,
    began: u64,
    attack_packets: u64,
    attack_connections: u64,
    first_attack: Option<Timestamp>,
    first: Option<(u64, f64, String)>,
    hours: f64,
    rates: Rates,
    scored: u64,
}

/// Measures everything the task names.
///
/// # Errors
///
/// When a folder can't be read, there is nothing to measure, or no sensor can be made.
pub fn measure(task: &Task) -> Result<DetectReport, EvalError> {
    let of = |class: &str| find(&task.data, class, &task.split);
    let (benign, attacks, mixed) = (of("benign")?, of("attack")?, of("mixed")?);
    let mut labelled = Vec::new();
    for capture in &mixed {
        if let Some(labels) = Labels::beside(capture)? {
            labelled.push((capture, labels));
        }
    }
    if benign.is_empty() && attacks.is_empty() && labelled.is_empty() {
        let paths = task.data.iter().map(|folder| folder.display().to_string()).collect();
        return Err(EvalError::NoCaptures { paths, class: "benign, attack or mixed".to_owned() });
    }
    let counts = count(task, &benign);
    let mut report = DetectReport::default();
    let mut pool: [Vec<(f32, bool)>; SCORERS.len()] = Default::default();
    let mut add = |outcome: &Outcome| {
        for (pool, more) in pool.iter_mut().zip(&outcome.connections) {
            pool.extend_from_slice(more);
        }
    };

    for captures in benign.chunk_by(|a, b| a.source == b.source) {
        let mut line = Line::new(task)?;
        line.warm(task, &[])?;
        let mut outcome = Outcome::default();
        for capture in captures {
            line.play(capture, &Labels::Whole(Truth::Benign), &counts, &mut outcome);
        }
        line.finish(&mut outcome);
        add(&outcome);
        let source = &captures[0].source;
        report.benign.push(outcome.benign(source, task.split.part("benign", source)));
    }
    for capture in &attacks {
        let mut line = Line::new(task)?;
        line.warm(task, &[])?;
        let mut outcome = Outcome::default();
        line.play(capture, &Labels::Whole(Truth::Attack), &counts, &mut outcome);
        line.finish(&mut outcome);
        add(&outcome);
        report.attacks.push(outcome.attack(capture));
    }
    report.pooled = pool.map(|examples| Roc::of(&examples));
    for (capture, labels) in labelled {
        let clean: Vec<_> = benign.iter().filter(|it| it.source == capture.source).collect();
        let mut line = Line::new(task)?;
        line.warm(task, &clean)?;
        let mut outcome = Outcome::default();
        line.play(capture, &labels, &counts, &mut outcome);
        line.finish(&mut outcome);
        report.labelled.push(LabelledReport {
            name: name(capture),
            attack: outcome.attack(capture),
            false_alarms: outcome.false_alarms,
            packets: rocs(&outcome.packets),
            connections: rocs(&outcome.connections),
        });
    }
    Ok(report)
}

fn rocs(examples: &[Vec<(f32, bool)>; SCORERS.len()]) -> Scores {
    examples.each_ref().map(|examples| Roc::of(examples))
}

fn name(capture: &Found) -> String {
    format!("{}/{}", capture.source, capture.name)
}

/// The Markov chain's counts over the split's training sources.
fn count(task: &Task, benign: &[Found]) -> Counts {
    let mut counts = Counts::default();
    let training = |it: &&Found| task.split.part("benign", &it.source) == Part::Training;
    for capture in benign.iter().filter(training) {
        let (mut chain, mut flow) =
            (Chain::default(), crate::eval::connections::Connections::default());
        each(capture, |_, packet| {
            let view = wire::parse(packet.link, packet.data, packet.wire_len, Tunnels::NONE);
            if let Some(seen) = flow.see(packet.time, &view) {
                chain.learn(&mut counts, u64::from(seen.connection), &seen.facts);
            }
        });
    }
    counts
}

/// Hands over a capture's packets as far as it can be read.
fn each(capture: &Found, mut packet: impl FnMut(usize, &crate::source::Packet<'_>)) {
    let Ok(mut file) = Capture::open(&capture.path) else { return };
    let mut at = 0;
    while let Ok(Some(read)) = file.next() {
        packet(at, &read);
        at += 1;
    }
}

impl Line {
    fn new(task: &Task) -> Result<Self, EvalError> {
        let sensor = Sensor::new(&task.config)
            .map_err(|error| EvalError::Sensor { reason: error.to_string() })?;
        Ok(Self {
            sensor,
            chain: Chain::default(),
            shift: 0,
            clock: Timestamp::MIN,
            live: HashMap::new(),
            last: HashMap::new(),
            scored: 0,
            warm_up: task.config.score.warm_up(),
        })
    }

    /// Shows the sensor what the task wants it to see first.
    fn warm(&mut self, task: &Task, same_source: &[&Found]) -> Result<(), EvalError> {
        let folders;
        let clean: Vec<&Found> = match &task.train_clean {
            TrainClean::Nothing => return Ok(()),
            TrainClean::SameSource => same_source.to_vec(),
            TrainClean::Folders(paths) => {
                folders = find(paths, "benign", &task.split)?;
                folders.iter().collect()
            }
        };
        let (counts, mut forgotten) = (Counts::default(), Outcome::default());
        for capture in clean {
            self.play(capture, &Labels::Whole(Truth::Unknown), &counts, &mut forgotten);
        }
        Ok(())
    }

    /// Plays one capture, an hour after what came before it.
    fn play(&mut self, capture: &Found, labels: &Labels, counts: &Counts, outcome: &mut Outcome) {
        let mut is_first = true;
        each(capture, |at, packet| {
            if packet.synthetic {
                return;
            }
            if is_first {
                is_first = false;
                self.shift = if self.clock == Timestamp::MIN {
                    0
                } else {
                    i128::from(self.clock.after(BETWEEN).nanos()) - i128::from(packet.time.nanos())
                };
            }
            let time = i128::from(packet.time.nanos()) + self.shift;
            let time = Timestamp::from_nanos(time.clamp(i64::MIN.into(), i64::MAX.into()) as i64);
            if self.clock != Timestamp::MIN {
                let gap = time.since(self.clock);
                outcome.hours += if gap > SILENCE { SILENCE } else { gap }.secs_f64() / 3_600.0;
            }
            self.clock = self.clock.max(time);
            self.packet(
                &Packet {
                    time,
                    link: packet.link,
                    data: packet.data,
                    wire_len: packet.wire_len,
                    host: HostHint::default(),
                },
                labels.of(at),
                counts,
                outcome,
            );
        });
    }

    fn packet(
        &mut self,
        packet: &Packet<'_>,
        truth: Truth,
        counts: &Counts,
        outcome: &mut Outcome,
    ) {
        let verdict = self.sensor.push(packet);
        self.drain(outcome);
        outcome.seen += 1;
        let Some(id) = verdict.connection.map(ConnectionId::to_u64) else { return };
        if truth == Truth::Attack {
            outcome.attack_packets += 1;
            outcome.first_attack.get_or_insert(packet.time);
        }
        if verdict.is_new {
            outcome.began += 1;
        }
        if verdict.surprise.is_none() {
            return;
        }
        let ours = severity(&verdict);
        outcome.scored += 1;
        self.scored += 1;
        if self.scored > self.warm_up {
            outcome.rates.count(verdict.probability);
        }
        let (facts, pair) = self.facts(packet, &verdict, id);
        let MarkovScores { raw, connection, pair } = self.chain.score(counts, id, pair, &facts);
        let scores = [ours, raw, connection, pair];
        let live = self.live.entry(id).or_default();
        for (most, score) in live.scores.iter_mut().zip(scores) {
            *most = most.max(score);
        }
        live.attack |= truth == Truth::Attack;
        live.benign |= truth == Truth::Benign;
        if truth != Truth::Unknown {
            for (examples, score) in outcome.packets.iter_mut().zip(scores) {
                examples.push((score, truth == Truth::Attack));
            }
        }
    }

    /// The packet as the Markov chain sees it, and whose it is.
    fn facts(&mut self, packet: &Packet<'_>, verdict: &Verdict, id: u64) -> (PacketFacts, u128) {
        let view = wire::parse(packet.link, packet.data, packet.wire_len, Tunnels::ALL);
        let flags = match view.transport {
            Transport::Tcp(tcp) => tcp.flags,
            _ => TcpFlags(0),
        };
        let before = if verdict.is_new { None } else { self.last.get(&id).copied() };
        self.last.insert(id, packet.time);
        let pair = view.network.map_or(0, |network| {
            let [a, b] =
                [network.source, network.destination].map(|it| u128::from_be_bytes(*it.bytes()));
            a.wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .wrapping_add(b.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        });
        let facts = PacketFacts {
            side: verdict.side,
            flags,
            payload_len: view.payload_len,
            since: before.map(|before| packet.time.since(before)),
            ..PacketFacts::NONE
        };
        (facts, pair)
    }

    fn finish(&mut self, outcome: &mut Outcome) {
        self.sensor.finish();
        self.drain(outcome);
    }

    fn drain(&mut self, outcome: &mut Outcome) {
        while let Some(event) = self.sensor.poll() {
            match event {
                Event::Anomaly(_) => outcome.alarms[0] += 1,
                Event::Connection { summary, score, .. } => {
                    let id = summary.id.to_u64();
                    self.last.remove(&id);
                    let Some(mut over) = self.live.remove(&id) else { continue };
                    over.scores[0] = score.severity;
                    outcome.close(&over);
                }
                Event::AnomalousConnection(found) => {
                    self.live.entry(found.id.to_u64()).or_default().alarmed = true;
                    outcome.alarm(1, found.time, &found.finding);
                }
                Event::AnomalousEndpoint(found) => outcome.alarm(2, found.time, &found.finding),
                Event::Synthetic(_)
                | Event::Outcome(_)
                | Event::Heartbeat(_)
                | Event::Category(_)
                | Event::Target(_)
                | Event::Stats { .. }
                | Event::Shed(_) => {}
            }
        }
    }
}

/// The sensor's score of a packet: what is known of its connection with it, and how rare it is itself.
fn severity(verdict: &Verdict) -> f32 {
    verdict.severity - verdict.probability.log2()
}

impl Outcome {
    /// An alarm on a connection (1) or an endpoint (2).
    fn alarm(&mut self, kind: usize, time: Timestamp, finding: &Finding) {
        self.alarms[kind] += 1;
        let Some(began) = self.first_attack else { return };
        let reason = match finding.reason {
            Reason::Packets { rarest } | Reason::Novelty { rarest } => {
                format!("{} 1 in {:.0}", finding.reason.name(), 1.0 / rarest)
            }
            Reason::Volume { seen, share, .. } => {
                format!("{} {seen}, 1 in {:.0}", finding.reason.name(), 1.0 / share)
            }
            Reason::Count { seen, usual, .. } => {
                format!("{} {seen}, usually {usual:.1}", finding.reason.name())
            }
            Reason::Failures { failed, tried } => format!("failures {failed} of {tried}"),
        };
        let seconds = time.since(began).secs_f64();
        let bits = finding.severity;
        self.first.get_or_insert((
            self.attack_packets,
            seconds,
            format!("{reason} ({bits:.1} bits)"),
        ));
    }

    fn close(&mut self, over: &Connection) {
        self.attack_connections += u64::from(over.attack);
        if !over.attack && !over.benign {
            return;
        }
        self.false_alarms += u64::from(over.alarmed && !over.attack);
        for (examples, score) in self.connections.iter_mut().zip(over.scores) {
            examples.push((score, over.attack));
        }
    }

    fn attack(&self, capture: &Found) -> AttackReport {
        let first = self.first.clone();
        AttackReport {
            name: name(capture),
            packets: self.attack_packets,
            connections: self.attack_connections,
            alarms: self.alarms,
            first_packets: first.as_ref().map(|first| first.0),
            first_seconds: first.as_ref().map(|first| first.1),
            first_reason: first.map_or_else(String::new, |first| first.2),
        }
    }

    fn benign(&self, source: &str, part: Part) -> BenignReport {
        BenignReport {
            name: source.to_owned(),
            part: part.name(),
            packets: self.scored,
            connections: self.began,
            hours: self.hours,
            alarms: self.alarms,
            rates: self.rates,
        }
    }
}
