//! Packets of the connections worth a look, each beside what was expected of it.
//!
//! Which connections these are is known only at the end, so every connection is followed from its first
//! packet, as many as there is room for; the least interesting one gives way, those that just
//! began last. One that becomes interesting later is followed from there on. Of a long connection every
//! second packet is let go whenever its room is full, but those around its rarest packet stay, and its
//! anomalies as far as they fit.

use std::collections::HashMap;

use crate::flow::{ConnectionId, ConnectionKey, Side};
use crate::model::{Expectation, PacketFacts};
use crate::predict::{Settled, SyntheticPacket};
use crate::sensor::{Explanation, Sensor, Verdict};
use crate::time::{Span, Timestamp};

use super::json::Json;
use super::names;

/// Connections followed at once.
const FOLLOWED: usize = 192;
/// Of these, so many that began last are kept whatever they are.
const YOUNG: u64 = 48;
/// Connections shown.
const SHOWN: usize = 24;
/// Packets of one connection, and synthetic packets.
const MOST_POINTS: usize = 400;
/// Packets before and after the rarest one, and of the last ones, that stay.
const AROUND: u32 = 60;
/// Packets taken in before it is seen which may go.
const SLACK: usize = 128;

/// Connections that are followed.
#[derive(Default)]
pub(super) struct Tracks {
    tracks: Vec<Track>,
    /// Where a live connection's track is.
    places: HashMap<u64, usize>,
    /// Tracks begun.
    begun: u64,
}

struct Track {
    id: ConnectionId,
    uid: u128,
    key: ConnectionKey,
    originator: Side,
    number: u64,
    points: Vec<Point>,
    ghosts: Vec<Ghost>,
    /// Of the ordinary packets one in so many is kept.
    stride: u32,
    /// The number of the rarest packet.
    peak: u32,
    packets: u64,
    anomalies: u64,
    severity: f32,
    rarest: f32,
}

#[derive(Clone, Copy)]
struct Point {
    time: Timestamp,
    seen: PacketFacts,
    expected: Expectation,
    bits: f32,
    probability: f32,
    anomalous: bool,
}

/// A synthetic packet.
#[derive(Clone, Copy)]
struct Ghost {
    serial: u64,
    due: Timestamp,
    last: Timestamp,
    side: Side,
    size: u32,
    outcome: Option<&'static str>,
}

impl Tracks {
    /// A packet came.
    pub(super) fn packet(
        &mut self,
        time: Timestamp,
        verdict: &Verdict,
        explanation: &Explanation,
        sensor: &Sensor,
    ) {
        let (Some(id), Some(surprise)) = (verdict.connection, verdict.surprise) else { return };
        let known = self.places.get(&id.to_u64()).copied();
        let known = known.filter(|&place| self.tracks.get(place).is_some_and(|it| it.id == id));
        let place = match known {
            Some(place) => place,
            None if verdict.is_new || verdict.anomalous => {
                let Some(place) = self.begin(id, verdict, sensor) else { return };
                place
            }
            None => return,
        };
        let Some(track) = self.tracks.get_mut(place) else { return };
        track.packets += 1;
        track.anomalies += u64::from(verdict.anomalous);
        track.severity = track.severity.max(verdict.severity);
        if verdict.probability < track.rarest {
            (track.rarest, track.peak) = (verdict.probability, explanation.seen.position);
        }
        track.points.push(Point {
            time,
            seen: explanation.seen,
            expected: explanation.expected,
            bits: surprise.total(),
            probability: verdict.probability,
            anomalous: verdict.anomalous,
        });
        track.thin();
    }

    /// A synthetic packet was made.
    pub(super) fn synthetic(&mut self, packet: &SyntheticPacket) {
        let Some(track) = self.track(packet.id) else { return };
        if track.ghosts.len() < MOST_POINTS {
            track.ghosts.push(Ghost {
                serial: packet.serial.0,
                due: packet.due,
                last: packet.last,
                side: packet.side,
                size: packet.payload_len,
                outcome: None,
            });
        }
    }

