//! What each log holds: the tables behind headers, rows and documentation.

use super::schema::{Column, Schema, Type};

impl Schema {
    /// Every log there is.
    pub const ALL: [&'static Self; 9] = [
        &Self::CONN,
        &Self::SYNTHETIC,
        &Self::ANOMALY,
        &Self::ALARM,
        &Self::CATEGORY,
        &Self::TARGET,
        &Self::STATS,
        &Self::REPORTER,
        &Self::HEARTBEAT,
    ];

    /// Zeek's connection log, then what Foreshadow adds.
    pub const CONN: Self = Self {
        path: "conn",
        doc: "One row per connection, written when it ends. Columns up to `ip_proto` are Zeek's, \
              in Zeek's order; `community_id`, `vlan` and `inner_vlan` are those of Zeek's policy \
              scripts; `fs_*` are Foreshadow's.",
        columns: &[
            col("ts", Type::Time, "Time of the first packet."),
            UID,
            ORIG_H,
            ORIG_P,
            RESP_H,
            RESP_P,
            PROTO,
            col(
                "service",
                Type::String,
                "Never set: Foreshadow does not look into content; see `fs_service`.",
            ),
            col(
                "duration",
                Type::Interval,
                "Time from the first packet to the last; unset where there was only one.",
            ),
            col(
                "orig_bytes",
                Type::Count,
                "Payload bytes of the originator, for TCP by sequence numbers; unset like `duration`.",
            ),
            col("resp_bytes", Type::Count, "Payload bytes of the responder, likewise."),
            col(
                "conn_state",
                Type::String,
                "Zeek's state of the connection: S0, S1, SF, REJ, RSTO, …",
            ),
            col(
                "local_orig",
                Type::Bool,
                "Whether the originator's address is in private space, by Zeek's list.",
            ),
            col("local_resp", Type::Bool, "Whether the responder's address is."),
            col(
                "missed_bytes",
                Type::Count,
                "TCP bytes never seen though later ones, or their acknowledgement, were.",
            ),
            col(
                "history",
                Type::String,
                "Zeek's letters of what happened, upper case for the originator.",
            ),
            col("orig_pkts", Type::Count, "Packets of the originator."),
            col("orig_ip_bytes", Type::Count, "Their IP bytes, headers included."),
            col("resp_pkts", Type::Count, "Packets of the responder."),
            col("resp_ip_bytes", Type::Count, "Their IP bytes, headers included."),
            col(
                "tunnel_parents",
                Type::StringSet,
                "Never set: the carrier is not followed as a connection; see `fs_tunnel`.",
            ),
            col("ip_proto", Type::Count, "The transport protocol's number."),
            col("community_id", Type::String, "Community ID, version 1."),
            col("vlan", Type::Int, "Outer VLAN of the first packet."),
            col("inner_vlan", Type::Int, "Inner VLAN of the first packet."),
            col(
                "fs_service",
                Type::String,
                "The service usual on the responder's port; a hint by number, not by content.",
            ),
            col("fs_packets_scored", Type::Count, "Packets scored against a forecast."),
            col(
                "fs_surprise_mean",
                Type::Double,
                "Mean surprise of a packet, in bits; unset where none was scored.",
            ),
            col(
                "fs_surprise_max",
                Type::Double,
                "Largest surprise of one packet, in bits; unset likewise.",
            ),
            col(
                "fs_anomalies",
                Type::Count,
                "Packets that were anomalies; each has a row in anomaly.log.",
            ),
            col(
                "fs_severity",
                Type::Double,
                "Evidence against the ordinary in bits: the most there was, its endpoints' included.",
            ),
            col(
                "fs_synthetic",
                Type::Count,
                "Synthetic packets made; each has two rows in synthetic.log.",
            ),
            col(
                "fs_close_reason",
                Type::Enum,
                "Why it ended: timeout, reused, evicted, host, shutdown or clock_reset.",
            ),
            col(
                "fs_orig_wire_bytes",
                Type::Count,
                "Bytes of the originator on the wire, link headers included.",
            ),
            col(
                "fs_resp_wire_bytes",
                Type::Count,
                "Bytes of the responder on the wire, link headers included.",
            ),
            col(
                "fs_orig_retransmissions",
                Type::Count,
                "TCP packets of the originator that carried only bytes seen before.",
            ),
            col("fs_resp_retransmissions", Type::Count, "TCP packets of the responder that did."),
            col(
                "fs_orig_out_of_order",
                Type::Count,
                "TCP packets of the originator that came late and filled a hole.",
            ),
            col("fs_resp_out_of_order", Type::Count, "TCP packets of the responder that did."),
            col(
                "fs_tunnel",
                Type::Enum,
                "Innermost tunnel that carried the first packet, named as Zeek's `Tunnel::Type`.",
            ),
            col("fs_tunnel_id", Type::Count, "Its VNI, TEID or key; 0 where it has none."),
            col("fs_tunnel_depth", Type::Count, "How many tunnels were opened on the way."),
            col("fs_tunnel_src", Type::Addr, "Source of the innermost tunnel's carrier."),
            col("fs_tunnel_dst", Type::Addr, "Destination of the innermost tunnel's carrier."),
        ],
    };

