//! Events and answers in their C form.

use std::ffi::c_char;

use crate::bloom::{Flagged, Report, Target};
use crate::flow::{ConnectionId, ConnectionKey, Counters, Side, Summary};
use crate::model::{Expectation, PacketFacts, Surprise};
use crate::predict::cadence::Heartbeat;
use crate::predict::{Kind, Settled, SyntheticPacket};
use crate::score::{
    AnomalousConnection, AnomalousEndpoint, Anomaly, ConnectionScore, CountRange, Finding, Grounds,
    Reason, Tipping,
};
use crate::sensor::{Event, Explanation, Shed, Stats, Verdict};
use crate::time::Span;
use crate::wire::{Address, Tunnel};

use super::ffi;

/// The `size` of a struct as this library knows it.
const fn size_of_ours<T>() -> u32 {
    size_of::<T>() as u32
}

pub(super) fn event(event: &Event) -> ffi::foreshadow_event {
    // From all zero, so that a host which compares events by their bytes finds equal ones equal.
    let mut out = ffi::foreshadow_event {
        size: size_of_ours::<ffi::foreshadow_event>(),
        time_ns: event.time().nanos(),
        ..Default::default()
    };
    match event {
        Event::Synthetic(packet) => {
            out.kind = ffi::FORESHADOW_EVENT_SYNTHETIC;
            out.data.synthetic = synthetic(packet);
        }
        Event::Outcome(settled) => {
            out.kind = ffi::FORESHADOW_EVENT_OUTCOME;
            out.data.outcome = outcome(settled);
        }
        Event::Heartbeat(beat) => {
            out.kind = ffi::FORESHADOW_EVENT_HEARTBEAT;
            out.data.heartbeat = heartbeat(beat);
        }
        Event::Anomaly(packet) => {
            out.kind = ffi::FORESHADOW_EVENT_ANOMALY;
            out.data.anomaly = anomaly(packet);
        }
        Event::AnomalousConnection(found) => {
            out.kind = ffi::FORESHADOW_EVENT_ANOMALOUS_CONNECTION;
            out.data.anomalous_connection = anomalous_connection(found);
        }
        Event::AnomalousEndpoint(found) => {
            out.kind = ffi::FORESHADOW_EVENT_ANOMALOUS_ENDPOINT;
            out.data.anomalous_endpoint = anomalous_endpoint(found);
        }
        Event::Connection { summary, score, time: _ } => {
            out.kind = ffi::FORESHADOW_EVENT_CONNECTION;
            out.data.connection = connection(summary, score);
        }
        Event::Category(report) => {
            out.kind = ffi::FORESHADOW_EVENT_CATEGORY;
            out.data.category = category(report);
        }
        Event::Target(flagged) => {
            out.kind = ffi::FORESHADOW_EVENT_TARGET;
            out.data.target = target(flagged);
        }
        Event::Stats { stats: counters, time: _ } => {
            out.kind = ffi::FORESHADOW_EVENT_STATS;
            out.data.stats = stats(counters);
        }
        Event::Shed(Shed { events, time: _ }) => {
            out.kind = ffi::FORESHADOW_EVENT_SHED;
            out.data.shed = ffi::foreshadow_shed {
                size: size_of_ours::<ffi::foreshadow_shed>(),
                reserved: 0,
                events: *events,
            };
        }
    }
    out
}

pub(super) fn verdict(
    verdict: &Verdict,
    explanation: Option<&Explanation>,
) -> ffi::foreshadow_verdict {
    let (categories, seen, expected) = explanation.map_or_else(Default::default, |it| {
        (it.categories, facts(&it.seen), expectation(&it.expected))
    });
    ffi::foreshadow_verdict {
        size: size_of_ours::<ffi::foreshadow_verdict>(),
        side: verdict.side as u8,
        is_new: u8::from(verdict.is_new),
        scored: u8::from(verdict.surprise.is_some()),
        anomalous: u8::from(verdict.anomalous),
        connection: verdict.connection.map_or(0, ConnectionId::to_u64),
        surprise: verdict.surprise.as_ref().map(surprise).unwrap_or_default(),
        probability: if verdict.surprise.is_some() { verdict.probability } else { 0.0 },
        evidence: verdict.severity,
        categories,
        seen,
        expected,
    }
}

