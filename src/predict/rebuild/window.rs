//! Packets held back for a while, so that one that is known late still finds its place.

use std::collections::BTreeMap;

use crate::flow::{ConnectionId, Side};
use crate::time::{Span, Timestamp};

use super::stream::{Segment, Standing, Stream};

/// In which order packets leave.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Order {
    /// By time, but within a TCP connection a segment that came late stands where its bytes belong,
    /// and a synthetic one between its neighbours in the stream.
    #[default]
    Sequence,
    /// Real packets as they were captured, synthetic ones by their time between them.
    Time,
}

impl Order {
    /// The name used in options and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::Time => "time",
        }
    }
}

/// Where a packet stands: all that leave, leave in this order while the window is long enough.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place {
    /// How often the capture's clock had been set back.
    epoch: u32,
    time: Timestamp,
    /// Which packet put into the window this is, or stands by.
    arrival: u64,
    /// False for one that stands straight before that packet.
    own: bool,
    /// Orders several that stand by one packet: their number in the stream, 0 for that packet.
    number: i64,
    /// Orders those of one number, which packet put into the window this is; 0 for that packet.
    tie: u64,
}

/// Packets in their places.
///
/// A packet leaves once packet time has come the window's length past it, or when the packets that
/// wait weigh more than the limit. Packets go in in the order of capture, each after the synthetic
/// ones that were made before it was looked at.
#[derive(Debug)]
pub struct Window<T> {
    order: Order,
    length: Span,
    limit: usize,
    weight: usize,
    epoch: u32,
    newest: Option<Timestamp>,
    arrivals: u64,
    waiting: BTreeMap<Place, Held<T>>,
    last: Option<Place>,
    /// By slot of the connection.
    streams: Vec<Streams>,
    moved: u64,
    late: u64,
}

/// A packet that left its window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Left<T> {
    /// The packet.
    pub item: T,
    /// Whether it stands elsewhere than its time puts it.
    pub moved: bool,
}

#[derive(Debug)]
struct Held<T> {
    item: T,
    weight: usize,
    /// How its side's stream knows it.
    filed: Option<(ConnectionId, Side, (i64, i64))>,
}

#[derive(Debug, Default)]
struct Streams {
    generation: u32,
    sides: [Stream; 2],
}

impl<T> Window<T> {
    /// An empty window that holds a packet back for `length` of packet time, and packets of `limit`
    /// bytes in all.
    #[must_use]
    pub fn new(order: Order, length: Span, limit: usize) -> Self {
        Self {
            order,
            length,
            limit,
            weight: 0,
            epoch: 0,
            newest: None,
            arrivals: 0,
            waiting: BTreeMap::new(),
            last: None,
            streams: Vec::new(),
            moved: 0,
            late: 0,
        }
    }

    /// A captured packet says what time it is. What waits long enough by then leaves before the packet
    /// is taken, so that it can't be placed among what should have left.
    ///
    /// A packet stamped a little earlier than the one before it counts as having its time; by more
    /// than the window's length, and the clock was set back: everything until then leaves first.
    pub fn clock(&mut self, time: Timestamp) {
        let newest = self.newest.unwrap_or(time);
        if newest.since(time) > self.length {
            self.epoch += 1;
            self.newest = Some(time);
        } else {
            self.newest = Some(newest.max(time));
        }
    }

    /// Takes a captured packet of `weight` bytes, which [`Window::clock`] was told of.
    ///
    /// `segment` is what it takes up of a TCP stream.
    pub fn take(&mut self, time: Timestamp, segment: Option<Segment>, weight: usize, item: T) {
        self.clock(time);
        let by_time = self.by_time(self.newest.unwrap_or(time));
        let (mut place, mut filed) = (by_time, None);
        if let Some(segment) = segment.filter(|it| it.len > 0 && self.order == Order::Sequence) {
            let stream = self.stream(&segment);
            let (standing, span) = stream.place(segment.start, segment.len);
            place = by_time.with(standing);
            if let Some(span) = span {
                stream.file(span, place);
                filed = Some((segment.id, segment.side, span));
            }
        }
        self.moved += u64::from(place != by_time);
        self.hold(place, Held { item, weight, filed });
    }

    /// Takes a synthetic packet and answers where it stands, for [`Window::find`].
    pub fn take_synthetic(
        &mut self,
        time: Timestamp,
        segment: Option<Segment>,
        weight: usize,
        item: T,
    ) -> Place {
        self.advance(time);
        let mut place = self.by_time(time);
        if let Some(segment) = segment.filter(|it| it.len > 0 && self.order == Order::Sequence) {
            let standing = self.stream(&segment).place_synthetic(segment.start, segment.len, place);
            place = place.with(standing);
        }
        self.late += u64::from(self.last.is_some_and(|last| place < last));
        self.hold(place, Held { item, weight, filed: None });
        place
    }

