//! Events in, logs out.

use std::io;
use std::path::PathBuf;

use crate::sensor::Event;
use crate::time::{Span, Timestamp};

use super::line_file::LineFile;
use super::row::{Format, Row, footer, header};
use super::schema::Schema;
use super::{
    LogDirectory, SinkError, alarm, anomaly, category, conn, heartbeat, number, stats, synthetic,
};

/// When a log gets its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Publish {
    /// All at once when it is whole, replacing the one of an earlier run: for captures in files.
    #[default]
    AtClose,
    /// From its first line on, growing by whole lines, and rotated: for live capture.
    Growing(Rotation),
}

/// When a growing log is renamed to `path.YYYY-MM-DD-HH-MM-SS.log`, the time of its first row, and a
/// new one begun. Without either limit it grows until it is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Rotation {
    /// At every multiple of this since 1970 in packet time: an hour rotates on the hour.
    pub interval: Option<Span>,
    /// Before the row after the one that reached this many bytes.
    pub size: Option<u64>,
}

/// How logs are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct LogOptions {
    /// TSV or JSON.
    pub format: Format,
    /// When a log gets its name.
    pub publish: Publish,
    /// The seed of the Community ID; 0 is what other tools use unless told.
    pub community_id_seed: u16,
}

/// A log that was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogFile {
    /// Where it lies; the last one, if it was rotated.
    pub path: PathBuf,
    /// Rows written to this log in all.
    pub rows: u64,
    /// Files it was rotated into before the last one.
    pub rotated: u64,
}

/// Writes events as Zeek's logs, one log for each kind of event, begun with its first row.
pub struct ZeekLogs {
    directory: LogDirectory,
    options: LogOptions,
    /// In the order of [`Schema::ALL`].
    logs: [Log; Schema::ALL.len()],
    scratch: Vec<u8>,
}

/// Places in [`ZeekLogs::logs`].
const CONN: usize = 0;
const SYNTHETIC: usize = 1;
const ANOMALY: usize = 2;
const ALARM: usize = 3;
const CATEGORY: usize = 4;
const TARGET: usize = 5;
const STATS: usize = 6;
const REPORTER: usize = 7;
const HEARTBEAT: usize = 8;

struct Log {
    schema: &'static Schema,
    open: Option<OpenLog>,
    rows: u64,
    rotated: u64,
    last_path: PathBuf,
    /// Set by the first failure: a log begun anew would lie over the rows it could still write.
    failed: bool,
}

struct OpenLog {
    file: LineFile,
    first: Timestamp,
    last: Timestamp,
}

impl ZeekLogs {
    /// Prepares to write logs into `directory`.
    ///
    /// What a crashed run left is dealt with first: hidden parts are removed, and logs that were
    /// growing are kept as `path.leftover.log`.
    ///
    /// # Errors
    ///
    /// When what an earlier run left cannot be removed or renamed.
    pub fn create(directory: LogDirectory, options: LogOptions) -> Result<Self, SinkError> {
        let logs = Schema::ALL.map(|schema| Log {
            schema,
            open: None,
            rows: 0,
            rotated: 0,
            last_path: PathBuf::new(),
            failed: false,
        });
        for schema in Schema::ALL {
            let name = schema.file_name();
            directory.remove(&directory.part(&name))?;
            let path = directory.join(&name);
            if options.publish != Publish::AtClose && path.symlink_metadata().is_ok() {
                directory.rename(&path, &directory.free(&format!("{}.leftover", schema.path)))?;
            }
        }
        Ok(Self { directory, options, logs, scratch: Vec::new() })
    }

    /// Writes one event to its log.
    ///
    /// # Errors
    ///
    /// When the log cannot be created or written. It ends with its last whole line then, keeps its
    /// hidden name if it had one, and takes no further rows.
    pub fn write(&mut self, event: &Event) -> Result<(), SinkError> {
        let time = event.time();
        let Self { directory, options, logs, scratch } = self;
        match event {
            Event::Connection { summary, score, .. } => {
                logs[CONN].append(directory, options, time, |row| {
                    conn::write(row, summary, score, options.community_id_seed, scratch);
                })
            }
            Event::Synthetic(packet) => logs[SYNTHETIC].append(directory, options, time, |row| {
                synthetic::write(row, packet, scratch);
            }),
            Event::Outcome(settled) => logs[SYNTHETIC].append(directory, options, time, |row| {
                synthetic::write_outcome(row, settled, scratch);
            }),
            Event::Heartbeat(beat) => logs[HEARTBEAT].append(directory, options, time, |row| {
                heartbeat::write(row, beat, scratch);
            }),
            Event::Anomaly(anomaly) => logs[ANOMALY].append(directory, options, time, |row| {
                anomaly::write(row, anomaly, scratch);
            }),
            Event::AnomalousConnection(found) => {
                logs[ALARM].append(directory, options, time, |row| {
                    alarm::write_connection(row, found, scratch);
                })
            }
            Event::AnomalousEndpoint(found) => {
                logs[ALARM].append(directory, options, time, |row| {
                    alarm::write_endpoint(row, found, scratch);
                })
            }
            Event::Category(report) => logs[CATEGORY].append(directory, options, time, |row| {
                category::write(row, report);
            }),
            Event::Target(flagged) => logs[TARGET].append(directory, options, time, |row| {
                category::write_target(row, flagged);
            }),
            Event::Stats { stats, .. } => logs[STATS].append(directory, options, time, |row| {
                stats::write(row, time, stats);
            }),
            Event::Shed(shed) => logs[REPORTER].append(directory, options, time, |row| {
                stats::write_shed(row, shed, scratch);
            }),
        }
    }

