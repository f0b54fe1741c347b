//! A verdict as one sentence that an analyst can read.
//!
//! What came stands first, then what was expected, the part that speaks loudest first with its bits,
//! then how often as much happens here and how many were seen for that to be known. Bits are those
//! that count: each part times its weight. Numbers are rounded to what a person needs; the exact ones
//! stand in the event beside it.

use std::fmt::{self, Display, Formatter};

use crate::flow::{ConnectionKey, Service, Side};
use crate::model::{Expectation, FlagClass, PacketFacts, Surprise};
use crate::time::Span;
use crate::wire::TcpFlags;

use super::{
    Activity, AnomalousConnection, AnomalousEndpoint, Anomaly, CountRange, Finding, Part, Reason,
    Volume,
};

/// Writes a verdict as a sentence.
pub enum Sentence<'a> {
    /// A packet that was not expected.
    Packet(&'a Anomaly),
    /// A connection that stands out.
    Connection(&'a AnomalousConnection),
    /// An endpoint that stands out.
    Endpoint(&'a AnomalousEndpoint),
}

/// A part is told if it is at least this share of the whole.
const WORTH_TELLING: f32 = 0.2;
/// Parts that are told at most.
const MOST_TOLD: usize = 3;
/// A packet that counts fewer bits than this is not what was unlikely, though it was the last straw.
const TELLING: f32 = 3.0;
/// Fewer packets of a service than this say little of it; its protocol is what was asked.
const FEW_PACKETS: u32 = 50;
/// One in fewer than this is no rarity worth a number.
const FEW: f32 = 10.0;
const TCP: u8 = 6;

impl Display for Sentence<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(anomaly) => packet(f, anomaly),
            Self::Connection(found) => connection(f, found),
            Self::Endpoint(found) => endpoint(f, found),
        }
    }
}

fn packet(f: &mut Formatter<'_>, anomaly: &Anomaly) -> fmt::Result {
    let Anomaly { key, originator, counted, expected, seen, probability, known, .. } = anomaly;
    f.write_str("The ")?;
    came(f, key, *originator, seen)?;
    f.write_str("; ")?;
    terms(f, key, *originator, counted, expected, seen)?;
    let service = Named::of(key, *originator);
    let place = if seen.position == 0 { "first packets" } else { "packets" };
    let point = if seen.position == 0 { "" } else { " at this point of a connection" };
    let one_in = Rough(1.0 / probability);
    if *known < FEW_PACKETS {
        let protocol = service.protocol();
        write!(f, "; one in {one_in} {place} on {protocol}{point} surprises as much here")?;
        return match known {
            0 => Ok(()),
            known => write!(f, " ({known} seen on {service})"),
        };
    }
    let known = Rough(*known as f32);
    write!(f, "; one in {one_in} {place} on {service}{point} surprises as much here ({known} seen)")
}

fn connection(f: &mut Formatter<'_>, found: &AnomalousConnection) -> fmt::Result {
    let AnomalousConnection { key, originator, finding, score, tipping, .. } = found;
    let service = Named::of(key, *originator);
    let (scored, bits) = (score.scored, finding.severity);
    let packets = if scored == 1 { "packet" } else { "packets" };
    match finding.reason {
        Reason::Packets { rarest } => write!(
            f,
            "{scored} {packets} on {service} are together too unlikely ({bits:.1} bits); the rarest \
             is one in {}",
            Rough(1.0 / rarest)
        )?,
        Reason::Novelty { rarest } => write!(
            f,
            "Ends that did not meet before on {service}, and {scored} {packets} that are together \
             too unlikely ({bits:.1} bits); the rarest is one in {}",
            Rough(1.0 / rarest)
        )?,
        Reason::Volume { of, seen, share } => {
            let (did, what) = match of {
                Volume::Sent => ("Its originator sent", "bytes"),
                Volume::Received => ("Its responder sent", "bytes"),
                Volume::Packets => ("It has come to", "packets"),
            };
            write!(f, "{did} {} {what} ({bits:.1} bits)", Whole(seen))?;
            if let Some(CountRange { low, high, .. }) = finding.grounds.expected {
                write!(
                    f,
                    "; 90 % of connections on {service} come to {} to {}",
                    Whole(low),
                    Whole(high)
                )?;
            }
            write!(f, " and one in {} to as many", Rough(1.0 / share))?;
        }
        Reason::Count { .. } | Reason::Failures { .. } => what_was_counted(f, finding)?,
    }
    let tells = tipping.counted.total() >= TELLING;
    if tells && !matches!(finding.reason, Reason::Volume { .. }) {
        f.write_str("; what tipped it: the ")?;
        came(f, key, *originator, &tipping.seen)?;
        f.write_str(", ")?;
        terms(f, key, *originator, &tipping.counted, &tipping.expected, &tipping.seen)?;
    }
    how_often(f, finding, "connections")
}

