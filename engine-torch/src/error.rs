//! Why a call was refused.

use crate::abi;

/// A refusal, with the text that the core shows.
#[derive(Debug)]
pub(crate) enum Error {
    /// An argument that does not fit.
    Invalid(String),
    /// A file that could not be read or written, or is not what it should be.
    File(String),
    /// libtorch's own words.
    Torch(String),
    /// The loss or its gradient was not a finite number.
    Diverged(String),
}

impl Error {
    pub(crate) fn status(&self) -> i32 {
        match self {
            Self::Invalid(_) => abi::INVALID,
            Self::File(_) => abi::FILE,
            Self::Torch(_) => abi::TORCH,
            Self::Diverged(_) => abi::DIVERGED,
        }
    }

    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Invalid(text) | Self::File(text) | Self::Torch(text) | Self::Diverged(text) => {
                text
            }
        }
    }
}

/// libtorch's errors carry a C++ stack after the first line; a reader needs the line.
impl From<tch::TchError> for Error {
    fn from(error: tch::TchError) -> Self {
        Self::Torch(first_line(&error.to_string()))
    }
}

pub(crate) fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
