//! How much a connection carries, against what connections of its service carry here.
//!
//! Three numbers in octaves: bytes the originator sent, bytes the responder sent, packets. They only
//! grow, so that the share of connections that carry as much may be asked for at any time: the look
//! at a live connection is never earlier than the look at its end. Beyond what was seen the tail goes
//! on as it fell over the last twentieth of the data, straight in octaves, which is a power law in
//! bytes, as volumes of traffic are; what is *claimed* ("one in N") stops at one in as many as were seen.

use super::CountRange;
use super::by_class::ByClass;
use super::class::Class;

/// Numbers a connection is measured by.
pub(super) const DIMENSIONS: usize = 3;
/// Connections remembered.
const MEMORY: f32 = 20_000.0;
/// Octaves below which a volume is nothing to look at: 512 bytes, 32 packets.
const LEAST: [u32; DIMENSIONS] = [9, 9, 5];

/// What is measured of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Volume {
    /// Payload bytes of the originator.
    Sent = 0,
    /// Payload bytes of the responder.
    Received = 1,
    /// Packets of both.
    Packets = 2,
}

impl Volume {
    /// All of them by number.
    pub const ALL: [Self; DIMENSIONS] = [Self::Sent, Self::Received, Self::Packets];

    /// The name used in logs and reasons.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "bytes_sent",
            Self::Received => "bytes_received",
            Self::Packets => "many_packets",
        }
    }
}

/// Volumes of this site's connections by service.
pub(super) type Volumes = ByClass<DIMENSIONS>;

impl Volumes {
    /// Share of connections of the class that carry at least `amount`, and whether its own service
    /// says so.
    pub(super) fn share(&self, class: Class, of: Volume, amount: u64) -> (f32, bool) {
        let octaves = octaves(amount);
        let Some((sketch, own)) = self.narrowest(class, of as usize) else {
            return (assumed(octaves), false);
        };
        let (reaching, examples) = sketch.tail(octaves);
        // The line beyond the data is believed for half as many octaves again as the data reach.
        (reaching.max((examples * examples.sqrt()).recip()), own)
    }

    /// The range that holds 90 % of what connections of the class carry; `None` where nothing is known.
    pub(super) fn expected(&self, class: Class, of: Volume) -> Option<CountRange> {
        let (sketch, _) = self.narrowest(class, of as usize)?;
        let amount = |share| (sketch.reached_by(share).exp2() - 1.0).max(0.0).round() as u32;
        Some(CountRange { low: amount(0.95), median: amount(0.5), high: amount(0.05) })
    }

    /// Learns what a connection carried, as `weight` of one.
    pub(super) fn settle(&mut self, class: Class, amounts: [u64; DIMENSIONS], weight: f32) {
        self.learn(class, amounts.map(octaves), weight, MEMORY);
    }
}

/// Whether an amount that grew from `before` to `after` is worth a look: it passed a half octave.
#[inline]
pub(super) fn is_worth_a_look(of: Volume, before: u64, after: u64) -> bool {
    if after >> LEAST[of as usize] == 0 {
        return false;
    }
    let halves = |amount: u64| {
        let amount = amount.max(1);
        let octave = amount.ilog2();
        // Half an octave up is 1.414; 1.5 is as good and a bit.
        octave * 2 + (amount >> octave.saturating_sub(1) & 1) as u32
    };
    halves(before) != halves(after)
}

fn octaves(amount: u64) -> f32 {
    ((amount + 1) as f32).log2()
}

/// What a connection is taken to carry before anything is known: one in two a kilobyte, and half as
/// many for each two octaves more.
fn assumed(octaves: f32) -> f32 {
    (-(octaves - 10.0) / 2.0 - 1.0).exp2().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DNS: Class = Class { protocol: 1, service: Some(0) };

    fn site() -> Volumes {
        let mut volumes = Volumes::default();
        volumes.admit(DNS);
        for at in 0..2_000u64 {
            volumes.settle(DNS, [30 + at % 40, 80 + at % 400, 2], 1.0);
        }
        volumes
    }

    #[test]
    fn a_tunnel_carries_what_no_query_does() {
        let volumes = site();
        let (usual, _) = volumes.share(DNS, Volume::Sent, 40);
        let (tunnel, _) = volumes.share(DNS, Volume::Sent, 100_000);
        assert!(usual > 0.5 && tunnel < 1e-4, "{usual} {tunnel}");
    }

    #[test]
    fn what_is_expected_is_where_most_connections_lie() {
        let range = site().expected(DNS, Volume::Sent).unwrap();
        assert!(range.low >= 20 && range.high <= 90, "{range:?}");
        assert!(range.low < range.median && range.median < range.high, "{range:?}");
        assert_eq!(Volumes::default().expected(DNS, Volume::Sent), None);
    }

    #[test]
    fn more_is_never_more_common() {
        let volumes = site();
        let mut last = 1.0;
        for amount in (0..200_000).step_by(500) {
            let (share, _) = volumes.share(DNS, Volume::Received, amount);
            assert!(share <= last + 1e-6, "{amount}: {share} after {last}");
            last = share;
        }
    }

    #[test]
    fn one_looks_at_every_half_octave_and_not_between() {
        let looks =
            |to: u64| (1..to).filter(|at| is_worth_a_look(Volume::Sent, at - 1, *at)).count();
        assert_eq!(looks(512), 0);
        assert_eq!(looks(1_024), 2);
        assert_eq!(looks(1 << 20), 22);
    }
}
