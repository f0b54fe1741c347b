/*
 * menu.c - Tools > Foreshadow: filters that are ready.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "plugin.h"

static void apply(ext_menubar_gui_type gui _U_, gpointer object _U_, gpointer filter)
{
    plugin_if_apply_filter((const char *)filter, FALSE);
}

void fs_menu_register(int protocol)
{
    static const char *const entries[][3] = {
        {"Anomalies", "Packets that were not expected", "foreshadow.anomalous"},
        {"Missing packets", "Packets before which others should have come", "foreshadow.missing"},
        {"Alarms", "Packets with which an alarm was raised", "foreshadow.alarm"},
        {"Heartbeats", "Packets that show that something regular stopped, or is back", "foreshadow.heartbeat"},
        {"Targets", "Packets of endpoints whose behaviours add up", "foreshadow.target"},
        {"Synthetic packets", "Packets that Foreshadow made, in a rebuilt file", "foreshadow.synthetic"},
    };
    ext_menu_t *menu = ext_menubar_register_menu(protocol, "Foreshadow", TRUE);
    unsigned number;
    ext_menubar_set_parentmenu(menu, "Tools");
    for (number = 0; number < array_length(entries); number++)
        ext_menubar_add_entry(menu, entries[number][0], entries[number][1], apply, (gpointer)entries[number][2]);
}
