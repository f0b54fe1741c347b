//! A rule's text in words.

/// A word of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token<'a> {
    /// Letters, digits and what stands within numbers, addresses and names.
    Word(&'a str),
    /// One of `( ) { } , == != < <= > >=`.
    Sign(&'static str),
    /// A character that no rule has.
    Stray(&'a str),
    /// The text is over.
    End,
}

impl Token<'_> {
    /// The word as an error shows it.
    pub(super) fn shown(self) -> String {
        match self {
            Self::Word(text) | Self::Stray(text) => format!("`{text}`"),
            Self::Sign(sign) => format!("`{sign}`"),
            Self::End => "the end of the rule".to_owned(),
        }
    }
}

/// Longer signs before those they begin with.
const SIGNS: [&str; 11] = ["==", "!=", "<=", ">=", "<", ">", "(", ")", "{", "}", ","];

/// Walks the words of a text.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next word and where it begins.
    pub(super) fn next(&mut self) -> (usize, Token<'a>) {
        let rest = &self.text[self.at..];
        let spaces = rest.len() - rest.trim_start().len();
        let start = self.at + spaces;
        let rest = &rest[spaces..];
        let Some(first) = rest.chars().next() else { return (start, Token::End) };
        let token = if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            self.at = start + sign.len();
            return (start, Token::Sign(sign));
        } else {
            let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            if length > 0 {
                Token::Word(&rest[..length])
            } else {
                Token::Stray(&rest[..first.len_utf8()])
            }
        };
        self.at = start
            + match token {
                Token::Word(text) | Token::Stray(text) => text.len(),
                Token::Sign(_) | Token::End => 0,
            };
        (start, token)
    }
}

/// Whether a character stands within words; `.`, `:` and `/` do in ranges, addresses and networks.
fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/')
}
