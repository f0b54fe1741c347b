//! Packets from where they are kept, in time order: capture files, standard input, an interface.
//!
//! [`Capture`] reads one stream: classic pcap (micro- and nanoseconds, both byte orders, the
//! "modified" variant) or pcapng (both byte orders, several sections and interfaces, every
//! `if_tsresol`, `if_tsoffset`), plain or packed with gzip, zstd or lz4; format and packing are
//! told by their first bytes, never by the name. [`Merged`] puts many of them into one sequence.
//! With the feature `live`, `Live` captures from an interface and `Filter` applies a
//! capture filter to what a file holds.
//!
//! What it promises: every packet that can be read comes out before the error that says where
//! reading broke, and after that error the source is at its end. Times are exact to the
//! nanosecond. No input makes it panic, and no packet costs an allocation: a
//! [`Packet`] borrows the reader's buffer until the next call.
//!
//! What it does not do: look into packets, or sort what one file holds. A packet never overtakes
//! another of its own file, even where the file's clock runs back. A rebuilt stream of our own is
//! read in the order in which it was captured.

mod capture;
mod error;
#[cfg(feature = "live")]
mod filter;
mod input;
mod interface;
#[cfg(feature = "live")]
mod libpcap;
#[cfg(feature = "live")]
mod live;
mod lz4;
mod merged;
mod moved;
mod order;
mod pcap;
mod pcapng;
mod pipe;
mod scale;
mod window;

pub use capture::{Capture, from_reader};
pub use error::{Fault, Place, SourceError};
#[cfg(feature = "live")]
pub use filter::Filter;
pub use input::Compression;
pub use interface::{Interface, PacketOptions};
pub(crate) use interface::{MOVED_COMMENT, push_option};
#[cfg(feature = "live")]
pub use live::{Drops, Live, LiveOptions, Poll};
pub use merged::{MAX_OPEN, Merged};

use crate::time::Timestamp;
use crate::wire::LinkType;

/// The most bytes one packet or block may claim, 64 MiB; a larger claim is damage, not a packet.
///
/// Wireshark stops at 256 KiB for network links; captures made with segmentation offload or of
/// USB and D-Bus hold larger ones.
pub const MAX_BLOCK: usize = 64 << 20;

/// One captured packet, borrowed from its source until the source is asked for the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// When it was captured, by the capture's own clock.
    pub time: Timestamp,
    /// What its first bytes are.
    pub link: LinkType,
    /// The bytes captured.
    pub data: &'a [u8],
    /// Bytes on the wire, never less than were captured.
    pub wire_len: u32,
    /// The interface it was seen on: 0 in classic pcap, in pcapng the interface's number counted
    /// through all sections of the file.
    pub interface: u32,
    /// Which of several merged files it came from, in the order they were named.
    pub file: u32,
    /// Made by Foreshadow, not captured; must not be fed to a sensor again.
    pub synthetic: bool,
    /// What the capture says of that interface.
    pub description: &'a Interface,
    /// What the capture says of this packet.
    pub options: PacketOptions<'a>,
}

impl<'a> Packet<'a> {
    /// A captured packet of which no more is known.
    #[must_use]
    pub fn new(time: Timestamp, link: LinkType, data: &'a [u8], wire_len: u32) -> Self {
        Self {
            time,
            link,
            data,
            wire_len,
            interface: 0,
            file: 0,
            synthetic: false,
            description: Interface::NONE,
            options: PacketOptions::default(),
        }
    }
}

/// Whatever yields packets one after the other.
pub trait Source {
    /// The next packet, or `None` at the end and after an error.
    ///
    /// # Errors
    ///
    /// Where reading broke, once, after every packet before it was delivered.
    fn next(&mut self) -> Result<Option<Packet<'_>>, SourceError>;

    /// Bytes read of the input as it is stored (packed, if it is) and how many there are,
    /// or `None` where the end is not known, as on a pipe.
    fn position(&self) -> Option<(u64, u64)>;
}

/// What a capture file calls a link, in the numbers that [`LinkType`] uses.
///
/// Files may carry the platform's own number for raw IP instead of the portable one.
fn portable_link(number: u32) -> LinkType {
    /// `DLT_RAW` on most systems.
    const DLT_RAW: u16 = 12;
    /// `DLT_RAW` on OpenBSD.
    const DLT_RAW_OPENBSD: u16 = 14;
    // The upper half of the pcap field holds the length of a frame check sequence.
    match number as u16 {
        DLT_RAW | DLT_RAW_OPENBSD => LinkType::RAW,
        other => LinkType(other),
    }
}
