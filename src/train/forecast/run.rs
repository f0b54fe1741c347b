//! The training itself, epoch by epoch.

use super::batches::{self, Owned};
use super::chance::Chance;
use super::progress::{Bits, Epoch, History};
use super::{Corpus, Options, TrainError, card, curve, file, fine, network, parameters, schedule};
use crate::model::schema::{self, HEADS, number};
use crate::train::{Cell, Device, PartReport, TorchPlugin, Trainer, TrainingSpec};

/// Share of what enters the cell, and of its state on the way into the heads, that is dropped.
const DROPPED: f64 = 0.2;

/// Hears how a training goes.
pub trait Watch {
    /// It begins, `done` of about `steps` steps being over already.
    fn began(&mut self, steps: u64, done: u64);

    /// A step is over; `bits` is the mean of this epoch so far.
    fn step(&mut self, bits: f64);

    /// An epoch is over, from 1.
    fn epoch(&mut self, number: usize, epoch: &Epoch);
}

/// What a training came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    /// All epochs, and which of them the model is of, from 0.
    pub epochs: Vec<Epoch>,
    /// The epoch the model is of, from 0.
    pub best: usize,
    /// By validation source: its packets and bits.
    pub validation: Vec<Measured>,
    /// By held-out source, which decided nothing.
    pub held_out: Vec<Measured>,
    /// Numbers in the model.
    pub parameters: usize,
}

/// What a source cost.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// Its name.
    pub source: String,
    /// Packets scored.
    pub packets: u64,
    /// Bits per packet.
    pub bits: Bits,
}

/// Sums by head.
#[derive(Clone, Default)]
struct Tally {
    nats: [f64; HEADS.len()],
    scored: [u64; HEADS.len()],
}

impl Tally {
    fn add(&mut self, head: usize, nats: f64, scored: u64) {
        self.nats[head] += nats;
        self.scored[head] += scored;
    }

    fn add_parts(&mut self, parts: &[PartReport]) {
        for (head, part) in parts.iter().enumerate() {
            self.add(head, part.nats, part.scored);
        }
    }

    fn bits(&self) -> Bits {
        let mean = |head: usize| {
            self.nats[head] / self.scored[head].max(1) as f64 / std::f64::consts::LN_2
        };
        Bits {
            side_flags: mean(number::SIDE_FLAGS),
            size: mean(number::SIZE),
            time: mean(number::TIME),
        }
    }
}

/// Trains on `teach`, stops by `validation`, measures on both it and `held_out`, writes the model,
/// its card and its learning curve.
///
/// # Errors
///
/// Where libtorch fails, a file can't be written, or there is no such checkpoint to go on from.
pub fn train(
    plugin: TorchPlugin,
    options: &Options,
    teach: &Corpus,
    validation: Option<&Corpus>,
    held_out: Option<&Corpus>,
    watch: &mut dyn Watch,
) -> Result<Outcome, TrainError> {
    if !(32..=256).contains(&options.hidden) || !options.hidden.is_multiple_of(16) {
        return Err(TrainError::Hidden(options.hidden));
    }
    // More threads would not give the same bits every time.
    plugin.set_threads(1);
    let base = teach.chunks.len();
    let measured = [validation, held_out].into_iter().flatten();
    let room = measured.map(|corpus| corpus.chunks.len()).max().unwrap_or(0);
    let spec = network(options.cell, options.hidden);
    let training = TrainingSpec {
        seed: options.seed,
        rows: (base + room) as u64,
        drop_input: DROPPED,
        drop_state: DROPPED,
        ..TrainingSpec::default()
    };
    let mut trainer = plugin.trainer(&spec, &training, options.device)?;
    let whose = fingerprint(options, teach, validation);
    let mut history = History::default();
    if options.resume {
        let path = options.checkpoint();
        if !path.is_file() {
            return Err(TrainError::NoCheckpoint(path));
        }
        let note = trainer.resume(&path)?;
        history = History::read(&note, &whose).ok_or(TrainError::OtherTraining(path))?;
    }

    let epochs = options.epochs as usize;
    let an_epoch = batches::mixed(teach, &mut Chance::new(options.seed, 0)).len() as u64;
    let steps = an_epoch * u64::from(options.epochs);
    watch.began(steps, history.steps);
    while history.epochs.len() < epochs && !history.is_over() {
        let mut chance = Chance::new(options.seed, history.epochs.len() as u64);
        let mut tally = Tally::default();
        for chunks in batches::mixed(teach, &mut chance) {
            let owned = batches::fill(teach, &chunks, 0, Some(&mut chance));
            history.steps += 1;
            let rate = schedule::rate(history.steps, steps);
            tally.add_parts(&trainer.step(&owned.batch(), rate)?.parts);
            watch.step(tally.bits().total());
        }
        let validation = match validation {
            Some(corpus) => Some(overall(&evaluate(&mut trainer, corpus, base)?).bits()),
            None => None,
        };
        let epoch = Epoch { training: tally.bits(), validation };
        history.epochs.push(epoch);
        let note = history.write(&whose);
        if validation.is_some() && history.best() == Some(history.epochs.len() - 1) {
            trainer.checkpoint(&options.best(), &note)?;
        }
        trainer.checkpoint(&options.checkpoint(), &note)?;
        watch.epoch(history.epochs.len(), &epoch);
    }
    if validation.is_some() {
        trainer.resume(&options.best())?;
    }

    let mut by_source = |corpus: Option<&Corpus>| match corpus {
        Some(corpus) => {
            evaluate(&mut trainer, corpus, base).map(|tallies| sources(corpus, &tallies))
        }
        None => Ok(Vec::new()),
    };
    let outcome = Outcome {
        best: history.best().unwrap_or(0),
        epochs: history.epochs,
        validation: by_source(validation)?,
        held_out: by_source(held_out)?,
        parameters: parameters(options.cell, options.hidden),
    };
    write(options, &mut trainer, teach, &outcome)?;
    Ok(outcome)
}

