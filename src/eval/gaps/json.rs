//! The reports as one JSON object each, for programs.
//!
//! ```text
//! gaps: { "loss", "burst", "delay_s" or null, "seed", "tolerance", "quantile",
//!   "rules": [text], "chosen": [text], "sources": [ { "name", "trains", "captures", "packets",
//!     "classes": { NAME: TALLY }, "ahead": TALLY, "rules": [TALLY], "untouched": UNTOUCHED } ] }
//! silence: { "sources": [ { "name", "captures", "cadences", "devices", "detected", "later",
//!   "silent", "periods_median", "untouched": UNTOUCHED } ] }
//! The first source is "all", their sum.
//! ```

use std::fmt::{self, Write};

use crate::eval::json::{Text, list};

use super::run::GapReport;
use super::silence::SilenceReport;
use super::table::rule_text;
use super::tally::{Tally, Untouched, median};
use super::{Class, Rule};

/// Everything in the report, as one line of JSON.
#[must_use]
pub fn gaps_json(report: &GapReport) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_gaps(&mut text, report);
    text.push('\n');
    text
}

/// Everything in the report, as one line of JSON.
#[must_use]
pub fn silence_json(report: &SilenceReport) -> String {
    let mut text = String::new();
    let _ = write_silence(&mut text, report);
    text.push('\n');
    text
}

fn write_gaps(out: &mut String, report: &GapReport) -> fmt::Result {
    let deletion = report.deletion;
    let delay = deletion.delay.map(crate::time::Span::secs_f64);
    write!(
        out,
        "{{\"loss\":{},\"burst\":{},\"delay_s\":{},\"seed\":{},\"tolerance\":{},\"quantile\":{},\
         \"rules\":",
        deletion.loss,
        deletion.burst,
        Maybe(delay),
        deletion.seed,
        report.tolerance,
        report.quantile
    )?;
    list(out, Rule::ALL, |out, rule| write!(out, "{}", Text(&rule_text(rule))))?;
    out.push_str(",\"chosen\":");
    list(out, &report.chosen, |out, one| write!(out, "{}", Text(&rule_text(one.rule))))?;
    out.push_str(",\"sources\":");
    let overall = report.overall();
    list(out, std::iter::once(&overall).chain(&report.sources), |out, source| {
        write!(
            out,
            "{{\"name\":{},\"trains\":{},\"captures\":{},\"packets\":{},\"classes\":{{",
            Text(&source.name),
            source.trains,
            source.captures,
            source.packets
        )?;
        for (place, (class, one)) in Class::ALL.into_iter().zip(&source.classes).enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(out, "{comma}{}:", Text(class.name()))?;
            tally(out, one)?;
        }
        out.push_str("},\"ahead\":");
        tally(out, &source.ahead)?;
        out.push_str(",\"rules\":");
        list(out, &source.rules, tally)?;
        out.push_str(",\"untouched\":");
        untouched(out, &source.untouched)?;
        out.write_char('}')
    })?;
    out.write_char('}')
}

fn write_silence(out: &mut String, report: &SilenceReport) -> fmt::Result {
    out.push_str("{\"sources\":");
    let overall = report.overall();
    list(out, std::iter::once(&overall).chain(&report.sources), |out, source| {
        write!(
            out,
            "{{\"name\":{},\"captures\":{},\"cadences\":{},\"devices\":{},\"detected\":{},\
             \"later\":{},\"silent\":{},\"periods_median\":{},\"untouched\":",
            Text(&source.name),
            source.captures,
            source.cadences,
            source.devices,
            source.detected,
            source.later,
            source.silent,
            Maybe(median(&source.periods))
        )?;
        untouched(out, &source.untouched)?;
        out.write_char('}')
    })?;
    out.write_char('}')
}

fn tally(out: &mut String, tally: &Tally) -> fmt::Result {
    write!(
        out,
        "{{\"lost\":{},\"found_by_gap\":{},\"found_by_overdue\":{},\"gaps\":{},\"gaps_right\":{},\
         \"overdue\":{},\"overdue_right\":{},\"withdrawn\":{},\"withdrawn_right\":{},\"native\":{},\
         \"bytes\":{},\"bytes_found\":{},\"holes\":{},\"holes_right\":{},\"recall\":{},\
         \"precision\":{},\"precision_at_birth\":{},\"f1\":{},\"size_error_median\":{},\
         \"time_error_median_s\":{}}}",
        tally.lost,
        tally.found_by_gap,
        tally.found_by_overdue,
        tally.gaps,
        tally.gaps_right,
        tally.overdue,
        tally.overdue_right,
        tally.withdrawn,
        tally.withdrawn_right,
        tally.native,
        tally.bytes,
        tally.bytes_found,
        tally.holes,
        tally.holes_right,
        Maybe(tally.recall()),
        Maybe(tally.precision()),
        Maybe(tally.precision_at_birth()),
        Maybe(tally.f1()),
        Maybe(median(&tally.size_errors)),
        Maybe(median(&tally.time_errors))
    )
}

fn untouched(out: &mut String, figures: &Untouched) -> fmt::Result {
    let [late, filled, lost, phantom] = figures.outcomes;
    write!(
        out,
        "{{\"seconds\":{},\"packets\":{},\"overdue_first\":{},\"late\":{late},\"filled\":{filled},\
         \"lost\":{lost},\"phantom\":{phantom},\"one_way\":{},\"stopped\":{},\"silences\":{}}}",
        figures.seconds,
        figures.packets,
        figures.overdue,
        figures.one_way,
        figures.stopped,
        figures.silences
    )
}

/// A number or `null`.
struct Maybe(Option<f64>);

impl fmt::Display for Maybe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{value}"),
            None => f.write_str("null"),
        }
    }
}
