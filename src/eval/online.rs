//! The sensor's own order-1 Markov model, measured as a sensor runs it: it goes on learning.

use super::{Ahead, DEADLINE, Forecaster, HORIZONS};
use crate::flow::Slot;
use crate::model::{Markov, Model, Origin, PacketFacts};

/// Memory for its counts: what the configuration gives it unasked (`model.table_mib`).
const TABLE_BYTES: usize = 16 << 20;

/// [`Markov`] as a [`Forecaster`].
pub struct Online {
    model: Markov,
    /// The model as it was when training ended, once it has.
    trained: Option<Markov>,
}

impl Online {
    /// A model that knows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { model: Markov::new(TABLE_BYTES), trained: None }
    }
}

impl Default for Online {
    fn default() -> Self {
        Self::new()
    }
}

impl Forecaster for Online {
    fn name(&self) -> &str {
        "online"
    }

    fn about(&self) -> &str {
        "markov-1 of the sensor, trained and then learning within each capture"
    }

    fn trained(&mut self) {
        self.trained = Some(self.model.clone());
    }

    fn restart(&mut self) {
        if let Some(trained) = &self.trained {
            self.model = trained.clone();
        }
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
        let times = self.model.time_forecast(slot);
        Some(Ahead {
            median: expected.time.median,
            size: expected.size.mode,
            deadline: expected.deadline,
            offered: self.model.deadline(slot, DEADLINE).is_some(),
            within: HORIZONS.map(|horizon| f64::from(times.within(horizon))),
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

    fn beat(model: &mut Online, times: usize) {
        for _ in 0..times {
            let since = Some(Span::from_millis(100));
            model.learn(Slot(0), &PacketFacts { payload_len: 40, since, ..PacketFacts::NONE });
        }
    }

    fn begin(model: &mut Online) {
        let service = Service { protocol: 17, port: 53 };
        model.restart();
        model.begin(Slot(0), &Origin { service, pair: 1, identity: 1, responder: Side::B });
    }

    #[test]
    fn probabilities_of_longer_waits_are_larger_and_turn_at_the_period() {
        let mut model = Online::new();
        begin(&mut model);
        beat(&mut model, 200);
        let ahead = model.ahead(Slot(0)).unwrap();
        assert!(ahead.within.is_sorted());
        // The bin that holds 100 ms ends at 131 ms.
        assert!(ahead.within[4] < 0.05 && ahead.within[7] > 0.95, "{:?}", ahead.within);
        assert!(ahead.offered && ahead.deadline < Span::from_millis(132));
    }

    #[test]
    fn one_capture_does_not_help_the_next_but_training_does() {
        let mut model = Online::new();
        model.trained();
        begin(&mut model);
        beat(&mut model, 50);
        let next = PacketFacts { payload_len: 40, ..PacketFacts::NONE };
        let taught: f64 = model.bits(Slot(0), &next).iter().sum();
        begin(&mut model);
        let fresh: f64 = model.bits(Slot(0), &next).iter().sum();
        assert!(fresh > taught + 4.0, "{fresh} {taught}");
        let mut model = Online::new();
        begin(&mut model);
        beat(&mut model, 50);
        model.trained();
        begin(&mut model);
        let trained: f64 = model.bits(Slot(0), &next).iter().sum();
        assert!(trained < fresh, "{trained} {fresh}");
    }
}
