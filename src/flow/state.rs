//! The state of a TCP connection in Zeek's words: one state a side, and `conn_state` out of both.
//!
//! The rules are those Zeek 8 applies (its TCP session adapter, and `conn_state` of
//! `base/protocols/conn`), so that the two logs agree where both see the same packets.

use crate::wire::TcpFlags;

use super::ConnectionState;

/// What one side did so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub(super) enum TcpState {
    /// Nothing.
    #[default]
    Inactive,
    /// Sent a SYN.
    SynSent,
    /// Sent a SYN-ACK first of all, being the originator.
    SynAckSent,
    /// Sends, but its beginning was not seen.
    Partial,
    /// The handshake was seen.
    Established,
    /// Sent a FIN.
    Closed,
    /// Sent a RST.
    Reset,
    /// Sent a FIN, then a RST while the other side was still open.
    ResetAfterClose,
}

use TcpState::{
    Closed, Established, Inactive, Partial, Reset, ResetAfterClose, SynAckSent, SynSent,
};

impl TcpState {
    const fn is_reset(self) -> bool {
        matches!(self, Reset | ResetAfterClose)
    }

    const fn is_silent(self) -> bool {
        matches!(self, Inactive | Partial)
    }

    /// The sender's and the receiver's state after a packet with these flags and payload length.
    #[inline]
    pub(super) const fn step(
        self,
        peer: Self,
        is_originator: bool,
        flags: TcpFlags,
        payload_len: u32,
    ) -> (Self, Self) {
        let fin = flags.contains(TcpFlags::FIN);
        let rst = flags.contains(TcpFlags::RST);
        match self {
            Inactive => inactive(peer, is_originator, flags, payload_len),
            SynSent | SynAckSent => match (fin, rst) {
                (_, true) => (Reset, peer),
                (true, false) => (Closed, peer),
                (false, false) => (self, peer),
            },
            Established | Partial => {
                if rst {
                    (Reset, peer)
                } else if fin {
                    // FIN, RST from the peer and now our FIN: that was an ordinary end after all.
                    (Closed, if matches!(peer, ResetAfterClose) { Closed } else { peer })
                } else if flags.contains(TcpFlags::SYN)
                    && !flags.contains(TcpFlags::ACK)
                    && matches!((self, peer), (Partial, Inactive))
                {
                    (SynSent, peer)
                } else {
                    (self, peer)
                }
            }
            Closed if rst && !matches!(peer, Closed) => (ResetAfterClose, peer),
            Closed | Reset | ResetAfterClose => (self, peer),
        }
    }
}

const fn inactive(
    peer: TcpState,
    is_originator: bool,
    flags: TcpFlags,
    payload_len: u32,
) -> (TcpState, TcpState) {
    let ack = flags.contains(TcpFlags::ACK);
    let (mut own, mut other) = (Inactive, peer);
    if flags.contains(TcpFlags::SYN) {
        own = match (is_originator, ack) {
            (true, true) => SynAckSent,
            (true, false) => SynSent,
            (false, _) => Established,
        };
        if !is_originator && matches!(peer, SynSent) {
            other = Established;
        }
    }
    if flags.contains(TcpFlags::FIN) {
        own = Closed;
    }
    if flags.contains(TcpFlags::RST) {
        own = Reset;
    }
    if matches!(own, Inactive) {
        own = if !is_originator && payload_len == 0 && matches!(peer, SynSent) {
            // Some acknowledge a SYN before they answer it.
            Inactive
        } else if ack && matches!(peer, Established) {
            // Only the SYN was missed.
            Established
        } else {
            Partial
        };
    }
    (own, other)
}

/// Whether nothing more is expected of a connection in these states.
pub(super) const fn is_ended(one: TcpState, other: TcpState) -> bool {
    one.is_reset()
        || other.is_reset()
        || matches!((one, other), (Closed, Closed | Inactive) | (Inactive, Closed))
}

/// Whether only the originator was heard, trying to connect.
pub(super) const fn is_attempt(originator: TcpState, responder: TcpState) -> bool {
    matches!((originator, responder), (SynSent | SynAckSent, Inactive))
}

/// Zeek's `conn_state` of a TCP connection, from both states, whether any payload was seen, and the
/// history.
pub(super) fn connection_state(
    originator: TcpState,
    responder: TcpState,
    empty: bool,
    history: &str,
) -> ConnectionState {
    if responder.is_reset() {
        return match originator {
            SynSent | SynAckSent => ConnectionState::Rej,
            state if state.is_reset() && empty => ConnectionState::Rej,
            state if state.is_silent() => ConnectionState::Rstrh,
            _ => ConnectionState::Rstr,
        };
    }
    if originator.is_reset() {
        return match responder.is_silent() {
            false => ConnectionState::Rsto,
            true if is_syn_then_reset(history) => ConnectionState::Rstos0,
            true => ConnectionState::Oth,
        };
    }
    match (originator, responder) {
        (Closed, Closed) => ConnectionState::Sf,
        (Closed, other) if other.is_silent() => ConnectionState::Sh,
        (Closed, _) => ConnectionState::S2,
        (other, Closed) if other.is_silent() => ConnectionState::Shr,
        (_, Closed) => ConnectionState::S3,
        (SynSent, Inactive) => ConnectionState::S0,
        (Established, Established) => ConnectionState::S1,
        _ => ConnectionState::Oth,
    }
}

