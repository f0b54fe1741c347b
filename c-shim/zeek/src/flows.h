// Zeek's connections and the sensor's, side by side.
//
// Both keep connections of their own, with time-outs of their own, so either may end first: one of
// Zeek's may see several of the sensor's come and go, and one of the sensor's may outlive Zeek's. A
// flow stands for the pair. Its number is what the sensor carries as `host_id`, so that an event finds
// its way back, and it is forgotten when both have ended.

#pragma once

#include <foreshadow.h>
#include <zeek/UID.h>
#include <cstdint>
#include <deque>
#include <limits>
#include <vector>

namespace zeek {
class Connection;
}

namespace plugin::Foreshadow_Sensor {

// What the forecast made of packets. Counts and sums of several tallies add up; a maximum does not
// come apart again.
struct Tally {
    uint32_t scored = 0;
    uint32_t anomalies = 0;
    uint32_t synthetic = 0;
    double surprise = 0;
    // Below every value there is until there is one: evidence may be negative.
    double surprise_max = -std::numeric_limits<double>::infinity();
    double severity = -std::numeric_limits<double>::infinity();

    Tally() = default;
    explicit Tally(const foreshadow_score& score);

    void Add(const Tally& other);
    // Takes off what was counted before; maxima stay.
    void Subtract(const Tally& before);
};

struct Flow {
    // Zeek's connection until it ended.
    zeek::Connection* conn = nullptr;
    // The sensor's live connection, 0 for none.
    uint64_t core = 0;
    // What was scored for Zeek's connection by the sensor's earlier ones; once Zeek's ended, by all.
    Tally ended;
    // What the live one had scored when this flow took it up; once Zeek's ended, what it had by then.
    Tally before;
    // Zeek's name, for events after its connection ended.
    zeek::UID uid;
    uint32_t generation = 0;
    // Packets in a row that the sensor counts for another connection: a tunnel's carrier has only such.
    uint8_t strangers = 0;
    // Which side of the sensor's connection was Zeek's originator when Zeek's ended.
    uint8_t originator = FORESHADOW_SIDE_A;
    // Zeek's connection ended; it may still be asked for its score.
    bool is_finished = false;
    bool is_used = false;
};

class Flows {
public:
    // A flow's number; never 0, and not given out again for a long time.
    using Number = uint64_t;

    Number Add(zeek::Connection* conn);
    // Null if it is forgotten.
    Flow* Find(Number number);
    // Forgets flows with neither end left, once nobody may ask for them any more.
    void Release(Number number);
    void Sweep();
    size_t Size() const { return size; }

private:
    // A deque, so that a flow stays where it is.
    std::deque<Flow> flows;
    std::vector<uint32_t> free;
    std::vector<Number> released;
    size_t size = 0;
};

} // namespace plugin::Foreshadow_Sensor
