/*
 * foreshadow.h - the C interface of Foreshadow, which knows which packet should come next.
 *
 * A host (Zeek, Wireshark, any capture tool) opens a sensor, pushes every packet into it, and polls
 * events out of it: packets that were due and did not come, packets nobody expected, connections
 * that ended. docs/abi.md has a complete host in thirty lines.
 *
 * This file is written by hand and is the one truth: the Rust side is compiled against it.
 *
 * Versions
 *   FORESHADOW_ABI_VERSION is raised only when a host compiled against an older header could no
 *   longer work. Compare it with foreshadow_abi_version() before anything else.
 *   Without raising it, these may be added: functions, constants (a new status, event kind or
 *   reason: treat one you do not know as "other"), and fields at the end of a struct that begins
 *   with `size`. Numbers are never reused, fields never move.
 *
 * Structs
 *   A struct that begins with `size` may grow. Set all of it to zero, then `size` to its sizeof, and
 *   leave reserved fields zero. The library reads and writes no byte beyond `size`, never changes
 *   the `size` you set, and sets to zero what it does not know. A `size` below the struct's first
 *   published one is FORESHADOW_STATUS_SIZE; so is a larger one that goes in with a byte set
 *   that the library does not know, since it cannot do what that byte asks.
 *   A struct without `size` is a part of others and stays as it is for ever.
 *
 * Ownership
 *   Every pointer is borrowed for the call alone: the library copies what it keeps, never frees
 *   what the host made, and never hands out memory to be freed. The one thing to give back is the
 *   sensor, with foreshadow_sensor_close. Pointers to constant text stay valid while the library
 *   is loaded. Structs need no particular alignment.
 *
 * Threads
 *   One sensor, one thread at a time; it may move between threads. Two calls on one sensor at once:
 *   the later one gets FORESHADOW_STATUS_BUSY and does nothing. Different sensors are independent.
 *   No function blocks, starts a thread, or calls back; only foreshadow_sensor_open does I/O, and
 *   where config key `store.path` names a file, also the poll that gives a stats event, finish and
 *   close: each may write that file, which takes some tens of milliseconds.
 *   Only foreshadow_abi_version, foreshadow_version and foreshadow_status_text may be called in a
 *   signal handler.
 *
 * Failing
 *   Each function that can fail returns a status and leaves the reason as text for
 *   foreshadow_last_error. A fault inside the library never unwinds into the host: that call
 *   returns FORESHADOW_STATUS_PANIC, and the sensor is poisoned. From then on it answers every call
 *   but foreshadow_last_error and foreshadow_sensor_close with FORESHADOW_STATUS_POISONED, and every
 *   push with an unscored verdict. Other sensors are not touched.
 *
 * Words
 *   Side A of a connection sent its first packet that was seen, side B is the other one; which of
 *   them is the originator is told apart from that. Times are nanoseconds since
 *   1970-01-01T00:00:00Z on the capture's clock, spans are nanoseconds, surprise is in bits.
 */
#ifndef FORESHADOW_H
#define FORESHADOW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The version of this header; also the number in the library's soname. */
#define FORESHADOW_ABI_VERSION 1

/** A sensor: one instance of the whole line. A handle, not an address: never dereference it. */
typedef struct foreshadow_sensor foreshadow_sensor;

/* ---- Status ------------------------------------------------------------------------------- */

/** What a function answers: one of FORESHADOW_STATUS_*, 0 when it did what was asked. */
typedef int32_t foreshadow_status;

enum foreshadow_status_code {
    /** Done. */
    FORESHADOW_STATUS_OK = 0,
    /** A pointer that must not be null is null. */
    FORESHADOW_STATUS_NULL = 1,
    /** The `size` of a struct is none that this library can serve. */
    FORESHADOW_STATUS_SIZE = 2,
    /** The host was compiled for another FORESHADOW_ABI_VERSION. */
    FORESHADOW_STATUS_VERSION = 3,
    /** The sensor is not open: closed already, or never a sensor. */
    FORESHADOW_STATUS_HANDLE = 4,
    /** Another thread is in a call on this sensor. */
    FORESHADOW_STATUS_BUSY = 5,
    /** A fault inside the library in this very call; the sensor is poisoned from here on. */
    FORESHADOW_STATUS_PANIC = 6,
    /** There was a fault in an earlier call; nothing was done. */
    FORESHADOW_STATUS_POISONED = 7,
    /** A value is outside its range, or text is not UTF-8. */
    FORESHADOW_STATUS_ARGUMENT = 8,
    /** The configuration cannot be read or is wrong; the error text names key, line, what was expected. */
    FORESHADOW_STATUS_CONFIG = 9,
    /** The model cannot be read or used. */
    FORESHADOW_STATUS_MODEL = 10,
    /** No live connection has this id: it ended, or there never was one. */
    FORESHADOW_STATUS_CONNECTION = 11,
    /** The text is longer than the buffer; the buffer holds its beginning. */
    FORESHADOW_STATUS_BUFFER = 12,
    /** An event of a kind, or with contents, that this library does not know. */
    FORESHADOW_STATUS_EVENT = 13,
    /** The sensor was finished: nothing more can be pushed. */
    FORESHADOW_STATUS_FINISHED = 14,
    /** As many sensors are open as can be (FORESHADOW_SENSORS_MAX). */
    FORESHADOW_STATUS_LIMIT = 15,
    /** The file that config key `store.path` names is in use by another sensor, or cannot be written. */
    FORESHADOW_STATUS_STORE = 16,
    /** A blob was refused (the error text names why), or the configuration is that of no federation. */
    FORESHADOW_STATUS_FEDERATION = 17
};

/** How many sensors one process can hold open. */
#define FORESHADOW_SENSORS_MAX 1024

/** What merges the blobs of a federation's sensors. A handle, not an address: never dereference it. */
typedef struct foreshadow_aggregator foreshadow_aggregator;

/** How many aggregators one process can hold open. */
#define FORESHADOW_AGGREGATORS_MAX 16

/* ---- Parts: structs without `size`, used in others ------------------------------------------ */

/** An address in network byte order; IPv4 as ::ffff:a.b.c.d. */
typedef struct foreshadow_address {
    uint8_t bytes[16];
} foreshadow_address;

enum foreshadow_side {
    /** The sender of the connection's first packet. */
    FORESHADOW_SIDE_A = 0,
    /** The other end. */
    FORESHADOW_SIDE_B = 1
};

