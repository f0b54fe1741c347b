//! An event from its C form back to ours, so that both are printed by the same code.
//!
//! The bytes come from a host, so every number that stands for one of few is checked. What comes
//! back is equal to what was encoded; a host's `host_id` of 0 is none.

use std::ffi::c_char;

use crate::bloom::{Flagged, Name, Report, Target};
use crate::flow::{
    CloseReason, ConnectionId, ConnectionKey, ConnectionState, Counters, History, Service, Side,
    Summary,
};
use crate::model::{Expectation, PacketFacts, SizeRange, Surprise, TimeRange};
use crate::predict::cadence::{Beats, Change, Heartbeat};
use crate::predict::{Gap, Kind, Outcome, Settled, SyntheticId, SyntheticPacket, Why};
use crate::score::{
    Activity, AnomalousConnection, AnomalousEndpoint, Anomaly, ConnectionScore, CountRange,
    Finding, Grounds, Reason, Term, TermKind, Tipping, Volume,
};
use crate::sensor::{Event, Shed, Stats};
use crate::time::{Span, Timestamp};
use crate::wire::{Address, TcpFlags, Tunnel, TunnelKind, Vlans};

use super::ffi;

/// A field that holds a number or text which stands for nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unknown {
    pub(super) field: &'static str,
}

impl Unknown {
    const fn of(field: &'static str) -> Self {
        Self { field }
    }
}

#[allow(unsafe_code, reason = "reads the union, by its kind")]
pub(super) fn event(event: &ffi::foreshadow_event) -> Result<Event, Unknown> {
    let time = Timestamp::from_nanos(event.time_ns);
    let data = &event.data;
    // SAFETY of each read: every member is integers, floats and arrays of them, for which any bytes
    // are a value, and `memory::read` filled the whole union. The wrong member is wrong, not unsound.
    match event.kind {
        ffi::FORESHADOW_EVENT_SYNTHETIC => {
            // SAFETY: above.
            synthetic(unsafe { &data.synthetic }, time).map(Event::Synthetic)
        }
        ffi::FORESHADOW_EVENT_OUTCOME => {
            // SAFETY: above.
            outcome(unsafe { &data.outcome }, time).map(Event::Outcome)
        }
        ffi::FORESHADOW_EVENT_HEARTBEAT => {
            // SAFETY: above.
            heartbeat(unsafe { &data.heartbeat }, time).map(Event::Heartbeat)
        }
        ffi::FORESHADOW_EVENT_ANOMALY => {
            // SAFETY: above.
            anomaly(unsafe { &data.anomaly }, time).map(Event::Anomaly)
        }
        ffi::FORESHADOW_EVENT_ANOMALOUS_CONNECTION => {
            // SAFETY: above.
            anomalous_connection(unsafe { &data.anomalous_connection }, time)
                .map(Event::AnomalousConnection)
        }
        ffi::FORESHADOW_EVENT_ANOMALOUS_ENDPOINT => {
            // SAFETY: above.
            anomalous_endpoint(unsafe { &data.anomalous_endpoint }, time)
                .map(Event::AnomalousEndpoint)
        }
        ffi::FORESHADOW_EVENT_CONNECTION => {
            // SAFETY: above.
            let connection = unsafe { &data.connection };
            let score = connection_score(&connection.score);
            Ok(Event::Connection { time, summary: summary(connection)?, score })
        }
        ffi::FORESHADOW_EVENT_CATEGORY => {
            // SAFETY: above.
            category(unsafe { &data.category }, time).map(Event::Category)
        }
        ffi::FORESHADOW_EVENT_TARGET => {
            // SAFETY: above.
            target(unsafe { &data.target }, time).map(Event::Target)
        }
        ffi::FORESHADOW_EVENT_SHED => {
            // SAFETY: above.
            Ok(Event::Shed(Shed { time, events: unsafe { data.shed.events } }))
        }
        ffi::FORESHADOW_EVENT_STATS => {
            // SAFETY: above.
            Ok(Event::Stats { time, stats: stats(unsafe { &data.stats }) })
        }
        _ => Err(Unknown::of("kind")),
    }
}

