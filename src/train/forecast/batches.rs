//! Chunks side by side: which go together, what goes in, what is to be forecast.

use super::chance::Chance;
use super::corpus::{Chunk, Corpus};
use crate::model::PacketFacts;
use crate::model::discretise;
use crate::model::schema::{self, DENSE, HEADS, Recall, TABLES, number};
use crate::time::Span;
use crate::train::Batch;

/// Packets of a batch, those included that pad short rows.
const LEARNED: usize = 2_048;
const MEASURED: usize = 8_192;

/// Rows of one batch that differ in length by up to this share of it.
const BLUR: f64 = 0.2;

/// What is not scored.
const NONE: i32 = -1;

/// A batch as [`Batch`] wants it, owned.
#[derive(Default)]
pub(super) struct Owned {
    pub(super) steps: usize,
    pub(super) lengths: Vec<u32>,
    read: Vec<i64>,
    write: Vec<i64>,
    categories: Vec<i32>,
    dense: Vec<f32>,
    targets: Vec<i32>,
    weights: Vec<f32>,
}

/// All chunks in batches of like length, in a random order.
pub(super) fn mixed(corpus: &Corpus, chance: &mut Chance) -> Vec<Vec<usize>> {
    let mut order: Vec<(f64, usize)> = corpus
        .chunks
        .iter()
        .enumerate()
        .map(|(number, chunk)| (f64::from(chunk.len) * (1.0 + BLUR * chance.share()), number))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut batches = pack(corpus, order.into_iter().map(|(_, number)| number), LEARNED);
    chance.shuffle(&mut batches);
    batches
}

/// All chunks in an order in which each comes after the one before it in its connection.
pub(super) fn in_order(corpus: &Corpus) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..corpus.chunks.len()).collect();
    let key = |number: &usize| (corpus.chunks[*number].start, corpus.chunks[*number].len);
    order.sort_by_key(key);
    let apart = order.chunk_by(|a, b| corpus.chunks[*a].start == corpus.chunks[*b].start);
    apart.flat_map(|some| pack(corpus, some.iter().copied(), MEASURED)).collect()
}

fn pack(corpus: &Corpus, order: impl Iterator<Item = usize>, most: usize) -> Vec<Vec<usize>> {
    let mut batches: Vec<Vec<usize>> = Vec::new();
    let mut longest = 0;
    for number in order {
        let len = corpus.chunks[number].len as usize;
        longest = longest.max(len);
        match batches.last_mut() {
            Some(batch) if longest * (batch.len() + 1) <= most => batch.push(number),
            _ => {
                batches.push(vec![number]);
                longest = len;
            }
        }
    }
    batches
}

/// How a chunk is changed so that the network does not learn this site's very numbers.
///
/// With times by up to a factor of 2, sizes by up to 24 bytes and a tenth of the units dropped (here
/// 4, 64 and a fifth) 32 units came to 7.07 and 7.30 bits on the validation sources in two runs; so to
/// 6.86.
#[derive(Clone, Copy)]
struct Disturbance {
    /// What times are multiplied by.
    time: f64,
    /// What is added to sizes that are neither tiny nor nearly full.
    size: i32,
    /// Whether the service is hidden, and whether the entropy is, as in captures of headers only.
    hides_service: bool,
    hides_entropy: bool,
}

impl Disturbance {
    const NONE: Self = Self { time: 1.0, size: 0, hides_service: false, hides_entropy: false };

    fn any(chance: &mut Chance) -> Self {
        let time = if chance.share() < 0.8 { (4.0 * chance.share() - 2.0).exp2() } else { 1.0 };
        let size = if chance.share() < 0.6 { chance.below(129) as i32 - 64 } else { 0 };
        let [hides_service, hides_entropy] = [0.5, 0.25].map(|share| chance.share() < share);
        Self { time, size, hides_service, hides_entropy }
    }

