//! What lies in the directory: while logs grow, when they rotate, after a crash and after a failure.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod sink_support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use foreshadow::sink::{Format, LogDirectory, LogOptions, Publish, Rotation, ZeekLogs};
use foreshadow::time::Span;
use sink_support::{at, connection, events, read_tsv, tcp};

fn logs(path: &Path, publish: Publish) -> ZeekLogs {
    let directory = LogDirectory::create(path).unwrap();
    ZeekLogs::create(directory, LogOptions { publish, ..LogOptions::default() }).unwrap()
}

/// Names and content of all files but the marker.
fn listing(path: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
        })
        .filter(|(name, _)| name != ".foreshadow")
        .collect()
}

fn names(path: &Path) -> Vec<String> {
    listing(path).into_keys().collect()
}

#[test]
fn the_same_events_give_the_same_bytes() {
    let [first, second] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    for root in [&first, &second] {
        let mut logs = logs(root.path(), Publish::AtClose);
        events().iter().for_each(|event| logs.write(event).unwrap());
        logs.close().unwrap();
    }
    assert_eq!(listing(first.path()), listing(second.path()));
}

#[test]
fn a_run_replaces_the_one_before_when_it_is_whole_and_not_sooner() {
    let root = tempfile::tempdir().unwrap();
    let mut earlier = logs(root.path(), Publish::AtClose);
    events().iter().for_each(|event| earlier.write(event).unwrap());
    earlier.close().unwrap();
    let before = listing(root.path());

    // A run that is killed: dropped without being closed.
    let mut killed = logs(root.path(), Publish::AtClose);
    killed.write(&connection(at(9, 0), tcp())).unwrap();
    killed.flush().unwrap();
    drop(killed);
    let mut after = listing(root.path());
    assert!(after.remove(".conn.log.part").is_some());
    assert_eq!(after, before);

    let mut later = logs(root.path(), Publish::AtClose);
    later.write(&connection(at(9, 0), tcp())).unwrap();
    let written = later.close().unwrap();
    assert_eq!(names(root.path()), ["conn.log"], "nothing of the other run is left");
    assert_eq!((written.len(), written[0].rows), (1, 1));
    assert_eq!(read_tsv(&listing(root.path())["conn.log"]).rows.len(), 1);
}

#[test]
fn a_growing_log_can_be_read_after_each_flush() {
    let root = tempfile::tempdir().unwrap();
    let mut logs = logs(root.path(), Publish::Growing(Rotation::default()));
    for count in 1..=3 {
        logs.write(&connection(at(count, 0), tcp())).unwrap();
        logs.flush().unwrap();
        let log = read_tsv(&listing(root.path())["conn.log"]);
        assert_eq!(log.rows.len() as i64, count);
        assert!(!log.meta.contains_key("close"));
    }
    logs.close().unwrap();
    let log = read_tsv(&listing(root.path())["conn.log"]);
    assert_eq!(log.meta["open"], "2026-11-21-00-59-31");
    assert_eq!(log.meta["close"], "2026-11-21-00-59-33");
}

#[test]
fn logs_rotate_on_the_hour_of_packet_time_under_zeeks_names() {
    let root = tempfile::tempdir().unwrap();
    let hourly = Rotation { interval: Some(Span::from_secs(3_600)), size: None };
    let mut logs = logs(root.path(), Publish::Growing(hourly));
    logs.write(&connection(at(0, 0), tcp())).unwrap();
    logs.write(&connection(at(29, 0), tcp())).unwrap();
    logs.write(&connection(at(30, 0), tcp())).unwrap();
    assert_eq!(names(root.path()), ["conn.2026-11-21-00-59-30.log", "conn.log"]);
    // Time that goes back does not rotate; time that passes without a row does.
    logs.write(&connection(at(0, 0), tcp())).unwrap();
    logs.rotate_if_due(at(3_629, 0)).unwrap();
    assert_eq!(names(root.path()).len(), 2);
    logs.rotate_if_due(at(3_630, 0)).unwrap();
    assert_eq!(
        names(root.path()),
        ["conn.2026-11-21-00-59-30.log", "conn.2026-11-21-01-00-00.log"]
    );
    let written = logs.close().unwrap();
    assert_eq!((written[0].rows, written[0].rotated), (4, 2));
    let held: usize = listing(root.path()).values().map(|text| read_tsv(text).rows.len()).sum();
    assert_eq!(held, 4);
}

