//! The C interface as a host meets it: the built shared library, the header, a C compiler.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

mod capture;
mod drive;
mod layout;
#[cfg(feature = "cli")]
#[path = "../support/line.rs"]
mod line;
mod toolchain;
