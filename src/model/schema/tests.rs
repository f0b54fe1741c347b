//! Golden vectors, laws that hold for any packets.

use std::fmt::Write;
use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::flow::{Service, Side};
use crate::model::{Origin, PacketFacts};
use crate::time::Span;
use crate::wire::TcpFlags;

fn origin(port: u16, responder: Side) -> Origin {
    Origin { service: Service { protocol: 6, port }, pair: 1, identity: 2, responder, salt: 0 }
}

/// Side, protocol, flags, payload, window, entropy, microseconds since the packet before.
type Sent = (Side, u8, u8, u32, u16, Option<u8>, Option<u64>);

/// A web request with a repeated poll, in which every feature takes several values.
const WEB: [Sent; 12] = [
    (Side::A, 6, 0x02, 0, 64_240, None, None),
    (Side::B, 6, 0x12, 0, 65_160, None, Some(20_137)),
    (Side::A, 6, 0x10, 0, 502, None, Some(61)),
    (Side::A, 6, 0x18, 517, 502, Some(201), Some(0)),
    (Side::B, 6, 0x10, 0, 501, None, Some(20_400)),
    (Side::B, 6, 0x10, 1_448, 501, Some(229), Some(1_800)),
    (Side::B, 6, 0x18, 1_448, 501, Some(230), Some(1)),
    (Side::A, 6, 0x10, 0, 500, None, Some(40)),
    (Side::A, 6, 0x18, 33, 500, Some(120), Some(10_000_000)),
    (Side::B, 6, 0x18, 1_448, 501, Some(7), Some(21_000)),
    (Side::A, 6, 0x11, 0, 500, None, Some(3_600_000_000)),
    (Side::B, 6, 0x04, 0, 0, None, Some(20_500)),
];

/// The answer alone was captured, so the first sender is the responder.
const DNS: [Sent; 4] = [
    (Side::A, 17, 0, 112, 0, Some(150), None),
    (Side::B, 17, 0, 30, 0, Some(128), Some(5_000_000)),
    (Side::A, 17, 0, 9_000, 0, Some(255), Some(12_345)),
    (Side::B, 17, 0, 30, 0, Some(128), Some(4_987_655)),
];

fn packets(sent: &[Sent]) -> Vec<PacketFacts> {
    let packet = |(position, sent): (usize, &Sent)| {
        let &(side, protocol, flags, payload_len, window, entropy, since) = sent;
        PacketFacts {
            side,
            protocol,
            flags: TcpFlags(flags),
            payload_len,
            wire_len: payload_len + 54,
            window,
            entropy,
            since: since.map(Span::from_micros),
            position: position as u32,
        }
    };
    sent.iter().enumerate().map(packet).collect()
}

#[test]
fn the_same_packets_make_the_same_features_as_ever() {
    let mut seen = format!("{}hash {}\n", text(), *HASH);
    let cases =
        [("web", origin(443, Side::B), packets(&WEB)), ("dns", origin(53, Side::A), packets(&DNS))];
    for (name, origin, packets) in cases {
        let mut recall = Recall::new(&origin);
        for (number, packet) in packets.iter().enumerate() {
            let Features { rows, dense } = recall.push(packet);
            writeln!(seen, "{name} {number}\n  {rows:?}\n  {dense:?}").unwrap();
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/schema/golden-1.txt");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &seen).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert!(seen == expected, "schema 1 changed; the module's header says what to do:\n{seen}");
}

#[test]
fn turning_twice_changes_nothing_and_once_changes_the_side() {
    for symbol in 0..SIDE_FLAGS as u8 {
        assert_eq!(turn(symbol, false), symbol);
        assert_eq!(turn(turn(symbol, true), true), symbol);
        let path: Vec<_> = side_flags_path(symbol)
            .map(|(node, yes)| (turn_node(node, true), yes ^ (node == 0)))
            .collect();
        assert_eq!(path, side_flags_path(turn(symbol, true)).collect::<Vec<_>>());
    }
}

#[test]
fn who_sends_first_does_not_matter_only_who_responds() {
    let mut by_first = Recall::new(&origin(443, Side::B));
    let mut turned = Recall::new(&origin(443, Side::A));
    for packet in packets(&WEB) {
        let other = PacketFacts { side: packet.side.other(), ..packet };
        assert_eq!(by_first.push(&packet), turned.push(&other));
    }
}

#[test]
fn every_symbol_has_a_path_of_its_own() {
    let mut paths: Vec<Vec<_>> =
        (0..SIDE_FLAGS as u8).map(|symbol| side_flags_path(symbol).collect()).collect();
    assert!(paths.iter().flatten().all(|&(node, _)| node < SIDE_FLAGS_NODES));
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), SIDE_FLAGS);
}

#[test]
fn a_connection_is_remembered_in_80_bytes() {
    assert_eq!(size_of::<Recall>(), 80);
}

fn any_packet() -> impl Strategy<Value = PacketFacts> {
    let edge = |values: &'static [u64]| prop::sample::select(values);
    let times = prop_oneof![edge(&[0, 999, 1_000, u64::MAX - 1, u64::MAX]), any::<u64>()];
    let sizes = prop_oneof![edge(&[0, 8_190, 8_191, 8_192, 65_535, 0xffff_ffff]), 0..70_000_u64];
    (any::<(bool, u8, u8, u16, Option<u8>)>(), sizes, prop::option::of(times), any::<u32>())
        .prop_map(|((b, protocol, flags, window, entropy), size, since, position)| PacketFacts {
            side: if b { Side::B } else { Side::A },
            protocol: if protocol < 128 { 6 } else { protocol },
            flags: TcpFlags(flags),
            payload_len: size as u32,
            wire_len: size as u32,
            window,
            entropy,
            since: since.map(Span::from_nanos),
            position,
        })
}

proptest! {
    #[test]
    fn no_packets_make_a_row_that_is_not_there_or_a_number_that_is_not_finite(
        port: u16,
        responder: bool,
        packets in prop::collection::vec(any_packet(), 1..40),
    ) {
        let responder = if responder { Side::A } else { Side::B };
        let mut recall = Recall::new(&origin(port, responder));
        for packet in &packets {
            let Features { rows, dense } = recall.push(packet);
            for (row, table) in rows.iter().zip(TABLES) {
                prop_assert!(usize::from(*row) < table.values, "{}: {row}", table.name);
            }
            for (value, name) in dense.iter().zip(DENSE) {
                prop_assert!(value.is_finite() && value.abs() <= 6.0, "{name}: {value}");
            }
        }
    }
}
