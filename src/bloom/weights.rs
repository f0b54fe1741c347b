//! How much each category says at present: weights that follow the traffic.

/// How weights are made of activity.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weighting {
    /// A category weighs the share of activity that it has: what goes on most speaks loudest.
    Share,
    /// A category weighs the more, the smaller its share: what is rare here speaks loudest.
    Rarity,
}

impl Weighting {
    /// The score from which a target is spoken of, unless somebody says otherwise: measured, for the
    /// weights of the two are of different sizes.
    #[must_use]
    pub const fn threshold(self) -> f64 {
        match self {
            Self::Share => 0.5,
            Self::Rarity => 1.2,
        }
    }
}

/// The constants of the formulas; each lies between 0 and 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Smoothing {
    /// What is left of an active category's old weight after an interval.
    pub alpha: f64,
    /// What is left of an idle category's old weight after an interval.
    pub idle: f64,
    /// No weight falls below this.
    pub floor: f64,
}

/// The weight of every category.
///
/// At the end of an interval, with `share` the part of all newly counted elements that a category
/// has: `weight = max(floor, alpha * weight + (1 - alpha) * share)` where it counted any, and
/// `weight = max(floor, idle * weight)` where it counted none. All begin at 1 (or as configured), and
/// once every idle category lies at the floor, the others' weights come to one.
#[derive(Clone, PartialEq, Debug)]
pub struct Weights {
    weighting: Weighting,
    smoothing: Smoothing,
    shares: Vec<f64>,
}

impl Weights {
    /// Weights at their beginning.
    #[must_use]
    pub fn new(weighting: Weighting, smoothing: Smoothing, initial: Vec<f64>) -> Self {
        Self { weighting, smoothing, shares: initial }
    }

    /// An interval ended in which each category counted so many new elements.
    pub fn update(&mut self, activity: &[u64]) {
        let total: u64 = activity.iter().sum();
        let Smoothing { alpha, idle, floor } = self.smoothing;
        for (weight, &new) in self.shares.iter_mut().zip(activity) {
            let next = if new == 0 {
                idle * *weight
            } else {
                alpha * *weight + (1.0 - alpha) * (new as f64 / total as f64)
            };
            *weight = next.max(floor);
        }
    }

    /// A category's smoothed share of activity; 0 for one that there is not.
    #[must_use]
    pub fn share(&self, category: usize) -> f64 {
        self.shares.get(category).copied().unwrap_or(0.0)
    }

    /// A category's weight; 0 for one that there is not.
    ///
    /// Under [`Weighting::Rarity`] it is `log(share) / log(floor)`: 1 for a category at the floor, 0 for
    /// one that has all the activity.
    #[must_use]
    pub fn weight(&self, category: usize) -> f64 {
        let Some(&share) = self.shares.get(category) else { return 0.0 };
        match self.weighting {
            Weighting::Share => share,
            Weighting::Rarity => (share.min(1.0).ln() / self.smoothing.floor.ln()).max(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMOOTHING: Smoothing = Smoothing { alpha: 0.5, idle: 0.75, floor: 0.01 };

    fn weights(weighting: Weighting) -> Weights {
        Weights::new(weighting, SMOOTHING, vec![1.0; 3])
    }

    /// Ten intervals worked out by hand: the second category falls idle in the fourth interval and
    /// returns in the ninth; nothing at all happens in the seventh.
    #[test]
    fn weights_follow_a_table_worked_out_by_hand() {
        let table: [([u64; 3], [f64; 3]); 10] = [
            ([8, 1, 1], [0.9, 0.55, 0.55]),
            ([8, 1, 1], [0.85, 0.325, 0.325]),
            ([5, 0, 5], [0.675, 0.24375, 0.4125]),
            ([5, 0, 5], [0.5875, 0.182_812_5, 0.45625]),
            ([9, 0, 1], [0.74375, 0.137_109_375, 0.278_125]),
            ([1, 0, 9], [0.421_875, 0.102_832_031_25, 0.589_062_5]),
            ([0, 0, 0], [0.316_406_25, 0.077_124_023_437_5, 0.441_796_875]),
            ([1, 0, 0], [0.658_203_125, 0.057_843_017_578_125, 0.331_347_656_25]),
            ([2, 2, 0], [0.579_101_562_5, 0.278_921_508_789_062_5, 0.248_510_742_187_5]),
            ([2, 6, 0], [0.414_550_781_25, 0.514_460_754_394_531_2, 0.186_383_056_640_625]),
        ];
        let mut weights = weights(Weighting::Share);
        for (interval, (activity, expected)) in table.iter().enumerate() {
            weights.update(activity);
            for (category, expected) in expected.iter().enumerate() {
                let weight = weights.weight(category);
                assert!((weight - expected).abs() < 1e-12, "{interval} {category} {weight}");
            }
        }
    }

    #[test]
    fn shares_come_to_one_and_idle_categories_to_the_floor() {
        let mut weights = weights(Weighting::Share);
        for _ in 0..100 {
            weights.update(&[30, 10, 0]);
        }
        assert!((weights.weight(0) + weights.weight(1) - 1.0).abs() < 1e-9);
        assert_eq!(weights.weight(2), SMOOTHING.floor);
        assert_eq!(weights.weight(3), 0.0);
    }

    #[test]
    fn under_rarity_the_rare_speak() {
        let mut weights = weights(Weighting::Rarity);
        assert_eq!(weights.weight(0), 0.0, "before anything is known nothing is rare");
        for _ in 0..100 {
            weights.update(&[98, 2, 0]);
        }
        let [common, rare, unseen] = [0, 1, 2].map(|category| weights.weight(category));
        assert!(common < 0.01 && rare > 0.8 && unseen == 1.0, "{common} {rare} {unseen}");
    }
}
