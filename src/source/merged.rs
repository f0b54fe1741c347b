//! Many captures as one sequence in time order.
//!
//! Each file gives its next packet to a heap; the earliest goes first, of equal times the one
//! of the file named first. The order inside a file is never changed: where a file's clock runs
//! back, its packet comes at once, and the merged sequence runs back with it.
//!
//! Every file is opened at the start to see its first packet. Of more than [`MAX_OPEN`] files
//! each is closed again and opened when its time has come, so that thousands of files that
//! follow each other need no more than a few open at once. An error in one file is kept for
//! [`Merged::errors`] and the others go on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Capture, Packet, Source, SourceError};
use crate::time::Timestamp;

/// Captures that may be open at once; half of the usual limit on file descriptors.
pub const MAX_OPEN: usize = 512;

/// Captures merged by time.
pub struct Merged {
    files: Vec<Slot>,
    /// The next packet of each file that has one: its time, then the file's number.
    next: BinaryHeap<Reverse<(Timestamp, u32)>>,
    /// The file whose packet was delivered last and has to be read on.
    last: Option<u32>,
    open: usize,
    limit: usize,
    errors: Vec<SourceError>,
    /// Set when nobody wants to wait for a pipe any longer.
    stop: Option<Arc<AtomicBool>>,
    /// Packets read of files that are finished.
    packets: u64,
    /// Stored bytes of all files, if every one's size is known.
    total: Option<u64>,
    /// Stored bytes of files that are finished.
    finished: u64,
}

enum Slot {
    /// Seen but closed again.
    Waiting {
        path: PathBuf,
    },
    Open(Box<Capture>),
    Finished,
}

impl Merged {
    /// Opens captures; `-` is standard input. What cannot be opened is found in
    /// [`Merged::errors`].
    #[must_use]
    pub fn open(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        Self::with_limit(paths, MAX_OPEN, None)
    }

    /// As [`Merged::open`], but a pipe that gives nothing is at its end once `stop` is set, so that
    /// a reader who is asked to stop does not wait for the writer.
    #[must_use]
    pub fn open_until(
        paths: impl IntoIterator<Item = impl AsRef<Path>>,
        stop: Arc<AtomicBool>,
    ) -> Self {
        Self::with_limit(paths, MAX_OPEN, Some(stop))
    }

    fn with_limit(
        paths: impl IntoIterator<Item = impl AsRef<Path>>,
        limit: usize,
        stop: Option<Arc<AtomicBool>>,
    ) -> Self {
        let paths: Vec<_> = paths.into_iter().collect();
        let mut merged = Self { limit, stop, ..Self::none() };
        for path in &paths {
            merged.add(path.as_ref(), paths.len() <= limit);
        }
        merged
    }

    fn none() -> Self {
        Self {
            files: Vec::new(),
            next: BinaryHeap::new(),
            last: None,
            open: 0,
            limit: MAX_OPEN,
            errors: Vec::new(),
            stop: None,
            packets: 0,
            total: Some(0),
            finished: 0,
        }
    }

    /// Merges captures that are open already; more than [`MAX_OPEN`] of them are the caller's
    /// choice.
    #[must_use]
    pub fn of(captures: impl IntoIterator<Item = Capture>) -> Self {
        let mut merged = Self::none();
        for capture in captures {
            let file = merged.reserve(&capture);
            merged.open += 1;
            merged.files.push(Slot::Open(Box::new(capture)));
            merged.read_on(file);
        }
        merged
    }

    /// Why files could not be read to their end, in the order in which that was found.
    #[must_use]
    pub fn errors(&self) -> &[SourceError] {
        &self.errors
    }

    /// Packets read of all files so far, including up to one per file not yet delivered.
    #[must_use]
    pub fn packets(&self) -> u64 {
        let open = self.files.iter().map(|slot| match slot {
            Slot::Open(capture) => capture.packets(),
            Slot::Waiting { .. } | Slot::Finished => 0,
        });
        self.packets + open.sum::<u64>()
    }

