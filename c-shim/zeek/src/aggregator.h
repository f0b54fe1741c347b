// The manager's side of a federation: what merges the workers' blobs.
//
// How blobs travel is the scripts' business (zeek-scripts/cluster.zeek); this only hands them to the
// library. They come over the cluster's bus, where others may speak too: the library checks seal, terms
// and sizes, and a blob that it refuses changes nothing.

#pragma once

#include <foreshadow.h>
#include <zeek/Val.h>
#include <string>

#include "bridge.h"
#include "core.h"

namespace plugin::Foreshadow_Sensor {

class Aggregator {
public:
    bool Open(const Opening& opening, std::string* why);
    bool IsOpen() const { return aggregator; }
    void Close();

    // Empty, or why the blob was refused.
    std::string Take(const std::string& sender, const std::string& blob, double now);
    // Closes the rounds that are over; whether there were any.
    bool Advance(double now);
    // What every sensor is to hear; empty before the first round.
    std::string View() const;
    // The network's categories in the last round.
    zeek::VectorValPtr Categories() const;

private:
    std::string Reason(foreshadow_status status) const;

    const Core* core = nullptr;
    foreshadow_aggregator* aggregator = nullptr;
    int64_t now_ns = 0;
    uint64_t rounds = 0;
};

} // namespace plugin::Foreshadow_Sensor
