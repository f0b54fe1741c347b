//! Work on eight lanes, compiled for the widest instructions that need no other arithmetic.

use super::Dispatch;
use super::eight::{AnyEight, Eight};
use super::level::Level;
#[cfg(target_arch = "x86_64")]
use super::{
    avx2::Avx2,
    vector::{Operation, Vector},
};

/// Loops over arrays and [`Eight`] lanes.
///
/// The same source is compiled once for every processor and once for those with AVX2. Nothing in it
/// is fused or put into another order by that, so the bits are the same. What is to be faster must be
/// `#[inline(always)]`, from [`Self::run`] down.
pub(in crate::model) trait Work {
    /// What it answers.
    type Output;

    /// Does it.
    fn run<E: Eight>(self, e: E) -> Self::Output;
}

/// Instructions to do [`Work`] with.
#[derive(Clone, Copy)]
pub(in crate::model) struct Instructions(pub(super) Level);

impl Instructions {
    /// The widest that the processor has.
    pub(in crate::model) fn widest() -> Self {
        Self(Dispatch::Auto.resolve().unwrap_or(Level::Plain))
    }

    /// Those that any processor has.
    #[cfg(test)]
    pub(in crate::model) const PLAIN: Self = Self(Level::Plain);

    /// Does a piece of work.
    #[inline]
    pub(in crate::model) fn run<W: Work>(self, work: W) -> W::Output {
        match self.0 {
            Level::Plain => work.run(AnyEight),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(token) => token.call(Compiled(token, work)),
            // Registers of sixteen lanes gain nothing where a decision has eight inputs.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(token) => token.avx2().call(Compiled(token.avx2(), work)),
        }
    }
}

/// Work as an operation on AVX2.
#[cfg(target_arch = "x86_64")]
struct Compiled<W>(Avx2, W);

#[cfg(target_arch = "x86_64")]
impl<W: Work> Operation for Compiled<W> {
    type Output = W::Output;

    #[inline(always)]
    fn run<S: Vector>(self, _: S) -> W::Output {
        self.1.run(self.0)
    }
}
