//! Many deadlines on packet time at constant cost.
//!
//! A [`TimingWheel`] holds at most one deadline for each small dense number (an id, in practice a
//! connection's slot) and gives the due ones back in exact order of time, then id.
//!
//! # How it works
//!
//! Time is cut into ticks of 2^20 ns (about a millisecond). Eight levels of 64 buckets cover every
//! tick an `i64` of nanoseconds can name: level 0 holds the entries that share all but the lowest
//! six bits of their tick with the current one, level 1 all but the lowest twelve, and so on. An
//! entry is filed by the highest six-bit digit in which its tick differs from the current tick, so
//! the first occupied bucket of the lowest occupied level always holds the earliest entries, and
//! one occupancy word a level finds it without looking at empty buckets: a jump over years costs
//! eight words. When a bucket's time comes its entries move down, at most eight times in an
//! entry's life. Entries of the current tick or the past stand in a binary heap by (time, id),
//! which is what makes the order exact and not merely right to a millisecond.
//!
//! Buckets are doubly linked through one array of 16-byte nodes, so arming, re-arming and
//! cancelling touch no allocator once the array has grown to the largest id; an entry in the heap
//! knows its place there, so it can be cancelled without leaving a husk behind.
//!
//! What it does not do: read a clock. Time moves only in [`TimingWheel::pop_due`].

use std::iter::successors;

use super::Timestamp;

const TICK_BITS: u32 = 20;
const DIGIT_BITS: u32 = 6;
const BUCKETS: u32 = 1 << DIGIT_BITS;
const LEVELS: u32 = 8;

/// `prev` of a node that is not armed.
const IDLE: u32 = u32::MAX;
/// `prev` of a node in the heap; its `next` is then the position there.
const HEAPED: u32 = u32::MAX - 1;
/// `prev` of the first node of bucket `b` is `FIRST_BUCKET + b`.
const FIRST_BUCKET: u32 = HEAPED - LEVELS * BUCKETS;
/// End of a list.
const END: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Node {
    due: i64,
    prev: u32,
    next: u32,
}

/// Deadlines by id, in order of time; see the module's text.
pub struct TimingWheel {
    nodes: Vec<Node>,
    heads: [u32; (LEVELS * BUCKETS) as usize],
    occupied: [u64; LEVELS as usize],
    heap: Vec<u32>,
    tick: u64,
    armed: usize,
}

