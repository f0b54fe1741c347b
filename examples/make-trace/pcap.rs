//! A classic pcap of Ethernet frames, one every 1 / rate seconds.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

/// Packet time begins here: a fixed moment, so that the same command makes the same bytes.
const BEGIN: u64 = 1_700_000_000_000_000_000;

pub(crate) struct Writer {
    out: BufWriter<File>,
    packets: u64,
    rate: u64,
}

impl Writer {
    pub(crate) fn create(path: &Path, rate: u64) -> Result<Self> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        // Nanoseconds, version 2.4, no zone, whole packets, Ethernet.
        for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self { out, packets: 0, rate })
    }

    /// Writes the next frame, of which `wire_len` bytes were on the wire.
    pub(crate) fn frame(&mut self, frame: &[u8], wire_len: u32) -> Result<()> {
        let since = u128::from(self.packets) * 1_000_000_000 / u128::from(self.rate);
        let time = BEGIN + since as u64;
        let (seconds, nanos) = ((time / 1_000_000_000) as u32, (time % 1_000_000_000) as u32);
        for word in [seconds, nanos, frame.len() as u32, wire_len] {
            self.out.write_all(&word.to_le_bytes())?;
        }
        self.packets += 1;
        self.out.write_all(frame)
    }

    pub(crate) fn finish(&mut self) -> Result<()> {
        self.out.flush()
    }

    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }
}
