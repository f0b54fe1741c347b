//! The network once more, in loops: the truth that libtorch's forward pass is compared with.

use foreshadow::train::{Cell, HeadKind, NetworkSpec};

use crate::torch_support::Tensors;

pub(crate) struct Plain<'a> {
    pub(crate) network: &'a NetworkSpec,
    pub(crate) tensors: &'a Tensors,
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn log_sigmoid(x: f32) -> f32 {
    x.min(0.0) - (-x.abs()).exp().ln_1p()
}

impl Plain<'_> {
    fn tensor(&self, name: &str) -> &(Vec<usize>, Vec<f32>) {
        self.tensors.get(name).unwrap_or_else(|| panic!("the file has no {name}"))
    }

    /// A linear layer with the weight and bias of these names.
    fn linear(&self, weight: &str, bias: &str, input: &[f32]) -> Vec<f32> {
        let (shape, weight) = self.tensor(weight);
        assert_eq!(shape[1], input.len());
        let rows = weight.chunks_exact(shape[1]).zip(&self.tensor(bias).1);
        rows.map(|(row, bias)| {
            bias + row.iter().zip(input).map(|(weight, input)| weight * input).sum::<f32>()
        })
        .collect()
    }

    fn add_row(&self, table: &str, row: i32, into: &mut [f32]) {
        let (shape, table) = self.tensor(table);
        assert_eq!(shape[1], into.len());
        let row = &table[row as usize * shape[1]..][..shape[1]];
        into.iter_mut().zip(row).for_each(|(into, add)| *into += add);
    }

    pub(crate) fn step(&self, state: &mut [f32], categories: &[i32], dense: &[f32]) {
        let network = self.network;
        let mut input = match (network.width, network.dense) {
            (0, _) => dense.to_vec(),
            (width, 0) => vec![0.0; width as usize],
            _ => self.linear("input.dense.weight", "input.dense.bias", dense),
        };
        for (table, value) in network.tables.iter().zip(categories) {
            self.add_row(&format!("input.{}.weight", table.name), *value, &mut input);
        }
        let n = network.hidden as usize;
        let cell = if network.cell == Cell::Gru { "gru" } else { "lstm" };
        let name = |part: &str| format!("{cell}.{part}_l0");
        let i = self.linear(&name("weight_ih"), &name("bias_ih"), &input);
        let h = self.linear(&name("weight_hh"), &name("bias_hh"), &state[..n]);
        for k in 0..n {
            match network.cell {
                Cell::Gru => {
                    let r = sigmoid(i[k] + h[k]);
                    let z = sigmoid(i[n + k] + h[n + k]);
                    let new = (i[2 * n + k] + r * h[2 * n + k]).tanh();
                    state[k] = (1.0 - z) * new + z * state[k];
                }
                Cell::Lstm => {
                    let gate = |number: usize| i[number * n + k] + h[number * n + k];
                    let c = sigmoid(gate(1)) * state[n + k] + sigmoid(gate(0)) * gate(2).tanh();
                    state[n + k] = c;
                    state[k] = sigmoid(gate(3)) * c.tanh();
                }
            }
        }
    }

    pub(crate) fn forecast(&self, state: &[f32], given: &[i32]) -> Vec<f32> {
        let h = &state[..self.network.hidden as usize];
        let mut out = Vec::new();
        for head in &self.network.heads {
            if matches!(head.kind, HeadKind::Known(_)) {
                continue;
            }
            let prefix = match head.name.as_str() {
                "" => "head".to_owned(),
                name => format!("head.{name}"),
            };
            let named = |part: &str, other: u32| {
                let other = &self.network.heads[other as usize].name;
                format!("{prefix}.{part}.{other}.weight")
            };
            let whole =
                |part: &str| (format!("{prefix}{part}.weight"), format!("{prefix}{part}.bias"));
            let add = |part: &str, direct: bool, into: &mut [f32]| {
                for value in head.given.iter().filter(|value| !direct || value.direct) {
                    self.add_row(&named(part, value.head), given[value.head as usize], into);
                }
            };
            let (weight, bias) = whole("");
            let logits = if head.hidden > 0 {
                let (state_weight, state_bias) = whole(".state");
                let mut hidden = self.linear(&state_weight, &state_bias, h);
                add("given", false, &mut hidden);
                hidden.iter_mut().for_each(|unit| *unit = unit.max(0.0));
                let mut logits = self.linear(&weight, &bias, &hidden);
                add("direct", true, &mut logits);
                logits
            } else {
                let mut logits = self.linear(&weight, &bias, h);
                add("given", false, &mut logits);
                logits
            };
            match &head.kind {
                HeadKind::Softmax(_) => {
                    let top = logits.iter().copied().fold(f32::MIN, f32::max);
                    let sum: f32 = logits.iter().map(|logit| (logit - top).exp()).sum();
                    out.extend(logits.iter().map(|logit| logit - top - sum.ln()));
                }
                HeadKind::Bits(_) => out.extend(logits.iter().map(|logit| log_sigmoid(*logit))),
                HeadKind::Known(_) => {}
                HeadKind::Tree { paths, .. } => out.extend(paths.iter().map(|path| {
                    path.iter()
                        .map(|(node, yes)| {
                            let logit = logits[*node as usize];
                            log_sigmoid(if *yes { logit } else { -logit })
                        })
                        .sum::<f32>()
                })),
            }
        }
        out
    }
}
