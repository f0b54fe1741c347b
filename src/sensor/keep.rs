//! What a sensor gives out to be kept over a restart, and how it goes on from it.

use crate::flow::{ConnectionKey, Slot};
use crate::kept::{Kept, RestoreError, Snapshot, part};
use crate::model::Origin;
use crate::time::Timestamp;

use super::Sensor;

impl Sensor {
    /// Everything that is to outlive this sensor, as it stands between two packets: what the model
    /// learned, the services and connections met, live ones included, and what the scores know of the
    /// site: calibration, volumes, habits, meetings, the state of alarms.
    ///
    /// `None` where the config names no store ([`StoreConfig::path`](crate::config::StoreConfig::path)).
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        let kept = self.kept.as_ref()?;
        let mut snapshot = Snapshot::default();
        snapshot.put(part::MODEL, self.model.keep()?);
        snapshot.put(part::SCORES, self.encode_scores());
        kept.snapshot(&mut snapshot, |take| {
            for (slot, connection) in self.table.iter() {
                let Some(summary) = self.table.summary(connection.id(slot)) else { continue };
                let score = self.scorer.connection(slot);
                take(&summary, &score, &|to| self.model.keep_state(slot, to));
            }
        });
        Some(snapshot)
    }

    /// Goes on from a snapshot; called before the first packet, on a sensor whose config names a store.
    /// One without scores is of a version that kept none: they begin anew.
    ///
    /// # Errors
    /// When the snapshot does not fit this sensor; then it begins from nothing.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), RestoreError> {
        let Some(kept) = &mut self.kept else { return Ok(()) };
        let learned = snapshot.get(part::MODEL).ok_or(RestoreError::Missing(part::MODEL))?;
        let mut scorer = self.scorer.anew();
        if let Some(scores) = snapshot.get(part::SCORES) {
            scorer.restore(scores, self.model.name()).map_err(RestoreError::Scores)?;
        }
        kept.restore(snapshot)?;
        let restored = self.model.restore(learned).map_err(RestoreError::Model);
        if restored.is_err() {
            **kept = Kept::new(kept.records.capacity(), self.model.state_len());
        } else {
            self.scorer = scorer;
        }
        restored
    }

    /// What is kept of services and connections; `None` where nothing is.
    #[must_use]
    pub fn kept(&self) -> Option<&Kept> {
        self.kept.as_deref()
    }

    /// A connection that just began goes on from where it was, if it was here before.
    pub(super) fn go_on(
        &mut self,
        slot: Slot,
        key: &ConnectionKey,
        origin: Origin,
        now: Timestamp,
        is_syn: bool,
    ) {
        let Some(kept) = &mut self.kept else { return };
        let salted = kept.origin(origin, key);
        if salted != origin {
            self.model.begin(slot, &salted);
        }
        if is_syn {
            return;
        }
        if let Some(past) = kept.find(key, now)
            && self.model.restore_state(slot, past.state, past.turned, past.silence)
        {
            kept.count_return();
        }
    }
}
