//! The command as a stranger meets it: help, errors, exit statuses, pipes and logs.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/command.rs"]
mod command;
#[path = "support/json.rs"]
mod json;

use std::path::Path;
use std::process::Command;

use command::{data, foreshadow};

/// Seventeen minutes of a switch that joins a network: 157 connections of many kinds.
const CAPTURE: &str = "agree/WeMoSwitch2.pcap";

/// Runs over the capture and answers how it ended.
fn read_capture(out: &Path, more: &[&str]) -> command::Done {
    let mut run = foreshadow(&["run", "--read"]);
    command::finish(run.arg(data(CAPTURE)).arg("--out").arg(out).args(more))
}

#[test]
fn help_fits_a_terminal_of_eighty_columns() {
    for action in ["", "run", "train", "config", "models", "version", "completions", "man"] {
        let words: Vec<_> = [action, "--help"].into_iter().filter(|it| !it.is_empty()).collect();
        let done = command::finish(foreshadow(&words).env("COLUMNS", "80"));
        assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
        for line in done.stdout.lines() {
            assert!(line.chars().count() <= 80, "{action}: {line}");
        }
    }
}

#[test]
fn what_cannot_be_followed_ends_with_status_2_and_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let missing = folder.path().join("missing.toml");
    let capture = data(CAPTURE);
    let (capture, missing) = (capture.to_str().unwrap(), missing.to_str().unwrap());
    for (args, says) in [
        (&["--read", capture, "--bogus"][..], "'--bogus'"),
        (&[], "--read"),
        (&["--read", capture, "--interface", "lo"], "cannot be used with"),
        (&["--read", capture, "--format", "xml"], "tsv, json"),
        (&["--read", capture, "--config", missing], missing),
        (&["--read", capture, "--set", "predict.quantile"], "expected KEY=VALUE"),
        (&["--read", capture, "--set", "=1"], "expected KEY=VALUE"),
        (&["--read", capture, "--set", "predict.quantil=0.9"], "predict.quantil: unknown key"),
        (&["--read", capture, "--set", "predict.quantile=9"], "from 0.5 to 0.999, got 9"),
        (&["--read", capture, "--set", "model.path=nowhere.model"], "reads no file"),
    ] {
        let done = command::finish(foreshadow(&["run", "--out"]).arg(&out).args(args));
        assert_eq!((done.status, done.stdout.as_str()), (Some(2), ""), "{args:?}");
        assert!(done.stderr.contains(says), "{args:?}: {}", done.stderr);
        assert!(!out.exists(), "{args:?}");
    }
}

#[cfg(not(feature = "torch"))]
#[test]
fn training_without_libtorch_says_how_to_get_it() {
    let done =
        command::finish(&mut foreshadow(&["train", "--data", ".", "--out", "x.safetensors"]));
    assert_eq!((done.status, done.stdout.as_str()), (Some(2), ""));
    assert!(done.stderr.contains("`make torch` fetches libtorch"), "{}", done.stderr);
    assert!(done.stderr.contains("cargo build --release --features torch"), "{}", done.stderr);
}

#[test]
fn every_error_of_a_configuration_is_a_line_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bad.toml");
    std::fs::write(&file, "[predict]\nquantile = 9\nquantle = 1\n[modle]\nkind = 1\n").unwrap();
    let out = folder.path().join("out");
    let name = file.display().to_string();
    let check = command::finish(foreshadow(&["config", "--check"]).arg(&file));
    let run = read_capture(&out, &["--config", &name]);
    assert_eq!(check.stderr, run.stderr);
    assert_eq!((check.status, run.status), (Some(2), Some(2)));
    let lines: Vec<_> = check.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{}", check.stderr);
    for (line, place) in lines.iter().zip(["2:12", "3:1", "4:2"]) {
        assert!(line.starts_with(&format!("foreshadow: {name}:{place}: ")), "{line}");
    }
    assert!(!out.exists());
}

#[test]
fn a_capture_that_cannot_be_opened_is_named_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let missing = folder.path().join("missing.pcap");
    for (capture, says) in [(missing.as_path(), "No such file"), (folder.path(), "a directory")] {
        let mut run = foreshadow(&["run", "--read"]);
        let done = command::finish(run.arg(capture).arg("--out").arg(&out));
        assert_eq!((done.status, done.stdout.as_str()), (Some(1), ""));
        assert_eq!(done.stderr.lines().count(), 1);
        assert!(done.stderr.starts_with(&format!("foreshadow: {}: ", capture.display())));
        assert!(done.stderr.contains(says), "{}", done.stderr);
        assert!(!out.exists());
    }
}

