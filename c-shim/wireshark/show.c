/*
 * show.c - a record as a tree, expert infos and a piece of the Info column; in any pass and any order.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads records and preferences, and changes nothing.
 */
#include "plugin.h"

#include <epan/column-utils.h>

/* Where items go; nothing of it lies in the packet's bytes. */
typedef struct place {
    tvbuff_t *tvb;
    packet_info *pinfo;
} place;

static proto_item *made(proto_item *item)
{
    proto_item_set_generated(item);
    return item;
}

static proto_item *add_double(const place *at, proto_tree *tree, int field, double value)
{
    return made(proto_tree_add_double(tree, fs_field[field], at->tvb, 0, 0, value));
}

static proto_item *add_uint(const place *at, proto_tree *tree, int field, uint32_t value)
{
    return made(proto_tree_add_uint(tree, fs_field[field], at->tvb, 0, 0, value));
}

static proto_item *add_uint64(const place *at, proto_tree *tree, int field, uint64_t value)
{
    return made(proto_tree_add_uint64(tree, fs_field[field], at->tvb, 0, 0, value));
}

static proto_item *add_string(const place *at, proto_tree *tree, int field, const char *value)
{
    return value && *value ? made(proto_tree_add_string(tree, fs_field[field], at->tvb, 0, 0, value)) : NULL;
}

static proto_item *add_flag(const place *at, proto_tree *tree, int field)
{
    return made(proto_tree_add_item(tree, fs_field[field], at->tvb, 0, 0, ENC_NA));
}

/* Whether anybody looks at a field; text is not made for nobody. */
static bool wants(proto_tree *tree, int field)
{
    return tree && proto_field_is_referenced(tree, fs_field[field]);
}

/* Whether anybody looks at any: the protocol is marked as soon as one of its fields is asked for.
 * (proto_field_is_referenced would say so of the protocol of every packet that is printed.) */
static bool wants_any(proto_tree *tree)
{
    if (!tree) return false;
    return PTREE_DATA(tree)->visible || proto_registrar_get_nth(fs_protocol)->ref_type != HF_REF_TYPE_NONE;
}

bool fs_is_anomalous(const fs_frame *frame)
{
    const foreshadow_verdict *verdict = &frame->verdict;
    if (!verdict->scored) return false;
    if (!fs_prefs.one_in) return verdict->anomalous;
    return verdict->probability > 0 && (double)verdict->probability * fs_prefs.one_in <= 1.0;
}

/* ---- One packet ------------------------------------------------------------------------------- */

static void show_surprise(const place *at, proto_tree *tree, const fs_frame *frame)
{
    const foreshadow_surprise *bits = &frame->verdict.surprise;
    proto_item *item = add_double(at, tree, FS_BITS, fs_rounded((double)bits->total, 4));
    tree = proto_item_add_subtree(item, fs_tree[FS_TREE_BITS]);
    add_double(at, tree, FS_BITS_SIDE_FLAGS, fs_rounded((double)bits->side_flags, 4));
    add_double(at, tree, FS_BITS_SIZE, fs_rounded((double)bits->payload_len, 4));
    add_double(at, tree, FS_BITS_TIME, fs_rounded((double)bits->time, 4));
    add_double(at, tree, FS_BITS_ENTROPY, fs_rounded((double)bits->entropy, 4));
    if (frame->threshold > 0) add_double(at, tree, FS_THRESHOLD, fs_rounded((double)frame->threshold, 4));
}

/* The parts above a fifth of the whole. */
static void show_reasons(const place *at, proto_tree *tree, const foreshadow_surprise *bits)
{
    fs_part parts[4];
    unsigned number;
    fs_parts(bits, parts);
    for (number = 0; number < 4 && parts[number].bits > 0.2F * bits->total; number++)
        add_string(at, tree, FS_REASON, parts[number].name);
}

