//! The report as text, and as one JSON object.

use std::fmt::{self, Write};

use super::WEIGHTINGS;
use super::report::{CaptureReport, CategoriesReport};
use crate::bloom::Mask;
use crate::eval::detect::Roc;

/// Everything in the report, as tables for a terminal.
#[must_use]
pub fn table(report: &CategoriesReport) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_table(&mut out, report);
    out
}

fn write_table(out: &mut String, report: &CategoriesReport) -> fmt::Result {
    writeln!(out, "How well a target's score tells attacks: AUC, and TPR at FPR 1e-2")?;
    writeln!(
        out,
        "{:<34} {:>7} {:>7}  {:>6} {:>6}  {:>6} {:>6}",
        "", "attack", "benign", "share", "", "rarity", ""
    )?;
    for (name, rocs) in [
        ("the best target of each capture", &report.by_capture),
        ("endpoints", &report.by_target),
        ("endpoints of labelled captures", &report.by_labelled_target),
    ] {
        let Some(first) = rocs.iter().flatten().next() else { continue };
        write!(out, "{name:<34} {:>7} {:>7}", first.attack, first.benign)?;
        for roc in rocs {
            let Roc { auc, at_1e2, .. } = roc.unwrap_or_default();
            write!(out, "  {auc:>6.3} {at_1e2:>6.3}")?;
        }
        writeln!(out)?;
    }
    for (number, (_, name)) in WEIGHTINGS.iter().enumerate() {
        writeln!(
            out,
            "\nThresholds under {name}: attack captures reaching it, scans, floods and guessed passwords among them, benign targets a day"
        )?;
        for sweep in report.sweep(number) {
            writeln!(
                out,
                "{:>5.2} {:>7.1} % {:>7.1} % {:>8.2}",
                sweep.threshold,
                sweep.attacks * 100.0,
                sweep.loud * 100.0,
                sweep.a_day
            )?;
        }
    }
    writeln!(
        out,
        "\nCaptures with attacks: the best target's score under each weighting (* told of), and its categories"
    )?;
    let mut captures: Vec<&CaptureReport> = report.captures.iter().collect();
    captures.sort_by(|a, b| a.kind.cmp(&b.kind).then(a.name.cmp(&b.name)));
    for capture in captures {
        write!(
            out,
            "{:<28} {:<52} {:>7}",
            clip(&capture.kind, 28),
            clip(&capture.name, 52),
            capture.packets
        )?;
        for scored in &capture.scores {
            write!(out, " {:>6.2}{}", scored.score, if scored.told > 0 { "*" } else { " " })?;
        }
        writeln!(out, "  {}", names(report, capture.scores[0].categories).join(", "))?;
    }
    let [share, rarity] = report.thresholds;
    writeln!(
        out,
        "\nBenign sources, each in a sensor of its own from cold: targets told of at {share} and {rarity}"
    )?;
    writeln!(
        out,
        "{:<34} {:<10} {:>8} {:>8} {:>7} {:>7}",
        "source", "part", "captures", "hours", "share", "rarity"
    )?;
    for source in &report.benign {
        writeln!(
            out,
            "{:<34} {:<10} {:>8} {:>8.1} {:>7} {:>7}",
            clip(&source.name, 34),
            source.part.name(),
            source.captures,
            source.hours,
            source.told[0],
            source.told[1]
        )?;
    }
    for (name, long) in [("of six hours and more", true), ("shorter ones", false)] {
        let of = || report.benign.iter().filter(|source| source.is_long() == long);
        let hours = of().map(|source| source.hours).sum::<f64>();
        let told = |number: usize| of().map(|source| source.told[number]).sum::<u64>();
        let [share, rarity] = [0, 1].map(told);
        writeln!(
            out,
            "{name:<34} {:<10} {:>8} {hours:>8.1} {share:>7} {rarity:>7}",
            "",
            of().count()
        )?;
        let a_day = |told: u64| told as f64 * 24.0 / hours.max(1e-9);
        let [share, rarity] = [share, rarity].map(a_day);
        writeln!(out, "  targets a day: {share:.2} under share, {rarity:.2} under rarity")?;
    }
    let [without, with] = report.cost;
    writeln!(
        out,
        "\nThe stage costs {:.0} ns a packet ({without:.0} without, {with:.0} with it, {} packets).",
        with - without,
        report.cost_packets
    )
}

/// The names of some categories.
fn names(report: &CategoriesReport, categories: Mask) -> Vec<&str> {
    let of = |(number, _): &(usize, &String)| categories & (1 << number) != 0;
    report.names.iter().enumerate().filter(of).map(|(_, name)| name.as_str()).collect()
}

fn clip(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Everything in the report, as one line of JSON:
/// `{"thresholds": [share, rarity], "auc": {"capture"|"target"|"labelled_target": [share, rarity]}, "sweep": {...},
/// "captures": [...], "benign": [...], "cost_ns"}`.
#[must_use]
pub fn json(report: &CategoriesReport) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write_json(&mut out, report);
    out.push('\n');
    out
}

fn write_json(out: &mut String, report: &CategoriesReport) -> fmt::Result {
    write!(out, "{{\"thresholds\":{:?},\"auc\":{{", report.thresholds)?;
    for (index, (name, rocs)) in [
        ("capture", &report.by_capture),
        ("target", &report.by_target),
        ("labelled_target", &report.by_labelled_target),
    ]
    .into_iter()
    .enumerate()
    {
        let auc = |roc: &Option<Roc>| roc.map_or("null".to_owned(), |roc| roc.auc.to_string());
        let [share, rarity] = rocs.each_ref().map(auc);
        write!(out, "{}\"{name}\":[{share},{rarity}]", comma(index))?;
    }
    out.push_str("},\"sweep\":{");
    for (number, (_, name)) in WEIGHTINGS.iter().enumerate() {
        write!(out, "{}\"{name}\":[", comma(number))?;
        for (index, sweep) in report.sweep(number).iter().enumerate() {
            write!(
                out,
                "{}{{\"threshold\":{},\"attacks\":{},\"loud\":{},\"benign_a_day\":{}}}",
                comma(index),
                sweep.threshold,
                sweep.attacks,
                sweep.loud,
                sweep.a_day
            )?;
        }
        out.push(']');
    }
    out.push_str("},\"captures\":[");
    for (index, capture) in report.captures.iter().enumerate() {
        let categories: Vec<String> = names(report, capture.scores[0].categories)
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        write!(
            out,
            "{}{{\"name\":{:?},\"kind\":{:?},\"loud\":{},\"scores\":[{},{}],\"told\":[{},{}],\"target\":\"{}\",\"categories\":[{}]}}",
            comma(index),
            capture.name,
            capture.kind,
            capture.is_loud(),
            capture.scores[0].score,
            capture.scores[1].score,
            capture.scores[0].told,
            capture.scores[1].told,
            capture.scores[0].address,
            categories.join(",")
        )?;
    }
    out.push_str("],\"benign\":[");
    for (index, source) in report.benign.iter().enumerate() {
        write!(
            out,
            "{}{{\"name\":{:?},\"part\":\"{}\",\"hours\":{},\"told\":[{},{}]}}",
            comma(index),
            source.name,
            source.part.name(),
            source.hours,
            source.told[0],
            source.told[1]
        )?;
    }
    let [without, with] = report.cost;
    write!(out, "],\"cost_ns\":[{without},{with}]}}")
}

const fn comma(index: usize) -> &'static str {
    if index > 0 { "," } else { "" }
}
