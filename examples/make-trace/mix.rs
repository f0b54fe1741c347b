//! Real captures over and over, each time between other addresses.
//!
//! Order within a capture is kept, and which of those that play at once sends next follows their own clocks,
//! each scaled to the same length, so that bursts stay bursts. Only whole Ethernet frames of IPv4 that
//! carry TCP, UDP or ICMP and are no fragments are taken; checksums that were right stay right.

use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use foreshadow::source::{Capture, Source};
use foreshadow::wire::LinkType;

use super::frames::Chance;
use super::pcap::Writer;

/// A capture that is larger is left out: one would be the whole mix.
const MOST_PACKETS: usize = 50_000;

/// The frames of a capture, with time from 0 to 1.
pub(crate) struct Part {
    frames: Vec<(f64, Vec<u8>, u32)>,
}

/// Reads the captures under the folders.
pub(crate) fn read(folders: &[PathBuf]) -> Result<Vec<Part>> {
    let mut files = Vec::new();
    for folder in folders {
        collect(folder, &mut files).map_err(|error| {
            Error::new(error.kind(), format!("cannot read {}: {error}", folder.display()))
        })?;
    }
    files.sort();
    let parts: Vec<Part> = files.iter().filter_map(|path| part(path)).collect();
    if parts.is_empty() {
        let names: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        let text = format!("no capture with IPv4 on Ethernet under {}", names.join(", "));
        return Err(Error::new(ErrorKind::NotFound, text));
    }
    Ok(parts)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "pcap" || end == "pcapng") {
            files.push(path);
        }
    }
    Ok(())
}

/// What can be used of a capture; `None` if nothing can. One that breaks off counts up to there.
fn part(path: &Path) -> Option<Part> {
    let mut capture = Capture::open(path).ok()?;
    let (mut frames, mut began) = (Vec::new(), None);
    while let Ok(Some(packet)) = capture.next() {
        let usable = packet.link == LinkType::ETHERNET
            && !packet.synthetic
            && packet.data.len() as u32 == packet.wire_len
            && is_usable(packet.data);
        if usable {
            let began = *began.get_or_insert(packet.time);
            frames.push((
                packet.time.since(began).secs_f64(),
                packet.data.to_vec(),
                packet.wire_len,
            ));
        }
        if frames.len() > MOST_PACKETS {
            return None;
        }
    }
    let length = frames.last()?.0.max(1e-9);
    frames.iter_mut().for_each(|(time, ..)| *time /= length);
    Some(Part { frames })
}

fn is_usable(frame: &[u8]) -> bool {
    let (Some([0x08, 0x00]), Some(ip)) = (frame.get(12..14), frame.get(14..34)) else {
        return false;
    };
    let fragment = u16::from_be_bytes([ip[6], ip[7]]) & 0x3fff;
    ip[0] == 0x45 && fragment == 0 && matches!(ip[9], 1 | 6 | 17)
}

/// Writes `packets` of them, `at_once` captures playing at a time.
pub(crate) fn write(
    parts: &[Part],
    packets: u64,
    at_once: usize,
    seed: u64,
    out: &mut Writer,
) -> Result<()> {
    let mut chance = Chance(seed);
    let mut copies = 0_u32;
    let mut begin = |clock: f64| {
        copies += 1;
        let part = &parts[chance.below(parts.len() as u64) as usize];
        // Longer captures play longer, so that all send at about the same rate.
        Playing { part, at: 0, began: clock, stretch: part.frames.len() as f64, copy: copies }
    };
    let mut playing: Vec<Playing<'_>> = (0..at_once.max(1)).map(|_| begin(0.0)).collect();
    let mut frame = Vec::new();
    while out.packets() < packets {
        let next = playing.iter_mut().min_by(|a, b| a.clock().total_cmp(&b.clock()));
        let Some(next) = next else { break };
        let (_, bytes, wire_len) = &next.part.frames[next.at];
        frame.clear();
        frame.extend_from_slice(bytes);
        readdress(&mut frame, next.copy);
        out.frame(&frame, *wire_len)?;
        next.at += 1;
        if next.at == next.part.frames.len() {
            let clock = next.began + next.stretch;
            *next = begin(clock);
        }
    }
    Ok(())
}

struct Playing<'a> {
    part: &'a Part,
    at: usize,
    began: f64,
    stretch: f64,
    copy: u32,
}

