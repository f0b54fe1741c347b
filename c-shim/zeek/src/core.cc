#include "core.h"

#include <dlfcn.h>

namespace plugin::Foreshadow_Sensor {

namespace {

template<typename Function>
bool Find(void* library, const char* name, Function* function, std::string* why) {
    *function = reinterpret_cast<Function>(dlsym(library, name));
    if ( *function )
        return true;

    *why = std::string("it has no ") + name + ", so it is not the release that this plugin belongs to";
    return false;
}

bool FindAll(void* library, Core* core, std::string* why) {
    decltype(&foreshadow_abi_version) abi_version;
    if ( ! Find(library, "foreshadow_abi_version", &abi_version, why) )
        return false;

    if ( abi_version() != FORESHADOW_ABI_VERSION ) {
        *why = "it has ABI version " + std::to_string(abi_version()) + ", and this plugin needs " +
               std::to_string(FORESHADOW_ABI_VERSION);
        return false;
    }

    return Find(library, "foreshadow_version", &core->version, why) &&
           Find(library, "foreshadow_status_text", &core->status_text, why) &&
           Find(library, "foreshadow_last_error", &core->last_error, why) &&
           Find(library, "foreshadow_sensor_open", &core->sensor_open, why) &&
           Find(library, "foreshadow_sensor_close", &core->sensor_close, why) &&
           Find(library, "foreshadow_sensor_push", &core->sensor_push, why) &&
           Find(library, "foreshadow_sensor_advance", &core->sensor_advance, why) &&
           Find(library, "foreshadow_sensor_poll", &core->sensor_poll, why) &&
           Find(library, "foreshadow_sensor_finish", &core->sensor_finish, why) &&
           Find(library, "foreshadow_sensor_stats", &core->sensor_stats, why) &&
           Find(library, "foreshadow_connection_summary", &core->connection_summary, why) &&
           Find(library, "foreshadow_connection_set_host_id", &core->connection_set_host_id, why) &&
           Find(library, "foreshadow_event_sentence", &core->event_sentence, why) &&
           Find(library, "foreshadow_federation_export", &core->federation_export, why) &&
           Find(library, "foreshadow_federation_merge", &core->federation_merge, why) &&
           Find(library, "foreshadow_aggregator_open", &core->aggregator_open, why) &&
           Find(library, "foreshadow_aggregator_close", &core->aggregator_close, why) &&
           Find(library, "foreshadow_aggregator_take", &core->aggregator_take, why) &&
           Find(library, "foreshadow_aggregator_advance", &core->aggregator_advance, why) &&
           Find(library, "foreshadow_aggregator_view", &core->aggregator_view, why) &&
           Find(library, "foreshadow_aggregator_stats", &core->aggregator_stats, why) &&
           Find(library, "foreshadow_aggregator_category", &core->aggregator_category, why);
}

} // namespace

Options::Options(const Opening& opening) {
    auto text = [](const std::string& value) { return value.empty() ? nullptr : value.c_str(); };
    Clear(&options);
    options.abi_version = FORESHADOW_ABI_VERSION;
    options.config_path = text(opening.config_file);
    options.model_path = text(opening.model_file);
    options.settings = text(opening.settings);
    options.mode = opening.is_live ? FORESHADOW_MODE_LIVE : FORESHADOW_MODE_REPLAY;
}

const Core* OpenCore(const std::string& path, std::string* why) {
    static Core core;
    static bool is_open = false;

    if ( is_open )
        return &core;

    // Local, so that its symbols never meet those of another plugin that is partly Rust.
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);

    if ( ! library ) {
        const char* reason = dlerror();
        *why = reason ? reason : "it can't be opened";
        return nullptr;
    }

    if ( ! FindAll(library, &core, why) ) {
        dlclose(library);
        return nullptr;
    }

    is_open = true;
    return &core;
}

} // namespace plugin::Foreshadow_Sensor
