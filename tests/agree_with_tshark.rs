//! Packets, bytes and Community IDs of every conversation are those that tshark counts.
//!
//! What is compared is packets, wire bytes and IP bytes of each pair of ends, both directions and
//! all connections between them summed, because tools differ on purpose about when a silence ends a
//! connection. `support/tshark.rs` says how tshark is made to speak of the same thing.
//!
//! Set `FORESHADOW_CAPTURES` to a folder to compare every capture under it as well; what differs is
//! printed in full.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/line.rs"]
mod line;
#[path = "support/tshark.rs"]
mod tshark;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use foreshadow::flow::{Side, Summary, community_id};
use foreshadow::sensor::Event;
use foreshadow::wire::Address;
use tshark::{Conversation, Totals};

/// Captures of `tests/data/agree`, each of them compared in full.
const BUNDLED: usize = 43;

#[test]
fn every_conversation_of_the_bundled_captures_agrees() {
    let Some(compared) = compare(&line::bundled("agree")) else { return };
    assert_eq!(compared.captures, BUNDLED);
    // Nothing to compare would agree as well.
    assert!(compared.conversations > 390, "{compared:?}");
    assert!(compared.community_ids * 20 > compared.conversations * 19, "{compared:?}");
}

#[test]
fn every_conversation_of_a_collection_agrees() {
    let Ok(folder) = std::env::var("FORESHADOW_CAPTURES") else {
        return say("SKIPPED agree_with_tshark: FORESHADOW_CAPTURES names no folder");
    };
    if let Some(compared) = compare(&captures_under(Path::new(&folder))) {
        assert_ne!(compared.captures, 0, "no capture in {folder}");
        say(&format!("agree_with_tshark: {compared:?}"));
    }
}

/// How much was compared.
#[derive(Default, Debug)]
struct Compared {
    captures: usize,
    conversations: usize,
    /// Conversations with an ID from tshark.
    community_ids: usize,
}

/// Compares captures; `None` without tshark. Fails if one does not agree.
fn compare(captures: &[PathBuf]) -> Option<Compared> {
    if !tshark::is_there() {
        say("SKIPPED agree_with_tshark: tshark not found");
        return None;
    }
    // Most of the time goes into starting tshark, so two at a time.
    let (one, other) = captures.split_at(captures.len() / 2);
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| compare_each(one));
        let other = compare_each(other);
        (one.join().unwrap(), other)
    });
    let different = [one.1, other.1].concat();
    let count = format!("{} of {} captures", different.len(), captures.len());
    assert!(different.is_empty(), "{count} differ:\n{}", different.join("\n"));
    Some(Compared {
        captures: captures.len(),
        conversations: one.0.conversations + other.0.conversations,
        community_ids: one.0.community_ids + other.0.community_ids,
    })
}

fn compare_each(captures: &[PathBuf]) -> (Compared, Vec<String>) {
    let (mut compared, mut different) = (Compared::default(), Vec::new());
    for capture in captures {
        let (ours, theirs) = (ours(capture), tshark::conversations(capture));
        let found = differences(&ours, &theirs);
        if !found.is_empty() {
            different.push(format!("{}\n{}", capture.display(), found.join("\n")));
        }
        compared.captures += 1;
        compared.conversations += theirs.len();
        compared.community_ids +=
            theirs.values().filter(|totals| !totals.community_ids.is_empty()).count();
    }
    (compared, different)
}

fn differences(
    ours: &BTreeMap<Conversation, Totals>,
    theirs: &BTreeMap<Conversation, Totals>,
) -> Vec<String> {
    let show =
        |totals: Option<&Totals>| totals.map_or("nothing".to_owned(), |it| format!("{it:?}"));
    let all: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    all.into_iter()
        .map(|conversation| (conversation, ours.get(conversation), theirs.get(conversation)))
        .filter(|(_, ours, theirs)| !agree(*ours, *theirs))
        .map(|(conversation, ours, theirs)| {
            format!("  {conversation:?}\n    ours   {}\n    tshark {}", show(ours), show(theirs))
        })
        .collect()
}

fn agree(ours: Option<&Totals>, theirs: Option<&Totals>) -> bool {
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return false };
    let counts = |totals: &Totals| (totals.packets, totals.wire_bytes, totals.ip_bytes);
    counts(ours) == counts(theirs) && theirs.community_ids.is_subset(&ours.community_ids)
}

/// What the sensor counts in a capture.
fn ours(capture: &Path) -> BTreeMap<Conversation, Totals> {
    let mut all = BTreeMap::<_, Totals>::new();
    line::run(&mut line::sensor(&[]), &[capture], |event| {
        let Event::Connection { summary, .. } = event else { return };
        let totals = all.entry(conversation(summary)).or_default();
        for side in summary.sides {
            totals.packets += side.packets;
            totals.wire_bytes += side.wire_bytes;
            totals.ip_bytes += side.ip_bytes;
        }
        totals.community_ids.insert(community_id(&summary.key, 0));
    });
    all
}

fn conversation(summary: &Summary) -> Conversation {
    let end = |side: Side| (ip(summary.key.address(side)), summary.key.port(side));
    Conversation::new(end(Side::A), end(Side::B), summary.key.protocol)
}

fn ip(address: Address) -> IpAddr {
    match address.as_v4() {
        Some(v4) => IpAddr::from(v4),
        None => IpAddr::from(*address.bytes()),
    }
}

fn captures_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.extension().unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if kind == "pcap" || kind == "pcapng" || kind == "cap" {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Past the test harness, which would keep the words of a test that passes to itself.
fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
