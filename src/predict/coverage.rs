//! Holding what the quantile states, on this site, for each service: adaptive conformal inference.
//!
//! A model's 0.95 quantile is where the *model* believes that 95 % come by. Whether they do depends on the
//! site: its jitter, its services, how its connections end. So each service has an effective rate of
//! misses `alpha`, begun at what the quantile states and moved by every deadline that was decided
//! (Gibbs and Candès, "Adaptive conformal inference under distribution shift", NeurIPS 2021):
//!
//! ```text
//! alpha = min(stated, alpha + adapt * (stated - missed))        missed is 1 or 0
//! ```
//!
//! and the next deadline is the model's `1 - alpha` quantile. The minimum makes it one-sided: traffic more
//! regular than the model believes is not missed earlier for it, since silence beats noise. Where `alpha` falls to nothing no quantile is
//! late enough: no deadline is set then, which counts as kept, until `alpha` has risen again. This is
//! what makes the law unconditional: over any `T` decisions of a service the share of misses is at most
//! `stated + (stated + adapt) / (adapt * T)`, whatever the traffic does. A miss is a deadline
//! that passed, for whatever reason; so where connections end without a word, deadlines come later or
//! not at all, rather than being wrong more often than stated.
//!
//! Why this and not a table of quantiles of past waits: those must be kept by connection and forget; this
//! is one number a service, and corrects whatever model stands before it.

use std::collections::BTreeMap;

use super::{Outcome, SyntheticPacket};
use crate::flow::Service;

/// Services kept apart; later ones share the last row.
const SERVICES: usize = 255;
/// Below this effective rate of misses no deadline is set.
const LEAST: f32 = 1.0 / 2_048.0;

/// What happened to the deadlines and the synthetic packets of one service.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Coverage {
    /// The service; `None` for all those that found no row of their own.
    pub service: Option<Service>,
    /// The quantile that its next deadlines are set at; `None` where none is late enough.
    pub quantile: Option<f32>,
    /// Deadlines decided: a packet came in time or did not.
    pub decided: u64,
    /// Of these, how many passed before a packet came.
    pub passed: u64,
    /// Packets that came where no deadline was set because none was late enough.
    pub silent: u64,
    /// Overdue packets made.
    pub overdue: u64,
    /// Gap packets made.
    pub gaps: u64,
    /// Outcomes of overdue packets, in the order of [`Outcome::ALL`].
    pub overdue_outcomes: [u64; 4],
    /// Outcomes of gap packets, likewise.
    pub gap_outcomes: [u64; 4],
}

/// A service's row; small, for every connection names one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Class(u8);

impl Class {
    /// Not asked for yet.
    pub(super) const NONE: Self = Self(u8::MAX);
}

/// The rows of all services.
pub(super) struct Coverages {
    stated: f32,
    adapt: f32,
    rows: Vec<Row>,
    classes: BTreeMap<Service, Class>,
}

struct Row {
    alpha: f32,
    counted: Coverage,
}

impl Coverages {
    /// `stated` is the share that a deadline may miss; `adapt` how far one decision moves it, 0 never.
    pub(super) fn new(stated: f32, adapt: f32) -> Self {
        Self { stated, adapt, rows: Vec::new(), classes: BTreeMap::new() }
    }

    /// The row of `service`.
    pub(super) fn class(&mut self, service: Service) -> Class {
        if let Some(&class) = self.classes.get(&service) {
            return class;
        }
        let alone = self.rows.len() + 1 < SERVICES;
        if alone || self.rows.len() < SERVICES {
            self.rows.push(Row {
                alpha: self.stated,
                counted: Coverage {
                    service: alone.then_some(service),
                    quantile: None,
                    decided: 0,
                    passed: 0,
                    silent: 0,
                    overdue: 0,
                    gaps: 0,
                    overdue_outcomes: [0; 4],
                    gap_outcomes: [0; 4],
                },
            });
        }
        let class = Class((self.rows.len() - 1) as u8);
        if alone {
            self.classes.insert(service, class);
        }
        class
    }

    /// The quantile to set a deadline at; `None` where none is late enough.
    #[inline]
    pub(super) fn quantile(&self, class: Class) -> Option<f32> {
        let row = self.rows.get(usize::from(class.0))?;
        row.quantile()
    }

    /// A deadline was decided: the packet came in time, or `passed` it.
    #[inline]
    pub(super) fn decide(&mut self, class: Class, passed: bool) {
        let (stated, adapt) = (self.stated, self.adapt);
        let Some(row) = self.rows.get_mut(usize::from(class.0)) else { return };
        row.counted.decided += 1;
        row.counted.passed += u64::from(passed);
        row.alpha = (row.alpha + adapt * (stated - f32::from(u8::from(passed)))).min(stated);
    }