/// The answer where there is none.
pub(super) fn unscored() -> ffi::foreshadow_verdict {
    ffi::foreshadow_verdict {
        size: size_of_ours::<ffi::foreshadow_verdict>(),
        ..Default::default()
    }
}

pub(super) fn connection(summary: &Summary, score: &ConnectionScore) -> ffi::foreshadow_connection {
    let Summary {
        id,
        host_id,
        key,
        originator,
        uid,
        first,
        last,
        sides,
        state,
        history,
        vlans,
        tunnel,
        closed,
    } = summary;
    let has = flag(ffi::FORESHADOW_HAS_VLAN_OUTER, vlans.outer)
        | flag(ffi::FORESHADOW_HAS_VLAN_INNER, vlans.inner)
        | flag(ffi::FORESHADOW_HAS_TUNNEL, *tunnel);
    ffi::foreshadow_connection {
        size: size_of_ours::<ffi::foreshadow_connection>(),
        has,
        close_reason: closed.map_or(0, |reason| reason as u8),
        reserved: 0,
        who: identity(*id, *host_id, key, *originator, *uid),
        first_ns: first.nanos(),
        last_ns: last.nanos(),
        sides: sides.map(|side| counters(&side)),
        tunnel: tunnel.as_ref().map(carrier).unwrap_or_default(),
        score: connection_score(score),
        state: text(state.name()),
        history: text(history.as_str()),
        vlan_outer: vlans.outer.unwrap_or(0),
        vlan_inner: vlans.inner.unwrap_or(0),
        reserved_end: [0; 4],
    }
}

pub(super) fn stats(stats: &Stats) -> ffi::foreshadow_stats {
    let Stats {
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
    } = *stats;
    ffi::foreshadow_stats {
        size: size_of_ours::<ffi::foreshadow_stats>(),
        reserved: 0,
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
        events_shed,
        memory,
        anomalous_connections,
        anomalous_endpoints,
        alarms_held,
        cadences,
        heartbeats_missing,
        gaps,
        late,
        filled,
        lost,
        phantom,
        withheld,
        capture_loss_ppm,
    }
}

fn synthetic(packet: &SyntheticPacket) -> ffi::foreshadow_synthetic {
    let SyntheticPacket {
        serial,
        id,
        host_id,
        key,
        originator,
        uid,
        kind,
        made: _,
        due,
        last,
        run,
        side,
        flags,
        payload_len,
        entropy,
        sequence,
        acknowledgement,
        confidence,
        capture_loss,
        expected,
    } = packet;
    ffi::foreshadow_synthetic {
        size: size_of_ours::<ffi::foreshadow_synthetic>(),
        has: flag(ffi::FORESHADOW_HAS_SEQUENCE, *sequence)
            | flag(ffi::FORESHADOW_HAS_ACKNOWLEDGEMENT, *acknowledgement)
            | flag(ffi::FORESHADOW_HAS_ENTROPY, *entropy),
        kind: synthetic_kind(*kind),
        run: *run,
        who: identity(*id, *host_id, key, *originator, *uid),
        last_ns: last.nanos(),
        sequence: sequence.unwrap_or(0),
        acknowledgement: acknowledgement.unwrap_or(0),
        expected: expectation(expected),
        serial: serial.0,
        due_ns: due.nanos(),
        gap: gap(*kind),
        payload_len: *payload_len,
        confidence: *confidence,
        capture_loss: *capture_loss,
        side: *side as u8,
        flags: flags.0,
        entropy: entropy.unwrap_or(0),
        reserved: 0,
    }
}

