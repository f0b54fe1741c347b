//! Measuring forecasts: bits per packet on captures that no model was trained on.
//!
//! ```text
//! Dataset (captures, grouped in sources) -> Split (which sources train, which are held out)
//!   -> every Forecaster: trained on the one part, measured on the other -> Report
//! ```
//!
//! Models of different kinds are compared on the symbols of [`crate::model::discretise`]: a packet
//! costs a model `-log2` of the probability it gave, before the packet came, to side and flags,
//! then to the size given those, then to the time given both. A connection here is what
//! [`connections`] says, not what the flow table says, so that the figures of two versions of the
//! flow table can be compared; its first packet is never scored.
//!
//! What it promises: the same captures, split and models give the same figures. Packets go past in
//! capture order, connections interleaved as they were, because models that learn on line see them
//! so. Every capture begins with the model as it was trained: what it learned in one capture does
//! not help it in the next.
//!
//! [`detect`] measures the sensor's verdicts the same way. What it does not do: train networks (only
//! the mixer beside one: [`fit`]).

mod baseline;
pub mod categories;
pub mod connections;
mod dataset;
pub mod detect;
mod error;
mod fit;
pub mod gaps;
mod json;
mod measure;
mod online;
mod plot;
mod reliability;
mod report;
mod run;
mod split;
pub(crate) mod svg;
mod table;
mod warm;
mod witten_bell;

pub use baseline::Baseline;
pub use dataset::{Capture, Dataset, Packet};
pub use error::EvalError;
pub use fit::{PASSES, fit};
pub use json::json;
pub use measure::{PointErrors, Score};
pub use online::Online;
pub use plot::svg;
pub use reliability::{BINS, Bin, Calibration};
pub use report::{Extent, ModelReport, Report, SourceReport};
pub use run::{line_up, line_up_with, measure, models_of, part_of, train};
pub use split::{Part, Split};
pub use table::table;
pub use warm::{Kind, Starts, WarmSource, warm, warm_json, warm_table};

use crate::flow::Slot;
use crate::model::{Origin, PacketFacts};
use crate::time::Span;

/// The times `t` at which "the next packet comes within `t`" is asked: two a decade, from a tenth of
/// a millisecond to a hundred seconds.
pub const HORIZONS: [Span; 13] = [
    Span::from_micros(100),
    Span::from_micros(316),
    Span::from_micros(1_000),
    Span::from_micros(3_162),
    Span::from_micros(10_000),
    Span::from_micros(31_623),
    Span::from_micros(100_000),
    Span::from_micros(316_228),
    Span::from_micros(1_000_000),
    Span::from_micros(3_162_278),
    Span::from_micros(10_000_000),
    Span::from_micros(31_622_777),
    Span::from_micros(100_000_000),
];

/// The quantile whose deadline is checked.
pub const DEADLINE: f32 = 0.95;

/// A model that can be measured.
///
/// The calls come in this order: in training, and again over each capture that is scored,
/// [`restart`](Self::restart), then for each connection [`begin`](Self::begin), for each of its
/// packets (after the first: [`bits`](Self::bits) and [`ahead`](Self::ahead), then)
/// [`learn`](Self::learn), and [`end`](Self::end). Between training and scoring comes
/// [`trained`](Self::trained). Slots number the connections of one capture.
pub trait Forecaster {
    /// A short name, fit for the head of a column.
    fn name(&self) -> &str;

    /// How it came to know what it knows, in half a sentence.
    fn about(&self) -> &str;

    /// Whether it is to see the training sources. A model out of a file is not.
    fn trains(&self) -> bool {
        true
    }

    /// Training is over: what is known now is what every capture begins with.
    fn trained(&mut self);

    /// A capture begins; forgets its predecessor's connections, and what it taught since `trained`.
    fn restart(&mut self);

    /// A connection begins in `slot`; its first packet follows.
    fn begin(&mut self, slot: Slot, origin: &Origin);

    /// `-log2` of the probability of the packet's symbols under the forecast standing before it:
    /// side and flags, size given these, time given both. A model that forecasts more finely (exact
    /// sizes, a density over time) answers with the probability of the whole bin.
    fn bits(&mut self, slot: Slot, packet: &PacketFacts) -> [f64; 3];

    /// The standing forecast as a reader has it; `None` from models that only give probabilities.
    fn ahead(&mut self, slot: Slot) -> Option<Ahead>;

    /// Moves the connection past `packet`, and learns from it unless the model is frozen.
    fn learn(&mut self, slot: Slot, packet: &PacketFacts);

    /// The connection in `slot` gave way to another one between the same ends.
    fn end(&mut self, slot: Slot);
}

/// What a model expects of the next packet, given that one comes.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ahead {
    /// Half come sooner.
    pub median: Span,
    /// The likeliest payload size in bytes.
    pub size: u32,
    /// The [`DEADLINE`] quantile of the time.
    pub deadline: Span,
    /// Whether the model would stand behind that deadline.
    pub offered: bool,
    /// Probability that it comes within each of [`HORIZONS`].
    pub within: [f64; HORIZONS.len()],
}
