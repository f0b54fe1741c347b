##! Opens the sensor and writes its logs: foreshadow_synthetic.log, foreshadow_anomaly.log,
##! foreshadow_alarm.log, foreshadow_heartbeat.log, foreshadow_category.log, foreshadow_target.log and
##! foreshadow_stats.log. The events behind them are in the plugin's ``foreshadow.bif``.

module Foreshadow;

export {
	redef enum Log::ID += {
		SYNTHETIC_LOG,
		ANOMALY_LOG,
		ALARM_LOG,
		HEARTBEAT_LOG,
		CATEGORY_LOG,
		TARGET_LOG,
		STATS_LOG,
	};

	## Whether a sensor is opened at all.
	const enabled = T &redef;

	## A TOML file with the sensor's configuration, as ``foreshadow config --print-default`` prints it.
	## Empty: the defaults.
	const config_file = "" &redef;

	## A model file instead of the one that the configuration names.
	const model_file = "" &redef;

	## Single settings of the sensor, laid over the file. The keys are those of the TOML file, in full,
	## as ``foreshadow run --set`` takes them:
	##
	## .. code-block:: zeek
	##
	##     redef Foreshadow::settings += {
	##         ["score.alarms_per_day"] = "4",
	##         ["sensor.stats_interval"] = "5min",
	##     };
	##
	## They are read once, when the sensor opens.
	const settings: table[string] of string = table() &redef;

	## Whether synthetic packets that were merely overdue are logged, or only gaps, which show that
	## something was sent and not seen. Their events are raised in any case.
	option log_overdue = T;

	## What decides over rows of foreshadow_synthetic.log.
	global log_policy_synthetic: Log::PolicyHook;
	## What decides over rows of foreshadow_anomaly.log.
	global log_policy_anomaly: Log::PolicyHook;
	## What decides over rows of foreshadow_alarm.log.
	global log_policy_alarm: Log::PolicyHook;
	## What decides over rows of foreshadow_heartbeat.log.
	global log_policy_heartbeat: Log::PolicyHook;
	## What decides over rows of foreshadow_category.log.
	global log_policy_category: Log::PolicyHook;
	## What decides over rows of foreshadow_target.log.
	global log_policy_target: Log::PolicyHook;
	## What decides over rows of foreshadow_stats.log.
	global log_policy_stats: Log::PolicyHook;

	redef record Alarm += {
		## All of it in one sentence.
		note: string &log &default="";
	};

	redef record Anomaly += {
		## The part that surprised most: ``side_flags``, ``size``, ``time`` or ``entropy``.
		reason: string &log &default="";
	};

	## An alarm in one sentence.
	global describe: function(a: Alarm): string;

	## A missing heartbeat in one sentence.
	global describe_heartbeat: function(h: Heartbeat): string;
}

const activity_words: table[string] of vector of string = {
	["opened"] = vector("began", "connections"),
	["new_services"] = vector("turned to", "services it had not met before"),
	["failed"] = vector("began", "connections that came to nothing"),
	["received"] = vector("was the target of", "connections"),
	["new_sources"] = vector("was turned to by", "endpoints that it had not met before"),
	["unanswered"] = vector("left unanswered", "connections"),
};

const volume_words: table[string] of string = {
	["bytes_sent"] = "bytes sent by its originator",
	["bytes_received"] = "bytes sent by its responder",
	["many_packets"] = "packets",
};

function describe(a: Alarm): string
	{
	local text = "";
	local units = a$kind == "connection" ? "connections" : "minutes of an endpoint";
	local subject = a$kind == "connection" ? fmt("%d packets of this connection", a$packets_scored) : cat(a$host);

	if ( a$reason == "packets" )
		text = fmt("%s together are too unlikely; the rarest is one in %.0f packets like it",
		           subject, a$rarest_one_in);
	else if ( a$reason == "novelty" )
		text = fmt("%s between ends that did not meet before are too unlikely; the rarest is one in %.0f packets like it",
		           subject, a$rarest_one_in);
	else if ( a$reason in volume_words )
		text = fmt("this connection has come to %d %s; one in %.0f of its service carries as much",
		           a$seen, volume_words[a$reason], a$rarest_one_in);
	else if ( a$reason in activity_words )
		text = fmt("%s %s %d %s within a minute, usual are %.1f", subject, activity_words[a$reason][0],
		           a$seen, activity_words[a$reason][1], a$usual);
	else if ( a$reason == "failures" )
		text = fmt("of %d services that %s turned to for the first time, %d did not answer or refused",
		           a$tried, subject, a$seen);
	else
		text = fmt("%s stands out", subject);

	if ( a$one_in < 10.0 )
		return fmt("%s; too few %s were seen here to say how rare that is", text, units);

	return fmt("%s; one in %.0f %s comes to as much here", text, a$one_in, units);
	}