static void show_seen(const place *at, proto_tree *top, const fs_frame *frame, uint8_t originator)
{
    const foreshadow_facts *seen = &frame->verdict.seen;
    const char *flags = fs_flags(at->pinfo->pool, seen->protocol, seen->flags);
    const char *summary = !wants(top, FS_SEEN) ? "-"
                          : wmem_strdup_printf(at->pinfo->pool, "%s, %s%s%u bytes", fs_role(seen->side, originator),
                                               flags ? flags : "", flags ? ", " : "", seen->payload_len);
    proto_tree *tree = proto_item_add_subtree(add_string(at, top, FS_SEEN, summary), fs_tree[FS_TREE_SEEN]);
    add_string(at, tree, FS_SEEN_SIDE, fs_role(seen->side, originator));
    add_string(at, tree, FS_SEEN_FLAGS, flags);
    add_uint(at, tree, FS_SEEN_SIZE, seen->payload_len);
    if (seen->has & FORESHADOW_HAS_SINCE) add_double(at, tree, FS_SEEN_AFTER, fs_seconds(seen->since_ns));
    add_uint(at, tree, FS_POSITION, seen->position);
}

static void show_expected(const place *at, proto_tree *top, const fs_frame *frame, uint8_t originator)
{
    const foreshadow_facts *seen = &frame->verdict.seen;
    const foreshadow_expectation *expected = &frame->verdict.expected;
    const char *flags = fs_flags(at->pinfo->pool, seen->protocol, expected->flags);
    const bool has_time = seen->has & FORESHADOW_HAS_SINCE;
    const char *summary = "-";
    proto_tree *tree;
    if (wants(top, FS_EXPECTED))
        summary = expected->nothing_more > 0.5F
                      ? wmem_strdup_printf(at->pinfo->pool, "nothing more (%.0f %%)", (double)expected->nothing_more * 100.0)
                      : wmem_strdup_printf(at->pinfo->pool, "%s (%.0f %%), %s%s%u to %u bytes",
                                           fs_role(expected->side, originator),
                                           (double)expected->side_flags_probability * 100.0, flags ? flags : "",
                                           flags ? ", " : "", expected->payload_low, expected->payload_high);
    tree = proto_item_add_subtree(add_string(at, top, FS_EXPECTED, summary), fs_tree[FS_TREE_EXPECTED]);
    add_string(at, tree, FS_EXPECTED_SIDE, fs_role(expected->side, originator));
    add_string(at, tree, FS_EXPECTED_FLAGS, flags);
    add_double(at, tree, FS_EXPECTED_PROBABILITY, fs_rounded((double)expected->side_flags_probability, 4));
    add_uint(at, tree, FS_EXPECTED_SIZE_LOW, expected->payload_low);
    add_uint(at, tree, FS_EXPECTED_SIZE, expected->payload_mode);
    add_uint(at, tree, FS_EXPECTED_SIZE_HIGH, expected->payload_high);
    if (has_time) {
        add_double(at, tree, FS_EXPECTED_AFTER_LOW, fs_seconds(expected->time_low_ns));
        add_double(at, tree, FS_EXPECTED_AFTER, fs_seconds(expected->time_median_ns));
        add_double(at, tree, FS_EXPECTED_AFTER_HIGH, fs_seconds(expected->time_high_ns));
    }
    add_double(at, tree, FS_EXPECTED_NOTHING, fs_rounded((double)expected->nothing_more, 4));
    if (expected->payload_mode)
        add_double(at, tree, FS_SIZE_RATIO, fs_rounded((double)seen->payload_len / expected->payload_mode, 4));
    if (has_time && expected->time_median_ns)
        add_double(at, tree, FS_AFTER_RATIO, fs_rounded((double)seen->since_ns / (double)expected->time_median_ns, 4));
}

/* ---- What is missing -------------------------------------------------------------------------- */

