//! A small capture made on the spot: TCP with and without an end, a UDP beat that stops, what is no IP.

use std::path::Path;
use std::{fs, iter};

/// A captured frame.
pub(crate) struct Frame {
    pub(crate) time_ns: i64,
    pub(crate) data: Vec<u8>,
}

const START: i64 = 1_700_000_000_000_000_000;
const MILLI: i64 = 1_000_000;
const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [198, 51, 100, 7];

/// All frames, in the order of their times.
pub(crate) fn frames() -> Vec<Frame> {
    let mut frames = Vec::new();
    for connection in 0..6_u16 {
        let begin = START + i64::from(connection) * 700 * MILLI;
        frames.extend(http_like(begin, 40_000 + connection, connection % 3 != 2));
    }
    // A beat and its answer, 100 ms apart, that go silent while the rest goes on, then comes with a shout.
    let beat = |n: i64| START + n * 100 * MILLI;
    frames.extend((0..80).map(|n| udp(beat(n), n % 2 == 0, 5353, &[7; 24])));
    frames.push(udp(beat(300), true, 5353, &[0xee; 1200]));
    frames.extend((0..200).map(|n| udp(beat(n) + 31 * MILLI, true, 6000, &[n as u8; 64])));
    // ARP: no IP, no connection.
    frames.push(Frame { time_ns: beat(5) + 1, data: ethernet(0x0806, &[0; 28]) });
    frames.sort_by_key(|frame| frame.time_ns);
    frames
}

/// Writes the frames as a nanosecond pcap file.
pub(crate) fn write_pcap(path: &Path, frames: &[Frame]) {
    let header: Vec<u8> = [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 65_535, 1]
        .into_iter()
        .flat_map(u32::to_le_bytes)
        .collect();
    let records = frames.iter().flat_map(|frame| {
        let len = frame.data.len() as u32;
        let (secs, nanos) = (frame.time_ns / 1_000_000_000, frame.time_ns % 1_000_000_000);
        [secs as u32, nanos as u32, len, len]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .chain(frame.data.iter().copied())
    });
    fs::write(path, header.into_iter().chain(records).collect::<Vec<_>>()).unwrap();
}

/// A handshake, three requests with answers, and an end if `closes`.
fn http_like(begin: i64, port: u16, closes: bool) -> Vec<Frame> {
    const SYN: u8 = 0x02;
    const ACK: u8 = 0x10;
    const PSH_ACK: u8 = 0x18;
    const FIN_ACK: u8 = 0x11;
    let mut steps = vec![(true, SYN, 0_usize), (false, SYN | ACK, 0), (true, ACK, 0)];
    for request in 0..3 {
        steps.extend([(true, PSH_ACK, 200 + request), (false, PSH_ACK, 1_400), (true, ACK, 0)]);
    }
    if closes {
        steps.extend([(true, FIN_ACK, 0), (false, FIN_ACK, 0), (true, ACK, 0)]);
    }
    let mut next = [1_000_u32, 9_000];
    steps
        .into_iter()
        .zip(0..)
        .map(|((from_client, flags, len), step)| {
            let (me, peer) = if from_client { (0, 1) } else { (1, 0) };
            let (source, destination) = if from_client { (port, 80) } else { (80, port) };
            let mut segment = Vec::new();
            segment.extend(source.to_be_bytes());
            segment.extend(destination.to_be_bytes());
            segment.extend(next[me].to_be_bytes());
            segment.extend(if flags == SYN { 0 } else { next[peer] }.to_be_bytes());
            segment.extend([0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0]);
            segment.extend(iter::repeat_n(b'x', len));
            next[me] += len as u32 + u32::from(flags & 0x03 != 0);
            let data = ipv4(6, from_client, &segment);
            Frame { time_ns: begin + step * 3 * MILLI, data }
        })
        .collect()
}

fn udp(time_ns: i64, from_client: bool, port: u16, payload: &[u8]) -> Frame {
    let mut datagram = Vec::new();
    let (source, destination) = if from_client { (port, 53) } else { (53, port) };
    datagram.extend(source.to_be_bytes());
    datagram.extend(destination.to_be_bytes());
    datagram.extend((payload.len() as u16 + 8).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    Frame { time_ns, data: ipv4(17, from_client, &datagram) }
}

fn ipv4(protocol: u8, from_client: bool, payload: &[u8]) -> Vec<u8> {
    let (source, destination) = if from_client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    let mut packet = vec![0x45, 0];
    packet.extend((payload.len() as u16 + 20).to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
    packet.extend(source);
    packet.extend(destination);
    packet.extend(payload);
    ethernet(0x0800, &packet)
}

fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2][..], &kind.to_be_bytes(), payload].concat()
}
