//! One file on disk: read whole, replaced in one step, locked, set aside.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::StoreError;

/// More is not read, whatever a path leads to.
const MAX_FILE: u64 = 1 << 33;
/// Files set aside that are kept apart; then the last gives way to the next.
const MOST_ASIDE: u32 = 100;

/// The right to write a file, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let lock = beside(path, ".lock");
        let system = |error| StoreError::System { what: "locked", path: lock.clone(), error };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&lock)
            .map_err(system)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                // Who holds it is told only if it can be read.
                let _ = (&file).take(32).read_to_string(&mut text);
                let process = text.trim().parse().ok();
                return Err(StoreError::InUse { path: path.to_owned(), process });
            }
            Err(TryLockError::Error(error)) => return Err(system(error)),
        }
        // For whoever finds it taken; that it is taken does not hang on it.
        let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
        Ok(Self { _file: file })
    }
}

/// A file's content; `None` where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let mut content = Vec::new();
    let done = File::open(path).and_then(|file| file.take(MAX_FILE).read_to_end(&mut content));
    match done {
        Ok(_) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::System { what: "read", path: path.to_owned(), error }),
    }
}

/// Writes a new file and gives it the old one's name: whoever opens it sees the old or the new.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let new = beside(path, ".new");
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(content)?;
        // On disk before it takes the name, or a power cut could leave an empty file under it.
        file.sync_all()?;
        fs::rename(&new, path)?;
        sync_folder(path)
    };
    write().map_err(|error| {
        // It could not be finished, and would only lie about.
        let _ = fs::remove_file(&new);
        StoreError::System { what: "written", path: path.to_owned(), error }
    })
}

/// Gives a file the first name that is free, as in `FILE.aside-1`.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let name = |number: u32| beside(path, &format!(".aside-{number}"));
    let free = (1..MOST_ASIDE).map(name).find(|name| !name.exists());
    let to = free.unwrap_or_else(|| name(MOST_ASIDE));
    fs::rename(path, &to).map_err(|error| StoreError::System {
        what: "set aside",
        path: path.to_owned(),
        error,
    })?;
    Ok(to)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// A new name is safe once its folder is on disk.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_until_it_is_dropped_and_says_by_whom() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("learned");
        let lock = Lock::take(&path).unwrap();
        let error = Lock::take(&path).unwrap_err();
        let here = std::process::id();
        assert!(
            matches!(error, StoreError::InUse { process: Some(id), .. } if id == here),
            "{error}"
        );
        drop(lock);
        Lock::take(&path).unwrap();
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_lies_about() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("learned");
        assert_eq!(read(&path).unwrap(), None);
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn files_set_aside_keep_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("learned");
        for number in 1..=3 {
            fs::write(&path, [number]).unwrap();
            let to = set_aside(&path).unwrap();
            assert_eq!(fs::read(&to).unwrap(), [number]);
            assert!(to.to_string_lossy().ends_with(&format!("learned.aside-{number}")));
        }
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Lock::take(Path::new("/nowhere/at/all")).unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all.lock: cannot be locked"), "{error}");
        let error = replace(Path::new("/nowhere/at/all"), b"x").unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all: cannot be written"), "{error}");
    }
}