fn outcome(settled: &Settled) -> ffi::foreshadow_outcome {
    let Settled {
        serial,
        id,
        host_id,
        key,
        originator,
        uid,
        kind,
        made,
        due,
        side,
        payload_len,
        sequence,
        outcome,
        time: _,
        came,
        capture_loss,
    } = settled;
    ffi::foreshadow_outcome {
        size: size_of_ours::<ffi::foreshadow_outcome>(),
        has: flag(ffi::FORESHADOW_HAS_SEQUENCE, *sequence) | flag(ffi::FORESHADOW_HAS_CAME, *came),
        outcome: *outcome as u8,
        kind: synthetic_kind(*kind),
        who: identity(*id, *host_id, key, *originator, *uid),
        serial: serial.0,
        made_ns: made.nanos(),
        due_ns: due.nanos(),
        gap: gap(*kind),
        payload_len: *payload_len,
        sequence: sequence.unwrap_or(0),
        came_len: came.unwrap_or(0),
        capture_loss: *capture_loss,
        side: *side as u8,
        reserved: [0; 7],
    }
}

const fn synthetic_kind(kind: Kind) -> u8 {
    match kind {
        Kind::Overdue => ffi::FORESHADOW_SYNTHETIC_OVERDUE as u8,
        Kind::Gap(_) => ffi::FORESHADOW_SYNTHETIC_GAP as u8,
    }
}

fn gap(kind: Kind) -> ffi::foreshadow_gap {
    kind.gap().map_or_else(Default::default, |gap| ffi::foreshadow_gap {
        part: gap.part,
        parts: gap.parts,
        left: gap.left,
        why: gap.why as u8,
        reserved: [0; 3],
    })
}

fn heartbeat(heartbeat: &Heartbeat) -> ffi::foreshadow_heartbeat {
    let Heartbeat {
        time: _,
        change,
        beats,
        source,
        source_port,
        destination,
        destination_port,
        service,
        uid,
        period,
        jitter,
        count,
        last,
        wait,
        missed,
        cadences,
    } = *heartbeat;
    ffi::foreshadow_heartbeat {
        size: size_of_ours::<ffi::foreshadow_heartbeat>(),
        has: flag(ffi::FORESHADOW_HAS_UID, uid),
        change: change as u8,
        beats: beats as u8,
        source: address(source),
        destination: address(destination),
        uid_high: (uid.unwrap_or(0) >> 64) as u64,
        uid_low: uid.unwrap_or(0) as u64,
        period_ns: period.nanos(),
        jitter_ns: jitter.nanos(),
        last_ns: last.nanos(),
        wait_ns: wait.nanos(),
        count,
        missed,
        cadences,
        source_port,
        destination_port,
        service_port: service.port,
        protocol: service.protocol,
        reserved: [0; 5],
    }
}

fn anomaly(packet: &Anomaly) -> ffi::foreshadow_anomaly {
    let Anomaly {
        id,
        host_id,
        key,
        originator,
        uid,
        time: _,
        surprise: bits,
        counted,
        threshold,
        probability,
        known,
        expected,
        seen,
    } = packet;
    ffi::foreshadow_anomaly {
        size: size_of_ours::<ffi::foreshadow_anomaly>(),
        threshold: *threshold,
        who: identity(*id, *host_id, key, *originator, *uid),
        expected: expectation(expected),
        seen: facts(seen),
        surprise: surprise(bits),
        probability: *probability,
        counted: surprise(counted),
        known: *known,
    }
}

