/*
 * feed.c - packets into the core, on the first pass and in order, and its answers into records.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opening, closing and ignoring packets: Wireshark ends the file's session and begins it anew, and so
 * does the sensor. Nothing of a session outlives it, and nothing depends on its being ended.
 */
#include "plugin.h"

#include <string.h>

/* Events taken at once. */
#define ROOM 16
/* LINKTYPE numbers that the core knows; the last that Wireshark takes for the same is used. */
static const uint16_t link_types[] = {0, 1, 9, 50, 51, 12, 14, 101, 104, 105, 108, 113, 127, 228, 229, 276};
/* Any other: its packets count, and move time on. */
#define LINK_UNKNOWN 0xffff
#define ENCAPS 1024
#define CATEGORIES 32

static foreshadow_sensor *sensor;
/* Why there is none; on the heap, since it may be older than the file. */
static char *broken;
/* The first packet that was not scored for it. */
static uint32_t broken_from;
/* What was said last, so that it is said once. */
static char *said;
static uint16_t link_of[ENCAPS];
static char names[CATEGORIES][64];
/* For packets that carry no time. */
static int64_t last_ns;

static char *last_error(foreshadow_sensor *of)
{
    char text[1024];
    if (foreshadow_last_error(of, text, sizeof text, NULL) == FORESHADOW_STATUS_NULL || !*text)
        g_strlcpy(text, "no reason was given", sizeof text);
    return g_strdup(text);
}

static void learn_links(void)
{
    unsigned number;
    int encap;
    for (number = 0; number < ENCAPS; number++) link_of[number] = LINK_UNKNOWN;
    for (number = 0; number < array_length(link_types); number++) {
        encap = wtap_pcap_encap_to_wtap_encap(link_types[number]);
        /* What Wireshark does not know is encapsulation 0, of which no packets come. */
        if (encap > 0 && encap < ENCAPS) link_of[encap] = link_types[number];
    }
}

static void learn_categories(void)
{
    uint32_t number;
    memset(names, 0, sizeof names);
    for (number = 0; number < CATEGORIES; number++)
        if (foreshadow_category_name(sensor, number, names[number], sizeof names[number], NULL) !=
            FORESHADOW_STATUS_OK)
            break;
}

/* Opens a sensor; leaves the reason in `broken` if that cannot be. */
static void open_sensor(void)
{
    foreshadow_options options;
    if (foreshadow_abi_version() != FORESHADOW_ABI_VERSION) {
        broken = g_strdup_printf("the core speaks interface version %u, the plugin version %u",
                                 foreshadow_abi_version(), FORESHADOW_ABI_VERSION);
        return;
    }
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.abi_version = FORESHADOW_ABI_VERSION;
    options.mode = FORESHADOW_MODE_REPLAY;
    if (fs_prefs.config && *fs_prefs.config) options.config_path = fs_prefs.config;
    if (fs_prefs.model && *fs_prefs.model) options.model_path = fs_prefs.model;
    if (foreshadow_sensor_open(&options, &sensor) != FORESHADOW_STATUS_OK) {
        sensor = NULL;
        broken = last_error(NULL);
    }
}

/* Says once, on stderr or in a dialog, why packets are not scored. */
static void say_broken(void)
{
    if (!broken || !g_strcmp0(broken, said)) return;
    g_free(said);
    said = g_strdup(broken);
    report_failure("Foreshadow: packets are not scored: %s", broken);
}

void fs_feed_init(void)
{
    fs_feed_cleanup();
    fs_told_init();
    fs_mark_init();
    last_ns = 0;
    broken_from = 0;
    if (!proto_is_protocol_enabled(find_protocol_by_id(fs_protocol))) return;
    learn_links();
    open_sensor();
    if (sensor) learn_categories();
    say_broken();
}

void fs_feed_cleanup(void)
{
    if (sensor) foreshadow_sensor_close(sensor);
    sensor = NULL;
    g_free(broken);
    broken = NULL;
}