impl Playing<'_> {
    fn clock(&self) -> f64 {
        self.began + self.part.frames[self.at].0 * self.stretch
    }
}

/// Gives a frame the addresses of its copy. A private network stays private, and so does what is not one;
/// broadcast and multicast stay as they are.
fn readdress(frame: &mut [u8], copy: u32) {
    let protocol = frame[23];
    let mut change = 0_u32;
    for at in [26, 30] {
        let old = [frame[at], frame[at + 1], frame[at + 2], frame[at + 3]];
        let new = mapped(old, copy);
        for half in [0, 2] {
            // One's complement: the new word is added, the old one taken off.
            change += u32::from(u16::from_be_bytes([new[half], new[half + 1]]));
            change += u32::from(!u16::from_be_bytes([old[half], old[half + 1]]));
        }
        frame[at..at + 4].copy_from_slice(&new);
    }
    adjust(frame, 24, change);
    match protocol {
        6 => adjust(frame, 50, change),
        17 if frame.get(40..42).is_some_and(|sum| sum != [0, 0]) => adjust(frame, 40, change),
        _ => {}
    }
}

fn mapped(old: [u8; 4], copy: u32) -> [u8; 4] {
    let [a, b, c, d] = old;
    let [_, high, middle, low] = copy.to_be_bytes();
    match (a, b) {
        (0 | 127 | 224.., _) | (169, 254) => old,
        (_, 255) if (c, d) == (255, 255) => old,
        // One network for each copy; two captures' networks that differ before the third byte fold.
        (10, _) | (172, 16..=31) | (192, 168) => [10, middle ^ b, low ^ c, d],
        _ => [a, b ^ low, c ^ middle, d ^ high],
    }
}

/// Adds `change` to the checksum at `at`, as RFC 1624 says.
fn adjust(frame: &mut [u8], at: usize, change: u32) {
    let Some(place) = frame.get_mut(at..at + 2) else { return };
    let old = !u16::from_be_bytes([place[0], place[1]]);
    let mut sum = u32::from(old) + change;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    place.copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use etherparse::SlicedPacket;

    use super::*;
    use crate::frames::{Segment, tcp, udp};

    fn checksums_are_right(frame: &[u8]) -> bool {
        let Ok(packet) = SlicedPacket::from_ethernet(frame) else { return false };
        let Some(etherparse::NetSlice::Ipv4(ip)) = &packet.net else { return false };
        let header = ip.header().to_header();
        let transport = match &packet.transport {
            Some(etherparse::TransportSlice::Tcp(tcp)) => {
                let right = tcp.to_header().calc_checksum_ipv4(&header, tcp.payload());
                right.is_ok_and(|sum| sum == tcp.checksum())
            }
            Some(etherparse::TransportSlice::Udp(udp)) => {
                let right = udp.to_header().calc_checksum_ipv4(&header, udp.payload());
                right.is_ok_and(|sum| sum == udp.checksum())
            }
            _ => false,
        };
        transport && header.calc_header_checksum() == header.header_checksum
    }

    #[test]
    fn a_copy_has_other_addresses_and_right_checksums() {
        let (inside, outside) = (([192, 168, 7, 9], 4_000), ([93, 184, 216, 34], 443));
        let mut frame = Vec::new();
        for copy in 1..300 {
            tcp(&mut frame, inside, outside, Segment::default(), b"some bytes");
            assert!(checksums_are_right(&frame));
            readdress(&mut frame, copy);
            assert!(checksums_are_right(&frame), "copy {copy} of a segment");
            assert_eq!(frame[26], 10, "what was private is");
            udp(&mut frame, outside, inside, b"others");
            readdress(&mut frame, copy);
            assert!(checksums_are_right(&frame), "copy {copy} of a datagram");
        }
    }

    #[test]
    fn copies_differ_and_everybody_stays_everybody() {
        assert_ne!(mapped([10, 1, 2, 3], 1), mapped([10, 1, 2, 3], 2));
        assert_ne!(mapped([8, 8, 8, 8], 1), mapped([8, 8, 8, 8], 2));
        for everybody in [[224, 0, 0, 251], [255, 255, 255, 255], [0, 0, 0, 0]] {
            assert_eq!(mapped(everybody, 77), everybody);
        }
    }
}
