//! How many distinct elements were seen lately: a Bloom filter that counts, forgets and merges.

use super::geometry::Geometry;
use super::key::{Element, FederationKey};

/// A set of elements, of which it keeps neither the elements nor their order.
///
/// It counts an element when it is *new*: in neither the window that stands open nor the one before.
/// [`rotate`](Self::rotate) closes a window and drops the one before it. Windows were chosen over
/// counters that decay because merging them is a bitwise or: in whatever order, however often the
/// same counter is merged, the result is the same. A decaying count can't be merged twice without
/// counting twice. The price is that what falls silent is forgotten after one to two windows, not
/// after exactly one.
#[derive(Clone, PartialEq, Debug)]
pub struct BloomCounter {
    geometry: Geometry,
    key: u64,
    /// Windows that were closed.
    epoch: u64,
    /// The open window and the one before.
    windows: [Window; 2],
}

/// One window's bits.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Window {
    words: Box<[u64]>,
    ones: u64,
}

/// Why two counters can't be merged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mismatch {
    /// They hash under different keys.
    Key,
    /// They have different sizes.
    Geometry,
    /// They do not speak of the same time.
    Epoch,
}

impl Mismatch {
    /// The name used in logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Geometry => "geometry",
            Self::Epoch => "epoch",
        }
    }
}

impl Window {
    fn new(geometry: Geometry) -> Self {
        Self { words: vec![0; geometry.words()].into_boxed_slice(), ones: 0 }
    }

    fn from_words(words: Box<[u64]>) -> Self {
        let ones = count_ones(&words);
        Self { words, ones }
    }

    #[inline]
    fn has(&self, (word, bit): (usize, u64)) -> bool {
        self.words[word] & bit != 0
    }

    #[inline]
    fn set(&mut self, (word, bit): (usize, u64)) {
        let word = &mut self.words[word];
        self.ones += u64::from(*word & bit == 0);
        *word |= bit;
    }

    /// Most windows of a quiet capture are empty, and clearing costs as much as the window is large.
    fn clear(&mut self) {
        if self.ones > 0 {
            self.words.fill(0);
            self.ones = 0;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
        self.ones = count_ones(&self.words);
    }

    /// How many bits are set.
    pub(super) const fn ones(&self) -> u64 {
        self.ones
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.ones == 0
    }

    /// About how many distinct elements it saw: `-(bits / hashes) ln(1 - fill)`.
    pub(super) fn distinct(&self, geometry: Geometry) -> f64 {
        let bits = geometry.bits() as f64;
        let hashes = f64::from(geometry.hashes());
        // A full window has seen at least what makes its last bit likely.
        let zeros = geometry.bits().saturating_sub(self.ones).max(1) as f64;
        -(bits / hashes) * (zeros / bits).ln()
    }
}

fn count_ones(words: &[u64]) -> u64 {
    words.iter().map(|word| u64::from(word.count_ones())).sum()
}

impl BloomCounter {
    /// A counter that has seen nothing, in epoch 0.
    #[must_use]
    pub fn new(geometry: Geometry, key: &FederationKey) -> Self {
        let windows = [Window::new(geometry), Window::new(geometry)];
        Self { geometry, key: key.id(), epoch: 0, windows }
    }

    /// A counter put together from what was stored or sent. The words must be as many as the
    /// geometry says.
    pub(super) fn from_parts(
        geometry: Geometry,
        key: u64,
        epoch: u64,
        words: [Box<[u64]>; 2],
    ) -> Self {
        Self { geometry, key, epoch, windows: words.map(Window::from_words) }
    }

    /// Takes an element in and says whether it was new.
    #[inline]
    pub fn insert(&mut self, element: Element) -> bool {
        let [open, before] = &mut self.windows;
        let (mut in_open, mut in_before) = (true, true);
        for place in places(self.geometry, element) {
            in_open &= open.has(place);
            in_before &= before.has(place);
            open.set(place);
        }
        !(in_open || in_before)
    }

    /// Whether an element was probably seen in this window or the one before. No element that was is
    /// ever denied.
    #[inline]
    #[must_use]
    pub fn contains(&self, element: Element) -> bool {
        let places = || places(self.geometry, element);
        self.windows.iter().any(|window| places().all(|place| window.has(place)))
    }

