//! The whole forecast of a connection, for a reader; and packets drawn from it.

use super::super::discretise::{self, SIDE_FLAGS, SIZES, Symbols, TIMES};
use super::super::heads::{Forecast, Piece, SideFlags, Sizes, Waits};
use super::super::network::Imagined;
use super::super::origin::mix;
use super::super::schema::{self, ENTROPIES, fine_size_range};
use super::super::{FlagClass, PacketFacts};
use super::context::CONTEXTS;
use super::exact::Inside;
use super::line::Line;
use super::look::Look;
use super::prior::{self, Asked, Scratch, is_news};
use super::tree::{self, Head, NOTHING_SLOT};
use super::{Adaptive, sharp};
use crate::flow::{Side, Slot};
use crate::time::Span;

/// Pieces of an octave of time where a time is known.
const PIECES: u32 = 32;

impl Adaptive {
    /// The whole forecast of the connection in `slot`, after `run` packets that were only imagined.
    /// Size and entropy are those of a packet with `given` side and flags; without, the likeliest.
    #[must_use]
    pub fn forecast(
        &self,
        slot: Slot,
        run: &[PacketFacts],
        given: Option<(Side, FlagClass)>,
    ) -> Forecast {
        self.ahead(slot, run, |mut look| look.forecast(given))
    }

    /// A packet at random, as likely as the forecast has it; `None` where nothing more comes. The same
    /// for the same seed. `last` is the connection's last packet, before the `run` of imagined ones.
    #[must_use]
    pub fn sample(
        &self,
        slot: Slot,
        last: &PacketFacts,
        run: &[PacketFacts],
        seed: u64,
    ) -> Option<PacketFacts> {
        self.ahead(slot, run, |mut look| look.sample(run.last().unwrap_or(last), seed))
    }

    /// Looks ahead from where a run of imagined packets leads.
    fn ahead<T>(&self, slot: Slot, run: &[PacketFacts], read: impl FnOnce(Look<'_>) -> T) -> T {
        let mut history = self.histories[slot.index()];
        for packet in run {
            history.push(packet, Symbols::of(packet));
        }
        let imagined = self.network.as_ref().map(|network| network.imagine(slot, run));
        let view = imagined.as_ref().map(Imagined::view);
        read(self.look(&history, view))
    }
}

impl Look<'_> {
    fn forecast(&mut self, given: Option<(Side, FlagClass)>) -> Forecast {
        let side_flags = self.side_flags();
        let given = given.unwrap_or(side_flags.mode().0);
        let symbol = symbol(given);
        let size = self.sizes(symbol);
        let entropy = self.entropies(symbol, size.mode().0);
        self.await_next();
        Forecast {
            side_flags,
            given,
            size,
            entropy,
            wait: self.waits(),
            nothing_more: self.nothing(),
        }
    }

    fn side_flags(&mut self) -> SideFlags {
        let lines = self.who();
        SideFlags::new(tree::spread::<SIDE_FLAGS>(Head::SideFlags, |node| {
            self.one(Head::SideFlags, node, &lines)
        }))
    }

    fn sizes(&mut self, side_flags: u8) -> Sizes {
        let lines = self.how_long(side_flags);
        let bins: [f32; SIZES] =
            tree::spread(Head::Size, |node| self.one(Head::Size, node, &lines));
        let network = self.model.network.as_ref().zip(self.view);
        let within = network
            .map(|(network, view)| network.within(schema::turn(side_flags, view.recall.turned())));
        let mut pieces = Vec::new();
        for (bin, &mass) in bins.iter().enumerate() {
            let inside = Inside::new(self.model.learned.weights(), &lines, bin as u8);
            for &(length, share) in inside.candidates() {
                pieces.push(Piece { low: length, high: length, mass: mass * share });
            }
            let rest = mass * inside.rest();
            let Some(within) = within else {
                let lengths = discretise::sizes_of(bin as u8);
                pieces.push(Piece { low: *lengths.start(), high: *lengths.end(), mass: rest });
                continue;
            };
            for (fine, &share) in within.iter().enumerate() {
                if usize::from(schema::common_size(fine as u8)) == bin {
                    let lengths = fine_size_range(fine as u8);
                    let (low, high) = (*lengths.start(), *lengths.end());
                    pieces.push(Piece { low, high, mass: rest * share });
                }
            }
        }
        Sizes::new(pieces)
    }

