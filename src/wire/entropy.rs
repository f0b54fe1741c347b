//! Shannon entropy of a payload's first bytes, in integers.

/// How much of a payload is looked at. Every packet of the line pays for it, up to 2 ns a byte.
const PREFIX: usize = 64;
/// Fewer bytes than this say nothing about how random their source is.
const SHORTEST: usize = 8;
/// Fraction bits of the fixed point that sums are kept in: 64 · log2 64 fits 32 bits by far.
const FRACTION: u32 = 20;
/// Units of the answer in a bit, as a power of two.
const UNITS_PER_BIT: u32 = 5;

/// Entropy of the first 64 bytes in 1/32 bit a byte, `None` for fewer than eight bytes.
///
/// 0 is one byte repeated. This is the entropy of the bytes as they stand, not corrected for how few
/// they are: `n` bytes reach at most log2 `n` bits (eight bytes 96, sixty-four 192), and 64 bytes of
/// a good cipher show about 5.8 bits (185). A model that compares payloads must therefore know their
/// length beside it. Integer arithmetic: the same bytes give the same number on every machine.
///
/// Example: `payload_entropy(b"abcdabcdabcdabcd")` is two bits, `Some(64)`.
#[must_use]
pub fn payload_entropy(payload: &[u8]) -> Option<u8> {
    if payload.len() < SHORTEST {
        return None;
    }
    let prefix = payload.get(..PREFIX).unwrap_or(payload);
    // H = log2 n - (1/n) Σ c·log2 c over the count c of each byte value. Instead of a pass over
    // all 256 counts afterwards, each byte adds what its count's term grows by, so the cost
    // follows the payload's length. The count of the byte last seen stays in a register: through
    // memory, a run of equal bytes (padding) would wait for its own store each time, seven times
    // slower than text.
    let mut counts = [0u8; 256];
    let mut terms = 0u32;
    let (mut last, mut count) = (0u8, 0u8);
    for &byte in prefix {
        if byte != last {
            counts[usize::from(last)] = count;
            count = counts[usize::from(byte)];
            last = byte;
        }
        terms += GROWTH[usize::from(count)];
        count += 1;
    }
    let length = u32::try_from(prefix.len()).unwrap_or(u32::MAX);
    let bits = n_log2_n(length).saturating_sub(terms) / length;
    let rounded = (bits + (1 << (FRACTION - UNITS_PER_BIT - 1))) >> (FRACTION - UNITS_PER_BIT);
    Some(u8::try_from(rounded).unwrap_or(u8::MAX))
}

/// `n · log2 n` for what a prefix can hold.
fn n_log2_n(n: u32) -> u32 {
    TERM.get(n as usize).copied().unwrap_or_default()
}

/// `n · log2 n` in fixed point.
static TERM: [u32; PREFIX + 1] = {
    let mut table = [0; PREFIX + 1];
    let mut n = 1;
    while n <= PREFIX {
        table[n] = n as u32 * log2(n as u32);
        n += 1;
    }
    table
};

/// What `n · log2 n` grows by from one `n` to the next.
static GROWTH: [u32; PREFIX] = {
    let mut table = [0; PREFIX];
    let mut n = 0;
    while n < PREFIX {
        table[n] = TERM[n + 1] - TERM[n];
        n += 1;
    }
    table
};

/// Binary logarithm of `n >= 1` in fixed point: squaring a number between 1 and 2 doubles its
/// logarithm, whose integer bit is then the next digit.
const fn log2(n: u32) -> u32 {
    let whole = n.ilog2();
    let mut mantissa = (n as u64) << (32 - whole);
    let mut digits = 0;
    let mut left = FRACTION;
    while left > 0 {
        mantissa = ((mantissa as u128 * mantissa as u128) >> 32) as u64;
        digits <<= 1;
        if mantissa >= 1 << 33 {
            mantissa >>= 1;
            digits |= 1;
        }
        left -= 1;
    }
    (whole << FRACTION) | digits
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    /// The definition, in floating point.
    fn plainly(payload: &[u8]) -> f64 {
        let prefix = &payload[..payload.len().min(PREFIX)];
        let probability = |value: u8| {
            prefix.iter().filter(|byte| **byte == value).count() as f64 / prefix.len() as f64
        };
        (0..=u8::MAX).map(probability).filter(|p| *p > 0.0).map(|p| -p * p.log2()).sum()
    }

    #[test]
    fn short_payloads_have_no_entropy() {
        assert_eq!(payload_entropy(&[]), None);
        assert_eq!(payload_entropy(&[1, 2, 3, 4, 5, 6, 7]), None);
        assert_eq!(payload_entropy(&[1, 2, 3, 4, 5, 6, 7, 8]), Some(96));
    }

    #[test]
    fn the_scale_runs_from_one_byte_repeated_to_all_bytes_different() {
        assert_eq!(payload_entropy(&[7; 1500]), Some(0));
        assert_eq!(payload_entropy(b"abcdabcdabcdabcd"), Some(64));
        let all: Vec<u8> = (0..=u8::MAX).collect();
        assert_eq!(payload_entropy(&all), Some(192));
    }

    #[test]
    fn only_the_prefix_counts() {
        let mut payload = vec![0; PREFIX];
        payload.extend(0..=u8::MAX);
        assert_eq!(payload_entropy(&payload), Some(0));
    }

    proptest! {
        #[test]
        fn integers_agree_with_the_definition(
            payload in prop::collection::vec(any::<u8>(), SHORTEST..400),
            alphabet in 1u8..=255,
        ) {
            let payload: Vec<u8> = payload.iter().map(|byte| byte % alphabet).collect();
            let expected = (plainly(&payload) * 32.0).min(255.0);
            let found = f64::from(payload_entropy(&payload).unwrap());
            prop_assert!((found - expected).abs() <= 0.51, "{found} for {expected}");
        }
    }
}