    /// Packets that were due and did not come, and what became of them.
    pub const SYNTHETIC: Self = Self {
        path: "synthetic",
        doc: "Two rows per synthetic packet: one when it is made, without `outcome`, and one when its \
              outcome is known, without the forecast. So the rows without an outcome are each packet \
              once, at once; those with one are each packet once, for good. No such packet was ever \
              seen on the wire.",
        columns: &[
            col("ts", Type::Time, "When it was made, or when its outcome was known."),
            UID,
            ORIG_H,
            ORIG_P,
            RESP_H,
            RESP_P,
            PROTO,
            col("serial", Type::Count, "Its number, the same in both rows; none comes twice."),
            col(
                "outcome",
                Type::Enum,
                "What became of it: `late`, the real one came; `filled`, a retransmission brought it; \
                 `lost`, its receiver acknowledged it; `phantom`, nothing ever came. Unset when made.",
            ),
            col(
                "kind",
                Type::Enum,
                "Why it was made: `overdue`, its deadline passed; `gap`, what came shows it was sent.",
            ),
            col(
                "why",
                Type::Enum,
                "How a gap was found: `hole`, TCP bytes were skipped; `acknowledged`, nobody saw them \
                 and the peer has them; `rtp`, numbers were skipped; `no_response`, a request on a \
                 service that always answers was not answered; `numbering`, its sender's IP identification counts \
                 a packet that left no other mark. Unset for an overdue packet.",
            ),
            col("part", Type::Count, "Which packet of the hole it is, from 1."),
            col("parts", Type::Count, "Packets made for the hole."),
            col(
                "left",
                Type::Count,
                "What the hole held beyond them, in bytes, for RTP in packets; the same in each part.",
            ),
            col(
                "due",
                Type::Time,
                "When it should have come: the deadline, or an estimate between a hole's neighbours.",
            ),
            col("side", Type::Enum, "Who should have sent it: `orig` or `resp`."),
            col("size", Type::Count, "Payload bytes; exact for a TCP gap, else the likeliest."),
            col(
                "seq",
                Type::Count,
                "TCP sequence number it would have, where the connection fixes it; for RTP its number.",
            ),
            col("came_size", Type::Count, "Payload bytes of the packet that came in its place."),
            col(
                "capture_loss",
                Type::Double,
                "How likely it did come and the capture lost it, 0 to 1, as known at `ts`.",
            ),
            col("flags", Type::String, "TCP flags it would have; unset for other protocols."),
            col("ack", Type::Count, "TCP acknowledgement number it would have."),
            col(
                "entropy",
                Type::Double,
                "Entropy its payload would have, in bits a byte, where that is known.",
            ),
            col(
                "confidence",
                Type::Double,
                "How sure it is that it was sent, or should have been, 0 to 1.",
            ),
            col("last", Type::Time, "Time of the connection's last real packet before it."),
            col("run", Type::Count, "How many were made since that packet, this one included."),
            col("size_low", Type::Count, "Forecast payload bytes: 5 % are smaller."),
            col("size_mode", Type::Count, "Forecast payload bytes: the likeliest size."),
            col("size_high", Type::Count, "Forecast payload bytes: 5 % are larger."),
            col("after_low", Type::Interval, "Time from the packet before it: 5 % come sooner."),
            col(
                "after_median",
                Type::Interval,
                "Time from the packet before it: half come sooner.",
            ),
            col("after_high", Type::Interval, "Time from the packet before it: 5 % come later."),
            col("deadline", Type::Interval, "Silence after which it would count as missed."),
            col("probability", Type::Double, "Probability of that side with those flags, 0 to 1."),
            col(
                "nothing_more",
                Type::Double,
                "Probability that nothing more comes on the connection, 0 to 1.",
            ),
        ],
    };

