//! Odd captures are read to their end without a word; broken ones as far as they go, with one line.
//!
//! `tests/scripts/corpus` does the same for any folder.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/command.rs"]
mod command;
#[path = "support/line.rs"]
mod line;

use std::path::Path;

fn read(capture: &Path, out: &Path) -> command::Done {
    let mut run = command::foreshadow(&["run", "--quiet", "--out"]);
    command::finish(run.arg(out).arg("--read").arg(capture))
}

#[test]
fn odd_captures_are_read_to_their_end_without_a_word() {
    let captures = [line::bundled("odd"), line::bundled("agree")].concat();
    assert!(captures.len() > 100, "only {}", captures.len());
    let folder = tempfile::tempdir().unwrap();
    for (number, capture) in captures.iter().enumerate() {
        let out = folder.path().join(number.to_string());
        let done = read(capture, &out);
        let said = (done.status, done.stdout.as_str(), done.stderr.as_str());
        assert_eq!(said, (Some(0), "", ""), "{}", capture.display());
        command::assert_closed(&out);
    }
}

#[test]
fn broken_captures_are_read_as_far_as_they_go_and_named_in_one_line() {
    // The others break before their first packet, so there is nothing to make a directory for.
    let readable = |name: &str| !matches!(name, "empty.pcap" | "header-cut.pcap" | "text.pcap");
    let folder = tempfile::tempdir().unwrap();
    for capture in line::bundled("broken") {
        let name = capture.file_name().unwrap().to_str().unwrap();
        let out = folder.path().join(name);
        let done = read(&capture, &out);
        assert_eq!((done.status, done.stdout.as_str()), (Some(1), ""), "{name}");
        assert_eq!(done.stderr.lines().count(), 1, "{name}: {}", done.stderr);
        assert!(done.stderr.starts_with(&format!("foreshadow: {}: ", capture.display())));
        assert_eq!(out.exists(), readable(name), "{name}");
        if readable(name) {
            command::assert_closed(&out);
            assert!(command::logs(&out).contains_key("conn.log"), "{name}");
        }
    }
}

#[test]
fn one_broken_capture_among_others_does_not_keep_them_from_being_read() {
    let folder = tempfile::tempdir().unwrap();
    let broken = [command::data("broken/empty.pcap"), folder.path().join("missing.pcap")];
    let whole = command::data("agree/smtp.pcap");
    let (out, alone) = (folder.path().join("out"), folder.path().join("alone"));
    let mut run = command::foreshadow(&["run", "--quiet", "--out"]);
    let done = command::finish(run.arg(&out).arg("--read").args(&broken).arg(&whole));
    assert_eq!(done.status, Some(1));
    assert_eq!(done.stderr.lines().count(), 2, "{}", done.stderr);
    for (line, file) in done.stderr.lines().zip(&broken) {
        assert!(line.contains(&file.display().to_string()), "{line}");
    }
    read(&whole, &alone);
    assert!(command::logs(&out) == command::logs(&alone));
}
