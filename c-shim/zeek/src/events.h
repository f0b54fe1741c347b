// What the sensor has to say, as Zeek's events and records.

#pragma once

#include <foreshadow.h>
#include <zeek/Val.h>
#include <string>

#include "flows.h"

namespace plugin::Foreshadow_Sensor {

// Queues the Zeek event for an event of the sensor, if any script handles it. `flow` is null where
// the event is not of a connection that Zeek knows; `sentence` is what the sensor says of an anomaly.
void Raise(const foreshadow_event& event, const Flow* flow, const std::string& sentence, size_t followed);

zeek::RecordValPtr CategoryRecord(int64_t time_ns, const foreshadow_category& category);
zeek::RecordValPtr ScoreRecord(const Tally& tally);
zeek::RecordValPtr StatsRecord(int64_t time_ns, const foreshadow_stats& stats, size_t followed);

// Which side of the sensor's connection is the originator of Zeek's.
uint8_t OriginatorSide(const foreshadow_identity& who, const zeek::Connection& conn);

// Whether both mean the same two ends. A tunnel's carrier and what it carries are not the same.
bool IsSame(const foreshadow_identity& who, const zeek::Connection& conn);

} // namespace plugin::Foreshadow_Sensor
