//! Reads JSON for tests: enough to look into what the command prints, and strict about the rest.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::ops::Index;

/// A JSON value.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Value {
    /// The value that all of `text` is.
    pub(crate) fn parse(text: &str) -> Self {
        let mut rest = text.trim_end();
        let value = value(&mut rest);
        assert_eq!(rest, "", "after the value");
        value
    }

    pub(crate) fn text(&self) -> &str {
        let Self::Text(text) = self else { panic!("{self:?} is no text") };
        text
    }

    pub(crate) fn number(&self) -> f64 {
        let Self::Number(number) = self else { panic!("{self:?} is no number") };
        *number
    }

    pub(crate) fn list(&self) -> &[Self] {
        let Self::List(list) = self else { panic!("{self:?} is no list") };
        list
    }
}

impl Index<&str> for Value {
    type Output = Self;

    fn index(&self, key: &str) -> &Self {
        let Self::Object(fields) = self else { panic!("{self:?} is no object") };
        let field = fields.iter().find(|(name, _)| name == key);
        &field.unwrap_or_else(|| panic!("no {key} in {self:?}")).1
    }
}

impl Index<usize> for Value {
    type Output = Self;

    fn index(&self, at: usize) -> &Self {
        &self.list()[at]
    }
}

fn value(rest: &mut &str) -> Value {
    for (word, value) in
        [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
    {
        if take(rest, word) {
            return value;
        }
    }
    if take(rest, "[") {
        return Value::List(members(rest, "]", value));
    }
    if take(rest, "{") {
        return Value::Object(members(rest, "}", |rest| {
            let Value::Text(name) = value(rest) else { panic!("a key is text: {rest}") };
            assert!(take(rest, ":"), "a colon: {rest}");
            (name, value(rest))
        }));
    }
    if take(rest, "\"") {
        return Value::Text(text(rest));
    }
    let end = rest.find([',', ']', '}']).unwrap_or(rest.len());
    let number = rest[..end].parse().unwrap_or_else(|_| panic!("a number: {}", &rest[..end]));
    // Rust reads these, JSON has none of them.
    assert!(rest.starts_with(|c: char| c == '-' || c.is_ascii_digit()) && f64::is_finite(number));
    *rest = &rest[end..];
    Value::Number(number)
}

fn members<T>(rest: &mut &str, end: &str, mut member: impl FnMut(&mut &str) -> T) -> Vec<T> {
    let mut members = Vec::new();
    if take(rest, end) {
        return members;
    }
    loop {
        members.push(member(rest));
        if take(rest, end) {
            return members;
        }
        assert!(take(rest, ","), "a comma or {end}: {rest}");
    }
}

fn text(rest: &mut &str) -> String {
    let mut text = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next() {
            Some('"') => break,
            Some('\\') => match characters.next() {
                Some('u') => {
                    let code: String = characters.by_ref().take(4).collect();
                    let code = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
                    text.push(code.unwrap_or_else(|| panic!("four digits: {rest}")));
                }
                Some(character @ ('"' | '\\' | '/')) => text.push(character),
                other => panic!("{other:?} after a backslash"),
            },
            Some(character) if character >= ' ' => text.push(character),
            other => panic!("{other:?} in a text"),
        }
    }
    *rest = characters.as_str();
    text
}

fn take(rest: &mut &str, what: &str) -> bool {
    let Some(after) = rest.strip_prefix(what) else { return false };
    *rest = after;
    true
}
