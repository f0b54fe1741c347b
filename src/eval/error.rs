//! What can be wrong with what was asked for.

use std::fmt;

/// Why nothing can be measured. `Display` writes one sentence fit for a user.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EvalError {
    /// A folder of captures can't be read.
    Folder {
        /// The folder as it was named.
        path: String,
        /// What the system said.
        reason: String,
    },
    /// The folders hold no capture of the class.
    NoCaptures {
        /// The folders as they were named.
        paths: Vec<String>,
        /// The class.
        class: String,
    },
    /// The split file can't be followed.
    Split {
        /// The file's name.
        origin: String,
        /// What is wrong.
        what: String,
    },
    /// The split names a source that the folders do not hold.
    NoSuchSource {
        /// The split file's name.
        origin: String,
        /// The class it is named under.
        class: String,
        /// The source.
        source: String,
        /// The sources of that class that there are.
        known: Vec<String>,
    },
    /// No source is left to be scored.
    NothingToScore {
        /// The split file's name.
        origin: String,
        /// The class.
        class: String,
        /// The part that was asked for.
        part: &'static str,
    },
    /// The sensor that is to be measured can't be made.
    Sensor {
        /// Why not.
        reason: String,
    },
    /// No source is left to train on.
    NothingToTrainOn {
        /// The split file's name.
        origin: String,
    },
    /// A model file can't be used.
    Model {
        /// The file.
        name: String,
        /// What is wrong with it.
        error: String,
    },
}

/// Sources listed in a message.
const SHOWN: usize = 8;

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model { name, error } => write!(f, "{name}: {error}"),
            Self::Folder { path, reason } => write!(f, "{path}: cannot be read: {reason}"),
            Self::NoCaptures { paths, class } => write!(
                f,
                "{}: no capture of class {class} in it; expected .pcap or .pcapng files in folders \
                 like {class}/SOURCE or SOURCE",
                paths.join(", ")
            ),
            Self::Split { origin, what } => write!(f, "{origin}: {what}"),
            Self::NoSuchSource { origin, class, source, known } => {
                write!(f, "{origin}: there is no source {source} of class {class} in the data")?;
                let shown = &known[..known.len().min(SHOWN)];
                match (known.len() - shown.len(), shown) {
                    (_, []) => write!(f, ", which has none of that class"),
                    (0, shown) => write!(f, ", which has {}", shown.join(", ")),
                    (more, shown) => write!(f, ", which has {} and {more} more", shown.join(", ")),
                }
            }
            Self::NothingToScore { origin, class, part } => write!(
                f,
                "{origin}: no {part} source of class {class} in the data; name other sources with \
                 --split, or captures to train on with --train"
            ),
            Self::Sensor { reason } => f.write_str(reason),
            Self::NothingToTrainOn { origin } => {
                write!(
                    f,
                    "{origin}: every source is kept from training, so there is nothing to train on"
                )
            }
        }
    }
}

impl std::error::Error for EvalError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_source_names_a_few_that_are_there() {
        let missing = |count: usize| EvalError::NoSuchSource {
            origin: "s.toml".to_owned(),
            class: "benign".to_owned(),
            source: "x".to_owned(),
            known: (0..count).map(|number| format!("s{number}")).collect(),
        };
        let start = "s.toml: there is no source x of class benign in the data, which has ";
        assert_eq!(missing(0).to_string(), format!("{start}none of that class"));
        assert_eq!(missing(2).to_string(), format!("{start}s0, s1"));
        assert!(missing(10).to_string().ends_with("s7 and 2 more"));
    }
}
