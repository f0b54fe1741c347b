//! Reads a whole collection of captures and compares packet counts with its manifest.
//!
//! Set `FORESHADOW_CAPTURES` to a folder with a `MANIFEST.tsv` whose columns include `path` and
//! `packets`; paths are taken relative to the folder or to its parent.

use std::path::Path;

use foreshadow::source::{Capture, Source};

#[test]
fn every_capture_of_a_collection_holds_the_packets_its_manifest_says() {
    let Ok(folder) = std::env::var("FORESHADOW_CAPTURES") else {
        eprintln!("SKIPPED: FORESHADOW_CAPTURES names no folder of captures");
        return;
    };
    let folder = Path::new(&folder);
    let manifest = std::fs::read_to_string(folder.join("MANIFEST.tsv")).unwrap();
    let mut lines = manifest.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let names = lines.next().unwrap();
    let column = |name| names.iter().position(|column| *column == name).unwrap();
    let (path, packets) = (column("path"), column("packets"));
    let (mut files, mut total) = (0, 0);
    let mut different = Vec::new();
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
        if line[packets].parse() != Ok(count) || error.is_some() {
            let error = error.map(|error| error.to_string()).unwrap_or_default();
            different.push(format!("{}\t{}\t{count}\t{error}", file.display(), line[packets]));
        }
    }
    eprintln!("{files} captures, {total} packets; broken or with another count:");
    for line in &different {
        eprintln!("{line}");
    }
    assert!(files > 0);
}
