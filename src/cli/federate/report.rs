//! How the network stands, as one line of JSON.

use std::fmt::Write as _;

use crate::bloom::federate::Aggregator;

/// The view and the totals; `None` before the first round was closed. Numbers are written so that they read
/// back the same: two aggregators that merged the same print the same.
pub(super) fn line(aggregator: &Aggregator) -> Option<String> {
    let view = aggregator.view()?;
    let tally = aggregator.tally();
    let names: Vec<&str> =
        aggregator.terms().categories.iter().map(|category| category.name.as_str()).collect();
    let mut text = format!("{{\"round\":{},\"sensors\":{},\"targets\":[", view.round, view.sensors);
    for (index, target) in view.targets.iter().enumerate() {
        let id: String = target.id.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let of = |(number, _): &(usize, &&str)| target.categories & (1 << number) != 0;
        let categories: Vec<String> =
            names.iter().enumerate().filter(of).map(|(_, name)| format!("\"{name}\"")).collect();
        let _ = write!(
            text,
            "{}{{\"id\":\"{id}\",\"score\":{:?},\"sensors\":{},\"since\":{},\"categories\":[{}]}}",
            comma(index),
            target.score,
            target.sensors,
            target.since,
            categories.join(",")
        );
    }
    text.push_str("],\"categories\":[");
    for (index, (name, merged)) in names.iter().zip(&view.categories).enumerate() {
        let _ = write!(
            text,
            "{}{{\"name\":\"{name}\",\"activity\":{},\"weight\":{:?},\"distinct\":{:?},\"fill\":{:?},\
             \"false_positive_rate\":{:?},\"overfull\":{}}}",
            comma(index),
            merged.activity,
            merged.weight,
            merged.distinct,
            merged.fill,
            merged.false_positive_rate,
            merged.is_overfull
        );
    }
    let _ = write!(
        text,
        "],\"rounds\":{},\"taken\":{},\"left_out\":{},\"refused\":{{",
        tally.rounds, tally.taken, tally.left_out
    );
    for (index, (name, count)) in tally.refused.iter().filter(|(_, count)| *count > 0).enumerate() {
        let _ = write!(text, "{}\"{name}\":{count}", comma(index));
    }
    text.push_str("}}");
    Some(text)
}

const fn comma(index: usize) -> &'static str {
    if index > 0 { "," } else { "" }
}
