//! Which instructions the engine runs on.

#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};

/// A choice of instructions. All give the same bits; they differ in speed alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Dispatch {
    /// The widest that the processor has.
    #[default]
    Auto,
    /// Plain Rust.
    Plain,
    /// AVX2 with fused multiply-add (x86-64 since 2013).
    Avx2,
    /// AVX-512.
    Avx512,
}

impl Dispatch {
    /// The level that was chosen, if the processor has it.
    pub(super) fn resolve(self) -> Option<Level> {
        match self {
            Self::Auto => {
                [Self::Avx512, Self::Avx2, Self::Plain].into_iter().find_map(Self::resolve)
            }
            Self::Plain => Some(Level::Plain),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2::detect().map(Level::Avx2),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512::detect().map(Level::Avx512),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => None,
        }
    }
}

/// Instructions that the processor is known to have.
#[derive(Clone, Copy)]
pub(super) enum Level {
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}
