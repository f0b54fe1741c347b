##! What Foreshadow tells Zeek, as records. They are filled by the plugin field by field, in the order
##! given here; ``redef record ... += { ... &optional }`` adds fields behind them.
##!
##! Words that stand for one of few are strings in lower case, the same as in the logs of
##! ``foreshadow run``. Surprise and severity are in bits: ten more are a thousand times rarer.

module Foreshadow;

export {
	## What the forecast made of one connection.
	type Score: record {
		## Packets scored against a forecast.
		packets_scored: count;
		## Surprise of all of them together, in bits.
		surprise: double;
		## The largest surprise of one packet, in bits.
		surprise_max: double;
		## Packets that were anomalies.
		anomalies: count;
		## Evidence against the ordinary in bits: the most there was, its endpoints' included.
		severity: double;
		## Synthetic packets made.
		synthetic: count;
	};

	## A packet that was due and did not come, or that must have been sent and was not seen; or,
	## where *outcome* is set, what became of it. No such packet was ever on the wire.
	type Synthetic: record {
		## When it was made, or when its outcome was known.
		ts: time &log;
		## Zeek's name of the connection; unset where Zeek holds none.
		uid: string &log &optional;
		## The connection's ends, as Zeek names them.
		id: conn_id &log;
		## Transport protocol.
		proto: transport_proto &log;
		## Its number, the same when made and when settled; none comes twice.
		serial: count &log;
		## ``late``, the real one came; ``filled``, a retransmission brought it; ``lost``, its receiver
		## acknowledged it; ``phantom``, nothing ever came. Unset when made.
		outcome: string &log &optional;
		## ``overdue``, its deadline passed; ``gap``, what came shows that it was sent.
		kind: string &log;
		## How a gap was found: ``hole``, ``acknowledged``, ``rtp``, ``no_response`` or ``numbering``.
		why: string &log &optional;
		## Which packet of the hole it is, from 1.
		part: count &log &optional;
		## Packets made for the hole.
		parts: count &log &optional;
		## What the hole held beyond them, in bytes, for RTP in packets.
		left: count &log &optional;
		## When it should have come.
		due: time &log;
		## Who should have sent it: ``orig`` or ``resp``.
		side: string &log;
		## Payload bytes; exact for a TCP gap, else the likeliest.
		size: count &log;
		## TCP sequence number it would have; for RTP its number.
		seq: count &log &optional;
		## Payload bytes of the packet that came in its place.
		came_size: count &log &optional;
		## How likely it did come and the capture lost it, 0 to 1.
		capture_loss: double &log;
		## TCP flags it would have.
		flags: string &log &optional;
		## TCP acknowledgement number it would have.
		ack: count &log &optional;
		## Entropy its payload would have, in bits a byte.
		entropy: double &log &optional;
		## How sure it is that it was sent, or should have been, 0 to 1.
		confidence: double &log &optional;
		## Time of the connection's last real packet before it.
		last: time &log &optional;
		## How many were made since that packet, this one included.
		run: count &log &optional;
		## Forecast payload bytes: 5 % are smaller.
		size_low: count &log &optional;
		## Forecast payload bytes: the likeliest size.
		size_mode: count &log &optional;
		## Forecast payload bytes: 5 % are larger.
		size_high: count &log &optional;
		## Time from the packet before it: 5 % come sooner.
		after_low: interval &log &optional;
		## Time from the packet before it: half come sooner.
		after_median: interval &log &optional;
		## Time from the packet before it: 5 % come later.
		after_high: interval &log &optional;
		## Silence after which it would count as missed.
		deadline: interval &log &optional;
		## Probability of that side with those flags, 0 to 1.
		probability: double &log &optional;
		## Probability that nothing more comes on the connection, 0 to 1.
		nothing_more: double &log &optional;
		## The connection, while Zeek holds it.
		conn: connection &optional;
	};

	## A packet that was not expected: what came, what was expected, which part surprised.
	type Anomaly: record {
		## When the packet came.
		ts: time &log;
		## Zeek's name of the connection; unset where Zeek holds none.
		uid: string &log &optional;
		## The connection's ends, as Zeek names them.
		id: conn_id &log;
		## Transport protocol.
		proto: transport_proto &log;
		## Its surprise in all, in bits.
		bits: double &log;
		## The part of who sent it, with which flags.
		bits_side_flags: double &log;
		## The part of its size.
		bits_size: double &log;
		## The part of when it came.
		bits_time: double &log;
		## The part of how random its payload was.
		bits_entropy: double &log;
		## What its surprise counts, in bits: each part times its ``score.weight_*``.
		counted: double &log;
		## What it must count for a packet like it to be an anomaly at that time.
		threshold: double &log;
		## One in so many packets of its service, at its stage of a connection, surprises as much here.
		one_in: double &log;
		## How many such packets were seen here; with few *one_in* rests on all of its protocol.
		known: count &log;
		## The parts that count for more than a fifth, largest first: ``side_flags``, ``size``, ``time``,
		## ``entropy``.
		reasons: vector of string &log;
		## How many packets of the connection came before.
		position: count &log;
		## Who sent it: ``orig`` or ``resp``.
		seen_side: string &log;
		## Its TCP flags.
		seen_flags: string &log &optional;
		## Its payload bytes.
		seen_size: count &log;
		## All its bytes on the wire.
		seen_wire_size: count &log;
		## Time since the connection's packet before it.
		seen_after: interval &log &optional;
		## The likelier sender.
		expected_side: string &log;
		## The likeliest TCP flags.
		expected_flags: string &log &optional;
		## Probability of that side with those flags, 0 to 1.
		expected_probability: double &log;
		## Payload bytes: 5 % are smaller.
		expected_size_low: count &log;
		## Payload bytes: the likeliest size.
		expected_size_mode: count &log;
		## Payload bytes: 5 % are larger.
		expected_size_high: count &log;
		## Time since the packet before: 5 % come sooner.
		expected_after_low: interval &log;
		## Time since the packet before: half come sooner.
		expected_after_median: interval &log;
		## Time since the packet before: 5 % come later.
		expected_after_high: interval &log;
		## Probability that nothing more would come, 0 to 1.
		nothing_more: double &log;
		## All of it in one sentence.
		reason: string &log;
		## The connection, while Zeek holds it.
		conn: connection &optional;
	};

	## A connection or an endpoint whose evidence against the ordinary reached the threshold.
	type Alarm: record {
		## When it did.
		ts: time &log;
		## What it is about: ``connection`` or ``endpoint``.
		kind: string &log;
		## The endpoint; for a connection its originator.
		host: addr &log;
		## Zeek's name of the connection.
		uid: string &log &optional;
		## The connection's ends.
		id: conn_id &log &optional;
		## Transport protocol.
		proto: transport_proto &log &optional;
		## Evidence in bits.
		severity: double &log;
		## The evidence from which it was an alarm at that time.
		threshold: double &log;
		## One in so many connections, or minutes of an endpoint, comes to as much here.
		one_in: double &log;
		## What spoke loudest: of a connection ``packets``, ``novelty``, ``bytes_sent``,
		## ``bytes_received`` or ``many_packets``; of an endpoint ``failures``, ``opened``,
		## ``new_services``, ``failed``, ``received``, ``new_sources`` or ``unanswered``.
		reason: string &log;
		## Counts, failures, bytes and many packets: how many there were.
		seen: count &log &optional;
		## Failures: of how many first meetings.
		tried: count &log &optional;
		## Counts: how many there usually are in a minute.
		usual: double &log &optional;
		## Packets: the rarest of them, as one in so many like it; bytes and many packets: one in so
		## many connections of its service carries as much.
		rarest_one_in: double &log &optional;
		## Of what *seen* counts: 5 % are smaller.
		expected_low: count &log &optional;
		## Of what *seen* counts: half are smaller.
		expected_median: count &log &optional;
		## Of what *seen* counts: 5 % are larger.
		expected_high: count &log &optional;
		## Connections, or minutes of endpoints, seen here so far: what *one_in* rests on.
		known: count &log;
		## What the evidence is made of, largest first: of a connection ``packets``, of these its
		## ``beginning``, its ``rarest`` packet, its ``volume``; of an endpoint its ``minute``, those
		## ``before``, its ``failures``.
		terms: vector of string &log;
		## The first term in bits; they do not add up.
		bits_first: double &log &optional;
		## The second.
		bits_second: double &log &optional;
		## The third.
		bits_third: double &log &optional;
		## Of the packet that tipped the connection over, here and up to *expected_after_high*: how many
		## came before.
		position: count &log &optional;
		## Its parts, as of an anomaly.
		reasons: vector of string &log &optional;
		## Who sent it: ``orig`` or ``resp``.
		seen_side: string &log &optional;
		## Its TCP flags.
		seen_flags: string &log &optional;
		## Its payload bytes.
		seen_size: count &log &optional;
		## All its bytes on the wire.
		seen_wire_size: count &log &optional;
		## Time since the connection's packet before it.
		seen_after: interval &log &optional;
		## The likelier sender.
		expected_side: string &log &optional;
		## The likeliest TCP flags.
		expected_flags: string &log &optional;
		## Probability of that side with those flags, 0 to 1.
		expected_probability: double &log &optional;
		## Payload bytes: 5 % are smaller.
		expected_size_low: count &log &optional;
		## Payload bytes: the likeliest size.
		expected_size_mode: count &log &optional;
		## Payload bytes: 5 % are larger.
		expected_size_high: count &log &optional;
		## Time since the packet before: 5 % come sooner.
		expected_after_low: interval &log &optional;
		## Time since the packet before: half come sooner.
		expected_after_median: interval &log &optional;
		## Time since the packet before: 5 % come later.
		expected_after_high: interval &log &optional;
		## All of it in one sentence.
		note: string &log;
		## The connection, while Zeek holds it.
		conn: connection &optional;
	};

	## What came at even times and no longer does, or does again.
	type Heartbeat: record {
		## When the wait for it was over, or the beat that came back.
		ts: time &log;
		## ``stopped``, ``resumed``, or ``silence``: nothing at all comes, so that the capture itself may
		## have stopped; told once for all.
		state: string &log;
		## ``packets`` of one side of a connection, or ``connections`` begun.
		beats: string &log;
		## Who sends the packets, or begins the connections.
		source_h: addr &log;
		## From which port; unset for connections.
		source_p: port &log &optional;
		## To whom.
		destination_h: addr &log;
		## At which port; for connections the service's.
		destination_p: port &log;
		## Time between beats.
		period: interval &log;
		## Seven in eight beats come within this of their time.
		jitter: interval &log;
		## Beats so far.
		seen: count &log;
		## The last beat before the silence.
		last: time &log;
		## How long after it the cadence counts as stopped.
		wait: interval &log;
		## Beats that did not come.
		missed: count &log;
		## Cadences believed now, this one included.
		cadences: count &log;
	};

	## A category of behaviour at the end of an interval.
	type Category: record {
		## When the interval ended.
		ts: time &log;
		## The category's name.
		category: string &log;
		## The interval's length.
		length: interval &log;
		## Elements counted in it that were new.
		activity: count &log;
		## The category's weight from now on.
		weight: double &log;
		## The share of its counter's bits that are set, 0 to 1.
		fill: double &log;
		## About how many different elements the open window of the counter saw.
		distinct: double &log;
		## How likely the counter takes a new element for a known one.
		false_positive_rate: double &log;
		## Whether it holds more than it was made for.
		overfull: bool &log;
	};

	## Several of them.
	type Categories: vector of Category;

	## An endpoint whose behaviours add up.
	type Flagged: record {
		## When.
		ts: time &log;
		## The endpoint.
		target: addr &log;
		## The sum of its categories' weights.
		score: double &log;
		## The score from which a target is told of.
		threshold: double &log;
		## How many categories it appears in.
		category_count: count &log;
		## The names of those that weigh most, heaviest first.
		categories: vector of string &log;
		## When it was first seen in one.
		first: time &log;
		## When it was last counted in one.
		last: time &log;
		## How many sensors of the federation saw it, where its score is the whole network's; 1 where it
		## is this sensor's own.
		sensors: count &log;
	};

	## The sensor's counters: totals since it was opened.
	type Stats: record {
		## When, in packet time.
		ts: time &log;
		## Packets pushed.
		packets: count &log;
		## Their bytes on the wire.
		wire_bytes: count &log;
		## Packets without an IP header.
		not_ip: count &log;
		## Packets cut off inside a header.
		truncated: count &log;
		## Packets with a header that contradicts itself.
		malformed: count &log;
		## Later fragments whose first one was never seen.
		orphan_fragments: count &log;
		## Packets stamped earlier than one before them, within the tolerance.
		time_reversed: count &log;
		## Times the capture's clock was set back.
		clock_resets: count &log;
		## Connections begun.
		connections: count &log;
		## Connections live now.
		live: count &log;
		## The most that were live at once.
		live_peak: count &log;
		## Connections closed early because the table was full.
		evicted: count &log;
		## Packets scored.
		scored: count &log;
		## Their surprise in all, in thousandths of a bit.
		surprise_millibits: count &log;
		## Anomalies.
		anomalies: count &log;
		## Synthetic packets.
		synthetic: count &log;
		## Cadences believed now.
		cadences: count &log;
		## Cadences that stopped.
		heartbeats_missing: count &log;
		## Events lost because nobody polled.
		events_shed: count &log;
		## Bytes of memory held for connections, model and deadlines.
		memory: count &log;
		## Alarms on connections.
		anomalous_connections: count &log;
		## Alarms on endpoints.
		anomalous_endpoints: count &log;
		## Alarms not raised because as many as allowed had been.
		alarms_held: count &log;
		## Synthetic packets that stand for a gap; the others were overdue.
		gaps: count &log;
		## Synthetic packets whose real one came after all.
		late: count &log;
		## Synthetic packets whose bytes a retransmission brought.
		filled: count &log;
		## Synthetic packets that reached their receiver unseen.
		lost: count &log;
		## Synthetic packets of which nothing ever came.
		phantom: count &log;
		## Synthetic packets not made because too many waited for their outcome.
		withheld: count &log;
		## Packets in a million that the capture itself loses by now; no total.
		capture_loss_ppm: count &log;
		## Connections of Zeek that the plugin follows now.
		followed: count &log;
	};

	## How to open the sensor; filled from the options in ``foreshadow/main.zeek``.
	type Opening: record {
		## A TOML file, or empty for the defaults.
		config_file: string;
		## A model file, or empty for the one that the configuration names.
		model_file: string;
		## Single settings, a line ``key = value`` each, laid over the file.
		settings: string;
	};
}

redef record connection += {
	## Filled by the plugin as the connection is removed.
	foreshadow: Foreshadow::Score &optional;
};
