//! The network that is asked for, read out of the core's plain structs and checked once.
//!
//! Everything behind it may rely on: at least one head, names that are unique among their kind,
//! heads that are conditioned on earlier heads only, and sizes that are small enough to multiply.

#![allow(unsafe_code)]

use crate::abi;
use crate::error::Error;

/// The cell that carries the state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cell {
    Gru,
    Lstm,
}

impl Cell {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gru => "gru",
            Self::Lstm => "lstm",
        }
    }

    pub(crate) fn gates(self) -> i64 {
        match self {
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }
}

/// How a head turns its logits into probabilities.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Softmax,
    /// The matrix of [`abi::Head::tree`].
    Tree {
        nodes: i64,
        paths: Vec<u8>,
    },
    Bits,
    /// Nothing to forecast; later heads may be given its value.
    Known,
}

/// An earlier head that a head knows the value of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Given {
    pub(crate) head: usize,
    pub(crate) direct: bool,
}

/// One head of the chain.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Head {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) classes: i64,
    pub(crate) hidden: i64,
    pub(crate) given: Vec<Given>,
    pub(crate) scale: f64,
    pub(crate) weighted: bool,
}

impl Head {
    /// How many values its target can take.
    pub(crate) fn values(&self) -> i64 {
        match self.kind {
            Kind::Bits => 1 << self.classes,
            Kind::Softmax | Kind::Tree { .. } | Kind::Known => self.classes,
        }
    }

    /// How many log-probabilities a forecast holds for it.
    pub(crate) fn outputs(&self) -> i64 {
        if self.kind == Kind::Known { 0 } else { self.classes }
    }

    /// How many logits it needs.
    pub(crate) fn logits(&self) -> i64 {
        match self.kind {
            Kind::Tree { nodes, .. } => nodes,
            Kind::Softmax | Kind::Bits => self.classes,
            Kind::Known => 0,
        }
    }
}

/// The network, checked.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Network {
    pub(crate) cell: Cell,
    pub(crate) hidden: i64,
    pub(crate) width: i64,
    pub(crate) dense: i64,
    pub(crate) tables: Vec<(String, i64)>,
    pub(crate) heads: Vec<Head>,
}

/// Larger sizes than these are mistakes.
const LARGEST: u32 = 1 << 12;
const MOST_BITS: u32 = 12;

impl Network {
    /// # Safety
    ///
    /// * Every pointer in `raw` is valid for as many elements as the length beside it says.
    pub(crate) unsafe fn read(raw: &abi::Network) -> Result<Self, Error> {
        let cell = match raw.cell {
            abi::GRU => Cell::Gru,
            abi::LSTM => Cell::Lstm,
            other => return Err(Error::Invalid(format!("there is no cell {other}"))),
        };
        let mut tables = Vec::new();
        // SAFETY: the caller keeps the pointer and its length.
        for table in unsafe { slice(raw.tables, raw.tables_len) } {
            // SAFETY: as above.
            tables.push((unsafe { text(table.name) }?, size("table", table.values)?));
        }
        let mut heads = Vec::new();
        // SAFETY: the caller keeps the pointer and its length.
        for head in unsafe { slice(raw.heads, raw.heads_len) } {
            // SAFETY: as above.
            let head = unsafe { read_head(head, &heads) }?;
            heads.push(head);
        }
        let network = Self {
            cell,
            hidden: size("state", raw.hidden)?,
            width: optional("width", raw.width)?,
            dense: optional("dense inputs", raw.dense)?,
            tables,
            heads,
        };
        network.check()
    }

