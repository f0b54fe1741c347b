//! Whether the forecast beats its baseline on a connection, known at that time.
//!
//! The baseline is what the connection's own packets so far say without any order: side with flag
//! class, size and time on the common discretisation, each by its frequency on this connection with
//! half a count added. The forecast beats it while the packets so far cost it fewer bits.

use crate::model::discretise::{SIDE_FLAGS, SIZES, Symbols, TIMES};

/// One connection's account.
pub(super) struct Standing {
    forecast: f64,
    own: f64,
    side_flags: Counts<SIDE_FLAGS>,
    size: Counts<SIZES>,
    time: Counts<TIMES>,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            forecast: 0.0,
            own: 0.0,
            side_flags: Counts([0; SIDE_FLAGS]),
            size: Counts([0; SIZES]),
            time: Counts([0; TIMES]),
        }
    }
}

impl Standing {
    /// A packet came that cost the forecast `bits`.
    pub(super) fn count(&mut self, symbols: Symbols, bits: f64) {
        self.forecast += bits;
        self.own += self.side_flags.cost(symbols.side_flags) + self.size.cost(symbols.size);
        self.own += symbols.time.map_or(0.0, |time| self.time.cost(time));
    }

    pub(super) fn is_ahead(&self) -> bool {
        self.forecast < self.own
    }
}

struct Counts<const N: usize>([u32; N]);

impl<const N: usize> Counts<N> {
    /// Bits of `symbol`, which is counted then.
    fn cost(&mut self, symbol: u8) -> f64 {
        let total: u32 = self.0.iter().sum();
        let Some(count) = self.0.get_mut(usize::from(symbol)) else { return 0.0 };
        let share = (f64::from(*count) + 0.5) / (f64::from(total) + 0.5 * N as f64);
        *count += 1;
        -share.log2()
    }
}
