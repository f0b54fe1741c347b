//! The documentation says what is so: tables come from the code, quoted output from the command,
//! links lead somewhere, and the commands shown are commands.
//!
//! Where the code moved on, `UPDATE_DOCS=1 cargo test --test docs` rewrites what is generated.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use foreshadow::config::{Config, Key, keys};
use foreshadow::sink::Schema;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README.md and every page of docs/.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> =
        docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// Compares what stands between the markers of `name` with `text`, or puts it there.
fn generated(page: &str, name: &str, text: &str) {
    let path = root().join(page);
    let content = fs::read_to_string(&path).unwrap();
    let begin = format!("<!-- generated: {name} -->\n");
    let (before, rest) = content.split_once(&begin).expect("the page has the marker");
    let (there, after) = rest.split_once("<!-- end -->").expect("the marker is closed");
    if there == text {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{before}{begin}{text}<!-- end -->{after}")).unwrap();
        return;
    }
    let old = there.lines().map(|line| ('-', line)).filter(|(_, line)| !text.contains(line));
    let new = text.lines().map(|line| ('+', line)).filter(|(_, line)| !there.contains(line));
    let lines: String = old.chain(new).map(|(sign, line)| format!("{sign} {line}\n")).collect();
    panic!("{page}: \"{name}\" is out of date; UPDATE_DOCS=1 cargo test --test docs\n{lines}");
}

#[test]
fn the_table_of_settings_is_what_the_configuration_declares() {
    let mut text = String::new();
    let mut section = "";
    for key in keys() {
        if key.section != section {
            section = key.section;
            write!(text, "\n### `[{section}]`\n\n| key | default | range | unit |").unwrap();
            text.push_str(
                " what it does | what a higher value costs |\n|---|---|---|---|---|---|\n",
            );
        }
        let Key { name, unit, cost, .. } = key;
        let (default, range, doc) = (key.default(), key.range(), key.doc());
        writeln!(text, "| `{name}` | `{default}` | {range} | {unit} | {doc} | {cost} |").unwrap();
    }
    assert!(!text.contains("||"), "a cell is empty or holds a bar");
    text.push('\n');
    generated("docs/operating.md", "settings", &text);
}

#[test]
fn the_tables_of_columns_are_what_the_logs_have() {
    let tables: Vec<String> = Schema::ALL.iter().map(|schema| schema.to_markdown()).collect();
    generated("docs/logs.md", "columns", &format!("\n{}\n", tables.join("\n")));
}

#[test]
fn the_table_of_wireshark_fields_is_the_list_that_the_plugin_registers() {
    let list = fs::read_to_string(root().join("c-shim/wireshark/fields.def")).unwrap();
    let mut text = String::from("\n| field | kind | meaning | later |\n|---|---|---|---|\n");
    let mut names = Vec::new();
    for line in list.lines().filter_map(|line| line.strip_prefix("FIELD(")) {
        let quoted: Vec<&str> = line.split('"').collect();
        let [_, name, kind, _, _, meaning, ")"] = quoted[..] else { panic!("not a field: {line}") };
        let kind = match kind.trim_matches([',', ' ']) {
            "DOUBLE" => "number",
            "UINT32" | "UINT64" => "whole number",
            "STRING" => "text",
            "FRAMENUM" => "packet",
            "NONE" => "there or not",
            other => panic!("no word for {other}"),
        };
        let (meaning, later) = match meaning.strip_suffix(". Later") {
            Some(meaning) => (meaning, "yes"),
            None => (meaning, ""),
        };
        let allowed = |c: char| c.is_ascii_lowercase() || c == '.' || c == '_';
        assert!(name.starts_with("foreshadow.") && name.chars().all(allowed), "{name}");
        assert!(!names.contains(&name), "{name} is there twice");
        names.push(name);
        writeln!(text, "| `{name}` | {kind} | {meaning} | {later} |").unwrap();
    }
    assert!(names.len() > 50);
    text.push('\n');
    generated("docs/wireshark.md", "fields", &text);
}

/// What `zeek-cut FIELDS < LOG | head -n ROWS | column -t` prints.
fn cut(log: &Path, fields: &[&str], rows: usize) -> String {
    let content = fs::read_to_string(log).unwrap();
    let header = content.lines().find_map(|line| line.strip_prefix("#fields\t")).unwrap();
    let places: Vec<usize> = fields
        .iter()
        .map(|field| header.split('\t').position(|name| name == *field).unwrap())
        .collect();
    let cells: Vec<Vec<&str>> = content
        .lines()
        .filter(|line| !line.starts_with('#'))
        .take(rows)
        .map(|line| {
            let row: Vec<&str> = line.split('\t').collect();
            places.iter().map(|place| row[*place]).collect()
        })
        .collect();
    let width = |column: usize| cells.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in &cells {
        let line: String = row
            .iter()
            .enumerate()
            .map(|(column, cell)| format!("{cell:<width$}  ", width = width(column)))
            .collect();
        writeln!(text, "{}", line.trim_end()).unwrap();
    }
    text
}

