//! The network's parameters and its forward pass up to the state.
//!
//! All parameters lie in one flat tensor, in an order that follows from the spec alone: the optimiser,
//! the running mean and the checkpoint each touch one tensor instead of dozens. The network itself
//! works on views of it under PyTorch's names:
//!
//! ```text
//! input.TABLE.weight [values, width]          summed over the tables,
//! input.dense.weight [width, dense], .bias    and with the dense inputs
//! gru.weight_ih_l0 [3 hidden, width], weight_hh_l0, bias_ih_l0, bias_hh_l0   (or lstm., 4 hidden)
//! head.NAME.…                                 see `heads`
//! ```

use std::sync::{Mutex, PoisonError};

use tch::{Kind, Tensor};

use crate::heads::HeadWeights;
use crate::spec::{Cell, Network};

/// How a parameter begins.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Init {
    /// Evenly in plus or minus this.
    Uniform(f64),
    /// Normal with this deviation.
    Normal(f64),
    Zero,
}

/// One parameter: its name, its shape and where it lies in the flat tensor.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) shape: Vec<i64>,
    pub(crate) init: Init,
    pub(crate) offset: i64,
}

impl Parameter {
    pub(crate) fn len(&self) -> i64 {
        self.shape.iter().product()
    }

    /// The parameter's part of a flat tensor, sharing its memory.
    pub(crate) fn view(&self, flat: &Tensor) -> Tensor {
        flat.narrow(0, self.offset, self.len()).view(self.shape.as_slice())
    }
}

/// A linear layer's weight and bias.
#[derive(Debug)]
pub(crate) struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    /// Asks for the parameters of `name`, begun as PyTorch begins them.
    pub(crate) fn declare(take: &mut Take<'_>, name: &str, inputs: i64, outputs: i64) -> Self {
        let bound = Init::Uniform(1.0 / (inputs as f64).sqrt());
        Self {
            weight: take(&format!("{name}.weight"), &[outputs, inputs], bound),
            bias: take(&format!("{name}.bias"), &[outputs], bound),
        }
    }

    pub(crate) fn forward(&self, input: &Tensor) -> Tensor {
        input.linear(&self.weight, Some(&self.bias))
    }
}

/// What hands out parameters while a network is declared: a name, a shape and a beginning in.
pub(crate) type Take<'a> = dyn FnMut(&str, &[i64], Init) -> Tensor + 'a;

/// The parameters of a network, each a tensor.
#[derive(Debug)]
pub(crate) struct Weights {
    tables: Vec<Tensor>,
    dense: Option<Linear>,
    cell: [Tensor; 4],
    /// None for a value that is only known.
    pub(crate) heads: Vec<Option<HeadWeights>>,
}

impl Weights {
    /// Asks `take` for every parameter, always in the same order.
    fn declare(spec: &Network, take: &mut Take<'_>) -> Self {
        let tables = spec
            .tables
            .iter()
            .map(|(name, values)| {
                take(&format!("input.{name}.weight"), &[*values, spec.width], Init::Normal(0.3))
            })
            .collect();
        let dense = (spec.width > 0 && spec.dense > 0)
            .then(|| Linear::declare(take, "input.dense", spec.dense, spec.width));
        let (cell, gates) = (spec.cell.name(), spec.cell.gates() * spec.hidden);
        let bound = Init::Uniform(1.0 / (spec.hidden as f64).sqrt());
        let cell = [
            take(&format!("{cell}.weight_ih_l0"), &[gates, spec.entering()], bound),
            take(&format!("{cell}.weight_hh_l0"), &[gates, spec.hidden], bound),
            take(&format!("{cell}.bias_ih_l0"), &[gates], bound),
            take(&format!("{cell}.bias_hh_l0"), &[gates], bound),
        ];
        let heads =
            (0..spec.heads.len()).map(|head| HeadWeights::declare(take, spec, head)).collect();
        Self { tables, dense, cell, heads }
    }

    /// The list of parameters, and how many floats they are together.
    pub(crate) fn parameters(spec: &Network) -> (Vec<Parameter>, i64) {
        let (mut list, mut offset) = (Vec::new(), 0);
        Self::declare(spec, &mut |name, shape, init| {
            let parameter =
                Parameter { name: name.to_owned(), shape: shape.to_vec(), init, offset };
            offset += parameter.len();
            list.push(parameter);
            Tensor::new()
        });
        (list, offset)
    }

    /// A network on the memory of `flat`; `leaf` gives each view a gradient of its own.
    pub(crate) fn on(spec: &Network, flat: &Tensor, leaf: bool) -> (Self, Vec<Tensor>) {
        let (list, _) = Self::parameters(spec);
        let views: Vec<Tensor> = list
            .iter()
            .map(|parameter| parameter.view(flat).detach().set_requires_grad(leaf))
            .collect();
        let mut next = views.iter();
        let mut weights = Self::declare(spec, &mut |_, _, _| {
            next.next().map(Tensor::shallow_clone).expect("the order follows from the spec alone")
        });
        weights.heads.iter_mut().flatten().for_each(|head| head.move_to(flat.device()));
        (weights, views)
    }

    /// What enters the cell: `categories` is `[.., tables]`, `dense` is `[.., dense]`.
    pub(crate) fn enter(&self, categories: &Tensor, dense: &Tensor) -> Tensor {
        let sum = self.dense.as_ref().map(|layer| layer.forward(dense));
        look_up(sum, &self.tables, categories).unwrap_or_else(|| dense.shallow_clone())
    }

