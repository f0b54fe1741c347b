//! What tshark, editcap and mergecap make of a rebuilt stream.
//!
//! Skipped loudly without tshark. `support/rebuilt.rs` makes the streams, some of them of synthetic
//! packets that no forecast made, so that every kind of link and transport is met.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/command.rs"]
mod command;
#[path = "support/rebuilt.rs"]
mod rebuilt;
#[path = "support/tshark.rs"]
mod tshark;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use foreshadow::flow::Side;
use foreshadow::predict::rebuild::Order;
use foreshadow::predict::{Gap, Kind, Outcome, Why};
use foreshadow::wire::{LinkType, TcpFlags};
use rebuilt::{Made, Stream, ether, ip, tcp, udp};

/// What is asked of tshark for every packet.
const FIELDS: &[&str] = &[
    "frame.interface_name",
    "frame.comment",
    "frame.md5_hash",
    "frame.time_epoch",
    "frame.len",
    "frame.cap_len",
    "_ws.malformed",
    "ip.checksum.status",
    "tcp.checksum.status",
    "udp.checksum.status",
    "icmp.checksum.status",
    "icmpv6.checksum.status",
    "tcp.seq_raw",
    "tcp.len",
    "eth.src",
    "vlan.id",
    "ip.src",
    "tcp.analysis.out_of_order",
    "tcp.analysis.lost_segment",
];

/// One packet as tshark shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Row(Vec<String>);

impl Row {
    fn get(&self, field: &str) -> &str {
        &self.0[FIELDS.iter().position(|name| *name == field).unwrap()]
    }

    fn is_synthetic(&self) -> bool {
        self.get("frame.interface_name") == "foreshadow"
    }

    /// What the packet itself is, whatever file it stands in.
    fn frame(&self) -> Vec<&str> {
        ["frame.md5_hash", "frame.time_epoch", "frame.len", "frame.cap_len"]
            .map(|field| self.get(field))
            .to_vec()
    }
}

fn dissect(capture: &Path) -> Vec<Row> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-r"]).arg(capture);
    let checked = ["ip", "tcp", "udp"].map(|protocol| format!("{protocol}.check_checksum:TRUE"));
    for setting in checked.iter().map(String::as_str).chain(["frame.generate_md5_hash:TRUE"]) {
        tshark.args(["-o", setting]);
    }
    tshark.args(["-T", "fields", "-E", "occurrence=f"]);
    for field in FIELDS {
        tshark.args(["-e", field]);
    }
    let done = tshark.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(matches!(done.status.code(), Some(0 | 2)), "{}: {said}", capture.display());
    let text = String::from_utf8(done.stdout).unwrap();
    text.lines().map(|line| Row(line.split('\t').map(str::to_owned).collect())).collect()
}

/// Whether there is a tshark; says so where there is none.
fn is_there() -> bool {
    let there = tshark::is_there();
    if !there {
        // Past the test harness, which would keep the words of a test that passes to itself.
        let _ = std::io::stderr().write_all(b"SKIPPED rebuilt_stream: tshark not found\n");
    }
    there
}

/// Nothing is wrong with a synthetic packet's headers, and it is marked as one.
fn assert_good(row: &Row) {
    assert_eq!(row.get("_ws.malformed"), "", "{row:?}");
    for protocol in ["ip", "tcp", "udp", "icmp", "icmpv6"] {
        let status = row.get(&format!("{protocol}.checksum.status"));
        // 1 is good, 2 unverified: the payload that it covers is cut off.
        let cut = row.get("frame.len") != row.get("frame.cap_len");
        let fine = status.is_empty() || status == "1" || cut && protocol != "ip" && status == "2";
        assert!(fine, "{protocol}: {row:?}");
    }
    let comment = row.get("frame.comment");
    assert!(comment.starts_with("foreshadow:synthetic v=1 kind="), "{comment}");
}

fn rebuild(captures: &[PathBuf], out: &Path, more: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut run = command::foreshadow(&["run", "--quiet", "--out"]);
    run.arg(folder.path().join("logs")).arg("--rebuild").arg(out).args(more);
    run.arg("--read").args(captures);
    let done = command::finish(&mut run);
    assert_eq!(done.status, Some(0), "{captures:?}: {}", done.stderr);
}

