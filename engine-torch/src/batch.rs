//! A batch of the core, checked and packed for the device.
//!
//! Rows have different lengths; packed (all first packets, longest row first, then all second ones,
//! and so on) nothing is computed for steps that aren't there, and each row's last state falls out.

#![allow(unsafe_code)]

use std::ops::Range;

use tch::{Device, Tensor};

use crate::abi;
use crate::error::Error;
use crate::spec::{Head, Kind, Network, slice};

/// More rows, steps or numbers than this are mistakes.
const MOST: usize = 1 << 28;

/// What one batch brings.
#[derive(Debug)]
pub(crate) struct Packed {
    /// How many rows have a first packet, a second, and so on.
    pub(crate) sizes: Vec<i64>,
    /// `[packets, tables]` and `[packets, dense]`.
    pub(crate) categories: Tensor,
    pub(crate) dense: Tensor,
    /// By packed row: the carried state to begin from, 0 where there is none, and 1 or 0 for that.
    pub(crate) read: Tensor,
    pub(crate) carried: Tensor,
    /// The packed rows whose last state is kept, and where.
    pub(crate) kept: Tensor,
    pub(crate) write: Tensor,
    /// The packets that any head is scored on.
    pub(crate) scored: Tensor,
    /// `[scored, heads]`: targets, 0 where a head isn't scored, and each one's share in the head's
    /// loss (they sum to one).
    pub(crate) targets: Tensor,
    pub(crate) shares: Tensor,
    /// By head: where it is scored.
    pub(crate) counted: Vec<Vec<bool>>,
    /// The place of each scored packet in the core's `[rows, steps]`.
    pub(crate) places: Vec<usize>,
}

impl Packed {
    /// # Safety
    ///
    /// * The pointers of `raw` are valid for the sizes that `raw` and `spec` give.
    pub(crate) unsafe fn read(
        raw: &abi::Batch,
        spec: &Network,
        carried: i64,
        device: Device,
    ) -> Result<Self, Error> {
        let (rows, steps) = (raw.rows, raw.steps);
        let (tables, dense, heads) = (spec.tables.len(), spec.dense as usize, spec.heads.len());
        let widest = tables.max(dense).max(heads).max(1);
        let numbers = rows.checked_mul(steps).and_then(|n| n.checked_mul(widest));
        if numbers.is_none_or(|n| n == 0 || n > MOST) {
            return Err(Error::Invalid(format!("a batch of {rows} rows and {steps} steps")));
        }
        // SAFETY: the caller keeps the pointers and sizes, here and in the next lines.
        let lengths = unsafe { slice(raw.lengths, rows) };
        // SAFETY: as above.
        let (read, write) = unsafe { (slice(raw.read, rows), slice(raw.write, rows)) };
        // SAFETY: as above.
        let categories = unsafe { slice(raw.categories, rows * steps * tables) };
        // SAFETY: as above.
        let dense_in = unsafe { slice(raw.dense, rows * steps * dense) };
        // SAFETY: as above.
        let targets = unsafe { slice(raw.targets, rows * steps * heads) };
        // SAFETY: as above.
        let weights = unsafe { slice(raw.weights, rows * steps) };
        if lengths.iter().any(|len| *len == 0 || *len as usize > steps) {
            return Err(Error::Invalid(format!("a row is not 1 to {steps} steps long")));
        }
        within("carried state", read, -1..carried)?;
        within("carried state", write, -1..carried)?;

        // The order of rows and of packets.
        let mut order: Vec<usize> = (0..rows).collect();
        order.sort_by_key(|row| std::cmp::Reverse(lengths[*row]));
        let longest = order.first().map_or(0, |row| lengths[*row] as usize);
        let sizes: Vec<i64> = (0..longest)
            .map(|step| order.partition_point(|row| lengths[*row] as usize > step) as i64)
            .collect();
        let packets: Vec<usize> = sizes
            .iter()
            .enumerate()
            .flat_map(|(step, size)| {
                order[..*size as usize].iter().map(move |row| row * steps + step)
            })
            .collect();

        let mut packed_categories = Vec::with_capacity(packets.len() * tables);
        let mut packed_dense = Vec::with_capacity(packets.len() * dense);
        for place in &packets {
            for (value, (name, values)) in
                categories[place * tables..][..tables].iter().zip(&spec.tables)
            {
                if i64::from(*value) >= *values || *value < 0 {
                    return Err(Error::Invalid(format!("input {name}: {value} of {values}")));
                }
                packed_categories.push(i64::from(*value));
            }
            packed_dense.extend_from_slice(&dense_in[place * dense..][..dense]);
        }

        let scored = Scored::read(spec, &packets, targets, weights)?;
        let mut kept: Vec<(i64, i64)> = Vec::new();
        for (packed, row) in order.iter().enumerate().filter(|(_, row)| write[**row] >= 0) {
            kept.push((packed as i64, write[*row]));
        }
        let mut places: Vec<i64> = kept.iter().map(|(_, place)| *place).collect();
        places.sort_unstable();
        if places.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::Invalid("two rows of a batch leave the same state".to_owned()));
        }

        let on = |tensor: Tensor| tensor.to_device(device);
        let count = packets.len() as i64;
        let ordered: Vec<i64> = order.iter().map(|row| read[*row]).collect();
        let begun: Vec<f32> =
            ordered.iter().map(|place| f32::from(u8::from(*place >= 0))).collect();
        let ordered: Vec<i64> = ordered.iter().map(|place| (*place).max(0)).collect();
        let (kept, write): (Vec<i64>, Vec<i64>) = kept.into_iter().unzip();
        let shape = [scored.packets.len() as i64, heads as i64];
        Ok(Self {
            sizes,
            categories: on(Tensor::from_slice(&packed_categories).view([count, tables as i64])),
            dense: on(Tensor::from_slice(&packed_dense).view([count, dense as i64])),
            read: on(Tensor::from_slice(&ordered)),
            carried: on(Tensor::from_slice(&begun).unsqueeze(1)),
            kept: on(Tensor::from_slice(&kept)),
            write: on(Tensor::from_slice(&write)),
            targets: on(Tensor::from_slice(&scored.targets).view(shape)),
            shares: on(Tensor::from_slice(&scored.shares).view(shape)),
            scored: on(Tensor::from_slice(&scored.packets)),
            counted: scored.counted,
            places: scored.places,
        })
    }
}

