//! What the last real packet of each side began with: the pattern for a synthetic one.

use crate::flow::{ConnectionId, Side};
use crate::wire::{LinkType, Network, PacketView, Transport};

/// Link headers longer than this are not kept: two VLAN tags and four labels fit.
const PREFIX: usize = 40;
/// IP's numbers of ICMP for IPv4 and for IPv6.
pub(super) const ICMP: [u8; 2] = [1, 58];

/// The patterns of all live connections, by slot: at most 128 bytes each.
#[derive(Debug, Default)]
pub struct Templates {
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    generation: u32,
    sides: [Option<Template>; 2],
}

/// One side's pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct Template {
    pub(super) link: LinkType,
    prefix: [u8; PREFIX],
    len: u8,
    /// 4 or 6.
    pub(super) version: u8,
    pub(super) ttl: u8,
    pub(super) window: u16,
    /// The first eight bytes of an ICMP message.
    pub(super) icmp: [u8; 8],
}

impl Templates {
    /// Keeps what a real packet of a connection began with.
    ///
    /// `data` are the packet's bytes and `view` is what they were read as. The link header is kept
    /// where nothing in it depends on the packet's length; behind any other, and inside a tunnel, the
    /// pattern is that of a bare IP packet.
    pub fn learn(
        &mut self,
        id: ConnectionId,
        side: Side,
        link: LinkType,
        data: &[u8],
        view: &PacketView<'_>,
    ) {
        let Some(network) = &view.network else { return };
        let index = id.slot.index();
        if index >= self.slots.len() {
            self.slots.resize(index + 1, Slot::default());
        }
        let slot = &mut self.slots[index];
        if slot.generation != id.generation {
            *slot = Slot { generation: id.generation, sides: [None; 2] };
        }
        let at = network.at as usize;
        let before = slot.sides[side as usize];
        let mut template = Template::bare(network);
        if let Some(before) = before {
            // A later fragment has no transport header.
            (template.window, template.icmp) = (before.window, before.icmp);
        }
        if view.tunnel.is_none()
            && let Some(head) = data.get(..at)
            && head.len() <= PREFIX
            && can_be_copied(link, head)
        {
            template.link = link;
            template.len = head.len() as u8;
            template.prefix[..head.len()].copy_from_slice(head);
        }
        match view.transport {
            Transport::Tcp(tcp) => template.window = tcp.window,
            Transport::Icmp(_) => {
                let behind = data.get(at..).and_then(|ip| ip.get(header_length(network, ip)..));
                if let Some(message) = behind.and_then(|message| message.first_chunk()) {
                    template.icmp = *message;
                }
            }
            _ => {}
        }
        slot.sides[side as usize] = Some(template);
    }

    /// The pattern for a packet of `side`; where that side was never seen, what the other side's
    /// says about it. `None` for a connection that nothing is known of.
    pub(super) fn of(&self, id: ConnectionId, side: Side) -> Option<Template> {
        let slot = self.slots.get(id.slot.index())?;
        let sides = (slot.generation == id.generation).then_some(&slot.sides)?;
        sides[side as usize].or_else(|| sides[side.other() as usize].map(Template::turned))
    }
}

impl Template {
    /// A pattern without a link header.
    const fn bare(network: &Network) -> Self {
        Self {
            link: LinkType::RAW,
            prefix: [0; PREFIX],
            len: 0,
            version: network.version,
            ttl: network.ttl,
            window: 0,
            icmp: [0; 8],
        }
    }

    /// The link header.
    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix[..usize::from(self.len)]
    }

    /// The pattern of the other side, of which nothing is known but that its packets go the other way.
    fn turned(self) -> Self {
        let mut turned = Self { ttl: 64, window: 0, icmp: [0; 8], ..self };
        match self.link {
            // Whatever was sent to a group, no group answers.
            LinkType::ETHERNET if self.prefix[0] & 1 == 0 => {
                turned.prefix[..6].copy_from_slice(&self.prefix[6..12]);
                turned.prefix[6..12].copy_from_slice(&self.prefix[..6]);
            }
            LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 | LinkType::NULL | LinkType::LOOP => {}
            _ => turned = Self { link: LinkType::RAW, len: 0, ..turned },
        }
        turned
    }
}

/// Whether a link header says nothing that depends on the length of what follows.
fn can_be_copied(link: LinkType, head: &[u8]) -> bool {
    match link {
        LinkType::ETHERNET => types_only(head, 12),
        LinkType::LINUX_SLL => types_only(head, 14),
        // The type stands at the front; behind a tag's it would go on at the end.
        LinkType::LINUX_SLL2 => matches!(type_at(head, 0), Some(0x0800 | 0x86dd)),
        LinkType::C_HDLC => types_only(head, 2),
        LinkType::NULL
        | LinkType::LOOP
        | LinkType::RAW
        | LinkType::IPV4
        | LinkType::IPV6
        | LinkType::PPP
        | LinkType::PPP_HDLC => true,
        _ => false,
    }
}

/// Whether from `at` on there are only types, VLAN tags and labels: no 802.3 length, no PPPoE.
fn types_only(head: &[u8], mut at: usize) -> bool {
    loop {
        match type_at(head, at) {
            Some(0x8100 | 0x88a8 | 0x9100) => at += 4,
            Some(0x0800 | 0x86dd | 0x8847 | 0x8848) => return true,
            _ => return false,
        }
    }
}

fn type_at(head: &[u8], at: usize) -> Option<u16> {
    head.get(at..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// Bytes of the IP header; extension headers are not counted.
fn header_length(network: &Network, ip: &[u8]) -> usize {
    match network.version {
        4 => usize::from(ip.first().map_or(5, |first| first & 0xf)) * 4,
        _ => 40,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ethernet(types: &[u16]) -> Vec<u8> {
        let mut head = vec![2; 12];
        for (index, number) in types.iter().enumerate() {
            head.extend(number.to_be_bytes());
            if index + 1 < types.len() {
                head.extend([0, 7]);
            }
        }
        head
    }

    #[test]
    fn a_pattern_keeps_within_its_bytes() {
        assert!(size_of::<Slot>() <= 128, "{}", size_of::<Slot>());
    }

    #[test]
    fn a_link_header_with_a_length_in_it_is_not_copied() {
        for types in [&[0x0800][..], &[0x8100, 0x86dd], &[0x88a8, 0x8100, 0x0800], &[0x8847]] {
            assert!(can_be_copied(LinkType::ETHERNET, &ethernet(types)), "{types:x?}");
        }
        for types in [&[0x0040][..], &[0x8864], &[0x8100, 0x8864], &[0x8100, 0x0040], &[]] {
            assert!(!can_be_copied(LinkType::ETHERNET, &ethernet(types)), "{types:x?}");
        }
        assert!(!can_be_copied(LinkType::IEEE802_11, &ethernet(&[0x0800])));
    }
}
