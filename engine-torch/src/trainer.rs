//! Training: back-propagation through pieces of connections, with the state carried from piece to piece.
//!
//! One step: run the batch from its carried states, score every head on what came next, and move the
//! weights by AdamW with the gradient cut to a norm. A running mean of the weights is kept beside
//! them; evaluation and the saved model use the mean, which generalises better than the last step.
//!
//! Nothing depends on the clock or on earlier calls except through what a checkpoint holds: the
//! weights, both moments, the mean, the carried states and the counters. Each step seeds the drawing
//! of dropped units anew from the seed and its own number. So a training that was killed and resumed
//! ends with the same bits as one that was not.

use std::path::Path;

use tch::{Device, Kind, Tensor};

use crate::abi;
use crate::batch::Packed;
use crate::error::Error;
use crate::file;
use crate::network::{self, Parameter, Weights};
use crate::spec::Network;

/// Against division by zero, as PyTorch's.
const EPSILON: f64 = 1e-8;

/// A network in training.
#[derive(Debug)]
pub(crate) struct Trainer {
    spec: Network,
    training: abi::Training,
    device: Device,
    parameters: Vec<Parameter>,
    /// All weights, their two moments and their mean; each one tensor.
    flat: Tensor,
    first: Tensor,
    second: Tensor,
    mean: Tensor,
    weights: Weights,
    /// The weights again, one tensor each, in the order of `parameters`.
    leaves: Vec<Tensor>,
    averaged: Weights,
    states: Tensor,
    /// Batches seen, and those that moved the weights.
    steps: i64,
    updates: i64,
    note: Vec<u8>,
}

impl Trainer {
    pub(crate) fn open(
        spec: Network,
        training: abi::Training,
        device: Device,
    ) -> Result<Self, Error> {
        check(&training)?;
        let (parameters, len) = Weights::parameters(&spec);
        let flat = network::begin(&parameters, len, training.seed).to_device(device);
        let zeros = || Tensor::zeros([len], (Kind::Float, device));
        let mean = flat.copy();
        let rows = i64::try_from(training.rows).unwrap_or(i64::MAX);
        let states = Tensor::f_zeros([rows, spec.state()], (Kind::Float, device))?;
        let (weights, leaves) = Weights::on(&spec, &flat, true);
        let (averaged, _) = Weights::on(&spec, &mean, false);
        Ok(Self {
            first: zeros(),
            second: zeros(),
            spec,
            training,
            device,
            parameters,
            flat,
            mean,
            weights,
            leaves,
            averaged,
            states,
            steps: 0,
            updates: 0,
            note: Vec::new(),
        })
    }

    /// The network in training.
    pub(crate) fn spec(&self) -> &Network {
        &self.spec
    }

    /// What the caller put into the checkpoint that this training was resumed from.
    pub(crate) fn note(&self) -> &[u8] {
        &self.note
    }

    /// How many carried states there are.
    pub(crate) fn rows(&self) -> i64 {
        self.states.size()[0]
    }

    /// Where it trains.
    pub(crate) fn device(&self) -> Device {
        self.device
    }

    /// Learns from a batch; gives the loss, and fills what each head had to pay.
    pub(crate) fn step(
        &mut self,
        batch: &Packed,
        learning_rate: f64,
        parts: &mut [abi::Part],
    ) -> Result<abi::Step, Error> {
        if !(learning_rate.is_finite() && learning_rate >= 0.0) {
            return Err(Error::Invalid(format!("a learning rate of {learning_rate}")));
        }
        let Self { training, spec, weights, .. } = &*self;
        let packets = batch.dense.size()[0];
        let [input_mask, state_mask] = network::drawing(mix(training.seed, self.steps), || {
            [
                mask([packets, spec.entering()], training.drop_input, self.device),
                mask([batch.scored.size()[0], spec.hidden], training.drop_state, self.device),
            ]
        });
        let entering = masked(weights.enter(&batch.categories, &batch.dense), input_mask);
        let (out, last) = weights.sequence(spec, &entering, &batch.sizes, &self.begin(batch));
        let out = masked(out.index_select(0, &batch.scored), state_mask);
        let mut loss: Option<Tensor> = None;
        for (number, (head, weights)) in spec.heads.iter().zip(&weights.heads).enumerate() {
            parts[number] = abi::Part::default();
            let Some(weights) = weights.as_ref().filter(|_| batch.counts(number)) else { continue };
            let nats = weights.nats(head, number, &out, &batch.targets);
            parts[number] = part(&to_vec(&nats)?, &batch.counted[number]);
            let share = batch.shares.select(1, number as i64);
            let term = (nats * share).sum(Kind::Float) * head.scale;
            loss = Some(match loss {
                Some(sum) => sum + term,
                None => term,
            });
        }
        let mut done = abi::Step::default();
        if let Some(loss) = loss {
            done.loss = loss.double_value(&[]);
            let gradient = self.gradient(&loss);
            done.gradient = gradient.norm().double_value(&[]);
            if !(done.loss.is_finite() && done.gradient.is_finite()) {
                return Err(Error::Diverged(format!(
                    "the loss is {}, its gradient {}",
                    done.loss, done.gradient
                )));
            }
            let cut = (self.training.clip / (done.gradient + 1e-6)).min(1.0);
            tch::no_grad(|| self.update(&(gradient * cut), learning_rate));
        }
        self.keep(batch, &last);
        self.steps += 1;
        Ok(done)
    }

