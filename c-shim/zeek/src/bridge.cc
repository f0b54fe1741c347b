#include "bridge.h"

#include <pcap.h>
#include <zeek/Conn.h>
#include <zeek/Reporter.h>
#include <zeek/iosource/Packet.h>

#include "events.h"
#include "foreshadow.bif.h"

namespace plugin::Foreshadow_Sensor {

namespace {

// A tunnel's carrier is asked this often whether a frame is its own, and then no more.
constexpr uint8_t STRANGERS_MAX = 16;

// Events are fetched in batches of this many.
constexpr size_t BATCH = 16;

// The header wants the numbers of capture files; libpcap has others for a few link types.
uint16_t LinkType(int dlt) {
    switch ( dlt ) {
        case DLT_RAW: return 101;
#ifdef DLT_ATM_RFC1483
        case DLT_ATM_RFC1483: return 100;
#endif
#ifdef DLT_PFSYNC
        case DLT_PFSYNC: return 246;
#endif
        default: return dlt < 0 || dlt > 0xffff ? 0xffff : static_cast<uint16_t>(dlt);
    }
}

} // namespace

bool Bridge::Open(const Opening& opening, std::string* why) {
    if ( sensor )
        return true;

    core = OpenCore(opening.library, why);

    if ( ! core ) {
        if ( why->find(opening.library) == std::string::npos ) // dlopen names it itself
            *why = opening.library + ": " + *why;

        return false;
    }

    const Options options(opening);
    const auto status = core->sensor_open(options.Get(), &sensor);
    char reason[1024] = "";
    core->last_error(sensor, reason, sizeof reason, nullptr);

    if ( status != FORESHADOW_STATUS_OK ) {
        sensor = nullptr;
        *why = reason[0] ? reason : core->status_text(status);
        return false;
    }

    if ( reason[0] ) // a store that was set aside
        zeek::reporter->Warning("Foreshadow: %s", reason);

    return true;
}

void Bridge::Finish() {
    if ( ! sensor )
        return;

    Check(core->sensor_finish(sensor));
    Fetch();
    current = {};
}

void Bridge::Close() {
    if ( ! sensor )
        return;

    core->sensor_close(sensor);
    sensor = nullptr;
    current = {};
}

void Bridge::Push(const zeek::Packet& packet) {
    current.connection = 0;
    current.flow = 0;
    current.has_summary = false;

    if ( ! sensor )
        return;

    foreshadow_packet frame;
    Clear(&frame);
    frame.captured_len = packet.cap_len;
    frame.data = packet.data;
    frame.wire_len = packet.len;
    frame.link_type = LinkType(packet.link_type);
    // The frame's own time; network time never runs back and is scaled in pseudo-realtime.
    frame.time_ns = static_cast<int64_t>(packet.ts.tv_sec) * 1000000000 + packet.ts.tv_usec * 1000;

    foreshadow_verdict verdict;
    Clear(&verdict);
    const auto status = core->sensor_push(sensor, &frame, &verdict);

    if ( status != FORESHADOW_STATUS_OK )
        return Check(status);

    last_ns = frame.time_ns;
    current.connection = verdict.connection;
    Fetch();
}

void Bridge::Advance(double network_time) {
    current.connection = 0;
    current.flow = 0;

    if ( ! sensor )
        return;

    Check(core->sensor_advance(sensor, Nanoseconds(network_time)));
    Fetch();
}

void Bridge::Fetch() {
    foreshadow_event batch[BATCH];
    size_t count = BATCH;

    while ( sensor && count == BATCH ) {
        batch[0].size = sizeof batch[0];
        const auto status = core->sensor_poll(sensor, batch, BATCH, &count);

        if ( status != FORESHADOW_STATUS_OK )
            return Check(status);

        for ( size_t i = 0; i < count; i++ ) {
            if ( batch[i].kind == FORESHADOW_EVENT_CONNECTION )
                Settle(batch[i]);
            else
                waiting.push_back(batch[i]);
        }
    }
}

// One of the sensor's connections ended.
void Bridge::Settle(const foreshadow_event& event) {
    const auto& ended = event.data.connection;
    Flow* flow = flows.Find(ended.who.host_id);

    if ( ! flow || flow->core != ended.who.connection )
        return;

    if ( ! flow->is_finished ) {
        Tally tally(ended.score);
        tally.Subtract(flow->before);
        flow->ended.Add(tally);
        flow->before = Tally();
    }

    flow->core = 0;
    flows.Release(ended.who.host_id);
}

void Bridge::Deliver() {
    if ( ! waiting.empty() ) {
        // The identity lies in the same place in each kind that has one.
        for ( const auto& event : waiting ) {
            const foreshadow_identity* who = nullptr;

            switch ( event.kind ) {
                case FORESHADOW_EVENT_SYNTHETIC: who = &event.data.synthetic.who; break;
                case FORESHADOW_EVENT_OUTCOME: who = &event.data.outcome.who; break;
                case FORESHADOW_EVENT_ANOMALY: who = &event.data.anomaly.who; break;
                case FORESHADOW_EVENT_ANOMALOUS_CONNECTION: who = &event.data.anomalous_connection.who; break;
                default: break;
            }

            Flow* flow = nullptr;

            if ( who ) {
                flow = flows.Find(who->host_id);

                // Its first frame: what is said of it was said before Zeek had a connection for it.
                if ( ! flow && current.flow && who->connection == current.connection )
                    flow = flows.Find(current.flow);
            }

            Raise(event, flow, Sentence(event), flows.Size());
        }

        waiting.clear();
    }

    flows.Sweep();
}

std::string Bridge::Sentence(const foreshadow_event& event) const {
    switch ( event.kind ) {
        case FORESHADOW_EVENT_ANOMALY:
        case FORESHADOW_EVENT_ANOMALOUS_CONNECTION:
        case FORESHADOW_EVENT_ANOMALOUS_ENDPOINT: break;
        default: return {};
    }

    char text[FORESHADOW_LINE_MAX] = "";
    core->event_sentence(&event, text, sizeof text, nullptr);
    return text;
}

Flows::Number Bridge::Begin(zeek::Connection* conn) {
    const auto number = flows.Add(conn);
    See(number, flows.Find(number));
    return number;
}

void Bridge::Follow(Flows::Number number, Flow* flow) {
    if ( flow->strangers == STRANGERS_MAX || flow->is_finished )
        return;

    if ( ! current.has_summary ) {
        if ( ! Summary(current.connection, &current.summary) ) {
            current.connection = 0;
            return;
        }

        current.has_summary = true;
    }

    const auto& who = current.summary.who;

    if ( ! IsSame(who, *flow->conn) ) {
        ++flow->strangers;
        return;
    }

    Tally before;
    Flow* former = flows.Find(who.host_id);

    if ( former == flow )
        // It is back after a while with another one: what it scored meanwhile is nobody's.
        before = Tally(current.summary.score);
    else if ( former ) {
        if ( ! former->is_finished )
            former->ended.Add(Score(*former));

        before = former->is_finished ? former->before : Tally(current.summary.score);
        former->core = 0;
        flows.Release(who.host_id);
    }

    if ( flow->core ) {
        foreshadow_connection left;

        if ( Summary(flow->core, &left) ) {
            Tally tally(left.score);
            tally.Subtract(flow->before);
            flow->ended.Add(tally);
        }
    }

    flow->core = who.connection;
    flow->before = before;
    flow->strangers = 0;
    current.flow = number;
    core->connection_set_host_id(sensor, who.connection, number);
}

Tally Bridge::Score(const Flow& flow) const {
    Tally tally = flow.ended;

    if ( flow.core && ! flow.is_finished ) {
        foreshadow_connection summary;

        if ( Summary(flow.core, &summary) ) {
            Tally live(summary.score);
            live.Subtract(flow.before);
            tally.Add(live);
        }
    }

    return tally;
}

void Bridge::End(Flow* flow) {
    if ( flow->is_finished )
        return;

    foreshadow_connection summary;

    if ( flow->core && Summary(flow->core, &summary) ) {
        Tally live(summary.score);
        Tally mine = live;
        mine.Subtract(flow->before);
        flow->ended.Add(mine);
        flow->before = live;
        flow->originator = OriginatorSide(summary.who, *flow->conn);
    }

    flow->is_finished = true;
}

void Bridge::Drop(Flows::Number number) {
    Flow* flow = flows.Find(number);

    if ( ! flow )
        return;

    if ( const auto& uid = flow->conn->GetUID() )
        flow->uid = uid;

    flow->conn = nullptr;
    flows.Release(number);
}

bool Bridge::Summary(uint64_t connection, foreshadow_connection* summary) const {
    Clear(summary);
    return sensor && core->connection_summary(sensor, connection, summary) == FORESHADOW_STATUS_OK;
}

std::string Bridge::Export() {
    size_t needed = 0;

    // The first call asks for the size; what is larger than the buffer still waits.
    if ( ! sensor || core->federation_export(sensor, nullptr, 0, &needed) != FORESHADOW_STATUS_BUFFER )
        return {};

    std::string blob(needed, '\0');
    auto* bytes = reinterpret_cast<uint8_t*>(blob.data());

    if ( core->federation_export(sensor, bytes, blob.size(), &needed) != FORESHADOW_STATUS_OK )
        return {};

    blob.resize(needed);
    return blob;
}

std::string Bridge::Merge(const std::string& view) {
    if ( ! sensor )
        return "no sensor is open";

    const auto* bytes = reinterpret_cast<const uint8_t*>(view.data());
    const auto status = core->federation_merge(sensor, bytes, view.size());

    if ( status != FORESHADOW_STATUS_OK ) {
        char reason[1024] = "";
        core->last_error(sensor, reason, sizeof reason, nullptr);
        return reason[0] ? reason : core->status_text(status);
    }

    Fetch();
    return {};
}

zeek::RecordValPtr Bridge::Counters() const {
    foreshadow_stats stats;
    Clear(&stats);

    if ( sensor && core->sensor_stats(sensor, &stats) != FORESHADOW_STATUS_OK )
        Clear(&stats);

    return StatsRecord(last_ns, stats, flows.Size());
}

void Bridge::Check(foreshadow_status status) {
    if ( status == FORESHADOW_STATUS_OK || status == FORESHADOW_STATUS_FINISHED )
        return;

    char reason[1024] = "";
    core->last_error(sensor, reason, sizeof reason, nullptr);

    if ( status == FORESHADOW_STATUS_STORE ) {
        // What was learned is not kept; the sensor itself is sound.
        zeek::reporter->Warning("Foreshadow: %s", reason);
        return;
    }

    zeek::reporter->Warning("Foreshadow stops, Zeek goes on: %s", reason[0] ? reason : core->status_text(status));
    Close();
}

} // namespace plugin::Foreshadow_Sensor
