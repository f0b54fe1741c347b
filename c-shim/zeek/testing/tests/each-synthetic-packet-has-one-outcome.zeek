# Events come in order of packet time, each synthetic packet with exactly one outcome.
#
# @TEST-EXEC: zeek -C -r $CAPTURES/demo.pcap foreshadow %INPUT >output
# @TEST-EXEC: btest-diff output

global waiting: set[count];
global made = 0;
global latest = double_to_time(0.0);

event Foreshadow::synthetic_packet(s: Foreshadow::Synthetic)
	{
	++made;

	if ( s$serial in waiting )
		print "made twice", s$serial;

	if ( s$ts < latest )
		print "out of order", s$ts;

	latest = s$ts;
	add waiting[s$serial];
	}

event Foreshadow::synthetic_outcome(s: Foreshadow::Synthetic)
	{
	if ( s$serial !in waiting )
		print "settled without being made", s$serial;

	delete waiting[s$serial];
	}

# After the plugin's last events, which come in this event's wake.
event check()
	{
	print "some were made", made > 0;
	print "without an outcome", |waiting|;
	}

event zeek_done() &priority=-20
	{
	event check();
	}
