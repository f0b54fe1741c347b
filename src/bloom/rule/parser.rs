//! From a rule's text to what is compared.

use std::fmt;

use super::Node;
use super::field::{Address, Name, Networks, Number, PROTOCOLS, Prefix, Truth};
use super::lexer::{Lexer, Token};

/// What is wrong with a rule's text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleError {
    /// Where, in bytes from the text's beginning.
    pub offset: usize,
    /// What could have stood there.
    pub expected: String,
    /// What stands there.
    pub came: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, expected, came } = self;
        write!(f, "at byte {offset}: expected {expected}, got {came}")
    }
}

impl std::error::Error for RuleError {}

/// Deeper than any rule that a person wrote; a rule must not exhaust the stack.
const DEEPEST: usize = 64;

pub(super) fn parse(text: &str, networks: &Networks) -> Result<Node, RuleError> {
    let mut lexer = Lexer::new(text);
    let next = lexer.next();
    let mut parser = Parser { lexer, next, networks, depth: 0 };
    let node = parser.either()?;
    match parser.next.1 {
        Token::End => Ok(node),
        _ => Err(parser.wrong("`and`, `or` or the end of the rule")),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    next: (usize, Token<'a>),
    networks: &'a Networks,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Token<'a> {
        std::mem::replace(&mut self.next, self.lexer.next()).1
    }

    /// Takes the next word if it is this one.
    fn take(&mut self, token: Token<'_>) -> bool {
        let is_it = self.next.1 == token;
        if is_it {
            self.advance();
        }
        is_it
    }

    fn wrong(&self, expected: impl Into<String>) -> RuleError {
        let (offset, token) = self.next;
        RuleError { offset, expected: expected.into(), came: token.shown() }
    }

    fn either(&mut self) -> Result<Node, RuleError> {
        self.chain("or", Self::both, Node::Or)
    }

    fn both(&mut self) -> Result<Node, RuleError> {
        self.chain("and", Self::negated, Node::And)
    }

    /// One part, or several with a word between them.
    fn chain(
        &mut self,
        word: &'static str,
        part: fn(&mut Self) -> Result<Node, RuleError>,
        joined: fn(Box<[Node]>) -> Node,
    ) -> Result<Node, RuleError> {
        let first = part(self)?;
        let mut parts = vec![first];
        while self.take(Token::Word(word)) {
            parts.push(part(self)?);
        }
        if parts.len() > 1 {
            return Ok(joined(parts.into_boxed_slice()));
        }
        parts.pop().ok_or_else(|| self.wrong("a comparison"))
    }

    fn negated(&mut self) -> Result<Node, RuleError> {
        if self.depth == DEEPEST {
            return Err(self.wrong(format!("at most {DEEPEST} levels of `not` and brackets")));
        }
        self.depth += 1;
        let node = if self.take(Token::Word("not")) {
            Node::Not(Box::new(self.negated()?))
        } else if self.take(Token::Sign("(")) {
            let node = self.either()?;
            if !self.take(Token::Sign(")")) {
                return Err(self.wrong("`)`, `and` or `or`"));
            }
            node
        } else {
            self.comparison()?
        };
        self.depth -= 1;
        Ok(node)
    }

    fn comparison(&mut self) -> Result<Node, RuleError> {
        let Token::Word(word) = self.next.1 else {
            return Err(self.wrong(format!("a field ({})", names())));
        };
        if let Some(truth) = find(Truth::ALL, word) {
            self.advance();
            return Ok(Node::Truth(truth));
        }
        if let Some(number) = find(Number::ALL, word) {
            self.advance();
            return self.number(number);
        }
        if let Some(name) = find(Name::ALL, word) {
            self.advance();
            return self.members(
                |parser, into| {
                    into.push(parser.name(name)?);
                    Ok(())
                },
                |names| Node::Name(name, names),
            );
        }
        if let Some(address) = find(Address::ALL, word) {
            self.advance();
            return self.members(Self::prefix, |prefixes| Node::Address(address, prefixes));
        }
        Err(self.wrong(format!("a field ({})", names())))
    }

    fn number(&mut self, number: Number) -> Result<Node, RuleError> {
        let bounds: fn(f64) -> (f64, f64) = match self.next.1 {
            Token::Sign("<") => |value| (f64::NEG_INFINITY, value.next_down()),
            Token::Sign("<=") => |value| (f64::NEG_INFINITY, value),
            Token::Sign(">") => |value| (value.next_up(), f64::INFINITY),
            Token::Sign(">=") => |value| (value, f64::INFINITY),
            _ => {
                return self.members(Self::range, |ranges| Node::Number(number, ranges));
            }
        };
        self.advance();
        let value = self.value()?;
        Ok(Node::Number(number, Box::new([bounds(value)])))
    }

    /// `== one`, `!= one`, `in {one, ...}` or `not in {one, ...}`; `in name` for what has names.
    fn members<T>(
        &mut self,
        member: impl Fn(&mut Self, &mut Vec<T>) -> Result<(), RuleError>,
        node: impl FnOnce(Box<[T]>) -> Node,
    ) -> Result<Node, RuleError> {
        let mut members = Vec::new();
        let negated = match self.next.1 {
            Token::Sign("==") | Token::Word("in") => false,
            Token::Sign("!=") | Token::Word("not") => true,
            _ => return Err(self.wrong("a comparison (`==`, `!=`, `in`, `not in`)")),
        };
        let is_set = match self.advance() {
            Token::Word("not") if !self.take(Token::Word("in")) => return Err(self.wrong("`in`")),
            Token::Word(_) => true,
            _ => false,
        };
        if is_set && self.take(Token::Sign("{")) {
            member(self, &mut members)?;
            while self.take(Token::Sign(",")) {
                member(self, &mut members)?;
            }
            if !self.take(Token::Sign("}")) {
                return Err(self.wrong("`,` or `}`"));
            }
        } else {
            member(self, &mut members)?;
        }
        let node = node(members.into_boxed_slice());
        Ok(if negated { Node::Not(Box::new(node)) } else { node })
    }

    fn value(&mut self) -> Result<f64, RuleError> {
        let Token::Word(word) = self.next.1 else { return Err(self.wrong(NUMBER)) };
        let value = number(word).ok_or_else(|| self.wrong(NUMBER))?;
        self.advance();
        Ok(value)
    }

    fn range(&mut self, into: &mut Vec<(f64, f64)>) -> Result<(), RuleError> {
        if let Token::Word(word) = self.next.1
            && let Some((low, high)) = word.split_once("..")
        {
            let (low, high) = number(low)
                .zip(number(high))
                .filter(|(low, high)| low <= high)
                .ok_or_else(|| self.wrong("a range, the smaller end first, as 5985..5986"))?;
            into.push((low, high));
            self.advance();
            return Ok(());
        }
        let value = self.value()?;
        into.push((value, value));
        Ok(())
    }

    fn name(&mut self, field: Name) -> Result<Box<str>, RuleError> {
        let known = |word: &str| match field {
            Name::Protocol => PROTOCOLS.iter().any(|(_, name)| *name == word),
            Name::Service => word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
        };
        match self.next.1 {
            Token::Word(word) if known(word) => {
                self.advance();
                Ok(word.into())
            }
            _ => Err(self.wrong(match field {
                Name::Protocol => {
                    let names: Vec<_> = PROTOCOLS.iter().map(|(_, name)| *name).collect();
                    format!("a protocol ({})", names.join(", "))
                }
                Name::Service => "a service's name as in conn.log (dns, ssl, ssh)".to_owned(),
            })),
        }
    }

    fn prefix(&mut self, into: &mut Vec<Prefix>) -> Result<(), RuleError> {
        let Token::Word(word) = self.next.1 else { return Err(self.wrong(self.networks())) };
        if let Some(prefixes) = self.networks.get(word) {
            into.extend_from_slice(prefixes);
        } else {
            into.push(word.parse().map_err(|_| self.wrong(self.networks()))?);
        }
        self.advance();
        Ok(())
    }

    fn networks(&self) -> String {
        let mut expected = "an address, a network (10.0.0.0/8)".to_owned();
        for name in self.networks.keys() {
            expected.push_str(", ");
            expected.push_str(name);
        }
        expected
    }
}

const NUMBER: &str = "a number (1400, 7.5, 10k, 5M)";

/// A number, perhaps with `k`, `M` or `G` behind it for powers of a thousand and `_` within.
fn number(word: &str) -> Option<f64> {
    let (digits, factor) = match word.as_bytes().last()? {
        b'k' => (&word[..word.len() - 1], 1e3),
        b'M' => (&word[..word.len() - 1], 1e6),
        b'G' => (&word[..word.len() - 1], 1e9),
        _ => (word, 1.0),
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'));
    let value: f64 = digits.replace('_', "").parse().ok().filter(|_| plain)?;
    Some(value * factor)
}

fn find<T: Copy>(all: &[(&str, T)], word: &str) -> Option<T> {
    all.iter().find(|(name, _)| *name == word).map(|(_, field)| *field)
}

/// All fields, for an error.
fn names() -> String {
    let truths = Truth::ALL.iter().map(|(name, _)| *name);
    let numbers = Number::ALL.iter().map(|(name, _)| *name);
    let names = Name::ALL.iter().map(|(name, _)| *name);
    let addresses = Address::ALL.iter().map(|(name, _)| *name);
    addresses.chain(names).chain(numbers).chain(truths).collect::<Vec<_>>().join(", ")
}
