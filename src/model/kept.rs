//! Why what a model kept can't be taken back.

use std::fmt;

/// What is wrong with it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum KeptError {
    /// This model keeps nothing over a restart.
    KeepsNothing,
    /// Another model kept it.
    OtherModel {
        /// The model that is to take it.
        expected: String,
        /// The model that kept it.
        found: String,
    },
    /// It was kept in another form than this version's.
    OtherForm,
    /// It was learned in a table of another size.
    OtherSize {
        /// Bytes of the table that is to take it.
        expected: u64,
        /// Bytes of the table that it was learned in.
        found: u64,
    },
    /// It can't be understood.
    Damaged,
}

impl fmt::Display for KeptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeepsNothing => f.write_str("this model keeps nothing over a restart"),
            Self::OtherModel { expected, found } => {
                write!(f, "the model {found:?} learned it, and this is {expected:?}")
            }
            Self::OtherForm => f.write_str("another version of Foreshadow learned it"),
            Self::OtherSize { expected, found } => write!(
                f,
                "it was learned in a table of {found} bytes, and this one has {expected} \
                 (model.table_mib)"
            ),
            Self::Damaged => f.write_str("what the model learned can't be understood"),
        }
    }
}

impl std::error::Error for KeptError {}
