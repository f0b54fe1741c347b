//! The built command, run as a person would.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Done {
    /// The exit status; `None` after a signal.
    pub(crate) status: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

/// The command, not yet started; nothing on standard input.
pub(crate) fn foreshadow(args: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshadow"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs the command to its end.
pub(crate) fn run(args: &[impl AsRef<OsStr>]) -> Done {
    finish(&mut foreshadow(args))
}

/// Runs a prepared command to its end.
pub(crate) fn finish(command: &mut Command) -> Done {
    done(command.output().unwrap())
}

/// What a finished process left.
pub(crate) fn done(output: std::process::Output) -> Done {
    Done {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A capture of `tests/data`.
pub(crate) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Every log in a directory by its name.
pub(crate) fn logs(directory: &Path) -> BTreeMap<String, String> {
    let mut logs = BTreeMap::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_file() && name.ends_with(".log") {
            logs.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    logs
}

/// Whether every log in a directory begins and ends as a whole one does, and nothing else is left
/// there but the mark that the directory is ours.
pub(crate) fn assert_closed(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == ".foreshadow" || name.ends_with(".log"), "{name} is left");
    }
    for (name, text) in logs(directory) {
        assert!(text.starts_with("#separator"), "{name}: {text}");
        let last = text.lines().last().unwrap_or_default();
        assert!(last.starts_with("#close\t") && text.ends_with('\n'), "{name} ends with {last}");
    }
}
