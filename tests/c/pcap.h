/* Reads a classic pcap file, either byte order, micro- or nanoseconds: enough for a test. */
#ifndef PCAP_H
#define PCAP_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct pcap_reader {
    FILE *file;
    int swapped;
    uint32_t unit_ns;
    uint16_t link_type;
    uint8_t *data;
    uint32_t captured_len, wire_len;
    int64_t time_ns;
} pcap_reader;

static uint32_t pcap_u32(const pcap_reader *reader, const uint8_t *at)
{
    uint32_t little = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    uint32_t big = at[3] | (uint32_t)at[2] << 8 | (uint32_t)at[1] << 16 | (uint32_t)at[0] << 24;
    return reader->swapped ? big : little;
}

/* 1 when the file is open and is a pcap. */
static int pcap_open(pcap_reader *reader, const char *path)
{
    uint8_t header[24];
    uint32_t magic;
    reader->swapped = 0;
    reader->data = (uint8_t *)malloc(1 << 18);
    reader->file = fopen(path, "rb");
    if (!reader->data || !reader->file || fread(header, 1, 24, reader->file) != 24) return 0;
    magic = pcap_u32(reader, header);
    reader->swapped = magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1;
    magic = pcap_u32(reader, header);
    reader->unit_ns = magic == 0xa1b23c4d ? 1 : 1000;
    reader->link_type = (uint16_t)pcap_u32(reader, header + 20);
    return magic == 0xa1b23c4d || magic == 0xa1b2c3d4;
}

/* 1 when there was another packet. */
static int pcap_next(pcap_reader *reader)
{
    uint8_t header[16];
    if (fread(header, 1, 16, reader->file) != 16) return 0;
    reader->time_ns = (int64_t)pcap_u32(reader, header) * 1000000000 +
                      (int64_t)pcap_u32(reader, header + 4) * reader->unit_ns;
    reader->captured_len = pcap_u32(reader, header + 8);
    reader->wire_len = pcap_u32(reader, header + 12);
    return reader->captured_len <= 1 << 18 &&
           fread(reader->data, 1, reader->captured_len, reader->file) == reader->captured_len;
}

static void pcap_close(pcap_reader *reader)
{
    if (reader->file) fclose(reader->file);
    free(reader->data);
}

#endif