fn synthetic(
    packet: &ffi::foreshadow_synthetic,
    made: Timestamp,
) -> Result<SyntheticPacket, Unknown> {
    let who = identity(&packet.who)?;
    let has = |bit| has(packet.has, bit);
    Ok(SyntheticPacket {
        serial: SyntheticId(packet.serial),
        id: who.id,
        host_id: who.host_id,
        key: who.key,
        originator: who.originator,
        uid: who.uid,
        kind: kind(packet.kind, &packet.gap).ok_or(Unknown::of("synthetic.kind"))?,
        made,
        due: Timestamp::from_nanos(packet.due_ns),
        last: Timestamp::from_nanos(packet.last_ns),
        run: packet.run,
        side: side(packet.side, "synthetic.side")?,
        flags: TcpFlags(packet.flags),
        payload_len: packet.payload_len,
        entropy: has(ffi::FORESHADOW_HAS_ENTROPY).then_some(packet.entropy),
        sequence: has(ffi::FORESHADOW_HAS_SEQUENCE).then_some(packet.sequence),
        acknowledgement: has(ffi::FORESHADOW_HAS_ACKNOWLEDGEMENT).then_some(packet.acknowledgement),
        confidence: packet.confidence,
        capture_loss: packet.capture_loss,
        expected: expectation(&packet.expected)?,
    })
}

fn outcome(settled: &ffi::foreshadow_outcome, time: Timestamp) -> Result<Settled, Unknown> {
    let who = identity(&settled.who)?;
    let has = |bit| has(settled.has, bit);
    let outcome = Outcome::ALL.into_iter().find(|outcome| *outcome as u8 == settled.outcome);
    Ok(Settled {
        serial: SyntheticId(settled.serial),
        id: who.id,
        host_id: who.host_id,
        key: who.key,
        originator: who.originator,
        uid: who.uid,
        kind: kind(settled.kind, &settled.gap).ok_or(Unknown::of("outcome.kind"))?,
        made: Timestamp::from_nanos(settled.made_ns),
        due: Timestamp::from_nanos(settled.due_ns),
        side: side(settled.side, "outcome.side")?,
        payload_len: settled.payload_len,
        sequence: has(ffi::FORESHADOW_HAS_SEQUENCE).then_some(settled.sequence),
        outcome: outcome.ok_or(Unknown::of("outcome.outcome"))?,
        time,
        came: has(ffi::FORESHADOW_HAS_CAME).then_some(settled.came_len),
        capture_loss: settled.capture_loss,
    })
}

fn heartbeat(beat: &ffi::foreshadow_heartbeat, time: Timestamp) -> Result<Heartbeat, Unknown> {
    let change = Change::ALL.into_iter().find(|change| *change as u8 == beat.change);
    let beats = Beats::ALL.into_iter().find(|beats| *beats as u8 == beat.beats);
    let uid = u128::from(beat.uid_high) << 64 | u128::from(beat.uid_low);
    Ok(Heartbeat {
        time,
        change: change.ok_or(Unknown::of("heartbeat.change"))?,
        beats: beats.ok_or(Unknown::of("heartbeat.beats"))?,
        source: address(beat.source),
        source_port: beat.source_port,
        destination: address(beat.destination),
        destination_port: beat.destination_port,
        service: Service { protocol: beat.protocol, port: beat.service_port },
        uid: has(beat.has, ffi::FORESHADOW_HAS_UID).then_some(uid),
        period: Span::from_nanos(beat.period_ns),
        jitter: Span::from_nanos(beat.jitter_ns),
        count: beat.count,
        last: Timestamp::from_nanos(beat.last_ns),
        wait: Span::from_nanos(beat.wait_ns),
        missed: beat.missed,
        cadences: beat.cadences,
    })
}

fn kind(number: u8, gap: &ffi::foreshadow_gap) -> Option<Kind> {
    match u32::from(number) {
        ffi::FORESHADOW_SYNTHETIC_OVERDUE => Some(Kind::Overdue),
        ffi::FORESHADOW_SYNTHETIC_GAP => {
            let why = Why::ALL.into_iter().find(|why| *why as u8 == gap.why)?;
            Some(Kind::Gap(Gap { why, part: gap.part, parts: gap.parts, left: gap.left }))
        }
        _ => None,
    }
}

fn anomaly(packet: &ffi::foreshadow_anomaly, time: Timestamp) -> Result<Anomaly, Unknown> {
    let who = identity(&packet.who)?;
    Ok(Anomaly {
        id: who.id,
        host_id: who.host_id,
        key: who.key,
        originator: who.originator,
        uid: who.uid,
        time,
        surprise: surprise(&packet.surprise),
        counted: surprise(&packet.counted),
        threshold: packet.threshold,
        probability: packet.probability,
        known: packet.known,
        expected: expectation(&packet.expected)?,
        seen: facts(&packet.seen)?,
    })
}

