//! An event as one line of text: all its fields, in a fixed order, each as `name=value`.
//!
//! Two hosts that saw the same thing print the same bytes, so their runs are compared with `cmp`.
//! Whole numbers are decimal, times are seconds rounded down and nine digits of nanoseconds, a
//! float is the shortest text that reads back as the same `f32`, and what is absent is `-`.

use std::fmt::{self, Display, Formatter};

use crate::bloom::{Flagged, Report, Target};
use crate::flow::{ConnectionId, ConnectionKey, Counters, Side, Summary};
use crate::model::{Expectation, PacketFacts, Surprise};
use crate::predict::cadence::Heartbeat;
use crate::predict::{Kind, Settled, SyntheticPacket};
use crate::score::{
    AnomalousConnection, AnomalousEndpoint, Anomaly, ConnectionScore, CountRange, Finding, Grounds,
    Reason, Term, Tipping,
};
use crate::time::{Span, Timestamp};
use crate::wire::{Address, Tunnel};

use super::{Event, Shed, Stats};

impl Display for Event {
    /// Writes the event's line, without a line feed.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Synthetic(synthetic) => write_synthetic(f, synthetic),
            Self::Outcome(settled) => write_outcome(f, settled),
            Self::Heartbeat(heartbeat) => write_heartbeat(f, heartbeat),
            Self::Anomaly(anomaly) => write_anomaly(f, anomaly),
            Self::AnomalousConnection(found) => {
                let AnomalousConnection {
                    id,
                    host_id,
                    key,
                    originator,
                    uid,
                    time,
                    finding,
                    score,
                    tipping,
                } = found;
                write!(f, "anomalous_connection time={} ", At(*time))?;
                write_identity(f, *id, *host_id, key, *originator, *uid)?;
                write_finding(f, finding)?;
                write_score(f, score)?;
                let Tipping { surprise, counted, expected, seen } = tipping;
                write_surprise(f, surprise, counted)?;
                write_seen(f, seen)?;
                write_expectation(f, expected)
            }
            Self::AnomalousEndpoint(AnomalousEndpoint { address, domain, time, finding }) => {
                let time = At(*time);
                write!(f, "anomalous_endpoint time={time} address={address} domain={domain}")?;
                write_finding(f, finding)
            }
            Self::Connection { time, summary, score } => write_connection(f, *time, summary, score),
            Self::Category(report) => write_category(f, report),
            Self::Target(flagged) => write_target(f, flagged),
            Self::Stats { time, stats } => write_stats(f, *time, stats),
            Self::Shed(Shed { time, events }) => {
                write!(f, "shed time={} events={events}", At(*time))
            }
        }
    }
}

fn write_category(f: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let Report {
        time,
        name,
        interval,
        activity,
        weight,
        fill,
        distinct,
        false_positive_rate,
        is_overfull,
    } = report;
    write!(
        f,
        "category time={} name={name} interval={} activity={activity} weight={weight:?} fill={fill:?} \
         distinct={distinct:?} false_positive_rate={false_positive_rate:?} overfull={is_overfull}",
        At(*time),
        interval.nanos()
    )
}

fn write_target(f: &mut Formatter<'_>, flagged: &Flagged) -> fmt::Result {
    let Flagged { time, target, threshold, heaviest, sensors } = flagged;
    let Target { address, score, categories, first, last } = target;
    write!(
        f,
        "target time={} address={address} score={score:?} threshold={threshold:?} \
         categories={categories:#x} sensors={sensors} first={} last={} heaviest=",
        At(*time),
        At(*first),
        At(*last)
    )?;
    for (index, name) in heaviest.iter().flatten().enumerate() {
        write!(f, "{}{name}", if index > 0 { "," } else { "" })?;
    }
    Ok(())
}

fn write_synthetic(f: &mut Formatter<'_>, synthetic: &SyntheticPacket) -> fmt::Result {
    let SyntheticPacket {
        serial,
        id,
        host_id,
        key,
        originator,
        uid,
        kind,
        made,
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
    } = synthetic;
    write!(f, "synthetic time={} serial={} ", At(*made), serial.0)?;
    write_identity(f, *id, *host_id, key, *originator, *uid)?;
    write_kind(f, *kind)?;
    write!(
        f,
        " due={} last={} run={run} side={side:?} flags={:#04x} payload_len={payload_len} entropy={} \
         sequence={} acknowledgement={} confidence={confidence:?} capture_loss={capture_loss:?}",
        At(*due),
        At(*last),
        flags.0,
        Maybe(*entropy),
        Maybe(*sequence),
        Maybe(*acknowledgement)
    )?;
    write_expectation(f, expected)
}

