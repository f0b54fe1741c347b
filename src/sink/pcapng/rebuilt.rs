//! The rebuilt stream: packets and events in, a capture out.

use std::collections::HashMap;
use std::path::PathBuf;

use super::block_file::{BlockFile, Destination};
use super::{blocks, comment};
use crate::predict::rebuild::{Left, Order, Place, Segment, Synthesis, Templates, Window};
use crate::predict::{Outcome, Settled, SyntheticId, SyntheticPacket};
use crate::sensor::{Event, Verdict};
use crate::sink::SinkError;
use crate::source::{Interface, Packet, push_option};
use crate::time::{Span, Timestamp};
use crate::wire::{self, LinkType, PacketView, TcpFlags, Transport, Tunnels};

/// The interface that synthetic packets are on.
const INTERFACE_NAME: &str = "foreshadow";
const INTERFACE_DESCRIPTION: &str = "Synthetic: packets that were never captured";
/// What a packet weighs in the window beside its bytes.
const OVERHEAD: usize = 256;
/// Who reads a stream while it is written waits no longer than this, in packet time.
const FLUSH_INTERVAL: Span = Span::from_millis(100);
const TCP: u8 = 6;

/// How a stream is rebuilt.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RebuildOptions {
    /// In which order packets stand.
    pub order: Order,
    /// How long a packet waits for what belongs before it, in packet time.
    pub window: Span,
    /// Bytes that may wait; beyond them the earliest packets no longer do.
    pub memory: usize,
    /// The quantile that deadlines were set at, for the comments.
    pub quantile: f64,
    /// The tunnels that the sensor opens.
    pub tunnels: Tunnels,
}

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// The capture; what an error calls it where it is no file.
    pub path: PathBuf,
    /// The capture of the synthetic packets, if they are kept apart.
    pub synthetic_path: Option<PathBuf>,
    /// Packets as they were captured.
    pub captured: u64,
    /// Of those, packets that stand before one that was captured earlier.
    pub moved: u64,
    /// Synthetic packets.
    pub synthetic: u64,
    /// Of those, packets that became known when their place had been written.
    pub late: u64,
}

/// Writes a rebuilt stream.
///
/// For every packet a host calls [`Sensor::push`](crate::sensor::Sensor::push), hands over the events
/// it polls by [`RebuiltStream::event`], and then the packet itself by [`RebuiltStream::packet`].
pub struct RebuiltStream {
    options: RebuildOptions,
    window: Window<Item>,
    templates: Templates,
    /// Where synthetic packets wait whose outcome is not known.
    open: HashMap<SyntheticId, Place>,
    /// What captures said of their interfaces.
    described: HashMap<(u32, u32), (LinkType, Interface)>,
    main: Capture,
    /// Where synthetic packets are kept apart.
    apart: Option<Capture>,
    captured: u64,
    synthetic: u64,
    flushed: Timestamp,
    /// Room for a packet's options.
    scratch: Vec<u8>,
}

enum Item {
    Captured {
        number: u64,
        time: Timestamp,
        wire_len: u32,
        source: (u32, u32),
        /// Its data, then its options.
        bytes: Vec<u8>,
        data_len: usize,
    },
    Synthetic(Box<(SyntheticPacket, Synthesis, Option<Outcome>)>),
}

/// A file and the interfaces described in it so far.
struct Capture {
    file: BlockFile,
    interfaces: HashMap<(Origin, bool), u32>,
}

/// What an interface stands for, beside whether it is for times before 1970.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Origin {
    /// A file's interface.
    Captured((u32, u32)),
    /// Our own, for one kind of link.
    Synthetic(LinkType),
}

impl RebuiltStream {
    /// Begins a stream; synthetic packets go to `apart` where that is given.
    ///
    /// # Errors
    ///
    /// When a destination cannot be written to, or holds what is no capture.
    pub fn create(
        destination: Destination,
        apart: Option<Destination>,
        options: RebuildOptions,
    ) -> Result<Self, SinkError> {
        let name = options.order.name();
        let held = if apart.is_some() {
            "The synthetic packets are in a file of their own."
        } else {
            "Packets on the interface foreshadow were never captured."
        };
        let main =
            Capture::create(destination, &format!("foreshadow:rebuilt v=1 order={name}\n{held}"))?;
        let apart = apart
            .map(|apart| {
                let text = "No packet in this file was ever captured.";
                Capture::create(apart, &format!("foreshadow:synthetic v=1 order={name}\n{text}"))
            })
            .transpose()?;
        Ok(Self {
            options,
            window: Window::new(options.order, options.window, options.memory),
            templates: Templates::default(),
            open: HashMap::new(),
            described: HashMap::new(),
            main,
            apart,
            captured: 0,
            synthetic: 0,
            flushed: Timestamp::MIN,
            scratch: Vec::new(),
        })
    }

