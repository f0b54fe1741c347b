//! LZ4 frames as one stream that knows when it was cut.
//!
//! `lz4_flex` stops at each frame's end with a read of zero bytes, and answers a stream that is
//! cut between two blocks in the same way. The two are told apart here by whether the packed
//! stream itself had ended when the zero came.

use std::io::{self, BufReader, Read};

use lz4_flex::frame::FrameDecoder;

/// Reads every frame of a stream in turn.
pub(super) struct Lz4Frames<R: Read> {
    decoder: FrameDecoder<Watch<BufReader<R>>>,
    /// The last frame ended with its end mark, and no other was begun.
    between_frames: bool,
}

impl<R: Read> Lz4Frames<R> {
    /// A decoder over a stream that begins with a frame's magic number.
    pub(super) fn new(packed: R) -> Self {
        let watch = Watch { inner: BufReader::new(packed), read: 0, ended: false };
        Self { decoder: FrameDecoder::new(watch), between_frames: false }
    }
}

impl<R: Read> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let before = self.decoder.get_ref().read;
            let count = self.decoder.read(buffer)?;
            if count > 0 {
                self.between_frames = false;
                return Ok(count);
            }
            let packed = self.decoder.get_ref();
            if !packed.ended {
                self.between_frames = true;
            } else if self.between_frames && packed.read == before {
                return Ok(0);
            } else {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the lz4 frame has no end mark",
                ));
            }
        }
    }
}

/// Notes how much was read and whether the end was met.
struct Watch<R> {
    inner: R,
    read: u64,
    ended: bool,
}

impl<R: Read> Read for Watch<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read += count as u64;
        self.ended |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use lz4_flex::frame::FrameEncoder;

    use super::*;

    fn frame(content: &[u8]) -> Vec<u8> {
        let mut encoder = FrameEncoder::new(Vec::new());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn frames_that_follow_each_other_are_one_stream() {
        let packed = [frame(b"first "), frame(b""), frame(b"second")].concat();
        let mut text = String::new();
        Lz4Frames::new(packed.as_slice()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "first second");
    }

    #[test]
    fn a_stream_cut_anywhere_says_so() {
        let packed = frame(b"some text, and some text again, and some text once more");
        for length in 5..packed.len() {
            let mut out = Vec::new();
            let result = Lz4Frames::new(&packed[..length]).read_to_end(&mut out);
            assert!(result.is_err(), "cut at {length}");
        }
    }
}
