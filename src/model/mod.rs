//! Forecasts: for every live connection a distribution of its next packet, scored and learned on line.
//!
//! A [`Model`] keeps one small state per connection, addressed by [`Slot`], next to whatever it
//! shares over connections. The sensor scores a packet against the forecast made *before* it
//! ([`Model::score`]), lets the model step past it ([`Model::step`]), and asks what comes next
//! ([`Model::deadline`] after every packet, [`Model::expect`] only when somebody wants to read it).
//!
//! What it does not do: decide what is anomalous, or when a synthetic packet is due.

mod adaptive;
mod counts;
pub mod discretise;
pub mod engine;
pub mod file;
mod forecast;
pub mod heads;
mod kept;
mod markov;
mod network;
mod origin;
mod packet;
pub mod schema;

pub use adaptive::{Adaptive, GRU_SMALL, MIXER_ONLY};
pub use forecast::{Expectation, SizeRange, Surprise, TimeRange};
pub use heads::Forecast;
pub use kept::KeptError;
pub use markov::{Markov, TimeForecast};
pub use origin::Origin;
pub(crate) use origin::mix;
pub use packet::{FlagClass, PacketFacts};

use crate::flow::Slot;
use crate::time::Span;

/// A forecaster of packets.
///
/// Slots are dense and reused: `begin` comes first, `end` last, and in between a slot belongs to one
/// connection. Calls are made by one thread in packet-time order, so equal calls give equal answers.
pub trait Model: Send {
    /// A name and version for logs: two models with the same name answer the same.
    fn name(&self) -> &str;

    /// A connection begins in `slot`; its first packet is about to be scored.
    fn begin(&mut self, slot: Slot, origin: &Origin);

    /// The connection in `slot` will be asked about soon: what is kept of it may be fetched from memory.
    fn prefetch(&self, _slot: Slot) {}

    /// How surprising `packet` is, under the forecast standing before it. Does not change anything.
    fn score(&self, slot: Slot, packet: &PacketFacts) -> Surprise;

    /// Moves the connection's state past `packet`; learns from it only if `learn` is set.
    fn step(&mut self, slot: Slot, packet: &PacketFacts, learn: bool);

    /// When the next packet is due: the `quantile` of the time to it given that one comes, and how
    /// sure the model is of that; `None` where it has no forecast worth having, or its confidence is
    /// not `at_least` so high.
    fn deadline(&self, slot: Slot, quantile: f32, at_least: f32) -> Option<Deadline>;

    /// The standing forecast, for a reader. `run` holds packets imagined since the last real one.
    fn expect(&self, slot: Slot, run: &[PacketFacts], quantile: f32) -> Expectation;

    /// The connection in `slot` ended; `learn` is set if it fell silent by itself, so that the model
    /// may learn that nothing more came.
    fn end(&mut self, slot: Slot, learn: bool);

    /// Bytes the model holds in all, and how many of them belong to one connection.
    fn memory(&self) -> ModelMemory;

    /// What it learned over all connections, to be given to [`Self::restore`] after a restart; `None`
    /// from a model that keeps nothing.
    fn keep(&self) -> Option<Vec<u8>> {
        None
    }

    /// Goes on from what [`Self::keep`] gave, before any connection began.
    ///
    /// # Errors
    /// When it is not of this model in this form; then nothing changes.
    fn restore(&mut self, _kept: &[u8]) -> Result<(), KeptError> {
        Err(KeptError::KeepsNothing)
    }

    /// Bytes of a connection's state for [`Self::keep_state`], always the same; 0 if it keeps none.
    fn state_len(&self) -> usize {
        0
    }

    /// Writes the state of the connection in `slot` into [`Self::state_len`] bytes.
    fn keep_state(&self, _slot: Slot, _to: &mut [u8]) {}

    /// The connection that began in `slot` is one whose state was kept, `silence` after its last
    /// packet; `turned` is set if its sides have changed places. Whether it goes on from there.
    fn restore_state(&mut self, _slot: Slot, _from: &[u8], _turned: bool, _silence: Span) -> bool {
        false
    }
}

/// A due time, relative to the last packet.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Deadline {
    /// Time from the connection's last packet.
    pub after: Span,
    /// How far the deadline deserves belief, 0 to 1: near 1 only if another packet comes almost
    /// surely, and at almost surely this time.
    pub confidence: f32,
}

/// Where a model's memory goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ModelMemory {
    /// All of it, in bytes.
    pub total: usize,
    /// The part that grows with each connection, in bytes a connection.
    pub per_connection: usize,
}
