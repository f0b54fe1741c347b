//! A process killed while it writes its store leaves one that is whole, and its lock is free at once.
//! The same of a whole run: what it had learned and scored by its last writing is there again.
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use foreshadow::kept::Snapshot;
use foreshadow::store::Store;

/// Set for the process that writes, to the file that it writes.
const FILE: &str = "FORESHADOW_TEST_STORE";

/// A few megabytes that do not pack, all of one number.
fn snapshot(number: u64) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let mut state = number;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(number | 1);
        state.to_be_bytes()
    });
    snapshot.put("number", number.to_le_bytes().to_vec());
    snapshot.put("noise", noise.take(1 << 18).flatten().collect());
    snapshot
}

#[test]
fn the_writer() {
    let Some(path) = env::var_os(FILE) else { return };
    let store = Store::lock(Path::new(&path)).unwrap();
    for number in 0.. {
        store.write(&snapshot(number)).unwrap();
    }
}

#[test]
fn a_process_killed_at_any_moment_leaves_a_whole_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("learned");
    let mut found = 0;
    for round in 0..12_u64 {
        let mut writer = Command::new(env::current_exe().unwrap())
            .args(["--exact", "the_writer"])
            .env(FILE, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(30 + 37 * round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        Store::lock(&path).unwrap();
        let Some(read) = Store::read(&path).unwrap() else { continue };
        let number = u64::from_le_bytes(read.get("number").unwrap().try_into().unwrap());
        assert!(read == snapshot(number), "round {round} is not whole");
        found += 1;
    }
    assert!(found > 0, "no round wrote anything");
}

#[cfg(feature = "cli")]
mod of_a_run {
    use std::fs;
    use std::io::Write;

    use foreshadow::config::Config;
    use foreshadow::sensor::Sensor;
    use foreshadow::store::Keeper;

    use super::*;

    #[test]
    fn a_run_killed_at_any_moment_goes_on_with_what_it_had_scored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("learned");
        let out = folder.path().join("logs");
        let settings = [
            "model.kind=adaptive".to_owned(),
            "model.table_mib=1".to_owned(),
            "sensor.stats_interval=1s".to_owned(),
            "store.interval=1s".to_owned(),
            format!("store.path={}", path.display()),
        ];
        let mut config = Config::default();
        for setting in &settings {
            let (key, value) = setting.split_once('=').unwrap();
            config.set(key, value).unwrap();
        }
        let capture = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/demo.pcap"));
        let capture = capture.unwrap();
        let mut known = Vec::new();
        for round in 0..3_usize {
            let mut run = Command::new(env!("CARGO_BIN_EXE_foreshadow"))
                .args(["run", "--quiet", "--read", "-", "--out", out.to_str().unwrap()])
                .args(settings.iter().flat_map(|setting| ["--set", setting]))
                .stdin(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stdin = run.stdin.take().unwrap();
            let before = fs::metadata(&path).and_then(|file| file.modified()).ok();
            let written = || fs::metadata(&path).and_then(|file| file.modified()).ok() != before;
            for (at, piece) in capture.chunks(4_096).enumerate() {
                stdin.write_all(piece).unwrap();
                sleep(Duration::from_millis(15));
                if written() && at.is_multiple_of(5 + round) {
                    break;
                }
            }
            run.kill().unwrap();
            let stderr = String::from_utf8(run.wait_with_output().unwrap().stderr).unwrap();
            assert!(!stderr.contains("can't be used"), "round {round}: {stderr}");
            if Store::read(&path).unwrap().is_none() {
                continue;
            }
            let mut sensor = Sensor::new(&config).unwrap();
            let keeper = Keeper::open(&config, &mut sensor).unwrap().unwrap();
            assert_eq!(keeper.set_aside(), None);
            let kept = Store::read(&path).unwrap().unwrap();
            // Every class, endpoint and meeting is there, give or take a rounded bin of a histogram;
            // tests/store.rs compares what is said of packets.
            let sizes = [sensor.encode_scores().len(), kept.get("scores").unwrap().len()];
            assert!(sizes[0].abs_diff(sizes[1]) < 1_000 && sizes[0] > 10_000, "{sizes:?}");
            known.push(sensor.kept().unwrap().directory.len());
        }
        assert!(known.iter().all(|services| *services > 0), "{known:?}");
    }
}
