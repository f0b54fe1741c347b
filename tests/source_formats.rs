//! Every format, byte order and packing of the same packets is the same sequence.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/captures.rs"]
mod captures;

use std::io::Cursor;

use captures::{Endian, Frame, PcapNg};
use foreshadow::source::{Capture, Compression, Merged, Packet, Source, SourceError, from_reader};
use foreshadow::wire::LinkType;

/// What a packet says, kept.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Kept {
    nanos: i64,
    link: u16,
    data: Vec<u8>,
    wire_len: u32,
    interface: u32,
    synthetic: bool,
}

impl From<Packet<'_>> for Kept {
    fn from(packet: Packet<'_>) -> Self {
        Self {
            nanos: packet.time.nanos(),
            link: packet.link.0,
            data: packet.data.to_vec(),
            wire_len: packet.wire_len,
            interface: packet.interface,
            synthetic: packet.synthetic,
        }
    }
}

fn drain(source: &mut impl Source) -> (Vec<Kept>, Vec<SourceError>) {
    let (mut packets, mut errors) = (Vec::new(), Vec::new());
    loop {
        match source.next() {
            Ok(Some(packet)) => packets.push(packet.into()),
            Ok(None) => return (packets, errors),
            Err(error) => errors.push(error),
        }
    }
}

fn read(bytes: Vec<u8>) -> Vec<Kept> {
    let (packets, errors) = drain(&mut from_reader("written", Cursor::new(bytes)).unwrap());
    assert_eq!(errors, []);
    packets
}

/// Packets at whole microseconds, so that every format can hold their times; one cut by a snap
/// length, one without a byte.
fn frames() -> Vec<Frame> {
    let mut frames: Vec<Frame> = (0..40u64)
        .map(|i| {
            let data = vec![i as u8; (i as usize * 37) % 1400];
            Frame::new(1_700_000_000_000_000_000 + i * 1_234_567_000, data)
        })
        .collect();
    frames[7].wire_len = 9_000;
    frames
}

fn expected(frames: &[Frame]) -> Vec<Kept> {
    let keep = |frame: &Frame| Kept {
        nanos: frame.nanos as i64,
        link: 1,
        data: frame.data.clone(),
        wire_len: frame.wire_len,
        interface: 0,
        synthetic: false,
    };
    frames.iter().map(keep).collect()
}

#[test]
fn each_format_and_byte_order_holds_the_same_packets() {
    let frames = frames();
    for endian in [Endian::Little, Endian::Big] {
        for magic in [0xa1b2_c3d4, 0xa1b2_3c4d] {
            let bytes = captures::pcap(endian, magic, 1, &frames);
            assert_eq!(read(bytes), expected(&frames), "{endian:?} {magic:#x}");
        }
        assert_eq!(read(captures::pcapng(endian, &frames)), expected(&frames), "{endian:?}");
    }
    let modified = captures::pcap(Endian::Little, 0xa1b2_cd34, 1, &frames);
    assert_eq!(read(modified), expected(&frames));
}

#[test]
fn packing_is_seen_through_whatever_the_name() {
    let frames = frames();
    let plain = captures::pcapng(Endian::Little, &frames);
    let members = [captures::gzip(&plain[..1000]), captures::gzip(&plain[1000..])].concat();
    let parts = [captures::lz4(&plain[..1000]), captures::lz4(&plain[1000..])].concat();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("named.like.nothing");
    for (bytes, compression) in [
        (plain.clone(), Compression::None),
        (captures::gzip(&plain), Compression::Gzip),
        (members, Compression::Gzip),
        (captures::zstd(&plain), Compression::Zstd),
        ([captures::zstd(&plain[..99]), captures::zstd(&plain[99..])].concat(), Compression::Zstd),
        (captures::lz4(&plain), Compression::Lz4),
        (parts, Compression::Lz4),
    ] {
        std::fs::write(&path, &bytes).unwrap();
        let mut capture = Capture::open(&path).unwrap();
        assert_eq!(capture.compression(), compression);
        assert_eq!(drain(&mut capture), (expected(&frames), vec![]), "{compression}");
        let size = bytes.len() as u64;
        assert_eq!(capture.position(), Some((size, size)), "{compression}");
    }
}

