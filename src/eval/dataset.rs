//! Captures in folders, read into the connections of [`connections`](super::connections).
//!
//! A folder named after a class (`benign`, `attack`, `mixed`, `odd`, ...) holds a folder for each
//! source, and that holds captures, at any depth: `DIR/[...]/CLASS/SOURCE/[...]/FILE`, the layout that
//! `MANIFEST.tsv` lists. Without a class folder, on the path or as one of `DIR`'s last two parts, a
//! capture counts as of whichever class is asked for, and the folder it lies in is its source.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::connections::{Began, Connections, Seen};
use super::{EvalError, Split};
use crate::model::PacketFacts;
use crate::source::{self, Source, SourceError};
use crate::time::Timestamp;
use crate::wire::{self, Tunnels};

/// Folder names that are classes.
const CLASSES: [&str; 5] = ["benign", "attack", "mixed", "mixed-unlabelled", "odd"];

/// How a capture's name ends, packed or not.
const ENDINGS: [&str; 3] = [".pcap", ".pcapng", ".cap"];
const PACKINGS: [&str; 3] = [".gz", ".zst", ".lz4"];

/// Folders in folders that are looked into; more is a loop of links.
const MOST_DEPTH: usize = 16;

/// Captures of one class, in the order of class, source and name.
#[derive(Default)]
pub struct Dataset {
    captures: Vec<Capture>,
    broken: Vec<SourceError>,
}

/// The packets of one capture that count, in its order.
pub struct Capture {
    /// The class it is of.
    pub class: String,
    /// The source it belongs to.
    pub source: String,
    packets: Vec<Packet>,
    /// By connection.
    began: Vec<Began>,
}

/// A packet of a capture.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Packet {
    /// Its connection's number.
    pub connection: u32,
    /// When it came.
    pub time: Timestamp,
    /// The packet as models see it.
    pub facts: PacketFacts,
}

