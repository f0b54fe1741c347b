/*
 * A host that drives the whole interface.
 *
 *   drive events FILE [CONFIG]   pushes a pcap file and prints each event's line
 *   drive misuse FILE            does everything a host can do wrong, and checks the answers
 *   drive threads FILE           two threads in one sensor
 *   drive limit                  opens as many sensors as there can be
 */
#include <foreshadow.h>
#include <pthread.h>
#include <string.h>

#include "pcap.h"

#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);        \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

#define STATUS(expected, call)                                                             \
    do {                                                                                   \
        foreshadow_status got = (call);                                                    \
        if (got != FORESHADOW_STATUS_##expected) {                                         \
            fprintf(stderr, "%s:%d: %s: got %d (%s), expected " #expected "\n", __FILE__,  \
                    __LINE__, #call, (int)got, foreshadow_status_text(got));               \
            exit(1);                                                                       \
        }                                                                                  \
    } while (0)

static foreshadow_options options_new(void)
{
    foreshadow_options options;
    memset(&options, 0, sizeof options);
    options.size = sizeof options;
    options.abi_version = FORESHADOW_ABI_VERSION;
    return options;
}

static foreshadow_packet packet_of(const pcap_reader *reader)
{
    foreshadow_packet packet;
    memset(&packet, 0, sizeof packet);
    packet.size = sizeof packet;
    packet.captured_len = reader->captured_len;
    packet.data = reader->data;
    packet.time_ns = reader->time_ns;
    packet.wire_len = reader->wire_len;
    packet.link_type = reader->link_type;
    return packet;
}

/* An anomaly is told of with what its verdict rested on. */
static void check_anomaly(const foreshadow_anomaly *anomaly, const foreshadow_verdict *verdict)
{
    CHECK(verdict->anomalous && anomaly->who.connection == verdict->connection);
    CHECK(!memcmp(&anomaly->seen, &verdict->seen, sizeof anomaly->seen));
    CHECK(!memcmp(&anomaly->expected, &verdict->expected, sizeof anomaly->expected));
}

/* `verdict`: the last push's, if it was asked to explain itself. */
static void print_events(foreshadow_sensor *sensor, const foreshadow_verdict *verdict)
{
    foreshadow_event events[3];
    char line[FORESHADOW_LINE_MAX];
    size_t count, i;
    do {
        memset(events, 0xaa, sizeof events);
        events[0].size = sizeof events[0];
        STATUS(OK, foreshadow_sensor_poll(sensor, events, 3, &count));
        CHECK(count <= 3);
        for (i = 0; i < count; i++) {
            CHECK(events[i].size == sizeof events[i]);
            if (verdict && events[i].kind == FORESHADOW_EVENT_ANOMALY)
                check_anomaly(&events[i].data.anomaly, verdict);
            STATUS(OK, foreshadow_event_sentence(&events[i], line, sizeof line, NULL));
            STATUS(OK, foreshadow_event_format(&events[i], line, sizeof line, NULL));
            puts(line);
        }
    } while (count == 3);
}

static foreshadow_sensor *open_or_exit(const foreshadow_options *options)
{
    foreshadow_sensor *sensor;
    char text[4096];
    if (foreshadow_sensor_open(options, &sensor) == FORESHADOW_STATUS_OK) return sensor;
    foreshadow_last_error(NULL, text, sizeof text, NULL);
    fprintf(stderr, "cannot open a sensor: %s\n", text);
    exit(1);
}

static int events(const char *path, const char *config_path)
{
    pcap_reader reader;
    foreshadow_options options = options_new();
    foreshadow_sensor *sensor;
    options.config_path = config_path;
    options.mode = FORESHADOW_MODE_REPLAY;
    sensor = open_or_exit(&options);
    CHECK(pcap_open(&reader, path));
    while (pcap_next(&reader)) {
        foreshadow_packet packet = packet_of(&reader);
        foreshadow_verdict verdict;
        verdict.size = sizeof verdict;
        packet.wants = FORESHADOW_WANT_EXPLANATION;
        STATUS(OK, foreshadow_sensor_push(sensor, &packet, &verdict));
        print_events(sensor, &verdict);
    }
    STATUS(OK, foreshadow_sensor_finish(sensor));
    print_events(sensor, NULL);
    STATUS(OK, foreshadow_sensor_close(sensor));
    pcap_close(&reader);
    return 0;
}

/* What the library says of itself. */
static void check_library(void)
{
    CHECK(foreshadow_abi_version() == FORESHADOW_ABI_VERSION);
    CHECK(strlen(foreshadow_version()) >= 5);
    CHECK(!strcmp(foreshadow_status_text(FORESHADOW_STATUS_OK), "done"));
    CHECK(!strcmp(foreshadow_status_text(-7), "unknown status"));
}

static void check_open(void)
{
    foreshadow_options options = options_new();
    foreshadow_sensor *sensor = (foreshadow_sensor *)&options;
    char text[256];
    char tiny[4];
    size_t needed = 0;
    struct {
        foreshadow_options options;
        uint64_t later;
    } larger;

    STATUS(NULL, foreshadow_sensor_open(NULL, &sensor));
    CHECK(!sensor);
    STATUS(NULL, foreshadow_sensor_open(&options, NULL));
    options.size = 0;
    STATUS(SIZE, foreshadow_sensor_open(&options, &sensor));
    options.size = offsetof(foreshadow_options, settings) - 1; /* what was published first, less one */
    STATUS(SIZE, foreshadow_sensor_open(&options, &sensor));
    options.size = UINT32_MAX;
    STATUS(SIZE, foreshadow_sensor_open(&options, &sensor));
    options = options_new();
    options.abi_version++;
    STATUS(VERSION, foreshadow_sensor_open(&options, &sensor));
    options = options_new();
    options.mode = 77;
    STATUS(ARGUMENT, foreshadow_sensor_open(&options, &sensor));
    options = options_new();
    options.config_toml = "\xff\xfe";
    STATUS(ARGUMENT, foreshadow_sensor_open(&options, &sensor));
    options.config_toml = "this is = not [toml";
    STATUS(CONFIG, foreshadow_sensor_open(&options, &sensor));
    CHECK(!sensor);

    /* The reason, by way of its length, cut, and whole. */
    STATUS(BUFFER, foreshadow_last_error(NULL, NULL, 0, &needed));
    CHECK(needed > sizeof tiny && needed <= sizeof text);
    STATUS(NULL, foreshadow_last_error(NULL, NULL, 10, &needed));
    STATUS(BUFFER, foreshadow_last_error(NULL, tiny, sizeof tiny, &needed));
    CHECK(strlen(tiny) == sizeof tiny - 1);
    STATUS(OK, foreshadow_last_error(NULL, text, needed, NULL));
    CHECK(strlen(text) == needed - 1 && !strncmp(text, tiny, 3));

    options.config_path = "/dev/null";
    STATUS(ARGUMENT, foreshadow_sensor_open(&options, &sensor));
    options = options_new();
    options.config_path = "/nowhere/at/all";
    STATUS(CONFIG, foreshadow_sensor_open(&options, &sensor));
    options = options_new();
    options.model_path = "/nowhere/at/all";
    CHECK(foreshadow_sensor_open(&options, &sensor) != FORESHADOW_STATUS_OK && !sensor);

    /* A host of tomorrow: a longer struct, with nothing in what we do not know, then with something. */
    memset(&larger, 0, sizeof larger);
    larger.options = options_new();
    larger.options.size = sizeof larger;
    STATUS(OK, foreshadow_sensor_open(&larger.options, &sensor));
    STATUS(OK, foreshadow_sensor_close(sensor));
    larger.later = 1;
    STATUS(SIZE, foreshadow_sensor_open(&larger.options, &sensor));
}

static void check_handles(void)
{
    foreshadow_options options = options_new();
    foreshadow_sensor *sensor = open_or_exit(&options), *other;
    foreshadow_sensor *invented[4];
    size_t count = 0, i;
    int on_the_stack = 0;

    invented[0] = (foreshadow_sensor *)&on_the_stack;
    invented[1] = (foreshadow_sensor *)invented;
    invented[2] = (foreshadow_sensor *)(uintptr_t)1;
    invented[3] = (foreshadow_sensor *)UINTPTR_MAX;
    for (i = 0; i < 4; i++) {
        STATUS(HANDLE, foreshadow_sensor_advance(invented[i], 0));
        STATUS(HANDLE, foreshadow_sensor_close(invented[i]));
        STATUS(HANDLE, foreshadow_last_error(invented[i], NULL, 0, NULL));
    }
    STATUS(NULL, foreshadow_sensor_close(NULL));
    STATUS(OK, foreshadow_sensor_close(sensor));
    STATUS(HANDLE, foreshadow_sensor_close(sensor));
    STATUS(HANDLE, foreshadow_sensor_push(sensor, NULL, NULL));
    STATUS(HANDLE, foreshadow_sensor_finish(sensor));
    STATUS(HANDLE, foreshadow_sensor_poll(sensor, NULL, 0, &count));
    STATUS(HANDLE, foreshadow_sensor_stats(sensor, NULL));
    STATUS(HANDLE, foreshadow_connection_summary(sensor, 1, NULL));
    STATUS(HANDLE, foreshadow_connection_close(sensor, 1, NULL));
    other = open_or_exit(&options);
    CHECK(other != sensor);
    STATUS(HANDLE, foreshadow_sensor_advance(sensor, 0));
    STATUS(OK, foreshadow_sensor_close(other));

}

/* Asked or not, the answer is there; a host with the first published verdict gets that one. */
static void check_explanation(foreshadow_sensor *sensor, const foreshadow_packet *like)
{
    foreshadow_packet packet = *like;
    foreshadow_verdict verdict;
    unsigned char older[48];
    const uint32_t first_size = 40;
    char name[64];
    uint32_t number = 0;
    size_t i;

    memset(&verdict, 0xaa, sizeof verdict);
    verdict.size = sizeof verdict;
    packet.wants = FORESHADOW_WANT_EXPLANATION;
    STATUS(OK, foreshadow_sensor_push(sensor, &packet, &verdict));
    CHECK(verdict.scored && verdict.seen.wire_len == packet.wire_len);
    CHECK(verdict.seen.side == verdict.side && verdict.seen.position > 0);
    CHECK(verdict.expected.payload_low <= verdict.expected.payload_high);

    memset(older, 0xaa, sizeof older);
    memcpy(older, &first_size, sizeof first_size);
    packet.wants = 0;
    STATUS(OK, foreshadow_sensor_push(sensor, &packet, (foreshadow_verdict *)older));
    for (i = first_size; i < sizeof older; i++) CHECK(older[i] == 0xaa);

    while (foreshadow_category_name(sensor, number, name, sizeof name, NULL) == FORESHADOW_STATUS_OK) {
        CHECK(*name);
        number++;
    }
    CHECK(number > 0 && number <= 32);
    STATUS(ARGUMENT, foreshadow_category_name(sensor, number, name, sizeof name, NULL));
    STATUS(ARGUMENT, foreshadow_category_name(sensor, UINT32_MAX, name, sizeof name, NULL));
    STATUS(NULL, foreshadow_category_name(sensor, 0, NULL, 10, NULL));
}

static void check_packets(const char *path)
{
    foreshadow_options options = options_new();
    foreshadow_sensor *sensor = open_or_exit(&options);
    foreshadow_packet packet;
    foreshadow_verdict verdict;
    foreshadow_connection summary;
    foreshadow_stats stats;
    foreshadow_event event;
    uint64_t connection = 0, pushed = 0;
    size_t count = 99;
    char line[FORESHADOW_LINE_MAX], text[256];
    pcap_reader reader;

    CHECK(pcap_open(&reader, path));
    CHECK(pcap_next(&reader));
    packet = packet_of(&reader);
    memset(&verdict, 0xff, sizeof verdict);

    /* A verdict that has no place is no reason to push. */
    verdict.size = 3;
    STATUS(SIZE, foreshadow_sensor_push(sensor, &packet, &verdict));
    CHECK(verdict.connection == UINT64_MAX);
    verdict.size = sizeof verdict;
    STATUS(NULL, foreshadow_sensor_push(sensor, NULL, &verdict));
    CHECK(!verdict.scored && !verdict.connection);
    STATUS(OK, foreshadow_last_error(sensor, text, sizeof text, NULL));
    CHECK(!strcmp(text, "foreshadow_packet is null"));
    packet.size = 1;
    STATUS(SIZE, foreshadow_sensor_push(sensor, &packet, &verdict));
    packet = packet_of(&reader);
    packet.data = NULL;
    STATUS(NULL, foreshadow_sensor_push(sensor, &packet, &verdict));
    packet = packet_of(&reader);
    packet.direction = 9;
    STATUS(ARGUMENT, foreshadow_sensor_push(sensor, &packet, &verdict));
    packet = packet_of(&reader);
    packet.wants = FORESHADOW_WANT_EXPLANATION | 0x80;
    STATUS(ARGUMENT, foreshadow_sensor_push(sensor, &packet, &verdict));

    /* Malformed packets are none of that: no bytes, odd link types, lengths that contradict. */
    memset(&packet, 0, sizeof packet);
    packet.size = sizeof packet;
    packet.time_ns = reader.time_ns;
    STATUS(OK, foreshadow_sensor_push(sensor, &packet, &verdict));
    CHECK(!verdict.connection);
    packet = packet_of(&reader);
    packet.link_type = 65535;
    packet.wire_len = 0;
    STATUS(OK, foreshadow_sensor_push(sensor, &packet, &verdict));
    pushed = 2;

    do {
        packet = packet_of(&reader);
        packet.host_id = 4711;
        packet.direction = FORESHADOW_DIRECTION_UNKNOWN;
        STATUS(OK, foreshadow_sensor_push(sensor, &packet, &verdict));
        CHECK(verdict.size == sizeof verdict);
        if (verdict.connection) connection = verdict.connection;
        pushed++;
    } while (pcap_next(&reader) && pushed < 12);
    CHECK(connection);

    check_explanation(sensor, &packet);
    pushed += 2;

    STATUS(NULL, foreshadow_sensor_stats(sensor, NULL));
    stats.size = 8;
    STATUS(SIZE, foreshadow_sensor_stats(sensor, &stats));
    stats.size = sizeof stats;
    STATUS(OK, foreshadow_sensor_stats(sensor, &stats));
    CHECK(stats.size == sizeof stats && stats.packets == pushed);

    summary.size = sizeof summary;
    STATUS(NULL, foreshadow_connection_summary(sensor, connection, NULL));
    STATUS(CONNECTION, foreshadow_connection_summary(sensor, 0, &summary));
    STATUS(CONNECTION, foreshadow_connection_summary(sensor, UINT64_MAX, &summary));
    STATUS(OK, foreshadow_connection_summary(sensor, connection, &summary));
    CHECK(summary.who.connection == connection && summary.who.host_id == 4711);
    CHECK(summary.close_reason == FORESHADOW_CLOSE_NONE);
    STATUS(CONNECTION, foreshadow_connection_set_host_id(sensor, UINT64_MAX, 1));
    STATUS(OK, foreshadow_connection_set_host_id(sensor, connection, 4712));
    STATUS(OK, foreshadow_connection_summary(sensor, connection, &summary));
    CHECK(summary.who.host_id == 4712);
    STATUS(OK, foreshadow_connection_set_host_id(sensor, connection, 0));
    STATUS(OK, foreshadow_connection_close(sensor, connection, &summary));
    CHECK(summary.close_reason == FORESHADOW_CLOSE_HOST && summary.who.host_id == 0);
    STATUS(CONNECTION, foreshadow_connection_close(sensor, connection, &summary));
    STATUS(CONNECTION, foreshadow_connection_summary(sensor, connection, &summary));

    STATUS(OK, foreshadow_sensor_advance(sensor, reader.time_ns + 1000000000));
    STATUS(OK, foreshadow_sensor_advance(sensor, INT64_MIN));
    STATUS(OK, foreshadow_sensor_finish(sensor));
    STATUS(FINISHED, foreshadow_sensor_finish(sensor));
    STATUS(FINISHED, foreshadow_sensor_advance(sensor, 0));
    STATUS(FINISHED, foreshadow_sensor_push(sensor, &packet, &verdict));

    event.size = sizeof event;
    STATUS(NULL, foreshadow_sensor_poll(sensor, &event, 1, NULL));
    STATUS(NULL, foreshadow_sensor_poll(sensor, NULL, 1, &count));
    CHECK(count == 0);
    STATUS(ARGUMENT, foreshadow_sensor_poll(sensor, &event, SIZE_MAX, &count));
    event.size = sizeof event - 1;
    STATUS(SIZE, foreshadow_sensor_poll(sensor, &event, 1, &count));
    event.size = sizeof event;
    STATUS(OK, foreshadow_sensor_poll(sensor, &event, 0, &count));
    CHECK(count == 0);
    STATUS(OK, foreshadow_sensor_poll(sensor, &event, 1, &count));
    CHECK(count == 1);

    STATUS(NULL, foreshadow_event_format(NULL, line, sizeof line, &count));
    STATUS(BUFFER, foreshadow_event_format(&event, line, 1, &count));
    CHECK(line[0] == 0 && count > 10 && count <= sizeof line);
    STATUS(OK, foreshadow_event_format(&event, line, count, NULL));
    CHECK(strlen(line) == count - 1);
    event.kind = FORESHADOW_EVENT_CATEGORY;
    STATUS(EVENT, foreshadow_event_format(&event, line, sizeof line, NULL));
    memset(&event.data, 0xff, sizeof event.data);
    event.kind = FORESHADOW_EVENT_CONNECTION;
    STATUS(EVENT, foreshadow_event_format(&event, line, sizeof line, NULL));

    STATUS(OK, foreshadow_sensor_close(sensor));
    pcap_close(&reader);
}

static int limit(void)
{
    static foreshadow_sensor *many[FORESHADOW_SENSORS_MAX];
    foreshadow_options options = options_new();
    foreshadow_sensor *other;
    size_t count = 0;
    options.config_toml = "flow.max_connections = 16\nmodel.table_mib = 1\n";
    while (count < FORESHADOW_SENSORS_MAX) many[count++] = open_or_exit(&options);
    STATUS(LIMIT, foreshadow_sensor_open(&options, &other));
    CHECK(!other);
    STATUS(OK, foreshadow_sensor_close(many[--count]));
    STATUS(OK, foreshadow_sensor_open(&options, &many[count]));
    CHECK(many[count++]);
    while (count > 0) STATUS(OK, foreshadow_sensor_close(many[--count]));
    return 0;
}

typedef struct shared {
    foreshadow_sensor *sensor;
    foreshadow_packet packet;
    uint64_t done[2];
} shared;

static void push_many(shared *with, uint64_t *done)
{
    int i;
    for (i = 0; i < 20000; i++) {
        foreshadow_status status = foreshadow_sensor_push(with->sensor, &with->packet, NULL);
        CHECK(status == FORESHADOW_STATUS_OK || status == FORESHADOW_STATUS_BUSY);
        *done += status == FORESHADOW_STATUS_OK;
    }
}

static void *push_in_thread(void *with)
{
    push_many((shared *)with, &((shared *)with)->done[1]);
    return NULL;
}

static int threads(const char *path)
{
    foreshadow_options options = options_new();
    foreshadow_stats stats;
    pcap_reader reader;
    pthread_t thread;
    shared with;
    memset(&with, 0, sizeof with);
    CHECK(pcap_open(&reader, path) && pcap_next(&reader));
    with.sensor = open_or_exit(&options);
    with.packet = packet_of(&reader);
    CHECK(!pthread_create(&thread, NULL, push_in_thread, &with));
    push_many(&with, &with.done[0]);
    CHECK(!pthread_join(thread, NULL));
    stats.size = sizeof stats;
    STATUS(OK, foreshadow_sensor_stats(with.sensor, &stats));
    CHECK(stats.packets == with.done[0] + with.done[1]);
    STATUS(OK, foreshadow_sensor_close(with.sensor));
    pcap_close(&reader);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 3 && !strcmp(argv[1], "events")) return events(argv[2], argc > 3 ? argv[3] : NULL);
    if (argc == 3 && !strcmp(argv[1], "threads")) return threads(argv[2]);
    if (argc == 2 && !strcmp(argv[1], "limit")) return limit();
    if (argc == 3 && !strcmp(argv[1], "misuse")) {
        check_library();
        check_open();
        check_handles();
        check_packets(argv[2]);
        puts("every misuse was answered");
        return 0;
    }
    fprintf(stderr, "usage: drive events FILE [CONFIG] | misuse FILE | threads FILE | limit\n");
    return 2;
}
