//! A packet of a known connection costs no allocation, from wire to sensor.
#![allow(unsafe_code, reason = "counting allocations takes a global allocator")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use foreshadow::config::Config;
use foreshadow::flow::HostHint;
use foreshadow::sensor::{Packet, Sensor};
use foreshadow::time::Timestamp;
use foreshadow::wire::LinkType;

thread_local! {
    /// Allocations of this thread; other tests run in others.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call goes to the system's allocator unchanged. The counter is a `const`-initialised
// thread-local without a destructor, so counting allocates nothing itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(memory, layout, size) }
    }
}

const PACKETS: u64 = 10_000;

/// An Ethernet frame with IPv4 between the two ends of a connection, from side A or back.
fn frame(from_a: bool, protocol: u8, transport: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend([0x08, 0x00, 0x45, 0]);
    frame.extend((20 + transport.len() as u16).to_be_bytes());
    frame.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
    let (a, b) = ([192, 0, 2, 1], [198, 51, 100, 2]);
    frame.extend(if from_a { [a, b] } else { [b, a] }.concat());
    frame.extend(transport);
    frame
}

fn ports(from_a: bool, client: u16, server: u16) -> [u8; 4] {
    let [source, destination] = if from_a { [client, server] } else { [server, client] };
    let ([a, b], [c, d]) = (source.to_be_bytes(), destination.to_be_bytes());
    [a, b, c, d]
}

/// A segment of an upload: side A sends 1,000 bytes, side B acknowledges them.
fn tcp(number: u64) -> Vec<u8> {
    let from_a = number.is_multiple_of(2);
    let sent = (number / 2) as u32 * 1_000;
    let (sequence, acknowledgement) = if from_a { (sent, 1) } else { (1, sent + 1_000) };
    let mut segment = ports(from_a, 40_000, 443).to_vec();
    segment.extend(sequence.to_be_bytes());
    segment.extend(acknowledgement.to_be_bytes());
    segment.extend([0x50, 0x10, 0x20, 0, 0, 0, 0, 0]);
    segment.resize(if from_a { 1_020 } else { 20 }, 7);
    frame(from_a, 6, &segment)
}

/// A question or its answer.
fn udp(number: u64) -> Vec<u8> {
    let from_a = number.is_multiple_of(2);
    let payload: u16 = if from_a { 40 } else { 300 };
    let mut datagram = ports(from_a, 40_001, 5_000).to_vec();
    datagram.extend((payload + 8).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.resize(usize::from(payload) + 8, 9);
    frame(from_a, 17, &datagram)
}

/// Pushes packets at even distances and answers how many allocations that took; once warm, an alarm
/// may take some.
fn push(sensor: &mut Sensor, first: u64, frame: fn(u64) -> Vec<u8>) -> u64 {
    let (mut allocations, mut quiet) = (0, 0);
    for number in first..first + PACKETS {
        let data = frame(number);
        let packet = Packet {
            time: Timestamp::from_nanos(number as i64 * 600_000),
            link: LinkType::ETHERNET,
            data: &data,
            wire_len: data.len() as u32,
            host: HostHint::default(),
        };
        let before = ALLOCATIONS.get();
        let verdict = sensor.push(&packet);
        let taken = ALLOCATIONS.get() - before;
        assert!(verdict.surprise.is_some() && verdict.is_new == (number == 0));
        let events = std::iter::from_fn(|| sensor.poll()).count();
        if number < PACKETS || events == 0 {
            allocations += taken;
        }
        quiet += u64::from(events == 0);
    }
    assert!(quiet > PACKETS / 2, "most packets raise no event");
    allocations
}

/// A sensor with each kind of model, and one that keeps what it learns.
fn sensors() -> [Sensor; 4] {
    let kinds =
        [("network", ""), ("markov", ""), ("adaptive", ""), ("adaptive", "no file is made")];
    kinds.map(|(kind, store)| {
        let mut config = Config::default();
        config.set("model.kind", kind).unwrap();
        config.set("store.path", store).unwrap();
        Sensor::new(&config).unwrap()
    })
}

#[test]
fn a_packet_of_a_known_tcp_connection_allocates_nothing() {
    for mut sensor in sensors() {
        assert_ne!(push(&mut sensor, 0, tcp), 0, "the counter does not count");
        assert_eq!(push(&mut sensor, PACKETS, tcp), 0);
    }
}

#[test]
fn a_packet_of_a_known_udp_connection_allocates_nothing() {
    for mut sensor in sensors() {
        assert_ne!(push(&mut sensor, 0, udp), 0, "the counter does not count");
        assert_eq!(push(&mut sensor, PACKETS, udp), 0);
    }
}

#[test]
fn keeping_what_outlives_a_connection_allocates_nothing() {
    let [_, _, without, with] = sensors().map(|mut sensor| {
        // Each a connection of its own, closed long before the next comes.
        let mut allocations = 0;
        for number in 0..1_500_u64 {
            let mut data = udp(0);
            data[30..34].copy_from_slice(&(number as u32 % 1_000).to_be_bytes());
            data[34..36].copy_from_slice(&9_000_u16.to_be_bytes());
            let before = ALLOCATIONS.get();
            sensor.push(&Packet {
                time: Timestamp::from_nanos(number as i64 * 100_000_000_000),
                link: LinkType::ETHERNET,
                data: &data,
                wire_len: data.len() as u32,
                host: HostHint::default(),
            });
            allocations += ALLOCATIONS.get() - before;
            while sensor.poll().is_some() {}
        }
        (allocations, sensor.kept().map_or(0, foreshadow::kept::Kept::returned))
    });
    assert_eq!((with.0, with.1 > 0, without.1), (without.0, true, 0));
}
