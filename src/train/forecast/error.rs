//! What can keep a training from its end.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::eval::EvalError;
use crate::train::PluginError;

/// Why there is no model. `Display` writes one sentence fit for a user.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum TrainError {
    /// The captures or their split.
    Data(EvalError),
    /// libtorch, or the library of `engine-torch`.
    Plugin(PluginError),
    /// A size that the engine does not run.
    Hidden(u32),
    /// A file that can't be written or read.
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// There is no checkpoint to go on from.
    NoCheckpoint(PathBuf),
    /// The checkpoint is of other captures or options.
    OtherTraining(PathBuf),
}

impl TrainError {
    pub(super) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::File { path: path.to_path_buf(), reason: error.to_string() }
    }
}

impl From<EvalError> for TrainError {
    fn from(error: EvalError) -> Self {
        Self::Data(error)
    }
}

impl From<PluginError> for TrainError {
    fn from(error: PluginError) -> Self {
        Self::Plugin(error)
    }
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(error) => error.fmt(f),
            Self::Plugin(error) => error.fmt(f),
            Self::Hidden(hidden) => write!(
                f,
                "a network can't have {hidden} hidden units; a multiple of 16 from 32 to 256 is needed"
            ),
            Self::File { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::NoCheckpoint(path) => write!(
                f,
                "{}: there is no checkpoint to resume from; leave out --resume to begin anew",
                path.display()
            ),
            Self::OtherTraining(path) => write!(
                f,
                "{}: this checkpoint is of other captures or options; give the same ones to resume, \
                 or leave out --resume to begin anew",
                path.display()
            ),
        }
    }
}

impl std::error::Error for TrainError {}
