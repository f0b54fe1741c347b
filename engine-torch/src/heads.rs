//! The chain of heads: log-probabilities given the state and what earlier heads said, and what a
//! target costs under them.
//!
//! A head is either linear in the state, or has one hidden layer of rectified units. A value that is
//! given adds a learned vector, looked up by it, before the rectifier, and, if it is direct, another
//! to the logits:
//!
//! ```text
//! head.NAME.state.weight [hidden, state], .bias     the hidden layer, if there is one
//! head.NAME.given.OTHER.weight [values, hidden]     (or [values, logits] if there is none)
//! head.NAME.direct.OTHER.weight [values, logits]
//! head.NAME.weight [logits, hidden or state], .bias
//! ```
//!
//! A head without a name is `head.weight`, `head.bias`. Since each head is normalised for every value
//! of the heads that it is given, the joint of the chain is exact.

use tch::{Device, Kind as Scalar, Reduction, Tensor};

use crate::network::{Init, Linear, Take, look_up};
use crate::spec::{Head, Kind, Network};

/// The values looked up: the numbers of their heads, and a table for each.
#[derive(Debug, Default)]
struct Tables {
    heads: Vec<i64>,
    tables: Vec<Tensor>,
}

impl Tables {
    fn push(&mut self, head: usize, table: Tensor) {
        self.heads.push(head as i64);
        self.tables.push(table);
    }

    fn add(&self, sum: Tensor, targets: &Tensor) -> Tensor {
        if self.tables.is_empty() {
            return sum;
        }
        let heads = Tensor::from_slice(&self.heads).to_device(targets.device());
        let columns = targets.index_select(1, &heads);
        look_up(Some(sum), &self.tables, &columns).expect("there was a sum to add to")
    }
}

/// The parameters of one head.
#[derive(Debug)]
pub(crate) struct HeadWeights {
    state: Option<Linear>,
    given: Tables,
    direct: Tables,
    out: Linear,
    /// Of a tree: which decisions, and which way, lead to each class.
    paths: Option<Tensor>,
}

impl HeadWeights {
    pub(crate) fn declare(take: &mut Take<'_>, spec: &Network, number: usize) -> Option<Self> {
        let head = &spec.heads[number];
        if head.kind == Kind::Known {
            return None;
        }
        let prefix =
            if head.name.is_empty() { "head".to_owned() } else { format!("head.{}", head.name) };
        let logits = head.logits();
        let state = (head.hidden > 0)
            .then(|| Linear::declare(take, &format!("{prefix}.state"), spec.hidden, head.hidden));
        let (width, init) =
            if head.hidden > 0 { (head.hidden, Init::Normal(1.0)) } else { (logits, Init::Zero) };
        let (mut given, mut direct) = (Tables::default(), Tables::default());
        for value in &head.given {
            let other = &spec.heads[value.head];
            let name = format!("{prefix}.given.{}.weight", other.name);
            given.push(value.head, take(&name, &[other.values(), width], init));
            if value.direct {
                let name = format!("{prefix}.direct.{}.weight", other.name);
                direct.push(value.head, take(&name, &[other.values(), logits], Init::Zero));
            }
        }
        let inputs = if head.hidden > 0 { head.hidden } else { spec.hidden };
        let out = Linear::declare(take, &prefix, inputs, logits);
        let paths = match &head.kind {
            Kind::Tree { nodes, paths } => Some(
                Tensor::from_slice(paths).view([2 * nodes, head.classes]).to_kind(Scalar::Float),
            ),
            Kind::Softmax | Kind::Bits | Kind::Known => None,
        };
        Some(Self { state, given, direct, out, paths })
    }

    pub(crate) fn move_to(&mut self, device: Device) {
        self.paths = self.paths.take().map(|paths| paths.to_device(device));
    }

    fn logits(&self, states: &Tensor, targets: &Tensor) -> Tensor {
        match &self.state {
            Some(layer) => {
                let hidden = self.given.add(layer.forward(states), targets).relu();
                self.direct.add(self.out.forward(&hidden), targets)
            }
            None => self.given.add(self.out.forward(states), targets),
        }
    }

    /// `[n, classes]`: the logarithm of each class's probability, for bits of each being set.
    /// `targets` is `[n, heads]` and holds what is given.
    pub(crate) fn log_probabilities(
        &self,
        head: &Head,
        states: &Tensor,
        targets: &Tensor,
    ) -> Tensor {
        let logits = self.logits(states, targets);
        match (&head.kind, &self.paths) {
            (Kind::Softmax | Kind::Known, _) => logits.log_softmax(-1, Scalar::Float),
            (Kind::Bits, _) => logits.log_sigmoid(),
            (Kind::Tree { .. }, paths) => {
                let paths = paths.as_ref().expect("a tree is declared with its paths");
                Tensor::cat(&[logits.log_sigmoid(), (-logits).log_sigmoid()], 1).matmul(paths)
            }
        }
    }

    /// `[n]`: what each row's own target costs, in nats. `number` is the head's.
    pub(crate) fn nats(
        &self,
        head: &Head,
        number: usize,
        states: &Tensor,
        targets: &Tensor,
    ) -> Tensor {
        let target = targets.select(1, number as i64).unsqueeze(1);
        if head.kind == Kind::Bits {
            let places = Tensor::arange(head.classes, (Scalar::Int64, targets.device()));
            let bits = target.bitwise_right_shift(&places).bitwise_and(1).to_kind(Scalar::Float);
            return self
                .logits(states, targets)
                .binary_cross_entropy_with_logits::<Tensor>(&bits, None, None, Reduction::None)
                .sum_dim_intlist(1, false, Scalar::Float);
        }
        -self.log_probabilities(head, states, targets).gather(1, &target, false).squeeze_dim(1)
    }
}
