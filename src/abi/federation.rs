//! The exported functions of a federation: a sensor's blobs, and the aggregator that merges them.
#![allow(unsafe_code, reason = "takes pointers from C and exports symbols")]

use std::ffi::c_char;

use crate::bloom::federate::{Aggregator, Merged, NetworkTarget, Refusal};
use crate::sensor::{FederationError, federation_terms};
use crate::time::Timestamp;

use super::boundary::{self, on_aggregator, on_thread};
use super::exports::{call, hold_to_the_header};
use super::ffi::{
    self, foreshadow_aggregator, foreshadow_aggregator_totals, foreshadow_category,
    foreshadow_network_target, foreshadow_options, foreshadow_sensor, foreshadow_status,
};
use super::memory::{self, Out};
use super::status::{Failure, Status};
use super::{encode, exports};

/// Copies out a sensor's next blob.
///
/// # Safety
/// - `buffer` is null or points to `buffer_size` writable bytes.
/// - `needed` is null or points to a writable `size_t`.
/// - Nobody else touches them meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_federation_export(
    sensor: *mut foreshadow_sensor,
    buffer: *mut u8,
    buffer_size: usize,
    needed: *mut usize,
) -> foreshadow_status {
    // SAFETY: as the caller promises.
    let has_needed = unsafe { memory::write_number(needed, 0) };
    call(sensor, |open| {
        if !has_needed {
            return Err(Failure::null("needed"));
        }
        if open.sensor.federation().is_none() {
            return Err(no_member());
        }
        let fresh = open.sensor.export_federation();
        if !fresh.is_empty() {
            // A blob holds the state, so what was not taken is of no more use.
            open.blobs = fresh.into();
        }
        let Some(blob) = open.blobs.front() else { return Ok(()) };
        // SAFETY: as the caller promises.
        unsafe { memory::write_bytes(blob, buffer, buffer_size, needed) }?;
        open.blobs.pop_front();
        Ok(())
    })
}

/// Hands a sensor the network's view.
///
/// # Safety
/// - `blob` is null or points to `size` readable bytes, which nobody writes meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_federation_merge(
    sensor: *mut foreshadow_sensor,
    blob: *const u8,
    size: usize,
) -> foreshadow_status {
    call(sensor, |open| {
        // SAFETY: as the caller promises.
        let blob = unsafe { memory::bytes(blob, size, "blob") }?;
        if open.sensor.federation().is_none() {
            return Err(no_member());
        }
        open.sensor.import_federation(blob).map_err(refused)?;
        Ok(())
    })
}

/// Opens an aggregator.
///
/// # Safety
/// - As for `foreshadow_sensor_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_aggregator_open(
    options: *const foreshadow_options,
    aggregator: *mut *mut foreshadow_aggregator,
) -> foreshadow_status {
    on_thread(|| {
        // SAFETY: as the caller promises.
        if !unsafe { memory::write_number(aggregator, std::ptr::null_mut()) } {
            return Err(Failure::null("aggregator"));
        }
        // SAFETY: as the caller promises.
        let options = unsafe { memory::read(options) }?;
        // SAFETY: as the caller promises.
        let config = unsafe { exports::config(&options) }?;
        let terms = federation_terms(&config)
            .map_err(|error| Failure::new(Status::Federation, error.to_string()))?;
        let handle = boundary::insert_aggregator(Aggregator::new(terms))?;
        // SAFETY: as the caller promises.
        unsafe { memory::write_number(aggregator, std::ptr::without_provenance_mut(handle)) };
        Ok(())
    }) as foreshadow_status
}

/// Closes an aggregator; the handle is looked up and never followed, so any value is safe.
#[unsafe(no_mangle)]
pub extern "C" fn foreshadow_aggregator_close(
    aggregator: *mut foreshadow_aggregator,
) -> foreshadow_status {
    boundary::close_aggregator(aggregator.addr()) as foreshadow_status
}

