//! `foreshadow run --rebuild` as a person would use it: files, pipes, and what may go wrong.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/captures.rs"]
mod captures;
#[path = "support/command.rs"]
mod command;

use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;

use captures::{Endian, Frame, PcapNg};
use command::{Done, data, foreshadow};
use foreshadow::source::{Merged, Source};

/// A packet as it is read: whether it is ours, link, interface, time, lengths, bytes, options.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Came {
    synthetic: bool,
    link: u16,
    nanos: i64,
    wire_len: u32,
    data: Vec<u8>,
    options: Vec<u8>,
    described: Vec<u8>,
}

fn read(captures: &[&Path]) -> Vec<Came> {
    let mut source = Merged::open(captures);
    let mut all = Vec::new();
    while let Some(packet) = source.next().unwrap() {
        let mut options = Vec::new();
        packet.options.copy_to(&mut options);
        all.push(Came {
            synthetic: packet.synthetic,
            link: packet.link.0,
            nanos: packet.time.nanos(),
            wire_len: packet.wire_len,
            data: packet.data.to_vec(),
            options,
            described: packet.description.options().to_vec(),
        });
    }
    assert_eq!(source.errors(), []);
    all
}

fn captured(captures: &[&Path]) -> Vec<Came> {
    read(captures).into_iter().filter(|packet| !packet.synthetic).collect()
}

fn rebuild(captures: &[&Path], out: &Path, more: &[&str]) -> Done {
    let logs = tempfile::tempdir().unwrap();
    let mut run = foreshadow(&["run", "--out"]);
    run.arg(logs.path().join("logs")).arg("--rebuild").arg(out).args(more);
    command::finish(run.arg("--read").args(captures))
}

fn good(done: &Done) {
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""), "{}", done.stdout);
}

/// Deadlines from the second packet on, so that small captures have something to show.
const EAGER: &[&str] = &["--set", "predict.min_packets=2", "--set", "predict.min_confidence=0.1"];

#[test]
fn rebuilding_what_was_rebuilt_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["demo.pcap", "agree/tcp__ssh-dups.pcap", "odd/wireshark-retrans.pcap"] {
        for order in ["time", "sequence"] {
            let more = [EAGER, &["--order", order]].concat();
            good(&rebuild(&[&data(name)], &path("once.pcapng"), &more));
            let again = rebuild(&[&path("once.pcapng")], &path("twice.pcapng"), &more);
            good(&again);
            assert!(again.stdout.contains("synthetic packets were not fed again"), "{name}");
            let [once, twice] =
                ["once.pcapng", "twice.pcapng"].map(|it| std::fs::read(path(it)).unwrap());
            assert!(once == twice, "{name} in order of {order}");
            assert_eq!(captured(&[&path("once.pcapng")]), captured(&[&data(name)]), "{name}");
        }
    }
}

#[test]
fn interfaces_links_comments_and_packed_files_come_through() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let raw = [
        &[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0][..],
        &[10, 0, 0, 1, 10, 0, 0, 2, 0, 9, 0, 8, 0, 8, 0, 0],
    ]
    .concat();
    let second = 1_700_000_000_000_000u64;
    let written = PcapNg::new(Endian::Big)
        .interface(1, 64, &[(2, b"eth0"), (3, b"uplink"), (8, &[0, 0, 0, 0, 0, 0, 3, 232])])
        .interface(101, 0, &[(2, b"tun0"), (9, &[9])])
        .packet_with(0, second, &[1; 60], 1_000, &[(1, b"seen"), (2, &[0, 0, 0, 1])])
        .packet_with(1, (second + 5) * 1_000 + 7, &raw, 28, &[(1, b"first"), (1, b"second")])
        .packet(0, second + 9, &[2; 14], 14)
        .section(Endian::Little)
        .interface(113, 0, &[])
        .packet(0, second + 20, &[3; 20], 20)
        .bytes();
    std::fs::write(path("in.pcapng.zst"), captures::zstd(&written)).unwrap();
    let classic = captures::pcap(
        Endian::Big,
        0xa1b2_c3d4,
        1,
        &[Frame::new(1_700_000_000_000_007_000, vec![9; 30])],
    );
    std::fs::write(path("in.pcap.gz"), captures::gzip(&classic)).unwrap();
    let inputs = [path("in.pcapng.zst"), path("in.pcap.gz")];
    let inputs: Vec<&Path> = inputs.iter().map(std::path::PathBuf::as_path).collect();
    good(&rebuild(&inputs, &path("out.pcapng"), &[]));
    let back = read(&[&path("out.pcapng")]);
    assert_eq!(back.len(), 5);
    assert_eq!(back, read(&inputs));
}

#[test]
fn a_file_of_their_own_holds_the_synthetic_packets_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let demo = data("demo.pcap");
    good(&rebuild(&[&demo], &path("both.pcapng"), &[]));
    let done = rebuild(&[&demo], &path("out.pcapng"), &["--separate-file"]);
    good(&done);
    let apart = path("out.synthetic.pcapng");
    assert_eq!(read(&[&path("out.pcapng")]), captured(&[&demo]));
    let synthetic: Vec<_> =
        read(&[&path("both.pcapng")]).into_iter().filter(|it| it.synthetic).collect();
    assert_eq!(read(&[&apart]), synthetic);
    let told = format!("{} synthetic packets in {}", synthetic.len(), apart.display());
    assert!(done.stdout.contains(&told), "{}", done.stdout);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
}

