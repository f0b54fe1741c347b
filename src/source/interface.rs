//! What a capture tells of an interface and of a packet beside time, lengths and bytes: options.
//!
//! They are handed on as they stand, for whoever writes the packets into a capture again; nothing
//! here depends on what they say, but for byte order.

use pcap_parser::nom::Err as NomErr;
use pcap_parser::{PcapError, parse_option_be, parse_option_le};

use super::order::Order;

/// Option codes of pcapng.
const END_OF_OPTIONS: u16 = 0;
const COMMENT: u16 = 1;
const IF_NAME: u16 = 2;
const IF_SPEED: u16 = 8;
const IF_TSRESOL: u16 = 9;
const IF_TZONE: u16 = 10;
const IF_FCSLEN: u16 = 13;
const IF_TSOFFSET: u16 = 14;
const IF_TXSPEED: u16 = 16;
const IF_RXSPEED: u16 = 17;
const EPB_FLAGS: u16 = 2;
const EPB_DROPCOUNT: u16 = 4;
const EPB_PACKETID: u16 = 5;
const EPB_QUEUE: u16 = 6;
/// Custom options: each begins with the number of an enterprise.
const CUSTOM: [u16; 4] = [2988, 2989, 19372, 19373];

/// How the comment begins that a rebuilt stream puts on a captured packet which stands before one
/// that was captured earlier.
pub(crate) const MOVED_COMMENT: &str = "foreshadow:moved";

/// What a capture says of an interface.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Interface {
    options: Vec<u8>,
}

impl Interface {
    /// Nothing, as in a classic capture.
    pub const NONE: &'static Self = &Self { options: Vec::new() };

    /// An interface of which the name is known.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let mut options = Vec::new();
        push_option(&mut options, IF_NAME, name.as_bytes());
        Self { options }
    }

    /// An interface whose packets end with a frame check sequence of so many bytes, or of an unknown
    /// number.
    pub(super) fn with_fcs(bytes: Option<u8>) -> Self {
        let mut options = Vec::new();
        if let Some(bytes) = bytes {
            push_option(&mut options, IF_FCSLEN, &[bytes]);
        }
        Self { options }
    }

    /// What a block's options say; those on its clock are left out, as times are nanoseconds here.
    pub(super) fn described(list: &[u8], order: Order) -> Self {
        let mut options = Vec::new();
        each_option(list, order, |code, value| {
            if code != IF_TSRESOL && code != IF_TSOFFSET {
                let numbers = [IF_SPEED, IF_TZONE, IF_TXSPEED, IF_RXSPEED];
                push_in_order(&mut options, code, value, order, numbers.contains(&code));
            }
        });
        Self { options }
    }

    /// Its options as a little-endian pcapng file has them, without the mark that ends them.
    #[must_use]
    pub fn options(&self) -> &[u8] {
        &self.options
    }
}

/// What a capture says of one packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PacketOptions<'a> {
    list: &'a [u8],
    order: Order,
}

impl<'a> PacketOptions<'a> {
    pub(super) const fn new(list: &'a [u8], order: Order) -> Self {
        Self { list, order }
    }

    /// Options that stand as in a little-endian pcapng file.
    #[must_use]
    pub const fn little(list: &'a [u8]) -> Self {
        Self { list, order: Order::Little }
    }

    /// Adds them to `out` as a little-endian pcapng file has them, without the mark that ends them.
    ///
    /// What Foreshadow itself said of a packet's place is left out: it holds in that file only.
    pub fn copy_to(&self, out: &mut Vec<u8>) {
        each_option(self.list, self.order, |code, value| {
            if code == COMMENT && value.starts_with(MOVED_COMMENT.as_bytes()) {
                return;
            }
            let numbers = [EPB_FLAGS, EPB_DROPCOUNT, EPB_PACKETID, EPB_QUEUE];
            push_in_order(out, code, value, self.order, numbers.contains(&code));
        });
    }
}

/// Adds an option to a little-endian list, padded as it must be.
pub(crate) fn push_option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    // An option can't be longer; a comment that is loses its end.
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    out.extend(code.to_le_bytes());
    out.extend((value.len() as u16).to_le_bytes());
    out.extend(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// Adds an option, turning the bytes of what is a number.
fn push_in_order(out: &mut Vec<u8>, code: u16, value: &[u8], order: Order, is_number: bool) {
    push_option(out, code, value);
    if order == Order::Little {
        return;
    }
    let padding = value.len().next_multiple_of(4) - value.len();
    let end = out.len() - padding;
    let start = end - value.len();
    if is_number {
        out[start..end].reverse();
    } else if CUSTOM.contains(&code) && value.len() >= 4 {
        out[start..start + 4].reverse();
    }
}

/// Hands each option's code and value to `each`, up to the end mark or the first that is cut.
pub(super) fn each_option(mut list: &[u8], order: Order, mut each: impl FnMut(u16, &[u8])) {
    while !list.is_empty() {
        let parsed: Result<_, NomErr<PcapError<&[u8]>>> = match order {
            Order::Little => parse_option_le(list),
            Order::Big => parse_option_be(list),
        };
        let Ok((rest, option)) = parsed else { return };
        if option.code.0 == END_OF_OPTIONS {
            return;
        }
        each(option.code.0, option.as_bytes().unwrap_or_default());
        list = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_big_endian_file_are_turned_and_text_is_not() {
        let list = [
            &[0, 1, 0, 5][..],
            b"hello\0\0\0",
            &[0, 2, 0, 4, 0, 0, 0, 9],
            &[0x0b, 0xac, 0, 6, 0, 0, 0x7e, 0xd9, b'h', b'i', 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        let mut out = Vec::new();
        PacketOptions::new(&list, Order::Big).copy_to(&mut out);
        let little = [
            &[1, 0, 5, 0][..],
            b"hello\0\0\0",
            &[2, 0, 4, 0, 9, 0, 0, 0],
            &[0xac, 0x0b, 6, 0, 0xd9, 0x7e, 0, 0, b'h', b'i', 0, 0],
        ]
        .concat();
        assert_eq!(out, little);
        let mut again = Vec::new();
        PacketOptions::new(&little, Order::Little).copy_to(&mut again);
        assert_eq!(again, little);
    }

    #[test]
    fn what_we_said_of_a_packets_place_and_of_a_clock_is_left_out() {
        let mut list = Vec::new();
        push_option(&mut list, COMMENT, b"foreshadow:moved v=1 number=7");
        push_option(&mut list, COMMENT, b"seen it");
        let mut out = Vec::new();
        PacketOptions::new(&list, Order::Little).copy_to(&mut out);
        assert_eq!(out, [&[1, 0, 7, 0][..], b"seen it\0"].concat());
        let mut list = Vec::new();
        push_option(&mut list, IF_NAME, b"eth0");
        push_option(&mut list, IF_TSRESOL, &[9]);
        assert_eq!(Interface::described(&list, Order::Little), Interface::named("eth0"));
    }
}