    /// Whether nothing is left: no file has a packet that was not delivered, and none is to be read on.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.next.is_empty() && self.last.is_none()
    }

    fn add(&mut self, path: &Path, stays: bool) {
        let capture = match Capture::open_until(path, self.stop.as_ref()) {
            Ok(capture) => capture,
            Err(error) => {
                self.errors.push(error);
                return self.files.push(Slot::Finished);
            }
        };
        let file = self.reserve(&capture);
        self.open += 1;
        self.files.push(Slot::Open(Box::new(capture)));
        self.read_on(file);
        // A pipe cannot be opened twice.
        let stays = stays || !path.is_file();
        if let Some(slot @ Slot::Open(_)) = self.files.last_mut()
            && !stays
        {
            self.open -= 1;
            *slot = Slot::Waiting { path: path.to_owned() };
        }
    }

    /// The number of the file that is added next, its size counted in.
    fn reserve(&mut self, capture: &Capture) -> u32 {
        let size = capture.position().map(|(_, total)| total);
        self.total = self.total.zip(size).map(|(sum, size)| sum + size);
        self.files.len() as u32
    }

    /// Reads an open file's next packet and files it by its time.
    fn read_on(&mut self, file: u32) {
        let Some(slot) = self.files.get_mut(file as usize) else { return };
        let Slot::Open(capture) = slot else { return };
        match capture.advance() {
            Ok(true) => {
                let time = capture.current().map_or(Timestamp::MIN, |packet| packet.time);
                return self.next.push(Reverse((time, file)));
            }
            Ok(false) => {}
            Err(error) => self.errors.push(error),
        }
        self.packets += capture.packets();
        self.finished += capture.position().map_or(0, |(_, total)| total);
        self.open -= 1;
        *slot = Slot::Finished;
    }

    /// Opens a file again whose first packet is due; whether that worked.
    fn reopen(&mut self, file: u32) -> bool {
        let Some(Slot::Waiting { path }) = self.files.get(file as usize) else { return true };
        let opened = if self.open >= self.limit {
            let path = path.display().to_string();
            Err(SourceError::TooManyOpen { path, limit: self.limit })
        } else {
            Capture::open_until(path, self.stop.as_ref())
                .and_then(|mut capture| capture.advance().map(|there| there.then_some(capture)))
        };
        let (slot, there) = match opened {
            Ok(Some(capture)) => {
                self.open += 1;
                (Slot::Open(Box::new(capture)), true)
            }
            // Emptied since it was first seen.
            Ok(None) => (Slot::Finished, false),
            Err(error) => {
                self.errors.push(error);
                (Slot::Finished, false)
            }
        };
        self.files[file as usize] = slot;
        there
    }
}

impl Source for Merged {
    /// Never fails; see [`Merged::errors`].
    fn next(&mut self) -> Result<Option<Packet<'_>>, SourceError> {
        if let Some(file) = self.last.take() {
            self.read_on(file);
        }
        while let Some(Reverse((_, file))) = self.next.pop() {
            if self.reopen(file) {
                self.last = Some(file);
                break;
            }
        }
        let Some(file) = self.last else { return Ok(None) };
        let Some(Slot::Open(capture)) = self.files.get(file as usize) else { return Ok(None) };
        Ok(capture.current().map(|packet| Packet { file, ..packet }))
    }

    fn position(&self) -> Option<(u64, u64)> {
        let total = self.total?;
        let open = self.files.iter().map(|slot| match slot {
            Slot::Open(capture) => capture.position().map_or(0, |(read, _)| read),
            Slot::Waiting { .. } | Slot::Finished => 0,
        });
        let read = self.finished + open.sum::<u64>();
        Some((read, total.max(read)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A classic capture whose packets have these times, in seconds.
    fn capture(times: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        bytes.extend([0; 8].into_iter().chain([0, 0, 4, 0, 1, 0, 0, 0]));
        for time in times {
            bytes.extend(time.to_le_bytes());
            bytes.extend([0; 12]);
        }
        bytes
    }

    fn order(mut merged: Merged) -> (Vec<(i64, u32)>, Vec<SourceError>) {
        let mut order = Vec::new();
        while let Some(packet) = merged.next().unwrap() {
            order.push((packet.time.parts().0, packet.file));
        }
        (order, merged.errors.clone())
    }

    #[test]
    fn more_files_than_may_be_open_are_merged_as_long_as_they_follow_each_other() {
        let folder = tempfile::tempdir().unwrap();
        // Named in reverse, so that no luck with the order helps.
        let paths: Vec<_> = (0..20u32)
            .rev()
            .map(|i| {
                let path = folder.path().join(format!("{i:02}.pcap"));
                std::fs::write(&path, capture(&[i * 10, i * 10 + 5])).unwrap();
                path
            })
            .collect();
        let (order, errors) = order(Merged::with_limit(&paths, 2, None));
        assert_eq!(order, (0..40).map(|i| (i * 5, 19 - i as u32 / 2)).collect::<Vec<_>>());
        assert_eq!(errors, []);
    }

    #[test]
    fn more_overlapping_files_than_may_be_open_are_an_error_of_those_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (0..3u32)
            .map(|i| {
                let path = folder.path().join(format!("{i:02}.pcap"));
                std::fs::write(&path, capture(&[i, 50 + i])).unwrap();
                path
            })
            .collect();
        let (order, errors) = order(Merged::with_limit(&paths, 2, None));
        assert_eq!(order, [(0, 0), (1, 1), (50, 0), (51, 1)]);
        let path = paths[2].display().to_string();
        assert_eq!(errors, [SourceError::TooManyOpen { path, limit: 2 }]);
    }

    #[test]
    fn a_clock_that_runs_back_does_not_reorder_its_file() {
        let files = [&[5, 1, 9][..], &[3, 8][..]].map(|times| {
            super::super::from_reader("written", std::io::Cursor::new(capture(times))).unwrap()
        });
        let (order, errors) = order(Merged::of(files));
        assert_eq!(order, [(3, 1), (5, 0), (1, 0), (8, 1), (9, 0)]);
        assert_eq!(errors, []);
    }
}
