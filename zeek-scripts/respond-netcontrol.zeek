##! An example of a response: severe findings drop a host or a connection through NetControl, for a
##! while. It observes only, until ``Foreshadow::danger_enforce`` says otherwise: foreshadow_respond.log
##! then shows what it would have done. Load it by name; ``foreshadow`` does not.
##!
##! An anomaly is improbable traffic, not an attack. Protect what must not be cut off with
##! ``Foreshadow::protected_hosts``, and watch the log for some weeks first.

@load ./respond
@load base/frameworks/netcontrol

module Foreshadow;

export {
	redef enum Log::ID += { RESPOND_LOG };

	## Whether rules are really sent to NetControl's plugins.
	option danger_enforce = F;

	## Evidence in bits from which a finding on a connection drops the connection.
	option drop_connection_severity = 40.0;

	## Evidence in bits from which a finding on an endpoint drops the endpoint.
	option drop_host_severity = 60.0;

	## How long a rule holds.
	option drop_for = 10min;

	## What was done, or would have been.
	type Response: record {
		## When.
		ts: time &log;
		## ``drop_connection`` or ``drop_host``.
		action: string &log;
		## Whether it was done, or only observed.
		enforced: bool &log;
		## How long it holds.
		expire: interval &log;
		## Who is concerned.
		host: addr &log;
		## The connection's name.
		uid: string &log &optional;
		## Evidence in bits.
		severity: double &log;
		## Why.
		note: string &log;
	};

	## What decides over rows of foreshadow_respond.log.
	global log_policy_respond: Log::PolicyHook;
}

event zeek_init() &priority=5
	{
	Log::create_stream(RESPOND_LOG, [$columns=Response, $path="foreshadow_respond", $policy=log_policy_respond]);
	}

hook respond(f: Finding)
	{
	local r = Response($ts=f$ts, $action="", $enforced=danger_enforce, $expire=drop_for, $host=f$host,
	                   $severity=f$severity, $note=f$note);

	if ( f?$uid )
		r$uid = f$uid;

	if ( f$kind == "connection" && f$severity >= drop_connection_severity && f?$id )
		{
		r$action = "drop_connection";

		if ( danger_enforce )
			NetControl::drop_connection(f$id, drop_for, f$note);
		}
	else if ( f$kind == "endpoint" && f$severity >= drop_host_severity )
		{
		r$action = "drop_host";

		if ( danger_enforce )
			NetControl::drop_address(f$host, drop_for, f$note);
		}
	else
		return;

	Log::write(RESPOND_LOG, r);
	}