#[test]
fn a_capture_split_in_files_merges_to_the_whole() {
    let frames = frames();
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (number, part) in frames.chunks(15).enumerate() {
        let path = folder.path().join(format!("part_{number:05}.pcap"));
        std::fs::write(&path, captures::pcap(Endian::Little, 0xa1b2_c3d4, 1, part)).unwrap();
        paths.push(path);
    }
    // Whatever the order in which they are named.
    for _ in 0..paths.len() {
        paths.rotate_left(1);
        let mut merged = Merged::open(&paths);
        assert_eq!(drain(&mut merged), (expected(&frames), vec![]));
        assert_eq!((merged.errors(), merged.packets()), (&[][..], 40));
        assert!(merged.position().is_some_and(|(read, total)| read == total && total > 0));
    }
}

#[test]
fn interleaved_files_merge_by_time_and_a_broken_one_does_not_stop_the_others() {
    let frames = frames();
    let (even, odd): (Vec<_>, Vec<_>) =
        frames.iter().cloned().enumerate().partition(|(i, _)| i % 2 == 0);
    let part = |part: Vec<(usize, Frame)>| part.into_iter().map(|(_, f)| f).collect::<Vec<_>>();
    let whole = captures::pcapng(Endian::Big, &part(even));
    let mut cut = captures::pcap(Endian::Little, 0xa1b2_3c4d, 1, &part(odd));
    cut.truncate(cut.len() - 1);
    let open = |name, bytes| from_reader(name, Cursor::new(bytes)).unwrap();
    let mut merged = Merged::of([open("even", whole), open("odd", cut)]);
    let mut all = expected(&frames);
    all.pop();
    assert_eq!(drain(&mut merged), (all, vec![]));
    let [error] = merged.errors() else { panic!("{:?}", merged.errors()) };
    assert!(error.to_string().starts_with("odd: at byte "), "{error}");
}

#[test]
fn equal_times_come_in_the_order_of_the_files() {
    let capture = |byte| {
        let frames = [Frame::new(5_000, [byte]), Frame::new(5_000, [byte])];
        let bytes = captures::pcap(Endian::Little, 0xa1b2_c3d4, 1, &frames);
        from_reader("equal", Cursor::new(bytes)).unwrap()
    };
    let mut merged = Merged::of([capture(0), capture(1), capture(2)]);
    let mut order = Vec::new();
    while let Some(packet) = merged.next().unwrap() {
        assert_eq!(u32::from(packet.data[0]), packet.file);
        order.push(packet.file);
    }
    assert_eq!(order, [0, 0, 1, 1, 2, 2]);
}

#[test]
fn every_clock_resolution_and_offset_gives_the_same_nanosecond() {
    let nanos = |file: PcapNg| read(file.bytes()).into_iter().map(|p| p.nanos).collect::<Vec<_>>();
    for endian in [Endian::Little, Endian::Big] {
        for (resolution, units) in
            [(0u8, 7), (3, 7_000), (6, 7_000_000), (9, 7_000_000_000), (0x80 | 20, 7 << 20)]
        {
            let file = PcapNg::new(endian)
                .interface(1, 0, &[(9, &[resolution])])
                .interface(1, 0, &[(9, &[resolution]), (14, &endian.long(100))])
                .interface(1, 0, &[(9, &[resolution]), (14, &endian.long((-5i64) as u64))])
                .packet(0, units, &[], 0)
                .packet(1, units, &[], 0)
                .packet(2, units, &[], 0);
            let expected = [7_000_000_000, 107_000_000_000, 2_000_000_000];
            assert_eq!(nanos(file), expected, "{endian:?} {resolution:#x}");
        }
    }
    let file = PcapNg::new(Endian::Little).interface(1, 0, &[]).packet(0, 7, &[], 0);
    assert_eq!(nanos(file), [7_000]);
}

