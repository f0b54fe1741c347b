//! What came out, before anybody prints it.

use super::{Baseline, Part, Score};

/// Every model on every source.
pub struct Report {
    /// The folders that were read, as they were named.
    pub data: Vec<String>,
    /// The class that was scored.
    pub class: String,
    /// Which part of the split that was; `None` when training captures were named apart.
    pub part: Option<Part>,
    /// The split file's name; `None` as above.
    pub split: Option<String>,
    /// What the models were trained on.
    pub training: Extent,
    /// What they were scored on.
    pub scored: Extent,
    /// The models, in the order of the scores.
    pub models: Vec<ModelReport>,
    /// The sources by name.
    pub sources: Vec<SourceReport>,
}

/// How much of something there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Extent {
    /// Sources.
    pub sources: usize,
    /// Captures of these.
    pub captures: usize,
    /// Packets of these that are scored or learned from.
    pub packets: u64,
}

/// One model over all sources.
pub struct ModelReport {
    /// Its name.
    pub name: String,
    /// How it came to know what it knows.
    pub about: String,
    /// How long it took to score, in seconds.
    pub seconds: f64,
    /// Every packet together.
    pub overall: Score,
}

/// One source.
pub struct SourceReport {
    /// Its name.
    pub name: String,
    /// Its captures.
    pub captures: usize,
    /// What each model did, in the order of the models.
    pub scores: Vec<Score>,
}

impl Report {
    /// The bits of the best Markov baseline out of `scores`, one for each model.
    #[must_use]
    pub fn best_markov<'a>(&self, scores: impl IntoIterator<Item = &'a Score>) -> Option<f64> {
        let named = self.models.iter().zip(scores);
        let markov = named.filter(|(model, _)| Baseline::is_markov(&model.name));
        markov.map(|(_, score)| score.total()).filter(|bits| *bits > 0.0).min_by(f64::total_cmp)
    }

    /// The scores over all sources.
    pub fn overall(&self) -> impl Iterator<Item = &Score> {
        self.models.iter().map(|model| &model.overall)
    }
}

impl SourceReport {
    /// Packets of the source that are scored.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.scores.first().map_or(0, Score::packets)
    }
}