fn anomalous_connection(found: &AnomalousConnection) -> ffi::foreshadow_anomalous_connection {
    let AnomalousConnection {
        id,
        host_id,
        key,
        originator,
        uid,
        time: _,
        finding: evidence,
        score,
        tipping,
    } = found;
    let Tipping { surprise: bits, counted, expected, seen } = tipping;
    ffi::foreshadow_anomalous_connection {
        size: size_of_ours::<ffi::foreshadow_anomalous_connection>(),
        reserved: 0,
        who: identity(*id, *host_id, key, *originator, *uid),
        finding: finding(evidence),
        score: connection_score(score),
        evidence: grounds(&evidence.grounds),
        expected: expectation(expected),
        seen: facts(seen),
        surprise: surprise(bits),
        counted: surprise(counted),
    }
}

fn anomalous_endpoint(found: &AnomalousEndpoint) -> ffi::foreshadow_anomalous_endpoint {
    let AnomalousEndpoint { address: of, domain, time: _, finding: evidence } = found;
    ffi::foreshadow_anomalous_endpoint {
        size: size_of_ours::<ffi::foreshadow_anomalous_endpoint>(),
        domain: *domain,
        reserved: [0; 2],
        address: address(*of),
        finding: finding(evidence),
        evidence: grounds(&evidence.grounds),
    }
}

fn grounds(grounds: &Grounds) -> ffi::foreshadow_evidence {
    let Grounds { terms, expected, known } = *grounds;
    let CountRange { low, median, high } = expected.unwrap_or_default();
    ffi::foreshadow_evidence {
        bits: terms.map(|term| term.map_or(0.0, |term| term.bits)),
        terms: terms.map(|term| term.map_or(0, |term| term.kind as u8)),
        has_expected: u8::from(expected.is_some()),
        known,
        expected_low: low,
        expected_median: median,
        expected_high: high,
    }
}

fn finding(finding: &Finding) -> ffi::foreshadow_finding {
    let Finding { severity, threshold, share, reason, grounds: _ } = *finding;
    let mut out = ffi::foreshadow_finding { severity, threshold, share, ..Default::default() };
    let number = match reason {
        Reason::Packets { rarest } => {
            out.rarest = rarest;
            ffi::FORESHADOW_REASON_PACKETS
        }
        Reason::Novelty { rarest } => {
            out.rarest = rarest;
            ffi::FORESHADOW_REASON_NOVELTY
        }
        Reason::Volume { of, seen, share } => {
            (out.seen, out.rarest) = (seen, share);
            ffi::FORESHADOW_REASON_BYTES_SENT + of as u32
        }
        Reason::Failures { failed, tried } => {
            (out.seen, out.of) = (u32::from(failed), u32::from(tried));
            ffi::FORESHADOW_REASON_FAILURES
        }
        Reason::Count { activity, seen, usual } => {
            (out.seen, out.usual) = (seen, usual);
            ffi::FORESHADOW_REASON_OPENED + activity as u32
        }
    };
    out.reason = number as u8;
    out
}

fn identity(
    id: ConnectionId,
    host_id: Option<u64>,
    key: &ConnectionKey,
    originator: Side,
    uid: u128,
) -> ffi::foreshadow_identity {
    let ConnectionKey { address_a, address_b, port_a, port_b, protocol, domain } = *key;
    ffi::foreshadow_identity {
        connection: id.to_u64(),
        host_id: host_id.unwrap_or(0),
        uid_high: (uid >> 64) as u64,
        uid_low: uid as u64,
        address_a: address(address_a),
        address_b: address(address_b),
        port_a,
        port_b,
        domain,
        protocol,
        originator: originator as u8,
    }
}

fn surprise(bits: &Surprise) -> ffi::foreshadow_surprise {
    ffi::foreshadow_surprise {
        total: bits.total(),
        side_flags: bits.side_flags,
        payload_len: bits.size,
        time: bits.time,
        entropy: bits.entropy,
    }
}

fn expectation(expected: &Expectation) -> ffi::foreshadow_expectation {
    ffi::foreshadow_expectation {
        time_low_ns: expected.time.low.nanos(),
        time_median_ns: expected.time.median.nanos(),
        time_high_ns: expected.time.high.nanos(),
        deadline_ns: expected.deadline.nanos(),
        payload_low: expected.size.low,
        payload_mode: expected.size.mode,
        payload_high: expected.size.high,
        side_flags_probability: expected.side_flags_probability,
        nothing_more: expected.nothing_more,
        confidence: expected.confidence,
        side: expected.side as u8,
        flags: expected.flags.0,
        reserved: [0; 6],
    }
}

