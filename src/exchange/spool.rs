//! A sensor's folder: blobs that wait to be carried, and the last view.

use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::bloom::federate::Contribution;

/// Blobs that may wait; a blob holds a state, so of too many the oldest matter least.
const MOST: usize = 4_096;
/// Writes between two looks at how many wait.
const STRIDE: usize = 64;

/// A folder with `out/`, where each blob is a file, and `view`.
pub struct Spool {
    folder: PathBuf,
    view: Vec<u8>,
    puts: usize,
    dropped: u64,
}

/// A blob that waits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Waiting(PathBuf);

/// What could not be done with a spool.
#[derive(Debug)]
pub struct SpoolError {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for SpoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for SpoolError {}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_owned();
    move |error| SpoolError { path, error }
}

impl Spool {
    /// The spool in a folder, which is made where it is missing.
    ///
    /// # Errors
    ///
    /// When it can't be made.
    pub fn open(folder: &Path) -> Result<Self, SpoolError> {
        let out = folder.join("out");
        fs::create_dir_all(&out).map_err(at(&out))?;
        Ok(Self { folder: folder.to_owned(), view: Vec::new(), puts: 0, dropped: 0 })
    }

    /// The spools in a folder, one a sensor, in the order of their names.
    ///
    /// # Errors
    ///
    /// When the folder can't be read.
    pub fn all(folder: &Path) -> Result<Vec<Self>, SpoolError> {
        let entries = fs::read_dir(folder).map_err(at(folder))?;
        let mut found: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.join("out").is_dir())
            .collect();
        found.sort();
        found.iter().map(|path| Self::open(path)).collect()
    }

    /// The folder's name, which is the sensor's.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.folder.file_name().and_then(|name| name.to_str())
    }

    /// Leaves a blob of a round to be carried. The same blob again takes its own place.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn put(&mut self, round: u64, blob: &[u8]) -> Result<(), SpoolError> {
        let name = format!("{round:020}-{}.blob", Contribution::message_id(blob));
        self.place(&self.folder.join("out").join(name), blob)?;
        if self.puts.is_multiple_of(STRIDE) {
            let waiting = self.waiting()?;
            for blob in waiting.iter().take(waiting.len().saturating_sub(MOST)) {
                self.done(blob)?;
                self.dropped += 1;
            }
        }
        self.puts += 1;
        Ok(())
    }

    /// How many blobs were dropped because too many waited.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The blobs that wait, the oldest round first.
    ///
    /// # Errors
    ///
    /// When the folder can't be read.
    pub fn waiting(&self) -> Result<Vec<Waiting>, SpoolError> {
        let out = self.folder.join("out");
        let entries = fs::read_dir(&out).map_err(at(&out))?;
        let is_blob = |path: &PathBuf| path.extension().is_some_and(|end| end == "blob");
        let paths = entries.flatten().map(|entry| entry.path()).filter(is_blob);
        let mut waiting: Vec<Waiting> = paths.map(Waiting).collect();
        waiting.sort();
        Ok(waiting)
    }

    /// A blob that waits; `None` if it no longer does.
    ///
    /// # Errors
    ///
    /// When it can't be read.
    pub fn get(&self, blob: &Waiting) -> Result<Option<Vec<u8>>, SpoolError> {
        match fs::read(&blob.0) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&blob.0)(error)),
        }
    }

    /// Takes a blob away, for it has come where it should.
    ///
    /// # Errors
    ///
    /// When it can't be removed.
    pub fn done(&self, blob: &Waiting) -> Result<(), SpoolError> {
        match fs::remove_file(&blob.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(at(&blob.0)(error)),
            _ => Ok(()),
        }
    }

    /// Leaves the network's view for the sensor.
    ///
    /// # Errors
    ///
    /// When the file can't be written.
    pub fn put_view(&mut self, view: &[u8]) -> Result<(), SpoolError> {
        if self.view != view {
            self.place(&self.folder.join("view"), view)?;
            self.view = view.to_vec();
        }
        Ok(())
    }

    /// The network's view, if it is another one than last time.
    ///
    /// # Errors
    ///
    /// When the file is there and can't be read.
    pub fn new_view(&mut self) -> Result<Option<&[u8]>, SpoolError> {
        let path = self.folder.join("view");
        match fs::read(&path) {
            Ok(view) if view != self.view => {
                self.view = view;
                Ok(Some(&self.view))
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(at(&path)(error)),
        }
    }

    /// Writes a file that appears when it is whole.
    fn place(&self, path: &Path, bytes: &[u8]) -> Result<(), SpoolError> {
        let part = path.with_extension(format!("{}.part", std::process::id()));
        fs::write(&part, bytes).map_err(at(&part))?;
        fs::rename(&part, path).map_err(at(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_wait_in_the_order_of_their_rounds_until_they_are_done() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(&folder.path().join("north")).unwrap();
        for (round, blob) in [(10, &b"sixteen-bytes-or-more"[..]), (9, b"another-of-sixteen")] {
            spool.put(round, blob).unwrap();
            spool.put(round, blob).unwrap();
        }
        let waiting = spool.waiting().unwrap();
        let read: Vec<_> = waiting.iter().map(|blob| spool.get(blob).unwrap().unwrap()).collect();
        assert_eq!(read, [&b"another-of-sixteen"[..], b"sixteen-bytes-or-more"]);
        for blob in &waiting {
            spool.done(blob).unwrap();
            spool.done(blob).unwrap();
            assert_eq!(spool.get(blob).unwrap(), None);
        }
        assert!(spool.waiting().unwrap().is_empty());
        assert_eq!(Spool::all(folder.path()).unwrap().len(), 1);
        assert!(Spool::all(&folder.path().join("nowhere")).is_err());
    }

    #[test]
    fn of_too_many_the_oldest_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path()).unwrap();
        for round in 0..MOST as u64 + 2 * STRIDE as u64 {
            spool.put(round, &round.to_le_bytes().repeat(2)).unwrap();
        }
        let waiting = spool.waiting().unwrap();
        assert!(waiting.len() <= MOST + STRIDE, "{}", waiting.len());
        assert!(spool.dropped() > 0);
        let oldest = spool.get(&waiting[0]).unwrap().unwrap();
        assert!(oldest[..2] != [0, 0], "{oldest:?}");
    }

    #[test]
    fn a_view_is_new_once() {
        let folder = tempfile::tempdir().unwrap();
        let [mut sensor, mut carrier] = [(); 2].map(|()| Spool::open(folder.path()).unwrap());
        assert_eq!(sensor.new_view().unwrap(), None);
        carrier.put_view(b"one").unwrap();
        assert_eq!(sensor.new_view().unwrap(), Some(&b"one"[..]));
        assert_eq!(sensor.new_view().unwrap(), None);
        carrier.put_view(b"two").unwrap();
        assert_eq!(sensor.new_view().unwrap(), Some(&b"two"[..]));
    }
}
