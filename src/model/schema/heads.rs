//! What is forecast of the next packet, in which order, each given what came before it.

use super::super::FlagClass;
use super::super::discretise::{SIDE_FLAGS, SIZES, TIMES};
use super::sizes::FINE_SIZES;

/// Classes of payload entropy: half a bit each.
pub const ENTROPIES: usize = 16;

/// Decisions of the tree of side and flags: the side, then seven for each.
pub const SIDE_FLAGS_NODES: usize = 15;

/// By flag class: the decisions after the side, and which way each goes. Those of the second side
/// are numbered seven higher; the side itself is decision 0, so the first is `1 + 0`.
///
/// ```text
/// reset? FIN? SYN? then with ACK? or: ACK? then with PSH? or other?
/// ```
pub const FLAG_PATHS: [&[(usize, bool)]; FlagClass::COUNT] = [
    &[(0, false), (1, false), (2, false), (4, false), (6, false)],
    &[(0, false), (1, false), (2, true), (3, false)],
    &[(0, false), (1, false), (2, true), (3, true)],
    &[(0, false), (1, false), (2, false), (4, true), (5, false)],
    &[(0, false), (1, false), (2, false), (4, true), (5, true)],
    &[(0, false), (1, true)],
    &[(0, true)],
    &[(0, false), (1, false), (2, false), (4, false), (6, true)],
];

/// The decisions on the way to a symbol of side and flags.
pub fn side_flags_path(symbol: u8) -> impl Iterator<Item = (usize, bool)> {
    let (side, class) = (usize::from(symbol >> 3) & 1, usize::from(symbol & 7));
    let flags = FLAG_PATHS[class].iter().map(move |&(node, yes)| (1 + 7 * side + node, yes));
    std::iter::once((0, side == 1)).chain(flags)
}

/// How a head's logits become probabilities.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// One of the [`SIDE_FLAGS`] symbols, by the decisions of [`side_flags_path`].
    SideFlags,
    /// One of so many classes, by softmax.
    Class(usize),
    /// Yes or no, by one logit.
    Bit,
    /// Nothing: a value of so many that later heads are given, finer than what was forecast of it.
    Known(usize),
}

impl Outcome {
    /// How many logits it takes.
    #[must_use]
    pub const fn logits(self) -> usize {
        match self {
            Self::SideFlags => SIDE_FLAGS_NODES,
            Self::Class(classes) => classes,
            Self::Bit => 1,
            Self::Known(_) => 0,
        }
    }

    /// How many values can be given to a later head.
    #[must_use]
    pub const fn values(self) -> usize {
        match self {
            Self::SideFlags => SIDE_FLAGS,
            Self::Class(values) | Self::Known(values) => values,
            Self::Bit => 2,
        }
    }
}

/// An earlier head whose value a head is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Given {
    /// Its number in [`HEADS`].
    pub head: usize,
    /// Whether the value shifts the logits too, past the hidden layer.
    pub direct: bool,
}

/// One head of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Its name in a model file: `head.NAME.weight`.
    pub name: &'static str,
    /// What it forecasts.
    pub outcome: Outcome,
    /// Rectified units between the state and the logits; 0 for logits straight from the state.
    pub hidden: usize,
    /// The earlier heads that it is given.
    pub given: &'static [Given],
}

/// Numbers of the heads in [`HEADS`].
pub mod number {
    /// Who sends, with which flags: [`super::SIDE_FLAGS`] symbols, sides by role.
    pub const SIDE_FLAGS: usize = 0;
    /// The common size bin.
    pub const SIZE: usize = 1;
    /// The fine size bin, which only later heads are given; the model file's table says how it lies
    /// in the common one.
    pub const FINE_SIZE: usize = 2;
    /// The time since the packet before.
    pub const TIME: usize = 3;
    /// That time before anything else is known of the packet.
    pub const WAIT: usize = 4;
    /// Whether nothing more comes.
    pub const NOTHING: usize = 5;
    /// The payload's entropy, where it has one.
    pub const ENTROPY: usize = 6;
}

/// The chain.
pub const HEADS: [Head; 7] = [
    Head { name: "side_flags", outcome: Outcome::SideFlags, hidden: 0, given: &[] },
    Head {
        name: "size",
        outcome: Outcome::Class(SIZES),
        hidden: 32,
        given: &[Given { head: number::SIDE_FLAGS, direct: true }],
    },
    Head { name: "fine_size", outcome: Outcome::Known(FINE_SIZES), hidden: 0, given: &[] },
    Head { name: "time", outcome: Outcome::Class(TIMES), hidden: 32, given: BOTH },
    Head { name: "wait", outcome: Outcome::Class(TIMES), hidden: 0, given: &[] },
    Head { name: "nothing", outcome: Outcome::Bit, hidden: 0, given: &[] },
    Head { name: "entropy", outcome: Outcome::Class(ENTROPIES), hidden: 16, given: BOTH },
];

const BOTH: &[Given] = &[
    Given { head: number::SIDE_FLAGS, direct: true },
    Given { head: number::FINE_SIZE, direct: false },
];

/// The class of a payload's entropy as [`PacketFacts::entropy`](super::super::PacketFacts) has it.
#[must_use]
pub const fn entropy_class(entropy: u8) -> u8 {
    entropy >> 4
}