impl TimingWheel {
    /// An empty wheel whose clock stands at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            nodes: Vec::new(),
            heads: [END; (LEVELS * BUCKETS) as usize],
            occupied: [0; LEVELS as usize],
            heap: Vec::new(),
            tick: tick_of(now.nanos()),
            armed: 0,
        }
    }

    /// Sets the deadline of `id`, in place of the one it had. One in the past is due at once.
    ///
    /// # Panics
    ///
    /// When `id` is within 514 of `u32::MAX`; slots never are.
    pub fn arm(&mut self, id: u32, due: Timestamp) {
        assert!(id < FIRST_BUCKET, "ids this large mark buckets");
        let index = id as usize;
        if index >= self.nodes.len() {
            self.grow(index);
        } else {
            self.cancel(id);
        }
        self.nodes[index].due = due.nanos();
        self.armed += 1;
        self.file(id);
    }

    /// Takes back the deadline of `id`; tells whether it had one.
    pub fn cancel(&mut self, id: u32) -> bool {
        let Some(&Node { prev, next, .. }) = self.nodes.get(id as usize) else { return false };
        match prev {
            IDLE => return false,
            HEAPED => self.remove_from_heap(next as usize),
            bucket if bucket >= FIRST_BUCKET => {
                let bucket = bucket - FIRST_BUCKET;
                self.heads[bucket as usize] = next;
                if next == END {
                    self.occupied[(bucket / BUCKETS) as usize] &= !(1 << (bucket % BUCKETS));
                } else {
                    self.nodes[next as usize].prev = prev;
                }
            }
            before => {
                self.nodes[before as usize].next = next;
                if next != END {
                    self.nodes[next as usize].prev = before;
                }
            }
        }
        self.nodes[id as usize].prev = IDLE;
        self.armed -= 1;
        true
    }

    /// The deadline of `id`, if it has one.
    #[must_use]
    pub fn due(&self, id: u32) -> Option<Timestamp> {
        let node = self.nodes.get(id as usize)?;
        (node.prev != IDLE).then(|| Timestamp::from_nanos(node.due))
    }

    /// The earliest entry that is due at `now`, taken out; `None` when nothing is due any more.
    ///
    /// An earlier `now` than last time is harmless: what is due by then comes, and the wheel stands
    /// where it was.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<(u32, Timestamp)> {
        let target = tick_of(now.nanos());
        loop {
            if let Some(&id) = self.heap.first() {
                let due = self.nodes[id as usize].due;
                if due > now.nanos() {
                    return None;
                }
                self.cancel(id);
                return Some((id, Timestamp::from_nanos(due)));
            }
            if target <= self.tick {
                return None;
            }
            match self.first_bucket() {
                Some((level, digit, start)) if start <= target => {
                    self.tick = start;
                    self.open(level, digit);
                }
                // Nothing begins before the target, so every entry still differs from it in the
                // same digit as from the tick left behind, and keeps its bucket.
                _ => {
                    self.tick = target;
                    return None;
                }
            }
        }
    }

    /// Every entry, in no order to rely upon; costs what there is, not what there was.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        let some = |id: u32| (id != END).then_some(id);
        let follow = move |&id: &u32| some(self.nodes[id as usize].next);
        let filed = self.heads.iter().flat_map(move |&head| successors(some(head), follow));
        self.heap.iter().copied().chain(filed)
    }

    /// A time before which nothing is due, exact to the bucket it stands in; `None` when empty.
    #[must_use]
    pub fn next_due_bound(&self) -> Option<Timestamp> {
        if let Some(&id) = self.heap.first() {
            return Some(Timestamp::from_nanos(self.nodes[id as usize].due));
        }
        let (_, _, start) = self.first_bucket()?;
        Some(Timestamp::from_nanos(nanos_of(start)))
    }

    /// Takes back every deadline and sets the clock to `now`, earlier or later.
    pub fn clear(&mut self, now: Timestamp) {
        if self.armed > 0 {
            self.nodes.iter_mut().for_each(|node| node.prev = IDLE);
            self.heads = [END; (LEVELS * BUCKETS) as usize];
            self.occupied = [0; LEVELS as usize];
            self.heap.clear();
            self.armed = 0;
        }
        self.tick = tick_of(now.nanos());
    }

    /// How many deadlines stand.
    #[must_use]
    pub fn len(&self) -> usize {
        self.armed
    }

    /// Whether no deadline stands.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.armed == 0
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.nodes.capacity() * size_of::<Node>()
            + self.heap.capacity() * size_of::<u32>()
    }

    /// Grows by an eighth rather than by doubling: a million slots should not pay for two.
    fn grow(&mut self, index: usize) {
        let more = index + 1 - self.nodes.len();
        if index >= self.nodes.capacity() {
            self.nodes.reserve_exact(more.max(self.nodes.len() / 8).max(256));
        }
        self.nodes.resize(index + 1, Node { due: 0, prev: IDLE, next: END });
    }

    /// Links an unlinked node where its deadline belongs.
    fn file(&mut self, id: u32) {
        let tick = tick_of(self.nodes[id as usize].due);
        if tick <= self.tick {
            let at = self.heap.len();
            self.heap.push(id);
            self.nodes[id as usize].prev = HEAPED;
            self.sift_up(at);
            return;
        }
        let level = (63 - (tick ^ self.tick).leading_zeros()) / DIGIT_BITS;
        let digit = (tick >> (level * DIGIT_BITS)) as u32 % BUCKETS;
        let bucket = level * BUCKETS + digit;
        let first = std::mem::replace(&mut self.heads[bucket as usize], id);
        if first != END {
            self.nodes[first as usize].prev = id;
        }
        let node = &mut self.nodes[id as usize];
        node.prev = FIRST_BUCKET + bucket;
        node.next = first;
        self.occupied[level as usize] |= 1 << digit;
    }

    /// Level, digit and first tick of the bucket that comes first.
    fn first_bucket(&self) -> Option<(u32, u32, u64)> {
        let level = self.occupied.iter().position(|&word| word != 0)? as u32;
        let digit = self.occupied[level as usize].trailing_zeros();
        let shift = level * DIGIT_BITS;
        let above = self.tick >> (shift + DIGIT_BITS) << (shift + DIGIT_BITS);
        Some((level, digit, above | u64::from(digit) << shift))
    }

    /// Files every entry of a bucket anew, by the tick it begins with.
    fn open(&mut self, level: u32, digit: u32) {
        self.occupied[level as usize] &= !(1 << digit);
        let bucket = (level * BUCKETS + digit) as usize;
        let mut id = std::mem::replace(&mut self.heads[bucket], END);
        while id != END {
            let next = self.nodes[id as usize].next;
            self.file(id);
            id = next;
        }
    }

    fn before(&self, one: u32, other: u32) -> bool {
        (self.nodes[one as usize].due, one) < (self.nodes[other as usize].due, other)
    }

    fn place(&mut self, at: usize, id: u32) {
        self.heap[at] = id;
        self.nodes[id as usize].next = at as u32;
    }

    fn sift_up(&mut self, mut at: usize) {
        let id = self.heap[at];
        while at > 0 {
            let parent = (at - 1) / 2;
            if !self.before(id, self.heap[parent]) {
                break;
            }
            self.place(at, self.heap[parent]);
            at = parent;
        }
        self.place(at, id);
    }

    fn sift_down(&mut self, mut at: usize) {
        let id = self.heap[at];
        loop {
            let mut child = 2 * at + 1;
            if child >= self.heap.len() {
                break;
            }
            if child + 1 < self.heap.len() && self.before(self.heap[child + 1], self.heap[child]) {
                child += 1;
            }
            if !self.before(self.heap[child], id) {
                break;
            }
            self.place(at, self.heap[child]);
            at = child;
        }
        self.place(at, id);
    }

    fn remove_from_heap(&mut self, at: usize) {
        self.heap.swap_remove(at);
        if at < self.heap.len() {
            self.sift_up(at);
            // What was moved here may belong further down; after a move up, so may its old parent.
            self.sift_down(at);
        }
    }
}

