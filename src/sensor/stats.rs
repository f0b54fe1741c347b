//! The sensor's counters.

use crate::flow;
use crate::wire::Reason;

/// Totals since the sensor was opened; a difference of two is what happened in between.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Packets pushed.
    pub packets: u64,
    /// Their bytes on the wire.
    pub wire_bytes: u64,
    /// Packets without an IP header, so without a connection.
    pub not_ip: u64,
    /// Packets cut off inside a header.
    pub truncated: u64,
    /// Packets with a header that contradicts itself.
    pub malformed: u64,
    /// Later fragments whose first one was never seen.
    pub orphan_fragments: u64,
    /// Packets stamped earlier than one before them, within the tolerance.
    pub time_reversed: u64,
    /// Times the capture's clock was set back.
    pub clock_resets: u64,
    /// Connections begun.
    pub connections: u64,
    /// Connections live now.
    pub live: u64,
    /// The most that were live at once.
    pub live_peak: u64,
    /// Connections closed early because the table was full.
    pub evicted: u64,
    /// Packets scored.
    pub scored: u64,
    /// Their surprise in all, in thousandths of a bit.
    pub surprise_millibits: u64,
    /// Packets that were anomalies.
    pub anomalies: u64,
    /// Alarms on connections.
    pub anomalous_connections: u64,
    /// Alarms on endpoints.
    pub anomalous_endpoints: u64,
    /// Alarms not raised because as many as stated had been.
    pub alarms_held: u64,
    /// Synthetic packets.
    pub synthetic: u64,
    /// Cadences believed now.
    pub cadences: u64,
    /// Cadences that stopped.
    pub heartbeats_missing: u64,
    /// Events lost because nobody polled.
    pub events_shed: u64,
    /// Bytes of memory the sensor holds for connections, model and deadlines.
    pub memory: u64,
    /// Of the synthetic packets, those that stand for a gap; the others were overdue.
    pub gaps: u64,
    /// Synthetic packets whose real one came after all.
    pub late: u64,
    /// Synthetic packets whose bytes a retransmission brought.
    pub filled: u64,
    /// Synthetic packets that reached their receiver unseen.
    pub lost: u64,
    /// Synthetic packets of which nothing ever came.
    pub phantom: u64,
    /// Synthetic packets not made because too many waited for their outcome.
    pub withheld: u64,
    /// Packets in a million that the capture itself loses by now, as far as acknowledgements tell; the
    /// one counter that is no total.
    pub capture_loss_ppm: u64,
}

impl Stats {
    /// Takes over what flow counted.
    pub(super) fn take_from(&mut self, flow: flow::Stats) {
        self.packets = flow.packets;
        self.not_ip = flow.without_ip;
        self.truncated = flow.stopped_by(Reason::Truncated);
        self.malformed = flow.stopped_by(Reason::Malformed);
        self.orphan_fragments = flow.fragments_orphan;
        self.time_reversed = flow.time_reversed;
        self.clock_resets = flow.clock_resets;
        self.connections = flow.begun;
        self.live = u64::from(flow.live);
        self.live_peak = u64::from(flow.peak);
        self.evicted = flow.evicted();
    }
}
