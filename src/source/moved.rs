//! Packets of a rebuilt stream that stand before their time, held back until it comes.
//!
//! A rebuilt stream in the order of sequence numbers has a late segment where its bytes belong, with
//! a comment that says as which of the captured packets it was captured. Read again, packets come in
//! the order of capture, so that a sensor sees what it saw. Where a file was edited and the numbers
//! no longer fit, a packet is let go as soon as one that is much later comes, or too many wait.

use std::collections::BTreeMap;

use super::PacketOptions;
use super::capture::Record;
use super::order::Order;
use super::window::Window;
use crate::time::{Span, Timestamp};

/// A packet is not held past one that is later by more than this: the longest window a stream can be
/// written with.
const LONGEST: Span = Span::from_secs(60);
/// Bytes that may be held.
const MOST: usize = 64 << 20;

/// Packets that wait for their turn, by the number they were captured as.
#[derive(Debug, Default)]
pub(super) struct Held {
    waiting: BTreeMap<u64, Kept>,
    bytes: usize,
}

/// A packet apart from the window it was read in.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) record: Record,
    /// Its data, then its options.
    bytes: Vec<u8>,
    order: Order,
}

impl Held {
    /// Whether a packet has to wait when `captured` captured ones came before it: its number then.
    pub(super) fn number_of(record: &Record, captured: u64) -> Option<u64> {
        record.moved.filter(|number| !record.synthetic && *number > captured.saturating_add(1))
    }

    /// Keeps a packet back.
    pub(super) fn keep(&mut self, number: u64, record: Record, window: &Window, order: Order) {
        let (mark, len) = record.options;
        let data = window.kept(record.mark, record.captured as usize);
        let bytes = [data, window.kept(mark, len)].concat();
        self.bytes += bytes.len();
        if let Some(before) = self.waiting.insert(number, Kept { record, bytes, order }) {
            self.bytes -= before.bytes.len();
        }
    }

    /// The first packet whose turn it is, after so many captured ones and before one of this time.
    pub(super) fn due(&mut self, captured: u64, next: Option<Timestamp>) -> Option<Kept> {
        let (number, kept) = self.waiting.first_key_value()?;
        let over = next.is_none_or(|next| next.since(kept.record.time) > LONGEST);
        (*number <= captured.saturating_add(1) || over || self.bytes > MOST).then(|| self.take())?
    }

    fn take(&mut self) -> Option<Kept> {
        let (_, kept) = self.waiting.pop_first()?;
        self.bytes -= kept.bytes.len();
        Some(kept)
    }
}

impl Kept {
    /// Its bytes and what was said of it.
    pub(super) fn parts(&self) -> (&[u8], PacketOptions<'_>) {
        let (data, options) =
            self.bytes.split_at_checked(self.record.captured as usize).unwrap_or_default();
        (data, PacketOptions::new(options, self.order))
    }
}
