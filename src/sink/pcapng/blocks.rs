//! The blocks of a pcapng file: section, interface, packet. Little-endian, times in nanoseconds.

use crate::source::push_option;
use crate::time::{NANOS_PER_SEC, Timestamp};
use crate::wire::LinkType;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// Option codes.
pub(super) const COMMENT: u16 = 1;
pub(super) const IF_NAME: u16 = 2;
pub(super) const IF_DESCRIPTION: u16 = 3;
const SHB_USERAPPL: u16 = 4;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

/// Seconds that an interface for times before 1970 begins at; times are counted from there, as the
/// format's counts have no sign.
const BEFORE_1970: i64 = i64::MIN.div_euclid(NANOS_PER_SEC as i64);

/// Begins a section, of which the length is not stated.
pub(super) fn section(out: &mut Vec<u8>, comment: &str) {
    block(out, SECTION, |out| {
        out.extend(0x1a2b_3c4d_u32.to_le_bytes());
        out.extend([1, 0, 0, 0]);
        out.extend([0xff; 8]);
        push_option(out, COMMENT, comment.as_bytes());
        push_option(
            out,
            SHB_USERAPPL,
            concat!("foreshadow ", env!("CARGO_PKG_VERSION")).as_bytes(),
        );
        end_options(out);
    });
}

/// Describes an interface: `options` as pcapng has them, without those on its clock.
///
/// No length is stated that packets were cut to: captures hold longer ones than their headers say,
/// and libpcap refuses a file that does, or whose interfaces differ in it.
pub(super) fn interface(out: &mut Vec<u8>, link: LinkType, options: &[u8], before_1970: bool) {
    block(out, INTERFACE, |out| {
        out.extend(link.0.to_le_bytes());
        out.extend([0; 6]);
        out.extend(options);
        push_option(out, IF_TSRESOL, &[9]);
        if before_1970 {
            push_option(out, IF_TSOFFSET, &BEFORE_1970.to_le_bytes());
        }
        end_options(out);
    });
}

/// Adds a packet.
pub(super) fn packet(
    out: &mut Vec<u8>,
    interface: u32,
    time: Timestamp,
    data: &[u8],
    wire_len: u32,
    options: &[u8],
) {
    block(out, PACKET, |out| {
        let begin = if is_before_1970(time) { BEFORE_1970 } else { 0 };
        let count = i128::from(time.nanos()) - i128::from(begin) * i128::from(NANOS_PER_SEC);
        let count = count as u64;
        for word in [interface, (count >> 32) as u32, count as u32, data.len() as u32, wire_len] {
            out.extend(word.to_le_bytes());
        }
        out.extend(data);
        out.resize(out.len().next_multiple_of(4), 0);
        if !options.is_empty() {
            out.extend(options);
            end_options(out);
        }
    });
}

/// Whether a time needs an interface of its own.
pub(super) const fn is_before_1970(time: Timestamp) -> bool {
    time.nanos() < 0
}

fn end_options(out: &mut Vec<u8>) {
    out.extend([0; 4]);
}

/// Frames what `fill` writes, which is whole words.
///
/// The padding of packet data and options counts from the beginning of `out`, where only whole blocks
/// stand.
fn block(out: &mut Vec<u8>, kind: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    fill(out);
    let len = ((out.len() - start + 4) as u32).to_le_bytes();
    out[start + 4..start + 8].copy_from_slice(&len);
    out.extend(len);
}
