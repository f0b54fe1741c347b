//! What a sensor learned, in a file: written whole, read whole, and never half of it.
//!
//! ```text
//! Sensor::snapshot -> format (packed, with a checksum) -> a new file -> takes the old one's name
//! the file -> format -> Sensor::restore; what does not fit is set aside and the sensor begins cold
//! ```
//!
//! [`Store`] is one file and the right to write it, [`Keeper`] holds a sensor to it. A file is
//! replaced in one step, so a process killed at any moment leaves the old one or the new one. A
//! lock beside it (`FILE.lock`) lets one process at a time write; looking into it takes no lock.
//!
//! What it promises: whatever a file holds, opening it ends in a snapshot or in one sentence that
//! names it, without a panic and without more memory than the file's size warrants. What it does not
//! do: keep what it can't use. That is renamed, and never deleted.
//!
//! Why this is not an embedded database: docs/store.md.

mod error;
mod file;
mod format;
mod keeper;

pub use error::StoreError;
pub use format::{Damage, decode, encode};
pub use keeper::Keeper;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::kept::Snapshot;
use file::Lock;

/// A file that this process alone may write.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    _lock: Lock,
}

/// A file that could not be used and has another name now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetAside {
    /// What it was called.
    pub path: PathBuf,
    /// What it is called now.
    pub to: PathBuf,
    /// Why.
    pub why: String,
}

impl fmt::Display for SetAside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, to, why } = self;
        let (path, to) = (path.display(), to.display());
        write!(f, "{path} can't be used: {why}; it is {to} now, and learning begins anew")
    }
}

impl Store {
    /// Takes the file's lock. The file need not exist.
    ///
    /// # Errors
    /// When another process has the lock, or the folder can't be written.
    pub fn lock(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { path: path.to_owned(), _lock: Lock::take(path)? })
    }

    /// What the file holds; `None` where there is none.
    ///
    /// # Errors
    /// When it can't be read or holds something else.
    pub fn read(path: &Path) -> Result<Option<Snapshot>, StoreError> {
        let Some(content) = file::read(path)? else { return Ok(None) };
        match decode(&content) {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(damage) => Err(StoreError::Damaged { path: path.to_owned(), damage }),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a snapshot in the file's place.
    ///
    /// # Errors
    /// When the folder can't be written or is full; then the file is as it was.
    pub fn write(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        file::replace(&self.path, &encode(snapshot))
    }

    /// Gives the file another name, because it can't be used.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn set_aside(&self, why: String) -> Result<SetAside, StoreError> {
        let to = file::set_aside(&self.path)?;
        Ok(SetAside { path: self.path.clone(), to, why })
    }
}
