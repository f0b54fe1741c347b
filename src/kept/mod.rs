//! What outlives a connection: which services were met, how returning connections stood when they
//! were last seen, and what was asked to be forgotten.
//!
//! ```text
//! a connection ends -> Directory (its service), Records (its 5-tuple, the model's state of it)
//! a connection begins -> Forgotten (salts its contexts), Records (its own state, if it was here)
//! ```
//!
//! A *returning* connection is one between the same addresses and ports on the same protocol: a long
//! connection whose sensor was restarted, or one between fixed ports that fell silent and goes on. A
//! TCP connection that was closed does not return, and one that begins with a SYN is a new one. What
//! the same addresses did on the same service, and what a service does at all, stands in the model's
//! own table, so that a similar connection begins with that.
//!
//! All of it is bounded and made beforehand: a connection's end allocates nothing. What it does not do:
//! read or write files; that is [`crate::store`]'s.

mod contents;
mod forgotten;
mod records;
mod services;
mod snapshot;

pub use contents::{Contents, Forgot, NoTarget, Target};
pub use forgotten::{Forgotten, TooManyForgotten};
pub use records::{Ends, Record, Records};
pub use services::{Directory, ServiceRecord};
pub use snapshot::{Part, Snapshot};

use std::fmt;

use crate::flow::{ConnectionKey, ConnectionState, Summary};
use crate::model::{KeptError, Origin};
use crate::score::{ConnectionScore, StateError};
use crate::time::{Span, Timestamp};

/// Names of the parts of a snapshot.
pub mod part {
    /// What the model learned over all connections.
    pub const MODEL: &str = "model";
    /// The [`Directory`](super::Directory) of services.
    pub const SERVICES: &str = "services";
    /// The [`Records`](super::Records) of connections.
    pub const CONNECTIONS: &str = "connections";
    /// What was [`Forgotten`](super::Forgotten).
    pub const FORGOTTEN: &str = "forgotten";
    /// What the scores know of the site.
    pub const SCORES: &str = "scores";
}

const TCP: u8 = 6;
/// Ports from here on are given out to clients by some system (Linux from 32,768, IANA from 49,152).
const EPHEMERAL: u16 = 32_768;
/// Packets from which a connection is kept though one of its ports is a client's.
const MIN_PACKETS: u64 = 8;

/// Everything that outlives connections but the model's own table.
pub struct Kept {
    /// Services met.
    pub directory: Directory,
    /// Connections that may return.
    pub records: Records,
    /// What was asked to be forgotten.
    pub forgotten: Forgotten,
    returned: u64,
}

/// Why a snapshot can't be taken back.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RestoreError {
    /// The model does not take it.
    Model(KeptError),
    /// A part that every snapshot has is missing.
    Missing(&'static str),
    /// A part can't be understood.
    Damaged(&'static str),
    /// The scores don't take it.
    Scores(StateError),
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(error) => error.fmt(f),
            Self::Missing(part) => write!(f, "it has no part \"{part}\""),
            Self::Damaged(part) => write!(f, "its part \"{part}\" can't be understood"),
            Self::Scores(error) => write!(f, "its part \"{}\": {error}", part::SCORES),
        }
    }
}

impl std::error::Error for RestoreError {}

/// What a returning connection begins from.
pub struct Returning<'a> {
    /// The model's state of it.
    pub state: &'a [u8],
    /// Whether side A was side B then.
    pub turned: bool,
    /// How long it was silent.
    pub silence: Span,
}

impl Kept {
    /// Nothing met yet; room for `connections` whose states take `state_len` bytes each.
    #[must_use]
    pub fn new(connections: usize, state_len: usize) -> Self {
        Self {
            directory: Directory::new(),
            records: Records::new(connections, state_len),
            forgotten: Forgotten::default(),
            returned: 0,
        }
    }

    /// A connection begins: its origin, under which nothing forgotten is found again.
    #[must_use]
    pub fn origin(&self, origin: Origin, key: &ConnectionKey) -> Origin {
        self.forgotten.salted(origin, key)
    }