#[test]
fn sections_number_their_interfaces_on_and_may_change_the_byte_order() {
    let file = PcapNg::new(Endian::Little)
        .interface(1, 0, &[])
        .interface(113, 0, &[(9, &[9])])
        .packet(1, 10, b"cooked", 6)
        .section(Endian::Big)
        .block(4, b"a name resolution block that says nothing...")
        .interface(101, 0, &[(9, &[3])])
        .packet(0, 20, b"raw", 3)
        .block(0x0bad, b"a custom block")
        .obsolete(0, 30, b"older", 50);
    let packets = read(file.bytes());
    let facts: Vec<_> =
        packets.iter().map(|p| (p.interface, p.link, p.nanos, p.data.len(), p.wire_len)).collect();
    assert_eq!(
        facts,
        [(1, 113, 10, 6, 6), (2, 101, 20_000_000, 3, 3), (2, 101, 30_000_000, 5, 50)]
    );
}

#[test]
fn simple_packets_keep_their_place_and_their_snap_length() {
    let file = PcapNg::new(Endian::Little)
        .interface(1, 5, &[])
        .packet(0, 77, b"timed", 5)
        .simple(b"12345", 60)
        .simple(b"123", 3);
    let packets = read(file.bytes());
    let facts: Vec<_> = packets.iter().map(|p| (p.nanos, p.data.len(), p.wire_len)).collect();
    assert_eq!(facts, [(77_000, 5, 5), (77_000, 5, 60), (77_000, 3, 3)]);
}

#[test]
fn what_foreshadow_wrote_is_known_by_its_interface_or_comment() {
    let file = PcapNg::new(Endian::Big)
        .interface(1, 0, &[(2, b"eth0")])
        .interface(1, 0, &[(2, b"foreshadow\0"), (3, b"synthetic packets")])
        .packet(0, 1, b"real", 4)
        .packet(1, 2, b"made", 4)
        .packet_with(0, 3, b"made", 4, &[(2, &[0; 4]), (1, b"foreshadow:synthetic v=1 conf=0.9")])
        .packet_with(0, 4, b"real", 4, &[(1, b"foreshadow:gap missing=2"), (4, &[0; 8])])
        .packet_with(0, 5, b"real", 4, &[(1, b"not foreshadow:synthetic")]);
    for packet in read(file.bytes()) {
        assert_eq!(packet.synthetic, packet.data == b"made", "{packet:?}");
    }
}

#[test]
fn the_platforms_own_number_for_raw_ip_is_made_portable() {
    for link in [12, 14, 101, 0x1000_0065] {
        let frames = [Frame::new(0, [0x45])];
        let packets = read(captures::pcap(Endian::Little, 0xa1b2_c3d4, link, &frames));
        assert_eq!(packets[0].link, LinkType::RAW.0);
    }
}

#[test]
fn a_packet_larger_than_any_snap_length_is_read() {
    let large = Frame::new(0, vec![7; 3 << 20]);
    let frames = [large.clone(), Frame::new(1_000, [1]), large];
    assert_eq!(read(captures::pcapng(Endian::Little, &frames)), expected(&frames));
    let bytes = captures::pcap(Endian::Little, 0xa1b2_c3d4, 1, &frames);
    assert_eq!(read(captures::zstd(&bytes)), expected(&frames));
}

#[test]
fn more_captured_than_was_on_the_wire_counts_as_being_on_the_wire() {
    let mut frame = Frame::new(0, [0; 60]);
    frame.wire_len = 20;
    for bytes in [
        captures::pcap(Endian::Big, 0xa1b2_c3d4, 1, std::slice::from_ref(&frame)),
        captures::pcapng(Endian::Big, std::slice::from_ref(&frame)),
    ] {
        let [packet] = &read(bytes)[..] else { panic!("not one packet") };
        assert_eq!((packet.data.len(), packet.wire_len), (60, 60));
    }
}

#[test]
fn lengths_of_versions_before_2_4_are_read_in_their_order() {
    for (minor, first, second) in [(2u8, 60u32, 4u32), (3, 60, 4), (3, 4, 60), (4, 4, 60)] {
        let mut bytes = captures::pcap(Endian::Little, 0xa1b2_c3d4, 1, &[]);
        bytes[6] = minor;
        for _ in 0..2 {
            bytes.extend([0; 8]);
            bytes.extend(first.to_le_bytes());
            bytes.extend(second.to_le_bytes());
            bytes.extend(*b"data");
        }
        let packets = read(bytes);
        assert_eq!(packets.len(), 2);
        assert!(packets.iter().all(|p| p.data == b"data" && p.wire_len == 60), "2.{minor}");
    }
}