/** Which connection something concerns. */
typedef struct foreshadow_identity {
    /** The sensor's id of the connection, never 0; of no use once the connection ended. */
    uint64_t connection;
    /** The host's own number, as given in foreshadow_packet.host_id; 0 where it gave none. */
    uint64_t host_id;
    /** Upper half of a number that is the same wherever the same capture is read with the same seed. */
    uint64_t uid_high;
    /** Lower half of it. */
    uint64_t uid_low;
    /** Address of side A. */
    foreshadow_address address_a;
    /** Address of side B. */
    foreshadow_address address_b;
    /** Port of side A, or the ICMP type of its packets; 0 where the protocol has none. */
    uint16_t port_a;
    /** Port of side B, or the ICMP type of its answers (the code where there is none). */
    uint16_t port_b;
    /** A number for VLAN or tunnel where the configuration keeps connections apart by it, else 0. */
    uint16_t domain;
    /** IP protocol number. */
    uint8_t protocol;
    /** FORESHADOW_SIDE_*: who is the originator. */
    uint8_t originator;
} foreshadow_identity;

/** How unexpected a packet was, in bits (-log2 of its probability), by part. */
typedef struct foreshadow_surprise {
    /** All parts together. */
    float total;
    /** Who sent it, with which flags. */
    float side_flags;
    /** How large it was. */
    float payload_len;
    /** When it came; 0 for a connection's first packet. */
    float time;
    /** How random its payload was; 0 where the model does not look. */
    float entropy;
} foreshadow_surprise;

/** The packet that was forecast. */
typedef struct foreshadow_expectation {
    /** Time from the connection's last packet: 5 % come sooner. */
    uint64_t time_low_ns;
    /** Half come sooner. */
    uint64_t time_median_ns;
    /** 5 % come later. */
    uint64_t time_high_ns;
    /** When it counts as missed, from the last packet. */
    uint64_t deadline_ns;
    /** Payload bytes: 5 % are smaller. */
    uint32_t payload_low;
    /** The likeliest. */
    uint32_t payload_mode;
    /** 5 % are larger. */
    uint32_t payload_high;
    /** Probability of that side with those flags, 0 to 1. */
    float side_flags_probability;
    /** Probability that nothing more comes on this connection, 0 to 1. */
    float nothing_more;
    /** Probability that a packet comes, and by the deadline, 0 to 1. */
    float confidence;
    /** FORESHADOW_SIDE_*: the likelier sender. */
    uint8_t side;
    /** The likeliest TCP flags, as in byte 13 of the header. */
    uint8_t flags;
    uint8_t reserved[6];
} foreshadow_expectation;

/** Bits of the `has` fields: which optional values a struct carries. The others are 0. */
enum foreshadow_has {
    /** foreshadow_facts.since_ns: absent for a connection's first packet. */
    FORESHADOW_HAS_SINCE = 0x01,
    /** The `entropy` of foreshadow_facts (absent where there was too little payload) and of
     *  foreshadow_synthetic (absent where nothing is known of it). */
    FORESHADOW_HAS_ENTROPY = 0x02,
    /** The `sequence` of foreshadow_synthetic and foreshadow_outcome: known where TCP or RTP fixes it. */
    FORESHADOW_HAS_SEQUENCE = 0x04,
    /** foreshadow_synthetic.acknowledgement: likewise. */
    FORESHADOW_HAS_ACKNOWLEDGEMENT = 0x08,
    /** foreshadow_connection.vlan_outer. */
    FORESHADOW_HAS_VLAN_OUTER = 0x10,
    /** foreshadow_connection.vlan_inner. */
    FORESHADOW_HAS_VLAN_INNER = 0x20,
    /** foreshadow_connection.tunnel. */
    FORESHADOW_HAS_TUNNEL = 0x40,
    /** foreshadow_outcome.came_len: absent where nothing came. */
    FORESHADOW_HAS_CAME = 0x80,
    /** foreshadow_heartbeat.uid_high and uid_low. */
    FORESHADOW_HAS_UID = 0x100
};

/** The packet that came, in the model's words. */
typedef struct foreshadow_facts {
    /** Time since the connection's previous packet (FORESHADOW_HAS_SINCE). */
    uint64_t since_ns;
    /** How many packets of the connection came before. */
    uint32_t position;
    /** Transport payload bytes on the wire. */
    uint32_t payload_len;
    /** All bytes on the wire. */
    uint32_t wire_len;
    /** TCP window, unscaled; 0 for other protocols. */
    uint16_t window;
    /** Which of the optional values are there: FORESHADOW_HAS_*. */
    uint16_t has;
    /** FORESHADOW_SIDE_*: who sent it. */
    uint8_t side;
    /** IP protocol number. */
    uint8_t protocol;
    /** TCP flags, as in byte 13 of the header; 0 for other protocols. */
    uint8_t flags;
    /** Entropy of the payload's beginning in 1/32 bit a byte (FORESHADOW_HAS_ENTROPY). */
    uint8_t entropy;
    uint8_t reserved[4];
} foreshadow_facts;

/** What one side of a connection sent. */
typedef struct foreshadow_counters {
    /** Packets, fragments included. */
    uint64_t packets;
    /** IP bytes, headers included, by the IP header. */
    uint64_t ip_bytes;
    /** Bytes on the wire, link header included. */
    uint64_t wire_bytes;
    /** Transport payload bytes; for TCP by sequence numbers, so that a retransmission counts once. */
    uint64_t payload_bytes;
    /** TCP bytes that were never seen though later ones, or their acknowledgement, were. */
    uint64_t missed_bytes;
    /** TCP payload packets that carried only bytes seen before. */
    uint32_t retransmissions;
    /** TCP payload packets that came behind a later one and filled a hole. */
    uint32_t out_of_order;
} foreshadow_counters;

enum foreshadow_tunnel_kind {
    FORESHADOW_TUNNEL_GRE = 1,
    FORESHADOW_TUNNEL_IP_IN_IP = 2,
    FORESHADOW_TUNNEL_VXLAN = 3,
    FORESHADOW_TUNNEL_GENEVE = 4,
    FORESHADOW_TUNNEL_GTP_U = 5
};

/** The tunnel that carried a connection's first packet. */
typedef struct foreshadow_tunnel {
    /** Source of the innermost carrier. */
    foreshadow_address source;
    /** Destination of the innermost carrier. */
    foreshadow_address destination;
    /** VNI, GTP TEID or GRE key; 0 where it has none. */
    uint32_t id;
    /** FORESHADOW_TUNNEL_*: the innermost tunnel's kind. */
    uint8_t kind;
    /** How many tunnels were opened on the way. */
    uint8_t depth;
    uint8_t reserved[2];
} foreshadow_tunnel;

