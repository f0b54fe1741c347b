//! Requests without a response, on services that always answer.
//!
//! Only where no number tells of a hole: UDP and ICMP. A request counts as unanswered when the next one
//! comes and nothing came in between, on a connection where answers did come before, in a
//! stated time. So a server that never answers raises nothing, and neither do requests sent in
//! a bunch.

use crate::flow::{Service, Side};
use crate::time::Span;

/// Exchanges before a response is counted upon.
const PROBATION: u8 = 3;
/// A request is unanswered only after this many times the usual wait.
const PATIENCE: u64 = 4;
/// And never sooner than this.
const SOONEST: Span = Span::from_millis(50);

/// Whether every request of this service is answered by protocol: DNS to a server, NTP, SNMP, RADIUS,
/// STUN, Modbus over UDP, echo. Not mDNS, SSDP and the like, which ask everybody.
const fn always_answers(service: Service) -> bool {
    match service.protocol {
        1 => service.port == 8,
        58 => service.port == 128,
        17 => matches!(service.port, 53 | 123 | 161 | 502 | 1812 | 1813 | 3478),
        _ => false,
    }
}

/// How a connection's requests were answered so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answers {
    /// The usual wait for one, in microseconds.
    wait: u32,
    /// Requests answered so far.
    regular: u8,
    /// Whether the service always answers.
    counts: bool,
}

impl Answers {
    pub(super) const NONE: Self = Self { wait: 0, regular: 0, counts: false };

    /// Nothing answered yet on a connection of `service`.
    pub(super) const fn of(service: Service) -> Self {
        Self { counts: always_answers(service), ..Self::NONE }
    }

    /// A packet came `since` the one before, which `before` sent; `requester` asks.
    ///
    /// Answers when the response was due, from the packet before, if that was a request which now
    /// counts as unanswered.
    pub(super) fn observe(
        &mut self,
        side: Side,
        before: Side,
        requester: Side,
        since: Span,
    ) -> Option<Span> {
        if !self.counts {
            return None;
        }
        if side != requester {
            if before == requester {
                let wait = since.micros().min(u64::from(u32::MAX)) as u32;
                let old = if self.regular == 0 { wait } else { self.wait };
                self.wait = (u64::from(old) * 7 / 8 + u64::from(wait) / 8) as u32;
                self.regular = self.regular.saturating_add(1);
            }
            return None;
        }
        if before != requester || self.regular < PROBATION {
            return None;
        }
        let wait = Span::from_micros(u64::from(self.wait));
        let patience = Span::from_nanos(wait.nanos().saturating_mul(PATIENCE)).max(SOONEST);
        (since > patience).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NTP: Service = Service { protocol: 17, port: 123 };

    fn exchange(answers: &mut Answers, times: usize) {
        for _ in 0..times {
            assert_eq!(answers.observe(Side::B, Side::A, Side::A, Span::from_millis(20)), None);
            assert_eq!(answers.observe(Side::A, Side::B, Side::A, Span::from_secs(1)), None);
        }
    }

    #[test]
    fn a_request_after_a_request_tells_of_a_response_only_where_responses_came() {
        let mut answers = Answers::of(NTP);
        assert_eq!(answers.observe(Side::A, Side::A, Side::A, Span::from_secs(1)), None);
        exchange(&mut answers, 5);
        let due = answers.observe(Side::A, Side::A, Side::A, Span::from_secs(1));
        assert!(due.is_some_and(|due| (15_000..=20_000).contains(&due.micros())), "{due:?}");
    }

    #[test]
    fn requests_in_a_bunch_wait_for_their_answers() {
        let mut answers = Answers::of(NTP);
        exchange(&mut answers, 5);
        assert_eq!(answers.observe(Side::A, Side::A, Side::A, Span::from_micros(50)), None);
    }
}
