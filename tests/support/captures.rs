//! Writes captures for tests: both formats, either byte order, every packing, byte by byte, so
//! that no reader's idea of a capture is shared with the code under test.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::Write;

/// A packet to write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    /// Nanoseconds since the epoch.
    pub(crate) nanos: u64,
    /// The bytes captured.
    pub(crate) data: Vec<u8>,
    /// Bytes on the wire.
    pub(crate) wire_len: u32,
}

impl Frame {
    /// A packet that was captured whole.
    pub(crate) fn new(nanos: u64, data: impl Into<Vec<u8>>) -> Self {
        let data = data.into();
        let wire_len = data.len() as u32;
        Self { nanos, data, wire_len }
    }
}

/// Byte order of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Endian {
    /// Two bytes.
    pub(crate) fn half(self, value: u16) -> [u8; 2] {
        if self == Self::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// Four bytes.
    pub(crate) fn word(self, value: u32) -> [u8; 4] {
        if self == Self::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// Eight bytes.
    pub(crate) fn long(self, value: u64) -> [u8; 8] {
        if self == Self::Big { value.to_be_bytes() } else { value.to_le_bytes() }
    }
}

/// A classic capture with microseconds (`0xa1b2c3d4`), nanoseconds (`0xa1b23c4d`) or the longer
/// records of the "modified" format (`0xa1b2cd34`).
pub(crate) fn pcap(endian: Endian, magic: u32, link: u32, frames: &[Frame]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(endian.word(magic));
    out.extend(endian.half(2));
    out.extend(endian.half(4));
    for field in [0, 0, 262_144, link] {
        out.extend(endian.word(field));
    }
    let unit = if magic == 0xa1b2_3c4d { 1 } else { 1_000 };
    for frame in frames {
        out.extend(endian.word((frame.nanos / 1_000_000_000) as u32));
        out.extend(endian.word((frame.nanos % 1_000_000_000 / unit) as u32));
        out.extend(endian.word(frame.data.len() as u32));
        out.extend(endian.word(frame.wire_len));
        if magic == 0xa1b2_cd34 {
            out.extend([0; 8]);
        }
        out.extend(&frame.data);
    }
    out
}

/// A pcapng capture, block by block.
pub(crate) struct PcapNg {
    endian: Endian,
    bytes: Vec<u8>,
}

impl PcapNg {
    /// A file that begins with a section header.
    pub(crate) fn new(endian: Endian) -> Self {
        Self { endian, bytes: Vec::new() }.section(endian)
    }

    /// Begins another section, in any byte order.
    pub(crate) fn section(mut self, endian: Endian) -> Self {
        self.endian = endian;
        let mut body = endian.word(0x1a2b_3c4d).to_vec();
        body.extend(endian.half(1));
        body.extend(endian.half(0));
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    /// An interface with options as code and value.
    pub(crate) fn interface(self, link: u16, snaplen: u32, options: &[(u16, &[u8])]) -> Self {
        let mut body = self.endian.half(link).to_vec();
        body.extend([0; 2]);
        body.extend(self.endian.word(snaplen));
        body.extend(self.options(options));
        self.block(1, &body)
    }

    /// An enhanced packet block; the time in the interface's units.
    pub(crate) fn packet(self, interface: u32, time: u64, data: &[u8], wire_len: u32) -> Self {
        self.packet_with(interface, time, data, wire_len, &[])
    }

    /// An enhanced packet block with options.
    pub(crate) fn packet_with(
        self,
        interface: u32,
        time: u64,
        data: &[u8],
        wire_len: u32,
        options: &[(u16, &[u8])],
    ) -> Self {
        let mut body = self.endian.word(interface).to_vec();
        body.extend(self.timed(time, data, wire_len));
        body.extend(self.options(options));
        self.block(6, &body)
    }

    /// The packet block that the enhanced one replaced.
    pub(crate) fn obsolete(self, interface: u16, time: u64, data: &[u8], wire_len: u32) -> Self {
        let mut body = self.endian.half(interface).to_vec();
        body.extend(self.endian.half(9));
        body.extend(self.timed(time, data, wire_len));
        self.block(2, &body)
    }

    /// A simple packet block.
    pub(crate) fn simple(self, data: &[u8], wire_len: u32) -> Self {
        let mut body = self.endian.word(wire_len).to_vec();
        body.extend(padded(data));
        self.block(3, &body)
    }

    /// Any block.
    pub(crate) fn block(mut self, kind: u32, body: &[u8]) -> Self {
        let body = padded(body);
        let length = self.endian.word(body.len() as u32 + 12);
        self.bytes.extend(self.endian.word(kind));
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.extend(length);
        self
    }

    /// The file so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn timed(&self, time: u64, data: &[u8], wire_len: u32) -> Vec<u8> {
        let words = [(time >> 32) as u32, time as u32, data.len() as u32, wire_len];
        let mut out: Vec<u8> = words.into_iter().flat_map(|word| self.endian.word(word)).collect();
        out.extend(padded(data));
        out
    }

    fn options(&self, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (code, value) in options {
            out.extend(self.endian.half(*code));
            out.extend(self.endian.half(value.len() as u16));
            out.extend(padded(value));
        }
        if !options.is_empty() {
            out.extend([0; 4]);
        }
        out
    }
}

/// A pcapng capture of one Ethernet interface with nanoseconds.
pub(crate) fn pcapng(endian: Endian, frames: &[Frame]) -> Vec<u8> {
    let file = PcapNg::new(endian).interface(1, 0, &[(9, &[9])]);
    frames.iter().fold(file, |file, f| file.packet(0, f.nanos, &f.data, f.wire_len)).bytes()
}

/// Packed with gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Packed with zstd.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// Packed as an LZ4 frame.
pub(crate) fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut out = lz4_flex::frame::FrameEncoder::new(Vec::new());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    out.resize(bytes.len().next_multiple_of(4), 0);
    out
}
