//! One configuration for every host: [`Config`], its defaults and its TOML.
//!
//! Zeek, Wireshark and the command line set the same keys by the same names. Each key is declared
//! once, in `keys`, with its default, range, unit and cost; the parser, the accessors and
//! [`Config::print_default`] all come from that declaration.
//!
//! A [`Config`] is right by construction: there is no way to one but through its defaults and the
//! range checks of [`Config::from_toml`], [`Config::apply`] and [`Config::set`]. What is wrong with
//! a text is reported in full, every error with its place, its key, what was expected and what came.
//! An unknown key is an error, because a mistyped key that is ignored is a setting that is not made.
//!
//! What it does not do: read files or the environment. Callers bring the text and say where it is
//! from.

mod category;
mod error;
mod keys;
mod nearest;
mod parse;
mod period;
mod print;
mod setting;

pub use category::{Categories, CategoryConfig};
pub use error::{ConfigError, ConfigErrors, Position, Problem};
pub use keys::{
    BloomConfig, Config, FlowConfig, Key, LiveConfig, LogConfig, LogFormat, ModelConfig, ModelKind,
    PredictConfig, ScoreConfig, SensorConfig, StoreConfig, WireConfig,
};
pub use setting::{HexKey, Prefixes, SensorName};

/// The origin to name for text that comes from a host's options instead of a file.
pub const OPTIONS: &str = "<options>";

/// Every key, in the order of the printed configuration.
#[must_use]
pub fn keys() -> &'static [Key] {
    keys::KEYS
}

#[cfg(test)]
mod tests;
