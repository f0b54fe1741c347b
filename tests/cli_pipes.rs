//! The command among other processes: signals, slow writers, readers that go away.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/command.rs"]
mod command;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use command::{data, foreshadow};

/// Nothing here takes as long on any machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_there() {
        assert!(began.elapsed() < PATIENCE, "no {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
}

/// Reads standard input, which stays open.
fn reading(out: &Path) -> Child {
    let mut run = foreshadow(&["run", "--read", "-", "--out"]);
    run.arg(out).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    run.spawn().unwrap()
}

fn ended(mut child: Child) -> command::Done {
    wait_for("end", || child.try_wait().unwrap().is_some());
    command::done(child.wait_with_output().unwrap())
}

#[test]
fn a_signal_while_a_pipe_gives_nothing_closes_the_logs() {
    let capture = std::fs::read(data("agree/WeMoSwitch2.pcap")).unwrap();
    // One ends between two packets, the other inside one.
    let whole = capture.len();
    for (name, sent) in [("INT", whole), ("TERM", whole - 10)] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let mut child = reading(&out);
        let mut input = child.stdin.take().unwrap();
        input.write_all(&capture[..sent]).unwrap();
        wait_for("rows", || out.join(".conn.log.part").exists());
        signal(&child, name);
        let done = ended(child);
        assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""), "{name}");
        assert!(done.stdout.contains("conn.log"), "{}", done.stdout);
        assert!(done.stdout.contains("stopped by a signal"), "{}", done.stdout);
        command::assert_closed(&out);
        let conn = &command::logs(&out)["conn.log"];
        assert!(conn.lines().any(|line| !line.starts_with('#')), "{conn}");
        drop(input);
    }
}

#[test]
fn a_signal_before_the_first_packet_ends_the_run_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut child = reading(&out);
    let input = child.stdin.take().unwrap();
    // Nothing tells when signals are listened for; before that one ends the process as well.
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "INT");
    let done = ended(child);
    assert!(matches!(done.status, Some(0) | None), "{done:?}");
    assert_eq!(done.stderr, "");
    drop(input);
}

#[test]
fn a_slow_writer_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut child = reading(&out);
    let mut input = child.stdin.take().unwrap();
    for part in std::fs::read(data("agree/smtp.pcap")).unwrap().chunks(3_000) {
        input.write_all(part).unwrap();
        std::thread::sleep(Duration::from_millis(120));
    }
    drop(input);
    let done = ended(child);
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    assert!(done.stdout.starts_with("packets        60 "), "{}", done.stdout);
}

#[test]
fn a_reader_of_the_output_that_goes_away_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (out, capture) = (folder.path().join("out"), data("demo.pcap"));
    let run = ["run", "--read", capture.to_str().unwrap(), "--out", out.to_str().unwrap()];
    for args in [&run[..], &["config", "--print-default"], &["completions", "bash"], &["man"]] {
        let mut command = foreshadow(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let done = ended(child);
        assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""), "{args:?}");
    }
    command::assert_closed(&out);
}

#[test]
fn one_line_can_be_taken_of_a_long_output() {
    let mut command = foreshadow(&["config", "--print-default"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.is_empty());
    let done = ended(child);
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
}