#[test]
fn a_pipe_gets_the_same_bytes_and_the_summary_goes_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.pcapng");
    let demo = data("demo.pcap");
    good(&rebuild(&[&demo], &out, &[]));
    let mut run = foreshadow(&["run", "--rebuild", "-", "--out"]);
    let done = run.arg(folder.path().join("logs")).arg("--read").arg(&demo).output().unwrap();
    assert_eq!(done.status.code(), Some(0));
    assert!(done.stdout == std::fs::read(&out).unwrap());
    let summary = String::from_utf8(done.stderr).unwrap();
    assert!(summary.contains("rebuilt        standard output\n"), "{summary}");
}

#[test]
fn packets_leave_a_pipe_while_more_come_and_a_reader_that_goes_away_ends_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = foreshadow(&["run", "--quiet", "--read", "-", "--rebuild", "-", "--out"]);
    run.arg(folder.path().join("logs"));
    let mut child =
        run.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let seconds = |from: u64, to: u64| -> Vec<Frame> {
        (from..to)
            .map(|i| Frame::new((1_700_000_000 + i) * 1_000_000_000, vec![7; 1_000]))
            .collect()
    };
    input.write_all(&captures::pcapng(Endian::Little, &seconds(0, 10))).unwrap();
    // The window is two seconds, so the first packets must have come by now.
    let mut came = vec![0; 5_000];
    output.read_exact(&mut came).unwrap();
    drop(output);
    let more = captures::pcapng(Endian::Little, &seconds(10, 2_000));
    let _ = input.write_all(&more);
    drop(input);
    let done = command::done(child.wait_with_output().unwrap());
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    assert!(folder.path().join("logs/stats.log").exists());
}

#[test]
fn what_cannot_be_written_is_one_line_and_harms_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let demo = data("demo.pcap");
    let refused = |done: Done, status: i32, reason: &str| {
        assert_eq!(done.status, Some(status), "{}", done.stderr);
        assert!(done.stderr.contains(reason), "{}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    };
    good(&rebuild(&[&demo], &path("in.pcapng"), &[]));
    let before = std::fs::read(path("in.pcapng")).unwrap();
    std::os::unix::fs::symlink(path("in.pcapng"), path("link.pcapng")).unwrap();
    std::fs::hard_link(path("in.pcapng"), path("hard.pcapng")).unwrap();
    for name in ["in.pcapng", "link.pcapng", "hard.pcapng"] {
        refused(rebuild(&[&path("in.pcapng")], &path(name), &[]), 2, "which is read");
    }
    std::fs::hard_link(path("in.pcapng"), path("x.synthetic.pcapng")).unwrap();
    refused(
        rebuild(&[&path("in.pcapng")], &path("x.pcapng"), &["--separate-file"]),
        2,
        "which is read",
    );
    assert!(std::fs::read(path("in.pcapng")).unwrap() == before);
    refused(rebuild(&[&demo], &path("no/out.pcapng"), &[]), 3, "No such file");
    refused(rebuild(&[&demo], folder.path(), &[]), 3, "it is a directory");
    refused(rebuild(&[&demo], Path::new("/dev/full"), &[]), 3, "No space left on device");
    std::fs::write(path("notes.txt"), "mine").unwrap();
    refused(rebuild(&[&demo], &path("notes.txt"), &[]), 3, "no pcapng capture");
    refused(rebuild(&[&demo], Path::new("-"), &["--separate-file"]), 2, "--separate-file needs");
    let orphan = command::run(&["run", "--read", "x", "--separate-file"]);
    assert_eq!(orphan.status, Some(2));
}

#[test]
fn a_capture_that_breaks_off_gives_what_was_readable() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.pcapng");
    let done = rebuild(&[&data("broken/record-cut.pcap")], &out, &[]);
    assert_eq!(done.status, Some(1));
    assert!(!read(&[&out]).is_empty());
}

#[test]
fn a_signal_ends_the_file_properly() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.pcapng");
    let mut run = foreshadow(&["run", "--quiet", "--read", "-", "--out"]);
    run.arg(folder.path().join("logs")).arg("--rebuild").arg(&out);
    let mut child = run.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let frames: Vec<_> =
        (0..50).map(|i| Frame::new(1_700_000_000_000_000_000 + i, vec![7; 1_000])).collect();
    let mut input = child.stdin.take().unwrap();
    input.write_all(&captures::pcapng(Endian::Little, &frames)).unwrap();
    let began = std::time::Instant::now();
    while !folder.path().join("out.pcapng.part").exists() {
        assert!(began.elapsed().as_secs() < 30, "no file");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    // Until it has read what was sent, nothing says so.
    std::thread::sleep(std::time::Duration::from_millis(300));
    let kill = std::process::Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.unwrap().success());
    let done = command::done(child.wait_with_output().unwrap());
    assert_eq!((done.status, done.stderr.as_str()), (Some(0), ""));
    drop(input);
    assert!(read(&[&out]).len() <= 50);
    assert!(!folder.path().join("out.pcapng.part").exists());
}
