//! Every key, declared once: its place, kind, default, range, unit, cost and what it does.
//!
//! From one declaration the macro makes the field, its accessor with its documentation, its default
//! and its entry in [`KEYS`], from which the parser, the printed default configuration and the
//! operator's guide are made. Fields are private and only ever set through the range's check, so a
//! [`Config`] cannot hold a value that its key does not allow.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use toml_edit::Value;

use super::category::Categories;
use super::setting::{ANY, HexKey, Misfit, Named, Prefixes, SensorName, Setting};
use crate::bloom::Weighting;
use crate::time::Span;
use crate::wire::Tunnels;

/// What the forecasts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelKind {
    /// A recurrent network, and what is learned on line beside it.
    Network,
    /// Counts of which discretised packet followed which.
    Markov,
    /// Many contexts, each with what followed it, mixed by learned weights.
    Adaptive,
}

impl Named for ModelKind {
    const NAMES: &[(&str, Self)] =
        &[("network", Self::Network), ("adaptive", Self::Adaptive), ("markov", Self::Markov)];
}

impl ModelKind {
    /// Its name, as a configuration has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Adaptive => "adaptive",
            Self::Markov => "markov",
        }
    }
}

impl Named for Weighting {
    const NAMES: &[(&str, Self)] = &[("share", Self::Share), ("rarity", Self::Rarity)];
}

/// How the logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Zeek's tab-separated form with its header lines.
    Tsv,
    /// One JSON object per line, as Zeek writes it.
    Json,
}

impl Named for LogFormat {
    const NAMES: &[(&str, Self)] = &[("tsv", Self::Tsv), ("json", Self::Json)];
}

/// One key: where it stands, what it takes and what is said about it.
#[derive(Debug)]
pub struct Key {
    /// The dotted name, as in `flow.max_connections`.
    pub path: &'static str,
    /// The table the key stands in.
    pub section: &'static str,
    /// The name within the table.
    pub name: &'static str,
    /// What one of it is, as in `connections`; `none` for a choice.
    pub unit: &'static str,
    /// What a higher value (or the other choice) costs.
    pub cost: &'static str,
    pub(super) doc: &'static [&'static str],
    pub(super) range: fn() -> String,
    pub(super) expected: fn() -> String,
    pub(super) read: fn(&mut Config, &Value) -> Result<(), Misfit>,
    pub(super) bare: fn(&str) -> Value,
    pub(super) write: fn(&Config) -> String,
}

impl Key {
    /// What the key does, in one paragraph.
    #[must_use]
    pub fn doc(&self) -> String {
        let lines: Vec<&str> = self.doc.iter().map(|line| line.trim()).collect();
        lines.join(" ")
    }

    /// The values the key takes, as in `16 to 16777216`.
    #[must_use]
    pub fn range(&self) -> String {
        (self.range)()
    }

    /// The default, as TOML.
    #[must_use]
    pub fn default(&self) -> String {
        (self.write)(&Config::default())
    }
}

/// One table of the configuration.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) doc: &'static str,
}

macro_rules! sections {
    ($(
        #[doc = $section_doc:literal]
        $section:ident: $Section:ident {$(
            $(#[doc = $doc:literal])+
            $name:ident: $kind:ty = $default:expr, in $range:expr, unit $unit:literal,
                cost $cost:literal;
        )+}
    )+) => {
        /// Every setting of a sensor and its hosts; each value is one its key allows.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Config {$(
            #[doc = $section_doc]
            pub $section: $Section,
        )+
            /// The categories of behaviour, `[[category]]`.
            pub categories: Categories,
        }

        $(
            #[doc = concat!("The table `[", stringify!($section), "]`:", $section_doc)]
            #[derive(Clone, Debug, PartialEq)]
            pub struct $Section {$($name: $kind,)+}

            impl $Section {$(
                $(#[doc = $doc])+
                #[doc = ""]
                #[doc = concat!("Unit: ", $unit, ". Default: `", stringify!($default), "`.")]
                #[doc = concat!("Cost: ", $cost, ".")]
                #[must_use]
                pub fn $name(&self) -> $kind {
                    Clone::clone(&self.$name)
                }
            )+}

            impl Default for $Section {
                fn default() -> Self {
                    Self {$($name: $default,)+}
                }
            }
        )+

        pub(super) static SECTIONS: &[Section] = &[
            $(Section { name: stringify!($section), doc: $section_doc },)+
        ];

        pub(super) static KEYS: &[Key] = &[$($(
            Key {
                path: concat!(stringify!($section), ".", stringify!($name)),
                section: stringify!($section),
                name: stringify!($name),
                unit: $unit,
                cost: $cost,
                doc: &[$($doc),+],
                range: || <$kind as Setting>::range(&$range),
                expected: || <$kind as Setting>::expected(&$range),
                read: |config, value| {
                    config.$section.$name = <$kind as Setting>::read(value, &$range)?;
                    Ok(())
                },
                bare: <$kind as Setting>::bare,
                write: |config| Setting::write(&config.$section.$name),
            },
        )+)+];
    };
}

