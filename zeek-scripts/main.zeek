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
	##         ["sensor.stats_interval"] = "5m",
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

	## Settings that other scripts of the package add; those of *settings* come first.
	global sensor_settings: table[string] of string = table();

	## What the sensor is opened with.
	global opening: function(more: table[string] of string): Opening;

	## A missing heartbeat in one sentence.
	global describe_heartbeat: function(h: Heartbeat): string;
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

function opening(more: table[string] of string): Opening
	{
	local lines = "";

	for ( key, value in settings )
		{
		if ( /\n/ in key + value )
			Reporter::fatal(fmt("Foreshadow::settings: a line feed in the value of %s", key));

		lines += fmt("%s = %s\n", key, value);
		}

	for ( key, value in more )
		{
		if ( key !in settings )
			lines += fmt("%s = %s\n", key, value);
		}

	return [$config_file=config_file, $model_file=model_file, $settings=lines];
	}

# After the handlers of others, which may still want to set something up.
event zeek_init() &priority=-10
	{
	if ( enabled )
		__open(opening(sensor_settings));
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

event anomalous_packet(a: Anomaly) &priority=-5
	{
	Log::write(ANOMALY_LOG, a);
	}

event anomalous_connection(a: Alarm) &priority=-5
	{
	Log::write(ALARM_LOG, a);
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
