//! The rows of conn.log.

use std::io::Write;

use crate::flow::{CloseReason, Summary, Uid, community_id};
use crate::score::ConnectionScore;
use crate::time::Span;

use super::endpoints::write_id;
use super::locality::is_local;
use super::number::logged_span;
use super::row::Row;

/// Writes one connection; `seed` is that of the Community ID.
pub(super) fn write(
    row: &mut Row<'_>,
    summary: &Summary,
    score: &ConnectionScore,
    seed: u16,
    scratch: &mut Vec<u8>,
) {
    let Summary { key, originator, .. } = summary;
    let responder = originator.other();
    let [orig, resp] = [*originator, responder].map(|side| &summary.sides[side as usize]);

    row.time(summary.first);
    write_uid(row, summary.uid, scratch);
    write_id(row, key, *originator);
    row.unset();
    // Zeek tells duration and bytes only of what lasted longer than no time at all.
    let duration = logged_span(summary.first, summary.last);
    let lasted = duration > Span::ZERO;
    row.interval_or_unset(lasted.then_some(duration));
    row.count_or_unset(lasted.then_some(orig.payload_bytes));
    row.count_or_unset(lasted.then_some(resp.payload_bytes));
    row.string(summary.state.name().as_bytes());
    row.bool(is_local(key.address(*originator)));
    row.bool(is_local(key.address(responder)));
    row.count(orig.missed_bytes.saturating_add(resp.missed_bytes));
    let history = summary.history.as_str();
    row.string_or_unset((!history.is_empty()).then_some(history.as_bytes()));
    for side in [orig, resp] {
        row.count(side.packets);
        row.count(side.ip_bytes);
    }
    row.unset();
    row.count(key.protocol);
    row.string(community_id(key, seed).as_bytes());
    row.int_or_unset(summary.vlans.outer);
    row.int_or_unset(summary.vlans.inner);

    row.string_or_unset(summary.service().name().map(str::as_bytes));
    row.count(score.scored);
    row.double_or_unset(score.mean());
    row.double_or_unset((score.scored > 0).then_some(score.max));
    row.count(score.anomalies);
    row.double_or_unset((score.scored > 0).then_some(score.severity));
    row.count(score.synthetic);
    row.enumerated_or_unset(summary.closed.map(close_reason));
    row.count(orig.wire_bytes);
    row.count(resp.wire_bytes);
    row.count(orig.retransmissions);
    row.count(resp.retransmissions);
    row.count(orig.out_of_order);
    row.count(resp.out_of_order);
    match summary.tunnel {
        Some(tunnel) => {
            row.enumerated(tunnel.kind.name());
            row.count(tunnel.id);
            row.count(tunnel.depth);
            row.addr(tunnel.source);
            row.addr(tunnel.destination);
        }
        None => (0..5).for_each(|_| row.unset()),
    }
}

/// Writes a connection's uid.
pub(super) fn write_uid(row: &mut Row<'_>, uid: u128, scratch: &mut Vec<u8>) {
    scratch.clear();
    // Writing to memory can't fail.
    let _ = write!(scratch, "{}", Uid(uid));
    row.string(scratch);
}

const fn close_reason(reason: CloseReason) -> &'static str {
    match reason {
        CloseReason::Timeout => "timeout",
        CloseReason::Reused => "reused",
        CloseReason::Evicted => "evicted",
        CloseReason::Host => "host",
        CloseReason::Shutdown => "shutdown",
        CloseReason::ClockReset => "clock_reset",
    }
}
