##! Adds to conn.log what the forecast made of each connection. Without it: load
##! ``foreshadow/main`` and the other scripts by themselves instead of ``foreshadow``.

@load ./main
@load base/protocols/conn

module Foreshadow;

redef record Conn::Info += {
	## Packets scored against a forecast.
	fs_packets_scored: count &log &optional;
	## Mean surprise of a packet, in bits.
	fs_surprise_mean: double &log &optional;
	## Largest surprise of one packet, in bits.
	fs_surprise_max: double &log &optional;
	## Packets that were anomalies; each has a row in foreshadow_anomaly.log.
	fs_anomalies: count &log &optional;
	## Evidence against the ordinary in bits: the most there was, its endpoints' included.
	fs_severity: double &log &optional;
	## Synthetic packets made; each has two rows in foreshadow_synthetic.log.
	fs_synthetic: count &log &optional;
};

# Between the handler that fills c$conn (priority 5) and the one that writes it (-5).
event connection_state_remove(c: connection)
	{
	if ( ! c?$foreshadow || ! c?$conn )
		return;

	local s = c$foreshadow;
	c$conn$fs_packets_scored = s$packets_scored;
	c$conn$fs_surprise_mean = s$surprise / s$packets_scored;
	c$conn$fs_surprise_max = s$surprise_max;
	c$conn$fs_anomalies = s$anomalies;
	c$conn$fs_severity = s$severity;
	c$conn$fs_synthetic = s$synthetic;
	}