fn write_outcome(f: &mut Formatter<'_>, settled: &Settled) -> fmt::Result {
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
        time,
        came,
        capture_loss,
    } = settled;
    write!(f, "outcome time={} serial={} ", At(*time), serial.0)?;
    write_identity(f, *id, *host_id, key, *originator, *uid)?;
    write_kind(f, *kind)?;
    write!(
        f,
        " outcome={} made={} due={} side={side:?} payload_len={payload_len} sequence={} came={} \
         capture_loss={capture_loss:?}",
        outcome.name(),
        At(*made),
        At(*due),
        Maybe(*sequence),
        Maybe(*came)
    )
}

fn write_kind(f: &mut Formatter<'_>, kind: Kind) -> fmt::Result {
    write!(f, " kind={}", kind.name())?;
    match kind.gap() {
        None => f.write_str(" why=-"),
        Some(gap) => write!(
            f,
            " why={} part={} parts={} left={}",
            gap.why.name(),
            gap.part,
            gap.parts,
            gap.left
        ),
    }
}

fn write_anomaly(f: &mut Formatter<'_>, anomaly: &Anomaly) -> fmt::Result {
    let Anomaly {
        id,
        host_id,
        key,
        originator,
        uid,
        time,
        surprise,
        counted,
        threshold,
        probability,
        known,
        expected,
        seen,
    } = anomaly;
    write!(f, "anomaly time={} ", At(*time))?;
    write_identity(f, *id, *host_id, key, *originator, *uid)?;
    write!(f, " threshold={threshold:?} probability={probability:?} known={known}")?;
    write_surprise(f, surprise, counted)?;
    write_seen(f, seen)?;
    write_expectation(f, expected)
}

fn write_surprise(f: &mut Formatter<'_>, surprise: &Surprise, counted: &Surprise) -> fmt::Result {
    for (name, Surprise { side_flags, size, time, entropy }) in
        [("surprise", surprise), ("counted", counted)]
    {
        write!(
            f,
            " {name}.side_flags={side_flags:?} {name}.size={size:?} {name}.time={time:?} \
             {name}.entropy={entropy:?}"
        )?;
    }
    Ok(())
}

fn write_seen(f: &mut Formatter<'_>, seen: &PacketFacts) -> fmt::Result {
    let PacketFacts {
        side,
        protocol,
        flags,
        payload_len,
        wire_len,
        window,
        entropy,
        since,
        position,
    } = seen;
    write!(
        f,
        " seen.side={side:?} seen.protocol={protocol} seen.flags={:#04x} seen.payload_len={payload_len} \
         seen.wire_len={wire_len} seen.window={window} seen.entropy={} seen.since={} \
         seen.position={position}",
        flags.0,
        Maybe(*entropy),
        Maybe(since.map(Span::nanos)),
    )
}

fn write_heartbeat(f: &mut Formatter<'_>, heartbeat: &Heartbeat) -> fmt::Result {
    let Heartbeat {
        time,
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
    } = heartbeat;
    write!(f, "heartbeat time={} change={} beats={} uid=", At(*time), change.name(), beats.name())?;
    match uid {
        Some(uid) => write!(f, "{uid:x}")?,
        None => f.write_str("-")?,
    }
    write!(
        f,
        " source={} destination={} protocol={} service={} period={} jitter={} count={count} \
         last={} wait={} missed={missed} cadences={cadences}",
        Endpoint(*source, *source_port),
        Endpoint(*destination, *destination_port),
        service.protocol,
        service.port,
        period.nanos(),
        jitter.nanos(),
        At(*last),
        wait.nanos()
    )
}

