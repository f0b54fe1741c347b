# Bare mode, deterministic, listing, parsing only, an end before the end, no input at all.
#
# @TEST-EXEC: zeek -b -r $CAPTURES/demo.pcap
# @TEST-EXEC: zeek -b -C -r $CAPTURES/demo.pcap Foreshadow::Sensor foreshadow/main foreshadow/conn-log
# @TEST-EXEC: test -s foreshadow_stats.log && grep -q fs_severity conn.log
# @TEST-EXEC: zeek -a foreshadow
# @TEST-EXEC: zeek -N foreshadow >/dev/null
# @TEST-EXEC: zeek -NN foreshadow >/dev/null
# @TEST-EXEC: rm *.log && zeek -C -r $CAPTURES/demo.pcap foreshadow %INPUT && test $(columns packets <foreshadow_stats.log | tail -n 1) -lt 5000
# @TEST-EXEC: zeek foreshadow -e 'event zeek_init() &priority=-20 { print Foreshadow::is_active(); terminate(); }' >output
# @TEST-EXEC: btest-diff output
#
# The same bytes give the same logs, byte for byte.
# @TEST-EXEC: for run in one two; do mkdir $run && (cd $run && zeek -D -C -r $CAPTURES/demo.pcap foreshadow && sed -i '/^#\(open\|close\)/d' *.log); done
# @TEST-EXEC: for log in conn foreshadow_synthetic foreshadow_category foreshadow_stats; do cmp one/$log.log two/$log.log; done

global seen = 0;

event new_packet(c: connection, p: pkt_hdr)
	{
	if ( ++seen == 1000 )
		terminate();
	}
