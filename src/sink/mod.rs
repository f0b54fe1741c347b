//! Zeek-format logs: events in, files out that Zeek's tools read unchanged.
//!
//! [`ZeekLogs`] takes the sensor's events and writes `conn.log`, `synthetic.log`, `anomaly.log`,
//! `heartbeat.log`, `stats.log` and, where events were lost, `reporter.log`, into a [`LogDirectory`],
//! as TSV or as JSON. The columns are declared in [`Schema`]; text, numbers and addresses are written as Zeek 8
//! writes them with its defaults, checked against the baselines of Zeek's own test suite.
//!
//! [`RebuiltStream`] writes captures, and [`Report`] one page for a browser.
//!
//! # What it promises
//!
//! - The same events give the same bytes. So every time is packet time, also in `#open` (the time of
//!   the file's first row), `#close` (of its last) and the names of rotated files, where Zeek takes
//!   the wall clock; and all of them are UTC, where Zeek takes local time.
//! - A file holds whole lines at any time; a full disk or a vanished directory is one [`SinkError`].
//! - Nothing is written to a directory that holds what is not ours, or that another process uses.
//!
//! # What a crash leaves
//!
//! With [`Publish::AtClose`] a log is written under a hidden name (`.conn.log.part`) and renamed when
//! it is whole and on the disk: after a `kill -9`, or a write that failed, the logs of the run before
//! lie there untouched, and the hidden parts are removed by the next run. With [`Publish::Growing`]
//! up to 64 KiB of rows since the last [`flush`](ZeekLogs::flush) are lost, `conn.log` ends with a
//! whole line and without `#close`, and the next run keeps it as `conn.leftover.log`.
//!
//! # What it does not do
//!
//! Compress, remove old logs, or read a clock.

mod alarm;
mod anomaly;
mod category;
mod columns;
mod conn;
mod directory;
mod endpoints;
mod error;
mod escape;
mod heartbeat;
mod line_file;
mod locality;
mod number;
mod pcapng;
mod report;
mod row;
mod schema;
mod stats;
mod synthetic;
mod zeek_logs;

pub use directory::LogDirectory;
pub use error::SinkError;
pub(crate) use number::civil;
pub use pcapng::{Destination, RebuildOptions, RebuiltStream, Written};
pub use report::{About, Report};
pub use row::Format;
pub use schema::{Column, Schema, Type};
pub use zeek_logs::{LogFile, LogOptions, Publish, Rotation, ZeekLogs};
