#include "events.h"

#include <arpa/inet.h>
#include <zeek/Conn.h>
#include <zeek/Event.h>
#include <zeek/NetVar.h>
#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "foreshadow.bif.h"
#include "row.h"

namespace plugin::Foreshadow_Sensor {

namespace {

namespace type = zeek::BifType::Record::Foreshadow;

// Words for the numbers of foreshadow.h; one that this plugin does not know is "other", as the header
// asks.
template<size_t N>
const char* Word(const char* const (&words)[N], unsigned number) {
    return number < N ? words[number] : "other";
}

constexpr const char* OUTCOMES[] = {"other", "late", "filled", "lost", "phantom"};
constexpr const char* KINDS[] = {"other", "overdue", "gap"};
constexpr const char* WHYS[] = {"none", "hole", "acknowledged", "rtp", "no_response", "numbering"};
constexpr const char* CHANGES[] = {"other", "stopped", "resumed", "silence"};
constexpr const char* TERMS[] = {"none",   "packets", "beginning", "rarest",
                                 "volume", "minute",  "before",    "failures"};
constexpr const char* BEATS[] = {"other", "packets", "connections"};

const char* Reason(unsigned reason) {
    switch ( reason ) {
        case FORESHADOW_REASON_PACKETS: return "packets";
        case FORESHADOW_REASON_NOVELTY: return "novelty";
        case FORESHADOW_REASON_FAILURES: return "failures";
        case FORESHADOW_REASON_BYTES_SENT: return "bytes_sent";
        case FORESHADOW_REASON_BYTES_RECEIVED: return "bytes_received";
        case FORESHADOW_REASON_MANY_PACKETS: return "many_packets";
        case FORESHADOW_REASON_OPENED: return "opened";
        case FORESHADOW_REASON_NEW_SERVICES: return "new_services";
        case FORESHADOW_REASON_FAILED: return "failed";
        case FORESHADOW_REASON_RECEIVED: return "received";
        case FORESHADOW_REASON_NEW_SOURCES: return "new_sources";
        case FORESHADOW_REASON_UNANSWERED: return "unanswered";
        case FORESHADOW_REASON_PROBES: return "probes";
        case FORESHADOW_REASON_LOGINS: return "logins";
        default: return "other";
    }
}

TransportProto Transport(uint8_t protocol) {
    switch ( protocol ) {
        case IPPROTO_TCP: return TRANSPORT_TCP;
        case IPPROTO_UDP: return TRANSPORT_UDP;
        case IPPROTO_ICMP:
        case IPPROTO_ICMPV6: return TRANSPORT_ICMP;
        default: return TRANSPORT_UNKNOWN;
    }
}

zeek::ValPtr Proto(uint8_t protocol) {
    static const auto enumeration = zeek::id::find_type<zeek::EnumType>("transport_proto");
    return enumeration->GetEnumVal(Transport(protocol));
}

// As people and the core's own logs write them: "SYN-ACK".
std::string Flags(uint8_t flags) {
    static constexpr std::pair<uint8_t, const char*> NAMES[] = {
        {0x02, "SYN"}, {0x01, "FIN"}, {0x04, "RST"}, {0x08, "PSH"},
        {0x10, "ACK"}, {0x20, "URG"}, {0x40, "ECE"}, {0x80, "CWR"},
    };
    std::string text;

    for ( const auto& [bit, name] : NAMES )
        if ( flags & bit )
            text += (text.empty() ? "" : "-") + std::string(name);

    return text.empty() ? "none" : text;
}

zeek::ValPtr ConnId(const foreshadow_identity& who, uint8_t originator) {
    static const auto conn_id = zeek::id::find_type<zeek::RecordType>("conn_id");
    static const int proto_field = conn_id->FieldOffset("proto"); // since 7.1

    const bool is_a = originator == FORESHADOW_SIDE_A;
    const auto transport = Transport(who.protocol);
    auto id = zeek::make_intrusive<zeek::RecordVal>(conn_id);
    id->Assign(0, zeek::make_intrusive<zeek::AddrVal>(Address(is_a ? who.address_a : who.address_b)));
    id->Assign(1, zeek::val_mgr->Port(is_a ? who.port_a : who.port_b, transport));
    id->Assign(2, zeek::make_intrusive<zeek::AddrVal>(Address(is_a ? who.address_b : who.address_a)));
    id->Assign(3, zeek::val_mgr->Port(is_a ? who.port_b : who.port_a, transport));

    if ( proto_field >= 0 )
        id->Assign(proto_field, static_cast<uint64_t>(who.protocol));

    return id;
}

// The connection that an event is of, with whoever is its originator in Zeek.
struct Subject {
    const foreshadow_identity& who;
    const Flow* flow;
    uint8_t originator;

