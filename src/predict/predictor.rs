//! One deadline a connection, and the run of packets imagined since its last real one.

use crate::flow::Slot;
use crate::model::{Expectation, Model, PacketFacts};
use crate::time::Timestamp;
use crate::time::wheel::TimingWheel;

/// When a missing packet is worth a word. No forecast worth having, no synthetic packet.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Policy {
    /// The quantile of the time to the next packet that is its deadline.
    pub quantile: f32,
    /// Synthetic packets in a row before a connection is left in peace; 0 makes none at all.
    pub max_run: u8,
    /// The least confidence a deadline needs, 0 to 1; over a run, confidences multiply.
    pub min_confidence: f32,
    /// Packets a connection must have had.
    pub min_packets: u32,
}

/// A connection's run of imagined packets, and how well its deadlines did so far.
#[derive(Clone, Copy)]
struct Run {
    record: Record,
    /// Imagined so far.
    made: u8,
    /// Product of their confidences.
    confidence: f32,
    /// When the last one, real or imagined, came.
    from: Timestamp,
}

impl Run {
    const NONE: Self = Self {
        record: Record { set: 0, missed: 0 },
        made: 0,
        confidence: 0.0,
        from: Timestamp::MIN,
    };
}

/// How many deadlines were set on a connection and how many passed, the old ones fading.
#[derive(Clone, Copy, Default)]
struct Record {
    set: u16,
    missed: u16,
}

impl Record {
    /// Counts are halved here, so that a connection that settles down is believed again.
    const FADE: u16 = 128;
    /// Fewer misses than this prove nothing.
    const PATIENCE: u16 = 3;

    fn count_set(&mut self) {
        self.set += 1;
        if self.set >= Self::FADE {
            self.set /= 2;
            self.missed /= 2;
        }
    }

    /// Whether deadlines pass no more than twice as often as their quantile says.
    fn is_good(self, quantile: f32) -> bool {
        let allowed = 2.0 * (1.0 - quantile) * f32::from(self.set);
        self.missed < Self::PATIENCE || f32::from(self.missed) <= allowed
    }
}

/// A deadline that passed.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Miss {
    /// Which packet of the run it is, from 1.
    pub run: u8,
    /// What was expected, with the confidence of the whole run.
    pub expected: Expectation,
}

/// The deadlines of all connections.
pub struct Predictor {
    policy: Policy,
    wheel: TimingWheel,
    runs: Vec<Run>,
    /// Room to imagine in, kept to spare allocations.
    imagined: Vec<PacketFacts>,
}

impl Predictor {
    /// No deadlines yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            wheel: TimingWheel::new(Timestamp::MIN),
            runs: Vec::new(),
            imagined: Vec::new(),
        }
    }

    /// A packet came on `slot` at `time` and the model stepped past it: sets its next deadline.
    /// `packets` counts the connection's packets, this one included.
    #[inline]
    pub fn arm(&mut self, slot: Slot, time: Timestamp, packets: u32, model: &dyn Model) {
        if self.policy.max_run == 0 || packets < self.policy.min_packets {
            return;
        }
        if slot.index() >= self.runs.len() {
            self.runs.resize(slot.index() + 1, Run::NONE);
        }
        let run = &mut self.runs[slot.index()];
        match model.deadline(slot, self.policy.quantile) {
            Some(deadline) if deadline.confidence >= self.policy.min_confidence => {
                run.record.count_set();
                *run = Run { made: 0, confidence: 1.0, from: time, ..*run };
                self.wheel.arm(slot.0, time.after(deadline.after));
            }
            _ => self.cancel(slot),
        }
    }

    /// No packet is due on `slot` any more.
    pub fn cancel(&mut self, slot: Slot) {
        self.wheel.cancel(slot.0);
    }

    /// The connection in `slot` ended; whatever comes next there starts with a clean record.
    pub fn end(&mut self, slot: Slot) {
        self.cancel(slot);
        if let Some(run) = self.runs.get_mut(slot.index()) {
            *run = Run::NONE;
        }
    }

    /// The clock was set to `now`: no deadline holds any more.
    pub fn clear(&mut self, now: Timestamp) {
        self.wheel.clear(now);
    }

    /// The earliest deadline that is not after `now`, taken off the wheel.
    #[inline]
    pub fn pop_due(&mut self, now: Timestamp) -> Option<(Slot, Timestamp)> {
        self.wheel.pop_due(now).map(|(slot, due)| (Slot(slot), due))
    }

    /// Says what `slot` missed when its deadline, just popped, passed; and waits for the one after.
    ///
    /// `None` where deadlines have passed too often to be believed.
    pub fn miss(
        &mut self,
        slot: Slot,
        due: Timestamp,
        model: &dyn Model,
        last: &PacketFacts,
    ) -> Option<Miss> {
        let Policy { quantile, max_run, min_confidence, .. } = self.policy;
        let run = &mut self.runs[slot.index()];
        if run.made == 0 {
            run.record.missed += 1;
        }
        if !run.record.is_good(quantile) {
            return None;
        }
        self.imagined.clear();
        let mut expected = model.expect(slot, &self.imagined, quantile);
        for _ in 0..run.made {
            self.imagined.push(imagine(last, &expected, self.imagined.len()));
            expected = model.expect(slot, &self.imagined, quantile);
        }
        expected.confidence *= run.confidence;
        run.made += 1;
        run.confidence = expected.confidence;
        run.from = run.from.after(expected.time.median);
        let miss = Miss { run: run.made, expected };
        if run.made < max_run {
            self.imagined.push(imagine(last, &expected, self.imagined.len()));
            let next = model.expect(slot, &self.imagined, quantile);
            if next.confidence * expected.confidence >= min_confidence {
                // The packet imagined came before its deadline, so the next one's may lie before it too;
                // but what is missed after another is not missed earlier.
                self.wheel.arm(slot.0, run.from.after(next.deadline).max(due));
            }
        }
        Some(miss)
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.wheel.memory() + self.runs.capacity() * size_of::<Run>()
    }
}

/// The packet that `expected` describes, as if it had come.
fn imagine(last: &PacketFacts, expected: &Expectation, before: usize) -> PacketFacts {
    let headers = last.wire_len.saturating_sub(last.payload_len);
    PacketFacts {
        side: expected.side,
        flags: expected.flags,
        payload_len: expected.size.mode,
        // A capture may claim any length on the wire.
        wire_len: headers.saturating_add(expected.size.mode),
        since: Some(expected.time.median),
        position: last.position.saturating_add(1 + before as u32),
        entropy: None,
        ..*last
    }
}
