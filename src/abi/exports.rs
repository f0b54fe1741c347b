//! The exported functions, in the header's order; the header says what each promises.
//!
//! Each does three things: pointers to values, one call through the boundary, values to pointers.
#![allow(unsafe_code, reason = "takes pointers from C and exports symbols")]

use std::ffi::c_char;
use std::fs;

use crate::config::Config;
use crate::flow::{ConnectionId, HostHint};
use crate::score::Sentence;
use crate::sensor::{Event, OpenError, Packet, Sensor};
use crate::store::Keeper;
use crate::time::Timestamp;
use crate::wire::LinkType;

use super::boundary::{self, Open, on_sensor, on_thread};
use super::ffi::{
    self, foreshadow_connection, foreshadow_event, foreshadow_options, foreshadow_packet,
    foreshadow_sensor, foreshadow_stats, foreshadow_status, foreshadow_verdict,
};
use super::memory::{self, Out, OutArray};
use super::status::{self, Failure, Status};
use super::{decode, encode};

/// The header's version, as the library was compiled with.
#[unsafe(no_mangle)]
pub extern "C" fn foreshadow_abi_version() -> u32 {
    ffi::FORESHADOW_ABI_VERSION
}

/// The library's release.
#[unsafe(no_mangle)]
pub extern "C" fn foreshadow_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// One sentence on a status.
#[unsafe(no_mangle)]
pub extern "C" fn foreshadow_status_text(status: foreshadow_status) -> *const c_char {
    status::text(status).as_ptr()
}

/// Copies out the reason of the last failure.
///
/// # Safety
/// - `buffer` is null or points to `buffer_size` writable bytes.
/// - `needed` is null or points to a writable `size_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_last_error(
    sensor: *mut foreshadow_sensor,
    buffer: *mut c_char,
    buffer_size: usize,
    needed: *mut usize,
) -> foreshadow_status {
    let handle = (!sensor.is_null()).then(|| sensor.addr());
    boundary::last_error(handle, |text| {
        // SAFETY: as the caller promises.
        unsafe { memory::write_text(text, buffer, buffer_size, needed) }
    }) as foreshadow_status
}

/// Opens a sensor.
///
/// # Safety
/// - `options` is null or points to its `size` readable bytes.
/// - Each text in it is null or ends with a zero byte.
/// - `sensor` is null or points to a writable pointer.
/// - None of it is written by others meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_sensor_open(
    options: *const foreshadow_options,
    sensor: *mut *mut foreshadow_sensor,
) -> foreshadow_status {
    on_thread(|| {
        // SAFETY: as the caller promises.
        if !unsafe { memory::write_number(sensor, std::ptr::null_mut()) } {
            return Err(Failure::null("sensor"));
        }
        // SAFETY: as the caller promises.
        let options = unsafe { memory::read(options) }?;
        // SAFETY: as the caller promises.
        let config = unsafe { config(&options) }?;
        let mut opened = Sensor::new(&config)
            .map_err(|error: OpenError| Failure::new(Status::Model, error.to_string()))?;
        let keeper = Keeper::open(&config, &mut opened)
            .map_err(|error| Failure::new(Status::Store, format!("store.path: {error}")))?;
        let handle = boundary::insert(opened, keeper)?;
        // SAFETY: as the caller promises.
        unsafe { memory::write_number(sensor, std::ptr::without_provenance_mut(handle)) };
        Ok(())
    }) as foreshadow_status
}

/// Closes a sensor; the handle is looked up and never followed, so any value is safe.
#[unsafe(no_mangle)]
pub extern "C" fn foreshadow_sensor_close(sensor: *mut foreshadow_sensor) -> foreshadow_status {
    if sensor.is_null() {
        return on_thread(|| Err(Failure::null("sensor"))) as foreshadow_status;
    }
    boundary::close(sensor.addr()) as foreshadow_status
}

/// Pushes one packet.
///
/// # Safety
/// - `packet` is null or points to its `size` readable bytes, and its `data` is null or points to
///   `captured_len` of them.
/// - `verdict` is null or points to its `size` writable bytes.
/// - None of it is written by others meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_sensor_push(
    sensor: *mut foreshadow_sensor,
    packet: *const foreshadow_packet,
    verdict: *mut foreshadow_verdict,
) -> foreshadow_status {
    // SAFETY: as the caller promises.
    let out = unsafe { Out::optional(verdict) };
    if let Ok(Some(out)) = &out {
        out.write(&encode::unscored());
    }
    call(sensor, |open| {
        let out = out?;
        // SAFETY: as the caller promises.
        let packet = unsafe { memory::read(packet) }?;
        let wants_explanation = u32::from(packet.wants) == ffi::FORESHADOW_WANT_EXPLANATION;
        // SAFETY: as the caller promises.
        let packet = unsafe { view(&packet) }?;
        open.refuse_if_finished()?;
        let (answer, explanation) = if wants_explanation {
            open.sensor.push_and_explain(&packet)
        } else {
            (open.sensor.push(&packet), None)
        };
        if let Some(out) = out {
            out.write(&encode::verdict(&answer, explanation.as_ref()));
        }
        Ok(())
    })
}

