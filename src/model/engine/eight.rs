//! Eight lanes of floats or of small whole numbers, with look-ups in tables of a fixed size.
//!
//! What mixes forecasts has eight inputs to a decision and finds its weights in tables. Compilers make
//! single loads and stores of that, so it is written on this instead: once, for all processors. Every
//! operation is rounded on its own and none is fused, so all give the same bits. Everything is safe to
//! call: a place in a table is cut to the table's length.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use super::avx2::Avx2;

/// Eight lanes of some instructions.
pub(in crate::model) trait Eight: Copy {
    /// Floats.
    type F: Copy;
    /// Whole numbers from 0 on.
    type N: Copy;

    /// `x` in all lanes.
    fn splat(self, x: f32) -> Self::F;
    /// Reads eight floats.
    fn read(self, from: &[f32; 8]) -> Self::F;
    /// Writes eight floats.
    fn write(self, to: &mut [f32; 8], value: Self::F);
    /// Reads eight whole numbers.
    fn read_whole(self, from: &[u16; 8]) -> Self::N;
    /// Writes eight whole numbers, all of them below 2^16.
    fn write_whole(self, to: &mut [u16; 8], value: Self::N);

    /// a + b.
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// a - b.
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// a * b.
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// a / b.
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// The nearest of `low` and `high` where it is not between them. Numbers only.
    fn clamp(self, a: Self::F, low: f32, high: f32) -> Self::F;
    /// The sum of all lanes: the upper half is added to the lower until one is left.
    fn sum(self, a: Self::F) -> f32;

    /// Bits that are in `mask` too.
    fn and(self, a: Self::N, mask: u32) -> Self::N;
    /// Without the lowest four bits.
    fn sixteenth(self, a: Self::N) -> Self::N;
    /// 16 a + b, where b is below 16.
    fn sixteen_and(self, a: Self::N, b: Self::N) -> Self::N;
    /// a + 1, at most 15.
    fn next_count(self, a: Self::N) -> Self::N;
    /// How many lanes are not 0.
    fn count(self, a: Self::N) -> u32;
    /// The same numbers as floats, if they are below 2^24.
    fn floats(self, a: Self::N) -> Self::F;
    /// The bits of floats.
    fn bits(self, a: Self::F) -> Self::N;

    /// With two other numbers in the first two lanes.
    fn with_first(self, a: Self::F, first: f32, second: f32) -> Self::F;
    /// The same of whole numbers.
    fn with_first_whole(self, a: Self::N, first: u32, second: u32) -> Self::N;

    /// What a table holds at some places.
    fn look_up(self, table: &[f32; 4_096], at: Self::N) -> Self::F;
    /// What each lane's own row holds.
    fn look_up_rows(self, rows: &[[f32; 16]; 8], at: Self::N) -> Self::F;
}

/// Any processor's: the truth.
#[derive(Clone, Copy)]
pub(in crate::model) struct AnyEight;

