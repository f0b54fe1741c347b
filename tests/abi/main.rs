//! The C interface as a host meets it: the built shared library, the header, a C compiler.

mod capture;
mod drive;
mod layout;
#[cfg(feature = "cli")]
#[path = "../support/line.rs"]
mod line;
mod toolchain;
