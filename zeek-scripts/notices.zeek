##! Notices for what an analyst should look at. They follow the sensor's alarms, of which there are as many
##! a day as ``score.alarms_per_day`` asks for, and are suppressed by who is concerned.

@load ./main
@load base/frameworks/cluster
@load base/frameworks/notice

module Foreshadow;

export {
	redef enum Notice::Type += {
		## A connection's packets together are too unlikely.
		Anomalous_Connection,
		## An endpoint does, or suffers, what it does not usually.
		Anomalous_Endpoint,
		## Behaviours of an endpoint add up.
		Target,
		## What came at even times no longer does.
		Missing_Heartbeat,
		## The capture itself loses packets.
		Capture_Loss,
	};

	## How long a notice of the same kind on the same ends is held back.
	option notice_suppress_for = 1hr;

	## Evidence in bits below which an alarm is logged but not noticed.
	option notice_severity = 0.0;

	## Share of packets that the capture loses from which that is a notice, 0 to 1.
	option notice_capture_loss = 0.01;
}

event anomalous_connection(a: Alarm)
	{
	if ( a$severity < notice_severity )
		return;

	local n = Notice::Info($note=Anomalous_Connection, $msg=a$note, $sub=fmt("%.1f bits, %s", a$severity, a$reason),
	                       $src=a$id$orig_h, $dst=a$id$resp_h, $p=a$id$resp_p,
	                       $identifier=cat(a$id$orig_h, a$id$resp_h, a$id$resp_p), $suppress_for=notice_suppress_for);

	if ( a?$conn )
		n$conn = a$conn;

	NOTICE(n);
	}

event anomalous_endpoint(a: Alarm)
	{
	if ( a$severity >= notice_severity )
		NOTICE([$note=Anomalous_Endpoint, $msg=a$note, $sub=fmt("%.1f bits, %s", a$severity, a$reason), $src=a$host,
		        $identifier=cat(a$host, a$reason), $suppress_for=notice_suppress_for]);
	}

event target_flagged(t: Flagged)
	{
	# Of a target of the network the manager speaks, once.
	if ( t$sensors > 1 && Cluster::is_enabled() && Cluster::local_node_type() == Cluster::WORKER )
		return;

	NOTICE([$note=Target, $msg=fmt("%s appears in %d categories: %s", t$target, t$category_count,
	                               join_string_vec(t$categories, ", ")),
	        $sub=fmt("score %.3f of %.3f", t$score, t$threshold), $src=t$target, $identifier=cat(t$target),
	        $suppress_for=notice_suppress_for]);
	}

event missing_heartbeat(h: Heartbeat)
	{
	if ( h$state == "resumed" )
		return;

	local n = Notice::Info($note=Missing_Heartbeat, $msg=describe_heartbeat(h), $suppress_for=notice_suppress_for,
	                       $identifier=h$state);

	if ( h$state == "stopped" )
		{
		n$src = h$source_h;
		n$dst = h$destination_h;
		n$p = h$destination_p;
		n$identifier = cat(h$source_h, h$destination_h, h$destination_p, h$beats);
		}

	NOTICE(n);
	}

event Foreshadow::stats(s: Stats)
	{
	local lost = s$capture_loss_ppm / 1000000.0;

	if ( lost >= notice_capture_loss )
		NOTICE([$note=Capture_Loss, $msg=fmt("the capture loses %.2f %% of packets by now", 100 * lost),
		        $identifier="capture loss", $suppress_for=notice_suppress_for]);
	}