/** What the forecast made of a connection's packets. */
typedef struct foreshadow_score {
    /** Packets scored. */
    uint32_t scored;
    /** Packets that were anomalies. */
    uint32_t anomalies;
    /** Synthetic packets made. */
    uint32_t synthetic;
    /** Surprise of all packets together, in bits; divide by `scored` for the mean. */
    float total;
    /** The largest surprise of one packet, in bits. */
    float max;
    /** Evidence against the ordinary in bits: the most there was, its endpoints' included. */
    float severity;
} foreshadow_score;

/** What speaks against the ordinary. */
enum foreshadow_reason {
    /** Packets that surprised, one after the other. */
    FORESHADOW_REASON_PACKETS = 1,
    /** A meeting that did not happen before, and packets that surprised. */
    FORESHADOW_REASON_NOVELTY = 2,
    /** First meetings that came to nothing: `seen` of `of`. */
    FORESHADOW_REASON_FAILURES = 3,
    /** Bytes the originator sent: `seen`, which a share of `rarest` connections of its service reach. */
    FORESHADOW_REASON_BYTES_SENT = 8,
    /** Bytes the responder sent, likewise. */
    FORESHADOW_REASON_BYTES_RECEIVED = 9,
    /** Packets, likewise. */
    FORESHADOW_REASON_MANY_PACKETS = 10,
    /** Connections an endpoint began within a minute: `seen`, where `usual` are. */
    FORESHADOW_REASON_OPENED = 16,
    /** Services it turned to for the first time, likewise. */
    FORESHADOW_REASON_NEW_SERVICES = 17,
    /** Connections it began that came to nothing, likewise. */
    FORESHADOW_REASON_FAILED = 18,
    /** Connections begun with it, likewise. */
    FORESHADOW_REASON_RECEIVED = 19,
    /** Endpoints that turned to it for the first time, likewise. */
    FORESHADOW_REASON_NEW_SOURCES = 20,
    /** Connections begun with it that it did not answer, likewise. */
    FORESHADOW_REASON_UNANSWERED = 21,
    /** Well-known services of endpoints it had met for others, and echoes to strangers, likewise. */
    FORESHADOW_REASON_PROBES = 22,
    /** Connections to services that ask for a password, to which it had turned before, likewise. */
    FORESHADOW_REASON_LOGINS = 23
};

/** Evidence that reached the threshold of its kind. */
typedef struct foreshadow_finding {
    /** Evidence in bits. */
    float severity;
    /** The evidence from which it was an alarm at that time. */
    float threshold;
    /** Share of this site's connections, or of its endpoints' minutes, that come to as much. */
    float share;
    /** For packets and novelty: the rarest packet, as a share of packets like it; for bytes and many
     *  packets: the share of connections of its service that carry as much; else 0. */
    float rarest;
    /** For counts: how many there usually are in a minute; else 0. */
    float usual;
    /** For counts, failures, bytes and many packets: how many there were; else 0. */
    uint32_t seen;
    /** For failures: of how many; else 0. */
    uint32_t of;
    /** FORESHADOW_REASON_*: what spoke loudest. */
    uint8_t reason;
    uint8_t reserved[3];
} foreshadow_finding;

/** What a part of the evidence is about. */
enum foreshadow_term {
    /** There is no further term. */
    FORESHADOW_TERM_NONE = 0,
    /** A connection's packets, one after the other, its beginning included. */
    FORESHADOW_TERM_PACKETS = 1,
    /** Of these, what the connection's beginning was worth: ends or a service that are new here. */
    FORESHADOW_TERM_BEGINNING = 2,
    /** The bet on a connection's rarest packet alone. */
    FORESHADOW_TERM_RAREST = 3,
    /** The bet on what a connection carries. */
    FORESHADOW_TERM_VOLUME = 4,
    /** An endpoint's counts of this minute. */
    FORESHADOW_TERM_MINUTE = 5,
    /** An endpoint's minutes before. */
    FORESHADOW_TERM_BEFORE = 6,
    /** First meetings that came to nothing. */
    FORESHADOW_TERM_FAILURES = 7
};

/** What a finding is made of, beside what spoke loudest. */
typedef struct foreshadow_evidence {
    /** The largest terms in bits, the largest first; they stand side by side and do not add up. */
    float bits[3];
    /** FORESHADOW_TERM_*: what each is about. */
    uint8_t terms[3];
    /** 1 where `expected_*` hold: something was counted. */
    uint8_t has_expected;
    /** Connections, or minutes of endpoints, seen here so far: what the finding's `share` rests on. */
    uint32_t known;
    /** The count as it usually is: 5 % are smaller. */
    uint32_t expected_low;
    /** Half are smaller. */
    uint32_t expected_median;
    /** 5 % are larger. */
    uint32_t expected_high;
} foreshadow_evidence;

/* ---- What goes in ------------------------------------------------------------------------- */

enum foreshadow_mode {
    /** As FORESHADOW_MODE_REPLAY. */
    FORESHADOW_MODE_DEFAULT = 0,
    /** Packets come as they happen: work may be shed rather than hold up the host. */
    FORESHADOW_MODE_LIVE = 1,
    /** Packets come from a file: the same bytes give the same events, however long that takes. */
    FORESHADOW_MODE_REPLAY = 2
};

/** How to open a sensor. A field left null or 0 means the default; text is UTF-8. */
typedef struct foreshadow_options {
    uint32_t size;
    /** FORESHADOW_ABI_VERSION, as the host was compiled with; must be set. */
    uint32_t abi_version;
    /** The configuration itself, as TOML. At most one of this and `config_path`. */
    const char *config_toml;
    /** A file that holds it. */
    const char *config_path;
    /** A model file instead of the one the configuration names. */
    const char *model_path;
    /** FORESHADOW_MODE_*. */
    uint32_t mode;
    uint32_t reserved;
    /** Single settings laid over the configuration, a line `key = value` each, the key in full, as
     *  `foreshadow run --set` takes them: "score.alarms_per_day = 4\n". Empty lines are skipped. */
    const char *settings;
} foreshadow_options;

/** A hint on who sent a packet, from a host that keeps connections of its own. */
enum foreshadow_direction {
    FORESHADOW_DIRECTION_UNKNOWN = 0,
    /** The connection's originator sent it. */
    FORESHADOW_DIRECTION_FROM_ORIGINATOR = 1,
    /** The responder sent it. */
    FORESHADOW_DIRECTION_FROM_RESPONDER = 2
};

/** What a host wants beyond a plain verdict. */
enum foreshadow_want {
    /** What the verdict rests on: foreshadow_verdict.categories, .seen and .expected.
     *  Reading the forecast out costs about as much as the push itself. */
    FORESHADOW_WANT_EXPLANATION = 0x01
};

