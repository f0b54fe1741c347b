#include "flows.h"

#include <algorithm>

namespace plugin::Foreshadow_Sensor {

Tally::Tally(const foreshadow_score& score)
    : scored(score.scored),
      anomalies(score.anomalies),
      synthetic(score.synthetic),
      surprise(score.total),
      surprise_max(score.max),
      severity(score.severity) {}

void Tally::Add(const Tally& other) {
    scored += other.scored;
    anomalies += other.anomalies;
    synthetic += other.synthetic;
    surprise += other.surprise;
    surprise_max = std::max(surprise_max, other.surprise_max);
    severity = std::max(severity, other.severity);
}

void Tally::Subtract(const Tally& before) {
    scored -= std::min(scored, before.scored);
    anomalies -= std::min(anomalies, before.anomalies);
    synthetic -= std::min(synthetic, before.synthetic);
    surprise = std::max(0.0, surprise - before.surprise);
}

Flows::Number Flows::Add(zeek::Connection* conn) {
    uint32_t index;

    if ( free.empty() ) {
        index = flows.size();
        flows.emplace_back();
    }
    else {
        index = free.back();
        free.pop_back();
    }

    Flow& flow = flows[index];
    const uint32_t generation = flow.generation;
    flow = Flow();
    flow.conn = conn;
    flow.generation = generation;
    flow.is_used = true;
    ++size;
    return static_cast<Number>(generation) << 32 | (index + 1);
}

Flow* Flows::Find(Number number) {
    const uint32_t index = static_cast<uint32_t>(number) - 1; // 0 becomes the largest, which is none

    if ( index >= flows.size() )
        return nullptr;

    Flow& flow = flows[index];
    return flow.is_used && flow.generation == number >> 32 ? &flow : nullptr;
}

void Flows::Release(Number number) { released.push_back(number); }

void Flows::Sweep() {
    for ( Number number : released ) {
        Flow* flow = Find(number);

        if ( ! flow || flow->conn || flow->core )
            continue;

        flow->is_used = false;
        ++flow->generation;
        free.push_back(static_cast<uint32_t>(number) - 1);
        --size;
    }

    released.clear();
}

} // namespace plugin::Foreshadow_Sensor
