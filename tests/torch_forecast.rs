//! `foreshadow train` on captures made here: a model file beside its card and curve, the same bits for
//! the same seed, and after a kill.

#![cfg(all(feature = "torch", feature = "cli"))]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod support {
    pub(crate) mod captures;
}
#[path = "torch_support/mod.rs"]
mod torch_support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use foreshadow::model::schema;
use foreshadow::train::Cell;
use foreshadow::train::forecast::parameters;
use support::captures::{Endian, Frame, pcap};
use torch_support::{Numbers, plugin, read};

const RAW_IP: u32 = 101;
const MICROSECONDS: u32 = 0xa1b2_c3d4;

/// Questions of 40 bytes and, 20 ms later, answers of some sizes, a second apart, on several
/// connections of some length, one of them longer than a chunk.
fn name_service(seed: u64) -> Vec<u8> {
    let mut numbers = Numbers(seed);
    let mut frames = Vec::new();
    for (connection, questions) in [70_u64, 3, 9, 1, 20].into_iter().enumerate() {
        let port = 40_000 + connection as u16;
        for question in 0..questions {
            let nanos = 1_700_000_000_000_000_000 + question * 1_000_000_000 + u64::from(port);
            frames.push(Frame::new(nanos, udp((1, port), (2, 53), 40)));
            let answer = [100, 200, 300][numbers.below(3) as usize];
            frames.push(Frame::new(nanos + 20_000_000, udp((2, 53), (1, port), answer)));
        }
    }
    frames.sort_by_key(|frame| frame.nanos);
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
    bytes.extend((0..payload).map(|byte| byte as u8 % 13));
    bytes
}

/// A source that trains, one that validates, one that is held out, and the split that says so.
fn captures() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (seed, source) in (1..).zip(["home", "office", "works"]) {
        let folder = root.path().join("data/benign").join(source);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("1.pcap"), name_service(seed)).unwrap();
    }
    let split = "[benign]\nvalidation = ['office']\nheld_out = ['works']\n";
    std::fs::write(root.path().join("split.toml"), split).unwrap();
    root
}

fn command(root: &Path, out: &str, more: &[&str]) -> Command {
    let torch = PathBuf::from(std::env::var_os("FORESHADOW_TORCH").unwrap_or_default());
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshadow"));
    command.args(["train", "--data", "data", "--out", out, "--torch"]).arg(torch);
    if let Some(libtorch) = std::env::var_os("FORESHADOW_LIBTORCH") {
        command.arg("--libtorch").arg(libtorch);
    }
    command.args(more).current_dir(root);
    command
}

fn train(root: &Path, out: &str, more: &[&str]) -> Output {
    let output = command(root, out, more).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    output
}

fn refusal(root: &Path, out: &str, more: &[&str]) -> String {
    let output = command(root, out, more).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr).unwrap()
}

const SPLIT: [&str; 4] = ["--split", "split.toml", "--epochs", "6"];

