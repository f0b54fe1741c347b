//! The rows of alarm.log: connections and endpoints that stand out, and why, in a sentence.

use std::io::Write;

use crate::score::{
    AnomalousConnection, AnomalousEndpoint, Finding, Grounds, Reason, Sentence, TERMS,
};

use super::anomaly::{write_expected, write_seen, write_terms};
use super::conn::write_uid;
use super::endpoints::write_id;
use super::row::Row;

/// Writes a connection that stands out.
pub(super) fn write_connection(
    row: &mut Row<'_>,
    found: &AnomalousConnection,
    scratch: &mut Vec<u8>,
) {
    row.time(found.time);
    row.enumerated("connection");
    row.addr(found.key.address(found.originator));
    write_uid(row, found.uid, scratch);
    write_id(row, &found.key, found.originator);
    write_finding(row, &found.finding);
    let (protocol, originator) = (found.key.protocol, found.originator);
    row.count(found.tipping.seen.position);
    write_terms(row, &found.tipping.counted);
    write_seen(row, protocol, originator, &found.tipping.seen);
    write_expected(row, protocol, originator, &found.tipping.expected);
    write_note(row, &Sentence::Connection(found), scratch);
}

/// Writes an endpoint that stands out.
pub(super) fn write_endpoint(row: &mut Row<'_>, found: &AnomalousEndpoint, scratch: &mut Vec<u8>) {
    row.time(found.time);
    row.enumerated("endpoint");
    row.addr(found.address);
    (0..6).for_each(|_| row.unset());
    write_finding(row, &found.finding);
    (0..TIPPING_COLUMNS).for_each(|_| row.unset());
    write_note(row, &Sentence::Endpoint(found), scratch);
}

/// Columns of the packet that tipped a connection over.
const TIPPING_COLUMNS: usize = 16;

fn write_note(row: &mut Row<'_>, sentence: &Sentence<'_>, scratch: &mut Vec<u8>) {
    scratch.clear();
    // Writing to memory does not fail.
    let _ = write!(scratch, "{sentence}");
    row.string(scratch);
}

fn write_finding(row: &mut Row<'_>, finding: &Finding) {
    row.double(finding.severity);
    row.double(finding.threshold);
    row.double(1.0 / finding.share);
    row.enumerated(finding.reason.name());
    let (seen, of, usual, rarest) = match finding.reason {
        Reason::Packets { rarest } | Reason::Novelty { rarest } => {
            (None, None, None, Some(1.0 / rarest))
        }
        Reason::Volume { of: _, seen, share } => (Some(seen), None, None, Some(1.0 / share)),
        Reason::Count { activity: _, seen, usual } => (Some(seen), None, Some(usual), None),
        Reason::Failures { failed, tried } => {
            (Some(u32::from(failed)), Some(u32::from(tried)), None, None)
        }
    };
    row.count_or_unset(seen);
    row.count_or_unset(of);
    row.double_or_unset(usual);
    row.double_or_unset(rarest);
    let Grounds { terms, expected, known } = finding.grounds;
    row.count_or_unset(expected.map(|range| range.low));
    row.count_or_unset(expected.map(|range| range.median));
    row.count_or_unset(expected.map(|range| range.high));
    row.count(known);
    let mut names = [""; TERMS];
    let told = terms.iter().flatten().count();
    for (name, term) in names.iter_mut().zip(terms.iter().flatten()) {
        *name = term.kind.name();
    }
    row.strings(&names[..told]);
    for term in terms {
        row.double_or_unset(term.map(|term| term.bits));
    }
}
