//! Events waiting for the host, bounded.

use std::collections::VecDeque;

use super::{Event, Shed};

/// A bounded queue that loses its oldest events when nobody polls, and says so.
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

    pub(super) fn push(&mut self, event: Event) {
        if self.events.len() >= self.capacity
            && let Some(lost) = self.events.pop_front()
        {
            let shed = self.shed.get_or_insert(Shed { time: lost.time(), events: 0 });
            shed.events += 1;
            self.shed_total += 1;
        }
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
    fn a_full_queue_loses_the_oldest_and_says_how_many() {
        let mut queue = EventQueue::new(2);
        (1..=5).for_each(|nanos| queue.push(event(nanos)));
        let Some(Event::Shed(shed)) = queue.pop() else { panic!("no notice") };
        assert_eq!((shed.time.nanos(), shed.events), (1, 3));
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).map(|e| e.time().nanos()).collect();
        assert_eq!(rest, [4, 5]);
        assert_eq!(queue.shed_total(), 3);
    }
}
