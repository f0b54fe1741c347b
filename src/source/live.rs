//! Packets from an interface, through libpcap.
//!
//! The capture never blocks inside libpcap: there a read waits for ever on an idle link, whatever
//! its time-out. It is non-blocking, and waiting is done by poll(2) for as long as the caller
//! allows, so that packet time can be advanced on a silent link and a signal is noticed.

use std::fmt;
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use ::pcap::{Active, Device, Error, Precision};

use super::{Interface, Packet, PacketOptions, SourceError, libpcap, portable_link};
use crate::time::{NANOS_PER_SEC, Timestamp};
use crate::wire::LinkType;

/// How to capture.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LiveOptions {
    /// The interface's name, or `any`.
    pub interface: String,
    /// Bytes to keep of each packet. Default 262,144, which is all of any frame.
    pub snaplen: u32,
    /// Whether to take frames that are not for this machine. Default yes.
    pub promiscuous: bool,
    /// Bytes of kernel memory for packets that wait. Default 16 MiB.
    pub buffer: u32,
    /// A capture filter, applied by the kernel.
    pub filter: Option<String>,
}

impl LiveOptions {
    /// The defaults for an interface.
    #[must_use]
    pub fn new(interface: impl Into<String>) -> Self {
        Self {
            interface: interface.into(),
            snaplen: 262_144,
            promiscuous: true,
            buffer: 16 << 20,
            filter: None,
        }
    }
}

/// What waiting for a packet came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Poll<'a> {
    /// A packet.
    Packet(Packet<'a>),
    /// None within the time allowed. The clock that stamps packets stood here while none
    /// was waiting, so packet time may be advanced to it.
    Idle(Timestamp),
}

/// Packets that were seen and lost since the capture began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Drops {
    /// Packets that passed the filter, as the kernel counts them: twice each on loopback.
    pub received: u64,
    /// Packets lost because they were not read fast enough.
    pub dropped: u64,
    /// Packets lost by the interface or its driver.
    pub dropped_by_interface: u64,
}

/// A running capture.
pub struct Live {
    interface: String,
    description: Interface,
    capture: ::pcap::Capture<Active>,
    link: LinkType,
    /// Nanoseconds in the unit of libpcap's sub-seconds.
    unit: i64,
    /// The packet read last. libpcap's own buffer cannot be lent on through a second read.
    frame: Vec<u8>,
    time: Timestamp,
    wire_len: u32,
    /// libpcap counts in 32 bits; what they held when last asked, and the sums.
    counted: [u32; 3],
    drops: Drops,
}

impl Live {
    /// Begins to capture.
    ///
    /// # Errors
    ///
    /// When there is no such interface, the right is lacking, or the filter does not compile.
    pub fn open(options: &LiveOptions) -> Result<Self, SourceError> {
        let interface = options.interface.clone();
        let opened = ::pcap::Capture::from_device(interface.as_str()).and_then(|capture| {
            capture
                .snaplen(i32::try_from(options.snaplen).unwrap_or(i32::MAX))
                .promisc(options.promiscuous)
                .buffer_size(i32::try_from(options.buffer).unwrap_or(i32::MAX))
                .immediate_mode(true)
                .precision(Precision::Nano)
                .open()
        });
        let mut capture = opened
            .and_then(::pcap::Capture::setnonblock)
            .map_err(|error| refused(&interface, &error))?;
        if let Some(filter) = &options.filter {
            capture.filter(filter, true).map_err(|error| SourceError::Filter {
                expression: filter.clone(),
                reason: reason(&error),
            })?;
        }
        Ok(Self {
            description: Interface::named(&interface),
            interface,
            link: portable_link(capture.get_datalink().0.cast_unsigned()),
            unit: libpcap::subsecond_unit(&capture),
            capture,
            frame: Vec::with_capacity(2048),
            time: Timestamp::default(),
            wire_len: 0,
            counted: [0; 3],
            drops: Drops::default(),
        })
    }