    /// Scores a batch under the running mean of the weights, and carries its states on; `nats` takes
    /// what each head paid at each place, if anybody asks.
    pub(crate) fn evaluate(
        &mut self,
        batch: &Packed,
        mut nats: Option<&mut [f32]>,
        parts: &mut [abi::Part],
    ) -> Result<(), Error> {
        let _guard = tch::no_grad_guard();
        let entering = self.averaged.enter(&batch.categories, &batch.dense);
        let (out, last) =
            self.averaged.sequence(&self.spec, &entering, &batch.sizes, &self.begin(batch));
        let out = out.index_select(0, &batch.scored);
        let heads = self.spec.heads.len();
        if let Some(nats) = nats.as_deref_mut() {
            nats.fill(0.0);
        }
        for (number, (head, weights)) in
            self.spec.heads.iter().zip(&self.averaged.heads).enumerate()
        {
            parts[number] = abi::Part::default();
            let Some(weights) = weights.as_ref().filter(|_| batch.counts(number)) else { continue };
            let counted = &batch.counted[number];
            let paid = to_vec(&weights.nats(head, number, &out, &batch.targets))?;
            parts[number] = part(&paid, counted);
            let Some(nats) = nats.as_deref_mut() else { continue };
            for ((paid, counted), place) in paid.iter().zip(counted).zip(&batch.places) {
                if *counted {
                    nats[place * heads + number] = *paid;
                }
            }
        }
        self.keep(batch, &last);
        Ok(())
    }

    /// Writes the running mean of the weights as a model file.
    pub(crate) fn save(&self, path: &Path, metadata: &[(String, String)]) -> Result<(), Error> {
        let tensors: Vec<(&str, Tensor)> = self
            .parameters
            .iter()
            .map(|parameter| (parameter.name.as_str(), parameter.view(&self.mean)))
            .collect();
        file::write(path, &tensors, metadata)
    }

    /// Writes everything that [`Self::resume`] needs.
    pub(crate) fn checkpoint(&self, path: &Path, note: &[u8]) -> Result<(), Error> {
        let identity = self.identity();
        let tensors = [
            ("counters", Tensor::from_slice(&[self.steps, self.updates])),
            ("weights", self.flat.shallow_clone()),
            ("first", self.first.shallow_clone()),
            ("second", self.second.shallow_clone()),
            ("mean", self.mean.shallow_clone()),
            ("states", self.states.shallow_clone()),
            ("identity", Tensor::from_slice(identity.as_bytes())),
            ("note", Tensor::from_slice(note)),
        ];
        file::write(path, &tensors, &[])
    }

    /// Goes on where a checkpoint was written. Refuses one of another network or training, and changes
    /// nothing unless all of it fits.
    pub(crate) fn resume(&mut self, path: &Path) -> Result<(), Error> {
        let tensors = file::read(path)?;
        let bytes = |name: &str| match tensors.iter().find(|(other, _)| other == name) {
            Some((_, tensor)) if tensor.kind() == Kind::Uint8 => Ok(Vec::try_from(tensor)?),
            _ => Err(Error::File(format!("{}: has no {name}", path.display()))),
        };
        if bytes("identity")? != self.identity().as_bytes() {
            return Err(Error::File(format!(
                "{}: is a checkpoint of another network, other data or other settings",
                path.display()
            )));
        }
        let (note, len, shape) = (bytes("note")?, self.flat.size(), self.states.size());
        let float = |name, shape: &[i64]| file::find(path, &tensors, name, shape, Kind::Float);
        let all = [
            (&self.flat, float("weights", &len)?),
            (&self.first, float("first", &len)?),
            (&self.second, float("second", &len)?),
            (&self.mean, float("mean", &len)?),
            (&self.states, float("states", &shape)?),
        ];
        let counters = file::find(path, &tensors, "counters", &[2], Kind::Int64)?;
        for (into, from) in all {
            tch::no_grad(|| into.shallow_clone().f_copy_(&from))?;
        }
        (self.steps, self.updates) = (counters.int64_value(&[0]), counters.int64_value(&[1]));
        self.note = note;
        Ok(())
    }

