//! Model files: named tensors of numbers and some words about them, in the safetensors format.
//!
//! ```text
//! length of the header (u64) | header (JSON: each tensor's type, shape and place) | numbers (f32)
//! ```
//!
//! A file is hostile input until it was read: [`ModelFile::read`] sees that the header is well-formed
//! and short, that the tensors lie side by side without a gap, and that the content is what was
//! written, where the file says so. [`ModelFile::tensor`] then hands out a tensor only if it has the
//! shape that is asked for, and only sane numbers. Every failure is one [`FileError`] that names the
//! tensor, what was expected and what was found.
//!
//! What it does not do: know which tensors a model needs (the network and the mixer ask for theirs), or
//! touch the disk. There is no dependency behind it: the published reader takes more than a model
//! has use for (types, strings, views), and brings a JSON library into every host.

mod error;
mod header;
mod write;

pub use error::FileError;
pub use write::{Tensor, write};

use header::{Entry, Header};

/// What this version of the program writes under `format`, and the only one it reads.
pub const FORMAT: &str = "1";
/// The largest file that is read, in bytes. An LSTM of 256 units takes 2 MB.
pub const LARGEST_FILE: usize = 1 << 24;
/// The largest number that is believed. Trained weights stay below 100.
const LARGEST: f32 = 1e6;

/// The names of what a file says about itself.
mod word {
    pub(super) const FORMAT: &str = "format";
    pub(super) const CONTENT: &str = "content";
}

/// A model file that was read.
#[derive(Debug)]
pub struct ModelFile<'a> {
    header: Header,
    numbers: &'a [u8],
}

impl<'a> ModelFile<'a> {
    /// Reads the content of a file.
    ///
    /// # Errors
    /// If it is no such file, is damaged, or is of a format that this program does not read.
    pub fn read(bytes: &'a [u8]) -> Result<Self, FileError> {
        if bytes.len() > LARGEST_FILE {
            return Err(FileError::TooLarge { found: bytes.len(), most: LARGEST_FILE });
        }
        let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
            return Err(FileError::Header { at: bytes.len(), expected: "8 bytes of length" });
        };
        let length = u64::from_le_bytes(*length);
        let found = rest.len() as u64;
        if length > found.min(header::LONGEST) {
            let expected = "a header no longer than the file and 64 KiB";
            return Err(FileError::Header { at: 0, expected });
        }
        let (text, numbers) = rest.split_at(length as usize);
        let header = Header::read(text, numbers.len())?;
        let file = Self { header, numbers };
        file.expect_word(word::FORMAT, FORMAT)?;
        if file.word(word::CONTENT).is_some() {
            file.expect_word(word::CONTENT, &hash(numbers))?;
        }
        Ok(file)
    }

    /// A few digits that two files share only if their numbers are the same.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut digits = hash(self.numbers);
        digits.truncate(8);
        digits
    }

    /// What the file says of itself under `key`.
    #[must_use]
    pub fn word(&self, key: &str) -> Option<&str> {
        self.header.words.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Everything the file says of itself.
    #[must_use]
    pub fn words(&self) -> &[(String, String)] {
        &self.header.words
    }

    /// Sees that the file says `expected` under `key`.
    ///
    /// # Errors
    /// If it says something else or nothing.
    pub fn expect_word(&self, key: &'static str, expected: &str) -> Result<(), FileError> {
        match self.word(key) {
            Some(found) if found == expected => Ok(()),
            found => {
                let found = found.unwrap_or("nothing").chars().take(40).collect();
                Err(FileError::Word { key, expected: expected.to_owned(), found })
            }
        }
    }

    /// Whether there is a network in it.
    #[must_use]
    pub fn has_network(&self) -> bool {
        self.names().any(super::network::declares)
    }

    /// Whether there is a mixer in it.
    #[must_use]
    pub fn has_mixer(&self) -> bool {
        self.names().any(super::adaptive::declares)
    }

    /// The names of all tensors, in the order of their place.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.header.entries.iter().map(|entry| entry.name.as_str())
    }

    /// A tensor's shape.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.entry(name).map(|entry| entry.shape.as_slice())
    }

    /// A tensor's numbers, row by row.
    ///
    /// # Errors
    /// If there is no such tensor, it has another shape, or holds what is no sane number.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, FileError> {
        let Some(entry) = self.entry(name) else {
            return Err(FileError::Missing { tensor: name.to_owned(), expected: shape.to_vec() });
        };
        if entry.shape != shape {
            return Err(FileError::Shape {
                tensor: name.to_owned(),
                expected: shape.to_vec(),
                found: entry.shape.clone(),
            });
        }
        let bytes = self.numbers.get(entry.begin..entry.end).unwrap_or_default();
        let (numbers, _) = bytes.as_chunks();
        let numbers: Vec<f32> = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        match numbers.iter().position(|number| number.is_nan() || number.abs() > LARGEST) {
            None => Ok(numbers),
            Some(index) => {
                let value = numbers.get(index).copied().unwrap_or(f32::NAN);
                Err(FileError::Value { tensor: name.to_owned(), index, value })
            }
        }
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.header.entries.iter().find(|entry| entry.name == name)
    }
}

