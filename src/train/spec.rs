//! The network to train or to run, in words; checked by the library when it is opened with it.
//!
//! [`NetworkSpec::lend`] turns it into the plain structs of the interface for the time of one call.

use crate::train::abi;
use crate::train::plugin::borrow;

/// The cell that carries a connection's state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Cell {
    /// Gated recurrent unit; the state is its output.
    #[default]
    Gru,
    /// Long short-term memory; the state is its output followed by its cell.
    Lstm,
}

/// A categorical input: each value has a learned vector.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TableSpec {
    /// Its name in the model file: `input.NAME.weight`.
    pub name: String,
    /// How many values there are.
    pub values: u32,
}

/// How a head's logits become probabilities.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HeadKind {
    /// One of so many classes.
    Softmax(u32),
    /// One class, by binary decisions on the way to it: for every class the decisions it takes.
    Tree {
        /// How many decisions there are.
        nodes: u32,
        /// For each class its path: a decision's number and which way it goes.
        paths: Vec<Vec<(u32, bool)>>,
    },
    /// So many bits at once; the target is their number, first bit lowest.
    Bits(u32),
    /// Nothing; a value of so many that later heads may be given, finer than what was forecast of it.
    Known(u32),
}

impl HeadKind {
    /// How many log-probabilities a forecast holds for it.
    #[must_use]
    pub fn outputs(&self) -> usize {
        match self {
            Self::Softmax(classes) | Self::Bits(classes) => *classes as usize,
            Self::Tree { paths, .. } => paths.len(),
            Self::Known(_) => 0,
        }
    }
}

/// An earlier head whose value a head knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GivenSpec {
    /// Its number.
    pub head: u32,
    /// Whether the value also shifts the logits themselves, past the hidden layer.
    pub direct: bool,
}

/// One head of the chain.
#[derive(Clone, PartialEq, Debug)]
pub struct HeadSpec {
    /// Its name in the model file: `head.NAME.weight`; without one, `head.weight`.
    pub name: String,
    /// What it forecasts.
    pub kind: HeadKind,
    /// Units of its hidden layer; 0 for logits straight from the state.
    pub hidden: u32,
    /// The earlier heads that it is conditioned on.
    pub given: Vec<GivenSpec>,
    /// Its part in the loss.
    pub scale: f32,
    /// Whether packets count by their weight in its mean.
    pub weighted: bool,
}

/// A network: what goes in, the cell, the heads.
#[derive(Clone, PartialEq, Debug)]
pub struct NetworkSpec {
    /// The cell.
    pub cell: Cell,
    /// Its size.
    pub hidden: u32,
    /// Width of the vector that enters the cell, a sum over tables and dense inputs; 0 where the dense
    /// inputs enter it themselves.
    pub width: u32,
    /// How many dense inputs there are.
    pub dense: u32,
    /// The categorical inputs.
    pub tables: Vec<TableSpec>,
    /// The chain of heads.
    pub heads: Vec<HeadSpec>,
}

impl NetworkSpec {
    /// Floats of one state.
    #[must_use]
    pub fn state(&self) -> usize {
        match self.cell {
            Cell::Gru => self.hidden as usize,
            Cell::Lstm => 2 * self.hidden as usize,
        }
    }

    /// Log-probabilities of one forecast, over all heads.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.heads.iter().map(|head| head.kind.outputs()).sum()
    }

    /// Lends the network to a call.
    pub(crate) fn lend<T>(&self, call: impl FnOnce(&abi::Network) -> T) -> T {
        let tables: Vec<_> = self
            .tables
            .iter()
            .map(|table| abi::Table { name: borrow(&table.name), values: table.values })
            .collect();
        let lists: Vec<(Vec<abi::Given>, Vec<u8>)> =
            self.heads.iter().map(|head| (given(head), matrix(&head.kind))).collect();
        let heads: Vec<_> = self
            .heads
            .iter()
            .zip(&lists)
            .map(|(head, (given, tree))| {
                let (kind, classes, nodes) = match &head.kind {
                    HeadKind::Softmax(classes) => (abi::SOFTMAX, *classes, 0),
                    HeadKind::Bits(bits) => (abi::BITS, *bits, 0),
                    HeadKind::Known(values) => (abi::KNOWN, *values, 0),
                    HeadKind::Tree { nodes, paths } => {
                        (abi::TREE, u32::try_from(paths.len()).unwrap_or(u32::MAX), *nodes)
                    }
                };
                abi::Head {
                    name: borrow(&head.name),
                    kind,
                    classes,
                    nodes,
                    tree: tree.as_ptr(),
                    hidden: head.hidden,
                    given: given.as_ptr(),
                    given_len: given.len(),
                    scale: head.scale,
                    weighted: u32::from(head.weighted),
                }
            })
            .collect();
        call(&abi::Network {
            cell: match self.cell {
                Cell::Gru => abi::GRU,
                Cell::Lstm => abi::LSTM,
            },
            hidden: self.hidden,
            width: self.width,
            dense: self.dense,
            tables: tables.as_ptr(),
            tables_len: tables.len(),
            heads: heads.as_ptr(),
            heads_len: heads.len(),
        })
    }
}

fn given(head: &HeadSpec) -> Vec<abi::Given> {
    head.given
        .iter()
        .map(|given| abi::Given { head: given.head, direct: u32::from(given.direct) })
        .collect()
}

/// The paths of a tree as [`abi::Head::tree`] lays them out. A decision that the tree doesn't have
/// becomes a 2, which the library refuses.
fn matrix(kind: &HeadKind) -> Vec<u8> {
    let HeadKind::Tree { nodes, paths } = kind else { return Vec::new() };
    let (nodes, classes) = (*nodes as usize, paths.len());
    let mut matrix = vec![0; 2 * nodes * classes];
    for (class, path) in paths.iter().enumerate() {
        for (node, yes) in path {
            let node = *node as usize;
            let row = if *yes { node } else { nodes + node };
            let (place, bit) = if node < nodes { (row * classes + class, 1) } else { (class, 2) };
            if let Some(into) = matrix.get_mut(place) {
                *into = bit;
            }
        }
    }
    matrix
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_laid_out_by_decision_and_way() {
        let paths =
            vec![vec![(0, true)], vec![(0, false), (1, true)], vec![(0, false), (1, false)]];
        let rows = matrix(&HeadKind::Tree { nodes: 2, paths });
        assert_eq!(rows, [1, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 1]);
    }

    #[test]
    fn a_decision_that_the_tree_lacks_is_marked_for_refusal() {
        let rows =
            matrix(&HeadKind::Tree { nodes: 1, paths: vec![vec![(0, true)], vec![(7, true)]] });
        assert_eq!(rows, [1, 2, 0, 0]);
    }
}
