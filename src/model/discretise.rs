//! The common discretisation: every packet as three small symbols.
//!
//! Models of different kinds are compared in bits per packet on these symbols, so their edges never
//! change. Chained in this order: side and flag class, payload size, time since the packet before.

use std::ops::RangeInclusive;

use super::{FlagClass, PacketFacts};
use crate::flow::Side;
use crate::time::Span;
use crate::wire::TcpFlags;

/// Two sides times eight flag classes.
pub const SIDE_FLAGS: usize = 2 * FlagClass::COUNT;
/// Payload sizes: 0, then one bin for each power of two, the last open.
pub const SIZES: usize = 13;
/// Inter-arrival times in whole microseconds: 0, then one bin for each power of two, the last open.
pub const TIMES: usize = 29;

/// A packet's side and flag class as one symbol.
#[must_use]
pub fn side_flags(side: Side, flags: TcpFlags) -> u8 {
    side as u8 * FlagClass::COUNT as u8 + FlagClass::of(flags) as u8
}

/// The side and flag class that a symbol below [`SIDE_FLAGS`] stands for.
#[must_use]
pub fn side_flags_of(symbol: u8) -> (Side, FlagClass) {
    let side = if usize::from(symbol) < FlagClass::COUNT { Side::A } else { Side::B };
    (side, FlagClass::ALL[usize::from(symbol) % FlagClass::COUNT])
}

/// The bin of a payload size.
#[must_use]
pub fn size(payload_len: u32) -> u8 {
    bit_length(u64::from(payload_len), SIZES)
}

/// The sizes in a bin; the last one's upper end is the largest payload an IP packet can carry.
#[must_use]
pub fn sizes_of(bin: u8) -> RangeInclusive<u32> {
    let last = SIZES as u8 - 1;
    match bin {
        0 => 0..=0,
        bin if bin < last => (1 << (bin - 1))..=((1 << bin) - 1),
        _ => (1 << (last - 1))..=65_535,
    }
}

/// The bin of an inter-arrival time.
#[must_use]
pub fn time(since: Span) -> u8 {
    bit_length(since.micros(), TIMES)
}

/// The point in a bin below which `share` (0 to 1) of it lies, taken as uniform in the logarithm.
///
/// Bin 0 is a microsecond wide and taken as uniform; the open last bin as one octave.
#[must_use]
pub fn time_within(bin: u8, share: f32) -> Span {
    let share = share.clamp(0.0, 1.0);
    if bin == 0 {
        return Span::from_nanos((share * 1_000.0) as u64);
    }
    let micros = f64::from(f32::from(bin - 1) + share).exp2();
    Span::from_nanos((micros * 1_000.0) as u64)
}

/// The share (0 to 1) of a time bin that lies below `span`: what [`time_within`] turns around.
#[must_use]
pub fn time_share(bin: u8, span: Span) -> f32 {
    let micros = span.nanos() as f64 / 1_000.0;
    let share = if bin == 0 { micros } else { micros.log2() - f64::from(bin - 1) };
    share.clamp(0.0, 1.0) as f32
}

/// The three symbols of a packet; a connection's first has no time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Symbols {
    /// Below [`SIDE_FLAGS`].
    pub side_flags: u8,
    /// Below [`SIZES`].
    pub size: u8,
    /// Below [`TIMES`].
    pub time: Option<u8>,
}

impl Symbols {
    /// The symbols of `packet`.
    #[must_use]
    pub fn of(packet: &PacketFacts) -> Self {
        Self {
            side_flags: side_flags(packet.side, packet.flags),
            size: size(packet.payload_len),
            time: packet.since.map(time),
        }
    }
}

/// 0 for 0, else one more than the floor of the base-2 logarithm, at most `count - 1`.
fn bit_length(value: u64, count: usize) -> u8 {
    ((u64::BITS - value.leading_zeros()) as u8).min(count as u8 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_follow_the_floor_of_the_logarithm() {
        let expected =
            [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (1460, 11), (2048, 12), (65_535, 12)];
        for (len, bin) in expected {
            assert_eq!(size(len), bin, "size {len}");
            assert!(sizes_of(bin).contains(&len), "size {len} in its own bin");
        }
        for (nanos, bin) in [(999, 0), (1_000, 1), (60_000_000_000, 26), (u64::MAX, 28)] {
            assert_eq!(time(Span::from_nanos(nanos)), bin, "time {nanos} ns");
        }
    }

    #[test]
    fn side_and_flags_come_back_from_their_symbol() {
        for symbol in 0..SIDE_FLAGS as u8 {
            let (side, class) = side_flags_of(symbol);
            if !matches!(class, FlagClass::Other) {
                assert_eq!(side_flags(side, class.typical()), symbol);
            }
        }
    }

    #[test]
    fn a_share_of_a_time_bin_lies_in_that_bin() {
        for bin in 1..TIMES as u8 - 1 {
            assert_eq!(time(time_within(bin, 0.01)), bin);
            assert_eq!(time(time_within(bin, 0.99)), bin);
            assert!((time_share(bin, time_within(bin, 0.3)) - 0.3).abs() < 2e-3, "bin {bin}");
        }
    }
}