/** One captured packet. Do not push packets that Foreshadow made. */
typedef struct foreshadow_packet {
    uint32_t size;
    /** How many bytes `data` points to; what the capture kept of the packet. */
    uint32_t captured_len;
    /** The captured bytes from the link header on; may be null if there are none. */
    const uint8_t *data;
    /** The packet's own time. */
    int64_t time_ns;
    /** The host's own number for the packet's connection; 0 or UINT64_MAX if it has none. It comes
     *  back in events as it is, and never tells connections apart. */
    uint64_t host_id;
    /** How many bytes the packet had on the wire. */
    uint32_t wire_len;
    /** LINKTYPE_* number of `data`, as in a pcap file (not the capture system's DLT_*). */
    uint16_t link_type;
    /** FORESHADOW_DIRECTION_*. */
    uint8_t direction;
    /** What is wanted of it: FORESHADOW_WANT_*, together or 0. */
    uint8_t wants;
} foreshadow_packet;

/* ---- What comes out ----------------------------------------------------------------------- */

/** The answer to one packet, at once. All zero where there is none: unscored, no connection. */
typedef struct foreshadow_verdict {
    uint32_t size;
    /** FORESHADOW_SIDE_*: who sent it. */
    uint8_t side;
    /** 1 if it began its connection. */
    uint8_t is_new;
    /** 1 if it was scored, that is, `surprise` holds something. */
    uint8_t scored;
    /** 1 if it is an anomaly; the event has the reasons. */
    uint8_t anomalous;
    /** Id of its connection; 0 if it belongs to none. */
    uint64_t connection;
    /** Its surprise. */
    foreshadow_surprise surprise;
    /** Share of packets like it that surprise as much here, 0 to 1; 0 where it was not scored. */
    float probability;
    /** Evidence against its connection so far, in bits. */
    float evidence;
    /** The categories its connection has been counted in, in the window that stands open: the config's
     *  first in the lowest bit; foreshadow_category_name has their names. This and what follows is there
     *  only if the packet asked for it (FORESHADOW_WANT_EXPLANATION) and was scored; else zero. */
    uint32_t categories;
    /** What came. */
    foreshadow_facts seen;
    /** What was expected before it came. */
    foreshadow_expectation expected;
} foreshadow_verdict;

enum foreshadow_synthetic_kind {
    /** Its deadline passed and nothing came. */
    FORESHADOW_SYNTHETIC_OVERDUE = 1,
    /** What came shows that it must have been sent. */
    FORESHADOW_SYNTHETIC_GAP = 2
};

/** How the hole behind a gap packet was found. */
enum foreshadow_why {
    /** No hole: the packet is overdue. */
    FORESHADOW_WHY_NONE = 0,
    /** TCP: a later segment came before the bytes in front of it. */
    FORESHADOW_WHY_HOLE = 1,
    /** TCP: the peer acknowledged bytes that nobody saw. */
    FORESHADOW_WHY_ACKNOWLEDGED = 2,
    /** RTP: numbers were skipped. */
    FORESHADOW_WHY_RTP = 3,
    /** A request on a service that always answers was not answered. */
    FORESHADOW_WHY_NO_RESPONSE = 4,
    /** Its sender's IP identification counts a packet that left no other mark. */
    FORESHADOW_WHY_NUMBERING = 5
};

/** Where a gap packet stands in its hole; all zero for an overdue one. */
typedef struct foreshadow_gap {
    /** Which packet of the hole it is, from 1. */
    uint32_t part;
    /** Packets made for the hole. */
    uint32_t parts;
    /** What the hole held beyond these packets: bytes, for RTP packets. The same in each part. */
    uint32_t left;
    /** FORESHADOW_WHY_*. */
    uint8_t why;
    uint8_t reserved[3];
} foreshadow_gap;

/**
 * A packet that should have come and did not; event.time_ns is when it was made: as its deadline
 * passed, or as something came that shows it was sent. One foreshadow_outcome follows.
 */
typedef struct foreshadow_synthetic {
    uint32_t size;
    /** Which of the optional values are there: FORESHADOW_HAS_*. */
    uint16_t has;
    /** FORESHADOW_SYNTHETIC_*. */
    uint8_t kind;
    /** How many were made since the last real packet, this one included. */
    uint8_t run;
    /** The connection it belongs to. */
    foreshadow_identity who;
    /** Time of the connection's last real packet. */
    int64_t last_ns;
    /** TCP sequence number it would have; for RTP its number (FORESHADOW_HAS_SEQUENCE). */
    uint32_t sequence;
    /** TCP acknowledgement number it would have (FORESHADOW_HAS_ACKNOWLEDGEMENT). */
    uint32_t acknowledgement;
    /** The forecast it was made from. */
    foreshadow_expectation expected;
    /** Its number, from 1; none comes twice from one sensor. */
    uint64_t serial;
    /** When it should have come: the deadline, or for a gap an estimate between its neighbours. */
    int64_t due_ns;
    /** Its place in the hole. */
    foreshadow_gap gap;
    /** Payload bytes it would have; exact together with `sequence` for a TCP gap. */
    uint32_t payload_len;
    /** How sure it is that such a packet was sent, or should have been: 0 to 1. */
    float confidence;
    /** How likely it is that it did come and the capture lost it, 0 to 1. */
    float capture_loss;
    /** FORESHADOW_SIDE_*: who should have sent it. */
    uint8_t side;
    /** TCP flags it would have, as in byte 13 of the header; 0 for other protocols. */
    uint8_t flags;
    /** Entropy its payload would have in 1/32 bit a byte (FORESHADOW_HAS_ENTROPY). */
    uint8_t entropy;
    uint8_t reserved;
} foreshadow_synthetic;

enum foreshadow_outcome_kind {
    /** The real one came after all. */
    FORESHADOW_OUTCOME_LATE = 1,
    /** A retransmission brought its bytes. */
    FORESHADOW_OUTCOME_FILLED = 2,
    /** Who it was for acknowledged it, so that it came there, unseen here. */
    FORESHADOW_OUTCOME_LOST = 3,
    /** Nothing like it ever came. */
    FORESHADOW_OUTCOME_PHANTOM = 4
};

/** What became of a synthetic packet; event.time_ns is when that was clear. Each has exactly one. */
typedef struct foreshadow_outcome {
    uint32_t size;
    /** Which of the optional values are there: FORESHADOW_HAS_*. */
    uint16_t has;
    /** FORESHADOW_OUTCOME_*. */
    uint8_t outcome;
    /** FORESHADOW_SYNTHETIC_*: what it was made as. */
    uint8_t kind;
    /** The connection it belongs to. */
    foreshadow_identity who;
    /** The packet's number: foreshadow_synthetic.serial. */
    uint64_t serial;
    /** When it was made. */
    int64_t made_ns;
    /** When it should have come. */
    int64_t due_ns;
    /** Its place in the hole. */
    foreshadow_gap gap;
    /** Payload bytes it would have. */
    uint32_t payload_len;
    /** TCP sequence number it would have; for RTP its number (FORESHADOW_HAS_SEQUENCE). */
    uint32_t sequence;
    /** Payload bytes of the packet that came in its place (FORESHADOW_HAS_CAME). */
    uint32_t came_len;
    /** How likely it is that it did come and the capture lost it, 0 to 1, as known by then. */
    float capture_loss;
    /** FORESHADOW_SIDE_*: who should have sent it. */
    uint8_t side;
    uint8_t reserved[7];
} foreshadow_outcome;

