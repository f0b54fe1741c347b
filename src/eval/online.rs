//! The sensor's own models, measured as a sensor runs them: they go on learning.

use super::{Ahead, DEADLINE, Forecaster, HORIZONS};
use crate::flow::Slot;
use crate::model::file::{FileError, ModelFile};
use crate::model::{Adaptive, Markov, Model, Origin, PacketFacts};

/// Memory for what they learn: what the configuration gives them unasked (`model.table_mib`).
const TABLE_BYTES: usize = 16 << 20;

/// A [`Model`] as a [`Forecaster`].
pub struct Online<M> {
    name: String,
    about: String,
    model: M,
    /// The model as it is when a capture begins; `None` while it is being trained.
    before: Option<M>,
    trains: bool,
}

impl Online<Markov> {
    /// The Markov model, which knows nothing yet: trained, then learning within each capture.
    #[must_use]
    pub fn markov() -> Self {
        Self {
            name: "online".to_owned(),
            about: "markov-1 of the sensor, trained and then learning within each capture"
                .to_owned(),
            model: Markov::new(TABLE_BYTES),
            before: None,
            trains: true,
        }
    }
}

impl Online<Adaptive> {
    /// The adaptive model as it ships, beginning each capture with an empty table.
    #[must_use]
    pub fn adaptive() -> Self {
        let about =
            "mixed contexts with the shipped weights, learning within each capture from nothing";
        Self::of("adaptive".to_owned(), about.to_owned(), Adaptive::new(TABLE_BYTES))
    }

    /// The models of a model file, called `name`: its network alone, and as a sensor has it.
    ///
    /// # Errors
    /// If the content is no model file, or something in it does not fit.
    pub fn of_file(name: &str, file: &[u8]) -> Result<Vec<Self>, FileError> {
        let content = ModelFile::read(file)?;
        if !content.has_network() {
            let about = "mixed contexts with the weights of a file, learning from nothing";
            let model = Adaptive::read(TABLE_BYTES, file)?;
            return Ok(vec![Self::of(name.to_owned(), about.to_owned(), model)]);
        }
        let alone = Adaptive::with_network(TABLE_BYTES, false, file)?;
        let about = "the network of a file alone, which learns nothing more".to_owned();
        let mut models = vec![Self::of(format!("{name} alone"), about, alone)];
        if content.has_mixer() {
            let whole = Adaptive::with_network(TABLE_BYTES, true, file)?;
            let about =
                "that network with the adaptive part, learning within each capture from nothing";
            models.push(Self::of(name.to_owned(), about.to_owned(), whole));
        }
        Ok(models)
    }

    fn of(name: String, about: String, model: Adaptive) -> Self {
        Self { name, about, before: Some(model.clone()), model, trains: false }
    }
}

/// A model that can say how likely the next packet comes within given times.
trait Waits: Model + Clone {
    fn within(&self, slot: Slot) -> [f64; HORIZONS.len()];

    /// The bits of a packet's three symbols of the common discretisation.
    fn coarse(&self, slot: Slot, packet: &PacketFacts) -> [f64; 3];
}

impl Waits for Markov {
    fn within(&self, slot: Slot) -> [f64; HORIZONS.len()] {
        let times = self.time_forecast(slot);
        HORIZONS.map(|horizon| f64::from(times.within(horizon)))
    }

    fn coarse(&self, slot: Slot, packet: &PacketFacts) -> [f64; 3] {
        // This model knows nothing finer.
        let surprise = self.score(slot, packet);
        [surprise.side_flags, surprise.size, surprise.time].map(f64::from)
    }
}

impl Waits for Adaptive {
    fn within(&self, slot: Slot) -> [f64; HORIZONS.len()] {
        self.within(slot, HORIZONS).map(f64::from)
    }

    fn coarse(&self, slot: Slot, packet: &PacketFacts) -> [f64; 3] {
        self.coarse(slot, packet).map(f64::from)
    }
}

