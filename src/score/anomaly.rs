//! The words of a verdict.

use crate::flow::{ConnectionId, ConnectionKey, Side};
use crate::model::{Expectation, PacketFacts, Surprise};
use crate::time::Timestamp;
use crate::wire::Address;

use super::{Activity, Grounds, Tipping, Volume};

/// A packet that so few are like here that it is called an anomaly.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Anomaly {
    /// The connection it came on.
    pub id: ConnectionId,
    /// The host's own number for the connection, if the host gave one.
    pub host_id: Option<u64>,
    /// The connection's addresses, ports and protocol.
    pub key: ConnectionKey,
    /// The connection's originator.
    pub originator: Side,
    /// The connection's uid.
    pub uid: u128,
    /// When it came.
    pub time: Timestamp,
    /// Its surprise by part.
    pub surprise: Surprise,
    /// The same as it counts, by `score.weight_*`: what is compared with the threshold.
    pub counted: Surprise,
    /// What surprise must count in bits for a packet like it to be an anomaly at that time.
    pub threshold: f32,
    /// Share of packets of its service, at its stage of a connection, that surprise as much here.
    pub probability: f32,
    /// How many such packets were seen here; 0 where its service is not told apart from its protocol.
    pub known: u32,
    /// What was expected before it came.
    pub expected: Expectation,
    /// What came.
    pub seen: PacketFacts,
}

/// A connection whose packets together are too unlikely.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AnomalousConnection {
    /// The connection.
    pub id: ConnectionId,
    /// The host's own number for it, if the host gave one.
    pub host_id: Option<u64>,
    /// Addresses, ports and protocol.
    pub key: ConnectionKey,
    /// Its originator.
    pub originator: Side,
    /// Its uid.
    pub uid: u128,
    /// When its evidence reached the threshold.
    pub time: Timestamp,
    /// What the scores said.
    pub finding: Finding,
    /// What its packets had scored.
    pub score: ConnectionScore,
    /// The packet that tipped it over.
    pub tipping: Tipping,
}

/// Evidence that reached the threshold of its kind.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Finding {
    /// Evidence in bits: `log2` of what a fair bet on the ordinary lost.
    pub severity: f32,
    /// The evidence from which it was an alarm at that time.
    pub threshold: f32,
    /// Share of this site's connections, or of its endpoints' minutes, that come to as much.
    pub share: f32,
    /// What spoke loudest.
    pub reason: Reason,
    /// What it is made of.
    pub grounds: Grounds,
}

/// What evidence is made of.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Reason {
    /// Packets that surprised, one after the other.
    Packets {
        /// The rarest of them, as a share of packets like it.
        rarest: f32,
    },
    /// A meeting of endpoints or services that did not meet before, and packets that surprised.
    Novelty {
        /// The rarest packet, as above.
        rarest: f32,
    },
    /// More bytes or packets than connections of its service carry.
    Volume {
        /// What there is so much of.
        of: Volume,
        /// How much.
        seen: u32,
        /// Share of connections of its service that carry as much here.
        share: f32,
    },
    /// A count within a minute.
    Count {
        /// What was counted.
        activity: Activity,
        /// How many there were.
        seen: u32,
        /// How many there usually are.
        usual: f32,
    },
    /// First meetings that came to nothing.
    Failures {
        /// How many.
        failed: u16,
        /// Of how many.
        tried: u16,
    },
}

impl Reason {
    /// The name used in logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Packets { .. } => "packets",
            Self::Novelty { .. } => "novelty",
            Self::Volume { of, .. } => of.name(),
            Self::Count { activity, .. } => activity.name(),
            Self::Failures { .. } => "failures",
        }
    }
}

/// An endpoint that does, or suffers, what it does not usually.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AnomalousEndpoint {
    /// Its address.
    pub address: Address,
    /// What keeps equal addresses apart, as in [`ConnectionKey::domain`].
    pub domain: u16,
    /// When its evidence reached the threshold.
    pub time: Timestamp,
    /// What the scores said.
    pub finding: Finding,
}

/// What a connection's packets said so far.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ConnectionScore {
    /// Packets scored.
    pub scored: u32,
    /// Packets that were anomalies.
    pub anomalies: u32,
    /// Synthetic packets made.
    pub synthetic: u32,
    /// Sum of all packets' surprise, in bits.
    pub total: f32,
    /// The largest surprise of one packet, in bits.
    pub max: f32,
    /// Evidence against the ordinary, in bits: the most there was, its endpoints' included.
    pub severity: f32,
}

impl ConnectionScore {
    /// Mean surprise of a packet in bits, `None` before the first.
    #[must_use]
    pub fn mean(&self) -> Option<f32> {
        (self.scored > 0).then(|| self.total / self.scored as f32)
    }
}