    fn of(self, packet: &PacketFacts) -> PacketFacts {
        let scaled = |since: Span| Span::from_nanos((since.nanos() as f64 * self.time) as u64);
        let since = if self.time == 1.0 { packet.since } else { packet.since.map(scaled) };
        let payload_len = match packet.payload_len {
            moved @ 17..1_200 => moved.saturating_add_signed(self.size).max(1),
            kept => kept,
        };
        let entropy = packet.entropy.filter(|_| !self.hides_entropy);
        PacketFacts { since, payload_len, entropy, ..*packet }
    }
}

/// Some chunks of a corpus as a batch. The state after chunk `n` is kept at `base + n`. `chance`
/// disturbs each.
pub(super) fn fill(
    corpus: &Corpus,
    chunks: &[usize],
    base: usize,
    mut chance: Option<&mut Chance>,
) -> Owned {
    let steps = chunks.iter().map(|number| corpus.chunks[*number].len).max().unwrap_or(0) as usize;
    let places = chunks.len() * steps;
    let mut owned = Owned {
        steps,
        categories: vec![0; places * TABLES.len()],
        dense: vec![0.0; places * DENSE.len()],
        targets: vec![NONE; places * HEADS.len()],
        weights: vec![0.0; places],
        ..Owned::default()
    };
    for (row, &number) in chunks.iter().enumerate() {
        let chunk = corpus.chunks[number];
        let state = (base + number) as i64;
        owned.lengths.push(chunk.len);
        owned.read.push(if chunk.start > 0 { state - 1 } else { -1 });
        owned.write.push(if chunk.carries { state } else { -1 });
        let disturbance = chance.as_deref_mut().map_or(Disturbance::NONE, Disturbance::any);
        owned.put(corpus, chunk, row, disturbance);
    }
    owned
}

impl Owned {
    fn put(&mut self, corpus: &Corpus, chunk: Chunk, row: usize, disturbance: Disturbance) {
        let connection = &corpus.connections[chunk.connection as usize];
        let packets = corpus.packets(connection);
        let mut recall = Recall::new(&connection.origin);
        if disturbance.hides_service {
            recall.hide_service();
        }
        let (start, end) = (chunk.start as usize, (chunk.start + chunk.len) as usize);
        // From the connection's first packet on: what is recalled must be disturbed the same way.
        for (at, packet) in packets[..end].iter().enumerate() {
            let features = recall.push(&disturbance.of(packet));
            if at < start {
                continue;
            }
            let place = row * self.steps + at - start;
            let rows = &mut self.categories[place * TABLES.len()..][..TABLES.len()];
            rows.iter_mut().zip(features.rows).for_each(|(into, row)| *into = i32::from(row));
            self.dense[place * DENSE.len()..][..DENSE.len()].copy_from_slice(&features.dense);
            self.weights[place] = connection.weight;
            let into = &mut self.targets[place * HEADS.len()..][..HEADS.len()];
            match packets.get(at + 1) {
                Some(next) => targets(&recall, &disturbance.of(next), into),
                None if connection.is_cut_off() => {}
                None => into[number::NOTHING] = 1,
            }
        }
    }

    /// A part of what is to be forecast, head by head.
    pub(super) fn targets(&self, places: std::ops::Range<usize>) -> &[i32] {
        &self.targets[places]
    }

    pub(super) fn batch(&self) -> Batch<'_> {
        Batch {
            steps: self.steps,
            lengths: &self.lengths,
            read: &self.read,
            write: &self.write,
            categories: &self.categories,
            dense: &self.dense,
            targets: &self.targets,
            weights: &self.weights,
        }
    }
}

/// What `next` was, head by head.
fn targets(recall: &Recall, next: &PacketFacts, into: &mut [i32]) {
    let time = i32::from(discretise::time(next.since.unwrap_or_default()));
    into[number::SIDE_FLAGS] = i32::from(recall.side_flags(next.side, next.flags));
    into[number::SIZE] = i32::from(discretise::size(next.payload_len));
    into[number::FINE_SIZE] = i32::from(schema::fine_size(next.payload_len));
    into[number::TIME] = time;
    into[number::WAIT] = time;
    into[number::NOTHING] = 0;
    let class = |entropy| i32::from(schema::entropy_class(entropy));
    into[number::ENTROPY] = next.entropy.map_or(NONE, class);
}
