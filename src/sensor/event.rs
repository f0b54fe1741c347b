//! What leaves the sensor.

use crate::bloom::{Flagged, Heard, Mask, Report};
use crate::flow::{ConnectionId, Side, Summary};
use crate::model::{Expectation, PacketFacts, Surprise};
use crate::predict::cadence::Heartbeat;
use crate::predict::{Settled, SyntheticPacket};
use crate::score::{AnomalousConnection, AnomalousEndpoint, Anomaly, ConnectionScore};
use crate::time::Timestamp;

use super::Stats;

/// What `push` answers at once for one packet.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Verdict {
    /// The packet's connection; `None` where it belongs to none (no IP, an orphaned fragment).
    pub connection: Option<ConnectionId>,
    /// Who sent it.
    pub side: Side,
    /// Whether it began its connection.
    pub is_new: bool,
    /// Its surprise; `None` where it was not scored.
    pub surprise: Option<Surprise>,
    /// Share of packets like it that surprise as much here, 0 to 1; 1 where it was not scored.
    pub probability: f32,
    /// Evidence against its connection so far, in bits.
    pub severity: f32,
    /// Whether it is an anomaly; the event has the reasons.
    pub anomalous: bool,
}

impl Verdict {
    /// The verdict on a packet that belongs to no connection.
    pub const NONE: Self = Self {
        connection: None,
        side: Side::A,
        is_new: false,
        surprise: None,
        probability: 1.0,
        severity: 0.0,
        anomalous: false,
    };
}

/// What a verdict rests on: read out for a host that asks, since the forecast costs about a push to read.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Explanation {
    /// What came.
    pub seen: PacketFacts,
    /// What was expected before it came.
    pub expected: Expectation,
    /// The categories that its connection has been counted in, in the window that stands open.
    pub categories: Mask,
}

/// Something the host should hear of; they leave in packet-time order.
#[derive(Clone, Copy, Debug)]
pub enum Event {
    /// A packet was due and did not come.
    Synthetic(SyntheticPacket),
    /// What became of such a packet; once for each.
    Outcome(Settled),
    /// What came regularly no longer does, or does again.
    Heartbeat(Heartbeat),
    /// A packet came that was not expected.
    Anomaly(Anomaly),
    /// A connection's packets together are too unlikely.
    AnomalousConnection(AnomalousConnection),
    /// An endpoint does, or suffers, what it does not usually.
    AnomalousEndpoint(AnomalousEndpoint),
    /// A connection ended.
    Connection {
        /// When it was closed, in packet time.
        time: Timestamp,
        /// What it was.
        summary: Summary,
        /// What the forecast made of it.
        score: ConnectionScore,
    },
    /// What a category of behaviour did, every `bloom.interval` of packet time and at the end.
    Category(Report),
    /// An endpoint appears in categories that together weigh too much.
    Target(Flagged),
    /// The counters, every `sensor.stats_interval` of packet time and at the end.
    Stats {
        /// When.
        time: Timestamp,
        /// Totals since the sensor was opened.
        stats: Stats,
    },
    /// Events were lost because nobody polled.
    Shed(Shed),
}

impl Event {
    /// When it happened, in packet time.
    #[must_use]
    pub const fn time(&self) -> Timestamp {
        match self {
            Self::Synthetic(synthetic) => synthetic.made,
            Self::Outcome(settled) => settled.time,
            Self::Heartbeat(heartbeat) => heartbeat.time,
            Self::Anomaly(anomaly) => anomaly.time,
            Self::AnomalousConnection(connection) => connection.time,
            Self::AnomalousEndpoint(endpoint) => endpoint.time,
            Self::Connection { time, .. } | Self::Stats { time, .. } => *time,
            Self::Category(report) => report.time,
            Self::Target(flagged) => flagged.time,
            Self::Shed(shed) => shed.time,
        }
    }
}

impl From<Heard> for Event {
    fn from(heard: Heard) -> Self {
        match heard {
            Heard::Category(report) => Self::Category(report),
            Heard::Target(flagged) => Self::Target(flagged),
        }
    }
}

/// A notice that the event queue was full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shed {
    /// Time of the first event lost.
    pub time: Timestamp,
    /// How many were lost.
    pub events: u64,
}
