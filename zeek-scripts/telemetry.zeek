##! The sensor's counters as metrics, for those who watch Zeek with Prometheus.

@load ./main
@load base/frameworks/telemetry

module Foreshadow;

global packets_metric = Telemetry::register_gauge_family([$prefix="foreshadow", $name="packets", $unit="1",
	$help_text="Packets pushed into the sensor"]);
global live_metric = Telemetry::register_gauge_family([$prefix="foreshadow", $name="live_connections", $unit="1",
	$help_text="Connections that the sensor holds"]);
global anomalies_metric = Telemetry::register_gauge_family([$prefix="foreshadow", $name="anomalies", $unit="1",
	$help_text="Packets that were not expected"]);
global synthetic_metric = Telemetry::register_gauge_family([$prefix="foreshadow", $name="synthetic_packets", $unit="1",
	$help_text="Packets that were due and did not come, or were not seen"]);
global alarms_metric = Telemetry::register_gauge_family([$prefix="foreshadow", $name="alarms", $unit="1",
	$help_text="Alarms on connections and endpoints"]);
global shed_metric = Telemetry::register_gauge_family([$prefix="foreshadow", $name="events_shed", $unit="1",
	$help_text="Events lost because too many happened at once"]);
global memory_metric = Telemetry::register_gauge_family([$prefix="foreshadow", $name="memory", $unit="bytes",
	$help_text="Memory that the sensor holds for connections, model and deadlines"]);

# Asked for when somebody scrapes, so nothing is kept up to date in between.
hook Telemetry::sync()
	{
	if ( ! is_active() )
		return;

	local s = counters();
	Telemetry::gauge_family_set(packets_metric, vector(), s$packets);
	Telemetry::gauge_family_set(live_metric, vector(), s$live);
	Telemetry::gauge_family_set(anomalies_metric, vector(), s$anomalies);
	Telemetry::gauge_family_set(synthetic_metric, vector(), s$synthetic);
	Telemetry::gauge_family_set(alarms_metric, vector(), s$anomalous_connections + s$anomalous_endpoints);
	Telemetry::gauge_family_set(shed_metric, vector(), s$events_shed);
	Telemetry::gauge_family_set(memory_metric, vector(), s$memory);
	}