/// FNV-1a of some bytes, as sixteen digits.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file() -> Vec<u8> {
        let words = [("made".to_owned(), "by a \"test\"\n".to_owned())];
        write(&words, &[("a", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), ("b.c", &[1], &[-0.5])])
    }

    /// A file with this header, and so many bytes of numbers.
    fn with_header(header: &str, numbers: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + numbers, 0);
        bytes
    }

    const WORDS: &str = r#""__metadata__":{"format":"1"}"#;

    #[test]
    fn what_was_written_is_read_again() {
        let bytes = file();
        let file = ModelFile::read(&bytes).unwrap();
        assert_eq!(file.word("made"), Some("by a \"test\"\n"));
        assert_eq!(file.names().collect::<Vec<_>>(), ["a", "b.c"]);
        assert_eq!(file.tensor("a", &[2, 3]).unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(file.tensor("b.c", &[1]).unwrap(), [-0.5]);
    }

    #[test]
    fn a_tensor_that_does_not_fit_is_named_with_what_was_expected_and_found() {
        let bytes = file();
        let file = ModelFile::read(&bytes).unwrap();
        let said = |name, shape: &[usize]| file.tensor(name, shape).unwrap_err().to_string();
        assert_eq!(said("d", &[4]), "it has no tensor d of [4]");
        assert_eq!(said("a", &[3, 2]), "tensor a is of [2, 3], not [3, 2]");
        let bytes = write(&[], &[("a", &[2], &[0.0, f32::NAN])]);
        let error = ModelFile::read(&bytes).unwrap().tensor("a", &[2]).unwrap_err();
        assert_eq!(error.to_string(), "tensor a holds NaN at 1, which no training gives");
        let bytes = write(&[], &[("a", &[1], &[f32::INFINITY])]);
        assert!(ModelFile::read(&bytes).unwrap().tensor("a", &[1]).is_err());
    }

    #[test]
    fn no_prefix_of_a_file_is_taken_for_one() {
        let bytes = file();
        for end in 0..bytes.len() {
            assert!(ModelFile::read(&bytes[..end]).is_err(), "{end}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(ModelFile::read(&longer).is_err());
    }

    #[test]
    fn a_flipped_bit_among_the_numbers_is_noticed() {
        let bytes = file();
        for at in bytes.len() - 28..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 4;
            let error = ModelFile::read(&flipped).unwrap_err();
            assert!(matches!(error, FileError::Word { key: "content", .. }), "{at}: {error}");
        }
    }

    #[test]
    fn a_hostile_header_is_one_clear_error() {
        let tensor = |more: &str| with_header(&format!("{{{WORDS},{more}}}"), 8);
        let good = r#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#;
        assert!(ModelFile::read(&tensor(good)).is_ok());
        let bad = [
            r#""a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}"#,
            r#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,9]}"#,
            r#""a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}"#,
            r#""a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}"#,
            r#""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#,
            r#""a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}"#,
            r#""a":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}"#,
            r#""a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"#,
            r#""a":{"dtype":"F32","shape":[1,1,1,1,2],"data_offsets":[0,8]}"#,
            r#""a":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,8]}"#,
            r#""a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}"#,
            r#""a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,8]}"#,
            r#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
            r#""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1}"#,
            r#""a":{"dtype":"F32","shape":[2]}"#,
            r#""a":"F32""#,
            r#""\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#,
            "",
        ];
        for header in bad {
            assert!(ModelFile::read(&tensor(header)).is_err(), "{header}");
        }
        let twice = with_header(r#"{"__metadata__":{"format":"1","format":"1"}}"#, 0);
        assert!(ModelFile::read(&twice).is_err());
        let error = ModelFile::read(&with_header("{}", 0)).unwrap_err();
        assert_eq!(error.to_string(), "its `format` is nothing, but 1 is needed");
        let mut giant = file();
        giant[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(matches!(ModelFile::read(&giant), Err(FileError::Header { .. })));
        let deep = with_header(&"{\"a\":".repeat(10_000), 0);
        assert!(matches!(ModelFile::read(&deep), Err(FileError::Header { .. })));
        let many = "\"__metadata__\":{\"format\":\"1\"},".repeat(2_000);
        assert!(ModelFile::read(&with_header(&format!("{{{many}}}"), 0)).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = ModelFile::read(&bytes);
            let mut framed = (bytes.len() as u64).to_le_bytes().to_vec();
            framed.extend_from_slice(&bytes);
            let _ = ModelFile::read(&framed);
        }

        #[test]
        fn a_changed_byte_is_refused_or_harmless(at in 0_usize..400, to in any::<u8>()) {
            let mut bytes = file();
            let at = at % bytes.len();
            bytes[at] = to;
            if let Ok(file) = ModelFile::read(&bytes) {
                let names: Vec<String> = file.names().map(str::to_owned).collect();
                for name in names {
                    let shape = file.shape(&name).unwrap().to_vec();
                    let numbers = file.tensor(&name, &shape).unwrap();
                    prop_assert_eq!(numbers.len(), shape.iter().product::<usize>());
                }
            }
        }

        #[test]
        fn any_words_and_numbers_survive(
            word in "[\\x00-\\x7f\u{e4}\u{2192}]{0,40}",
            numbers in prop::collection::vec(-1e6_f32..1e6, 1..50),
        ) {
            let bytes = write(
                &[("word".to_owned(), word.clone())],
                &[("n", &[numbers.len()], &numbers)],
            );
            let file = ModelFile::read(&bytes).unwrap();
            prop_assert_eq!(file.word("word"), Some(word.as_str()));
            prop_assert_eq!(file.tensor("n", &[numbers.len()]).unwrap(), numbers);
        }
    }
}