    /// Two trainings with the same text go the same way.
    fn identity(&self) -> String {
        format!("{:?} {:?}", self.spec, self.training)
    }

    /// The states that a batch begins from.
    fn begin(&self, batch: &Packed) -> Tensor {
        if self.states.size()[0] == 0 {
            let rows = batch.read.size()[0];
            return Tensor::zeros([rows, self.spec.state()], (Kind::Float, self.device));
        }
        self.states.index_select(0, &batch.read) * &batch.carried
    }

    fn keep(&mut self, batch: &Packed, last: &Tensor) {
        if batch.kept.size()[0] > 0 {
            let kept = last.detach().index_select(0, &batch.kept);
            _ = self.states.index_copy_(0, &batch.write, &kept);
        }
    }

    /// The gradient of the loss in the order of the flat weights; zero where the batch had no say.
    fn gradient(&self, loss: &Tensor) -> Tensor {
        let parts = Tensor::run_backward(&[loss], &self.leaves, false, false);
        let parts: Vec<Tensor> =
            parts
                .into_iter()
                .zip(&self.leaves)
                .map(|(part, leaf)| {
                    if part.defined() {
                        part.reshape([-1])
                    } else {
                        leaf.zeros_like().reshape([-1])
                    }
                })
                .collect();
        Tensor::cat(&parts, 0)
    }

    /// AdamW (Loshchilov and Hutter, 2019), as PyTorch computes it, and the running mean.
    fn update(&mut self, gradient: &Tensor, learning_rate: f64) {
        let abi::Training { beta1, beta2, weight_decay, average, .. } = self.training;
        self.updates += 1;
        let updates = self.updates as f64;
        _ = self.first.lerp_(gradient, 1.0 - beta1);
        _ = self.second.lerp_(&gradient.square(), 1.0 - beta2);
        let scale = (1.0 - beta2.powf(updates)).sqrt();
        let rate = learning_rate / (1.0 - beta1.powf(updates));
        let step = &self.first / (self.second.sqrt() / scale + EPSILON) * rate;
        _ = self.flat.g_mul_scalar_(1.0 - learning_rate * weight_decay);
        _ = self.flat.g_sub_(&step);
        // The first steps would weigh too much in a mean that began at chance.
        let keep = average.min(updates / (updates + 10.0));
        let keep = if average > 0.0 { keep } else { 0.0 };
        _ = self.mean.lerp_(&self.flat, 1.0 - keep);
    }
}

fn check(training: &abi::Training) -> Result<(), Error> {
    let abi::Training { weight_decay, beta1, beta2, clip, average, drop_input, drop_state, .. } =
        *training;
    let shares = [
        ("beta1", beta1),
        ("beta2", beta2),
        ("average", average),
        ("drop_input", drop_input),
        ("drop_state", drop_state),
    ];
    for (name, share) in shares {
        if !(0.0..1.0).contains(&share) {
            return Err(Error::Invalid(format!("{name} is {share}, not from 0 to below 1")));
        }
    }
    for (name, size) in [("weight_decay", weight_decay), ("clip", clip)] {
        if !(size.is_finite() && size >= 0.0) {
            return Err(Error::Invalid(format!("{name} is {size}")));
        }
    }
    Ok(())
}

/// Which units stay, scaled so that their sum stays the same on average; none where all do.
fn mask(shape: [i64; 2], dropped: f64, device: Device) -> Option<Tensor> {
    let all = || Tensor::ones(shape, (Kind::Float, device));
    (dropped > 0.0).then(|| all().dropout(dropped, true))
}

fn masked(values: Tensor, mask: Option<Tensor>) -> Tensor {
    match mask {
        Some(mask) => values * mask,
        None => values,
    }
}

fn to_vec(tensor: &Tensor) -> Result<Vec<f32>, Error> {
    Ok(Vec::try_from(tensor.detach().to_device(Device::Cpu).contiguous())?)
}

fn part(nats: &[f32], counted: &[bool]) -> abi::Part {
    let mut part = abi::Part::default();
    for (nats, _) in nats.iter().zip(counted).filter(|(_, counted)| **counted) {
        part.nats += f64::from(*nats);
        part.scored += 1;
    }
    part
}

/// A seed for every step (splitmix64).
fn mix(seed: u64, step: i64) -> i64 {
    let mut z =
        seed.wrapping_add((step as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as i64
}
