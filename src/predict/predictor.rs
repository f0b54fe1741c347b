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

/// A connection's run of imagined packets.
#[derive(Clone, Copy)]
struct Run {
    /// Imagined so far.
    made: u8,
    /// Product of their confidences.
    confidence: f32,
    /// When the last one, real or imagined, came.
    from: Timestamp,
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
            let empty = Run { made: 0, confidence: 0.0, from: time };
            self.runs.resize(slot.index() + 1, empty);
        }
        match model.deadline(slot, self.policy.quantile) {
            Some(deadline) if deadline.confidence >= self.policy.min_confidence => {
                self.runs[slot.index()] = Run { made: 0, confidence: 1.0, from: time };
                self.wheel.arm(slot.0, time.after(deadline.after));
            }
            _ => self.cancel(slot),
        }
    }

    /// The connection in `slot` is gone.
    pub fn cancel(&mut self, slot: Slot) {
        self.wheel.cancel(slot.0);
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
    pub fn miss(&mut self, slot: Slot, model: &dyn Model, last: &PacketFacts) -> Miss {
        let Policy { quantile, max_run, min_confidence, .. } = self.policy;
        let run = self.runs[slot.index()];
        self.imagined.clear();
        let mut expected = model.expect(slot, &self.imagined, quantile);
        for _ in 0..run.made {
            self.imagined.push(imagine(last, &expected, self.imagined.len()));
            expected = model.expect(slot, &self.imagined, quantile);
        }
        expected.confidence *= run.confidence;
        let made = run.made + 1;
        let next_from = run.from.after(expected.time.median);
        if made < max_run {
            self.imagined.push(imagine(last, &expected, self.imagined.len()));
            let next = model.expect(slot, &self.imagined, quantile);
            if next.confidence * expected.confidence >= min_confidence {
                self.runs[slot.index()] =
                    Run { made, confidence: expected.confidence, from: next_from };
                self.wheel.arm(slot.0, next_from.after(next.deadline));
            }
        }
        Miss { run: made, expected }
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
        wire_len: headers + expected.size.mode,
        since: Some(expected.time.median),
        position: last.position.saturating_add(1 + before as u32),
        entropy: None,
        ..*last
    }
}
