//! The arguments, defined once: parsing, `--help`, completions and manual pages come from here.

use std::path::PathBuf;

use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::eval::Part;
use crate::kept::Target;

/// Knows which packet should come next.
///
/// Reads packets from captures or an interface, forecasts each connection's next packet, and writes
/// Zeek-format logs of connections, of packets that were not expected, and of packets that were
/// expected and did not come.
#[derive(Parser)]
#[command(name = "foreshadow", version, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 all well; 1 a capture is broken or missing (what is readable \
                        was processed); 2 bad arguments or configuration; 3 logs could not be written."
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) action: Action,
}

#[derive(Subcommand)]
pub(super) enum Action {
    /// Process captures or an interface and write logs
    Run(RunArgs),
    /// Measure how good the forecasts are
    #[command(subcommand)]
    Eval(EvalAction),
    /// Train the forecast's network on captures
    Train(TrainArgs),
    /// Train the mixer that weighs a network against what is learned on line
    Fit(FitArgs),
    /// Look into what was learned and kept in a store, or take something out of it
    #[command(subcommand)]
    Models(ModelsAction),
    /// Give Wireshark the rebuilt stream as a source of packets; Wireshark calls this
    Extcap(ExtcapArgs),
    /// Carry what a sensor tells its federation, or merge what all told
    Federate(FederateArgs),
    /// Print the default configuration, or check one
    Config(ConfigArgs),
    /// Print version, ABI version and features
    Version,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page in roff, for `man -l -`
    Man {
        /// A subcommand; without it the page of foreshadow itself
        page: Option<String>,
    },
}

#[derive(ClapArgs)]
#[command(after_help = "Examples:\n  \
    foreshadow run --read capture.pcapng\n  \
    foreshadow run --read part1.pcap.gz part2.pcap.gz --out logs --format json\n  \
    tcpdump -w - | foreshadow run --read -\n  \
    sudo foreshadow run --interface eth0 --filter 'not port 22'\n  \
    foreshadow run --read capture.pcapng --report report.html\n  \
    foreshadow run --read capture.pcapng --rebuild rebuilt.pcapng\n  \
    tcpdump -w - | foreshadow run --read - --rebuild - | wireshark -k -i -")]
#[command(group = clap::ArgGroup::new("input").required(true))]
pub(super) struct RunArgs {
    /// Captures to read, merged by packet time: pcap or pcapng, plain, gzip, zstd or lz4; - is
    /// standard input
    #[arg(long, short, num_args = 1.., value_name = "FILE", group = "input")]
    pub(super) read: Vec<PathBuf>,

    /// Interface to capture from until interrupted
    #[arg(long, short, value_name = "IF", group = "input")]
    pub(super) interface: Option<String>,

    /// Configuration file; see `foreshadow config --print-default`
    #[arg(long, short, value_name = "F")]
    pub(super) config: Option<PathBuf>,

    /// Set one key of the configuration, for example predict.quantile=0.99
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) settings: Vec<String>,

    /// Directory for the logs: a new one, an empty one, or one that Foreshadow made
    #[arg(long, short, value_name = "DIR", default_value = "foreshadow-logs")]
    pub(super) out: PathBuf,

    /// How the logs are written
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(super) format: Option<Format>,

    /// Take only packets that match, in the language of pcap-filter(7)
    #[arg(long, value_name = "BPF")]
    pub(super) filter: Option<String>,

    /// Write a capture of all packets as they were, with the synthetic ones in their places; - is
    /// standard output
    #[arg(long, value_name = "FILE")]
    pub(super) rebuild: Option<PathBuf>,

    /// In which order the rebuilt capture's packets stand
    #[arg(
        long,
        value_enum,
        value_name = "ORDER",
        default_value = "sequence",
        requires = "rebuild"
    )]
    pub(super) order: Order,

    /// Write the synthetic packets into a capture of their own beside the rebuilt one: for FILE.pcapng
    /// that is FILE.synthetic.pcapng
    #[arg(long, requires = "rebuild")]
    pub(super) separate_file: bool,

    /// Write one page for a browser: what was expected, what came, what stands out and why
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,

    /// Folder for what this sensor tells its federation, and for the network's view; best named like
    /// federation.sensor. `foreshadow federate` carries it on
    #[arg(long, value_name = "DIR")]
    pub(super) federate: Option<PathBuf>,

    /// No progress bar and no summary
    #[arg(long, short)]
    pub(super) quiet: bool,
}

