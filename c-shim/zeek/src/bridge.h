// Between Zeek and one sensor.
//
// Every frame of the packet source goes to the sensor as it was captured, before Zeek looks at it:
// the same bytes that `foreshadow run` reads, so the same scores. Which of Zeek's connections a frame
// belongs to comes out afterwards, when Zeek hands it to a connection's tap, and only that is noted.
// Nothing of Zeek's view of the packet (its pointers, lengths, direction) is used.
//
// What the sensor says of a frame is fetched at once, so that scores are in place when Zeek removes
// connections, and raised when Zeek drains its events, when it knows the frame's connection.
//
// No call throws, and none lets the sensor's faults out: a sensor that fails is closed with one warning.

#pragma once

#include <foreshadow.h>
#include <zeek/Val.h>
#include <string>
#include <vector>

#include "core.h"
#include "flows.h"

namespace zeek {
class Connection;
class Packet;
} // namespace zeek

namespace plugin::Foreshadow_Sensor {

class Bridge {
public:
    // Says in one sentence why it failed.
    bool Open(const Opening& opening, std::string* why);
    bool IsOpen() const { return sensor; }
    // Ends the capture and fetches the last events; they are raised by the next Deliver().
    void Finish();
    void Close();

    // One frame as it was captured.
    void Push(const zeek::Packet& packet);
    // Time went on without one.
    void Advance(double network_time);
    // Raises what was fetched.
    void Deliver();

    // Zeek made a connection for the current frame.
    Flows::Number Begin(zeek::Connection* conn);
    // Zeek handed the current frame to a connection.
    void See(Flows::Number number, Flow* flow) {
        if ( current.connection != flow->core && current.connection )
            Follow(number, flow);
    }
    // Zeek's connection is over: its score stands from now on.
    void End(Flow* flow);
    // It is gone from memory, and its flow too once the sensor's has ended.
    void Drop(Flows::Number number);

    Flow* Find(Flows::Number number) { return flows.Find(number); }
    // The next blob for the federation; empty if there is none for now.
    std::string Export();
    // Hears the network's view; empty, or why it was refused.
    std::string Merge(const std::string& view);

    // What was scored for a connection so far.
    Tally Score(const Flow& flow) const;
    zeek::RecordValPtr Counters() const;

private:
    void Follow(Flows::Number number, Flow* flow);
    void Fetch();
    void Settle(const foreshadow_event& event);
    std::string Sentence(const foreshadow_event& event) const;
    bool Summary(uint64_t connection, foreshadow_connection* summary) const;
    void Check(foreshadow_status status);

    const Core* core = nullptr;
    foreshadow_sensor* sensor = nullptr;

    // The frame that Zeek works on.
    struct {
        // The sensor's connection for it, 0 for none.
        uint64_t connection = 0;
        // The flow that it was found to belong to, 0 for none yet.
        Flows::Number flow = 0;
        bool has_summary = false;
        foreshadow_connection summary;
    } current;

    Flows flows;
    std::vector<foreshadow_event> waiting;
    int64_t last_ns = 0;
};

} // namespace plugin::Foreshadow_Sensor
