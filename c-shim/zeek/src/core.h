// The Foreshadow library, opened at run time.
//
// It travels beside the plugin (lib/libforeshadow.so), but is not linked to it: Zeek takes a plugin
// that does not load for an error and does not start, and a sensor that can't be had is no reason
// not to monitor a network. So it is opened by hand, its ABI version is looked at before anything
// else, and what is wrong comes back as one sentence.

#pragma once

#include <foreshadow.h>
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
};

// Opens the library once per process; null if it can't be used, with the reason in `why`. It is never
// closed again: its code may still be on its way out when Zeek exits.
const Core* OpenCore(const std::string& path, std::string* why);

} // namespace plugin::Foreshadow_Sensor