/// Takes a sensor's blob.
///
/// # Safety
/// - `blob` is null or points to `size` readable bytes.
/// - `sender` is null or ends with a zero byte.
/// - Nobody writes them meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_aggregator_take(
    aggregator: *mut foreshadow_aggregator,
    blob: *const u8,
    size: usize,
    sender: *const c_char,
    now_ns: i64,
) -> foreshadow_status {
    on(aggregator, |aggregator| {
        // SAFETY: as the caller promises.
        let blob = unsafe { memory::bytes(blob, size, "blob") }?;
        // SAFETY: as the caller promises.
        let sender = unsafe { memory::text(sender, "sender") }?;
        let now = Some(Timestamp::from_nanos(now_ns));
        aggregator.take(blob, sender, now).map_err(refused)?;
        Ok(())
    })
}

/// Moves the aggregator's clock on; the handle is looked up and never followed.
#[unsafe(no_mangle)]
pub extern "C" fn foreshadow_aggregator_advance(
    aggregator: *mut foreshadow_aggregator,
    now_ns: i64,
) -> foreshadow_status {
    on(aggregator, |aggregator| {
        aggregator.advance(Timestamp::from_nanos(now_ns));
        Ok(())
    })
}

/// Closes every round that was spoken of; the handle is looked up and never followed.
#[unsafe(no_mangle)]
pub extern "C" fn foreshadow_aggregator_finish(
    aggregator: *mut foreshadow_aggregator,
) -> foreshadow_status {
    on(aggregator, |aggregator| {
        aggregator.finish();
        Ok(())
    })
}

/// Copies out the network's view.
///
/// # Safety
/// - As for `foreshadow_federation_export`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_aggregator_view(
    aggregator: *mut foreshadow_aggregator,
    buffer: *mut u8,
    buffer_size: usize,
    needed: *mut usize,
) -> foreshadow_status {
    // SAFETY: as the caller promises.
    let has_needed = unsafe { memory::write_number(needed, 0) };
    on(aggregator, |aggregator| {
        if !has_needed {
            return Err(Failure::null("needed"));
        }
        let Some(view) = aggregator.view() else { return Ok(()) };
        // SAFETY: as the caller promises.
        unsafe {
            memory::write_bytes(&view.encode(aggregator.terms()), buffer, buffer_size, needed)
        }
    })
}

/// Copies out what the aggregator did.
///
/// # Safety
/// - `totals` is null or points to its `size` writable bytes, which nobody else touches meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_aggregator_stats(
    aggregator: *mut foreshadow_aggregator,
    totals: *mut foreshadow_aggregator_totals,
) -> foreshadow_status {
    on(aggregator, |aggregator| {
        // SAFETY: as the caller promises.
        let out = unsafe { Out::new(totals) }?;
        out.write(&totals_of(aggregator));
        Ok(())
    })
}

/// Copies out a category of the network.
///
/// # Safety
/// - `category` is null or points to its `size` writable bytes, which nobody else touches meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_aggregator_category(
    aggregator: *mut foreshadow_aggregator,
    index: usize,
    category: *mut foreshadow_category,
) -> foreshadow_status {
    on(aggregator, |aggregator| {
        // SAFETY: as the caller promises.
        let out = unsafe { Out::new(category) }?;
        let merged = aggregator.view().and_then(|view| view.categories.get(index));
        let agreed = aggregator.terms().categories.get(index);
        let (Some(merged), Some(agreed)) = (merged, agreed) else {
            return Err(none("category", index));
        };
        let Merged { activity, weight, distinct, fill, false_positive_rate, is_overfull } = *merged;
        out.write(&foreshadow_category {
            size: size_of::<foreshadow_category>() as u32,
            reserved: 0,
            interval_ns: aggregator.terms().interval.nanos(),
            name: encode::text(agreed.name.as_str()),
            weight,
            activity,
            fill,
            distinct,
            false_positive_rate,
            is_overfull: u8::from(is_overfull),
            reserved_end: [0; 7],
        });
        Ok(())
    })
}