fn write_connection(
    f: &mut Formatter<'_>,
    closed_at: Timestamp,
    summary: &Summary,
    score: &ConnectionScore,
) -> fmt::Result {
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
    write!(f, "connection time={} ", At(closed_at))?;
    write_identity(f, *id, *host_id, key, *originator, *uid)?;
    write!(f, " first={} last={}", At(*first), At(*last))?;
    for (name, counters) in ['a', 'b'].into_iter().zip(sides) {
        let Counters {
            packets,
            ip_bytes,
            wire_bytes,
            payload_bytes,
            retransmissions,
            out_of_order,
            missed_bytes,
        } = counters;
        write!(
            f,
            " {name}.packets={packets} {name}.ip_bytes={ip_bytes} {name}.wire_bytes={wire_bytes} \
             {name}.payload_bytes={payload_bytes} {name}.retransmissions={retransmissions} \
             {name}.out_of_order={out_of_order} {name}.missed_bytes={missed_bytes}"
        )?;
    }
    write!(
        f,
        " state={} history={} vlan.outer={} vlan.inner={} tunnel=",
        state.name(),
        history.as_str(),
        Maybe(vlans.outer),
        Maybe(vlans.inner)
    )?;
    match tunnel {
        None => f.write_str("-")?,
        Some(Tunnel { kind, id, depth, source, destination }) => write!(
            f,
            "{} tunnel.id={id} tunnel.depth={depth} tunnel.source={source} \
             tunnel.destination={destination}",
            kind.name()
        )?,
    }
    write!(f, " closed={}", Maybe(closed.map(|reason| reason as u8)))?;
    write_score(f, score)
}

fn write_score(f: &mut Formatter<'_>, score: &ConnectionScore) -> fmt::Result {
    let ConnectionScore { scored, anomalies, synthetic, total, max, severity } = score;
    write!(
        f,
        " scored={scored} anomalies={anomalies} synthetic={synthetic} total={total:?} max={max:?} \
         severity={severity:?}"
    )
}

fn write_finding(f: &mut Formatter<'_>, finding: &Finding) -> fmt::Result {
    let Finding { severity, threshold, share, reason, grounds } = finding;
    let name = reason.name();
    write!(f, " evidence={severity:?} threshold={threshold:?} share={share:?} reason={name}")?;
    match reason {
        Reason::Packets { rarest } | Reason::Novelty { rarest } => write!(f, " rarest={rarest:?}"),
        Reason::Volume { of: _, seen, share } => write!(f, " seen={seen} rarest={share:?}"),
        Reason::Count { activity: _, seen, usual } => write!(f, " seen={seen} usual={usual:?}"),
        Reason::Failures { failed, tried } => write!(f, " seen={failed} of={tried}"),
    }?;
    let Grounds { terms, expected, known } = grounds;
    write!(f, " known={known} terms=")?;
    for (at, Term { kind, bits }) in terms.iter().flatten().enumerate() {
        write!(f, "{}{}:{bits:?}", if at > 0 { "," } else { "" }, kind.name())?;
    }
    match expected {
        Some(CountRange { low, median, high }) => {
            write!(f, " expected.count={low}/{median}/{high}")
        }
        None => f.write_str(" expected.count=-"),
    }
}

fn write_stats(f: &mut Formatter<'_>, time: Timestamp, stats: &Stats) -> fmt::Result {
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
    } = stats;
    write!(
        f,
        "stats time={} packets={packets} wire_bytes={wire_bytes} not_ip={not_ip} \
         truncated={truncated} malformed={malformed} orphan_fragments={orphan_fragments} \
         time_reversed={time_reversed} clock_resets={clock_resets} connections={connections} \
         live={live} live_peak={live_peak} evicted={evicted} scored={scored} \
         surprise_millibits={surprise_millibits} anomalies={anomalies} synthetic={synthetic} \
         cadences={cadences} heartbeats_missing={heartbeats_missing} \
         events_shed={events_shed} memory={memory} anomalous_connections={anomalous_connections} \
         anomalous_endpoints={anomalous_endpoints} alarms_held={alarms_held} \
         gaps={gaps} late={late} filled={filled} lost={lost} phantom={phantom} withheld={withheld} \
         capture_loss_ppm={capture_loss_ppm}",
        At(time)
    )
}

fn write_identity(
    f: &mut Formatter<'_>,
    id: ConnectionId,
    host_id: Option<u64>,
    key: &ConnectionKey,
    originator: Side,
    uid: u128,
) -> fmt::Result {
    let ConnectionKey { address_a, address_b, port_a, port_b, protocol, domain } = key;
    write!(
        f,
        "connection={} host_id={} uid={uid:x} a={} b={} protocol={protocol} domain={domain} \
         originator={originator:?}",
        id.to_u64(),
        Maybe(host_id),
        Endpoint(*address_a, *port_a),
        Endpoint(*address_b, *port_b)
    )
}

