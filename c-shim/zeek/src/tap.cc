#include "tap.h"

#include <zeek/Conn.h>
#include <zeek/analyzer/Analyzer.h>
#include <zeek/packet_analysis/protocol/ip/SessionAdapter.h>
#include <zeek/packet_analysis/protocol/tcp/TCPSessionAdapter.h>
#include <zeek/zeek-version.h>
#include <memory>

#include "bridge.h"
#include "events.h"

namespace plugin::Foreshadow_Sensor {

namespace {

int score_field = -1;
bool is_score_wanted = false;

// What both kinds of tap do.
class Follower {
public:
    Follower(Bridge* bridge, zeek::Connection* conn)
        : bridge(bridge), number(bridge->Begin(conn)), flow(bridge->Find(number)) {}

    ~Follower() { bridge->Drop(number); }

    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    void See() { bridge->See(number, flow); }
    void End() { bridge->End(flow); }

    // Zeek asks at each event that carries the connection, so this returns at once until the last time.
    void Update(zeek::RecordVal* record) {
        if ( ! (flow->is_finished || is_score_wanted) || score_field < 0 )
            return;

        const auto score = bridge->Score(*flow);

        if ( score.scored )
            record->Assign(score_field, ScoreRecord(score));
    }

private:
    Bridge* bridge;
    Flows::Number number;
    Flow* flow; // stays where it is until Drop
};

class Child final : public zeek::analyzer::Analyzer {
public:
    Child(Bridge* bridge, zeek::Connection* conn) : Analyzer(ANALYZER, conn), follower(bridge, conn) {}

    void DeliverPacket(int, const u_char*, bool, uint64_t, const zeek::IP_Hdr*, int) override { follower.See(); }

    void UpdateConnVal(zeek::RecordVal* record) override { follower.Update(record); }

    void Done() override {
        follower.End();
        Analyzer::Done();
    }

private:
    Follower follower;
};

#if ZEEK_VERSION_NUMBER >= 80100

class Tap final : public zeek::packet_analysis::TapAnalyzer {
public:
    Tap(Bridge* bridge, zeek::Connection* conn) : follower(bridge, conn) {}

    void TapPacket(const zeek::Packet&, zeek::packet_analysis::PacketAction,
                   zeek::packet_analysis::SkipReason) override {
        follower.See();
    }

    void UpdateConnVal(zeek::RecordVal* record) override { follower.Update(record); }
    void Done() override { follower.End(); }

private:
    Follower follower;
};

#endif

} // namespace

void Attach(Bridge* bridge, zeek::Connection* conn) {
    auto* adapter = conn->GetSessionAdapter();

    if ( ! adapter )
        return;

#if ZEEK_VERSION_NUMBER >= 80100
    if ( conn->ConnTransport() != TRANSPORT_UNKNOWN ) { // those never reach a tap
        adapter->AddTapAnalyzer(std::make_unique<Tap>(bridge, conn));
        return;
    }
#endif

    auto* child = new Child(bridge, conn);

    if ( conn->ConnTransport() == TRANSPORT_TCP ) {
        // A child proper would be given the stream once it is reassembled, and be taken for a TCP
        // analyzer at a reset. The tree was set up before, so nobody else calls Init().
        static_cast<zeek::packet_analysis::TCP::TCPSessionAdapter*>(adapter)->AddChildPacketAnalyzer(child);
        child->Init();
    }
    else
        adapter->AddChildAnalyzer(child); // frees it where the connection is ending already
}

void FindScoreField() {
    score_field = zeek::id::find_type<zeek::RecordType>("connection")->FieldOffset("foreshadow");
}

void WantScore(bool wanted) { is_score_wanted = wanted; }

int ScoreField() { return score_field; }

} // namespace plugin::Foreshadow_Sensor