static void show_missing(const place *at, proto_tree *tree, const fs_missing *missing)
{
    const foreshadow_synthetic *made_up = &missing->made;
    const char *flags = fs_flags(at->pinfo->pool, made_up->who.protocol, made_up->flags);
    const char *outcome = fs_outcome_name(missing->outcome);
    const char *summary = !wants(tree, FS_MISSING_PACKET) ? "-"
                          : wmem_strdup_printf(at->pinfo->pool, "%s, %s%s%u bytes (%s)",
                                               fs_role(made_up->side, missing->originator), flags ? flags : "",
                                               flags ? ", " : "", made_up->payload_len, fs_kind_name(made_up->kind));
    proto_item *item = add_string(at, tree, FS_MISSING_PACKET, summary);
    if (outcome) proto_item_append_text(item, ", turned out %s", outcome);
    tree = proto_item_add_subtree(item, fs_tree[FS_TREE_MISSING]);
    add_uint64(at, tree, FS_MISSING_ID, made_up->serial);
    add_string(at, tree, FS_MISSING_KIND, fs_kind_name(made_up->kind));
    add_string(at, tree, FS_MISSING_WHY, fs_why_name(made_up->gap.why));
    add_string(at, tree, FS_MISSING_SIDE, fs_role(made_up->side, missing->originator));
    add_string(at, tree, FS_MISSING_FLAGS, flags);
    add_uint(at, tree, FS_MISSING_SIZE, made_up->payload_len);
    if (made_up->has & FORESHADOW_HAS_SEQUENCE) add_uint(at, tree, FS_MISSING_SEQ, made_up->sequence);
    add_double(at, tree, FS_MISSING_AFTER_LAST,
               fs_rounded((double)(made_up->due_ns - made_up->last_ns) / 1e9, 9));
    add_double(at, tree, FS_MISSING_CONFIDENCE, fs_rounded((double)made_up->confidence, 4));
    add_double(at, tree, FS_MISSING_LOSS, fs_rounded((double)made_up->capture_loss, 4));
    add_string(at, tree, FS_MISSING_OUTCOME, outcome);
    if (missing->settled) add_uint(at, tree, FS_MISSING_SETTLED, missing->settled);
}

static void show_settled(const place *at, proto_tree *tree, const fs_missing *settled)
{
    proto_tree *under;
    for (; settled; settled = settled->next_settled) {
        /* Those that this packet brought to light say it themselves. */
        if (settled->before == at->pinfo->num) continue;
        under = proto_item_add_subtree(add_uint64(at, tree, FS_SETTLED_ID, settled->made.serial),
                                       fs_tree[FS_TREE_MISSING]);
        add_string(at, under, FS_SETTLED_OUTCOME, fs_outcome_name(settled->outcome));
        if (settled->before && settled->before < at->pinfo->num)
            add_uint(at, under, FS_SETTLED_FRAME, settled->before);
    }
}

/* ---- The connection, its categories, its endpoints ------------------------------------------------ */

static void show_connection(const place *at, proto_tree *top, const fs_frame *frame)
{
    const fs_connection *connection = frame->connection;
    const foreshadow_connection *ended = connection->ended;
    proto_tree *tree = proto_item_add_subtree(add_uint(at, top, FS_STREAM, connection->number),
                                              fs_tree[FS_TREE_CONNECTION]);
    add_string(at, tree, FS_UID, connection->uid);
    /* Where packets were dropped between two passes, numbers were given out again. */
    if (frame->prev && frame->prev->number < at->pinfo->num) add_uint(at, tree, FS_PREV_FRAME, frame->prev->number);
    if (frame->next && frame->next->number > at->pinfo->num) add_uint(at, tree, FS_NEXT_FRAME, frame->next->number);
    if (frame->verdict.scored)
        add_double(at, tree, FS_CONNECTION_EVIDENCE, fs_rounded((double)frame->verdict.evidence, 4));
    if (!ended) return;
    add_string(at, tree, FS_CONNECTION_STATE, ended->state);
    add_uint(at, tree, FS_CONNECTION_SCORED, ended->score.scored);
    add_uint(at, tree, FS_CONNECTION_ANOMALIES, ended->score.anomalies);
    add_uint(at, tree, FS_CONNECTION_MISSING, ended->score.synthetic);
    if (!ended->score.scored) return;
    add_double(at, tree, FS_CONNECTION_MEAN, fs_rounded((double)ended->score.total / ended->score.scored, 4));
    add_double(at, tree, FS_CONNECTION_MAX, fs_rounded((double)ended->score.max, 4));
    add_double(at, tree, FS_CONNECTION_SCORE, fs_rounded((double)ended->score.severity, 4));
}