enum foreshadow_change {
    /** A cadence that held: its beats no longer come, though others' packets do. */
    FORESHADOW_CHANGE_STOPPED = 1,
    /** One that had stopped is back. */
    FORESHADOW_CHANGE_RESUMED = 2,
    /** Nothing at all comes any more: the capture itself may have stopped. Said once for all. */
    FORESHADOW_CHANGE_SILENCE = 3
};

enum foreshadow_beats {
    /** The packets that one side of a connection sends. */
    FORESHADOW_BEATS_PACKETS = 1,
    /** The connections that one endpoint begins to another on one service. */
    FORESHADOW_BEATS_CONNECTIONS = 2
};

/** A missing heartbeat; event.time_ns is when the wait for it was over, or when it came back. */
typedef struct foreshadow_heartbeat {
    uint32_t size;
    /** Which of the optional values are there: FORESHADOW_HAS_*. */
    uint16_t has;
    /** FORESHADOW_CHANGE_*. */
    uint8_t change;
    /** FORESHADOW_BEATS_*. */
    uint8_t beats;
    /** Who sends the packets, or begins the connections. */
    foreshadow_address source;
    /** To whom. */
    foreshadow_address destination;
    /** Upper half of the connection's uid (FORESHADOW_HAS_UID). */
    uint64_t uid_high;
    /** Lower half of it. */
    uint64_t uid_low;
    /** Time between beats. */
    uint64_t period_ns;
    /** Seven in eight beats come within this of their time. */
    uint64_t jitter_ns;
    /** The last beat before the silence. */
    int64_t last_ns;
    /** How long after it the cadence counts as stopped. */
    uint64_t wait_ns;
    /** Beats so far. */
    uint32_t count;
    /** Beats that did not come. */
    uint32_t missed;
    /** Cadences believed now, this one included. */
    uint32_t cadences;
    /** Port of the source; 0 for connections, which have one each. */
    uint16_t source_port;
    /** Port of the destination. */
    uint16_t destination_port;
    /** Port of the service they speak. */
    uint16_t service_port;
    /** IP protocol number. */
    uint8_t protocol;
    uint8_t reserved[5];
} foreshadow_heartbeat;

/** A packet that was not expected; event.time_ns is when it came. */
typedef struct foreshadow_anomaly {
    uint32_t size;
    /** Surprise in bits from which a packet like it was an anomaly at that time. */
    float threshold;
    /** The connection it came on. */
    foreshadow_identity who;
    /** What was expected before it came. */
    foreshadow_expectation expected;
    /** What came. */
    foreshadow_facts seen;
    /** How unexpected that was, and which part of it. */
    foreshadow_surprise surprise;
    /** Share of packets of its service, at its stage of a connection, that surprise as much here. */
    float probability;
    /** `surprise` as it counts, by the configuration's weights: what is compared with `threshold`. */
    foreshadow_surprise counted;
    /** How many such packets were seen here; 0 where its service is not told apart from its protocol. */
    uint32_t known;
} foreshadow_anomaly;

/** A connection whose packets together are too unlikely; event.time_ns is when they became so. */
typedef struct foreshadow_anomalous_connection {
    uint32_t size;
    uint32_t reserved;
    /** The connection. */
    foreshadow_identity who;
    /** What the scores said. */
    foreshadow_finding finding;
    /** What its packets had scored. */
    foreshadow_score score;
    /** What the finding is made of. */
    foreshadow_evidence evidence;
    /** What was expected of the packet that tipped it over. */
    foreshadow_expectation expected;
    /** That packet. */
    foreshadow_facts seen;
    /** How unexpected it was, and which part of it. */
    foreshadow_surprise surprise;
    /** The same as it counts, by the configuration's weights. */
    foreshadow_surprise counted;
} foreshadow_anomalous_connection;

/** An endpoint that does, or suffers, what it does not usually; event.time_ns is when that was clear. */
typedef struct foreshadow_anomalous_endpoint {
    uint32_t size;
    /** As in foreshadow_identity. */
    uint16_t domain;
    uint8_t reserved[2];
    /** Whose behaviour it is. */
    foreshadow_address address;
    /** What the scores said. */
    foreshadow_finding finding;
    /** What the finding is made of. */
    foreshadow_evidence evidence;
} foreshadow_anomalous_endpoint;

enum foreshadow_close_reason {
    /** Not closed: the connection is live. */
    FORESHADOW_CLOSE_NONE = 0,
    /** Nothing came for the time-out of its protocol and state. */
    FORESHADOW_CLOSE_TIMEOUT = 1,
    /** A fresh SYN began another connection between the same addresses and ports. */
    FORESHADOW_CLOSE_REUSED = 2,
    /** The table was full. */
    FORESHADOW_CLOSE_EVICTED = 3,
    /** The host closed it. */
    FORESHADOW_CLOSE_HOST = 4,
    /** The sensor was finished. */
    FORESHADOW_CLOSE_SHUTDOWN = 5,
    /** The capture's clock was set back. */
    FORESHADOW_CLOSE_CLOCK_RESET = 6
};

/** A connection as it stands; in an event, event.time_ns is when it was closed. */
typedef struct foreshadow_connection {
    uint32_t size;
    /** Which of the optional values are there: FORESHADOW_HAS_*. */
    uint16_t has;
    /** FORESHADOW_CLOSE_*. */
    uint8_t close_reason;
    uint8_t reserved;
    /** Which connection it is. */
    foreshadow_identity who;
    /** Time of its first packet. */
    int64_t first_ns;
    /** Time of its last packet. */
    int64_t last_ns;
    /** What each side sent, by FORESHADOW_SIDE_*. */
    foreshadow_counters sides[2];
    /** The tunnel of its first packet (FORESHADOW_HAS_TUNNEL). */
    foreshadow_tunnel tunnel;
    /** What the forecast made of it. */
    foreshadow_score score;
    /** Zeek's conn_state, such as "SF"; ends with a zero byte. */
    char state[8];
    /** Zeek's history, such as "ShADadFf"; ends with a zero byte. */
    char history[24];
    /** Outer VLAN of its first packet (FORESHADOW_HAS_VLAN_OUTER). */
    uint16_t vlan_outer;
    /** Inner VLAN (FORESHADOW_HAS_VLAN_INNER). */
    uint16_t vlan_inner;
    uint8_t reserved_end[4];
} foreshadow_connection;

