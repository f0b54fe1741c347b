/*
 * dissector.c - registration, and the one function that Wireshark calls for each packet.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "plugin.h"

int fs_protocol = -1;
int fs_tap = -1;

void fs_dissector_register(void);

static int dissect(tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree, void *data _U_)
{
    fs_mark mark;
    fs_tap_data *tapped;
    const fs_frame *frame;
    const char *error;

    if (!pinfo->rec || pinfo->rec->rec_type != REC_TYPE_PACKET) return 0;
    /* Shown, never fed: what we made up is nothing to learn from. */
    if (fs_mark_read(pinfo, &mark)) {
        if (have_tap_listener(fs_tap)) tap_queue_packet(fs_tap, pinfo, wmem_new0(pinfo->pool, fs_tap_data));
        fs_show_mark(&mark, tvb, pinfo, tree);
        return (int)tvb_captured_length(tvb);
    }
    frame = (fs_frame *)p_get_proto_data(wmem_file_scope(), pinfo, fs_protocol, 0);
    if (!frame && !PINFO_FD_VISITED(pinfo)) frame = fs_feed_packet(tvb, pinfo);
    error = fs_feed_error(pinfo->num);
    if (!frame && !error) return 0;
    if (frame && have_tap_listener(fs_tap)) {
        tapped = wmem_new(pinfo->pool, fs_tap_data);
        tapped->frame = frame;
        tapped->is_anomalous = fs_is_anomalous(frame);
        tap_queue_packet(fs_tap, pinfo, tapped);
    }
    /* Without a tree too: `tshark -z expert` dissects without one and wants the expert infos. */
    if (frame) fs_show_frame(frame, tvb, pinfo, tree);
    else fs_show_error(error, tvb, pinfo, tree);
    return (int)tvb_captured_length(tvb);
}

void fs_dissector_register(void)
{
    fs_protocol = proto_register_protocol("Foreshadow packet forecast", "Foreshadow", "foreshadow");
    fs_fields_register(fs_protocol);
    fs_prefs_register(fs_protocol);
    fs_menu_register(fs_protocol);
    fs_tap = register_tap("foreshadow");
    register_init_routine(fs_feed_init);
    register_cleanup_routine(fs_feed_cleanup);
    register_postseq_cleanup_routine(fs_feed_finish);
    register_postdissector(register_dissector("foreshadow", dissect, fs_protocol));
}
