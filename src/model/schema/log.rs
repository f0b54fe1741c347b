//! Binary logarithms of whole numbers, in whole numbers: the same on every machine.

/// Units of a logarithm in one octave.
pub(super) const OCTAVE: u16 = 1_024;

/// `log2(1 + value)` in 1/1,024 octaves, rounded; wrong by at most one unit.
#[inline]
pub(super) fn log(value: u64) -> u16 {
    let value = value.saturating_add(1);
    let zeros = value.leading_zeros();
    let mantissa = value << zeros;
    // Eight bits behind the leading one choose a step of the table, sixteen more a point within it.
    let step = (mantissa >> 55) as usize & 0xff;
    let within = (mantissa >> 39) as u32 & 0xffff;
    let (low, high) = (MANTISSA[step], MANTISSA[step + 1]);
    let fine = low + (((high - low) * within) >> 16);
    let whole = u32::from(OCTAVE) * (u64::BITS - 1 - zeros);
    // The very largest numbers would round up to 64 octaves.
    (whole + ((fine + 512) >> 10)).min(u32::from(u16::MAX) - 1) as u16
}

/// 0 for 0, else one more than the floor of twice the binary logarithm; at most `most`.
#[inline]
pub(super) fn half_octave(value: u64, most: u8) -> u8 {
    if value == 0 {
        return 0;
    }
    // The square root of two, scaled to a leading one in the highest bit.
    const ROOT: u64 = 0xb504_f333_f9de_6485;
    let zeros = value.leading_zeros();
    let upper = value << zeros >= ROOT;
    let bin = 1 + 2 * (u64::BITS - 1 - zeros) + u32::from(upper);
    bin.min(u32::from(most)) as u8
}

/// `log2(1 + step / 256)` in 2^-20 octaves.
static MANTISSA: [u32; 257] = {
    let mut table = [0; 257];
    let mut step = 0;
    while step <= 256 {
        table[step] = digits(256 + step as u64);
        step += 1;
    }
    table
};

/// `log2(n / 256)` in 2^-20 octaves: squaring a number between 1 and 2 doubles its logarithm, whose
/// whole bit is then the next digit.
const fn digits(n: u64) -> u32 {
    if n == 512 {
        return 1 << 20;
    }
    let mut mantissa = n << 24;
    let mut digits = 0;
    let mut left = 20;
    while left > 0 {
        mantissa = ((mantissa as u128 * mantissa as u128) >> 32) as u64;
        digits <<= 1;
        if mantissa >= 1 << 33 {
            mantissa >>= 1;
            digits |= 1;
        }
        left -= 1;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(value: u64) {
        let expected = (value as f64 + 1.0).log2() * f64::from(OCTAVE);
        let found = f64::from(log(value));
        assert!((found - expected).abs() <= 1.5, "{value}: {found} is not {expected}");
    }

    proptest! {
        #[test]
        fn a_logarithm_is_right_to_a_unit_and_never_falls(value: u64, shift in 0_u32..64) {
            let value = value >> shift;
            check(value);
            prop_assert!(log(value.saturating_add(1)) >= log(value));
        }

        #[test]
        fn half_octaves_are_floors_of_twice_the_logarithm(value in 1_u64..1 << 50, shift in 0_u32..50) {
            let value = (value >> shift).max(1);
            let square = u128::from(value) * u128::from(value);
            prop_assert_eq!(u32::from(half_octave(value, 255)), 1 + square.ilog2());
        }
    }

    #[test]
    fn the_ends_are_exact() {
        assert_eq!([log(0), log(1), log(3), log(1_023)], [0, 1_024, 2_048, 10_240]);
        assert_eq!(log(u64::MAX), u16::MAX - 1);
        assert_eq!([half_octave(0, 57), half_octave(1, 57), half_octave(u64::MAX, 57)], [0, 1, 57]);
    }
}
