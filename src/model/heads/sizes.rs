//! Payload lengths: pieces, each spread evenly over the lengths from one to another.

/// Some probability, spread evenly over lengths.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Piece {
    /// The shortest.
    pub low: u32,
    /// The longest: the same for an exact length.
    pub high: u32,
    /// How likely it is that the length is one of them.
    pub mass: f32,
}

impl Piece {
    fn width(&self) -> f64 {
        f64::from(self.high - self.low) + 1.0
    }

    /// The probability of each length in it.
    fn each(&self) -> f64 {
        f64::from(self.mass) / self.width()
    }

    /// How much of it is not above a length.
    fn up_to(&self, length: u32) -> f64 {
        if length < self.low {
            return 0.0;
        }
        self.each() * (f64::from(length.min(self.high) - self.low) + 1.0)
    }
}

/// A distribution over payload lengths in bytes. Pieces may lie over each other.
#[derive(Clone, PartialEq, Debug)]
pub struct Sizes(Vec<Piece>);

impl Sizes {
    /// Pieces whose masses sum to one; what has none is left out.
    pub(in super::super) fn new(mut pieces: Vec<Piece>) -> Self {
        pieces.retain(|piece| piece.mass > 0.0);
        Self(pieces)
    }

    /// The pieces.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The probability of exactly this length.
    #[must_use]
    pub fn probability(&self, length: u32) -> f32 {
        let holds = |piece: &&Piece| (piece.low..=piece.high).contains(&length);
        self.0.iter().filter(holds).map(Piece::each).sum::<f64>() as f32
    }

    /// The probability of a length not above this one.
    #[must_use]
    pub fn up_to(&self, length: u32) -> f32 {
        self.0.iter().map(|piece| piece.up_to(length)).sum::<f64>() as f32
    }

    /// The mean length.
    #[must_use]
    pub fn mean(&self) -> f32 {
        let middle = |piece: &Piece| (f64::from(piece.low) + f64::from(piece.high)) / 2.0;
        self.0.iter().map(|piece| f64::from(piece.mass) * middle(piece)).sum::<f64>() as f32
    }

    /// The likeliest length, and its probability.
    #[must_use]
    pub fn mode(&self) -> (u32, f32) {
        // Between the beginnings of pieces the probability only falls.
        let all = self.0.iter().map(|piece| (piece.low, self.probability(piece.low)));
        all.fold((0, 0.0), |best, one| if one.1 > best.1 { one } else { best })
    }

    /// The shortest length that a share of the probability (0 to 1) is not above.
    #[must_use]
    pub fn quantile(&self, share: f32) -> u32 {
        let longest = self.0.iter().map(|piece| piece.high).max().unwrap_or(0);
        let (mut low, mut high) = (0, longest);
        while low < high {
            let middle = u32::midpoint(low, high);
            if self.up_to(middle) >= share { high = middle } else { low = middle + 1 }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes() -> Sizes {
        let piece = |low, high, mass| Piece { low, high, mass };
        Sizes::new(vec![
            piece(0, 0, 0.25),
            piece(64, 127, 0.25),
            piece(86, 86, 0.5),
            piece(9, 9, 0.0),
        ])
    }

    #[test]
    fn probabilities_of_all_lengths_sum_to_one() {
        let sizes = sizes();
        let sum: f32 = (0..200).map(|length| sizes.probability(length)).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        assert_eq!(sizes.pieces().len(), 3);
        assert!((sizes.up_to(200) - 1.0).abs() < 1e-6 && sizes.up_to(63) == 0.25);
    }

    #[test]
    fn mean_mode_and_quantiles_are_those_of_the_pieces() {
        let sizes = sizes();
        assert!((sizes.mean() - (0.25 * 95.5 + 43.0)).abs() < 1e-3);
        assert_eq!(sizes.mode().0, 86);
        assert!((sizes.mode().1 - (0.5 + 0.25 / 64.0)).abs() < 1e-6);
        let quantiles = [0.0, 0.25, 0.3, 0.5, 0.84, 1.0].map(|share| sizes.quantile(share));
        assert_eq!(quantiles[..2], [0, 0]);
        assert!(
            quantiles.is_sorted() && quantiles[3] == 86 && quantiles[5] == 127,
            "{quantiles:?}"
        );
    }
}
