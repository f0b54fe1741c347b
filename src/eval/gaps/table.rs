//! The reports as text, at most 80 columns wide.

use std::fmt::{self, Write};

use crate::eval::table::grouped;

use super::run::{GapReport, GapSource, part};
use super::silence::{SilenceReport, SilenceSource};
use super::tally::{Tally, median, share};
use super::{Class, Rule};

/// Columns of the widest name that is not cut.
const NAME: usize = 20;

/// What was found of what was taken out.
#[must_use]
pub fn gaps_table(report: &GapReport) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_gaps(&mut text, report);
    text
}

/// What was said of devices that fell silent.
#[must_use]
pub fn silence_table(report: &SilenceReport) -> String {
    let mut text = String::new();
    let _ = write_silence(&mut text, report);
    text
}

fn write_gaps(out: &mut String, report: &GapReport) -> fmt::Result {
    let deletion = report.deletion;
    write!(out, "{} of packets ", percent(Some(deletion.loss)).trim())?;
    match deletion.delay {
        Some(delay) => write!(out, "came {} s late", delay.secs_f64())?,
        None => write!(out, "taken out")?,
    }
    if deletion.burst > 1 {
        write!(out, ", {} in a row", deletion.burst)?;
    }
    writeln!(
        out,
        ", seed {}; times may be {} inter-arrivals off.",
        deletion.seed, report.tolerance
    )?;
    writeln!(
        out,
        "found: share of what was taken out; right: share of what was said and not late;"
    )?;
    writeln!(
        out,
        "made: right before outcomes; holes: those found with the right count of packets.\n"
    )?;
    writeln!(
        out,
        "{:<NAME$} {:<11} {:>7} {:>6} {:>6} {:>6} {:>6} {:>8}",
        "source", "class", "out", "found", "right", "made", "holes", "time, s"
    )?;
    let overall = report.overall();
    for source in std::iter::once(&overall).chain(&report.sources) {
        let mut name = clip(&source.name);
        for (class, tally) in Class::ALL.into_iter().zip(&source.classes) {
            if tally.lost == 0 && tally.gaps + tally.overdue == 0 {
                continue;
            }
            row(out, &name, class.name(), tally)?;
            name.clear();
        }
    }
    ahead(out, report, &overall)?;
    errors(out, &overall)?;
    untouched(out, report, &overall)
}

fn row(out: &mut String, name: &str, class: &str, tally: &Tally) -> fmt::Result {
    writeln!(
        out,
        "{name:<NAME$} {class:<11} {:>7} {} {} {} {} {:>8}",
        grouped(tally.lost),
        percent(tally.recall()),
        percent(tally.precision()),
        percent(tally.precision_at_birth()),
        percent(share(tally.holes_right, tally.holes)),
        seconds(median(&tally.time_errors)),
    )
}

