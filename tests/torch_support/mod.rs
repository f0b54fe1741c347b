//! What the tests of `engine-torch` share: the opened library, networks, numbers, model files.

#![allow(dead_code)] // no test uses all of it
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use foreshadow::train::{
    Cell, Device, GivenSpec, HeadKind, HeadSpec, NetworkSpec, TableSpec, TorchPlugin,
};

/// The library, if `make test-torch` runs this: it says where `make torch` put things.
pub(crate) fn plugin() -> Option<TorchPlugin> {
    let Some(folder) = std::env::var_os("FORESHADOW_TORCH").map(PathBuf::from) else {
        eprintln!("SKIPPED: needs libtorch; `make test-torch` fetches it and runs this");
        return None;
    };
    let libtorch = std::env::var_os("FORESHADOW_LIBTORCH");
    let libtorch = libtorch.map_or_else(|| folder.join("torch"), PathBuf::from);
    let library = folder.join("libforeshadow_torch.so");
    Some(TorchPlugin::open(&libtorch, &library, Device::Cpu).expect("opens"))
}

/// Numbers that look random and are the same every time (xorshift).
pub(crate) struct Numbers(pub u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: u32) -> i32 {
        ((self.next() >> 20) % u64::from(end)) as i32
    }

    /// Evenly from -1 to 1.
    pub(crate) fn even(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}

pub(crate) fn head(name: &str, kind: HeadKind, hidden: u32, given: &[(u32, bool)]) -> HeadSpec {
    let given = given.iter().map(|(head, direct)| GivenSpec { head: *head, direct: *direct });
    let given = given.collect();
    HeadSpec { name: name.to_owned(), kind, hidden, given, scale: 1.0, weighted: true }
}

/// Every kind of input and head at once.
pub(crate) fn everything(cell: Cell) -> NetworkSpec {
    let paths = vec![
        vec![(0, true)],
        vec![(0, false), (1, true)],
        vec![(0, false), (1, false), (2, true)],
        vec![(0, false), (1, false), (2, false)],
    ];
    NetworkSpec {
        cell,
        hidden: 12,
        width: 10,
        dense: 3,
        tables: vec![
            TableSpec { name: "flags".to_owned(), values: 5 },
            TableSpec { name: "size".to_owned(), values: 7 },
        ],
        heads: vec![
            head("side", HeadKind::Tree { nodes: 3, paths }, 0, &[]),
            head("flags", HeadKind::Bits(3), 0, &[(0, false)]),
            head("size", HeadKind::Softmax(6), 8, &[(0, true), (1, false)]),
            head("fine", HeadKind::Known(20), 0, &[]),
            head("time", HeadKind::Softmax(9), 8, &[(0, true), (3, false)]),
        ],
    }
}

/// The plainest: dense inputs into the cell, one head.
pub(crate) fn plainest(cell: Cell, hidden: u32) -> NetworkSpec {
    let heads = vec![head("", HeadKind::Softmax(11), 0, &[])];
    NetworkSpec { cell, hidden, width: 0, dense: 16, tables: Vec::new(), heads }
}

/// How many values a head's target can take.
pub(crate) fn values(kind: &HeadKind) -> u32 {
    match kind {
        HeadKind::Softmax(values) | HeadKind::Known(values) => *values,
        HeadKind::Tree { paths, .. } => paths.len() as u32,
        HeadKind::Bits(bits) => 1 << bits,
    }
}

/// A model file's tensors by name, each with its shape.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Reads what `Trainer::save` writes, by its own and slower way.
pub(crate) fn read(path: &Path) -> (String, Tensors) {
    let bytes = std::fs::read(path).unwrap();
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = String::from_utf8(bytes[8..8 + len].to_vec()).unwrap();
    let (metadata, rest) = header.split_once("},").unwrap();
    let mut tensors = Tensors::new();
    for entry in rest.split("},").map(|entry| entry.trim_end_matches([' ', '}'])) {
        let (name, about) = entry.split_once(":{").unwrap();
        let list = |key: &str| -> Vec<usize> {
            let rest = about.split_once(&format!("\"{key}\":[")).unwrap().1;
            let inside = rest.split_once(']').unwrap().0;
            inside.split(',').map(|number| number.trim().parse().unwrap()).collect()
        };
        let place = list("data_offsets");
        let numbers = bytes[8 + len..][place[0]..place[1]]
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
            .collect();
        tensors.insert(name.trim_matches('"').to_owned(), (list("shape"), numbers));
    }
    (metadata.to_owned(), tensors)
}

/// Writes a model file.
pub(crate) fn write(path: &Path, tensors: &Tensors) {
    let (mut header, mut body) = (String::from("{"), Vec::new());
    for (name, (shape, numbers)) in tensors {
        let begin = body.len();
        body.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        let comma = if begin == 0 { "" } else { "," };
        let end = body.len();
        header += &format!(
            "{comma}\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{begin},{end}]}}"
        );
    }
    header.push('}');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(body);
    std::fs::write(path, bytes).unwrap();
}
