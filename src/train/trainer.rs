//! Training on libtorch: batches in, losses out, a model file at the end.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::path::Path;
use std::ptr::NonNull;

use crate::train::abi;
use crate::train::engine::count;
use crate::train::error::PluginError;
use crate::train::plugin::{Device, TorchPlugin, borrow, fetch, utf8};
use crate::train::spec::NetworkSpec;

/// How a network is trained.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct TrainingSpec {
    /// Where chance begins: the same seed and batches give the same weights.
    pub seed: u64,
    /// How many states are carried from piece to piece.
    pub rows: u64,
    /// AdamW's decay of the weights.
    pub weight_decay: f64,
    /// AdamW's memory of the gradient.
    pub beta1: f64,
    /// AdamW's memory of its square.
    pub beta2: f64,
    /// Largest norm of the gradient.
    pub clip: f64,
    /// Share of the old in the running mean of the weights, which is what is evaluated and saved; 0
    /// for the weights themselves.
    pub average: f64,
    /// Share of what enters the cell that is dropped while training.
    pub drop_input: f64,
    /// Share of the state that is dropped on its way into the heads while training.
    pub drop_state: f64,
}

impl Default for TrainingSpec {
    fn default() -> Self {
        Self {
            seed: 1,
            rows: 0,
            weight_decay: 0.01,
            beta1: 0.9,
            beta2: 0.99,
            clip: 1.0,
            average: 0.99,
            drop_input: 0.1,
            drop_state: 0.1,
        }
    }
}

/// Pieces of connections side by side. All but the first four are `[rows, steps]`, row by row, and
/// what lies past a row's length is not looked at.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Steps of the longest row.
    pub steps: usize,
    /// How many steps each row has, at least one.
    pub lengths: &'a [u32],
    /// The carried state that each row begins from, or -1 for zero.
    pub read: &'a [i64],
    /// Where each row's last state goes, or -1 for nowhere; no two to the same place.
    pub write: &'a [i64],
    /// `[rows, steps, tables]`: the categorical inputs.
    pub categories: &'a [i32],
    /// `[rows, steps, dense]`: the dense inputs.
    pub dense: &'a [f32],
    /// `[rows, steps, heads]`: what came after each step, -1 where a head is not scored.
    pub targets: &'a [i32],
    /// `[rows, steps]`: what each packet weighs in the heads that are weighted.
    pub weights: &'a [f32],
}

/// What one head paid for a batch.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PartReport {
    /// Sum of `-ln p` over what was scored, unweighted.
    pub nats: f64,
    /// How often it was scored.
    pub scored: u64,
}

/// What a training step did.
#[derive(Clone, PartialEq, Debug)]
pub struct StepReport {
    /// The loss that was minimised: weighted means, each times its head's scale.
    pub loss: f64,
    /// Norm of the gradient before it was cut.
    pub gradient: f64,
    /// By head.
    pub parts: Vec<PartReport>,
}

/// A network in training.
#[derive(Debug)]
pub struct Trainer {
    plugin: TorchPlugin,
    handle: NonNull<c_void>,
    network: NetworkSpec,
}

// SAFETY: the handle has no ties to a thread; libtorch's tensors may be used from any one at a time.
unsafe impl Send for Trainer {}

impl TorchPlugin {
    /// Begins a training with fresh weights.
    ///
    /// # Errors
    ///
    /// Where the network or the settings make no sense, or libtorch lacks the memory or the device.
    pub fn trainer(
        self,
        network: &NetworkSpec,
        training: &TrainingSpec,
        device: Device,
    ) -> Result<Trainer, PluginError> {
        let TrainingSpec { seed, rows, weight_decay, beta1, beta2, clip, .. } = *training;
        let TrainingSpec { average, drop_input, drop_state, .. } = *training;
        let training = abi::Training {
            seed,
            rows,
            weight_decay,
            beta1,
            beta2,
            clip,
            average,
            drop_input,
            drop_state,
        };
        // SAFETY: both structs live through the call.
        let handle = network.lend(|network| unsafe {
            (self.calls.trainer_open)(network, &raw const training, device.number())
        });
        let handle = NonNull::new(handle).ok_or_else(|| self.refusal(abi::INVALID))?;
        Ok(Trainer { plugin: self, handle, network: network.clone() })
    }
}

impl Trainer {
    /// Learns from a batch.
    ///
    /// # Errors
    ///
    /// Where the batch doesn't fit the network, libtorch fails, or the training diverges; nothing was
    /// learned then.
    pub fn step(
        &mut self,
        batch: &Batch<'_>,
        learning_rate: f64,
    ) -> Result<StepReport, PluginError> {
        let raw = self.lend(batch)?;
        let mut step = abi::Step::default();
        let mut parts = vec![abi::Part::default(); self.network.heads.len()];
        // SAFETY: the handle is open; `lend` checked every length; the answers are as long as asked.
        let status = unsafe {
            (self.plugin.calls.trainer_step)(
                self.handle.as_ptr(),
                &raw const raw,
                learning_rate,
                &raw mut step,
                parts.as_mut_ptr(),
            )
        };
        self.plugin.check(status)?;
        Ok(StepReport { loss: step.loss, gradient: step.gradient, parts: reports(&parts) })
    }

