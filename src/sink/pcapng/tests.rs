//! What is written is what our own reader reads.

use std::io::{self, Cursor, Write};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::flow::{ConnectionId, Side, Slot};
use crate::predict::rebuild::Order;
use crate::sensor::Verdict;
use crate::source::{Interface, Packet, PacketOptions, Source, from_reader};
use crate::time::{Span, Timestamp};
use crate::wire::{LinkType, Tunnels};

/// Somewhere to write that can be looked into afterwards.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Kept {
    nanos: i64,
    link: u16,
    data: Vec<u8>,
    wire_len: u32,
    options: Vec<u8>,
    name: Interface,
}

fn kept(packet: &Packet<'_>) -> Kept {
    let mut options = Vec::new();
    packet.options.copy_to(&mut options);
    Kept {
        nanos: packet.time.nanos(),
        link: packet.link.0,
        data: packet.data.to_vec(),
        wire_len: packet.wire_len,
        options,
        name: packet.description.clone(),
    }
}

fn options(order: Order) -> RebuildOptions {
    RebuildOptions {
        order,
        window: Span::from_secs(2),
        memory: 1 << 20,
        quantile: 0.95,
        tunnels: Tunnels::ALL,
    }
}

/// A packet, its interface, and the slot and side of its connection, if it has one.
type Given = (Kept, u32, Option<(u32, Side)>);

/// Writes packets, each with the connection and side that a sensor would find, if any.
fn write(packets: &[Given], order: Order) -> Vec<u8> {
    let out = Shared::default();
    let stream = Destination::Stream("memory".to_owned(), Box::new(out.clone()));
    let mut stream = RebuiltStream::create(stream, None, options(order)).unwrap();
    for (kept, interface, connection) in packets {
        let mut list = Vec::new();
        if !kept.options.is_empty() {
            list.extend(&kept.options);
        }
        let packet = Packet {
            interface: *interface,
            description: &kept.name,
            options: PacketOptions::little(&list),
            ..Packet::new(
                Timestamp::from_nanos(kept.nanos),
                LinkType(kept.link),
                &kept.data,
                kept.wire_len,
            )
        };
        let id = |slot| ConnectionId { slot: Slot(slot), generation: 1 };
        let verdict = Verdict {
            connection: connection.map(|(slot, _)| id(slot)),
            side: connection.map_or(Side::A, |(_, side)| side),
            ..Verdict::NONE
        };
        stream.packet(&packet, &verdict).unwrap();
    }
    let written = stream.close().unwrap();
    assert_eq!(written.captured, packets.len() as u64);
    out.0.lock().unwrap().clone()
}

fn read(bytes: &[u8]) -> Vec<Kept> {
    let mut source = from_reader("written", Cursor::new(bytes.to_vec())).unwrap();
    let mut all = Vec::new();
    while let Some(packet) = source.next().unwrap() {
        all.push(kept(&packet));
    }
    all
}

/// A TCP segment between two ports, in an Ethernet frame.
fn segment(sequence: u32, len: u16) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0];
    frame.extend((40 + len).to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2]);
    frame.extend(sequence.to_be_bytes());
    frame.extend([0, 0, 0, 0, 5 << 4, 0x18, 0, 9, 0, 0, 0, 0]);
    frame.resize(frame.len() + usize::from(len), b'x');
    frame
}

fn any_packet() -> impl Strategy<Value = Given> {
    let interfaces = 0u32..4;
    let data = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..90),
        (0u32..400, 0u16..50).prop_map(|(sequence, len)| segment(sequence, len)),
    ];
    let side = prop_oneof![Just(Side::A), Just(Side::B)];
    let connection = prop::option::of((0u32..3, side));
    // Close together, and now and then far apart, before 1970 too.
    let time = prop_oneof![
        9 => 1_700_000_000_000_000_000i64..1_700_000_009_000_000_000,
        1 => any::<i64>(),
    ];
    let comment = prop::option::of("[a-z ]{0,9}");
    (interfaces, data, 0u32..3_000, time, comment, connection).prop_map(
        |(interface, data, more, nanos, comment, connection)| {
            let mut options = Vec::new();
            if let Some(comment) = comment {
                crate::source::push_option(&mut options, 1, comment.as_bytes());
            }
            let link = [1, 1, 101, 276][interface as usize];
            let name = if interface == 0 {
                Interface::NONE.clone()
            } else {
                Interface::named(&format!("eth{interface}"))
            };
            let wire_len = data.len() as u32 + more;
            (Kept { nanos, link, data, wire_len, options, name }, interface, connection)
        },
    )
}

proptest! {
    #[test]
    fn packets_are_read_back_in_the_order_of_capture_exactly_as_they_went_in(
        packets in prop::collection::vec(any_packet(), 0..60),
        by_sequence in any::<bool>(),
    ) {
        let order = if by_sequence { Order::Sequence } else { Order::Time };
        let back = read(&write(&packets, order));
        let went_in: Vec<_> = packets.iter().map(|(kept, ..)| kept.clone()).collect();
        prop_assert_eq!(back, went_in);
    }
}

#[test]
fn a_late_segment_is_moved_in_the_file_and_back_when_it_is_read() {
    let at = |millis: i64, sequence: u32| {
        let data = segment(sequence, 10);
        let wire_len = data.len() as u32;
        let name = Interface::named("eth0");
        let nanos = 1_700_000_000_000_000_000 + millis * 1_000_000;
        let kept = Kept { nanos, link: 1, data, wire_len, options: Vec::new(), name };
        (kept, 0, Some((0, Side::A)))
    };
    let packets = [at(0, 100), at(1, 120), at(2, 130), at(3, 110), at(4, 140)];
    let sequence = write(&packets, Order::Sequence);
    let time = write(&packets, Order::Time);
    assert_ne!(sequence, time);
    let text = String::from_utf8_lossy(&sequence).into_owned();
    assert!(text.contains("foreshadow:moved v=1 number=4\n"), "{text}");
    assert!(!String::from_utf8_lossy(&time).contains("foreshadow:moved"));
    assert_eq!(read(&sequence), read(&time));
    let positions: Vec<_> = [100u32, 110, 120, 130, 140]
        .iter()
        .map(|number| {
            let frame = segment(*number, 10);
            sequence.windows(frame.len()).position(|window| window == frame).unwrap()
        })
        .collect();
    assert!(positions.is_sorted(), "{positions:?}");
}

#[test]
fn a_segment_that_comes_when_the_window_is_over_stands_where_it_came() {
    let at = |seconds: i64, sequence: u32| {
        let data = segment(sequence, 10);
        let (wire_len, name) = (data.len() as u32, Interface::NONE.clone());
        let nanos = 1_700_000_000_000_000_000 + seconds * 1_000_000_000;
        (Kept { nanos, link: 1, data, wire_len, options: Vec::new(), name }, 0, Some((0, Side::A)))
    };
    let packets = [at(0, 100), at(0, 120), at(1_000, 110)];
    let moved = b"foreshadow:moved";
    let written = write(&packets, Order::Sequence);
    assert!(!written.windows(moved.len()).any(|window| window == moved));
    assert_eq!(read(&write(&packets, Order::Sequence)), read(&write(&packets, Order::Time)));
}

#[test]
fn a_capture_without_packets_is_a_capture() {
    assert_eq!(read(&write(&[], Order::Sequence)), []);
}
