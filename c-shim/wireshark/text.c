/*
 * text.c - words for what the core says in numbers; the same words as in its logs.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "plugin.h"

#include <epan/to_str.h>
#include <math.h>
#include <string.h>

#define PROTOCOL_TCP 6

const char *fs_role(uint8_t side, uint8_t originator)
{
    return side == originator ? "orig" : "resp";
}

const char *fs_flags(wmem_allocator_t *scope, uint8_t protocol, uint8_t flags)
{
    static const struct {
        uint8_t bit;
        const char *name;
    } all[] = {{0x02, "SYN"}, {0x01, "FIN"}, {0x04, "RST"}, {0x08, "PSH"},
               {0x10, "ACK"}, {0x20, "URG"}, {0x40, "ECE"}, {0x80, "CWR"}};
    char text[48] = "";
    unsigned number;
    if (protocol != PROTOCOL_TCP) return NULL;
    /* What nearly every packet has costs nothing to say. */
    if (flags == 0x10) return "ACK";
    if (flags == 0x18) return "PSH-ACK";
    for (number = 0; number < array_length(all); number++)
        if (flags & all[number].bit) {
            if (*text) g_strlcat(text, "-", sizeof text);
            g_strlcat(text, all[number].name, sizeof text);
        }
    return *text ? wmem_strdup(scope, text) : "none";
}

const char *fs_address(wmem_allocator_t *scope, const foreshadow_address *bytes)
{
    static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    address shown;
    if (!memcmp(bytes->bytes, v4_mapped, sizeof v4_mapped)) set_address(&shown, AT_IPv4, 4, bytes->bytes + 12);
    else set_address(&shown, AT_IPv6, 16, bytes->bytes);
    return address_to_str(scope, &shown);
}

const char *fs_uid(wmem_allocator_t *scope, uint64_t high, uint64_t low)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    /* The number in four parts of 32 bits, so that it can be divided in 64. */
    uint32_t parts[4] = {(uint32_t)(high >> 32), (uint32_t)high, (uint32_t)(low >> 32), (uint32_t)low};
    char text[24];
    size_t at = sizeof text - 1;
    unsigned number;
    uint64_t rest;
    text[at] = 0;
    /* Never shorter than seventeen digits, never longer than twenty-two. */
    while (at > 1 && (parts[0] | parts[1] | parts[2] | parts[3] || at > sizeof text - 1 - 17)) {
        for (rest = number = 0; number < 4; number++) {
            rest = rest << 32 | parts[number];
            parts[number] = (uint32_t)(rest / 62);
            rest %= 62;
        }
        text[--at] = digits[rest];
    }
    text[--at] = 'C';
    return wmem_strdup(scope, text + at);
}

const char *fs_ends(wmem_allocator_t *scope, const foreshadow_identity *who)
{
    const char *a = fs_address(scope, &who->address_a), *b = fs_address(scope, &who->address_b);
    if (who->originator == FORESHADOW_SIDE_A)
        return wmem_strdup_printf(scope, "%s:%u -> %s:%u", a, who->port_a, b, who->port_b);
    return wmem_strdup_printf(scope, "%s:%u -> %s:%u", b, who->port_b, a, who->port_a);
}

const char *fs_kind_name(uint8_t kind)
{
    return kind == FORESHADOW_SYNTHETIC_OVERDUE ? "overdue" : kind == FORESHADOW_SYNTHETIC_GAP ? "gap" : "other";
}

const char *fs_why_name(uint8_t why)
{
    switch (why) {
    case FORESHADOW_WHY_NONE: return NULL;
    case FORESHADOW_WHY_HOLE: return "hole";
    case FORESHADOW_WHY_ACKNOWLEDGED: return "acknowledged";
    case FORESHADOW_WHY_RTP: return "rtp";
    case FORESHADOW_WHY_NO_RESPONSE: return "no_response";
    case FORESHADOW_WHY_NUMBERING: return "numbering";
    default: return "other";
    }
}

const char *fs_outcome_name(uint8_t outcome)
{
    switch (outcome) {
    case 0: return NULL;
    case FORESHADOW_OUTCOME_LATE: return "late";
    case FORESHADOW_OUTCOME_FILLED: return "filled";
    case FORESHADOW_OUTCOME_LOST: return "lost";
    case FORESHADOW_OUTCOME_PHANTOM: return "phantom";
    default: return "other";
    }
}

const char *fs_reason_name(uint8_t reason)
{
    switch (reason) {
    case FORESHADOW_REASON_PACKETS: return "packets";
    case FORESHADOW_REASON_NOVELTY: return "novelty";
    case FORESHADOW_REASON_FAILURES: return "failures";
    case FORESHADOW_REASON_BYTES_SENT: return "bytes_sent";
    case FORESHADOW_REASON_BYTES_RECEIVED: return "bytes_received";
    case FORESHADOW_REASON_MANY_PACKETS: return "many_packets";
    case FORESHADOW_REASON_OPENED: return "opened";
    case FORESHADOW_REASON_NEW_SERVICES: return "new_services";
    case FORESHADOW_REASON_FAILED: return "failed";
    case FORESHADOW_REASON_RECEIVED: return "received";
    case FORESHADOW_REASON_NEW_SOURCES: return "new_sources";
    case FORESHADOW_REASON_UNANSWERED: return "unanswered";
    case FORESHADOW_REASON_PROBES: return "probes";
    case FORESHADOW_REASON_LOGINS: return "logins";
    default: return "other";
    }
}

const char *fs_change_name(uint8_t change)
{
    switch (change) {
    case FORESHADOW_CHANGE_STOPPED: return "stopped";
    case FORESHADOW_CHANGE_RESUMED: return "resumed";
    case FORESHADOW_CHANGE_SILENCE: return "silence";
    default: return "other";
    }
}

double fs_seconds(uint64_t nanoseconds)
{
    return (double)nanoseconds / 1e9;
}

double fs_rounded(double value, int decimals)
{
    static const double scales[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    const double scale = scales[CLAMP(decimals, 0, (int)array_length(scales) - 1)];
    if (!isfinite(value) || fabs(value) > 1e12) return value;
    return floor(value * scale + 0.5) / scale;
}

double fs_one_in(const foreshadow_verdict *verdict)
{
    return verdict->probability > 0 ? fs_rounded(1.0 / (double)verdict->probability, 3) : 0;
}

double fs_score(const foreshadow_verdict *verdict)
{
    const double probability = (double)verdict->probability;
    return probability > 0 && probability < 1 ? fs_rounded(-log10(probability), 3) : 0;
}

void fs_parts(const foreshadow_surprise *surprise, fs_part parts[4])
{
    const fs_part all[4] = {
        {"side_flags", "sender and flags", surprise->side_flags},
        {"size", "its size", surprise->payload_len},
        {"time", "its time", surprise->time},
        {"entropy", "the randomness of its payload", surprise->entropy},
    };
    unsigned number, at;
    /* Equal ones keep their order, as in the logs. */
    for (number = 0; number < 4; number++) {
        for (at = number; at > 0 && parts[at - 1].bits < all[number].bits; at--) parts[at] = parts[at - 1];
        parts[at] = all[number];
    }
}
