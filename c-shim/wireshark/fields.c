/*
 * fields.c - registers the fields of fields.def and the expert infos.
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "plugin.h"

int fs_field[FS_FIELDS];
int fs_tree[FS_TREES];
expert_field fs_ei_anomaly = EI_INIT, fs_ei_alarm = EI_INIT, fs_ei_target = EI_INIT,
             fs_ei_missing = EI_INIT, fs_ei_heartbeat = EI_INIT, fs_ei_synthetic = EI_INIT,
             fs_ei_error = EI_INIT;

#define FS_BASE_NONE BASE_NONE
#define FS_BASE_DOUBLE BASE_NONE
#define FS_BASE_STRING BASE_NONE
#define FS_BASE_FRAMENUM BASE_NONE
#define FS_BASE_UINT32 BASE_DEC
#define FS_BASE_UINT64 BASE_DEC

void fs_fields_register(int protocol)
{
    static hf_register_info fields[] = {
#define FIELD(id, name, type, title, text)                                                         \
    {&fs_field[FS_##id], {title, name, FT_##type, FS_BASE_##type, NULL, 0, text, HFILL}},
#include "fields.def"
#undef FIELD
    };
    static ei_register_info infos[] = {
        {&fs_ei_anomaly,
         {"foreshadow.expert.anomaly", PI_SECURITY, PI_WARN, "Packet that was not expected", EXPFILL}},
        {&fs_ei_alarm,
         {"foreshadow.expert.alarm", PI_SECURITY, PI_WARN, "Alarm on a connection or an endpoint", EXPFILL}},
        {&fs_ei_target,
         {"foreshadow.expert.target", PI_SECURITY, PI_WARN, "Endpoint whose behaviours add up", EXPFILL}},
        {&fs_ei_missing,
         {"foreshadow.expert.missing", PI_SEQUENCE, PI_NOTE, "Packets are missing before this one", EXPFILL}},
        {&fs_ei_heartbeat,
         {"foreshadow.expert.heartbeat", PI_SEQUENCE, PI_WARN, "Something regular stopped, or is back", EXPFILL}},
        {&fs_ei_synthetic,
         {"foreshadow.expert.synthetic", PI_COMMENTS_GROUP, PI_COMMENT,
          "Synthetic packet: made by Foreshadow, never captured", EXPFILL}},
        {&fs_ei_error,
         {"foreshadow.expert.error", PI_UNDECODED, PI_ERROR, "Packets are not scored", EXPFILL}},
    };
    static int *trees[FS_TREES];
    unsigned number;
    for (number = 0; number < FS_FIELDS; number++) fs_field[number] = -1;
    for (number = 0; number < FS_TREES; number++) {
        fs_tree[number] = -1;
        trees[number] = &fs_tree[number];
    }
    proto_register_field_array(protocol, fields, array_length(fields));
    proto_register_subtree_array(trees, FS_TREES);
    expert_register_field_array(expert_register_protocol(protocol), infos, array_length(infos));
}
