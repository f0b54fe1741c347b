//! The service of a connection as one of a few buckets.

/// Not known: ports that say nothing, and now and then in training.
pub(super) const UNKNOWN: u8 = 0;

/// Ports with a bucket of their own, after those for other ports below 1024, below 49152 and above.
pub(super) const NAMED: [u16; 33] = [
    20, 21, 22, 23, 25, 53, 67, 80, 88, 102, 110, 123, 137, 139, 143, 161, 389, 443, 445, 502, 554,
    1_883, 1_900, 3_389, 4_840, 5_060, 5_353, 5_355, 8_080, 8_443, 20_000, 44_818, 47_808,
];

/// How many buckets there are.
pub(super) const BUCKETS: usize = 4 + NAMED.len();

/// The bucket of a service's port.
pub(super) fn bucket(port: u16) -> u8 {
    match (NAMED.binary_search(&port), port) {
        (Ok(at), _) => 4 + at as u8,
        (_, 0) => UNKNOWN,
        (_, 1..1_024) => 1,
        (_, 1_024..49_152) => 2,
        (_, 49_152..) => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_ports_have_their_own_bucket_and_others_share() {
        assert!(NAMED.is_sorted());
        let ports = [0, 1, 20, 53, 1_023, 1_024, 47_808, 49_151, 49_152, u16::MAX];
        assert_eq!(ports.map(bucket), [0, 1, 4, 9, 1, 2, 36, 2, 3, 3]);
        assert!((0..=u16::MAX).all(|port| usize::from(bucket(port)) < BUCKETS));
    }
}
