//! What is exported stays: symbols, struct layouts, and what the library itself needs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::toolchain::{Bench, ROOT, c_source, expect_success, have, library};

/// Rust's view, as `build.rs` made it with bindgen; each number in it is asserted when it compiles.
const BINDINGS: &str = include_str!(concat!(env!("OUT_DIR"), "/foreshadow.rs"));

fn snapshot(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join("tests/snapshots").join(name)).unwrap()
}

#[test]
fn the_library_exports_the_functions_of_the_header_and_nothing_else() {
    if !have("nm", "binutils") {
        return;
    }
    let listing = expect_success(Command::new("nm").args(["-D", "--defined-only"]).arg(library()));
    let mut exported: Vec<_> =
        listing.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    exported.sort_unstable();
    let expected = snapshot("abi-symbols.txt");
    assert_eq!(exported, expected.lines().collect::<Vec<_>>());
    for name in exported {
        assert!(BINDINGS.contains(&format!("pub fn {name}(")), "{name} is not in the header");
    }
    assert_eq!(BINDINGS.matches("pub fn foreshadow_").count(), expected.lines().count());
}

#[test]
fn the_library_needs_the_c_library_and_nothing_else() {
    if !have("readelf", "binutils") {
        return;
    }
    let dynamic = expect_success(Command::new("readelf").args(["-d", "-W"]).arg(library()));
    let named = |tag: &str| -> Vec<String> {
        dynamic
            .lines()
            .filter(|line| line.contains(tag))
            .filter_map(|line| Some(line.split_once('[')?.1.split_once(']')?.0.to_owned()))
            .collect()
    };
    assert_eq!(named("(SONAME)"), ["libforeshadow.so.1"]);
    let allowed = ["libc.so", "libm.so", "libgcc_s.so", "ld-linux", "libpthread.so", "libdl.so"];
    for needed in named("(NEEDED)") {
        assert!(allowed.iter().any(|name| needed.starts_with(name)), "needs {needed}");
    }
}

#[test]
fn structs_lie_where_they_were_published() {
    let bench = Bench::new();
    let layout = bench.compile("cc", &["-std=c99"], &c_source("layout.c"));
    let in_c = expect_success(&mut Command::new(layout));
    assert_eq!(
        in_c,
        snapshot("abi-layout.txt"),
        "a published struct changed: raise FORESHADOW_ABI_VERSION unless fields were only added at \
         the end, then update tests/snapshots/abi-layout.txt"
    );
}

#[test]
fn the_published_layout_leaves_out_no_field_and_has_no_padding() {
    let mut ends = BTreeMap::new();
    let mut sizes = BTreeMap::new();
    for line in snapshot("abi-layout.txt").lines() {
        let words: Vec<_> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<usize>().unwrap();
        if let Some((owner, _)) = words[0].split_once('.') {
            let end = ends.entry(owner.to_owned()).or_insert(0);
            assert_eq!(number(1), *end, "a gap before {}", words[0]);
            *end += number(2);
        } else {
            sizes.insert(words[0].to_owned(), number(1));
        }
    }
    assert_eq!(ends, sizes);
}

#[test]
fn rust_sees_the_published_layout() {
    let mut in_rust = BTreeMap::new();
    // ["Offset of field: foreshadow_x::field"][offset_of!(foreshadow_x, field) - 8usize];
    for statement in BINDINGS.split(';') {
        let Some((_, after)) = statement.split_once("[\"") else { continue };
        let Some((what, expression)) = after.split_once('"') else { continue };
        let name = what
            .strip_prefix("Offset of field: ")
            .or_else(|| what.strip_prefix("Size of "))
            .map(|name| name.replace("::", "."));
        let number = expression
            .rsplit_once("- ")
            .and_then(|(_, number)| number.split_once("usize"))
            .and_then(|(number, _)| number.parse::<usize>().ok());
        if let (Some(name), Some(number)) = (name, number) {
            in_rust.insert(name, number);
        }
    }
    let published = snapshot("abi-layout.txt");
    for line in published.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let expected = words[1].parse().ok();
        assert_eq!(in_rust.get(words[0]).copied(), expected, "{}", words[0]);
    }
}
