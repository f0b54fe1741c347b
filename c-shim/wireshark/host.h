/*
 * host.h - Wireshark's own headers, and what differs between its versions. Nothing else does.
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One source for 4.0, 4.2, 4.4 and 4.6. A plugin loads into the minor version it was built for only.
 */
#ifndef FORESHADOW_HOST_H
#define FORESHADOW_HOST_H

/* Some headers of 4.7 on refuse to be read without it. */
#ifndef WS_BUILD_DLL
#define WS_BUILD_DLL
#endif
#include <wireshark.h>
#include <ws_version.h>

#include <epan/epan.h>
#include <epan/expert.h>
#include <epan/packet.h>
#include <epan/plugin_if.h>
#include <epan/prefs.h>
#include <epan/proto.h>
#include <epan/proto_data.h>
#include <epan/stat_tap_ui.h>
#include <epan/stats_tree.h>
#include <epan/tap.h>
#include <wiretap/pcap-encap.h>
#include <wiretap/wtap.h>
#include <wiretap/wtap_opttypes.h>
#include <wsutil/report_message.h>

#define WS_AT_LEAST(major, minor)                                                                  \
    (WIRESHARK_VERSION_MAJOR > (major) ||                                                          \
     (WIRESHARK_VERSION_MAJOR == (major) && WIRESHARK_VERSION_MINOR >= (minor)))
#if !WS_AT_LEAST(4, 0)
#error "the Foreshadow plugin needs Wireshark 4.0 or newer"
#endif

/* A preference that is on or off: an int before 4.4, a bool since. */
#if WS_AT_LEAST(4, 4)
typedef bool fs_switch;
#else
typedef gboolean fs_switch;
#endif

/* What puts an entry of the statistics menu into a submenu; a plain slash before 4.2. */
#ifndef STATS_TREE_MENU_SEPARATOR
#define STATS_TREE_MENU_SEPARATOR "/"
#endif

/* The section of the file that a packet stands in; interfaces are counted by section since 4.4. */
static inline unsigned fs_section(const packet_info *pinfo)
{
#if WS_AT_LEAST(4, 4)
    return pinfo->rec->presence_flags & WTAP_HAS_SECTION_NUMBER ? pinfo->rec->section_number : 0;
#else
    (void)pinfo;
    return 0;
#endif
}

/* The name of a packet's interface, which must have one (WTAP_HAS_INTERFACE_ID); NULL if it has no name. */
static inline const char *fs_interface_name(const packet_info *pinfo)
{
#if WS_AT_LEAST(4, 4)
    return epan_get_interface_name(pinfo->epan, pinfo->rec->rec_header.packet_header.interface_id, fs_section(pinfo));
#else
    return epan_get_interface_name(pinfo->epan, pinfo->rec->rec_header.packet_header.interface_id);
#endif
}

#endif