/// Copies out a target of the network.
///
/// # Safety
/// - `target` is null or points to its `size` writable bytes, which nobody else touches meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn foreshadow_aggregator_target(
    aggregator: *mut foreshadow_aggregator,
    index: usize,
    target: *mut foreshadow_network_target,
) -> foreshadow_status {
    on(aggregator, |aggregator| {
        // SAFETY: as the caller promises.
        let out = unsafe { Out::new(target) }?;
        let found = aggregator.view().and_then(|view| view.targets.get(index));
        let NetworkTarget { id, score, categories, sensors, since } =
            *found.ok_or_else(|| none("target", index))?;
        out.write(&foreshadow_network_target {
            size: size_of::<foreshadow_network_target>() as u32,
            category_mask: categories,
            id: id.to_bytes(),
            score,
            since,
            sensors,
            reserved: 0,
        });
        Ok(())
    })
}

fn totals_of(aggregator: &Aggregator) -> foreshadow_aggregator_totals {
    let tally = aggregator.tally();
    let view = aggregator.view();
    foreshadow_aggregator_totals {
        size: size_of::<foreshadow_aggregator_totals>() as u32,
        sensors: aggregator.sensors().count() as u32,
        taken: tally.taken,
        refused: tally.refused.total(),
        rounds: tally.rounds,
        left_out: tally.left_out,
        targets: tally.targets,
        round: view.map_or(0, |view| view.round),
        targets_now: view.map_or(0, |view| view.targets.len() as u32),
        categories: aggregator.terms().categories.len() as u32,
    }
}

fn on(
    aggregator: *mut foreshadow_aggregator,
    body: impl FnOnce(&mut Aggregator) -> Result<(), Failure>,
) -> foreshadow_status {
    on_aggregator(aggregator.addr(), body) as foreshadow_status
}

fn refused(refusal: Refusal) -> Failure {
    Failure::new(Status::Federation, format!("{refusal} ({})", refusal.name()))
}

fn no_member() -> Failure {
    let [key, name] = [FederationError::Key, FederationError::Name];
    Failure::new(Status::Federation, format!("the sensor is in no federation: {key}; {name}"))
}

fn none(what: &'static str, index: usize) -> Failure {
    Failure::new(Status::Argument, format!("there is no {what} with index {index}"))
}

hold_to_the_header! {
    foreshadow_federation_export
    foreshadow_federation_merge
    foreshadow_aggregator_open
    foreshadow_aggregator_close
    foreshadow_aggregator_take
    foreshadow_aggregator_advance
    foreshadow_aggregator_finish
    foreshadow_aggregator_view
    foreshadow_aggregator_stats
    foreshadow_aggregator_category
    foreshadow_aggregator_target
}

#[cfg(test)]
mod tests {
    use std::ffi::{CStr, CString};
    use std::ptr::{null, null_mut};

    use super::super::exports::*;
    use super::super::ffi::{
        FORESHADOW_ABI_VERSION, FORESHADOW_EVENT_TARGET, foreshadow_event, foreshadow_packet,
    };
    use super::*;

    const CONFIG: &str = "
        bloom.federation_key = '000102030405060708090a0b0c0d0e0f'
        bloom.threshold = 0.5
        bloom.warm_up = 0
        [[category]]
        name = 'fan-out'
        rule = 'outgoing'
        count = ['originator', 'responder']
        at_least = 60
        target = 'originator'
        ";

    fn toml(more: &str) -> CString {
        CString::new(format!("{more}\n{CONFIG}")).unwrap()
    }

    fn options(toml: &CString) -> foreshadow_options {
        foreshadow_options {
            size: size_of::<foreshadow_options>() as u32,
            abi_version: FORESHADOW_ABI_VERSION,
            config_toml: toml.as_ptr(),
            ..Default::default()
        }
    }

    fn sensor(more: &str) -> *mut foreshadow_sensor {
        let (toml, mut sensor) = (toml(more), null_mut());
        // SAFETY: all of it is ours.
        let status = unsafe { foreshadow_sensor_open(&options(&toml), &mut sensor) };
        assert_eq!(status, Status::Ok as i32, "{}", error());
        sensor
    }

