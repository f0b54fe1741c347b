//! Any bytes as a model file: refused in words, or a model whose answers are numbers.
//!
//! The schema's hash and the hash of the numbers are put right first, or no changed file would ever
//! come past them.
#![no_main]

use foreshadow::flow::{Service, Side, Slot};
use foreshadow::model::file::{ModelFile, write};
use foreshadow::model::{Adaptive, Model, Origin, PacketFacts, schema};
use foreshadow::time::Span;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    answer(Adaptive::read(0, bytes).ok());
    let Ok(file) = ModelFile::read(bytes) else { return };
    let mut tensors = Vec::new();
    for name in file.names() {
        let shape = file.shape(name).expect("it was named");
        let Ok(numbers) = file.tensor(name, shape) else { return };
        tensors.push((name, shape, numbers));
    }
    let tensors: Vec<(&str, &[usize], &[f32])> =
        tensors.iter().map(|(name, shape, numbers)| (*name, *shape, &numbers[..])).collect();
    let mut words = file.words().to_vec();
    words.retain(|(key, _)| key != "schema");
    words.push(("schema".to_owned(), schema::HASH.clone()));
    let whole = write(&words, &tensors);
    assert!(ModelFile::read(&whole).is_ok());
    answer(Adaptive::with_network(0, true, &whole).ok());
    answer(Adaptive::with_network(0, false, &whole).ok());
});

fn answer(model: Option<Adaptive>) {
    let Some(mut model) = model else { return };
    let service = Service { protocol: 17, port: 53 };
    model.begin(Slot(0), &Origin { service, pair: 1, identity: 2, responder: Side::A, salt: 0 });
    for position in 0..4 {
        let packet = PacketFacts {
            since: (position > 0).then(|| Span::from_millis(20)),
            payload_len: 40,
            position,
            ..PacketFacts::NONE
        };
        assert!(model.score(Slot(0), &packet).total().is_finite());
        model.deadline(Slot(0), 0.95, 0.0);
        model.step(Slot(0), &packet, true);
        assert!((0.0..=1.0).contains(&model.expect(Slot(0), &[packet], 0.95).nothing_more));
    }
}
