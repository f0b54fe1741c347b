//! From a name to a stream of bytes: opening, counting, unpacking.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::SourceError;
use super::lz4::Lz4Frames;
use super::pipe::Pipe;

/// How a capture is packed, told by its first bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip, any number of members.
    Gzip,
    /// Zstandard, any number of frames.
    Zstd,
    /// LZ4 frames.
    Lz4,
}

impl Compression {
    /// What a stream with these first bytes is packed with.
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            // Or a skippable frame. LZ4 shares its mark, but only zstd tools begin a file so.
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Self::Zstd,
            [0x04, 0x22, 0x4d, 0x18] => Self::Lz4,
            _ => Self::None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "plain",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        })
    }
}

/// An opened stream, unpacked.
pub(super) struct Input {
    /// Its unpacked bytes.
    pub(super) bytes: Box<dyn Read + Send>,
    /// What it was packed with.
    pub(super) compression: Compression,
    /// How far it was read.
    pub(super) progress: Progress,
}

/// How many stored bytes were read, and of how many.
pub(super) struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    /// Bytes read and bytes there are.
    pub(super) fn position(&self) -> Option<(u64, u64)> {
        let read = self.read.load(Ordering::Relaxed);
        // A file that is still written to may have grown since it was opened.
        self.total.map(|total| (read, total.max(read)))
    }
}

impl Input {
    /// Opens a file, or standard input for `-`. Waiting for a pipe ends when `stop` is set.
    pub(super) fn open(path: &Path, stop: Option<&Arc<AtomicBool>>) -> Result<Self, SourceError> {
        let name = path.display().to_string();
        let unopened = |error: io::Error| SourceError::Unopened {
            path: name.clone(),
            reason: error.to_string(),
        };
        if path == Path::new("-") {
            return match stop {
                Some(stop) => {
                    let pipe = Pipe::new(io::stdin(), Arc::clone(stop)).map_err(unopened)?;
                    Self::unpack(name, pipe, None)
                }
                None => Self::unpack(name, io::stdin(), None),
            };
        }
        // Asked before opening: opening a pipe without a writer would wait for one.
        let about = std::fs::metadata(path).map_err(unopened)?;
        if about.is_dir() {
            let reason = "it is a directory; name the captures in it".to_owned();
            return Err(SourceError::Unopened { path: name, reason });
        }
        let file = File::open(path).map_err(unopened)?;
        match stop {
            Some(stop) if !about.is_file() => {
                let pipe = Pipe::new(file, Arc::clone(stop)).map_err(unopened)?;
                Self::unpack(name, pipe, None)
            }
            _ => Self::unpack(name, file, about.is_file().then_some(about.len())),
        }
    }

    /// Wraps a stream in the decompressor its first bytes ask for.
    pub(super) fn unpack(
        name: String,
        stream: impl Read + Send + 'static,
        total: Option<u64>,
    ) -> Result<Self, SourceError> {
        let read = Arc::new(AtomicU64::new(0));
        let mut stream = Tally { inner: stream, read: Arc::clone(&read) };
        let mut head = Vec::with_capacity(4);
        if let Err(error) = stream.by_ref().take(4).read_to_end(&mut head) {
            return Err(SourceError::Unopened { path: name, reason: error.to_string() });
        }
        if head.is_empty() {
            return Err(SourceError::Empty { path: name });
        }
        let compression = Compression::of(&head);
        let stream = Cursor::new(head).chain(stream);
        let bytes: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(stream),
            Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(stream)),
            Compression::Lz4 => Box::new(Lz4Frames::new(stream)),
            Compression::Zstd => match zstd::Decoder::new(stream) {
                Ok(decoder) => Box::new(decoder),
                Err(error) => {
                    return Err(SourceError::Unopened { path: name, reason: error.to_string() });
                }
            },
        };
        Ok(Self { bytes, compression, progress: Progress { read, total } })
    }
}

/// Counts the bytes that pass.
struct Tally<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Tally<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_is_told_by_the_first_bytes() {
        assert_eq!(Compression::of(&[0x1f, 0x8b, 8, 0]), Compression::Gzip);
        assert_eq!(Compression::of(&[0x28, 0xb5, 0x2f, 0xfd]), Compression::Zstd);
        assert_eq!(Compression::of(&[0x53, 0x2a, 0x4d, 0x18]), Compression::Zstd);
        assert_eq!(Compression::of(&[0x04, 0x22, 0x4d, 0x18]), Compression::Lz4);
        assert_eq!(Compression::of(&[0xd4, 0xc3, 0xb2, 0xa1]), Compression::None);
        assert_eq!(Compression::of(&[0x1f]), Compression::None);
    }

    #[test]
    fn a_missing_file_and_a_directory_are_named() {
        let missing =
            Input::open(Path::new("/nowhere/at all.pcap"), None).err().unwrap().to_string();
        assert!(
            missing.starts_with("/nowhere/at all.pcap: cannot be opened: No such"),
            "{missing}"
        );
        let directory = Input::open(Path::new("/"), None).err().unwrap().to_string();
        assert!(directory.contains("directory"), "{directory}");
    }
}
