//! What can go wrong between a row and the disk.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A log that could not be written: which path, what was being done to it, and why it failed.
///
/// Its text is one line: `cannot write rows to /logs/conn.log: No space left on device (os error 28)`.
#[derive(Debug)]
pub struct SinkError {
    /// The file or directory.
    pub path: PathBuf,
    /// What was being done, as the words that follow "cannot".
    pub operation: &'static str,
    /// Why it failed.
    pub source: io::Error,
}

impl SinkError {
    pub(super) fn new(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self { path: path.to_path_buf(), operation, source }
    }
}

impl fmt::Display for SinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}: {}", self.operation, self.path.display(), self.source)
    }
}

impl Error for SinkError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_names_the_path_and_the_reason() {
        let error = SinkError::new(
            "write rows to",
            Path::new("/logs/conn.log"),
            io::Error::from_raw_os_error(libc::ENOSPC),
        );
        let text = error.to_string();
        assert!(text.starts_with("cannot write rows to /logs/conn.log: No space left"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }
}
