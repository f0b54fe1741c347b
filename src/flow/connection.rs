//! One live connection: 280 bytes, laid out so that a packet touches the first part and one side.

use crate::time::{Span, Timestamp};
use crate::wire::{Tcp, TcpFlags, Transport};

use super::rtp::Rtp;
use super::sequence::{Hole, Sequence, SequenceNote};
use super::service::Service;
use super::state::{self, Letters, TcpState};
use super::{ConnectionId, ConnectionKey, ConnectionState, Counters, Limits, Side, Slot};

pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// The host's number of a connection for which it gave none.
const NO_HOST_ID: u64 = u64::MAX;

/// What is kept of a live connection.
///
/// In the order of use: a packet reads the first 56 bytes, half of its side and, for TCP, of the other.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Connection {
    key: ConnectionKey,
    last: Timestamp,
    pub(super) generation: u32,
    pub(super) carrier: u16,
    /// Which letters of the history each side has; the top bits are [`B_ORIGINATES`] and [`LIVE`].
    once: [u8; 2],
    sides: [SideBlock; 2],
    first: Timestamp,
    host_id: u64,
    letters: Letters,
}

/// In `once[0]`: side B is the originator.
const B_ORIGINATES: u8 = 0x80;
/// In `once[1]`: not closed yet.
const LIVE: u8 = 0x80;

/// In `once`: the side's letters that are written one time only.
mod once {
    pub(super) const SYN: u8 = 0x01;
    pub(super) const FIN: u8 = 0x02;
    pub(super) const RST: u8 = 0x04;
    pub(super) const DATA: u8 = 0x08;
    pub(super) const ACK: u8 = 0x10;
    pub(super) const FIN_RST: u8 = 0x20;
    pub(super) const MULTIPLE: u8 = 0x40;
}

#[derive(Clone, Copy)]
#[repr(C)]
struct SideBlock {
    packets: u64,
    ip_bytes: u64,
    wire_bytes: u64,
    stream: Stream,
}

/// What is kept of a side beyond its counters: by protocol one or the other, in the same bytes.
#[derive(Clone, Copy)]
enum Stream {
    Tcp(Sequence),
    Datagrams { payload: u64, rtp: Rtp },
}

/// What a packet adds to its side's counters.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) ip_bytes: u32,
    pub(super) wire_bytes: u32,
    pub(super) payload: u32,
}

impl Connection {
    pub(super) fn new(
        key: ConnectionKey,
        first: Timestamp,
        carrier: u16,
        host: Option<u64>,
    ) -> Self {
        let stream = if key.protocol == TCP {
            Stream::Tcp(Sequence::default())
        } else {
            Stream::Datagrams { payload: 0, rtp: Rtp::default() }
        };
        let side = SideBlock { packets: 0, ip_bytes: 0, wire_bytes: 0, stream };
        Self {
            key,
            last: first,
            generation: 0,
            carrier,
            once: [0, LIVE],
            sides: [side; 2],
            first,
            host_id: host.unwrap_or(NO_HOST_ID),
            letters: Letters::default(),
        }
    }

    /// Takes the host's number.
    pub(super) const fn set_host_id(&mut self, host_id: Option<u64>) {
        self.host_id = match host_id {
            Some(number) => number,
            None => NO_HOST_ID,
        };
    }

    /// Addresses, ports, protocol.
    #[must_use]
    pub const fn key(&self) -> &ConnectionKey {
        &self.key
    }

    /// Its handle, given where it stands.
    #[must_use]
    pub const fn id(&self, slot: Slot) -> ConnectionId {
        ConnectionId { slot, generation: self.generation }
    }

