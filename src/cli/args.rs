//! The arguments, defined once: parsing, `--help`, completions and manual pages come from here.

use std::path::PathBuf;

use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::eval::Part;

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
    sudo foreshadow run --interface eth0 --filter 'not port 22'")]
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

    /// No progress bar and no summary
    #[arg(long, short)]
    pub(super) quiet: bool,
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

    /// Print everything as one JSON object
    #[arg(long)]
    pub(super) json: bool,

    /// Write a picture as SVG
    #[arg(long, value_name = "FILE")]
    pub(super) plot: Option<PathBuf>,
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
