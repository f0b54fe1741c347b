/*
 * plugin.h - what the parts of the plugin know of each other.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 *   plugin.c     what Wireshark's loader looks up
 *   dissector.c  registration, and the one function called for each packet
 *   prefs.c      preferences
 *   feed.c       packets into the core, its answers and events into records; first pass only
 *   told.c       events into the records of the packets and connections that they are about
 *   marks.c      packets that a file marks as made by Foreshadow
 *   fields.c     the fields of fields.def, expert infos
 *   show.c       a record as a tree; any pass, any order
 *   text.c       words: sides, flags, names of the core's numbers
 *   stats.c      -z foreshadow,tree   flows.c  -z foreshadow,flows   menu.c  the Tools menu
 *
 * The rule that keeps this right: a frame is dissected once in order, then any number of times in any
 * order. State changes on the first pass and nowhere else. Everything else reads records, which live
 * as long as the file (wmem_file_scope).
 */
#ifndef FORESHADOW_PLUGIN_H
#define FORESHADOW_PLUGIN_H

#include "host.h"

#include <foreshadow.h>

/* ---- Records ------------------------------------------------------------------------------- */

typedef struct fs_connection fs_connection;
typedef struct fs_frame fs_frame;

/* A packet that should have come and did not. */
typedef struct fs_missing {
    foreshadow_synthetic made;
    /* The connection's frames around it; 0 while there is none. */
    uint32_t after, before;
    /* FORESHADOW_OUTCOME_* or 0, and the frame with which it was clear (0: when the capture ended). */
    uint8_t outcome;
    uint8_t originator;
    uint32_t settled;
    /* The next one before the same frame; the next one settled by the same frame. */
    struct fs_missing *next, *next_settled;
} fs_missing;

/* A connection, for as long as the file is open. */
struct fs_connection {
    uint64_t id;
    /* In the order of first packets, from 0. */
    uint32_t number;
    foreshadow_identity who;
    /* As conn.log prints it. */
    const char *uid;
    fs_frame *last;
    /* Missing packets since `last`, oldest first. */
    fs_missing *waiting, *waiting_end;
    uint32_t waiting_count;
    /* What it was, once it is over. */
    foreshadow_connection *ended;
};

/* Something told with a packet: an alarm, a target, a heartbeat. */
typedef struct fs_note {
    foreshadow_event event;
    struct fs_note *next;
} fs_note;

/* A packet's record. */
struct fs_frame {
    uint32_t number;
    /* Missing packets between `prev` and this. */
    uint32_t missing_count;
    foreshadow_verdict verdict;
    /* Surprise in bits from which it would be an anomaly; 0 unless it is one. */
    float threshold;
    /* The surprise as it counts, by the configuration's weights; only of an anomaly. */
    foreshadow_surprise counted;
    /* The categories the connection had been counted in before. */
    uint32_t categories_before;
    /* NULL where it belongs to none. */
    fs_connection *connection;
    fs_frame *prev, *next;
    fs_missing *missing, *settled;
    fs_note *notes, *notes_end;
};

/* An endpoint's newest alarm, or newest time as a target, by the frame that told of it. */
typedef struct fs_standing {
    uint32_t from;
    foreshadow_event event;
    struct fs_standing *older;
} fs_standing;

/* What a tap hears of each packet; `frame` is NULL for one that the file marks as synthetic. */
typedef struct fs_tap_data {
    const fs_frame *frame;
    bool is_anomalous;
} fs_tap_data;

/* ---- feed.c: the core ---------------------------------------------------------------------- */

/* Begins and ends a file. */
void fs_feed_init(void);
void fs_feed_cleanup(void);
/* All packets were read once, in order: what the core still has to say is known now. */
void fs_feed_finish(void);
/* Pushes a packet on its first pass. NULL: there is nothing to say of it. */
fs_frame *fs_feed_packet(tvbuff_t *tvb, packet_info *pinfo);
/* Why a packet is not scored, or NULL. */
const char *fs_feed_error(uint32_t frame);
/* The name of a category, or NULL. */
const char *fs_category_name(unsigned number);

/* ---- told.c: events ------------------------------------------------------------------------ */

