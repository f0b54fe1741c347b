//! Why there is no training: what is missing, where it was looked for, how to get it.

use std::fmt;
use std::path::PathBuf;

use crate::train::abi;

/// What kind of thing the library refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// Arguments that don't fit the network.
    Argument,
    /// A file that could not be read or written, or is not what it should be.
    File,
    /// libtorch failed: most often memory, or the device.
    Torch,
    /// The loss or its gradient was not a finite number; nothing was learned from the batch.
    Diverged,
}

/// What went wrong with the library of `engine-torch`, or in it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum PluginError {
    /// The folder lacks one of libtorch's libraries.
    NoLibtorch {
        /// The folder it was looked for in.
        folder: PathBuf,
        /// The file that is not there.
        file: &'static str,
    },
    /// The folder holds another libtorch than the library was made for.
    OtherLibtorch {
        /// The folder.
        folder: PathBuf,
        /// The version it says of itself.
        found: String,
    },
    /// There is no library of `engine-torch`.
    NoPlugin {
        /// The file it was looked for as.
        path: PathBuf,
    },
    /// A library is there but could not be opened.
    NotOpened {
        /// The library.
        path: PathBuf,
        /// The loader's words.
        reason: String,
    },
    /// The library of `engine-torch` comes from another build of Foreshadow.
    OtherVersion {
        /// The library.
        path: PathBuf,
        /// Its version of the interface.
        found: u32,
    },
    /// Numbers that don't fit the network in count.
    Count {
        /// What they are.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A call was refused.
    Refused {
        /// What kind of thing it was.
        what: Refusal,
        /// The library's words.
        text: String,
    },
}

impl fmt::Display for PluginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, get) = (abi::LIBTORCH, "`make torch` fetches and builds both");
        match self {
            Self::NoLibtorch { folder, file } => {
                let folder = folder.display();
                write!(
                    f,
                    "training needs libtorch {version}, and {folder} has no {file}; {get}, or name \
                     the `lib` folder of another copy"
                )
            }
            Self::OtherLibtorch { folder, found } => {
                let folder = folder.display();
                write!(f, "{folder} holds libtorch {found}, training needs {version}; {get}")
            }
            Self::NoPlugin { path } => {
                let path = path.display();
                write!(f, "training needs the library of engine-torch, not at {path}; {get}")
            }
            Self::NotOpened { path, reason } => {
                write!(f, "{} could not be opened: {reason}", path.display())
            }
            Self::OtherVersion { path, found } => {
                let (path, wanted) = (path.display(), abi::VERSION);
                write!(
                    f,
                    "{path} is of another build (interface {found}, this one speaks {wanted}); \
                     `make torch` builds it anew"
                )
            }
            Self::Count { what, found, expected } => {
                write!(f, "{what}: {found} numbers where the network takes {expected}")
            }
            Self::Refused { what: Refusal::Diverged, text } => {
                write!(f, "training diverged: {text}; a lower learning rate may help")
            }
            Self::Refused { what: Refusal::Torch, text } => write!(f, "libtorch failed: {text}"),
            Self::Refused { text, .. } => f.write_str(text),
        }
    }
}

impl std::error::Error for PluginError {}