/// Moves packet time on; the handle is looked up and never followed, so any value is safe.
#[unsafe(no_mangle)]
pub extern "C" fn foreshadow_sensor_advance(
    sensor: *mut foreshadow_sensor,
    now_ns: i64,
) -> foreshadow_status {
    call(sensor, |open| {
        open.refuse_if_finished()?;
        open.sensor.advance(Timestamp::from_nanos(now_ns));
        Ok(())
    })
}

/// Takes events, oldest first.
///
/// # Safety
/// - `events` is null or points to `capacity` structs of the `size` that the first one begins with, all writable.
/// - `count` is null or points to a writable `size_t`.
/// - Nobody else touches them meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_sensor_poll(
    sensor: *mut foreshadow_sensor,
    events: *mut foreshadow_event,
    capacity: usize,
    count: *mut usize,
) -> foreshadow_status {
    // SAFETY: as the caller promises.
    let has_count = unsafe { memory::write_number(count, 0) };
    call(sensor, |open| {
        if !has_count {
            return Err(Failure::null("count"));
        }
        // SAFETY: as the caller promises.
        let array = unsafe { OutArray::new(events, capacity) }?;
        let mut is_time = false;
        let filled = array.fill(|| {
            open.sensor.poll().map(|event| {
                is_time |= matches!(event, Event::Stats { .. });
                encode::event(&event)
            })
        });
        if is_time {
            open.keep_if_due();
        }
        // SAFETY: as the caller promises.
        unsafe { memory::write_number(count, filled) };
        Ok(())
    })
}

/// Ends the capture; the handle is looked up and never followed, so any value is safe.
#[unsafe(no_mangle)]
pub extern "C" fn foreshadow_sensor_finish(sensor: *mut foreshadow_sensor) -> foreshadow_status {
    call(sensor, |open| {
        open.refuse_if_finished()?;
        open.finished = true;
        open.sensor.finish();
        open.keep()
    })
}

/// Copies out the counters.
///
/// # Safety
/// - `stats` is null or points to its `size` writable bytes, which nobody else touches meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_sensor_stats(
    sensor: *mut foreshadow_sensor,
    stats: *mut foreshadow_stats,
) -> foreshadow_status {
    call(sensor, |open| {
        // SAFETY: as the caller promises.
        let out = unsafe { Out::new(stats) }?;
        out.write(&encode::stats(&open.sensor.stats()));
        Ok(())
    })
}

/// Copies out a live connection.
///
/// # Safety
/// - `summary` is null or points to its `size` writable bytes, which nobody else touches meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_connection_summary(
    sensor: *mut foreshadow_sensor,
    connection: u64,
    summary: *mut foreshadow_connection,
) -> foreshadow_status {
    call(sensor, |open| {
        // SAFETY: as the caller promises.
        let out = unsafe { Out::new(summary) }?;
        let (summary, score) = open
            .sensor
            .connection(ConnectionId::from_u64(connection))
            .ok_or_else(|| no_connection(connection))?;
        out.write(&encode::connection(&summary, &score));
        Ok(())
    })
}

/// Closes a connection and copies out what it was.
///
/// # Safety
/// - `summary` is null or points to its `size` writable bytes, which nobody else touches meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_connection_close(
    sensor: *mut foreshadow_sensor,
    connection: u64,
    summary: *mut foreshadow_connection,
) -> foreshadow_status {
    call(sensor, |open| {
        // SAFETY: as the caller promises.
        let out = unsafe { Out::optional(summary) }?;
        let (summary, score) = open
            .sensor
            .close_connection(ConnectionId::from_u64(connection))
            .ok_or_else(|| no_connection(connection))?;
        if let Some(out) = out {
            out.write(&encode::connection(&summary, &score));
        }
        Ok(())
    })
}

