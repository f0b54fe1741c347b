//! Fine bins of payload sizes: each length alone where protocols tell lengths apart, coarser above.
//!
//! Every edge of the common bins ([`discretise::size`]) is an edge here, so fine bins sum exactly
//! into common ones.

use super::super::discretise;

/// How many fine bins there are.
pub const FINE_SIZES: usize = 117;

/// Payloads longer than this count as this long.
pub const LONGEST: u32 = 8_191;

/// The smallest length in each bin.
pub const SIZE_EDGES: [u16; FINE_SIZES] = edges();

/// From a kilobyte up: what is left of a common bin between the largest payloads of common links
/// (1,448 and 1,460 on Ethernet, less in tunnels and for IPv6, twice as much after offload).
const LARGE: [u16; 29] = [
    1_024, 1_120, 1_200, 1_232, 1_260, 1_300, 1_350, 1_360, 1_368, 1_380, 1_381, 1_392, 1_400,
    1_408, 1_412, 1_420, 1_428, 1_440, 1_448, 1_449, 1_452, 1_460, 1_461, 1_480, 1_500, 2_048,
    2_896, 2_897, 4_096,
];

/// Below that: from a length on, steps of so many.
const STEPS: [(u16, u16); 6] = [(32, 2), (64, 4), (128, 16), (256, 32), (512, 64), (1_024, 0)];

/// The bin of a payload length.
#[inline]
#[must_use]
pub fn fine_size(payload_len: u32) -> u8 {
    let len = payload_len.min(LONGEST) as u16;
    let bin = match len {
        0..32 => len,
        32..64 => 32 + (len - 32) / 2,
        64..128 => 48 + (len - 64) / 4,
        128..256 => 64 + (len - 128) / 16,
        256..512 => 72 + (len - 256) / 32,
        512..1_024 => 80 + (len - 512) / 64,
        _ => 87 + LARGE.partition_point(|&edge| edge <= len) as u16,
    };
    bin as u8
}

/// The lengths in a bin; the last one's upper end is the largest payload an IP packet can carry.
#[must_use]
pub fn fine_size_range(bin: u8) -> std::ops::RangeInclusive<u32> {
    let bin = usize::from(bin).min(FINE_SIZES - 1);
    let end = SIZE_EDGES.get(bin + 1).map_or(65_535, |&next| u32::from(next) - 1);
    u32::from(SIZE_EDGES[bin])..=end
}

/// The common bin that a fine one lies in.
#[must_use]
pub fn common_size(bin: u8) -> u8 {
    discretise::size(*fine_size_range(bin).start())
}

const fn edges() -> [u16; FINE_SIZES] {
    let mut edges = [0; FINE_SIZES];
    let mut at = 0;
    while at < 32 {
        edges[at] = at as u16;
        at += 1;
    }
    let mut row = 0;
    while row + 1 < STEPS.len() {
        let (mut edge, step) = STEPS[row];
        while edge < STEPS[row + 1].0 {
            edges[at] = edge;
            edge += step;
            at += 1;
        }
        row += 1;
    }
    let mut large = 0;
    while large < LARGE.len() {
        edges[at] = LARGE[large];
        at += 1;
        large += 1;
    }
    assert!(at == FINE_SIZES);
    edges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bin_of_a_length_is_the_last_whose_edge_is_not_above_it() {
        assert!(SIZE_EDGES.is_sorted_by(|a, b| a < b));
        for len in 0..=9_000_u32 {
            let expected = SIZE_EDGES.iter().rposition(|&edge| u32::from(edge) <= len).unwrap();
            assert_eq!(usize::from(fine_size(len)), expected, "{len}");
            assert!(fine_size_range(expected as u8).contains(&len));
        }
        assert_eq!(fine_size(u32::MAX), FINE_SIZES as u8 - 1);
    }

    #[test]
    fn fine_bins_sum_exactly_into_the_common_ones() {
        for bin in 0..FINE_SIZES as u8 {
            let range = fine_size_range(bin);
            let ends = [*range.start(), *range.end()].map(discretise::size);
            assert_eq!(ends, [common_size(bin); 2], "bin {bin}");
        }
    }
}