fn anomalous_connection(
    found: &ffi::foreshadow_anomalous_connection,
    time: Timestamp,
) -> Result<AnomalousConnection, Unknown> {
    let who = identity(&found.who)?;
    Ok(AnomalousConnection {
        id: who.id,
        host_id: who.host_id,
        key: who.key,
        originator: who.originator,
        uid: who.uid,
        time,
        finding: finding(&found.finding, &found.evidence)?,
        score: connection_score(&found.score),
        tipping: Tipping {
            surprise: surprise(&found.surprise),
            counted: surprise(&found.counted),
            expected: expectation(&found.expected)?,
            seen: facts(&found.seen)?,
        },
    })
}

fn anomalous_endpoint(
    found: &ffi::foreshadow_anomalous_endpoint,
    time: Timestamp,
) -> Result<AnomalousEndpoint, Unknown> {
    Ok(AnomalousEndpoint {
        address: address(found.address),
        domain: found.domain,
        time,
        finding: finding(&found.finding, &found.evidence)?,
    })
}

fn surprise(bits: &ffi::foreshadow_surprise) -> Surprise {
    let ffi::foreshadow_surprise { total: _, side_flags, payload_len, time, entropy } = *bits;
    Surprise { side_flags, size: payload_len, time, entropy }
}

fn grounds(found: &ffi::foreshadow_evidence) -> Result<Grounds, Unknown> {
    let mut grounds = Grounds { known: found.known, ..Grounds::default() };
    for (place, (number, bits)) in
        grounds.terms.iter_mut().zip(found.terms.into_iter().zip(found.bits))
    {
        if u32::from(number) == ffi::FORESHADOW_TERM_NONE {
            continue;
        }
        let kind = TermKind::ALL.into_iter().find(|kind| *kind as u8 == number);
        *place = Some(Term { kind: kind.ok_or(Unknown::of("evidence.terms"))?, bits });
    }
    let ffi::foreshadow_evidence { expected_low, expected_median, expected_high, .. } = *found;
    grounds.expected = (found.has_expected != 0).then_some(CountRange {
        low: expected_low,
        median: expected_median,
        high: expected_high,
    });
    Ok(grounds)
}

fn finding(
    found: &ffi::foreshadow_finding,
    made_of: &ffi::foreshadow_evidence,
) -> Result<Finding, Unknown> {
    let ffi::foreshadow_finding { severity, threshold, share, rarest, usual, seen, of, .. } =
        *found;
    let clipped = |count: u32| count.min(u32::from(u16::MAX)) as u16;
    let number = u32::from(found.reason);
    let reason = match number {
        ffi::FORESHADOW_REASON_PACKETS => Reason::Packets { rarest },
        ffi::FORESHADOW_REASON_NOVELTY => Reason::Novelty { rarest },
        ffi::FORESHADOW_REASON_FAILURES => {
            Reason::Failures { failed: clipped(seen), tried: clipped(of) }
        }
        number
            if let Some(&of) = Volume::ALL
                .get(number.wrapping_sub(ffi::FORESHADOW_REASON_BYTES_SENT) as usize) =>
        {
            Reason::Volume { of, seen, share: rarest }
        }
        number => {
            let at = number.wrapping_sub(ffi::FORESHADOW_REASON_OPENED) as usize;
            let activity = *Activity::ALL.get(at).ok_or(Unknown::of("finding.reason"))?;
            Reason::Count { activity, seen, usual }
        }
    };
    Ok(Finding { severity, threshold, share, reason, grounds: grounds(made_of)? })
}

fn summary(connection: &ffi::foreshadow_connection) -> Result<Summary, Unknown> {
    let who = identity(&connection.who)?;
    let has = |bit| has(connection.has, bit);
    let tunnel =
        if has(ffi::FORESHADOW_HAS_TUNNEL) { Some(carrier(&connection.tunnel)?) } else { None };
    let state = text(&connection.state).ok_or(Unknown::of("connection.state"))?;
    let history = text(&connection.history).ok_or(Unknown::of("connection.history"))?;
    Ok(Summary {
        id: who.id,
        host_id: who.host_id,
        key: who.key,
        originator: who.originator,
        uid: who.uid,
        first: Timestamp::from_nanos(connection.first_ns),
        last: Timestamp::from_nanos(connection.last_ns),
        sides: connection.sides.map(|side| counters(&side)),
        state: connection_state(&state).ok_or(Unknown::of("connection.state"))?,
        history: History::from_letters(&history),
        vlans: Vlans {
            outer: has(ffi::FORESHADOW_HAS_VLAN_OUTER).then_some(connection.vlan_outer),
            inner: has(ffi::FORESHADOW_HAS_VLAN_INNER).then_some(connection.vlan_inner),
        },
        tunnel,
        closed: close_reason(connection.close_reason)?,
    })
}

