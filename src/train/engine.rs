//! The reference engine: libtorch's forward pass, states in a slab on the device.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::path::Path;
use std::ptr::NonNull;

use crate::train::abi;
use crate::train::error::PluginError;
use crate::train::plugin::{Device, TorchPlugin, borrow, utf8};
use crate::train::spec::NetworkSpec;

/// A model file's network, and a state for each of its slots.
///
/// Slots begin at zero. The slots of one call are distinct; slots, categories and values that don't
/// exist are refused, and then nothing has changed.
#[derive(Debug)]
pub struct TorchEngine {
    plugin: TorchPlugin,
    handle: NonNull<c_void>,
    network: NetworkSpec,
}

// SAFETY: the handle has no ties to a thread; libtorch's tensors may be used from any one at a time.
unsafe impl Send for TorchEngine {}

impl TorchPlugin {
    /// Opens the weights in a safetensors file, with `slots` states on the device.
    ///
    /// # Errors
    ///
    /// Where the file does not hold this network, or libtorch lacks the memory or the device.
    pub fn engine(
        self,
        network: &NetworkSpec,
        weights: &Path,
        device: Device,
        slots: u64,
    ) -> Result<TorchEngine, PluginError> {
        let path = borrow(utf8(weights)?);
        // SAFETY: network and path live through the call.
        let handle = network.lend(|network| unsafe {
            (self.calls.engine_open)(network, path, device.number(), slots)
        });
        let handle = NonNull::new(handle).ok_or_else(|| self.refusal(abi::FILE))?;
        Ok(TorchEngine { plugin: self, handle, network: network.clone() })
    }
}

impl TorchEngine {
    /// Moves slots past one packet each: `categories` is `[slots, tables]`, `dense` is
    /// `[slots, dense]`, both row by row.
    ///
    /// # Errors
    ///
    /// Where the numbers don't fit, or libtorch fails.
    pub fn step(
        &mut self,
        slots: &[i64],
        categories: &[i32],
        dense: &[f32],
    ) -> Result<(), PluginError> {
        count("categories", categories.len(), slots.len() * self.network.tables.len())?;
        count("dense inputs", dense.len(), slots.len() * self.network.dense as usize)?;
        // SAFETY: the handle is open, and the slices are as long as was just checked.
        let status = unsafe {
            (self.plugin.calls.engine_step)(
                self.handle.as_ptr(),
                slots.len(),
                slots.as_ptr(),
                categories.as_ptr(),
                dense.as_ptr(),
            )
        };
        self.plugin.check(status)
    }

    /// The standing forecasts: for each slot every head's log-probabilities, side by side. `given` is
    /// `[slots, heads]`, the values that later heads are conditioned on.
    ///
    /// # Errors
    ///
    /// Where the numbers don't fit, or libtorch fails.
    pub fn forecast(&mut self, slots: &[i64], given: &[i32]) -> Result<Vec<f32>, PluginError> {
        count("values given", given.len(), slots.len() * self.network.heads.len())?;
        let mut out = vec![0.0; slots.len() * self.network.outputs()];
        // SAFETY: the handle is open, and the slices are as long as the network asks.
        let status = unsafe {
            (self.plugin.calls.engine_forecast)(
                self.handle.as_ptr(),
                slots.len(),
                slots.as_ptr(),
                given.as_ptr(),
                out.as_mut_ptr(),
            )
        };
        self.plugin.check(status).map(|()| out)
    }

    /// Copies states, slot by slot.
    ///
    /// # Errors
    ///
    /// Where the numbers don't fit, or libtorch fails.
    pub fn copy(&mut self, from: &[i64], to: &[i64]) -> Result<(), PluginError> {
        count("slots", to.len(), from.len())?;
        // SAFETY: the handle is open, and both slices are as long.
        let status = unsafe {
            (self.plugin.calls.engine_copy)(
                self.handle.as_ptr(),
                from.len(),
                from.as_ptr(),
                to.as_ptr(),
            )
        };
        self.plugin.check(status)
    }

    /// The states of slots, side by side.
    ///
    /// # Errors
    ///
    /// Where a slot doesn't exist, or libtorch fails.
    pub fn states(&mut self, slots: &[i64]) -> Result<Vec<f32>, PluginError> {
        let mut out = vec![0.0; slots.len() * self.network.state()];
        // SAFETY: the handle is open, and the slices are as long as the network asks.
        let status = unsafe {
            (self.plugin.calls.engine_read)(
                self.handle.as_ptr(),
                slots.len(),
                slots.as_ptr(),
                out.as_mut_ptr(),
            )
        };
        self.plugin.check(status).map(|()| out)
    }

    /// Sets the states of slots.
    ///
    /// # Errors
    ///
    /// Where the numbers don't fit, or libtorch fails.
    pub fn set_states(&mut self, slots: &[i64], states: &[f32]) -> Result<(), PluginError> {
        count("states", states.len(), slots.len() * self.network.state())?;
        // SAFETY: the handle is open, and the slices are as long as was just checked.
        let status = unsafe {
            (self.plugin.calls.engine_write)(
                self.handle.as_ptr(),
                slots.len(),
                slots.as_ptr(),
                states.as_ptr(),
            )
        };
        self.plugin.check(status)
    }
}

impl Drop for TorchEngine {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and this is its last use.
        unsafe { (self.plugin.calls.engine_close)(self.handle.as_ptr()) }
    }
}

/// Refuses a wrong count of numbers.
pub(crate) fn count(what: &'static str, found: usize, expected: usize) -> Result<(), PluginError> {
    if found == expected { Ok(()) } else { Err(PluginError::Count { what, found, expected }) }
}