/// A capture that was found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Found {
    pub(super) class: String,
    pub(super) source: String,
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// All captures of `class` under `folders`, in the order of source and name.
pub(super) fn find(
    folders: &[PathBuf],
    class: &str,
    split: &Split,
) -> Result<Vec<Found>, EvalError> {
    let mut found = Vec::new();
    for folder in folders {
        // Resolved, so that `.` has a name.
        let whole = folder.canonicalize().map_err(|error| unreadable(folder, &error))?;
        let parts: Vec<String> = whole.iter().map(|part| part.display().to_string()).collect();
        let near = parts[parts.len().saturating_sub(2)..].to_vec();
        walk(&whole, &near, class, split, &mut found)?;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

impl Dataset {
    /// Reads all captures of `class` under `folders`; `split` says what the sources are called.
    ///
    /// A capture that breaks off counts up to there; see [`Self::broken`].
    ///
    /// # Errors
    ///
    /// When a folder can't be read or none holds a capture of the class.
    pub fn read(folders: &[PathBuf], class: &str, split: &Split) -> Result<Self, EvalError> {
        let mut dataset = Self::default();
        for Found { class, source, path, .. } in find(folders, class, split)? {
            dataset.add(class, source, &path);
        }
        if dataset.captures.is_empty() {
            let paths = folders.iter().map(|folder| folder.display().to_string()).collect();
            return Err(EvalError::NoCaptures { paths, class: class.to_owned() });
        }
        Ok(dataset)
    }

    fn add(&mut self, class: String, source: String, path: &Path) {
        let mut capture = Capture { class, source, packets: Vec::new(), began: Vec::new() };
        let read = source::Capture::open(path).and_then(|mut file| capture.read(&mut file));
        self.broken.extend(read.err());
        self.captures.push(capture);
    }

    /// The captures.
    #[must_use]
    pub fn captures(&self) -> &[Capture] {
        &self.captures
    }

    /// Where reading a capture ended early.
    #[must_use]
    pub fn broken(&self) -> &[SourceError] {
        &self.broken
    }

    /// The names of all sources.
    #[must_use]
    pub fn sources(&self) -> BTreeSet<&str> {
        self.captures.iter().map(|capture| capture.source.as_str()).collect()
    }
}

impl Capture {
    fn read(&mut self, file: &mut source::Capture) -> Result<(), SourceError> {
        let mut connections = Connections::default();
        while let Some(packet) = file.next()? {
            if packet.synthetic {
                continue;
            }
            let view = wire::parse(packet.link, packet.data, packet.wire_len, Tunnels::NONE);
            if let Some(seen) = connections.see(packet.time, &view) {
                self.began.extend(seen.began);
                let Seen { connection, facts, .. } = seen;
                self.packets.push(Packet { connection, time: packet.time, facts });
            }
        }
        Ok(())
    }

    /// The packets, in the capture's order.
    #[must_use]
    pub fn packets(&self) -> &[Packet] {
        &self.packets
    }

    /// How a connection began.
    #[must_use]
    pub fn began(&self, connection: u32) -> &Began {
        &self.began[connection as usize]
    }

    /// Packets that are scored: all but the first of each connection.
    #[must_use]
    pub fn scored(&self) -> u64 {
        (self.packets.len() - self.began.len()) as u64
    }
}

/// Finds the captures of `class`. `parts` are the names of the folders that lead to `folder`.
fn walk(
    folder: &Path,
    parts: &[String],
    class: &str,
    split: &Split,
    found: &mut Vec<Found>,
) -> Result<(), EvalError> {
    if parts.len() > MOST_DEPTH {
        return Err(EvalError::Folder {
            path: folder.display().to_string(),
            reason: "too many folders in folders".to_owned(),
        });
    }
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        let name = path.file_name().unwrap_or_default().display().to_string();
        if path.is_dir() {
            let inside = [parts, &[name]].concat();
            walk(&path, &inside, class, split, found)?;
        } else if is_capture(&name) {
            let at = parts.iter().rposition(|part| CLASSES.contains(&part.as_str()));
            let of = at.map_or(class, |at| &parts[at]);
            let lies_in = at.and_then(|at| parts.get(at + 1)).or(parts.last());
            if of == class {
                let source = split.source(lies_in.map_or("", String::as_str), &name);
                found.push(Found { class: of.to_owned(), source, name, path });
            }
        }
    }
    Ok(())
}

fn is_capture(name: &str) -> bool {
    let plain = PACKINGS.iter().find_map(|packing| name.strip_suffix(packing)).unwrap_or(name);
    ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

fn unreadable(folder: &Path, error: &std::io::Error) -> EvalError {
    EvalError::Folder { path: folder.display().to_string(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(paths: &[&str], inside: &str, class: &str) -> Vec<(String, String)> {
        let root = tempfile::tempdir().unwrap();
        for path in paths {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let split = Split::parse("x", "divided = ['ics']").unwrap();
        let mut found = Vec::new();
        let folder = root.path().join(inside);
        let parts: Vec<String> = folder.iter().map(|part| part.display().to_string()).collect();
        let near = parts[parts.len() - 2..].to_vec();
        walk(&folder, &near, class, &split, &mut found).unwrap();
        found.sort();
        found.into_iter().map(|found| (found.source, found.name)).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn class_folders_hold_sources_and_other_files_are_passed_over() {
        let paths = [
            "dev/MANIFEST.tsv",
            "dev/benign/home/a.pcap",
            "dev/benign/home/a.pcap.lab",
            "dev/benign/ics/s7__1.pcapng.gz",
            "dev/attack/home/b.pcap",
        ];
        let benign = pairs(&[("home", "a.pcap"), ("ics/s7", "s7__1.pcapng.gz")]);
        for inside in ["", "dev", "dev/benign"] {
            assert_eq!(found(&paths, inside, "benign"), benign, "from {inside}");
        }
        assert_eq!(found(&paths, "dev/attack", "benign"), []);
        assert_eq!(found(&paths, "", "attack"), pairs(&[("home", "b.pcap")]));
        assert_eq!(found(&paths, "dev/benign/home", "benign"), pairs(&[("home", "a.pcap")]));
    }

    #[test]
    fn without_class_folders_the_folder_is_the_source_of_any_class() {
        let paths = ["x/home/a.cap", "x/office/b.pcap.zst"];
        let both = pairs(&[("home", "a.cap"), ("office", "b.pcap.zst")]);
        assert_eq!(found(&paths, "x", "benign"), both);
        assert_eq!(found(&paths, "x", "attack"), both);
    }
}