#[test]
fn logs_rotate_by_size_and_never_over_each_other() {
    let root = tempfile::tempdir().unwrap();
    let tiny = Rotation { interval: None, size: Some(1) };
    let mut logs = logs(root.path(), Publish::Growing(tiny));
    (0..3).for_each(|_| logs.write(&connection(at(0, 0), tcp())).unwrap());
    logs.close().unwrap();
    assert_eq!(
        names(root.path()),
        [
            "conn.2026-11-21-00-59-30-2.log",
            "conn.2026-11-21-00-59-30-3.log",
            "conn.2026-11-21-00-59-30.log",
        ]
    );
    assert!(listing(root.path()).values().all(|text| read_tsv(text).rows.len() == 1));
}

#[test]
fn what_a_killed_live_run_left_is_kept() {
    let root = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let mut killed = logs(root.path(), Publish::Growing(Rotation::default()));
        killed.write(&connection(at(0, 0), tcp())).unwrap();
        killed.flush().unwrap();
        drop(killed);
    }
    drop(logs(root.path(), Publish::Growing(Rotation::default())));
    assert_eq!(names(root.path()), ["conn.leftover-2.log", "conn.leftover.log"]);
    assert!(listing(root.path()).values().all(|text| read_tsv(text).rows.len() == 1));
}

#[test]
fn a_directory_that_vanished_is_one_clear_error() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("logs");
    let mut logs = logs(&path, Publish::AtClose);
    logs.write(&connection(at(0, 0), tcp())).unwrap();
    fs::remove_dir_all(&path).unwrap();
    let text = logs.close().unwrap_err().to_string();
    assert!(text.starts_with("cannot rename to its final name "), "{text}");
    assert!(text.contains("conn.log") && text.contains("No such file"), "{text}");
}

#[test]
fn after_a_failure_no_row_is_taken_and_no_log_removed() {
    let root = tempfile::tempdir().unwrap();
    let mut earlier = logs(root.path(), Publish::AtClose);
    events().iter().for_each(|event| earlier.write(event).unwrap());
    earlier.close().unwrap();
    let before = listing(root.path());

    let mut failing = logs(root.path(), Publish::AtClose);
    // A directory in the place of the hidden file: it can neither be removed nor written.
    fs::create_dir(root.path().join(".conn.log.part")).unwrap();
    assert!(failing.write(&connection(at(0, 0), tcp())).is_err());
    fs::remove_dir(root.path().join(".conn.log.part")).unwrap();
    let text = failing.write(&connection(at(0, 0), tcp())).unwrap_err().to_string();
    assert!(text.ends_with("conn.log: an earlier write failed"), "{text}");
    assert!(failing.close().is_err());
    assert_eq!(listing(root.path()), before);
}

#[test]
fn json_lines_are_whole_and_have_no_header() {
    let root = tempfile::tempdir().unwrap();
    let directory = LogDirectory::create(root.path()).unwrap();
    let options = LogOptions { format: Format::Json, ..LogOptions::default() };
    let mut logs = ZeekLogs::create(directory, options).unwrap();
    events().iter().for_each(|event| logs.write(event).unwrap());
    logs.close().unwrap();
    for text in listing(root.path()).values() {
        assert!(text.ends_with("}\n"));
        assert!(
            text.lines().all(|line| line.starts_with("{\"ts\":1795222") && line.ends_with('}'))
        );
    }
}
