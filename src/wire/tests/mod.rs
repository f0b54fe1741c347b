//! Frames as bytes in, what `parse` says of them out.

mod links;
mod packets;
mod properties;
mod tunnels;

use super::*;

use etherparse::PacketBuilder;

pub(super) const A: [u8; 4] = [192, 0, 2, 1];
pub(super) const B: [u8; 4] = [198, 51, 100, 2];
pub(super) const A6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
pub(super) const B6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];

/// What the small UDP packets of these tests carry.
pub(super) const HELLO: &[u8] = b"hello, world";

/// An IPv4 packet with `HELLO` from port 1000 to 2000.
pub(super) fn udp4() -> Vec<u8> {
    udp4_to(2000, HELLO)
}

pub(super) fn udp4_to(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv4(A, B, 64).udp(1000, port).write(&mut bytes, payload).unwrap();
    bytes
}

/// An IPv6 packet with `HELLO` from port 1000 to 2000.
pub(super) fn udp6() -> Vec<u8> {
    let mut bytes = Vec::new();
    PacketBuilder::ipv6(A6, B6, 64).udp(1000, 2000).write(&mut bytes, HELLO).unwrap();
    bytes
}

/// An IPv4 packet of any protocol, without options.
pub(super) fn ipv4(protocol: u8, inside: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + inside.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x45, 0, total[0], total[1], 0, 7, 0, 0, 64, protocol, 0, 0];
    bytes.extend([A, B].concat());
    bytes.extend(inside);
    bytes
}

/// An IPv6 packet whose first next-header number is `next`.
pub(super) fn ipv6(next: u8, inside: &[u8]) -> Vec<u8> {
    let length = u16::try_from(inside.len()).unwrap().to_be_bytes();
    let mut bytes = vec![0x60, 0, 0, 0, length[0], length[1], next, 64];
    bytes.extend([A6, B6].concat());
    bytes.extend(inside);
    bytes
}

/// `bytes` behind an Ethernet header of this type or length.
pub(super) fn ethernet(ether_type: u16, bytes: &[u8]) -> Vec<u8> {
    [&[2; 6], &[4; 6], &ether_type.to_be_bytes()[..], bytes].concat()
}

/// Reads a frame that was captured whole, every tunnel open.
pub(super) fn read(link: LinkType, bytes: &[u8]) -> PacketView<'_> {
    parse(link, bytes, u32::try_from(bytes.len()).unwrap(), Tunnels::ALL)
}

/// Asserts that the view is of a whole packet made by `udp4` or `udp6`.
#[track_caller]
pub(super) fn assert_hello(view: &PacketView<'_>) {
    assert_eq!(view.stop, None);
    assert_eq!(view.transport, Transport::Udp { source: 1000, destination: 2000 });
    assert_eq!((view.payload, view.payload_len), (HELLO, 12));
}

#[track_caller]
pub(super) fn assert_stop(view: &PacketView<'_>, layer: Layer, reason: Reason, offset: u32) {
    assert_eq!(view.stop, Some(Stop { layer, reason, offset }));
}
