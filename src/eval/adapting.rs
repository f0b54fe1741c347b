//! The adaptive model, measured as a sensor runs it: it learns within each capture.

use super::{Ahead, DEADLINE, Forecaster, HORIZONS};
use crate::flow::Slot;
use crate::model::{Adaptive, Model, Origin, PacketFacts};

/// Memory for what it learns: what the configuration gives it unasked (`model.table_mib`).
const TABLE_BYTES: usize = 16 << 20;

/// [`Adaptive`] as a [`Forecaster`].
pub struct Adapting {
    model: Adaptive,
    /// As it is when a capture begins.
    before: Adaptive,
}

impl Adapting {
    /// The model as it ships.
    #[must_use]
    pub fn new() -> Self {
        let model = Adaptive::new(TABLE_BYTES);
        Self { before: model.clone(), model }
    }
}

impl Default for Adapting {
    fn default() -> Self {
        Self::new()
    }
}

impl Forecaster for Adapting {
    fn name(&self) -> &str {
        "adaptive"
    }

    fn about(&self) -> &str {
        "mixed contexts with the shipped weights, learning within each capture from nothing"
    }

    fn trains(&self) -> bool {
        false
    }

    fn trained(&mut self) {}

    fn restart(&mut self) {
        self.model.clone_from(&self.before);
    }

    fn begin(&mut self, slot: Slot, origin: &Origin) {
        self.model.begin(slot, origin);
    }

    fn bits(&mut self, slot: Slot, packet: &PacketFacts) -> [f64; 3] {
        let surprise = self.model.score(slot, packet);
        [surprise.side_flags, surprise.size, surprise.time].map(f64::from)
    }

    fn ahead(&mut self, slot: Slot) -> Option<Ahead> {
        let expected = self.model.expect(slot, &[], DEADLINE);
        Some(Ahead {
            median: expected.time.median,
            size: expected.size.mode,
            deadline: expected.deadline,
            offered: self.model.deadline(slot, DEADLINE).is_some(),
            within: self.model.within(slot, HORIZONS).map(f64::from),
        })
    }

    fn learn(&mut self, slot: Slot, packet: &PacketFacts) {
        self.model.step(slot, packet, true);
    }

    fn end(&mut self, slot: Slot) {
        self.model.end(slot, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Service, Side};
    use crate::time::Span;

    fn begin(model: &mut Adapting) {
        let service = Service { protocol: 17, port: 53 };
        model.restart();
        model.begin(Slot(0), &Origin { service, pair: 1, identity: 1, responder: Side::B });
    }

    fn beat(model: &mut Adapting, times: usize) -> PacketFacts {
        let since = Some(Span::from_millis(100));
        let packet = PacketFacts { payload_len: 40, since, ..PacketFacts::NONE };
        for _ in 0..times {
            model.ahead(Slot(0));
            model.learn(Slot(0), &packet);
        }
        packet
    }

    #[test]
    fn probabilities_of_longer_waits_are_larger_and_turn_at_the_period() {
        let mut model = Adapting::new();
        begin(&mut model);
        beat(&mut model, 200);
        let ahead = model.ahead(Slot(0)).unwrap();
        assert!(ahead.within.is_sorted());
        assert!(ahead.within[5] < 0.05 && ahead.within[7] > 0.95, "{:?}", ahead.within);
        assert!(ahead.offered && ahead.deadline < Span::from_millis(104));
    }

    #[test]
    fn what_one_capture_taught_does_not_help_the_next() {
        let mut model = Adapting::new();
        begin(&mut model);
        let next = beat(&mut model, 1);
        let cold: f64 = model.bits(Slot(0), &next).iter().sum();
        beat(&mut model, 50);
        let warm: f64 = model.bits(Slot(0), &next).iter().sum();
        begin(&mut model);
        beat(&mut model, 1);
        assert_eq!(model.bits(Slot(0), &next).iter().sum::<f64>(), cold);
        assert!(warm < cold / 4.0);
    }
}
