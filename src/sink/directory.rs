//! The directory that logs are written to: a new one, an empty one, or one that says it is ours.
//!
//! Ours is a directory with the file `.foreshadow` in it. The file names the version and the process
//! that writes there, and is locked while it does, so that two never write over each other. In any
//! other directory nothing is created, changed or removed.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::SinkError;

/// The name of the file that marks a directory as ours.
const MARKER: &str = ".foreshadow";
/// What the marker begins with.
const SIGNATURE: &str = "Foreshadow writes its logs here.";

/// A directory that belongs to this process until it is dropped.
#[derive(Debug)]
pub struct LogDirectory {
    path: PathBuf,
    /// Holds the lock.
    _marker: File,
}

impl LogDirectory {
    /// Makes or takes over the directory at `path`, with its parents.
    ///
    /// # Errors
    ///
    /// When the path is something else than a directory, holds files that are not ours, is written
    /// to by another process right now, or cannot be created.
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, SinkError> {
        let path = path.into();
        let fail = |error| SinkError::new("write logs to", &path, error);
        match fs::metadata(&path) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(fail(io::Error::other("it is not a directory")));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(&path).map_err(fail)?;
            }
            Err(error) => return Err(fail(error)),
        }
        if !is_ours(&path).map_err(fail)? {
            return Err(fail(io::Error::other(
                "it holds files that are not Foreshadow's logs; name a new or an empty directory",
            )));
        }
        let marker = lock_marker(&path.join(MARKER)).map_err(fail)?;
        Ok(Self { path, _marker: marker })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The hidden name a log has until it is whole.
    pub(super) fn part(&self, name: &str) -> PathBuf {
        self.path.join(format!(".{name}.part"))
    }

    /// Creates a file that was not there; one that was is removed first, never written through.
    pub(super) fn create_file(&self, path: &Path) -> Result<File, SinkError> {
        self.remove(path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        options.open(path).map_err(|error| SinkError::new("create", path, error))
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, path: &Path) -> Result<(), SinkError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(SinkError::new("remove", path, error))
            }
            _ => Ok(()),
        }
    }

    /// Gives a file another name at once; what had that name is gone.
    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), SinkError> {
        fs::rename(from, to)
            .map_err(|error| SinkError::new("rename to its final name", from, error))
    }

    /// The first path of `stem.log`, `stem-2.log`, … that is not taken.
    pub(super) fn free(&self, stem: &str) -> PathBuf {
        let mut path = self.path.join(format!("{stem}.log"));
        let mut number = 2_u64;
        // A dangling link counts as taken.
        while path.symlink_metadata().is_ok() {
            path = self.path.join(format!("{stem}-{number}.log"));
            number += 1;
        }
        path
    }

    /// Waits until the names in the directory are on the disk.
    pub(super) fn sync(&self) -> Result<(), SinkError> {
        File::open(&self.path)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| SinkError::new("sync", &self.path, error))
    }
}

fn is_ours(path: &Path) -> io::Result<bool> {
    match open_marker(&path.join(MARKER), false) {
        Ok(marker) => {
            let mut beginning = Vec::new();
            marker.take(SIGNATURE.len() as u64).read_to_end(&mut beginning)?;
            // A marker alone, without its text, is what a crash between the two leaves.
            Ok(beginning == SIGNATURE.as_bytes()
                || (beginning.is_empty() && fs::read_dir(path)?.count() == 1))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(fs::read_dir(path)?.next().is_none())
        }
        Err(error) => Err(error),
    }
}

fn lock_marker(path: &Path) -> io::Result<File> {
    let mut marker = open_marker(path, true)?;
    match marker.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = marker.read_to_string(&mut text);
            let by = text.lines().find(|line| line.starts_with("process ")).unwrap_or("process");
            return Err(io::Error::other(format!("{by} is writing there right now")));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    marker.set_len(0)?;
    marker.rewind()?;
    let (version, process) = (env!("CARGO_PKG_VERSION"), std::process::id());
    write!(marker, "{SIGNATURE}\nversion {version}\nprocess {process}\n")?;
    Ok(marker)
}

fn open_marker(path: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Nothing may be written through a link that somebody put there.
    options.read(true).write(create).create(create).custom_flags(libc::O_NOFOLLOW);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(path: &Path) -> String {
        LogDirectory::create(path).unwrap_err().to_string()
    }

    #[test]
    fn a_new_directory_is_made_with_its_parents_and_taken_again_later() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        drop(LogDirectory::create(&path).unwrap());
        fs::write(path.join("conn.log"), "old").unwrap();
        LogDirectory::create(&path).unwrap();
        let marker = fs::read_to_string(path.join(MARKER)).unwrap();
        assert!(marker.starts_with(SIGNATURE) && marker.contains("\nversion "), "{marker}");
    }

    #[test]
    fn a_directory_with_other_files_is_refused_and_left_alone() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("thesis.tex"), "").unwrap();
        let text = refused(root.path());
        assert!(text.contains("not Foreshadow's logs") && text.contains("cannot write logs to"));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        for text in [b"somebody else's\n".as_slice(), b"", b"\xff\xfe"] {
            fs::write(root.path().join(MARKER), text).unwrap();
            assert!(refused(root.path()).contains("not Foreshadow's logs"));
            assert_eq!(fs::read(root.path().join(MARKER)).unwrap(), text);
        }
        fs::remove_file(root.path().join("thesis.tex")).unwrap();
        fs::write(root.path().join(MARKER), "").unwrap();
        LogDirectory::create(root.path()).unwrap();
    }

    #[test]
    fn a_file_is_not_a_directory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(refused(file.path()).ends_with("it is not a directory"));
    }

    #[test]
    fn a_marker_that_is_a_link_is_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::NamedTempFile::new().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), root.path().join(MARKER)).unwrap();
        LogDirectory::create(root.path()).unwrap_err();
        assert_eq!(fs::read(elsewhere.path()).unwrap(), b"");
    }

    #[test]
    fn two_do_not_write_to_one_directory() {
        let root = tempfile::tempdir().unwrap();
        let first = LogDirectory::create(root.path()).unwrap();
        let text = refused(root.path());
        assert!(
            text.ends_with(&format!("process {} is writing there right now", std::process::id()))
        );
        drop(first);
        LogDirectory::create(root.path()).unwrap();
    }

    #[test]
    fn a_free_name_is_never_one_that_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let directory = LogDirectory::create(root.path()).unwrap();
        assert_eq!(directory.free("conn"), root.path().join("conn.log"));
        fs::write(root.path().join("conn.log"), "").unwrap();
        fs::write(root.path().join("conn-2.log"), "").unwrap();
        assert_eq!(directory.free("conn"), root.path().join("conn-3.log"));
    }
}