    fn check(self) -> Result<Self, Error> {
        let refuse = |text: &str| Err(Error::Invalid(text.to_owned()));
        if self.heads.iter().all(|head| head.kind == Kind::Known) {
            return refuse("a network without heads forecasts nothing");
        }
        if self.width == 0 && !self.tables.is_empty() {
            return refuse("tables need a width to be looked up in");
        }
        if self.dense == 0 && self.tables.is_empty() {
            return refuse("a network without inputs sees nothing");
        }
        let mut names: Vec<&str> = self.tables.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) || names.contains(&"dense") {
            return refuse("tables need names of their own, and not `dense`");
        }
        let mut names: Vec<&str> = self.heads.iter().map(|head| head.name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return refuse("heads need names of their own");
        }
        Ok(self)
    }

    /// Floats of one state.
    pub(crate) fn state(&self) -> i64 {
        match self.cell {
            Cell::Gru => self.hidden,
            Cell::Lstm => 2 * self.hidden,
        }
    }

    /// Floats that enter the cell.
    pub(crate) fn entering(&self) -> i64 {
        if self.width == 0 { self.dense } else { self.width }
    }
}

/// # Safety
///
/// * As [`Network::read`].
unsafe fn read_head(raw: &abi::Head, earlier: &[Head]) -> Result<Head, Error> {
    // SAFETY: the caller keeps the pointer and its length.
    let name = unsafe { text(raw.name) }?;
    let classes = size("head", raw.classes)?;
    let kind = match raw.kind {
        abi::SOFTMAX => Kind::Softmax,
        abi::KNOWN if raw.hidden == 0 && raw.given_len == 0 => Kind::Known,
        abi::BITS if raw.classes <= MOST_BITS => Kind::Bits,
        abi::TREE => {
            let nodes = size("tree", raw.nodes)?;
            let len = 2 * raw.nodes as usize * raw.classes as usize;
            // SAFETY: the caller keeps the matrix and its sizes.
            let paths = unsafe { slice(raw.tree, len) }.to_vec();
            if paths.len() != len || paths.iter().any(|bit| *bit > 1) {
                return Err(Error::Invalid(format!("head {name}: its tree is not one of 0 and 1")));
            }
            Kind::Tree { nodes, paths }
        }
        other => return Err(Error::Invalid(format!("head {name}: no kind {other} of {classes}"))),
    };
    let mut given = Vec::new();
    // SAFETY: the caller keeps the pointer and its length.
    for raw in unsafe { slice(raw.given, raw.given_len) } {
        let head = raw.head as usize;
        if head >= earlier.len() || given.iter().any(|known: &Given| known.head == head) {
            return Err(Error::Invalid(format!(
                "head {name}: may be given each earlier head once, not number {head}"
            )));
        }
        given.push(Given { head, direct: raw.direct != 0 });
    }
    let hidden = optional("hidden layer", raw.hidden)?;
    if hidden == 0 && given.iter().any(|given| given.direct) {
        return Err(Error::Invalid(format!(
            "head {name}: without a hidden layer every value given is direct already"
        )));
    }
    let scale = f64::from(raw.scale);
    if !(scale.is_finite() && scale >= 0.0) {
        return Err(Error::Invalid(format!("head {name}: its part in the loss is {scale}")));
    }
    Ok(Head { name, kind, classes, hidden, given, scale, weighted: raw.weighted != 0 })
}

/// A size that may be 0.
fn optional(what: &str, number: u32) -> Result<i64, Error> {
    if number == 0 { Ok(0) } else { size(what, number) }
}

fn size(what: &str, size: u32) -> Result<i64, Error> {
    if size == 0 || size > LARGEST {
        return Err(Error::Invalid(format!("{what}: size {size}, not 1 to {LARGEST}")));
    }
    Ok(i64::from(size))
}

/// The elements behind a pointer; none behind null.
///
/// # Safety
///
/// * `pointer` is null or valid for `len` elements for as long as the answer is used.
pub(crate) unsafe fn slice<'a, T>(pointer: *const T, len: usize) -> &'a [T] {
    if pointer.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: the caller keeps the pointer and its length.
    unsafe { std::slice::from_raw_parts(pointer, len) }
}

/// # Safety
///
/// * `text` points to as many bytes as it says.
pub(crate) unsafe fn text(text: abi::Text) -> Result<String, Error> {
    // SAFETY: the caller keeps the pointer and its length.
    let bytes = unsafe { slice(text.bytes, text.len) };
    String::from_utf8(bytes.to_vec()).map_err(|_| Error::Invalid("text is not UTF-8".to_owned()))
}
