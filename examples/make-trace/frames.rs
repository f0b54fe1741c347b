//! Ethernet frames between IPv4 endpoints, and chance.

use etherparse::PacketBuilder;

/// An address and a port.
pub(crate) type End = ([u8; 4], u16);

const MAC: ([u8; 6], [u8; 6]) = ([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);

/// What a TCP segment says beside its payload.
#[derive(Clone, Copy, Default)]
pub(crate) struct Segment {
    pub(crate) syn: bool,
    pub(crate) push: bool,
    pub(crate) sequence: u32,
    /// `None` in the first one, which acknowledges nothing.
    pub(crate) acknowledgement: Option<u32>,
}

/// A TCP segment in `frame`, which is cleared before.
pub(crate) fn tcp(frame: &mut Vec<u8>, from: End, to: End, segment: Segment, payload: &[u8]) {
    let mut builder = PacketBuilder::ethernet2(MAC.0, MAC.1).ipv4(from.0, to.0, 64).tcp(
        from.1,
        to.1,
        segment.sequence,
        64_240,
    );
    if segment.syn {
        builder = builder.syn();
    }
    if segment.push {
        builder = builder.psh();
    }
    if let Some(number) = segment.acknowledgement {
        builder = builder.ack(number);
    }
    frame.clear();
    // Only a payload beyond 64 KiB or a full disk fails, and a vector is neither.
    let _ = builder.write(frame, payload);
}

/// A UDP datagram in `frame`, which is cleared before.
pub(crate) fn udp(frame: &mut Vec<u8>, from: End, to: End, payload: &[u8]) {
    frame.clear();
    let builder = PacketBuilder::ethernet2(MAC.0, MAC.1).ipv4(from.0, to.0, 64).udp(from.1, to.1);
    let _ = builder.write(frame, payload);
}

/// SplitMix64: small, seeded, the same everywhere.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}
