//! Events waiting for the host, bounded.

use std::collections::VecDeque;

use super::{Event, Shed};

/// A queue that loses its oldest events when nobody polls, and says so.
///
/// It is bounded between calls, not within one: when a capture ends or time jumps, every connection
/// may close at once, and a host that polls after each call must hear of all of them.
pub(super) struct EventQueue {
    events: VecDeque<Event>,
    capacity: usize,
    shed: Option<Shed>,
    shed_total: u64,
}

impl EventQueue {
    pub(super) fn new(capacity: usize) -> Self {
        Self { events: VecDeque::new(), capacity, shed: None, shed_total: 0 }
    }

    /// A call into the sensor begins: what the host left lying beyond the capacity is lost.
    #[inline]
    pub(super) fn begin_call(&mut self) {
        if self.events.len() > self.capacity {
            self.shed_oldest();
        }
    }

    #[cold]
    fn shed_oldest(&mut self) {
        let excess = self.events.len() - self.capacity;
        if let Some(oldest) = self.events.front() {
            let shed = self.shed.get_or_insert(Shed { time: oldest.time(), events: 0 });
            shed.events += excess as u64;
            self.shed_total += excess as u64;
        }
        self.events.drain(..excess);
    }

    pub(super) fn push(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// The next event; a notice of what was lost comes before the first that was not.
    pub(super) fn pop(&mut self) -> Option<Event> {
        self.shed.take().map(Event::Shed).or_else(|| self.events.pop_front())
    }

    /// Events lost in all.
    pub(super) fn shed_total(&self) -> u64 {
        self.shed_total
    }

    pub(super) fn memory(&self) -> usize {
        self.events.capacity() * size_of::<Event>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensor::Stats;
    use crate::time::Timestamp;

    fn event(nanos: i64) -> Event {
        Event::Stats { time: Timestamp::from_nanos(nanos), stats: Stats::default() }
    }

    #[test]
    fn a_host_that_does_not_poll_loses_the_oldest_and_hears_how_many() {
        let mut queue = EventQueue::new(2);
        (1..=5).for_each(|nanos| queue.push(event(nanos)));
        queue.begin_call();
        let Some(Event::Shed(shed)) = queue.pop() else { panic!("no notice") };
        assert_eq!((shed.time.nanos(), shed.events), (1, 3));
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|e| e.time().nanos()).collect();
        assert_eq!(rest, [4, 5]);
        assert_eq!(queue.shed_total(), 3);
    }

    #[test]
    fn one_call_may_raise_any_number_of_events() {
        let mut queue = EventQueue::new(2);
        queue.begin_call();
        (1..=5).for_each(|nanos| queue.push(event(nanos)));
        assert_eq!(std::iter::from_fn(|| queue.pop()).count(), 5);
        queue.begin_call();
        assert_eq!(queue.shed_total(), 0);
    }
}