    /// Packets that came and were not expected.
    pub const ANOMALY: Self = Self {
        path: "anomaly",
        doc: "One row per packet that so few are like here that it is called an anomaly: what \
              came, what was expected, and which part surprised.",
        columns: &[
            col("ts", Type::Time, "When the packet came."),
            UID,
            ORIG_H,
            ORIG_P,
            RESP_H,
            RESP_P,
            PROTO,
            col("bits", Type::Double, "Its surprise in all, in bits: -log2 of its probability."),
            col("bits_side_flags", Type::Double, "The part of who sent it, with which flags."),
            col("bits_size", Type::Double, "The part of its size."),
            col("bits_time", Type::Double, "The part of when it came."),
            col("bits_entropy", Type::Double, "The part of how random its payload was."),
            col(
                "counted",
                Type::Double,
                "What its surprise counts, in bits: each part times its `score.weight_*`.",
            ),
            col(
                "threshold",
                Type::Double,
                "What it must count for a packet like it to be an anomaly at that time.",
            ),
            col(
                "one_in",
                Type::Double,
                "One in so many packets of its service, at its stage of a connection, surprises as \
                 much here.",
            ),
            col(
                "known",
                Type::Count,
                "How many such packets were seen here; with few `one_in` rests on all of its protocol.",
            ),
            col(
                "reasons",
                Type::StringVector,
                "The parts that count for more than a fifth, largest first: side_flags, size, time, \
                 entropy.",
            ),
            col("position", Type::Count, "How many packets of the connection came before."),
            SEEN_SIDE,
            SEEN_FLAGS,
            SEEN_SIZE,
            SEEN_WIRE_SIZE,
            SEEN_AFTER,
            EXPECTED_SIDE,
            EXPECTED_FLAGS,
            EXPECTED_PROBABILITY,
            EXPECTED_SIZE_LOW,
            EXPECTED_SIZE_MODE,
            EXPECTED_SIZE_HIGH,
            EXPECTED_AFTER_LOW,
            EXPECTED_AFTER_MEDIAN,
            EXPECTED_AFTER_HIGH,
            col("nothing_more", Type::Double, "Probability that nothing more would come, 0 to 1."),
            col("reason", Type::String, "All of it in one sentence."),
        ],
    };