/** A category of behaviour at the end of an interval. */
typedef struct foreshadow_category {
    uint32_t size;
    uint32_t reserved;
    /** Length of the interval that ended at event.time_ns. */
    uint64_t interval_ns;
    /** The category's name; ends with a zero byte. */
    char name[64];
    /** Its weight after the interval. */
    double weight;
    /** Elements newly added in the interval. */
    uint64_t activity;
    /** How full the counter is, 0 to 1. */
    double fill;
    /** Estimate of how many distinct elements its open window holds. */
    double distinct;
    /** How likely it takes a new element for a known one, 0 to 1. */
    double false_positive_rate;
    /** 1 if it holds more than it was made for, else 0. */
    uint8_t is_overfull;
    uint8_t reserved_end[7];
} foreshadow_category;

/** An endpoint whose behaviours add up, once an episode. */
typedef struct foreshadow_target {
    uint32_t size;
    /** The categories it appears in, the config's first in the lowest bit. */
    uint32_t category_mask;
    /** Whose behaviour it is. */
    foreshadow_address address;
    /** Sum of the weights of those categories. */
    double score;
    /** The score from which a target is told of. */
    double threshold;
    /** When it was first seen in one, and when last. */
    int64_t first_ns;
    int64_t last_ns;
    /** Names of those that weigh most, heaviest first; each ends with a zero byte, unused ones are empty. */
    char heaviest[6][48];
    /** How many sensors of the federation saw it, where its score is the whole network's; 1 where it is
     *  this sensor's own. */
    uint32_t sensors;
    uint8_t reserved_end[4];
} foreshadow_target;

/** Events were lost because nobody polled; event.time_ns is the time of the first one lost. */
typedef struct foreshadow_shed {
    uint32_t size;
    uint32_t reserved;
    /** How many were lost. */
    uint64_t events;
} foreshadow_shed;

/** Totals since the sensor was opened; the difference of two is what happened in between. */
typedef struct foreshadow_stats {
    uint32_t size;
    uint32_t reserved;
    /** Packets pushed. */
    uint64_t packets;
    /** Their bytes on the wire. */
    uint64_t wire_bytes;
    /** Packets without an IP header, so without a connection. */
    uint64_t not_ip;
    /** Packets cut off inside a header. */
    uint64_t truncated;
    /** Packets with a header that contradicts itself. */
    uint64_t malformed;
    /** Later fragments whose first one was never seen. */
    uint64_t orphan_fragments;
    /** Packets stamped earlier than one before them, within the tolerance. */
    uint64_t time_reversed;
    /** Times the capture's clock was set back. */
    uint64_t clock_resets;
    /** Connections begun. */
    uint64_t connections;
    /** Connections live now. */
    uint64_t live;
    /** The most that were live at once. */
    uint64_t live_peak;
    /** Connections closed early because the table was full. */
    uint64_t evicted;
    /** Packets scored. */
    uint64_t scored;
    /** Their surprise in all, in thousandths of a bit. */
    uint64_t surprise_millibits;
    /** Anomalies. */
    uint64_t anomalies;
    /** Synthetic packets. */
    uint64_t synthetic;
    /** Events lost because nobody polled. */
    uint64_t events_shed;
    /** Bytes of memory held for connections, model and deadlines. */
    uint64_t memory;
    /** Alarms on connections. */
    uint64_t anomalous_connections;
    /** Alarms on endpoints. */
    uint64_t anomalous_endpoints;
    /** Alarms not raised because as many as stated had been. */
    uint64_t alarms_held;
    /** Cadences believed now. */
    uint64_t cadences;
    /** Cadences that stopped. */
    uint64_t heartbeats_missing;
    /** Of the synthetic packets, those that stand for a gap; the others were overdue. */
    uint64_t gaps;
    /** Synthetic packets whose real one came after all. */
    uint64_t late;
    /** Synthetic packets whose bytes a retransmission brought. */
    uint64_t filled;
    /** Synthetic packets that reached their receiver unseen. */
    uint64_t lost;
    /** Synthetic packets of which nothing ever came. */
    uint64_t phantom;
    /** Synthetic packets not made because too many waited for their outcome. */
    uint64_t withheld;
    /** Packets in a million that the capture itself loses by now; the one counter that is no total. */
    uint64_t capture_loss_ppm;
} foreshadow_stats;

enum foreshadow_event_kind {
    /** data.synthetic: a packet was due and did not come. */
    FORESHADOW_EVENT_SYNTHETIC = 1,
    /** data.anomaly: a packet came that was not expected. */
    FORESHADOW_EVENT_ANOMALY = 2,
    /** data.connection: a connection ended. */
    FORESHADOW_EVENT_CONNECTION = 3,
    /** data.category: a category's interval ended. */
    FORESHADOW_EVENT_CATEGORY = 4,
    /** data.target: an endpoint's behaviours add up. */
    FORESHADOW_EVENT_TARGET = 5,
    /** data.shed: events were lost because nobody polled. */
    FORESHADOW_EVENT_SHED = 6,
    /** data.stats: the counters, at every stats interval of packet time and at the end. */
    FORESHADOW_EVENT_STATS = 7,
    /** data.outcome: what became of a synthetic packet. */
    FORESHADOW_EVENT_OUTCOME = 8,
    /** data.anomalous_connection: a connection's packets together are too unlikely. */
    FORESHADOW_EVENT_ANOMALOUS_CONNECTION = 9,
    /** data.anomalous_endpoint: an endpoint does, or suffers, what it does not usually. */
    FORESHADOW_EVENT_ANOMALOUS_ENDPOINT = 10,
    /** data.heartbeat: what came regularly no longer does, or does again. */
    FORESHADOW_EVENT_HEARTBEAT = 11
};

/** Something the host should hear of. */
typedef struct foreshadow_event {
    uint32_t size;
    /** FORESHADOW_EVENT_*: which member of `data` holds something. Skip kinds you do not know. */
    uint32_t kind;
    /** When it happened. */
    int64_t time_ns;
    /** What happened. Each member's own `size` says how much of it the library filled. */
    union foreshadow_event_data {
        foreshadow_synthetic synthetic;
        foreshadow_anomaly anomaly;
        foreshadow_connection connection;
        foreshadow_category category;
        foreshadow_target target;
        foreshadow_shed shed;
        foreshadow_stats stats;
        foreshadow_outcome outcome;
        foreshadow_anomalous_connection anomalous_connection;
        foreshadow_anomalous_endpoint anomalous_endpoint;
        foreshadow_heartbeat heartbeat;
        /** Room for the members to grow, so that the size of an event stays. */
        uint8_t room[512];
    } data;
} foreshadow_event;