    /// Packet time has come to `now` though no packet did.
    pub fn advance(&mut self, now: Timestamp) {
        self.newest = Some(self.newest.map_or(now, |newest| newest.max(now)));
    }

    /// The next packet whose time in the window is over.
    pub fn pop(&mut self) -> Option<Left<T>> {
        let place = *self.waiting.first_key_value()?.0;
        let over = self.newest.is_some_and(|newest| place.time.after(self.length) <= newest);
        (place.epoch < self.epoch || over || self.weight > self.limit).then(|| self.pop_first())?
    }

    /// The next packet, whether its time is over or not: for the end.
    pub fn pop_first(&mut self) -> Option<Left<T>> {
        let (place, held) = self.waiting.pop_first()?;
        self.weight -= held.weight;
        self.last = Some(self.last.map_or(place, |last| last.max(place)));
        if let Some((id, side, span)) = held.filed
            && let Some(streams) = self.streams.get_mut(id.slot.index())
            && streams.generation == id.generation
        {
            streams.sides[side as usize].leave(span, place);
        }
        Some(Left { item: held.item, moved: !place.own || place.number != 0 })
    }

    /// A packet that still waits.
    pub fn find(&mut self, place: &Place) -> Option<&mut T> {
        self.waiting.get_mut(place).map(|held| &mut held.item)
    }

    /// Captured packets that stand before one that was captured earlier.
    #[must_use]
    pub const fn moved(&self) -> u64 {
        self.moved
    }

    /// Synthetic packets whose place had left when they became known; they stand as near as was left.
    #[must_use]
    pub const fn late(&self) -> u64 {
        self.late
    }

    fn by_time(&mut self, time: Timestamp) -> Place {
        self.arrivals += 1;
        Place { epoch: self.epoch, time, arrival: self.arrivals, own: true, number: 0, tie: 0 }
    }

    fn hold(&mut self, place: Place, held: Held<T>) {
        self.weight += held.weight;
        self.waiting.insert(place, held);
    }

    /// The stream of a segment; empty where another connection had the slot.
    fn stream(&mut self, segment: &Segment) -> &mut Stream {
        let (slot, generation) = (segment.id.slot.index(), segment.id.generation);
        if slot >= self.streams.len() {
            self.streams.resize_with(slot + 1, Streams::default);
        }
        let streams = &mut self.streams[slot];
        if streams.generation != generation {
            *streams = Streams { generation, ..Streams::default() };
        }
        &mut streams.sides[segment.side as usize]
    }
}

impl Place {
    const fn with(self, standing: Standing) -> Self {
        match standing {
            Standing::ByTime => self,
            Standing::Before(place, number) => {
                Self { own: false, number, tie: self.arrival, ..place }
            }
            Standing::Behind(place, number) => Self { number, tie: self.arrival, ..place },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flow::Slot;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    fn segment(start: u32, len: u32) -> Option<Segment> {
        let id = ConnectionId { slot: Slot(3), generation: 1 };
        Some(Segment { id, side: Side::A, start, len })
    }

    fn window(order: Order) -> Window<&'static str> {
        Window::new(order, Span::from_secs(2), 1_000)
    }

    fn popped(window: &mut Window<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| window.pop()).map(|left| left.item).collect()
    }

    fn rest<T>(mut window: Window<T>) -> Vec<T> {
        std::iter::from_fn(|| window.pop_first()).map(|left| left.item).collect()
    }

    #[test]
    fn a_late_segment_stands_where_its_bytes_belong_and_a_repetition_where_it_came() {
        let mut it = window(Order::Sequence);
        it.take(at(0), segment(u32::MAX - 99, 100), 10, "first");
        it.take(at(1), segment(200, 100), 10, "fourth");
        it.take(at(2), segment(300, 0), 10, "acknowledgement");
        it.take(at(3), segment(100, 100), 10, "third");
        it.take(at(4), segment(0, 100), 10, "second");
        it.take(at(5), segment(100, 100), 10, "again");
        it.take(at(6), segment(150, 100), 10, "overlapping");
        assert_eq!((it.moved(), it.late()), (2, 0));
        let order =
            ["first", "second", "third", "fourth", "acknowledgement", "again", "overlapping"];
        assert_eq!(rest(it), order);
    }