/// Writes the model and what lies beside it; the checkpoints have done their duty then.
fn write(
    options: &Options,
    trainer: &mut Trainer,
    teach: &Corpus,
    outcome: &Outcome,
) -> Result<(), TrainError> {
    let unfinished = options.out.with_extension("unfinished");
    let (name, hidden) = (options.name(), options.hidden.to_string());
    let (taught, seed) = (if options.all { "all" } else { "split" }, options.seed.to_string());
    let metadata = [
        ("format", crate::model::file::FORMAT),
        ("schema", &schema::HASH),
        ("cell", cell_name(options.cell)),
        ("hidden", &hidden),
        ("name", &name),
        ("trained_on", taught),
        ("seed", &seed),
        ("command", &options.command),
    ];
    trainer.save(&unfinished, &metadata)?;
    let shape = [crate::model::discretise::SIDE_FLAGS, schema::FINE_SIZES];
    file::finish(&unfinished, &options.out, schema::FINE_TENSOR, &shape, &fine::table(teach))?;
    let card = card::text(options, teach, outcome);
    file::replace(&options.out.with_extension("md"), card.as_bytes())?;
    file::replace(&options.out.with_extension("svg"), curve::svg(&name, outcome).as_bytes())?;
    for path in [options.checkpoint(), options.best()] {
        if path.is_file() {
            std::fs::remove_file(&path).map_err(|error| TrainError::file(&path, &error))?;
        }
    }
    Ok(())
}

/// Sums by source of a corpus, under the weights that would be saved.
fn evaluate(trainer: &mut Trainer, corpus: &Corpus, base: usize) -> Result<Vec<Tally>, TrainError> {
    let mut tallies = vec![Tally::default(); corpus.sources.len()];
    let mut nats = Vec::new();
    for chunks in batches::in_order(corpus) {
        let owned = batches::fill(corpus, &chunks, base, None);
        let batch = owned.batch();
        nats.clear();
        nats.resize(batch.targets.len(), 0.0);
        trainer.evaluate(&batch, Some(&mut nats))?;
        for (row, number) in chunks.iter().enumerate() {
            let tally = &mut tallies[corpus.source_of(*number)];
            tally.add_row(&owned, row, &nats);
        }
    }
    Ok(tallies)
}

impl Tally {
    fn add_row(&mut self, owned: &Owned, row: usize, nats: &[f32]) {
        let from = row * owned.steps * HEADS.len();
        let places = from..from + owned.lengths[row] as usize * HEADS.len();
        for (at, (nats, target)) in
            nats[places.clone()].iter().zip(owned.targets(places)).enumerate()
        {
            if *target >= 0 {
                self.add(at % HEADS.len(), f64::from(*nats), 1);
            }
        }
    }
}

fn overall(tallies: &[Tally]) -> Tally {
    let mut all = Tally::default();
    for tally in tallies {
        for head in 0..HEADS.len() {
            all.add(head, tally.nats[head], tally.scored[head]);
        }
    }
    all
}

fn sources(corpus: &Corpus, tallies: &[Tally]) -> Vec<Measured> {
    let named = corpus.sources.iter().zip(tallies);
    let measured = named.map(|(source, tally)| Measured {
        source: source.name.clone(),
        packets: source.scored,
        bits: tally.bits(),
    });
    measured.filter(|source| source.packets > 0).collect()
}

/// Tells trainings apart whose checkpoints do not fit each other, by captures and options.
fn fingerprint(options: &Options, teach: &Corpus, validation: Option<&Corpus>) -> String {
    let Options { cell, hidden, device, epochs, seed, all, .. } = options;
    let text = format!(
        "{} {cell:?} {hidden} {device:?} {epochs} {seed} {all} {:x} {:x}",
        *schema::HASH,
        teach.fingerprint(),
        validation.map_or(0, Corpus::fingerprint),
    );
    crate::model::file::hash(text.as_bytes())
}

pub(super) const fn cell_name(cell: Cell) -> &'static str {
    match cell {
        Cell::Gru => "gru",
        Cell::Lstm => "lstm",
    }
}

pub(super) const fn device_name(device: Device) -> &'static str {
    match device {
        Device::Cpu => "cpu",
        Device::Cuda => "cuda",
    }
}
