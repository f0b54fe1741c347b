//! What can go wrong with a store.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::Damage;

/// Why a store can't be used; each names its file.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process writes it.
    InUse {
        /// The file.
        path: PathBuf,
        /// The number of that process, as far as it said.
        process: Option<u32>,
    },
    /// It holds something else, or not all of it.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        damage: Damage,
    },
    /// The system refused something.
    System {
        /// What was to be done, as in `read`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { path, process } => {
                write!(f, "{}: in use by ", path.display())?;
                match process {
                    Some(process) => write!(f, "process {process}")?,
                    None => f.write_str("another process")?,
                }
                f.write_str("; each sensor needs a store of its own")
            }
            Self::Damaged { path, damage } => write!(f, "{}: {damage}", path.display()),
            Self::System { what, path, error } => {
                write!(f, "{}: cannot be {what}: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for StoreError {}
