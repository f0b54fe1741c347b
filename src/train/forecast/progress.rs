//! What each epoch came to, kept in the checkpoint's note.

use std::fmt::Write;

/// Bits per packet by part.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Bits {
    /// Side and flags.
    pub side_flags: f64,
    /// Size, given these.
    pub size: f64,
    /// Time, given both.
    pub time: f64,
}

impl Bits {
    /// All parts together.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.side_flags + self.size + self.time
    }
}

/// An epoch that is over.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Epoch {
    /// Mean over the training packets as they were learned from: disturbed and with units dropped.
    pub training: Bits,
    /// Over the validation sources, if there are any.
    pub validation: Option<Bits>,
}

/// How far a training has come.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct History {
    pub(super) epochs: Vec<Epoch>,
    /// Batches learned from.
    pub(super) steps: u64,
}

impl History {
    /// Epochs without a better one before training stops. Long, because the last epochs, at a falling
    /// rate, still help sources that are farther from the training ones than the validation sources.
    const PATIENCE: usize = 8;

    /// Epochs this close to the best one are as good: the latest of them was trained at the lowest rate.
    const AS_GOOD: f64 = 0.02;

    /// The number of the epoch to keep, by validation; without that the last one.
    pub(super) fn best(&self) -> Option<usize> {
        let bits = |epoch: &Epoch| epoch.validation.map_or(0.0, |bits| bits.total());
        let least = self.epochs.iter().map(bits).min_by(f64::total_cmp)?;
        self.epochs.iter().rposition(|epoch| bits(epoch) <= least + Self::AS_GOOD)
    }

    /// Whether more training has stopped to help.
    pub(super) fn is_over(&self) -> bool {
        self.best().is_some_and(|best| best + Self::PATIENCE < self.epochs.len())
    }

    /// As a checkpoint's note; `whose` tells trainings apart.
    pub(super) fn write(&self, whose: &str) -> Vec<u8> {
        let mut text = format!("{whose} {}\n", self.steps);
        for epoch in &self.epochs {
            for bits in [Some(epoch.training), epoch.validation].into_iter().flatten() {
                let Bits { side_flags, size, time } = bits;
                // Writing to a string does not fail.
                let _ = write!(text, "{side_flags:?} {size:?} {time:?} ");
            }
            text.push('\n');
        }
        text.into_bytes()
    }

    /// Reads it back; `None` where it is another training's.
    pub(super) fn read(note: &[u8], whose: &str) -> Option<Self> {
        let mut lines = std::str::from_utf8(note).ok()?.lines();
        let (name, steps) = lines.next()?.split_once(' ')?;
        if name != whose {
            return None;
        }
        let mut history = Self { epochs: Vec::new(), steps: steps.parse().ok()? };
        for line in lines {
            let numbers: Vec<f64> =
                line.split_whitespace().map(|number| number.parse().ok()).collect::<Option<_>>()?;
            let bits = |of: &[f64]| Bits { side_flags: of[0], size: of[1], time: of[2] };
            history.epochs.push(Epoch {
                training: bits(numbers.get(..3)?),
                validation: numbers.get(3..6).map(bits),
            });
        }
        Some(history)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(validation: &[f64]) -> History {
        let bits = |time| Bits { side_flags: 0.1, size: 1.0 / 3.0, time };
        let epoch = |&time| Epoch { training: bits(2.0), validation: Some(bits(time)) };
        History { epochs: validation.iter().map(epoch).collect(), steps: 7 }
    }

    #[test]
    fn a_note_comes_back_exactly_and_another_training_s_does_not() {
        let mut some = history(&[3.0, 0.1 + 0.2]);
        some.epochs[0].validation = None;
        let note = some.write("5");
        assert_eq!(History::read(&note, "5"), Some(some));
        assert_eq!(History::read(&note, "6"), None);
        assert_eq!(History::read(b"no", "5"), None);
    }

    #[test]
    fn training_stops_when_eight_epochs_bring_nothing_better() {
        assert_eq!(history(&[3.0, 2.0, 2.5]).best(), Some(1));
        assert_eq!(history(&[3.0, 2.0, 2.01, 2.5]).best(), Some(2));
        let worse = [3.0; 8];
        assert!(!history(&[&[2.0], &worse[1..]].concat()).is_over());
        assert!(!history(&[&[2.0], &worse[1..], &[1.0]].concat()).is_over());
        assert!(history(&[&[2.0], &worse[..]].concat()).is_over());
    }

    #[test]
    fn without_validation_the_last_epoch_is_the_best_and_nothing_stops() {
        let mut some = history(&[1.0; 20]);
        some.epochs.iter_mut().for_each(|epoch| epoch.validation = None);
        assert_eq!(some.best(), Some(19));
        assert!(!some.is_over());
    }
}
