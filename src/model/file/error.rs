//! What can be wrong with a model file.

use std::fmt;

/// Why a model file can't be used.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum FileError {
    /// It is larger than any model.
    TooLarge {
        /// Bytes it has.
        found: usize,
        /// Bytes it may have.
        most: usize,
    },
    /// It is no safetensors file of the kind that is read here.
    Header {
        /// Where in the header.
        at: usize,
        /// What would have to be there.
        expected: &'static str,
    },
    /// It says something else of itself than what is needed.
    Word {
        /// What it is about.
        key: &'static str,
        /// What is needed.
        expected: String,
        /// What the file says.
        found: String,
    },
    /// A tensor's place in the file is not where and as long as it should be.
    Place {
        /// Its name.
        tensor: String,
        /// Where it should begin and end.
        expected: (usize, usize),
        /// Where it does.
        found: (usize, usize),
    },
    /// A tensor is missing.
    Missing {
        /// Its name.
        tensor: String,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// A tensor has the wrong shape.
    Shape {
        /// Its name.
        tensor: String,
        /// The shape it should have.
        expected: Vec<usize>,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// A tensor holds what is no sane number, or none that such a tensor may hold.
    Value {
        /// Its name.
        tensor: String,
        /// Where in it.
        index: usize,
        /// The number.
        value: f32,
    },
    /// There is a tensor that the model knows nothing of.
    Unknown {
        /// Its name.
        tensor: String,
    },
    /// A size that the engine does not take.
    Size {
        /// Which size.
        what: &'static str,
        /// What it takes.
        expected: &'static str,
        /// What the file has.
        found: usize,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { found, most } => {
                write!(f, "it has {found} bytes or more, a model has at most {most}")
            }
            Self::Header { at, expected } => {
                write!(f, "it is not a model file: expected {expected} at byte {at} of its header")
            }
            Self::Word { key: "content", .. } => {
                f.write_str("it is damaged: its numbers are not those that were written")
            }
            Self::Word { key, expected, found } => {
                write!(f, "its `{key}` is {found}, but {expected} is needed")
            }
            Self::Place { tensor, expected, found } => write!(
                f,
                "tensor {tensor} lies at {} to {}, not {} to {}",
                found.0, found.1, expected.0, expected.1
            ),
            Self::Missing { tensor, expected } => {
                write!(f, "it has no tensor {tensor} of {expected:?}")
            }
            Self::Shape { tensor, expected, found } => {
                write!(f, "tensor {tensor} is of {found:?}, not {expected:?}")
            }
            Self::Value { tensor, index, value } => {
                write!(f, "tensor {tensor} holds {value} at {index}, which no training gives")
            }
            Self::Unknown { tensor } => write!(f, "tensor {tensor} belongs to no part of a model"),
            Self::Size { what, expected, found } => {
                write!(f, "it has {found} {what}, but {expected} are needed")
            }
        }
    }
}

impl std::error::Error for FileError {}
