//! Named parts, each some bytes whose meaning is its owner's.

/// One part.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// What it is called, at most 255 bytes.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What a sensor gives out between two packets and takes back when it is opened.
///
/// A part that a reader does not know is left alone, so that others can put theirs beside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Snapshot {
    parts: Vec<Part>,
}

impl Snapshot {
    /// Puts a part, in place of one with the same name.
    pub fn put(&mut self, name: &str, bytes: Vec<u8>) {
        match self.parts.iter_mut().find(|part| part.name == name) {
            Some(part) => part.bytes = bytes,
            None => self.parts.push(Part { name: name.to_owned(), bytes }),
        }
    }

    /// A part's content.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.parts.iter().find(|part| part.name == name).map(|part| &*part.bytes)
    }

    /// All parts, in the order they were put.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_put_again_replaces_the_one_before() {
        let mut snapshot = Snapshot::default();
        snapshot.put("a", vec![1]);
        snapshot.put("b", vec![2]);
        snapshot.put("a", vec![3]);
        assert_eq!((snapshot.get("a"), snapshot.get("c")), (Some(&[3][..]), None));
        assert_eq!(snapshot.parts().len(), 2);
    }
}
