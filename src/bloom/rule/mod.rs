//! The rule of a category: a sentence about a packet and its connection that is true or not.
//!
//! ```text
//! service == dns and responder not in internal
//! protocol == tcp and (size > 1400 or entropy >= 7.5) and not syn
//! responder in {192.0.2.0/24, 2001:db8::/32} and responder_port in {22, 3389, 5985..5986}
//! ```
//!
//! `not` binds tighter than `and`, `and` tighter than `or`. A field is a number, a name, an address or
//! a truth (see [`field`]); a truth stands alone, the others are compared with `==`, `!=`, `<`, `<=`,
//! `>`, `>=`, `in` or `not in`. Names of networks are those the configuration declares.
//!
//! A rule is compiled once, to a few comparisons of numbers. [`Rule::could`] answers from what does not
//! change while a connection lives whether it is worth asking again at its next packet.

mod field;
mod lexer;
mod parser;

pub use field::{Facts, Networks, Prefix};
pub use parser::RuleError;

use field::{Address, Name, Number, Truth};

/// A compiled rule.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule(Node);

/// A part of a rule.
#[derive(Clone, PartialEq, Debug)]
enum Node {
    And(Box<[Self]>),
    Or(Box<[Self]>),
    Not(Box<Self>),
    Truth(Truth),
    /// The number lies in one of these ranges, ends included.
    Number(Number, Box<[(f64, f64)]>),
    Name(Name, Box<[Box<str>]>),
    Address(Address, Box<[Prefix]>),
}

/// What is known of a rule before all of its facts are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Could {
    /// It is false whatever the packet.
    Never,
    /// It is true whatever the packet.
    Always,
    /// It depends on the packet.
    Maybe,
}

impl Rule {
    /// Compiles a rule.
    ///
    /// # Errors
    ///
    /// What was expected and what came, at which byte of the text.
    pub fn parse(text: &str, networks: &Networks) -> Result<Self, RuleError> {
        parser::parse(text, networks).map(Self)
    }

    /// Whether the rule holds.
    #[inline]
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        self.0.holds(facts)
    }

    /// Whether it never holds for what did not fail.
    #[must_use]
    pub fn needs_failed(&self) -> bool {
        self.0.needs(Truth::Failed)
    }

    /// Whether it never holds for a packet of the responder.
    #[must_use]
    pub fn needs_outgoing(&self) -> bool {
        self.0.needs(Truth::Outgoing)
    }

    /// What follows for the rule from those of the facts that hold as long as the connection does.
    #[must_use]
    pub fn could(&self, facts: &Facts<'_>) -> Could {
        self.0.could(facts)
    }
}

impl Node {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::And(all) => all.iter().all(|node| node.holds(facts)),
            Self::Or(any) => any.iter().any(|node| node.holds(facts)),
            Self::Not(node) => !node.holds(facts),
            Self::Truth(truth) => truth.of(facts),
            Self::Number(number, ranges) => number.of(facts).is_some_and(|number| {
                ranges.iter().any(|&(low, high)| low <= number && number <= high)
            }),
            Self::Name(name, names) => {
                name.of(facts).is_some_and(|name| names.iter().any(|known| **known == *name))
            }
            Self::Address(address, prefixes) => {
                let address = address.of(facts);
                prefixes.iter().any(|prefix| prefix.holds(address))
            }
        }
    }

    /// Whether it is false wherever `truth` is.
    fn needs(&self, truth: Truth) -> bool {
        match self {
            Self::And(all) => all.iter().any(|node| node.needs(truth)),
            Self::Or(any) => any.iter().all(|node| node.needs(truth)),
            Self::Truth(own) => *own == truth,
            Self::Not(_) | Self::Number(..) | Self::Name(..) | Self::Address(..) => false,
        }
    }

    fn could(&self, facts: &Facts<'_>) -> Could {
        let known = |is_fixed: bool| match (is_fixed, is_fixed && self.holds(facts)) {
            (false, _) => Could::Maybe,
            (true, false) => Could::Never,
            (true, true) => Could::Always,
        };
        match self {
            Self::And(all) => join(all, facts, Could::Never, Could::Always),
            Self::Or(any) => join(any, facts, Could::Always, Could::Never),
            Self::Not(node) => match node.could(facts) {
                Could::Never => Could::Always,
                Could::Always => Could::Never,
                Could::Maybe => Could::Maybe,
            },
            Self::Truth(_) => Could::Maybe,
            Self::Number(number, _) => known(number.is_fixed()),
            Self::Name(..) => known(true),
            Self::Address(address, _) => known(address.is_fixed()),
        }
    }
}

/// The answer of several parts, of which one `decisive` answer settles it and all `neutral` ones do.
fn join(parts: &[Node], facts: &Facts<'_>, decisive: Could, neutral: Could) -> Could {
    let mut joined = neutral;
    for part in parts {
        let answer = part.could(facts);
        if answer == decisive {
            return decisive;
        }
        if answer != neutral {
            joined = Could::Maybe;
        }
    }
    joined
}

#[cfg(test)]
mod tests;
