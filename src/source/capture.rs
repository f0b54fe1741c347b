//! One capture, whatever its format and packing.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::error::{Break, Cause};
use super::input::{Input, Progress};
use super::moved::{Held, Kept};
use super::order::Order;
use super::pcap::{self, Pcap};
use super::pcapng::{self, PcapNg};
use super::window::Window;
use super::{Compression, Packet, PacketOptions, Place, Source, SourceError};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// A capture that is being read.
pub struct Capture {
    path: String,
    compression: Compression,
    progress: Progress,
    window: Window,
    format: Format,
    /// The packet that was read last and is in the window.
    record: Option<Record>,
    /// The packet to deliver, if that is another: one that was held back.
    kept: Option<Kept>,
    held: Held,
    packets: u64,
    /// Of those, packets that were captured and not made by us.
    captured: u64,
    /// What ends it, once what was held back is delivered.
    ending: Option<Result<(), SourceError>>,
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
    /// Where in the window its options begin, and their bytes.
    pub(super) options: (usize, usize),
    /// As which of the captured packets it was captured, where it stands before its time.
    pub(super) moved: Option<u64>,
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
        Ok(Self {
            path,
            compression,
            progress,
            window,
            format,
            record: None,
            kept: None,
            held: Held::default(),
            packets: 0,
            captured: 0,
            ending: None,
        })
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
        if self.kept.take().is_none() {
            self.record = None;
        }
        loop {
            if self.record.is_none() && self.ending.is_none() {
                self.read();
            }
            let next = self.record.as_ref().map(|record| record.time);
            self.kept = self.held.due(self.captured, next);
            if self.kept.is_some() {
                self.count(false);
                return Ok(true);
            }
            let Some(record) = self.record else {
                let ending = self.ending.replace(Ok(())).unwrap_or(Ok(()));
                return ending.map(|()| false);
            };
            match Held::number_of(&record, self.captured) {
                Some(number) => {
                    self.held.keep(number, record, &self.window, self.order());
                    self.record = None;
                }
                None => {
                    self.count(record.synthetic);
                    return Ok(true);
                }
            }
        }
    }

    fn count(&mut self, synthetic: bool) {
        self.packets += 1;
        self.captured += u64::from(!synthetic);
    }

    /// Reads the next packet into the window, or notes that there is none.
    #[inline]
    fn read(&mut self) {
        let found = match &mut self.format {
            Format::Pcap(pcap) => pcap.advance(&mut self.window),
            Format::PcapNg(pcapng) => pcapng.advance(&mut self.window),
        };
        match found {
            Ok(Some(record)) => self.record = Some(record),
            Ok(None) => self.ending = Some(Ok(())),
            Err(why) => {
                let (path, offset) = (self.path.clone(), why.offset);
                let packets = why.packets.unwrap_or(self.packets);
                let compression = self.compression;
                self.ending = Some(Err(why.at(Place { path, offset, packets, compression })));
            }
        }
    }

    fn order(&self) -> Order {
        match &self.format {
            Format::Pcap(_) => Order::Little,
            Format::PcapNg(pcapng) => pcapng.order(),
        }
    }

    /// The packet that was read last, until the next is read.
    pub(super) fn current(&self) -> Option<Packet<'_>> {
        let (record, data, options) = match (&self.kept, &self.record) {
            (Some(kept), _) => {
                let (data, options) = kept.parts();
                (&kept.record, data, options)
            }
            (None, Some(record)) => {
                let (mark, len) = record.options;
                let options = PacketOptions::new(self.window.kept(mark, len), self.order());
                (record, self.window.kept(record.mark, record.captured as usize), options)
            }
            (None, None) => return None,
        };
        Some(Packet {
            time: record.time,
            link: record.link,
            data,
            wire_len: record.wire_len,
            interface: record.interface,
            file: 0,
            synthetic: record.synthetic,
            description: match &self.format {
                Format::Pcap(pcap) => pcap.interface(),
                Format::PcapNg(pcapng) => pcapng.description(record.interface),
            },
            options,
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