fn facts(seen: &PacketFacts) -> ffi::foreshadow_facts {
    ffi::foreshadow_facts {
        since_ns: seen.since.map_or(0, Span::nanos),
        position: seen.position,
        payload_len: seen.payload_len,
        wire_len: seen.wire_len,
        window: seen.window,
        has: flag(ffi::FORESHADOW_HAS_SINCE, seen.since)
            | flag(ffi::FORESHADOW_HAS_ENTROPY, seen.entropy),
        side: seen.side as u8,
        protocol: seen.protocol,
        flags: seen.flags.0,
        entropy: seen.entropy.unwrap_or(0),
        reserved: [0; 4],
    }
}

fn counters(side: &Counters) -> ffi::foreshadow_counters {
    let Counters {
        packets,
        ip_bytes,
        wire_bytes,
        payload_bytes,
        retransmissions,
        out_of_order,
        missed_bytes,
    } = *side;
    ffi::foreshadow_counters {
        packets,
        ip_bytes,
        wire_bytes,
        payload_bytes,
        missed_bytes,
        retransmissions,
        out_of_order,
    }
}

fn connection_score(score: &ConnectionScore) -> ffi::foreshadow_score {
    let ConnectionScore { scored, anomalies, synthetic, total, max, severity } = *score;
    ffi::foreshadow_score { scored, anomalies, synthetic, total, max, severity }
}

fn carrier(tunnel: &Tunnel) -> ffi::foreshadow_tunnel {
    ffi::foreshadow_tunnel {
        source: address(tunnel.source),
        destination: address(tunnel.destination),
        id: tunnel.id,
        kind: tunnel.kind as u8,
        depth: tunnel.depth,
        reserved: [0; 2],
    }
}

fn category(report: &Report) -> ffi::foreshadow_category {
    let Report {
        time: _,
        name,
        interval,
        activity,
        weight,
        fill,
        distinct,
        false_positive_rate,
        is_overfull,
    } = *report;
    ffi::foreshadow_category {
        size: size_of_ours::<ffi::foreshadow_category>(),
        reserved: 0,
        interval_ns: interval.nanos(),
        name: text(name.as_str()),
        weight,
        activity,
        fill,
        distinct,
        false_positive_rate,
        is_overfull: u8::from(is_overfull),
        reserved_end: [0; 7],
    }
}

fn target(flagged: &Flagged) -> ffi::foreshadow_target {
    let Flagged { time: _, target, threshold, heaviest, sensors } = *flagged;
    let Target { address: of, score, categories, first, last } = target;
    ffi::foreshadow_target {
        size: size_of_ours::<ffi::foreshadow_target>(),
        category_mask: categories,
        address: address(of),
        score,
        threshold,
        first_ns: first.nanos(),
        last_ns: last.nanos(),
        heaviest: heaviest.map(|name| name.map_or([0; _], |name| text(name.as_str()))),
        sensors,
        reserved_end: [0; 4],
    }
}

fn address(address: Address) -> ffi::foreshadow_address {
    ffi::foreshadow_address { bytes: *address.bytes() }
}

/// The bit, if there is a value.
fn flag<T: Copy>(bit: ffi::foreshadow_has, value: Option<T>) -> u16 {
    if value.is_some() { bit as u16 } else { 0 }
}

/// Text with a zero byte at its end, cut to fit.
pub(super) fn text<const N: usize>(text: &str) -> [c_char; N] {
    let mut out = [0; N];
    for (to, from) in out.iter_mut().take(N - 1).zip(text.bytes()) {
        *to = from as c_char;
    }
    out
}