    /// Whether it is not closed yet.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        self.once[1] & LIVE != 0
    }

    /// Time of the first packet.
    #[must_use]
    pub const fn first(&self) -> Timestamp {
        self.first
    }

    /// Time of the last packet.
    #[must_use]
    pub const fn last(&self) -> Timestamp {
        self.last
    }

    /// The host's own number for it.
    #[must_use]
    pub const fn host_id(&self) -> Option<u64> {
        if self.host_id == NO_HOST_ID { None } else { Some(self.host_id) }
    }

    /// Which side is the originator.
    #[must_use]
    pub const fn originator(&self) -> Side {
        if self.once[0] & B_ORIGINATES == 0 { Side::A } else { Side::B }
    }

    /// Packets `side` sent.
    #[must_use]
    pub const fn packets(&self, side: Side) -> u64 {
        self.sides[side as usize].packets
    }

    /// How many packets came so far, which is the number of the last one, counted from 1.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.sides[0].packets + self.sides[1].packets
    }

    /// The service it most likely is.
    #[must_use]
    pub fn service(&self) -> Service {
        let ports = [self.key.port_a, self.key.port_b];
        Service::of(self.key.protocol, ports, self.originator())
    }

    /// The next TCP sequence number expected of `side`; `None` while nothing is known of it.
    #[must_use]
    pub fn next_sequence(&self, side: Side) -> Option<u32> {
        self.sequence(side).filter(|sequence| sequence.is_started()).map(Sequence::next)
    }

    /// The highest TCP sequence number of `side` that the other side acknowledged.
    #[must_use]
    pub fn acknowledged(&self, side: Side) -> Option<u32> {
        self.sequence(side).filter(|sequence| sequence.is_started()).map(Sequence::acknowledged)
    }

    /// The holes open in the stream of `side`, in order; none but for TCP.
    #[must_use]
    pub fn holes(&self, side: Side) -> &[Hole] {
        self.sequence(side).map_or(&[], Sequence::holes)
    }

    /// Synchronisation source and last sequence number of the RTP stream that `side` sends.
    #[must_use]
    pub fn rtp(&self, side: Side) -> Option<(u32, u16)> {
        match &self.sides[side as usize].stream {
            Stream::Tcp(_) => None,
            Stream::Datagrams { rtp, .. } => rtp.stream(),
        }
    }

    /// What `side` sent so far.
    #[must_use]
    pub fn counters(&self, side: Side) -> Counters {
        let block = &self.sides[side as usize];
        let counters = Counters {
            packets: block.packets,
            ip_bytes: block.ip_bytes,
            wire_bytes: block.wire_bytes,
            ..Counters::default()
        };
        match &block.stream {
            Stream::Tcp(sequence) => Counters {
                payload_bytes: sequence.extent(),
                retransmissions: sequence.retransmissions(),
                out_of_order: sequence.out_of_order(),
                missed_bytes: sequence.missed_at_close(),
                ..counters
            },
            Stream::Datagrams { payload, .. } => Counters { payload_bytes: *payload, ..counters },
        }
    }

    /// Zeek's `conn_state` as things stand.
    #[must_use]
    pub fn state(&self) -> ConnectionState {
        let originator = self.originator();
        match self.key.protocol {
            TCP => {
                let empty = [Side::A, Side::B]
                    .iter()
                    .all(|&side| self.sequence(side).is_none_or(|stream| stream.extent() == 0));
                state::connection_state(
                    self.tcp_state(originator),
                    self.tcp_state(originator.other()),
                    empty,
                    self.history().as_str(),
                )
            }
            UDP => match (self.packets(originator) > 0, self.packets(originator.other()) > 0) {
                (true, true) => ConnectionState::Sf,
                (true, false) => ConnectionState::S0,
                (false, true) => ConnectionState::Shr,
                (false, false) => ConnectionState::Oth,
            },
            _ => ConnectionState::Oth,
        }
    }

    /// Zeek's `history` so far.
    #[must_use]
    pub fn history(&self) -> super::History {
        self.letters.history()
    }

    /// Whether both sides said that nothing more will come, or one broke off.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.key.protocol == TCP
            && state::is_ended(self.tcp_state(Side::A), self.tcp_state(Side::B))
    }

    /// How long a silence ends it.
    pub(super) fn timeout(&self, limits: &Limits) -> Span {
        match self.key.protocol {
            TCP => {
                let originator = self.originator();
                let (own, peer) = (self.tcp_state(originator), self.tcp_state(originator.other()));
                if state::is_ended(own, peer) {
                    limits.timeout_tcp_closed
                } else if state::is_attempt(own, peer) {
                    limits.timeout_tcp_attempt
                } else {
                    limits.timeout_tcp
                }
            }
            UDP => limits.timeout_udp,
            super::icmp::V4 | super::icmp::V6 => limits.timeout_icmp,
            _ => limits.timeout_other,
        }
    }

    /// What keeping it is worth at `now`, for eviction: the smallest goes first.
    ///
    /// A tier first: ended TCP connections (0), those only one side of which was heard (1), the
    /// rest (2). Within a tier the silence so far decides, halved for each doubling of the packets
    /// seen: of two connections silent for the same time the busier stays, and one of a million
    /// packets must have been silent two hundred thousand times as long as one of five.
    pub(super) fn worth(&self, now: Timestamp) -> (u8, u64) {
        let tier = match (self.is_ended(), self.packets(Side::A) > 0 && self.packets(Side::B) > 0) {
            (true, _) => 0,
            (false, false) => 1,
            (false, true) => 2,
        };
        let idle = now.since(self.last).nanos() >> self.position().max(1).ilog2();
        (tier, u64::MAX - idle)
    }

    pub(super) const fn mark_closed(&mut self) {
        self.once[1] &= !LIVE;
    }

    /// Makes side B the originator; `guessed` writes it into the history.
    pub(super) fn originate_from_b(&mut self, guessed: bool) {
        self.once[0] |= B_ORIGINATES;
        if guessed {
            self.letters.push(b'^');
        }
    }

    /// Whether a SYN from `side` begins another connection between the same ends.
    ///
    /// The SYN this connection began with never does. Of the others, one does when the connection
    /// has ended, when nobody answered the first SYN, or when its number lies outside what the side
    /// could send (tshark splits there too); one inside is a stray and belongs here.
    pub(super) fn is_reused_by(&self, side: Side, tcp: &Tcp) -> bool {
        let Stream::Tcp(stream) = &self.sides[side as usize].stream else { return false };
        if tcp.flags.intersects(TcpFlags(TcpFlags::RST.0 | TcpFlags::FIN.0))
            || stream.began_with(tcp.sequence)
            || stream.was_answered(tcp.sequence)
        {
            return false;
        }
        if self.is_ended() {
            // A late SYN-ACK of a side not heard before still answers the old SYN.
            return !tcp.flags.contains(TcpFlags::ACK)
                || stream.is_started() && !stream.in_reach(tcp.sequence);
        }
        if tcp.flags.contains(TcpFlags::ACK) || !stream.is_started() {
            return false;
        }
        stream.state == TcpState::SynSent || !stream.in_reach(tcp.sequence)
    }

    /// Counts a packet of any kind.
    #[inline]
    pub(super) const fn count(&mut self, time: Timestamp, side: Side, load: Load) {
        self.last = time;
        let block = &mut self.sides[side as usize];
        block.packets += 1;
        block.ip_bytes += load.ip_bytes as u64;
        block.wire_bytes += load.wire_bytes as u64;
        if let Stream::Datagrams { payload, .. } = &mut block.stream {
            *payload += load.payload as u64;
        }
    }

    /// Follows what a transport header with `len` bytes of payload behind it says.
    #[inline]
    pub(super) fn follow(
        &mut self,
        side: Side,
        transport: &Transport,
        payload: &[u8],
        len: u32,
    ) -> SequenceNote {
        let mut note = SequenceNote::default();
        match transport {
            Transport::Tcp(tcp) => self.follow_tcp(side, tcp, len, &mut note),
            Transport::Udp { source, destination } => {
                self.write_once(side, once::DATA, b'd');
                if *source > 1023
                    && *destination > 1023
                    && let Stream::Datagrams { rtp, .. } = &mut self.sides[side as usize].stream
                {
                    rtp.observe(payload, &mut note);
                }
            }
            _ => {}
        }
        note
    }

    /// Adds a later fragment's bytes to a TCP stream.
    pub(super) fn follow_fragment(&mut self, side: Side, sequence: u32, len: u32) -> SequenceNote {
        let mut note = SequenceNote::default();
        if let Stream::Tcp(stream) = &mut self.sides[side as usize].stream {
            stream.segment(sequence, len, false, &mut note);
        }
        note
    }

    fn follow_tcp(&mut self, side: Side, tcp: &Tcp, len: u32, note: &mut SequenceNote) {
        self.write_flags(side, tcp.flags, len);
        let is_originator = side == self.originator();
        let peer_spoke = self.packets(side.other()) > 0;
        let [a, b] = &mut self.sides;
        let (own, peer) = match side {
            Side::A => (&mut a.stream, &mut b.stream),
            Side::B => (&mut b.stream, &mut a.stream),
        };
        let (Stream::Tcp(own), Stream::Tcp(peer)) = (own, peer) else { return };
        let syn = tcp.flags.contains(TcpFlags::SYN);
        let fin = tcp.flags.contains(TcpFlags::FIN);
        let rst = tcp.flags.contains(TcpFlags::RST);

        // A closed window means something only while data may still come.
        let mut zero_window = 0;
        if tcp.window == 0 && !rst && peer.state != TcpState::Closed && own.state != TcpState::Reset
        {
            own.zero_windows = own.zero_windows.saturating_add(1);
            zero_window = own.zero_windows;
        }
        // SYN-ACK before its SYN: the sender of the SYN is the originator after all.
        let reversed = syn
            && !tcp.flags.contains(TcpFlags::ACK)
            && !is_originator
            && (own.state, peer.state) == (TcpState::Inactive, TcpState::SynAckSent)
            && own.was_answered(tcp.sequence);
        if reversed {
            peer.state = TcpState::Established;
        }
        (own.state, peer.state) = own.state.step(peer.state, is_originator, tcp.flags, len);

        let mut gaps = 0;
        if !rst {
            if syn {
                own.syn(tcp.sequence);
            }
            own.segment(tcp.sequence.wrapping_add(u32::from(syn)), len, fin, note);
            if tcp.flags.contains(TcpFlags::ACK) {
                let (start, extent) = (peer.next(), peer.extent());
                let unseen = peer.acknowledge(tcp.acknowledgement);
                if !peer_spoke {
                    // Only one direction is captured; nothing is missing that could have been seen.
                    peer.forgive(unseen);
                } else if unseen > 0 {
                    note.acknowledged_unseen = unseen;
                    note.unseen_start = start;
                    note.unseen_ahead = (peer.extent() - extent) as u32;
                    // As in Zeek, a gap that only the end reveals is not written down.
                    if !fin {
                        peer.gaps = peer.gaps.saturating_add(1);
                        gaps = peer.gaps;
                    }
                }
            }
        }
        if reversed {
            self.once[0] ^= B_ORIGINATES;
            self.letters.push(b'^');
            return;
        }
        let repeats = own.retransmissions().saturating_add(own.out_of_order());
        let repeated = len > 0 && note.gap == 0 && note.retransmitted + note.filled == len;

        if zero_window > 0 {
            self.write_scaled(side, u32::from(zero_window), b'w');
        }
        if gaps > 0 {
            self.write_scaled(side.other(), u32::from(gaps), b'g');
        }
        if repeated {
            self.write_scaled(side, repeats, b't');
        }
    }

    /// The letters that flags and payload call for.
    #[inline]
    fn write_flags(&mut self, side: Side, flags: TcpFlags, len: u32) {
        let syn = flags.contains(TcpFlags::SYN);
        let fin = flags.contains(TcpFlags::FIN);
        let rst = flags.contains(TcpFlags::RST);
        match (syn, fin, rst) {
            (false, false, false) if len > 0 => self.write_once(side, once::DATA, b'd'),
            (false, false, false) if flags.contains(TcpFlags::ACK) => {
                self.write_once(side, once::ACK, b'a');
            }
            (false, false, false) => {}
            (true, false, false) => {
                let letter = if flags.contains(TcpFlags::ACK) { b'h' } else { b's' };
                self.write_once(side, once::SYN, letter);
            }
            (false, true, false) => self.write_once(side, once::FIN, b'f'),
            (false, false, true) => self.write_once(side, once::RST, b'r'),
            (_, true, true) => self.write_once(side, once::FIN_RST, b'i'),
            (true, ..) => self.write_once(side, once::MULTIPLE, b'q'),
        }
    }

    #[inline]
    fn write_once(&mut self, side: Side, bit: u8, letter: u8) {
        if self.once[side as usize] & bit == 0 {
            self.once[side as usize] |= bit;
            self.write(side, letter);
        }
    }

    /// Writes the first, the tenth, the hundredth, ... of a kind.
    fn write_scaled(&mut self, side: Side, count: u32, letter: u8) {
        if matches!(count, 1 | 10 | 100 | 1_000 | 10_000) {
            self.write(side, letter);
        }
    }

    fn write(&mut self, side: Side, letter: u8) {
        let letter = if side == self.originator() { letter.to_ascii_uppercase() } else { letter };
        self.letters.push(letter);
    }

    fn sequence(&self, side: Side) -> Option<&Sequence> {
        match &self.sides[side as usize].stream {
            Stream::Tcp(sequence) => Some(sequence),
            Stream::Datagrams { .. } => None,
        }
    }

    fn tcp_state(&self, side: Side) -> TcpState {
        self.sequence(side).map_or(TcpState::Inactive, |sequence| sequence.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_keeps_within_its_bytes() {
        assert_eq!(size_of::<Sequence>(), 72);
        assert_eq!(size_of::<Stream>(), 72, "the other kind of stream hides in a spare value");
        assert_eq!(size_of::<SideBlock>(), 96);
        assert!(size_of::<Connection>() <= 280, "{}", size_of::<Connection>());
    }
}