#[derive(ClapArgs)]
#[command(
    after_help = "In Wireshark's extcap folder this program is the interfaces \"Foreshadow: file\" and \
    \"Foreshadow: live\". See docs/wireshark.md."
)]
pub(super) struct ExtcapArgs {
    /// List the interfaces
    #[arg(long)]
    pub(super) extcap_interfaces: bool,

    /// The version of Wireshark that asks
    #[arg(long, value_name = "VERSION")]
    pub(super) extcap_version: Option<String>,

    /// The interface that is meant
    #[arg(long, value_name = "NAME")]
    pub(super) extcap_interface: Option<String>,

    /// List its link types
    #[arg(long)]
    pub(super) extcap_dlts: bool,

    /// List what can be set
    #[arg(long)]
    pub(super) extcap_config: bool,

    /// Capture from it into --fifo
    #[arg(long)]
    pub(super) capture: bool,

    /// The pipe that is written to
    #[arg(long, value_name = "PIPE")]
    pub(super) fifo: Option<PathBuf>,

    /// Take only packets that match, in the language of pcap-filter(7)
    #[arg(long, value_name = "BPF")]
    pub(super) extcap_capture_filter: Option<String>,

    /// The capture or the network interface
    #[arg(long, value_name = "SOURCE")]
    pub(super) source: Option<String>,

    /// In which order the packets stand
    #[arg(long, value_enum, value_name = "ORDER", default_value = "time")]
    pub(super) order: Order,

    /// Configuration file
    #[arg(long, value_name = "F")]
    pub(super) configuration: Option<PathBuf>,

    /// Keys of the configuration, apart by spaces
    #[arg(long, value_name = "KEY=VALUE ...")]
    pub(super) settings: Option<String>,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Captures are found in folders benign, attack and mixed, one folder a source in each; a file \
    CAPTURE.lab has one character a packet (1 attack, 0 ordinary), MANIFEST.tsv says what kind of attack each is. Both \
    weightings are measured in one run."
)]
pub(super) struct CategoriesArgs {
    /// Folders of captures
    #[arg(long, short, num_args = 1.., value_name = "DIR", required = true)]
    pub(super) data: Vec<PathBuf>,

    /// Which benign sources the sensor knows before, as TOML; without it the split of the shipped models
    #[arg(long, value_name = "FILE")]
    pub(super) split: Option<PathBuf>,

    /// Configuration file; see `foreshadow config --print-default`
    #[arg(long, short, value_name = "F")]
    pub(super) config: Option<PathBuf>,

    /// Set one key of the configuration, for example bloom.threshold=1.2
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) settings: Vec<String>,

    /// Print everything as one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(ClapArgs)]
#[command(after_help = "Examples:\n  \
    foreshadow run --interface eth0 --config site.toml --federate spool/north\n  \
    foreshadow federate --role sensor --dir spool/north --config site.toml --nats tls://a,tls://b\n  \
    foreshadow federate --role aggregator --config site.toml --nats tls://a,tls://b --replicas 3\n  \
    foreshadow federate --role aggregator --config site.toml --dir spool --clock capture --once\n\n\
    An aggregator prints one JSON object a closed round. Without --nats and --dir it reads frames (a \
    length of 32 bits, little-endian, and a blob) from standard input, and writes views so to standard \
    output; --role sensor --dir without --nats writes such frames.")]
pub(super) struct FederateArgs {
    /// Carry one sensor's blobs, or merge those of all
    #[arg(long, value_enum, value_name = "ROLE", required_unless_present = "print_seal_key")]
    pub(super) role: Option<RoleKind>,

    /// The sensor's folder, as run --federate has it; for an aggregator the folder of all of these
    #[arg(long, value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,

