//! The rows of anomaly.log.

use std::io::Write;

use crate::flow::Side;
use crate::model::{Expectation, PacketFacts, Surprise};
use crate::score::{Anomaly, Part, Sentence};

use super::conn::write_uid;
use super::endpoints::{role, write_flags, write_id};
use super::row::Row;

/// Writes one packet that was not expected.
pub(super) fn write(row: &mut Row<'_>, anomaly: &Anomaly, scratch: &mut Vec<u8>) {
    let Anomaly { surprise, counted, expected, seen, key, originator, .. } = anomaly;
    row.time(anomaly.time);
    write_uid(row, anomaly.uid, scratch);
    write_id(row, key, *originator);
    row.double(surprise.total());
    row.double(surprise.side_flags);
    row.double(surprise.size);
    row.double(surprise.time);
    row.double(surprise.entropy);
    row.double(counted.total());
    row.double(anomaly.threshold);
    row.double(1.0 / anomaly.probability);
    row.count(anomaly.known);
    write_terms(row, counted);
    row.count(seen.position);
    write_seen(row, key.protocol, *originator, seen);
    write_expected(row, key.protocol, *originator, expected);
    row.double(expected.nothing_more);
    scratch.clear();
    // Writing to memory does not fail.
    let _ = write!(scratch, "{}", Sentence::Packet(anomaly));
    row.string(scratch);
}

/// The names of the parts that count for a fifth of the whole or more, the largest first; equal ones
/// keep the order in which the forecast is chained.
pub(super) fn write_terms(row: &mut Row<'_>, counted: &Surprise) {
    let mut parts = [
        (counted.side_flags, Part::SideFlags),
        (counted.size, Part::Size),
        (counted.time, Part::Time),
        (counted.entropy, Part::Entropy),
    ];
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let told = parts.iter().take_while(|(bits, _)| *bits > 0.2 * counted.total()).count();
    row.strings(&parts.map(|(_, part)| part.name())[..told]);
}

/// Writes what came: side, flags, size and time.
pub(super) fn write_seen(row: &mut Row<'_>, protocol: u8, originator: Side, seen: &PacketFacts) {
    row.enumerated(role(seen.side, originator));
    write_flags(row, protocol, seen.flags);
    row.count(seen.payload_len);
    row.count(seen.wire_len);
    row.interval_or_unset(seen.since);
}

/// Writes what was expected of these.
pub(super) fn write_expected(
    row: &mut Row<'_>,
    protocol: u8,
    originator: Side,
    expected: &Expectation,
) {
    row.enumerated(role(expected.side, originator));
    write_flags(row, protocol, expected.flags);
    row.double(expected.side_flags_probability);
    row.count(expected.size.low);
    row.count(expected.size.mode);
    row.count(expected.size.high);
    row.interval(expected.time.low);
    row.interval(expected.time.median);
    row.interval(expected.time.high);
}
