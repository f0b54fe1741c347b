//! What the predictor keeps of one connection.

use super::baseline::Baseline;
use super::coverage::Class;
use super::habit::Habit;
use super::ledger::List;
use super::respond::Answers;
use super::vacancy::Vacancy;
use crate::flow::{Service, Side};
use crate::time::Timestamp;

/// One connection.
#[derive(Clone, Copy)]
pub(super) struct Track {
    /// When the last packet, real or imagined, came.
    pub(super) from: Timestamp,
    /// Product of the confidences of the imagined ones.
    pub(super) confidence: f32,
    /// Open synthetic packets.
    pub(super) open: List,
    pub(super) record: Record,
    /// Where an unseen packet of the side that is silent now may have been.
    pub(super) vacancy: Vacancy,
    /// Who sent the last packet.
    pub(super) speaker: Side,
    /// How each side's packets look, by `Side as usize`.
    pub(super) habits: [Habit; 2],
    pub(super) baseline: Baseline,
    pub(super) answers: Answers,
    pub(super) service: Service,
    /// Imagined so far in this run.
    pub(super) made: u8,
    pub(super) class: Class,
    pub(super) standing: Standing,
}

/// What was expected of the packet after the last real one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    /// Nothing in particular.
    Nothing,
    /// That it comes by a deadline.
    Deadline,
    /// That it comes; no deadline was late enough for its service.
    Silence,
}

impl Track {
    pub(super) const NONE: Self = Self {
        from: Timestamp::MIN,
        confidence: 0.0,
        open: List::EMPTY,
        record: Record { set: 0, missed: 0 },
        vacancy: Vacancy::NONE,
        speaker: Side::A,
        habits: [Habit::NONE; 2],
        baseline: Baseline::NONE,
        answers: Answers::NONE,
        service: Service { protocol: 0, port: 0 },
        made: 0,
        class: Class::NONE,
        standing: Standing::Nothing,
    };

    /// A new connection of this service.
    pub(super) fn of(service: Service) -> Self {
        Self { service, answers: Answers::of(service), ..Self::NONE }
    }
}

/// How many deadlines were set on a connection and how many passed, the old ones fading.
#[derive(Clone, Copy, Default)]
pub(super) struct Record {
    set: u16,
    missed: u16,
}

impl Record {
    /// Counts are halved here, so that a connection that settles down is believed again.
    const FADE: u16 = 128;
    /// Fewer misses than this prove nothing.
    const PATIENCE: u16 = 3;

    pub(super) fn count_set(&mut self) {
        self.set += 1;
        if self.set >= Self::FADE {
            self.set /= 2;
            self.missed /= 2;
        }
    }

    pub(super) fn count_missed(&mut self) {
        self.missed = self.missed.saturating_add(1);
    }

    /// Whether deadlines pass no more than twice as often as their quantile says.
    pub(super) fn is_good(self, quantile: f32) -> bool {
        let allowed = 2.0 * (1.0 - quantile) * f32::from(self.set);
        self.missed < Self::PATIENCE || f32::from(self.missed) <= allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_keeps_within_its_bytes() {
        assert!(size_of::<Track>() <= 88, "{}", size_of::<Track>());
    }
}
