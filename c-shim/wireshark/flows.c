/*
 * flows.c - Statistics > Foreshadow connections, and tshark -z foreshadow,flows: one row a connection.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "plugin.h"

enum { ENDS, PROTOCOL, STREAM, PACKETS, MEAN, LARGEST, RAREST, ANOMALIES, MISSING, EVIDENCE, COLUMNS };

static stat_tap_table_item columns[COLUMNS] = {
    {TABLE_ITEM_STRING, TAP_ALIGN_LEFT, "Connection", "%-45s"},
    {TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Protocol", "%u"},
    {TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Stream", "%u"},
    {TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Packets", "%u"},
    {TABLE_ITEM_FLOAT, TAP_ALIGN_RIGHT, "Mean bits", "%.2f"},
    {TABLE_ITEM_FLOAT, TAP_ALIGN_RIGHT, "Largest", "%.2f"},
    {TABLE_ITEM_FLOAT, TAP_ALIGN_RIGHT, "Highest score", "%.2f"},
    {TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Anomalies", "%u"},
    {TABLE_ITEM_UINT, TAP_ALIGN_RIGHT, "Missing", "%u"},
    {TABLE_ITEM_FLOAT, TAP_ALIGN_RIGHT, "Evidence", "%.2f"},
};

static void begin(stat_tap_table_ui *ui)
{
    static const char title[] = "Foreshadow connections";
    stat_tap_table *table = stat_tap_find_table(ui, title);
    if (table) {
        if (ui->stat_tap_reset_table_cb) ui->stat_tap_reset_table_cb(table);
        return;
    }
    stat_tap_add_table(ui, stat_tap_init_table(title, COLUMNS, 0, NULL));
}

/* The row of a connection. The first cell of a table keeps the rows by stream number. */
static unsigned row_of(stat_tap_table *table, const fs_connection *connection)
{
    stat_tap_table_item_type cells[COLUMNS];
    GHashTable *rows = NULL;
    gpointer row;
    unsigned column;
    if (table->num_elements) rows = (GHashTable *)stat_tap_get_field_data(table, 0, ENDS)->user_data.ptr_value;
    if (rows && g_hash_table_lookup_extended(rows, GUINT_TO_POINTER(connection->number), NULL, &row))
        return GPOINTER_TO_UINT(row);
    memset(cells, 0, sizeof cells);
    for (column = 0; column < COLUMNS; column++) cells[column].type = columns[column].type;
    cells[ENDS].value.string_value = g_strdup("");
    if (!rows) cells[ENDS].user_data.ptr_value = rows = g_hash_table_new(g_direct_hash, g_direct_equal);
    g_hash_table_insert(rows, GUINT_TO_POINTER(connection->number), GUINT_TO_POINTER(table->num_elements));
    stat_tap_init_table_row(table, table->num_elements, COLUMNS, cells);
    return table->num_elements - 1;
}

static void raise_to(stat_tap_table_item_type *cell, double value)
{
    cell->value.float_value = MAX(cell->value.float_value, value);
}

static tap_packet_status count(void *tap_data, packet_info *pinfo, epan_dissect_t *edt _U_, const void *data,
                               tap_flags_t flags _U_)
{
    const stat_data_t *of = (const stat_data_t *)tap_data;
    const fs_tap_data *tapped = (const fs_tap_data *)data;
    const fs_frame *frame = tapped->frame;
    stat_tap_table *table = g_array_index(of->stat_tap_data->tables, stat_tap_table *, 0);
    const foreshadow_verdict *verdict;
    stat_tap_table_item_type *cells[COLUMNS];
    unsigned column, row;

    if (!frame || !frame->connection || !frame->verdict.scored) return TAP_PACKET_DONT_REDRAW;
    verdict = &frame->verdict;
    row = row_of(table, frame->connection);
    for (column = 0; column < COLUMNS; column++) cells[column] = stat_tap_get_field_data(table, row, column);
    if (!cells[PACKETS]->value.uint_value) {
        g_free((gpointer)cells[ENDS]->value.string_value);
        cells[ENDS]->value.string_value = g_strdup(fs_ends(pinfo->pool, &frame->connection->who));
        cells[PROTOCOL]->value.uint_value = frame->connection->who.protocol;
        cells[STREAM]->value.uint_value = frame->connection->number;
    }
    cells[PACKETS]->value.uint_value++;
    cells[MEAN]->value.float_value += ((double)verdict->surprise.total - cells[MEAN]->value.float_value) /
                                      cells[PACKETS]->value.uint_value;
    raise_to(cells[LARGEST], (double)verdict->surprise.total);
    raise_to(cells[RAREST], fs_score(verdict));
    raise_to(cells[EVIDENCE], (double)verdict->evidence);
    cells[ANOMALIES]->value.uint_value += tapped->is_anomalous;
    cells[MISSING]->value.uint_value += frame->missing_count;
    return TAP_PACKET_REDRAW;
}

static void reset(stat_tap_table *table)
{
    unsigned row, column;
    for (row = 0; row < table->num_elements; row++)
        for (column = STREAM; column < COLUMNS; column++)
            memset(&stat_tap_get_field_data(table, row, column)->value, 0,
                   sizeof stat_tap_get_field_data(table, row, column)->value);
}

static void free_cell(stat_tap_table *table _U_, unsigned row _U_, unsigned column, stat_tap_table_item_type *cell)
{
    if (column != ENDS) return;
    g_free((gpointer)cell->value.string_value);
    cell->value.string_value = NULL;
    if (cell->user_data.ptr_value) g_hash_table_destroy((GHashTable *)cell->user_data.ptr_value);
    cell->user_data.ptr_value = NULL;
}

void fs_flows_register(void)
{
    static stat_tap_table_ui table = {
        .group = REGISTER_PACKET_STAT_GROUP_UNSORTED,
        .title = "Foreshadow connections",
        .tap_name = "foreshadow",
        .cli_string = "foreshadow,flows",
        .stat_tap_init_cb = begin,
        .packet_func = count,
        .stat_tap_reset_table_cb = reset,
        .stat_tap_free_table_item_cb = free_cell,
        .nfields = COLUMNS,
        .fields = columns,
    };
    register_stat_tap_table_ui(&table);
}
