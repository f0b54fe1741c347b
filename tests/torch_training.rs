//! Training: it learns, it carries states, it survives being killed, and it refuses nonsense.

#![cfg(feature = "torch")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "torch_support/task.rs"]
mod task;
#[path = "torch_support/mod.rs"]
mod torch_support;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use foreshadow::train::{Cell, Device, PluginError, Refusal, Trainer, TrainingSpec};
use torch_support::{plugin, read};

const RATE: f64 = 0.02;

fn training() -> TrainingSpec {
    TrainingSpec { rows: 16, seed: 3, ..TrainingSpec::default() }
}

fn trainer(cell: Cell) -> Option<Trainer> {
    Some(plugin()?.trainer(&task::network(cell), &training(), Device::Cpu).expect("opens"))
}

fn run(trainer: &mut Trainer, batches: std::ops::Range<u64>) {
    for number in batches {
        trainer.step(&task::batch(number).batch(), RATE).expect("learns");
    }
}

/// The weights as they would be saved.
fn weights(trainer: &mut Trainer, folder: &Path) -> Vec<u8> {
    let path = folder.join("weights.safetensors");
    trainer.save(&path, &[]).expect("saves");
    std::fs::read(path).unwrap()
}

#[test]
fn the_loss_falls_from_chance_to_almost_nothing() {
    for cell in [Cell::Gru, Cell::Lstm] {
        let Some(mut trainer) = trainer(cell) else { return };
        let paid = |trainer: &mut Trainer| -> f64 {
            let first = trainer.evaluate(&task::batch(900).batch(), None).unwrap();
            let second = trainer.evaluate(&task::batch(901).batch(), None).unwrap();
            // A second piece shows nothing that the first did not: its first symbol is known already
            // by the state that was carried over.
            let all = first[..2].iter().chain(&second[..2]);
            all.map(|part| part.nats / part.scored as f64).sum::<f64>() / 2.0
        };
        let before = paid(&mut trainer);
        run(&mut trainer, 0..300);
        let after = paid(&mut trainer);
        println!("{cell:?}: {before} to {after} nats");
        assert!((before - 7f64.ln() - 2f64.ln()).abs() < 0.6, "{cell:?} begins at {before}");
        // The first symbol of a connection leaves its stride open: one symbol in twelve.
        assert!(after < 0.25, "{cell:?} ends at {after}");
    }
}

#[test]
fn evaluation_tells_every_place_s_cost_and_its_sums() {
    let Some(mut trainer) = trainer(Cell::Gru) else { return };
    let owned = task::batch(1);
    let mut nats = vec![f32::NAN; owned.targets.len()];
    let parts = trainer.evaluate(&owned.batch(), Some(&mut nats)).unwrap();
    for (head, part) in parts.iter().enumerate() {
        let (mut sum, mut scored) = (0.0, 0);
        for (place, nats) in nats.iter().enumerate().filter(|(place, _)| place % 3 == head) {
            let step = place / 3 % owned.steps;
            let row = place / 3 / owned.steps;
            let counts = step < owned.lengths[row] as usize && owned.targets[place] >= 0;
            assert_eq!(*nats > 0.0, counts, "place {place}");
            sum += f64::from(*nats);
            scored += u64::from(counts);
        }
        assert!((sum - part.nats).abs() < 1e-4 && scored == part.scored, "{part:?} {sum} {scored}");
    }
}

