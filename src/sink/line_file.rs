//! A file that holds whole lines and nothing else, whatever happens while it is written.

use std::fs::File;
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::SinkError;

/// Lines are collected up to this many bytes before they are written in one call.
const CHUNK: usize = 64 * 1024;

/// Where lines go. Tests put something here that fails where a disk would.
pub(super) trait Target: Write + Send {
    /// Cuts what was written down to `len` bytes and continues there.
    fn cut(&mut self, len: u64) -> io::Result<()>;
    /// Waits until all is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

impl Target for File {
    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)?;
        self.seek(SeekFrom::Start(len)).map(|_| ())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

/// A buffered writer of lines.
///
/// Only whole lines are given to the target, and when one of them does not fit, what arrived of it
/// is cut off again. The first failure is told once with its cause; after it nothing is written any
/// more, so that a log that lost rows cannot look as if it had not.
pub(super) struct LineFile {
    target: Box<dyn Target>,
    path: PathBuf,
    pending: Vec<u8>,
    written: u64,
    failed: bool,
}

impl LineFile {
    pub(super) fn new(target: Box<dyn Target>, path: PathBuf) -> Self {
        Self { target, path, pending: Vec::new(), written: 0, failed: false }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes taken so far, written or not.
    pub(super) fn len(&self) -> u64 {
        self.written + self.pending.len() as u64
    }

    /// Takes the whole lines that `write` appends.
    pub(super) fn lines(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), SinkError> {
        if self.failed {
            return Err(self.error(io::Error::other("an earlier write failed")));
        }
        write(&mut self.pending);
        debug_assert!(self.pending.last().is_none_or(|c| *c == b'\n'));
        if self.pending.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// Gives the lines taken so far to the operating system.
    pub(super) fn flush(&mut self) -> Result<(), SinkError> {
        let mut done = 0;
        while done < self.pending.len() {
            match self.target.write(&self.pending[done..]) {
                Ok(0) => return Err(self.give_up(done, ErrorKind::WriteZero.into())),
                Ok(count) => done += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.give_up(done, error)),
            }
        }
        self.written += done as u64;
        self.pending.clear();
        Ok(())
    }

    /// Flushes and waits for the disk.
    pub(super) fn finish(&mut self) -> Result<(), SinkError> {
        self.flush()?;
        self.target.sync().map_err(|error| {
            self.failed = true;
            self.error(error)
        })
    }

    /// Cuts the file after the last whole one of `done` bytes, and stops writing for good.
    fn give_up(&mut self, done: usize, error: io::Error) -> SinkError {
        let whole = self.pending[..done].iter().rposition(|c| *c == b'\n').map_or(0, |at| at + 1);
        self.written += whole as u64;
        self.failed = true;
        // A target that cannot be cut (a pipe) has no torn line that anyone could take back.
        let _ = self.target.cut(self.written);
        self.pending = Vec::new();
        self.error(error)
    }

    fn error(&self, source: io::Error) -> SinkError {
        SinkError::new("write rows to", &self.path, source)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    /// A disk with room for `room` bytes that takes at most seven at a time.
    struct SmallDisk {
        content: Arc<Mutex<Vec<u8>>>,
        room: usize,
    }

    impl Write for SmallDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut content = self.content.lock().unwrap();
            let count = bytes.len().min(7).min(self.room - content.len());
            if count == 0 {
                return Err(io::Error::from_raw_os_error(libc::ENOSPC));
            }
            content.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Target for SmallDisk {
        fn cut(&mut self, len: u64) -> io::Result<()> {
            self.content.lock().unwrap().truncate(len as usize);
            Ok(())
        }

        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn on_disk_of(room: usize) -> (LineFile, Arc<Mutex<Vec<u8>>>) {
        let content = Arc::new(Mutex::new(Vec::new()));
        let disk = SmallDisk { content: Arc::clone(&content), room };
        (LineFile::new(Box::new(disk), PathBuf::from("/logs/conn.log")), content)
    }

    #[test]
    fn a_full_disk_is_one_error_and_never_a_torn_line() {
        for room in 0..40 {
            let (mut file, content) = on_disk_of(room);
            file.lines(|out| out.extend_from_slice(b"first row\nsecond row\n")).unwrap();
            file.lines(|out| out.extend_from_slice(b"third row\n")).unwrap();
            let result = file.finish();
            let held = content.lock().unwrap().clone();
            assert!(held.is_empty() || held.ends_with(b"\n"), "{}", held.escape_ascii());
            assert!(b"first row\nsecond row\nthird row\n".starts_with(&held));
            if room >= 31 {
                result.unwrap();
                assert_eq!(held.len(), 31);
            } else {
                let error = result.unwrap_err();
                assert_eq!(error.source.raw_os_error(), Some(libc::ENOSPC));
                assert_eq!(error.path, Path::new("/logs/conn.log"));
                assert!(file.lines(|_| {}).is_err(), "nothing is written after a failure");
                assert_eq!(file.len(), held.len() as u64);
            }
        }
    }

    #[test]
    fn lines_reach_the_target_when_a_chunk_is_full() {
        let (mut file, content) = on_disk_of(usize::MAX);
        file.lines(|out| out.extend_from_slice(b"row\n")).unwrap();
        assert_eq!(content.lock().unwrap().len(), 0);
        file.lines(|out| {
            out.resize(CHUNK, b'x');
            out.push(b'\n');
        })
        .unwrap();
        assert_eq!(content.lock().unwrap().len(), CHUNK + 1);
        assert_eq!(file.len(), CHUNK as u64 + 1);
    }
}