    /// Rotates the growing logs whose interval ended before `now`, in packet time.
    ///
    /// [`write`](Self::write) does so for its own log; this is for logs without a row to write.
    ///
    /// # Errors
    ///
    /// When a log cannot be finished or renamed.
    pub fn rotate_if_due(&mut self, now: Timestamp) -> Result<(), SinkError> {
        for log in &mut self.logs {
            log.rotate_if_due(&self.directory, &self.options, now)?;
        }
        Ok(())
    }

    /// Gives all rows so far to the operating system, so that a reader of a growing log sees them.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn flush(&mut self) -> Result<(), SinkError> {
        self.logs.iter_mut().filter_map(|log| log.open.as_mut()).try_for_each(|o| o.file.flush())
    }

    /// Where the logs lie, or will when they are closed.
    #[must_use]
    pub const fn directory(&self) -> &LogDirectory {
        &self.directory
    }

    /// Ends every log, waits until all is on the disk, and tells what was written.
    ///
    /// With [`Publish::AtClose`] the logs of an earlier run that this one had no rows for are
    /// removed, so that what lies in the directory belongs together.
    ///
    /// # Errors
    ///
    /// The first failure; the other logs are ended all the same, and none is removed.
    pub fn close(mut self) -> Result<Vec<LogFile>, SinkError> {
        let mut failure = None;
        for log in &mut self.logs {
            let closed = log.close(&self.directory, &self.options);
            failure = failure.or(closed.err());
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        if self.options.publish == Publish::AtClose {
            for log in self.logs.iter().filter(|log| log.rows == 0) {
                self.directory.remove(&self.directory.join(&log.schema.file_name()))?;
            }
        }
        let written = self.logs.into_iter().filter(|log| log.rows > 0);
        Ok(written
            .map(|log| LogFile { path: log.last_path, rows: log.rows, rotated: log.rotated })
            .collect())
    }
}

impl Log {
    fn append(
        &mut self,
        directory: &LogDirectory,
        options: &LogOptions,
        time: Timestamp,
        fill: impl FnOnce(&mut Row<'_>),
    ) -> Result<(), SinkError> {
        self.rotate_if_due(directory, options, time)?;
        let (schema, format) = (self.schema, options.format);
        self.unless_failed(directory, |log| {
            let open = match &mut log.open {
                Some(open) => open,
                None => log.open.insert(OpenLog::begin(schema, directory, options, time)?),
            };
            open.last = open.last.max(time);
            open.file.lines(|out| {
                let mut row = Row::begin(out, format, schema);
                fill(&mut row);
                row.end();
            })?;
            log.rows += 1;
            Ok(())
        })
    }

    fn rotate_if_due(
        &mut self,
        directory: &LogDirectory,
        options: &LogOptions,
        now: Timestamp,
    ) -> Result<(), SinkError> {
        let Publish::Growing(rotation) = options.publish else { return Ok(()) };
        let Some(open) = &self.open else { return Ok(()) };
        let full = rotation.size.is_some_and(|size| open.file.len() >= size);
        let over = rotation.interval.is_some_and(|interval| {
            let unit = i128::from(interval.nanos().max(1));
            let period = |time: Timestamp| i128::from(time.nanos()).div_euclid(unit);
            period(now) > period(open.first)
        });
        if full || over {
            self.close(directory, options)?;
            self.rotated += 1;
        }
        Ok(())
    }

    fn close(&mut self, directory: &LogDirectory, options: &LogOptions) -> Result<(), SinkError> {
        self.unless_failed(directory, |log| log.publish(directory, options))
    }

    fn unless_failed(
        &mut self,
        directory: &LogDirectory,
        act: impl FnOnce(&mut Self) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        if self.failed {
            let path = directory.join(&self.schema.file_name());
            let cause = io::Error::other("an earlier write failed");
            return Err(SinkError::new("go on with", &path, cause));
        }
        let result = act(self);
        self.failed = result.is_err();
        result
    }

    /// Ends the open file and gives it its final name.
    fn publish(&mut self, directory: &LogDirectory, options: &LogOptions) -> Result<(), SinkError> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.file.lines(|out| footer(out, options.format, open.last))?;
        open.file.finish()?;
        let path = match options.publish {
            Publish::AtClose => directory.join(&self.schema.file_name()),
            Publish::Growing(Rotation { interval: None, size: None }) => {
                open.file.path().to_path_buf()
            }
            Publish::Growing(_) => {
                let mut stem = format!("{}.", self.schema.path).into_bytes();
                number::calendar(&mut stem, open.first);
                directory.free(&String::from_utf8_lossy(&stem))
            }
        };
        if path != open.file.path() {
            directory.rename(open.file.path(), &path)?;
        }
        self.last_path = path;
        directory.sync()
    }
}

impl OpenLog {
    fn begin(
        schema: &'static Schema,
        directory: &LogDirectory,
        options: &LogOptions,
        time: Timestamp,
    ) -> Result<Self, SinkError> {
        let name = schema.file_name();
        let path = match options.publish {
            Publish::AtClose => directory.part(&name),
            Publish::Growing(_) => directory.join(&name),
        };
        let file = directory.create_file(&path)?;
        let mut file = LineFile::new(Box::new(file), path);
        file.lines(|out| header(out, options.format, schema, time))?;
        Ok(Self { file, first: time, last: time })
    }
}
