//! `foreshadow models`: what a store holds, and taking things out of it.

use std::fmt::Write;
use std::path::PathBuf;

use indicatif::{HumanBytes, HumanCount};

use super::args::{ExportArgs, ForgetArgs, ListArgs, ModelsAction, ShowArgs, StoreArgs};
use super::{Failure, print, read_config};
use crate::kept::{Contents, Record, ServiceRecord, Snapshot, Target};
use crate::sink::civil;
use crate::store::{Store, StoreError};
use crate::time::Timestamp;

pub(super) fn models(action: &ModelsAction) -> Result<(), Failure> {
    match action {
        ModelsAction::List(args) => list(args),
        ModelsAction::Show(args) => show(args),
        ModelsAction::Forget(args) => forget(args),
        ModelsAction::Export(args) => export(args),
    }
}

/// A store that was read.
struct Opened {
    path: PathBuf,
    snapshot: Snapshot,
    contents: Contents,
}

impl Opened {
    fn read(args: &StoreArgs) -> Result<Self, Failure> {
        let path = path(args)?;
        let snapshot = Store::read(&path)
            .map_err(usage)?
            .ok_or_else(|| Failure::Usage(format!("{}: there is no store yet", path.display())))?;
        let contents = Contents::of(&snapshot)
            .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        Ok(Self { path, snapshot, contents })
    }
}

fn path(args: &StoreArgs) -> Result<PathBuf, Failure> {
    if let Some(path) = &args.store {
        return Ok(path.clone());
    }
    read_config(args.config.as_deref())?.store.path().ok_or_else(|| {
        Failure::Usage(
            "which store? name it with --store FILE, or with --config the configuration whose \
             store.path does"
                .to_owned(),
        )
    })
}

#[allow(clippy::needless_pass_by_value, reason = "maps an error")]
fn usage(error: StoreError) -> Failure {
    Failure::Usage(error.to_string())
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let opened = Opened::read(&args.store)?;
    let contents = &opened.contents;
    let services = contents.directory.by_packets();
    let shown = &services[..services.len().min(args.top)];
    if args.json {
        let mut text = about_json(&opened);
        shown.iter().for_each(|service| text += &service_json(service));
        return print(&text);
    }
    let mut text = String::new();
    super::report::line(&mut text, "store", format_args!("{}", opened.path.display()));
    let model = format_args!("{}, {}", contents.model, HumanBytes(contents.model_bytes as u64));
    super::report::line(&mut text, "model", model);
    let count = HumanCount(contents.records.len() as u64);
    super::report::line(&mut text, "connections", format_args!("{count} that may return"));
    super::report::line(&mut text, "services", format_args!("{}", services.len()));
    let gone = contents.forgotten.services().count() + contents.forgotten.addresses().count();
    if gone > 0 {
        let what = format_args!("{gone} services and addresses");
        super::report::line(&mut text, "forgotten", what);
    }
    if !shown.is_empty() {
        text.push('\n');
        text += &service_table(shown);
    }
    if shown.len() < services.len() {
        let _ = writeln!(text, "and {} more: --top", services.len() - shown.len());
    }
    print(&text)
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let opened = Opened::read(&args.store)?;
    let services = opened.contents.services(&args.what);
    let connections = opened.contents.connections(&args.what);
    if services.is_empty() && connections.is_empty() {
        let (path, what) = (opened.path.display(), args.what);
        return Err(Failure::Usage(format!("{path}: nothing is kept of {what}")));
    }
    let shown = &connections[..connections.len().min(args.top)];
    let mut text = String::new();
    if args.json {
        services.iter().for_each(|service| text += &service_json(service));
        shown.iter().for_each(|(record, state)| text += &connection_json(record, state));
        return print(&text);
    }
    if !services.is_empty() {
        text += &service_table(&services);
    }
    if !services.is_empty() && !shown.is_empty() {
        text.push('\n');
    }
    if !shown.is_empty() {
        text += &connection_table(shown);
    }
    if shown.len() < connections.len() {
        let _ = writeln!(text, "and {} more: --top", connections.len() - shown.len());
    }
    print(&text)
}

fn forget(args: &ForgetArgs) -> Result<(), Failure> {
    let path = path(&args.store)?;
    // A sensor that runs would write over it.
    let store = Store::lock(&path).map_err(usage)?;
    let Opened { mut snapshot, mut contents, .. } = Opened::read(&args.store)?;
    let mut text = String::new();
    for what in &args.what {
        let forgot = contents
            .forget(what)
            .map_err(|error| Failure::Usage(format!("{}: {what}: {error}", path.display())))?;
        let connections = HumanCount(forgot.connections as u64);
        let _ = writeln!(text, "{what}: forgotten, with {connections} connections");
    }
    contents.put(&mut snapshot);
    store.write(&snapshot).map_err(|error| Failure::Output(error.to_string()))?;
    print(&text)
}

