//! Holds a sensor to its store: what the host of a sensor does at its beginning, now and then, and at
//! its end.

use std::time::{Duration, Instant};

use super::{SetAside, Store, StoreError};
use crate::config::Config;
use crate::sensor::Sensor;

/// The store of one sensor.
///
/// The only clock it reads is the machine's, to tell how long ago it wrote: nothing that a sensor
/// answers depends on it.
#[derive(Debug)]
pub struct Keeper {
    store: Store,
    interval: Duration,
    written: Instant,
    set_aside: Option<SetAside>,
}

impl Keeper {
    /// Opens the store that the config names, and lets the sensor go on from what it holds. `None`
    /// where the config names none.
    ///
    /// A file that can't be used is set aside; see [`Self::set_aside`].
    ///
    /// # Errors
    /// When another process has the store, or the system refuses to read or rename it.
    pub fn open(config: &Config, sensor: &mut Sensor) -> Result<Option<Self>, StoreError> {
        let Some(path) = config.store.path() else { return Ok(None) };
        let store = Store::lock(&path)?;
        let why = match Store::read(&path) {
            Ok(None) => None,
            Ok(Some(snapshot)) => sensor.restore(&snapshot).err().map(|error| error.to_string()),
            Err(StoreError::Damaged { damage, .. }) => Some(damage.to_string()),
            Err(error) => return Err(error),
        };
        Ok(Some(Self {
            set_aside: why.map(|why| store.set_aside(why)).transpose()?,
            store,
            interval: Duration::from_nanos(config.store.interval().nanos()),
            written: Instant::now(),
        }))
    }

    /// The file that was set aside when the store was opened.
    #[must_use]
    pub const fn set_aside(&self) -> Option<&SetAside> {
        self.set_aside.as_ref()
    }

    /// Writes the sensor's state if that was last done `store.interval` ago.
    ///
    /// # Errors
    /// When the file can't be written. It is then as it was, and another try is made an interval later.
    pub fn tick(&mut self, sensor: &Sensor) -> Result<(), StoreError> {
        if self.written.elapsed() < self.interval { Ok(()) } else { self.write(sensor) }
    }

    /// Writes the sensor's state.
    ///
    /// # Errors
    /// When the file can't be written; it is then as it was.
    pub fn write(&mut self, sensor: &Sensor) -> Result<(), StoreError> {
        self.written = Instant::now();
        sensor.snapshot().map_or(Ok(()), |snapshot| self.store.write(&snapshot))
    }
}
