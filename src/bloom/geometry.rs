//! How large a counter is for what it must hold.

use std::fmt;

/// The sizes of a counter, from its capacity and its false-positive rate.
///
/// A counter looks into two windows, this one and the one before, so each gets half of the allowed
/// rate: with both at capacity, an element never inserted is taken for a known one at the rate asked.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Geometry {
    capacity: u32,
    rate: f64,
    bits: u64,
    hashes: u8,
}

/// Capacities that make sense: a counter of the largest takes 3 GB at the lowest rate.
const CAPACITY: std::ops::RangeInclusive<u32> = 16..=268_435_456;
const RATE: std::ops::RangeInclusive<f64> = 1e-9..=0.5;

/// A capacity or rate that no counter can have.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct GeometryError {
    /// The capacity asked for.
    pub capacity: u32,
    /// The rate asked for.
    pub rate: f64,
}

impl fmt::Display for GeometryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = (CAPACITY.start(), CAPACITY.end());
        let (least, most) = (RATE.start(), RATE.end());
        write!(
            f,
            "expected a capacity of {low} to {high} and a false-positive rate of {least:e} to {most}, \
             got {} and {}",
            self.capacity, self.rate
        )
    }
}

impl std::error::Error for GeometryError {}

impl Geometry {
    /// The sizes for `capacity` distinct elements a window, of which one never inserted is taken for
    /// a known one at most at `rate`.
    ///
    /// # Errors
    ///
    /// When no counter of such a size makes sense.
    pub fn new(capacity: u32, rate: f64) -> Result<Self, GeometryError> {
        if !CAPACITY.contains(&capacity) || !RATE.contains(&rate) {
            return Err(GeometryError { capacity, rate });
        }
        let window = 1.0 - (1.0 - rate).sqrt();
        let hashes = (-window.log2()).round().clamp(1.0, 32.0);
        // From rate = (1 - e^(-hashes * capacity / bits))^hashes.
        let bits = -f64::from(capacity) * hashes / (-window.powf(1.0 / hashes)).ln_1p();
        let words = (bits / 64.0).ceil().max(1.0) as u64;
        Ok(Self { capacity, rate, bits: words * 64, hashes: hashes as u8 })
    }

    /// Distinct elements a window is made for.
    #[must_use]
    pub const fn capacity(self) -> u32 {
        self.capacity
    }

    /// The false-positive rate it was made for.
    #[must_use]
    pub const fn rate(self) -> f64 {
        self.rate
    }

    /// Bits of one window, a multiple of 64.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.bits
    }

    /// Bits that an element sets.
    #[must_use]
    pub const fn hashes(self) -> u8 {
        self.hashes
    }

    /// 64-bit words of one window.
    pub(super) const fn words(self) -> usize {
        (self.bits / 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_textbook_at_half_the_rate() {
        let geometry = Geometry::new(1_000_000, 0.01).unwrap();
        // The optimum for 0.005 is 11.03 bits an element and 7.6 hashes; a whole number costs a little.
        assert_eq!(geometry.hashes(), 8);
        assert!((11.0..11.2).contains(&(geometry.bits() as f64 / 1e6)), "{geometry:?}");
    }

    #[test]
    fn senseless_sizes_are_refused() {
        for (capacity, rate) in [(0, 0.01), (15, 0.01), (u32::MAX, 0.01), (100, 0.0), (100, 0.9)] {
            let error = Geometry::new(capacity, rate).unwrap_err();
            assert!(error.to_string().contains("expected a capacity of 16 to"), "{error}");
        }
        assert!(Geometry::new(100, f64::NAN).is_err());
    }
}
