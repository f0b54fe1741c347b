//! The report as one JSON object, for programs.
//!
//! ```text
//! { "scorers": [text], "stated": [number],
//!   "labelled": [ { "name", "false_alarms", ATTACK, "packets": [ROC], "connections": [ROC] } ],
//!   "attacks": [ { "name", ATTACK } ], "pooled": [ROC],
//!   "benign": [ { "source", "part", "packets", "connections", "hours", "alarms": [3 counts],
//!     "calibrated", "observed": [number] } ] }
//!
//! ATTACK: "attack": { "packets", "connections", "alarms": [packets, connections, endpoints],
//!   "first_packets": null or count, "first_seconds": null or number, "first_reason": text }
//! ROC, one for each scorer: null or { "attack", "benign", "auc", "tpr_1e3", "tpr_1e2", "eer" }
//! ```

use std::fmt::{self, Write};

use super::report::{AttackReport, BenignReport, DetectReport, LabelledReport};
use super::{Roc, SCORERS, STATED};
use crate::eval::json::{Number, Text, list};

/// Everything in the report, as one line of JSON.
#[must_use]
pub fn json(report: &DetectReport) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_report(&mut text, report);
    text.push('\n');
    text
}

fn write_report(out: &mut String, report: &DetectReport) -> fmt::Result {
    out.push_str("{\"scorers\":");
    list(out, SCORERS, |out, name| write!(out, "{}", Text(name)))?;
    out.push_str(",\"stated\":");
    list(out, STATED, |out, stated| write!(out, "{stated}"))?;
    out.push_str(",\"labelled\":");
    list(out, &report.labelled, labelled)?;
    out.push_str(",\"attacks\":");
    list(out, &report.attacks, |out, capture| {
        write!(out, "{{\"name\":{},", Text(&capture.name))?;
        attack(out, capture)?;
        out.write_char('}')
    })?;
    out.push_str(",\"pooled\":");
    list(out, &report.pooled, roc)?;
    out.push_str(",\"benign\":");
    list(out, &report.benign, benign)?;
    out.write_char('}')
}

fn labelled(out: &mut String, capture: &LabelledReport) -> fmt::Result {
    let name = Text(&capture.name);
    write!(out, "{{\"name\":{name},\"false_alarms\":{},", capture.false_alarms)?;
    attack(out, &capture.attack)?;
    out.push_str(",\"packets\":");
    list(out, &capture.packets, roc)?;
    out.push_str(",\"connections\":");
    list(out, &capture.connections, roc)?;
    out.write_char('}')
}

fn attack(out: &mut String, attack: &AttackReport) -> fmt::Result {
    write!(
        out,
        "\"attack\":{{\"packets\":{},\"connections\":{},\"alarms\":",
        attack.packets, attack.connections
    )?;
    list(out, attack.alarms, |out, count| write!(out, "{count}"))?;
    let packets = attack.first_packets.map_or_else(|| "null".to_owned(), |it| it.to_string());
    let seconds = Number(attack.first_seconds.unwrap_or(f64::NAN));
    write!(
        out,
        ",\"first_packets\":{packets},\"first_seconds\":{seconds},\"first_reason\":{}}}",
        Text(&attack.first_reason)
    )
}

fn benign(out: &mut String, source: &BenignReport) -> fmt::Result {
    write!(
        out,
        "{{\"source\":{},\"part\":{},\"packets\":{},\"connections\":{},\"hours\":{},\"alarms\":",
        Text(&source.name),
        Text(source.part),
        source.packets,
        source.connections,
        Number(source.hours)
    )?;
    list(out, source.alarms, |out, count| write!(out, "{count}"))?;
    write!(out, ",\"calibrated\":{},\"observed\":", source.rates.packets)?;
    list(out, 0..STATED.len(), |out, at| write!(out, "{}", source.rates.observed(at)))?;
    out.write_char('}')
}

fn roc(out: &mut String, roc: &Option<Roc>) -> fmt::Result {
    match roc {
        None => out.write_str("null"),
        Some(Roc { attack, benign, auc, at_1e3, at_1e2, eer }) => write!(
            out,
            "{{\"attack\":{attack},\"benign\":{benign},\"auc\":{auc},\"tpr_1e3\":{at_1e3},\"tpr_1e2\":{at_1e2},\"eer\":{eer}}}"
        ),
    }
}