    /// Connections and endpoints whose evidence is an alarm.
    pub const ALARM: Self = Self {
        path: "alarm",
        doc: "One row per connection or endpoint whose evidence against the ordinary reached the \
              threshold that `score.alarms_per_day` asks for.",
        columns: &[
            col("ts", Type::Time, "When its evidence reached the threshold."),
            col("kind", Type::Enum, "What it is about: `connection` or `endpoint`."),
            col("host", Type::Addr, "The endpoint; for a connection its originator."),
            UID,
            ORIG_H,
            ORIG_P,
            RESP_H,
            RESP_P,
            PROTO,
            col("severity", Type::Double, "Evidence in bits; ten more are a thousand times more."),
            col("threshold", Type::Double, "The evidence from which it was an alarm at that time."),
            col(
                "one_in",
                Type::Double,
                "One in so many connections, or minutes of an endpoint, comes to as much here.",
            ),
            col(
                "reason",
                Type::Enum,
                "What spoke loudest: of a connection `packets`, `novelty`, `bytes_sent`, \
                 `bytes_received` or `many_packets`; of an endpoint `failures`, `opened`, \
                 `new_services`, `failed`, `received`, `new_sources`, `unanswered`, `probes` or `logins`.",
            ),
            col(
                "seen",
                Type::Count,
                "Counts, failures, bytes and many packets: how many there were.",
            ),
            col("of", Type::Count, "Failures: of how many first meetings."),
            col("usual", Type::Double, "Counts: how many there usually are in a minute."),
            col(
                "rarest_one_in",
                Type::Double,
                "Packets: the rarest of them, as one in so many packets like it; bytes and many packets: \
                 one in so many connections of its service carries as much.",
            ),
            col("expected_low", Type::Count, "Of what `seen` counts: 5 % are smaller."),
            col("expected_median", Type::Count, "Of what `seen` counts: half are smaller."),
            col("expected_high", Type::Count, "Of what `seen` counts: 5 % are larger."),
            col(
                "known",
                Type::Count,
                "Connections, or minutes of endpoints, seen here so far: what `one_in` rests on.",
            ),
            col(
                "terms",
                Type::StringVector,
                "What the evidence is made of, largest first: of a connection `packets`, of these its \
                 `beginning`, its `rarest` packet, its `volume`; of an endpoint its `minute`, those \
                 `before`, its `failures`.",
            ),
            col("bits_first", Type::Double, "The first term in bits; they do not add up."),
            col("bits_second", Type::Double, "The second."),
            col("bits_third", Type::Double, "The third."),
            col(
                "position",
                Type::Count,
                "Of the packet that tipped the connection over, here and up to \
                 `expected_after_high`: how many came before.",
            ),
            col("reasons", Type::StringVector, "Its parts as in anomaly.log."),
            SEEN_SIDE,
            SEEN_FLAGS,
            SEEN_SIZE,
            SEEN_WIRE_SIZE,
            SEEN_AFTER,
            EXPECTED_SIDE,
            EXPECTED_FLAGS,
            EXPECTED_PROBABILITY,
            EXPECTED_SIZE_LOW,
            EXPECTED_SIZE_MODE,
            EXPECTED_SIZE_HIGH,
            EXPECTED_AFTER_LOW,
            EXPECTED_AFTER_MEDIAN,
            EXPECTED_AFTER_HIGH,
            col("note", Type::String, "All of it in one sentence."),
        ],
    };

    /// What came regularly and no longer does.
    pub const HEARTBEAT: Self = Self {
        path: "heartbeat",
        doc: "One row when a cadence that held stops, and one when it comes back: polling, \
              keep-alives, beacons. A connection that is closed properly is no stop, and of two \
              endpoints on a service one stop is told at a time.",
        columns: &[
            col("ts", Type::Time, "When the wait was over, or the beat that came back."),
            col(
                "state",
                Type::Enum,
                "`stopped`, its beats no longer come; `resumed`, they do again; `silence`, nothing at \
                 all comes, so that the capture itself may have stopped: told once for all.",
            ),
            col(
                "beats",
                Type::Enum,
                "What came regularly: `packets` of one side of a connection, or `connections` begun.",
            ),
            col("uid", Type::String, "The connection, while it was known; unset for connections."),
            col("source_h", Type::Addr, "Who sends the packets, or begins the connections."),
            col("source_p", Type::Port, "From which port; unset for connections."),
            col("destination_h", Type::Addr, "To whom."),
            col("destination_p", Type::Port, "At which port; for connections the service's."),
            PROTO,
            col("period", Type::Interval, "Time between beats: the median of the last sixteen."),
            col("jitter", Type::Interval, "Seven in eight beats come within this of their time."),
            col("count", Type::Count, "Beats so far."),
            col("last", Type::Time, "The last beat before the silence."),
            col("wait", Type::Interval, "How long after it the cadence counts as stopped."),
            col("missed", Type::Count, "Beats that did not come."),
            col("cadences", Type::Count, "Cadences believed now, this one included."),
        ],
    };

    /// Categories of behaviour, at the end of every interval.
    pub const CATEGORY: Self = Self {
        path: "category",
        doc: "One row per category of behaviour every `bloom.interval` of packet time, and at the end.",
        columns: &[
            col("ts", Type::Time, "When the interval ended."),
            col("category", Type::String, "The category's name."),
            col("interval", Type::Interval, "The interval's length."),
            col("activity", Type::Count, "Elements counted in it that were new."),
            col("weight", Type::Double, "The category's weight from now on."),
            col("fill", Type::Double, "The share of its counter's bits that are set, 0 to 1."),
            col(
                "distinct",
                Type::Double,
                "About how many different elements the open window of the counter saw.",
            ),
            col(
                "false_positive_rate",
                Type::Double,
                "How likely the counter takes a new element for a known one, as it stands.",
            ),
            col(
                "overfull",
                Type::Bool,
                "Whether it holds more than it was made for, so that its rate is not met.",
            ),
        ],
    };

