//! Makes Rust's view of `c-shim/include/foreshadow.h`, so that the exports in `src/abi` are compiled
//! against the header itself, and gives the shared library its soname.

use std::env;
use std::panic;
use std::path::PathBuf;
use std::process::exit;

const HEADER: &str = "c-shim/include/foreshadow.h";

fn main() {
    println!("cargo:rerun-if-changed={HEADER}");
    println!("cargo:rerun-if-changed=build.rs");

    let header = std::fs::read_to_string(HEADER)
        .unwrap_or_else(|error| stop(&format!("cannot read {HEADER}: {error}")));
    soname(abi_version(&header));

    require_libclang();
    let bindings = bindgen::Builder::default()
        .header(HEADER)
        .allowlist_item("(foreshadow|FORESHADOW)_.*")
        .rust_edition(bindgen::RustEdition::Edition2024)
        .prepend_enum_name(false)
        .derive_default(true)
        .layout_tests(true)
        .generate()
        .unwrap_or_else(|error| stop(&format!("bindgen cannot read {HEADER}: {error}")));

    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    bindings
        .write_to_file(out.join("foreshadow.rs"))
        .unwrap_or_else(|error| stop(&format!("cannot write bindings: {error}")));
}

/// The number behind `#define FORESHADOW_ABI_VERSION`.
fn abi_version(header: &str) -> u32 {
    header
        .lines()
        .find_map(|line| line.strip_prefix("#define FORESHADOW_ABI_VERSION "))
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or_else(|| stop(&format!("{HEADER} does not define FORESHADOW_ABI_VERSION")))
}

/// The dynamic linker refuses a library of another ABI version before any code of it runs.
fn soname(version: u32) {
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libforeshadow.so.{version}");
    }
}

/// bindgen panics when it finds no libclang; this says what to do about it instead.
fn require_libclang() {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let found = panic::catch_unwind(bindgen::clang_version).is_ok();
    panic::set_hook(hook);
    if !found {
        stop(&format!(
            "libclang is needed to read {HEADER}, and was not found.\n\
             Debian, Ubuntu: apt-get install libclang-dev    Fedora: dnf install clang-devel\n\
             If it lies in an unusual place, set LIBCLANG_PATH to its folder."
        ));
    }
}

fn stop(message: &str) -> ! {
    eprintln!("foreshadow: {message}");
    exit(1)
}
