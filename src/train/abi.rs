//! The interface between the core and the shared library of `engine-torch`, version by version.
//!
//! One file, compiled into both sides, so that they can't drift apart in one build; libraries of
//! different builds meet through [`VERSION`] and [`Calls::size`]. It promises plain data only:
//! pointers that live as long as the call, lengths beside them, no unwinding in either direction,
//! and memory that is freed by the side that made it. What the numbers mean is told by the safe
//! wrappers around it ([`crate::train`] in the core, the modules of `engine-torch` on its side).

use std::ffi::c_void;

/// Raised with every change to anything in this file.
pub(crate) const VERSION: u32 = 1;

/// The libtorch that the library is compiled for; its C++ interface holds within `major.minor`.
pub(crate) const LIBTORCH: &str = "2.11";

/// The one symbol that the library exports: a [`Entry`].
pub(crate) const ENTRY: &str = "foreshadow_torch_calls";

/// Gives the library's calls; the answer lives as long as the process.
pub(crate) type Entry = unsafe extern "C" fn() -> *const Calls;

/// Everything went well.
pub(crate) const OK: i32 = 0;
/// An argument that the core should not have passed.
pub(crate) const INVALID: i32 = 1;
/// A file that could not be read or written, or does not fit the network.
pub(crate) const FILE: i32 = 2;
/// libtorch refused: most often memory, or the device.
pub(crate) const TORCH: i32 = 3;
/// The loss or its gradient was not a finite number; nothing was learned from the batch.
pub(crate) const DIVERGED: i32 = 4;

/// [`Network::cell`]: gated recurrent unit, PyTorch's convention (gates r, z, n).
pub(crate) const GRU: u32 = 0;
/// [`Network::cell`]: long short-term memory (gates i, f, g, o); a state is h followed by c.
pub(crate) const LSTM: u32 = 1;

/// [`Head::kind`]: one of `classes`, by softmax.
pub(crate) const SOFTMAX: u32 = 0;
/// [`Head::kind`]: one of `classes`, by a tree of binary decisions.
pub(crate) const TREE: u32 = 1;
/// [`Head::kind`]: `classes` bits at once, independent given the state and what is given.
pub(crate) const BITS: u32 = 2;
/// [`Head::kind`]: forecasts nothing; a value of so many that later heads may be given, finer than
/// what was forecast of it.
pub(crate) const KNOWN: u32 = 3;

/// The device that tensors live on: the processor.
pub(crate) const CPU: u32 = 0;
/// The device that tensors live on: the first CUDA device.
pub(crate) const CUDA: u32 = 1;

/// UTF-8 text, not terminated.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Text {
    pub(crate) bytes: *const u8,
    pub(crate) len: usize,
}

/// A categorical input: a table of learned vectors.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: Text,
    pub(crate) values: u32,
}

/// An earlier head whose value a head is conditioned on.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Given {
    pub(crate) head: u32,
    /// Not 0: the value also shifts the logits themselves, past the hidden layer.
    pub(crate) direct: u32,
}

/// One head of the chain.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) name: Text,
    pub(crate) kind: u32,
    pub(crate) classes: u32,
    /// Of a tree: how many binary decisions, and `[2 * nodes, classes]` bytes, row-major: row n is 1
    /// where the path to the class takes decision n as yes, row `nodes + n` where it takes it as no.
    pub(crate) nodes: u32,
    pub(crate) tree: *const u8,
    /// Units of the hidden layer; 0 for logits straight from the state.
    pub(crate) hidden: u32,
    pub(crate) given: *const Given,
    pub(crate) given_len: usize,
    /// The head's part in the loss.
    pub(crate) scale: f32,
    /// Not 0: its mean is weighted by [`Batch::weights`].
    pub(crate) weighted: u32,
}

/// The network: what goes in, the cell, the heads.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Network {
    pub(crate) cell: u32,
    pub(crate) hidden: u32,
    /// Width of the vector that enters the cell; 0 where the dense inputs enter it themselves.
    pub(crate) width: u32,
    pub(crate) dense: u32,
    pub(crate) tables: *const Table,
    pub(crate) tables_len: usize,
    pub(crate) heads: *const Head,
    pub(crate) heads_len: usize,
}

/// How it is trained.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Training {
    pub(crate) seed: u64,
    /// Rows of the table of carried states.
    pub(crate) rows: u64,
    pub(crate) weight_decay: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    /// Largest norm of the gradient.
    pub(crate) clip: f64,
    /// Share of the old in the running mean of the weights; 0 for none.
    pub(crate) average: f64,
    pub(crate) drop_input: f64,
    pub(crate) drop_state: f64,
}