    /// Closes the window and forgets the one before it.
    pub fn rotate(&mut self) {
        self.windows.swap(0, 1);
        self.windows[0].clear();
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Brings it to an epoch: rotates once if that is the next, forgets everything if it is any other.
    pub fn date(&mut self, epoch: u64) {
        if epoch != self.epoch {
            self.rotate();
            if epoch != self.epoch {
                self.rotate();
            }
            self.epoch = epoch;
        }
    }

    /// Takes in all that another counter saw in the same epoch.
    ///
    /// # Errors
    ///
    /// When the other has another key, other sizes or another epoch; this one is unchanged then.
    pub fn merge(&mut self, other: &Self) -> Result<(), Mismatch> {
        if self.key != other.key {
            return Err(Mismatch::Key);
        }
        if self.geometry != other.geometry {
            return Err(Mismatch::Geometry);
        }
        if self.epoch != other.epoch {
            return Err(Mismatch::Epoch);
        }
        for (window, other) in self.windows.iter_mut().zip(&other.windows) {
            window.merge(other);
        }
        Ok(())
    }

    /// Its sizes.
    #[must_use]
    pub const fn geometry(&self) -> Geometry {
        self.geometry
    }

    /// The id of the key it hashes under.
    #[must_use]
    pub const fn key_id(&self) -> u64 {
        self.key
    }

    /// How many windows were closed.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// About how many distinct elements the open window saw.
    #[must_use]
    pub fn distinct(&self) -> f64 {
        self.windows[0].distinct(self.geometry)
    }

    /// The share of the open window's bits that are set; at capacity about a half.
    #[must_use]
    pub fn fill(&self) -> f64 {
        self.windows[0].ones as f64 / self.geometry.bits() as f64
    }

    /// How likely an element never inserted is taken for a known one, as the windows stand.
    #[must_use]
    pub fn false_positive_rate(&self) -> f64 {
        let hashes = i32::from(self.geometry.hashes());
        let bits = self.geometry.bits() as f64;
        let missed = |window: &Window| 1.0 - (window.ones as f64 / bits).powi(hashes);
        1.0 - self.windows.iter().map(missed).product::<f64>()
    }

    /// Whether the open window holds more than it was made for, so that its rate is not met.
    #[must_use]
    pub fn is_overfull(&self) -> bool {
        self.distinct() > f64::from(self.geometry.capacity()) * 1.05
    }

    /// Bytes held.
    #[must_use]
    pub fn memory(&self) -> usize {
        2 * 8 * self.geometry.words()
    }

    /// The open window and the one before.
    pub(super) fn into_windows(self) -> [Window; 2] {
        self.windows
    }

    /// The bits of the open window and of the one before.
    pub(super) fn words(&self) -> [&[u64]; 2] {
        self.windows.each_ref().map(|window| &*window.words)
    }
}

/// Where an element's bits are: double hashing of its two halves, each product's high part taken as
/// the place, so that any number of bits is met evenly.
#[inline]
fn places(geometry: Geometry, element: Element) -> impl Iterator<Item = (usize, u64)> {
    let mut at = element.0 as u64;
    let step = (element.0 >> 64) as u64 | 1;
    (0..geometry.hashes()).map(move |_| {
        let bit = ((u128::from(at) * u128::from(geometry.bits())) >> 64) as u64;
        at = at.wrapping_add(step);
        ((bit / 64) as usize, 1 << (bit % 64))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn key() -> FederationKey {
        FederationKey::new([7; 16])
    }

    fn element(number: u64) -> Element {
        key().element(&number.to_le_bytes())
    }

    fn counter(capacity: u32, rate: f64) -> BloomCounter {
        BloomCounter::new(Geometry::new(capacity, rate).unwrap(), &key())
    }

    /// A counter after these elements, a window each.
    fn after(windows: &[Vec<u16>]) -> BloomCounter {
        let mut counter = counter(1_000, 0.001);
        for (index, window) in windows.iter().enumerate() {
            if index > 0 {
                counter.rotate();
            }
            for &number in window {
                counter.insert(element(u64::from(number)));
            }
        }
        counter
    }

    #[test]
    fn the_configured_rate_is_met_with_both_windows_at_capacity() {
        for rate in [0.01, 0.001] {
            let mut counter = counter(50_000, rate);
            for number in 0..50_000 {
                counter.insert(element(number));
            }
            counter.rotate();
            for number in 50_000..100_000 {
                counter.insert(element(number));
            }
            let asked = 500_000;
            let taken = (0..asked).filter(|n| counter.contains(element(1 << 40 | n))).count();
            let measured = taken as f64 / asked as f64;
            assert!((measured / rate - 1.0).abs() < 0.1, "{measured} for {rate}");
            let estimated = counter.false_positive_rate();
            assert!((estimated / measured - 1.0).abs() < 0.1, "{estimated} for {measured}");
            assert!((counter.distinct() / 50_000.0 - 1.0).abs() < 0.01, "{}", counter.distinct());
            assert!(!counter.is_overfull() && (counter.fill() - 0.5).abs() < 0.05);
        }
    }

    #[test]
    fn a_date_rotates_once_to_the_next_epoch_and_forgets_all_for_another() {
        let mut counter = counter(100, 0.01);
        counter.date(41);
        counter.insert(element(1));
        counter.date(41);
        counter.date(42);
        assert!(counter.contains(element(1)) && counter.epoch() == 42);
        for far in [44, 7] {
            counter.insert(element(1));
            counter.date(far);
            assert!(!counter.contains(element(1)) && counter.epoch() == far);
        }
    }

    #[test]
    fn overfill_is_reported_and_the_rate_with_it() {
        let mut counter = counter(1_000, 0.01);
        for number in 0..5_000 {
            counter.insert(element(number));
        }
        assert!(counter.is_overfull());
        assert!(counter.false_positive_rate() > 0.2);
        for number in 0..1_000_000 {
            counter.insert(element(number));
        }
        assert!(counter.fill() > 0.99 && counter.distinct().is_finite());
    }

    #[test]
    fn what_falls_silent_is_forgotten_after_two_windows_and_then_counts_again() {
        let mut counter = counter(1_000, 0.001);
        assert!(counter.insert(element(1)));
        assert!(!counter.insert(element(1)));
        counter.rotate();
        assert!(!counter.insert(element(1)), "still known from the window before");
        counter.rotate();
        counter.rotate();
        assert!(!counter.contains(element(1)));
        assert!(counter.insert(element(1)));
        assert_eq!(counter.epoch(), 3);
    }

    #[test]
    fn counters_that_do_not_fit_are_not_merged() {
        let mut ours = counter(1_000, 0.01);
        let geometry = ours.geometry();
        let before = ours.clone();
        let foreign = BloomCounter::new(geometry, &FederationKey::new([8; 16]));
        assert_eq!(ours.merge(&foreign), Err(Mismatch::Key));
        assert_eq!(ours.merge(&counter(2_000, 0.01)), Err(Mismatch::Geometry));
        let mut later = counter(1_000, 0.01);
        later.rotate();
        assert_eq!(ours.merge(&later), Err(Mismatch::Epoch));
        assert_eq!(ours, before);
    }

    /// Up to three windows of elements.
    fn windows() -> impl Strategy<Value = Vec<Vec<u16>>> {
        vec(vec(any::<u16>(), 0..60), 3)
    }

    proptest! {
        #[test]
        fn it_answers_as_an_exact_set_but_for_false_positives(
            windows in windows(), asked in vec(any::<u16>(), 50),
        ) {
            let counter = after(&windows);
            let exact: HashSet<u16> = windows[1..].iter().flatten().copied().collect();
            for number in exact.iter().chain(&asked) {
                let known = counter.contains(element(u64::from(*number)));
                prop_assert!(known || !exact.contains(number));
            }
            let now: HashSet<&u16> = windows[2].iter().collect();
            prop_assert!((counter.distinct() - now.len() as f64).abs() < 3.0);
        }

        #[test]
        fn merging_is_commutative_associative_and_idempotent(
            one in windows(), two in windows(), three in windows(),
        ) {
            let [one, two, three] = [one, two, three].map(|windows| after(&windows));
            let merged = |list: &[&BloomCounter]| {
                let mut sum = list[0].clone();
                for other in &list[1..] {
                    sum.merge(other).unwrap();
                }
                sum
            };
            let sum = merged(&[&one, &two, &three]);
            prop_assert_eq!(&sum, &merged(&[&three, &one, &two]));
            prop_assert_eq!(&sum, &merged(&[&one, &merged(&[&two, &three])]));
            prop_assert_eq!(&sum, &merged(&[&sum, &two, &two, &sum]));
        }

        #[test]
        fn merging_is_seeing_all_of_it(one in windows(), two in windows()) {
            let mut sum = after(&one);
            sum.merge(&after(&two)).unwrap();
            let both: Vec<Vec<u16>> =
                one.iter().zip(&two).map(|(one, two)| [&one[..], &two[..]].concat()).collect();
            prop_assert_eq!(sum, after(&both));
        }
    }
}