impl Eight for AnyEight {
    type F = [f32; 8];
    type N = [u32; 8];

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 8] {
        [x; 8]
    }

    #[inline(always)]
    fn read(self, from: &[f32; 8]) -> [f32; 8] {
        *from
    }

    #[inline(always)]
    fn write(self, to: &mut [f32; 8], value: [f32; 8]) {
        *to = value;
    }

    #[inline(always)]
    fn read_whole(self, from: &[u16; 8]) -> [u32; 8] {
        from.map(u32::from)
    }

    #[inline(always)]
    fn write_whole(self, to: &mut [u16; 8], value: [u32; 8]) {
        *to = value.map(|value| value as u16);
    }

    #[inline(always)]
    fn add(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| a[lane] + b[lane])
    }

    #[inline(always)]
    fn sub(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| a[lane] - b[lane])
    }

    #[inline(always)]
    fn mul(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| a[lane] * b[lane])
    }

    #[inline(always)]
    fn div(self, a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| a[lane] / b[lane])
    }

    #[inline(always)]
    fn clamp(self, a: [f32; 8], low: f32, high: f32) -> [f32; 8] {
        a.map(|a| a.clamp(low, high))
    }

    #[inline(always)]
    fn sum(self, [a, b, c, d, e, f, g, h]: [f32; 8]) -> f32 {
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    }

    #[inline(always)]
    fn and(self, a: [u32; 8], mask: u32) -> [u32; 8] {
        a.map(|a| a & mask)
    }

    #[inline(always)]
    fn sixteenth(self, a: [u32; 8]) -> [u32; 8] {
        a.map(|a| a >> 4)
    }

    #[inline(always)]
    fn sixteen_and(self, a: [u32; 8], b: [u32; 8]) -> [u32; 8] {
        std::array::from_fn(|lane| a[lane] << 4 | b[lane])
    }

    #[inline(always)]
    fn next_count(self, a: [u32; 8]) -> [u32; 8] {
        a.map(|a| (a + 1).min(15))
    }

    #[inline(always)]
    fn count(self, a: [u32; 8]) -> u32 {
        a.iter().map(|&a| a.min(1)).sum()
    }

    #[inline(always)]
    fn floats(self, a: [u32; 8]) -> [f32; 8] {
        a.map(|a| a as f32)
    }

    #[inline(always)]
    fn bits(self, a: [f32; 8]) -> [u32; 8] {
        a.map(f32::to_bits)
    }

    #[inline(always)]
    fn with_first(self, mut a: [f32; 8], first: f32, second: f32) -> [f32; 8] {
        (a[0], a[1]) = (first, second);
        a
    }

    #[inline(always)]
    fn with_first_whole(self, mut a: [u32; 8], first: u32, second: u32) -> [u32; 8] {
        (a[0], a[1]) = (first, second);
        a
    }

    #[inline(always)]
    fn look_up(self, table: &[f32; 4_096], at: [u32; 8]) -> [f32; 8] {
        at.map(|at| table[at as usize % 4_096])
    }

    #[inline(always)]
    fn look_up_rows(self, rows: &[[f32; 16]; 8], at: [u32; 8]) -> [f32; 8] {
        std::array::from_fn(|lane| rows[lane][at[lane] as usize % 16])
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{Avx2, Eight};

    /// Writes methods that need nothing but the instructions.
    macro_rules! lanes {
        ($(fn $name:ident($($argument:ident: $kind:ty),*) -> $result:ty = $body:expr;)*) => {$(
            #[inline(always)]
            fn $name(self, $($argument: $kind),*) -> $result {
                // SAFETY: the token was made after the processor said that it has the instructions;
                // a place in a table was cut to its length, and arrays are as long as what is read
                // from them or written to them.
                unsafe { $body }
            }
        )*};
    }

    impl Eight for Avx2 {
        type F = __m256;
        type N = __m256i;

        lanes! {
            fn splat(x: f32) -> __m256 = _mm256_set1_ps(x);
            fn read(from: &[f32; 8]) -> __m256 = _mm256_loadu_ps(from.as_ptr());
            fn write(to: &mut [f32; 8], value: __m256) -> () =
                _mm256_storeu_ps(to.as_mut_ptr(), value);
            fn read_whole(from: &[u16; 8]) -> __m256i =
                _mm256_cvtepu16_epi32(_mm_loadu_si128(from.as_ptr().cast()));
            fn write_whole(to: &mut [u16; 8], value: __m256i) -> () = {
                let (low, high) =
                    (_mm256_castsi256_si128(value), _mm256_extracti128_si256::<1>(value));
                _mm_storeu_si128(to.as_mut_ptr().cast(), _mm_packus_epi32(low, high));
            };
            fn add(a: __m256, b: __m256) -> __m256 = _mm256_add_ps(a, b);
            fn sub(a: __m256, b: __m256) -> __m256 = _mm256_sub_ps(a, b);
            fn mul(a: __m256, b: __m256) -> __m256 = _mm256_mul_ps(a, b);
            fn div(a: __m256, b: __m256) -> __m256 = _mm256_div_ps(a, b);
            fn clamp(a: __m256, low: f32, high: f32) -> __m256 =
                _mm256_min_ps(_mm256_max_ps(a, _mm256_set1_ps(low)), _mm256_set1_ps(high));
            fn sum(a: __m256) -> f32 = {
                let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
                let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
            };
            fn and(a: __m256i, mask: u32) -> __m256i =
                _mm256_and_si256(a, _mm256_set1_epi32(mask.cast_signed()));
            fn sixteenth(a: __m256i) -> __m256i = _mm256_srli_epi32::<4>(a);
            fn sixteen_and(a: __m256i, b: __m256i) -> __m256i =
                _mm256_or_si256(_mm256_slli_epi32::<4>(a), b);
            fn next_count(a: __m256i) -> __m256i =
                _mm256_min_epu32(_mm256_add_epi32(a, _mm256_set1_epi32(1)), _mm256_set1_epi32(15));
            fn count(a: __m256i) -> u32 = {
                let zero = _mm256_cmpeq_epi32(a, _mm256_setzero_si256());
                8 - (_mm256_movemask_ps(_mm256_castsi256_ps(zero)).cast_unsigned()).count_ones()
            };
            fn floats(a: __m256i) -> __m256 = _mm256_cvtepi32_ps(a);
            fn bits(a: __m256) -> __m256i = _mm256_castps_si256(a);
            fn with_first(a: __m256, first: f32, second: f32) -> __m256 = {
                let both = _mm_unpacklo_ps(_mm_set_ss(first), _mm_set_ss(second));
                _mm256_blend_ps::<3>(a, _mm256_castps128_ps256(both))
            };
            fn with_first_whole(a: __m256i, first: u32, second: u32) -> __m256i = {
                let both = u64::from(second) << 32 | u64::from(first);
                let both = _mm_cvtsi64_si128(both.cast_signed());
                _mm256_blend_epi32::<3>(a, _mm256_castsi128_si256(both))
            };
            fn look_up(table: &[f32; 4_096], at: __m256i) -> __m256 = {
                let at = _mm256_and_si256(at, _mm256_set1_epi32(4_095));
                _mm256_i32gather_ps::<4>(table.as_ptr(), at)
            };
            fn look_up_rows(rows: &[[f32; 16]; 8], at: __m256i) -> __m256 = {
                let at = _mm256_and_si256(at, _mm256_set1_epi32(15));
                let begins = _mm256_setr_epi32(0, 16, 32, 48, 64, 80, 96, 112);
                _mm256_i32gather_ps::<4>(rows.as_ptr().cast(), _mm256_or_si256(at, begins))
            };
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All operations on some numbers, as bits.
    fn all<E: Eight>(e: E, floats: &[f32; 8], slots: &[u16; 8]) -> Vec<u32> {
        let table: Box<[f32; 4_096]> = Box::new(std::array::from_fn(|at| at as f32 * 0.37));
        let rows: [[f32; 16]; 8] =
            std::array::from_fn(|row| std::array::from_fn(|at| (row * 100 + at) as f32));
        let (a, n) = (e.read(floats), e.read_whole(slots));
        let b = e.floats(n);
        let count = e.and(n, 15);
        let results = [
            e.add(a, b),
            e.sub(a, b),
            e.mul(a, b),
            e.div(a, e.add(b, e.splat(1.5))),
            e.clamp(a, -1.0, 4.5),
            e.with_first(a, 7.0, 8.0),
            e.look_up(&table, e.bits(a)),
            e.look_up(&table, e.sixteenth(n)),
            e.look_up_rows(&rows, n),
            e.floats(e.with_first_whole(count, 3, 4)),
            e.floats(e.sixteen_and(e.sixteenth(n), e.next_count(count))),
        ];
        let mut bits = vec![e.sum(a).to_bits(), e.count(count)];
        for result in results {
            let mut out = [0.0; 8];
            e.write(&mut out, result);
            bits.extend(out.map(f32::to_bits));
        }
        let mut out = [0; 8];
        e.write_whole(&mut out, n);
        bits.extend(out.map(u32::from));
        bits
    }

    proptest! {
        #[test]
        fn all_lanes_are_those_of_any_processor(
            floats in prop::array::uniform8(-1e6_f32..1e6),
            slots in prop::array::uniform8(any::<u16>()),
        ) {
            if let Some(avx2) = Avx2::detect() {
                prop_assert_eq!(all(AnyEight, &floats, &slots), all(avx2, &floats, &slots));
            }
        }
    }
}