fn stats(stats: &ffi::foreshadow_stats) -> Stats {
    Stats {
        packets: stats.packets,
        wire_bytes: stats.wire_bytes,
        not_ip: stats.not_ip,
        truncated: stats.truncated,
        malformed: stats.malformed,
        orphan_fragments: stats.orphan_fragments,
        time_reversed: stats.time_reversed,
        clock_resets: stats.clock_resets,
        connections: stats.connections,
        live: stats.live,
        live_peak: stats.live_peak,
        evicted: stats.evicted,
        scored: stats.scored,
        surprise_millibits: stats.surprise_millibits,
        anomalies: stats.anomalies,
        synthetic: stats.synthetic,
        events_shed: stats.events_shed,
        memory: stats.memory,
        anomalous_connections: stats.anomalous_connections,
        anomalous_endpoints: stats.anomalous_endpoints,
        alarms_held: stats.alarms_held,
        cadences: stats.cadences,
        heartbeats_missing: stats.heartbeats_missing,
        gaps: stats.gaps,
        late: stats.late,
        filled: stats.filled,
        lost: stats.lost,
        phantom: stats.phantom,
        withheld: stats.withheld,
        capture_loss_ppm: stats.capture_loss_ppm,
    }
}

struct Identity {
    id: ConnectionId,
    host_id: Option<u64>,
    key: ConnectionKey,
    originator: Side,
    uid: u128,
}

fn identity(who: &ffi::foreshadow_identity) -> Result<Identity, Unknown> {
    Ok(Identity {
        id: ConnectionId::from_u64(who.connection),
        host_id: (who.host_id != 0).then_some(who.host_id),
        key: ConnectionKey {
            address_a: address(who.address_a),
            address_b: address(who.address_b),
            port_a: who.port_a,
            port_b: who.port_b,
            protocol: who.protocol,
            domain: who.domain,
        },
        originator: side(who.originator, "who.originator")?,
        uid: u128::from(who.uid_high) << 64 | u128::from(who.uid_low),
    })
}

fn expectation(expected: &ffi::foreshadow_expectation) -> Result<Expectation, Unknown> {
    Ok(Expectation {
        side: side(expected.side, "expected.side")?,
        flags: TcpFlags(expected.flags),
        side_flags_probability: expected.side_flags_probability,
        size: SizeRange {
            low: expected.payload_low,
            mode: expected.payload_mode,
            high: expected.payload_high,
        },
        time: TimeRange {
            low: Span::from_nanos(expected.time_low_ns),
            median: Span::from_nanos(expected.time_median_ns),
            high: Span::from_nanos(expected.time_high_ns),
        },
        deadline: Span::from_nanos(expected.deadline_ns),
        nothing_more: expected.nothing_more,
        confidence: expected.confidence,
    })
}

fn facts(seen: &ffi::foreshadow_facts) -> Result<PacketFacts, Unknown> {
    let has = |bit| has(seen.has, bit);
    Ok(PacketFacts {
        side: side(seen.side, "seen.side")?,
        protocol: seen.protocol,
        flags: TcpFlags(seen.flags),
        payload_len: seen.payload_len,
        wire_len: seen.wire_len,
        window: seen.window,
        entropy: has(ffi::FORESHADOW_HAS_ENTROPY).then_some(seen.entropy),
        since: has(ffi::FORESHADOW_HAS_SINCE).then_some(Span::from_nanos(seen.since_ns)),
        position: seen.position,
    })
}

fn counters(side: &ffi::foreshadow_counters) -> Counters {
    Counters {
        packets: side.packets,
        ip_bytes: side.ip_bytes,
        wire_bytes: side.wire_bytes,
        payload_bytes: side.payload_bytes,
        retransmissions: side.retransmissions,
        out_of_order: side.out_of_order,
        missed_bytes: side.missed_bytes,
    }
}

fn connection_score(score: &ffi::foreshadow_score) -> ConnectionScore {
    ConnectionScore {
        scored: score.scored,
        anomalies: score.anomalies,
        synthetic: score.synthetic,
        total: score.total,
        max: score.max,
        severity: score.severity,
    }
}

