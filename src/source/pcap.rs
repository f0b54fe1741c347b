//! The classic format: one header, then records.

use pcap_parser::nom::{Err as NomErr, IResult, Needed};
use pcap_parser::{
    LegacyPcapBlock, PcapError, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header,
};

use super::capture::Record;
use super::error::{Break, Cause, Fault};
use super::window::Window;
use super::{MAX_BLOCK, portable_link};
use crate::time::{NANOS_PER_SEC, Timestamp};
use crate::wire::LinkType;

/// Bytes of the file's header.
const HEADER: usize = 24;

type Parse = fn(&[u8]) -> IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>>;

/// A classic capture behind its header.
#[derive(Debug)]
pub(super) struct Pcap {
    link: LinkType,
    /// Bytes of a record's header.
    record_header: usize,
    /// Nanoseconds in the unit of the sub-second field.
    unit: i64,
    parse: Parse,
}

/// Whether a stream that begins so is a classic capture.
pub(super) fn recognise(magic: [u8; 4]) -> bool {
    matches!(
        u32::from_le_bytes(magic),
        0xa1b2_c3d4 | 0xd4c3_b2a1 | 0xa1b2_3c4d | 0x4d3c_b2a1 | 0xa1b2_cd34
    )
}

impl Pcap {
    /// Reads the file's header.
    pub(super) fn begin(window: &mut Window) -> Result<Option<Self>, Break> {
        if !window.has(HEADER) {
            return window.shortage("the file's header", HEADER).map_or(Ok(None), Err);
        }
        let Ok((_, header)) = parse_pcap_header(window.view()) else {
            return Ok(None);
        };
        window.take(HEADER);
        let modified = header.is_modified_format();
        let parse = match (modified, header.is_bigendian()) {
            (true, _) => parse_pcap_frame_modified,
            (false, true) => parse_pcap_frame_be,
            (false, false) => parse_pcap_frame,
        };
        Ok(Some(Self {
            link: portable_link(header.network.0.cast_unsigned()),
            record_header: if modified { 24 } else { 16 },
            unit: if header.is_nanosecond_precision() { 1 } else { 1_000 },
            parse,
        }))
    }

    /// The next record, or `None` at a clean end.
    pub(super) fn advance(&mut self, window: &mut Window) -> Result<Option<Record>, Break> {
        loop {
            let missing = match (self.parse)(window.view()) {
                Ok((_, block)) => {
                    let (captured, original) = (block.caplen, block.origlen);
                    let time = self.time(block.ts_sec, block.ts_usec);
                    return self.record(window, time, captured, original).map(Some);
                }
                Err(NomErr::Incomplete(Needed::Size(missing))) => missing.get(),
                Err(_) => 1,
            };
            let wanted = window.view().len().saturating_add(missing);
            // The largest claim of a whole record is judged with its header in view.
            if wanted > MAX_BLOCK + self.record_header {
                let claimed = (wanted - self.record_header) as u64;
                return Err(too_long(window, claimed));
            }
            if !window.has(wanted) {
                return window.shortage("a packet record", wanted).map_or(Ok(None), Err);
            }
        }
    }

    /// Takes a record that is wholly in view.
    fn record(
        &self,
        window: &mut Window,
        time: Timestamp,
        captured: u32,
        original: u32,
    ) -> Result<Record, Break> {
        if captured as usize > MAX_BLOCK {
            return Err(too_long(window, u64::from(captured)));
        }
        let mark = window.mark() + self.record_header;
        window.take(self.record_header + captured as usize);
        Ok(Record {
            time,
            link: self.link,
            mark,
            captured,
            wire_len: original.max(captured),
            interface: 0,
            synthetic: false,
        })
    }

    /// Sub-seconds beyond a second are added as they are: damaged writers make them.
    fn time(&self, seconds: u32, fraction: u32) -> Timestamp {
        let nanos = i64::from(seconds) * NANOS_PER_SEC as i64;
        Timestamp::from_nanos(nanos + i64::from(fraction) * self.unit)
    }
}

fn too_long(window: &Window, claimed: u64) -> Break {
    let fault = Fault::TooLong { claimed, most: MAX_BLOCK as u64 };
    Break { offset: window.offset(), cause: Cause::Fault(fault) }
}
