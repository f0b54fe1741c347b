# SIGTERM while packets come: the logs are closed, the last counters are in them.
#
# @TEST-EXEC: bash %INPUT
# @TEST-EXEC: grep -q '^#close' foreshadow_stats.log
# @TEST-EXEC: test $(columns packets <foreshadow_stats.log | tail -n 1) -gt 0

zeek --pseudo-realtime=1 -C -r "$CAPTURES/demo.pcap" foreshadow &
zeek=$!
for _ in $(seq 100); do
    [ -s conn.log ] || [ -s modbus.log ] && break
    sleep 0.1
done
sleep 1
kill -TERM $zeek
wait $zeek
