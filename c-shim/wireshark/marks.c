/*
 * marks.c - packets that a file marks as made by Foreshadow: on an interface of our name, or with our
 * comment. docs/rebuilt-stream.md says what stands in it.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "plugin.h"

#include <string.h>

static const char interface_name[] = "foreshadow";
/* What is known of interfaces by their number: asking Wireshark for a name costs it an allocation. */
enum { UNKNOWN, OTHERS, OURS };
static uint8_t known[1024];
static const char prefix[] = "foreshadow:synthetic";

/* The comment of ours on a packet, or NULL. */
static const char *our_comment(const packet_info *pinfo)
{
    wtap_block_t block = pinfo->rec->block;
    char *comment;
    unsigned number;
    /* A comment that the user changed counts as it is now. */
    if (pinfo->fd->has_modified_block) block = epan_get_modified_block(pinfo->epan, pinfo->fd);
    if (!block) return NULL;
    for (number = 0; wtap_block_get_nth_string_option_value(block, OPT_COMMENT, number, &comment) ==
                     WTAP_OPTTYPE_SUCCESS;
         number++)
        if (g_str_has_prefix(comment, prefix)) return comment;
    return NULL;
}

static bool is_our_interface(const packet_info *pinfo)
{
    const wtap_rec *rec = pinfo->rec;
    const uint32_t id = rec->rec_header.packet_header.interface_id;
    const char *name;
    uint8_t which = UNKNOWN;
    if (!(rec->presence_flags & WTAP_HAS_INTERFACE_ID)) return false;
    /* A later section numbers its interfaces anew. */
    const bool is_kept = id < array_length(known) && !fs_section(pinfo);
    if (is_kept) which = known[id];
    if (which == UNKNOWN) {
        name = fs_interface_name(pinfo);
        which = name && !strcmp(name, interface_name) ? OURS : OTHERS;
        if (is_kept) known[id] = which;
    }
    return which == OURS;
}

void fs_mark_init(void)
{
    memset(known, UNKNOWN, sizeof known);
}

/* Copies the value of ` name=` out of the comment's first line; false if it is not there. */
static bool word(const char *line, size_t length, const char *name, char *out, size_t room)
{
    const size_t width = strlen(name);
    const char *end = line + length, *from, *to;
    for (from = line; from < end; from = to + 1) {
        to = memchr(from, ' ', (size_t)(end - from));
        if (!to) to = end;
        if ((size_t)(to - from) > width && from[width] == '=' && !strncmp(from, name, width)) {
            from += width + 1;
            if ((size_t)(to - from) >= room) return false;
            memcpy(out, from, (size_t)(to - from));
            out[to - from] = 0;
            return true;
        }
    }
    return false;
}

bool fs_mark_read(const packet_info *pinfo, fs_mark *mark)
{
    const char *comment = our_comment(pinfo);
    char number[32], *end;
    size_t length;

    if (!comment && !is_our_interface(pinfo)) return false;
    memset(mark, 0, sizeof *mark);
    if (!comment) return true;
    length = strcspn(comment, "\r\n");
    /* Only text that Wireshark may show goes on. */
    if (!g_utf8_validate(comment, (gssize)length, NULL)) return true;
    word(comment, length, "kind", mark->kind, sizeof mark->kind);
    word(comment, length, "why", mark->why, sizeof mark->why);
    word(comment, length, "outcome", mark->outcome, sizeof mark->outcome);
    word(comment, length, "uid", mark->uid, sizeof mark->uid);
    if (word(comment, length, "id", number, sizeof number)) {
        mark->id = g_ascii_strtoull(number, &end, 10);
        mark->has_id = end != number && !*end;
    }
    if (word(comment, length, "conf", number, sizeof number)) {
        mark->confidence = g_ascii_strtod(number, &end);
        mark->has_confidence = end != number && !*end;
    }
    return true;
}