const DAY: Span = Span::from_secs(86_400);

const TIMEOUT: RangeInclusive<Span> = Span::from_secs(1)..=DAY;

const TOML_MAX: u64 = i64::MAX as u64;

sections! {
    /// The sensor as a whole.
    sensor: SensorConfig {
        /// Seeds the hashing of the tables and the connections' uids. The same packets, model and
        /// configuration with the same seed give the same events, whatever the host. Sensors whose
        /// uids meet in one place want different seeds.
        seed: u64 = 0, in 0..=TOML_MAX, unit "none", cost "nothing";
        /// Events held for a host that has not fetched them when it pushes the next packet; beyond
        /// these the oldest are shed, and counted in the stats. A host that polls after each call
        /// loses none, however many one call raises.
        event_queue: usize = 65_536, in 1_024..=16_777_216, unit "events",
            cost "memory for as many events, once a host falls behind";
        /// Packet time between two stats events.
        stats_interval: Span = Span::from_secs(60), in TIMEOUT, unit "packet time",
            cost "nothing; a longer interval shows a change later";
    }

    /// What is read out of a frame.
    wire: WireConfig {
        /// Tunnels that are opened, so that the connection seen is the one inside. A kind left out is
        /// seen as the connection between the tunnel's ends.
        tunnels: Tunnels = Tunnels::ALL, in ANY, unit "none",
            cost "for each kind, some header bytes read per tunnelled packet";
    }

    /// Connections: how many are remembered, and for how long.
    flow: FlowConfig {
        /// Connections remembered at once. When they are this many, a new one takes the place of the
        /// least valuable, which is summarised as evicted.
        max_connections: usize = 1_000_000, in 16..=16_777_216, unit "connections",
            cost "at most 512 bytes of memory each";
        /// Whether the same addresses and ports in another VLAN are another connection. Leave it off
        /// where a mirror port shows the two directions of a connection in different VLANs.
        key_vlan: bool = false, in ANY, unit "none",
            cost "when true, more connections where addresses repeat between VLANs";
        /// Whether the same addresses and ports under another tunnel id (VXLAN or Geneve network
        /// identifier, GRE key, GTP-U tunnel endpoint) are another connection. Leave it off where the
        /// two directions carry different ids, as GTP-U's do.
        key_tunnel: bool = false, in ANY, unit "none",
            cost "when true, more connections where addresses repeat between tunnels";
        /// Silence after which an established TCP connection is over.
        timeout_tcp: Span = Span::from_secs(300), in TIMEOUT, unit "packet time",
            cost "idle connections hold their memory longer and are summarised later";
        /// Silence after which a TCP connection that has not completed its handshake is over.
        timeout_tcp_attempt: Span = Span::from_secs(30), in TIMEOUT, unit "packet time",
            cost "a scan or a flood holds memory for its attempts longer";
        /// Silence after which a TCP connection is over once both sides sent FIN or one sent RST. Late
        /// segments up to then still belong to it.
        timeout_tcp_closed: Span = Span::from_secs(5), in TIMEOUT, unit "packet time",
            cost "closed connections hold their memory longer and are summarised later";
        /// Silence after which the UDP packets between two ports are no longer one connection.
        timeout_udp: Span = Span::from_secs(60), in TIMEOUT, unit "packet time",
            cost "memory: name look-ups and the like are remembered longer";
        /// Silence after which the ICMP packets between two hosts are no longer one connection.
        timeout_icmp: Span = Span::from_secs(60), in TIMEOUT, unit "packet time",
            cost "memory: pings and the like are remembered longer";
        /// Silence after which the packets of any other protocol between two hosts are no longer one
        /// connection.
        timeout_other: Span = Span::from_secs(60), in TIMEOUT, unit "packet time",
            cost "memory: their connections are remembered longer";
        /// How far a packet's time may lie behind the latest seen. Further, and the capture's clock is
        /// taken to have been set back, which closes every connection.
        reorder_tolerance: Span = Span::from_secs(10), in Span::ZERO..=DAY, unit "packet time",
            cost "nothing; a clock set back by less than this goes unnoticed";
        /// IP fragment ids remembered, so that later fragments, which carry no ports, are counted on
        /// the connection of the first. 0 counts them on none.
        fragments: usize = 4_096, in 0..=1_048_576, unit "fragment ids",
            cost "memory for as many ids";
    }

    /// The model that forecasts the next packet.
    model: ModelConfig {
        /// Which kind of model: a network with what is learned on line beside it; the latter alone;
        /// or counts of which packet followed which.
        kind: ModelKind = ModelKind::Markov, in ANY, unit "none",
            cost "the network costs most a packet, and \"markov\" least";
        /// Whether a network's forecasts are mixed with what is learned on line. Without it the
        /// network stands alone, as it was trained.
        adapt: bool = true, in ANY, unit "none", cost "when false, far worse forecasts, for less time a packet";
        /// The model file, relative to the working directory. Empty takes the built-in one.
        path: Option<PathBuf> = None, in ANY, unit "path", cost "its size in memory, once";
        /// Memory for what is counted on line. When it is full, what is new takes the place of what
        /// was seen least, and leans on coarser counts meanwhile.
        table_mib: usize = 16, in 1..=4_096, unit "MiB",
            cost "that memory, and more cache misses per packet once it outgrows the cache";
        /// Whether the model stays as it was loaded and learns nothing from the packets it sees.
        frozen: bool = false, in ANY, unit "none",
            cost "when true, the forecasts do not adapt to this site";
    }

    /// What is kept over a restart.
    store: StoreConfig {
        /// The file in which a sensor keeps what it learned, and from which it goes on. Empty keeps
        /// nothing: each run begins alike, as reading a capture should. One file serves one sensor.
        path: Option<PathBuf> = None, in ANY, unit "path",
            cost "the model's table and a record for each connection kept, on disk, written anew each time";
        /// Least time between two writings; the last is at the end. What was learned since is lost if
        /// the process is killed.
        interval: Span = Span::from_secs(300), in Span::from_secs(1)..=DAY, unit "time",
            cost "more is lost when killed; lower, and packets wait more often for some tens of milliseconds";
        /// Connections of which the state is kept, so that they go on from it when they return. When
        /// they are this many, the one that was kept longest ago gives way.
        connections: usize = 16_384, in 0..=1_048_576, unit "connections",
            cost "about 350 bytes of memory each, once a path is given";
    }

    /// Packets that were due and did not come.
    predict: PredictConfig {
        /// Whether deadlines are kept and synthetic packets made.
        enabled: bool = true, in ANY, unit "none",
            cost "when true, one timer per connection, reset by every packet";
        /// The share of packets that come before they count as overdue. It is held for each service by
        /// what came in time there, see `predict.adapt`.
        quantile: f64 = 0.95, in 0.5..=0.999, unit "probability",
            cost "synthetic packets come later; lower, and more of them are merely late";
        /// Synthetic packets in a row on one connection before it waits for a real one. 0 makes none.
        max_run: u32 = 4, in 0..=16, unit "packets",
            cost "up to as many events per silent connection, each less sure than the one before";
        /// Least confidence of a deadline for which a synthetic packet is made: near 1 only if another
        /// packet comes almost surely, and at almost surely this time. Over a run, confidences multiply.
        min_confidence: f64 = 0.7, in 0.0..=1.0, unit "probability",
            cost "fewer synthetic packets; lower, and more of them are wrong";
        /// Overdue packets are made only where the forecast gives less than this to nothing more coming
        /// on the connection at all.
        max_nothing_more: f64 = 0.3, in 0.0..=1.0, unit "probability",
            cost "more synthetic packets where connections end without a word";
        /// Packets of a connection before its deadlines count.
        min_packets: u32 = 8, in 2..=10_000, unit "packets",
            cost "short connections get no overdue packets; lower, and more are wrong";
        /// How far one deadline that was kept or missed moves the quantile of its service, so that the
        /// stated share of packets comes in time on this site. 0 leaves every quantile as stated.
        adapt: f64 = 0.005, in 0.0..=0.1, unit "probability",
            cost "quantiles that swing more; lower, and they follow the site more slowly";
        /// Synthetic packets made for one hole in a stream; what it held beyond them is told in each. 0
        /// makes none.
        max_gap_packets: u32 = 64, in 0..=128, unit "packets",
            cost "up to as many events for each hole";
        /// How long a hole in a stream may be a packet that overtook another, before gap packets are made.
        reorder_wait: Span = Span::from_millis(20), in Span::ZERO..=Span::from_secs(10),
            unit "packet time",
            cost "gap packets come later; lower, and more are filled by packets out of order";
        /// The longest wait for what becomes of a synthetic packet; then nothing ever came.
        outcome_wait: Span = Span::from_secs(60), in Span::from_millis(100)..=Span::from_secs(3_600),
            unit "packet time",
            cost "packets wait longer for their outcome, and more of them at one time";
        /// Synthetic packets that may wait for their outcome at one time; beyond, none are made, and the
        /// stats say so.
        max_open: u32 = 16_384, in 128..=1_048_576, unit "packets",
            cost "about 350 bytes each";
        /// Sequences watched for a cadence: the packets of each side of a connection, and the
        /// connections of each pair of endpoints on a service. When there are more, the least valuable
        /// gives way. 0 watches none, and no missing heartbeat is reported.
        heartbeats: usize = 65_536, in 0..=16_777_216, unit "sequences",
            cost "200 bytes of memory each";
        /// Beats before a cadence is believed, so that its end is worth a word.
        heartbeat_beats: u32 = 30, in 8..=100_000, unit "beats",
            cost "a cadence is watched later; lower, and short runs of a beat are taken for one";
        /// The most a cadence may be off: seven in eight beats come within this share of the period.
        heartbeat_jitter: f64 = 0.15, in 0.001..=0.3, unit "share of the period",
            cost "less regular traffic counts, and more of its pauses as stops";
        /// The shortest period of a cadence. What repeats faster is mostly the inside of a transfer.
        heartbeat_period: Span = Span::from_millis(500), in Span::from_millis(1)..=DAY,
            unit "packet time", cost "faster polling is not watched; lower, and transfers and calls are";
        /// The share of a cadence's gaps that may be taken for a stop and are none. By the record of
        /// each cadence it decides how many beats must be missing in a row, two at least.
        heartbeat_false_rate: f64 = 0.001, in 0.000_001..=0.1, unit "probability",
            cost "more false reports; lower, and a stop of a cadence that skips beats is told later";
    }

    /// Packets the forecast did not expect.
    score: ScoreConfig {
        /// How many of a million ordinary packets may be called anomalies. The surprise in bits from which
        /// a packet is one follows from what this site's packets are like, by service.
        false_alarms_per_million: f64 = 100.0, in 0.1..=500_000.0, unit "packets",
            cost "more false anomalies; lower, and true ones among the fewer are lost";
        /// How many alarms on connections and endpoints together may be raised a day. The evidence that
        /// an alarm needs follows from what connections and endpoints of this site come to.
        alarms_per_day: f64 = 24.0, in 0.01..=100_000.0, unit "alarms",
            cost "more false alarms; lower, and the first sign of an attack comes later or is held back";
        /// Packets of the sensor before the first anomaly is reported, while the model gets to know
        /// the site.
        warm_up: u64 = 2_000, in 0..=TOML_MAX, unit "packets",
            cost "anomalies among the first packets are not reported";
        /// Packets of a connection before its packets may be anomalies.
        min_packets: u32 = 4, in 0..=10_000, unit "packets",
            cost "anomalies early in a connection are not reported";
        /// What a bit of surprise at who sent a packet, with which flags, counts.
        weight_side_flags: f64 = 1.0, in 0.0..=10.0, unit "none", cost "the other parts count less";
        /// What a bit of surprise at a packet's size counts. Size, time and entropy surprise most where
        /// people and chance do, and least where a machine attacks; the defaults are what tells attacks
        /// from ordinary traffic best.
        weight_size: f64 = 0.05, in 0.0..=10.0, unit "none", cost "the other parts count less";
        /// What a bit of surprise at a packet's time counts.
        weight_time: f64 = 0.01, in 0.0..=10.0, unit "none", cost "the other parts count less";
        /// What a bit of surprise at the randomness of a packet's payload counts.
        weight_entropy: f64 = 0.01, in 0.0..=10.0, unit "none", cost "the other parts count less";
        /// What a bit of evidence counts that departs from the profile of an endpoint or a service.
        weight_profile: f64 = 1.0, in 0.0..=10.0, unit "none", cost "more alarms on endpoints";
        /// Endpoints whose usual activity is remembered, with twice as many meetings of two on a service.
        endpoints: usize = 16_384, in 64..=1_048_576, unit "endpoints",
            cost "about 300 bytes each, taken at the start";
    }

    /// Categories of behaviour, each a table `[[category]]`, and the targets that appear in them.
    bloom: BloomConfig {
        /// Whether behaviours are counted.
        enabled: bool = true, in ANY, unit "none",
            cost "when true, about 100 ns a packet and 10 MB";
        /// The networks that `internal` stands for in rules.
        internal: Prefixes = Prefixes::private(), in ANY, unit "none", cost "nothing";
        /// The key that sensors of one federation share, 32 hexadecimal digits. Without one a key is
        /// made of sensor.seed, which anybody can guess.
        federation_key: HexKey = HexKey::NONE, in ANY, unit "none", cost "nothing";
        /// Packet time between two reports, at which the weights are made anew.
        interval: Span = Span::from_secs(60), in TIMEOUT, unit "packet time",
            cost "nothing; a longer interval follows the traffic more slowly";
        /// How long a window of the counters stands open. What falls silent is forgotten after two.
        window: Span = Span::from_secs(3_600), in TIMEOUT, unit "packet time",
            cost "slower behaviours are seen, and counters fill further";
        /// What makes a category weigh: much activity (share), or little (rarity).
        weighting: Weighting = Weighting::Share, in ANY, unit "none", cost "nothing";
        /// What is left of an active category's weight after an interval.
        alpha: f64 = 0.9, in 0.0..=0.999_999, unit "none",
            cost "weights follow the traffic more slowly";
        /// What is left of an idle category's weight after an interval.
        idle_decay: f64 = 0.98, in 0.0..=0.999_999, unit "none",
            cost "a category that fell silent keeps its weight longer";
        /// The least a category weighs.
        floor: f64 = 0.01, in 0.000_001..=0.5, unit "none",
            cost "idle categories say more; under rarity, differences between rare ones are lost";
        /// The score from which a target is reported: the sum of its categories' weights. 0 takes what
        /// was measured for the weighting: 0.5 for share, 1.2 for rarity.
        threshold: Option<f64> = None, in 0.001..=32.0, unit "none",
            cost "fewer targets; lower, and more false ones";
        /// The share of the threshold below which a target's episode is over.
        release: f64 = 0.7, in 0.0..=1.0, unit "none",
            cost "the same target is reported more often";
        /// Intervals before the first target is reported, while the weights become this site's.
        warm_up: u32 = 40, in 0..=1_000_000, unit "intervals",
            cost "nothing is reported for longer after a start";
        /// Targets remembered at once.
        max_targets: usize = 65_536, in 16..=16_777_216, unit "targets", cost "up to 200 bytes each";
        /// What the site's clocks show when it is midnight in UTC, for rules that speak of the hour.
        utc_offset: i32 = 0, in -12..=14, unit "hours", cost "nothing";
    }

    /// Sensors that merge what they counted; with bloom.federation_key.
    federation: FederationConfig {
        /// The name of this sensor, which no other one of the federation has. Without one it is no member.
        sensor: SensorName = SensorName::NONE, in ANY, unit "none",
            cost "a copy of the counters whenever they are given out";
        /// For an aggregator that shall not be able to look addresses up: the key that seals, as
        /// `foreshadow federate --print-seal-key` says it, instead of bloom.federation_key.
        seal_key: HexKey = HexKey::NONE, in ANY, unit "none", cost "nothing";
        /// Targets that a sensor tells of at once, those nearest to appearing in most categories; an
        /// aggregator refuses more, and takes four times as many of one sensor in a window.
        targets: usize = 1_024, in 16..=65_536, unit "targets", cost "up to 100 bytes each in every blob";
        /// Sensors that an aggregator hears at once.
        max_sensors: usize = 64, in 1..=10_000, unit "sensors", cost "memory for the counters of each";
        /// Sensors that must have seen a target before it is one of the network.
        quorum: usize = 2, in 1..=10_000, unit "sensors",
            cost "what fewer sensors see is left to them; at 1 a single one can raise anybody";
        /// Intervals that a round waits for blobs that come late.
        grace: u64 = 2, in 0..=1_000, unit "intervals", cost "targets are told of later";
        /// Intervals that a sensor's clock may be ahead of the aggregator's.
        ahead: u64 = 2, in 0..=1_000_000, unit "intervals", cost "a clock that is wrong is noticed later";
    }

    /// The logs that the command line writes.
    log: LogConfig {
        /// How the logs are written: "tsv" as Zeek's tab-separated files, or "json".
        format: LogFormat = LogFormat::Tsv, in ANY, unit "none",
            cost "\"json\" makes larger files";
        /// Time after which a live capture begins new files. 0 never does.
        rotate_interval: Option<Span> = Some(Span::from_secs(3_600)),
            in Span::from_secs(1)..=Span::from_secs(365 * 86_400), unit "packet time",
            cost "larger files, finished later";
        /// Size at which a live capture begins a new file. 0 never does.
        rotate_size_mib: Option<u64> = Some(256), in 1..=1_048_576, unit "MiB",
            cost "larger files, finished later";
    }

    /// The rebuilt stream that the command line writes.
    rebuild: RebuildConfig {
        /// How long a packet waits for those that belong before it. A hole that is found later than
        /// this gets its synthetic packets where writing has come to.
        window: Span = Span::from_secs(2), in Span::ZERO..=Span::from_secs(60), unit "packet time",
            cost "memory for the packets of that time, and that much delay where somebody looks on";
        /// Packets that wait, at most. Beyond this the earliest no longer do.
        memory_mib: usize = 64, in 1..=65_536, unit "MiB", cost "that memory";
    }

    /// Capture from an interface by the command line.
    live: LiveConfig {
        /// Bytes captured of each packet; the rest is cut, though its length is still known.
        snaplen: u32 = 65_535, in 64..=262_144, unit "bytes",
            cost "more copied per packet, and fewer packets fit the buffer";
        /// Whether to see packets that are not for this machine, as a mirror port or tap needs.
        promiscuous: bool = true, in ANY, unit "none",
            cost "when true, the interface passes up everything it sees";
        /// Memory in which the kernel holds packets until they are read.
        buffer_mib: u32 = 16, in 1..=2_047, unit "MiB",
            cost "that much kernel memory; lower, and bursts are dropped";
        /// Longest wait for packets before time is advanced and the logs are looked after.
        poll: Span = Span::from_millis(100), in Span::from_millis(1)..=Span::from_secs(10),
            unit "time",
            cost "on a quiet link deadlines and a stop are noticed later; lower, more wake-ups";
    }
}