    /// Scores a batch under the weights that would be saved, and carries its states on. `nats` takes
    /// what each head paid at each place, `[rows, steps, heads]`, if it is asked for.
    ///
    /// # Errors
    ///
    /// Where the batch doesn't fit the network, or libtorch fails.
    pub fn evaluate(
        &mut self,
        batch: &Batch<'_>,
        nats: Option<&mut [f32]>,
    ) -> Result<Vec<PartReport>, PluginError> {
        let raw = self.lend(batch)?;
        let mut parts = vec![abi::Part::default(); self.network.heads.len()];
        let nats = match nats {
            Some(nats) => {
                count("places for nats", nats.len(), batch.targets.len())?;
                nats.as_mut_ptr()
            }
            None => std::ptr::null_mut(),
        };
        // SAFETY: the handle is open; every length was just checked.
        let status = unsafe {
            (self.plugin.calls.trainer_evaluate)(
                self.handle.as_ptr(),
                &raw const raw,
                nats,
                parts.as_mut_ptr(),
            )
        };
        self.plugin.check(status).map(|()| reports(&parts))
    }

    /// Writes the model file, safetensors with PyTorch's names, in one step; `metadata` becomes its
    /// `__metadata__`.
    ///
    /// # Errors
    ///
    /// Where the file can't be written.
    pub fn save(&mut self, path: &Path, metadata: &[(&str, &str)]) -> Result<(), PluginError> {
        let path = borrow(utf8(path)?);
        let texts: Vec<_> =
            metadata.iter().flat_map(|(name, value)| [borrow(name), borrow(value)]).collect();
        // SAFETY: the handle is open, and every text lives through the call.
        let status = unsafe {
            (self.plugin.calls.trainer_save)(
                self.handle.as_ptr(),
                path,
                texts.as_ptr(),
                metadata.len(),
            )
        };
        self.plugin.check(status)
    }

    /// Writes all of the training's state to one file, in one step, and `note` with it: what the
    /// caller needs to go on from the same place.
    ///
    /// # Errors
    ///
    /// Where the file can't be written.
    pub fn checkpoint(&mut self, path: &Path, note: &[u8]) -> Result<(), PluginError> {
        let path = borrow(utf8(path)?);
        let note = abi::Text { bytes: note.as_ptr(), len: note.len() };
        // SAFETY: the handle is open, and path and note live through the call.
        let status =
            unsafe { (self.plugin.calls.trainer_checkpoint)(self.handle.as_ptr(), path, note) };
        self.plugin.check(status)
    }

    /// Goes on from a checkpoint of the same network, settings and number of carried states; gives its
    /// note.
    ///
    /// # Errors
    ///
    /// Where the file is not such a checkpoint; the training is as before then.
    pub fn resume(&mut self, path: &Path) -> Result<Vec<u8>, PluginError> {
        let path = borrow(utf8(path)?);
        let handle = self.handle.as_ptr();
        // SAFETY: the handle is open, and the path lives through the call.
        self.plugin.check(unsafe { (self.plugin.calls.trainer_resume)(handle, path) })?;
        // SAFETY: the handle is open, and `fetch` passes a buffer and its true size.
        Ok(fetch(|into, room| unsafe { (self.plugin.calls.trainer_note)(handle, into, room) }))
    }

    /// The batch for a call, every length checked.
    fn lend(&self, batch: &Batch<'_>) -> Result<abi::Batch, PluginError> {
        let (rows, steps) = (batch.lengths.len(), batch.steps);
        let places = rows.saturating_mul(steps);
        count("states to begin from", batch.read.len(), rows)?;
        count("states to keep", batch.write.len(), rows)?;
        let tables = self.network.tables.len();
        count("categories", batch.categories.len(), places.saturating_mul(tables))?;
        let dense = self.network.dense as usize;
        count("dense inputs", batch.dense.len(), places.saturating_mul(dense))?;
        let heads = self.network.heads.len();
        count("targets", batch.targets.len(), places.saturating_mul(heads))?;
        count("weights", batch.weights.len(), places)?;
        Ok(abi::Batch {
            rows,
            steps,
            lengths: batch.lengths.as_ptr(),
            read: batch.read.as_ptr(),
            write: batch.write.as_ptr(),
            categories: batch.categories.as_ptr(),
            dense: batch.dense.as_ptr(),
            targets: batch.targets.as_ptr(),
            weights: batch.weights.as_ptr(),
        })
    }
}

impl Drop for Trainer {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and this is its last use.
        unsafe { (self.plugin.calls.trainer_close)(self.handle.as_ptr()) }
    }
}

fn reports(parts: &[abi::Part]) -> Vec<PartReport> {
    parts.iter().map(|part| PartReport { nats: part.nats, scored: part.scored }).collect()
}
