//! C programs in place of a host: plain, under the sanitizers, under valgrind.

use std::fs;
use std::path::Path;
use std::process::Command;

use foreshadow::config::Config;
use foreshadow::flow::HostHint;
use foreshadow::sensor::{Packet, Sensor};
use foreshadow::time::Timestamp;
use foreshadow::wire::LinkType;

use crate::capture::{Frame, frames, write_pcap};
#[cfg(feature = "cli")]
use crate::line;
use crate::toolchain::{Bench, ROOT, c_source, expect_success, have};

const CONFIG: &str = "[score]\nfalse_alarms_per_million = 20000\nwarm_up = 150\n";

/// A bench with the capture in it.
fn bench() -> (Bench, String) {
    let bench = Bench::new();
    let capture = bench.path("capture.pcap");
    write_pcap(&capture, &frames());
    fs::write(bench.path("foreshadow.toml"), CONFIG).unwrap();
    let capture = capture.to_str().expect("temporary paths are UTF-8").to_owned();
    (bench, capture)
}

/// What the sensor says of the frames when Rust asks.
fn lines_in_rust(frames: &[Frame]) -> String {
    let config = Config::from_toml(CONFIG, "test").unwrap();
    let mut sensor = Sensor::new(&config).unwrap();
    let mut lines = String::new();
    let mut drain = |sensor: &mut Sensor| {
        while let Some(event) = sensor.poll() {
            lines += &format!("{event}\n");
        }
    };
    for Frame { time_ns, data } in frames {
        sensor.push(&Packet {
            time: Timestamp::from_nanos(*time_ns),
            link: LinkType::ETHERNET,
            data,
            wire_len: data.len() as u32,
            host: HostHint::default(),
        });
        drain(&mut sensor);
    }
    sensor.finish();
    drain(&mut sensor);
    lines
}

#[test]
fn a_c_host_hears_byte_for_byte_what_a_rust_host_hears() {
    let (bench, capture) = bench();
    let drive = bench.compile("cc", &["-std=c99"], &c_source("drive.c"));
    let config = bench.path("foreshadow.toml");
    let in_c = expect_success(Command::new(&drive).args(["events", &capture]).arg(config));
    let in_rust = lines_in_rust(&frames());
    assert_eq!(in_c, in_rust);
    for kind in ["connection ", "stats ", "synthetic ", "anomaly "] {
        assert!(in_c.lines().any(|line| line.starts_with(kind)), "no {kind}in\n{in_c}");
    }
}

#[cfg(feature = "cli")]
#[test]
fn a_c_host_hears_of_real_captures_what_a_rust_host_hears() {
    let bench = Bench::new();
    let drive = bench.compile("cc", &["-std=c99"], &c_source("drive.c"));
    let config = bench.path("foreshadow.toml");
    fs::write(&config, "[score]\nfalse_alarms_per_million = 10000\nwarm_up = 100\n").unwrap();
    let settings = [("score.false_alarms_per_million", "10000"), ("score.warm_up", "100")];
    let mut compared = 0;
    for capture in line::bundled("agree") {
        // The C program reads classic pcap only, whatever the name says.
        let magic = fs::read(&capture).unwrap()[..4].try_into().unwrap();
        if ![0xa1b2_c3d4, 0xd4c3_b2a1].contains(&u32::from_le_bytes(magic)) {
            continue;
        }
        let in_c = expect_success(Command::new(&drive).arg("events").arg(&capture).arg(&config));
        assert!(in_c == line::lines(&settings, &[&capture]), "{capture:?} sounds different in C");
        compared += 1;
    }
    assert!(compared >= 30, "only {compared} captures were compared");
}

#[test]
fn every_misuse_from_c_is_answered_with_a_status() {
    let (bench, capture) = bench();
    let drive = bench.compile("cc", &["-std=c99"], &c_source("drive.c"));
    expect_success(Command::new(&drive).args(["misuse", &capture]));
    expect_success(Command::new(&drive).args(["threads", &capture]));
    expect_success(Command::new(&drive).arg("limit"));
}

#[test]
fn the_c_host_is_clean_under_address_and_undefined_behaviour_sanitizers() {
    let (bench, capture) = bench();
    let flags = ["-std=c99", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];
    let drive = bench.compile("cc", &flags, &c_source("drive.c"));
    for mode in ["misuse", "events", "threads"] {
        expect_success(Command::new(&drive).args([mode, &capture]));
    }
}

#[test]
fn the_c_host_is_clean_under_valgrind() {
    if !have("valgrind", "valgrind") {
        return;
    }
    let (bench, capture) = bench();
    let drive = bench.compile("cc", &["-std=c99"], &c_source("drive.c"));
    for mode in ["misuse", "events"] {
        expect_success(
            Command::new("valgrind")
                .args(["--quiet", "--error-exitcode=9", "--leak-check=full"])
                .arg("--errors-for-leak-kinds=definite,indirect,possible")
                .arg(&drive)
                .args([mode, &capture]),
        );
    }
}

#[test]
fn the_header_is_clean_c_and_cplusplus_of_every_standard() {
    let header = format!("{ROOT}/c-shim/include/foreshadow.h");
    let strict = ["-Wall", "-Wextra", "-pedantic", "-Wpadded", "-Werror", "-fsyntax-only"];
    for (compiler, language, standards) in [
        ("cc", "c", &["c99", "c11", "c17"][..]),
        ("c++", "c++", &["c++11", "c++14", "c++17", "c++20"][..]),
    ] {
        for standard in standards {
            expect_success(
                Command::new(compiler)
                    .args(strict)
                    .arg(format!("-std={standard}"))
                    .args(["-x", language, &header]),
            );
        }
    }
}

#[test]
fn a_cplusplus_host_links_by_the_names_in_the_header() {
    let bench = Bench::new();
    let program = bench.compile("c++", &["-std=c++17"], &c_source("include.cc"));
    let version = expect_success(&mut Command::new(program));
    assert_eq!(version.trim(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_host_in_the_guide_compiles_and_runs() {
    let guide = fs::read_to_string(Path::new(ROOT).join("docs/abi.md")).unwrap();
    let (_, rest) = guide.split_once("```c\n").expect("the guide holds a C program");
    let (program, _) = rest.split_once("```").expect("it ends");
    let bench = Bench::new();
    let source = bench.path("guide.c");
    fs::write(&source, program).unwrap();
    let printed = expect_success(&mut Command::new(bench.compile("cc", &["-std=c99"], &source)));
    assert!(printed.lines().any(|line| line.starts_with("connection ")), "{printed}");
}
