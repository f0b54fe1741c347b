//! Sequences of calls through the C interface, sensible and not: no crash, no fault, no handle that outlives
//! its sensor.
#![no_main]

use std::ptr::{null, null_mut};

use foreshadow::abi::exports::{
    foreshadow_connection_close, foreshadow_connection_set_host_id, foreshadow_connection_summary,
    foreshadow_event_format, foreshadow_sensor_advance, foreshadow_sensor_close,
    foreshadow_sensor_finish, foreshadow_sensor_open, foreshadow_sensor_poll,
    foreshadow_sensor_push, foreshadow_sensor_stats,
};
use foreshadow::abi::ffi::{
    FORESHADOW_ABI_VERSION, FORESHADOW_LINE_MAX, FORESHADOW_STATUS_EVENT, FORESHADOW_STATUS_OK,
    FORESHADOW_STATUS_PANIC, FORESHADOW_STATUS_POISONED, foreshadow_connection, foreshadow_event,
    foreshadow_options, foreshadow_packet, foreshadow_sensor, foreshadow_stats, foreshadow_status,
    foreshadow_verdict,
};
use libfuzzer_sys::fuzz_target;

/// A small sensor, so that tables fill up and events are shed within one input.
const CONFIG: &std::ffi::CStr =
    c"sensor.event_queue = 1024\nflow.max_connections = 16\nmodel.table_mib = 1\n";

