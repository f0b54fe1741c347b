//! Makes captures of a wanted size for benches and soaks: seeded, so that the same command makes the same bytes.
//!
//! ```sh
//! cargo run --release --example make-trace -- mix --data tests/data --packets 300000 mix.pcap
//! cargo run --release --example make-trace -- syn-flood --connections 300000 flood.pcap
//! cargo run --release --example make-trace -- elephant --packets 1000000 elephant.pcap
//! cargo run --release --example make-trace -- dns --packets 200000 dns.pcap
//! cargo run --release --example make-trace -- idle --connections 1000000 idle.pcap
//! ```
//!
//! `mix` repeats real captures, each time between other addresses, on a time scale that gives the wanted
//! rate, many at once. The others are made from nothing. What comes out is a classic pcap with nanoseconds.

#![allow(clippy::print_stderr, reason = "a command says what it did")]

mod frames;
mod made;
mod mix;
mod pcap;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use pcap::Writer;

/// Makes a capture of a wanted size.
#[derive(Parser)]
#[command(name = "make-trace")]
struct Options {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Subcommand)]
enum Kind {
    /// Real captures over and over, between other addresses each time, interleaved.
    Mix {
        /// A folder with captures; may be repeated.
        #[arg(long, required = true, value_name = "DIR")]
        data: Vec<PathBuf>,
        /// How many packets to make.
        #[arg(long, default_value_t = 300_000)]
        packets: u64,
        /// Captures played at one time.
        #[arg(long, default_value_t = 64)]
        at_once: usize,
        #[command(flatten)]
        common: Common,
    },
    /// One SYN from each of many sources to one server, and nothing back.
    SynFlood {
        /// How many.
        #[arg(long, default_value_t = 300_000)]
        connections: u64,
        #[command(flatten)]
        common: Common,
    },
    /// One transfer with acknowledgements.
    Elephant {
        /// How many packets to make.
        #[arg(long, default_value_t = 300_000)]
        packets: u64,
        #[command(flatten)]
        common: Common,
    },
    /// Questions of many clients to one resolver, and its answers.
    Dns {
        /// How many packets to make.
        #[arg(long, default_value_t = 300_000)]
        packets: u64,
        #[command(flatten)]
        common: Common,
    },
    /// Connections that say little and stay: opened, eight packets each in turn, never closed.
    Idle {
        /// How many.
        #[arg(long, default_value_t = 1_000_000)]
        connections: u64,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Args)]
struct Common {
    /// Packets a second of packet time.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    rate: u64,
    /// What chance is drawn from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The file to write; one that is there is replaced.
    out: PathBuf,
}

fn main() -> ExitCode {
    match make(&Options::parse().kind) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("make-trace: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make(kind: &Kind) -> Result<(), Box<dyn std::error::Error>> {
    let common = match kind {
        Kind::Mix { common, .. }
        | Kind::SynFlood { common, .. }
        | Kind::Elephant { common, .. }
        | Kind::Dns { common, .. }
        | Kind::Idle { common, .. } => common,
    };
    // What is to be read is read first, so that a wrong folder leaves no file behind.
    let parts = match kind {
        Kind::Mix { data, .. } => mix::read(data)?,
        _ => Vec::new(),
    };
    let mut out = Writer::create(&common.out, common.rate)
        .map_err(|error| format!("cannot write {}: {error}", common.out.display()))?;
    let seed = common.seed;
    match kind {
        Kind::Mix { packets, at_once, .. } => {
            mix::write(&parts, *packets, *at_once, seed, &mut out)
        }
        Kind::SynFlood { connections, .. } => made::syn_flood(*connections, seed, &mut out),
        Kind::Elephant { packets, .. } => made::elephant(*packets, &mut out),
        Kind::Dns { packets, .. } => made::dns(*packets, seed, &mut out),
        Kind::Idle { connections, .. } => made::idle(*connections, &mut out),
    }
    .and_then(|()| out.finish())
    .map_err(|error| format!("cannot write {}: {error}", common.out.display()))?;
    eprintln!("{}: {} packets", common.out.display(), out.packets());
    Ok(())
}