/// Pieces of connections side by side, row-major `[rows, steps, ...]`.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Batch {
    pub(crate) rows: usize,
    pub(crate) steps: usize,
    /// `[rows]`: steps that are there, 1 to `steps`.
    pub(crate) lengths: *const u32,
    /// `[rows]`: the carried state to begin from, or -1 for zero.
    pub(crate) read: *const i64,
    /// `[rows]`: where the state after the last step goes, or -1 for nowhere.
    pub(crate) write: *const i64,
    /// `[rows, steps, tables]`.
    pub(crate) categories: *const i32,
    /// `[rows, steps, dense]`.
    pub(crate) dense: *const f32,
    /// `[rows, steps, heads]`: what came after this step, -1 where the head is not scored.
    pub(crate) targets: *const i32,
    /// `[rows, steps]`.
    pub(crate) weights: *const f32,
}

/// A head's part of a batch.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Part {
    /// Sum of `-ln p` over what was scored, without weights.
    pub(crate) nats: f64,
    pub(crate) scored: u64,
}

/// The whole of a training step.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Step {
    /// The loss as it was minimised.
    pub(crate) loss: f64,
    /// Norm of the gradient before it was cut.
    pub(crate) gradient: f64,
}

/// The calls of the library. Those that give an `i32` give [`OK`] or what went wrong, with its text
/// in [`Calls::error`]; those that open give null then.
#[repr(C)]
pub(crate) struct Calls {
    /// [`VERSION`] of the library. This field and the next never move.
    pub(crate) version: u32,
    /// Size of this struct in the library.
    pub(crate) size: u32,
    /// CUDA devices that libtorch can use.
    pub(crate) cuda_devices: unsafe extern "C" fn() -> u32,
    /// Threads inside one operation.
    pub(crate) set_threads: unsafe extern "C" fn(u32) -> i32,
    /// This thread's last error: copies at most `capacity` bytes and gives its whole length.
    pub(crate) error: unsafe extern "C" fn(text: *mut u8, capacity: usize) -> usize,

    pub(crate) engine_open: unsafe extern "C" fn(
        network: *const Network,
        weights: Text,
        device: u32,
        slots: u64,
    ) -> *mut c_void,
    pub(crate) engine_close: unsafe extern "C" fn(*mut c_void),
    /// Moves the states of `n` distinct slots past one packet each.
    pub(crate) engine_step: unsafe extern "C" fn(
        engine: *mut c_void,
        n: usize,
        slots: *const i64,
        categories: *const i32,
        dense: *const f32,
    ) -> i32,
    /// Log-probabilities of every head, one head's outputs after the other's.
    pub(crate) engine_forecast: unsafe extern "C" fn(
        engine: *mut c_void,
        n: usize,
        slots: *const i64,
        given: *const i32,
        out: *mut f32,
    ) -> i32,
    pub(crate) engine_copy:
        unsafe extern "C" fn(*mut c_void, n: usize, from: *const i64, to: *const i64) -> i32,
    pub(crate) engine_read:
        unsafe extern "C" fn(*mut c_void, n: usize, slots: *const i64, out: *mut f32) -> i32,
    pub(crate) engine_write:
        unsafe extern "C" fn(*mut c_void, n: usize, slots: *const i64, states: *const f32) -> i32,

    pub(crate) trainer_open: unsafe extern "C" fn(
        network: *const Network,
        training: *const Training,
        device: u32,
    ) -> *mut c_void,
    pub(crate) trainer_close: unsafe extern "C" fn(*mut c_void),
    /// `parts` holds one entry a head, here and below.
    pub(crate) trainer_step: unsafe extern "C" fn(
        trainer: *mut c_void,
        batch: *const Batch,
        learning_rate: f64,
        step: *mut Step,
        parts: *mut Part,
    ) -> i32,
    /// `nats` is null or `[rows, steps, heads]`; 0 where nothing was scored.
    pub(crate) trainer_evaluate: unsafe extern "C" fn(
        trainer: *mut c_void,
        batch: *const Batch,
        nats: *mut f32,
        parts: *mut Part,
    ) -> i32,
    /// Writes the (averaged) weights; `metadata` is `pairs` names, each followed by its value.
    pub(crate) trainer_save: unsafe extern "C" fn(
        trainer: *mut c_void,
        path: Text,
        metadata: *const Text,
        pairs: usize,
    ) -> i32,
    /// Writes everything that a later `trainer_resume` needs, and the caller's note with it.
    pub(crate) trainer_checkpoint:
        unsafe extern "C" fn(trainer: *mut c_void, path: Text, note: Text) -> i32,
    /// Goes on from a checkpoint; the note is kept for `trainer_note`.
    pub(crate) trainer_resume: unsafe extern "C" fn(trainer: *mut c_void, path: Text) -> i32,
    /// Copies at most `capacity` bytes of the note and gives its whole length.
    pub(crate) trainer_note:
        unsafe extern "C" fn(trainer: *mut c_void, note: *mut u8, capacity: usize) -> usize,
}