    /// What it begins from, if it was here before.
    #[must_use]
    pub fn find(&self, key: &ConnectionKey, now: Timestamp) -> Option<Returning<'_>> {
        if key.domain != 0 {
            return None;
        }
        let (ends, turned) = Ends::of(key);
        let (record, state) = self.records.find(&ends)?;
        Some(Returning {
            state,
            turned: turned != record.a_is_upper,
            silence: now.since(record.last),
        })
    }

    /// A connection ended; `keep` writes the model's state of it.
    pub fn end(
        &mut self,
        summary: &Summary,
        score: &ConnectionScore,
        keep: impl FnOnce(&mut [u8]),
    ) {
        self.directory.count(summary, score);
        if let Some(record) = returning(summary, score) {
            self.records.put(record, keep);
        }
    }

    /// Counts a connection that began from its record.
    pub const fn count_return(&mut self) {
        self.returned += 1;
    }

    /// Connections that began from a record.
    #[must_use]
    pub const fn returned(&self) -> u64 {
        self.returned
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.directory.memory() + self.records.memory() + self.forgotten.memory()
    }
}

/// Whether a connection that is seen for the last time may be seen again: not a TCP connection that
/// was closed or never opened (`goes_on` is false), and not a question and its answer from a
/// client's port, of which a busy site has so many that they would push out all others.
#[must_use]
pub fn may_return(ends: &Ends, goes_on: bool, packets: u64) -> bool {
    let fixed = ends.lower.1 < EPHEMERAL && ends.upper.1 < EPHEMERAL;
    let is_tcp = ends.protocol == TCP;
    (goes_on || !is_tcp) && (packets >= MIN_PACKETS || (fixed && !is_tcp))
}

/// The record of a connection that may return.
fn returning(summary: &Summary, score: &ConnectionScore) -> Option<Record> {
    let goes_on = matches!(summary.state, ConnectionState::S1 | ConnectionState::Oth);
    let record = record(summary, score);
    // The number of a domain is given anew by each sensor.
    let may = summary.key.domain == 0 && may_return(&record.ends, goes_on, record.packets);
    may.then_some(record)
}

fn record(summary: &Summary, score: &ConnectionScore) -> Record {
    let (ends, a_is_upper) = Ends::of(&summary.key);
    Record {
        ends,
        a_is_upper,
        first: summary.first,
        last: summary.last,
        packets: summary.sides.iter().map(|side| side.packets).sum(),
        scored: u64::from(score.scored),
        bits: f64::from(score.total),
    }
}

impl Kept {
    /// The three parts of it, with the connections that are live now as if they ended: `live` gives
    /// each to what it is called with.
    pub fn snapshot(
        &self,
        snapshot: &mut Snapshot,
        live: impl FnOnce(&mut dyn FnMut(&Summary, &ConnectionScore, &dyn Fn(&mut [u8]))),
    ) {
        let mut directory = self.directory.clone();
        let mut records = self.records.clone();
        live(&mut |summary, score, keep| {
            directory.count(summary, score);
            if let Some(record) = returning(summary, score) {
                records.put(record, keep);
            }
        });
        snapshot.put(part::SERVICES, directory.encode());
        snapshot.put(part::CONNECTIONS, records.encode());
        snapshot.put(part::FORGOTTEN, self.forgotten.encode());
    }

    /// Takes back what [`Self::snapshot`] gave, or nothing of it.
    ///
    /// # Errors
    /// When a part is missing or can't be understood.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), RestoreError> {
        let part = |name| snapshot.get(name).ok_or(RestoreError::Missing(name));
        let damaged = RestoreError::Damaged;
        let directory = Directory::decode(part(part::SERVICES)?).ok_or(damaged(part::SERVICES))?;
        let forgotten =
            Forgotten::decode(part(part::FORGOTTEN)?).ok_or(damaged(part::FORGOTTEN))?;
        let connections = part(part::CONNECTIONS)?;
        let taken = self.records.take(connections).ok_or(damaged(part::CONNECTIONS))?;
        (self.directory, self.forgotten, self.records) = (directory, forgotten, taken);
        Ok(())
    }
}
