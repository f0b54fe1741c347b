//! What is wrong with a configuration, and where.
//!
//! An error carries facts: the source, the line and column, the key, what was expected and what
//! came. [`Display`](fmt::Display) writes the sentence, always on one line, with control characters
//! escaped and long input cut, so that text from a file cannot forge or flood a log.

use std::fmt;

/// Everything found wrong in one configuration, in the order of the text; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    pub(super) const fn new(errors: Vec<ConfigError>) -> Self {
        Self(errors)
    }

    /// The errors, first in the text first.
    #[must_use]
    pub fn as_slice(&self) -> &[ConfigError] {
        &self.0
    }
}

/// One error per line, without a line feed after the last.
impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// One thing wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where the text came from: a file's path, or `<options>`.
    pub origin: String,
    /// Where in that text; absent for a single option, which has no lines.
    pub position: Option<Position>,
    /// What is wrong there.
    pub problem: Problem,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.origin, usize::MAX))?;
        if let Some(Position { line, column }) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// A place in a text, both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The text is not TOML.
    Syntax {
        /// What the TOML parser says, and what it expected.
        message: String,
        /// The text it stopped at; empty at the end of a line.
        came: String,
    },
    /// No key, or no section, has this name.
    Unknown {
        /// The dotted key.
        key: String,
        /// The known key or section that reads most like it, when one does.
        nearest: Option<String>,
        /// The names that could have stood there.
        known: Vec<&'static str>,
    },
    /// The key is known and its value cannot be used.
    Value {
        /// The dotted key.
        key: String,
        /// The values it takes, in words.
        expected: String,
        /// The value as written; empty for an option without one.
        came: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { message, came } => {
                let came = if came.is_empty() { "the end of the line" } else { came };
                write!(f, "not TOML: {message}, got {came}")
            }
            Self::Unknown { key, nearest: Some(nearest), .. } => {
                write!(f, "{key}: unknown key, did you mean {nearest}?")
            }
            Self::Unknown { key, nearest: None, known } => {
                write!(f, "{key}: unknown key, expected one of {}", known.join(", "))
            }
            Self::Value { key, expected, came } => {
                let came = if came.is_empty() { "nothing" } else { came };
                write!(f, "{key}: expected {expected}, got {came}")
            }
        }
    }
}

/// An error that still knows its place as a byte offset.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) offset: usize,
    pub(super) problem: Problem,
}

/// Gives every error its line and column, in one pass over the text however many there are.
pub(super) fn locate(mut found: Vec<Found>, text: &str, origin: &str) -> ConfigErrors {
    found.sort_by_key(|error| error.offset);
    let mut characters = text.char_indices().peekable();
    let mut position = Position { line: 1, column: 1 };
    let mut errors = Vec::with_capacity(found.len());
    for Found { offset, problem } in found {
        while let Some((_, character)) = characters.next_if(|&(at, _)| at < offset) {
            match character {
                '\n' => position = Position { line: position.line + 1, column: 1 },
                '\u{feff}' if position == (Position { line: 1, column: 1 }) => {}
                _ => position.column += 1,
            }
        }
        errors.push(ConfigError { origin: origin.to_owned(), position: Some(position), problem });
    }
    ConfigErrors::new(errors)
}

/// Input as it may be shown: one line, control characters escaped, at most `limit` characters.
pub(super) fn one_line(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    for (index, character) in text.chars().enumerate() {
        if index == limit {
            shown.push('…');
            break;
        }
        if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// How much of a value or a key a message repeats, in characters.
pub(super) const SHOWN: usize = 60;
