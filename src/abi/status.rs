//! What an export answers.

use std::borrow::Cow;
use std::ffi::CStr;

use super::ffi;

macro_rules! statuses {
    ($($name:ident = $constant:ident, $text:literal;)*) => {
        /// The header's statuses; the numbers come from it.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(i32)]
        pub(super) enum Status {
            $($name = ffi::$constant as i32,)*
        }

        /// One sentence on a status number.
        pub(super) fn text(status: ffi::foreshadow_status) -> &'static CStr {
            match status {
                $(status if status == Status::$name as i32 => $text,)*
                _ => c"unknown status",
            }
        }
    };
}
statuses! {
    Ok = FORESHADOW_STATUS_OK, c"done";
    Null = FORESHADOW_STATUS_NULL, c"a pointer that must not be null is null";
    Size = FORESHADOW_STATUS_SIZE, c"the size of a struct is none this library can serve";
    Version = FORESHADOW_STATUS_VERSION, c"compiled for another FORESHADOW_ABI_VERSION";
    Handle = FORESHADOW_STATUS_HANDLE, c"the sensor is not open";
    Busy = FORESHADOW_STATUS_BUSY, c"another thread is in a call on this sensor";
    Panic = FORESHADOW_STATUS_PANIC, c"a fault inside the library; the sensor is poisoned";
    Poisoned = FORESHADOW_STATUS_POISONED, c"the sensor is poisoned by an earlier fault";
    Argument = FORESHADOW_STATUS_ARGUMENT, c"a value is outside its range";
    Config = FORESHADOW_STATUS_CONFIG, c"the configuration cannot be read or is wrong";
    Model = FORESHADOW_STATUS_MODEL, c"the model cannot be read or used";
    Connection = FORESHADOW_STATUS_CONNECTION, c"no live connection has this id";
    Buffer = FORESHADOW_STATUS_BUFFER, c"the text is longer than the buffer";
    Event = FORESHADOW_STATUS_EVENT, c"an event that this library does not know";
    Finished = FORESHADOW_STATUS_FINISHED, c"the sensor was finished";
    Limit = FORESHADOW_STATUS_LIMIT, c"as many sensors are open as can be";
    Store = FORESHADOW_STATUS_STORE, c"the store is in use or cannot be written";
    Federation = FORESHADOW_STATUS_FEDERATION, c"a blob was refused, or there is no federation";
}

/// A status other than done, and why in words.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: Status,
    pub(super) text: Cow<'static, str>,
}

impl Failure {
    pub(super) fn new(status: Status, text: impl Into<Cow<'static, str>>) -> Self {
        Self { status, text: text.into() }
    }

    /// A null pointer where there must be one.
    pub(super) fn null(what: &'static str) -> Self {
        Self::new(Status::Null, format!("{what} is null"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_own_text() {
        let known: Vec<_> = (0..).map(text).take_while(|text| *text != c"unknown status").collect();
        let mut distinct = known.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(known.len(), Status::Federation as usize + 1);
        assert_eq!(distinct.len(), known.len());
        assert_eq!(text(-1), c"unknown status");
        assert_eq!(text(i32::MAX), c"unknown status");
    }
}
