//! The rows of stats.log and reporter.log: the sensor about itself.

use crate::sensor::{Shed, Stats};
use crate::time::Timestamp;

use super::number;
use super::row::Row;

/// Writes the counters. They are named one by one, so that a new one does not compile without a column.
pub(super) fn write(row: &mut Row<'_>, time: Timestamp, stats: &Stats) {
    let &Stats {
        packets,
        wire_bytes,
        not_ip,
        truncated,
        malformed,
        orphan_fragments,
        time_reversed,
        clock_resets,
        connections,
        live,
        live_peak,
        evicted,
        scored,
        surprise_millibits,
        anomalies,
        synthetic,
        cadences,
        heartbeats_missing,
        events_shed,
        memory,
        anomalous_connections,
        anomalous_endpoints,
        alarms_held,
        gaps,
        late,
        filled,
        lost,
        phantom,
        withheld,
        capture_loss_ppm,
    } = stats;
    row.time(time);
    for counter in [
        packets,
        wire_bytes,
        not_ip,
        truncated,
        malformed,
        orphan_fragments,
        time_reversed,
        clock_resets,
        connections,
        live,
        live_peak,
        evicted,
        scored,
        surprise_millibits,
        anomalies,
        synthetic,
        cadences,
        heartbeats_missing,
        events_shed,
        memory,
        anomalous_connections,
        anomalous_endpoints,
        alarms_held,
        gaps,
        late,
        filled,
        lost,
        phantom,
        withheld,
        capture_loss_ppm,
    ] {
        row.count(counter);
    }
}

/// Writes that events were lost.
pub(super) fn write_shed(row: &mut Row<'_>, shed: &Shed, scratch: &mut Vec<u8>) {
    row.time(shed.time);
    row.enumerated("Reporter::WARNING");
    scratch.clear();
    number::unsigned(scratch, shed.events);
    scratch.extend_from_slice(b" events were lost because the event queue was full");
    row.string(scratch);
    row.string(b"");
}