    /// Takes a captured packet, and what the sensor answered for it.
    ///
    /// One that is itself synthetic, out of a file that was rebuilt, is left out.
    ///
    /// # Errors
    ///
    /// When packets cannot be written; nothing more is then.
    pub fn packet(&mut self, packet: &Packet<'_>, verdict: &Verdict) -> Result<(), SinkError> {
        if packet.synthetic {
            return Ok(());
        }
        self.window.clock(packet.time);
        self.write_due(packet.time)?;
        let view = wire::parse(packet.link, packet.data, packet.wire_len, self.options.tunnels);
        let segment = verdict.connection.and_then(|id| {
            self.templates.learn(id, verdict.side, packet.link, packet.data, &view);
            let (start, len) = stretch(&view)?;
            Some(Segment { id, side: verdict.side, start, len })
        });
        let source = (packet.file, packet.interface);
        self.described.entry(source).or_insert_with(|| (packet.link, packet.description.clone()));
        let mut bytes = packet.data.to_vec();
        packet.options.copy_to(&mut self.scratch);
        bytes.append(&mut self.scratch);
        self.captured += 1;
        let weight = bytes.len() + OVERHEAD;
        let item = Item::Captured {
            number: self.captured,
            time: packet.time,
            wire_len: packet.wire_len,
            source,
            bytes,
            data_len: packet.data.len(),
        };
        self.window.take(packet.time, segment, weight, item);
        Ok(())
    }

