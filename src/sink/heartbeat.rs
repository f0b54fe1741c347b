//! The rows of heartbeat.log.

use crate::predict::cadence::{Beats, Heartbeat};

use super::conn::write_uid;
use super::endpoints::transport;
use super::row::Row;

/// Writes a cadence that stopped or came back.
pub(super) fn write(row: &mut Row<'_>, heartbeat: &Heartbeat, scratch: &mut Vec<u8>) {
    row.time(heartbeat.time);
    row.enumerated(heartbeat.change.name());
    row.enumerated(heartbeat.beats.name());
    match heartbeat.uid {
        Some(uid) => write_uid(row, uid, scratch),
        None => row.unset(),
    }
    row.addr(heartbeat.source);
    match heartbeat.beats {
        Beats::Packets => row.port(heartbeat.source_port),
        Beats::Connections => row.unset(),
    }
    row.addr(heartbeat.destination);
    row.port(heartbeat.destination_port);
    row.enumerated(transport(heartbeat.service.protocol));
    row.interval(heartbeat.period);
    row.interval(heartbeat.jitter);
    row.count(heartbeat.count);
    row.time(heartbeat.last);
    row.interval(heartbeat.wait);
    row.count(heartbeat.missed);
    row.count(heartbeat.cadences);
}
