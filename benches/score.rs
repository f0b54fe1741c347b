//! What scoring costs a packet of a known connection: calibration, evidence, volumes.
//!
//! `cargo bench --bench score` prints nanoseconds a packet on one core, the best of several passes,
//! with a thousand connections of twenty services in turn.
#![allow(clippy::unwrap_used, reason = "a benchmark may fail as a test may")]

use std::time::Instant;

use foreshadow::flow::{ConnectionKey, Service, Side, Slot};
use foreshadow::model::{PacketFacts, Surprise};
use foreshadow::score::{Policy, Scorer, Weights};
use foreshadow::time::Timestamp;
use foreshadow::wire::Address;

const CONNECTIONS: u32 = 1_000;
const PACKETS: u32 = 1_000_000;
const PASSES: usize = 7;

fn key(number: u32) -> ConnectionKey {
    ConnectionKey {
        address_a: Address::v4([10, 0, (number >> 8) as u8, number as u8]),
        address_b: Address::v4([10, 1, 0, (number % 50) as u8]),
        port_a: 40_000,
        port_b: 20 + (number % 20) as u16,
        protocol: 6,
        domain: 0,
    }
}

fn main() {
    let mut scorer = Scorer::new(Policy {
        false_alarms: 1e-4,
        alarms_per_day: 24.0,
        warm_up: 2_000,
        min_packets: 4,
        weights: Weights::default(),
        endpoints: 16_384,
    });
    let keys: Vec<_> = (0..CONNECTIONS).map(key).collect();
    for (slot, key) in (0..).zip(&keys) {
        let service = Service { protocol: 6, port: key.port_b };
        scorer.begin(Slot(slot), key, service, Side::A, Timestamp::from_nanos(0));
    }
    let (mut best, mut anomalies, mut position) = (f64::INFINITY, 0_u64, 0);
    for pass in 0..PASSES {
        let started = Instant::now();
        for packet in 0..PACKETS {
            let slot = packet % CONNECTIONS;
            position += u32::from(slot == 0);
            let noise = packet.wrapping_mul(2_654_435_761) >> 8;
            let size = -(f64::from(noise + 1) / f64::from(1_u32 << 24)).log2() as f32;
            let surprise = Surprise { side_flags: size, ..Surprise::default() };
            let side = if noise % 3 == 0 { Side::A } else { Side::B };
            let facts = PacketFacts { side, position, payload_len: 500, ..PacketFacts::NONE };
            let now =
                Timestamp::from_nanos(i64::from(packet) * 1_000 + pass as i64 * 1_000_000_000);
            let key = &keys[slot as usize];
            let said = scorer.judge(Slot(slot), key, Side::A, &facts, &surprise, now);
            anomalies += u64::from(said.anomalous);
        }
        best = best.min(started.elapsed().as_secs_f64());
    }
    let packets = u64::from(PACKETS) * PASSES as u64;
    assert!(anomalies * 1_000 < packets, "{anomalies} of {packets} packets are anomalies");
    println!("score/known_connection {:>6.0} ns a packet", best * 1e9 / f64::from(PACKETS));
}