fn export(args: &ExportArgs) -> Result<(), Failure> {
    let opened = Opened::read(&args.store)?;
    let mut text = about_json(&opened);
    let contents = &opened.contents;
    contents.directory.by_packets().iter().for_each(|service| text += &service_json(service));
    for (record, state) in contents.records.iter() {
        text += &connection_json(record, state);
    }
    let services = contents.forgotten.services().map(|(it, times)| (Target::Service(it), times));
    let addresses = contents.forgotten.addresses().map(|(it, times)| (Target::Address(it), times));
    for (what, times) in services.chain(addresses) {
        let _ = writeln!(text, "{{\"kind\":\"forgotten\",\"what\":\"{what}\",\"times\":{times}}}");
    }
    print(&text)
}

fn service_table(services: &[ServiceRecord]) -> String {
    let mut text = format!(
        "{:<16} {:>11} {:>9} {:>6}  {:<16} {}\n",
        "service", "packets", "connect.", "bits", "first seen", "last seen"
    );
    for one in services {
        let name = one.service.name().unwrap_or("-");
        let service = Target::Service(one.service).to_string();
        let _ = writeln!(
            text,
            "{:<16} {:>11} {:>9} {:>6.2}  {:<16} {}",
            format!("{service} {name}"),
            HumanCount(one.packets).to_string(),
            HumanCount(one.connections).to_string(),
            one.bits / one.scored.max(1) as f64,
            day(one.first),
            day(one.last),
        );
    }
    text
}

fn connection_table(connections: &[(&Record, &[u8])]) -> String {
    let mut text =
        format!("{:<16} {:>10} {:>6}  {}\n", "last seen", "packets", "bits", "connection");
    for (record, _) in connections {
        let _ = writeln!(
            text,
            "{:<16} {:>10} {:>6.2}  {}",
            day(record.last),
            HumanCount(record.packets).to_string(),
            record.bits / record.scored.max(1) as f64,
            Target::Connection(record.ends),
        );
    }
    text
}

fn about_json(opened: &Opened) -> String {
    let Opened { path, contents, .. } = opened;
    format!(
        "{{\"kind\":\"store\",\"path\":{},\"model\":{},\"model_bytes\":{},\"services\":{},\
         \"connections\":{}}}\n",
        quoted(&path.display().to_string()),
        quoted(&contents.model),
        contents.model_bytes,
        contents.directory.len(),
        contents.records.len()
    )
}

fn service_json(one: &ServiceRecord) -> String {
    format!(
        "{{\"kind\":\"service\",\"service\":\"{}\",\"name\":{},\"connections\":{},\"packets\":{},\
         \"scored\":{},\"bits\":{:.3},\"first\":{},\"last\":{}}}\n",
        Target::Service(one.service),
        one.service.name().map_or("null".to_owned(), quoted),
        one.connections,
        one.packets,
        one.scored,
        one.bits,
        seconds(one.first),
        seconds(one.last)
    )
}

fn connection_json(record: &Record, state: &[u8]) -> String {
    use base64::Engine as _;
    format!(
        "{{\"kind\":\"connection\",\"connection\":\"{}\",\"packets\":{},\"scored\":{},\
         \"bits\":{:.3},\"first\":{},\"last\":{},\"state\":\"{}\"}}\n",
        Target::Connection(record.ends),
        record.packets,
        record.scored,
        record.bits,
        seconds(record.first),
        seconds(record.last),
        base64::engine::general_purpose::STANDARD.encode(state)
    )
}

fn seconds(time: Timestamp) -> String {
    let (secs, nanos) = time.parts();
    if secs < 0 && nanos > 0 {
        // -1.5 s are -2 whole ones and 0.5 after them.
        return format!("-{}.{:09}", -(secs + 1), 1_000_000_000 - nanos);
    }
    format!("{secs}.{nanos:09}")
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            plain => quoted.push(plain),
        }
    }
    quoted + "\""
}

/// Day and minute in UTC.
fn day(time: Timestamp) -> String {
    let (secs, _) = time.parts();
    let (days, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02}", rest / 3_600, rest % 3_600 / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (secs, expected) in [
            (0, "1970-01-01 00:00"),
            (951_782_399, "2000-02-28 23:59"),
            (951_782_400, "2000-02-29 00:00"),
            (4_107_542_400, "2100-03-01 00:00"),
            (-1, "1969-12-31 23:59"),
        ] {
            assert_eq!(day(Timestamp::from_parts(secs, 0)), expected);
        }
    }

    #[test]
    fn seconds_and_texts_are_json() {
        assert_eq!(seconds(Timestamp::from_parts(3, 5)), "3.000000005");
        assert_eq!(seconds(Timestamp::from_nanos(-1_500_000_000)), "-1.500000000");
        assert_eq!(seconds(Timestamp::from_nanos(-500_000_000)), "-0.500000000");
        assert_eq!(quoted("a\"\\\n"), r#""a\"\\\u000a""#);
    }
}
