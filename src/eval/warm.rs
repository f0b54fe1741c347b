//! What a store is worth: the first packets of connections after a restart, with it and without.
//!
//! The first half of a source's packets teaches a model. Then the sensor is restarted: a new one sees the
//! second half, and every connection in it is new to it. Three of them do: one that begins from
//! nothing, one that has the table out of the store, and one that has the whole store, so that
//! returning connections go on from their own last packets. All that the store gives went through
//! the bytes that a file would hold.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::ops::Range;

use super::{Capture, Packet};
use crate::flow::{Service, Slot};
use crate::kept::{Ends, Record, Records, may_return};
use crate::model::{Adaptive, Model, PacketFacts};
use crate::wire::TcpFlags;

/// Packets after its first that are a connection's start.
const FIRST: u64 = 20;
/// What the configuration gives unasked.
const TABLE_BYTES: usize = 16 << 20;
const CONNECTIONS: usize = 16_384;

/// How a connection stands to what is in the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// It was here before, between the same ports.
    Returning,
    /// Its service was.
    Similar,
    /// Neither.
    New,
}

impl Kind {
    const ALL: [(Self, &str); 3] =
        [(Self::Returning, "returning"), (Self::Similar, "similar"), (Self::New, "new")];
}

/// The starts of some connections.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Starts {
    /// Connections that had a second packet.
    pub connections: u64,
    /// Packets counted.
    pub packets: u64,
    /// Their bits: from nothing, with the table, with the whole store.
    pub bits: [f64; 3],
}

impl Starts {
    fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.packets += other.packets;
        for (bits, more) in self.bits.iter_mut().zip(other.bits) {
            *bits += more;
        }
    }
}

/// The starts in one source, in the order of [`Kind`].
#[derive(Clone, PartialEq, Debug)]
pub struct WarmSource {
    /// The source's name.
    pub name: String,
    /// Its starts by kind.
    pub kinds: [Starts; 3],
}

/// Measures every source by itself.
#[must_use]
pub fn warm(captures: &[&Capture]) -> Vec<WarmSource> {
    let mut sources: BTreeMap<&str, Vec<&Capture>> = BTreeMap::new();
    for capture in captures {
        sources.entry(&capture.source).or_default().push(capture);
    }
    sources
        .into_iter()
        .map(|(name, captures)| WarmSource { name: name.to_owned(), kinds: source(&captures) })
        .collect()
}

fn source(captures: &[&Capture]) -> [Starts; 3] {
    let all: usize = captures.iter().map(|capture| capture.packets().len()).sum();
    let cut = all / 2;
    let model = Adaptive::new(TABLE_BYTES);
    let room = Records::new(CONNECTIONS, model.state_len());
    let mut teacher = Sitting::new(model, Some(room.clone()));
    teacher.packets(captures, 0..cut);
    teacher.end_all();
    let known: HashSet<Service> = teacher.starts.iter().map(|start| start.service).collect();
    let learned = teacher.model.keep().expect("this model keeps what it learned");
    let records = teacher.records.as_ref().map_or(Vec::new(), Records::encode);
    let sittings = [(false, false), (true, false), (true, true)].map(|(table, connections)| {
        let mut model = Adaptive::new(TABLE_BYTES);
        if table {
            model.restore(&learned).expect("the same model kept it");
        }
        let read = connections.then(|| room.take(&records).expect("it was just written"));
        let mut sitting = Sitting::new(model, read);
        sitting.packets(captures, cut..all);
        sitting
    });
    let [cold, table, store] = &sittings;
    let mut kinds = [Starts::default(); 3];
    for ((cold, table), store) in cold.starts.iter().zip(&table.starts).zip(&store.starts) {
        let kind = match (store.returned, known.contains(&store.service)) {
            (true, _) => Kind::Returning,
            (false, true) => Kind::Similar,
            (false, false) => Kind::New,
        };
        kinds[kind as usize].add(&Starts {
            connections: u64::from(store.packets > 0),
            packets: store.packets,
            bits: [cold.bits, table.bits, store.bits],
        });
    }
    kinds
}

