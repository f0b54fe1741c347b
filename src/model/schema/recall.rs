//! What is remembered of a connection, and the features that a packet makes with it.

use super::super::discretise::{self, SIDE_FLAGS, TIMES};
use super::super::{Origin, PacketFacts};
use super::log::{OCTAVE, half_octave, log};
use super::service;
use super::sizes::{LONGEST, fine_size};
use super::{DENSE, TABLES};
use crate::flow::Side;
use crate::time::Span;
use crate::wire::TcpFlags;

const TCP: u8 = 6;

/// "Not yet", where a logarithm or a time is meant.
const NO_LOG: u16 = u16::MAX;
const NO_TIME: u64 = u64::MAX;

/// What a packet puts into the network: a row of each table, and the dense numbers, all finite.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Features {
    /// By table of [`TABLES`]: which row.
    pub rows: [u8; TABLES.len()],
    /// In the order of [`DENSE`].
    pub dense: [f32; DENSE.len()],
}

/// The little that is kept of a connection besides the network's state.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Recall {
    /// Microseconds since the first packet, and when each side sent last.
    now: u64,
    sent: [u64; 2],
    /// By side and flags: logarithm of the last packet's time since the one before it.
    kinds: [u16; SIDE_FLAGS],
    /// The same of the last packet.
    before: u16,
    /// By side: one more than its last lengths, the latest first; 0 for none.
    lengths: [[u16; 4]; 2],
    /// Packets in a row by one side, and which; 0 before the first packet.
    run: u8,
    side: u8,
    service: u8,
    turned: bool,
}

impl Recall {
    /// The longest run that is told from longer ones.
    const LONGEST_RUN: u8 = 16;
    /// Two logarithms closer than this are as good as the same: 0.12 octaves.
    const SAME: i32 = 122;

    /// Nothing is remembered yet of the connection that begins.
    #[must_use]
    pub fn new(origin: &Origin) -> Self {
        Self::begun(service::bucket(origin.service.port), origin.responder == Side::A)
    }

    /// All that tells one connection that begins from another: [`Self::of_seed`] begins the same.
    #[must_use]
    pub fn seed(&self) -> u16 {
        u16::from(self.service) << 1 | u16::from(self.turned)
    }

    /// A connection that begins as one with this [`Self::seed`] did. Any number is one.
    #[must_use]
    pub fn of_seed(seed: u16) -> Self {
        let service = ((seed >> 1) as u8).min(service::BUCKETS as u8 - 1);
        Self::begun(service, seed & 1 == 1)
    }

    const fn begun(service: u8, turned: bool) -> Self {
        Self {
            now: 0,
            sent: [NO_TIME; 2],
            kinds: [NO_LOG; SIDE_FLAGS],
            before: NO_LOG,
            lengths: [[0; 4]; 2],
            run: 0,
            side: 0,
            service,
            turned,
        }
    }

    /// Whether the first sender is the responder, so that the network's sides are the other way
    /// round than those of [`discretise`]: see [`turn`](super::turn).
    #[must_use]
    pub const fn turned(&self) -> bool {
        self.turned
    }

    /// Whether a packet came.
    #[inline]
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.run > 0
    }

    /// A packet's side and flags with the sides by role: 0 to 7 the originator's, 8 to 15 the
    /// responder's.
    #[inline]
    #[must_use]
    pub fn side_flags(&self, side: Side, flags: TcpFlags) -> u8 {
        super::turn(discretise::side_flags(side, flags), self.turned)
    }

    /// Forgets which service it is: what training does now and then.
    pub fn hide_service(&mut self) {
        self.service = service::UNKNOWN;
    }

    /// Moves past a packet; gives what it puts into the network.
    #[inline]
    pub fn push(&mut self, packet: &PacketFacts) -> Features {
        let side_flags = self.side_flags(packet.side, packet.flags);
        let side = usize::from(side_flags >> 3);
        let micros = packet.since.map_or(0, Span::micros);
        self.now = self.now.saturating_add(micros);
        self.run = if self.run > 0 && usize::from(self.side) == side {
            (self.run + 1).min(Self::LONGEST_RUN)
        } else {
            1
        };
        let since_same = (self.sent[side] != NO_TIME).then(|| self.now - self.sent[side]);
        let length = packet.payload_len.min(LONGEST) as u16 + 1;
        let [own, other] = [self.lengths[side], self.lengths[1 - side]];
        let time = log(micros);
        let kind = &mut self.kinds[usize::from(side_flags)];
        let (pace, same_pace) = compare(time, self.before);
        let (kind_pace, same_kind_pace) = compare(time, *kind);
        let kind_known = *kind != NO_LOG;

        let features = Features {
            rows: [
                side_flags,
                fine_size(packet.payload_len),
                half_octave(micros, TABLES[2].values as u8 - 1),
                since_same.map_or(TIMES as u8, |since| discretise::time(Span::from_micros(since))),
                u8::from(packet.protocol != TCP),
                self.service,
                (packet.position.saturating_add(1).ilog2() as u8).min(TABLES[6].values as u8 - 1),
            ],
            dense: [
                octaves(time) / 14.0 - 1.0,
                since_same.map_or(0.0, |since| octaves(log(since)) / 14.0 - 1.0),
                octaves(log(u64::from(length - 1))) / 6.0 - 1.0,
                flag(own[0] == length),
                flag(other[0] == length),
                flag(own[1..].contains(&length)),
                octaves(log(u64::from(self.run) - 1)) / 4.0,
                octaves(log(u64::from(packet.position))) / 6.0 - 1.0,
                packet.entropy.map_or(0.0, |entropy| f32::from(entropy) / 256.0),
                flag(packet.entropy.is_none()),
                octaves(log(u64::from(packet.window))) / 16.0,
                flag(packet.window == 0),
                pace,
                kind_pace,
                same_pace,
                same_kind_pace,
                flag(kind_known),
            ],
        };

        *kind = time;
        self.before = time;
        self.sent[side] = self.now;
        let [first, second, third, _] = own;
        self.lengths[side] = [length, first, second, third];
        self.side = side as u8;
        features
    }
}

/// How much slower than another time, in four octaves from -2 to 2; and whether it is as good as
/// the same. 0 where there is no other.
#[inline]
fn compare(time: u16, other: u16) -> (f32, f32) {
    if other == NO_LOG {
        return (0.0, 0.0);
    }
    let most = 8 * i32::from(OCTAVE);
    let slower = (i32::from(time) - i32::from(other)).clamp(-most, most);
    let same = slower.abs() <= Recall::SAME;
    (slower as f32 / (4.0 * f32::from(OCTAVE)), flag(same))
}

#[inline]
fn octaves(logarithm: u16) -> f32 {
    f32::from(logarithm) / f32::from(OCTAVE)
}

#[inline]
fn flag(is: bool) -> f32 {
    f32::from(u8::from(is))
}
