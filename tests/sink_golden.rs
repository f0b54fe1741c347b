//! Every log in both formats, byte for byte, and as the tools that read Zeek's logs see it.
//!
//! After a wanted change run with `UPDATE_SNAPSHOTS=1` and read the difference.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod sink_support;

use std::fs;
use std::path::{Path, PathBuf};

use foreshadow::sink::{Format, LogDirectory, LogFile, LogOptions, Schema, ZeekLogs};
use sink_support::{events, read_tsv};

fn write_all(path: &Path, format: Format) -> Vec<LogFile> {
    let directory = LogDirectory::create(path).unwrap();
    let options = LogOptions { format, ..LogOptions::default() };
    let mut logs = ZeekLogs::create(directory, options).unwrap();
    for event in events() {
        logs.write(&event).unwrap();
    }
    logs.close().unwrap()
}

fn compare(found: &str, name: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{name} changed");
}

#[test]
fn each_log_is_written_as_before_in_both_formats() {
    for (format, extension) in [(Format::Tsv, "tsv"), (Format::Json, "json")] {
        let root = tempfile::tempdir().unwrap();
        let files = write_all(root.path(), format);
        assert_eq!(files.len(), Schema::ALL.len());
        for schema in Schema::ALL {
            let text = fs::read_to_string(root.path().join(schema.file_name())).unwrap();
            compare(&text, &format!("sink_{}.{extension}", schema.path));
        }
    }
}

#[test]
fn a_reader_of_zeeks_tsv_finds_header_types_and_rows_in_order() {
    let root = tempfile::tempdir().unwrap();
    for file in write_all(root.path(), Format::Tsv) {
        let text = fs::read_to_string(&file.path).unwrap();
        let keys: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| line.split(['\t', ' ']).next().unwrap())
            .collect();
        assert_eq!(
            keys,
            [
                "#separator",
                "#set_separator",
                "#empty_field",
                "#unset_field",
                "#path",
                "#open",
                "#fields",
                "#types",
                "#close",
            ]
        );
        let log = read_tsv(&text);
        assert_eq!(log.meta["set_separator"], ",");
        assert_eq!(log.meta["empty_field"], "(empty)");
        assert_eq!(log.meta["unset_field"], "-");
        assert_eq!(file.path.file_stem().unwrap().to_str(), Some(log.meta["path"].as_str()));
        assert_eq!(log.rows.len() as u64, file.rows);
    }
}

#[test]
fn conn_log_begins_with_zeeks_own_columns_and_types() {
    // The header of core.unknown-ip-protocol/conn.log in Zeek's test suite.
    let fields = "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes \
                  resp_bytes conn_state local_orig local_resp missed_bytes history orig_pkts \
                  orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents ip_proto";
    let types = "time string addr port addr port enum string interval count count string bool bool \
                 count string count count count count set[string] count";
    let columns = &Schema::CONN.columns[..22];
    assert!(columns.iter().map(|column| column.name).eq(fields.split_whitespace()));
    assert!(columns.iter().map(|column| column.kind.name()).eq(types.split_whitespace()));
}

#[test]
fn a_connection_reads_from_its_originators_side() {
    let root = tempfile::tempdir().unwrap();
    write_all(root.path(), Format::Tsv);
    let text = fs::read_to_string(root.path().join("conn.log")).unwrap();
    let rows = read_tsv(&text).rows;
    let [tcp, reversed, single] = &rows[..] else { panic!("three connections") };

    assert_eq!(tcp["ts"], "1795222770.123456");
    assert_eq!(tcp["duration"], "3.376544");
    assert_eq!((tcp["orig_bytes"].as_str(), tcp["resp_bytes"].as_str()), ("388", "9000"));
    assert_eq!(tcp["community_id"], "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
    assert_eq!((tcp["local_orig"].as_str(), tcp["fs_service"].as_str()), ("F", "http"));
    assert_eq!((tcp["missed_bytes"].as_str(), tcp["vlan"].as_str()), ("1460", "-"));

    assert_eq!(reversed["id.orig_h"], "fd00::42");
    assert_eq!((reversed["id.orig_p"].as_str(), reversed["id.resp_p"].as_str()), ("50000", "53"));
    assert_eq!((reversed["orig_pkts"].as_str(), reversed["resp_pkts"].as_str()), ("9", "6"));
    assert_eq!((reversed["local_orig"].as_str(), reversed["local_resp"].as_str()), ("T", "F"));
    assert_eq!((reversed["vlan"].as_str(), reversed["inner_vlan"].as_str()), ("100", "7"));
    assert_eq!(
        (reversed["fs_tunnel"].as_str(), reversed["fs_tunnel_id"].as_str()),
        ("VXLAN", "4711")
    );

    assert_eq!(
        (single["proto"].as_str(), single["ip_proto"].as_str()),
        ("unknown_transport", "132")
    );
    assert_eq!((single["duration"].as_str(), single["orig_bytes"].as_str()), ("-", "-"));
}

#[test]
fn the_reason_of_an_anomaly_is_one_sentence() {
    let root = tempfile::tempdir().unwrap();
    write_all(root.path(), Format::Tsv);
    let rows = read_tsv(&fs::read_to_string(root.path().join("anomaly.log")).unwrap()).rows;
    assert_eq!(
        rows[0]["reason"],
        "The originator sent RST without payload 12.0 µs after the packet before; expected was a wait \
         of 20.0 µs to 250 ms (8.5 bits off), PSH-ACK from the responder (94 % sure, 4.0 bits off); \
         one in 50,000 packets on http at this point of a connection surprises as much here (61,000 \
         seen)"
    );
    assert_eq!(rows[0]["reasons"], "time,side_flags");
    assert_eq!(
        rows[1]["reason"],
        "The responder sent 0 bytes as the first packet; nothing more was expected (97 %), another \
         size from that sender (22.0 bits off), another payload (6.0 bits off); one in 50,000 first \
         packets on UDP surprises as much here (12 seen on dns)"
    );
    assert_eq!(rows[1]["reasons"], "size,entropy");
    assert_eq!(rows[1]["seen_flags"], "-");
}
