# Played at many times its speed, a capture gives the same rows as read at once: features are of packet
# time, and Zeek's own clock has no say.
#
# @TEST-EXEC: mkdir plain fast
# @TEST-EXEC: cd plain && zeek -C -r $CAPTURES/demo.pcap foreshadow
# @TEST-EXEC: cd fast && zeek --pseudo-realtime=30 -C -r $CAPTURES/demo.pcap foreshadow
# @TEST-EXEC: for log in synthetic stats; do for run in plain fast; do grep -v '^#' $run/foreshadow_$log.log | cut -f 1,3- | awk -F '\t' -v OFS='\t' -v log=$log 'log == "stats" { $NF = "" } { print }' >$run.$log; done; cmp plain.$log fast.$log; done
