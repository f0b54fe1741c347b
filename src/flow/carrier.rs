//! VLANs and tunnels by number.
//!
//! What carried a connection takes 56 bytes and few of them differ, so a connection keeps a 16-bit
//! number and this table the text. Numbers are counted and given out again when the last connection
//! that used one is gone, in an order that depends on the packets alone.

use hashbrown::HashTable;

use crate::wire::{Tunnel, TunnelKind, Vlans};

use super::index::Mixer;

/// Nothing carried it, or nothing is known about that.
pub(super) const PLAIN: u16 = 0;

#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Carrier {
    pub(super) vlans: Vlans,
    pub(super) tunnel: Option<Tunnel>,
}

impl Carrier {
    /// Whether there is nothing to say.
    pub(super) fn is_plain(&self) -> bool {
        *self == Self::default()
    }

    /// What is left when only some of it keeps connections apart, the same in both directions.
    pub(super) fn domain(&self, vlan: bool, tunnel: bool) -> Self {
        Self {
            vlans: if vlan { self.vlans } else { Vlans::default() },
            tunnel: self.tunnel.filter(|_| tunnel).map(undirected),
        }
    }

    fn hash(&self, mixer: Mixer) -> u64 {
        let vlan = |id: Option<u16>| id.map_or(0, |id| u64::from(id) + 1);
        let vlans = vlan(self.vlans.outer) << 20 | vlan(self.vlans.inner);
        let tunnel = self.tunnel.map_or(0, |tunnel| {
            let rest = u64::from(tunnel.id) << 16 | (tunnel.kind as u64) << 8;
            mixer.mix(tunnel.source.bytes(), rest | u64::from(tunnel.depth))
                ^ mixer.mix(tunnel.destination.bytes(), 1)
        });
        mixer.finish(tunnel, vlans)
    }
}

/// A tunnel as both its directions see it. VXLAN and Geneve name a network by its number, whoever
/// carries it; GTP-U numbers each direction by itself, so that there only the two ends count.
fn undirected(tunnel: Tunnel) -> Tunnel {
    let none = crate::wire::Address::default();
    let (source, destination) = match tunnel.kind {
        TunnelKind::Vxlan | TunnelKind::Geneve => (none, none),
        _ => (tunnel.source.min(tunnel.destination), tunnel.source.max(tunnel.destination)),
    };
    let id = if tunnel.kind == TunnelKind::GtpU { 0 } else { tunnel.id };
    Tunnel { kind: tunnel.kind, id, depth: tunnel.depth, source, destination }
}

pub(super) struct Carriers {
    numbers: HashTable<u16>,
    known: Vec<(Carrier, u32)>,
    free: Vec<u16>,
    mixer: Mixer,
}

impl Carriers {
    pub(super) fn new(mixer: Mixer) -> Self {
        let known = vec![(Carrier::default(), 0)];
        Self { numbers: HashTable::new(), known, free: Vec::new(), mixer }
    }

    /// The number of a carrier that some connection uses.
    pub(super) fn find(&self, carrier: &Carrier) -> Option<u16> {
        if carrier.is_plain() {
            return Some(PLAIN);
        }
        let same = |&number: &u16| self.known[usize::from(number)].0 == *carrier;
        self.numbers.find(carrier.hash(self.mixer), same).copied()
    }

    /// A number for a carrier, counted as used once more; `None` when all numbers are taken.
    pub(super) fn acquire(&mut self, carrier: Carrier) -> Option<u16> {
        if let Some(number) = self.find(&carrier) {
            self.known[usize::from(number)].1 += u32::from(number != PLAIN);
            return Some(number);
        }
        let number = match self.free.pop() {
            Some(number) => number,
            None => {
                let number = u16::try_from(self.known.len()).ok()?;
                self.known.push((carrier, 0));
                number
            }
        };
        self.known[usize::from(number)] = (carrier, 1);
        let (known, mixer) = (&self.known, self.mixer);
        self.numbers.insert_unique(carrier.hash(mixer), number, |&number| {
            known[usize::from(number)].0.hash(mixer)
        });
        Some(number)
    }

    /// Whether no number is left to give out.
    pub(super) fn is_full(&self) -> bool {
        self.free.is_empty() && self.known.len() > usize::from(u16::MAX)
    }

    /// Gives back one use of a number.
    pub(super) fn release(&mut self, number: u16) {
        let Some((carrier, uses)) = self.known.get_mut(usize::from(number)) else { return };
        if number == PLAIN || *uses == 0 {
            return;
        }
        *uses -= 1;
        if *uses == 0 {
            let hash = carrier.hash(self.mixer);
            if let Ok(entry) = self.numbers.find_entry(hash, |&other| other == number) {
                entry.remove();
            }
            self.free.push(number);
        }
    }

    pub(super) fn get(&self, number: u16) -> Carrier {
        self.known.get(usize::from(number)).map_or_else(Carrier::default, |known| known.0)
    }

    pub(super) fn memory(&self) -> usize {
        self.known.capacity() * size_of::<(Carrier, u32)>()
            + self.free.capacity() * size_of::<u16>()
            + self.numbers.allocation_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vlan(id: u16) -> Carrier {
        Carrier { vlans: Vlans { outer: Some(id), inner: None }, tunnel: None }
    }

    #[test]
    fn a_number_lives_as_long_as_its_last_user() {
        let mut carriers = Carriers::new(Mixer::new(0));
        assert_eq!(carriers.acquire(Carrier::default()), Some(PLAIN));
        assert_eq!(carriers.acquire(vlan(5)), Some(1));
        assert_eq!(carriers.acquire(vlan(5)), Some(1));
        carriers.release(1);
        assert_eq!(carriers.find(&vlan(5)), Some(1));
        carriers.release(1);
        assert_eq!(carriers.find(&vlan(5)), None);
        assert_eq!(carriers.acquire(vlan(6)), Some(1));
        assert!(carriers.get(1) == vlan(6));
    }

    #[test]
    fn when_all_numbers_are_taken_the_answer_is_none() {
        let mut carriers = Carriers::new(Mixer::new(0));
        let many = |id: u32| Carrier {
            vlans: Vlans { outer: Some(id as u16), inner: Some((id >> 12) as u16) },
            tunnel: None,
        };
        assert!((0..65_535).all(|id| carriers.acquire(many(id)).is_some()));
        assert!(carriers.is_full());
        assert_eq!(carriers.acquire(many(70_000)), None);
        carriers.release(9);
        assert_eq!(carriers.acquire(many(70_000)), Some(9));
    }
}
