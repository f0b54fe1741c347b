//! Training and the reference engine, on libtorch.
//!
//! A shared library of its own, so that neither the core nor a host ever links libtorch: the core
//! opens it at run time, after libtorch, and talks to it through the plain calls of [`abi`]. It
//! knows networks (tables and dense inputs, one GRU or LSTM, a chain of heads), not packets: what
//! goes in, what is scored and what weighs how much is decided by the core.
//!
//! | module | what it does |
//! |---|---|
//! | [`abi`] | the interface, shared with the core |
//! | [`boundary`] | the calls: nothing unwinds, every refusal has a text |
//! | [`spec`] | the network asked for, checked |
//! | [`network`] | its parameters and its forward pass |
//! | [`heads`] | the chain of heads: log-probabilities and what they cost |
//! | [`engine`] | the reference engine: a slab of states on the device |
//! | [`batch`] | a batch checked and laid out for the device |
//! | [`trainer`] | truncated back-propagation, AdamW, running mean of the weights |
//! | [`file`] | safetensors out, replaced in one step |
//!
//! On one processor thread equal calls give equal results, whether or not a checkpoint lies between
//! them. On CUDA sums of gradients may differ in the last bits from run to run.

#[path = "../../src/train/abi.rs"]
#[allow(dead_code)] // one side reads what the other writes
mod abi;
mod batch;
mod boundary;
mod engine;
mod error;
mod file;
mod heads;
mod network;
mod spec;
mod trainer;
