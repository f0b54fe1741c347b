//! A capture and what is true of its packets.

use std::path::{Path, PathBuf};

use crate::eval::EvalError;
use crate::eval::dataset::Found;

/// What is true of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::eval) enum Truth {
    Benign,
    Attack,
    Unknown,
}

/// Where the truth of a capture's packets comes from.
pub(in crate::eval) enum Labels {
    /// The same for all.
    Whole(Truth),
    /// One for each packet, in the capture's order.
    Each(Vec<u8>),
}

impl Labels {
    /// The labels in the file beside a capture; `None` if there is none.
    pub(in crate::eval) fn beside(capture: &Found) -> Result<Option<Self>, EvalError> {
        let path = lab(&capture.path);
        if !path.exists() {
            return Ok(None);
        }
        let labels = std::fs::read(&path).map_err(|error| EvalError::Folder {
            path: path.display().to_string(),
            reason: error.to_string(),
        })?;
        Ok(Some(Self::Each(labels)))
    }

    /// What is true of packet number `at`; packets behind the last label are unknown.
    pub(in crate::eval) fn of(&self, at: usize) -> Truth {
        match self {
            Self::Whole(truth) => *truth,
            Self::Each(labels) => match labels.get(at) {
                Some(b'0') => Truth::Benign,
                Some(b'1') => Truth::Attack,
                _ => Truth::Unknown,
            },
        }
    }
}

fn lab(capture: &Path) -> PathBuf {
    let mut name = capture.as_os_str().to_owned();
    name.push(".lab");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_one_nor_nought_is_unknown() {
        let labels = Labels::Each(b"01?".to_vec());
        let truths: Vec<_> = (0..4).map(|at| labels.of(at)).collect();
        assert_eq!(truths, [Truth::Benign, Truth::Attack, Truth::Unknown, Truth::Unknown]);
        assert_eq!(lab(Path::new("a/b.pcap")), PathBuf::from("a/b.pcap.lab"));
    }
}
