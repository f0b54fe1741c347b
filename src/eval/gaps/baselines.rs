//! What a hand-set monitor would say: three rules for when a side's next packet is overdue.
//!
//! Each rule waits for the next packet of one side of a connection and, when its time-out passes, claims
//! that one like the side's last was due; up to four times in a row, as the line does. Each is
//! run with several constants at once; which one stands for the rule is chosen on training sources.
//!
//! - `fixed`: the same time-out everywhere.
//! - `mean`: the mean time between the side's packets, times k.
//! - `weighted`: the exponentially weighted mean (1/8) and k weighted deviations (1/4), as TCP's
//!   retransmission timer does it.
//!
//! A claim is withdrawn when a packet of its side and class comes within half the wait after it was
//! expected, or twice the time-out's margin: the rule by which an overdue packet is late.

use std::collections::HashMap;

use crate::predict::Outcome;
use crate::time::{Span, Timestamp};
use crate::wire::TcpFlags;

use super::frames::{Content, Ends};
use super::watch::Claim;

/// Claims in a row.
const MOST_IN_A_ROW: u8 = 4;

/// A rule with its constant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Rule {
    /// Seconds.
    Fixed(f64),
    /// Times the mean.
    Mean(f64),
    /// Deviations above the weighted mean.
    Weighted(f64),
}

impl Rule {
    /// Every rule with every constant.
    pub const ALL: [Self; 17] = [
        Self::Fixed(0.1),
        Self::Fixed(0.3),
        Self::Fixed(1.0),
        Self::Fixed(3.0),
        Self::Fixed(10.0),
        Self::Fixed(30.0),
        Self::Fixed(100.0),
        Self::Mean(1.2),
        Self::Mean(1.5),
        Self::Mean(2.0),
        Self::Mean(3.0),
        Self::Mean(5.0),
        Self::Weighted(1.0),
        Self::Weighted(2.0),
        Self::Weighted(4.0),
        Self::Weighted(8.0),
        Self::Weighted(16.0),
    ];

    /// The kind of rule.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fixed(_) => "fixed",
            Self::Mean(_) => "mean",
            Self::Weighted(_) => "weighted",
        }
    }

    /// Its constant.
    #[must_use]
    pub const fn constant(self) -> f64 {
        let (Self::Fixed(constant) | Self::Mean(constant) | Self::Weighted(constant)) = self;
        constant
    }

    /// When the next packet is expected after the last one, and when it is overdue.
    fn times(self, side: &Side) -> (f64, f64) {
        match self {
            Self::Fixed(seconds) => (seconds, seconds),
            Self::Mean(times) => {
                let mean = side.sum / f64::from(side.packets.saturating_sub(1).max(1));
                (mean, mean * times)
            }
            Self::Weighted(times) => (side.mean, side.mean + times * side.deviation),
        }
    }
}

/// All rules at work on one capture.
pub(super) struct Baselines {
    least: u32,
    sides: HashMap<Ends, Side>,
    /// By place in [`Rule::ALL`].
    pub(super) claims: Vec<Vec<Claim>>,
    now: Timestamp,
}

struct Side {
    last: Timestamp,
    content: Content,
    packets: u32,
    ahead: bool,
    over: bool,
    sum: f64,
    mean: f64,
    deviation: f64,
}

impl Baselines {
    /// No claim before a side had `least` packets.
    pub(super) fn new(least: u32) -> Self {
        let claims = vec![Vec::new(); Rule::ALL.len()];
        Self { least, sides: HashMap::new(), claims, now: Timestamp::MIN }
    }

    /// A packet came.
    pub(super) fn packet(&mut self, content: &Content, now: Timestamp, ahead: bool) {
        self.now = self.now.max(now);
        let over = content.flags.intersects(TcpFlags(TcpFlags::FIN.0 | TcpFlags::RST.0));
        let Some(side) = self.sides.get_mut(&content.ends) else {
            let side = Side {
                last: now,
                content: *content,
                packets: 1,
                ahead,
                over,
                sum: 0.0,
                mean: 0.0,
                deviation: 0.0,
            };
            self.sides.insert(content.ends, side);
            return;
        };
        if side.packets >= self.least {
            side.claim(now, Some(content), &mut self.claims);
        }
        let gap = now.since(side.last).secs_f64();
        if side.packets == 1 {
            (side.mean, side.deviation) = (gap, gap / 2.0);
        } else {
            side.deviation += ((gap - side.mean).abs() - side.deviation) / 4.0;
            side.mean += (gap - side.mean) / 8.0;
        }
        side.sum += gap;
        side.packets += 1;
        (side.last, side.content, side.ahead, side.over) = (now, *content, ahead, over);
    }

    /// The capture ends: what was overdue by then is claimed.
    pub(super) fn finish(&mut self) {
        let mut sides: Vec<_> = self.sides.drain().collect();
        sides.sort_by_key(|(ends, _)| *ends);
        for (_, side) in sides {
            if side.packets >= self.least {
                side.claim(self.now, None, &mut self.claims);
            }
        }
    }
}

impl Side {
    /// What each rule says of the silence from the last packet up to `now`.
    fn claim(&self, now: Timestamp, came: Option<&Content>, claims: &mut [Vec<Claim>]) {
        if self.over {
            return;
        }
        let silence = now.since(self.last).secs_f64();
        for (rule, claims) in Rule::ALL.into_iter().zip(claims) {
            let (wait, timeout) = rule.times(self);
            for run in 1..=MOST_IN_A_ROW {
                let before = f64::from(run - 1) * wait;
                if before + timeout >= silence || timeout <= 0.0 {
                    break;
                }
                let grace = (2.0 * (timeout - wait)).max(wait / 2.0);
                let is_late = came.is_some_and(|came| came.class == self.content.class)
                    && silence <= before + wait + grace;
                claims.push(Claim {
                    ends: self.content.ends,
                    class: self.content.class,
                    is_gap: false,
                    sequence: None,
                    payload_len: self.content.payload_len,
                    expected: self.last.after(Span::from_secs_f64(before + wait)),
                    run,
                    outcome: Some(if is_late { Outcome::Late } else { Outcome::Phantom }),
                    ahead: self.ahead,
                });
            }
        }
    }
}
