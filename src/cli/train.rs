//! `foreshadow train`: makes the forecast's network from captures.

use std::io::IsTerminal;
use std::path::Path;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::TrainArgs;
use super::{Failure, print};
use crate::eval::{self, Capture, Dataset, EvalError, Part, Split};
use crate::train::TorchPlugin;
use crate::train::forecast::{self, Bits, Corpus, Epoch, Options, TrainError, Watch};

/// The class of captures that teaches.
const TAUGHT: &str = "benign";

pub(super) fn train(args: &TrainArgs) -> Result<(), Failure> {
    // libtorch first: what it lacks is said before minutes of reading.
    let plugin = open(args)?;
    let split = match &args.split {
        Some(path) => Split::read(path).map_err(TrainError::from)?,
        None => Split::shipped(),
    };
    let options = options(args, &split);
    if let Some(folder) = options.out.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::Output(format!("{}: {error}", folder.display())))?;
    }
    let [teach, validation, held_out] = read(args, &split)?;
    let teach = teach.unwrap_or_default();
    print(&format!(
        "{}: {} packets of {} sources teach, {} validate\n",
        options.name(),
        teach.scored(),
        teach.extent().sources,
        validation.as_ref().map_or(0, Corpus::scored)
    ))?;
    let mut watch = Bar::new(options.epochs);
    let (validation, held_out) = (validation.as_ref(), held_out.as_ref());
    let done = forecast::train(plugin, &options, &teach, validation, held_out, &mut watch);
    watch.bar.finish_and_clear();
    let outcome = done?;
    print(&format!(
        "{}: {} numbers, of epoch {} of {}\n",
        options.out.display(),
        outcome.parameters,
        outcome.best + 1,
        outcome.epochs.len()
    ))
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Self {
        match error {
            TrainError::File { .. } => Self::Output(error.to_string()),
            _ => Self::Usage(error.to_string()),
        }
    }
}

/// libtorch and the library of engine-torch, from where they were named or `make torch` puts them.
fn open(args: &TrainArgs) -> Result<TorchPlugin, TrainError> {
    let executable = std::env::current_exe().unwrap_or_default();
    let (plugin, below) = match &args.torch {
        Some(folder) => (folder.join("libforeshadow_torch.so"), folder.join("torch")),
        None => (TorchPlugin::usual_plugin(&executable), TorchPlugin::usual_libtorch(&executable)),
    };
    let libtorch = args.libtorch.as_ref().unwrap_or(&below);
    Ok(TorchPlugin::open(libtorch, &plugin, args.device.into())?)
}

fn options(args: &TrainArgs, split: &Split) -> Options {
    Options {
        out: args.out.clone(),
        cell: args.cell.into(),
        hidden: args.hidden,
        device: args.device.into(),
        epochs: args.epochs,
        seed: args.seed,
        all: args.all,
        resume: args.resume,
        command: command(args),
        split: split.origin().to_owned(),
    }
}

/// The command with all that decides the model, and nothing else: not whether it was resumed.
fn command(args: &TrainArgs) -> String {
    let shown = |path: &Path| path.display().to_string();
    let data: Vec<String> = args.data.iter().map(|path| shown(path)).collect();
    let mut command = format!(
        "foreshadow train --data {} --out {} --cell {} --hidden {} --epochs {} --seed {}",
        data.join(" "),
        shown(&args.out),
        args.cell.name(),
        args.hidden,
        args.epochs,
        args.seed
    );
    if let Some(split) = &args.split {
        command += &format!(" --split {}", shown(split));
    }
    if args.all {
        command += " --all";
    }
    command
}

/// What teaches, what validates, what is held out.
fn read(args: &TrainArgs, split: &Split) -> Result<[Option<Corpus>; 3], TrainError> {
    let data = Dataset::read(&args.data, TAUGHT, split)?;
    for broken in data.broken() {
        eprintln!("foreshadow: {broken}");
    }
    if args.all {
        let all: Vec<&Capture> = data.captures().iter().collect();
        return Ok([Some(Corpus::of(&all)), None, None]);
    }
    let part = |part| match eval::part_of(&data, TAUGHT, split, part) {
        Ok(captures) => Ok(Some(Corpus::of(&captures))),
        Err(EvalError::NothingToScore { .. }) => Ok(None),
        Err(error) => Err(error),
    };
    Ok([part(Part::Training)?, part(Part::Validation)?, part(Part::HeldOut)?])
}

/// A bar on a terminal, and a line for each epoch everywhere.
struct Bar {
    bar: ProgressBar,
    epochs: u32,
}

impl Bar {
    fn new(epochs: u32) -> Self {
        let bar = ProgressBar::hidden();
        if std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        }
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent:>3}%  {msg}  {eta} left")
        {
            bar.set_style(style);
        }
        Self { bar, epochs }
    }
}

impl Watch for Bar {
    fn began(&mut self, steps: u64, done: u64) {
        self.bar.set_length(steps);
        self.bar.set_position(done);
        self.bar.reset_eta();
    }

    fn step(&mut self, bits: f64) {
        self.bar.set_message(format!("{bits:.3} bits a packet"));
        self.bar.inc(1);
    }

    fn epoch(&mut self, number: usize, epoch: &Epoch) {
        let mut line = format!("epoch {number} of {}: {}", self.epochs, shown(&epoch.training));
        if let Some(bits) = &epoch.validation {
            line += &format!("; validation {}", shown(bits));
        }
        line.push('\n');
        // A reader that went away is told at the end.
        let _ = self.bar.suspend(|| print(&line));
    }
}

fn shown(bits: &Bits) -> String {
    let Bits { side_flags, size, time } = bits;
    format!("{:.3} bits ({side_flags:.2} + {size:.2} + {time:.2})", bits.total())
}