/// One model over some packets, as a sensor between two restarts.
struct Sitting {
    model: Adaptive,
    records: Option<Records>,
    live: HashMap<(usize, u32), Live>,
    /// By slot.
    starts: Vec<Start>,
}

struct Live {
    slot: Slot,
    packets: u64,
    record: Record,
    is_closed: bool,
}

struct Start {
    service: Service,
    returned: bool,
    packets: u64,
    bits: f64,
}

impl Sitting {
    fn new(model: Adaptive, records: Option<Records>) -> Self {
        Self { model, records, live: HashMap::new(), starts: Vec::new() }
    }

    /// Leads the model through the packets of all captures that are in a range.
    fn packets(&mut self, captures: &[&Capture], range: Range<usize>) {
        let mut at = 0;
        for (number, capture) in captures.iter().enumerate() {
            for packet in capture.packets() {
                if range.contains(&at) {
                    self.packet(number, capture, packet);
                }
                at += 1;
            }
            self.end_all();
        }
    }

    fn packet(&mut self, number: usize, capture: &Capture, packet: &Packet) {
        let key = (number, packet.connection);
        if !self.live.contains_key(&key) {
            if let Some(before) = capture.began(packet.connection).replaces {
                self.end((number, before));
            }
            let live = self.begin(capture, packet);
            self.live.insert(key, live);
        }
        let Some(live) = self.live.get_mut(&key) else { return };
        let since = packet.facts.since.filter(|_| live.packets > 0);
        let facts = PacketFacts { position: live.packets as u32, since, ..packet.facts };
        let bits = self.model.coarse(live.slot, &facts);
        let start = &mut self.starts[live.slot.index()];
        if (1..=FIRST).contains(&live.packets) {
            start.packets += 1;
            start.bits += bits.map(f64::from).iter().sum::<f64>();
        }
        self.model.step(live.slot, &facts, true);
        live.packets += 1;
        live.is_closed |= facts.flags.intersects(TcpFlags(TcpFlags::FIN.0 | TcpFlags::RST.0));
        live.record.last = packet.time;
    }

    fn begin(&mut self, capture: &Capture, packet: &Packet) -> Live {
        let began = capture.began(packet.connection);
        let slot = Slot(self.starts.len() as u32);
        self.model.begin(slot, &began.origin);
        let (ends, a_is_upper) = Ends::of(&began.key);
        let past = self.records.as_ref().and_then(|records| records.find(&ends));
        let returned = past.is_some_and(|(record, state)| {
            let turned = record.a_is_upper != a_is_upper;
            let silence = packet.time.since(record.last);
            !packet.facts.flags.contains(TcpFlags::SYN)
                && self.model.restore_state(slot, state, turned, silence)
        });
        let service = began.origin.service;
        self.starts.push(Start { service, returned, packets: 0, bits: 0.0 });
        let (first, last) = (packet.time, packet.time);
        let record = Record { ends, a_is_upper, first, last, packets: 0, scored: 0, bits: 0.0 };
        Live { slot, packets: 0, record, is_closed: false }
    }

    fn end(&mut self, key: (usize, u32)) {
        let Some(live) = self.live.remove(&key) else { return };
        let record = Record { packets: live.packets, ..live.record };
        if let Some(records) = &mut self.records
            && may_return(&record.ends, !live.is_closed, record.packets)
        {
            records.put(record, |to| self.model.keep_state(live.slot, to));
        }
        self.model.end(live.slot, true);
    }

    /// A capture is over, or the sensor: in the order in which connections began.
    fn end_all(&mut self) {
        let mut keys: Vec<_> = self.live.keys().copied().collect();
        keys.sort_unstable();
        keys.into_iter().for_each(|key| self.end(key));
    }
}

