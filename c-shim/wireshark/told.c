/*
 * told.c - events into the records of the packets, connections and endpoints that they are about.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is told later than the packet it is about is found again by connection or serial number. There
 * are as many records as the file has connections, and as the core makes synthetic packets of it.
 */
#include "plugin.h"

#include <string.h>

static wmem_map_t *connections; /* uint64_t id -> fs_connection */
static wmem_map_t *serials;     /* uint64_t serial -> fs_missing */
static wmem_map_t *standings;   /* standing_key -> fs_standing, newest first */
static uint32_t connection_count;

/* An address with what keeps equal ones apart, and the kind of event. */
typedef struct standing_key {
    foreshadow_address address;
    uint32_t kind;
    uint32_t domain;
} standing_key;

static unsigned hash_key(gconstpointer key)
{
    return wmem_strong_hash((const uint8_t *)key, sizeof(standing_key));
}

static gboolean equal_keys(gconstpointer one, gconstpointer other)
{
    return !memcmp(one, other, sizeof(standing_key));
}

void fs_told_init(void)
{
    connections = wmem_map_new(wmem_file_scope(), wmem_int64_hash, g_int64_equal);
    serials = wmem_map_new(wmem_file_scope(), wmem_int64_hash, g_int64_equal);
    standings = wmem_map_new(wmem_file_scope(), hash_key, equal_keys);
    connection_count = 0;
}

fs_connection *fs_told_connection(uint64_t id)
{
    return (fs_connection *)wmem_map_lookup(connections, &id);
}

fs_connection *fs_told_begin(uint64_t id, const foreshadow_identity *who)
{
    fs_connection *connection = fs_told_connection(id);
    if (connection) return connection;
    connection = wmem_new0(wmem_file_scope(), fs_connection);
    connection->id = id;
    connection->number = connection_count++;
    connection->who = *who;
    connection->uid = fs_uid(wmem_file_scope(), who->uid_high, who->uid_low);
    wmem_map_insert(connections, &connection->id, connection);
    return connection;
}

/* Between the connection's last packet and its next one, which may be the one that was just pushed. */
static void told_missing(const foreshadow_synthetic *made, fs_frame *frame)
{
    fs_connection *connection = fs_told_begin(made->who.connection, &made->who);
    fs_missing *missing = wmem_new0(wmem_file_scope(), fs_missing);
    fs_missing **end;
    missing->made = *made;
    missing->originator = made->who.originator;
    wmem_map_insert(serials, &missing->made.serial, missing);
    if (frame && frame->connection == connection) {
        missing->after = frame->prev ? frame->prev->number : 0;
        missing->before = frame->number;
        for (end = &frame->missing; *end; end = &(*end)->next) {}
        *end = missing;
        frame->missing_count++;
        return;
    }
    missing->after = connection->last ? connection->last->number : 0;
    if (connection->waiting_end) connection->waiting_end->next = missing;
    else connection->waiting = missing;
    connection->waiting_end = missing;
    connection->waiting_count++;
}

static void told_outcome(const foreshadow_outcome *outcome, fs_frame *frame)
{
    fs_missing *missing = (fs_missing *)wmem_map_lookup(serials, &outcome->serial);
    fs_missing **end;
    if (!missing) return;
    missing->outcome = outcome->outcome;
    missing->settled = frame ? frame->number : 0;
    /* Another connection's packet only moved time on. */
    if (!frame || !frame->connection || frame->connection->id != outcome->who.connection) return;
    for (end = &frame->settled; *end; end = &(*end)->next_settled) {}
    *end = missing;
}

static void told_connection(const foreshadow_connection *ended)
{
    fs_connection *connection = fs_told_connection(ended->who.connection);
    if (!connection || connection->ended) return;
    connection->who = ended->who;
    connection->ended = (foreshadow_connection *)wmem_memdup(wmem_file_scope(), ended, sizeof *ended);
}

/* An anomaly has what was expected of it even where that is not asked of every packet. */
static void told_anomaly(const foreshadow_anomaly *anomaly, fs_frame *frame)
{
    if (!frame || frame->verdict.connection != anomaly->who.connection) return;
    frame->threshold = anomaly->threshold;
    frame->counted = anomaly->counted;
    frame->verdict.seen = anomaly->seen;
    frame->verdict.expected = anomaly->expected;
}

static void note(const foreshadow_event *event, fs_frame *frame)
{
    fs_note *added;
    if (!frame) return;
    added = wmem_new0(wmem_file_scope(), fs_note);
    added->event = *event;
    if (frame->notes_end) frame->notes_end->next = added;
    else frame->notes = added;
    frame->notes_end = added;
}

static standing_key key_of(uint32_t kind, uint16_t domain, const foreshadow_address *address)
{
    standing_key key;
    memset(&key, 0, sizeof key);
    key.address = *address;
    key.kind = kind;
    key.domain = domain;
    return key;
}

static void stand(const foreshadow_event *event, uint16_t domain, const foreshadow_address *address,
                  const fs_frame *frame)
{
    const standing_key key = key_of(event->kind, domain, address);
    fs_standing *standing;
    if (!frame) return;
    standing = wmem_new0(wmem_file_scope(), fs_standing);
    standing->from = frame->number;
    standing->event = *event;
    standing->older = (fs_standing *)wmem_map_lookup(standings, &key);
    wmem_map_insert(standings, wmem_memdup(wmem_file_scope(), &key, sizeof key), standing);
}

const foreshadow_event *fs_told_standing(uint32_t kind, uint16_t domain,
                                         const foreshadow_address *address, uint32_t frame)
{
    const standing_key key = key_of(kind, domain, address);
    const fs_standing *standing;
    if (!wmem_map_size(standings)) return NULL;
    standing = (const fs_standing *)wmem_map_lookup(standings, &key);
    /* Only what was known by that packet, whatever pass this is. */
    while (standing && standing->from > frame) standing = standing->older;
    return standing ? &standing->event : NULL;
}

void fs_told_event(const foreshadow_event *event, fs_frame *frame)
{
    switch (event->kind) {
    case FORESHADOW_EVENT_SYNTHETIC:
        told_missing(&event->data.synthetic, frame);
        break;
    case FORESHADOW_EVENT_OUTCOME:
        told_outcome(&event->data.outcome, frame);
        break;
    case FORESHADOW_EVENT_ANOMALY:
        told_anomaly(&event->data.anomaly, frame);
        break;
    case FORESHADOW_EVENT_CONNECTION:
        told_connection(&event->data.connection);
        break;
    case FORESHADOW_EVENT_ANOMALOUS_ENDPOINT:
        note(event, frame);
        stand(event, event->data.anomalous_endpoint.domain, &event->data.anomalous_endpoint.address, frame);
        break;
    case FORESHADOW_EVENT_TARGET:
        note(event, frame);
        stand(event, 0, &event->data.target.address, frame);
        break;
    case FORESHADOW_EVENT_ANOMALOUS_CONNECTION:
    case FORESHADOW_EVENT_HEARTBEAT:
        note(event, frame);
        break;
    default: /* counters, weights, and what this plugin does not know */
        break;
    }
}
