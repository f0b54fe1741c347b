//! Trains the forecast's network: captures in, a model file with its card and learning curve out.
//!
//! ```text
//! captures -> Corpus (connections, by source) -> Chunks of 96 packets -> batches -> Trainer
//!   each epoch: validation, checkpoint; at the end: the best epoch's weights, card, curve
//! ```
//!
//! The network and its features are [`schema`](crate::model::schema)'s, the arithmetic is
//! libtorch's through [`Trainer`](super::Trainer). Only benign captures teach. Sources that the split
//! keeps decide when to stop or only measure; with [`Options::all`] every source teaches and a fixed
//! number of epochs is trained.
//!
//! What it promises: on the processor the same captures, options and seed give the same file, bit for
//! bit, whether or not the training was killed and resumed in between. A file appears whole or not at
//! all. What it does not do: fit the mixer of the adaptive model, or judge a model beside others.

mod batches;
mod card;
mod chance;
mod corpus;
mod curve;
mod error;
mod file;
mod fine;
mod network;
mod progress;
mod run;
mod schedule;

pub use corpus::Corpus;
pub use error::TrainError;
pub use network::{network, parameters};
pub use progress::{Bits, Epoch};
pub use run::{Outcome, Watch, train};

use std::path::PathBuf;

use super::{Cell, Device};

/// What is trained, how, and where it goes.
#[derive(Clone, Debug)]
pub struct Options {
    /// The model file; its card, its curve and its checkpoint lie beside it.
    pub out: PathBuf,
    /// The cell.
    pub cell: Cell,
    /// Its size: a multiple of 16 from 32 to 256.
    pub hidden: u32,
    /// What it is trained on.
    pub device: Device,
    /// Times that every packet is learned from, at most.
    pub epochs: u32,
    /// Where chance begins.
    pub seed: u64,
    /// Whether all sources teach.
    pub all: bool,
    /// Goes on from the checkpoint beside [`out`](Self::out).
    pub resume: bool,
    /// The command that asks for all this, for the model file and its card.
    pub command: String,
    /// What the split is called.
    pub split: String,
}

impl Options {
    /// The model's name: its file's without the ending.
    #[must_use]
    pub fn name(&self) -> String {
        self.out.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Where the training keeps what it needs to go on.
    #[must_use]
    pub fn checkpoint(&self) -> PathBuf {
        self.out.with_extension("checkpoint")
    }

    /// The same of the best epoch so far.
    fn best(&self) -> PathBuf {
        self.out.with_extension("best")
    }
}