    fn error() -> String {
        let mut buffer = [0; 512];
        // SAFETY: the buffer is ours, and the call ends it with a zero byte.
        unsafe {
            foreshadow_last_error(null_mut(), buffer.as_mut_ptr(), buffer.len(), null_mut());
            CStr::from_ptr(buffer.as_ptr()).to_str().unwrap().to_owned()
        }
    }

    /// One machine asks forty others, one a second.
    fn scan(sensor: *mut foreshadow_sensor, network: u8) {
        let mut frame = [0_u8; 60];
        frame[12] = 0x08;
        frame[14] = 0x45;
        frame[16..18].copy_from_slice(&46_u16.to_be_bytes());
        frame[23] = 17;
        frame[26..30].copy_from_slice(&[10, 0, 0, 66]);
        frame[34..36].copy_from_slice(&40_000_u16.to_be_bytes());
        frame[36..38].copy_from_slice(&9_999_u16.to_be_bytes());
        frame[38..40].copy_from_slice(&26_u16.to_be_bytes());
        for host in 0..40 {
            frame[30..34].copy_from_slice(&[10, 0, network, host]);
            let packet = foreshadow_packet {
                size: size_of::<foreshadow_packet>() as u32,
                captured_len: 60,
                data: frame.as_ptr(),
                time_ns: i64::from(host) * 1_000_000_000,
                wire_len: 60,
                link_type: 1,
                ..Default::default()
            };
            // SAFETY: all of it is ours.
            let status = unsafe { foreshadow_sensor_push(sensor, &packet, null_mut()) };
            assert_eq!(status, Status::Ok as i32);
        }
        assert_eq!(foreshadow_sensor_advance(sensor, 60_000_000_000), Status::Ok as i32);
    }

    fn next_blob(sensor: *mut foreshadow_sensor) -> Option<Vec<u8>> {
        let (mut room, mut needed) = (vec![0; 1 << 20], 0);
        // SAFETY: all of it is ours.
        let status = unsafe {
            foreshadow_federation_export(sensor, room.as_mut_ptr(), room.len(), &mut needed)
        };
        assert_eq!(status, Status::Ok as i32);
        room.truncate(needed);
        (needed > 0).then_some(room)
    }

    /// How many sensors saw each target that was told of.
    fn targets(sensor: *mut foreshadow_sensor) -> Vec<u32> {
        let mut found = Vec::new();
        loop {
            let mut event = foreshadow_event {
                size: size_of::<foreshadow_event>() as u32,
                ..Default::default()
            };
            let mut count = 0;
            // SAFETY: all of it is ours.
            let status = unsafe { foreshadow_sensor_poll(sensor, &mut event, 1, &mut count) };
            assert_eq!(status, Status::Ok as i32);
            if count == 0 {
                return found;
            }
            if event.kind == FORESHADOW_EVENT_TARGET {
                // SAFETY: the kind says which member holds something.
                found.push(unsafe { event.data.target.sensors });
            }
        }
    }

