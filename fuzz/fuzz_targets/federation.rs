//! Any bytes as a federation's blobs: refused by name, or merged within bounds.
//!
//! The first byte says what the rest is: bytes as they came, or the content of a message of this
//! federation, whose head and seal are put right, or no changed blob would ever come past them.
#![no_main]

use std::sync::LazyLock;

use foreshadow::bloom::federate::{Aggregator, Terms, View};
use foreshadow::bloom::{BloomCounter, FederationKey};
use foreshadow::config::Config;
use foreshadow::sensor::{Sensor, federation_terms};
use foreshadow::time::Timestamp;
use libfuzzer_sys::fuzz_target;

/// Two categories with counters so small that a few bytes fill them.
const CONFIG: &str = "
bloom.federation_key = '000102030405060708090a0b0c0d0e0f'
federation.sensor = 'fuzz'
federation.targets = 16
federation.max_sensors = 4
[[category]]
name = 'external-dns'
rule = 'outgoing'
count = ['originator', 'responder']
target = 'originator'
capacity = 16
";

static CONFIGURED: LazyLock<(Config, Terms)> = LazyLock::new(|| {
    let config = Config::from_toml(CONFIG, "fuzz").expect("it is right");
    let terms = federation_terms(&config).expect("it is a federation's");
    (config, terms)
});

fuzz_target!(|bytes: &[u8]| {
    let (config, terms) = &*CONFIGURED;
    let Some((kind, content)) = bytes.split_first() else { return };
    let mut aggregator = Aggregator::new(terms.clone());
    let now = Timestamp::from_nanos(1_700_000_000_000_000_000);
    match kind {
        0 => {
            assert!(aggregator.take(content, None, None).is_err(), "nobody guesses a seal");
            assert!(View::decode(content, terms).is_err());
        }
        1 => {
            // Every blob is cut at a byte of 255, so that one input holds several.
            for part in content.split(|byte| *byte == 255) {
                let _ = aggregator.take(&message(b"FSFC", part, terms), None, Some(now));
                aggregator.advance(now);
            }
            aggregator.finish();
            if let Some(view) = aggregator.view() {
                assert!(view.categories.iter().all(|merged| merged.weight.is_finite()));
                let blob = view.encode(terms);
                assert_eq!(View::decode(&blob, terms).as_ref(), Ok(view));
            }
        }
        2 => {
            let mut sensor = Sensor::new(config).expect("it opens");
            let _ = sensor.import_federation(&message(b"FSFV", content, terms));
            while sensor.poll().is_some() {}
        }
        _ => {
            let geometry = terms.categories[0].geometry;
            let key = FederationKey::new([0; 16]).seal_key();
            assert!(BloomCounter::decode(content, geometry, &key).is_err());
        }
    }
});

fn message(magic: &[u8; 4], content: &[u8], terms: &Terms) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.push(1);
    bytes.extend(terms.seal.id().to_le_bytes());
    bytes.extend(terms.digest().to_le_bytes());
    bytes.extend(content);
    let seal = terms.seal.seal(&bytes);
    bytes.extend(seal.to_le_bytes());
    bytes
}
