//! The reference engine: the network on a device, with the states of all connections in a slab there.
//!
//! It is what the other engines are compared with, and the simplest way onto a CUDA device. Each call
//! costs tens of microseconds before the first packet, so it wants batches.

use std::path::Path;

use tch::{Device, Kind, Tensor};

use crate::batch::within;
use crate::error::Error;
use crate::file;
use crate::network::Weights;
use crate::spec::Network;

/// A network with its weights, and a slab of states.
#[derive(Debug)]
pub(crate) struct Engine {
    spec: Network,
    weights: Weights,
    slab: Tensor,
    device: Device,
}

impl Engine {
    pub(crate) fn open(
        spec: Network,
        path: &Path,
        device: Device,
        slots: u64,
    ) -> Result<Self, Error> {
        let (parameters, len) = Weights::parameters(&spec);
        let tensors = file::read(path)?;
        let flat = Tensor::zeros([len], (Kind::Float, Device::Cpu));
        for parameter in &parameters {
            let found = file::find(path, &tensors, &parameter.name, &parameter.shape, Kind::Float)?;
            parameter.view(&flat).f_copy_(&found)?;
        }
        let (weights, _) = Weights::on(&spec, &flat.to_device(device), false);
        let slots = i64::try_from(slots).unwrap_or(i64::MAX);
        let slab = Tensor::f_zeros([slots, spec.state()], (Kind::Float, device))?;
        Ok(Self { spec, weights, slab, device })
    }

    /// The network it runs.
    pub(crate) fn spec(&self) -> &Network {
        &self.spec
    }

    fn slots(&self, slots: &[i64]) -> Result<Tensor, Error> {
        within("slot", slots, 0..self.slab.size()[0])?;
        Ok(Tensor::from_slice(slots).to_device(self.device))
    }

    /// Moves distinct slots past one packet each.
    pub(crate) fn step(
        &mut self,
        slots: &[i64],
        categories: &[i32],
        dense: &[f32],
    ) -> Result<(), Error> {
        let mut wide = Vec::with_capacity(categories.len());
        let tables = self.spec.tables.iter().cycle();
        for (value, (name, values)) in categories.iter().zip(tables) {
            within(&format!("input {name}"), &[i64::from(*value)], 0..*values)?;
            wide.push(i64::from(*value));
        }
        let rows = slots.len() as i64;
        let shaped = |tensor: Tensor| tensor.view([rows, -1]).to_device(self.device);
        let index = self.slots(slots)?;
        let categories =
            if wide.is_empty() { Tensor::new() } else { shaped(Tensor::from_slice(&wide)) };
        let dense =
            if dense.is_empty() { Tensor::new() } else { shaped(Tensor::from_slice(dense)) };
        let states = self.slab.index_select(0, &index);
        let entering = self.weights.enter(&categories, &dense);
        let after = self.weights.step(&self.spec, &entering, &states);
        _ = self.slab.f_index_copy_(0, &index, &after)?;
        Ok(())
    }

    /// Every head's log-probabilities on the standing states, side by side. `given` is
    /// `[slots, heads]`; what no head is given may be anything from 0 on.
    pub(crate) fn forecast(
        &self,
        slots: &[i64],
        given: &[i32],
        out: &mut [f32],
    ) -> Result<(), Error> {
        let heads = self.spec.heads.len();
        let mut wide = Vec::with_capacity(given.len());
        for (value, head) in given.iter().zip(self.spec.heads.iter().cycle()) {
            within(&format!("head {}", head.name), &[i64::from(*value)], 0..head.values())?;
            wide.push(i64::from(*value));
        }
        let index = self.slots(slots)?;
        let given = Tensor::from_slice(&wide)
            .view([slots.len() as i64, heads as i64])
            .to_device(self.device);
        let h = self.slab.index_select(0, &index).narrow(1, 0, self.spec.hidden);
        let heads = self.weights.heads.iter().zip(&self.spec.heads);
        let parts: Vec<Tensor> = heads
            .filter_map(|(weights, head)| {
                weights.as_ref().map(|weights| weights.log_probabilities(head, &h, &given))
            })
            .collect();
        copy(&Tensor::cat(&parts, 1), out)
    }

    /// Copies states from slots to slots.
    pub(crate) fn copy(&mut self, from: &[i64], to: &[i64]) -> Result<(), Error> {
        let (from, to) = (self.slots(from)?, self.slots(to)?);
        let states = self.slab.index_select(0, &from);
        _ = self.slab.f_index_copy_(0, &to, &states)?;
        Ok(())
    }

    /// Gives the states of slots.
    pub(crate) fn read(&self, slots: &[i64], out: &mut [f32]) -> Result<(), Error> {
        copy(&self.slab.index_select(0, &self.slots(slots)?), out)
    }

    /// Sets the states of slots.
    pub(crate) fn write(&mut self, slots: &[i64], states: &[f32]) -> Result<(), Error> {
        let index = self.slots(slots)?;
        let states = Tensor::from_slice(states)
            .view([slots.len() as i64, self.spec.state()])
            .to_device(self.device);
        _ = self.slab.f_index_copy_(0, &index, &states)?;
        Ok(())
    }
}

fn copy(tensor: &Tensor, out: &mut [f32]) -> Result<(), Error> {
    let tensor = tensor.to_device(Device::Cpu).contiguous();
    Ok(tensor.f_copy_data(out, tensor.numel())?)
}
