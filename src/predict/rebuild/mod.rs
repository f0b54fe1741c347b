//! The rebuilt stream: what was captured with what was not, each in its place.
//!
//! [`Window`] holds packets back for a stated while, so that a synthetic packet that is known only
//! after its time still finds its place. [`Templates`] keeps what the last real packet of each side
//! began with, and makes a synthetic packet's headers of it.
//!
//! What it promises: real packets leave as they came in, byte for byte; memory is bounded by the
//! window's bytes and the sensor's connections; nothing depends on anything but packets and events.
//!
//! What it does not do: I/O, or invent payload. A synthetic packet is headers only, cut where the
//! payload would begin.

mod headers;
mod stream;
mod template;
mod window;

pub use headers::Synthesis;
pub use stream::Segment;
pub use template::Templates;
pub use window::{Left, Order, Place, Window};
