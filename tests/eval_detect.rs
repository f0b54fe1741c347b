//! `foreshadow eval detect` on captures made here: a scan is found, ordinary traffic is left alone,
//! and what is asked for in vain is said.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod support {
    pub(crate) mod captures;
    pub(crate) mod json;
}

use std::path::Path;
use std::process::{Command, Output};

use support::captures::{Endian, Frame, pcap};
use support::json::Value;

const RAW_IP: u32 = 101;
const MICROSECONDS: u32 = 0xa1b2_c3d4;
const START: u64 = 1_700_000_000_000_000_000;
const SECOND: u64 = 1_000_000_000;

fn udp(from: (u8, u16), to: (u8, u16), payload: u16) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend((28 + payload).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from.0, 10, 0, 0, to.0]);
    bytes.extend(from.1.to_be_bytes());
    bytes.extend(to.1.to_be_bytes());
    bytes.extend((8 + payload).to_be_bytes());
    bytes.extend([0; 2]);
    bytes.extend(vec![7; usize::from(payload)]);
    bytes
}

/// Questions that are answered, one a second.
fn ordinary(from: u64, questions: u64) -> Vec<Frame> {
    let at = |question: u64| START + (from + question) * SECOND;
    (0..questions)
        .flat_map(|question| {
            let port = 40_000 + (question / 50) as u16;
            [
                Frame::new(at(question), udp((1, port), (2, 53), 40)),
                Frame::new(at(question) + SECOND / 50, udp((2, 53), (1, port), 200)),
            ]
        })
        .collect()
}

/// One host asks many that do not answer.
fn scan(from: u64, targets: u8) -> Vec<Frame> {
    let at = |target: u8| START + from * SECOND + u64::from(target) * SECOND / 10;
    (0..targets)
        .map(|target| Frame::new(at(target), udp((9, 50_000), (100 + target, 161), 30)))
        .collect()
}

fn captures() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let capture = |frames: &[Frame]| pcap(Endian::Little, MICROSECONDS, RAW_IP, frames);
    write(root.path(), "benign/home/1.pcap", &capture(&ordinary(0, 1_500)));
    write(root.path(), "attack/scan/1.pcap", &capture(&scan(0, 100)));
    // After the scan comes what makes its attempts time out.
    let mixed = [ordinary(0, 300), scan(400, 60), ordinary(600, 50)].concat();
    let labels = [vec![b'0'; 600], vec![b'1'; 60], vec![b'0'; 99], vec![b'?'; 1]].concat();
    write(root.path(), "mixed/office/1.pcap", &capture(&mixed));
    write(root.path(), "mixed/office/1.pcap.lab", &labels);
    write(root.path(), "mixed/office/2.pcap", &capture(&ordinary(0, 3)));
    root
}

fn write(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn detect(root: &Path, options: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshadow"));
    command.args(["eval", "detect", "--data"]).arg(root).args(options).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_scan_is_found_and_ordinary_traffic_is_left_alone() {
    let root = captures();
    let output = detect(root.path(), &["--json", "--train-clean", "source"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report = Value::parse(&text(&output.stdout));
    let attack = &report["attacks"][0]["attack"];
    assert_eq!(attack["packets"].number(), 100.0);
    assert!(attack["first_packets"].number() <= 100.0);
    let benign = &report["benign"][0];
    assert_eq!(benign["source"].text(), "home");
    assert_eq!(benign["alarms"][1].number() + benign["alarms"][2].number(), 0.0);
    let labelled = &report["labelled"][0];
    assert_eq!(labelled["name"].text(), "office/1.pcap", "a capture without labels is left out");
    let ours = &labelled["connections"][0];
    assert_eq!(ours["attack"].number(), 60.0);
    assert!(ours["tpr_1e3"].number() > 0.9, "{ours:?}");
}

#[test]
fn the_same_run_prints_the_same_table_and_draws_a_picture() {
    let root = captures();
    let picture = root.path().join("detect.svg");
    let options = ["--plot", picture.to_str().unwrap()];
    let (first, second) = (detect(root.path(), &options), detect(root.path(), &[]));
    assert_eq!(text(&first.stdout), text(&second.stdout));
    let table = text(&first.stdout);
    for line in ["By connection", "By packet", "Captures that are an attack", "Ordinary traffic"] {
        assert!(table.contains(line), "{line} is missing in\n{table}");
    }
    assert!(std::fs::read_to_string(picture).unwrap().starts_with("<svg"));
}

#[test]
fn what_can_not_be_measured_is_one_clear_line() {
    let root = tempfile::tempdir().unwrap();
    let output = detect(root.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("benign, attack or mixed"), "{}", text(&output.stderr));
    let output = detect(captures().path(), &["--set", "model.path=nothing.bin"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("model.path"), "{}", text(&output.stderr));
}
