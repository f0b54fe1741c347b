# Notices follow alarms, are suppressed by who is concerned, and respond is asked, but for protected hosts.
# The alarms are made here, so that no model has a say.
#
# @TEST-EXEC: zeek foreshadow foreshadow/respond-netcontrol %INPUT >output
# @TEST-EXEC: columns note msg sub src dst p <notice.log >notices
# @TEST-EXEC: columns action enforced host severity note <foreshadow_respond.log >responses
# @TEST-EXEC: columns kind host severity reason note <foreshadow_alarm.log >alarms
# @TEST-EXEC: btest-diff output
# @TEST-EXEC: btest-diff notices
# @TEST-EXEC: btest-diff responses
# @TEST-EXEC: btest-diff alarms

redef Foreshadow::protected_hosts += { 10.0.0.1/32 };

function alarm_on(host: addr, reason: string, severity: double): Foreshadow::Alarm
	{
	return Foreshadow::Alarm($ts=double_to_time(1e9), $kind="endpoint", $host=host, $severity=severity, $threshold=20.0,
	                         $one_in=12000.0, $reason=reason, $seen=340, $tried=400, $usual=2.0,
	                         $known=5000, $terms=vector("minute"), $note=fmt("%s stands out by %s", host, reason));
	}

hook Foreshadow::respond(f: Foreshadow::Finding) &priority=5
	{
	print f$kind, f$host, f$note;
	}

event zeek_init()
	{
	for ( _, reason in vector("new_services", "failures") )
		{
		event Foreshadow::anomalous_endpoint(alarm_on(10.0.0.9, reason, 30.0));
		event Foreshadow::anomalous_endpoint(alarm_on(10.0.0.9, reason, 70.0));
		}

	event Foreshadow::anomalous_endpoint(alarm_on(10.0.0.1, "opened", 90.0));
	event Foreshadow::anomalous_connection(
	    Foreshadow::Alarm($ts=double_to_time(1e9), $kind="connection", $host=10.0.0.7, $uid="CXWv6p3arKYeMETxOg",
	                      $id=conn_id($orig_h=10.0.0.7, $orig_p=40000/tcp, $resp_h=10.0.0.2, $resp_p=502/tcp), $proto=tcp,
	                      $severity=44.0, $threshold=20.0, $one_in=3.0, $reason="packets", $rarest_one_in=1313.0,
	                      $known=3, $terms=vector("packets"), $note="367 packets are too unlikely"));
	event Foreshadow::target_flagged(
	    Foreshadow::Flagged($ts=double_to_time(1e9), $target=10.0.0.5, $score=0.8, $threshold=0.7, $category_count=2,
	                        $categories=vector("scanning", "outside-dns"), $first=double_to_time(1e9),
	                        $last=double_to_time(1e9), $sensors=1));
	event Foreshadow::missing_heartbeat(
	    Foreshadow::Heartbeat($ts=double_to_time(1e9), $state="stopped", $beats="connections", $source_h=10.0.0.3,
	                          $destination_h=10.0.0.4, $destination_p=443/tcp, $period=60sec, $jitter=1sec, $seen=40,
	                          $last=double_to_time(1e9), $wait=3min, $missed=3, $cadences=7));
	}
