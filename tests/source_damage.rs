//! Captures that are cut, damaged or none at all: what is readable comes first, then one error.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/captures.rs"]
mod captures;

use std::io::{self, Cursor, Read};

use captures::{Endian, Frame, PcapNg};
use foreshadow::source::{Capture, Fault, MAX_BLOCK, Source, SourceError, from_reader};
use proptest::prelude::*;

/// Reads to the end and some more: how many packets, and the one error.
fn drain(mut capture: Capture) -> (usize, Option<SourceError>) {
    let (mut packets, mut error) = (0, None);
    loop {
        match capture.next() {
            Ok(Some(_)) => packets += 1,
            Ok(None) => break,
            Err(broken) => {
                assert_eq!(error.replace(broken), None, "a second error");
                assert_eq!(capture.next(), Ok(None), "a packet after the error");
            }
        }
    }
    assert_eq!(capture.next(), Ok(None));
    (packets, error)
}

fn read(bytes: &[u8]) -> Result<(usize, Option<SourceError>), SourceError> {
    from_reader("cut", Cursor::new(bytes.to_vec())).map(drain)
}

fn refused(bytes: &[u8]) -> SourceError {
    read(bytes).expect_err("it was read")
}

fn frames() -> Vec<Frame> {
    vec![Frame::new(1_000, *b"first"), Frame::new(2_000, *b""), Frame::new(3_000, *b"the third")]
}

#[test]
fn cut_at_any_byte_every_whole_packet_comes_and_then_one_error_or_a_clean_end() {
    let frames = frames();
    let classic = captures::pcap(Endian::Big, 0xa1b2_c3d4, 1, &frames);
    let blocks = captures::pcapng(Endian::Little, &frames);
    for (whole, write, header) in [
        (
            &classic,
            &(|f: &[Frame]| captures::pcap(Endian::Big, 0xa1b2_c3d4, 1, f))
                as &dyn Fn(&[Frame]) -> Vec<u8>,
            24,
        ),
        (&blocks, &|f: &[Frame]| captures::pcapng(Endian::Little, f), 0),
    ] {
        // Where packets end, and where else the file may end cleanly.
        let ends: Vec<usize> = (0..=3).map(|count| write(&frames[..count]).len()).collect();
        let section = 28;
        for length in 1..=whole.len() {
            let expected = ends[1..].iter().filter(|end| **end <= length).count();
            let clean = ends.contains(&length) || (header == 0 && length == section);
            match read(&whole[..length]) {
                Ok((packets, error)) => {
                    assert_eq!((packets, error.is_none()), (expected, clean), "cut at {length}");
                    let Some(error) = error else { continue };
                    let SourceError::Truncated { place, expected, came, .. } = error else {
                        panic!("{error}");
                    };
                    assert_eq!(place.offset + came, length as u64);
                    assert_eq!(place.packets, packets as u64);
                    assert!(expected > came);
                }
                Err(SourceError::NotACapture { began, .. }) => {
                    assert!(length < 4 && began == whole[..length], "cut at {length}");
                }
                Err(SourceError::Truncated { came, .. }) => {
                    assert!(length < header && came == length as u64, "cut at {length}");
                }
                Err(other) => panic!("cut at {length}: {other}"),
            }
        }
    }
}

#[test]
fn a_packed_capture_cut_at_any_byte_ends_with_one_error() {
    let whole = captures::pcap(Endian::Little, 0xa1b2_c3d4, 1, &frames());
    for packed in [captures::gzip(&whole), captures::zstd(&whole), captures::lz4(&whole)] {
        assert_eq!(read(&packed), Ok((3, None)));
        for length in 4..packed.len() {
            if let Ok((_, error)) = read(&packed[..length]) {
                let error = error.expect("a cut that was not seen");
                assert!(matches!(error, SourceError::Unreadable { .. }), "{error}");
                assert!(error.to_string().contains("of the unpacked data"), "{error}");
            }
        }
    }
}

#[test]
fn what_is_no_capture_is_refused_in_words() {
    for (bytes, words) in [
        (&b""[..], "cut: the file is empty, not a capture"),
        (
            b"GET / HTTP/1.1",
            "cut: not a pcap or pcapng capture (it begins with 47 45 54 20 2f 20 48 54)",
        ),
        (b"\n\r", "cut: not a pcap or pcapng capture (it begins with 0a 0d)"),
    ] {
        assert_eq!(refused(bytes).to_string(), words);
    }
    let empty = refused(&captures::gzip(b""));
    assert_eq!(empty, SourceError::Empty { path: "cut".to_owned() });
}