function describe_heartbeat(h: Heartbeat): string
	{
	if ( h$state == "silence" )
		return "nothing at all comes any more; the capture itself may have stopped";

	local what = fmt("%s from %s to %s port %s", h$beats, h$source_h, h$destination_h, h$destination_p);

	if ( h$state == "resumed" )
		return fmt("%s are back; %d did not come", what, h$missed);

	return fmt("%s came every %.3f s, %d times, and stopped", what, interval_to_double(h$period), h$seen);
	}

function main_part(a: Anomaly): string
	{
	local part = "side_flags";
	local bits = a$bits_side_flags;

	if ( a$bits_size > bits )
		{
		part = "size";
		bits = a$bits_size;
		}

	if ( a$bits_time > bits )
		{
		part = "time";
		bits = a$bits_time;
		}

	return a$bits_entropy > bits ? "entropy" : part;
	}

event zeek_init() &priority=5
	{
	Log::create_stream(SYNTHETIC_LOG, [$columns=Synthetic, $path="foreshadow_synthetic",
	                                   $policy=log_policy_synthetic]);
	Log::create_stream(ANOMALY_LOG, [$columns=Anomaly, $path="foreshadow_anomaly", $policy=log_policy_anomaly]);
	Log::create_stream(ALARM_LOG, [$columns=Alarm, $path="foreshadow_alarm", $policy=log_policy_alarm]);
	Log::create_stream(HEARTBEAT_LOG, [$columns=Heartbeat, $path="foreshadow_heartbeat",
	                                   $policy=log_policy_heartbeat]);
	Log::create_stream(CATEGORY_LOG, [$columns=Category, $path="foreshadow_category",
	                                  $policy=log_policy_category]);
	Log::create_stream(TARGET_LOG, [$columns=Flagged, $path="foreshadow_target", $policy=log_policy_target]);
	Log::create_stream(STATS_LOG, [$columns=Stats, $path="foreshadow_stats", $policy=log_policy_stats]);
	}

# After the handlers of others, which may still want to set something up.
event zeek_init() &priority=-10
	{
	if ( ! enabled )
		return;

	local lines = "";

	for ( key, value in settings )
		{
		if ( /\n/ in key + value )
			Reporter::fatal(fmt("Foreshadow::settings: a line feed in the value of %s", key));

		lines += fmt("%s = %s\n", key, value);
		}

	__open([$config_file=config_file, $model_file=model_file, $settings=lines]);
	}

# The connections have been removed by now, each with its score.
event zeek_done() &priority=-10
	{
	__finish();
	}

event synthetic_packet(s: Synthetic) &priority=-5
	{
	if ( log_overdue || s$kind != "overdue" )
		Log::write(SYNTHETIC_LOG, s);
	}

event synthetic_outcome(s: Synthetic) &priority=-5
	{
	if ( log_overdue || s$kind != "overdue" )
		Log::write(SYNTHETIC_LOG, s);
	}

event anomalous_packet(a: Anomaly) &priority=5
	{
	a$reason = main_part(a);
	}

event anomalous_packet(a: Anomaly) &priority=-5
	{
	Log::write(ANOMALY_LOG, a);
	}

event anomalous_connection(a: Alarm) &priority=5
	{
	a$note = describe(a);
	}

event anomalous_connection(a: Alarm) &priority=-5
	{
	Log::write(ALARM_LOG, a);
	}

event anomalous_endpoint(a: Alarm) &priority=5
	{
	a$note = describe(a);
	}

event anomalous_endpoint(a: Alarm) &priority=-5
	{
	Log::write(ALARM_LOG, a);
	}

event missing_heartbeat(h: Heartbeat) &priority=-5
	{
	Log::write(HEARTBEAT_LOG, h);
	}

event category_weights(c: Category) &priority=-5
	{
	Log::write(CATEGORY_LOG, c);
	}

event target_flagged(t: Flagged) &priority=-5
	{
	Log::write(TARGET_LOG, t);
	}

event Foreshadow::stats(s: Stats) &priority=-5
	{
	Log::write(STATS_LOG, s);
	}

event events_shed(ts: time, n: count)
	{
	Reporter::warning(fmt("Foreshadow: %d events were lost because too many happened at once", n));
	}
