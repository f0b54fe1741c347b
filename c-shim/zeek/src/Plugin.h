// Foreshadow::Sensor, as Zeek's plugin manager sees it: which hooks are taken, and what scripts call.

#pragma once

#include <zeek/plugin/Plugin.h>
#include <string>

#include "aggregator.h"
#include "bridge.h"

namespace plugin::Foreshadow_Sensor {

class Plugin final : public zeek::plugin::Plugin {
public:
    // For the functions of foreshadow.bif.
    bool Open(const zeek::RecordVal* opening);
    void Finish();
    std::string Export() { return bridge.Export(); }
    std::string Merge(const std::string& view) { return bridge.Merge(view); }
    bool OpenAggregator(const zeek::RecordVal* opening);
    Aggregator& Federation() { return aggregator; }
    bool IsActive() const { return bridge.IsOpen(); }
    std::string CoreVersion() const;
    zeek::RecordValPtr Score(zeek::Connection* conn);
    zeek::RecordValPtr Counters() const { return bridge.Counters(); }

protected:
    zeek::plugin::Configuration Configure() override;
    void InitPostScript() override;
    void Done() override;

    // Taken only while a sensor is open, so that other processes of a cluster pay nothing.
    void HookUpdateNetworkTime(double network_time) override;
    void HookSetupAnalyzerTree(zeek::Connection* conn) override;
    void HookDrainEvents() override;

private:
    std::string Library() const { return PluginDirectory() + "/lib/libforeshadow.so"; }

    Opening HowToOpen(const zeek::RecordVal* opening) const;

    Bridge bridge;
    Aggregator aggregator;
};

extern Plugin plugin;

} // namespace plugin::Foreshadow_Sensor
