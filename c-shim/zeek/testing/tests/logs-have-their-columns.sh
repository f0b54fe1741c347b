# A capture gives the logs, each with the columns that are documented. What they hold depends on the
# model; that they agree with one another does not.
#
# @TEST-EXEC: zeek -C -r $CAPTURES/demo.pcap foreshadow
# @TEST-EXEC: for log in synthetic category stats; do sed -n '/^#\(path\|fields\|types\)/p' foreshadow_$log.log; done >headers
# @TEST-EXEC: sed -n 's/^#fields\t//p' conn.log | tr '\t' '\n' | grep fs_ >columns
# @TEST-EXEC: btest-diff headers
# @TEST-EXEC: btest-diff columns
#
# Each synthetic packet has a row when made and a row when settled, and the counters know of it.
# @TEST-EXEC: columns serial outcome <foreshadow_synthetic.log | awk '$2 == "-" { made++ } $2 != "-" { settled++ } END { print made + 0, settled + 0 }' >rows
# @TEST-EXEC: columns synthetic synthetic <foreshadow_stats.log | tail -n 1 | tr '\t' ' ' >counted
# @TEST-EXEC: cmp rows counted
#
# What conn.log says was scored is all that was scored.
# @TEST-EXEC: columns fs_packets_scored fs_synthetic <conn.log | awk '$1 != "-" { scored += $1; made += $2 } END { print scored, made }' >sums
# @TEST-EXEC: columns scored synthetic <foreshadow_stats.log | tail -n 1 | tr '\t' ' ' >totals
# @TEST-EXEC: cmp sums totals
#
# Every uid of ours is one of conn.log's.
# @TEST-EXEC: columns uid <foreshadow_synthetic.log | sort -u >uids
# @TEST-EXEC: columns uid <conn.log | sort -u >known
# @TEST-EXEC: test -z "$(comm -23 uids known)"
