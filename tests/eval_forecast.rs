//! `foreshadow eval forecast` on captures made here: what it prints, and what it says when it can't.
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

/// Names that a source asks for: each a question of 40 bytes and, 20 ms later, an answer of 200, a
/// second apart, all on one connection.
fn name_service(port: u16, questions: u64) -> Vec<u8> {
    let mut frames = Vec::new();
    for question in 0..questions {
        let nanos = 1_700_000_000_000_000_000 + question * 1_000_000_000;
        frames.push(Frame::new(nanos, udp((1, port), (2, 53), 40)));
        frames.push(Frame::new(nanos + 20_000_000, udp((2, 53), (1, port), 200)));
    }
    pcap(Endian::Little, MICROSECONDS, RAW_IP, &frames)
}

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

/// Three sources: two that train, one that is held out, and the split that says so.
fn captures() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "data/benign/home/1.pcap", &name_service(40_000, 100));
    write(root.path(), "data/benign/office/1.pcap", &name_service(41_000, 50));
    write(root.path(), "data/benign/works/1.pcap", &name_service(42_000, 30));
    write(root.path(), "data/benign/works/1.pcap.lab", b"000");
    write(root.path(), "data/attack/scan/1.pcap", &name_service(43_000, 5));
    write(root.path(), "split.toml", b"[benign]\nheld_out = ['works']\n");
    root
}

