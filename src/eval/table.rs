//! The report as text, at most 100 columns wide.

use std::fmt::{self, Write};

use super::{Calibration, DEADLINE, Report, Score};

/// Columns of the widest source or model name that is not cut.
const NAME: usize = 30;

/// The report as a person reads it at a terminal.
#[must_use]
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = Tables { out: &mut text, report }.write();
    text
}

struct Tables<'a> {
    out: &'a mut String,
    report: &'a Report,
}

impl Tables<'_> {
    fn write(&mut self) -> fmt::Result {
        self.preface()?;
        self.head()?;
        let overall: Vec<_> = self.report.overall().collect();
        self.block("all", self.report.scored.captures, &overall)?;
        for source in &self.report.sources {
            writeln!(self.out)?;
            self.block(&source.name, source.captures, &source.scores.iter().collect::<Vec<_>>())?;
        }
        self.points()?;
        self.calibration()
    }

    fn preface(&mut self) -> fmt::Result {
        let Report { class, part, split, training, scored, models, .. } = self.report;
        write!(self.out, "Bits per packet on the ")?;
        if let Some(part) = part {
            write!(self.out, "{} ", part.name())?;
        }
        write!(self.out, "{class} sources")?;
        if let Some(split) = split {
            write!(self.out, " of {split}")?;
        }
        writeln!(self.out, ".")?;
        for (what, extent) in [("Trained on", training), ("Scored on", scored)] {
            writeln!(
                self.out,
                "{what:<10} {:>9} packets, {:>5} captures, {:>3} sources.",
                grouped(extent.packets),
                extent.captures,
                extent.sources
            )?;
        }
        writeln!(
            self.out,
            "\nside: side and flags; size given these; time given both; vs Markov: against the best of them.\n"
        )?;
        for model in models {
            writeln!(self.out, "{:<14} {}", clip(&model.name, 14), model.about)?;
        }
        Ok(())
    }

    fn head(&mut self) -> fmt::Result {
        writeln!(
            self.out,
            "\n{:<NAME$} {:>8}  {:<14} {:>7} {:>7} {:>7} {:>7}   vs Markov",
            "source", "packets", "model", "total", "side", "size", "time"
        )
    }

    /// One source: its name and size at the left of the first models.
    fn block(&mut self, name: &str, captures: usize, scores: &[&Score]) -> fmt::Result {
        let best = self.report.best_markov(scores.iter().copied());
        for (row, (model, score)) in self.report.models.iter().zip(scores).enumerate() {
            let (left, packets) = match row {
                0 => (clip(name, NAME), grouped(score.packets())),
                1 if captures == 1 => ("  1 capture".to_owned(), String::new()),
                1 => (format!("  {captures} captures"), String::new()),
                _ => (String::new(), String::new()),
            };
            let [side_flags, size, time] = score.parts();
            let total = score.total();
            write!(
                self.out,
                "{left:<NAME$} {packets:>8}  {:<14} {total:>7.3} {side_flags:>7.3} {size:>7.3} \
                 {time:>7.3}",
                clip(&model.name, 14)
            )?;
            match best {
                Some(best) => writeln!(self.out, "  {:>9}", relative(total, best))?,
                None => writeln!(self.out)?,
            }
        }
        Ok(())
    }

    fn points(&mut self) -> fmt::Result {
        let rows = self.report.models.iter();
        let rows: Vec<_> =
            rows.filter_map(|model| Some((&model.name, model.overall.points()?))).collect();
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(
            self.out,
            "\nPoint errors: time as |log2| of came / expected median, size in bytes from the \
             likeliest.\n{:<14} {:>11} {:>12} {:>11} {:>12}",
            "model", "time, mean", "time, median", "size, mean", "size, median"
        )?;
        for (name, points) in rows {
            writeln!(
                self.out,
                "{:<14} {:>11.2} {:>12.2} {:>11.1} {:>12.0}",
                clip(name, 14),
                points.time_mean,
                points.time_median,
                points.size_mean,
                points.size_median
            )?;
        }
        Ok(())
    }

    fn calibration(&mut self) -> fmt::Result {
        for model in &self.report.models {
            let Some(calibration) = model.overall.calibration() else { continue };
            self.reliability(&model.name, calibration)?;
        }
        Ok(())
    }

    fn reliability(&mut self, name: &str, calibration: &Calibration) -> fmt::Result {
        writeln!(
            self.out,
            "\n\"The next packet comes within t\", t from 0.1 ms to 100 s, by {name}:\n\
             {:>12} {:>10} {:>10}",
            "forecasts", "predicted", "came true"
        )?;
        for bin in calibration.bins() {
            let (predicted, observed) = (bin.predicted(), bin.observed());
            writeln!(
                self.out,
                "{:>12} {predicted:>10.3} {observed:>10.3}",
                grouped(bin.forecasts)
            )?;
        }
        writeln!(self.out, "Expected calibration error {:.4}.", calibration.error())?;
        writeln!(
            self.out,
            "By the {DEADLINE} deadline came {:.1} % of all packets; where the model stands behind \
             it\n({:.1} % of packets), {:.1} %.",
            calibration.coverage() * 100.0,
            calibration.offered() * 100.0,
            calibration.coverage_offered() * 100.0
        )
    }
}

/// How many more bits than the best Markov baseline, in percent.
fn relative(total: f64, best: f64) -> String {
    let percent = (total / best - 1.0) * 100.0;
    if percent < 1_000.0 { format!("{percent:+.1} %") } else { "> +999 %".to_owned() }
}

/// A name in at most `width` columns.
fn clip(name: &str, width: usize) -> String {
    if name.chars().count() <= width {
        return name.to_owned();
    }
    name.chars().take(width - 1).chain(['~']).collect()
}

/// A number with its digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_in_groups_of_three() {
        let expected = [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")];
        for (number, text) in expected {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn long_names_are_cut_visibly() {
        assert_eq!(clip("short", 5), "short");
        assert_eq!(clip("longer", 5), "long~");
    }
}