    /// Endpoints whose behaviours add up.
    pub const TARGET: Self = Self {
        path: "target",
        doc: "One row when an endpoint's categories come to weigh more than `bloom.threshold`; the \
              next one only after they weighed less than `bloom.release` of it.",
        columns: &[
            col("ts", Type::Time, "When."),
            col("target", Type::Addr, "The endpoint."),
            col("score", Type::Double, "The sum of its categories' weights."),
            col("threshold", Type::Double, "The score from which a target is told of."),
            col("category_count", Type::Count, "How many categories it appears in."),
            col(
                "categories",
                Type::StringVector,
                "The names of those that weigh most, heaviest first; at most six.",
            ),
            col("first", Type::Time, "When it was first seen in one."),
            col("last", Type::Time, "When it was last counted in one."),
            col(
                "sensors",
                Type::Count,
                "How many sensors of the federation saw it, where its score is the whole network's; 1 \
                 where it is this sensor's own.",
            ),
        ],
    };

    /// The sensor's counters.
    pub const STATS: Self = Self {
        path: "stats",
        doc: "The sensor's counters, every `sensor.stats_interval` of packet time and at the end. \
              Totals since the sensor was opened, so that two rows differ by what happened between.",
        columns: &[
            col("ts", Type::Time, "When, in packet time."),
            col("packets", Type::Count, "Packets pushed."),
            col("wire_bytes", Type::Count, "Their bytes on the wire."),
            col("not_ip", Type::Count, "Packets without an IP header."),
            col("truncated", Type::Count, "Packets cut off inside a header."),
            col("malformed", Type::Count, "Packets with a header that contradicts itself."),
            col("orphan_fragments", Type::Count, "Later fragments whose first one was never seen."),
            col(
                "time_reversed",
                Type::Count,
                "Packets stamped earlier than one before them, within the tolerance.",
            ),
            col("clock_resets", Type::Count, "Times the capture's clock was set back."),
            col("connections", Type::Count, "Connections begun."),
            col("live", Type::Count, "Connections live now."),
            col("live_peak", Type::Count, "The most that were live at once."),
            col("evicted", Type::Count, "Connections closed early because the table was full."),
            col("scored", Type::Count, "Packets scored."),
            col(
                "surprise_millibits",
                Type::Count,
                "Their surprise in all, in thousandths of a bit.",
            ),
            col("anomalies", Type::Count, "Anomalies."),
            col("synthetic", Type::Count, "Synthetic packets."),
            col("cadences", Type::Count, "Cadences believed now."),
            col(
                "heartbeats_missing",
                Type::Count,
                "Cadences that stopped; each has a row in heartbeat.log.",
            ),
            col("events_shed", Type::Count, "Events lost because nobody polled."),
            col(
                "memory",
                Type::Count,
                "Bytes the sensor holds for connections, model and deadlines.",
            ),
            col("anomalous_connections", Type::Count, "Alarms on connections."),
            col("anomalous_endpoints", Type::Count, "Alarms on endpoints."),
            col(
                "alarms_held",
                Type::Count,
                "Alarms not raised because as many as `score.alarms_per_day` allows had been.",
            ),
            col(
                "gaps",
                Type::Count,
                "Synthetic packets that stand for a gap; the others were overdue.",
            ),
            col("late", Type::Count, "Synthetic packets whose real one came after all."),
            col("filled", Type::Count, "Synthetic packets whose bytes a retransmission brought."),
            col("lost", Type::Count, "Synthetic packets that reached their receiver unseen."),
            col("phantom", Type::Count, "Synthetic packets of which nothing ever came."),
            col(
                "withheld",
                Type::Count,
                "Synthetic packets not made because too many waited for their outcome.",
            ),
            col(
                "capture_loss_ppm",
                Type::Count,
                "Packets in a million that the capture itself loses by now; no total.",
            ),
        ],
    };

