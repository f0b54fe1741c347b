//! A process killed while it writes its store leaves one that is whole, and its lock is free at once.
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
