//! The tables of the page: anomalies, alarms, connections and endpoints, each as many as a person may want
//! to look through, the most telling ones kept.

use std::collections::HashMap;

use crate::flow::Summary;
use crate::model::Surprise;
use crate::score::{
    AnomalousConnection, AnomalousEndpoint, Anomaly, ConnectionScore, Finding, Sentence,
};
use crate::sink::number::{self, Decimals};
use crate::time::Timestamp;
use crate::wire::Address;

use super::json::Json;
use super::names;

/// Rows of each.
const MOST_ANOMALIES: usize = 2_000;
const MOST_ALARMS: usize = 1_000;
const MOST_CONNECTIONS: usize = 1_000;
const MOST_ENDPOINTS: usize = 500;
/// Endpoints remembered while running; beyond it the least surprising half is dropped.
const REMEMBERED: usize = 16_384;

/// The largest of many by a number, as far as there is room.
struct Top<T> {
    rows: Vec<(f32, T)>,
    room: usize,
    seen: u64,
}

impl<T> Top<T> {
    const fn new(room: usize) -> Self {
        Self { rows: Vec::new(), room, seen: 0 }
    }

    fn add(&mut self, by: f32, row: T) {
        self.seen += 1;
        self.rows.push((by, row));
        if self.rows.len() >= 2 * self.room {
            self.cut();
        }
    }

    fn cut(&mut self) {
        // Stable: of equal ones the first stay, whatever the room.
        self.rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        self.rows.truncate(self.room);
    }

    /// Writes how many there were and those that are left, the largest first.
    fn write(&mut self, json: &mut Json, mut row: impl FnMut(&mut Json, &T)) {
        self.cut();
        json.object(|json| {
            json.key("total").whole(self.seen);
            json.key("rows").array(|json| {
                for (_, content) in &self.rows {
                    json.object(|json| row(json, content));
                }
            });
        });
    }
}

enum Alarm {
    Connection(Box<AnomalousConnection>),
    Endpoint(AnomalousEndpoint),
}

#[derive(Clone, Copy, Default)]
struct Endpoint {
    connections: u64,
    packets: u64,
    bits: f64,
    anomalies: u64,
    alarms: u64,
    severity: f32,
}

/// What the tables are made of.
pub(super) struct Tables {
    anomalies: Top<Anomaly>,
    alarms: Top<Alarm>,
    connections: Top<(Summary, ConnectionScore)>,
    endpoints: HashMap<Address, Endpoint>,
}

impl Tables {
    pub(super) fn new() -> Self {
        Self {
            anomalies: Top::new(MOST_ANOMALIES),
            alarms: Top::new(MOST_ALARMS),
            connections: Top::new(MOST_CONNECTIONS),
            endpoints: HashMap::new(),
        }
    }

    pub(super) fn anomaly(&mut self, anomaly: &Anomaly) {
        self.anomalies.add(-anomaly.probability, *anomaly);
    }

    pub(super) fn anomalous_connection(&mut self, found: &AnomalousConnection) {
        let endpoint = self.endpoint(found.key.address(found.originator));
        endpoint.alarms += 1;
        self.alarms.add(found.finding.severity, Alarm::Connection(Box::new(*found)));
    }

    pub(super) fn anomalous_endpoint(&mut self, found: &AnomalousEndpoint) {
        let endpoint = self.endpoint(found.address);
        endpoint.alarms += 1;
        endpoint.severity = endpoint.severity.max(found.finding.severity);
        self.alarms.add(found.finding.severity, Alarm::Endpoint(*found));
    }

    pub(super) fn connection(&mut self, summary: &Summary, score: &ConnectionScore) {
        let endpoint = self.endpoint(summary.key.address(summary.originator));
        endpoint.connections += 1;
        endpoint.packets += u64::from(score.scored);
        endpoint.bits += f64::from(score.total);
        endpoint.anomalies += u64::from(score.anomalies);
        endpoint.severity = endpoint.severity.max(score.severity);
        // Severity first; among those without, what surprised most in one packet.
        let by = score.severity.max(0.0) + score.max.min(1e3) / 1e4;
        self.connections.add(by, (*summary, *score));
    }

    /// Writes all four under their keys.
    pub(super) fn write(&mut self, json: &mut Json) {
        json.key("anomalies");
        self.anomalies.write(json, write_anomaly);
        json.key("alarms");
        self.alarms.write(json, write_alarm);
        json.key("connections");
        self.connections.write(json, |json, (summary, score)| {
            write_connection(json, summary, score);
        });
        json.key("endpoints");
        let mut top = Top::new(MOST_ENDPOINTS);
        let mut all: Vec<_> = self.endpoints.drain().collect();
        all.sort_by_key(|(address, _)| *address);
        for (address, endpoint) in all {
            let by =
                endpoint.alarms as f32 * 100.0 + endpoint.severity + endpoint.bits as f32 / 1e9;
            top.add(by, (address, endpoint));
        }
        top.write(json, |json, (address, endpoint)| {
            let Endpoint { connections, packets, bits, anomalies, alarms, severity } = endpoint;
            json.key("address").text(&address.to_string());
            json.key("connections").whole(*connections);
            json.key("packets").whole(*packets);
            json.key("mean").number(bits / (*packets).max(1) as f64);
            json.key("anomalies").whole(*anomalies);
            json.key("alarms").whole(*alarms);
            json.key("severity").number(f64::from(*severity));
        });
    }

