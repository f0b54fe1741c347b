# What Zeek treats in a way of its own: fragments that it puts together, bad checksums that it drops, cut
# headers, VLANs, transports it does not know, connections whose originator turns out to be the other.
#
# @TEST-EXEC: bash %INPUT >output
# @TEST-EXEC: btest-diff output

for capture in agree/ipv4__fragmented-4 agree/ipv6-fragmented-dns odd/tcp__syn-bad odd/tcp__truncated-header \
    odd/igmp__igmp-bad-checksum agree/http-qinq-0 agree/vlan-qinqinq agree/sctp-www odd/ipv6_jumbogram_1 \
    odd/ip6_frag_asan odd/80211http agree/linux_dlt_sll2 odd/LINKTYPE_RAW_ipv4; do
    for checksums in "" -C; do
        rm -f ./*.log
        # shellcheck disable=SC2086
        zeek $checksums -r "$CAPTURES/$capture.pcap" foreshadow || echo "failed"
        echo "$capture $checksums $(columns packets <foreshadow_stats.log | tail -n 1) packets"
        # Zeek can't attribute more than there is.
        columns fs_packets_scored <conn.log 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }' >attributed
        columns scored <foreshadow_stats.log | tail -n 1 >scored
        [ "$(cat attributed)" -le "$(cat scored)" ] || echo "more attributed than scored"
    done
done