#[test]
fn every_captured_frame_is_there_byte_for_byte_and_every_synthetic_one_is_marked_and_good() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut captures: Vec<_> = std::fs::read_dir(command::data("agree")).unwrap().collect();
    captures.sort_by_key(|entry| entry.as_ref().unwrap().path());
    let mut captures: Vec<_> = captures.into_iter().map(|entry| entry.unwrap().path()).collect();
    captures.push(command::data("demo.pcap"));
    let mut made = 0;
    // Eager, so that there is something to look at in small captures.
    let eager = ["--set", "predict.min_packets=2", "--set", "predict.min_confidence=0.1"];
    for capture in &captures {
        let original = dissect(capture);
        for order in ["time", "sequence"] {
            let out = folder.path().join("out.pcapng");
            rebuild(
                std::slice::from_ref(capture),
                &out,
                &[&eager[..], &["--order", order]].concat(),
            );
            let (synthetic, real): (Vec<_>, Vec<_>) =
                dissect(&out).into_iter().partition(Row::is_synthetic);
            synthetic.iter().for_each(assert_good);
            made += synthetic.len();
            let mut before: Vec<_> = original.iter().map(Row::frame).collect();
            let mut after: Vec<_> = real.iter().map(Row::frame).collect();
            if order == "sequence" {
                before.sort();
                after.sort();
            }
            assert!(before == after, "{} in order of {order}", capture.display());
        }
    }
    assert!(made > 900, "{made}");
}

#[test]
fn synthetic_packets_of_every_link_and_transport_are_good() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let vlan = |tags: &[u8], kind: [u8; 2]| [&ether()[..12], tags, &kind].concat();
    let sll = |kind: [u8; 2]| [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0][..], &kind].concat();
    let sll2 = |kind: [u8; 2]| {
        [&kind[..], &[0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]].concat()
    };
    let (q, ad) = ([0x81, 0, 0, 7], [0x88, 0xa8, 0, 5]);
    for v6 in [false, true] {
        let kind = if v6 { [0x86, 0xdd] } else { [8, 0] };
        let family = if v6 { 30 } else { 2 };
        let mut links = vec![
            (LinkType::ETHERNET, [&ether()[..12], &kind].concat()),
            (LinkType::ETHERNET, vlan(&q, kind)),
            (LinkType::ETHERNET, vlan(&[ad, q].concat(), kind)),
            (LinkType::RAW, vec![]),
            (LinkType::LINUX_SLL, sll(kind)),
            (LinkType::LINUX_SLL2, sll2(kind)),
            (LinkType::NULL, vec![family, 0, 0, 0]),
            (LinkType::LOOP, vec![0, 0, 0, family]),
        ];
        links.push((if v6 { LinkType::IPV6 } else { LinkType::IPV4 }, vec![]));
        for (link, head) in &links {
            let mut stream = Stream::new(Order::Sequence);
            let icmp = if v6 { 58 } else { 1 };
            let echo: [u8; 2] = if v6 { [128, 129] } else { [8, 0] };
            for (number, (protocol, [a, b])) in [
                (6, [tcp(4_000, 80, 100, 0x18, b"ask"), tcp(80, 4_000, 500, 0x18, b"say")]),
                (17, [udp(5_000, 4_001, b"ask"), udp(4_001, 5_000, b"say")]),
                (icmp, echo.map(|kind| vec![kind, 0, 0, 0, 0, 1, 0, 1, 9, 9])),
                (89, [vec![1; 8], vec![2; 8]]),
            ]
            .into_iter()
            .enumerate()
            {
                for (side, body) in [(Side::A, a), (Side::B, b)] {
                    let frame = [&head[..], &ip(v6, protocol, side, &body)].concat();
                    stream.capture(number as i64 * 10 + side as i64, *link, &frame);
                }
                for (side, payload_len) in
                    [(Side::A, 0), (Side::B, 0), (Side::A, 100), (Side::B, 1_400)]
                {
                    // Behind a header that is not written, nothing would be nothing at all.
                    let payload_len = if protocol == 89 { payload_len + 64 } else { payload_len };
                    let (sequence, flags) = (Some(103), TcpFlags(0x18));
                    stream.make(&Made { side, payload_len, sequence, flags, ..Made::default() });
                }
            }
            let path = folder.path().join("made.pcapng");
            std::fs::write(&path, stream.bytes()).unwrap();
            let rows = dissect(&path);
            let synthetic: Vec<_> = rows.iter().filter(|row| row.is_synthetic()).collect();
            assert_eq!((rows.len(), synthetic.len()), (24, 16), "{link:?}");
            synthetic.iter().for_each(|row| assert_good(row));
            let real = rows.iter().find(|row| !row.is_synthetic()).unwrap();
            for field in ["eth.src", "vlan.id", "ip.src"] {
                let same = synthetic.iter().any(|row| row.get(field) == real.get(field));
                assert!(same, "{link:?} {field}");
            }
        }
    }
}