    /// Runs rows of different lengths, packed: `entering` holds first the first packet of every row,
    /// longest row first, then the second of those that have one, as `sizes` counts them. Gives h
    /// after every packet, packed the same, and the `[rows, state]` after each row's last.
    ///
    /// Written out step by step because libtorch's own packed run takes a slice of the whole batch
    /// each step, whose gradient is as large as the batch: measured 2.5 times slower at 96 steps. A
    /// split only has its parts' gradients put together.
    pub(crate) fn sequence(
        &self,
        spec: &Network,
        entering: &Tensor,
        sizes: &[i64],
        states: &Tensor,
    ) -> (Tensor, Tensor) {
        let n = spec.hidden;
        let [w_ih, w_hh, b_ih, b_hh] = &self.cell;
        let inputs = entering.linear(w_ih, Some(b_ih)).split_with_sizes(sizes, 0);
        let (mut h, mut c) = split(spec, states);
        let (mut outputs, mut last) = (Vec::with_capacity(sizes.len()), Vec::new());
        for (input, rows) in inputs.iter().zip(sizes) {
            let before = h.size()[0];
            if *rows < before {
                let over = |tensor: &Tensor| tensor.narrow(0, *rows, before - rows);
                last.push(join(over(&h), c.as_ref().map(over)));
                h = h.narrow(0, 0, *rows);
                c = c.map(|c| c.narrow(0, 0, *rows));
            }
            let gates = h.linear(w_hh, Some(b_hh));
            (h, c) = match c {
                None => {
                    let (input, gates) = (pair(input, 2 * n, n), pair(&gates, 2 * n, n));
                    let rz = pair(&(&input.0 + &gates.0).sigmoid_(), n, n);
                    let new = input.1.addcmul(&rz.0, &gates.1).tanh_();
                    (new.lerp_tensor(&h, &rz.1), None)
                }
                Some(c) => {
                    let (rest, o) = pair(&(input + gates), 3 * n, n);
                    let (both, g) = pair(&rest, 2 * n, n);
                    let (i, f) = pair(&both.sigmoid(), n, n);
                    let c = (f * c).addcmul(&i, &g.tanh());
                    (o.sigmoid() * c.tanh(), Some(c))
                }
            };
            outputs.push(h.shallow_clone());
        }
        last.push(join(h, c));
        last.reverse();
        (Tensor::cat(&outputs, 0), Tensor::cat(&last, 0))
    }

    /// The states after one packet each.
    pub(crate) fn step(&self, spec: &Network, entering: &Tensor, states: &Tensor) -> Tensor {
        let [w_ih, w_hh, b_ih, b_hh] = &self.cell;
        match split(spec, states) {
            (h, None) => entering.gru_cell(&h, w_ih, w_hh, Some(b_ih), Some(b_hh)),
            (h, Some(c)) => {
                let (h, c) = entering.lstm_cell(&[&h, &c], w_ih, w_hh, Some(b_ih), Some(b_hh));
                join(h, Some(c))
            }
        }
    }
}

/// The fresh parameters of a network, on the processor; the same for the same seed.
pub(crate) fn begin(parameters: &[Parameter], len: i64, seed: u64) -> Tensor {
    let flat = Tensor::zeros([len], (Kind::Float, tch::Device::Cpu));
    drawing(seed as i64, || {
        for parameter in parameters {
            let mut view = parameter.view(&flat);
            match parameter.init {
                Init::Uniform(bound) => _ = view.uniform_(-bound, bound),
                Init::Normal(deviation) => _ = view.normal_(0.0, deviation),
                Init::Zero => {}
            }
        }
    });
    flat
}

/// Draws at random from a seed. libtorch has one generator for the whole process, so two trainings at
/// once must not draw at once.
pub(crate) fn drawing<T>(seed: i64, draw: impl FnOnce() -> T) -> T {
    static GENERATOR: Mutex<()> = Mutex::new(());
    let _held = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    tch::manual_seed(seed);
    draw()
}

/// h, and c for an LSTM, out of a state.
fn split(spec: &Network, states: &Tensor) -> (Tensor, Option<Tensor>) {
    match spec.cell {
        Cell::Gru => (states.contiguous(), None),
        Cell::Lstm => (
            states.narrow(1, 0, spec.hidden).contiguous(),
            Some(states.narrow(1, spec.hidden, spec.hidden).contiguous()),
        ),
    }
}

/// A state out of h, and c for an LSTM.
fn join(h: Tensor, c: Option<Tensor>) -> Tensor {
    match c {
        None => h,
        Some(c) => Tensor::cat(&[h, c], 1),
    }
}

/// The sum of one row of each table, on top of `sum`: `columns` is `[n, tables]`.
///
/// Selecting rows: with its gradient libtorch's embedding took 1.5 to 1.9 times as long for the seven
/// tables of the forecast, and a product with rows of zeros and ones 1.4 to 1.6 times.
pub(crate) fn look_up(sum: Option<Tensor>, tables: &[Tensor], columns: &Tensor) -> Option<Tensor> {
    tables.iter().enumerate().fold(sum, |sum, (column, table)| {
        let rows = table.index_select(0, &columns.select(1, column as i64));
        Some(match sum {
            Some(sum) => sum + rows,
            None => rows,
        })
    })
}

/// The first columns and the others.
fn pair(tensor: &Tensor, first: i64, second: i64) -> (Tensor, Tensor) {
    let mut parts = tensor.split_with_sizes([first, second], 1).into_iter();
    let mut next = || parts.next().expect("two sizes give two parts");
    (next(), next())
}