fn write(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

fn forecast(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshadow"));
    command.args(["eval", "forecast"]).args(arguments).current_dir(root).output().unwrap()
}

/// What it prints when all is well.
fn printed(root: &Path, arguments: &[&str]) -> String {
    let output = forecast(root, arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The one line it says when it can't.
fn refusal(root: &Path, arguments: &[&str]) -> String {
    let output = forecast(root, arguments);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

const BY_SPLIT: [&str; 4] = ["--data", "data", "--split", "split.toml"];

#[test]
fn the_table_has_every_model_on_every_held_out_source_in_100_columns() {
    let root = captures();
    let table = printed(root.path(), &BY_SPLIT);
    for line in table.lines() {
        assert!(line.chars().count() <= 100, "too wide: {line}");
    }
    for model in [
        "uniform",
        "marginal",
        "per protocol",
        "Markov 1",
        "Markov 2",
        "Markov 3",
        "online",
        "adaptive",
    ] {
        let rows = table.lines().filter(|line| line.contains(&format!("  {model:<14}"))).count();
        assert_eq!(rows, 2, "{model}: once for all and once for the source\n{table}");
    }
    assert!(
        table.contains("Trained on       298 packets,     2 captures,   2 sources."),
        "{table}"
    );
    assert!(
        table.contains("Scored on         59 packets,     1 captures,   1 sources."),
        "{table}"
    );
    assert!(table.contains("works") && !table.contains("office"), "{table}");
}

#[test]
fn the_json_holds_everything_and_its_figures_agree() {
    let root = captures();
    let text = printed(root.path(), &[&BY_SPLIT[..], &["--json"]].concat());
    let report = Value::parse(&text);
    assert_eq!(report["data"][0].text(), "data");
    assert_eq!((report["class"].text(), report["part"].text()), ("benign", "held-out"));
    assert_eq!(report["split"].text(), "split.toml");
    assert_eq!(report["deadline"].number(), 0.95);
    assert_eq!(report["horizons_s"].list().len(), 13);
    assert_eq!(report["training"]["packets"].number(), 298.0);
    let source = &report["sources"][0];
    assert_eq!((source["name"].text(), source["captures"].number()), ("works", 1.0));
    assert_eq!(report["models"].list().len(), 8);
    for (overall, here) in report["models"].list().iter().zip(source["models"].list()) {
        let name = overall["name"].text();
        assert_eq!(name, here["name"].text());
        assert_eq!(overall["packets"].number(), 59.0);
        let bits = &overall["bits"];
        let sum: f64 = ["side_flags", "size", "time"].iter().map(|part| bits[*part].number()).sum();
        assert!((sum - bits["total"].number()).abs() < 1e-9, "{name}");
        assert_eq!(bits["total"].number(), here["bits"]["total"].number(), "{name}");
        assert!(!overall["about"].text().is_empty() && overall["seconds"].number() >= 0.0);
    }
    let [uniform, online] = [0, 6].map(|at| &report["models"][at]);
    // log2 of 16, 13 and 29 symbols.
    assert!((uniform["bits"]["total"].number() - 6_032_f64.log2()).abs() < 1e-9);
    assert!(matches!(uniform["points"], Value::Null));
    assert!(matches!(uniform["calibration"], Value::Null));
    // The same service at another site: sizes and rhythm are known from training.
    assert!(online["bits"]["total"].number() < 1.0, "{text}");
    assert_eq!(online["points"]["size_median"].number(), 9.0, "the middle of 128..=255 from 200");
    let calibration = &online["calibration"];
    assert!(calibration["error"].number() < 0.05 && calibration["coverage"].number() > 0.9);
    let forecasts: f64 =
        calibration["reliability"].list().iter().map(|bin| bin["forecasts"].number()).sum();
    assert_eq!(forecasts, 59.0 * 13.0);
}

#[test]
fn the_same_captures_give_the_same_figures() {
    let root = captures();
    let bits = || {
        let text = printed(root.path(), &[&BY_SPLIT[..], &["--json"]].concat());
        text.split_once("\"sources\":[{").unwrap().1.to_owned()
    };
    assert_eq!(bits(), bits());
}

#[test]
fn training_captures_may_be_named_apart() {
    let root = captures();
    let arguments = ["--train", "data/benign/home", "--data", "data/attack", "--class", "attack"];
    let text = printed(root.path(), &[&arguments[..], &["--json"]].concat());
    let report = Value::parse(&text);
    assert!(matches!(report["split"], Value::Null) && matches!(report["part"], Value::Null));
    assert_eq!(report["training"]["packets"].number(), 199.0);
    assert_eq!(report["sources"][0]["name"].text(), "scan");
}

#[test]
fn the_picture_has_a_bar_for_every_model_on_every_source() {
    let root = captures();
    printed(root.path(), &[&BY_SPLIT[..], &["--plot", "out.svg"]].concat());
    let picture = std::fs::read_to_string(root.path().join("out.svg")).unwrap();
    assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
    assert_eq!(picture.matches(" bits</title>").count(), 8 * 2);
    assert!(picture.contains("works (59)") && picture.contains("bits per packet"));
}

#[test]
fn a_capture_that_breaks_off_counts_up_to_there_and_is_named() {
    let root = captures();
    let whole = name_service(42_000, 30);
    write(root.path(), "data/benign/works/1.pcap", &whole[..whole.len() - 10]);
    let output = forecast(root.path(), &BY_SPLIT);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("Scored on         58 packets"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("works/1.pcap: at byte") && said.contains("cut off"), "{said}");
}

#[test]
fn folders_that_are_missing_or_empty_are_named() {
    let root = captures();
    let said = refusal(root.path(), &["--data", "nowhere", "--split", "split.toml"]);
    assert!(said.starts_with("foreshadow: nowhere: cannot be read: No such file"), "{said}");
    std::fs::create_dir(root.path().join("empty")).unwrap();
    let said = refusal(root.path(), &["--data", "empty", "--split", "split.toml"]);
    let start = "foreshadow: empty: no capture of class benign in it; expected .pcap or .pcapng";
    assert!(said.starts_with(start), "{said}");
    let said = refusal(root.path(), &["--data", "data", "--class", "odd"]);
    assert!(said.starts_with("foreshadow: data: no capture of class odd in it"), "{said}");
}

#[test]
fn a_split_that_does_not_fit_the_data_says_which_source_is_missing() {
    let root = captures();
    write(root.path(), "wrong.toml", b"[benign]\nheld_out = ['work']\n");
    assert_eq!(
        refusal(root.path(), &["--data", "data", "--split", "wrong.toml"]),
        "foreshadow: wrong.toml: there is no source work of class benign in the data, which has \
         home, office, works\n"
    );
    let shipped = refusal(root.path(), &["--data", "data"]);
    assert!(shipped.starts_with("foreshadow: models/split.toml: there is no source"), "{shipped}");
    let said = refusal(root.path(), &["--data", "data", "--split", "gone.toml"]);
    assert!(said.starts_with("foreshadow: gone.toml: cannot be read: No such file"), "{said}");
}

#[test]
fn a_split_must_leave_something_to_train_on_and_something_to_score() {
    let root = captures();
    write(root.path(), "all.toml", b"[benign]\nheld_out = ['works', 'home', 'office']\n");
    assert_eq!(
        refusal(root.path(), &["--data", "data", "--split", "all.toml"]),
        "foreshadow: all.toml: every source is kept from training, so there is nothing to train on\n"
    );
    let said = refusal(root.path(), &[&BY_SPLIT[..], &["--part", "validation"]].concat());
    let start = "foreshadow: split.toml: no validation source of class benign in the data; ";
    assert!(said.starts_with(start), "{said}");
}