/* Takes what waits; `frame` is the packet that was pushed last. */
static void take_events(fs_frame *frame)
{
    static foreshadow_event events[ROOM];
    size_t count, number;
    do {
        events[0].size = sizeof events[0];
        if (foreshadow_sensor_poll(sensor, events, ROOM, &count) != FORESHADOW_STATUS_OK) return;
        for (number = 0; number < count; number++) fs_told_event(&events[number], frame);
    } while (count == ROOM);
}

void fs_feed_finish(void)
{
    if (!sensor) return;
    if (foreshadow_sensor_finish(sensor) == FORESHADOW_STATUS_OK) take_events(NULL);
    /* Its memory is of no more use while the file is looked at. */
    foreshadow_sensor_close(sensor);
    sensor = NULL;
}

const char *fs_feed_error(uint32_t frame)
{
    return broken && frame >= broken_from ? broken : NULL;
}

const char *fs_category_name(unsigned number)
{
    return number < CATEGORIES && *names[number] ? names[number] : NULL;
}

static int64_t nanoseconds(const nstime_t *time)
{
    const int64_t most = INT64_MAX / 1000000000 - 1;
    return (int64_t)CLAMP((int64_t)time->secs, -most, most) * 1000000000 + time->nsecs;
}

/* Ties a packet to its connection and to the packets around it. */
static void tie(fs_frame *frame)
{
    foreshadow_connection summary;
    fs_connection *connection = fs_told_connection(frame->verdict.connection);
    if (!connection) {
        summary.size = sizeof summary;
        if (foreshadow_connection_summary(sensor, frame->verdict.connection, &summary) != FORESHADOW_STATUS_OK)
            return;
        connection = fs_told_begin(frame->verdict.connection, &summary.who);
    }
    frame->connection = connection;
    frame->prev = connection->last;
    if (frame->prev) {
        frame->prev->next = frame;
        frame->categories_before = frame->prev->verdict.categories;
    }
    connection->last = frame;
    frame->missing = connection->waiting;
    frame->missing_count = connection->waiting_count;
    for (fs_missing *missing = frame->missing; missing; missing = missing->next) missing->before = frame->number;
    connection->waiting = connection->waiting_end = NULL;
    connection->waiting_count = 0;
}

fs_frame *fs_feed_packet(tvbuff_t *tvb, packet_info *pinfo)
{
    foreshadow_packet packet;
    foreshadow_status status;
    fs_frame *frame;
    const int encap = pinfo->rec->rec_header.packet_header.pkt_encap;

    if (!sensor) return NULL;
    memset(&packet, 0, sizeof packet);
    packet.size = sizeof packet;
    packet.captured_len = tvb_captured_length(tvb);
    packet.data = packet.captured_len ? tvb_get_ptr(tvb, 0, (int)packet.captured_len) : NULL;
    if (pinfo->presence_flags & PINFO_HAS_TS) last_ns = nanoseconds(&pinfo->abs_ts);
    packet.time_ns = last_ns;
    packet.wire_len = pinfo->fd->pkt_len;
    packet.link_type = encap >= 0 && encap < ENCAPS ? link_of[encap] : LINK_UNKNOWN;
    packet.wants = fs_prefs.explain ? FORESHADOW_WANT_EXPLANATION : 0;

    frame = wmem_new0(wmem_file_scope(), fs_frame);
    frame->number = pinfo->num;
    frame->verdict.size = sizeof frame->verdict;
    status = foreshadow_sensor_push(sensor, &packet, &frame->verdict);
    if (status != FORESHADOW_STATUS_OK) {
        broken = last_error(sensor);
        broken_from = pinfo->num;
        foreshadow_sensor_close(sensor);
        sensor = NULL;
        /* In the middle of a dissection a dialog would be drawn over a half-read file. */
        ws_warning("Foreshadow: packets are not scored: %s", broken);
        return NULL;
    }
    if (frame->verdict.connection) tie(frame);
    take_events(frame);
    if (!frame->connection && !frame->notes) {
        wmem_free(wmem_file_scope(), frame);
        return NULL;
    }
    p_add_proto_data(wmem_file_scope(), pinfo, fs_protocol, 0, frame);
    return frame;
}