    #[test]
    fn what_two_sensors_see_together_is_a_target_that_both_tell_of_once() {
        let sensors = [sensor("federation.sensor = 'a'"), sensor("federation.sensor = 'b'")];
        let (toml, mut aggregator) = (toml(""), null_mut());
        // SAFETY: all of it is ours.
        let status = unsafe { foreshadow_aggregator_open(&options(&toml), &mut aggregator) };
        assert_eq!(status, Status::Ok as i32, "{}", error());
        for (network, &sensor) in sensors.iter().enumerate() {
            scan(sensor, network as u8);
            assert_eq!(targets(sensor), [0; 0]);
            let mut needed = 0;
            // SAFETY: null is allowed where there is no room.
            let status =
                unsafe { foreshadow_federation_export(sensor, null_mut(), 0, &mut needed) };
            assert!(status == Status::Buffer as i32 && needed > 59, "{needed}");
            let blob = next_blob(sensor).unwrap();
            assert_eq!((blob.len(), next_blob(sensor)), (needed, None));
            let sender = [c"a", c"b"][network].as_ptr();
            let take = |blob: &[u8], sender| {
                // SAFETY: all of it is ours.
                unsafe {
                    let (at, len) = (blob.as_ptr(), blob.len());
                    foreshadow_aggregator_take(aggregator, at, len, sender, 60_000_000_000)
                }
            };
            assert_eq!(take(&blob, sender), Status::Ok as i32, "{}", error());
            assert_eq!(take(&blob, null()), Status::Ok as i32, "once more does nothing");
            assert_eq!(take(&blob, c"c".as_ptr()), Status::Federation as i32);
            assert!(error().ends_with("(sender)"), "{}", error());
            assert_eq!(take(&blob[..50], sender), Status::Federation as i32);
        }
        assert_eq!(foreshadow_aggregator_advance(aggregator, 60_000_000_000), Status::Ok as i32);
        assert_eq!(foreshadow_aggregator_finish(aggregator), Status::Ok as i32);
        let mut totals = foreshadow_aggregator_totals { size: 64, ..Default::default() };
        let mut target = foreshadow_network_target { size: 48, ..Default::default() };
        let mut category = foreshadow_category { size: 128, ..Default::default() };
        let (mut view, mut needed) = (vec![0; 1 << 16], 0);
        // SAFETY: all of it is ours.
        unsafe {
            assert_eq!(foreshadow_aggregator_stats(aggregator, &mut totals), 0);
            assert_eq!(foreshadow_aggregator_target(aggregator, 0, &mut target), 0);
            let beyond = foreshadow_aggregator_target(aggregator, 1, &mut target);
            assert_eq!(beyond, Status::Argument as i32);
            assert_eq!(foreshadow_aggregator_category(aggregator, 5, &mut category), 0);
            let status =
                foreshadow_aggregator_view(aggregator, view.as_mut_ptr(), view.len(), &mut needed);
            assert_eq!(status, 0);
        }
        assert_eq!((totals.sensors, totals.taken, totals.refused), (2, 4, 4));
        assert_eq!((totals.rounds, totals.targets_now, target.sensors), (1, 1, 2));
        // SAFETY: the name ends with a zero byte.
        assert_eq!(unsafe { CStr::from_ptr(category.name.as_ptr()) }, c"fan-out");
        assert!((79.0..81.0).contains(&category.distinct), "{}", category.distinct);
        for sensor in sensors {
            for told in [vec![2], vec![]] {
                // SAFETY: all of it is ours.
                let status = unsafe { foreshadow_federation_merge(sensor, view.as_ptr(), needed) };
                assert_eq!((status, targets(sensor)), (Status::Ok as i32, told));
            }
            // SAFETY: null and nothing is no blob, and refused as one.
            let status = unsafe { foreshadow_federation_merge(sensor, null(), 0) };
            assert_eq!(status, Status::Federation as i32);
            assert_eq!(foreshadow_sensor_close(sensor), Status::Ok as i32);
        }
        assert_eq!(foreshadow_aggregator_close(aggregator), Status::Ok as i32);
        assert_eq!(foreshadow_aggregator_close(aggregator), Status::Handle as i32);
        assert_eq!(foreshadow_aggregator_finish(aggregator), Status::Handle as i32);
        assert_eq!(foreshadow_aggregator_finish(null_mut()), Status::Null as i32);
    }

    #[test]
    fn without_a_name_or_a_key_there_is_no_federation() {
        let alone = sensor("");
        let mut needed = 7;
        // SAFETY: all of it is ours.
        let status = unsafe { foreshadow_federation_export(alone, null_mut(), 0, &mut needed) };
        assert_eq!((status, needed), (Status::Federation as i32, 0));
        assert_eq!(foreshadow_sensor_close(alone), Status::Ok as i32);
        let (toml, mut aggregator) = (CString::new("").unwrap(), null_mut());
        // SAFETY: all of it is ours.
        let status = unsafe { foreshadow_aggregator_open(&options(&toml), &mut aggregator) };
        assert_eq!(status, Status::Federation as i32);
        assert!(error().contains("bloom.federation_key"), "{}", error());
    }
}