fn write_expectation(f: &mut Formatter<'_>, expected: &Expectation) -> fmt::Result {
    let Expectation {
        side,
        flags,
        side_flags_probability,
        size,
        time,
        deadline,
        nothing_more,
        confidence,
    } = expected;
    write!(
        f,
        " expected.side={side:?} expected.flags={:#04x} expected.p={side_flags_probability:?} \
         expected.size={}/{}/{} expected.time={}/{}/{} expected.deadline={} \
         expected.nothing_more={nothing_more:?} expected.confidence={confidence:?}",
        flags.0,
        size.low,
        size.mode,
        size.high,
        time.low.nanos(),
        time.median.nanos(),
        time.high.nanos(),
        deadline.nanos()
    )
}

/// Seconds and nanoseconds.
struct At(Timestamp);

impl Display for At {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (secs, nanos) = self.0.parts();
        write!(f, "{secs}.{nanos:09}")
    }
}

/// A value or `-`.
struct Maybe<T>(Option<T>);

impl<T: Display> Display for Maybe<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("-"),
        }
    }
}

/// Address and port, an IPv6 address in brackets.
struct Endpoint(Address, u16);

impl Display for Endpoint {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(address, port) = self;
        match address.as_v4() {
            Some(_) => write!(f, "{address}:{port}"),
            None => write!(f, "[{address}]:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Slot;
    use crate::model::{SizeRange, TimeRange};
    use crate::predict::{Gap, SyntheticId, Why};
    use crate::wire::TcpFlags;

    #[test]
    fn a_synthetic_packet_is_one_line_with_all_its_fields() {
        let event = Event::Synthetic(SyntheticPacket {
            serial: SyntheticId(9),
            id: ConnectionId { slot: Slot(7), generation: 1 },
            host_id: None,
            key: ConnectionKey {
                address_a: Address::v4([192, 0, 2, 1]),
                address_b: Address::v6([0; 16]),
                port_a: 49152,
                port_b: 443,
                protocol: 6,
                domain: 0,
            },
            originator: Side::A,
            uid: 0xabc,
            kind: Kind::Gap(Gap { why: Why::Hole, part: 1, parts: 2, left: 3 }),
            made: Timestamp::from_parts(1_700_000_000, 5),
            due: Timestamp::from_parts(1_700_000_000, 4),
            last: Timestamp::from_nanos(-1),
            run: 2,
            side: Side::B,
            flags: TcpFlags::ACK,
            payload_len: 10,
            entropy: None,
            sequence: Some(u32::MAX),
            acknowledgement: None,
            confidence: 0.5,
            capture_loss: 0.0,
            expected: Expectation {
                side: Side::B,
                flags: TcpFlags::ACK,
                side_flags_probability: 0.1,
                size: SizeRange { low: 0, mode: 1, high: 2 },
                time: TimeRange {
                    low: Span::from_nanos(3),
                    median: Span::from_nanos(4),
                    high: Span::MAX,
                },
                deadline: Span::from_nanos(6),
                nothing_more: f32::MIN_POSITIVE,
                confidence: 1.0,
            },
        });
        assert_eq!(
            event.to_string(),
            "synthetic time=1700000000.000000005 serial=9 connection=4294967303 host_id=- uid=abc \
             a=192.0.2.1:49152 b=[::]:443 protocol=6 domain=0 originator=A kind=gap why=hole \
             part=1 parts=2 left=3 due=1700000000.000000004 last=-1.999999999 run=2 side=B \
             flags=0x10 payload_len=10 entropy=- sequence=4294967295 acknowledgement=- \
             confidence=0.5 capture_loss=0.0 expected.side=B \
             expected.flags=0x10 expected.p=0.1 expected.size=0/1/2 \
             expected.time=3/4/18446744073709551615 expected.deadline=6 \
             expected.nothing_more=1.1754944e-38 expected.confidence=1.0"
        );
    }

    #[test]
    fn a_notice_of_shedding_says_when_and_how_many() {
        let event = Event::Shed(Shed { time: Timestamp::from_parts(3, 0), events: 2 });
        assert_eq!(event.to_string(), "shed time=3.000000000 events=2");
    }
}
