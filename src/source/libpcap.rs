//! The three calls that the crate `pcap` does not make for us.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use ::pcap::{Active, BpfProgram, Capture, PacketHeader};

unsafe extern "C" {
    fn pcap_offline_filter(
        program: *const BpfProgram,
        header: *const PacketHeader,
        packet: *const u8,
    ) -> c_int;
    fn pcap_get_tstamp_precision(handle: *mut std::ffi::c_void) -> c_int;
}

/// Waits until there is something to read or the time is over; whether there is.
/// A signal ends the wait as the time would.
pub(super) fn wait(fd: BorrowedFd<'_>, timeout: Duration) -> io::Result<bool> {
    let millis = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
    let mut poll = libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: `poll` is one valid pollfd for the whole call, and `fd` is open while borrowed.
    let ready = unsafe { libc::poll(&raw mut poll, 1, millis) };
    if ready >= 0 {
        return Ok(ready > 0);
    }
    match io::Error::last_os_error() {
        error if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        error => Err(error),
    }
}

/// Whether a filter accepts a packet.
///
/// The crate's own call takes the captured for the wire length, so that `less` and `greater`
/// answer wrongly for every packet that a snap length has cut.
pub(super) fn accepts(program: &BpfProgram, data: &[u8], wire_len: u32) -> bool {
    let caplen = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let ts = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let header = PacketHeader { ts, caplen, len: wire_len };
    // SAFETY: `BpfProgram` is a transparent `struct bpf_program` that libpcap compiled;
    // `PacketHeader` has the layout of `struct pcap_pkthdr`; `data` is readable for `caplen`
    // bytes, and libpcap's interpreter checks every load against that length.
    unsafe { pcap_offline_filter(program, &raw const header, data.as_ptr()) > 0 }
}

/// Nanoseconds in the unit of an open capture's sub-second field.
pub(super) fn subsecond_unit(capture: &Capture<Active>) -> i64 {
    /// `PCAP_TSTAMP_PRECISION_NANO`.
    const NANO: c_int = 1;
    // SAFETY: the handle is that of an open capture, which outlives the call.
    let precision = unsafe { pcap_get_tstamp_precision(capture.as_ptr().cast()) };
    if precision == NANO { 1 } else { 1_000 }
}