/** What an aggregator did since it was opened. */
typedef struct foreshadow_aggregator_totals {
    uint32_t size;
    /** Sensors that are heard at present. */
    uint32_t sensors;
    /** Blobs taken. */
    uint64_t taken;
    /** Blobs refused; each refusal was a status with its reason. */
    uint64_t refused;
    /** Rounds closed. */
    uint64_t rounds;
    /** Times a sensor's counter was left out of a round, because it alone had overfilled it. */
    uint64_t left_out;
    /** Targets raised. */
    uint64_t targets;
    /** The round that the view is of: how many times config key `bloom.interval` passed since 1970. */
    uint64_t round;
    /** Targets in the view: the indices of foreshadow_aggregator_target are below this. */
    uint32_t targets_now;
    /** Categories: the indices of foreshadow_aggregator_category are below this. */
    uint32_t categories;
} foreshadow_aggregator_totals;

/** A target of the whole network, under its keyed hash: a sensor that met it knows its address. */
typedef struct foreshadow_network_target {
    uint32_t size;
    /** The categories it appears in, the config's first in the lowest bit. */
    uint32_t category_mask;
    /** The keyed hash. */
    uint8_t id[16];
    /** Sum of the network's weights of those categories. */
    double score;
    /** The round in which it came over the threshold. */
    uint64_t since;
    /** How many sensors saw it. */
    uint32_t sensors;
    uint32_t reserved;
} foreshadow_network_target;

/** A buffer of this size holds every line that foreshadow_event_format writes. */
#define FORESHADOW_LINE_MAX 2048

/* ---- Functions: the library ------------------------------------------------------------------ */

/** The FORESHADOW_ABI_VERSION the library was built with. If it is not the host's, stop here. */
uint32_t foreshadow_abi_version(void);

/** The library's release, such as "0.1.0"; constant text. */
const char *foreshadow_version(void);

/** One sentence on a status, "unknown status" for a number it does not know; constant text. */
const char *foreshadow_status_text(foreshadow_status status);

/**
 * Copies the reason of the last failure into `buffer`, in UTF-8 with a zero byte at the end.
 *
 * With an open `sensor`: of the last call on it that failed, even if others succeeded since; on a
 * poisoned one, of its fault. With a null one: of this thread's last call that failed and had no
 * open sensor to tell it to (open, format, a closed or busy sensor). The text is empty if there was none.
 * It is for people: log it, do not parse it.
 *
 * `needed`, if not null, is set to the bytes the whole text takes, zero byte included. `buffer` may
 * be null if `buffer_size` is 0. FORESHADOW_STATUS_BUFFER: it was cut to fit.
 * This function leaves the text as it is, whatever happens.
 */
foreshadow_status foreshadow_last_error(foreshadow_sensor *sensor, char *buffer, size_t buffer_size,
                                        size_t *needed);

/* ---- Functions: the sensor ------------------------------------------------------------------- */

/**
 * Opens a sensor and sets `*sensor` to it, or to null on failure.
 *
 * Reads the files named in `options` and takes the memory for its tables. A file that config key
 * `store.path` names and that can't be used is renamed; the sensor opens all the same, and
 * foreshadow_last_error on it says so in one line. The host owns the sensor
 * and closes it with foreshadow_sensor_close. The reason of a failure is in
 * foreshadow_last_error(NULL, ...) on the same thread.
 */
foreshadow_status foreshadow_sensor_open(const foreshadow_options *options, foreshadow_sensor **sensor);

/**
 * Closes a sensor and frees what it holds, poisoned or not. Events not polled are lost: call
 * foreshadow_sensor_finish and poll first. Any later use of the handle, a second close included,
 * is FORESHADOW_STATUS_HANDLE. A sensor that was not finished writes its store: where that fails,
 * FORESHADOW_STATUS_STORE, and it is closed all the same.
 */
foreshadow_status foreshadow_sensor_close(foreshadow_sensor *sensor);

/**
 * Pushes one packet: scores it against the forecast made before it, then learns of it.
 *
 * `verdict` may be null; its `size` must be set. On any failure it is set to unscored if it can be.
 * A malformed packet is no failure. Packets should come in the order of their times; docs/abi.md
 * says what happens when they do not. Allocates nothing for a packet of a known connection.
 */
foreshadow_status foreshadow_sensor_push(foreshadow_sensor *sensor, const foreshadow_packet *packet,
                                         foreshadow_verdict *verdict);

/**
 * Moves packet time on when no packet does, so that deadlines and time-outs fire. A time before
 * the latest one seen changes nothing.
 */
foreshadow_status foreshadow_sensor_advance(foreshadow_sensor *sensor, int64_t now_ns);

/**
 * Takes up to `capacity` events, oldest first, into the array `events`, and sets `*count` to how
 * many there were. Fewer than `capacity`, or 0: there are no more for now.
 *
 * Set `events[0].size` before; it holds for the whole array. Poll until there are no more after
 * every push, or after some: what waits beyond the config key `sensor.event_queue` when the next
 * packet is pushed is shed, oldest first, and one event says so.
 */
foreshadow_status foreshadow_sensor_poll(foreshadow_sensor *sensor, foreshadow_event *events,
                                         size_t capacity, size_t *count);

/**
 * Ends the capture: closes every connection and queues the last events. From then on, push, advance
 * and finish are FORESHADOW_STATUS_FINISHED; poll, stats and close work as before. Writes the store;
 * where that fails, FORESHADOW_STATUS_STORE, and the capture has ended all the same.
 */
foreshadow_status foreshadow_sensor_finish(foreshadow_sensor *sensor);

/** Fills `stats` with the counters as they stand; its `size` must be set. */
foreshadow_status foreshadow_sensor_stats(foreshadow_sensor *sensor, foreshadow_stats *stats);

/* ---- Functions: connections and events ------------------------------------------------------- */

/**
 * Fills `summary` with a live connection as it stands; its `size` must be set. `connection` is the
 * id from a verdict or an event.
 */
foreshadow_status foreshadow_connection_summary(foreshadow_sensor *sensor, uint64_t connection,
                                                foreshadow_connection *summary);

/**
 * Closes a connection because the host knows that it ended, and fills `summary` with what it was;
 * `summary` may be null, else its `size` must be set. No connection event is queued for it.
 * FORESHADOW_STATUS_CONNECTION if it ended already: then its event has been queued.
 */
