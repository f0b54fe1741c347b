// What is attached to each of Zeek's connections, so that it is known which of the sensor's
// connections is its counterpart, and when it ends.
//
// From Zeek 8.1 that is a TapAnalyzer: small, and it sees packets that Zeek itself skips. Before, and
// for transports without session adapter taps, it is an analyzer that is a child of the connection's
// adapter. Neither looks at the packet: the sensor had it already.

#pragma once

#include <zeek/Tag.h>

namespace zeek {
class Connection;
}

namespace plugin::Foreshadow_Sensor {

class Bridge;

// The name under which the child analyzer is registered.
constexpr const char* ANALYZER = "FORESHADOW";

// Attaches to a connection that Zeek has just made; for HookSetupAnalyzerTree.
void Attach(Bridge* bridge, zeek::Connection* conn);

// Looks up in which field of `connection` the score goes; after the scripts are parsed.
void FindScoreField();

// Has the next update of a connection's record fill in the score although the connection lives on.
void WantScore(bool wanted);

int ScoreField();

} // namespace plugin::Foreshadow_Sensor
