//! Where blocks go: a file that gets its name when it is whole, or a pipe.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::sink::SinkError;

/// Blocks are collected up to this many bytes before they are written in one call.
const CHUNK: usize = 64 * 1024;
/// What a pcapng file begins with.
const SECTION: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Where a stream is written to.
pub enum Destination {
    /// A file, or whatever else has a path: a pipe or a device is written to as it is.
    Path(PathBuf),
    /// Something that takes bytes one after the other, and what to call it in errors.
    Stream(String, Box<dyn Write + Send>),
}

impl Destination {
    /// The path beside a file's own for what is kept apart from it: `out.pcapng` gives
    /// `out.synthetic.pcapng`.
    #[must_use]
    pub fn beside(path: &Path) -> PathBuf {
        match path.extension() {
            Some(extension) => {
                let mut ending = std::ffi::OsString::from("synthetic.");
                ending.push(extension);
                path.with_extension(ending)
            }
            None => path.with_extension("synthetic"),
        }
    }

    /// The name that a file has until it is whole.
    #[must_use]
    pub fn part(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        PathBuf::from(name)
    }
}

/// A buffered writer of whole blocks.
///
/// The first failure is told once with its cause; after it nothing is written any more.
pub(super) struct BlockFile {
    target: Target,
    /// What is written to, for errors.
    path: PathBuf,
    pending: Vec<u8>,
    failed: bool,
}

enum Target {
    /// A file under its partial name, and the name it gets.
    File {
        file: File,
        written: u64,
        name: PathBuf,
    },
    Stream(Box<dyn Write + Send>),
}

impl BlockFile {
    pub(super) fn create(destination: Destination) -> Result<Self, SinkError> {
        let (target, path) = match destination {
            Destination::Stream(name, stream) => (Target::Stream(stream), PathBuf::from(name)),
            Destination::Path(path) => open(&path)
                .map_err(|(path, error)| SinkError::new("write packets to", &path, error))?,
        };
        Ok(Self { target, path, pending: Vec::new(), failed: false })
    }

    /// Whether whoever reads it does so while it is written.
    pub(super) const fn is_stream(&self) -> bool {
        matches!(self.target, Target::Stream(_))
    }

    /// Takes the whole blocks that `write` appends.
    pub(super) fn blocks(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), SinkError> {
        if self.failed {
            return Err(self.error(io::Error::other("an earlier write failed")));
        }
        write(&mut self.pending);
        if self.pending.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// Gives the blocks taken so far to the operating system.
    pub(super) fn flush(&mut self) -> Result<(), SinkError> {
        let done = match &mut self.target {
            Target::File { file, written, .. } => {
                let done = file.write_all(&self.pending);
                match &done {
                    Ok(()) => *written += self.pending.len() as u64,
                    // A torn block would be all that is wrong with what is left.
                    Err(_) => drop(file.set_len(*written)),
                }
                done
            }
            Target::Stream(stream) => stream.write_all(&self.pending).and_then(|()| stream.flush()),
        };
        self.pending.clear();
        done.map_err(|error| {
            self.failed = true;
            self.error(error)
        })
    }

    /// Flushes, waits for the disk, and gives a file its name, which it answers.
    pub(super) fn close(mut self) -> Result<PathBuf, SinkError> {
        self.blocks(|_| {})?;
        self.flush()?;
        let Target::File { file, name, .. } = &self.target else { return Ok(self.path) };
        let published =
            file.sync_all().and_then(|()| fs::rename(&self.path, name)).and_then(|()| {
                // The name is on the disk only with its directory.
                let directory = name.parent().filter(|it| !it.as_os_str().is_empty());
                File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
            });
        match published {
            Ok(()) => Ok(name.clone()),
            Err(error) => Err(self.error(error)),
        }
    }

    fn error(&self, source: io::Error) -> SinkError {
        SinkError::new("write packets to", &self.path, source)
    }
}

/// Opens what a path names, or the path that was the trouble.
fn open(path: &Path) -> Result<(Target, PathBuf), (PathBuf, io::Error)> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    match fs::metadata(path) {
        Ok(about) if about.is_dir() => {
            return Err((path.to_owned(), io::Error::other("it is a directory")));
        }
        Ok(about) if !about.is_file() => {
            let file = OpenOptions::new().write(true).open(path).map_err(at(path))?;
            return Ok((Target::Stream(Box::new(file)), path.to_owned()));
        }
        Ok(_) => refuse_others(path).map_err(at(path))?,
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err((path.to_owned(), error)),
    }
    // Behind a link, what it leads to is replaced and not the link.
    let name = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let part = Destination::part(&name);
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false).open(&part);
    let file = file.map_err(at(&part))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err((part, io::Error::other("another process is writing to it right now")));
        }
        Err(TryLockError::Error(error)) => return Err((part, error)),
    }
    refuse_others(&part).and_then(|()| file.set_len(0)).map_err(at(&part))?;
    Ok((Target::File { file, written: 0, name }, part))
}

