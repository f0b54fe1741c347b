//! The schema as a network for libtorch.

use crate::model::discretise::SIDE_FLAGS;
use crate::model::schema::{self, Outcome};
use crate::train::{Cell, GivenSpec, HeadKind, HeadSpec, NetworkSpec, TableSpec};

/// A head's part in the loss, and whether packets are weighed in it: the three symbols first, the
/// others beside them.
const LOSS: [(f32, bool); schema::HEADS.len()] =
    [(1.0, true), (1.0, true), (0.0, false), (1.0, true), (0.3, true), (0.1, false), (0.1, true)];

/// The network of the schema, with a cell of some size.
#[must_use]
pub fn network(cell: Cell, hidden: u32) -> NetworkSpec {
    let table = |table: schema::Table| TableSpec {
        name: table.name.to_owned(),
        values: table.values as u32,
    };
    let heads = schema::HEADS.iter().zip(LOSS).map(|(head, (scale, weighted))| HeadSpec {
        name: head.name.to_owned(),
        kind: kind(head.outcome),
        hidden: head.hidden as u32,
        given: head
            .given
            .iter()
            .map(|given| GivenSpec { head: given.head as u32, direct: given.direct })
            .collect(),
        scale,
        weighted,
    });
    NetworkSpec {
        cell,
        hidden,
        width: schema::WIDTH as u32,
        dense: schema::DENSE.len() as u32,
        tables: schema::TABLES.into_iter().map(table).collect(),
        heads: heads.collect(),
    }
}

fn kind(outcome: Outcome) -> HeadKind {
    match outcome {
        Outcome::Class(classes) => HeadKind::Softmax(classes as u32),
        Outcome::Bit => HeadKind::Bits(1),
        Outcome::Known(values) => HeadKind::Known(values as u32),
        Outcome::SideFlags => HeadKind::Tree {
            nodes: schema::SIDE_FLAGS_NODES as u32,
            paths: (0..SIDE_FLAGS as u8)
                .map(|symbol| {
                    let path = schema::side_flags_path(symbol);
                    path.map(|(node, yes)| (node as u32, yes)).collect()
                })
                .collect(),
        },
    }
}

/// Numbers that are learned, the table of fine sizes included.
#[must_use]
pub fn parameters(cell: Cell, hidden: u32) -> usize {
    let (h, gates) = (hidden as usize, if cell == Cell::Gru { 3 } else { 4 });
    let rows: usize = schema::TABLES.iter().map(|table| table.values).sum();
    let heads: usize = schema::HEADS.iter().map(|head| of_head(head, h)).sum();
    (rows + schema::DENSE.len() + 1) * schema::WIDTH
        + gates * h * (schema::WIDTH + h + 2)
        + heads
        + SIDE_FLAGS * schema::FINE_SIZES
}

fn of_head(head: &schema::Head, h: usize) -> usize {
    let logits = head.outcome.logits();
    let given = head.given.iter().map(|given| {
        let into = if head.hidden > 0 { head.hidden } else { logits };
        let direct = if given.direct { logits } else { 0 };
        schema::HEADS[given.head].outcome.values() * (into + direct)
    });
    let layers = match head.hidden {
        0 => (h + 1) * logits,
        units => (h + 1) * units + (units + 1) * logits,
    };
    layers + given.sum::<usize>()
}