    /// The entropy of a payload of some length, given side and flags.
    fn entropies(&mut self, side_flags: u8, length: u32) -> [f32; ENTROPIES] {
        let now = Symbols { side_flags, size: discretise::size(length), time: None };
        let learned = &self.model.learned;
        let (_, found) = learned.find(self.history.entropy(now));
        if is_news(&found) {
            self.hear(|network, view, odds| {
                prior::entropy(network, view, side_flags, length, odds);
            });
        }
        let mut lines = [&Line::FRESH; CONTEXTS];
        for (place, line) in lines.iter_mut().zip(learned.lines.at_all(&found)) {
            *place = line;
        }
        tree::spread(Head::Entropy, |node| self.one(Head::Entropy, node, &lines))
    }

    fn waits(&self) -> Waits {
        let bins: [f32; TIMES] =
            tree::spread(Head::Wait, |node| self.one(Head::Wait, node, &self.wait));
        let shares = &self.model.learned.weights().bumps;
        let mut pieces = Vec::new();
        for (bin, &mass) in bins.iter().enumerate() {
            let bin = bin as u8;
            let place = |share| sharp::place(shares, &self.wait, bin, share);
            // Where nothing is known of the octave, it is even.
            let count = if (place(0.25) - 0.25).abs() < 1e-6 { 1 } else { PIECES };
            for piece in 1..count {
                let end = discretise::time_within(bin, place(piece as f32 / count as f32));
                pieces.push((end, mass / count as f32));
            }
            pieces.push((discretise::time_within(bin, 1.0), mass / count as f32));
        }
        Waits::new(pieces)
    }

    fn nothing(&self) -> f32 {
        self.one(Head::Nothing, NOTHING_SLOT, &self.wait)
    }

    fn sample(&mut self, last: &PacketFacts, seed: u64) -> Option<PacketFacts> {
        let mut drawn = 0;
        let mut draw = || {
            drawn += 1;
            (mix(seed ^ mix(drawn)) >> 40) as f32 / (1_u64 << 24) as f32
        };
        self.await_next();
        if draw() < self.nothing() {
            return None;
        }
        let (side, class) = self.side_flags().at(draw());
        let side_flags = symbol((side, class));
        let payload_len = self.sizes(side_flags).quantile(draw());
        let headers = last.wire_len.saturating_sub(last.payload_len);
        let packet = PacketFacts {
            side,
            flags: class.typical(),
            payload_len,
            wire_len: headers.saturating_add(payload_len),
            entropy: None,
            since: Some(Span::ZERO),
            position: last.position.saturating_add(1),
            ..*last
        };
        let now = Symbols { side_flags, ..Symbols::of(&packet) };
        let (_, found) = self.model.learned.find(self.history.time(self.last, &packet, now));
        if is_news(&found) {
            let asked = Asked { time: true, ..Asked::NOTHING };
            let mut scratch = Scratch::NEW;
            self.hear(|network, view, odds| {
                prior::before(network, view, (&packet, now), asked, &mut scratch, odds);
            });
        }
        let lines = self.model.learned.lines.at_all(&found);
        let (bin, share) =
            tree::quantile(Head::Time, draw(), |node| self.one(Head::Time, node, &lines));
        Some(PacketFacts { since: Some(discretise::time_within(bin, share)), ..packet })
    }
}

/// The symbol of a side with flags of a class.
fn symbol((side, class): (Side, FlagClass)) -> u8 {
    side as u8 * FlagClass::COUNT as u8 + class as u8
}