#[test]
fn training_scores_what_the_reference_engine_forecasts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    for cell in [Cell::Gru, Cell::Lstm] {
        let Some(mut trainer) = trainer(cell) else { return };
        run(&mut trainer, 0..20);
        trainer.save(&path, &[]).unwrap();
        let mut engine =
            plugin().unwrap().engine(&task::network(cell), &path, Device::Cpu, 16).unwrap();
        for number in [50, 51] {
            let owned = task::batch(number);
            let mut nats = vec![0.0; owned.targets.len()];
            trainer.evaluate(&owned.batch(), Some(&mut nats)).unwrap();
            for step in 0..owned.steps {
                for row in (0..16).filter(|row| step < owned.lengths[*row] as usize) {
                    let (place, slot) = (row * owned.steps + step, [row as i64]);
                    engine.step(&slot, &[owned.categories[place]], &[owned.dense[place]]).unwrap();
                    let target = &owned.targets[place * 3..][..2];
                    if target[0] < 0 {
                        continue;
                    }
                    let given = [target[0], target[1], 0];
                    let forecast = engine.forecast(&slot, &given).unwrap();
                    let paid = [forecast[target[0] as usize], forecast[2 + target[1] as usize]];
                    for (paid, nats) in paid.iter().zip(&nats[place * 3..]) {
                        assert!((paid + nats).abs() < 1e-5, "{cell:?}: {paid} {nats}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_carried_state_gives_what_one_long_piece_gives() {
    let Some(mut trainer) = trainer(Cell::Lstm) else { return };
    run(&mut trainer, 0..20);
    let (first, second) = (task::batch(40), task::batch(41));
    trainer.evaluate(&first.batch(), None).unwrap();
    let mut apart = vec![0.0; second.targets.len()];
    trainer.evaluate(&second.batch(), Some(&mut apart)).unwrap();

    let long = second.lengths[11] as usize;
    let join = |a: &[i32], b: &[i32], width: usize| -> Vec<i32> {
        let row = 11 * 12 * width..;
        [&a[row.clone()][..12 * width], &b[row][..12 * width]].concat()
    };
    let whole = task::Owned {
        steps: 24,
        lengths: vec![12 + long as u32],
        read: vec![-1],
        write: vec![-1],
        categories: join(&first.categories, &second.categories, 1),
        dense: [&first.dense[11 * 12..][..12], &second.dense[11 * 12..][..12]].concat(),
        targets: join(&first.targets, &second.targets, 3),
        weights: vec![1.0; 24],
    };
    let mut together = vec![0.0; whole.targets.len()];
    trainer.evaluate(&whole.batch(), Some(&mut together)).unwrap();
    let apart = &apart[11 * 12 * 3..][..long * 3];
    for (apart, together) in apart.iter().zip(&together[12 * 3..]) {
        assert!((apart - together).abs() < 1e-5, "{apart} {together}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut one) = trainer(Cell::Gru) else { return };
    let mut two = trainer(Cell::Gru).unwrap();
    let other = TrainingSpec { seed: 4, ..training() };
    let mut three =
        plugin().unwrap().trainer(&task::network(Cell::Gru), &other, Device::Cpu).unwrap();
    run(&mut one, 0..10);
    run(&mut two, 0..10);
    run(&mut three, 0..10);
    let one = weights(&mut one, folder.path());
    assert!(one == weights(&mut two, folder.path()));
    assert!(one != weights(&mut three, folder.path()));
}

/// Set in the process that is to be killed: the folder it leaves its checkpoints in.
const VICTIM: &str = "FORESHADOW_TEST_VICTIM";
const BATCHES: u64 = 60;

#[test]
fn a_killed_training_resumes_and_ends_with_the_same_bits() {
    let Some(mut whole) = trainer(Cell::Lstm) else { return };
    if let Some(folder) = std::env::var_os(VICTIM).map(PathBuf::from) {
        // This is the victim: it trains until the killer comes.
        for number in 0..BATCHES {
            run(&mut whole, number..number + 1);
            let note = (number + 1).to_le_bytes();
            whole.checkpoint(&folder.join("checkpoint.safetensors"), &note).unwrap();
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_secs(60));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_killed_training_resumes_and_ends_with_the_same_bits"])
        .env(VICTIM, folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "the victim never wrote a checkpoint");
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(Duration::from_millis(40));
    victim.kill().unwrap();
    victim.wait().unwrap();

    run(&mut whole, 0..BATCHES);
    let mut resumed = trainer(Cell::Lstm).unwrap();
    let note = resumed.resume(&path).expect("a checkpoint is whole at any time");
    let done = u64::from_le_bytes(note.try_into().unwrap());
    println!("killed after {done} batches");
    assert!(done > 0 && done <= BATCHES, "killed after {done} batches");
    run(&mut resumed, done..BATCHES);
    assert!(weights(&mut resumed, folder.path()) == weights(&mut whole, folder.path()));
}

#[test]
fn the_model_file_has_pytorch_s_names_and_the_caller_s_words() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let Some(mut trainer) = trainer(Cell::Gru) else { return };
    trainer.save(&path, &[("schema", "1"), ("quote", "\"a\\b\"\n")]).unwrap();
    let (metadata, tensors) = read(&path);
    assert_eq!(metadata, r#"{"__metadata__":{"schema":"1","quote":"\"a\\b\"\u000a""#);
    let shapes: Vec<_> =
        tensors.iter().map(|(name, (shape, _))| (name.as_str(), shape.as_slice())).collect();
    assert_eq!(
        shapes,
        [
            ("gru.bias_hh_l0", &[48][..]),
            ("gru.bias_ih_l0", &[48]),
            ("gru.weight_hh_l0", &[48, 16]),
            ("gru.weight_ih_l0", &[48, 8]),
            ("head.end.bias", &[1]),
            ("head.end.weight", &[1, 16]),
            ("head.parity.bias", &[2]),
            ("head.parity.weight", &[2, 16]),
            ("head.symbol.bias", &[7]),
            ("head.symbol.direct.parity.weight", &[2, 7]),
            ("head.symbol.given.parity.weight", &[2, 6]),
            ("head.symbol.state.bias", &[6]),
            ("head.symbol.state.weight", &[6, 16]),
            ("head.symbol.weight", &[7, 6]),
            ("input.dense.bias", &[8]),
            ("input.dense.weight", &[8, 1]),
            ("input.symbol.weight", &[7, 8]),
        ]
    );
}

#[test]
fn nonsense_is_refused_and_the_training_goes_on_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut trainer) = trainer(Cell::Gru) else { return };
    run(&mut trainer, 0..3);
    let before = weights(&mut trainer, folder.path());
    let mut refused = |change: &dyn Fn(&mut task::Owned)| {
        let mut owned = task::batch(3);
        change(&mut owned);
        trainer.step(&owned.batch(), RATE).unwrap_err()
    };
    let texts = [
        refused(&|batch| batch.lengths[4] = 13),
        refused(&|batch| batch.lengths[4] = 0),
        refused(&|batch| batch.read[0] = 16),
        refused(&|batch| batch.write[..2].fill(5)),
        refused(&|batch| batch.categories[0] = 7),
        refused(&|batch| batch.targets[1] = 7),
        refused(&|batch| batch.targets[11 * 12 * 3] = -1),
        refused(&|batch| batch.weights[0] = f32::NAN),
        refused(&|batch| batch.weights.truncate(191)),
    ]
    .map(|error| error.to_string());
    assert_eq!(
        texts,
        [
            "a row is not 1 to 12 steps long",
            "a row is not 1 to 12 steps long",
            "carried state 16 is not one of -1 to 15",
            "two rows of a batch leave the same state",
            "input symbol: 7 of 7",
            "head symbol: 7 of 7",
            "head symbol: scored where a value that it is given is missing",
            "a packet weighs NaN",
            "weights: 191 numbers where the network takes 192",
        ]
    );
    let error = refused(&|batch| batch.dense[0] = f32::NAN);
    assert!(matches!(error, PluginError::Refused { what: Refusal::Diverged, .. }), "{error}");
    assert!(before == weights(&mut trainer, folder.path()));
    run(&mut trainer, 3..4);

    // A batch without anything to score moves states, not weights.
    let before = weights(&mut trainer, folder.path());
    let mut empty = task::batch(4);
    empty.targets.fill(-1);
    assert_eq!(trainer.step(&empty.batch(), RATE).unwrap().loss, 0.0);
    assert!(before == weights(&mut trainer, folder.path()));
}

#[test]
fn a_checkpoint_of_something_else_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint.safetensors");
    let Some(mut trainer) = trainer(Cell::Gru) else { return };
    run(&mut trainer, 0..2);
    trainer.checkpoint(&path, b"two").unwrap();
    let other = TrainingSpec { drop_state: 0.2, ..training() };
    let mut other =
        plugin().unwrap().trainer(&task::network(Cell::Gru), &other, Device::Cpu).unwrap();
    let before = weights(&mut other, folder.path());
    let text = other.resume(&path).unwrap_err().to_string();
    assert!(text.contains("another network, other data or other settings"), "{text}");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let text = other.resume(&path).unwrap_err().to_string();
    assert!(text.contains("not a safetensors file"), "{text}");
    assert!(before == weights(&mut other, folder.path()));
    let text = trainer.checkpoint(Path::new("/nowhere/at/all"), b"").unwrap_err().to_string();
    assert!(text.contains("/nowhere/at/all: No such file or directory"), "{text}");
    let text = plugin()
        .unwrap()
        .trainer(&task::network(Cell::Gru), &training(), Device::Cuda)
        .map_or_else(|error| error.to_string(), |_| "a CUDA device".to_owned());
    assert!(text.contains("CUDA device"), "{text}");
}
