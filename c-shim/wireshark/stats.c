/*
 * stats.c - Statistics > Foreshadow > Packets, and tshark -z foreshadow,tree.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "plugin.h"

static int packets = -1, scores = -1, anomalies = -1, missing = -1, categories = -1, notes = -1;

static void begin(stats_tree *tree)
{
    packets = stats_tree_create_pivot(tree, "Packets", 0);
    scores = stats_tree_create_pivot(tree, "Rarity", 0);
    anomalies = stats_tree_create_pivot(tree, "Anomalies, by what surprised most", 0);
    missing = stats_tree_create_pivot(tree, "Missing packets, by kind", 0);
    categories = stats_tree_create_pivot(tree, "Categories first seen", 0);
    notes = stats_tree_create_pivot(tree, "Alarms and heartbeats", 0);
}

/* A power of ten, so that the rows stand in order. */
static const char *rarity(double one_in)
{
    return one_in < 10      ? "one in 1 to 10"
           : one_in < 100   ? "one in 10 to 100"
           : one_in < 1000  ? "one in 100 to 1,000"
           : one_in < 10000 ? "one in 1,000 to 10,000"
                            : "one in 10,000 or more";
}

static const char *about(const foreshadow_event *event)
{
    switch (event->kind) {
    case FORESHADOW_EVENT_ANOMALOUS_CONNECTION: return "alarm on a connection";
    case FORESHADOW_EVENT_ANOMALOUS_ENDPOINT: return "alarm on an endpoint";
    case FORESHADOW_EVENT_TARGET: return "target";
    default: return event->data.heartbeat.change == FORESHADOW_CHANGE_RESUMED ? "heartbeat resumed" : "heartbeat stopped";
    }
}

static tap_packet_status count(stats_tree *tree, packet_info *pinfo _U_, epan_dissect_t *edt _U_,
                               const void *data, tap_flags_t flags _U_)
{
    const fs_tap_data *tapped = (const fs_tap_data *)data;
    const fs_frame *frame = tapped->frame;
    const fs_missing *each;
    const fs_note *note;
    const char *name;
    fs_part parts[4];
    unsigned number;
    uint32_t added;

    if (!frame) {
        stats_tree_tick_pivot(tree, packets, "synthetic in the file");
        return TAP_PACKET_REDRAW;
    }
    stats_tree_tick_pivot(tree, packets, frame->verdict.scored ? "scored" : "not scored");
    if (frame->verdict.scored) stats_tree_tick_pivot(tree, scores, rarity(fs_one_in(&frame->verdict)));
    if (tapped->is_anomalous) {
        fs_parts(&frame->verdict.surprise, parts);
        stats_tree_tick_pivot(tree, anomalies, parts[0].words);
    }
    for (each = frame->missing; each; each = each->next)
        stats_tree_tick_pivot(tree, missing, fs_kind_name(each->made.kind));
    added = frame->verdict.categories & ~frame->categories_before;
    for (number = 0; added; number++, added >>= 1) {
        name = added & 1 ? fs_category_name(number) : NULL;
        if (name) stats_tree_tick_pivot(tree, categories, name);
    }
    for (note = frame->notes; note; note = note->next) stats_tree_tick_pivot(tree, notes, about(&note->event));
    return TAP_PACKET_REDRAW;
}

void fs_stats_register(void)
{
    stats_tree_register_plugin("foreshadow", "foreshadow", "Foreshadow" STATS_TREE_MENU_SEPARATOR "Packets", 0,
                               count, begin, NULL);
}
