# Without conn-log.zeek conn.log is as Zeek makes it.
#
# @TEST-EXEC: zeek -C -r $CAPTURES/demo.pcap foreshadow/main foreshadow/notices foreshadow/respond foreshadow/telemetry
# @TEST-EXEC: test -s foreshadow_stats.log
# @TEST-EXEC: ! grep -q fs_ conn.log
