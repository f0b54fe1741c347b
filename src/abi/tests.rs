//! The exports as C calls them, with what only the inside can bring about: a fault, a sensor in use.
#![allow(unsafe_code, reason = "calls the exports as C does; all memory is the test's own")]

use std::ffi::{CStr, CString};
use std::ptr::{null, null_mut};

use super::boundary::{self, on_sensor};
use super::exports::*;
use super::ffi::{
    FORESHADOW_ABI_VERSION, foreshadow_event, foreshadow_options, foreshadow_packet,
    foreshadow_sensor, foreshadow_stats, foreshadow_status, foreshadow_surprise,
    foreshadow_verdict,
};
use super::status::Status;

/// A sensor that is closed when the test ends, however it ends.
struct Opened(*mut foreshadow_sensor);

impl Opened {
    fn new() -> Self {
        let options = options();
        let mut sensor = null_mut();
        // SAFETY: both are ours.
        let status = unsafe { foreshadow_sensor_open(&options, &mut sensor) };
        assert_eq!(status, Status::Ok as i32, "{}", error(null_mut()));
        Self(sensor)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        foreshadow_sensor_close(self.0);
    }
}

fn options() -> foreshadow_options {
    foreshadow_options {
        size: size_of::<foreshadow_options>() as u32,
        abi_version: FORESHADOW_ABI_VERSION,
        ..Default::default()
    }
}

fn push(sensor: *mut foreshadow_sensor, verdict: &mut foreshadow_verdict) -> foreshadow_status {
    let data = [0_u8; 64];
    let packet = foreshadow_packet {
        size: size_of::<foreshadow_packet>() as u32,
        captured_len: 64,
        data: data.as_ptr(),
        wire_len: 64,
        link_type: 1,
        ..Default::default()
    };
    // SAFETY: all of it is ours.
    unsafe { foreshadow_sensor_push(sensor, &packet, verdict) }
}

/// A verdict with a value in every field, so that what is not written is seen.
fn dirty_verdict() -> foreshadow_verdict {
    foreshadow_verdict {
        size: size_of::<foreshadow_verdict>() as u32,
        side: 1,
        is_new: 1,
        scored: 1,
        anomalous: 1,
        connection: 9,
        surprise: foreshadow_surprise { total: 9.0, ..Default::default() },
        probability: 9.0,
        ..Default::default()
    }
}

fn error(sensor: *mut foreshadow_sensor) -> String {
    let mut buffer = [0; 1024];
    // SAFETY: the buffer is ours.
    let status =
        unsafe { foreshadow_last_error(sensor, buffer.as_mut_ptr(), buffer.len(), null_mut()) };
    assert_eq!(status, Status::Ok as i32);
    // SAFETY: the call above ended it with a zero byte.
    unsafe { CStr::from_ptr(buffer.as_ptr()) }.to_str().unwrap().to_owned()
}

#[test]
fn a_fault_poisons_the_sensor_says_so_once_and_stays_inside_it() {
    let (broken, sound) = (Opened::new(), Opened::new());
    boundary::panic_next(broken.0.addr());

    let mut verdict = dirty_verdict();
    assert_eq!(push(broken.0, &mut verdict), Status::Panic as i32);
    assert_eq!((verdict.scored, verdict.connection, verdict.anomalous), (0, 0, 0));
    let told = error(broken.0);
    assert_eq!(told, "fault inside the library: as the test asked; the sensor is poisoned");

    let mut verdict = dirty_verdict();
    assert_eq!(push(broken.0, &mut verdict), Status::Poisoned as i32);
    assert_eq!((verdict.scored, verdict.connection, verdict.surprise.total), (0, 0, 0.0));
    assert_eq!(foreshadow_sensor_advance(broken.0, 1), Status::Poisoned as i32);
    assert_eq!(foreshadow_sensor_finish(broken.0), Status::Poisoned as i32);
    let mut count = 7;
    let mut event =
        foreshadow_event { size: size_of::<foreshadow_event>() as u32, ..Default::default() };
    // SAFETY: all of it is ours.
    let polled = unsafe { foreshadow_sensor_poll(broken.0, &mut event, 1, &mut count) };
    assert_eq!((polled, count), (Status::Poisoned as i32, 0));
    assert_eq!(error(broken.0), told, "later calls leave the reason as it is");

    assert_eq!(push(sound.0, &mut verdict), Status::Ok as i32);
    assert_eq!(foreshadow_sensor_close(broken.0), Status::Ok as i32);
    assert_eq!(foreshadow_sensor_close(broken.0), Status::Handle as i32);
}

