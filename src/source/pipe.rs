//! A stream that may give nothing for a long time, and can be left all the same.
//!
//! A read from a pipe can't be taken back, so a thread does the reading and whoever wants the bytes
//! waits for them or for a flag, whichever comes first. Once the flag is set the stream is at its
//! end; the thread goes with the process.

use std::io::{self, Cursor, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// Bytes read at a time.
const CHUNK: usize = 128 << 10;
/// Chunks that may lie ready.
const READY: usize = 4;
/// How often the flag is looked at while nothing comes.
const PATIENCE: Duration = Duration::from_millis(50);

/// See the module's text.
pub(super) struct Pipe {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Cursor<Vec<u8>>,
    stop: Arc<AtomicBool>,
}

impl Pipe {
    pub(super) fn new(
        stream: impl Read + Send + 'static,
        stop: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let (sender, chunks) = sync_channel(READY);
        thread::Builder::new().name("pipe".to_owned()).spawn(move || forward(stream, &sender))?;
        Ok(Self { chunks, chunk: Cursor::default(), stop })
    }
}

/// Reads until the end, an error, or nobody wants to hear more.
fn forward(mut stream: impl Read, to: &SyncSender<io::Result<Vec<u8>>>) {
    loop {
        let mut bytes = vec![0; CHUNK];
        let read = match stream.read(&mut bytes) {
            Ok(0) => return,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read,
        };
        let goes_on = read.is_ok();
        let chunk = read.map(|count| {
            bytes.truncate(count);
            bytes
        });
        if to.send(chunk).is_err() || !goes_on {
            return;
        }
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.chunk.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => self.chunk = Cursor::new(chunk?),
                Err(RecvTimeoutError::Timeout) if !self.stop.load(Ordering::Relaxed) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::io::Write;

    #[test]
    fn what_comes_is_read_and_the_flag_ends_the_wait_for_more() {
        let (reader, mut writer) = io::pipe().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let mut pipe = Pipe::new(reader, Arc::clone(&stop)).unwrap();
        writer.write_all(b"packets").unwrap();
        let mut bytes = [0; 7];
        pipe.read_exact(&mut bytes).unwrap();
        assert_eq!(&bytes, b"packets");
        stop.store(true, Ordering::Relaxed);
        assert_eq!(pipe.read(&mut bytes).unwrap(), 0);
    }

    #[test]
    fn long_streams_come_out_as_they_went_in() {
        let content: Vec<u8> = (0..CHUNK as u32 * 3 + 5).map(|i| (i % 251) as u8).collect();
        let mut pipe = Pipe::new(Cursor::new(content.clone()), Arc::default()).unwrap();
        let mut read = Vec::new();
        pipe.read_to_end(&mut read).unwrap();
        assert!(read == content);
    }
}
