//! Asking for memory before it is needed.
#![allow(unsafe_code)]

/// Tells the processor that a value will be needed soon: all cache lines of it. Where many connections
/// are live, what is kept of one comes from memory, which takes as long as a forecast.
#[inline(always)]
pub(in crate::model) fn prefetch<T: ?Sized>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let first = std::ptr::from_ref(value).cast::<i8>();
        let mut at = 0;
        while at < size_of_val(value) {
            // SAFETY: every x86-64 has the instruction, and it may be given any address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(first.wrapping_add(at)) };
            at += 64;
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
