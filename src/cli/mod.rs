//! The `foreshadow` command: a host like the others, for captures, interfaces and a terminal.
//!
//! What went wrong is one line on standard error that names the file, key or option; the exit
//! status says of which kind it was ([`Failure`]).

mod args;
mod eval;
mod eval_gaps;
mod extcap;
mod failure;
mod federate;
mod fit;
mod input;
mod models;
mod page;
mod progress;
mod rebuild;
mod report;
mod run;
mod signals;
#[cfg(feature = "torch")]
mod train;
#[cfg(not(feature = "torch"))]
#[path = "train_missing.rs"]
mod train;

pub use args::command;
pub use failure::Failure;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::config::Config;
use args::{Action, Args};

/// Reads the arguments, does what they say, and answers the exit status.
#[must_use]
pub fn main() -> ExitCode {
    let args = Args::parse_from(extcap::arguments(std::env::args_os()));
    let done = match args.action {
        Action::Run(options) => run::run(&options),
        Action::Eval(action) => eval::eval(&action),
        Action::Train(options) => train::train(&options),
        Action::Fit(options) => fit::fit(&options),
        Action::Models(action) => models::models(&action),
        Action::Extcap(options) => extcap::extcap(&options),
        Action::Federate(options) => federate::federate(&options),
        Action::Config(options) => show_config(&options),
        Action::Version => print(&version()),
        Action::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "foreshadow", &mut text);
            print(&String::from_utf8_lossy(&text))
        }
        Action::Man { page } => man(page.as_deref()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in failure.message().unwrap_or_default().lines() {
                eprintln!("foreshadow: {line}");
            }
            failure.exit_code()
        }
    }
}

fn version() -> String {
    let abi = crate::abi::ffi::FORESHADOW_ABI_VERSION;
    let known = [
        ("cli", true),
        ("live", cfg!(feature = "live")),
        ("nats", cfg!(feature = "nats")),
        ("torch", cfg!(feature = "torch")),
    ];
    let features: Vec<&str> =
        known.into_iter().filter_map(|(name, there)| there.then_some(name)).collect();
    format!(
        "foreshadow {} (ABI {abi}, features {})\n",
        env!("CARGO_PKG_VERSION"),
        features.join(" ")
    )
}

fn show_config(options: &args::ConfigArgs) -> Result<(), Failure> {
    if let Some(path) = &options.check {
        read_config(Some(path))?;
        return print(&format!("{}: every key is known and in range\n", path.display()));
    }
    print(&Config::print_default())
}

/// The config in a file, or the defaults.
fn read_config(path: Option<&std::path::Path>) -> Result<Config, Failure> {
    let Some(path) = path else { return Ok(Config::default()) };
    let origin = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::Usage(format!("cannot read the configuration {origin}: {error}"))
    })?;
    Config::from_toml(&text, &origin).map_err(|errors| Failure::Usage(errors.to_string()))
}

/// The config in a file or the defaults, and single settings over it.
fn configure(path: Option<&std::path::Path>, settings: &[String]) -> Result<Config, Failure> {
    let mut config = read_config(path)?;
    for setting in settings {
        let named = setting.split_once('=').filter(|(key, _)| !key.trim().is_empty());
        let (key, value) = named.ok_or_else(|| {
            Failure::Usage(format!(
                "--set {setting}: expected KEY=VALUE, for example predict.quantile=0.99"
            ))
        })?;
        config.set(key.trim(), value.trim()).map_err(|error| Failure::Usage(error.to_string()))?;
    }
    Ok(config)
}

/// One manual page: the command's own, or that of one of its subcommands.
fn man(page: Option<&str>) -> Result<(), Failure> {
    let command = Args::command();
    let command = match page {
        None => command,
        Some(name) => {
            let found = command.find_subcommand(name).cloned();
            let found = found.ok_or_else(|| {
                let known: Vec<_> =
                    command.get_subcommands().map(clap::Command::get_name).collect();
                Failure::Usage(format!(
                    "there is no manual page for '{name}'; expected one of: {}",
                    known.join(", ")
                ))
            })?;
            found.name(format!("foreshadow-{name}"))
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(command).render(&mut text).map_err(|error| Failure::output(&error))?;
    print(&String::from_utf8_lossy(&text))
}

/// Writes to standard output. A reader that closed the pipe has had enough: that is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::output(&error))
        }
        _ => Ok(()),
    }
}