/// What `fold -s -w 78` makes of one line, without the spaces that it leaves at the ends.
fn fold(line: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in line.trim_end().split_inclusive(' ') {
        if column + word.len() > 78 {
            text.truncate(text.trim_end().len());
            text.push('\n');
            column = 0;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
    text
}

/// The packets per second of a summary, the one thing in it that depends on the machine.
fn rate(summary: &str) -> Option<&str> {
    let line = summary.lines().find(|line| line.starts_with("packets "))?;
    line.rsplit(", ").next()
}

#[test]
fn the_readme_quotes_what_the_demo_prints() {
    let out = tempfile::tempdir().unwrap();
    let logs = out.path().join("demo-logs");
    let run = Command::new(env!("CARGO_BIN_EXE_foreshadow"))
        .args(["run", "--read", "tests/data/demo.pcap", "--out"])
        .arg(&logs)
        .arg("--report")
        .arg(logs.with_extension("html"))
        .current_dir(root())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let mut summary = String::from_utf8(run.stdout).unwrap();
    summary = summary.replace(&logs.display().to_string(), "demo-logs");
    // The rate quoted is that of a release build; it stays as it is.
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    if let (Some(measured), Some(quoted)) = (rate(&summary), rate(&readme)) {
        summary = summary.replacen(measured, quoted, 1);
    }
    generated("README.md", "summary", &format!("```\n{summary}```\n"));

    let mut rows = String::new();
    for (log, fields, shown) in [
        ("conn", "id.orig_h id.resp_h id.resp_p orig_pkts resp_pkts fs_surprise_mean", 3),
        ("synthetic", "ts id.orig_h id.orig_p side flags size_mode deadline", 3),
    ] {
        let path = logs.join(format!("{log}.log"));
        writeln!(
            rows,
            "$ zeek-cut {fields} \\\n    < demo-logs/{log}.log | head -n {shown} | column -t"
        )
        .unwrap();
        rows += &cut(&path, &fields.split(' ').collect::<Vec<_>>(), shown);
        rows.push('\n');
    }
    rows += "$ zeek-cut ts note < demo-logs/alarm.log | fold -s -w 78\n";
    rows += &fold(&cut(&logs.join("alarm.log"), &["ts", "note"], 3));
    for line in rows.lines() {
        assert!(line.len() <= 80, "more than 80 columns: {line}");
    }
    generated("README.md", "rows", &format!("```\n{rows}```\n"));
}

#[test]
fn every_relative_link_leads_to_a_file() {
    for page in pages() {
        let content = fs::read_to_string(&page).unwrap();
        for part in content.split("](").skip(1) {
            let target = part.split(')').next().unwrap();
            if target.contains("://") || target.starts_with('#') {
                continue;
            }
            let path = page.parent().unwrap().join(target.split('#').next().unwrap());
            assert!(path.exists(), "{}: nothing at {target}", page.display());
        }
    }
}

/// The lines of the page's shell blocks.
fn shell_lines(page: &Path) -> Vec<String> {
    let content = fs::read_to_string(page).unwrap();
    let blocks = content.split("\n```sh\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks
        .flat_map(|block| block.replace("\\\n", " ").lines().map(String::from).collect::<Vec<_>>())
        .collect()
}

/// A line's commands between pipes, in words as a shell would split them.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![vec![String::new()]];
    let mut quote = None;
    for character in line.chars() {
        let words: &mut Vec<String> = commands.last_mut().unwrap();
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '#') => break,
            (None, '|') => commands.push(vec![String::new()]),
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut().unwrap().push(character),
        }
    }
    for words in &mut commands {
        words.retain(|word| !word.is_empty());
        // What stands before the command itself.
        while words.first().is_some_and(|word| word == "sudo") {
            words.remove(0);
        }
        // A redirection is the shell's.
        if let Some(place) = words.iter().position(|word| [">", "<"].contains(&word.as_str())) {
            words.truncate(place);
        }
    }
    commands
}

#[test]
fn every_command_shown_is_one_that_the_program_takes() {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    let mut seen = 0;
    for page in pages() {
        for line in shell_lines(&page) {
            for words in commands(&line) {
                let name = words.first().map(|word| word.rsplit('/').next().unwrap());
                if name != Some("foreshadow") {
                    continue;
                }
                seen += 1;
                let matches = match foreshadow::cli::command().try_get_matches_from(&words) {
                    Ok(matches) => matches,
                    Err(error) if [DisplayHelp, DisplayVersion].contains(&error.kind()) => continue,
                    Err(error) => panic!("{}: {line}\n{error}", page.display()),
                };
                let Some(run) = matches.subcommand_matches("run") else { continue };
                for setting in run.get_many::<String>("settings").into_iter().flatten() {
                    let (key, value) = setting.split_once('=').unwrap();
                    Config::default().set(key, value).unwrap();
                }
            }
        }
    }
    assert!(seen >= 10, "only {seen} commands found; are the blocks still marked sh?");
}

#[test]
fn every_make_target_shown_is_one_of_the_makefile() {
    let files = [
        "Makefile",
        "engine-torch/torch.mk",
        "c-shim/wireshark/wireshark.mk",
        "c-shim/zeek/zeek.mk",
    ];
    let makefile = files.map(|file| fs::read_to_string(root().join(file)).unwrap()).concat();
    for page in pages() {
        for line in shell_lines(&page) {
            for words in commands(&line)
                .iter()
                .filter(|words| words.first().is_some_and(|word| word == "make"))
            {
                for target in words[1..].iter().filter(|word| !word.contains('=')) {
                    assert!(
                        makefile.contains(&format!("\n{target}:")),
                        "{}: {line}",
                        page.display()
                    );
                }
            }
        }
    }
}

#[test]
fn every_setting_named_is_one_that_there_is() {
    for page in pages() {
        let content = fs::read_to_string(&page).unwrap();
        for word in content.split('`').skip(1).step_by(2) {
            let Some((section, _)) = word.split_once('.') else { continue };
            let is_name = word.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '.');
            if is_name && keys().iter().any(|key| key.section == section) && !word.ends_with(".rs")
            {
                let known = keys().iter().any(|key| key.path == word);
                assert!(known, "{}: there is no key `{word}`", page.display());
            }
        }
    }
}