    /// NATS servers with JetStream, separated by commas
    #[arg(long, value_name = "URL")]
    pub(super) nats: Option<String>,

    /// The federation's name on those servers: foreshadow.NAME.sensor.* and foreshadow.NAME.view
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = name)]
    pub(super) federation: String,

    /// The sensor's name, if it is not that of its folder
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(super) name: Option<String>,

    /// A NATS credentials file
    #[arg(long, value_name = "FILE", requires = "nats")]
    pub(super) credentials: Option<PathBuf>,

    /// Certificates of an authority to trust beside the system's
    #[arg(long, value_name = "FILE", requires = "nats")]
    pub(super) tls_ca: Option<PathBuf>,

    /// Refuse to speak without TLS
    #[arg(long, requires = "nats")]
    pub(super) tls: bool,

    /// On how many servers each blob is kept
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    pub(super) replicas: u8,

    /// Whose time closes rounds
    #[arg(long, value_enum, value_name = "CLOCK", default_value = "machine")]
    pub(super) clock: ClockKind,

    /// Do what there is to do and end; an aggregator closes all rounds at the end
    #[arg(long)]
    pub(super) once: bool,

    /// Print the key for an aggregator that shall not be able to look addresses up, and end
    #[arg(long)]
    pub(super) print_seal_key: bool,

    /// Configuration file: the federation's key, categories, interval and window
    #[arg(long, short, value_name = "F")]
    pub(super) config: Option<PathBuf>,

    /// Set one key of the configuration, for example federation.quorum=3
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) settings: Vec<String>,

    /// Do not name each blob that is refused
    #[arg(long, short)]
    pub(super) quiet: bool,
}

fn name(text: &str) -> Result<String, &'static str> {
    let is_one = crate::bloom::federate::is_sensor(text);
    is_one.then(|| text.to_owned()).ok_or("expected up to 40 letters, digits, - and _")
}

/// What `foreshadow federate` does.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RoleKind {
    /// Carry a sensor's blobs on, and the view back
    Sensor,
    /// Merge the blobs of all sensors
    Aggregator,
}

/// Whose time closes rounds.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ClockKind {
    /// This machine's: for live traffic
    Machine,
    /// The newest round that any sensor told of: for replayed captures
    Capture,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Order {
    /// By time, but a TCP segment that came late stands where its bytes belong
    Sequence,
    /// As captured, the synthetic ones by their time between the others
    Time,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Format {
    /// Zeek's tab-separated files
    Tsv,
    /// One JSON object a line
    Json,
}

#[derive(Subcommand)]
pub(super) enum EvalAction {
    /// Bits per packet of every model, beside baselines trained in the same run
    Forecast(ForecastArgs),
    /// How much warmer connections start after a restart with a store than without
    Warm(WarmArgs),
    /// What attacks are noticed and how many false alarms there are, beside a Markov chain
    Detect(DetectArgs),
    /// What categories of behaviour attacks raise, and ordinary traffic
    Categories(CategoriesArgs),
    /// Takes packets out of captures and says which of them were found
    Gaps(GapsArgs),
}

#[derive(ClapArgs)]
#[command(
    after_help = "Captures lie in folders CLASS/SOURCE. Those in attack/ and benign/ are what their \
    folder says, those in mixed/ have their truth beside them: FILE.lab, one character a packet, 1 \
    attack, 0 benign, anything else left out.\n\nExamples:\n  \
    foreshadow eval detect --data dev\n  \
    foreshadow eval detect --data dev --train-clean source --set model.kind=adaptive\n  \
    foreshadow eval detect --data dev --json --plot detect.svg > detect.json"
)]
pub(super) struct DetectArgs {
    /// Folders of captures
    #[arg(long, short, num_args = 1.., value_name = "DIR", required = true)]
    pub(super) data: Vec<PathBuf>,

    /// What each sensor sees first: none, source (before a labelled capture the benign ones of its
    /// source), or a folder of benign captures
    #[arg(long, default_value = "none", value_name = "SPEC")]
    pub(super) train_clean: String,