/// Writes a category's name.
///
/// # Safety
/// - `buffer` is null or points to `buffer_size` writable bytes.
/// - `needed` is null or points to a writable `size_t`.
/// - Nobody else touches them meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_category_name(
    sensor: *mut foreshadow_sensor,
    number: u32,
    buffer: *mut c_char,
    buffer_size: usize,
    needed: *mut usize,
) -> foreshadow_status {
    call(sensor, |open| {
        let name = open.sensor.category_name(number as usize).ok_or_else(|| {
            Failure::new(Status::Argument, format!("there is no category number {number}"))
        })?;
        // SAFETY: as the caller promises.
        unsafe { memory::write_text(name, buffer, buffer_size, needed) }
    })
}

/// Gives a live connection the host's number; nothing is read from the caller, so any value is safe.
#[unsafe(no_mangle)]
pub extern "C" fn foreshadow_connection_set_host_id(
    sensor: *mut foreshadow_sensor,
    connection: u64,
    host_id: u64,
) -> foreshadow_status {
    call(sensor, |open| {
        let number = (host_id != 0).then_some(host_id);
        if open.sensor.set_host_id(ConnectionId::from_u64(connection), number) {
            Ok(())
        } else {
            Err(no_connection(connection))
        }
    })
}

/// Writes an event as one line.
///
/// # Safety
/// - `event` is null or points to its `size` readable bytes.
/// - `buffer` is null or points to `buffer_size` writable bytes.
/// - `needed` is null or points to a writable `size_t`.
/// - They do not overlap, and nobody else touches them meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_event_format(
    event: *const foreshadow_event,
    buffer: *mut c_char,
    buffer_size: usize,
    needed: *mut usize,
) -> foreshadow_status {
    on_thread(|| {
        // SAFETY: as the caller promises.
        let event = unsafe { decoded(event) }?;
        // SAFETY: as the caller promises.
        unsafe { memory::write_text(&event.to_string(), buffer, buffer_size, needed) }
    }) as foreshadow_status
}

/// Writes an anomaly as one sentence.
///
/// # Safety
/// As of [`foreshadow_event_format`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_event_sentence(
    event: *const foreshadow_event,
    buffer: *mut c_char,
    buffer_size: usize,
    needed: *mut usize,
) -> foreshadow_status {
    on_thread(|| {
        // SAFETY: as the caller promises.
        let event = unsafe { decoded(event) }?;
        let text = match &event {
            Event::Anomaly(anomaly) => Sentence::Packet(anomaly).to_string(),
            Event::AnomalousConnection(found) => Sentence::Connection(found).to_string(),
            Event::AnomalousEndpoint(found) => Sentence::Endpoint(found).to_string(),
            _ => String::new(),
        };
        // SAFETY: as the caller promises.
        unsafe { memory::write_text(&text, buffer, buffer_size, needed) }
    }) as foreshadow_status
}

/// The event that C describes.
///
/// # Safety
/// `event` is null or points to its `size` readable bytes.
unsafe fn decoded(event: *const foreshadow_event) -> Result<Event, Failure> {
    // SAFETY: as the caller promises.
    let event = unsafe { memory::read(event) }?;
    decode::event(&event).map_err(|unknown| {
        Failure::new(
            Status::Event,
            format!("{} of the event holds nothing that this library knows", unknown.field),
        )
    })
}

impl Open {
    fn refuse_if_finished(&self) -> Result<(), Failure> {
        if self.finished {
            return Err(Failure::new(Status::Finished, "the sensor was finished"));
        }
        Ok(())
    }
}

pub(super) fn call(
    sensor: *mut foreshadow_sensor,
    body: impl FnOnce(&mut Open) -> Result<(), Failure>,
) -> foreshadow_status {
    if sensor.is_null() {
        return on_thread(|| Err(Failure::null("sensor"))) as foreshadow_status;
    }
    on_sensor(sensor.addr(), body) as foreshadow_status
}

fn no_connection(id: u64) -> Failure {
    Failure::new(Status::Connection, format!("no live connection has id {id}"))
}

