#include "aggregator.h"

#include <algorithm>

#include "events.h"
#include "foreshadow.bif.h"

namespace plugin::Foreshadow_Sensor {

bool Aggregator::Open(const Opening& opening, std::string* why) {
    if ( aggregator )
        return true;

    core = OpenCore(opening.library, why);

    if ( ! core )
        return false;

    const Options options(opening);
    const auto status = core->aggregator_open(options.Get(), &aggregator);

    if ( status == FORESHADOW_STATUS_OK )
        return true;

    aggregator = nullptr;
    *why = Reason(status);
    return false;
}

void Aggregator::Close() {
    if ( aggregator )
        core->aggregator_close(aggregator);

    aggregator = nullptr;
}

std::string Aggregator::Reason(foreshadow_status status) const {
    char reason[1024] = "";
    core->last_error(nullptr, reason, sizeof reason, nullptr);
    return reason[0] ? reason : core->status_text(status);
}

std::string Aggregator::Take(const std::string& sender, const std::string& blob, double now) {
    if ( ! aggregator )
        return "no aggregator is open";

    now_ns = std::max(now_ns, Nanoseconds(now));
    const auto* bytes = reinterpret_cast<const uint8_t*>(blob.data());
    const auto status = core->aggregator_take(aggregator, bytes, blob.size(), sender.c_str(), now_ns);
    return status == FORESHADOW_STATUS_OK ? "" : Reason(status);
}

bool Aggregator::Advance(double now) {
    if ( ! aggregator )
        return false;

    now_ns = std::max(now_ns, Nanoseconds(now));
    foreshadow_aggregator_totals totals;
    Clear(&totals);

    if ( core->aggregator_advance(aggregator, now_ns) != FORESHADOW_STATUS_OK ||
         core->aggregator_stats(aggregator, &totals) != FORESHADOW_STATUS_OK || totals.rounds == rounds )
        return false;

    rounds = totals.rounds;
    return true;
}

std::string Aggregator::View() const {
    size_t needed = 0;

    if ( ! aggregator || rounds == 0 )
        return {};

    core->aggregator_view(aggregator, nullptr, 0, &needed);
    std::string view(needed, '\0');
    const auto status =
        core->aggregator_view(aggregator, reinterpret_cast<uint8_t*>(view.data()), view.size(), &needed);
    return status == FORESHADOW_STATUS_OK ? view : std::string();
}

zeek::VectorValPtr Aggregator::Categories() const {
    auto rows = zeek::make_intrusive<zeek::VectorVal>(zeek::BifType::Vector::Foreshadow::Categories);
    foreshadow_category category;
    Clear(&category);

    for ( size_t i = 0; aggregator && core->aggregator_category(aggregator, i, &category) == FORESHADOW_STATUS_OK; i++ )
        rows->Append(CategoryRecord(now_ns, category));

    return rows;
}

} // namespace plugin::Foreshadow_Sensor
