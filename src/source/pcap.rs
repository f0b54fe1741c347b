//! The classic format: one header, then records.
//!
//! `pcap-parser` reads the header. Records are four numbers and their bytes, and are read here
//! because the parser takes the first length for the captured one in every version.

use pcap_parser::parse_pcap_header;

use super::capture::Record;
use super::error::{Break, Fault};
use super::order::Order;
use super::window::Window;
use super::{Interface, MAX_BLOCK, portable_link};
use crate::time::{NANOS_PER_SEC, Timestamp};
use crate::wire::LinkType;

/// Bytes of the file's header.
const HEADER: usize = 24;

/// A classic capture behind its header.
#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    link: LinkType,
    /// Bytes of a record's header.
    record_header: usize,
    /// Nanoseconds in the unit of the sub-second field.
    unit: i64,
    lengths: Lengths,
    interface: Interface,
}

/// In which order a record gives the captured and the original length. Versions changed it, and
/// libpcap and Wireshark both still honour that.
#[derive(Clone, Copy, Debug)]
enum Lengths {
    /// Captured first, since version 2.4.
    CapturedFirst,
    /// Original first, up to version 2.2.
    OriginalFirst,
    /// Either, in version 2.3: the smaller one is the captured.
    Unsure,
}

/// Bytes of frame check sequence behind each packet, where the header's link field says so.
const fn fcs_length(link: u32) -> Option<u8> {
    const IS_STATED: u32 = 0x0400_0000;
    if link & IS_STATED == 0 { None } else { Some((link >> 28) as u8 * 2) }
}

/// Whether a stream that begins so is a classic capture.
pub(super) fn recognise(magic: [u8; 4]) -> bool {
    matches!(
        u32::from_le_bytes(magic),
        0xa1b2_c3d4 | 0xd4c3_b2a1 | 0xa1b2_3c4d | 0x4d3c_b2a1 | 0xa1b2_cd34
    )
}

impl Pcap {
    /// Reads the file's header; `None` when it is none after all.
    pub(super) fn begin(window: &mut Window) -> Result<Option<Self>, Break> {
        if !window.has(HEADER) {
            return window.shortage("the file's header", HEADER).map_or(Ok(None), Err);
        }
        let Ok((_, header)) = parse_pcap_header(window.view()) else {
            return Ok(None);
        };
        window.take(HEADER);
        Ok(Some(Self {
            order: if header.is_bigendian() { Order::Big } else { Order::Little },
            link: portable_link(header.network.0.cast_unsigned()),
            // Interface, protocol and packet type follow in the format of a patched libpcap.
            record_header: if header.is_modified_format() { 24 } else { 16 },
            unit: if header.is_nanosecond_precision() { 1 } else { 1_000 },
            interface: Interface::with_fcs(fcs_length(header.network.0.cast_unsigned())),
            lengths: match (header.version_major, header.version_minor) {
                (2, 0..=2) => Lengths::OriginalFirst,
                (2, 3) => Lengths::Unsure,
                _ => Lengths::CapturedFirst,
            },
        }))
    }

    /// What the file says of its one interface.
    pub(super) const fn interface(&self) -> &Interface {
        &self.interface
    }

    /// The next record, or `None` at a clean end.
    pub(super) fn advance(&mut self, window: &mut Window) -> Result<Option<Record>, Break> {
        if !window.has(self.record_header) {
            let shortage = window.shortage("a packet's header", self.record_header);
            return shortage.map_or(Ok(None), Err);
        }
        let view = window.view();
        let field = |at| self.order.word(view, at).unwrap_or(0);
        let (seconds, fraction, first, second) = (field(0), field(4), field(8), field(12));
        let (captured, original) = match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::OriginalFirst => (second, first),
            Lengths::Unsure => (first.min(second), first.max(second)),
        };
        if captured as usize > MAX_BLOCK {
            let fault = Fault::TooLong { claimed: captured.into(), most: MAX_BLOCK as u64 };
            return Err(Break::fault(window.offset(), fault));
        }
        let whole = self.record_header + captured as usize;
        if !window.has(whole) {
            return window.shortage("a packet", whole).map_or(Ok(None), Err);
        }
        let mark = window.mark() + self.record_header;
        window.take(whole);
        Ok(Some(Record {
            time: self.time(seconds, fraction),
            link: self.link,
            mark,
            captured,
            wire_len: original.max(captured),
            interface: 0,
            synthetic: false,
            options: (0, 0),
            moved: None,
        }))
    }

    /// Sub-seconds beyond a second are added as they are: damaged writers make them, and Zeek
    /// reads them so.
    fn time(&self, seconds: u32, fraction: u32) -> Timestamp {
        let nanos = i64::from(seconds) * NANOS_PER_SEC as i64;
        Timestamp::from_nanos(nanos + i64::from(fraction) * self.unit)
    }
}