    /// The next packet, or [`Poll::Idle`] when none came within `timeout` or a signal did.
    ///
    /// # Errors
    ///
    /// When the interface is gone or libpcap fails otherwise.
    pub fn poll(&mut self, timeout: Duration) -> Result<Poll<'_>, SourceError> {
        if !self.read()? {
            libpcap::wait(self.capture.as_fd(), timeout).map_err(|error| self.failed(&error))?;
            // The clock is read before the last look, so that no packet waits that is older.
            let now = now();
            if !self.read()? {
                return Ok(Poll::Idle(now));
            }
        }
        Ok(Poll::Packet(Packet {
            time: self.time,
            link: self.link,
            data: &self.frame,
            wire_len: self.wire_len,
            interface: 0,
            file: 0,
            synthetic: false,
            description: &self.description,
            options: PacketOptions::default(),
        }))
    }

    /// What the interface's packets begin with.
    #[must_use]
    pub fn link(&self) -> LinkType {
        self.link
    }

    /// Packets seen and lost so far. To be asked at least once in four billion packets, because
    /// libpcap counts in 32 bits.
    ///
    /// # Errors
    ///
    /// When the interface is gone.
    pub fn drops(&mut self) -> Result<Drops, SourceError> {
        let stats = self.capture.stats().map_err(|error| self.failed(&reason(&error)))?;
        let now = [stats.received, stats.dropped, stats.if_dropped];
        let grown = |i: usize| u64::from(now[i].wrapping_sub(self.counted[i]));
        self.drops.received += grown(0);
        self.drops.dropped += grown(1);
        self.drops.dropped_by_interface += grown(2);
        self.counted = now;
        Ok(self.drops)
    }

    /// Takes a packet if one is there.
    fn read(&mut self) -> Result<bool, SourceError> {
        let error = match self.capture.next_packet() {
            Ok(packet) => {
                let header = packet.header;
                let nanos = header.ts.tv_sec.saturating_mul(NANOS_PER_SEC as i64);
                let fraction = header.ts.tv_usec.saturating_mul(self.unit);
                self.time = Timestamp::from_nanos(nanos.saturating_add(fraction));
                self.wire_len = header.len.max(header.caplen);
                self.frame.clear();
                self.frame.extend_from_slice(packet.data);
                return Ok(true);
            }
            Err(Error::TimeoutExpired) => return Ok(false),
            Err(error) => error,
        };
        Err(self.failed(&reason(&error)))
    }

    fn failed(&self, reason: &impl fmt::Display) -> SourceError {
        SourceError::Live { interface: self.interface.clone(), reason: reason.to_string() }
    }
}

/// Why a capture could not be begun, told apart by what is true rather than by libpcap's words.
fn refused(interface: &str, error: &Error) -> SourceError {
    let (interface, reason) = (interface.to_owned(), reason(error));
    let available: Vec<String> =
        Device::list().unwrap_or_default().into_iter().map(|device| device.name).collect();
    let lowered = reason.to_lowercase();
    if ["permi", "not permitted", "denied"].iter().any(|word| lowered.contains(word)) {
        return SourceError::NotPermitted { interface, reason };
    }
    if !available.contains(&interface) {
        return SourceError::NoInterface { interface, available };
    }
    SourceError::Live { interface, reason }
}

/// libpcap's words without the crate's prefix, which says nothing to a user.
fn reason(error: &Error) -> String {
    match error {
        Error::PcapError(words) => words.clone(),
        other => other.to_string(),
    }
}

/// The clock that the kernel stamps packets with.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX));
    Timestamp::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_interface_is_refused_with_those_that_are_there() {
        let Err(error) = Live::open(&LiveOptions::new("nowhere7")) else { panic!("it opened") };
        let words = error.to_string();
        match error {
            SourceError::NoInterface { available, .. } => {
                assert!(available.iter().any(|name| name == "lo"), "{words}");
                assert!(words.starts_with("no interface nowhere7; there are "), "{words}");
            }
            // Without the right libpcap does not get as far as the name.
            SourceError::NotPermitted { .. } => assert!(words.contains("setcap cap_net_raw")),
            other => panic!("{other}"),
        }
    }
}
