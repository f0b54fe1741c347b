//! The flags that a class leaves open: a small table of probabilities, nearly free.
//!
//! Most packets have none left to say: the first decision, whether there is any of URG, ECE and CWR, is
//! all they need. A reset or a goodbye may come with others, and [`FlagClass::Other`] holds three sets.
//! The decisions of a class follow one another, so that its flag sets sum to one:
//!
//! ```text
//! any of URG, ECE, CWR?  if so: URG? ECE? and CWR?, which is sure if both others were not
//! RST: FIN? SYN? ACK? PSH?      FIN: SYN? ACK? PSH?      other (PSH, with SYN, with both): SYN? ACK?
//! ```

use super::super::FlagClass;
use super::super::discretise;
use super::line::Line;
use crate::wire::TcpFlags;

/// Services are kept apart as far as this many places go.
const SERVICES: usize = 64;
/// Decisions of a class, at most: four about rare flags, four about those of the class.
const NODES: usize = 8;
const TCP: u8 = 6;

/// Which flags come with a class, by service, side and class.
#[derive(Clone)]
pub(super) struct Flags {
    /// Slots as in a [`Line`].
    slots: Vec<[[u16; NODES]; discretise::SIDE_FLAGS]>,
}

impl Flags {
    pub(super) fn new() -> Self {
        let mut first = [[0; NODES]; discretise::SIDE_FLAGS];
        for (symbol, nodes) in first.iter_mut().enumerate() {
            let (_, class) = discretise::side_flags_of(symbol as u8);
            *nodes = usual(class).map(|probability| ((probability * 4_096.0) as u16) << 4);
        }
        Self { slots: vec![first; SERVICES] }
    }

    /// Bytes held.
    pub(super) fn memory(&self) -> usize {
        size_of_val(&*self.slots)
    }

    /// All slots, in their order.
    pub(super) fn all(&self) -> impl Iterator<Item = &u16> {
        self.slots.as_flattened().as_flattened().iter()
    }

    /// The same to be filled with what was kept.
    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut u16> {
        self.slots.as_flattened_mut().as_flattened_mut().iter_mut()
    }

    /// The probability of a packet's flags, given its side and flag class; 1 if it is not TCP.
    #[inline]
    pub(super) fn probability(
        &self,
        service: u32,
        protocol: u8,
        symbol: u8,
        flags: TcpFlags,
    ) -> f32 {
        if protocol != TCP {
            return 1.0;
        }
        let slots = &self.slots[service as usize % SERVICES][usize::from(symbol)];
        let mut probability = 1.0;
        walk(symbol, flags, |node, bit| {
            let one = f32::from(slots[node] >> 4) * (1.0 / 4_096.0);
            probability *= if bit { one } else { 1.0 - one };
        });
        probability
    }

    /// Learns the flags of a packet.
    #[inline]
    pub(super) fn learn(&mut self, service: u32, protocol: u8, symbol: u8, flags: TcpFlags) {
        if protocol != TCP {
            return;
        }
        let slots = &mut self.slots[service as usize % SERVICES][usize::from(symbol)];
        walk(symbol, flags, |node, bit| {
            slots[node] = Line::moved(slots[node], f32::from(u8::from(bit)));
        });
    }

    /// The likeliest flags of a side and class.
    pub(super) fn likeliest(&self, service: u32, symbol: u8) -> TcpFlags {
        let (_, class) = discretise::side_flags_of(symbol);
        let all = (0..=u8::MAX).map(TcpFlags).filter(|&flags| FlagClass::of(flags) == class);
        let probable = |flags| self.probability(service, TCP, symbol, flags);
        all.reduce(|best, flags| if probable(flags) > probable(best) { flags } else { best })
            .unwrap_or(class.typical())
    }
}

/// Calls with the decisions about a packet's flags, and which way each went.
#[inline(always)]
fn walk(symbol: u8, flags: TcpFlags, mut call: impl FnMut(usize, bool)) {
    let has = |flag| flags.intersects(flag);
    let (urg, ece, cwr) = (has(TcpFlags::URG), has(TcpFlags::ECE), has(TcpFlags::CWR));
    let any = urg || ece || cwr;
    call(0, any);
    if any {
        call(1, urg);
        call(2, ece);
        if urg || ece {
            call(3, cwr);
        }
    }
    const RESET: u8 = FlagClass::Reset as u8;
    const FIN: u8 = FlagClass::Fin as u8;
    const OTHER: u8 = FlagClass::Other as u8;
    match symbol % FlagClass::COUNT as u8 {
        RESET => {
            call(4, has(TcpFlags::FIN));
            call(5, has(TcpFlags::SYN));
            call(6, has(TcpFlags::ACK));
            call(7, has(TcpFlags::PSH));
        }
        FIN => {
            call(5, has(TcpFlags::SYN));
            call(6, has(TcpFlags::ACK));
            call(7, has(TcpFlags::PSH));
        }
        OTHER => {
            call(5, has(TcpFlags::SYN));
            if has(TcpFlags::SYN) {
                call(6, has(TcpFlags::ACK));
            }
        }
        _ => {}
    }
}

/// What is expected of a class before anything was seen of it.
fn usual(class: FlagClass) -> [f32; NODES] {
    let [fin, syn, ack, psh] = match class {
        FlagClass::Reset => [0.02, 0.02, 0.5, 0.05],
        FlagClass::Fin => [0.5, 0.02, 0.98, 0.2],
        _ => [0.5, 0.3, 0.3, 0.5],
    };
    [0.02, 0.1, 0.5, 0.5, fin, syn, ack, psh]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_every_class_sum_to_one_whatever_was_learned() {
        let mut table = Flags::new();
        for round in 0..2_000_u32 {
            let flags = TcpFlags((round.wrapping_mul(2_654_435_761) >> 24) as u8);
            let symbol = discretise::side_flags(crate::flow::Side::A, flags);
            table.learn(3, TCP, symbol, flags);
        }
        for symbol in 0..discretise::SIDE_FLAGS as u8 {
            let (_, class) = discretise::side_flags_of(symbol);
            let all = (0..=u8::MAX).map(TcpFlags).filter(|&flags| FlagClass::of(flags) == class);
            let sum: f32 = all.map(|flags| table.probability(3, TCP, symbol, flags)).sum();
            assert!((sum - 1.0).abs() < 1e-5, "{class:?} {sum}");
        }
    }

    #[test]
    fn what_a_service_always_sends_costs_next_to_nothing_and_is_expected() {
        let mut table = Flags::new();
        let flags = TcpFlags(TcpFlags::RST.0 | TcpFlags::ACK.0);
        let symbol = discretise::side_flags(crate::flow::Side::B, flags);
        let before = table.probability(9, TCP, symbol, flags);
        for _ in 0..200 {
            table.learn(9, TCP, symbol, flags);
        }
        let after = table.probability(9, TCP, symbol, flags);
        assert!(before < 0.6 && after > 0.99, "{before} {after}");
        assert_eq!(table.likeliest(9, symbol), flags);
        assert_eq!(table.likeliest(10, symbol), FlagClass::Reset.typical());
    }

    #[test]
    fn other_protocols_have_no_flags_to_pay_for() {
        assert_eq!(Flags::new().probability(0, 17, 0, TcpFlags(0)), 1.0);
    }
}
