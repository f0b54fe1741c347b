//! The block format: sections, interfaces, and packets of three kinds.
//!
//! `pcap-parser` frames the blocks and splits the options. Packet blocks are taken apart here,
//! because its own type for them collects the options of every packet into a new vector.

use pcap_parser::{
    EPB_MAGIC, IDB_MAGIC, SHB_MAGIC, SPB_MAGIC, parse_sectionheaderblock, parse_unknownblock_be,
    parse_unknownblock_le,
};

use super::capture::Record;
use super::error::{Break, Fault};
use super::interface::each_option;
use super::order::Order;
use super::scale::Scale;
use super::window::Window;
use super::{Interface, MAX_BLOCK, MOVED_COMMENT, portable_link};
use crate::time::Timestamp;
use crate::wire::LinkType;

/// The packet block that the enhanced one replaced; older captures hold it.
const OBSOLETE_PACKET: u32 = 2;
/// Bytes of a block's frame: its kind and its length at both ends.
const FRAME: usize = 12;
/// What a whole block may be: a packet of [`MAX_BLOCK`] with its fields and options.
const MOST: usize = MAX_BLOCK + (1 << 20);

/// Option codes.
const COMMENT: u16 = 1;
const IF_NAME: u16 = 2;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

/// The interface our own packets are written on.
const OUR_INTERFACE: &[u8] = b"foreshadow";
/// How the comment on one of our own packets begins.
const OUR_COMMENT: &[u8] = b"foreshadow:synthetic";

/// Whether a stream that begins so is a pcapng capture.
pub(super) fn recognise(magic: [u8; 4]) -> bool {
    u32::from_le_bytes(magic) == SHB_MAGIC
}

/// A block capture at some place in some section.
#[derive(Debug, Default)]
pub(super) struct PcapNg {
    order: Order,
    interfaces: Vec<Described>,
    /// Interfaces of the sections before this one.
    earlier: u32,
    /// The last packet's time, for packets that carry none.
    last: Timestamp,
    /// Packets read.
    packets: u64,
    /// The first packet that had to be left out though its block is whole.
    left_out: Option<Break>,
}

#[derive(Debug)]
struct Described {
    link: LinkType,
    scale: Scale,
    /// Bytes kept of a packet; 0 is all.
    snaplen: u32,
    synthetic: bool,
    description: Interface,
}

/// A block in view, without its frame.
#[derive(Clone, Copy, Debug)]
struct Block {
    kind: u32,
    len: usize,
}

impl PcapNg {
    /// The next packet, or `None` at a clean end.
    ///
    /// A packet that contradicts its own whole block is left out and reading goes on behind the
    /// block; the first such fault is what the capture ends with, unless it breaks off. A
    /// damaged interface ends it at once, for later packets would be taken for another's.
    pub(super) fn advance(&mut self, window: &mut Window) -> Result<Option<Record>, Break> {
        loop {
            let Some(block) = self.block(window)? else {
                return self.left_out.take().map_or(Ok(None), Err);
            };
            let mark = window.mark();
            let body = &window.view()[8..block.len - 4];
            let offset = window.offset();
            let found = match block.kind {
                EPB_MAGIC => self.enhanced(body).map(Some),
                SPB_MAGIC => self.simple(body).map(Some),
                OBSOLETE_PACKET => self.obsolete(body).map(Some),
                IDB_MAGIC => {
                    self.describe(body).map_err(|fault| Break::fault(offset, fault))?;
                    Ok(None)
                }
                _ => Ok(None),
            };
            window.take(block.len);
            match found {
                Ok(Some(record)) => {
                    self.last = record.time;
                    self.packets += 1;
                    let (at, len) = record.options;
                    let (mark, options) = (mark + 8 + record.mark, (mark + 8 + at, len));
                    return Ok(Some(Record { mark, options, ..record }));
                }
                Ok(None) => {}
                Err(fault) => {
                    let packets = Some(self.packets);
                    let left_out = Break { packets, ..Break::fault(offset, fault) };
                    self.left_out.get_or_insert(left_out);
                }
            }
        }
    }

