/*
 * plugin.c - what Wireshark's loader looks up in the plugin.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Foreshadow in Wireshark and tshark: a post-dissector that says of every packet what was expected,
 * what was missing before it, and why it is odd. The core it links is MIT OR Apache-2.0.
 */
#include "plugin.h"

WS_DLL_PUBLIC_DEF const char plugin_version[] = FS_PLUGIN_VERSION;
WS_DLL_PUBLIC_DEF const int plugin_want_major = WIRESHARK_VERSION_MAJOR;
WS_DLL_PUBLIC_DEF const int plugin_want_minor = WIRESHARK_VERSION_MINOR;
WS_DLL_PUBLIC void plugin_register(void);
/* Looked up since 4.4; what the list of plugins calls this one. */
WS_DLL_PUBLIC uint32_t plugin_describe(void);

void fs_dissector_register(void);
static void no_handoff(void) {}

static void register_taps(void)
{
    fs_stats_register();
    fs_flows_register();
}

void plugin_register(void)
{
    static proto_plugin dissector = {fs_dissector_register, no_handoff};
    static tap_plugin taps = {register_taps};
    proto_register_plugin(&dissector);
    tap_register_plugin(&taps);
}

uint32_t plugin_describe(void)
{
#ifdef WS_PLUGIN_DESC_DISSECTOR
    return WS_PLUGIN_DESC_DISSECTOR | WS_PLUGIN_DESC_TAP_LISTENER;
#else
    return 1; /* a dissector; the header that names it is not installed by 4.0 */
#endif
}