#[test]
fn an_absurd_length_is_damage_where_it_stands() {
    let mut bytes = captures::pcap(Endian::Little, 0xa1b2_c3d4, 1, &frames());
    let second = 24 + 16 + 5;
    bytes[second + 8..second + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let Ok((1, Some(SourceError::Corrupt { place, fault }))) = read(&bytes) else { panic!() };
    assert_eq!((place.offset, place.packets), (second as u64, 1));
    assert_eq!(fault, Fault::TooLong { claimed: u32::MAX.into(), most: MAX_BLOCK as u64 });
}

#[test]
fn a_blocks_two_lengths_must_agree() {
    let mut bytes = captures::pcapng(Endian::Big, &frames());
    let last = bytes.len() - 1;
    bytes[last] ^= 4;
    let Ok((2, Some(SourceError::Corrupt { fault, .. }))) = read(&bytes) else { panic!() };
    assert!(matches!(fault, Fault::LengthsDiffer { head: 44, tail: 40 }), "{fault:?}");
}

#[test]
fn a_packet_that_contradicts_its_whole_block_is_left_out_and_told_at_the_end() {
    let bytes = PcapNg::new(Endian::Little)
        .interface(1, 0, &[])
        .packet(0, 1, b"one", 3)
        .packet(9, 2, b"of no interface", 15)
        .block(6, &[0; 8])
        .packet(0, 3, b"two", 3)
        .bytes();
    let Ok((2, Some(SourceError::Corrupt { place, fault }))) = read(&bytes) else { panic!() };
    assert_eq!(fault, Fault::Interface { number: 9, described: 1 });
    assert_eq!((place.path.as_str(), place.packets), ("cut", 1));
}

#[test]
fn an_unreadable_stream_gives_what_came_before() {
    struct Breaking(Cursor<Vec<u8>>);
    impl Read for Breaking {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::Error::other("the cable was pulled")),
                // In drops, as a pipe may give it.
                count => Ok(count),
            }
        }
    }
    let bytes = captures::pcapng(Endian::Little, &frames());
    let capture = from_reader("pipe", Breaking(Cursor::new(bytes))).unwrap();
    let (3, Some(error)) = drain(capture) else { panic!() };
    assert!(error.to_string().ends_with("after 3 packets: cannot read on: the cable was pulled"));
}

/// Gives a stream in pieces of one byte.
struct Dripping(Cursor<Vec<u8>>);

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let one = buffer.len().min(1);
        self.0.read(&mut buffer[..one])
    }
}

#[test]
fn a_stream_that_drips_is_read_as_one_that_flows() {
    for bytes in [
        captures::pcapng(Endian::Little, &frames()),
        captures::zstd(&captures::pcapng(Endian::Big, &frames())),
    ] {
        let capture = from_reader("pipe", Dripping(Cursor::new(bytes))).unwrap();
        assert_eq!(drain(capture), (3, None));
    }
}

/// A capture with some of its bytes changed: nearer to what breaks a reader than pure noise.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let files = prop_oneof![
        Just(captures::pcap(Endian::Little, 0xa1b2_c3d4, 1, &frames())),
        Just(captures::pcap(Endian::Big, 0xa1b2_3c4d, 1, &frames())),
        Just(captures::pcapng(Endian::Big, &frames())),
        Just(
            PcapNg::new(Endian::Little)
                .interface(1, 4, &[(2, b"foreshadow"), (9, &[0x94]), (14, &[1; 8])])
                .packet_with(0, 1, b"one", 3, &[(1, b"foreshadow:synthetic")])
                .simple(b"two!", 9)
                .obsolete(0, 3, b"three", 5)
                .bytes()
        ),
        Just(captures::gzip(&captures::pcapng(Endian::Little, &frames()))),
        Just(captures::zstd(&captures::pcapng(Endian::Little, &frames()))),
        Just(captures::lz4(&captures::pcapng(Endian::Little, &frames()))),
    ];
    (files, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6)).prop_map(
        |(mut bytes, changes)| {
            for (place, value) in changes {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            bytes
        },
    )
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&bytes);
    }

    #[test]
    fn no_damage_makes_a_reader_panic(bytes in damaged()) {
        let _ = read(&bytes);
    }

    #[test]
    fn what_is_written_is_read(
        sizes in prop::collection::vec((0u64..4_000_000_000_000_000_000, 0usize..300), 0..20),
        big in any::<bool>(),
    ) {
        let endian = if big { Endian::Big } else { Endian::Little };
        let frames: Vec<Frame> =
            sizes.iter().map(|(nanos, size)| Frame::new(*nanos, vec![1; *size])).collect();
        let bytes = captures::pcapng(endian, &frames);
        let mut capture = from_reader("written", Cursor::new(bytes)).unwrap();
        for frame in &frames {
            let packet = capture.next().unwrap().unwrap();
            prop_assert_eq!(packet.time.nanos() as u64, frame.nanos);
            prop_assert_eq!(packet.data, &frame.data[..]);
        }
        prop_assert_eq!(capture.next(), Ok(None));
    }
}
