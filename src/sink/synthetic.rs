//! The rows of synthetic.log: one when a synthetic packet is made, one when its outcome is known.

use crate::flow::Side;
use crate::predict::{Kind, Settled, SyntheticPacket};

use super::conn::write_uid;
use super::endpoints::{role, write_flags, write_id};
use super::row::Row;

/// Writes one packet that was due and did not come.
pub(super) fn write(row: &mut Row<'_>, packet: &SyntheticPacket, scratch: &mut Vec<u8>) {
    let expected = &packet.expected;
    row.time(packet.made);
    write_uid(row, packet.uid, scratch);
    write_id(row, &packet.key, packet.originator);
    row.count(packet.serial.0);
    row.unset();
    write_kind(row, packet.kind);
    row.time(packet.due);
    write_what(row, packet.side, packet.originator, packet.payload_len, packet.sequence);
    row.unset();
    row.double(packet.capture_loss);
    write_flags(row, packet.key.protocol, packet.flags);
    row.count_or_unset(packet.acknowledgement);
    row.double_or_unset(packet.entropy.map(|entropy| f32::from(entropy) / 32.0));
    row.double(packet.confidence);
    row.time(packet.last);
    row.count(packet.run);
    row.count(expected.size.low);
    row.count(expected.size.mode);
    row.count(expected.size.high);
    row.interval(expected.time.low);
    row.interval(expected.time.median);
    row.interval(expected.time.high);
    row.interval(expected.deadline);
    row.double(expected.side_flags_probability);
    row.double(expected.nothing_more);
}

/// Writes what became of such a packet.
pub(super) fn write_outcome(row: &mut Row<'_>, settled: &Settled, scratch: &mut Vec<u8>) {
    row.time(settled.time);
    write_uid(row, settled.uid, scratch);
    write_id(row, &settled.key, settled.originator);
    row.count(settled.serial.0);
    row.enumerated(settled.outcome.name());
    write_kind(row, settled.kind);
    row.time(settled.due);
    write_what(row, settled.side, settled.originator, settled.payload_len, settled.sequence);
    row.count_or_unset(settled.came);
    row.double(settled.capture_loss);
    for _ in 0..FORECAST_COLUMNS {
        row.unset();
    }
}

/// Columns after `capture_loss`: what was known when the packet was made.
const FORECAST_COLUMNS: usize = 15;

fn write_kind(row: &mut Row<'_>, kind: Kind) {
    let gap = kind.gap();
    row.enumerated(kind.name());
    row.enumerated_or_unset(gap.map(|gap| gap.why.name()));
    row.count_or_unset(gap.map(|gap| gap.part));
    row.count_or_unset(gap.map(|gap| gap.parts));
    row.count_or_unset(gap.map(|gap| gap.left));
}

fn write_what(row: &mut Row<'_>, side: Side, originator: Side, size: u32, sequence: Option<u32>) {
    row.enumerated(role(side, originator));
    row.count(size);
    row.count_or_unset(sequence);
}
