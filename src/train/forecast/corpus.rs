//! The connections that teach or measure, with the source each is from.

use std::collections::BTreeMap;

use crate::eval::connections::MOST_PACKETS;
use crate::eval::{Capture, Extent};
use crate::model::{Origin, PacketFacts};

/// Steps of a piece of a connection; its state is carried to the next piece.
pub(super) const STEPS: u32 = 96;

/// Sources with fewer packets weigh as if they had this many.
const SMALL_SOURCE: f64 = 300.0;

/// Packets of a connection that weigh in full; those of longer ones weigh less.
const LONG_CONNECTION: f64 = 50.0;

/// Connections of some captures.
#[derive(Default)]
pub struct Corpus {
    pub(super) sources: Vec<Source>,
    pub(super) connections: Vec<Connection>,
    pub(super) chunks: Vec<Chunk>,
    packets: Vec<PacketFacts>,
    captures: usize,
}

/// A source and how many of its packets are scored.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) scored: u64,
    /// What its packets weigh on average.
    pub(super) weight: f32,
}

pub(super) struct Connection {
    pub(super) origin: Origin,
    pub(super) source: usize,
    /// What each of its packets weighs.
    pub(super) weight: f32,
    first: usize,
    len: usize,
}

/// A piece of a connection.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    pub(super) connection: u32,
    /// Its place in the connection, in packets.
    pub(super) start: u32,
    pub(super) len: u32,
    /// Where its last state is kept for the next piece, if there is one.
    pub(super) carries: bool,
}

impl Corpus {
    /// The connections of some captures, those with a single packet too.
    #[must_use]
    pub fn of(captures: &[&Capture]) -> Self {
        let mut corpus = Self { captures: captures.len(), ..Self::default() };
        let mut numbers = BTreeMap::new();
        for capture in captures {
            let source = *numbers.entry(capture.source.as_str()).or_insert_with(|| {
                let name = capture.source.clone();
                corpus.sources.push(Source { name, scored: 0, weight: 0.0 });
                corpus.sources.len() - 1
            });
            corpus.sources[source].scored += capture.scored();
            corpus.add(capture, source);
        }
        corpus.weigh();
        corpus.cut();
        corpus
    }

    fn add(&mut self, capture: &Capture, source: usize) {
        let mut apart: BTreeMap<u32, Vec<PacketFacts>> = BTreeMap::new();
        for packet in capture.packets() {
            apart.entry(packet.connection).or_default().push(packet.facts);
        }
        for (number, packets) in apart {
            let origin = capture.began(number).origin;
            let (first, len) = (self.packets.len(), packets.len());
            self.packets.extend(packets);
            self.connections.push(Connection { origin, source, weight: 0.0, first, len });
        }
    }

    /// A source weighs as the root of its packets, and so does a long connection, so that large ones
    /// don't drown small ones. The mean over packets is 1.
    fn weigh(&mut self) {
        let raw = |sources: &[Source], connection: &Connection| {
            let source = (sources[connection.source].scored as f64).max(SMALL_SOURCE);
            let long = (connection.len as f64).max(LONG_CONNECTION) / LONG_CONNECTION;
            (source * long).sqrt().recip()
        };
        let mut sums = vec![0.0; self.sources.len()];
        for connection in &self.connections {
            sums[connection.source] += raw(&self.sources, connection) * connection.scored() as f64;
        }
        let mean = (sums.iter().sum::<f64>() / self.scored() as f64).max(f64::MIN_POSITIVE);
        for connection in &mut self.connections {
            connection.weight = (raw(&self.sources, connection) / mean) as f32;
        }
        for (source, sum) in self.sources.iter_mut().zip(sums) {
            source.weight = (sum / mean / source.scored.max(1) as f64) as f32;
        }
    }

    fn cut(&mut self) {
        for (number, connection) in self.connections.iter().enumerate() {
            let whole = connection.len as u32;
            for start in (0..whole).step_by(STEPS as usize) {
                let len = STEPS.min(whole - start);
                let carries = start + len < whole;
                self.chunks.push(Chunk { connection: number as u32, start, len, carries });
            }
        }
    }

    /// The packets of a connection.
    pub(super) fn packets(&self, connection: &Connection) -> &[PacketFacts] {
        &self.packets[connection.first..][..connection.len]
    }

    /// The number of the source that a chunk is from.
    pub(super) fn source_of(&self, chunk: usize) -> usize {
        self.connections[self.chunks[chunk].connection as usize].source
    }

    /// Packets that are scored.
    #[must_use]
    pub fn scored(&self) -> u64 {
        self.sources.iter().map(|source| source.scored).sum()
    }

    /// How much of everything there is.
    #[must_use]
    pub fn extent(&self) -> Extent {
        let sources = self.sources.iter().filter(|source| source.scored > 0).count();
        Extent { sources, captures: self.captures, packets: self.scored() }
    }

    /// Stands for its content, to tell whether a checkpoint belongs to it.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut take =
            |value: u64| hash = (hash ^ value).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
        for connection in &self.connections {
            take(connection.source as u64);
            take(connection.origin.identity);
            for packet in self.packets(connection) {
                take(packet.since.map_or(u64::MAX, crate::time::Span::nanos));
                take(u64::from(packet.payload_len) << 8 | u64::from(packet.flags.0));
            }
        }
        hash
    }
}

impl Connection {
    fn scored(&self) -> usize {
        self.len - 1
    }

    /// Whether packets past its last one were left out, so that nobody knows what came.
    pub(super) fn is_cut_off(&self) -> bool {
        self.len >= MOST_PACKETS as usize
    }
}
