//! From a config to a sensor.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::config::{Config, ModelKind};
use crate::flow::{ConnectionTable, Limits};
use crate::kept::Kept;
use crate::model::file::{FileError, LARGEST_FILE};
use crate::model::{self, Adaptive, Markov, Model};
use crate::predict::cadence::{Heartbeats, Steadiness};
use crate::predict::{Policy, Predictor};
use crate::score::{self, Scorer, Weights};

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
    /// `store.path` names a file, but what this model kind learns can't be kept.
    ModelKeepsNothing {
        /// The kind, as the config names it.
        kind: &'static str,
    },
    /// `model.adapt` is false, but this kind is nothing without what it learns on line.
    ModelOnlyAdapts {
        /// The kind, as the config names it.
        kind: &'static str,
    },
    /// The file that `model.path` names can't be read.
    ModelUnreadable {
        /// The path given.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// The file that `model.path` names is not what the model kind needs.
    ModelUnfit {
        /// The path given.
        path: PathBuf,
        /// What is wrong with it.
        error: FileError,
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
            Self::ModelKeepsNothing { kind } => write!(
                f,
                "store.path: what model kind \"{kind}\" learns can't be kept; \
                 model.kind = \"adaptive\" can"
            ),
            Self::ModelOnlyAdapts { kind } => write!(
                f,
                "model.adapt: model kind \"{kind}\" is nothing but what it learns on line; only \"network\" can do without"
            ),
            Self::ModelUnreadable { path, error } => {
                write!(f, "model.path: \"{}\" can't be read: {error}", path.display())
            }
            Self::ModelUnfit { path, error } => {
                write!(f, "model.path: \"{}\" can't be used: {error}", path.display())
            }
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
            max_nothing_more: predict.max_nothing_more() as f32,
            min_packets: predict.min_packets(),
            max_gap_packets: if predict.enabled() { predict.max_gap_packets() } else { 0 },
            reorder_wait: predict.reorder_wait(),
            outcome_wait: predict.outcome_wait(),
            adapt: predict.adapt() as f32,
            open: predict.max_open(),
        };
        let score = &config.score;
        let weights = [
            score.weight_side_flags(),
            score.weight_size(),
            score.weight_time(),
            score.weight_entropy(),
        ];
        let stated = score::Policy {
            false_alarms: (score.false_alarms_per_million() / 1e6) as f32,
            alarms_per_day: score.alarms_per_day() as f32,
            warm_up: score.warm_up(),
            min_packets: score.min_packets(),
            weights: Weights {
                parts: weights.map(|weight| weight as f32),
                profile: score.weight_profile() as f32,
            },
            endpoints: score.endpoints(),
        };
        let model = model(config)?;
        let kept = match config.store.path() {
            None => None,
            Some(_) if model.state_len() == 0 => {
                return Err(OpenError::ModelKeepsNothing { kind: config.model.kind().name() });
            }
            Some(_) => Some(Box::new(Kept::new(config.store.connections(), model.state_len()))),
        };
        Ok(Self {
            tunnels: config.wire.tunnels(),
            table: ConnectionTable::new(limits(config)),
            model,
            learn: !config.model.frozen(),
            predictor: Predictor::new(policy),
            scorer: Scorer::new(stated),
            heartbeats: heartbeats(config),
            behaviours: super::behaviour::stage(config),
            site_clock: super::behaviour::SiteClock::new(config),
            last: Vec::new(),
            events: EventQueue::new(config.sensor.event_queue()),
            stats: Stats::default(),
            stats_interval: config.sensor.stats_interval(),
            stats_due: None,
            kept,
        })
    }
}

fn heartbeats(config: &Config) -> Heartbeats {
    let predict = &config.predict;
    let capacity = if predict.enabled() { predict.heartbeats() } else { 0 };
    let rule = Steadiness {
        beats: predict.heartbeat_beats(),
        jitter: predict.heartbeat_jitter() as f32,
        period: predict.heartbeat_period(),
        false_rate: predict.heartbeat_false_rate() as f32,
    };
    Heartbeats::new(capacity, rule, config.sensor.seed())
}

fn model(config: &Config) -> Result<Box<dyn Model>, OpenError> {
    let bytes = config.model.table_mib() * MIB;
    let (kind, adapt, path) = (config.model.kind(), config.model.adapt(), config.model.path());
    if kind != ModelKind::Network && !adapt {
        return Err(OpenError::ModelOnlyAdapts { kind: kind.name() });
    }
    let built_in = match kind {
        ModelKind::Markov => {
            return match path {
                None => Ok(Box::new(Markov::new(bytes))),
                Some(path) => Err(OpenError::ModelTakesNoFile { kind: kind.name(), path }),
            };
        }
        ModelKind::Network => model::GRU_SMALL,
        ModelKind::Adaptive => model::MIXER_ONLY,
    };
    let file = match &path {
        None => built_in.into(),
        Some(path) => {
            read(path).map_err(|error| OpenError::ModelUnreadable { path: path.clone(), error })?
        }
    };
    let opened = match kind {
        ModelKind::Network => Adaptive::with_network(bytes, adapt, &file),
        _ => Adaptive::read(bytes, &file),
    };
    match opened {
        Ok(model) => Ok(Box::new(model)),
        Err(error) => Err(OpenError::ModelUnfit { path: path.unwrap_or_default(), error }),
    }
}

/// The content of a model file: a byte more than one may have is enough to refuse it.
fn read(path: &Path) -> io::Result<Cow<'static, [u8]>> {
    let mut content = Vec::new();
    File::open(path)?.take(LARGEST_FILE as u64 + 1).read_to_end(&mut content)?;
    Ok(content.into())
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
