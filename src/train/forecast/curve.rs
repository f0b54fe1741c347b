//! The learning curve as a picture: bits per packet over epochs.

use std::fmt::{self, Write};

use super::Outcome;
use crate::eval::svg::{Text, colour, open};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 76.0;
const BELOW: f64 = 52.0;

/// The picture as SVG.
pub(super) fn svg(name: &str, outcome: &Outcome) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut text, name, outcome);
    text
}

fn write(out: &mut String, name: &str, outcome: &Outcome) -> fmt::Result {
    let training: Vec<f64> = outcome.epochs.iter().map(|epoch| epoch.training.total()).collect();
    let validation: Vec<f64> =
        outcome.epochs.iter().filter_map(|epoch| Some(epoch.validation?.total())).collect();
    let all = || training.iter().chain(&validation).copied().filter(|bits| bits.is_finite());
    let least = all().fold(f64::MAX, f64::min).min(1e3).floor();
    let most = all().fold(least + 1.0, f64::max).ceil();
    let x = |epoch: usize| {
        let share = (epoch as f64 + 0.5) / training.len().max(1) as f64;
        LEFT + (WIDTH - LEFT - RIGHT) * share
    };
    let floor = HEIGHT - BELOW;
    let y = |bits: f64| floor - (floor - TOP) * (bits - least) / (most - least);

    open(out, WIDTH, HEIGHT)?;
    writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"26\" font-size=\"16\" font-weight=\"bold\">{}: bits per packet by epoch</text>",
        Text(name)
    )?;
    let mut bits = least;
    while bits <= most {
        let (right, at) = (WIDTH - RIGHT, y(bits));
        writeln!(
            out,
            "<line x1=\"{LEFT}\" x2=\"{right:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{bits:.0}</text>",
            LEFT - 8.0,
            at + 4.0
        )?;
        bits += 1.0;
    }
    let every = training.len().div_ceil(12).max(1);
    for epoch in (0..training.len()).step_by(every) {
        writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x(epoch),
            floor + 18.0,
            epoch + 1
        )?;
    }
    let lines = [
        ("training, disturbed and with dropped units", &training),
        ("validation sources", &validation),
    ];
    for (at, (name, line)) in lines.into_iter().enumerate() {
        let points = line.iter().enumerate();
        let points: Vec<String> =
            points.map(|(epoch, bits)| format!("{:.1},{:.1}", x(epoch), y(*bits))).collect();
        if points.is_empty() {
            continue;
        }
        let (colour, left) = (colour(4 + 2 * at), LEFT + 290.0 * at as f64);
        writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\
             <rect x=\"{left:.1}\" y=\"42\" width=\"12\" height=\"12\" fill=\"{colour}\"/>\
             <text x=\"{:.1}\" y=\"52\">{name}</text>",
            points.join(" "),
            left + 17.0
        )?;
    }
    if let Some(best) = validation.get(outcome.best) {
        writeln!(
            out,
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"{}\"><title>epoch {}: {best:.3} bits</title></circle>",
            x(outcome.best),
            y(*best),
            colour(6),
            outcome.best + 1
        )?;
    }
    writeln!(out, "</svg>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::forecast::{Bits, Epoch};

    #[test]
    fn each_line_has_a_point_for_each_epoch_inside_the_picture() {
        let bits = |time| Bits { side_flags: 1.0, size: 2.0, time };
        let epochs = (0..30).map(|at| Epoch {
            training: bits(6.0 - f64::from(at) / 10.0),
            validation: Some(bits(5.0)),
        });
        let outcome = Outcome {
            epochs: epochs.collect(),
            best: 29,
            validation: Vec::new(),
            held_out: Vec::new(),
            parameters: 0,
        };
        let picture = svg("a<b", &outcome);
        assert!(picture.contains("a&lt;b: bits") && picture.trim_end().ends_with("</svg>"));
        let lines: Vec<&str> =
            picture.lines().filter_map(|line| line.strip_prefix("<polyline points=\"")).collect();
        assert_eq!(lines.len(), 2);
        for line in lines {
            let points: Vec<_> = line.split_once('"').unwrap().0.split(' ').collect();
            assert_eq!(points.len(), 30);
            for point in points {
                let (x, y) = point.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!((LEFT..WIDTH).contains(&x) && (TOP..=HEIGHT - BELOW).contains(&y));
            }
        }
    }
}