static void show_categories(const place *at, proto_tree *tree, const fs_frame *frame)
{
    const uint32_t in = frame->verdict.categories;
    unsigned number;
    for (number = 0; in >> number; number++) {
        if (!(in >> number & 1)) continue;
        add_string(at, tree, FS_CATEGORY, fs_category_name(number));
        if (!(frame->categories_before >> number & 1))
            add_string(at, tree, FS_CATEGORY_NEW, fs_category_name(number));
        if (number == 31) break;
    }
}

static void show_target(const place *at, proto_tree *tree, const foreshadow_target *target)
{
    unsigned number;
    proto_tree *under = proto_item_add_subtree(
        add_string(at, tree, FS_TARGET, fs_address(at->pinfo->pool, &target->address)), fs_tree[FS_TREE_NOTE]);
    add_double(at, under, FS_TARGET_SCORE, fs_rounded(target->score, 4));
    for (number = 0; number < array_length(target->heaviest); number++)
        add_string(at, under, FS_TARGET_CATEGORY, target->heaviest[number]);
}

/* What is known by this packet of the endpoints that it is from and to. */
static void show_endpoints(const place *at, proto_tree *tree, const fs_frame *frame)
{
    const foreshadow_identity *who = &frame->connection->who;
    const foreshadow_address *const ends[2] = {&who->address_a, &who->address_b};
    const foreshadow_event *event;
    unsigned end;
    for (end = 0; end < 2; end++) {
        event = fs_told_standing(FORESHADOW_EVENT_ANOMALOUS_ENDPOINT, who->domain, ends[end], frame->number);
        if (event) {
            proto_tree *under = proto_item_add_subtree(
                add_string(at, tree, FS_ENDPOINT, fs_address(at->pinfo->pool, ends[end])), fs_tree[FS_TREE_NOTE]);
            add_double(at, under, FS_ENDPOINT_SCORE,
                       fs_rounded((double)event->data.anomalous_endpoint.finding.severity, 4));
        }
        event = fs_told_standing(FORESHADOW_EVENT_TARGET, 0, ends[end], frame->number);
        if (event) show_target(at, tree, &event->data.target);
    }
}

/* ---- What was told with this packet ------------------------------------------------------------------ */

static void show_alarm(const place *at, proto_tree *tree, proto_item *top, const char *about, const char *host,
                       const foreshadow_finding *finding)
{
    proto_tree *under = proto_item_add_subtree(add_string(at, tree, FS_ALARM, about), fs_tree[FS_TREE_NOTE]);
    add_string(at, under, FS_ALARM_HOST, host);
    add_double(at, under, FS_ALARM_SEVERITY, fs_rounded((double)finding->severity, 4));
    add_string(at, under, FS_ALARM_REASON, fs_reason_name(finding->reason));
    if (finding->seen) add_uint(at, under, FS_ALARM_SEEN, finding->seen);
    if (finding->usual > 0) add_double(at, under, FS_ALARM_USUAL, fs_rounded((double)finding->usual, 4));
    expert_add_info_format(at->pinfo, top, &fs_ei_alarm, "Alarm on the %s %s: %s, evidence of %.1f bits", about,
                           host, fs_reason_name(finding->reason), (double)finding->severity);
}

