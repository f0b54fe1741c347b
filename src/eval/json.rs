//! The report as one JSON object, for programs.
//!
//! ```text
//! { "data": [text], "class": text, "part": text or null, "split": text or null,
//!   "horizons_s": [number], "deadline": number,
//!   "training" and "scored": { "sources", "captures", "packets" },
//!   "models": [ { "name", "about", "seconds", SCORE } ],
//!   "sources": [ { "name", "captures", "models": [ { "name", SCORE } ] } ] }
//!
//! SCORE: "packets", "bits": { "total", "side_flags", "size", "time" } (null: infinite),
//!   "points": null or { "time_mean", "time_median", "size_mean", "size_median" },
//!   "calibration": null or { "error", "coverage", "offered", "coverage_offered",
//!     "reliability": [ { "forecasts", "predicted", "observed" } ] }
//! ```

use std::fmt::{self, Write};

use super::{Calibration, DEADLINE, Extent, HORIZONS, PointErrors, Report, Score};

/// Everything in the report, as one line of JSON.
#[must_use]
pub fn json(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_report(&mut text, report);
    text.push('\n');
    text
}

fn write_report(out: &mut String, report: &Report) -> fmt::Result {
    out.push_str("{\"data\":");
    list(out, &report.data, |out, path| write!(out, "{}", Text(path)))?;
    let maybe = |text: Option<&str>| text.map_or("null".to_owned(), |text| Text(text).to_string());
    write!(
        out,
        ",\"class\":{},\"part\":{},\"split\":{},\"horizons_s\":",
        Text(&report.class),
        maybe(report.part.map(super::Part::name)),
        maybe(report.split.as_deref())
    )?;
    list(out, &HORIZONS, |out, horizon| write!(out, "{}", horizon.secs_f64()))?;
    write!(out, ",\"deadline\":{DEADLINE}")?;
    for (name, extent) in [("training", report.training), ("scored", report.scored)] {
        let Extent { sources, captures, packets } = extent;
        write!(
            out,
            ",\"{name}\":{{\"sources\":{sources},\"captures\":{captures},\"packets\":{packets}}}"
        )?;
    }
    out.push_str(",\"models\":");
    list(out, &report.models, |out, model| {
        let (name, about) = (Text(&model.name), Text(&model.about));
        write!(out, "{{\"name\":{name},\"about\":{about},\"seconds\":{:.3},", model.seconds)?;
        score(out, &model.overall)
    })?;
    out.push_str(",\"sources\":");
    list(out, &report.sources, |out, source| {
        write!(out, "{{\"name\":{},", Text(&source.name))?;
        write!(out, "\"captures\":{},\"models\":", source.captures)?;
        list(out, report.models.iter().zip(&source.scores), |out, (model, of)| {
            write!(out, "{{\"name\":{},", Text(&model.name))?;
            score(out, of)
        })?;
        out.write_char('}')
    })?;
    out.write_char('}')
}

/// A score's fields and the brace that closes the object they are in.
fn score(out: &mut String, score: &Score) -> fmt::Result {
    let [side_flags, size, time] = score.parts();
    write!(
        out,
        "\"packets\":{},\"bits\":{{\"total\":{},\"side_flags\":{},\"size\":{},\"time\":{}}},\"points\":",
        score.packets(),
        Number(score.total()),
        Number(side_flags),
        Number(size),
        Number(time)
    )?;
    match score.points() {
        None => out.push_str("null"),
        Some(PointErrors { time_mean, time_median, size_mean, size_median }) => write!(
            out,
            "{{\"time_mean\":{time_mean},\"time_median\":{time_median},\
             \"size_mean\":{size_mean},\"size_median\":{size_median}}}"
        )?,
    }
    out.push_str(",\"calibration\":");
    match score.calibration() {
        None => out.push_str("null"),
        Some(calibration) => write_calibration(out, calibration)?,
    }
    out.write_char('}')
}

fn write_calibration(out: &mut String, calibration: &Calibration) -> fmt::Result {
    write!(
        out,
        "{{\"error\":{},\"coverage\":{},\"offered\":{},\"coverage_offered\":{},\"reliability\":",
        calibration.error(),
        calibration.coverage(),
        calibration.offered(),
        calibration.coverage_offered()
    )?;
    list(out, calibration.bins(), |out, bin| {
        write!(
            out,
            "{{\"forecasts\":{},\"predicted\":{},\"observed\":{}}}",
            bin.forecasts,
            bin.predicted(),
            bin.observed()
        )
    })?;
    out.write_char('}')
}

pub(super) fn list<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut String, T) -> fmt::Result,
) -> fmt::Result {
    out.push('[');
    for (at, value) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        item(out, value)?;
    }
    out.write_char(']')
}

/// A number; `null` for the infinite bits of a model that gave what came no probability at all.
pub(super) struct Number(pub(super) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_finite() { write!(f, "{}", self.0) } else { f.write_str("null") }
    }
}

/// A JSON string, quotes included.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                control if control < ' ' => write!(f, "\\u{:04x}", u32::from(control))?,
                plain => f.write_char(plain)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_as_json_wants_it() {
        assert_eq!(Text("a\"b\\c\n\u{e4}").to_string(), "\"a\\\"b\\\\c\\u000a\u{e4}\"");
    }
}
