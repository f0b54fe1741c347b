//! Traffic made from nothing: the extremes that a sensor has to stand.

use std::io::Result;

use super::frames::{Chance, End, Segment, tcp, udp};
use super::pcap::Writer;

const SERVER: End = ([203, 0, 113, 10], 80);
const MSS: usize = 1_448;

/// Every packet a connection of its own.
pub(crate) fn syn_flood(connections: u64, seed: u64, out: &mut Writer) -> Result<()> {
    let (mut chance, mut frame) = (Chance(seed), Vec::new());
    for number in 0..connections {
        let drawn = chance.next();
        // The port and low bytes count up, so that no two are the same before four thousand million.
        let [.., high, low] = ((number >> 16) as u32).to_be_bytes();
        let from = ([11 + (drawn % 100) as u8, (drawn >> 8) as u8, high, low], number as u16);
        let segment = Segment { syn: true, sequence: (drawn >> 32) as u32, ..Segment::default() };
        tcp(&mut frame, from, SERVER, segment, &[]);
        out.frame(&frame, frame.len() as u32)?;
    }
    Ok(())
}

/// A download: two segments, then an acknowledgement.
pub(crate) fn elephant(packets: u64, out: &mut Writer) -> Result<()> {
    let client = ([10, 0, 0, 1], 50_000);
    let (mut frame, payload) = (Vec::new(), [0x5a; MSS]);
    let (mut server_at, client_at) = (1_u32, 201_u32);
    for number in 0..packets {
        let ack = |number| Segment { acknowledgement: Some(number), ..Segment::default() };
        match number {
            0 => {
                let syn = Segment { syn: true, sequence: 0, ..Segment::default() };
                tcp(&mut frame, client, SERVER, syn, &[]);
            }
            1 => {
                let syn = Segment { syn: true, sequence: 0, acknowledgement: Some(1), push: false };
                tcp(&mut frame, SERVER, client, syn, &[]);
            }
            2 => {
                let request = Segment { sequence: 1, push: true, ..ack(1) };
                tcp(&mut frame, client, SERVER, request, &payload[..200]);
            }
            _ if number % 3 == 2 => {
                let here = Segment { sequence: client_at, ..ack(server_at) };
                tcp(&mut frame, client, SERVER, here, &[]);
            }
            _ => {
                let data = Segment { sequence: server_at, ..ack(client_at) };
                tcp(&mut frame, SERVER, client, data, &payload);
                server_at = server_at.wrapping_add(MSS as u32);
            }
        }
        out.frame(&frame, frame.len() as u32)?;
    }
    Ok(())
}

/// Questions for random names in one zone, each answered by the next packet.
pub(crate) fn dns(packets: u64, seed: u64, out: &mut Writer) -> Result<()> {
    let resolver = ([10, 0, 0, 53], 53);
    let (mut chance, mut frame) = (Chance(seed), Vec::new());
    let mut asked: Option<(End, Vec<u8>)> = None;
    for _ in 0..packets {
        if let Some((client, mut answer)) = asked.take() {
            // A response with one record: an address behind a pointer to the question's name.
            answer[2] = 0x81;
            answer[3] = 0x80;
            answer[7] = 1;
            answer.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 1, 0x2c, 0, 4, 198, 51, 100, 7]);
            udp(&mut frame, resolver, client, &answer);
        } else {
            let drawn = chance.next();
            let client =
                ([10, 0, 1 + (drawn % 8) as u8, (drawn >> 8) as u8], (drawn >> 16) as u16 | 1_024);
            let mut question =
                vec![(drawn >> 32) as u8, (drawn >> 40) as u8, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
            let name = format!("host{}", chance.below(5_000));
            for label in [name.as_str(), "example", "com"] {
                question.push(label.len() as u8);
                question.extend(label.as_bytes());
            }
            question.extend([0, 0, 1, 0, 1]);
            udp(&mut frame, client, resolver, &question);
            asked = Some((client, question));
        }
        out.frame(&frame, frame.len() as u32)?;
    }
    Ok(())
}

/// Each connection is opened, then all send in turn, so that all of them live at once.
pub(crate) fn idle(connections: u64, out: &mut Writer) -> Result<()> {
    /// Data packets each way.
    const ROUNDS: u32 = 3;
    const SIZE: u32 = 100;
    let (mut frame, payload) = (Vec::new(), [0x33; SIZE as usize]);
    let ends = |number: u64| {
        let [.., a, b, _, _] = (number as u32).to_be_bytes();
        // 65,536 ports behind each address, on as many addresses as it takes.
        (([10, 1, a, b], number as u16), ([10, 200, 0, 1], 443))
    };
    for round in 0..=ROUNDS {
        for number in 0..connections {
            let (client, server) = ends(number);
            let at = 1 + round.wrapping_sub(1).wrapping_mul(SIZE);
            let (asks, answers) = if round == 0 {
                let syn = Segment { syn: true, ..Segment::default() };
                (syn, Segment { acknowledgement: Some(1), ..syn })
            } else {
                let data = |acknowledgement| Segment {
                    push: true,
                    sequence: at,
                    acknowledgement: Some(acknowledgement),
                    ..Segment::default()
                };
                (data(at), data(at + SIZE))
            };
            let body = if round == 0 { &payload[..0] } else { &payload[..] };
            tcp(&mut frame, client, server, asks, body);
            out.frame(&frame, frame.len() as u32)?;
            tcp(&mut frame, server, client, answers, body);
            out.frame(&frame, frame.len() as u32)?;
        }
    }
    Ok(())
}