    /// Which sources the Markov chain is counted over, as TOML; without it the split of the shipped
    /// models, models/split.toml
    #[arg(long, value_name = "FILE")]
    pub(super) split: Option<PathBuf>,

    /// Configuration file; see `foreshadow config --print-default`
    #[arg(long, short, value_name = "F")]
    pub(super) config: Option<PathBuf>,

    /// Set one key of the configuration, for example model.kind=adaptive
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) settings: Vec<String>,

    /// Print everything as one JSON object
    #[arg(long)]
    pub(super) json: bool,

    /// Write a picture as SVG
    #[arg(long, value_name = "FILE")]
    pub(super) plot: Option<PathBuf>,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Captures lie in folders CLASS/SOURCE or SOURCE. Three plain rules for time-outs run \
    beside the line, their constants chosen on the training sources of models/split.toml.\n\nExamples:\n  \
    foreshadow eval gaps --data dev/benign --loss 0.05\n  \
    foreshadow eval gaps --data dev/benign --loss 0.01 --burst 5 --json > gaps.json\n  \
    foreshadow eval gaps --data dev/benign --silence"
)]
pub(super) struct GapsArgs {
    /// Folders of captures
    #[arg(long, short, num_args = 1.., value_name = "DIR", required = true)]
    pub(super) data: Vec<PathBuf>,

    /// The share of packets that is taken out, 0 to 1
    #[arg(long, default_value_t = 0.01, value_name = "P")]
    pub(super) loss: f64,

    /// Packets taken out in a row
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) burst: u32,

    /// They are not taken out but come so many seconds late
    #[arg(long, value_name = "SECONDS")]
    pub(super) delay: Option<f64>,

    /// Silence one device at a time from the middle of each capture on, and ask for its missing heartbeat
    #[arg(long, conflicts_with_all = ["loss", "burst", "delay", "tolerance"])]
    pub(super) silence: bool,

    /// The same seed takes out the same packets
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub(super) seed: u64,

    /// How many true inter-arrivals a packet without byte range may be off in time
    #[arg(long, default_value_t = 1.0, value_name = "K")]
    pub(super) tolerance: f64,

    /// Which class of captures
    #[arg(long, default_value = "benign", value_name = "CLASS")]
    pub(super) class: String,

    /// A configuration key for the sensor, such as predict.quantile=0.99
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) settings: Vec<String>,

    /// Print everything as one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(ClapArgs)]
#[command(
    after_help = "Captures lie in folders CLASS/SOURCE or SOURCE. Whole sources are held out, \
    never packets.\n\nExamples:\n  \
    foreshadow eval forecast --data dev dev-extra\n  \
    foreshadow eval forecast --data dev dev-extra --json --plot forecast.svg > forecast.json\n  \
    foreshadow eval forecast --train dev dev-extra --data my-captures"
)]
pub(super) struct ForecastArgs {
    /// Folders of captures
    #[arg(long, short, num_args = 1.., value_name = "DIR", required = true)]
    pub(super) data: Vec<PathBuf>,

    /// Which sources are held out and which only validate, as TOML; without it the split of the
    /// shipped models, models/split.toml
    #[arg(long, value_name = "FILE")]
    pub(super) split: Option<PathBuf>,

    /// Train the baselines on all benign captures in these folders and score all of --data
    #[arg(long, num_args = 1.., value_name = "DIR", conflicts_with_all = ["split", "part"])]
    pub(super) train: Vec<PathBuf>,

    /// Which part of the split is scored
    #[arg(long, value_enum, default_value_t = ScoredPart::HeldOut, value_name = "PART")]
    pub(super) part: ScoredPart,

    /// Which class of captures is scored; baselines always train on benign ones
    #[arg(long, default_value = "benign", value_name = "CLASS")]
    pub(super) class: String,

    /// Model files to measure too: each network alone, and with the adaptive part
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub(super) model: Vec<PathBuf>,

    /// Measure the --model files and nothing beside them, which spares training the baselines
    #[arg(long, requires = "model")]
    pub(super) model_only: bool,

