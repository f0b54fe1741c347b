//! AVX-512: sixteen lanes, thirty-two registers.
//!
//! Only the foundation (F) is used, so that every processor with any AVX-512 can run it.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::avx2::Avx2;
use super::vector::{Operation, Vector, instructions};

/// Proof that the processor has AVX-512F, and what comes with it.
#[derive(Clone, Copy)]
pub(super) struct Avx512(Avx2);

impl Avx512 {
    /// The token, if the processor has the instructions.
    pub(super) fn detect() -> Option<Self> {
        Avx2::detect().filter(|_| is_x86_feature_detected!("avx512f")).map(Self)
    }

    /// The proof of what comes with it.
    pub(super) const fn avx2(self) -> Avx2 {
        self.0
    }
}

impl Vector for Avx512 {
    type V = __m512;
    const LANES: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` proves that the instruction exists.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        // SAFETY: `self` proves that the instruction exists; the caller keeps `from` readable.
        unsafe { _mm512_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m512) {
        // SAFETY: `self` proves that the instruction exists; the caller keeps `to` writable.
        unsafe { _mm512_storeu_ps(to, value) }
    }

    instructions! { __m512:
        fn mul_add(a, b, c) = _mm512_fmadd_ps(a, b, c);
        fn add(a, b) = _mm512_add_ps(a, b);
        fn sub(a, b) = _mm512_sub_ps(a, b);
        fn mul(a, b) = _mm512_mul_ps(a, b);
        fn div(a, b) = _mm512_div_ps(a, b);
        fn min(a, b) = _mm512_min_ps(a, b);
        fn max(a, b) = _mm512_max_ps(a, b);
        fn low_bits_as_exponent(a) = _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(a)));
        fn exponent(a) = {
            let biased = _mm512_srli_epi32::<23>(_mm512_castps_si512(a));
            _mm512_cvtepi32_ps(_mm512_sub_epi32(biased, _mm512_set1_epi32(126)))
        };
        fn mantissa(a) = {
            let fraction =
                _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x007f_ffff));
            _mm512_castsi512_ps(_mm512_or_si512(fraction, _mm512_set1_epi32(0x3f00_0000)))
        };
        fn if_less(a, b, yes, no) =
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), no, yes);
    }

    #[inline(always)]
    fn fold_sum(self, a: __m512) -> f32 {
        // SAFETY: `self` proves that the instructions exist.
        let (low, high) = unsafe { halves(a) };
        self.0.fold_sum(self.0.add(low, high))
    }

    #[inline(always)]
    fn fold_max(self, a: __m512) -> f32 {
        // SAFETY: `self` proves that the instructions exist.
        let (low, high) = unsafe { halves(a) };
        self.0.fold_max(self.0.max(low, high))
    }

    #[inline]
    fn call<O: Operation>(self, operation: O) -> O::Output {
        #[target_feature(enable = "avx2,fma,avx512f")]
        fn inside<O: Operation>(token: Avx512, operation: O) -> O::Output {
            operation.run(token)
        }
        // SAFETY: `self` proves that the processor has AVX-512F, AVX2 and FMA.
        unsafe { inside(self, operation) }
    }
}

/// The lower and the upper eight lanes.
///
/// # Safety
/// The processor has AVX-512F.
#[inline(always)]
unsafe fn halves(a: __m512) -> (__m256, __m256) {
    // SAFETY: the caller's promise; AVX-512F alone moves halves of a register as doubles only.
    unsafe {
        let high = _mm512_extractf64x4_pd::<1>(_mm512_castps_pd(a));
        (_mm512_castps512_ps256(a), _mm256_castpd_ps(high))
    }
}
