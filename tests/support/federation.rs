//! A scan of which each of three sensors sees a third, as captures and a configuration.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use etherparse::PacketBuilder;

pub(crate) const SENSORS: [&str; 3] = ["north", "south", "west"];
pub(crate) const SCANNER: &str = "10.0.0.66";
const MINUTES: u32 = 30;

/// A third of the scan stays below what makes a target appear in any category but `administration`.
pub(crate) const CONFIG: &str = "
[bloom]
federation_key = '000102030405060708090a0b0c0d0e0f'
weighting = 'rarity'
threshold = 0.7
warm_up = 10
";

/// What a test works in.
pub(crate) struct Site {
    pub(crate) folder: tempfile::TempDir,
}

impl Site {
    /// The captures of three sensors and of one that sees everything, and a configuration.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("site.toml"), CONFIG).unwrap();
        for (number, name) in SENSORS.iter().enumerate() {
            let capture = capture(|host| host as usize % SENSORS.len() == number);
            fs::write(folder.path().join(format!("{name}.pcap")), capture).unwrap();
        }
        fs::write(folder.path().join("all.pcap"), capture(|_| true)).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `foreshadow run` as the sensor of this name, with its spool in `spools/NAME`.
    pub(crate) fn sensor(&self, name: &str, spools: &str, input: &Path, logs: &str) -> Command {
        let mut command = self.foreshadow("run");
        command
            .args(["--quiet", "--read"])
            .arg(input)
            .arg("--set")
            .arg(format!("federation.sensor={name}"))
            .arg("--federate")
            .arg(self.path(spools).join(name))
            .arg("--out")
            .arg(self.path(logs));
        command
    }

    pub(crate) fn foreshadow(&self, action: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_foreshadow"));
        command.arg(action).arg("--config").arg(self.path("site.toml"));
        command
    }

    /// Merges the spools in a folder and answers the last line said.
    pub(crate) fn merge(&self, spools: &str) -> String {
        let mut command = self.foreshadow("federate");
        command.args(["--role", "aggregator", "--clock", "capture", "--once", "--dir"]);
        last_line(&success(command.arg(self.path(spools))))
    }

    /// How many blobs wait in the spools of a folder.
    pub(crate) fn waiting(&self, spools: &str) -> usize {
        let count = |name: &&str| {
            let out = self.path(spools).join(name).join("out");
            fs::read_dir(out).map_or(0, Iterator::count)
        };
        SENSORS.iter().map(count).sum()
    }

    /// The rows of a run's target.log.
    pub(crate) fn targets(&self, logs: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(logs).join("target.log")).unwrap_or_default();
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }
}

pub(crate) fn last_line(text: &str) -> String {
    text.lines().last().unwrap_or_default().to_owned()
}

pub(crate) fn success(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// A process that does not outlive the test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn terminate(&mut self) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.0.wait().unwrap().success());
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Half an hour of look-ups by thirty hosts, and in its last third 27 machines that refuse the scanner.
/// Only what concerns hosts that `sees` is in the capture.
fn capture(sees: impl Fn(u32) -> bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
    for second in 0..MINUTES * 60 {
        let host = second % 30;
        if sees(host) {
            look_up(&mut bytes, second, host as u8);
        }
        let victim = (second.saturating_sub(MINUTES * 40)) / 20;
        if second >= MINUTES * 40 && second % 20 == 0 && victim < 27 && sees(victim) {
            knock(&mut bytes, second, victim as u8);
        }
    }
    bytes
}

fn look_up(bytes: &mut Vec<u8>, second: u32, host: u8) {
    let [client, resolver] = [[10, 0, 0, host + 1], [10, 0, 0, 253]];
    let port = 20_000 + (second % 40_000) as u16;
    for (from, to, ports, micros) in
        [(client, resolver, (port, 53), 0), (resolver, client, (53, port), 20_000)]
    {
        let builder =
            PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from, to, 64).udp(ports.0, ports.1);
        let mut frame = Vec::new();
        builder.write(&mut frame, &[9; 40]).unwrap();
        record(bytes, second, micros, &frame);
    }
}

/// A SYN from the scanner, and the refusal.
fn knock(bytes: &mut Vec<u8>, second: u32, victim: u8) {
    let (scanner, host) = ([10, 0, 0, 66], [10, 0, 1, victim + 1]);
    let port = 30_000 + u16::from(victim);
    let ethernet = || PacketBuilder::ethernet2([2; 6], [4; 6]);
    let mut frame = Vec::new();
    let ask = ethernet().ipv4(scanner, host, 64).tcp(port, 445, 1, 64_240).syn();
    ask.write(&mut frame, &[]).unwrap();
    record(bytes, second, 500_000, &frame);
    frame.clear();
    let refuse = ethernet().ipv4(host, scanner, 64).tcp(445, port, 0, 0).rst().ack(2);
    refuse.write(&mut frame, &[]).unwrap();
    record(bytes, second, 501_000, &frame);
}

fn record(bytes: &mut Vec<u8>, second: u32, micros: u32, frame: &[u8]) {
    // In the middle of an hour, so that windows end within the capture too.
    let length = frame.len() as u32;
    for field in [1_763_706_600 + second, micros, length, length] {
        bytes.extend_from_slice(&field.to_le_bytes());
    }
    bytes.extend_from_slice(frame);
}

/// A line of JSON without the totals of blobs, which depend on how often each came.
pub(crate) fn network(line: &str) -> String {
    line.split_once(",\"rounds\":").map_or(line, |(network, _)| network).to_owned()
}
