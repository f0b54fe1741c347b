//! What a packet costs each model: to score, to learn from, and to say when the next one is due.
//!
//! ```sh
//! cargo bench --bench forecast -- DIR...    # benign captures under DIR; without one, those of the tests
//! ```
//!
//! `$FORESHADOW_MODEL` names a model file with a network, to be measured too.
//!
//! Nanoseconds a packet on one core, the best of several rounds over all captures in one sequence.
//! Bits are beside them, because a model that is fast by being wrong is no use.
#![allow(clippy::unwrap_used, reason = "a benchmark may fail as a test may")]

use std::path::PathBuf;
use std::time::Instant;

use foreshadow::eval::{Capture, Dataset, Split};
use foreshadow::flow::Slot;
use foreshadow::model::{Adaptive, Markov, Model};

/// The configuration's default, and one that fits a core's own cache.
const TABLES: [(&str, usize); 2] = [("16 MiB", 16 << 20), ("512 KiB", 512 << 10)];
const ROUNDS: usize = 5;

fn main() {
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--bench");
    let mut folders: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    if folders.is_empty() {
        folders.push(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/agree")));
    }
    let data = Dataset::read(&folders, "benign", &Split::nothing_kept()).unwrap();
    let captures: Vec<&Capture> = data.captures().iter().collect();
    println!(
        "{:<10} {:<8} {:>10} {:>14} {:>6}",
        "model", "table", "with due", "without due", "bits"
    );
    let file = std::env::var_os("FORESHADOW_MODEL").map(|path| std::fs::read(path).unwrap());
    for (table, bytes) in TABLES {
        report("markov", table, &captures, || Markov::new(bytes));
        report("adaptive", table, &captures, || Adaptive::new(bytes));
        if let Some(file) = &file {
            let open = |adapt| Adaptive::with_network(bytes, adapt, file).unwrap();
            report("network", table, &captures, || open(true));
            report("alone", table, &captures, || open(false));
        }
    }
}

fn report<M: Model>(name: &str, table: &str, captures: &[&Capture], new: impl Fn() -> M) {
    let [due, plain] = [true, false].map(|due| {
        let rounds = (0..ROUNDS).map(|_| drive(&mut new(), captures, due));
        rounds.reduce(|best, round| if round.0 < best.0 { round } else { best }).unwrap()
    });
    assert!(plain.1.is_finite() && plain.1 > 0.0);
    println!("{name:<10} {table:<8} {:>7.0} ns {:>11.0} ns {:>6.3}", due.0, plain.0, plain.1);
}

/// Nanoseconds and bits a packet.
fn drive(model: &mut dyn Model, captures: &[&Capture], due: bool) -> (f64, f64) {
    let (mut seconds, mut bits, mut scored, mut packets) = (0.0, 0.0, 0_u64, 0_u64);
    let mut first = 0;
    for capture in captures {
        let connections = capture.packets().iter().map(|packet| packet.connection + 1).max();
        let started = Instant::now();
        for packet in capture.packets() {
            let slot = Slot(first + packet.connection);
            if packet.facts.position == 0 {
                model.begin(slot, &capture.began(packet.connection).origin);
            }
            let surprise = model.score(slot, &packet.facts).total();
            model.step(slot, &packet.facts, true);
            if due {
                std::hint::black_box(model.deadline(slot, 0.95, 0.7));
            }
            packets += 1;
            if packet.facts.position > 0 {
                bits += f64::from(surprise);
                scored += 1;
            }
        }
        seconds += started.elapsed().as_secs_f64();
        first += connections.unwrap_or(0);
    }
    (seconds * 1e9 / packets.max(1) as f64, bits / scored.max(1) as f64)
}