/// Ticks since the earliest time an `i64` can name.
const fn tick_of(nanos: i64) -> u64 {
    ((nanos as u64) ^ (1 << 63)) >> TICK_BITS
}

const fn nanos_of(tick: u64) -> i64 {
    ((tick << TICK_BITS) ^ (1 << 63)) as i64
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn entries_come_in_order_of_time_then_id() {
        let mut wheel = TimingWheel::new(at(0));
        for (id, due) in [(3, 50), (1, 50), (2, 10), (9, 40_000_000_000), (8, 40_000_000_000)] {
            wheel.arm(id, at(due));
        }
        let order: Vec<u32> =
            std::iter::from_fn(|| wheel.pop_due(Timestamp::MAX)).map(|(id, _)| id).collect();
        assert_eq!(order, [2, 1, 3, 8, 9]);
        assert!(wheel.is_empty());
    }

    #[test]
    fn a_deadline_in_the_past_fires_at_the_next_pop_and_the_last_one_set_counts() {
        let mut wheel = TimingWheel::new(at(1_000_000_000));
        wheel.arm(7, at(-5));
        wheel.arm(7, at(5));
        assert_eq!(wheel.due(7), Some(at(5)));
        assert_eq!(wheel.pop_due(at(4)), None);
        assert_eq!(wheel.pop_due(at(1_000_000_000)), Some((7, at(5))));
        assert!(!wheel.cancel(7));
    }

    #[test]
    fn the_whole_range_of_time_is_covered_and_crossed_in_one_step() {
        let mut wheel = TimingWheel::new(Timestamp::MIN);
        wheel.arm(0, Timestamp::MAX);
        wheel.arm(1, Timestamp::MIN);
        wheel.arm(2, at(0));
        assert_eq!(wheel.pop_due(Timestamp::MAX), Some((1, Timestamp::MIN)));
        assert_eq!(wheel.pop_due(Timestamp::MAX), Some((2, at(0))));
        assert_eq!(wheel.pop_due(at(i64::MAX - 1)), None);
        assert_eq!(wheel.pop_due(Timestamp::MAX), Some((0, Timestamp::MAX)));
        wheel.clear(Timestamp::MIN);
        wheel.arm(0, at(1));
        assert_eq!(wheel.next_due_bound().map(|bound| bound <= at(1)), Some(true));
    }

    #[test]
    fn a_node_takes_sixteen_bytes() {
        assert_eq!(size_of::<Node>(), 16);
    }

    #[derive(Clone, Debug)]
    enum Step {
        Arm(u32, i64),
        Cancel(u32),
        Advance(i64),
        Clear(i64),
    }

    /// Lengths of time from nanoseconds to centuries, all scales alike.
    fn length() -> impl Strategy<Value = i64> {
        (0u32..63, any::<i64>()).prop_map(|(bits, raw)| raw & ((1 << bits) - 1))
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0u32..40, length(), any::<bool>())
                .prop_map(|(id, away, past)| Step::Arm(id, if past { -away } else { away })),
            2 => (0u32..40).prop_map(Step::Cancel),
            6 => length().prop_map(Step::Advance),
            1 => length().prop_map(Step::Clear),
        ]
    }

    proptest! {
        #[test]
        fn the_wheel_answers_as_a_sorted_map_does(
            start in any::<i64>(),
            steps in proptest::collection::vec(step(), 1..200),
        ) {
            let mut wheel = TimingWheel::new(at(start));
            let mut now = start;
            let mut order: BTreeSet<(i64, u32)> = BTreeSet::new();
            let mut dues: BTreeMap<u32, i64> = BTreeMap::new();
            for step in steps {
                match step {
                    Step::Arm(id, away) => {
                        let due = now.saturating_add(away);
                        if let Some(old) = dues.insert(id, due) {
                            order.remove(&(old, id));
                        }
                        order.insert((due, id));
                        wheel.arm(id, at(due));
                    }
                    Step::Cancel(id) => {
                        let old = dues.remove(&id);
                        if let Some(old) = old {
                            order.remove(&(old, id));
                        }
                        prop_assert_eq!(wheel.cancel(id), old.is_some());
                    }
                    Step::Advance(by) => {
                        now = now.saturating_add(by);
                        while let Some((id, due)) = wheel.pop_due(at(now)) {
                            prop_assert_eq!(order.pop_first(), Some((due.nanos(), id)));
                            dues.remove(&id);
                        }
                        prop_assert!(order.first().is_none_or(|&(due, _)| due > now));
                    }
                    Step::Clear(back) => {
                        now = now.saturating_sub(back);
                        order.clear();
                        dues.clear();
                        wheel.clear(at(now));
                    }
                }
                prop_assert_eq!(wheel.len(), order.len());
                let ids: BTreeSet<u32> = wheel.ids().collect();
                prop_assert_eq!(ids.len(), wheel.len());
                let bound = wheel.next_due_bound();
                prop_assert_eq!(bound.is_none(), order.is_empty());
                if let (Some(bound), Some(&(due, _))) = (bound, order.first()) {
                    prop_assert!(bound.nanos() <= due);
                }
            }
        }
    }
}
