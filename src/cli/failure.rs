//! What can go wrong, and the exit status for it.

use std::process::ExitCode;

use crate::sink::SinkError;

/// Why the command did not end well.
#[derive(Debug)]
pub enum Failure {
    /// Some capture is broken or missing; everything readable was processed and logged. Already said.
    Input,
    /// The arguments or the configuration can't be followed; nothing was done.
    Usage(String),
    /// Logs or standard output could not be written.
    Output(String),
}

impl From<SinkError> for Failure {
    fn from(error: SinkError) -> Self {
        Self::Output(error.to_string())
    }
}

impl Failure {
    /// Standard output could not be written.
    pub(super) fn output(error: &std::io::Error) -> Self {
        Self::Output(format!("cannot write to standard output: {error}"))
    }

    /// The line to say, unless it was said already.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Input => None,
            Self::Usage(message) | Self::Output(message) => Some(message),
        }
    }

    /// 1 for broken input, 2 for arguments and configuration, 3 for output.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Input => 1,
            Self::Usage(_) => 2,
            Self::Output(_) => 3,
        })
    }
}
