##! In a cluster whose workers share a key, their sensors are a federation: each sends the manager what its
##! categories counted, the manager merges it and tells all of them what weighs how much in the whole
##! network, and an endpoint that no single worker saw enough of becomes a target of the network.
##!
##! .. code-block:: zeek
##!
##!     redef Foreshadow::settings += { ["bloom.federation_key"] = "32 hexadecimal digits" };
##!
##! Blobs hold states, not changes: what is lost or comes twice does no harm, and a worker that leaves and
##! comes back is merged again. They are sealed with the key; what does not fit is refused and counted.

@load ./main
@load ./notices
@load base/frameworks/cluster

module Foreshadow;

export {
	redef enum Log::ID += { NETWORK_LOG };

	## A worker's blob on its way to the manager.
	global contribution: event(node: string, clock: time, is_live: bool, blob: string);

	## The manager's view on its way to the workers.
	global network_view: event(view: string);

	## A target of the network, as a worker that met it tells the manager.
	global network_target: event(t: Flagged);

	## How long the manager holds back what other workers say of the same target of the network.
	option network_target_for = 10min;

	## What decides over rows of foreshadow_network.log, the network's categories.
	global log_policy_network: Log::PolicyHook;
}

global exported_at = double_to_time(0.0);
global clock_of_workers = double_to_time(0.0);
global network_targets: table[addr] of time &create_expire=1day;
global refused: set[string] &create_expire=1hr;

function is_federation(): bool
	{
	return enabled && Cluster::is_enabled() && ( "bloom.federation_key" in settings || "federation.seal_key" in settings );
	}

function is_manager(): bool
	{
	return is_federation() && Cluster::local_node_type() == Cluster::MANAGER;
	}

function is_worker(): bool
	{
	return is_federation() && Cluster::local_node_type() == Cluster::WORKER;
	}

@ifdef ( Cluster::publish )
function tell_manager(node: string, clock: time, is_live: bool, blob: string)
	{
	Cluster::publish(Cluster::manager_topic, contribution, node, clock, is_live, blob);
	}

function tell_manager_of(t: Flagged)
	{
	Cluster::publish(Cluster::manager_topic, network_target, t);
	}

function tell(topic: string, view: string)
	{
	Cluster::publish(topic, network_view, view);
	}
@else
function tell_manager(node: string, clock: time, is_live: bool, blob: string)
	{
	Broker::publish(Cluster::manager_topic, contribution, node, clock, is_live, blob);
	}

function tell_manager_of(t: Flagged)
	{
	Broker::publish(Cluster::manager_topic, network_target, t);
	}

function tell(topic: string, view: string)
	{
	Broker::publish(topic, network_view, view);
	}
@endif

event zeek_init() &priority=5
	{
	Log::create_stream(NETWORK_LOG, [$columns=Category, $path="foreshadow_network", $policy=log_policy_network]);
	}

event zeek_init()
	{
	if ( is_worker() )
		sensor_settings["federation.sensor"] = Cluster::node;

	if ( is_manager() )
		__aggregator_open(opening(table()));
	}

# Once an interval, whatever the number of categories.
event category_weights(c: Category)
	{
	if ( ! is_worker() || c$ts == exported_at )
		return;

	exported_at = c$ts;
	# A capture that is played as if it were live has a clock of its own all the same.
	local is_live = reading_live_traffic() && network_time() - c$ts < 1day;
	local blob = __export();

	while ( |blob| > 0 )
		{
		tell_manager(Cluster::node, c$ts, is_live, blob);
		blob = __export();
		}
	}

event contribution(node: string, clock: time, is_live: bool, blob: string)
	{
	if ( ! is_manager() )
		return;

	# Of a replayed capture only the workers know the time.
	if ( is_live )
		clock = network_time();

	if ( clock > clock_of_workers )
		clock_of_workers = clock;

	local why = __aggregator_take(node, blob, clock_of_workers);

	if ( why != "" && node + why !in refused )
		{
		add refused[node + why];
		Reporter::warning(fmt("Foreshadow: a blob of %s was refused: %s", node, why));
		}

	if ( ! __aggregator_advance(clock_of_workers) )
		return;

	tell(Cluster::worker_topic, __aggregator_view());
	local categories = __aggregator_categories();

	for ( _, c in categories )
		Log::write(NETWORK_LOG, c);
	}

# Who joins late, or comes back, need not wait for the next round.
event Cluster::node_up(name: string, id: string)
	{
	if ( ! is_manager() || name !in Cluster::nodes || Cluster::nodes[name]$node_type != Cluster::WORKER )
		return;

	local view = __aggregator_view();

	if ( |view| > 0 )
		tell(Cluster::node_topic(name), view);
	}

event network_view(view: string)
	{
	if ( ! is_worker() )
		return;

	local why = __merge(view);

	if ( why != "" )
		Reporter::warning(fmt("Foreshadow: the network's view was refused: %s", why));
	}

# Several workers may have met it; the manager tells of it once.
hook log_policy_target(rec: Flagged, id: Log::ID, filter: Log::Filter)
	{
	if ( rec$sensors > 1 && is_worker() )
		break;
	}

event target_flagged(t: Flagged)
	{
	if ( t$sensors > 1 && is_worker() )
		tell_manager_of(t);
	}

event network_target(t: Flagged)
	{
	if ( ! is_manager() )
		return;

	if ( t$target in network_targets && t$ts - network_targets[t$target] < network_target_for )
		return;

	network_targets[t$target] = t$ts;
	event Foreshadow::target_flagged(t);
	}