fn endpoint(f: &mut Formatter<'_>, found: &AnomalousEndpoint) -> fmt::Result {
    let AnomalousEndpoint { address, finding, .. } = found;
    write!(f, "{address} ")?;
    what_was_counted(f, finding)?;
    how_often(f, finding, "minutes of an endpoint")
}

/// What an endpoint did or suffered, and how often that is usual.
fn what_was_counted(f: &mut Formatter<'_>, finding: &Finding) -> fmt::Result {
    let bits = finding.severity;
    match finding.reason {
        Reason::Count { activity, seen, .. } => {
            let (before, after) = match activity {
                Activity::Opened => ("began", "connections"),
                Activity::NewServices => ("turned to", "services that it had not met before"),
                Activity::Failed => ("began", "connections that came to nothing"),
                Activity::Received => ("was the target of", "connections"),
                Activity::NewSources => {
                    ("was turned to by", "endpoints that it had not met before")
                }
                Activity::Unanswered => ("left unanswered", "connections"),
                Activity::Probes => (
                    "tried",
                    "services of endpoints that it knew for others, or echoes of strangers",
                ),
                Activity::Logins => ("began", "connections to services that ask for a password"),
            };
            write!(f, "{before} {} {after} within a minute ({bits:.1} bits)", Whole(seen))?;
        }
        Reason::Failures { failed, tried } => write!(
            f,
            "was not answered or refused by {failed} of {tried} services that it turned to for the \
             first time ({bits:.1} bits)"
        )?,
        Reason::Packets { .. } | Reason::Novelty { .. } | Reason::Volume { .. } => {
            write!(f, "stands out ({bits:.1} bits)")?;
        }
    }
    match finding.grounds.expected {
        Some(CountRange { low, high, .. }) => {
            write!(f, "; expected were {} to {}", Whole(low), Whole(high))
        }
        None => Ok(()),
    }
}

fn how_often(f: &mut Formatter<'_>, finding: &Finding, units: &str) -> fmt::Result {
    let one_in = 1.0 / finding.share;
    let known = Rough(finding.grounds.known as f32);
    if one_in < FEW {
        write!(f, "; only {known} {units} were seen to their end, too few to say how rare that is")
    } else {
        let one_in = Rough(one_in);
        write!(f, "; about one in {one_in} {units} comes to as much here ({known} seen)")
    }
}

/// `originator sent RST without payload 12 µs after the packet before`.
fn came(
    f: &mut Formatter<'_>,
    key: &ConnectionKey,
    originator: Side,
    seen: &PacketFacts,
) -> fmt::Result {
    write!(f, "{} sent ", role(seen.side, originator))?;
    match (Flags::of(key.protocol, seen.flags), seen.payload_len) {
        (Some(flags), 0) => write!(f, "{flags} without payload")?,
        (Some(flags), size) => write!(f, "{flags} with {}", Bytes(size))?,
        (None, size) => write!(f, "{}", Bytes(size))?,
    }
    match seen.since {
        Some(since) => write!(f, " {} after the packet before", Human(since)),
        None => f.write_str(" as the first packet"),
    }
}

