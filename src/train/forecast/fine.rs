//! How exact sizes lie within the common bins: counted, not learned by gradient.

use super::Corpus;
use crate::model::discretise::{SIDE_FLAGS, SIZES};
use crate::model::schema::{self, FINE_SIZES, Recall};

/// Packets that the blend over all sides and flags counts for, and those that evenness counts for.
const BLEND: f64 = 8.0;
const EVEN: f64 = 4.0;

/// For each side and flags, by role, the logarithm of every fine bin's probability given its common
/// one: `[SIDE_FLAGS, FINE_SIZES]`, row by row. Never zero probability, and each common bin sums to one.
pub(super) fn table(corpus: &Corpus) -> Vec<f32> {
    let mut counts = vec![[0.0; FINE_SIZES]; SIDE_FLAGS];
    for connection in &corpus.connections {
        let recall = Recall::new(&connection.origin);
        for packet in corpus.packets(connection) {
            let row = usize::from(recall.side_flags(packet.side, packet.flags));
            counts[row][usize::from(schema::fine_size(packet.payload_len))] +=
                f64::from(connection.weight);
        }
    }
    of(&counts)
}

fn of(counts: &[[f64; FINE_SIZES]]) -> Vec<f32> {
    let mut all = [0.0; FINE_SIZES];
    for (bin, all) in all.iter_mut().enumerate() {
        *all = counts.iter().map(|row| row[bin]).sum();
    }
    let widths = std::array::from_fn(|bin| {
        let lengths = schema::fine_size_range(bin as u8);
        f64::from((*lengths.end()).min(schema::LONGEST) - lengths.start() + 1)
    });
    let even = shares(&widths, &[0.0; FINE_SIZES], 0.0);
    let blend = shares(&all, &even, EVEN);
    let rows = counts.iter().map(|row| shares(row, &blend, BLEND));
    rows.flat_map(|row| row.map(|share| share.ln() as f32)).collect()
}

/// Each bin's share of its common bin, with `below` counting for so many packets.
fn shares(counts: &[f64; FINE_SIZES], below: &[f64; FINE_SIZES], weight: f64) -> [f64; FINE_SIZES] {
    let common = |bin: usize| usize::from(schema::common_size(bin as u8));
    let mut sums = [0.0; SIZES];
    for (bin, count) in counts.iter().enumerate() {
        sums[common(bin)] += count;
    }
    std::array::from_fn(|bin| {
        (counts[bin] + weight * below[bin]) / (sums[common(bin)] + weight).max(f64::MIN_POSITIVE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_common_bin_sums_to_one_and_no_fine_one_is_impossible() {
        let mut counts = vec![[0.0; FINE_SIZES]; SIDE_FLAGS];
        counts[4][usize::from(schema::fine_size(1_448))] = 1e6;
        counts[11][usize::from(schema::fine_size(33))] = 3.0;
        let table = of(&counts);
        for row in table.chunks_exact(FINE_SIZES) {
            let mut sums = [0.0; SIZES];
            for (bin, ln) in row.iter().enumerate() {
                assert!(ln.is_finite() && *ln <= 0.0);
                sums[usize::from(schema::common_size(bin as u8))] += f64::from(*ln).exp();
            }
            assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{sums:?}");
        }
        let at =
            |row: usize, len: u32| table[row * FINE_SIZES + usize::from(schema::fine_size(len))];
        assert!(at(4, 1_448) > -1e-3 && at(4, 1_400) < -10.0);
        assert!(at(0, 1_448) > at(0, 1_400), "what is common elsewhere is likely here too");
    }
}
