//! The sensor as a member of a federation, and what a config says of one.

use std::fmt;

use crate::bloom::federate::{Caps, Refusal, Refused, Terms, View};
use crate::bloom::{Name, SealKey, Stage};
use crate::config::Config;

use super::{Sensor, behaviour};

/// What keeps a config from making a member, or an aggregator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FederationError {
    /// `bloom.enabled` is false.
    Disabled,
    /// There is no key that others could have too.
    Key,
    /// A member has no name.
    Name,
}

impl fmt::Display for FederationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "a federation needs bloom.enabled = true",
            Self::Key => "a federation needs bloom.federation_key, the same for all its sensors",
            Self::Name => "a sensor of a federation needs a name of its own, federation.sensor",
        })
    }
}

impl std::error::Error for FederationError {}

/// What the members of the config's federation agree on, as its aggregator needs it: with the key, or
/// with `federation.seal_key` alone.
///
/// # Errors
///
/// When the config is that of no federation.
pub fn federation_terms(config: &Config) -> Result<Terms, FederationError> {
    let settings = behaviour::settings(config).ok_or(FederationError::Disabled)?;
    let terms = Terms::new(&settings, caps(config));
    let seal = config.federation.seal_key().key();
    match (seal, config.bloom.federation_key().key()) {
        (Some(seal), _) => Ok(Terms { seal: SealKey::new(*seal.danger_bytes()), ..terms }),
        (None, Some(_)) => Ok(terms),
        (None, None) => Err(FederationError::Key),
    }
}

/// Under what name, and within what bounds, a config's sensor is a member.
///
/// # Errors
///
/// What it lacks to be one.
pub fn federation_member(config: &Config) -> Result<(Name, Caps), FederationError> {
    if !config.bloom.enabled() {
        return Err(FederationError::Disabled);
    }
    config.bloom.federation_key().key().ok_or(FederationError::Key)?;
    let name = config.federation.sensor().name().ok_or(FederationError::Name)?;
    Ok((name, caps(config)))
}

fn caps(config: &Config) -> Caps {
    let federation = &config.federation;
    Caps {
        targets: federation.targets(),
        sensors: federation.max_sensors(),
        quorum: federation.quorum(),
        grace: federation.grace(),
        ahead: federation.ahead(),
        ..Caps::default()
    }
}

impl Sensor {
    /// What the members of its federation agree on; `None` where it is in none.
    #[must_use]
    pub fn federation(&self) -> Option<&Terms> {
        self.behaviours.as_ref()?.terms()
    }

    /// What this sensor has to say to its federation, as sealed blobs; none while no round
    /// (`bloom.interval`) ended since the last time. It costs some milliseconds, and nothing is
    /// lost where a host takes it seldom: a blob holds the state, not what changed.
    pub fn export_federation(&mut self) -> Vec<Vec<u8>> {
        self.behaviours.as_mut().map(Stage::export).unwrap_or_default()
    }

    /// The round that it last had something to say of.
    #[must_use]
    pub fn federation_round(&self) -> Option<u64> {
        self.behaviours.as_ref()?.last_round()
    }

    /// Hears the network's view: a target of the whole network that was met here is an event, once
    /// an episode. Answers whether the view is newer than the last one.
    ///
    /// # Errors
    ///
    /// Why the blob is refused; it is counted.
    pub fn import_federation(&mut self, blob: &[u8]) -> Result<bool, Refusal> {
        let now = self.table.clock().unwrap_or_default();
        let Some(stage) = &mut self.behaviours else { return Ok(false) };
        let heard = stage.import(blob, now);
        self.hear_behaviours();
        heard
    }

    /// The network as it was last heard of.
    #[must_use]
    pub fn network(&self) -> Option<&View> {
        self.behaviours.as_ref()?.network()
    }

    /// Views that were refused, by name.
    #[must_use]
    pub fn federation_refused(&self) -> Refused {
        self.behaviours.as_ref().map_or(Refused::NONE, Stage::refused)
    }
}
