//! Reads a whole collection of captures and compares packet counts with its manifest.
//!
//! Set `FORESHADOW_CAPTURES` to a folder with a `MANIFEST.tsv` whose columns include `path` and
//! `packets`; paths are taken relative to the folder or to its parent.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

use std::io::Write;
use std::path::Path;

use foreshadow::source::{Capture, Source};

#[test]
fn every_capture_of_a_collection_holds_the_packets_its_manifest_says() {
    let Ok(folder) = std::env::var("FORESHADOW_CAPTURES") else {
        // Past the test harness, which would keep the words of a test that passes to itself.
        std::io::stderr().write_all(b"SKIPPED: FORESHADOW_CAPTURES names no folder\n").unwrap();
        return;
    };
    let folder = Path::new(&folder);
    let manifest = std::fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap();
    let mut lines = manifest.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let column = |name| names.iter().position(|column| *column == name).unwrap();
    let (path, packets) = (column("path"), column("packets"));
    let (mut files, mut total) = (0, 0);
    let (mut broken, mut different) = (Vec::new(), Vec::new());
    for line in lines {
        let inside = folder.join(line[path]);
        let beside = folder.parent().unwrap().join(line[path]);
        let file = if inside.exists() { inside } else { beside };
        let (mut count, mut error) = (0u64, None);
        match Capture::open(&file) {
            Err(refused) => error = Some(refused),
            Ok(mut capture) => loop {
                match capture.next() {
                    Ok(Some(_)) => count += 1,
                    Ok(None) => break,
                    Err(broken) => error = Some(broken),
                }
            },
        }
        files += 1;
        total += count;
        if let Some(error) = error {
            broken.push(error.to_string());
        }
        if line[packets].parse() != Ok(count) {
            different.push(format!("{}: {count}, not {}", file.display(), line[packets]));
        }
    }
    eprintln!("{files} captures, {total} packets; broken are:\n{}", broken.join("\n"));
    assert!(files > 0);
    assert_eq!(different, [""; 0]);
}