    /// Zeek's log of its own troubles.
    pub const REPORTER: Self = Self {
        path: "reporter",
        doc: "Zeek's log for what the sensor has to say about itself; here, that events were lost.",
        columns: &[
            col("ts", Type::Time, "When, in packet time."),
            col("level", Type::Enum, "`Reporter::WARNING`."),
            col("message", Type::String, "What happened."),
            col("location", Type::String, "Where in the source; always empty."),
        ],
    };
}

const fn col(name: &'static str, kind: Type, doc: &'static str) -> Column {
    Column { name, kind, doc }
}

const UID: Column = col("uid", Type::String, "The connection's name, the same in every log.");
const ORIG_H: Column = col("id.orig_h", Type::Addr, "Address of the originator.");
const ORIG_P: Column = col("id.orig_p", Type::Port, "Its port; for ICMP the type of its messages.");
const RESP_H: Column = col("id.resp_h", Type::Addr, "Address of the responder.");
const RESP_P: Column =
    col("id.resp_p", Type::Port, "Its port; for ICMP the answer's type, or the code without one.");
const PROTO: Column =
    col("proto", Type::Enum, "Transport protocol: tcp, udp, icmp or unknown_transport.");

const SEEN_SIDE: Column = col("seen_side", Type::Enum, "Who sent it: `orig` or `resp`.");
const SEEN_FLAGS: Column =
    col("seen_flags", Type::String, "Its TCP flags; unset for other protocols.");
const SEEN_SIZE: Column = col("seen_size", Type::Count, "Its payload bytes.");
const SEEN_WIRE_SIZE: Column = col("seen_wire_size", Type::Count, "All its bytes on the wire.");
const SEEN_AFTER: Column = col(
    "seen_after",
    Type::Interval,
    "Time since the connection's packet before it; unset for the first.",
);
const EXPECTED_SIDE: Column = col("expected_side", Type::Enum, "The likelier sender.");
const EXPECTED_FLAGS: Column =
    col("expected_flags", Type::String, "The likeliest TCP flags; unset for other protocols.");
const EXPECTED_PROBABILITY: Column =
    col("expected_probability", Type::Double, "Probability of that side with those flags, 0 to 1.");
const EXPECTED_SIZE_LOW: Column =
    col("expected_size_low", Type::Count, "Payload bytes: 5 % are smaller.");
const EXPECTED_SIZE_MODE: Column =
    col("expected_size_mode", Type::Count, "Payload bytes: the likeliest size.");
const EXPECTED_SIZE_HIGH: Column =
    col("expected_size_high", Type::Count, "Payload bytes: 5 % are larger.");
const EXPECTED_AFTER_LOW: Column =
    col("expected_after_low", Type::Interval, "Time since the packet before: 5 % come sooner.");
const EXPECTED_AFTER_MEDIAN: Column =
    col("expected_after_median", Type::Interval, "Time since the packet before: half come sooner.");
const EXPECTED_AFTER_HIGH: Column =
    col("expected_after_high", Type::Interval, "Time since the packet before: 5 % come later.");

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_log_begins_with_the_time_so_that_no_row_can_look_like_a_header() {
        for schema in Schema::ALL {
            assert_eq!(
                schema.columns[0],
                Column { doc: schema.columns[0].doc, ..col("ts", Type::Time, "") }
            );
        }
    }

    #[test]
    fn names_are_unique_and_need_no_escape() {
        for schema in Schema::ALL {
            let names: HashSet<_> = schema.columns.iter().map(|column| column.name).collect();
            assert_eq!(names.len(), schema.columns.len(), "{}", schema.path);
            let plain = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
            assert!(names.iter().all(|name| name.chars().all(plain)), "{names:?}");
        }
    }

    #[test]
    fn the_documentation_has_a_line_for_each_column() {
        let table = Schema::CONN.to_markdown();
        assert!(table.starts_with("### `conn.log`\n"));
        assert!(table.contains("| `id.orig_h` | addr | Address of the originator. |\n"));
        assert_eq!(table.lines().count(), 6 + Schema::CONN.columns.len());
    }
}
