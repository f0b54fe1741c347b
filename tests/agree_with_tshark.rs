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
    let Some(captures) = compared(line::bundled("agree")) else { return };
    assert_eq!(captures, BUNDLED);
}

#[test]
fn every_conversation_of_a_collection_agrees() {
    let Ok(folder) = std::env::var("FORESHADOW_CAPTURES") else {
        return say("SKIPPED agree_with_tshark: FORESHADOW_CAPTURES names no folder");
    };
    let captures = compared(captures_under(Path::new(&folder)));
    assert_ne!(captures, Some(0), "no capture in {folder}");
}

/// How many captures agreed, or `None` without tshark; fails if one did not.
fn compared(captures: Vec<PathBuf>) -> Option<usize> {
    if !tshark::is_there() {
        say("SKIPPED agree_with_tshark: tshark not found");
        return None;
    }
    let compare = |capture: &PathBuf| {
        let differences = differences(&ours(capture), &tshark::conversations(capture));
        (!differences.is_empty())
            .then(|| format!("{}\n{}", capture.display(), differences.join("\n")))
    };
    // Most of the time goes into starting tshark, so two at a time.
    let (one, other) = captures.split_at(captures.len() / 2);
    let different: Vec<String> = std::thread::scope(|scope| {
        let one = scope.spawn(|| one.iter().filter_map(compare).collect::<Vec<_>>());
        let other: Vec<_> = other.iter().filter_map(compare).collect();
        one.join().unwrap().into_iter().chain(other).collect()
    });
    assert!(
        different.is_empty(),
        "{} of {} captures differ:\n{}",
        different.len(),
        captures.len(),
        different.join("\n")
    );
    Some(captures.len())
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
        .filter(|(_, ours, theirs)| ours != theirs)
        .map(|(conversation, ours, theirs)| {
            format!("  {conversation:?}\n    ours   {}\n    tshark {}", show(ours), show(theirs))
        })
        .collect()
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
    writeln!(std::io::stderr(), "{line}").unwrap();
}
