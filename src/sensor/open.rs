//! From a config to a sensor.

use std::fmt;
use std::path::PathBuf;

use crate::config::{Config, ModelKind};
use crate::flow::{ConnectionTable, Limits};
use crate::model::{Markov, Model};
use crate::predict::{Policy, Predictor};
use crate::score::{Scorer, Threshold};

use super::queue::EventQueue;
use super::{Sensor, Stats};

const MIB: usize = 1 << 20;

/// Why a sensor could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// `model.path` names a file, but this model kind has none.
    ModelTakesNoFile {
        /// The kind, as the config names it.
        kind: &'static str,
        /// The path given.
        path: PathBuf,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ModelTakesNoFile { kind, path } => write!(
                f,
                "model.path: model kind \"{kind}\" learns on line and reads no file, but \"{}\" was given",
                path.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {}

impl Sensor {
    /// A sensor that has seen nothing yet.
    ///
    /// # Errors
    /// If the model that the config names can't be had.
    pub fn new(config: &Config) -> Result<Self, OpenError> {
        let predict = &config.predict;
        let policy = Policy {
            quantile: predict.quantile() as f32,
            max_run: if predict.enabled() { predict.max_run() as u8 } else { 0 },
            min_confidence: predict.min_confidence() as f32,
            min_packets: predict.min_packets(),
        };
        let threshold = Threshold {
            bits: config.score.threshold() as f32,
            warm_up: config.score.warm_up(),
            min_packets: config.score.min_packets(),
        };
        Ok(Self {
            tunnels: config.wire.tunnels(),
            table: ConnectionTable::new(limits(config)),
            model: model(config)?,
            learn: !config.model.frozen(),
            predictor: Predictor::new(policy),
            scorer: Scorer::new(threshold),
            last: Vec::new(),
            events: EventQueue::new(config.sensor.event_queue()),
            stats: Stats::default(),
            stats_interval: config.sensor.stats_interval(),
            stats_due: None,
        })
    }
}

fn model(config: &Config) -> Result<Box<dyn Model>, OpenError> {
    match (config.model.kind(), config.model.path()) {
        (ModelKind::Markov, None) => Ok(Box::new(Markov::new(config.model.table_mib() * MIB))),
        (ModelKind::Markov, Some(path)) => {
            Err(OpenError::ModelTakesNoFile { kind: "markov", path })
        }
    }
}

/// The part of the config that flow needs.
fn limits(config: &Config) -> Limits {
    let flow = &config.flow;
    Limits {
        max_connections: flow.max_connections() as u32,
        key_vlan: flow.key_vlan(),
        key_tunnel: flow.key_tunnel(),
        timeout_tcp: flow.timeout_tcp(),
        timeout_tcp_attempt: flow.timeout_tcp_attempt(),
        timeout_tcp_closed: flow.timeout_tcp_closed(),
        timeout_udp: flow.timeout_udp(),
        timeout_icmp: flow.timeout_icmp(),
        timeout_other: flow.timeout_other(),
        reorder_tolerance: flow.reorder_tolerance(),
        fragments: flow.fragments() as u32,
        seed: config.sensor.seed(),
    }
}