    /// Print everything as one JSON object
    #[arg(long)]
    pub(super) json: bool,

    /// Write a picture as SVG
    #[arg(long, value_name = "FILE")]
    pub(super) plot: Option<PathBuf>,
}

#[derive(ClapArgs)]
#[command(
    after_help = "A mixer has to be trained on captures that its network was not: on the validation \
    sources of both classes. To ship a network that was trained on everything, train the mixer with \
    one that was not, and write it --into the other.\n\nExamples:\n  \
    foreshadow fit models/split.safetensors --data dev dev-extra --into models/all.safetensors"
)]
pub(super) struct FitArgs {
    /// The model file whose network forecasts; one without a network trains a mixer that stands alone
    #[arg(value_name = "MODEL")]
    pub(super) model: PathBuf,

    /// Folders of captures
    #[arg(long, short, num_args = 1.., value_name = "DIR", required = true)]
    pub(super) data: Vec<PathBuf>,

    /// Which sources validate, as TOML; without it the split of the shipped models
    #[arg(long, value_name = "FILE")]
    pub(super) split: Option<PathBuf>,

    /// The model file that gets the mixer, in place of MODEL
    #[arg(long, value_name = "FILE")]
    pub(super) into: Option<PathBuf>,
}

#[derive(ClapArgs)]
#[command(after_help = "The first half of each source's packets teaches, the second is measured.")]
pub(super) struct WarmArgs {
    /// Folders of captures
    #[arg(long, short, num_args = 1.., value_name = "DIR", required = true)]
    pub(super) data: Vec<PathBuf>,

    /// Which class of captures
    #[arg(long, default_value = "benign", value_name = "CLASS")]
    pub(super) class: String,

    /// Print JSON Lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ScoredPart {
    /// Sources that decided nothing
    HeldOut,
    /// Sources that decide when training stops
    Validation,
    /// Sources that the models were trained on
    Training,
}

impl From<ScoredPart> for Part {
    fn from(part: ScoredPart) -> Self {
        match part {
            ScoredPart::HeldOut => Self::HeldOut,
            ScoredPart::Validation => Self::Validation,
            ScoredPart::Training => Self::Training,
        }
    }
}

#[derive(ClapArgs)]
#[command(
    after_help = "Captures lie in folders CLASS/SOURCE or SOURCE; only benign ones teach. A training that was \
    killed goes on with --resume and ends with the same model. Training needs libtorch: `make torch` \
    in the sources fetches it.\n\nExamples:\n  \
    foreshadow train --data dev dev-extra --out models/gru-small.safetensors\n  \
    foreshadow train --data my-captures --all --hidden 64 --out my.safetensors"
)]
pub(super) struct TrainArgs {
    /// Folders of captures
    #[arg(long, short, num_args = 1.., value_name = "DIR", required = true)]
    pub(super) data: Vec<PathBuf>,

    /// The model file to write; its card (.md) and learning curve (.svg) go beside it
    #[arg(long, short, value_name = "FILE")]
    pub(super) out: PathBuf,

    /// The cell that carries a connection's state
    #[arg(long, value_enum, default_value_t = CellKind::Gru, value_name = "CELL")]
    pub(super) cell: CellKind,

    /// Units of the cell: a multiple of 16 from 32 to 256
    #[arg(long, default_value_t = 32, value_name = "N")]
    pub(super) hidden: u32,

    /// What to train on; only on the processor does the same seed give the same model
    #[arg(long, value_enum, default_value_t = DeviceKind::Cpu, value_name = "DEVICE")]
    pub(super) device: DeviceKind,

