// The header as C++ sees it: it compiles on its own, and its names have C linkage.
#include <foreshadow.h>

#include <cstdio>
#include <cstring>

int main() {
    foreshadow_options options{};
    options.size = sizeof options;
    options.abi_version = FORESHADOW_ABI_VERSION;
    foreshadow_sensor *sensor = nullptr;
    if (foreshadow_sensor_open(&options, &sensor) != FORESHADOW_STATUS_OK) return 1;
    std::printf("%s\n", foreshadow_version());
    return foreshadow_sensor_close(sensor) == FORESHADOW_STATUS_OK ? 0 : 1;
}