impl<M: Waits> Forecaster for Online<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn about(&self) -> &str {
        &self.about
    }

    fn trains(&self) -> bool {
        self.trains
    }

    fn trained(&mut self) {
        if self.trains {
            self.before = Some(self.model.clone());
        }
    }

    fn restart(&mut self) {
        if let Some(before) = &self.before {
            self.model.clone_from(before);
        }
    }

    fn begin(&mut self, slot: Slot, origin: &Origin) {
        self.model.begin(slot, origin);
    }

    fn bits(&mut self, slot: Slot, packet: &PacketFacts) -> [f64; 3] {
        Waits::coarse(&self.model, slot, packet)
    }

    fn ahead(&mut self, slot: Slot) -> Option<Ahead> {
        let expected = self.model.expect(slot, &[], DEADLINE);
        Some(Ahead {
            median: expected.time.median,
            size: expected.size.mode,
            deadline: expected.deadline,
            offered: self.model.deadline(slot, DEADLINE, 0.0).is_some(),
            within: Waits::within(&self.model, slot),
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

    fn begin(model: &mut impl Forecaster) {
        let service = Service { protocol: 17, port: 53 };
        model.restart();
        model
            .begin(Slot(0), &Origin { service, pair: 1, identity: 1, responder: Side::B, salt: 0 });
    }

    /// Packets 100 ms apart; answers what the next one is like.
    fn beat(model: &mut impl Forecaster, times: usize) -> PacketFacts {
        let since = Some(Span::from_millis(100));
        let packet = PacketFacts { payload_len: 40, since, ..PacketFacts::NONE };
        for _ in 0..times {
            model.ahead(Slot(0));
            model.learn(Slot(0), &packet);
        }
        packet
    }

    fn total(model: &mut impl Forecaster, packet: &PacketFacts) -> f64 {
        model.bits(Slot(0), packet).iter().sum()
    }

    /// What a model says of a rhythm of 100 ms: its deadline and whether it lies in the right place.
    fn deadline_of_a_rhythm(mut model: impl Forecaster) -> Span {
        begin(&mut model);
        beat(&mut model, 200);
        let ahead = model.ahead(Slot(0)).unwrap();
        assert!(ahead.within.is_sorted());
        assert!(ahead.within[4] < 0.05 && ahead.within[7] > 0.95, "{:?}", ahead.within);
        assert!(ahead.offered);
        ahead.deadline
    }

    #[test]
    fn probabilities_of_longer_waits_are_larger_and_turn_at_the_period() {
        // The bin that holds 100 ms ends at 131 ms.
        assert!(deadline_of_a_rhythm(Online::markov()) < Span::from_millis(132));
        assert!(deadline_of_a_rhythm(Online::adaptive()) < Span::from_millis(104));
    }

    #[test]
    fn one_capture_does_not_help_the_next_but_training_does() {
        let mut model = Online::markov();
        model.trained();
        begin(&mut model);
        let next = beat(&mut model, 50);
        let taught = total(&mut model, &next);
        begin(&mut model);
        let fresh = total(&mut model, &next);
        assert!(fresh > taught + 4.0, "{fresh} {taught}");
        let mut model = Online::markov();
        begin(&mut model);
        beat(&mut model, 50);
        model.trained();
        begin(&mut model);
        let trained = total(&mut model, &next);
        assert!(trained < fresh, "{trained} {fresh}");
    }

    #[test]
    fn the_adaptive_model_begins_every_capture_cold() {
        let mut model = Online::adaptive();
        begin(&mut model);
        let next = beat(&mut model, 1);
        let cold = total(&mut model, &next);
        beat(&mut model, 50);
        let warm = total(&mut model, &next);
        model.trained();
        begin(&mut model);
        beat(&mut model, 1);
        assert_eq!(total(&mut model, &next), cold);
        assert!(warm < cold / 4.0);
    }
}