void fs_told_init(void);
/* The connection with an id; NULL if no packet of it was seen. */
fs_connection *fs_told_connection(uint64_t id);
/* The same, made if need be. */
fs_connection *fs_told_begin(uint64_t id, const foreshadow_identity *who);
/* An event polled after `frame` was pushed; `frame` is NULL at the end of the capture. */
void fs_told_event(const foreshadow_event *event, fs_frame *frame);
/* The newest event of this kind on an address at or before a frame; NULL if there is none. */
const foreshadow_event *fs_told_standing(uint32_t kind, uint16_t domain,
                                         const foreshadow_address *address, uint32_t frame);

/* ---- marks.c: packets of our own in a file ----------------------------------------------------- */

/* What a file says of a packet that Foreshadow made; empty where the comment does not say it. */
typedef struct fs_mark {
    char kind[16], why[16], outcome[16], uid[32];
    bool has_id, has_confidence;
    uint64_t id;
    double confidence;
} fs_mark;

/* Begins a file. */
void fs_mark_init(void);
/* Whether the file marks the packet as made by Foreshadow; `mark` is written only if so. */
bool fs_mark_read(const packet_info *pinfo, fs_mark *mark);

/* ---- fields.c, prefs.c --------------------------------------------------------------------------- */

enum {
#define FIELD(id, name, type, title, text) FS_##id,
#include "fields.def"
#undef FIELD
    FS_FIELDS
};
extern int fs_field[FS_FIELDS];
extern int fs_protocol;
extern int fs_tap;

/* The subtrees that remember whether they are open. */
enum { FS_TREE_TOP, FS_TREE_SEEN, FS_TREE_EXPECTED, FS_TREE_BITS, FS_TREE_MISSING, FS_TREE_CONNECTION, FS_TREE_NOTE, FS_TREES };
extern int fs_tree[FS_TREES];

extern expert_field fs_ei_anomaly, fs_ei_alarm, fs_ei_target, fs_ei_missing, fs_ei_heartbeat,
    fs_ei_synthetic, fs_ei_error;

void fs_fields_register(int protocol);

typedef struct fs_preferences {
    const char *config, *model;
    unsigned one_in;
    fs_switch info_column;
    fs_switch explain;
} fs_preferences;
extern fs_preferences fs_prefs;

void fs_prefs_register(int protocol);

/* ---- show.c, text.c ------------------------------------------------------------------------------ */

/* Whether a packet is an anomaly: by the core, or by the preference that takes its place. */
bool fs_is_anomalous(const fs_frame *frame);
/* Adds what is known of a packet to the tree, the expert infos and the Info column. */
void fs_show_frame(const fs_frame *frame, tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree);
void fs_show_mark(const fs_mark *mark, tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree);
void fs_show_error(const char *error, tvbuff_t *tvb, packet_info *pinfo, proto_tree *tree);

const char *fs_role(uint8_t side, uint8_t originator);
/* TCP flags as SYN-ACK; NULL for other protocols. */
const char *fs_flags(wmem_allocator_t *scope, uint8_t protocol, uint8_t flags);
const char *fs_address(wmem_allocator_t *scope, const foreshadow_address *address);
/* A connection's name as conn.log prints it. */
const char *fs_uid(wmem_allocator_t *scope, uint64_t high, uint64_t low);
/* Its ends, as "10.0.0.1:1234 -> 10.0.0.2:53". */
const char *fs_ends(wmem_allocator_t *scope, const foreshadow_identity *who);
const char *fs_kind_name(uint8_t kind);
const char *fs_why_name(uint8_t why);
const char *fs_outcome_name(uint8_t outcome);
const char *fs_reason_name(uint8_t reason);
const char *fs_change_name(uint8_t change);
double fs_seconds(uint64_t nanoseconds);
/* Rounded, for columns and -T fields print a double in full. */
double fs_rounded(double value, int decimals);
/* How many packets one packet like it is found among; log10 of that. */
double fs_one_in(const foreshadow_verdict *verdict);
double fs_score(const foreshadow_verdict *verdict);
/* The parts of a surprise, largest first. */
typedef struct fs_part {
    const char *name, *words;
    float bits;
} fs_part;
void fs_parts(const foreshadow_surprise *surprise, fs_part parts[4]);

/* ---- stats.c, flows.c, menu.c -------------------------------------------------------------------- */

void fs_stats_register(void);
void fs_flows_register(void);
void fs_menu_register(int protocol);

#endif
