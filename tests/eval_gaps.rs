//! `foreshadow eval gaps`: what is taken out is looked for, and the same run gives the same figures.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

use std::path::{Path, PathBuf};

use etherparse::PacketBuilder;
use foreshadow::config::Config;
use foreshadow::eval::Split;
use foreshadow::eval::gaps::{
    Class, Deletion, gaps, gaps_json, gaps_table, silence, silence_table,
};

/// A capture of one source: a device is asked every second by UDP, and another by TCP.
fn capture() -> (tempfile::TempDir, PathBuf) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("benign/office");
    std::fs::create_dir_all(&folder).unwrap();
    let mut file =
        vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
    for beat in 0..400_u32 {
        let mut put = |micros: u32, frame: &[u8]| {
            let time = beat * 1_000_000 + micros;
            let length = frame.len() as u32;
            for word in [1_700_000_000 + time / 1_000_000, time % 1_000_000, length, length] {
                file.extend(word.to_le_bytes());
            }
            file.extend(frame);
        };
        let host = |from: u8, to: u8| {
            let ethernet = PacketBuilder::ethernet2([2; 6], [4; 6]);
            ethernet.ipv4([10, 0, 0, from], [10, 0, 0, to], 64)
        };
        let mut frame = Vec::new();
        host(1, 9).udp(4_000, 9_999).write(&mut frame, &[7; 40]).unwrap();
        put(0, &frame);
        frame.clear();
        host(9, 1).udp(9_999, 4_000).write(&mut frame, &[8; 20]).unwrap();
        put(10_000, &frame);
        for (micros, from, to, ports, at, acknowledged, len) in [
            (300_000, 2, 3, (50_000, 502), beat * 12, beat * 30, 12),
            (310_000, 3, 2, (502, 50_000), beat * 30, beat * 12 + 12, 30),
            (350_000, 2, 3, (50_000, 502), beat * 12 + 12, beat * 30 + 30, 0),
        ] {
            let mut frame = Vec::new();
            let tcp = host(from, to).tcp(ports.0, ports.1, 1_000 + at, 8_192);
            tcp.ack(1_000 + acknowledged).write(&mut frame, &vec![7; len]).unwrap();
            put(micros, &frame);
        }
    }
    std::fs::write(folder.join("one.pcap"), file).unwrap();
    (root, folder)
}

const DELETION: Deletion = Deletion { loss: 0.02, burst: 1, delay: None, seed: 3 };

fn run(folder: &Path, deletion: Deletion) -> foreshadow::eval::gaps::GapReport {
    let config = Config::default();
    gaps(&[folder.to_path_buf()], "benign", &Split::shipped(), &config, deletion, 1.0).unwrap()
}

#[test]
fn what_is_taken_out_is_counted_by_class_and_the_same_seed_gives_the_same_report() {
    let (_root, folder) = capture();
    let report = run(&folder, DELETION);
    let overall = report.overall();
    let lost: u64 = overall.classes.iter().map(|tally| tally.lost).sum();
    assert!((20..45).contains(&lost), "{lost} of 1600");
    assert_eq!(gaps_json(&report), gaps_json(&run(&folder, DELETION)));
    let other = run(&folder, Deletion { seed: 4, ..DELETION });
    assert_ne!(gaps_json(&report), gaps_json(&other));
    let table = gaps_table(&report);
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
}

#[test]
fn a_beat_that_is_lost_is_found_at_its_time() {
    let (_root, folder) = capture();
    let overall = run(&folder, DELETION).overall();
    let udp = &overall.classes[Class::ALL.iter().position(|class| *class == Class::Udp).unwrap()];
    // Where the next packet comes before the lost one's deadline has passed, nothing is missed.
    assert!(udp.lost > 3 && udp.recall() > Some(0.25), "{udp:?}");
    assert_eq!(udp.overdue, udp.overdue_right, "every claim is right: {udp:?}");
    assert!(udp.time_errors.iter().all(|error| *error < 0.5), "{udp:?}");
    assert_eq!(overall.untouched.outcomes.iter().sum::<u64>(), 0, "nothing was missing");
}

#[test]
fn nothing_taken_out_is_nothing_found() {
    let (_root, folder) = capture();
    let overall = run(&folder, Deletion { loss: 0.0, ..DELETION }).overall();
    assert!(overall.classes.iter().all(|tally| tally.lost == 0 && tally.recall().is_none()));
}

#[test]
fn a_device_that_falls_silent_is_told_of() {
    let (_root, folder) = capture();
    let report = silence(&[folder], "benign", &Split::shipped(), &Config::default()).unwrap();
    let overall = report.overall();
    assert_eq!((overall.devices, overall.detected), (4, 4), "{overall:?}");
    assert_eq!((overall.untouched.stopped, overall.untouched.silences), (0, 0));
    let table = silence_table(&report);
    assert!(table.lines().all(|line| line.chars().count() <= 80), "{table}");
}
