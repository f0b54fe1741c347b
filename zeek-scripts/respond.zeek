##! Where a site decides what follows from an alarm. Nothing does by itself: a script hooks
##! ``Foreshadow::respond`` and acts; ``foreshadow/respond-netcontrol`` is an example.

@load ./main

module Foreshadow;

export {
	## What was found, of whom.
	type Finding: record {
		## When.
		ts: time &log;
		## ``connection``, ``endpoint`` or ``target``.
		kind: string &log;
		## The endpoint; for a connection its originator.
		host: addr &log;
		## Evidence in bits; for a target its score.
		severity: double &log;
		## One sentence.
		note: string &log;
		## The connection's name.
		uid: string &log &optional;
		## The connection's ends.
		id: conn_id &optional;
		## The connection, while Zeek holds it.
		conn: connection &optional;
	};

	## Called for each alarm and target on a host that is not protected. ``break`` keeps handlers of
	## lower priority from hearing of it.
	global respond: hook(f: Finding);

	## Hosts of which ``respond`` is never called: gateways, resolvers, whatever a site can't do without.
	option protected_hosts: set[subnet] = {};
}

function found(f: Finding)
	{
	if ( f$host !in protected_hosts )
		hook respond(f);
	}

event anomalous_connection(a: Alarm)
	{
	local f = Finding($ts=a$ts, $kind=a$kind, $host=a$host, $severity=a$severity, $note=a$note);

	if ( a?$uid )
		f$uid = a$uid;

	if ( a?$id )
		f$id = a$id;

	if ( a?$conn )
		f$conn = a$conn;

	found(f);
	}

event anomalous_endpoint(a: Alarm)
	{
	found([$ts=a$ts, $kind=a$kind, $host=a$host, $severity=a$severity, $note=a$note]);
	}

event target_flagged(t: Flagged)
	{
	found([$ts=t$ts, $kind="target", $host=t$target, $severity=t$score,
	       $note=fmt("appears in %d categories: %s", t$category_count, join_string_vec(t$categories, ", "))]);
	}