static void show_heartbeat(const place *at, proto_tree *tree, proto_item *top, const foreshadow_heartbeat *beat)
{
    const char *from = fs_address(at->pinfo->pool, &beat->source);
    const char *to = fs_address(at->pinfo->pool, &beat->destination);
    proto_tree *under = proto_item_add_subtree(
        add_string(at, tree, FS_HEARTBEAT, fs_change_name(beat->change)), fs_tree[FS_TREE_NOTE]);
    add_string(at, under, FS_HEARTBEAT_SOURCE, from);
    add_string(at, under, FS_HEARTBEAT_DESTINATION, to);
    add_double(at, under, FS_HEARTBEAT_PERIOD, fs_seconds(beat->period_ns));
    add_uint(at, under, FS_HEARTBEAT_MISSED, beat->missed);
    expert_add_info_format(at->pinfo, top, &fs_ei_heartbeat, "Heartbeat %s: %s to %s, every %g s",
                           fs_change_name(beat->change), from, to, fs_seconds(beat->period_ns));
}

static void show_note(const place *at, proto_tree *tree, proto_item *top, const foreshadow_event *event)
{
    const foreshadow_identity *who;
    const char *host;
    switch (event->kind) {
    case FORESHADOW_EVENT_ANOMALOUS_CONNECTION:
        who = &event->data.anomalous_connection.who;
        host = fs_address(at->pinfo->pool,
                          who->originator == FORESHADOW_SIDE_A ? &who->address_a : &who->address_b);
        show_alarm(at, tree, top, "connection", host, &event->data.anomalous_connection.finding);
        break;
    case FORESHADOW_EVENT_ANOMALOUS_ENDPOINT:
        host = fs_address(at->pinfo->pool, &event->data.anomalous_endpoint.address);
        show_alarm(at, tree, top, "endpoint", host, &event->data.anomalous_endpoint.finding);
        break;
    case FORESHADOW_EVENT_TARGET:
        host = fs_address(at->pinfo->pool, &event->data.target.address);
        expert_add_info_format(at->pinfo, top, &fs_ei_target, "Target %s: its behaviours add up to %.2f", host,
                               event->data.target.score);
        break;
    case FORESHADOW_EVENT_HEARTBEAT:
        show_heartbeat(at, tree, top, &event->data.heartbeat);
        break;
    default:
        break;
    }
}

/* ---- All of it -------------------------------------------------------------------------------------- */

static proto_item *begin(const place *at, proto_tree *tree, proto_tree **under)
{
    proto_item *top = made(proto_tree_add_item(tree, fs_protocol, at->tvb, 0, 0, ENC_NA));
    *under = proto_item_add_subtree(top, fs_tree[FS_TREE_TOP]);
    return top;
}

static void show_anomaly(const place *at, proto_tree *tree, proto_item *top, const foreshadow_verdict *verdict)
{
    fs_part parts[4];
    fs_parts(&verdict->surprise, parts);
    add_flag(at, tree, FS_ANOMALOUS);
    proto_item_append_text(top, ", anomalous by %s", parts[0].words);
    expert_add_info_format(at->pinfo, top, &fs_ei_anomaly, "Not expected: one in %.0f; most by %s (%.1f of %.1f bits)",
                           fs_one_in(verdict), parts[0].words, (double)parts[0].bits,
                           (double)verdict->surprise.total);
    if (fs_prefs.info_column)
        col_append_fstr(at->pinfo->cinfo, COL_INFO, " [not expected: %s]", parts[0].words);
}

