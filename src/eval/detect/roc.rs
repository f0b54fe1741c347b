//! How well a score tells attack from ordinary: area, rates at stated false-alarm rates, equal error.

/// What a score achieves over examples with known truth.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Roc {
    /// Attack examples.
    pub attack: usize,
    /// Ordinary examples.
    pub benign: usize,
    /// Probability that an attack scores above an ordinary example, ties counting half.
    pub auc: f64,
    /// Share of attacks above the threshold that one in a thousand ordinary examples reaches.
    ///
    /// With fewer than a thousand ordinary examples that threshold lies above them all.
    pub at_1e3: f64,
    /// The same at one in a hundred.
    pub at_1e2: f64,
    /// The rate at which as many attacks are missed as ordinary examples are called attacks.
    pub eer: f64,
}

impl Roc {
    /// What a score achieves; `None` unless there are examples of both kinds.
    #[must_use]
    pub fn of(examples: &[(f32, bool)]) -> Option<Self> {
        let attack = examples.iter().filter(|(_, attack)| *attack).count();
        let benign = examples.len() - attack;
        if attack == 0 || benign == 0 {
            return None;
        }
        let mut sorted = examples.to_vec();
        sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut roc =
            Self { attack, benign, auc: 0.0, at_1e3: 0.0, at_1e2: 0.0, eer: f64::INFINITY };
        let (mut hits, mut false_alarms) = (0usize, 0usize);
        let mut nearest = f64::INFINITY;
        let mut rest = sorted.as_slice();
        while let Some(&(score, _)) = rest.first() {
            let same = rest.iter().take_while(|example| example.0 == score).count();
            let (tied, after) = rest.split_at(same);
            rest = after;
            let new_hits = tied.iter().filter(|(_, attack)| *attack).count();
            let new_false = same - new_hits;
            roc.auc += new_false as f64 * (hits as f64 + new_hits as f64 / 2.0);
            hits += new_hits;
            false_alarms += new_false;
            let fpr = false_alarms as f64 / benign as f64;
            let tpr = hits as f64 / attack as f64;
            if fpr <= 1e-3 {
                roc.at_1e3 = tpr;
            }
            if fpr <= 1e-2 {
                roc.at_1e2 = tpr;
            }
            let apart = (fpr - (1.0 - tpr)).abs();
            if apart < nearest {
                nearest = apart;
                roc.eer = f64::midpoint(fpr, 1.0 - tpr);
            }
        }
        roc.auc /= attack as f64 * benign as f64;
        Some(roc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_that_separates_has_area_one_and_misses_nothing() {
        let examples = [(3.0, true), (2.0, true), (1.0, false), (0.0, false)];
        let roc = Roc::of(&examples).unwrap();
        assert_eq!((roc.auc, roc.at_1e3, roc.at_1e2, roc.eer), (1.0, 1.0, 1.0, 0.0));
    }

    #[test]
    fn a_score_that_says_nothing_has_area_one_half_and_finds_nothing() {
        let roc = Roc::of(&[(1.0, true), (1.0, false), (1.0, false)]).unwrap();
        assert_eq!((roc.auc, roc.at_1e3), (0.5, 0.0));
    }

    #[test]
    fn ties_and_order_count_as_they_should() {
        // Attack above two of three ordinary examples, and one of those tied.
        let roc = Roc::of(&[(5.0, false), (4.0, true), (4.0, false), (1.0, false)]).unwrap();
        assert!((roc.auc - 0.5).abs() < 1e-12);
        assert_eq!(Roc::of(&[(1.0, true)]), None);
    }

    #[test]
    fn one_in_a_hundred_false_alarms_are_allowed_where_asked() {
        let mut examples: Vec<_> = (0..100).map(|at| (at as f32, false)).collect();
        examples.push((98.5, true));
        let roc = Roc::of(&examples).unwrap();
        assert_eq!((roc.at_1e3, roc.at_1e2), (0.0, 1.0));
    }
}