foreshadow_status foreshadow_connection_close(foreshadow_sensor *sensor, uint64_t connection,
                                              foreshadow_connection *summary);

/**
 * Writes the name of the category with a number, counted from 0 as the bits of
 * foreshadow_verdict.categories and foreshadow_target.category_mask. `buffer`, `buffer_size` and
 * `needed` as in foreshadow_last_error; 64 bytes hold every name.
 * FORESHADOW_STATUS_ARGUMENT: there is no such category.
 */
foreshadow_status foreshadow_category_name(foreshadow_sensor *sensor, uint32_t number, char *buffer,
                                           size_t buffer_size, size_t *needed);

/**
 * Gives a live connection the host's own number, for a host that knows it only after the push. Events
 * made from then on carry it, until another number takes its place; 0 or UINT64_MAX: none.
 */
foreshadow_status foreshadow_connection_set_host_id(foreshadow_sensor *sensor, uint64_t connection,
                                                    uint64_t host_id);

/**
 * Writes an event as one line of text, all its fields, without a line feed: the same event gives the same
 * bytes in every host. `buffer`, `buffer_size` and `needed` as in foreshadow_last_error;
 * FORESHADOW_LINE_MAX bytes are enough for every kind there is.
 */
foreshadow_status foreshadow_event_format(const foreshadow_event *event, char *buffer, size_t buffer_size,
                                          size_t *needed);

/**
 * Writes an anomaly (of a packet, a connection or an endpoint) as one sentence for an analyst: what
 * came, what was expected, and how often as much happens here. The same text stands in anomaly.log and
 * alarm.log. For any other event the text is empty. `buffer`, `buffer_size` and `needed` as in
 * foreshadow_last_error; FORESHADOW_LINE_MAX bytes are enough.
 */
foreshadow_status foreshadow_event_sentence(const foreshadow_event *event, char *buffer,
                                            size_t buffer_size, size_t *needed);

/* ---- Functions: the federation --------------------------------------------------------------- */

/*
 * Sensors that see parts of one network send blobs to one aggregator and hear its view. How the blobs
 * travel is the host's concern: they may be lost, doubled, late and out of order, and are sealed under
 * the federation's key. docs/federation.md says what is in them, docs/threat-model.md what
 * they reveal.
 *
 *   sensor      foreshadow_federation_export  ->  foreshadow_aggregator_take     aggregator
 *               foreshadow_federation_merge   <-  foreshadow_aggregator_view
 *
 * Sensors need the config keys `bloom.federation_key` and `federation.sensor` (a name of their own), and
 * like the aggregator the same categories, `bloom.interval` and `bloom.window`.
 */

/**
 * Takes the next blob that a sensor has for its federation: `*needed` is set to its size, or to 0 if there
 * is none for now. Call it until there is none, after an event of kind FORESHADOW_EVENT_CATEGORY or from
 * time to time; there are new ones once every `bloom.interval` of packet time. A blob holds the state
 * of the sensor's counters, not what changed: one that is not taken before the next round is replaced.
 *
 * FORESHADOW_STATUS_BUFFER: it is larger than `buffer_size`, and still waits; `buffer` may be null if
 * `buffer_size` is 0. Most have less than 600 kB. FORESHADOW_STATUS_FEDERATION: the sensor is in no federation.
 * Encoding takes some milliseconds, once a round.
 */
foreshadow_status foreshadow_federation_export(foreshadow_sensor *sensor, uint8_t *buffer,
                                               size_t buffer_size, size_t *needed);

/**
 * Lets a sensor hear the network's view. Each target in it that this sensor met becomes an event of kind
 * FORESHADOW_EVENT_TARGET whose `sensors` is above 1, once an episode. The same view again, or an older
 * one, does nothing. FORESHADOW_STATUS_FEDERATION: it is refused, and nothing was taken from it.
 */
foreshadow_status foreshadow_federation_merge(foreshadow_sensor *sensor, const uint8_t *blob, size_t size);

/**
 * Opens an aggregator and sets `*aggregator` to it, or to null on failure; `options` as for a sensor,
 * with `bloom.federation_key` or `federation.seal_key`. The host closes it with foreshadow_aggregator_close.
 * As with a sensor: one thread at a time. The reason of what fails on an aggregator is in
 * foreshadow_last_error(NULL, ...) on the same thread.
 */
foreshadow_status foreshadow_aggregator_open(const foreshadow_options *options,
                                             foreshadow_aggregator **aggregator);

/** Closes an aggregator and frees what it holds. */
foreshadow_status foreshadow_aggregator_close(foreshadow_aggregator *aggregator);

/**
 * Takes a sensor's blob. `sender` is the `federation.sensor` of who sent it, where the host knows
 * that, or null: a blob under another name is refused. `now_ns` is the capture's time by the host's
 * clock: a blob of a later round is refused, but for `federation.ahead`; INT64_MAX takes any.
 * FORESHADOW_STATUS_FEDERATION: it is refused and counted; the text ends with the reason's name in brackets.
 */
foreshadow_status foreshadow_aggregator_take(foreshadow_aggregator *aggregator, const uint8_t *blob,
                                             size_t size, const char *sender, int64_t now_ns);

/** Closes the rounds that are over at `now_ns`, less `federation.grace`: weights and targets are made anew. */
foreshadow_status foreshadow_aggregator_advance(foreshadow_aggregator *aggregator, int64_t now_ns);

/** Closes every round that was spoken of, as at the end of a replayed capture. */
foreshadow_status foreshadow_aggregator_finish(foreshadow_aggregator *aggregator);

/**
 * Copies out the view of the last closed round, for every sensor to hear; `buffer`, `buffer_size` and
 * `needed` as in foreshadow_federation_export. It stays until the next round is closed.
 */
foreshadow_status foreshadow_aggregator_view(foreshadow_aggregator *aggregator, uint8_t *buffer,
                                             size_t buffer_size, size_t *needed);

/** Fills `totals`; its `size` must be set. */
foreshadow_status foreshadow_aggregator_stats(foreshadow_aggregator *aggregator,
                                              foreshadow_aggregator_totals *totals);

/**
 * Fills `category` with a category of the network in the last closed round; its `size` must be set.
 * FORESHADOW_STATUS_ARGUMENT: there is none with this index, or no round was closed yet.
 */
foreshadow_status foreshadow_aggregator_category(foreshadow_aggregator *aggregator, size_t index,
                                                 foreshadow_category *category);

/** The same for a target of the network, the highest score first. */
foreshadow_status foreshadow_aggregator_target(foreshadow_aggregator *aggregator, size_t index,
                                               foreshadow_network_target *target);

#ifdef __cplusplus
}
#endif

#endif /* FORESHADOW_H */