    fn endpoint(&mut self, address: Address) -> &mut Endpoint {
        if self.endpoints.len() >= REMEMBERED && !self.endpoints.contains_key(&address) {
            let mut all: Vec<f64> = self.endpoints.values().map(|it| it.bits).collect();
            let middle = all.len() / 2;
            let (_, median, _) = all.select_nth_unstable_by(middle, f64::total_cmp);
            let median = *median;
            self.endpoints.retain(|_, it| it.alarms > 0 || it.bits > median);
        }
        self.endpoints.entry(address).or_default()
    }
}

fn write_anomaly(json: &mut Json, anomaly: &Anomaly) {
    write_time(json, anomaly.time);
    names::connection(json, anomaly.uid, &anomaly.key, anomaly.originator);
    json.key("position").whole(u64::from(anomaly.seen.position));
    json.key("counted").number(f64::from(anomaly.counted.total()));
    json.key("one_in").number(f64::from(1.0 / anomaly.probability));
    json.key("known").whole(u64::from(anomaly.known));
    let Surprise { side_flags, size, time, entropy } = anomaly.counted;
    json.key("parts").array(|json| {
        [side_flags, size, time, entropy].into_iter().for_each(|bits| json.number(bits.into()));
    });
    json.key("why").text(&Sentence::Packet(anomaly).to_string());
}

fn write_alarm(json: &mut Json, alarm: &Alarm) {
    let (finding, sentence) = match alarm {
        Alarm::Connection(found) => {
            write_time(json, found.time);
            json.key("kind").text("connection");
            json.key("host").text(&found.key.address(found.originator).to_string());
            names::connection(json, found.uid, &found.key, found.originator);
            (found.finding, Sentence::Connection(found))
        }
        Alarm::Endpoint(found) => {
            write_time(json, found.time);
            json.key("kind").text("endpoint");
            json.key("host").text(&found.address.to_string());
            (found.finding, Sentence::Endpoint(found))
        }
    };
    let Finding { severity, threshold, share, reason, grounds } = finding;
    json.key("severity").number(f64::from(severity));
    json.key("threshold").number(f64::from(threshold));
    json.key("one_in").number(f64::from(1.0 / share));
    json.key("reason").text(reason.name());
    json.key("terms").array(|json| {
        for term in grounds.terms.iter().flatten() {
            json.array(|json| {
                json.text(term.kind.name());
                json.number(f64::from(term.bits));
            });
        }
    });
    json.key("why").text(&sentence.to_string());
}

fn write_connection(json: &mut Json, summary: &Summary, score: &ConnectionScore) {
    write_time(json, summary.first);
    names::connection(json, summary.uid, &summary.key, summary.originator);
    let [one, other] = &summary.sides;
    json.key("duration").number(summary.last.since(summary.first).secs_f64());
    json.key("packets").whole(one.packets + other.packets);
    json.key("bytes").whole(one.payload_bytes.saturating_add(other.payload_bytes));
    json.key("mean").maybe(score.mean().map(f64::from));
    json.key("max").number(f64::from(score.max));
    json.key("anomalies").whole(u64::from(score.anomalies));
    json.key("synthetic").whole(u64::from(score.synthetic));
    json.key("severity").number(f64::from(score.severity));
}

/// The time twice: as a number to draw with, and as the logs write it.
fn write_time(json: &mut Json, time: Timestamp) {
    json.key("time").number(time.nanos() as f64 / 1e9);
    let mut text = Vec::new();
    number::time(&mut text, time, Decimals::Six);
    json.key("ts").text(&String::from_utf8_lossy(&text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_stay_and_all_are_counted() {
        let mut top = Top::new(3);
        (0..1_000).for_each(|at| top.add((at % 100) as f32, at));
        top.cut();
        let left: Vec<_> = top.rows.iter().map(|(_, at)| *at).collect();
        assert_eq!((left, top.seen), (vec![99, 199, 299], 1_000));
    }

    #[test]
    fn endpoints_are_bounded_and_those_with_alarms_stay() {
        let mut tables = Tables::new();
        tables.endpoint(Address::v4([192, 0, 2, 1])).alarms = 1;
        for number in 0..3 * REMEMBERED as u32 {
            let [a, b, c, d] = number.to_be_bytes();
            tables.endpoint(Address::v4([10 + a, b, c, d])).bits = f64::from(number);
        }
        assert!(tables.endpoints.len() <= REMEMBERED);
        assert!(tables.endpoints.contains_key(&Address::v4([192, 0, 2, 1])));
    }
}