    /// What became of one is known.
    pub(super) fn outcome(&mut self, settled: &Settled) {
        let Some(track) = self.track(settled.id) else { return };
        let ghost = track.ghosts.iter_mut().find(|ghost| ghost.serial == settled.serial.0);
        if let Some(ghost) = ghost {
            ghost.outcome = Some(settled.outcome.name());
        }
    }

    /// Writes the most interesting ones, the most interesting first; times in seconds.
    pub(super) fn write(&self, json: &mut Json) {
        let mut shown: Vec<&Track> = self.tracks.iter().filter(|it| it.points.len() > 1).collect();
        shown.sort_by(|a, b| b.interest().total_cmp(&a.interest()).then(a.uid.cmp(&b.uid)));
        json.array(|json| shown.iter().take(SHOWN).for_each(|track| track.write(json)));
    }

    fn track(&mut self, id: ConnectionId) -> Option<&mut Track> {
        let place = *self.places.get(&id.to_u64())?;
        self.tracks.get_mut(place).filter(|track| track.id == id)
    }

    fn begin(&mut self, id: ConnectionId, verdict: &Verdict, sensor: &Sensor) -> Option<usize> {
        let (summary, _) = sensor.connection(id)?;
        let track = Track {
            id,
            uid: summary.uid,
            key: summary.key,
            originator: summary.originator,
            number: self.begun,
            points: Vec::new(),
            ghosts: Vec::new(),
            stride: 1,
            peak: 0,
            packets: 0,
            anomalies: 0,
            severity: verdict.severity,
            rarest: 1.0,
        };
        self.begun += 1;
        if self.tracks.len() < FOLLOWED {
            self.tracks.push(track);
            let place = self.tracks.len() - 1;
            self.places.insert(id.to_u64(), place);
            return Some(place);
        }
        let old = self.begun.saturating_sub(YOUNG);
        let least = self.tracks.iter().enumerate().filter(|(_, track)| track.number < old);
        let (place, least) = least.min_by(|a, b| a.1.interest().total_cmp(&b.1.interest()))?;
        self.places.remove(&least.id.to_u64());
        self.places.insert(id.to_u64(), place);
        *self.tracks.get_mut(place)? = track;
        Some(place)
    }
}

impl Track {
    /// How much a person would want to see it: its evidence in bits, then how rare its packets were.
    fn interest(&self) -> f32 {
        self.severity.max(0.0)
            + (self.anomalies as f32).min(20.0)
            - self.rarest.max(f32::MIN_POSITIVE).log10()
            // Between equals the one that has more to show.
            + (self.packets.min(300) as f32) / 300.0
    }

    /// Lets every second ordinary packet go once there are too many.
    fn thin(&mut self) {
        if self.points.len() < MOST_POINTS + SLACK {
            return;
        }
        let newest = self.points.last().map_or(0, |point| point.seen.position);
        loop {
            let anomalies = self.points.iter().filter(|point| point.anomalous).count();
            let few = anomalies < MOST_POINTS / 4;
            let (stride, peak) = (self.stride, self.peak);
            self.points.retain(|point| {
                let position = point.seen.position;
                position.abs_diff(peak) <= AROUND
                    || position > newest.saturating_sub(AROUND)
                    || position.is_multiple_of(stride)
                    || (few && point.anomalous)
            });
            if self.points.len() <= MOST_POINTS || stride > u32::MAX / 2 {
                break;
            }
            self.stride = stride * 2;
        }
    }

