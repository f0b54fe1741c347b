//! A view on a stream that grows to what is asked for.

use std::io::{self, Read};

use super::error::{Break, Cause};

/// Bytes the buffer begins with. Large enough that reads are rare beside packets, small enough
/// for hundreds of files to be open at once.
const FIRST_SIZE: usize = 128 << 10;

/// A buffer over a stream, without holes and without copies but those at its end.
pub(super) struct Window {
    input: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    /// What of `bytes` was read but not yet taken.
    start: usize,
    end: usize,
    /// Where `bytes[0]` lies in the stream.
    base: u64,
    ended: bool,
    failure: Option<io::Error>,
}

impl Window {
    pub(super) fn new(input: Box<dyn Read + Send>) -> Self {
        let bytes = vec![0; FIRST_SIZE];
        Self { input, bytes, start: 0, end: 0, base: 0, ended: false, failure: None }
    }

    /// What is in view: read and not yet taken.
    pub(super) fn view(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Whether at least `wanted` bytes are in view, after reading on if need be.
    pub(super) fn has(&mut self, wanted: usize) -> bool {
        self.end - self.start >= wanted || self.fill(wanted)
    }

    /// Moves on by `count` bytes of the view. Their place stays readable until the next
    /// [`Window::has`].
    pub(super) fn take(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Where the view begins in the buffer, to find bytes again with [`Window::kept`].
    pub(super) fn mark(&self) -> usize {
        self.start
    }

    /// Bytes by their place in the buffer; none where there is no such place.
    pub(super) fn kept(&self, mark: usize, count: usize) -> &[u8] {
        self.bytes.get(mark..mark + count).unwrap_or_default()
    }

    /// Where the view begins in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Why `expected` bytes of `what` are not in view: nothing at all at a clean end.
    pub(super) fn shortage(&mut self, what: &'static str, expected: usize) -> Option<Break> {
        let offset = self.offset();
        let came = (self.end - self.start) as u64;
        let cause = match self.failure.take() {
            Some(error) => Cause::Read(error),
            None if came == 0 => return None,
            None => Cause::Short { what, expected: expected as u64, came },
        };
        Some(Break { offset, packets: None, cause })
    }

    #[cold]
    fn fill(&mut self, wanted: usize) -> bool {
        while self.end - self.start < wanted && !self.ended {
            if self.start + wanted > self.bytes.len() {
                self.bytes.copy_within(self.start..self.end, 0);
                self.base += self.start as u64;
                self.end -= self.start;
                self.start = 0;
            }
            if self.end == self.bytes.len() {
                // By doubling, so that memory follows what came and not what a length claims.
                self.bytes.resize(self.bytes.len() * 2, 0);
            }
            match self.input.read(&mut self.bytes[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error);
                    self.ended = true;
                }
            }
        }
        self.end - self.start >= wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_comes_into_view_across_the_buffers_end() {
        let content: Vec<u8> = (0..FIRST_SIZE as u32 * 3).map(|i| i as u8).collect();
        let mut window = Window::new(Box::new(io::Cursor::new(content.clone())));
        assert!(window.has(FIRST_SIZE - 10));
        window.take(FIRST_SIZE - 10);
        assert!(window.has(FIRST_SIZE * 2));
        assert_eq!(window.offset(), (FIRST_SIZE - 10) as u64);
        assert_eq!(window.view()[..FIRST_SIZE * 2], content[FIRST_SIZE - 10..FIRST_SIZE * 3 - 10]);
        window.take(FIRST_SIZE * 2);
        assert!(window.has(10) && !window.has(11));
    }

    #[test]
    fn a_claim_without_bytes_behind_it_takes_no_memory() {
        let mut window = Window::new(Box::new(io::Cursor::new(vec![0; 100])));
        assert!(!window.has(usize::MAX / 4));
        assert_eq!(window.bytes.len(), FIRST_SIZE);
        let shortage = window.shortage("a record", 200);
        assert!(matches!(
            shortage,
            Some(Break { offset: 0, cause: Cause::Short { expected: 200, came: 100, .. }, .. })
        ));
    }
}