#[test]
fn a_training_leaves_a_model_its_card_and_its_curve() {
    if plugin().is_none() {
        return;
    }
    let root = captures();
    let said = String::from_utf8(train(root.path(), "m/tiny.safetensors", &SPLIT).stdout).unwrap();
    assert!(said.starts_with("tiny: 201 packets of 1 sources teach, 201 validate\n"), "{said}");
    assert!(said.contains("epoch 6 of 6: "), "{said}");
    let folder = root.path().join("m");
    let (metadata, tensors) = read(&folder.join("tiny.safetensors"));
    for pair in [
        r#""format":"1","content":""#.to_owned(),
        format!(r#""schema":"{}""#, *schema::HASH),
        r#""cell":"gru","hidden":"32","name":"tiny","trained_on":"split","seed":"1""#.to_owned(),
        "foreshadow train --data data --out m/tiny.safetensors --cell gru --hidden 32 --epochs 6"
            .to_owned(),
    ] {
        assert!(metadata.contains(&pair), "{pair} is not in {metadata}");
    }
    let numbers: usize = tensors.values().map(|(_, numbers)| numbers.len()).sum();
    assert_eq!(numbers, parameters(Cell::Gru, 32));
    let (shape, fine) = &tensors[schema::FINE_TENSOR];
    assert_eq!(shape, &[16, 117]);
    // Name servers answered with 200 bytes, never with 210.
    let answer = 8 * 117;
    let of = |len| fine[answer + usize::from(schema::fine_size(len))];
    assert!(of(200) > of(240) + 2.0);
    let card = std::fs::read_to_string(folder.join("tiny.md")).unwrap();
    for line in
        ["| **all** | 201 |", "| office | 201 |", "| works | 201 |", "| home | 201 | 1.00 |"]
    {
        assert!(card.contains(line), "{line} is not in\n{card}");
    }
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn the_same_seed_gives_the_same_file_also_after_a_kill() {
    if plugin().is_none() {
        return;
    }
    let root = captures();
    let more = [&SPLIT[..3], &["40", "--seed", "7", "--cell", "lstm"]].concat();
    let file = |name: &str| std::fs::read(root.path().join(name)).unwrap();
    train(root.path(), "a/x.safetensors", &more);
    let whole = file("a/x.safetensors");

    let mut victim = command(root.path(), "b/x.safetensors", &more);
    let mut victim = victim.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let checkpoint = root.path().join("b/x.checkpoint");
    let begun = Instant::now();
    while !checkpoint.exists() {
        assert!(begun.elapsed() < Duration::from_secs(120), "it never wrote a checkpoint");
        std::thread::sleep(Duration::from_millis(1));
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert!(!root.path().join("b/x.safetensors").exists(), "killed in the middle");

    let other = [&more[..], &["--resume", "--seed", "8"]].concat();
    let other: Vec<_> = other.into_iter().filter(|word| *word != "7").collect();
    let seed = other.iter().position(|word| *word == "--seed").unwrap();
    let other = [&other[..seed], &other[seed + 1..]].concat();
    let text = refusal(root.path(), "b/x.safetensors", &other);
    assert!(text.contains("another network, other data or other settings"), "{text}");

    let resumed = [&more[..], &["--resume"]].concat();
    train(root.path(), "b/x.safetensors", &resumed);
    // The two differ in where they were written, which the file tells once.
    let mut after = file("b/x.safetensors");
    let at = after.windows(4).position(|bytes| bytes == b"b/x.").unwrap();
    after[at] = b'a';
    assert!(whole == after);

    let text = refusal(root.path(), "b/x.safetensors", &resumed);
    assert!(text.contains("b/x.checkpoint: there is no checkpoint to resume from"), "{text}");
}

#[test]
fn with_all_nothing_is_measured_and_every_epoch_is_trained() {
    if plugin().is_none() {
        return;
    }
    let root = captures();
    let said = train(root.path(), "all.safetensors", &["--all", "--epochs", "2"]).stdout;
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("all: 603 packets of 3 sources teach, 0 validate\n"), "{said}");
    assert!(said.ends_with("of epoch 2 of 2\n") && !said.contains("validation"), "{said}");
    let (metadata, _) = read(&root.path().join("all.safetensors"));
    assert!(metadata.contains(r#""trained_on":"all""#), "{metadata}");
    let card = std::fs::read_to_string(root.path().join("all.md")).unwrap();
    assert!(card.contains("nothing here can measure it honestly"), "{card}");
}

#[test]
fn what_is_missing_is_said_before_anything_is_read() {
    let root = captures();
    let nowhere = ["--libtorch", "nowhere"];
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshadow"));
    command.args(["train", "--data", "none", "--out", "x.safetensors"]).args(nowhere);
    let output = command.current_dir(root.path()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text.contains("training needs libtorch 2.11, and nowhere has no libc10.so; `make torch`")
    );
    if plugin().is_some() {
        let text = refusal(root.path(), "x.safetensors", &["--all", "--hidden", "40"]);
        assert!(text.contains("a multiple of 16 from 32 to 256"), "{text}");
    }
}
