//! The shipped networks: libtorch and the plain engine come to the same states.

#![cfg(all(feature = "torch", feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

#[path = "torch_support/mod.rs"]
mod torch_support;

use std::path::{Path, PathBuf};

use foreshadow::flow::{Service, Side, Slot};
use foreshadow::model::engine::{self, Dispatch, Engine, Shape, Weights};
use foreshadow::model::file::ModelFile;
use foreshadow::model::schema::{DENSE, Features, Recall, TABLES, WIDTH};
use foreshadow::model::{Origin, PacketFacts};
use foreshadow::time::Span;
use foreshadow::train::forecast::network;
use foreshadow::train::{Cell, Device};
use foreshadow::wire::TcpFlags;
use torch_support::{Numbers, plugin};

/// Largest difference of any unit of a state, which lies between -1 and 1.
const TOLERANCE: f32 = 1e-5;

/// The shipped files with a network in them.
fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut models: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|ending| ending == "safetensors"))
        .filter(|path| ModelFile::read(&std::fs::read(path).unwrap()).unwrap().has_network())
        .collect();
    models.sort();
    models
}

/// A packet of a conversation that alternates, repeats and surprises.
fn packet(numbers: &mut Numbers, position: u32) -> PacketFacts {
    let sizes = [0, 0, 33, 33, 517, 1_448, 1_448, 1_460];
    let flags = [0x10, 0x10, 0x18, 0x18, 0x18, 0x02, 0x12, 0x11];
    let any = |numbers: &mut Numbers, of: &[u32; 8]| of[numbers.below(8) as usize];
    PacketFacts {
        side: if numbers.below(2) == 0 { Side::A } else { Side::B },
        protocol: 6,
        flags: TcpFlags(any(numbers, &flags) as u8),
        payload_len: any(numbers, &sizes),
        wire_len: 1_500,
        window: numbers.below(65_536) as u16,
        entropy: (numbers.below(2) == 0).then(|| numbers.below(256) as u8),
        since: (position > 0).then(|| Span::from_micros(1 << numbers.below(24))),
        position,
    }
}

/// What enters the cell: the sum of the rows and of the dense numbers' layer.
fn entering(tables: &[Vec<f32>], dense: (&[f32], &[f32]), features: &Features) -> Vec<f32> {
    let of = |unit: usize| {
        let rows = tables.iter().zip(features.rows);
        let rows = rows.map(|(table, row)| table[usize::from(row) * WIDTH + unit]).sum::<f32>();
        let weights = &dense.0[unit * DENSE.len()..][..DENSE.len()];
        let products = weights.iter().zip(features.dense).map(|(weight, value)| weight * value);
        rows + products.sum::<f32>() + dense.1[unit]
    };
    (0..WIDTH).map(of).collect()
}

/// How far the two are apart after 1,000 packets.
fn difference(path: &Path) -> Option<f32> {
    let bytes = std::fs::read(path).unwrap();
    let file = ModelFile::read(&bytes).unwrap();
    let (cell, of, name) = match file.shape("gru.weight_hh_l0") {
        Some(_) => (Cell::Gru, engine::Cell::Gru, "gru"),
        None => (Cell::Lstm, engine::Cell::Lstm, "lstm"),
    };
    let hidden = file.shape(&format!("{name}.weight_hh_l0")).unwrap()[1];
    let tensor = |name: &str| file.tensor(name, file.shape(name).unwrap()).unwrap();
    let of_cell = |part: &str| tensor(&format!("{name}.{part}_l0"));
    let tables = TABLES.map(|table| tensor(&format!("input.{}.weight", table.name)));
    let dense = (tensor("input.dense.weight"), tensor("input.dense.bias"));
    let mut plain = Engine::new(
        &Weights {
            shape: Shape { cell: of, hidden, inputs: WIDTH, outputs: 15 },
            weight_ih: &of_cell("weight_ih"),
            weight_hh: &of_cell("weight_hh"),
            bias_ih: &of_cell("bias_ih"),
            bias_hh: &of_cell("bias_hh"),
            head_weight: &tensor("head.side_flags.weight"),
            head_bias: &tensor("head.side_flags.bias"),
        },
        Dispatch::Plain,
    )
    .unwrap();
    let spec = network(cell, hidden as u32);
    let mut torch = plugin()?.engine(&spec, path, Device::Cpu, 1).expect("opens");

    let service = Service { protocol: 6, port: 443 };
    let origin = Origin { service, pair: 1, identity: 2, responder: Side::B, salt: 0 };
    let mut recall = Recall::new(&origin);
    let mut numbers = Numbers(9);
    plain.begin(Slot(0));
    for position in 0..1_000 {
        let features = recall.push(&packet(&mut numbers, position));
        let rows = features.rows.map(i32::from);
        torch.step(&[0], &rows, &features.dense).unwrap();
        plain.step(Slot(0), &entering(&tables, (&dense.0, &dense.1), &features), &[]);
    }
    let (found, truth) = (torch.states(&[0]).unwrap(), plain.state(Slot(0)));
    assert_eq!(found.len(), truth.len());
    Some(found.iter().zip(truth).map(|(found, truth)| (found - truth).abs()).fold(0.0, f32::max))
}

#[test]
fn libtorch_comes_to_the_plain_engine_s_states_with_every_shipped_network() {
    let models = shipped();
    assert!(!models.is_empty());
    for path in models {
        let Some(difference) = difference(&path) else { return };
        println!("{}: {difference:e} after 1,000 packets", path.display());
        assert!(difference <= TOLERANCE, "{}: {difference}", path.display());
    }
}