/// What was expected, by the parts that count most.
fn terms(
    f: &mut Formatter<'_>,
    key: &ConnectionKey,
    originator: Side,
    counted: &Surprise,
    expected: &Expectation,
    seen: &PacketFacts,
) -> fmt::Result {
    let mut parts = Part::ALL.map(|part| (part, super::part::bits(counted)[part as usize]));
    // Equal ones keep the order in which the forecast is chained.
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let all = counted.total();
    let told = parts.iter().take(MOST_TOLD).filter(|(_, bits)| *bits > WORTH_TELLING * all);
    if expected.nothing_more > 0.5 {
        write!(f, "nothing more was expected ({:.0} %)", expected.nothing_more * 100.0)?;
    } else {
        f.write_str("expected was ")?;
    }
    for (at, (part, bits)) in told.enumerate() {
        if at > 0 || expected.nothing_more > 0.5 {
            f.write_str(", ")?;
        }
        match part {
            Part::SideFlags => {
                let sender = role(expected.side, originator);
                match Flags::of(key.protocol, expected.flags) {
                    Some(flags) => write!(f, "{flags} from the {sender}")?,
                    None => write!(f, "the {sender}")?,
                }
                let sure = expected.side_flags_probability * 100.0;
                write!(f, " ({sure:.0} % sure, {bits:.1} bits off)")?;
            }
            Part::Size => {
                // The range is that of the packet that was expected; of another one it says nothing.
                let likened = seen.side == expected.side
                    && FlagClass::of(seen.flags) == FlagClass::of(expected.flags);
                match (likened, expected.size.low, expected.size.high) {
                    (false, ..) if key.protocol == TCP => {
                        f.write_str("another size from that sender with such flags")?;
                    }
                    (false, ..) => f.write_str("another size from that sender")?,
                    (true, 0, 0) => f.write_str("no payload")?,
                    (true, low, high) if low == high => write!(f, "{}", Bytes(low))?,
                    (true, low, high) => {
                        write!(f, "{} to {}", Whole(low), Bytes(high))?;
                        write!(f, ", most likely {}", Whole(expected.size.mode))?;
                    }
                }
                write!(f, " ({bits:.1} bits off)")?;
            }
            Part::Time => {
                let time = expected.time;
                write!(f, "a wait of {} to {}", Human(time.low), Human(time.high))?;
                write!(f, " ({bits:.1} bits off)")?;
            }
            Part::Entropy => match seen.entropy {
                Some(entropy) => {
                    let entropy = f32::from(entropy) / 32.0;
                    write!(f, "another randomness than {entropy:.1} bits a byte")?;
                    write!(f, " ({bits:.1} bits off)")?;
                }
                None => write!(f, "another payload ({bits:.1} bits off)")?,
            },
        }
    }
    Ok(())
}

fn role(side: Side, originator: Side) -> &'static str {
    if side == originator { "originator" } else { "responder" }
}

/// A service as people name it.
struct Named(Service);

impl Named {
    fn of(key: &ConnectionKey, originator: Side) -> Self {
        Self(Service::of(key.protocol, [key.port_a, key.port_b], originator))
    }

    const fn protocol(&self) -> &'static str {
        match self.0.protocol {
            6 => "TCP",
            17 => "UDP",
            1 | 58 => "ICMP",
            _ => "its protocol",
        }
    }
}

impl Display for Named {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.0.name(), self.0.protocol) {
            (Some(name), _) => f.write_str(name),
            (None, 6 | 17 | 1 | 58) => write!(f, "{} {}", self.protocol(), self.0.port),
            (None, protocol) => write!(f, "protocol {protocol}"),
        }
    }
}

/// A packet's TCP flags, `None` for a protocol that has none.
struct Flags(TcpFlags);

impl Flags {
    const fn of(protocol: u8, flags: TcpFlags) -> Option<Self> {
        if protocol == TCP { Some(Self(flags)) } else { None }
    }
}

impl Display for Flags {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        const NAMES: [(TcpFlags, &str); 8] = [
            (TcpFlags::SYN, "SYN"),
            (TcpFlags::FIN, "FIN"),
            (TcpFlags::RST, "RST"),
            (TcpFlags::PSH, "PSH"),
            (TcpFlags::ACK, "ACK"),
            (TcpFlags::URG, "URG"),
            (TcpFlags::ECE, "ECE"),
            (TcpFlags::CWR, "CWR"),
        ];
        let mut said = false;
        for (flag, name) in NAMES {
            if self.0.contains(flag) {
                write!(f, "{}{name}", if said { "-" } else { "" })?;
                said = true;
            }
        }
        if said { Ok(()) } else { f.write_str("no flags") }
    }
}

/// A whole number with commas: `70,000`.
struct Whole(u32);

impl Display for Whole {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (billions, millions) = (self.0 / 1_000_000_000, self.0 / 1_000_000 % 1_000);
        let (thousands, rest) = (self.0 / 1_000 % 1_000, self.0 % 1_000);
        match self.0 {
            0..=999 => write!(f, "{rest}"),
            1_000..=999_999 => write!(f, "{thousands},{rest:03}"),
            1_000_000..=999_999_999 => write!(f, "{millions},{thousands:03},{rest:03}"),
            _ => write!(f, "{billions},{millions:03},{thousands:03},{rest:03}"),
        }
    }
}

/// A count of bytes: `1 byte`, `70,000 bytes`.
struct Bytes(u32);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} byte{}", Whole(self.0), if self.0 == 1 { "" } else { "s" })
    }
}

/// A number to two digits: `49,000`.
struct Rough(f32);

