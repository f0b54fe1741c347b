//! The report as a picture: grouped bars of bits per packet, a group for each source.

use std::fmt::{self, Write};

use super::Report;
use super::svg::{Text, colour, open};
use super::table::grouped;

/// Pixels of the parts of the picture.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 96.0;
const PLOT: f64 = 360.0;
const BELOW: f64 = 170.0;
const BAR: f64 = 11.0;
const GAP: f64 = 22.0;
const LEAST_WIDTH: f64 = 640.0;

/// The picture as SVG.
#[must_use]
pub fn svg(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = Picture::new(&mut text, report).write();
    text
}

struct Picture<'a> {
    out: &'a mut String,
    report: &'a Report,
    group: f64,
    width: f64,
    /// Bits at the top of the plot.
    most: f64,
}

impl<'a> Picture<'a> {
    fn new(out: &'a mut String, report: &'a Report) -> Self {
        let groups = report.sources.len() + 1;
        let group = report.models.len() as f64 * BAR + GAP;
        let scores = report.sources.iter().flat_map(|source| &source.scores);
        let totals = scores.chain(report.overall()).map(super::Score::total);
        let most = totals.filter(|total| total.is_finite()).fold(1.0, f64::max);
        Self {
            out,
            report,
            group,
            width: (LEFT + groups as f64 * group + RIGHT).max(LEAST_WIDTH),
            most: (most / 2.0).ceil() * 2.0,
        }
    }

    fn write(mut self) -> fmt::Result {
        let (width, height) = (self.width, TOP + PLOT + BELOW);
        open(self.out, width, height)?;
        self.title()?;
        self.legend()?;
        self.axis()?;
        let all = self.report.scored.packets;
        let overall: Vec<f64> = self.report.overall().map(super::Score::total).collect();
        self.bars(0, "all", all, &overall)?;
        for (at, source) in self.report.sources.iter().enumerate() {
            let totals: Vec<f64> = source.scores.iter().map(super::Score::total).collect();
            self.bars(at + 1, &source.name, source.packets(), &totals)?;
        }
        writeln!(self.out, "</svg>")
    }

    fn title(&mut self) -> fmt::Result {
        let class = Text(&self.report.class);
        let part = self.report.part.map_or("", |part| part.name());
        writeln!(
            self.out,
            "<text x=\"{LEFT}\" y=\"26\" font-size=\"16\" font-weight=\"bold\">Bits per packet, {part} \
             {class} sources (lower is better)</text>"
        )
    }

    /// The models, wrapped where the picture ends.
    fn legend(&mut self) -> fmt::Result {
        let (mut x, mut y) = (LEFT, 50.0);
        for (at, model) in self.report.models.iter().enumerate() {
            let needed = 40.0 + 7.0 * model.name.chars().count() as f64;
            if x + needed > self.width && x > LEFT {
                (x, y) = (LEFT, y + 18.0);
            }
            writeln!(
                self.out,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\" fill=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
                y - 10.0,
                colour(at),
                x + 17.0,
                Text(&model.name)
            )?;
            x += needed;
        }
        Ok(())
    }

    /// Lines across, their numbers, and what they count.
    fn axis(&mut self) -> fmt::Result {
        let mut bits = 0.0;
        while bits <= self.most {
            let y = self.height_of(bits);
            let right = self.width - RIGHT;
            writeln!(
                self.out,
                "<line x1=\"{LEFT}\" x2=\"{right:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{bits:.0}</text>",
                LEFT - 8.0,
                y + 4.0
            )?;
            bits += 2.0;
        }
        let middle = TOP + PLOT / 2.0;
        writeln!(
            self.out,
            "<text x=\"24\" y=\"{middle}\" text-anchor=\"middle\" \
             transform=\"rotate(-90 24 {middle})\">bits per packet</text>"
        )?;
        writeln!(
            self.out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">source (packets scored)</text>",
            self.width - RIGHT,
            TOP + PLOT + BELOW - 12.0
        )
    }

    fn bars(&mut self, at: usize, name: &str, packets: u64, totals: &[f64]) -> fmt::Result {
        let left = LEFT + at as f64 * self.group + GAP / 2.0;
        let floor = TOP + PLOT;
        for (model, total) in totals.iter().enumerate() {
            let (x, y) = (left + model as f64 * BAR, self.height_of(*total));
            writeln!(
                self.out,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\">\
                 <title>{}, {}: {total:.3} bits</title></rect>",
                BAR - 1.0,
                floor - y,
                colour(model),
                Text(name),
                Text(&self.report.models[model].name)
            )?;
        }
        let (x, y) = (left + totals.len() as f64 * BAR / 2.0, floor + 16.0);
        let weight = if at == 0 { " font-weight=\"bold\"" } else { "" };
        writeln!(
            self.out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"end\"{weight} \
             transform=\"rotate(-40 {x:.1} {y:.1})\">{} ({})</text>",
            Text(name),
            grouped(packets)
        )
    }

    fn height_of(&self, bits: f64) -> f64 {
        TOP + PLOT * (1.0 - bits.min(self.most) / self.most)
    }
}
