//! `foreshadow federate` over folders and pipes.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/federation.rs"]
mod federation;

use std::fs;
use std::io::Write;
use std::process::Stdio;

use federation::{SCANNER, SENSORS, Site, last_line, network, success};

#[test]
fn a_scan_in_thirds_is_a_target_of_the_network_and_every_sensor_that_met_it_says_so() {
    let site = Site::new();
    for name in SENSORS {
        let input = site.path(&format!("{name}.pcap"));
        success(&mut site.sensor(name, "spools", &input, name));
        assert_eq!(site.targets(name), [""; 0], "{name} sees too little of it");
    }
    let blobs = site.waiting("spools");
    let line = site.merge("spools");
    assert!(line.contains("\"sensors\":3,\"since\""), "{line}");
    assert!(line.contains("failed-handshakes") && line.contains("\"refused\":{}"), "{line}");
    assert!(line.contains(&format!("\"taken\":{blobs},")), "{blobs} blobs, {line}");
    assert!(!line.contains("10.0.0"), "no address is shown: {line}");
    assert_eq!(site.waiting("spools"), 0, "what was merged no longer waits");

    // The view lies in each folder: a sensor that goes on finds it there.
    let input = site.path("north.pcap");
    success(&mut site.sensor("north", "spools", &input, "again"));
    let targets = site.targets("again");
    assert_eq!(targets.len(), 1, "{targets:?}");
    let columns: Vec<&str> = targets[0].split('\t').collect();
    assert_eq!((columns[1], columns.last()), (SCANNER, Some(&"3")));

    // One that sees everything says it by itself.
    success(&mut site.sensor("all", "alone", &site.path("all.pcap"), "alone-logs"));
    assert_eq!(site.targets("alone-logs").len(), 1);
    assert!(site.merge("alone").contains("\"targets\":[]"), "one sensor makes none of the network");
}

#[test]
fn pipes_carry_the_same_and_a_broken_one_is_an_error() {
    let site = Site::new();
    for name in SENSORS {
        let input = site.path(&format!("{name}.pcap"));
        for spools in ["folders", "pipes"] {
            success(&mut site.sensor(name, spools, &input, &format!("{spools}-{name}")));
        }
    }
    let mut frames = Vec::new();
    for name in SENSORS {
        let mut command = site.foreshadow("federate");
        command.args(["--role", "sensor", "--dir"]).arg(site.path("pipes").join(name));
        frames.extend(command.stdin(Stdio::null()).output().unwrap().stdout);
    }
    let merge = |frames: &[u8]| {
        let mut command = site.foreshadow("federate");
        command.args(["--role", "aggregator", "--clock", "capture", "--once"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(frames).unwrap();
        child.wait_with_output().unwrap()
    };
    let output = merge(&frames);
    assert!(output.status.success());
    let said = last_line(&String::from_utf8(output.stderr).unwrap());
    assert_eq!(network(&said), network(&site.merge("folders")));
    assert!(output.stdout.len() > 100, "a view came out");
    let output = merge(&frames[..frames.len() - 1]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_a_federation_lacks_is_said_before_anything_is_done() {
    let site = Site::new();
    let complaint = |command: &mut std::process::Command| {
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let mut nameless = site.foreshadow("run");
    nameless.arg("--read").arg(site.path("north.pcap")).arg("--federate").arg(site.path("spool"));
    assert!(complaint(&mut nameless).contains("federation.sensor"));
    assert!(!site.path("spool").exists());
    let mut aggregator = site.foreshadow("federate");
    aggregator.args(["--role", "aggregator", "--set", "bloom.federation_key="]);
    assert!(complaint(&mut aggregator).contains("bloom.federation_key"));
    let mut sensor = site.foreshadow("federate");
    assert!(complaint(sensor.args(["--role", "sensor"])).contains("--dir"));
}

#[test]
fn an_aggregator_with_the_seal_key_alone_merges_the_same() {
    let site = Site::new();
    for (name, spools) in SENSORS.iter().flat_map(|name| [(name, "with"), (name, "without")]) {
        let input = site.path(&format!("{name}.pcap"));
        success(&mut site.sensor(name, spools, &input, &format!("{spools}-{name}")));
    }
    let whole = site.merge("with");
    let key = success(site.foreshadow("federate").arg("--print-seal-key"));
    assert!(key.trim().len() == 32 && !key.starts_with("000102"), "{key}");
    let config = fs::read_to_string(site.path("site.toml")).unwrap();
    let without: Vec<&str> =
        config.lines().filter(|line| !line.contains("federation_key")).collect();
    let config = format!("federation.seal_key = '{}'\n{}", key.trim(), without.join("\n"));
    fs::write(site.path("site.toml"), config).unwrap();
    assert_eq!(network(&site.merge("without")), network(&whole));
}