impl Display for Rough {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let number = f64::from(self.0.clamp(0.0, 4e9));
        let digits = (number as u32).checked_ilog10().unwrap_or(0);
        let unit = 10_u32.pow(digits.saturating_sub(1));
        let units = (number / f64::from(unit)).round() as u32;
        Whole(units.saturating_mul(unit)).fmt(f)
    }
}

/// A span as people say it, to three digits.
struct Human(Span);

impl Display for Human {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let seconds = self.0.secs_f64();
        let (value, unit) = match seconds {
            s if s < 1e-6 => (s * 1e9, "ns"),
            s if s < 1e-3 => (s * 1e6, "µs"),
            s if s < 1.0 => (s * 1e3, "ms"),
            s if s < 120.0 => (s, "s"),
            s if s < 7_200.0 => (s / 60.0, "min"),
            s if s < 172_800.0 => (s / 3_600.0, "h"),
            s => (s / 86_400.0, "days"),
        };
        let decimals = if value >= 100.0 || value == 0.0 {
            0
        } else if value >= 10.0 {
            1
        } else {
            2
        };
        write!(f, "{value:.decimals$} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{ConnectionId, Slot};
    use crate::model::{SizeRange, TimeRange};
    use crate::score::{ConnectionScore, Grounds, Tipping};
    use crate::time::Timestamp;
    use crate::wire::Address;

    fn anomaly() -> Anomaly {
        Anomaly {
            id: ConnectionId { slot: Slot(0), generation: 0 },
            host_id: None,
            key: ConnectionKey {
                address_a: Address::v4([192, 0, 2, 1]),
                address_b: Address::v4([192, 0, 2, 2]),
                port_a: 50_000,
                port_b: 80,
                protocol: 6,
                domain: 0,
            },
            originator: Side::A,
            uid: 0,
            time: Timestamp::MIN,
            surprise: Surprise { side_flags: 9.0, size: 22.0, time: 17.0, entropy: 0.0 },
            counted: Surprise { side_flags: 9.0, size: 1.1, time: 0.2, entropy: 0.0 },
            threshold: 8.0,
            probability: 1.0 / 48_613.0,
            known: 52_345,
            expected: Expectation {
                side: Side::B,
                flags: TcpFlags(TcpFlags::PSH.0 | TcpFlags::ACK.0),
                side_flags_probability: 0.94,
                size: SizeRange { low: 512, mode: 1_448, high: 1_460 },
                time: TimeRange {
                    low: Span::from_micros(20),
                    median: Span::from_millis(12),
                    high: Span::from_millis(250),
                },
                deadline: Span::ZERO,
                nothing_more: 0.1,
                confidence: 1.0,
            },
            seen: PacketFacts {
                protocol: 6,
                flags: TcpFlags::RST,
                since: Some(Span::from_micros(12)),
                position: 14,
                ..PacketFacts::NONE
            },
        }
    }

    #[test]
    fn a_packets_sentence_says_what_came_what_was_expected_and_how_rare_it_is() {
        assert_eq!(
            Sentence::Packet(&anomaly()).to_string(),
            "The originator sent RST without payload 12.0 µs after the packet before; expected was \
             PSH-ACK from the responder (94 % sure, 9.0 bits off); one in 49,000 packets on http at \
             this point of a connection surprises as much here (52,000 seen)"
        );
    }

    #[test]
    fn the_parts_that_count_are_told_the_largest_first() {
        let counted = Surprise { side_flags: 1.0, size: 9.0, time: 4.0, entropy: 0.0 };
        let expected = anomaly().expected;
        let seen = PacketFacts { side: expected.side, flags: expected.flags, ..anomaly().seen };
        let text = Sentence::Packet(&Anomaly { counted, seen, ..anomaly() }).to_string();
        assert!(
            text.contains(
                "expected was 512 to 1,460 bytes, most likely 1,448 (9.0 bits off), a wait of \
                 20.0 µs to 250 ms (4.0 bits off); one in"
            ),
            "{text}"
        );
        // Of a packet that was not expected at all nobody knows which size it should have.
        let text = Sentence::Packet(&Anomaly { counted, ..anomaly() }).to_string();
        assert!(
            text.contains("expected was another size from that sender with such flags"),
            "{text}"
        );
    }

    #[test]
    fn where_little_was_seen_of_a_service_the_sentence_says_so() {
        let text = Sentence::Packet(&Anomaly { known: 12, ..anomaly() }).to_string();
        assert!(text.ends_with("packets on TCP at this point of a connection surprises as much here (12 seen on http)"), "{text}");
        let expected = Expectation { nothing_more: 0.97, ..anomaly().expected };
        let text = Sentence::Packet(&Anomaly { expected, ..anomaly() }).to_string();
        assert!(text.contains("nothing more was expected (97 %), PSH-ACK from"), "{text}");
    }

    fn finding(reason: Reason, expected: Option<CountRange>) -> Finding {
        let grounds = Grounds { expected, known: 8_123, ..Grounds::default() };
        Finding { severity: 14.5, threshold: 11.0, share: 0.000_4, reason, grounds }
    }

    #[test]
    fn an_endpoints_sentence_has_the_count_and_what_was_expected() {
        let range = CountRange { low: 0, median: 1, high: 5 };
        let reason = Reason::Count { activity: Activity::NewServices, seen: 340, usual: 1.5 };
        let found = AnomalousEndpoint {
            address: Address::v4([192, 0, 2, 9]),
            domain: 0,
            time: Timestamp::MIN,
            finding: finding(reason, Some(range)),
        };
        assert_eq!(
            Sentence::Endpoint(&found).to_string(),
            "192.0.2.9 turned to 340 services that it had not met before within a minute (14.5 bits); \
             expected were 0 to 5; about one in 2,500 minutes of an endpoint comes to as much here \
             (8,100 seen)"
        );
        let rare = Finding { share: 0.5, ..found.finding };
        let text = Sentence::Endpoint(&AnomalousEndpoint { finding: rare, ..found }).to_string();
        assert!(text.ends_with("seen to their end, too few to say how rare that is"), "{text}");
    }

    #[test]
    fn a_connections_sentence_has_the_volume_or_the_packet_that_tipped_it() {
        let Anomaly { surprise, counted, expected, seen, .. } = anomaly();
        let of = |reason, range| AnomalousConnection {
            id: anomaly().id,
            host_id: None,
            key: anomaly().key,
            originator: Side::A,
            uid: 0,
            time: Timestamp::MIN,
            finding: finding(reason, range),
            score: ConnectionScore { scored: 14, ..ConnectionScore::default() },
            tipping: Tipping { surprise, counted, expected, seen },
        };
        let range = CountRange { low: 200, median: 900, high: 4_000 };
        let reason = Reason::Volume { of: Volume::Sent, seen: 70_123, share: 0.001 };
        let text = Sentence::Connection(&of(reason, Some(range))).to_string();
        assert_eq!(
            text,
            "Its originator sent 70,123 bytes (14.5 bits); 90 % of connections on http come to 200 to \
             4,000 and one in 1,000 to as many; about one in 2,500 connections comes to as much here \
             (8,100 seen)"
        );
        let text = Sentence::Connection(&of(Reason::Packets { rarest: 0.01 }, None)).to_string();
        assert!(
            text.starts_with(
                "14 packets on http are together too unlikely (14.5 bits); the rarest is one in 100; \
                 what tipped it: the originator sent RST without payload"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_last_straw_that_surprised_nobody_is_not_told() {
        let Anomaly { surprise, expected, seen, id, key, .. } = anomaly();
        let counted = Surprise { side_flags: 1.0, ..Surprise::default() };
        let found = AnomalousConnection {
            id,
            host_id: None,
            key,
            originator: Side::A,
            uid: 0,
            time: Timestamp::MIN,
            finding: finding(Reason::Packets { rarest: 0.01 }, None),
            score: ConnectionScore { scored: 14, ..ConnectionScore::default() },
            tipping: Tipping { surprise, counted, expected, seen },
        };
        let text = Sentence::Connection(&found).to_string();
        assert!(text.contains("the rarest is one in 100; about one in 2,500"), "{text}");
    }

    #[test]
    fn numbers_and_spans_are_rounded_as_people_say_them() {
        let whole = [0, 999, 1_000, 1_234_567, u32::MAX].map(|number| Whole(number).to_string());
        assert_eq!(whole, ["0", "999", "1,000", "1,234,567", "4,294,967,295"]);
        let rough = [0.0, 7.9, 48_613.0, f32::INFINITY].map(|number| Rough(number).to_string());
        assert_eq!(rough, ["0", "8", "49,000", "4,000,000,000"]);
        let spans = [0, 950, 12_345, 250_000_000, 3_000_000_000, 600_000_000_000];
        let spans = spans.map(|nanos| Human(Span::from_nanos(nanos)).to_string());
        assert_eq!(spans, ["0 ns", "950 ns", "12.3 µs", "250 ms", "3.00 s", "10.0 min"]);
    }
}