/// Only a capture is written over: a mistyped option must not cost somebody's work.
fn refuse_others(path: &Path) -> io::Result<()> {
    let mut begin = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut begin)?;
    if begin.is_empty() || begin == SECTION {
        return Ok(());
    }
    Err(io::Error::other("it is there and is no pcapng capture; name another file or remove it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(path: &Path) -> Result<BlockFile, SinkError> {
        BlockFile::create(Destination::Path(path.to_owned()))
    }

    #[test]
    fn a_file_has_its_name_when_it_is_whole_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let (path, part) = (folder.path().join("a.pcapng"), folder.path().join("a.pcapng.part"));
        for content in [b"\n\r\r\none", b"\n\r\r\ntwo"] {
            let mut file = create(&path).unwrap();
            file.blocks(|out| out.extend(content)).unwrap();
            assert!(part.exists());
            assert!(create(&path).err().unwrap().to_string().contains("another process"));
            assert_eq!(file.close().unwrap(), path.canonicalize().unwrap());
            assert_eq!((fs::read(&path).unwrap(), part.exists()), (content.to_vec(), false));
        }
    }

    #[test]
    fn what_is_no_capture_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("thesis.tex");
        for path in [&path, &Destination::part(&path)] {
            fs::write(path, "years of work").unwrap();
            let refused = create(&folder.path().join("thesis.tex")).err().unwrap().to_string();
            assert!(refused.contains("no pcapng capture"), "{refused}");
            assert_eq!(fs::read(path).unwrap(), b"years of work");
            fs::remove_file(path).unwrap();
        }
        let refused = create(folder.path()).err().unwrap().to_string();
        assert!(refused.ends_with("it is a directory"), "{refused}");
        let refused = create(&folder.path().join("no/where.pcapng")).err().unwrap().to_string();
        assert!(refused.contains("no/where.pcapng.part: No such file"), "{refused}");
    }

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.pcapng"), folder.path().join("link"));
        fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut file = create(&link).unwrap();
        file.blocks(|out| out.extend(SECTION)).unwrap();
        file.close().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), SECTION);
    }

    #[test]
    fn a_full_disk_is_one_error_and_nothing_is_written_after_it() {
        let mut file = create(Path::new("/dev/full")).unwrap();
        assert!(file.is_stream());
        file.blocks(|out| out.extend(SECTION)).unwrap();
        let error = file.flush().unwrap_err();
        assert_eq!(error.source.raw_os_error(), Some(libc::ENOSPC));
        assert_eq!(error.to_string().lines().count(), 1);
        assert!(file.blocks(|_| {}).is_err());
    }

    #[test]
    fn the_name_beside_keeps_the_ending() {
        let beside = |path: &str| Destination::beside(Path::new(path)).display().to_string();
        assert_eq!(beside("a/b.c.pcapng"), "a/b.c.synthetic.pcapng");
        assert_eq!(beside("a.b/c"), "a.b/c.synthetic");
    }
}
