//! Schema 1: what a network is told of a packet, and what it is asked of the next one.
//!
//! A [`Recall`] of some 80 bytes a connection turns each [`PacketFacts`] into [`Features`]: a row of
//! each of seven embedding tables ([`TABLES`]) and 17 numbers ([`DENSE`]). The network's state after
//! them answers the chain of [`HEADS`]. Sides are by role here, originator and responder; elsewhere
//! side A is who sent first, and [`turn`] goes between the two.
//!
//! Promises:
//!
//! - Features are made in whole numbers and exact divisions: every machine gets the same bits, and
//!   no packet, however odd, makes one that is not finite.
//! - [`HASH`] stands for all of it: features, tables, heads. Every model file carries the hash of the
//!   schema it was trained for, and with another one it is refused.
//!
//! # Making schema 2
//!
//! A change here changes the canonical [`text`], thus [`HASH`], and makes every model file of before
//! unreadable; so change all that is to change at once, and train the shipped models anew.
//!
//! 1. Change features ([`Recall`], [`DENSE`], [`TABLES`]), sizes or heads, and raise [`VERSION`].
//! 2. What can't be seen in names and numbers (how a feature is computed) must be said in their
//!    texts in [`DENSE`] and [`TABLES`]: the hash only knows what the text says.
//! 3. `UPDATE_SCHEMA=1 cargo test --lib model::schema` writes the golden vectors anew; read the
//!    difference before committing it.
//! 4. `foreshadow train` makes the models anew; docs/forecast.md has the commands.
//!
//! What it does not do: hold weights, or read files.
//!
//! [`PacketFacts`]: super::PacketFacts

mod heads;
mod log;
mod recall;
mod service;
mod sizes;
#[cfg(test)]
mod tests;

pub use heads::{
    ENTROPIES, FLAG_PATHS, Given, HEADS, Head, Outcome, SIDE_FLAGS_NODES, entropy_class, number,
    side_flags_path,
};
pub use recall::{Features, Recall};
pub use sizes::{FINE_SIZES, LONGEST, SIZE_EDGES, common_size, fine_size, fine_size_range};

use std::fmt::Write;
use std::sync::LazyLock;

use super::discretise::{SIDE_FLAGS, SIZES, TIMES};

/// The schema's number.
pub const VERSION: u32 = 1;

/// Floats that enter the cell: the sum of the rows, and of the dense numbers' linear layer.
pub const WIDTH: usize = 48;

/// The tensor of a model file that says how fine size bins lie in common ones: for each side and
/// flags (rows) the logarithm of every fine bin's probability given its common bin.
pub const FINE_TENSOR: &str = "head.size.within.weight";

/// A table of learned vectors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Table {
    /// Its name in a model file: `input.NAME.weight`.
    pub name: &'static str,
    /// How many rows it has.
    pub values: usize,
    /// What chooses the row.
    pub about: &'static str,
}

/// The tables, in the order of [`Features::rows`].
pub const TABLES: [Table; 7] = [
    Table { name: "side_flags", values: SIDE_FLAGS, about: "side by role, flag class" },
    Table { name: "size", values: FINE_SIZES, about: "fine bin of the payload length" },
    Table {
        name: "time",
        values: 58,
        about: "us since the packet before: 0, or 1 + floor(2 log2), at most 57; 0 for the first",
    },
    Table {
        name: "same_side",
        values: TIMES + 1,
        about: "us since this side's last packet: 0, or 1 + floor(log2), at most 28; 29 for none",
    },
    Table { name: "udp", values: 2, about: "1 for all but TCP" },
    Table {
        name: "service",
        values: service::BUCKETS,
        about: "0 unknown, 1 below 1024, 2 below 49152, 3 above, then ports by name",
    },
    Table { name: "position", values: 8, about: "floor(log2(1 + packets before)), at most 7" },
];

/// The dense numbers, in the order of [`Features::dense`]. `l(x)` is `log2(1 + x)` in steps of
/// 1/1024; times are in us, `plen` is the payload length, at most [`LONGEST`].
pub const DENSE: [&str; 17] = [
    "l(dt)/14 - 1",
    "l(time since this side's last packet)/14 - 1, 0 for none",
    "l(plen)/6 - 1",
    "plen = the side's last",
    "plen = the other side's last",
    "plen = the side's second to fourth last",
    "log2(packets in a row by this side, at most 16)/4",
    "l(packets before)/6 - 1",
    "entropy in 1/32 bit, /256, 0 for none",
    "no entropy",
    "l(window)/16",
    "window = 0",
    "l(dt) - l(dt of the packet before), within 8, /4, 0 for none",
    "l(dt) - l(dt of the last packet of this side and flags), within 8, /4, 0 for none",
    "l(dt) and that of the packet before differ by at most 122/1024",
    "l(dt) and that of the last packet of this side and flags differ by at most 122/1024",
    "there was a packet of this side and flags",
];

/// Turns a symbol of side and flags from sides by who sent first to sides by role, or back.
#[inline]
#[must_use]
pub const fn turn(symbol: u8, turned: bool) -> u8 {
    symbol ^ ((turned as u8) << 3)
}

/// Turns a node of the tree of side and flags likewise. Node 0, the side itself, stays, but its yes
/// is then the other's no.
#[inline]
#[must_use]
pub const fn turn_node(node: usize, turned: bool) -> usize {
    match (turned, node) {
        (false, _) | (true, 0) => node,
        (true, 1..8) => node + 7,
        (true, _) => node - 7,
    }
}

/// Everything that a model file depends on, in words and numbers.
#[must_use]
pub fn text() -> &'static str {
    &TEXT
}

/// Stands for [`text`]: 16 hexadecimal digits.
pub static HASH: LazyLock<String> = LazyLock::new(|| super::file::hash(text().as_bytes()));

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_text(&mut text);
    text
});

fn write_text(text: &mut String) -> std::fmt::Result {
    writeln!(text, "foreshadow schema {VERSION}, width {WIDTH}")?;
    writeln!(text, "symbols: {SIDE_FLAGS} side and flags, {SIZES} sizes, {TIMES} times")?;
    for Table { name, values, about } in TABLES {
        writeln!(text, "table {name} {values}: {about}")?;
    }
    for (number, about) in DENSE.iter().enumerate() {
        writeln!(text, "dense {number}: {about}")?;
    }
    for Head { name, outcome, hidden, given } in HEADS {
        write!(text, "head {name}: {outcome:?}, hidden {hidden}, given")?;
        for Given { head, direct } in given {
            write!(text, " {}{}", HEADS[*head].name, if *direct { " (direct)" } else { "" })?;
        }
        writeln!(text)?;
    }
    writeln!(text, "tree: {FLAG_PATHS:?}")?;
    writeln!(text, "entropy: class = entropy / 16")?;
    writeln!(text, "{FINE_TENSOR}: [{SIDE_FLAGS}, {FINE_SIZES}], ln p(fine bin | common bin)")?;
    writeln!(text, "fine sizes, at most {LONGEST}: {SIZE_EDGES:?}")?;
    writeln!(text, "services: {:?}", service::NAMED)
}