/// Whether the originator sent a SYN and then a RST with nothing of weight between.
fn is_syn_then_reset(history: &str) -> bool {
    let rest = history.strip_prefix('^').unwrap_or(history);
    rest.strip_prefix('S').is_some_and(|rest| {
        rest.find('R').is_some_and(|end| !rest[..end].contains(['H', 'A', 'F', 'G', 'I', 'Q']))
    })
}

/// The history as a live connection keeps it: five bits a letter, in sixteen bytes.
#[derive(Clone, Copy, Default)]
pub(super) struct Letters([u64; 2]);

const LETTERS: &[u8; 26] = b"-shadfrcgtwiqSHADFRCGTWIQ^";
const A_WORD: u32 = 12;

impl Letters {
    /// Adds a letter, `s`, `h`, ... or `^`; upper case for the originator. The letters past the
    /// capacity of a summary's history are dropped.
    pub(super) fn push(&mut self, letter: u8) {
        let Some(code) = LETTERS.iter().position(|&known| known == letter) else { return };
        for word in &mut self.0 {
            let len = (u64::BITS - word.leading_zeros()).div_ceil(5);
            if len < A_WORD {
                *word |= (code as u64) << (len * 5);
                return;
            }
        }
    }

    pub(super) fn history(self) -> super::History {
        let mut history = super::History::default();
        let codes = self.0.iter().flat_map(|word| (0..A_WORD).map(move |at| word >> (at * 5) & 31));
        for (place, code) in history.letters.iter_mut().zip(codes.take_while(|&code| code != 0)) {
            *place = LETTERS.get(code as usize).copied().unwrap_or(b'?');
            history.len += 1;
        }
        history
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u8 = 2;
    const F: u8 = 1;
    const R: u8 = 4;
    const A: u8 = 16;

    /// Plays packets (from the originator?, flags, payload) and answers `conn_state`.
    fn play(packets: &[(bool, u8, u32)], history: &str) -> &'static str {
        let (mut originator, mut responder) = (Inactive, Inactive);
        let mut bytes = 0;
        for &(from_originator, flags, len) in packets {
            let flags = TcpFlags(flags);
            bytes += len;
            if from_originator {
                (originator, responder) = originator.step(responder, true, flags, len);
            } else {
                (responder, originator) = responder.step(originator, false, flags, len);
            }
        }
        connection_state(originator, responder, bytes == 0, history).name()
    }

    #[test]
    fn connections_end_in_zeeks_words() {
        let open = [(true, S, 0), (false, S | A, 0), (true, A, 0), (true, A, 9), (false, A, 9)];
        let after = |more: &[(bool, u8, u32)]| play(&[&open, more].concat(), "ShADd");
        assert_eq!(play(&open[..1], "S"), "S0");
        assert_eq!(after(&[]), "S1");
        assert_eq!(after(&[(true, F | A, 0)]), "S2");
        assert_eq!(after(&[(false, F | A, 0)]), "S3");
        assert_eq!(after(&[(true, F | A, 0), (false, F | A, 0), (true, R, 0)]), "SF");
        assert_eq!(after(&[(true, F | A, 0), (true, R, 0), (false, F | A, 0)]), "SF");
        assert_eq!(after(&[(true, R | A, 0)]), "RSTO");
        assert_eq!(after(&[(false, R, 0)]), "RSTR");
        assert_eq!(play(&[(true, S, 0), (false, R | A, 0)], "Sr"), "REJ");
        assert_eq!(play(&[(true, S, 0), (true, R, 0)], "SR"), "RSTOS0");
        assert_eq!(play(&[(true, S, 0), (true, F, 0)], "SF"), "SH");
        assert_eq!(play(&[(false, S | A, 0), (false, R, 0)], "^hr"), "RSTRH");
        assert_eq!(play(&[(false, S | A, 0), (false, F, 0)], "^hf"), "SHR");
        assert_eq!(play(&[(true, A, 5), (false, A, 5)], "Dd"), "OTH");
        assert_eq!(play(&[(true, R, 0)], "R"), "OTH");
        assert_eq!(play(&[(false, S | A, 0), (true, A, 0)], "^hA"), "S1");
    }

    #[test]
    fn a_history_keeps_its_letters_in_order_and_drops_the_ones_that_do_not_fit() {
        let mut letters = Letters::default();
        b"^ShADadFfRrCcGgTtWwIiQqSHadf".iter().for_each(|&letter| letters.push(letter));
        assert_eq!(letters.history().as_str(), "^ShADadFfRrCcGgTtWwIiQq");
    }
}
