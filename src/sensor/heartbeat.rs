//! The sensor's part in missing heartbeats: what counts as a beat, and when silence is looked at.

use crate::flow::Slot;
use crate::model::PacketFacts;
use crate::predict::cadence::{Change, Heartbeat};
use crate::time::Timestamp;
use crate::wire::TcpFlags;

use super::{Event, Sensor};

impl Sensor {
    /// A connection began in `slot`.
    pub(super) fn beat_of_connections(&mut self, slot: Slot, now: Timestamp) {
        let Some(connection) = self.table.connection(slot) else { return };
        if let Some(back) = self.heartbeats.begin(slot, connection, now) {
            self.report_heartbeat(back);
        }
    }

    /// A packet came on the connection in `slot`.
    #[inline]
    pub(super) fn beat_of_packets(&mut self, slot: Slot, facts: &PacketFacts, now: Timestamp) {
        if facts.flags.intersects(TcpFlags(TcpFlags::FIN.0 | TcpFlags::RST.0)) {
            self.heartbeats.goodbye(slot);
            return;
        }
        let Some(connection) = self.table.connection(slot) else { return };
        if let Some(back) = self.heartbeats.packet(slot, facts.side, connection, now) {
            self.report_heartbeat(back);
        }
    }

    /// Cadences whose wait is over by `now`, in order.
    #[inline]
    pub(super) fn fire_heartbeats(&mut self, now: Timestamp) {
        while let Some((number, due)) = self.heartbeats.pop_due(now) {
            self.expire(due);
            let Some((mut missing, slot)) = self.heartbeats.miss(number, due) else { continue };
            let connection = slot.and_then(|slot| Some(self.table.connection(slot)?.id(slot)));
            let summary = connection.and_then(|id| self.table.summary(id));
            missing.uid = summary.map(|summary| summary.uid);
            self.report_heartbeat(missing);
        }
    }

    #[cold]
    fn report_heartbeat(&mut self, heartbeat: Heartbeat) {
        if heartbeat.change == Change::Stopped {
            self.stats.heartbeats_missing += 1;
        }
        self.events.push(Event::Heartbeat(heartbeat));
    }
}