    /// Takes an event of the sensor: synthetic packets and their outcomes count, others do not.
    ///
    /// # Errors
    ///
    /// When packets cannot be written; nothing more is then.
    pub fn event(&mut self, event: &Event) -> Result<(), SinkError> {
        match event {
            Event::Synthetic(packet) => {
                self.make(packet);
                // Thousands may come between two packets.
                self.window.advance(packet.made);
                return self.write_due(packet.made);
            }
            Event::Outcome(Settled { serial, outcome, .. }) => {
                if let Some(place) = self.open.remove(serial)
                    && let Some(Item::Synthetic(made)) = self.window.find(&place)
                {
                    made.2 = Some(*outcome);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Packet time has come to `now` though no packet did.
    ///
    /// # Errors
    ///
    /// When packets cannot be written; nothing more is then.
    pub fn advance(&mut self, now: Timestamp) -> Result<(), SinkError> {
        self.window.advance(now);
        self.write_due(now)?;
        self.flush()
    }

    /// Gives everything that left the window to the operating system.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn flush(&mut self) -> Result<(), SinkError> {
        self.main.file.flush()?;
        self.apart.as_mut().map_or(Ok(()), |apart| apart.file.flush())
    }

    /// Writes what still waits and gives the files their names.
    ///
    /// # Errors
    ///
    /// When that fails. A file keeps its partial name then.
    pub fn close(mut self) -> Result<Written, SinkError> {
        while let Some(left) = self.window.pop_first() {
            self.write(left)?;
        }
        Ok(Written {
            path: self.main.file.close()?,
            synthetic_path: self.apart.map(|apart| apart.file.close()).transpose()?,
            captured: self.captured,
            moved: self.window.moved(),
            synthetic: self.synthetic,
            late: self.window.late(),
        })
    }

    fn make(&mut self, packet: &SyntheticPacket) {
        let Some(made) = self.templates.headers(packet) else { return };
        let segment = packet.sequence.filter(|_| packet.key.protocol == TCP).map(|start| Segment {
            id: packet.id,
            side: packet.side,
            start,
            len: packet.payload_len.saturating_add(counted(packet.flags)),
        });
        let weight = made.bytes.len() + OVERHEAD + size_of::<SyntheticPacket>();
        let item = Item::Synthetic(Box::new((*packet, made, None)));
        let place = self.window.take_synthetic(packet.due, segment, weight, item);
        self.open.insert(packet.serial, place);
    }

    #[inline]
    fn write_due(&mut self, now: Timestamp) -> Result<(), SinkError> {
        while let Some(left) = self.window.pop() {
            self.write(left)?;
        }
        if self.main.file.is_stream() && now.since(self.flushed) >= FLUSH_INTERVAL {
            self.flushed = now;
            self.flush()?;
        }
        Ok(())
    }

    fn write(&mut self, left: Left<Item>) -> Result<(), SinkError> {
        match left.item {
            Item::Captured { number, time, wire_len, source, mut bytes, data_len } => {
                let Some((link, description)) = self.described.get(&source) else { return Ok(()) };
                let origin = Origin::Captured(source);
                let main = &mut self.main;
                let interface = main.interface(origin, *link, description.options(), time)?;
                if self.apart.is_none() {
                    // Readers like to know all interfaces early.
                    main.synthetic_interface(*link, time)?;
                }
                if left.moved {
                    push_option(
                        &mut self.scratch,
                        blocks::COMMENT,
                        comment::moved(number).as_bytes(),
                    );
                    bytes.append(&mut self.scratch);
                }
                let (data, options) = bytes.split_at(data_len);
                main.file.blocks(|out| {
                    blocks::packet(out, interface, time, data, wire_len, options);
                })
            }
            Item::Synthetic(made) => {
                let (packet, Synthesis { link, bytes, wire_len }, outcome) = *made;
                self.open.remove(&packet.serial);
                self.synthetic += 1;
                let capture = self.apart.as_mut().unwrap_or(&mut self.main);
                let interface = capture.synthetic_interface(link, packet.due)?;
                let text = comment::synthetic(&packet, self.options.quantile, outcome);
                self.scratch.clear();
                push_option(&mut self.scratch, blocks::COMMENT, text.as_bytes());
                let options = &self.scratch;
                capture.file.blocks(|out| {
                    blocks::packet(out, interface, packet.due, &bytes, wire_len, options);
                })?;
                self.scratch.clear();
                Ok(())
            }
        }
    }
}

impl Capture {
    fn create(destination: Destination, comment: &str) -> Result<Self, SinkError> {
        let mut file = BlockFile::create(destination)?;
        file.blocks(|out| blocks::section(out, comment))?;
        if file.is_stream() {
            // Who waits for a capture sees that it has begun.
            file.flush()?;
        }
        Ok(Self { file, interfaces: HashMap::new() })
    }

    /// The number of our own interface for a kind of link.
    fn synthetic_interface(&mut self, link: LinkType, time: Timestamp) -> Result<u32, SinkError> {
        let mut options = Vec::new();
        push_option(&mut options, blocks::IF_NAME, INTERFACE_NAME.as_bytes());
        push_option(&mut options, blocks::IF_DESCRIPTION, INTERFACE_DESCRIPTION.as_bytes());
        self.interface(Origin::Synthetic(link), link, &options, time)
    }

    /// The number of an interface, which is described first if it is not yet.
    fn interface(
        &mut self,
        origin: Origin,
        link: LinkType,
        options: &[u8],
        time: Timestamp,
    ) -> Result<u32, SinkError> {
        let before_1970 = blocks::is_before_1970(time);
        let key = (origin, before_1970);
        if let Some(number) = self.interfaces.get(&key) {
            return Ok(*number);
        }
        let number = self.interfaces.len() as u32;
        self.file.blocks(|out| blocks::interface(out, link, options, before_1970))?;
        self.interfaces.insert(key, number);
        Ok(number)
    }
}

/// What a packet takes up of its side's TCP stream: where it begins, and how many numbers it takes.
fn stretch(view: &PacketView<'_>) -> Option<(u32, u32)> {
    match view.transport {
        Transport::Tcp(tcp) if view.stop.is_none() && !tcp.flags.contains(TcpFlags::RST) => {
            Some((tcp.sequence, view.payload_len.saturating_add(counted(tcp.flags))))
        }
        _ => None,
    }
}

/// The numbers that SYN and FIN take.
const fn counted(flags: TcpFlags) -> u32 {
    flags.contains(TcpFlags::SYN) as u32 + flags.contains(TcpFlags::FIN) as u32
}