/// The input as a tape that never ends: zeros follow.
struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn number<const N: usize>(&mut self) -> u64 {
        self.bytes(N).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

struct Host {
    open: Vec<*mut foreshadow_sensor>,
    closed: Vec<*mut foreshadow_sensor>,
    connections: Vec<u64>,
    now: i64,
}

fuzz_target!(|data: &[u8]| {
    let mut host = Host { open: Vec::new(), closed: Vec::new(), connections: vec![0], now: 0 };
    let mut tape = Tape(data);
    host.open();
    while !tape.0.is_empty() {
        host.call(&mut tape);
    }
    for sensor in host.open.drain(..) {
        expect(FORESHADOW_STATUS_OK, foreshadow_sensor_close(sensor));
    }
});

impl Host {
    fn call(&mut self, tape: &mut Tape<'_>) {
        let call = tape.number::<1>();
        let sensor = self.sensor(tape);
        match call % 16 {
            0 if self.open.len() < 3 => self.open(),
            1 => self.close(sensor),
            2 => sane(foreshadow_sensor_finish(sensor)),
            3 => sane(foreshadow_sensor_advance(sensor, tape.number::<8>() as i64)),
            4 => {
                self.now = self.now.wrapping_add(tape.number::<5>() as i64);
                sane(foreshadow_sensor_advance(sensor, self.now));
            }
            5 | 6 => poll(sensor, tape.number::<1>() as usize % 8),
            7 => {
                let id = self.connection(tape);
                let mut summary =
                    foreshadow_connection { size: size(tape, 296), ..Default::default() };
                // SAFETY: `size` is no more than the struct has.
                sane(unsafe { foreshadow_connection_summary(sensor, id, &mut summary) });
            }
            8 => {
                let id = self.connection(tape);
                // SAFETY: null is allowed.
                sane(unsafe { foreshadow_connection_close(sensor, id, null_mut()) });
            }
            9 => {
                let mut stats = foreshadow_stats { size: size(tape, 152), ..Default::default() };
                // SAFETY: `size` is no more than the struct has.
                sane(unsafe { foreshadow_sensor_stats(sensor, &mut stats) });
            }
            10 => format_anything(tape),
            11 => {
                let id = self.connection(tape);
                sane(foreshadow_connection_set_host_id(sensor, id, tape.number::<8>()));
            }
            _ => self.push(sensor, tape),
        }
    }

    fn open(&mut self) {
        let options = foreshadow_options {
            size: size_of::<foreshadow_options>() as u32,
            abi_version: FORESHADOW_ABI_VERSION,
            config_toml: CONFIG.as_ptr(),
            ..Default::default()
        };
        let mut sensor = null_mut();
        // SAFETY: all of it is ours.
        expect(FORESHADOW_STATUS_OK, unsafe { foreshadow_sensor_open(&options, &mut sensor) });
        assert!(!self.closed.contains(&sensor), "a handle was given out twice");
        self.open.push(sensor);
    }

    fn close(&mut self, sensor: *mut foreshadow_sensor) {
        let status = foreshadow_sensor_close(sensor);
        if let Some(at) = self.open.iter().position(|open| *open == sensor) {
            expect(FORESHADOW_STATUS_OK, status);
            self.closed.push(self.open.swap_remove(at));
        }
        assert_ne!(foreshadow_sensor_close(sensor), FORESHADOW_STATUS_OK as foreshadow_status);
    }

    fn push(&mut self, sensor: *mut foreshadow_sensor, tape: &mut Tape<'_>) {
        self.now = self.now.wrapping_add(tape.number::<4>() as i64);
        let kind = tape.number::<1>();
        let len = tape.number::<2>() as usize % 2_048;
        let data = tape.bytes(len);
        let packet = foreshadow_packet {
            size: size(tape, 40),
            captured_len: data.len() as u32,
            data: if kind & 1 == 0 { data.as_ptr() } else { null() },
            time_ns: if kind & 2 == 0 { self.now } else { tape.number::<8>() as i64 },
            host_id: kind,
            wire_len: if kind & 4 == 0 { data.len() as u32 } else { tape.number::<4>() as u32 },
            link_type: if kind & 8 == 0 { 1 } else { tape.number::<2>() as u16 },
            direction: (kind >> 4 & 3) as u8,
            wants: (kind >> 6 & 1) as u8,
        };
        let mut verdict = foreshadow_verdict { size: size(tape, 40), ..Default::default() };
        // SAFETY: `data` has as many bytes as said, and no `size` is more than its struct has.
        let status = unsafe { foreshadow_sensor_push(sensor, &packet, &mut verdict) };
        sane(status);
        if verdict.connection != 0 {
            expect(FORESHADOW_STATUS_OK, status);
            self.connections.push(verdict.connection);
        }
    }

    /// Mostly an open sensor, at times a closed or an invented one.
    fn sensor(&self, tape: &mut Tape<'_>) -> *mut foreshadow_sensor {
        let choice = tape.number::<1>() as usize;
        let from = |list: &[*mut foreshadow_sensor]| list.get(choice % list.len().max(1)).copied();
        match choice {
            0..=239 => from(&self.open),
            240..=247 => from(&self.closed),
            _ => Some(std::ptr::without_provenance_mut(tape.number::<8>() as usize)),
        }
        .unwrap_or(null_mut())
    }

    fn connection(&self, tape: &mut Tape<'_>) -> u64 {
        let choice = tape.number::<1>() as usize;
        self.connections[choice % self.connections.len()]
    }
}

fn poll(sensor: *mut foreshadow_sensor, capacity: usize) {
    let mut events = [foreshadow_event::default(); 8];
    events[0].size = size_of::<foreshadow_event>() as u32;
    let mut count = 0;
    // SAFETY: `capacity` is at most the array's length.
    let status =
        unsafe { foreshadow_sensor_poll(sensor, events.as_mut_ptr(), capacity, &mut count) };
    sane(status);
    assert!(count <= capacity);
    for event in &events[..count] {
        expect(FORESHADOW_STATUS_OK, format(event));
    }
}

/// An event of the host's own making is formatted or refused.
fn format_anything(tape: &mut Tape<'_>) {
    let mut event = foreshadow_event {
        size: size_of::<foreshadow_event>() as u32,
        kind: tape.number::<1>() as u32 % 9,
        time_ns: tape.number::<8>() as i64,
        ..Default::default()
    };
    let mut room = [0; 512];
    let bytes = tape.bytes(room.len());
    room[..bytes.len()].copy_from_slice(bytes);
    event.data.room = room;
    let status = format(&event);
    assert!([FORESHADOW_STATUS_OK, FORESHADOW_STATUS_EVENT].contains(&(status as u32)), "{status}");
}

fn format(event: &foreshadow_event) -> foreshadow_status {
    let mut line = [0; FORESHADOW_LINE_MAX as usize];
    // SAFETY: all of it is ours.
    unsafe { foreshadow_event_format(event, line.as_mut_ptr(), line.len(), null_mut()) }
}

/// The struct's own size; at times a smaller or impossible one.
fn size(tape: &mut Tape<'_>, own: u32) -> u32 {
    match tape.number::<1>() {
        250..=252 => own - 1,
        253 => 0,
        254 => u32::MAX,
        _ => own,
    }
}

/// Any answer will do but a fault.
fn sane(status: foreshadow_status) {
    for fault in [FORESHADOW_STATUS_PANIC, FORESHADOW_STATUS_POISONED] {
        assert_ne!(fault as foreshadow_status, status);
    }
}

fn expect(expected: u32, status: foreshadow_status) {
    assert_eq!(expected as foreshadow_status, status);
}