fn ahead(out: &mut String, report: &GapReport, overall: &GapSource) -> fmt::Result {
    writeln!(
        out,
        "\nUDP and pure acknowledgements where the forecast beats its baseline, F1:\n\
         the line, beside three rules with the constants best on {} sources.\n",
        if report.trained { "training" } else { "all" }
    )?;
    write!(out, "{:<NAME$} {:>7} {:>6} {:>6} {:>4}", "source", "out", "found", "right", "line")?;
    for chosen in &report.chosen {
        let head = format!("{} {}", chosen.rule.name(), chosen.rule.constant());
        write!(out, " {head:>10}")?;
    }
    writeln!(out)?;
    for source in std::iter::once(overall).chain(&report.sources) {
        if source.ahead.lost == 0 {
            continue;
        }
        let tally = &source.ahead;
        write!(
            out,
            "{:<NAME$} {:>7} {:>6} {:>6} {:>4}",
            clip(&source.name),
            grouped(tally.lost),
            percent(tally.recall()).trim(),
            percent(tally.precision()).trim(),
            two(tally.f1())
        )?;
        for chosen in &report.chosen {
            write!(out, " {:>10}", two(source.rules.get(chosen.place).and_then(Tally::f1)))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn errors(out: &mut String, overall: &GapSource) -> fmt::Result {
    writeln!(
        out,
        "\n{:<11} {:>8} {:>8} {:>8} {:>8} {:>7} {:>11} {:>10}",
        "class", "by gap", "overdue", "late", "native", "bytes", "size, mean", "time, mean"
    )?;
    let mean = |values: &[f64]| {
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    for (class, tally) in Class::ALL.into_iter().zip(&overall.classes) {
        writeln!(
            out,
            "{:<11} {:>8} {:>8} {:>8} {:>8} {:>7} {:>11} {:>10}",
            class.name(),
            grouped(tally.found_by_gap),
            grouped(tally.found_by_overdue),
            grouped(tally.withdrawn),
            grouped(tally.native),
            percent(share(tally.bytes_found, tally.bytes)).trim(),
            mean(&tally.size_errors).map_or("-".to_owned(), |mean| format!("{mean:.1}")),
            seconds(mean(&tally.time_errors)),
        )?;
    }
    Ok(())
}

fn untouched(out: &mut String, report: &GapReport, overall: &GapSource) -> fmt::Result {
    writeln!(
        out,
        "\nUntouched: overdue packets, an hour of capture, by outcome; missed: first of a\n\
         run among packets that could have a deadline, {} stated; beats: heartbeats.\n",
        percent(Some(1.0 - report.quantile)).trim()
    )?;
    writeln!(
        out,
        "{:<NAME$} {:>7} {:>8} {:>6} {:>6} {:>5} {:>7} {:>6} {:>6}",
        "source", "hours", "an hour", "late", "fill'd", "lost", "phantom", "missed", "beats"
    )?;
    for source in std::iter::once(overall).chain(&report.sources) {
        let figures = &source.untouched;
        let [late, filled, lost, phantom] = figures.outcomes;
        writeln!(
            out,
            "{:<NAME$} {:>7.2} {:>8} {late:>6} {filled:>6} {lost:>5} {phantom:>7} {} {:>6}",
            clip(&source.name),
            figures.seconds / 3_600.0,
            figures.an_hour().map_or("-".to_owned(), |rate| format!("{rate:.1}")),
            percent(figures.coverage().map(|coverage| 1.0 - coverage)),
            figures.stopped + figures.silences,
        )?;
    }
    writeln!(
        out,
        "\nOverdue packets in captures of one-way or one-packet connections: {}.",
        overall.untouched.one_way
    )?;
    let trains = report.sources.iter().filter(|source| source.trains).count();
    writeln!(
        out,
        "{} sources, {trains} of them {}; {} captures, {} packets.",
        report.sources.len(),
        part(true).name(),
        overall.captures,
        grouped(overall.packets)
    )
}

fn write_silence(out: &mut String, report: &SilenceReport) -> fmt::Result {
    writeln!(
        out,
        "One device at a time silenced from the middle on; told: within three periods.\n\
         false: missing heartbeats of the untouched capture + silences of everything.\n"
    )?;
    writeln!(
        out,
        "{:<NAME$} {:>5} {:>7} {:>5} {:>5} {:>3} {:>5} {:>7} {:>7} {:>7}",
        "source",
        "files",
        "devices",
        "told",
        "later",
        "all",
        "never",
        "periods",
        "false",
        "an hour"
    )?;
    let overall = report.overall();
    for source in std::iter::once(&overall).chain(&report.sources) {
        let SilenceSource { devices, detected, later, silent, untouched, .. } = source;
        let told = untouched.stopped + untouched.silences;
        if *devices == 0 && told == 0 && source.name != "all" {
            continue;
        }
        let hours = untouched.seconds / 3_600.0;
        writeln!(
            out,
            "{:<NAME$} {:>5} {devices:>7} {detected:>5} {later:>5} {silent:>3} {:>5} {:>7} {:>7} {:>7}",
            clip(&source.name),
            source.captures,
            devices - detected - later - silent,
            two(median(&source.periods)),
            format!("{}+{}", untouched.stopped, untouched.silences),
            if hours > 0.0 { format!("{:.2}", told as f64 / hours) } else { "-".to_owned() },
        )?;
    }
    Ok(())
}

/// In six columns.
fn percent(share: Option<f64>) -> String {
    share.map_or("     -".to_owned(), |share| format!("{:>5.1}%", share * 100.0))
}

fn two(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.2}"))
}

fn seconds(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |value| {
        if value < 10.0 { format!("{value:.4}") } else { format!("{value:.1}") }
    })
}

fn clip(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    name.chars().take(NAME - 1).chain(['~']).collect()
}

/// A rule's name and constant, for programs.
pub(super) fn rule_text(rule: Rule) -> String {
    format!("{} {}", rule.name(), rule.constant())
}
