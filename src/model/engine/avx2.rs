//! AVX2 with fused multiply-add (and the count of bits that came long before it): eight lanes, sixteen registers.
#![allow(unsafe_code)]

use std::arch::x86_64::*;

use super::vector::{Operation, Vector, instructions};

/// Proof that the processor has AVX2, FMA and POPCNT.
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// The token, if the processor has the instructions.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("popcnt"))
        .then_some(Self(()))
    }
}

impl Vector for Avx2 {
    type V = __m256;
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: `self` proves that the instruction exists.
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        // SAFETY: `self` proves that the instruction exists; the caller keeps `from` readable.
        unsafe { _mm256_loadu_ps(from) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, value: __m256) {
        // SAFETY: `self` proves that the instruction exists; the caller keeps `to` writable.
        unsafe { _mm256_storeu_ps(to, value) }
    }

    instructions! { __m256:
        fn mul_add(a, b, c) = _mm256_fmadd_ps(a, b, c);
        fn add(a, b) = _mm256_add_ps(a, b);
        fn sub(a, b) = _mm256_sub_ps(a, b);
        fn mul(a, b) = _mm256_mul_ps(a, b);
        fn div(a, b) = _mm256_div_ps(a, b);
        fn min(a, b) = _mm256_min_ps(a, b);
        fn max(a, b) = _mm256_max_ps(a, b);
        fn low_bits_as_exponent(a) = _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(a)));
        fn exponent(a) = {
            let biased = _mm256_srli_epi32::<23>(_mm256_castps_si256(a));
            _mm256_cvtepi32_ps(_mm256_sub_epi32(biased, _mm256_set1_epi32(126)))
        };
        fn mantissa(a) = {
            let fraction =
                _mm256_and_si256(_mm256_castps_si256(a), _mm256_set1_epi32(0x007f_ffff));
            _mm256_castsi256_ps(_mm256_or_si256(fraction, _mm256_set1_epi32(0x3f00_0000)))
        };
        fn if_less(a, b, yes, no) =
            _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_LT_OQ>(a, b));
    }

    #[inline(always)]
    fn fold_sum(self, a: __m256) -> f32 {
        // SAFETY: `self` proves that the instructions exist.
        unsafe {
            let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline(always)]
    fn fold_max(self, a: __m256) -> f32 {
        // SAFETY: `self` proves that the instructions exist.
        unsafe {
            let four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
        }
    }

    #[inline]
    fn call<O: Operation>(self, operation: O) -> O::Output {
        #[target_feature(enable = "avx2,fma,popcnt")]
        fn inside<O: Operation>(token: Avx2, operation: O) -> O::Output {
            operation.run(token)
        }
        // SAFETY: `self` proves that the processor has the features of `inside`.
        unsafe { inside(self, operation) }
    }
}
