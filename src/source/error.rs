//! Why a source could not go on, as facts: which file, where, what was expected and what came.

use std::fmt;

use super::Compression;

/// Why reading packets ended early. `Display` writes one sentence fit for a user.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SourceError {
    /// The file could not be opened: missing, forbidden, a directory.
    Unopened {
        /// The file as it was named.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The file holds no byte.
    Empty {
        /// The file as it was named.
        path: String,
    },
    /// The file begins like no capture that is known.
    NotACapture {
        /// The file as it was named.
        path: String,
        /// Its first bytes, unpacked, at most eight.
        began: Vec<u8>,
    },
    /// The file ends inside a packet or block.
    Truncated {
        /// Where that packet or block begins.
        place: Place,
        /// What is cut.
        what: &'static str,
        /// Bytes it should have.
        expected: u64,
        /// Bytes that are there.
        came: u64,
    },
    /// What the file says at this place cannot be.
    Corrupt {
        /// Where the impossible packet or block begins.
        place: Place,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The system or the decompressor could not read on.
    Unreadable {
        /// Where the packet or block begins that could not be completed.
        place: Place,
        /// What the system or the decompressor said.
        reason: String,
    },
    /// More captures overlap in time than may be open at once.
    TooManyOpen {
        /// The file that could not be opened again.
        path: String,
        /// How many are open.
        limit: usize,
    },
    /// No such interface.
    NoInterface {
        /// The name that was asked for.
        interface: String,
        /// Those that are there.
        available: Vec<String>,
    },
    /// Capturing needs a right that this process lacks.
    NotPermitted {
        /// The interface.
        interface: String,
        /// What libpcap said.
        reason: String,
    },
    /// Capturing from an interface failed.
    Live {
        /// The interface.
        interface: String,
        /// What libpcap said.
        reason: String,
    },
    /// A capture filter does not compile.
    Filter {
        /// The filter as it was written.
        expression: String,
        /// What libpcap said.
        reason: String,
    },
}

/// A place in a capture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The file as it was named.
    pub path: String,
    /// Bytes from the start of the capture, unpacked where the file is packed.
    pub offset: u64,
    /// Packets read before it.
    pub packets: u64,
    /// How the file is packed.
    pub compression: Compression,
}

/// What a capture says that cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// A packet or block claims more bytes than any may have.
    TooLong {
        /// The claim.
        claimed: u64,
        /// [`super::MAX_BLOCK`].
        most: u64,
    },
    /// A pcapng block claims fewer bytes than its own frame takes.
    TooShort {
        /// The claim.
        claimed: u32,
    },
    /// A pcapng block's length differs between its head and its tail.
    LengthsDiffer {
        /// At its head.
        head: u32,
        /// At its tail.
        tail: u32,
    },
    /// A pcapng section begins with no known byte order mark.
    ByteOrder {
        /// What stands there.
        mark: [u8; 4],
    },
    /// A pcapng section of a version that is not known.
    Version {
        /// Major version.
        major: u16,
        /// Minor version.
        minor: u16,
    },
    /// A packet of an interface that was not described.
    Interface {
        /// The interface's number.
        number: u32,
        /// How many the section described so far.
        described: u32,
    },
    /// A packet that reaches beyond its block.
    Overrun {
        /// Bytes the packet claims.
        claimed: u32,
        /// Bytes the block has left for it.
        room: u32,
    },
    /// A block too small for the fields of its kind.
    Fields {
        /// The kind of block.
        block: &'static str,
    },
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unopened { path, reason } => write!(f, "{path}: cannot be opened: {reason}"),
            Self::Empty { path } => write!(f, "{path}: the file is empty, not a capture"),
            Self::NotACapture { path, began } => {
                write!(f, "{path}: not a pcap or pcapng capture (it begins with")?;
                for byte in began {
                    write!(f, " {byte:02x}")?;
                }
                f.write_str(")")
            }
            Self::Truncated { place, what, expected, came } => write!(
                f,
                "{place}: the capture is cut off: {what} should have {expected} bytes, \
                 only {came} are there"
            ),
            Self::Corrupt { place, fault } => write!(f, "{place}: the capture is damaged: {fault}"),
            Self::Unreadable { place, reason } => write!(f, "{place}: cannot read on: {reason}"),
            Self::TooManyOpen { path, limit } => write!(
                f,
                "{path}: more than {limit} captures overlap in time; merge some of them first, \
                 for example with mergecap"
            ),
            Self::NoInterface { interface, available } if available.is_empty() => {
                write!(f, "no interface {interface}, and libpcap finds no other")
            }
            Self::NoInterface { interface, available } => {
                write!(f, "no interface {interface}; there are {}", available.join(", "))
            }
            Self::NotPermitted { interface, reason } => write!(
                f,
                "capturing from {interface} needs the right CAP_NET_RAW or root; give it to the \
                 program with `setcap cap_net_raw+ep PATH`, or run it as root (libpcap: {reason})"
            ),
            Self::Live { interface, reason } => {
                write!(f, "capturing from {interface} failed: {reason}")
            }
            Self::Filter { expression, reason } => {
                write!(f, "the filter \"{expression}\" cannot be used: {reason}")
            }
        }
    }
}

impl std::error::Error for SourceError {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, offset, packets, compression } = self;
        write!(f, "{path}: at byte {offset}")?;
        if *compression != Compression::None {
            f.write_str(" of the unpacked data")?;
        }
        match packets {
            0 => f.write_str(", before the first packet"),
            1 => f.write_str(", after 1 packet"),
            _ => write!(f, ", after {packets} packets"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { claimed, most } => {
                write!(f, "{claimed} bytes are claimed where {most} are the most")
            }
            Self::TooShort { claimed } => {
                write!(f, "a block claims {claimed} bytes, less than its own frame")
            }
            Self::LengthsDiffer { head, tail } => {
                write!(f, "a block says {head} bytes at its head and {tail} at its tail")
            }
            Self::ByteOrder { mark: [a, b, c, d] } => {
                write!(f, "a section's byte order mark is {a:02x} {b:02x} {c:02x} {d:02x}")
            }
            Self::Version { major, minor } => {
                write!(f, "a section is of version {major}.{minor}, where only 1 is known")
            }
            Self::Interface { number, described } => write!(
                f,
                "a packet is of interface {number}, where {described} are described so far"
            ),
            Self::Overrun { claimed, room } => {
                write!(f, "a packet claims {claimed} bytes in a block with room for {room}")
            }
            Self::Fields { block } => write!(f, "{block} is too small for its own fields"),
        }
    }
}

/// Where and why a format reader stopped; [`super::Capture`] adds path and packet number.
#[derive(Debug)]
pub(super) struct Break {
    /// Where the packet or block begins that could not be read.
    pub(super) offset: u64,
    /// Packets read before it, where that is not all that were read.
    pub(super) packets: Option<u64>,
    /// What is wrong.
    pub(super) cause: Cause,
}

impl Break {
    /// A stop at something that cannot be.
    pub(super) fn fault(offset: u64, fault: Fault) -> Self {
        Self { offset, packets: None, cause: Cause::Fault(fault) }
    }
}

/// See [`Break`].
#[derive(Debug)]
pub(super) enum Cause {
    /// The stream ends too early.
    Short { what: &'static str, expected: u64, came: u64 },
    /// The stream contradicts itself.
    Fault(Fault),
    /// The stream could not be read.
    Read(std::io::Error),
}