    /// Whether enough deadlines of this service were decided for what is stated to mean anything: one
    /// miss in as many is what is stated.
    pub(super) fn is_known(&self, class: Class) -> bool {
        let row = self.rows.get(usize::from(class.0));
        row.is_some_and(|row| row.counted.decided as f32 * self.stated >= 1.0)
    }

    /// A packet came where no deadline was late enough.
    #[inline]
    pub(super) fn keep_silent(&mut self, class: Class) {
        let (stated, adapt) = (self.stated, self.adapt);
        let Some(row) = self.rows.get_mut(usize::from(class.0)) else { return };
        row.counted.silent += 1;
        row.alpha = (row.alpha + adapt * stated).min(stated);
    }

    /// A synthetic packet was made.
    pub(super) fn made(&mut self, class: Class, packet: &SyntheticPacket) {
        let Some(row) = self.rows.get_mut(usize::from(class.0)) else { return };
        match packet.kind.gap() {
            None => row.counted.overdue += 1,
            Some(_) => row.counted.gaps += 1,
        }
    }

    /// Its outcome is known.
    pub(super) fn settled(&mut self, class: Class, packet: &SyntheticPacket, outcome: Outcome) {
        let Some(row) = self.rows.get_mut(usize::from(class.0)) else { return };
        let counts = match packet.kind.gap() {
            None => &mut row.counted.overdue_outcomes,
            Some(_) => &mut row.counted.gap_outcomes,
        };
        counts[outcome as usize - 1] += 1;
    }

    /// Share of this service's deadlines that pass, as far as it can be said.
    pub(super) fn missed(&self, class: Class) -> f32 {
        let Some(row) = self.rows.get(usize::from(class.0)) else { return self.stated };
        // As if a hundred had been decided before at the stated rate.
        (row.counted.passed as f32 + 100.0 * self.stated) / (row.counted.decided as f32 + 100.0)
    }

    /// Every row, in the order in which services were first met.
    pub(super) fn iter(&self) -> impl Iterator<Item = Coverage> {
        self.rows.iter().map(|row| Coverage { quantile: row.quantile(), ..row.counted })
    }

    pub(super) fn memory(&self) -> usize {
        self.rows.capacity() * size_of::<Row>() + self.classes.len() * size_of::<(Service, Class)>()
    }
}

impl Row {
    fn quantile(&self) -> Option<f32> {
        (self.alpha >= LEAST).then_some(1.0 - self.alpha)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DNS: Service = Service { protocol: 17, port: 53 };

    #[test]
    fn services_beyond_the_table_share_a_row_and_keep_it() {
        let mut coverages = Coverages::new(0.05, 0.005);
        let classes: Vec<_> =
            (0..1_000).map(|port| coverages.class(Service { protocol: 6, port })).collect();
        assert_eq!(coverages.rows.len(), SERVICES);
        assert_eq!(classes[253], Class(253));
        assert!(classes[254..].iter().all(|&class| class == Class(254)));
        assert_eq!(coverages.class(Service { protocol: 6, port: 3 }), Class(3));
        assert_eq!(coverages.iter().last().map(|row| row.service), Some(None));
        assert!(!classes.contains(&Class::NONE));
    }

    proptest! {
        /// The law of adaptive conformal inference, for a site that answers as it likes.
        #[test]
        fn no_traffic_misses_more_often_than_stated(
            steps in proptest::collection::vec((0.0f32..1.0, any::<bool>()), 200..3_000),
        ) {
            let (stated, adapt) = (0.05, 0.01);
            let mut coverages = Coverages::new(stated, adapt);
            let class = coverages.class(DNS);
            let (mut missed, mut deadlines) = (0u32, 0u32);
            for &(arrival, hostile) in &steps {
                deadlines += 1;
                match coverages.quantile(class) {
                    Some(quantile) => {
                        // A hostile site passes every deadline; another one is merely miscalibrated.
                        let passed = hostile || arrival.sqrt() > quantile;
                        missed += u32::from(passed);
                        coverages.decide(class, passed);
                    }
                    None => coverages.keep_silent(class),
                }
            }
            let bound = stated + (stated + adapt) / (adapt * deadlines as f32) + 1e-4;
            let share = missed as f32 / deadlines as f32;
            prop_assert!(share <= bound, "{} of deadlines, allowed {}", share, bound);
        }
    }
}