    fn write(&self, json: &mut Json) {
        let start = self.points.first().map_or(0, |point| point.time.nanos());
        let seconds = |time: Timestamp| time.nanos().saturating_sub(start) as f64 / 1e9;
        json.object(|json| {
            names::connection(json, self.uid, &self.key, self.originator);
            json.key("start").number(start as f64 / 1e9);
            json.key("packets").whole(self.packets);
            json.key("anomalies").whole(self.anomalies);
            json.key("severity").number(f64::from(self.severity));
            json.key("rarest").number(1.0 / f64::from(self.rarest));
            let mut column = |name: &str, of: &dyn Fn(&Point) -> f64| {
                json.key(name).array(|json| self.points.iter().for_each(|it| json.number(of(it))));
            };
            column("position", &|it| f64::from(it.seen.position));
            column("time", &|it| seconds(it.time));
            column("side", &|it| self.sign(it.seen.side));
            column("size", &|it| f64::from(it.seen.payload_len));
            column("wait", &|it| it.seen.since.map_or(f64::NAN, Span::secs_f64));
            column("bits", &|it| f64::from(it.bits));
            column("one_in", &|it| 1.0 / f64::from(it.probability));
            column("anomalous", &|it| f64::from(u8::from(it.anomalous)));
            column("sure", &|it| f64::from(it.expected.side_flags_probability));
            column("side_e", &|it| self.sign(it.expected.side));
            column("size_low", &|it| f64::from(it.expected.size.low));
            column("size_mode", &|it| f64::from(it.expected.size.mode));
            column("size_high", &|it| f64::from(it.expected.size.high));
            column("wait_low", &|it| it.expected.time.low.secs_f64());
            column("wait_mode", &|it| it.expected.time.median.secs_f64());
            column("wait_high", &|it| it.expected.time.high.secs_f64());
            column("nothing", &|it| f64::from(it.expected.nothing_more));
            json.key("flags").array(|json| {
                for point in &self.points {
                    json.text(&names::flags(self.key.protocol, point.seen.flags));
                }
            });
            json.key("flags_e").array(|json| {
                for point in &self.points {
                    json.text(&names::flags(self.key.protocol, point.expected.flags));
                }
            });
            json.key("synthetic").array(|json| {
                for ghost in &self.ghosts {
                    json.array(|json| {
                        json.number(seconds(ghost.due));
                        json.number(seconds(ghost.last));
                        json.number(self.sign(ghost.side));
                        json.whole(u64::from(ghost.size));
                        json.text(ghost.outcome.unwrap_or("open"));
                    });
                }
            });
        });
    }

    /// 1 for the originator, -1 for the responder.
    fn sign(&self, side: Side) -> f64 {
        if side == self.originator { 1.0 } else { -1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Slot;
    use crate::model::{SizeRange, TimeRange};
    use crate::time::Span;
    use crate::wire::{Address, TcpFlags};

    fn track(packets: u32, rarest: u32) -> Track {
        let mut track = Track {
            id: ConnectionId { slot: Slot(0), generation: 0 },
            uid: 0,
            key: ConnectionKey {
                address_a: Address::v4([192, 0, 2, 1]),
                address_b: Address::v4([192, 0, 2, 2]),
                port_a: 1,
                port_b: 2,
                protocol: 17,
                domain: 0,
            },
            originator: Side::A,
            number: 0,
            points: Vec::new(),
            ghosts: Vec::new(),
            stride: 1,
            peak: rarest,
            packets: 0,
            anomalies: 0,
            severity: 0.0,
            rarest: 1.0,
        };
        for position in 0..packets {
            track.points.push(Point {
                time: Timestamp::from_nanos(i64::from(position)),
                seen: PacketFacts { position, ..PacketFacts::NONE },
                expected: Expectation {
                    side: Side::A,
                    flags: TcpFlags(0),
                    side_flags_probability: 1.0,
                    size: SizeRange::default(),
                    time: TimeRange::default(),
                    deadline: Span::ZERO,
                    nothing_more: 0.0,
                    confidence: 1.0,
                },
                bits: 0.0,
                probability: 1.0,
                anomalous: false,
            });
            track.thin();
        }
        track
    }

    #[test]
    fn a_long_connection_keeps_its_whole_length_thinly_and_all_around_its_rarest_packet() {
        let track = track(100_000, 99_000);
        assert!(track.points.len() < MOST_POINTS + SLACK, "{}", track.points.len());
        let kept = |from, to| {
            track.points.iter().filter(|it| (from..to).contains(&it.seen.position)).count()
        };
        assert!(kept(98_940, 99_060) >= 119, "{}", kept(98_940, 99_060));
        assert!((0..9).all(|part| kept(part * 10_000, (part + 1) * 10_000) > 5));
        let order = track.points.is_sorted_by_key(|it| it.seen.position);
        assert!(order);
    }
}