    /// How often every packet is learned from, at most; less where validation stops it
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) epochs: u32,

    /// Where chance begins
    #[arg(long, default_value_t = 1, value_name = "S")]
    pub(super) seed: u64,

    /// Go on from the checkpoint beside --out
    #[arg(long)]
    pub(super) resume: bool,

    /// Which sources are held out and which only validate, as TOML; without it the split of the
    /// shipped models, models/split.toml
    #[arg(long, value_name = "FILE")]
    pub(super) split: Option<PathBuf>,

    /// Let every source teach; nothing is left to measure on, and nothing stops early
    #[arg(long, conflicts_with = "split")]
    pub(super) all: bool,

    /// The folder that `make torch` filled, if not target/torch beside this program
    #[arg(long, value_name = "DIR")]
    pub(super) torch: Option<PathBuf>,

    /// Another copy of libtorch than the one in there
    #[arg(long, value_name = "DIR")]
    pub(super) libtorch: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum CellKind {
    /// Gated recurrent unit
    Gru,
    /// Long short-term memory: a third more arithmetic, twice the state
    Lstm,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum DeviceKind {
    /// The processor
    Cpu,
    /// The first CUDA device
    Cuda,
}

#[cfg(feature = "torch")]
mod torch {
    use super::{CellKind, DeviceKind};
    use crate::train::{Cell, Device};

    impl CellKind {
        /// As it is written on the command line.
        pub(in super::super) const fn name(self) -> &'static str {
            match self {
                Self::Gru => "gru",
                Self::Lstm => "lstm",
            }
        }
    }

    impl From<CellKind> for Cell {
        fn from(kind: CellKind) -> Self {
            match kind {
                CellKind::Gru => Self::Gru,
                CellKind::Lstm => Self::Lstm,
            }
        }
    }

    impl From<DeviceKind> for Device {
        fn from(kind: DeviceKind) -> Self {
            match kind {
                DeviceKind::Cpu => Self::Cpu,
                DeviceKind::Cuda => Self::Cuda,
            }
        }
    }
}

#[derive(Subcommand)]
pub(super) enum ModelsAction {
    /// What a store holds, and the services met
    List(ListArgs),
    /// What is kept of a service, an address or a connection
    Show(ShowArgs),
    /// Forget services, addresses or connections
    Forget(ForgetArgs),
    /// Everything as JSON Lines
    Export(ExportArgs),
}

/// Which store.
#[derive(ClapArgs)]
pub(super) struct StoreArgs {
    /// The store, as store.path names it
    #[arg(long, short, value_name = "FILE")]
    pub(super) store: Option<PathBuf>,

    /// A configuration file whose store.path names it
    #[arg(long, short, value_name = "F", conflicts_with = "store")]
    pub(super) config: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) store: StoreArgs,

    /// Show so many services, those with the most packets
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(super) top: usize,

    /// Print JSON Lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(ClapArgs)]
pub(super) struct ShowArgs {
    /// A service (tcp/443), an address (192.0.2.1) or a connection (udp/192.0.2.1:123-192.0.2.2:123)
    #[arg(value_name = "WHAT")]
    pub(super) what: Target,

    #[command(flatten)]
    pub(super) store: StoreArgs,

    /// Show so many connections, those seen last
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(super) top: usize,

    /// Print JSON Lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(ClapArgs)]
#[command(
    after_help = "A service's or an address's connections are dropped, and what was learned under it is never \
    found again. What all traffic taught together stays. No sensor may be using the store."
)]
pub(super) struct ForgetArgs {
    /// Services (tcp/443), addresses (192.0.2.1), connections (udp/192.0.2.1:123-192.0.2.2:123)
    #[arg(value_name = "WHAT", required = true)]
    pub(super) what: Vec<Target>,

    #[command(flatten)]
    pub(super) store: StoreArgs,
}

#[derive(ClapArgs)]
pub(super) struct ExportArgs {
    #[command(flatten)]
    pub(super) store: StoreArgs,
}

#[derive(ClapArgs)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(super) struct ConfigArgs {
    /// Print every key with its default, unit, range and cost
    #[arg(long, group = "what")]
    pub(super) print_default: bool,

    /// Check a configuration file and say everything that is wrong with it
    #[arg(long, value_name = "F", group = "what")]
    pub(super) check: Option<PathBuf>,
}

/// The command's definition, for tests and for tools that make documentation from it.
#[must_use]
pub fn command() -> clap::Command {
    Args::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_of_the_arguments_holds_together() {
        super::command().debug_assert();
    }
}
