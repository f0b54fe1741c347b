//! Every call into a sensor: finds it, runs the body, keeps its panic and its error text.

use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::bloom::federate::Aggregator;
use crate::sensor::Sensor;
use crate::store::Keeper;

use super::ffi;
use super::registry::{Miss, Registry};
use super::status::{Failure, Status};

static SENSORS: Registry<Box<Open>, { ffi::FORESHADOW_SENSORS_MAX as usize }> = Registry::new();

static AGGREGATORS: Registry<Box<Merging>, { ffi::FORESHADOW_AGGREGATORS_MAX as usize }> =
    Registry::new();

/// An open aggregator; one that had a fault is of no more use.
struct Merging {
    aggregator: Aggregator,
    poisoned: bool,
}

thread_local! {
    /// Why this thread's last call failed that had no sensor to keep the reason.
    static LAST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
}

/// An open sensor and what the boundary keeps beside it.
pub(super) struct Open {
    pub(super) sensor: Sensor,
    pub(super) keeper: Option<Keeper>,
    pub(super) finished: bool,
    /// Blobs of the last round that the host has not taken yet.
    pub(super) blobs: VecDeque<Vec<u8>>,
    poisoned: bool,
    last_error: String,
    #[cfg(test)]
    panic_next: bool,
}

/// Takes in a sensor with its store and gives its handle.
pub(super) fn insert(sensor: Sensor, keeper: Option<Keeper>) -> Result<usize, Failure> {
    let set_aside = keeper.as_ref().and_then(Keeper::set_aside);
    let last_error = set_aside.map(ToString::to_string).unwrap_or_default();
    let open = Box::new(Open {
        sensor,
        keeper,
        finished: false,
        blobs: VecDeque::new(),
        poisoned: false,
        last_error,
        #[cfg(test)]
        panic_next: false,
    });
    SENSORS.insert(open).map_err(|_| {
        let limit = ffi::FORESHADOW_SENSORS_MAX;
        Failure::new(Status::Limit, format!("{limit} sensors are open, and no more can be"))
    })
}

impl Open {
    /// Writes what is to outlive the sensor.
    pub(super) fn keep(&mut self) -> Result<(), Failure> {
        let Some(keeper) = &mut self.keeper else { return Ok(()) };
        keeper
            .write(&self.sensor)
            .map_err(|error| Failure::new(Status::Store, format!("store.path: {error}")))
    }

    /// The same, if that was last done long enough ago. What fails is told as the last error.
    pub(super) fn keep_if_due(&mut self) {
        let Some(keeper) = &mut self.keeper else { return };
        if let Err(error) = keeper.tick(&self.sensor) {
            self.last_error = error.to_string();
        }
    }
}

/// Runs `body` on an open sensor that is not poisoned.
pub(super) fn on_sensor(
    handle: usize,
    body: impl FnOnce(&mut Open) -> Result<(), Failure>,
) -> Status {
    let mut hold = match SENSORS.hold(handle) {
        Ok(hold) => hold,
        Err(miss) => return tell_thread(miss.into()),
    };
    let Some(open) = hold.get() else { return tell_thread(Miss::Stale.into()) };
    if open.poisoned {
        return Status::Poisoned;
    }
    // Whatever state a panic leaves the sensor in, nobody sees it: it is poisoned.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        assert!(!open.panic_next, "as the test asked");
        body(open)
    }));
    match outcome {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(failure)) => {
            open.last_error = failure.text.into_owned();
            failure.status
        }
        Err(panic) => {
            open.poisoned = true;
            open.last_error = format!("{}; the sensor is poisoned", fault(&*panic));
            Status::Panic
        }
    }
}

/// Runs `body`, which needs no sensor.
pub(super) fn on_thread(body: impl FnOnce() -> Result<(), Failure>) -> Status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(failure)) => tell_thread(failure),
        Err(panic) => tell_thread(Failure::new(Status::Panic, fault(&*panic))),
    }
}