#[test]
fn a_directory_that_is_not_ours_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let thesis = folder.path().join("conn.log");
    std::fs::write(&thesis, "years of work").unwrap();
    for out in [folder.path(), &thesis] {
        let done = read_capture(out, &[]);
        assert_eq!((done.status, done.stdout.as_str()), (Some(3), ""));
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        assert!(done.stderr.contains(&out.display().to_string()), "{}", done.stderr);
        assert_eq!(std::fs::read_to_string(&thesis).unwrap(), "years of work");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn two_runs_write_the_same_bytes_and_the_second_takes_the_place_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one", "other"].map(|name| folder.path().join(name));
    for out in [&one, &other, &one] {
        let done = read_capture(out, &[]);
        assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
        assert!(done.stdout.contains("1,441") && done.stdout.contains("conn.log"));
        command::assert_closed(out);
    }
    assert!(command::logs(&one) == command::logs(&other));
    assert!(command::logs(&one)["conn.log"].lines().count() > 150);
}

#[test]
fn settings_take_effect_and_the_last_one_of_a_key_counts() {
    let folder = tempfile::tempdir().unwrap();
    let closed_by_timeout = |name: &str, settings: &[&str]| {
        let out = folder.path().join(name);
        let more: Vec<_> = settings.iter().flat_map(|setting| ["--set", setting]).collect();
        let done = read_capture(&out, &[&["--quiet"], &more[..]].concat());
        assert_eq!((done.status, done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", ""));
        command::logs(&out)["conn.log"].matches("timeout").count()
    };
    let default = closed_by_timeout("default", &[]);
    let short = closed_by_timeout("short", &["flow.timeout_udp=1s"]);
    assert!(short > default, "{short} and {default}");
    assert_eq!(closed_by_timeout("quoted", &[" flow.timeout_udp = \"1s\" "]), short);
    let twice = ["flow.timeout_udp=1s", "flow.timeout_udp=1m"];
    assert_eq!(closed_by_timeout("twice", &twice), default);
}

#[test]
fn json_logs_are_one_object_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let settings = [
        "score.warm_up=100",
        "score.false_alarms_per_million=10000",
        "predict.quantile=0.5",
        "predict.min_confidence=0.3",
    ]
    .map(|setting| ["--set", setting])
    .concat();
    let mut run = foreshadow(&["run", "--format", "json", "--out"]);
    let capture = data("agree/WeMoSwitch2.pcap");
    let done = command::finish(run.arg(&out).args(settings).arg("--read").arg(capture));
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    let logs = command::logs(&out);
    assert_eq!(logs.len(), 6, "{:?}", logs.keys());
    for (name, text) in logs {
        assert!(!text.is_empty() && text.ends_with('\n'), "{name}");
        for line in text.lines() {
            assert!(matches!(json::Value::parse(line), json::Value::Object(_)), "{name}: {line}");
        }
    }
}

#[test]
fn the_default_configuration_passes_its_own_check() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("default.toml");
    std::fs::write(&file, command::run(&["config", "--print-default"]).stdout).unwrap();
    let done = command::finish(foreshadow(&["config", "--check"]).arg(&file));
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    assert_eq!(done.stdout.lines().count(), 1, "{}", done.stdout);
}

#[test]
fn completions_know_every_subcommand() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let done = command::run(&["completions", shell]);
        assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""), "{shell}");
        for word in ["run", "config", "version", "completions", "man", "print-default"] {
            assert!(done.stdout.contains(word), "{shell}: {word}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("completions");
    std::fs::write(&script, command::run(&["completions", "bash"]).stdout).unwrap();
    assert!(Command::new("bash").arg("-n").arg(&script).status().unwrap().success());
}

#[test]
fn manual_pages_are_roff_without_fault() {
    let folder = tempfile::tempdir().unwrap();
    for page in ["", "run", "config", "version", "completions"] {
        let words: Vec<_> = ["man", page].into_iter().filter(|it| !it.is_empty()).collect();
        let done = command::run(&words);
        assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""), "{page}");
        assert!(done.stdout.contains(".SH NAME"), "{page}");
        let file = folder.path().join("page");
        std::fs::write(&file, done.stdout).unwrap();
        let Ok(groff) =
            Command::new("groff").args(["-man", "-Tutf8", "-ww", "-z"]).arg(&file).output()
        else {
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                b"SKIPPED rendering manual pages: groff not found\n",
            );
            return;
        };
        assert!(groff.status.success() && groff.stderr.is_empty(), "{page}: {groff:?}");
    }
}

#[cfg(feature = "live")]
#[test]
fn a_filter_takes_what_matches_and_one_that_does_not_compile_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let done = read_capture(&out, &["--filter", "udp port 1900"]);
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    let conn = &command::logs(&out)["conn.log"];
    let rows: Vec<_> = conn.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(!rows.is_empty() && rows.iter().all(|row| row.contains("\t1900\t")), "{conn}");
    let done = read_capture(&folder.path().join("none"), &["--filter", "udp prt 1900"]);
    assert_eq!(done.status, Some(2));
    assert!(done.stderr.contains("\"udp prt 1900\""), "{}", done.stderr);
    assert!(!folder.path().join("none").exists());
}
