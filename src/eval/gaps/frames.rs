//! A capture in memory: its frames as they are, and what each carries.

use std::path::Path;

use crate::source::{self, Source, SourceError};
use crate::time::Timestamp;
use crate::wire::{self, Address, LinkType, TcpFlags, Transport, Tunnels};

/// Who sends to whom.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Ends {
    pub(super) from: (Address, u16),
    pub(super) to: (Address, u16),
    pub(super) protocol: u8,
}

impl Ends {
    /// The same for both directions.
    pub(super) fn connection(self) -> Self {
        let Self { from, to, protocol } = self;
        Self { from: from.min(to), to: from.max(to), protocol }
    }
}

/// What kind of packet, as far as finding it again goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// TCP with payload.
    Data,
    /// TCP without payload, SYN, FIN or RST.
    Ack,
    /// TCP without payload and with one of them.
    Control,
    /// UDP.
    Udp,
    /// Any other protocol.
    Other,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Data, Self::Ack, Self::Control, Self::Udp, Self::Other];

    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Data => "tcp data",
            Self::Ack => "tcp ack",
            Self::Control => "tcp control",
            Self::Udp => "udp",
            Self::Other => "other",
        }
    }

    /// The class of a packet of `protocol`.
    pub(super) const fn of(protocol: u8, flags: TcpFlags, payload_len: u32) -> Self {
        const CONTROL: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0);
        match protocol {
            6 if payload_len > 0 => Self::Data,
            6 if flags.intersects(CONTROL) => Self::Control,
            6 => Self::Ack,
            17 => Self::Udp,
            _ => Self::Other,
        }
    }
}

/// What a frame carries.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Content {
    pub(super) ends: Ends,
    pub(super) class: Class,
    pub(super) flags: TcpFlags,
    /// TCP sequence number of its payload.
    pub(super) sequence: u32,
    pub(super) payload_len: u32,
}

/// One frame.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) time: Timestamp,
    pub(super) link: LinkType,
    at: usize,
    captured: usize,
    pub(super) wire_len: u32,
    /// `None` without IP, and for later fragments.
    pub(super) content: Option<Content>,
}

/// All frames of a capture.
#[derive(Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    pub(super) all: Vec<Frame>,
}

impl Frames {
    /// Reads a capture; one that breaks off counts up to there.
    pub(super) fn read(path: &Path, tunnels: Tunnels) -> (Self, Option<SourceError>) {
        let mut frames = Self::default();
        let read = source::Capture::open(path).and_then(|mut file| frames.take(&mut file, tunnels));
        (frames, read.err())
    }

    fn take(&mut self, file: &mut source::Capture, tunnels: Tunnels) -> Result<(), SourceError> {
        while let Some(packet) = file.next()? {
            if packet.synthetic {
                continue;
            }
            let view = wire::parse(packet.link, packet.data, packet.wire_len, tunnels);
            self.all.push(Frame {
                time: packet.time,
                link: packet.link,
                at: self.bytes.len(),
                captured: packet.data.len(),
                wire_len: packet.wire_len,
                content: content(&view),
            });
            self.bytes.extend(packet.data);
        }
        Ok(())
    }

    /// The captured bytes of a frame.
    pub(super) fn data(&self, frame: &Frame) -> &[u8] {
        self.bytes.get(frame.at..frame.at + frame.captured).unwrap_or_default()
    }

    /// Seconds in which there was something to see: a pause counts as five minutes at most, because
    /// captures made of several hold years.
    pub(super) fn seconds(&self) -> f64 {
        const LONGEST_PAUSE: f64 = 300.0;
        let pairs = self.all.iter().zip(self.all.iter().skip(1));
        pairs.map(|(a, b)| b.time.since(a.time).secs_f64().min(LONGEST_PAUSE)).sum()
    }

    /// From the earliest frame to the latest.
    pub(super) fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let times = self.all.iter().map(|frame| frame.time);
        times.clone().min().zip(times.max())
    }
}

fn content(view: &wire::PacketView<'_>) -> Option<Content> {
    let network = view.network?;
    if network.fragment.is_some_and(|fragment| fragment.offset > 0) {
        return None;
    }
    let (ports, flags, sequence) = match view.transport {
        Transport::Tcp(tcp) => {
            let syn = u32::from(tcp.flags.contains(TcpFlags::SYN));
            ((tcp.source, tcp.destination), tcp.flags, tcp.sequence.wrapping_add(syn))
        }
        Transport::Udp { source, destination } => ((source, destination), TcpFlags(0), 0),
        _ => ((0, 0), TcpFlags(0), 0),
    };
    let protocol = network.protocol;
    Some(Content {
        ends: Ends {
            from: (network.source, ports.0),
            to: (network.destination, ports.1),
            protocol,
        },
        class: Class::of(protocol, flags, view.payload_len),
        flags,
        sequence,
        payload_len: view.payload_len,
    })
}