void fs_show_frame(const fs_frame *frame, tvbuff_t *tvb, packet_info *pinfo, proto_tree *parent)
{
    const place at = {tvb, pinfo};
    const foreshadow_verdict *verdict = &frame->verdict;
    const bool is_anomalous = fs_is_anomalous(frame);
    const uint8_t originator = frame->connection ? frame->connection->who.originator : 0;
    const fs_missing *missing;
    const fs_note *told;
    proto_tree *tree;
    proto_item *top;
    uint32_t after;

    /* Where nobody looks at a field of ours, what is ordinary has nothing to say. */
    if (!wants_any(parent) && !is_anomalous && !frame->missing && !frame->notes) return;
    top = begin(&at, parent, &tree);
    if (!wants_any(parent)) tree = NULL; /* expert infos alone are wanted */
    if (is_anomalous) show_anomaly(&at, tree, top, verdict);
    if (verdict->scored && tree) {
        proto_item_append_text(top, ", score %.2f", fs_score(verdict));
        add_double(&at, tree, FS_SCORE, fs_score(verdict));
        add_double(&at, tree, FS_ONE_IN, fs_one_in(verdict));
        show_reasons(&at, tree, frame->threshold > 0 ? &frame->counted : &verdict->surprise);
        show_surprise(&at, tree, frame);
        if (verdict->seen.wire_len) {
            show_seen(&at, tree, frame, originator);
            show_expected(&at, tree, frame, originator);
        }
    }
    if (frame->missing) {
        proto_tree *under = proto_item_add_subtree(add_uint(&at, tree, FS_MISSING, frame->missing_count),
                                                   fs_tree[FS_TREE_MISSING]);
        for (missing = under ? frame->missing : NULL; missing; missing = missing->next)
            show_missing(&at, under, missing);
        proto_item_append_text(top, ", %u missing before", frame->missing_count);
        expert_add_info_format(pinfo, top, &fs_ei_missing, "%u packet%s missing before this one", frame->missing_count,
                               frame->missing_count == 1 ? " is" : "s are");
        if (fs_prefs.info_column)
            col_append_fstr(pinfo->cinfo, COL_INFO, " [%u missing before]", frame->missing_count);
    }
    if (frame->connection && tree) {
        after = frame->next ? frame->next->missing_count
                : frame->connection->last == frame ? frame->connection->waiting_count : 0;
        if (after) add_uint(&at, tree, FS_MISSING_AFTER, after);
        show_settled(&at, tree, frame->settled);
        show_categories(&at, tree, frame);
        show_endpoints(&at, tree, frame);
    }
    for (told = frame->notes; told; told = told->next) show_note(&at, tree, top, &told->event);
    if (frame->connection && tree) show_connection(&at, tree, frame);
}

void fs_show_mark(const fs_mark *mark, tvbuff_t *tvb, packet_info *pinfo, proto_tree *parent)
{
    const place at = {tvb, pinfo};
    proto_tree *tree;
    proto_item *top = begin(&at, parent, &tree);
    add_flag(&at, tree, FS_SYNTHETIC);
    add_string(&at, tree, FS_SYNTHETIC_KIND, mark->kind);
    add_string(&at, tree, FS_SYNTHETIC_WHY, mark->why);
    if (mark->has_id) add_uint64(&at, tree, FS_SYNTHETIC_ID, mark->id);
    add_string(&at, tree, FS_SYNTHETIC_UID, mark->uid);
    if (mark->has_confidence) add_double(&at, tree, FS_SYNTHETIC_CONFIDENCE, mark->confidence);
    add_string(&at, tree, FS_SYNTHETIC_OUTCOME, mark->outcome);
    proto_item_append_text(top, ", synthetic: never captured%s%s", *mark->outcome ? ", turned out " : "",
                           mark->outcome);
    expert_add_info(pinfo, top, &fs_ei_synthetic);
    if (fs_prefs.info_column) col_append_str(pinfo->cinfo, COL_INFO, " [synthetic]");
}

void fs_show_error(const char *error, tvbuff_t *tvb, packet_info *pinfo, proto_tree *parent)
{
    const place at = {tvb, pinfo};
    proto_tree *tree;
    proto_item *top = begin(&at, parent, &tree);
    add_string(&at, tree, FS_ERROR, error);
    proto_item_append_text(top, ", not scored: %s", error);
    expert_add_info_format(pinfo, top, &fs_ei_error, "Not scored: %s", error);
}
