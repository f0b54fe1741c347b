//! The rows of anomaly.log, and the sentence that says one in English.

use crate::flow::Side;
use crate::model::Surprise;
use crate::score::Anomaly;
use crate::wire::TcpFlags;

use super::conn::write_uid;
use super::endpoints::{FlagNames, role, write_flags, write_id};
use super::number::{self, Decimals};
use super::row::Row;

/// Writes one packet that was not expected.
pub(super) fn write(row: &mut Row<'_>, anomaly: &Anomaly, scratch: &mut Vec<u8>) {
    let Anomaly { surprise, expected, seen, key, originator, .. } = anomaly;
    row.time(anomaly.time);
    write_uid(row, anomaly.uid, scratch);
    write_id(row, key, *originator);
    row.double(surprise.total());
    row.double(surprise.side_flags);
    row.double(surprise.size);
    row.double(surprise.time);
    row.double(surprise.entropy);
    row.double(anomaly.threshold);
    row.double(1.0 / anomaly.probability);
    let parts = largest_first(surprise);
    let told = parts.iter().take_while(|part| part.bits > 0.2 * surprise.total()).count();
    row.strings(&parts.map(|part| part.name)[..told]);
    row.count(seen.position);
    row.enumerated(role(seen.side, *originator));
    write_flags(row, key.protocol, seen.flags);
    row.count(seen.payload_len);
    row.count(seen.wire_len);
    row.interval_or_unset(seen.since);
    row.enumerated(role(expected.side, *originator));
    write_flags(row, key.protocol, expected.flags);
    row.double(expected.side_flags_probability);
    row.count(expected.size.low);
    row.count(expected.size.mode);
    row.count(expected.size.high);
    row.interval(expected.time.low);
    row.interval(expected.time.median);
    row.interval(expected.time.high);
    row.double(expected.nothing_more);
    scratch.clear();
    sentence(scratch, anomaly, parts[0]);
    row.string(scratch);
}

/// A part of a packet's surprise.
#[derive(Clone, Copy)]
struct Part {
    name: &'static str,
    subject: &'static str,
    bits: f32,
}

/// The parts, the largest first; equal ones keep the order in which the forecast is chained.
fn largest_first(surprise: &Surprise) -> [Part; 4] {
    let part = |name, subject, bits| Part { name, subject, bits };
    let mut parts = [
        part("side_flags", "sender and flags", surprise.side_flags),
        part("size", "its size", surprise.size),
        part("time", "its time", surprise.time),
        part("entropy", "the randomness of its payload", surprise.entropy),
    ];
    parts.sort_by(|a, b| b.bits.total_cmp(&a.bits));
    parts
}

/// For example: `The responder sent SYN-ACK with 0 bytes 0.000012 s after the packet before;
/// expected was the originator (93 %) with ACK, 0 to 0 bytes, after 0.020000 to 3.000000 s; most
/// surprising was its time (17.2 of 21.3 bits)`.
fn sentence(out: &mut Vec<u8>, anomaly: &Anomaly, largest: Part) {
    let Anomaly { surprise, expected, seen, key, originator, .. } = anomaly;
    let sender = |side: Side| if side == *originator { "originator" } else { "responder" };
    push(out, "The ");
    push(out, sender(seen.side));
    push(out, " sent ");
    push_flags(out, key.protocol, seen.flags, " with ");
    number::unsigned(out, u64::from(seen.payload_len));
    push(out, " bytes ");
    match seen.since {
        Some(since) => {
            number::span(out, since, Decimals::Six);
            push(out, " s after the packet before");
        }
        None => push(out, "as the first packet"),
    }
    push(out, "; expected was ");
    if expected.nothing_more > 0.5 {
        push(out, "nothing more (");
        percent(out, expected.nothing_more);
        push(out, ")");
    } else {
        push(out, "the ");
        push(out, sender(expected.side));
        push(out, " (");
        percent(out, expected.side_flags_probability);
        push(out, ") with ");
        push_flags(out, key.protocol, expected.flags, ", ");
        number::unsigned(out, u64::from(expected.size.low));
        push(out, " to ");
        number::unsigned(out, u64::from(expected.size.high));
        push(out, " bytes");
        if seen.since.is_some() {
            push(out, ", after ");
            number::span(out, expected.time.low, Decimals::Six);
            push(out, " to ");
            number::span(out, expected.time.high, Decimals::Six);
            push(out, " s");
        }
    }
    push(out, "; most surprising was ");
    push(out, largest.subject);
    push(out, " (");
    tenths(out, largest.bits);
    push(out, " of ");
    tenths(out, surprise.total());
    push(out, " bits)");
}

fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

fn push_flags(out: &mut Vec<u8>, protocol: u8, flags: TcpFlags, then: &str) {
    if let Some(names) = FlagNames::of(protocol, flags) {
        out.extend_from_slice(names.as_bytes());
        push(out, then);
    }
}

fn percent(out: &mut Vec<u8>, probability: f32) {
    number::unsigned(out, (probability * 100.0).round() as u64);
    push(out, " %");
}

fn tenths(out: &mut Vec<u8>, bits: f32) {
    let tenths = (bits * 10.0).round() as u64;
    number::unsigned(out, tenths / 10);
    out.push(b'.');
    number::unsigned(out, tenths % 10);
}
