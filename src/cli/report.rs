//! The short summary at the end of a run.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount};

use crate::flow::Side;
use crate::sensor::{Event, Stats};
use crate::sink::{LogFile, Written};
use crate::wire::Address;

/// Endpoints remembered while running; beyond it the least surprising half is dropped.
const MOST_TALKERS: usize = 16_384;

/// How many are shown.
const SHOWN: usize = 5;

/// Endpoints by the surprise of the connections they originated.
#[derive(Default)]
pub(super) struct Talkers {
    by_address: HashMap<Address, Talker>,
}

#[derive(Clone, Copy, Default)]
struct Talker {
    bits: f64,
    packets: u64,
    anomalies: u64,
}

impl Talkers {
    /// Takes an event into account.
    pub(super) fn count(&mut self, event: &Event) {
        let Event::Connection { summary, score, .. } = event else { return };
        let originator: Side = summary.originator;
        let talker = self.by_address.entry(summary.key.address(originator)).or_default();
        talker.bits += f64::from(score.total);
        talker.packets += u64::from(score.scored);
        talker.anomalies += u64::from(score.anomalies);
        if self.by_address.len() > MOST_TALKERS {
            let mut all: Vec<f64> = self.by_address.values().map(|talker| talker.bits).collect();
            let middle = all.len() / 2;
            let (_, median, _) = all.select_nth_unstable_by(middle, f64::total_cmp);
            let median = *median;
            self.by_address.retain(|_, talker| talker.bits > median);
        }
    }

    /// The most surprising ones, largest first; equal ones by address.
    fn top(&self) -> Vec<(Address, Talker)> {
        let mut all: Vec<_> =
            self.by_address.iter().map(|(address, talker)| (*address, *talker)).collect();
        all.sort_by(|a, b| b.1.bits.total_cmp(&a.1.bits).then(a.0.cmp(&b.0)));
        all.truncate(SHOWN);
        all
    }
}

/// One line of it, a name and a value; an empty name goes on with the line before.
pub(super) fn line(text: &mut String, name: &str, value: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    let _ = writeln!(text, "{name:<14} {value}");
}

/// Where the rebuilt stream lies and what is in it.
pub(super) fn rebuilt(text: &mut String, written: &Written) {
    let Written { path, synthetic_path, captured, moved, synthetic, late } = written;
    line(text, "rebuilt", format_args!("{}", path.display()));
    line(text, "", format_args!("{} packets as captured", HumanCount(*captured)));
    if *moved > 0 {
        let what = format_args!("{} of them stand where their bytes belong", HumanCount(*moved));
        line(text, "", what);
    }
    let place = synthetic_path.as_ref().map_or(String::new(), |it| format!(" in {}", it.display()));
    line(text, "", format_args!("{} synthetic packets{place}", HumanCount(*synthetic)));
    if *late > 0 {
        let what = format_args!("{} of them stand late: see rebuild.window", HumanCount(*late));
        line(text, "", what);
    }
}

/// Where the logs lie and how many rows each has.
pub(super) fn logs(text: &mut String, directory: &Path, files: &[LogFile]) {
    line(text, "logs", format_args!("{}", directory.display()));
    for file in files {
        let name = file.path.file_name().unwrap_or_default().display();
        line(text, "", format_args!("{name:<16} {} rows", HumanCount(file.rows)));
    }
}

/// The summary as text.
pub(super) fn summary(stats: &Stats, talkers: &Talkers, elapsed: Duration) -> String {
    let mut text = String::new();
    let rate = stats.packets as f64 / elapsed.as_secs_f64().max(1e-9);
    let mean = stats.surprise_millibits as f64 / 1_000.0 / stats.scored.max(1) as f64;
    line(
        &mut text,
        "packets",
        format_args!(
            "{} ({}), {}/s",
            HumanCount(stats.packets),
            HumanBytes(stats.wire_bytes),
            HumanCount(rate as u64)
        ),
    );
    line(&mut text, "connections", format_args!("{}", HumanCount(stats.connections)));
    line(&mut text, "surprise", format_args!("{mean:.2} bits a packet"));
    line(&mut text, "anomalies", format_args!("{}", HumanCount(stats.anomalies)));
    line(
        &mut text,
        "synthetic",
        format_args!("{} packets were due and did not come", HumanCount(stats.synthetic)),
    );
    for (count, name) in [
        (stats.not_ip, "without an IP header"),
        (stats.truncated, "cut off inside a header"),
        (stats.malformed, "with a malformed header"),
        (stats.time_reversed, "stamped earlier than one before"),
        (stats.clock_resets, "times the capture's clock was set back"),
        (stats.evicted, "connections evicted from a full table"),
        (stats.events_shed, "events lost"),
    ] {
        if count > 0 {
            line(&mut text, "", format_args!("{} {name}", HumanCount(count)));
        }
    }
    let top = talkers.top();
    if !top.is_empty() {
        line(&mut text, "top talkers", format_args!("of surprise: bits, packets, anomalies"));
        for (address, talker) in top {
            line(
                &mut text,
                "",
                format_args!(
                    "{:>12}  {:>10}  {:>6}  {address}",
                    HumanCount(talker.bits as u64).to_string(),
                    HumanCount(talker.packets).to_string(),
                    HumanCount(talker.anomalies).to_string(),
                ),
            );
        }
    }
    text
}