    Subject(const foreshadow_identity& who, const Flow* flow)
        : who(who), flow(flow), originator(who.originator) {
        if ( flow )
            originator = flow->conn ? OriginatorSide(who, *flow->conn) : flow->originator;
    }

    bool IsLive() const { return flow && flow->conn && ! flow->is_finished; }
    const char* Side(uint8_t side) const { return side == originator ? "orig" : "resp"; }

    // uid, id and proto.
    void Name(Row* row) const {
        if ( IsLive() ) {
            const auto& conn = flow->conn->GetVal();
            row->Val(conn->GetField("uid"));
            row->Val(conn->GetField("id"));
        }
        else {
            row->StringIf(flow && flow->uid, flow && flow->uid ? flow->uid.Base62("C") : "");
            row->Val(ConnId(who, originator));
        }

        row->Val(Proto(who.protocol));
    }

    void Conn(Row* row) const {
        if ( IsLive() )
            row->Val(flow->conn->GetVal());
        else
            row->Unset();
    }
};

void Queue(const zeek::EventHandlerPtr& handler, Row* row) {
    zeek::event_mgr.Enqueue(handler, row->Take());
}

void RaiseSynthetic(int64_t time_ns, const foreshadow_synthetic& s, const Flow* flow) {
    const Subject subject(s.who, flow);
    const bool is_gap = s.kind == FORESHADOW_SYNTHETIC_GAP;
    const bool is_tcp = s.who.protocol == IPPROTO_TCP;
    const auto& expected = s.expected;
    Row row(type::Synthetic);
    row.Time(time_ns);
    subject.Name(&row);
    row.Count(s.serial);
    row.Unset(); // outcome
    row.String(Word(KINDS, s.kind));
    row.StringIf(is_gap, Word(WHYS, s.gap.why));
    row.CountIf(is_gap, s.gap.part);
    row.CountIf(is_gap, s.gap.parts);
    row.CountIf(is_gap, s.gap.left);
    row.Time(s.due_ns);
    row.String(subject.Side(s.side));
    row.Count(s.payload_len);
    row.CountIf(s.has & FORESHADOW_HAS_SEQUENCE, s.sequence);
    row.Unset(); // came_size
    row.Double(s.capture_loss);
    row.StringIf(is_tcp, Flags(s.flags));
    row.CountIf(s.has & FORESHADOW_HAS_ACKNOWLEDGEMENT, s.acknowledgement);
    row.DoubleIf(s.has & FORESHADOW_HAS_ENTROPY, s.entropy / 32.0);
    row.Double(s.confidence);
    row.Time(s.last_ns);
    row.Count(s.run);
    row.Count(expected.payload_low);
    row.Count(expected.payload_mode);
    row.Count(expected.payload_high);
    row.Interval(expected.time_low_ns);
    row.Interval(expected.time_median_ns);
    row.Interval(expected.time_high_ns);
    row.Interval(expected.deadline_ns);
    row.Double(expected.side_flags_probability);
    row.Double(expected.nothing_more);
    subject.Conn(&row);
    Queue(::Foreshadow::synthetic_packet, &row);
}

void RaiseOutcome(int64_t time_ns, const foreshadow_outcome& o, const Flow* flow) {
    const Subject subject(o.who, flow);
    const bool is_gap = o.kind == FORESHADOW_SYNTHETIC_GAP;
    Row row(type::Synthetic);
    row.Time(time_ns);
    subject.Name(&row);
    row.Count(o.serial);
    row.String(Word(OUTCOMES, o.outcome));
    row.String(Word(KINDS, o.kind));
    row.StringIf(is_gap, Word(WHYS, o.gap.why));
    row.CountIf(is_gap, o.gap.part);
    row.CountIf(is_gap, o.gap.parts);
    row.CountIf(is_gap, o.gap.left);
    row.Time(o.due_ns);
    row.String(subject.Side(o.side));
    row.Count(o.payload_len);
    row.CountIf(o.has & FORESHADOW_HAS_SEQUENCE, o.sequence);
    row.CountIf(o.has & FORESHADOW_HAS_CAME, o.came_len);
    row.Double(o.capture_loss);
    row.Unset(15); // flags to nothing_more: the forecast is in the packet's own record
    subject.Conn(&row);
    Queue(::Foreshadow::synthetic_outcome, &row);
}

zeek::ValPtr Strings(const std::vector<const char*>& words) {
    static const auto strings = zeek::id::find_type<zeek::VectorType>("string_vec");
    auto vector = zeek::make_intrusive<zeek::VectorVal>(strings);

    for ( const char* word : words )
        vector->Append(zeek::make_intrusive<zeek::StringVal>(word));

    return vector;
}

// The parts that count for more than a fifth of the whole, the largest first.
void Parts(Row* row, const foreshadow_surprise& counted) {
    std::pair<float, const char*> parts[] = {{counted.side_flags, "side_flags"},
                                             {counted.payload_len, "size"},
                                             {counted.time, "time"},
                                             {counted.entropy, "entropy"}};
    std::stable_sort(std::begin(parts), std::end(parts),
                     [](const auto& a, const auto& b) { return a.first > b.first; });

    // Their sum, rather than the total, which may be held to bounds of its own.
    const float whole = counted.side_flags + counted.payload_len + counted.time + counted.entropy;
    std::vector<const char*> names;

    for ( const auto& [bits, name] : parts )
        if ( bits > 0.2F * whole )
            names.push_back(name);
        else
            break;

    row->Val(Strings(names));
}

// What came, and what was expected of it.
void Packet(Row* row, const Subject& subject, const foreshadow_facts& seen,
            const foreshadow_expectation& expected) {
    const bool is_tcp = subject.who.protocol == IPPROTO_TCP;
    row->String(subject.Side(seen.side));
    row->StringIf(is_tcp, Flags(seen.flags));
    row->Count(seen.payload_len);
    row->Count(seen.wire_len);

    if ( seen.has & FORESHADOW_HAS_SINCE )
        row->Interval(seen.since_ns);
    else
        row->Unset();

    row->String(subject.Side(expected.side));
    row->StringIf(is_tcp, Flags(expected.flags));
    row->Double(expected.side_flags_probability);
    row->Count(expected.payload_low);
    row->Count(expected.payload_mode);
    row->Count(expected.payload_high);
    row->Interval(expected.time_low_ns);
    row->Interval(expected.time_median_ns);
    row->Interval(expected.time_high_ns);
}

void RaiseAnomaly(int64_t time_ns, const foreshadow_anomaly& a, const Flow* flow, const std::string& sentence) {
    const Subject subject(a.who, flow);
    Row row(type::Anomaly);
    row.Time(time_ns);
    subject.Name(&row);
    row.Double(a.surprise.total);
    row.Double(a.surprise.side_flags);
    row.Double(a.surprise.payload_len);
    row.Double(a.surprise.time);
    row.Double(a.surprise.entropy);
    row.Double(a.counted.total);
    row.Double(a.threshold);
    row.OneIn(a.probability);
    row.Count(a.known);
    Parts(&row, a.counted);
    row.Count(a.seen.position);
    Packet(&row, subject, a.seen, a.expected);
    row.Double(a.expected.nothing_more);
    row.String(sentence);
    subject.Conn(&row);
    Queue(::Foreshadow::anomalous_packet, &row);
}

void Finding(Row* row, const foreshadow_finding& finding, const foreshadow_evidence& evidence) {
    const bool is_packets = finding.reason == FORESHADOW_REASON_PACKETS || finding.reason == FORESHADOW_REASON_NOVELTY;
    const bool is_volume =
        finding.reason >= FORESHADOW_REASON_BYTES_SENT && finding.reason <= FORESHADOW_REASON_MANY_PACKETS;
    const bool is_failures = finding.reason == FORESHADOW_REASON_FAILURES;
    row->Double(finding.severity);
    row->Double(finding.threshold);
    row->OneIn(finding.share);
    row->String(Reason(finding.reason));
    row->CountIf(! is_packets, finding.seen);
    row->CountIf(is_failures, finding.of);
    row->DoubleIf(finding.reason >= FORESHADOW_REASON_OPENED, finding.usual);

    if ( is_packets || is_volume )
        row->OneIn(finding.rarest);
    else
        row->Unset();

    row->CountIf(evidence.has_expected, evidence.expected_low);
    row->CountIf(evidence.has_expected, evidence.expected_median);
    row->CountIf(evidence.has_expected, evidence.expected_high);
    row->Count(evidence.known);
    std::vector<const char*> terms;

    for ( uint8_t term : evidence.terms )
        if ( term != FORESHADOW_TERM_NONE )
            terms.push_back(Word(TERMS, term));

    row->Val(Strings(terms));

    for ( size_t i = 0; i < 3; i++ )
        row->DoubleIf(evidence.terms[i] != FORESHADOW_TERM_NONE, evidence.bits[i]);
}

void RaiseConnectionAlarm(int64_t time_ns, const foreshadow_anomalous_connection& found, const Flow* flow,
                          const std::string& sentence) {
    const Subject subject(found.who, flow);
    const auto& originator =
        subject.originator == FORESHADOW_SIDE_A ? found.who.address_a : found.who.address_b;
    Row row(type::Alarm);
    row.Time(time_ns);
    row.String("connection");
    row.Addr(Address(originator));
    subject.Name(&row);
    Finding(&row, found.finding, found.evidence);
    row.Count(found.seen.position);
    Parts(&row, found.counted);
    Packet(&row, subject, found.seen, found.expected);
    row.String(sentence);
    subject.Conn(&row);
    Queue(::Foreshadow::anomalous_connection, &row);
}

void RaiseEndpointAlarm(int64_t time_ns, const foreshadow_anomalous_endpoint& found,
                        const std::string& sentence) {
    Row row(type::Alarm);
    row.Time(time_ns);
    row.String("endpoint");
    row.Addr(Address(found.address));
    row.Unset(3); // uid, id, proto
    Finding(&row, found.finding, found.evidence);
    row.Unset(16); // position to expected_after_high: there is no one packet
    row.String(sentence);
    Queue(::Foreshadow::anomalous_endpoint, &row);
}

void RaiseHeartbeat(int64_t time_ns, const foreshadow_heartbeat& h) {
    const auto transport = Transport(h.protocol);
    Row row(type::Heartbeat);
    row.Time(time_ns);
    row.String(Word(CHANGES, h.change));
    row.String(Word(BEATS, h.beats));
    row.Addr(Address(h.source));

    if ( h.beats == FORESHADOW_BEATS_PACKETS )
        row.Val(zeek::val_mgr->Port(h.source_port, transport));
    else
        row.Unset();

    row.Addr(Address(h.destination));
    row.Val(zeek::val_mgr->Port(h.destination_port, transport));
    row.Interval(h.period_ns);
    row.Interval(h.jitter_ns);
    row.Count(h.count);
    row.Time(h.last_ns);
    row.Interval(h.wait_ns);
    row.Count(h.missed);
    row.Count(h.cadences);
    Queue(::Foreshadow::missing_heartbeat, &row);
}

// Text in a field of fixed width; the library ends it, and this does not rely on that.
template<size_t N>
std::string Text(const char (&field)[N]) {
    return std::string(field, std::find(field, field + N, '\0'));
}

void RaiseTarget(int64_t time_ns, const foreshadow_target& t) {
    std::vector<std::string> heaviest;

    for ( const auto& name : t.heaviest )
        if ( name[0] )
            heaviest.push_back(Text(name));

    std::vector<const char*> names;

    for ( const auto& name : heaviest )
        names.push_back(name.c_str());

    uint64_t categories = 0;
    for ( uint32_t mask = t.category_mask; mask; mask &= mask - 1 )
        ++categories;

    Row row(type::Flagged);
    row.Time(time_ns);
    row.Addr(Address(t.address));
    row.Double(t.score);
    row.Double(t.threshold);
    row.Count(categories);
    row.Val(Strings(names));
    row.Time(t.first_ns);
    row.Time(t.last_ns);
    row.Count(t.sensors);
    Queue(::Foreshadow::target_flagged, &row);
}

} // namespace

uint8_t OriginatorSide(const foreshadow_identity& who, const zeek::Connection& conn) {
    // Zeek may swap originator and responder while a connection lasts, so this is never remembered
    // while it does.
    const bool is_a = Address(who.address_a) == conn.OrigAddr();
    const bool is_b = Address(who.address_b) == conn.OrigAddr();

    if ( is_a != is_b )
        return is_a ? FORESHADOW_SIDE_A : FORESHADOW_SIDE_B;

    // A machine that talks to itself. ICMP has no ports to tell its ends apart.
    return who.port_b == ntohs(conn.OrigPort()) && who.port_a != who.port_b ? FORESHADOW_SIDE_B : FORESHADOW_SIDE_A;
}

bool IsSame(const foreshadow_identity& who, const zeek::Connection& conn) {
    const auto transport = Transport(who.protocol);

    if ( transport != conn.ConnTransport() )
        return false;

    const auto a = Address(who.address_a);
    const auto b = Address(who.address_b);
    const bool has_ports = transport == TRANSPORT_TCP || transport == TRANSPORT_UDP;
    const uint16_t orig_p = ntohs(conn.OrigPort());
    const uint16_t resp_p = ntohs(conn.RespPort());

    const bool is_along = a == conn.OrigAddr() && b == conn.RespAddr() &&
                          (! has_ports || (who.port_a == orig_p && who.port_b == resp_p));
    const bool is_against = b == conn.OrigAddr() && a == conn.RespAddr() &&
                            (! has_ports || (who.port_b == orig_p && who.port_a == resp_p));
    return is_along || is_against;
}

zeek::RecordValPtr CategoryRecord(int64_t time_ns, const foreshadow_category& c) {
    Row row(type::Category);
    row.Time(time_ns);
    row.String(Text(c.name));
    row.Interval(c.interval_ns);
    row.Count(c.activity);
    row.Double(c.weight);
    row.Double(c.fill);
    row.Double(c.distinct);
    row.Double(c.false_positive_rate);
    row.Bool(c.is_overfull);
    return row.Take();
}

zeek::RecordValPtr ScoreRecord(const Tally& tally) {
    Row row(type::Score);
    row.Count(tally.scored);
    row.Double(tally.surprise);
    row.Double(tally.surprise_max);
    row.Count(tally.anomalies);
    row.Double(tally.severity);
    row.Count(tally.synthetic);
    return row.Take();
}

zeek::RecordValPtr StatsRecord(int64_t time_ns, const foreshadow_stats& s, size_t followed) {
    Row row(type::Stats);
    row.Time(time_ns);

    for ( uint64_t number : {s.packets,
                             s.wire_bytes,
                             s.not_ip,
                             s.truncated,
                             s.malformed,
                             s.orphan_fragments,
                             s.time_reversed,
                             s.clock_resets,
                             s.connections,
                             s.live,
                             s.live_peak,
                             s.evicted,
                             s.scored,
                             s.surprise_millibits,
                             s.anomalies,
                             s.synthetic,
                             s.cadences,
                             s.heartbeats_missing,
                             s.events_shed,
                             s.memory,
                             s.anomalous_connections,
                             s.anomalous_endpoints,
                             s.alarms_held,
                             s.gaps,
                             s.late,
                             s.filled,
                             s.lost,
                             s.phantom,
                             s.withheld,
                             s.capture_loss_ppm,
                             static_cast<uint64_t>(followed)} )
        row.Count(number);

    return row.Take();
}

void Raise(const foreshadow_event& event, const Flow* flow, const std::string& sentence, size_t followed) {
    const auto& data = event.data;
    const int64_t time = event.time_ns;

    switch ( event.kind ) {
        case FORESHADOW_EVENT_SYNTHETIC:
            if ( ::Foreshadow::synthetic_packet )
                RaiseSynthetic(time, data.synthetic, flow);
            break;
        case FORESHADOW_EVENT_OUTCOME:
            if ( ::Foreshadow::synthetic_outcome )
                RaiseOutcome(time, data.outcome, flow);
            break;
        case FORESHADOW_EVENT_ANOMALY:
            if ( ::Foreshadow::anomalous_packet )
                RaiseAnomaly(time, data.anomaly, flow, sentence);
            break;
        case FORESHADOW_EVENT_ANOMALOUS_CONNECTION:
            if ( ::Foreshadow::anomalous_connection )
                RaiseConnectionAlarm(time, data.anomalous_connection, flow, sentence);
            break;
        case FORESHADOW_EVENT_ANOMALOUS_ENDPOINT:
            if ( ::Foreshadow::anomalous_endpoint )
                RaiseEndpointAlarm(time, data.anomalous_endpoint, sentence);
            break;
        case FORESHADOW_EVENT_HEARTBEAT:
            if ( ::Foreshadow::missing_heartbeat )
                RaiseHeartbeat(time, data.heartbeat);
            break;
        case FORESHADOW_EVENT_CATEGORY:
            if ( ::Foreshadow::category_weights )
                zeek::event_mgr.Enqueue(::Foreshadow::category_weights, CategoryRecord(time, data.category));
            break;
        case FORESHADOW_EVENT_TARGET:
            if ( ::Foreshadow::target_flagged )
                RaiseTarget(time, data.target);
            break;
        case FORESHADOW_EVENT_STATS:
            if ( ::Foreshadow::stats )
                zeek::event_mgr.Enqueue(::Foreshadow::stats, StatsRecord(time, data.stats, followed));
            break;
        case FORESHADOW_EVENT_SHED:
            if ( ::Foreshadow::events_shed )
                zeek::event_mgr.Enqueue(::Foreshadow::events_shed,
                                        zeek::make_intrusive<zeek::TimeVal>(AsSeconds(time)),
                                        zeek::val_mgr->Count(data.shed.events));
            break;
        default: break; // the end of a connection, which conn.log shows, and kinds of a later library
    }
}

} // namespace plugin::Foreshadow_Sensor
