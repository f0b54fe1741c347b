//! Many sensors that agree without showing anybody's addresses.
//!
//! ```text
//! Stage of each sensor -> Contribution -> blobs -> any transport -> Aggregator
//!   counters, reach, activity, weights; keyed and sealed             Ledger, round by round
//! Stage of each sensor <- View         <- blob  <- any transport <- weights, targets
//! ```
//!
//! A sensor sends the *state* of its windows, not what changed, so that a lost blob is made good by the
//! next and a doubled one changes nothing: [`Ledger::merge`] is commutative, associative and
//! idempotent. Time is cut into rounds (intervals) and epochs (windows) of the capture's own clock, the
//! same for all, so that sensors agree on them without speaking of them.
//!
//! What it promises: no I/O, no clock but the one it is told; bytes that nobody vouches for are
//! refused by name and counted, and take no more memory than [`Caps`] say. What it does not do:
//! carry blobs (see `exchange`), or tell one holder of the key from another: the transport must
//! say who sent a blob.

mod aggregator;
mod contribution;
mod ledger;
pub(super) mod publish;
mod refusal;
pub(super) mod terms;
mod view;

pub use aggregator::{Aggregator, Tally};
pub use contribution::{Contribution, Reached, is_sensor};
pub use ledger::Ledger;
pub use refusal::{Refusal, Refused};
pub use terms::{Agreed, Caps, Terms};
pub use view::{Merged, NetworkTarget, View};

#[cfg(test)]
mod tests;
