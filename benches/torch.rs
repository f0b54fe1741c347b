//! What training costs a packet, and what the reference engine does: `make bench-torch`.
//!
//! The network is the forecast's: seven tables and 17 dense inputs, summed to 48, a GRU (or LSTM), heads
//! for side and flags, size, time, and the two trained beside them. Times are this thread's processor
//! time, the best of several runs, so that a busy machine matters less. The loss after the runs is
//! printed too: a step that computed nothing would be fast.

#![allow(unsafe_code, reason = "reading a thread's processor time is a system call")]

use std::path::PathBuf;

use foreshadow::train::{
    Batch, Cell, Device, GivenSpec, HeadKind, HeadSpec, NetworkSpec, TableSpec, TorchPlugin,
    TrainingSpec,
};

const TABLES: [(&str, u32); 7] = [
    ("flags", 16),
    ("size", 117),
    ("time", 58),
    ("side_time", 30),
    ("udp", 2),
    ("service", 38),
    ("position", 8),
];

fn network(cell: Cell, hidden: u32) -> NetworkSpec {
    let head = |name: &str, kind, hidden, given: &[(u32, bool)], scale, weighted| HeadSpec {
        name: name.to_owned(),
        kind,
        hidden,
        given: given
            .iter()
            .map(|(head, direct)| GivenSpec { head: *head, direct: *direct })
            .collect(),
        scale,
        weighted,
    };
    let tables =
        TABLES.iter().map(|(name, values)| TableSpec { name: (*name).to_owned(), values: *values });
    NetworkSpec {
        cell,
        hidden,
        width: 48,
        dense: 17,
        tables: tables.collect(),
        heads: vec![
            head("flags", flag_tree(), 0, &[], 1.0, true),
            head("size", HeadKind::Softmax(13), 32, &[(0, true)], 1.0, true),
            head("bin", HeadKind::Known(117), 0, &[], 0.0, true),
            head("time", HeadKind::Softmax(29), 32, &[(0, true), (2, false)], 1.0, true),
            head("any_time", HeadKind::Softmax(29), 0, &[], 0.3, true),
            head("end", HeadKind::Bits(1), 0, &[], 0.1, false),
        ],
    }
}

/// Side first, then reset, fin, syn and acknowledgement, as far as each leaves a question.
fn flag_tree() -> HeadKind {
    let mut paths = vec![Vec::new(); 16];
    for (side, base) in [(0usize, 1u32), (1, 8)] {
        let of = |node: u32| base + node;
        let ways: [&[(u32, bool)]; 8] = [
            &[(0, false), (1, false), (2, false), (4, false), (6, false)],
            &[(0, false), (1, false), (2, true), (3, false)],
            &[(0, false), (1, false), (2, true), (3, true)],
            &[(0, false), (1, false), (2, false), (4, true), (5, false)],
            &[(0, false), (1, false), (2, false), (4, true), (5, true)],
            &[(0, false), (1, true)],
            &[(0, true)],
            &[(0, false), (1, false), (2, false), (4, false), (6, true)],
        ];
        for (class, way) in ways.iter().enumerate() {
            let path = &mut paths[side * 8 + class];
            path.push((0, side == 0));
            path.extend(way.iter().map(|(node, yes)| (of(*node), *yes)));
        }
    }
    HeadKind::Tree { nodes: 15, paths }
}

/// This thread's processor time in nanoseconds.
fn spent() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the struct is ours and of the right kind.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn below(seed: &mut u64, end: u32) -> i32 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    ((*seed >> 20) % u64::from(end)) as i32
}

