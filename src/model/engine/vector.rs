//! What the kernels ask of a set of vector instructions.
//!
//! A value of a type that implements [`Vector`] is a token: it is made only after the processor was
//! asked whether it has the instructions, so whoever holds one may use them. Arithmetic is therefore
//! safe to call; only reading and writing through pointers is not.
//!
//! Instructions are only fast where they are inlined into a function that was compiled for them.
//! [`Vector::call`] is that function, one for each set, and everything that it reaches, from
//! [`Operation::run`] down, is `#[inline(always)]`. Closures would not inherit the instructions
//! and become calls (measured: 1.1 us a packet), which is why the kernels have none.
#![allow(unsafe_code)]

/// A set of vector instructions.
pub(super) trait Vector: Copy {
    /// A register of [`Self::LANES`] floats.
    type V: Copy;
    /// Floats in a register: 8 or 16.
    const LANES: usize;

    /// `x` in all lanes.
    fn splat(self, x: f32) -> Self::V;

    /// Reads a register.
    ///
    /// # Safety
    /// `from` is readable for [`Self::LANES`] floats. It need not be aligned.
    unsafe fn load(self, from: *const f32) -> Self::V;

    /// Writes a register.
    ///
    /// # Safety
    /// `to` is writable for [`Self::LANES`] floats. It need not be aligned.
    unsafe fn store(self, to: *mut f32, value: Self::V);

    /// a * b + c, rounded once.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// a + b.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// a - b.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// a * b.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// a / b, correctly rounded; the fast reciprocals differ between makers of processors.
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` if one is no number.
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    /// The larger; `b` if one is no number.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// The number without fraction whose exponent, as it is stored, is in the lowest bits of `a`.
    fn low_bits_as_exponent(self, a: Self::V) -> Self::V;
    /// Of positive normal numbers, e in m * 2^e with 0.5 <= m < 1.
    fn exponent(self, a: Self::V) -> Self::V;
    /// Of positive normal numbers, m in m * 2^e with 0.5 <= m < 1.
    fn mantissa(self, a: Self::V) -> Self::V;
    /// `yes` where a < b, else `no`.
    fn if_less(self, a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;

    /// The sum of all lanes: the upper half is added to the lower until one is left.
    fn fold_sum(self, a: Self::V) -> f32;
    /// The largest lane, if all are numbers.
    fn fold_max(self, a: Self::V) -> f32;

    /// Runs an operation in a function that is compiled for these instructions.
    fn call<O: Operation>(self, operation: O) -> O::Output;

    /// Reads a register from the front of a slice, which must be long enough.
    #[inline(always)]
    fn read(self, from: &[f32]) -> Self::V {
        assert!(from.len() >= Self::LANES);
        // SAFETY: the slice is readable for that many floats, as was just seen.
        unsafe { self.load(from.as_ptr()) }
    }

    /// Writes a register to the front of a slice, which must be long enough.
    #[inline(always)]
    fn write(self, to: &mut [f32], value: Self::V) {
        assert!(to.len() >= Self::LANES);
        // SAFETY: the slice is writable for that many floats, as was just seen.
        unsafe { self.store(to.as_mut_ptr(), value) }
    }
}

/// A piece of work that any set of vector instructions can do.
pub(super) trait Operation {
    /// What it answers.
    type Output;

    /// Does it. Implementations are `#[inline(always)]`, else they lose the instructions.
    fn run<S: Vector>(self, s: S) -> Self::Output;
}

/// Writes the lane-by-lane methods of [`Vector`] for a token whose registers are `$v`.
macro_rules! instructions {
    ($v:ty: $(fn $name:ident($($argument:ident),*) = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($argument: $v),*) -> $v {
            // SAFETY: the token was made after the processor said that it has the instructions,
            // and these have no other condition.
            unsafe { $body }
        }
    )*};
}
pub(super) use instructions;
