#include "Plugin.h"

#include <zeek/Conn.h>
#include <zeek/Reporter.h>
#include <zeek/RunState.h>
#include <zeek/Val.h>
#include <zeek/analyzer/Component.h>
#include <zeek/iosource/Manager.h>
#include <zeek/iosource/PktSrc.h>

#include "core.h"
#include "events.h"
#include "tap.h"

namespace plugin::Foreshadow_Sensor {

Plugin plugin;

zeek::plugin::Configuration Plugin::Configure() {
    // Zeek insists that an analyzer's name is registered. This one is never made by name: scripts can't
    // attach it, and it confirms no protocol.
    AddComponent(new zeek::analyzer::Component(ANALYZER, nullptr));

    zeek::plugin::Configuration config;
    config.name = "Foreshadow::Sensor";
    config.description = "Knows which packet should come next, and says what did not come and what nobody expected";
    config.version.major = 0;
    config.version.minor = 1;
    config.version.patch = 0;
    return config;
}

void Plugin::InitPostScript() { FindScoreField(); }

Opening Plugin::HowToOpen(const zeek::RecordVal* opening) const {
    auto text = [&](int field) { return opening->GetField<zeek::StringVal>(field)->ToStdString(); };
    Opening how;
    how.library = Library();
    how.config_file = text(0);
    how.model_file = text(1);
    how.settings = text(2);
    return how;
}

bool Plugin::OpenAggregator(const zeek::RecordVal* opening) {
    std::string why;

    if ( aggregator.Open(HowToOpen(opening), &why) )
        return true;

    zeek::reporter->Warning("Foreshadow: no federation, the workers' sensors stay alone: %s", why.c_str());
    return false;
}

bool Plugin::Open(const zeek::RecordVal* opening) {
    // Managers, loggers, proxies and a Zeek without input see no packets and need no sensor.
    if ( ! zeek::iosource_mgr->GetPktSrc() )
        return false;

    Opening how = HowToOpen(opening);
    how.is_live = zeek::iosource_mgr->GetPktSrc()->IsLive();

    std::string why;

    if ( ! bridge.Open(how, &why) ) {
        zeek::reporter->Warning("Foreshadow is off, Zeek goes on without it: %s", why.c_str());
        return false;
    }

    EnableHook(zeek::plugin::HOOK_UPDATE_NETWORK_TIME);
    EnableHook(zeek::plugin::HOOK_SETUP_ANALYZER_TREE);
    EnableHook(zeek::plugin::HOOK_DRAIN_EVENTS);
    return true;
}

void Plugin::Finish() {
    bridge.Finish();
    bridge.Deliver();
}

void Plugin::Done() {
    // Nothing can be logged any more. Also after an exit that never came to zeek_done.
    bridge.Close();
    aggregator.Close();
    zeek::plugin::Plugin::Done();
}

std::string Plugin::CoreVersion() const {
    std::string why;
    const auto* core = OpenCore(Library(), &why);
    return core ? core->version() : "";
}

zeek::RecordValPtr Plugin::Score(zeek::Connection* conn) {
    zeek::RecordValPtr score;

    if ( conn && ScoreField() >= 0 ) {
        WantScore(true);
        score = conn->GetVal()->GetField<zeek::RecordVal>(ScoreField());
        WantScore(false);
    }

    return score ? score : ScoreRecord(Tally());
}

void Plugin::HookUpdateNetworkTime(double network_time) {
    auto* source = zeek::iosource_mgr->GetPktSrc();
    const zeek::Packet* packet = nullptr;

    // Zeek sets the time of a packet as the first thing it does with it. Only then is its source the
    // current one and holds a packet: in pseudo-realtime it may hold one that is still to come.
    if ( source && zeek::run_state::detail::current_iosrc == source && source->GetCurrentPacket(&packet) )
        bridge.Push(*packet);

    // In a file only packets move time, so that the same file gives the same events at any speed.
    else if ( source && source->IsLive() && zeek::run_state::pseudo_realtime == 0.0 )
        bridge.Advance(network_time);
}

void Plugin::HookSetupAnalyzerTree(zeek::Connection* conn) {
    if ( bridge.IsOpen() )
        Attach(&bridge, conn);
}

void Plugin::HookDrainEvents() { bridge.Deliver(); }

} // namespace plugin::Foreshadow_Sensor
