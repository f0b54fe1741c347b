//! One side of a TCP connection as far as it waits in the window: which bytes, and where they stand.

use std::collections::BTreeMap;

use crate::flow::{ConnectionId, Side};

use super::window::Place;

/// The stretch of a TCP stream that a packet takes up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment {
    /// The connection.
    pub id: ConnectionId,
    /// Who sent it.
    pub side: Side,
    /// The sequence number it begins at.
    pub start: u32,
    /// How many numbers it takes: its payload, and one each for SYN and FIN. 0 for a bare
    /// acknowledgement, which has no place of its own in the stream.
    pub len: u32,
}

/// Further apart than this, two sequence numbers do not belong to one stream; as `flow` has it.
const PLAUSIBLE: i64 = 1 << 30;
/// Where counting begins, so that earlier numbers stay above 0.
const ORIGIN: i64 = 1 << 40;

/// Where a segment is to stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// Where its time puts it.
    ByTime,
    /// Straight before a segment that waits at this place; the number orders several.
    Before(Place, i64),
    /// Straight behind one.
    Behind(Place, i64),
}

/// The waiting segments of one side, none of them overlapping another.
///
/// Numbers are counted on past 32 bits, from [`ORIGIN`].
#[derive(Debug, Default)]
pub(super) struct Stream {
    is_started: bool,
    /// The sequence number counted as [`ORIGIN`].
    base: u32,
    /// The highest end of all segments.
    next: i64,
    /// The highest end of those that have left the window.
    left: i64,
    /// By their start: their end, and where they stand.
    waiting: BTreeMap<i64, (i64, Place)>,
}

impl Stream {
    /// Where a real segment is to stand, and its span if it is to be known by [`Stream::file`].
    ///
    /// Only a segment that brings bytes which the window shows to be missing stands elsewhere than
    /// its time puts it: a repetition was sent when it was sent.
    pub(super) fn place(&mut self, start: u32, len: u32) -> (Standing, Option<(i64, i64)>) {
        let Some((start, end)) = self.span(start, len) else {
            let (next, left) = (ORIGIN + i64::from(len), ORIGIN - PLAUSIBLE);
            let waiting = BTreeMap::new();
            *self = Self { is_started: true, base: start, next, left, waiting };
            return (Standing::ByTime, Some((ORIGIN, next)));
        };
        let behind = start < self.next;
        self.next = self.next.max(end);
        if !behind {
            return (Standing::ByTime, Some((start, end)));
        }
        let free = self.before(start).is_none_or(|(before, _)| before <= start)
            && self.after(start).is_none_or(|(after, _)| end <= after);
        if start < self.left || !free {
            return (Standing::ByTime, None);
        }
        match self.after(start) {
            Some((_, place)) => (Standing::Before(place, start), Some((start, end))),
            None => (Standing::ByTime, Some((start, end))),
        }
    }

    /// Where a synthetic segment is to stand if its time puts it at `place`.
    pub(super) fn place_synthetic(&self, start: u32, len: u32, place: Place) -> Standing {
        let Some((start, _)) = self.span(start, len) else { return Standing::ByTime };
        match (self.before(start), self.after(start)) {
            (_, Some((_, after))) if place > after => Standing::Before(after, start),
            (Some((_, before)), _) if place < before => Standing::Behind(before, start),
            _ => Standing::ByTime,
        }
    }

    /// Notes that the segment with this span stands at `place`.
    pub(super) fn file(&mut self, (start, end): (i64, i64), place: Place) {
        self.waiting.insert(start, (end, place));
    }

    /// The segment with this span left the window.
    pub(super) fn leave(&mut self, (start, end): (i64, i64), place: Place) {
        if self.waiting.get(&start).is_some_and(|waiting| *waiting == (end, place)) {
            self.waiting.remove(&start);
            self.left = self.left.max(end);
        }
    }

    /// The segment's first number and the one past its last; `None` where it is not of this stream.
    fn span(&self, start: u32, len: u32) -> Option<(i64, i64)> {
        let low = self.base.wrapping_add((self.next - ORIGIN) as u32);
        let distance = i64::from(start.wrapping_sub(low) as i32);
        let plausible =
            self.is_started && distance.abs() <= PLAUSIBLE && i64::from(len) <= PLAUSIBLE;
        plausible.then(|| (self.next + distance, self.next + distance + i64::from(len)))
    }

    fn before(&self, start: i64) -> Option<(i64, Place)> {
        self.waiting.range(..start).next_back().map(|(_, waiting)| *waiting)
    }

    fn after(&self, start: i64) -> Option<(i64, Place)> {
        self.waiting.range(start..).next().map(|(after, (_, place))| (*after, *place))
    }
}
