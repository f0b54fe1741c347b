//! A run as one page: what was expected, what came, what stands out and why.
//!
//! ```text
//! packets with their explanations -> Timeline, Calibration, Tracks (who was worth a look)
//! events -> Timeline, Tracks, Tables
//! the end -> one JSON object in page.html, with the scripts and styles that draw it
//! ```
//!
//! What it promises: one file that needs nothing else and reaches for nothing (its content policy
//! forbids every address); a size that does not grow with the capture, about two megabytes at most; what
//! comes from traffic stays text, here as in the page. What it does not do: show every packet. Where
//! something was left out the page says of how many.
//!
//! The charts are drawn by uPlot (MIT), which lies in `uplot/` as its makers published it, version 1.6.32.

mod calibration;
mod json;
mod names;
mod tables;
mod timeline;
mod tracks;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::sensor::{Event, Explanation, Sensor, Stats, Verdict};
use crate::sink::SinkError;
use crate::time::Timestamp;

use calibration::Calibration;
use json::Json;
use tables::Tables;
use timeline::Timeline;
use tracks::Tracks;

const PAGE: &str = include_str!("page/page.html");
/// Each in the place of its comment in the page.
const PIECES: [(&str, &str); 4] = [
    ("/* uplot.css */", include_str!("uplot/uPlot.min.css")),
    ("/* page.css */", include_str!("page/page.css")),
    ("/* uplot.js */", include_str!("uplot/uPlot.iife.min.js")),
    ("/* uplot licence */", include_str!("uplot/LICENSE")),
];
const SCRIPTS: [&str; 6] = [
    include_str!("page/words.js"),
    include_str!("page/timeline.js"),
    include_str!("page/tracks.js"),
    include_str!("page/tables.js"),
    include_str!("page/calibration.js"),
    include_str!("page/start.js"),
];

/// What the page says of the run as a whole.
#[derive(Clone, Debug)]
pub struct About {
    /// What was read.
    pub inputs: Vec<String>,
    /// Which model forecast.
    pub model: String,
    /// Share of ordinary packets that may be called anomalies.
    pub false_alarms: f64,
    /// Alarms that may be raised a day.
    pub alarms_per_day: f64,
    /// Packets before the first that may be one.
    pub warm_up: u64,
}

/// Collects what the page shows.
pub struct Report {
    path: PathBuf,
    about: About,
    timeline: Timeline,
    calibration: Calibration,
    tracks: Tracks,
    tables: Tables,
    scored: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Report {
    /// A page to be written to `path`, whose folder must be writable.
    ///
    /// # Errors
    /// When it is not.
    pub fn create(path: &Path, about: About) -> Result<Self, SinkError> {
        let part = Self::part(path);
        fs::File::create(&part).map_err(|error| SinkError::new("write", &part, error))?;
        Ok(Self {
            path: path.to_owned(),
            about,
            timeline: Timeline::new(),
            calibration: Calibration::default(),
            tracks: Tracks::default(),
            tables: Tables::new(),
            scored: 0,
            first: None,
            last: None,
        })
    }

    /// The name that a page has until it is whole.
    #[must_use]
    pub fn part(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".part");
        PathBuf::from(name)
    }