/// Closes a sensor, poisoned or not.
pub(super) fn close(handle: usize) -> Status {
    on_thread(|| {
        let Some(mut open) = SENSORS.hold(handle)?.remove() else { return Ok(()) };
        // What a panic left is not worth keeping, and what was finished is kept already.
        if open.poisoned || open.finished { Ok(()) } else { open.keep() }
    })
}

/// Takes in an aggregator and gives its handle.
pub(super) fn insert_aggregator(aggregator: Aggregator) -> Result<usize, Failure> {
    AGGREGATORS.insert(Box::new(Merging { aggregator, poisoned: false })).map_err(|_| {
        let limit = ffi::FORESHADOW_AGGREGATORS_MAX;
        Failure::new(Status::Limit, format!("{limit} aggregators are open, and no more can be"))
    })
}

/// Runs `body` on an open aggregator; what fails is told to this thread.
pub(super) fn on_aggregator(
    handle: usize,
    body: impl FnOnce(&mut Aggregator) -> Result<(), Failure>,
) -> Status {
    if handle == 0 {
        return tell_thread(Failure::null("aggregator"));
    }
    let mut hold = match AGGREGATORS.hold(handle) {
        Ok(hold) => hold,
        Err(miss) => return tell_thread(of_aggregator(miss)),
    };
    let Some(merging) = hold.get() else { return tell_thread(of_aggregator(Miss::Stale)) };
    if merging.poisoned {
        return Status::Poisoned;
    }
    match catch_unwind(AssertUnwindSafe(|| body(&mut merging.aggregator))) {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(failure)) => tell_thread(failure),
        Err(panic) => {
            merging.poisoned = true;
            let text = format!("{}; the aggregator is poisoned", fault(&*panic));
            tell_thread(Failure::new(Status::Panic, text))
        }
    }
}

/// Closes an aggregator, poisoned or not.
pub(super) fn close_aggregator(handle: usize) -> Status {
    on_thread(|| {
        if handle == 0 {
            return Err(Failure::null("aggregator"));
        }
        drop(AGGREGATORS.hold(handle).map_err(of_aggregator)?.remove());
        Ok(())
    })
}

fn of_aggregator(miss: Miss) -> Failure {
    match miss {
        Miss::Stale => Failure::new(
            Status::Handle,
            "the aggregator is not open: it was closed already, or this is none",
        ),
        Miss::Busy => Failure::new(
            Status::Busy,
            "another thread is in a call on this aggregator, which serves one thread at a time",
        ),
    }
}

/// Shows `read` the reason of the last failure: of a sensor, or of this thread if there is no handle.
pub(super) fn last_error(
    handle: Option<usize>,
    read: impl FnOnce(&str) -> Result<(), Failure>,
) -> Status {
    let shown = match handle {
        Some(handle) => SENSORS
            .hold(handle)
            .map_err(Failure::from)
            .and_then(|mut hold| read(hold.get().map_or("", |open| open.last_error.as_str()))),
        None => LAST_ERROR.with_borrow(|text| read(text)),
    };
    shown.map_or_else(|failure| failure.status, |()| Status::Ok)
}

impl From<Miss> for Failure {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Stale => Self::new(
                Status::Handle,
                "the sensor is not open: it was closed already, or this is no sensor",
            ),
            Miss::Busy => Self::new(
                Status::Busy,
                "another thread is in a call on this sensor, which serves one thread at a time",
            ),
        }
    }
}

fn tell_thread(failure: Failure) -> Status {
    // A thread that is ending has nobody left to read the text.
    let _ = LAST_ERROR.try_with(|text| *text.borrow_mut() = failure.text.into_owned());
    failure.status
}

fn fault(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no reason given");
    format!("fault inside the library: {text}")
}

/// Makes the next call on the sensor panic inside the boundary.
#[cfg(test)]
pub(super) fn panic_next(handle: usize) {
    assert_eq!(
        on_sensor(handle, |open| {
            open.panic_next = true;
            Ok(())
        }),
        Status::Ok
    );
}