    #[test]
    fn in_the_order_of_time_captured_packets_stay_as_they_came() {
        let mut it = window(Order::Time);
        it.take(at(1_000), segment(0, 100), 10, "a");
        it.take(at(1_001), segment(200, 100), 10, "c");
        it.take_synthetic(at(1_000), segment(100, 100), 10, "made");
        it.take(at(900), segment(100, 100), 10, "b");
        assert_eq!(rest(it), ["a", "made", "c", "b"]);
    }

    #[test]
    fn a_synthetic_packet_stands_between_its_neighbours_whatever_its_time() {
        for time in [0, 5, 10, 15, 20, 25] {
            let mut it = window(Order::Sequence);
            it.take(at(10), segment(0, 100), 10, "before");
            it.take(at(20), segment(200, 100), 10, "after");
            it.take_synthetic(at(time), segment(100, 100), 10, "made");
            it.take(at(21), segment(100, 100), 10, "filler");
            assert_eq!(rest(it), ["before", "made", "filler", "after"], "{time}");
        }
    }

    #[test]
    fn a_packet_leaves_when_time_has_come_past_it_or_the_others_weigh_too_much() {
        let mut it = window(Order::Sequence);
        it.take(at(0), None, 10, "a");
        it.take(at(1_999), None, 10, "b");
        assert!(popped(&mut it).is_empty());
        it.advance(at(2_000));
        assert_eq!(popped(&mut it), ["a"]);
        it.take(at(2_000), None, 995, "heavy");
        assert_eq!(popped(&mut it), ["b"]);
        it.take_synthetic(at(1_000), None, 1, "late");
        assert_eq!((popped(&mut it), it.late()), (vec![], 1));
        assert_eq!(rest(it), ["late", "heavy"]);
    }

    #[test]
    fn a_clock_that_is_set_back_lets_everything_before_it_leave_first() {
        let mut it = window(Order::Sequence);
        it.take(at(10_000), None, 1, "a");
        it.take(at(9_000), None, 1, "a little back");
        it.take(at(1_000), None, 1, "far back");
        assert_eq!(popped(&mut it), ["a", "a little back"]);
        assert_eq!(rest(it), ["far back"]);
    }

    #[test]
    fn a_connection_that_reuses_a_slot_has_nothing_of_the_one_before() {
        let mut it = window(Order::Sequence);
        it.take(at(0), segment(1_000, 100), 1, "old");
        let reused = segment(500, 100)
            .map(|segment| Segment { id: ConnectionId { generation: 2, ..segment.id }, ..segment });
        it.take(at(1), reused, 1, "new");
        assert_eq!(rest(it), ["old", "new"]);
    }

    #[test]
    fn a_connections_streams_keep_within_their_bytes() {
        assert!(size_of::<Streams>() <= 112, "{}", size_of::<Streams>());
    }

    proptest! {
        #[test]
        fn every_packet_leaves_once_and_no_hole_is_filled_behind_it(
            order in prop::sample::subsequence((0u32..40).collect::<Vec<_>>(), 30).prop_shuffle(),
            start in any::<u32>(),
        ) {
            let mut it = Window::new(Order::Sequence, Span::from_secs(60), usize::MAX);
            // The first segment anchors the stream; anything may follow in any order.
            for (number, index) in std::iter::once(0).chain(order.iter().map(|i| i + 1)).enumerate() {
                let begin = start.wrapping_add(index * 10);
                it.take(at(number as i64), segment(begin, 10), 1, index);
            }
            let mut sorted = rest(it);
            prop_assert_eq!(sorted.len(), 31);
            prop_assert!(sorted.is_sorted(), "{:?}", sorted);
            sorted.dedup();
            prop_assert_eq!(sorted.len(), 31);
        }

        #[test]
        fn with_any_window_and_any_numbers_everything_leaves(
            packets in prop::collection::vec((0i64..5_000, any::<u32>(), 0u32..3_000, any::<bool>()), 0..200),
            limit in 0usize..200,
        ) {
            let mut it = Window::new(Order::Sequence, Span::from_secs(1), limit);
            let mut left = 0;
            for (time, start, len, synthetic) in &packets {
                if *synthetic {
                    it.take_synthetic(at(*time), segment(*start, *len), 1, ());
                } else {
                    it.take(at(*time), segment(start % 10_000, *len), 1, ());
                }
                while it.pop().is_some() {
                    left += 1;
                }
                prop_assert!(it.weight <= limit);
            }
            prop_assert_eq!(left + rest(it).len(), packets.len());
        }
    }
}
