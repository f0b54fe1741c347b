//! `foreshadow models`: what a run kept, and taking things out of it, as a person at a terminal does.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a helper of a test may fail as the test itself")]

#[path = "support/command.rs"]
mod command;

use std::path::Path;

use command::{data, foreshadow};
use foreshadow::store::Store;

/// Reads a capture with the adaptive model into logs and a store.
fn run(folder: &Path, store: &Path) -> command::Done {
    let mut run = foreshadow(&["run", "--set", "model.kind=adaptive", "--read"]);
    let path = format!("store.path={}", store.display());
    run.arg(data("agree/WeMoSwitch2.pcap")).arg("--out").arg(folder.join("logs"));
    command::finish(run.args(["--set", &path]))
}

fn models(store: &Path, args: &[&str]) -> command::Done {
    command::finish(foreshadow(&["models"]).args(args).arg("--store").arg(store))
}

#[test]
fn what_a_run_kept_is_listed_shown_exported_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("learned");
    let first = run(folder.path(), &store);
    assert_eq!((first.status, first.stderr.as_str()), (Some(0), ""));
    let bits = |summary: &str| {
        let line = summary.lines().find(|line| line.starts_with("surprise ")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap()
    };
    assert!(first.stdout.contains("\nstore "), "{}", first.stdout);

    let list = models(&store, &["list"]);
    assert_eq!((list.status, list.stderr.as_str()), (Some(0), ""));
    for line in list.stdout.lines().filter(|line| !line.starts_with("store ")) {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(list.stdout.contains("\nmodel          adaptive-1, "), "{}", list.stdout);
    assert!(list.stdout.contains("udp/53 dns"), "{}", list.stdout);

    let show = models(&store, &["show", "udp/53"]);
    assert!(show.stdout.starts_with("service "), "{}", show.stdout);
    let none = models(&store, &["show", "192.0.2.77"]);
    assert_eq!(none.status, Some(2));
    assert!(none.stderr.contains("nothing is kept of 192.0.2.77"), "{}", none.stderr);

    let export = models(&store, &["export"]).stdout;
    let lines: Vec<&str> = export.lines().collect();
    assert!(lines[0].starts_with("{\"kind\":\"store\","));
    assert!(lines.iter().all(|line| line.starts_with('{') && line.ends_with('}')));
    assert!(lines.iter().any(|line| line.contains("\"service\":\"udp/53\",\"name\":\"dns\"")));
    let connection =
        lines.iter().find(|line| line.starts_with("{\"kind\":\"connection\"")).unwrap();
    let connection = connection.split('"').nth(7).unwrap();
    assert!(models(&store, &["show", connection, "--json"]).stdout.contains(connection));

    let forget = models(&store, &["forget", "udp/53", connection]);
    assert_eq!((forget.status, forget.stderr.as_str()), (Some(0), ""));
    assert!(forget.stdout.contains("udp/53: forgotten"), "{}", forget.stdout);
    let after = models(&store, &["export"]).stdout;
    assert!(!after.contains("\"service\":\"udp/53\"") && !after.contains(connection), "{after}");
    assert!(after.contains("{\"kind\":\"forgotten\",\"what\":\"udp/53\",\"times\":1}"), "{after}");

    let second = run(folder.path(), &store);
    assert_eq!((second.status, second.stderr.as_str()), (Some(0), ""));
    assert!(second.stdout.contains(" connections returned"), "{}", second.stdout);
    assert!(bits(&second.stdout) < 0.8 * bits(&first.stdout), "{}", second.stdout);
}

#[test]
fn what_is_wrong_with_a_store_is_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("learned");
    let error = |args: &[&str]| {
        let done = models(&store, args);
        assert_eq!(
            (done.status, done.stdout.as_str(), done.stderr.lines().count()),
            (Some(2), "", 1)
        );
        done.stderr
    };
    assert!(error(&["list"]).contains("learned: there is no store yet"));
    std::fs::write(&store, "SQLite format 3\0").unwrap();
    assert!(error(&["export"]).contains("learned: this is not a store of Foreshadow"));
    let lock = Store::lock(&store).unwrap();
    assert!(error(&["forget", "tcp/443"]).contains("learned: in use by process"));
    drop(lock);
    let started = run(folder.path(), &store);
    assert_eq!(started.status, Some(0), "a run sets it aside: {}", started.stderr);
    assert!(started.stderr.contains("it is") && started.stderr.contains("learned.aside-1 now"));
    let which = command::finish(&mut foreshadow(&["models", "list"]));
    assert!(which.stderr.contains("--store FILE"), "{}", which.stderr);
}