#[test]
fn a_second_call_into_a_sensor_in_use_is_turned_away() {
    let opened = Opened::new();
    let status = on_sensor(opened.0.addr(), |_| {
        let mut verdict = dirty_verdict();
        assert_eq!(push(opened.0, &mut verdict), Status::Busy as i32);
        assert_eq!((verdict.scored, verdict.connection), (0, 0));
        assert_eq!(foreshadow_sensor_close(opened.0), Status::Busy as i32);
        Ok(())
    });
    assert_eq!(status, Status::Ok);
    assert_eq!(push(opened.0, &mut dirty_verdict()), Status::Ok as i32);
}

#[test]
fn options_that_cannot_be_met_open_nothing_and_say_why() {
    let text = |text: &str| CString::new(text).unwrap().into_raw().cast_const();
    type Change<'a> = &'a dyn Fn(&mut foreshadow_options);
    let cases: [(Status, &str, Change<'_>); 8] = [
        (Status::Version, "the host has ABI version 0, this library 1", &|o| o.abi_version = 0),
        (Status::Size, "size of foreshadow_options is 39, expected at least 40", &|o| o.size = 39),
        (Status::Argument, "mode 3 or a reserved field holds nothing known", &|o| o.mode = 3),
        (Status::Argument, "mode 0 or a reserved field holds nothing known", &|o| o.reserved = 1),
        (
            Status::Argument,
            "config_toml and config_path are both given, and only one can be",
            &|o| {
                o.config_toml = text("");
                o.config_path = text("");
            },
        ),
        (Status::Config, "/nowhere/at/all: cannot be read: ", &|o| {
            o.config_path = text("/nowhere/at/all");
        }),
        (Status::Config, "config_toml:1:", &|o| o.config_toml = text("bananas = 1")),
        (Status::Argument, "model_path is not UTF-8 after 1 bytes", &|o| {
            o.model_path = c"a\xff".as_ptr();
        }),
    ];
    for (status, reason, change) in cases {
        let mut options = options();
        change(&mut options);
        let mut sensor = std::ptr::without_provenance_mut(1);
        // SAFETY: all of it is ours.
        assert_eq!(unsafe { foreshadow_sensor_open(&options, &mut sensor) }, status as i32);
        assert!(sensor.is_null());
        assert!(error(null_mut()).starts_with(reason), "{} for {reason}", error(null_mut()));
        for pointer in [options.config_toml, options.config_path] {
            if !pointer.is_null() {
                // SAFETY: made by `into_raw` above.
                drop(unsafe { CString::from_raw(pointer.cast_mut()) });
            }
        }
    }
}

#[test]
fn null_is_a_status_for_every_pointer() {
    let null_status = Status::Null as i32;
    let opened = Opened::new();
    let options = options();
    // SAFETY: null is what the header allows; the rest is ours.
    unsafe {
        assert_eq!(foreshadow_sensor_open(null(), &mut null_mut()), null_status);
        assert_eq!(foreshadow_sensor_open(&options, null_mut()), null_status);
        assert_eq!(foreshadow_sensor_close(null_mut()), null_status);
        assert_eq!(foreshadow_sensor_push(null_mut(), null(), null_mut()), null_status);
        assert_eq!(foreshadow_sensor_push(opened.0, null(), null_mut()), null_status);
        assert_eq!(foreshadow_sensor_advance(null_mut(), 0), null_status);
        assert_eq!(foreshadow_sensor_poll(opened.0, null_mut(), 1, &mut 0), null_status);
        assert_eq!(foreshadow_sensor_poll(opened.0, null_mut(), 0, null_mut()), null_status);
        assert_eq!(foreshadow_sensor_poll(opened.0, null_mut(), 0, &mut 0), Status::Ok as i32);
        assert_eq!(foreshadow_sensor_finish(null_mut()), null_status);
        assert_eq!(foreshadow_sensor_stats(opened.0, null_mut()), null_status);
        assert_eq!(foreshadow_connection_summary(opened.0, 1, null_mut()), null_status);
        let none = Status::Connection as i32;
        assert_eq!(foreshadow_connection_close(opened.0, 1, null_mut()), none);
        assert_eq!(foreshadow_event_format(null(), null_mut(), 0, null_mut()), null_status);
    }
    assert_eq!(error(opened.0), "no live connection has id 1");
    assert_eq!(error(null_mut()), "foreshadow_event is null");
}

#[test]
fn a_finished_sensor_takes_no_more_packets_but_tells_what_it_has() {
    let opened = Opened::new();
    let mut verdict = dirty_verdict();
    assert_eq!(push(opened.0, &mut verdict), Status::Ok as i32);
    assert_eq!(foreshadow_sensor_finish(opened.0), Status::Ok as i32);
    assert_eq!(push(opened.0, &mut verdict), Status::Finished as i32);
    assert_eq!(foreshadow_sensor_advance(opened.0, 1), Status::Finished as i32);
    assert_eq!(foreshadow_sensor_finish(opened.0), Status::Finished as i32);
    let mut stats =
        foreshadow_stats { size: size_of::<foreshadow_stats>() as u32, ..Default::default() };
    // SAFETY: it is ours.
    assert_eq!(unsafe { foreshadow_sensor_stats(opened.0, &mut stats) }, Status::Ok as i32);
    assert_eq!((stats.packets, stats.wire_bytes), (1, 64));
}

#[test]
fn the_library_names_its_version() {
    assert_eq!(foreshadow_abi_version(), FORESHADOW_ABI_VERSION);
    // SAFETY: constant text.
    let version = unsafe { CStr::from_ptr(foreshadow_version()) };
    assert_eq!(version.to_str(), Ok(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_store_is_kept_by_one_sensor_and_written_when_it_closes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("learned");
    std::fs::write(&path, "something else").unwrap();
    let toml = format!("model.kind = 'adaptive'\nstore.path = '{}'", path.display());
    let toml = CString::new(toml).unwrap();
    let options = foreshadow_options { config_toml: toml.as_ptr(), ..options() };
    let mut sensor = null_mut();
    // SAFETY: all of it is ours.
    let open = |sensor: &mut _| unsafe { foreshadow_sensor_open(&options, sensor) };
    assert_eq!(open(&mut sensor), Status::Ok as i32, "{}", error(null_mut()));
    assert!(error(sensor).contains("learned.aside-1 now"), "{}", error(sensor));
    let mut second = null_mut();
    assert_eq!(open(&mut second), Status::Store as i32);
    assert!(error(null_mut()).contains("in use by process"), "{}", error(null_mut()));
    assert!(!path.exists());
    assert_eq!(foreshadow_sensor_close(sensor), Status::Ok as i32);
    assert!(crate::store::Store::read(&path).unwrap().is_some());
    assert_eq!(open(&mut second), Status::Ok as i32, "{}", error(null_mut()));
    assert_eq!(error(second), "");
    std::fs::remove_dir_all(folder.path()).unwrap();
    assert_eq!(foreshadow_sensor_finish(second), Status::Store as i32);
    assert_eq!(foreshadow_sensor_close(second), Status::Ok as i32);
}