fn carrier(tunnel: &ffi::foreshadow_tunnel) -> Result<Tunnel, Unknown> {
    let kind = match u32::from(tunnel.kind) {
        ffi::FORESHADOW_TUNNEL_GRE => TunnelKind::Gre,
        ffi::FORESHADOW_TUNNEL_IP_IN_IP => TunnelKind::IpInIp,
        ffi::FORESHADOW_TUNNEL_VXLAN => TunnelKind::Vxlan,
        ffi::FORESHADOW_TUNNEL_GENEVE => TunnelKind::Geneve,
        ffi::FORESHADOW_TUNNEL_GTP_U => TunnelKind::GtpU,
        _ => return Err(Unknown::of("tunnel.kind")),
    };
    Ok(Tunnel {
        kind,
        id: tunnel.id,
        depth: tunnel.depth,
        source: address(tunnel.source),
        destination: address(tunnel.destination),
    })
}

fn close_reason(number: u8) -> Result<Option<CloseReason>, Unknown> {
    Ok(Some(match u32::from(number) {
        ffi::FORESHADOW_CLOSE_NONE => return Ok(None),
        ffi::FORESHADOW_CLOSE_TIMEOUT => CloseReason::Timeout,
        ffi::FORESHADOW_CLOSE_REUSED => CloseReason::Reused,
        ffi::FORESHADOW_CLOSE_EVICTED => CloseReason::Evicted,
        ffi::FORESHADOW_CLOSE_HOST => CloseReason::Host,
        ffi::FORESHADOW_CLOSE_SHUTDOWN => CloseReason::Shutdown,
        ffi::FORESHADOW_CLOSE_CLOCK_RESET => CloseReason::ClockReset,
        _ => return Err(Unknown::of("connection.close_reason")),
    }))
}

fn connection_state(name: &str) -> Option<ConnectionState> {
    use ConnectionState::{Oth, Rej, Rsto, Rstos0, Rstr, Rstrh, S0, S1, S2, S3, Sf, Sh, Shr};
    [S0, S1, S2, S3, Sf, Rej, Rsto, Rstr, Rstos0, Rstrh, Sh, Shr, Oth]
        .into_iter()
        .find(|state| state.name() == name)
}

fn side(number: u8, field: &'static str) -> Result<Side, Unknown> {
    match u32::from(number) {
        ffi::FORESHADOW_SIDE_A => Ok(Side::A),
        ffi::FORESHADOW_SIDE_B => Ok(Side::B),
        _ => Err(Unknown::of(field)),
    }
}

fn category(category: &ffi::foreshadow_category, time: Timestamp) -> Result<Report, Unknown> {
    Ok(Report {
        time,
        name: name(&category.name).ok_or(Unknown::of("category.name"))?,
        interval: Span::from_nanos(category.interval_ns),
        activity: category.activity,
        weight: category.weight,
        fill: category.fill,
        distinct: category.distinct,
        false_positive_rate: category.false_positive_rate,
        is_overfull: category.is_overfull != 0,
    })
}

fn target(target: &ffi::foreshadow_target, time: Timestamp) -> Result<Flagged, Unknown> {
    let mut heaviest = [None; Flagged::NAMED];
    for (place, bytes) in heaviest.iter_mut().zip(&target.heaviest) {
        if bytes[0] != 0 {
            *place = Some(name(bytes).ok_or(Unknown::of("target.heaviest"))?);
        }
    }
    Ok(Flagged {
        time,
        target: Target {
            address: address(target.address),
            score: target.score,
            categories: target.category_mask,
            first: Timestamp::from_nanos(target.first_ns),
            last: Timestamp::from_nanos(target.last_ns),
        },
        threshold: target.threshold,
        heaviest,
        sensors: target.sensors,
    })
}

/// A category's name.
fn name(bytes: &[c_char]) -> Option<Name> {
    text(bytes).filter(|text| text.len() <= Name::LONGEST).map(|text| Name::new(&text))
}

fn address(address: ffi::foreshadow_address) -> Address {
    Address::v6(address.bytes)
}

fn has(bits: u16, bit: ffi::foreshadow_has) -> bool {
    u32::from(bits) & bit != 0
}

/// Printable text without spaces that ends with a zero byte.
fn text(bytes: &[c_char]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let text: Vec<u8> = bytes[..end].iter().map(|byte| *byte as u8).collect();
    text.iter().all(u8::is_ascii_graphic).then(|| text.into_iter().map(char::from).collect())
}

#[cfg(test)]
mod tests;
