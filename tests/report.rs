//! The page of `foreshadow run --report`, looked at in a real browser without a screen.
//!
//! Chromium prints the document as it stands once its scripts have run. A test that wants to press
//! something appends a script of its own to the page.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

#[path = "support/command.rs"]
mod command;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use command::{data, run};

/// More anomalies than by default, so that there is something to compare.
const MANY: [&str; 4] =
    ["--set", "score.false_alarms_per_million=3000", "--set", "score.warm_up=500"];

struct Page {
    folder: tempfile::TempDir,
    html: String,
}

impl Page {
    /// Reads a capture and writes logs and page.
    fn of(capture: &Path, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [logs, page] = ["logs", "page.html"].map(|name| folder.path().join(name));
        let mut args = vec!["run", "--quiet", "--read", capture.to_str().unwrap()];
        args.extend(["--out", logs.to_str().unwrap(), "--report", page.to_str().unwrap()]);
        args.extend(options);
        let done = run(&args);
        assert_eq!(done.status, Some(0), "{}", done.stderr);
        let html = fs::read_to_string(page).unwrap();
        Self { folder, html }
    }

    /// The rows of a log, each as its fields by name.
    fn log(&self, name: &str) -> Vec<Vec<(String, String)>> {
        let text = fs::read_to_string(self.folder.path().join("logs").join(name)).unwrap();
        let header = text.lines().find_map(|line| line.strip_prefix("#fields\t")).unwrap();
        let rows = text.lines().filter(|line| !line.starts_with('#'));
        let row = |line: &str| {
            let names = header.split('\t').map(str::to_owned);
            names.zip(line.split('\t').map(str::to_owned)).collect()
        };
        rows.map(row).collect()
    }

    /// The document in a browser after `script` ran in it, at an address that ends with `#hash`.
    fn looked_at(&self, hash: &str, script: &str) -> String {
        let path = self.folder.path().join("pressed.html");
        let script = format!("<script>{script}</script></body>");
        fs::write(&path, self.html.replace("</body>", &script)).unwrap();
        let profile = self.folder.path().join("profile");
        let done = Command::new("chromium")
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--dump-dom"])
            .args(["--window-size=1280,1000", "--virtual-time-budget=5000"])
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg(format!("file://{}#{hash}", path.display()))
            .output()
            .unwrap();
        let document = String::from_utf8(done.stdout).unwrap();
        assert!(
            document.contains("data-ready=\"yes\""),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        document
    }
}

fn have_chromium() -> bool {
    let there = Command::new("chromium").arg("--version").output().is_ok();
    if !there {
        println!("skipped: no chromium; .ci/packages test installs it");
    }
    there
}

/// Time and uid of each row of the table that is shown.
fn rows(document: &str) -> Vec<(String, String)> {
    let attribute = |row: &str, name: &str| {
        let (_, after) = row.split_once(&format!("{name}=\""))?;
        Some(after.split_once('"')?.0.to_owned())
    };
    let rows = document.split("<tr ").skip(1);
    rows.filter_map(|row| {
        let row = row.split_once('>')?.0;
        Some((attribute(row, "data-ts")?, attribute(row, "data-uid")?))
    })
    .collect()
}

fn field(row: &[(String, String)], name: &str) -> String {
    row.iter().find(|(of, _)| of == name).unwrap().1.clone()
}

/// Presses a button until it is gone.
const ALL_ROWS: &str =
    "const more = document.getElementById('more'); while (!more.hidden) more.click();";

#[test]
fn the_anomalies_shown_are_those_in_the_log_and_each_with_its_sentence() {
    if !have_chromium() {
        return;
    }
    let page = Page::of(&data("demo.pcap"), &MANY);
    let log = page.log("anomaly.log");
    let logged: BTreeSet<_> = log.iter().map(|row| (field(row, "ts"), field(row, "uid"))).collect();
    assert!(logged.len() > 3, "{} anomalies are too few to compare", logged.len());

    let document = page.looked_at("anomalies", ALL_ROWS);
    let shown: BTreeSet<_> = rows(&document).into_iter().collect();
    assert_eq!(shown, logged);
    for row in &log {
        let sentence = field(row, "reason").replace('&', "&amp;");
        assert!(document.contains(&sentence), "{sentence}");
    }
}

#[test]
fn the_alarms_shown_are_those_in_the_log() {
    if !have_chromium() {
        return;
    }
    let page = Page::of(&data("demo.pcap"), &["--set", "score.alarms_per_day=100000"]);
    let document = page.looked_at("alarms", ALL_ROWS);
    let log = page.log("alarm.log");
    assert!(!log.is_empty());
    for row in log {
        assert!(document.contains(&field(&row, "note")), "{}", field(&row, "note"));
        assert!(document.contains(&format!("data-host=\"{}\"", field(&row, "host"))));
    }
}

#[test]
fn a_table_is_sorted_by_its_heads_and_narrowed_by_words_and_time() {
    if !have_chromium() {
        return;
    }
    let page = Page::of(&data("demo.pcap"), &MANY);
    let by_time = "document.querySelector('#table th button').click();";
    let document = page.looked_at("anomalies", &format!("{by_time}{ALL_ROWS}"));
    let times: Vec<_> = rows(&document).into_iter().map(|(time, _)| time).collect();
    assert!(times.is_sorted() && times.len() > 3, "{times:?}");
    assert!(document.contains("aria-sort=\"ascending\""));

    let one = &rows(&document)[0].1;
    let document = page.looked_at(&format!("anomalies&filter={one}"), ALL_ROWS);
    let found = rows(&document);
    assert!(!found.is_empty() && found.iter().all(|(_, uid)| uid == one), "{found:?}");

    let narrowed = page.looked_at("anomalies&filter=no-such-word", ALL_ROWS);
    assert!(rows(&narrowed).is_empty() && narrowed.contains("0 of them match."));
}

#[test]
fn a_name_from_outside_stays_text() {
    if !have_chromium() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let name = "<img src=x onerror=alert(1)>.pcap";
    let capture: PathBuf = folder.path().join(name);
    fs::copy(data("demo.pcap"), &capture).unwrap();
    let page = Page::of(&capture, &[]);
    assert!(!page.html.contains("<img"));
    let document = page.looked_at("", "");
    assert!(!document.contains("<img") && document.contains("&lt;img src=x"), "{name}");
}

#[test]
fn the_page_is_one_small_file_and_is_not_written_over_what_is_read() {
    let page = Page::of(&data("demo.pcap"), &[]);
    assert!(page.html.len() < 1 << 20, "{} bytes", page.html.len());
    let left: BTreeSet<_> =
        fs::read_dir(page.folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(left, ["logs", "page.html"].map(Into::into).into());

    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("capture.pcap");
    fs::copy(data("demo.pcap"), &capture).unwrap();
    let path = capture.to_str().unwrap();
    let out = folder.path().join("logs");
    let done = run(&["run", "--read", path, "--out", out.to_str().unwrap(), "--report", path]);
    assert_eq!(done.status, Some(2));
    assert!(done.stderr.contains("would be written over"), "{}", done.stderr);
    assert_eq!(fs::read(capture).unwrap(), fs::read(data("demo.pcap")).unwrap());
}
