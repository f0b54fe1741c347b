//! The rows of alarm.log: connections and endpoints that stand out, and why, in a sentence.

use std::io::Write;

use crate::score::{Activity, AnomalousConnection, AnomalousEndpoint, Finding, Reason, Volume};

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
    let scored = found.score.scored;
    write_finding(row, &found.finding);
    scratch.clear();
    let subject = format_args!("{scored} packets of this connection");
    note(scratch, &subject, &found.finding, "connections");
    row.string(scratch);
}

/// Writes an endpoint that stands out.
pub(super) fn write_endpoint(row: &mut Row<'_>, found: &AnomalousEndpoint, scratch: &mut Vec<u8>) {
    row.time(found.time);
    row.enumerated("endpoint");
    row.addr(found.address);
    (0..6).for_each(|_| row.unset());
    write_finding(row, &found.finding);
    scratch.clear();
    note(scratch, &format_args!("{}", found.address), &found.finding, "minutes of an endpoint");
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
}

/// One in fewer than this is no rarity worth a number.
const FEW: f32 = 10.0;

/// For example: `10.0.0.9 turned to 340 services it had not met before within a minute, usual are 2;
/// one in 12000 minutes of an endpoint comes to as much here`.
fn note(
    out: &mut Vec<u8>,
    subject: &std::fmt::Arguments<'_>,
    finding: &Finding,
    units: &'static str,
) {
    let one_in = 1.0 / finding.share;
    // Writing to memory does not fail.
    let _ = match finding.reason {
        Reason::Packets { rarest } => {
            write!(
                out,
                "{subject} together are too unlikely; the rarest is one in {:.0} packets like it",
                1.0 / rarest
            )
        }
        Reason::Novelty { rarest } => write!(
            out,
            "{subject} between ends that did not meet before are too unlikely; the rarest is one in {:.0} packets like it",
            1.0 / rarest
        ),
        Reason::Volume { of, seen, share } => {
            let what = match of {
                Volume::Sent => "bytes sent by its originator",
                Volume::Received => "bytes sent by its responder",
                Volume::Packets => "packets",
            };
            let one_in = 1.0 / share;
            write!(
                out,
                "this connection has come to {seen} {what}; one in {one_in:.0} of its service carries as much"
            )
        }
        Reason::Count { activity, seen, usual } => {
            let (before, after) = match activity {
                Activity::Opened => ("began", "connections"),
                Activity::NewServices => ("turned to", "services it had not met before"),
                Activity::Failed => ("began", "connections that came to nothing"),
                Activity::Received => ("was the target of", "connections"),
                Activity::NewSources => {
                    ("was turned to by", "endpoints that it had not met before")
                }
                Activity::Unanswered => ("left unanswered", "connections"),
            };
            write!(out, "{subject} {before} {seen} {after} within a minute, usual are {usual:.1}")
        }
        Reason::Failures { failed, tried } => {
            write!(
                out,
                "of {tried} services that {subject} turned to for the first time, {failed} did not answer or refused"
            )
        }
    };
    let _ = if one_in < FEW {
        write!(out, "; too few {units} were seen here to say how rare that is")
    } else {
        write!(out, "; one in {one_in:.0} {units} comes to as much here")
    };
}
