// The Foreshadow library, opened at run time.
//
// It travels beside the plugin (lib/libforeshadow.so), but is not linked to it: Zeek takes a plugin
// that does not load for an error and does not start, and a sensor that can't be had is no reason
// not to monitor a network. So it is opened by hand, its ABI version is looked at before anything
// else, and what is wrong comes back as one sentence.

#pragma once

#include <foreshadow.h>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>

namespace plugin::Foreshadow_Sensor {

// The functions of foreshadow.h that this host uses, by their names there.
struct Core {
    decltype(&foreshadow_version) version;
    decltype(&foreshadow_status_text) status_text;
    decltype(&foreshadow_last_error) last_error;
    decltype(&foreshadow_sensor_open) sensor_open;
    decltype(&foreshadow_sensor_close) sensor_close;
    decltype(&foreshadow_sensor_push) sensor_push;
    decltype(&foreshadow_sensor_advance) sensor_advance;
    decltype(&foreshadow_sensor_poll) sensor_poll;
    decltype(&foreshadow_sensor_finish) sensor_finish;
    decltype(&foreshadow_sensor_stats) sensor_stats;
    decltype(&foreshadow_connection_summary) connection_summary;
    decltype(&foreshadow_connection_set_host_id) connection_set_host_id;
    decltype(&foreshadow_event_sentence) event_sentence;
    decltype(&foreshadow_federation_export) federation_export;
    decltype(&foreshadow_federation_merge) federation_merge;
    decltype(&foreshadow_aggregator_open) aggregator_open;
    decltype(&foreshadow_aggregator_close) aggregator_close;
    decltype(&foreshadow_aggregator_take) aggregator_take;
    decltype(&foreshadow_aggregator_advance) aggregator_advance;
    decltype(&foreshadow_aggregator_view) aggregator_view;
    decltype(&foreshadow_aggregator_stats) aggregator_stats;
    decltype(&foreshadow_aggregator_category) aggregator_category;
};

// What a sensor or an aggregator is opened with.
struct Opening {
    std::string library;
    std::string config_file;
    std::string model_file;
    std::string settings;
    bool is_live = false;
};

// A struct of the library's, empty.
template<typename Struct>
void Clear(Struct* value) {
    memset(value, 0, sizeof *value);
    value->size = sizeof *value;
}

// The same for the library; it points into the opening, which must outlive it.
class Options {
public:
    explicit Options(const Opening& opening);
    const foreshadow_options* Get() const { return &options; }

private:
    foreshadow_options options;
};

// Zeek's seconds; what is no time is 0.
inline int64_t Nanoseconds(double seconds) {
    return std::isfinite(seconds) && std::abs(seconds) < 9e9 ? static_cast<int64_t>(seconds * 1e9) : 0;
}

// Opens the library once per process; null if it can't be used, with the reason in `why`. It is never
// closed again: its code may still be on its way out when Zeek exits.
const Core* OpenCore(const std::string& path, std::string* why);

} // namespace plugin::Foreshadow_Sensor
