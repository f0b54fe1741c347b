# The functions answer for a live connection, for one that ends, and for the sensor.
#
# @TEST-EXEC: zeek -C -r $CAPTURES/demo.pcap foreshadow %INPUT >output
# @TEST-EXEC: btest-diff output

global asked: set[string];

event zeek_init() &priority=-20
	{
	print "active", Foreshadow::is_active();
	print "release known", |Foreshadow::version()| > 0;
	print "packets before the first", Foreshadow::counters()$packets;
	}

event Foreshadow::synthetic_packet(s: Foreshadow::Synthetic)
	{
	# While it lives, a score is there when asked for; the record has it only at the end.
	if ( ! s?$conn || s$uid in asked )
		return;

	add asked[s$uid];
	local score = Foreshadow::score(s$conn);

	if ( score$packets_scored == 0 || score$synthetic == 0 || s$conn$uid != s$uid || s$conn$id$orig_h != s$id$orig_h )
		print "a live connection's score is wrong", score;
	}

event connection_state_remove(c: connection)
	{
	local score = Foreshadow::score(c);

	if ( ! c?$foreshadow || score$packets_scored != c$foreshadow$packets_scored ||
	     c$conn$fs_packets_scored != score$packets_scored )
		print "the last score is wrong", score;

	if ( score$surprise_max * score$packets_scored < score$surprise )
		print "a mean above the maximum", score;
	}

event zeek_done()
	{
	print "asked for live ones", |asked| > 0;
	print "packets", Foreshadow::counters()$packets;
	}
