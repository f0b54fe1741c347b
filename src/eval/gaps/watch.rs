//! A run of the whole sensor line over what is left of a capture, and of the baselines beside it.

use std::collections::HashMap;

use crate::config::Config;
use crate::flow::{ConnectionKey, HostHint, Side};
use crate::model::PacketFacts;
use crate::model::discretise::Symbols;
use crate::predict::cadence::Heartbeat;
use crate::predict::{Kind, Outcome, SyntheticPacket};
use crate::sensor::{Event, OpenError, Packet, Sensor};
use crate::time::{Span, Timestamp};

use super::baselines::Baselines;
use super::frames::{Class, Ends, Frame, Frames};
use super::standing::Standing;

/// A packet somebody says there should have been.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Claim {
    pub(super) ends: Ends,
    pub(super) class: Class,
    pub(super) is_gap: bool,
    /// TCP sequence number of its payload, where that is known.
    pub(super) sequence: Option<u32>,
    pub(super) payload_len: u32,
    /// When it is said to have come.
    pub(super) expected: Timestamp,
    /// Which one of its run.
    pub(super) run: u8,
    pub(super) outcome: Option<Outcome>,
    /// Whether the forecast beat its baseline on the connection by then.
    pub(super) ahead: bool,
}

/// What a run gave.
#[derive(Default)]
pub(super) struct Watched {
    pub(super) claims: Vec<Claim>,
    pub(super) heartbeats: Vec<Heartbeat>,
    /// By frame left out, whether the forecast beat its baseline on its connection.
    pub(super) ahead: Vec<bool>,
    /// Packets on connections that had the packets a deadline needs.
    pub(super) with_deadline: u64,
}

/// A frame put where it comes, and whether it is left out.
#[derive(Clone, Copy)]
pub(super) struct Turn {
    pub(super) frame: usize,
    pub(super) time: Timestamp,
    pub(super) left_out: bool,
}

/// The frames in the order of the capture; chosen ones are left out, or come later.
pub(super) fn order(frames: &Frames, chosen: &[bool], delay: Option<Span>) -> Vec<Turn> {
    let turn = |(number, frame): (usize, &Frame)| Turn {
        frame: number,
        time: frame.time,
        left_out: chosen.get(number).copied().unwrap_or(false),
    };
    let mut turns: Vec<Turn> = frames.all.iter().enumerate().map(turn).collect();
    if let Some(delay) = delay {
        let late = turns.iter().filter(|turn| turn.left_out);
        let late: Vec<Turn> = late
            .map(|turn| Turn { time: turn.time.after(delay), left_out: false, ..*turn })
            .collect();
        turns.extend(late);
        turns.sort_by_key(|turn| turn.time);
    }
    turns
}

/// Runs the line.
pub(super) fn watch(
    frames: &Frames,
    turns: &[Turn],
    config: &Config,
    mut baselines: Option<&mut Baselines>,
) -> Result<Watched, OpenError> {
    let mut sensor = Sensor::new(config)?;
    let mut run = Run {
        seen: Watched { ahead: vec![false; frames.all.len()], ..Watched::default() },
        standings: HashMap::new(),
        numbers: HashMap::new(),
        least: u64::from(config.predict.min_packets()),
    };
    for turn in turns {
        let frame = &frames.all[turn.frame];
        let ahead = frame.content.is_some_and(|content| run.is_ahead(content.ends));
        if turn.left_out {
            run.seen.ahead[turn.frame] = ahead;
            continue;
        }
        if let (Some(baselines), Some(content)) = (baselines.as_deref_mut(), frame.content) {
            baselines.packet(&content, turn.time, ahead);
        }
        let verdict = sensor.push(&Packet {
            time: turn.time,
            link: frame.link,
            data: frames.data(frame),
            wire_len: frame.wire_len,
            host: HostHint::default(),
        });
        // What fell due before this packet knows nothing of it.
        run.events(&mut sensor);
        if let (Some(surprise), Some(_)) = (verdict.surprise, frame.content) {
            run.scored(frame, turn.time, verdict.side, f64::from(surprise.total()));
        }
    }
    sensor.finish();
    run.events(&mut sensor);
    if let Some(baselines) = baselines {
        baselines.finish();
    }
    Ok(run.seen)
}

struct Run {
    seen: Watched,
    standings: HashMap<Ends, (Standing, Option<Timestamp>, u64)>,
    /// Where the claim of a synthetic packet stands.
    numbers: HashMap<u64, usize>,
    /// Packets before a deadline counts.
    least: u64,
}

impl Run {
    fn is_ahead(&self, ends: Ends) -> bool {
        self.standings.get(&ends.connection()).is_some_and(|(standing, ..)| standing.is_ahead())
    }

    fn scored(&mut self, frame: &Frame, time: Timestamp, side: Side, bits: f64) {
        let Some(content) = frame.content else { return };
        let (standing, last, packets) =
            self.standings.entry(content.ends.connection()).or_default();
        let since = last.map(|last| time.since(last));
        let symbols = Symbols::of(&PacketFacts {
            side,
            flags: content.flags,
            payload_len: content.payload_len,
            since,
            ..PacketFacts::NONE
        });
        standing.count(symbols, bits);
        *last = Some(time);
        *packets += 1;
        self.seen.with_deadline += u64::from(*packets > self.least);
    }

    fn events(&mut self, sensor: &mut Sensor) {
        while let Some(event) = sensor.poll() {
            match event {
                Event::Synthetic(packet) => {
                    let mut claim = claim(&packet);
                    claim.ahead = self.is_ahead(claim.ends);
                    self.numbers.insert(packet.serial.0, self.seen.claims.len());
                    self.seen.claims.push(claim);
                }
                Event::Outcome(settled) => {
                    let number = self.numbers.get(&settled.serial.0);
                    if let Some(claim) = number.and_then(|number| self.seen.claims.get_mut(*number))
                    {
                        claim.outcome = Some(settled.outcome);
                    }
                }
                Event::Heartbeat(heartbeat) => self.seen.heartbeats.push(heartbeat),
                _ => {}
            }
        }
    }
}

fn claim(packet: &SyntheticPacket) -> Claim {
    let is_gap = packet.kind != Kind::Overdue;
    let expected = if is_gap {
        packet.due
    } else {
        // The deadline is the last moment; it was expected at the median.
        let late = packet.expected.deadline.nanos();
        let late = late.saturating_sub(packet.expected.time.median.nanos());
        packet.due.before(Span::from_nanos(late))
    };
    let ends = ends(&packet.key, packet.side);
    Claim {
        ends,
        class: Class::of(ends.protocol, packet.flags, packet.payload_len),
        is_gap,
        sequence: packet.sequence.filter(|_| ends.protocol == 6),
        payload_len: packet.payload_len,
        expected,
        run: packet.run,
        outcome: None,
        ahead: false,
    }
}

/// What `side` sends, in the words of frames.
fn ends(key: &ConnectionKey, side: Side) -> Ends {
    let has_ports = matches!(key.protocol, 6 | 17);
    let port = |side| if has_ports { key.port(side) } else { 0 };
    Ends {
        from: (key.address(side), port(side)),
        to: (key.address(side.other()), port(side.other())),
        protocol: key.protocol,
    }
}