    /// Brings a whole block into view; a section header is dealt with on the way.
    fn block(&mut self, window: &mut Window) -> Result<Option<Block>, Break> {
        if !window.has(FRAME) {
            return window.shortage("a block", FRAME).map_or(Ok(None), Err);
        }
        let offset = window.offset();
        let broken = |fault| Err(Break::fault(offset, fault));
        let view = window.view();
        let section = Order::Little.word(view, 0) == Some(SHB_MAGIC);
        if section {
            self.order = match [view[8], view[9], view[10], view[11]] {
                [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
                [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
                mark => return broken(Fault::ByteOrder { mark }),
            };
        }
        let head = self.order.word(view, 4).unwrap_or(0);
        let len = head as usize;
        if len < FRAME {
            return broken(Fault::TooShort { claimed: head });
        }
        if len > MOST {
            return broken(Fault::TooLong { claimed: u64::from(head), most: MOST as u64 });
        }
        if !window.has(len) {
            return window.shortage("a block", len).map_or(Ok(None), Err);
        }
        let framed = match self.order {
            Order::Little => parse_unknownblock_le(window.view()),
            Order::Big => parse_unknownblock_be(window.view()),
        };
        let Ok((_, framed)) = framed else {
            return broken(Fault::TooShort { claimed: head });
        };
        if framed.block_len2 != head {
            return broken(Fault::LengthsDiffer { head, tail: framed.block_len2 });
        }
        let kind = match self.order {
            Order::Little => framed.block_type,
            Order::Big => framed.block_type.swap_bytes(),
        };
        if section {
            match parse_sectionheaderblock(window.view()) {
                Ok((_, header)) if header.major_version == 1 => {}
                Ok((_, header)) => {
                    let (major, minor) = (header.major_version, header.minor_version);
                    return broken(Fault::Version { major, minor });
                }
                Err(_) => return broken(Fault::Fields { block: "a section header" }),
            }
            self.earlier = self.earlier.saturating_add(self.interfaces.len() as u32);
            self.interfaces.clear();
        }
        Ok(Some(Block { kind, len }))
    }

    /// Interface description block: link type, reserved, snap length, options.
    fn describe(&mut self, body: &[u8]) -> Result<(), Fault> {
        let short = Fault::Fields { block: "an interface description" };
        let link = self.order.half(body, 0).ok_or(short)?;
        let snaplen = self.order.word(body, 4).ok_or(short)?;
        let list = body.get(8..).unwrap_or_default();
        let (mut resolution, mut offset, mut synthetic) = (6, 0, false);
        each_option(list, self.order, |code, value| match code {
            IF_NAME => synthetic |= text(value) == OUR_INTERFACE,
            IF_TSRESOL => resolution = value.first().copied().unwrap_or(resolution),
            IF_TSOFFSET => {
                if let Ok(bytes) = <[u8; 8]>::try_from(value) {
                    offset = match self.order {
                        Order::Little => i64::from_le_bytes(bytes),
                        Order::Big => i64::from_be_bytes(bytes),
                    };
                }
            }
            _ => {}
        });
        let (link, scale) = (portable_link(u32::from(link)), Scale::new(resolution, offset));
        let description = Interface::described(list, self.order);
        self.interfaces.push(Described { link, scale, snaplen, synthetic, description });
        Ok(())
    }

    /// Enhanced packet block: interface, time in two words, captured, original, data, options.
    fn enhanced(&self, body: &[u8]) -> Result<Record, Fault> {
        let number = self.order.word(body, 0);
        let short = Fault::Fields { block: "an enhanced packet block" };
        self.timed(body, number.ok_or(short)?, short)
    }

    /// Obsolete packet block: as the enhanced one, with a drop count beside a short interface.
    fn obsolete(&self, body: &[u8]) -> Result<Record, Fault> {
        let number = self.order.half(body, 0).map(u32::from);
        let short = Fault::Fields { block: "a packet block" };
        self.timed(body, number.ok_or(short)?, short)
    }

    /// What the two packet blocks with a time have in common.
    fn timed(&self, body: &[u8], number: u32, short: Fault) -> Result<Record, Fault> {
        /// Where the data begins.
        const DATA: usize = 20;
        let field = |at| self.order.word(body, at).ok_or(short);
        let (high, low, captured, original) = (field(4)?, field(8)?, field(12)?, field(16)?);
        let interface = self.interface(number)?;
        let room = body.len() - DATA;
        if captured as usize > room {
            return Err(Fault::Overrun { claimed: captured, room: room as u32 });
        }
        let (mut synthetic, mut moved) = (interface.synthetic, None);
        let behind = (DATA + (captured as usize).next_multiple_of(4)).min(body.len());
        each_option(&body[behind..], self.order, |code, value| {
            if code == COMMENT {
                synthetic |= value.starts_with(OUR_COMMENT);
                moved = moved.or_else(|| number_of_moved(value));
            }
        });
        Ok(Record {
            time: interface.scale.time(u64::from(high) << 32 | u64::from(low)),
            link: interface.link,
            mark: DATA,
            captured,
            wire_len: original.max(captured),
            interface: self.earlier.saturating_add(number),
            synthetic,
            options: (behind, body.len() - behind),
            moved,
        })
    }

    /// Simple packet block: original length and data, of the first interface, without a time.
    /// It is given the time of the packet before it, so that it keeps its place.
    fn simple(&self, body: &[u8]) -> Result<Record, Fault> {
        let short = Fault::Fields { block: "a simple packet block" };
        let original = self.order.word(body, 0).ok_or(short)?;
        let interface = self.interface(0)?;
        let kept = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let captured = original.min(kept).min((body.len() - 4) as u32);
        Ok(Record {
            time: self.last,
            link: interface.link,
            mark: 4,
            captured,
            wire_len: original.max(captured),
            interface: self.earlier,
            synthetic: interface.synthetic,
            options: (0, 0),
            moved: None,
        })
    }

    /// What the file says of an interface, numbered through all sections.
    pub(super) fn description(&self, number: u32) -> &Interface {
        let described = self.interfaces.get(number.wrapping_sub(self.earlier) as usize);
        described.map_or(Interface::NONE, |described| &described.description)
    }

    /// The byte order of the section that was read last.
    pub(super) const fn order(&self) -> Order {
        self.order
    }

    fn interface(&self, number: u32) -> Result<&Described, Fault> {
        let described = self.interfaces.len() as u32;
        self.interfaces.get(number as usize).ok_or(Fault::Interface { number, described })
    }
}

/// A text option up to the zero that some writers end it with.
fn text(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// As which of the captured packets a packet was captured, where a comment says that it stands
/// before its time.
fn number_of_moved(comment: &[u8]) -> Option<u64> {
    let rest = std::str::from_utf8(comment).ok()?.strip_prefix(MOVED_COMMENT)?;
    rest.split_whitespace().find_map(|word| word.strip_prefix("number="))?.parse().ok()
}
