//! The report as a picture: for each labelled capture the connections found at one false alarm in a
//! thousand, by us and by the best Markov variant.

use std::fmt::{self, Write};

use super::report::{DetectReport, LabelledReport};

const LEFT: f64 = 330.0;
const WIDTH: f64 = 900.0;
const ROW: f64 = 30.0;
const TOP: f64 = 80.0;
const OURS: &str = "#009e73";
const THEIRS: &str = "#9a9a9a";

/// The picture as SVG.
#[must_use]
pub fn svg(report: &DetectReport) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_picture(&mut text, report);
    text
}

fn write_picture(out: &mut String, report: &DetectReport) -> fmt::Result {
    let rows: Vec<_> = report.labelled.iter().filter_map(row).collect();
    let height = TOP + ROW * rows.len() as f64 + 40.0;
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
         viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"20\" y=\"26\" font-size=\"16\" font-weight=\"bold\">Attack connections found at one \
         false alarm in a thousand (more is better)</text>"
    )?;
    for (x, colour, name) in [(20.0, OURS, "foreshadow"), (140.0, THEIRS, "best Markov 1 variant")]
    {
        writeln!(
            out,
            "<rect x=\"{x}\" y=\"42\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"52\">{name}</text>",
            x + 18.0
        )?;
    }
    let scale = WIDTH - LEFT - 70.0;
    for (at, (name, ours, theirs)) in rows.iter().enumerate() {
        let y = TOP + ROW * at as f64;
        writeln!(out, "<text x=\"20\" y=\"{}\">{}</text>", y + 15.0, Text(name))?;
        for (value, colour, y) in [(ours, OURS, y + 2.0), (theirs, THEIRS, y + 13.0)] {
            writeln!(
                out,
                "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{:.1}\" height=\"10\" fill=\"{colour}\"/>\
                 <text x=\"{:.1}\" y=\"{}\" font-size=\"10\">{value:.2}</text>",
                (value * scale).max(1.0),
                LEFT + value * scale + 6.0,
                y + 9.0
            )?;
        }
    }
    writeln!(out, "</svg>")
}

fn row(capture: &LabelledReport) -> Option<(&str, f64, f64)> {
    let [ours, others @ ..] = &capture.connections;
    let best = others.iter().flatten().map(|roc| roc.at_1e3).fold(0.0, f64::max);
    Some((&capture.name, ours.as_ref()?.at_1e3, best))
}

/// Text with what means something to XML written out.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '<' => f.write_str("&lt;")?,
                '&' => f.write_str("&amp;")?,
                plain => f.write_char(plain)?,
            }
        }
        Ok(())
    }
}
