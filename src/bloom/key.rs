//! The secret that sensors of one federation share, and what it makes of an element.

use std::fmt;

use siphasher::sip128::{Hasher128, SipHasher13, SipHasher24};

/// The key of a federation: who lacks it can neither read an element out of a counter nor craft two
/// that collide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FederationKey([u8; 16]);

/// What seals a federation's messages: it is made of the federation's key, and the key can't be had
/// from it. Who has it alone can merge counters, and can't look an address up in them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SealKey([u8; 16]);

/// An element of a counter, hashed under the key; the same wherever the key is the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Element(pub(super) u128);

impl FederationKey {
    /// The key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The secret itself, for whoever stores it.
    #[must_use]
    pub const fn danger_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// A number that tells two keys apart and reveals neither.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.seal_key().id()
    }

    /// The key that this federation's messages are sealed with.
    #[must_use]
    pub fn seal_key(&self) -> SealKey {
        // Longer than any element, so that no element is ever hashed to it.
        const WHAT: &[u8] = &[b's'; 256];
        let mut hasher = SipHasher24::new_with_key(&self.0);
        std::hash::Hasher::write(&mut hasher, WHAT);
        SealKey(hasher.finish128().as_u128().to_be_bytes())
    }

    /// Hashes an element.
    #[inline]
    #[must_use]
    pub fn element(&self, bytes: &[u8]) -> Element {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        std::hash::Hasher::write(&mut hasher, bytes);
        Element(hasher.finish128().as_u128())
    }
}

impl SealKey {
    /// The key of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The secret itself, for whoever hands it to an aggregator.
    #[must_use]
    pub const fn danger_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The number that tells the federation's key from others.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.seal(b"foreshadow federation key id") as u64
    }

    /// The seal of a message. Elements are hashed with fewer rounds, for they are many.
    #[must_use]
    pub fn seal(&self, bytes: &[u8]) -> u128 {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        std::hash::Hasher::write(&mut hasher, bytes);
        hasher.finish128().as_u128()
    }
}

/// Says which key it is without showing it.
impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({:016x})", self.id())
    }
}

impl Element {
    /// It as bytes: what stands for a target in a federation.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_le_bytes()
    }
}

/// Says which key it is without showing it.
impl fmt::Debug for FederationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FederationKey({:016x})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_key_makes_another_element() {
        let (one, two) = (FederationKey::new([1; 16]), FederationKey::new([2; 16]));
        assert_eq!(one.element(b"10.0.0.1"), one.element(b"10.0.0.1"));
        assert_ne!(one.element(b"10.0.0.1"), two.element(b"10.0.0.1"));
        assert_ne!(one.id(), two.id());
    }

    #[test]
    fn what_seals_is_neither_the_key_nor_an_element_and_has_its_id() {
        let key = FederationKey::new([1; 16]);
        let seal = key.seal_key();
        assert_ne!(seal.danger_bytes(), key.danger_bytes());
        assert_eq!(seal.id(), key.id());
        assert_ne!(seal.seal(b"10.0.0.1"), key.element(b"10.0.0.1").0);
        assert_ne!(seal, FederationKey::new([2; 16]).seal_key());
    }

    #[test]
    fn a_key_is_not_shown() {
        let shown = format!("{:?}", FederationKey::new(*b"sixteen secret b"));
        assert!(!shown.contains("secret") && !shown.contains("115"), "{shown}");
    }
}
