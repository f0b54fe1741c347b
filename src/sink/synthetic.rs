//! The rows of synthetic.log.

use crate::predict::SyntheticPacket;

use super::conn::write_uid;
use super::endpoints::{role, write_flags, write_id};
use super::row::Row;

/// Writes one packet that was due and did not come.
pub(super) fn write(row: &mut Row<'_>, packet: &SyntheticPacket, scratch: &mut Vec<u8>) {
    let expected = &packet.expected;
    row.time(packet.due);
    write_uid(row, packet.uid, scratch);
    write_id(row, &packet.key, packet.originator);
    row.enumerated(packet.kind.name());
    row.enumerated(role(expected.side, packet.originator));
    write_flags(row, packet.key.protocol, expected.flags);
    row.count(expected.size.low);
    row.count(expected.size.mode);
    row.count(expected.size.high);
    row.interval(expected.time.low);
    row.interval(expected.time.median);
    row.interval(expected.time.high);
    row.interval(expected.deadline);
    row.time(packet.last);
    row.count(packet.run);
    row.count_or_unset(packet.sequence);
    row.count_or_unset(packet.acknowledgement);
    row.double(expected.side_flags_probability);
    row.double(expected.nothing_more);
    row.double(expected.confidence);
}
