//! Rebuilt streams of packets and events made by hand.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use foreshadow::config::Config;
use foreshadow::flow::{ConnectionId, HostHint, Side, Summary};
use foreshadow::model::{Expectation, SizeRange, TimeRange};
use foreshadow::predict::rebuild::Order;
use foreshadow::predict::{Kind, Outcome, Settled, SyntheticId, SyntheticPacket};
use foreshadow::sensor::{self, Event, Sensor};
use foreshadow::sink::{Destination, RebuildOptions, RebuiltStream};
use foreshadow::source::Packet;
use foreshadow::time::{Span, Timestamp};
use foreshadow::wire::{LinkType, TcpFlags, Tunnels};

const START: i64 = 1_700_000_000_000_000_000;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_nanos(START + millis * 1_000_000)
}

/// An Ethernet header for IPv4.
pub(crate) fn ether() -> Vec<u8> {
    vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]
}

/// An IP packet of one side or the other.
pub(crate) fn ip(v6: bool, protocol: u8, side: Side, body: &[u8]) -> Vec<u8> {
    let (from, to) = if side == Side::A { (1, 2) } else { (2, 1) };
    let mut packet = Vec::new();
    if v6 {
        packet.extend([0x60, 0, 0, 0, 0, body.len() as u8, protocol, 60]);
        for end in [from, to] {
            packet.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, end]);
        }
    } else {
        packet.extend([0x45, 0, 0, 20 + body.len() as u8, 0, 0, 0, 0, 60, protocol, 0, 0]);
        packet.extend([192, 0, 2, from, 192, 0, 2, to]);
    }
    packet.extend(body);
    packet
}

/// A TCP segment, its checksum left out.
pub(crate) fn tcp(source: u16, destination: u16, sequence: u32, flags: u8, data: &[u8]) -> Vec<u8> {
    let mut segment = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    segment.extend(sequence.to_be_bytes());
    segment.extend([0, 0, 0, 9, 5 << 4, flags, 0x20, 0, 0, 0, 0, 0]);
    segment.extend(data);
    segment
}

/// A UDP datagram without a checksum.
pub(crate) fn udp(source: u16, destination: u16, data: &[u8]) -> Vec<u8> {
    let mut datagram = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    datagram.extend((8 + data.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(data);
    datagram
}

/// What is particular about a synthetic packet.
#[derive(Clone, Copy)]
pub(crate) struct Made {
    /// When it is due.
    pub(crate) millis: i64,
    pub(crate) kind: Kind,
    pub(crate) side: Side,
    pub(crate) flags: TcpFlags,
    pub(crate) payload_len: u32,
    pub(crate) sequence: Option<u32>,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            millis: 5,
            kind: Kind::Overdue,
            side: Side::A,
            flags: TcpFlags(0),
            payload_len: 0,
            sequence: None,
        }
    }
}

/// A stream that is written into memory.
pub(crate) struct Stream {
    sensor: Sensor,
    stream: RebuiltStream,
    out: Shared,
    /// The connection of the packet captured last.
    connection: Option<ConnectionId>,
    made: u64,
    last: Option<SyntheticPacket>,
}

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

impl Stream {
    pub(crate) fn new(order: Order) -> Self {
        let mut config = Config::default();
        config.set("predict.enabled", "false").unwrap();
        let out = Shared::default();
        let options = RebuildOptions {
            order,
            window: Span::from_secs(2),
            memory: 1 << 20,
            quantile: 0.95,
            tunnels: Tunnels::ALL,
        };
        let into = Destination::Stream("memory".to_owned(), Box::new(out.clone()));
        Self {
            sensor: Sensor::new(&config).unwrap(),
            stream: RebuiltStream::create(into, None, options).unwrap(),
            out,
            connection: None,
            made: 0,
            last: None,
        }
    }

    /// A packet is captured.
    pub(crate) fn capture(&mut self, millis: i64, link: LinkType, data: &[u8]) {
        let (time, wire_len) = (at(millis), data.len() as u32);
        let host = HostHint::default();
        let verdict = self.sensor.push(&sensor::Packet { time, link, data, wire_len, host });
        self.connection = verdict.connection;
        self.stream.packet(&Packet::new(time, link, data, wire_len), &verdict).unwrap();
    }

    /// A packet of the connection of the one captured last is made; numbered from 1.
    pub(crate) fn make(&mut self, made: &Made) {
        let summary = self.summary();
        self.made += 1;
        let Made { millis, kind, side, flags, payload_len, sequence } = *made;
        let expected = Expectation {
            side,
            flags,
            side_flags_probability: 1.0,
            size: SizeRange::default(),
            time: TimeRange::default(),
            deadline: Span::from_millis(250),
            nothing_more: 0.0,
            confidence: 0.9,
        };
        let packet = SyntheticPacket {
            serial: SyntheticId(self.made),
            id: summary.id,
            host_id: None,
            key: summary.key,
            originator: summary.originator,
            uid: summary.uid,
            kind,
            made: at(millis),
            due: at(millis),
            last: summary.last,
            run: 1,
            side,
            flags,
            payload_len,
            entropy: None,
            sequence,
            acknowledgement: Some(500),
            confidence: 0.9,
            capture_loss: 0.0,
            expected,
        };
        self.last = Some(packet);
        self.stream.event(&Event::Synthetic(packet)).unwrap();
    }

    /// What became of a packet that was made is known.
    pub(crate) fn settle(&mut self, number: u64, outcome: Outcome) {
        let packet = self.last.unwrap();
        self.stream
            .event(&Event::Outcome(Settled {
                serial: SyntheticId(number),
                id: packet.id,
                host_id: None,
                key: packet.key,
                originator: packet.originator,
                uid: packet.uid,
                kind: packet.kind,
                made: packet.made,
                due: packet.due,
                side: packet.side,
                payload_len: packet.payload_len,
                sequence: packet.sequence,
                outcome,
                time: packet.due,
                came: None,
                capture_loss: 0.0,
            }))
            .unwrap();
    }

    /// The stream's end: all of it.
    pub(crate) fn bytes(self) -> Vec<u8> {
        self.stream.close().unwrap();
        self.out.0.lock().unwrap().clone()
    }

    fn summary(&self) -> Summary {
        self.sensor.connection(self.connection.unwrap()).unwrap().0
    }
}