/// The config that the options ask for.
///
/// # Safety
/// Each text in `options` is null, or ends with a zero byte and is not written meanwhile.
pub(super) unsafe fn config(options: &foreshadow_options) -> Result<Config, Failure> {
    let ours = ffi::FORESHADOW_ABI_VERSION;
    if options.abi_version != ours {
        return Err(Failure::new(
            Status::Version,
            format!("the host has ABI version {}, this library {ours}", options.abi_version),
        ));
    }
    if !matches!(
        options.mode,
        ffi::FORESHADOW_MODE_DEFAULT | ffi::FORESHADOW_MODE_LIVE | ffi::FORESHADOW_MODE_REPLAY
    ) || options.reserved != 0
    {
        return Err(Failure::new(
            Status::Argument,
            format!("mode {} or a reserved field holds nothing known", options.mode),
        ));
    }
    // SAFETY: as the caller promises; the texts are used in this call only.
    let (toml, path, model, settings) = unsafe {
        (
            memory::text(options.config_toml, "config_toml")?,
            memory::text(options.config_path, "config_path")?,
            memory::text(options.model_path, "model_path")?,
            memory::text(options.settings, "settings")?,
        )
    };
    let wrong = |error: String| Failure::new(Status::Config, error);
    let mut config = match (toml, path) {
        (None, None) => Config::default(),
        (Some(toml), None) => {
            Config::from_toml(toml, "config_toml").map_err(|error| wrong(error.to_string()))?
        }
        (None, Some(path)) => {
            let text = fs::read_to_string(path)
                .map_err(|error| wrong(format!("{path}: cannot be read: {error}")))?;
            Config::from_toml(&text, path).map_err(|error| wrong(error.to_string()))?
        }
        (Some(_), Some(_)) => {
            return Err(Failure::new(
                Status::Argument,
                "config_toml and config_path are both given, and only one can be",
            ));
        }
    };
    for line in settings.unwrap_or_default().lines().filter(|line| !line.trim().is_empty()) {
        let (key, value) = line.split_once('=').ok_or_else(|| {
            wrong(format!("settings: expected `key = value`, came `{}`", line.trim()))
        })?;
        config.set(key.trim(), value.trim()).map_err(|error| wrong(error.to_string()))?;
    }
    if let Some(model) = model {
        config.set("model.path", model).map_err(|error| wrong(error.to_string()))?;
    }
    Ok(config)
}

/// The packet that C describes.
///
/// # Safety
/// `packet.data` is null or points to `packet.captured_len` bytes, readable and not written for `'a`.
unsafe fn view<'a>(packet: &foreshadow_packet) -> Result<Packet<'a>, Failure> {
    let from_originator = match u32::from(packet.direction) {
        ffi::FORESHADOW_DIRECTION_UNKNOWN => None,
        ffi::FORESHADOW_DIRECTION_FROM_ORIGINATOR => Some(true),
        ffi::FORESHADOW_DIRECTION_FROM_RESPONDER => Some(false),
        other => {
            return Err(Failure::new(
                Status::Argument,
                format!("direction {other} of foreshadow_packet is none that is known"),
            ));
        }
    };
    if u32::from(packet.wants) & !ffi::FORESHADOW_WANT_EXPLANATION != 0 {
        return Err(Failure::new(
            Status::Argument,
            format!("wants {:#x} of foreshadow_packet holds nothing known", packet.wants),
        ));
    }
    let data = match (packet.data.is_null(), packet.captured_len) {
        (_, 0) => &[][..],
        (true, _) => return Err(Failure::null("data of foreshadow_packet")),
        // SAFETY: it is not null, so the caller promises so many bytes for `'a`; 32 bits of length
        // are far below `isize::MAX`.
        (false, len) => unsafe { std::slice::from_raw_parts(packet.data, len as usize) },
    };
    Ok(Packet {
        time: Timestamp::from_nanos(packet.time_ns),
        link: LinkType(packet.link_type),
        data,
        // A capture that says otherwise is wrong about the wire, not about what it holds.
        wire_len: packet.wire_len.max(packet.captured_len),
        host: HostHint { id: (packet.host_id != 0).then_some(packet.host_id), from_originator },
    })
}

/// Compiles only while header and exports agree on every function: the two branches of an `if` have one
/// type, so both become the same function pointer.
macro_rules! hold_to_the_header {
    ($($name:ident)*) => {
        $(const _: () = { let _ = if true { ffi::$name } else { $name }; };)*
    };
}
pub(super) use hold_to_the_header;
hold_to_the_header! {
    foreshadow_abi_version
    foreshadow_version
    foreshadow_status_text
    foreshadow_last_error
    foreshadow_sensor_open
    foreshadow_sensor_close
    foreshadow_sensor_push
    foreshadow_sensor_advance
    foreshadow_sensor_poll
    foreshadow_sensor_finish
    foreshadow_sensor_stats
    foreshadow_connection_summary
    foreshadow_connection_close
    foreshadow_category_name
    foreshadow_connection_set_host_id
    foreshadow_event_format
    foreshadow_event_sentence
}
