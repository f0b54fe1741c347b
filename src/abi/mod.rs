//! The exported C functions: the one place where a pointer from outside is touched.
//!
//! `c-shim/include/foreshadow.h` is the truth and says what each function promises. `build.rs` makes
//! [`ffi`] from it, and every export is held to the header's own declaration when this compiles, so
//! the two can't drift apart.
//!
//! What lies where, from the outside in:
//!
//! | module | what it does | unsafe |
//! |---|---|---|
//! | [`exports`], [`federation`] | one function a symbol: pointers to values, values to pointers | yes |
//! | `memory` | copies structs and text over the boundary, by the size the host gave | yes |
//! | `boundary` | finds the sensor, keeps panics and error texts | no |
//! | `registry` | handles that are numbers, so that a stale one is seen and not followed | no |
//! | `encode`, `decode` | an event to its C form and back | union reads only |
//!
//! Nothing unwinds into C: every call that can run more than a copy goes through `boundary`, which
//! catches a panic, poisons the sensor and answers with a status. What a host does wrong is a
//! status too, wherever it can be seen: a null pointer, a wrong size or version, a closed or
//! invented handle, a stale connection id, two threads in one sensor. A pointer to memory that is
//! not the host's to give can't be seen, here or anywhere.

mod boundary;
mod decode;
mod encode;
pub mod exports;
pub mod federation;
#[allow(
    missing_docs,
    non_camel_case_types,
    rustdoc::all,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "made by bindgen from the header, which is documented for its own readers"
)]
pub mod ffi {
    //! The header's types and declarations as bindgen reads them.
    include!(concat!(env!("OUT_DIR"), "/foreshadow.rs"));
}
mod memory;
mod registry;
mod status;
#[cfg(test)]
mod tests;
