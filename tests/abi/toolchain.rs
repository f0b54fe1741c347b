//! The shared library under test and the C programs that are linked with it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::SystemTime;
use std::{env, fs};

use tempfile::TempDir;

pub(crate) const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// `libforeshadow.so` of the profile that the tests were built with.
pub(crate) fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let test = env::current_exe().unwrap();
        // target/PROFILE/deps/abi-HASH
        let profile = test.parent().and_then(Path::parent).expect("tests lie in PROFILE/deps");
        let library = profile.join("libforeshadow.so");
        if modified(&library).is_none_or(|built| built < newest_source()) {
            build(profile);
        }
        library
    })
}

/// Runs cargo for the library alone: `cargo test` itself builds it only now and then.
fn build(profile: &Path) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(ROOT).args(["build", "--lib", "--no-default-features"]);
    for (feature, enabled) in [("cli", cfg!(feature = "cli")), ("live", cfg!(feature = "live"))] {
        if enabled {
            cargo.args(["--features", feature]);
        }
    }
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    cargo.arg("--target-dir").arg(profile.parent().expect("PROFILE lies in the target folder"));
    expect_success(&mut cargo);
}

fn newest_source() -> SystemTime {
    fn newest(path: &Path, time: &mut SystemTime) {
        *time = modified(path).map_or(*time, |modified| modified.max(*time));
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            newest(&entry.path(), time);
        }
    }
    let mut time = SystemTime::UNIX_EPOCH;
    for path in ["src", "c-shim/include", "build.rs", "Cargo.toml", "Cargo.lock"] {
        newest(&Path::new(ROOT).join(path), &mut time);
    }
    time
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// A folder with C programs and, under both of its names, the library they load.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["libforeshadow.so", "libforeshadow.so.1"] {
            std::os::unix::fs::symlink(library(), folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compiles and links `source`; every warning is an error.
    pub(crate) fn compile(&self, compiler: &str, flags: &[&str], source: &Path) -> PathBuf {
        let program =
            self.path(&format!("{}{}", source.file_stem().unwrap().display(), flags.join("")));
        let folder = self.folder.path().display();
        expect_success(
            Command::new(compiler)
                .args(["-Wall", "-Wextra", "-pedantic", "-Werror", "-g"])
                .args(flags)
                .arg(format!("-I{ROOT}/c-shim/include"))
                .arg(source)
                .arg("-o")
                .arg(&program)
                .args([&format!("-L{folder}"), &format!("-Wl,-rpath,{folder}"), "-lforeshadow"])
                .arg("-pthread"),
        );
        program
    }
}

/// A file among the C programs.
pub(crate) fn c_source(name: &str) -> PathBuf {
    Path::new(ROOT).join("tests/c").join(name)
}

/// Runs a command that must succeed and gives what it printed.
pub(crate) fn expect_success(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let Output { status, stdout, stderr } = &output;
    assert!(
        status.success(),
        "{command:?}: {status}\n{}\n{}",
        String::from_utf8_lossy(stdout),
        String::from_utf8_lossy(stderr)
    );
    String::from_utf8_lossy(stdout).into_owned()
}

/// Whether a program is there; if not, says loudly what is not tested.
pub(crate) fn have(program: &str, package: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("SKIPPED: {program} not found, install {package} to run this test");
    }
    found
}