/// A hole in a stream whose bytes come late, with packets made for it meanwhile.
fn with_a_hole(order: Order) -> Stream {
    let mut stream = Stream::new(order);
    let send = |stream: &mut Stream, millis: i64, sequence: u32, text: &[u8]| {
        let body = tcp(4_000, 80, sequence, 0x18, text);
        let frame = [ether(), ip(false, 6, Side::A, &body)].concat();
        stream.capture(millis, LinkType::ETHERNET, &frame);
    };
    send(&mut stream, 0, 1_000, &[b'a'; 100]);
    let gap = |part, why| Kind::Gap(Gap { why, part, parts: 2, left: 0 });
    for (part, sequence) in [(1, 1_100), (2, 1_200)] {
        stream.make(&Made {
            millis: i64::from(part),
            kind: gap(part, Why::Hole),
            sequence: Some(sequence),
            payload_len: 100,
            flags: TcpFlags(0x10),
            ..Made::default()
        });
    }
    send(&mut stream, 10, 1_300, &[b'd'; 100]);
    send(&mut stream, 20, 1_200, &[b'c'; 100]);
    stream.settle(2, Outcome::Filled);
    send(&mut stream, 30, 1_400, &[b'e'; 100]);
    stream
}

#[test]
fn packets_stand_in_the_order_that_was_asked_for() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (order, expected) in [
        (Order::Sequence, ["1000", "1100*", "1200*", "1200", "1300", "1400"]),
        (Order::Time, ["1000", "1100*", "1200*", "1300", "1200", "1400"]),
    ] {
        let path = folder.path().join("hole.pcapng");
        std::fs::write(&path, with_a_hole(order).bytes()).unwrap();
        let rows = dissect(&path);
        let mark = |row: &Row| if row.is_synthetic() { "*" } else { "" };
        let stand: Vec<_> =
            rows.iter().map(|row| format!("{}{}", row.get("tcp.seq_raw"), mark(row))).collect();
        assert_eq!(stand, expected, "{order:?}");
        for row in &rows {
            assert_eq!(row.get("tcp.analysis.lost_segment"), "", "{order:?}: {row:?}");
            assert!(order == Order::Time || row.get("tcp.analysis.out_of_order").is_empty());
            if row.is_synthetic() {
                assert_good(row);
            }
        }
        let filled = rows.iter().find(|row| row.get("frame.comment").contains("outcome=")).unwrap();
        assert!(filled.get("frame.comment").contains(" why=hole part=2/2 left=0 "), "{filled:?}");
        assert!(filled.get("frame.comment").contains(" outcome=filled"), "{filled:?}");
    }
}

#[test]
fn editcap_and_mergecap_keep_the_marks() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("hole.pcapng"), with_a_hole(Order::Sequence).bytes()).unwrap();
    let other = command::data("agree/WeMoSwitch2.pcap");
    let run = |program: &str, args: &[&std::ffi::OsStr]| {
        let done = Command::new(program).args(args).output().unwrap();
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
    };
    run("editcap", &[path("hole.pcapng").as_os_str(), path("edited.pcapng").as_os_str()]);
    let merged = path("merged.pcapng");
    run(
        "mergecap",
        &["-w".as_ref(), merged.as_os_str(), path("edited.pcapng").as_os_str(), other.as_os_str()],
    );
    let marks = |file: &str| -> Vec<(String, String)> {
        let rows = dissect(&path(file));
        let marked = rows.iter().filter(|row| row.is_synthetic());
        marked
            .map(|row| (row.get("frame.md5_hash").to_owned(), row.get("frame.comment").to_owned()))
            .collect()
    };
    let before = marks("hole.pcapng");
    assert_eq!(before.len(), 2);
    assert_eq!(marks("edited.pcapng"), before);
    assert_eq!(marks("merged.pcapng"), before);
    // And a sensor is not fed them.
    let out = path("again.pcapng");
    rebuild(&[merged], &out, &["--set", "predict.enabled=false"]);
    assert_eq!(marks("again.pcapng"), []);
    assert_eq!(dissect(&out).len(), dissect(&other).len() + 4);
}
