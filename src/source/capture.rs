//! One capture, whatever its format and packing.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::error::{Break, Cause};
use super::input::{Input, Progress};
use super::pcap::{self, Pcap};
use super::pcapng::{self, PcapNg};
use super::window::Window;
use super::{Compression, Packet, Place, Source, SourceError};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// A capture that is being read.
pub struct Capture {
    path: String,
    compression: Compression,
    progress: Progress,
    window: Window,
    format: Format,
    /// The packet that was read last.
    record: Option<Record>,
    packets: u64,
    finished: bool,
}

enum Format {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

/// A packet in the window: everything but its bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) time: Timestamp,
    pub(super) link: LinkType,
    /// Where in the window its bytes begin.
    pub(super) mark: usize,
    /// How many they are.
    pub(super) captured: u32,
    pub(super) wire_len: u32,
    pub(super) interface: u32,
    pub(super) synthetic: bool,
}

/// Reads a capture from any stream; `name` stands for it in errors.
///
/// # Errors
///
/// When the stream is empty or is no capture.
pub fn from_reader(name: &str, reader: impl Read + Send + 'static) -> Result<Capture, SourceError> {
    Capture::begin(name.to_owned(), Input::unpack(name.to_owned(), reader, None)?)
}

impl Capture {
    /// Opens a capture file; `-` is standard input.
    ///
    /// # Errors
    ///
    /// When it cannot be opened, is empty, or is no capture.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SourceError> {
        Self::open_until(path.as_ref(), None)
    }

    /// As [`Capture::open`]; a pipe is at its end once `stop` is set.
    pub(super) fn open_until(
        path: &Path,
        stop: Option<&Arc<AtomicBool>>,
    ) -> Result<Self, SourceError> {
        let name = if path == Path::new("-") {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        Self::begin(name, Input::open(path, stop)?)
    }

    fn begin(path: String, input: Input) -> Result<Self, SourceError> {
        let Input { bytes, compression, progress } = input;
        let mut window = Window::new(bytes);
        let place = |offset| Place { path: path.clone(), offset, packets: 0, compression };
        if !window.has(1) {
            return Err(match window.shortage("a capture", 4) {
                Some(why) => why.at(place(0)),
                None => SourceError::Empty { path },
            });
        }
        window.has(4);
        let magic = window.view().first_chunk().copied();
        let format = match magic {
            Some(magic) if pcap::recognise(magic) => match Pcap::begin(&mut window) {
                Ok(format) => format.map(Format::Pcap),
                Err(why) => return Err(why.at(place(0))),
            },
            Some(magic) if pcapng::recognise(magic) => Some(Format::PcapNg(PcapNg::default())),
            _ => None,
        };
        let Some(format) = format else {
            if let Some(why @ Break { cause: Cause::Read(_), .. }) = window.shortage("", 0) {
                return Err(why.at(place(0)));
            }
            window.has(8);
            let began = window.view().iter().copied().take(8).collect();
            return Err(SourceError::NotACapture { path, began });
        };
        let (record, packets, finished) = (None, 0, false);
        Ok(Self { path, compression, progress, window, format, record, packets, finished })
    }

    /// How the capture is packed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Packets read so far.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// Reads one packet on; whether there was one. [`Capture::current`] has it then.
    ///
    /// # Errors
    ///
    /// As [`Source::next`].
    pub(super) fn advance(&mut self) -> Result<bool, SourceError> {
        self.record = None;
        if self.finished {
            return Ok(false);
        }
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.advance(&mut self.window),
            Format::PcapNg(pcapng) => pcapng.advance(&mut self.window),
        };
        match found {
            Ok(Some(record)) => {
                self.record = Some(record);
                self.packets += 1;
                Ok(true)
            }
            Ok(None) => {
                self.finished = true;
                Ok(false)
            }
            Err(why) => {
                self.finished = true;
                let (path, offset) = (self.path.clone(), why.offset);
                let packets = why.packets.unwrap_or(self.packets);
                let compression = self.compression;
                Err(why.at(Place { path, offset, packets, compression }))
            }
        }
    }

    /// The packet that was read last, until the next is read.
    pub(super) fn current(&self) -> Option<Packet<'_>> {
        self.record.map(|record| Packet {
            time: record.time,
            link: record.link,
            data: self.window.kept(record.mark, record.captured as usize),
            wire_len: record.wire_len,
            interface: record.interface,
            file: 0,
            synthetic: record.synthetic,
        })
    }
}

impl Source for Capture {
    fn next(&mut self) -> Result<Option<Packet<'_>>, SourceError> {
        self.advance()?;
        Ok(self.current())
    }

    fn position(&self) -> Option<(u64, u64)> {
        self.progress.position()
    }
}

impl Break {
    fn at(self, place: Place) -> SourceError {
        match self.cause {
            Cause::Short { what, expected, came } => {
                SourceError::Truncated { place, what, expected, came }
            }
            Cause::Fault(fault) => SourceError::Corrupt { place, fault },
            Cause::Read(error) => SourceError::Unreadable { place, reason: error.to_string() },
        }
    }
}
