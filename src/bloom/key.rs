//! The secret that sensors of one federation share, and what it makes of an element.

use std::fmt;

use siphasher::sip128::{Hasher128, SipHasher13};

/// The key of a federation: who lacks it can neither read an element out of a counter nor craft two
/// that collide.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FederationKey([u8; 16]);

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
        self.digest(b"foreshadow federation key id") as u64
    }

    /// Hashes an element.
    #[inline]
    #[must_use]
    pub fn element(&self, bytes: &[u8]) -> Element {
        Element(self.digest(bytes))
    }

    /// A keyed digest: an element, or the seal of a message.
    #[inline]
    pub(super) fn digest(&self, bytes: &[u8]) -> u128 {
        let mut hasher = SipHasher13::new_with_key(&self.0);
        std::hash::Hasher::write(&mut hasher, bytes);
        hasher.finish128().as_u128()
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
    fn a_key_is_not_shown() {
        let shown = format!("{:?}", FederationKey::new(*b"sixteen secret b"));
        assert!(!shown.contains("secret") && !shown.contains("115"), "{shown}");
    }
}