fn train(plugin: TorchPlugin, cell: Cell, hidden: u32, rows: usize, steps: usize) {
    let network = network(cell, hidden);
    let training = TrainingSpec { rows: rows as u64, ..TrainingSpec::default() };
    let mut trainer = plugin.trainer(&network, &training, Device::Cpu).expect("opens");
    let (mut categories, mut targets, mut seed) = (Vec::new(), Vec::new(), 42);
    for _ in 0..rows * steps {
        categories.extend(TABLES.map(|(_, values)| below(&mut seed, values)));
        targets.extend([16, 13, 117, 29, 29, 2].map(|values| below(&mut seed, values)));
    }
    let dense: Vec<f32> =
        (0..rows * steps * 17).map(|_| below(&mut seed, 1 << 12) as f32 / 4096.0).collect();
    let carried: Vec<i64> = (0..rows as i64).collect();
    let lengths = vec![steps as u32; rows];
    let weights = vec![1.0; rows * steps];
    let batch = Batch {
        steps,
        lengths: &lengths,
        read: &carried,
        write: &carried,
        categories: &categories,
        dense: &dense,
        targets: &targets,
        weights: &weights,
    };
    let (mut best, mut best_evaluation, mut loss) = (f64::MAX, f64::MAX, 0.0);
    let packets = (rows * steps) as f64;
    for _ in 0..12 {
        let begun = spent();
        loss = trainer.step(&batch, 1e-3).expect("learns").loss;
        best = best.min((spent() - begun) as f64 / packets / 1e3);
        let begun = spent();
        trainer.evaluate(&batch, None).expect("scores");
        best_evaluation = best_evaluation.min((spent() - begun) as f64 / packets / 1e3);
    }
    println!(
        "train {cell:?}-{hidden:<3} {rows:>3} rows x {steps:>2}: {best:5.2} us a packet, evaluate \
         {best_evaluation:5.2} us, loss {loss:.2}"
    );
}

fn forward(plugin: TorchPlugin, hidden: u32) {
    let network = network(Cell::Gru, hidden);
    let path =
        std::env::temp_dir().join(format!("foreshadow-bench-{}.safetensors", std::process::id()));
    plugin
        .trainer(&network, &TrainingSpec::default(), Device::Cpu)
        .and_then(|mut trainer| trainer.save(&path, &[]))
        .expect("saves");
    let mut engine = plugin.engine(&network, &path, Device::Cpu, 100_000).expect("opens");
    std::fs::remove_file(&path).expect("was written");
    let mut seed = 7;
    for batch in [1usize, 16, 256] {
        let mut best = [f64::MAX; 2];
        for _ in 0..200 {
            let start = i64::from(below(&mut seed, 300));
            let slots: Vec<i64> = (0..batch as i64).map(|slot| start + 300 * slot).collect();
            let (mut categories, mut given) = (Vec::new(), Vec::new());
            for _ in 0..batch {
                categories.extend(TABLES.map(|(_, values)| below(&mut seed, values)));
                given.extend([16, 13, 117, 29, 29, 2].map(|values| below(&mut seed, values)));
            }
            let dense = vec![0.5; batch * 17];
            let begun = spent();
            engine.forecast(&slots, &given).expect("forecasts");
            let between = spent();
            engine.step(&slots, &categories, &dense).expect("steps");
            best[0] = best[0].min((between - begun) as f64 / batch as f64);
            best[1] = best[1].min((spent() - between) as f64 / batch as f64);
        }
        let [heads, step] = best;
        println!(
            "engine Gru-{hidden:<3} batch {batch:>3}: heads {heads:6.0} ns, step {step:6.0} ns a packet"
        );
    }
}

fn main() {
    let Some(folder) = std::env::var_os("FORESHADOW_TORCH").map(PathBuf::from) else {
        println!("needs libtorch: `make bench-torch`");
        return;
    };
    let libtorch = std::env::var_os("FORESHADOW_LIBTORCH");
    let libtorch = libtorch.map_or_else(|| folder.join("torch"), PathBuf::from);
    let library = folder.join("libforeshadow_torch.so");
    let plugin = TorchPlugin::open(&libtorch, &library, Device::Cpu).expect("opens");
    for (cell, hidden, rows, steps) in [
        (Cell::Gru, 32, 32, 96),
        (Cell::Gru, 32, 64, 64),
        (Cell::Gru, 64, 32, 96),
        (Cell::Gru, 64, 64, 64),
        (Cell::Lstm, 64, 64, 64),
    ] {
        train(plugin, cell, hidden, rows, steps);
    }
    forward(plugin, 32);
    forward(plugin, 64);
}