impl Packed {
    /// Whether the batch has anything for a head.
    pub(crate) fn counts(&self, head: usize) -> bool {
        self.counted[head].contains(&true)
    }
}

/// The scored packets of a batch, packed.
struct Scored {
    packets: Vec<i64>,
    places: Vec<usize>,
    targets: Vec<i64>,
    shares: Vec<f32>,
    counted: Vec<Vec<bool>>,
}

impl Scored {
    fn read(
        spec: &Network,
        packets: &[usize],
        targets: &[i32],
        weights: &[f32],
    ) -> Result<Self, Error> {
        let heads = spec.heads.len();
        let mut scored = Self {
            packets: Vec::new(),
            places: Vec::new(),
            targets: Vec::new(),
            shares: Vec::new(),
            counted: vec![Vec::new(); heads],
        };
        for (packet, place) in packets.iter().enumerate() {
            let row = &targets[place * heads..][..heads];
            let scored_here =
                |(head, target): (&Head, &i32)| head.kind != Kind::Known && *target >= 0;
            if !spec.heads.iter().zip(row).any(scored_here) {
                continue;
            }
            let weight = weights[*place];
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(Error::Invalid(format!("a packet weighs {weight}")));
            }
            scored.packets.push(packet as i64);
            scored.places.push(*place);
            for (number, (head, target)) in spec.heads.iter().zip(row).enumerate() {
                let known = *target >= 0;
                if i64::from(*target) >= head.values() || *target < -1 {
                    let (name, values) = (&head.name, head.values());
                    return Err(Error::Invalid(format!("head {name}: {target} of {values}")));
                }
                if known && head.given.iter().any(|given| row[given.head] < 0) {
                    return Err(Error::Invalid(format!(
                        "head {}: scored where a value that it is given is missing",
                        head.name
                    )));
                }
                scored.targets.push(i64::from((*target).max(0)));
                let share = if head.weighted { weight } else { 1.0 };
                scored.shares.push(if known { share } else { 0.0 });
                scored.counted[number].push(known && head.kind != Kind::Known);
            }
        }
        for number in 0..heads {
            let sum: f64 = scored
                .shares
                .iter()
                .skip(number)
                .step_by(heads)
                .map(|share| f64::from(*share))
                .sum();
            if sum > 0.0 {
                for share in scored.shares.iter_mut().skip(number).step_by(heads) {
                    *share = (f64::from(*share) / sum) as f32;
                }
            }
        }
        Ok(scored)
    }
}

/// Refuses numbers outside of a range.
pub(crate) fn within(what: &str, numbers: &[i64], range: Range<i64>) -> Result<(), Error> {
    match numbers.iter().find(|number| !range.contains(number)) {
        Some(number) => Err(Error::Invalid(format!(
            "{what} {number} is not one of {} to {}",
            range.start,
            range.end - 1
        ))),
        None => Ok(()),
    }
}
