//! The rows of category.log and target.log.

use crate::bloom::{Flagged, Name, Report, Target};

use super::row::Row;

/// Writes a category at the end of an interval.
pub(super) fn write(row: &mut Row<'_>, report: &Report) {
    let Report { time, name, interval, activity, weight, .. } = report;
    row.time(*time);
    row.string(name.as_str().as_bytes());
    row.interval(*interval);
    row.count(*activity);
    row.double(*weight as f32);
    row.double(report.fill as f32);
    row.double(report.distinct as f32);
    row.double(report.false_positive_rate as f32);
    row.bool(report.is_overfull);
}

/// Writes an endpoint whose behaviours add up.
pub(super) fn write_target(row: &mut Row<'_>, flagged: &Flagged) {
    let Flagged { time, target, threshold, heaviest, sensors } = flagged;
    let Target { address, score, categories, first, last } = target;
    row.time(*time);
    row.addr(*address);
    row.double(*score as f32);
    row.double(*threshold as f32);
    row.count(categories.count_ones());
    let names: Vec<&str> = heaviest.iter().flatten().map(Name::as_str).collect();
    row.strings(&names);
    row.time(*first);
    row.time(*last);
    row.count(*sensors);
}
