//! A category's name, small enough to travel in an event.

use std::fmt;

/// A name of at most 40 bytes; what is longer is cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    bytes: [u8; Self::LONGEST],
    len: u8,
}

impl Name {
    /// Bytes of the longest name.
    pub const LONGEST: usize = 40;

    /// The name of this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let len = text.floor_char_boundary(Self::LONGEST);
        let mut bytes = [0; Self::LONGEST];
        bytes[..len].copy_from_slice(&text.as_bytes()[..len]);
        Self { bytes, len: len as u8 }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_as_it_was_given_and_a_long_one_is_cut_between_characters() {
        assert_eq!(Name::new("fan-out").to_string(), "fan-out");
        let long = "ü".repeat(30);
        assert_eq!(Name::new(&long).as_str(), "ü".repeat(20));
    }
}