/// The figures as a table for a terminal.
#[must_use]
pub fn warm_table(sources: &[WarmSource]) -> String {
    let mut text = format!(
        "Bits a packet of the first {FIRST} packets after a connection's first\n\n\
         {:<29} {:<9} {:>6} {:>6} {:>6} {:>6} {:>6} {:>5}\n",
        "source", "kind", "conn.", "pkts", "cold", "table", "store", "saved"
    );
    let mut total = [Starts::default(); 3];
    for source in sources {
        write_kinds(&mut text, &source.name, &source.kinds);
        total.iter_mut().zip(&source.kinds).for_each(|(sum, more)| sum.add(more));
    }
    write_kinds(&mut text, "all sources", &total);
    text
}

fn write_kinds(text: &mut String, name: &str, kinds: &[Starts; 3]) {
    for ((_, kind), starts) in Kind::ALL.iter().zip(kinds).filter(|(_, it)| it.packets > 0) {
        let [cold, table, store] = starts.bits.map(|bits| bits / starts.packets as f64);
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{name:<29} {kind:<9} {:>6} {:>6} {cold:>6.3} {table:>6.3} {store:>6.3} {:>4.0}%",
            starts.connections,
            starts.packets,
            100.0 * (1.0 - store / cold)
        );
    }
}

/// The figures as one JSON object a source and kind.
#[must_use]
pub fn warm_json(sources: &[WarmSource]) -> String {
    let mut text = String::new();
    for source in sources {
        for ((_, kind), starts) in Kind::ALL.iter().zip(&source.kinds) {
            let [cold, table, store] = starts.bits;
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{{\"source\":{:?},\"kind\":\"{kind}\",\"connections\":{},\"packets\":{},\
                 \"bits\":{{\"cold\":{cold:.3},\"table\":{table:.3},\"store\":{store:.3}}}}}",
                source.name, starts.connections, starts.packets
            );
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Dataset, Split};

    /// A capture of questions and answers between two fixed ports, ten seconds apart.
    fn heartbeat() -> Vec<u8> {
        let mut file = Vec::new();
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
            file.extend(word.to_le_bytes());
        }
        for number in 0..60_u32 {
            let (len, ends) = if number % 2 == 0 {
                (68_u16, [10, 0, 0, 1, 10, 0, 0, 2, 0, 123, 2, 0])
            } else {
                (128, [10, 0, 0, 2, 10, 0, 0, 1, 2, 0, 0, 123])
            };
            let lens = [u32::from(len); 2].map(u32::to_le_bytes);
            file.extend((number / 2 * 10).to_le_bytes());
            file.extend((number % 2 * 3_000).to_le_bytes());
            file.extend(lens.as_flattened());
            file.extend([0x45, 0]);
            file.extend(len.to_be_bytes());
            file.extend([0, 0, 0, 0, 64, 17, 0, 0]);
            file.extend(ends);
            file.extend((len - 20).to_be_bytes());
            file.resize(file.len() + usize::from(len) - 26, 7);
        }
        file
    }

    #[test]
    fn a_returning_connection_starts_warmer_with_a_store() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("heartbeat.pcap"), heartbeat()).unwrap();
        let folders = [folder.path().to_owned()];
        let data = Dataset::read(&folders, "benign", &Split::nothing_kept()).unwrap();
        assert!(data.broken().is_empty());
        let captures: Vec<_> = data.captures().iter().collect();
        let sources = warm(&captures);
        let [returning, similar, new] = sources[0].kinds;
        assert_eq!((similar.connections, new.connections), (0, 0));
        assert_eq!((returning.connections, returning.packets), (1, FIRST));
        let [cold, table, store] = returning.bits;
        assert!(table < 0.7 * cold && store < 0.5 * cold, "{returning:?}");
        let text = warm_table(&sources);
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        assert_eq!(warm_json(&sources).lines().count(), 3);
    }
}
