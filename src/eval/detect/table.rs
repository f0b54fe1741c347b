//! The report as text.

use std::fmt::{self, Write};

use super::report::{AttackReport, DetectReport};
use super::{Roc, SCORERS, STATED};
use crate::eval::table::grouped;

/// Packets of a source from which its rate of false alarms is judged.
const ENOUGH: u64 = 20_000;

/// Everything in the report, as tables for a terminal.
#[must_use]
pub fn table(report: &DetectReport) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_report(&mut out, report);
    out
}

fn write_report(out: &mut String, report: &DetectReport) -> fmt::Result {
    if !report.labelled.is_empty() {
        labelled(out, report)?;
    }
    if !report.attacks.is_empty() {
        attacks(out, report)?;
    }
    if !report.benign.is_empty() {
        benign(out, report)?;
    }
    Ok(())
}

fn labelled(out: &mut String, report: &DetectReport) -> fmt::Result {
    writeln!(
        out,
        "Captures with a truth for each packet. TPR at FPR 1e-3 and 1e-2; fewer than a thousand benign\nexamples make the first mean: above all of them."
    )?;
    for by_packet in [false, true] {
        writeln!(out, "\nBy {}", if by_packet { "packet" } else { "connection" })?;
        write!(out, "{:<46} {:>7} {:>7}", "capture", "attack", "benign")?;
        for name in SCORERS {
            write!(out, "  {name:<23}")?;
        }
        write!(out, "\n{:<62}", "")?;
        for _ in SCORERS {
            write!(out, "  {:<5} {:<5} {:<5} {:<5}", "AUC", "1e-3", "1e-2", "EER")?;
        }
        writeln!(out)?;
        for capture in &report.labelled {
            let scores = if by_packet { &capture.packets } else { &capture.connections };
            write!(out, "{:<46}", clip(&capture.name, 46))?;
            let Some(first) = scores.iter().flatten().next() else {
                writeln!(
                    out,
                    " no benign {0}s, or no attack ones",
                    if by_packet { "packet" } else { "connection" }
                )?;
                continue;
            };
            write!(
                out,
                " {:>7} {:>7}",
                grouped(first.attack as u64),
                grouped(first.benign as u64)
            )?;
            rocs(out, scores)?;
        }
        write!(out, "{:<62}", "mean")?;
        for at in 0..SCORERS.len() {
            let mean = |of: fn(&Roc) -> f64| {
                report.mean(at, |it| if by_packet { &it.packets } else { &it.connections }, of)
            };
            let figures =
                [mean(|it| it.auc), mean(|it| it.at_1e3), mean(|it| it.at_1e2), mean(|it| it.eer)];
            write!(out, " ")?;
            for figure in figures {
                match figure {
                    Some(figure) => write!(out, " {figure:.3}")?,
                    None => write!(out, " {:<5}", "-")?,
                }
            }
        }
        writeln!(out)?;
    }
    writeln!(out, "\nAlarms in them")?;
    alarm_head(out, "false")?;
    for capture in &report.labelled {
        alarm_row(out, &capture.attack, &capture.false_alarms.to_string())?;
    }
    writeln!(out)
}

fn attacks(out: &mut String, report: &DetectReport) -> fmt::Result {
    writeln!(out, "Captures that are an attack as a whole")?;
    alarm_head(out, "")?;
    for attack in &report.attacks {
        alarm_row(out, attack, "")?;
    }
    let raised = report.attacks.iter().filter(|it| it.first_packets.is_some()).count();
    writeln!(out, "An alarm on a connection or endpoint in {raised} of {}.", report.attacks.len())?;
    if report.pooled.iter().any(Option::is_some) {
        writeln!(out, "\nTheir connections against those of all benign captures")?;
        for (name, roc) in SCORERS.iter().zip(&report.pooled) {
            write!(out, "{name:<24}")?;
            rocs(out, std::slice::from_ref(roc))?;
        }
    }
    writeln!(out)
}

fn benign(out: &mut String, report: &DetectReport) -> fmt::Result {
    writeln!(
        out,
        "Ordinary traffic: alarms, and observed shares of packets at or below a stated probability"
    )?;
    writeln!(
        out,
        "{:<34} {:<10} {:>9} {:>8} {:>8} {:>8} {:>6} {:>6} {:>7}  {:>9} {:>9} {:>9}",
        "source",
        "part",
        "packets",
        "conns",
        "hours",
        "packets!",
        "conns!",
        "ends!",
        "an hour",
        "1e-2",
        "1e-3",
        "1e-4"
    )?;
    for source in &report.benign {
        let [packets, connections, endpoints] = source.alarms;
        write!(
            out,
            "{:<34} {:<10} {:>9} {:>8} {:>8.1} {packets:>8} {connections:>6} {endpoints:>6} {:>7.2} ",
            clip(&source.name, 34),
            source.part,
            grouped(source.packets),
            grouped(source.connections),
            source.hours,
            source.per_hour()
        )?;
        for at in 0..STATED.len() {
            write!(out, " {:>9.2e}", source.rates.observed(at))?;
        }
        writeln!(out)?;
    }
    let large: Vec<_> = report.benign.iter().filter(|it| it.rates.packets >= ENOUGH).collect();
    let kept = |at: usize| {
        let near = |observed: f64| observed >= STATED[at] / 2.0 && observed <= STATED[at] * 2.0;
        large.iter().filter(|it| near(it.rates.observed(at))).count()
    };
    writeln!(
        out,
        "Within half and twice the stated share, of {} sources with {} packets: {} at 1e-2, {} at 1e-3, {} at 1e-4.",
        large.len(),
        grouped(ENOUGH),
        kept(0),
        kept(1),
        kept(2)
    )
}

fn rocs(out: &mut String, scores: &[Option<Roc>]) -> fmt::Result {
    for roc in scores {
        let figures = roc.map(|Roc { auc, at_1e3, at_1e2, eer, .. }| {
            format!("{auc:.3} {at_1e3:.3} {at_1e2:.3} {eer:.3}")
        });
        write!(out, "  {:<23}", figures.unwrap_or_else(|| "-".to_owned()))?;
    }
    writeln!(out)
}

fn alarm_head(out: &mut String, last: &str) -> fmt::Result {
    writeln!(
        out,
        "{:<66} {:>7} {:>6} {:>8} {:>6} {:>6} {:>8} {:>9} {last:>5}  first reason",
        "capture", "packets", "conns", "packets!", "conns!", "ends!", "after", "seconds"
    )
}

fn alarm_row(out: &mut String, attack: &AttackReport, last: &str) -> fmt::Result {
    let [packets, connections, endpoints] = attack.alarms;
    let after = attack.first_packets.map_or_else(|| "-".to_owned(), |it| it.to_string());
    let seconds = attack.first_seconds.map_or_else(|| "-".to_owned(), |it| format!("{it:.3}"));
    writeln!(
        out,
        "{:<66} {:>7} {:>6} {packets:>8} {connections:>6} {endpoints:>6} {after:>8} {seconds:>9} {last:>5}  {}",
        clip(&attack.name, 66),
        attack.packets,
        attack.connections,
        attack.first_reason
    )
}

fn clip(name: &str, width: usize) -> String {
    if name.chars().count() <= width {
        return name.to_owned();
    }
    name.chars().take(width - 1).chain(['~']).collect()
}