    /// Takes a packet, after the sensor took it.
    pub fn packet(
        &mut self,
        time: Timestamp,
        verdict: &Verdict,
        explanation: Option<&Explanation>,
        sensor: &Sensor,
    ) {
        self.first.get_or_insert(time);
        self.last = Some(time);
        let scored = verdict.surprise.map(|surprise| (verdict.probability, surprise.total()));
        self.timeline.packet(time, scored, verdict.is_new);
        let Some(explanation) = explanation else { return };
        self.scored += 1;
        if self.scored > self.about.warm_up {
            self.calibration.packet(verdict.probability);
        }
        self.tracks.packet(time, verdict, explanation, sensor);
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Synthetic(packet) => {
                self.timeline.synthetic(packet.made);
                self.tracks.synthetic(packet);
            }
            Event::Outcome(settled) => self.tracks.outcome(settled),
            Event::Anomaly(anomaly) => {
                self.timeline.anomaly(anomaly.time);
                self.tables.anomaly(anomaly);
            }
            Event::AnomalousConnection(found) => self.tables.anomalous_connection(found),
            Event::AnomalousEndpoint(found) => self.tables.anomalous_endpoint(found),
            Event::Connection { summary, score, .. } => self.tables.connection(summary, score),
            _ => {}
        }
    }

    /// Writes the page, whole or not at all, and answers where it is.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn close(mut self, stats: &Stats) -> Result<PathBuf, SinkError> {
        let page = self.page(stats);
        let part = Self::part(&self.path);
        let written = fs::File::create(&part)
            .and_then(|mut file| file.write_all(&page).and_then(|()| file.sync_all()));
        written.map_err(|error| SinkError::new("write", &part, error))?;
        fs::rename(&part, &self.path)
            .map_err(|error| SinkError::new("rename to", &self.path, error))?;
        Ok(self.path)
    }

    fn page(&mut self, stats: &Stats) -> Vec<u8> {
        let mut page = Vec::with_capacity(1 << 20);
        let mut rest = PAGE;
        // In the order in which they stand: what was put in is not looked at again.
        while let Some((before, name, after)) = next_piece(rest) {
            page.extend_from_slice(before.as_bytes());
            match name {
                "/* page.js */" => {
                    SCRIPTS.iter().for_each(|script| page.extend_from_slice(script.as_bytes()));
                }
                "/* data */" => page.extend_from_slice(&self.data(stats)),
                _ => {
                    let piece = PIECES.iter().find(|(of, _)| *of == name);
                    page.extend_from_slice(piece.map_or("", |(_, text)| text).as_bytes());
                }
            }
            rest = after;
        }
        page.extend_from_slice(rest.as_bytes());
        page
    }

    fn data(&mut self, stats: &Stats) -> Vec<u8> {
        let mut json = Json::default();
        let About { inputs, model, false_alarms, alarms_per_day, warm_up } = self.about.clone();
        let seconds = |time: Option<Timestamp>| time.map(|time| time.nanos() as f64 / 1e9);
        json.object(|json| {
            json.key("about").object(|json| {
                json.key("version").text(env!("CARGO_PKG_VERSION"));
                json.key("inputs").array(|json| inputs.iter().for_each(|it| json.text(it)));
                json.key("model").text(&model);
                json.key("false_alarms").number(false_alarms);
                json.key("alarms_per_day").number(alarms_per_day);
                json.key("warm_up").whole(warm_up);
                json.key("first").maybe(seconds(self.first));
                json.key("last").maybe(seconds(self.last));
            });
            json.key("stats").object(|json| {
                for (name, count) in [
                    ("packets", stats.packets),
                    ("bytes", stats.wire_bytes),
                    ("connections", stats.connections),
                    ("scored", stats.scored),
                    ("anomalies", stats.anomalies),
                    ("anomalous_connections", stats.anomalous_connections),
                    ("anomalous_endpoints", stats.anomalous_endpoints),
                    ("alarms_held", stats.alarms_held),
                    ("synthetic", stats.synthetic),
                    ("gaps", stats.gaps),
                    ("late", stats.late),
                    ("filled", stats.filled),
                    ("lost", stats.lost),
                    ("phantom", stats.phantom),
                    ("cadences", stats.cadences),
                    ("heartbeats_missing", stats.heartbeats_missing),
                ] {
                    json.key(name).whole(count);
                }
                let scored = stats.scored.max(1) as f64;
                json.key("bits").number(stats.surprise_millibits as f64 / 1e3 / scored);
            });
            json.key("timeline");
            self.timeline.write(json);
            json.key("calibration");
            self.calibration.write(json);
            json.key("tracks");
            self.tracks.write(json);
            self.tables.write(json);
        });
        json.finish()
    }
}

/// The next comment of the page that stands for a piece: what is before it, its text, what is after.
fn next_piece(text: &str) -> Option<(&str, &str, &str)> {
    let begin = text.find("/* ")?;
    let end = begin + text.get(begin..)?.find(" */")? + 3;
    Some((text.get(..begin)?, text.get(begin..end)?, text.get(end..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_comment_of_the_page_is_the_place_of_a_piece_that_is_there() {
        let (mut rest, mut found) = (PAGE, Vec::new());
        while let Some((_, name, after)) = next_piece(rest) {
            found.push(name);
            rest = after;
        }
        let mut expected: Vec<_> = PIECES.iter().map(|(name, _)| *name).collect();
        expected.extend(["/* page.js */", "/* data */"]);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_page_reaches_for_nothing_and_no_piece_ends_its_element() {
        for text in PIECES.iter().map(|(_, text)| *text).chain(SCRIPTS) {
            assert!(!text.contains("</script") && !text.contains("</style"));
        }
        for text in [PAGE].into_iter().chain(SCRIPTS) {
            assert!(
                !text.contains("//cdn") && !text.contains("src=") && !text.contains("innerHTML")
            );
        }
        assert!(PAGE.contains("default-src 'none'"));
    }
}
