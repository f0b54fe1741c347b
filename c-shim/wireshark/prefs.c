/*
 * prefs.c - preferences. Those that change what the core is asked make Wireshark read the file again;
 * the others are looked at as a packet is shown, so that they take effect at once.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "plugin.h"

fs_preferences fs_prefs = {"", "", 0, 0, 1};

void fs_prefs_register(int protocol)
{
    module_t *module = prefs_register_protocol(protocol, NULL);
    prefs_register_filename_preference(
        module, "config", "Configuration file",
        "The TOML file of `foreshadow config --print-default`; empty for the defaults", &fs_prefs.config, FALSE);
    prefs_register_filename_preference(
        module, "model", "Model file",
        "Weights in place of those that the configuration names; empty for those", &fs_prefs.model, FALSE);
    prefs_register_uint_preference(
        module, "one_in", "Anomalous from one in",
        "A packet is called anomalous if at most one in so many like it surprises as much. 0: as the configuration says",
        10, &fs_prefs.one_in);
    prefs_register_bool_preference(
        module, "explain", "What was expected of every packet",
        "Without it only anomalies say what was expected, and reading a file takes less time", &fs_prefs.explain);
    prefs_register_bool_preference(
        module, "info_column", "Append to the Info column",
        "Append what is odd about a packet to its Info column", &fs_prefs.info_column);
}
