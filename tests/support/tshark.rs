//! What tshark counts in a capture, in the sensor's words.
//!
//! tshark shows more than one packet where the sensor sees one: what an ICMP error quotes, and what
//! application protocols carry (Teredo, L2TP). So of the layers in `frame.protocols` only the
//! [`FOLLOWED`] ones are walked, up to the first other one; the addresses and ports of the innermost
//! IP header on that way are the packet's own. Fragments and streams are not reassembled.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};

/// The layers that the sensor reads, ICMP apart.
const FOLLOWED: &[&str] = &[
    "eth",
    "ethertype",
    "vlan",
    "ieee8021ad",
    "sll",
    "null",
    "raw",
    "ppp",
    "pppoes",
    "mpls",
    "llc",
    "chdlc",
    "wlan",
    "wlan_radio",
    "radiotap",
    "ip",
    "ipv6",
    "ipv6.hopopts",
    "ipv6.dstopts",
    "ipv6.routing",
    "ipv6.fraghdr",
    "ah",
    "tcp",
    "udp",
    "sctp",
    "gre",
    "vxlan",
    "geneve",
    "gtp",
];

/// What tshark is asked for, by name in [`Row::at`].
const FIELDS: &[&str] = &[
    "frame.protocols",
    "frame.len",
    "communityid",
    "_ws.malformed",
    "ip.src",
    "ip.dst",
    "ip.proto",
    "ip.len",
    "ip.id",
    "ip.frag_offset",
    "ip.flags.mf",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.nxt",
    "ipv6.plen",
    "ipv6.hopopts.nxt",
    "ipv6.dstopts.nxt",
    "ipv6.routing.nxt",
    "ah.next_header",
    "ipv6.fraghdr.nxt",
    "ipv6.fraghdr.ident",
    "ipv6.fraghdr.offset",
    "ipv6.fraghdr.more",
    "tcp.srcport",
    "tcp.dstport",
    "udp.srcport",
    "udp.dstport",
    "sctp.srcport",
    "sctp.dstport",
    "icmp.type",
    "icmp.code",
    "icmpv6.type",
    "icmpv6.code",
];

/// Two ends and a protocol, the smaller end first: the same for both directions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Conversation {
    /// The smaller address and its port.
    pub(crate) low: (IpAddr, u16),
    /// The larger one.
    pub(crate) high: (IpAddr, u16),
    /// The transport protocol's number.
    pub(crate) protocol: u8,
}

impl Conversation {
    /// The conversation between two ends, in whichever order.
    pub(crate) fn new(one: (IpAddr, u16), other: (IpAddr, u16), protocol: u8) -> Self {
        Self { low: one.min(other), high: one.max(other), protocol }
    }
}

/// What a conversation held, both directions together.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Totals {
    /// Packets, later fragments included.
    pub(crate) packets: u64,
    /// Bytes on the wire.
    pub(crate) wire_bytes: u64,
    /// Bytes by the IP header.
    pub(crate) ip_bytes: u64,
    /// Community IDs: one for each direction of ICMP without answers, else one at most. tshark has
    /// none for what it calls malformed, nor behind IPv6 for protocols without ports.
    pub(crate) community_ids: BTreeSet<String>,
}

/// Whether there is a tshark to compare with.
pub(crate) fn is_there() -> bool {
    let mut version = Command::new("tshark");
    version.arg("-v").stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok_and(|status| status.success())
}

/// What tshark counts in a capture.
///
/// A later fragment has no ports. Like the sensor, this counts it on the conversation of the first
/// fragment with its addresses, protocol and identification, if that came before it, and else nowhere.
pub(crate) fn conversations(capture: &Path) -> BTreeMap<Conversation, Totals> {
    let mut all = BTreeMap::<_, Totals>::new();
    let mut fragments = HashMap::new();
    for line in dissect(capture).lines() {
        let row = Row::new(line);
        let Some(packet) = row.packet() else { continue };
        let conversation = match packet.fragment {
            Some((id, false)) => match fragments.get(&(packet.source, packet.destination, id)) {
                Some(first) => *first,
                None => continue,
            },
            other => {
                let source = (packet.source, packet.ports.0);
                let destination = (packet.destination, packet.ports.1);
                let conversation = Conversation::new(source, destination, packet.protocol);
                if let Some((id, _)) = other {
                    fragments.insert((packet.source, packet.destination, id), conversation);
                }
                conversation
            }
        };
        let totals = all.entry(conversation).or_default();
        totals.packets += 1;
        totals.wire_bytes += row.number("frame.len", 0);
        totals.ip_bytes += packet.ip_bytes;
        let has_ports = packet.fragment.is_none_or(|(_, first)| first);
        if has_ports
            && packet.is_innermost
            && row.get("_ws.malformed", 0).is_none()
            && let Some(id) = row.get("communityid", 0)
        {
            totals.community_ids.insert(id.to_owned());
        }
    }
    all
}

fn dissect(capture: &Path) -> String {
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-r"]).arg(capture);
    for reassembly in ["ip.defragment", "ipv6.defragment", "tcp.desegment_tcp_streams"] {
        tshark.args(["-o", &format!("{reassembly}:FALSE")]);
    }
    tshark.args([
        "--enable-protocol",
        "communityid",
        "-T",
        "fields",
        "-E",
        "occurrence=a",
        "-E",
        "aggregator=,",
    ]);
    for field in FIELDS {
        tshark.args(["-e", field]);
    }
    let done = tshark.stderr(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    // 2 is a capture that is cut: what could be read was printed.
    assert!(matches!(done.status.code(), Some(0 | 2)), "{}: {said}", capture.display());
    String::from_utf8(done.stdout).unwrap()
}

/// One packet as the sensor reads it.
#[derive(Clone, Copy)]
struct Packet {
    source: IpAddr,
    destination: IpAddr,
    ports: (u16, u16),
    protocol: u8,
    ip_bytes: u64,
    /// Identification, and whether it is the first one.
    fragment: Option<((u8, u64), bool)>,
    /// Whether tshark's Community ID is of this packet, and not of one deeper inside.
    is_innermost: bool,
}

struct Row<'a> {
    columns: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn new(line: &'a str) -> Self {
        let columns: Vec<_> = line.split('\t').collect();
        assert_eq!(columns.len(), FIELDS.len(), "{line}");
        Self { columns }
    }

    /// The field's value where its protocol stands for the `nth` time.
    fn get(&self, field: &str, nth: usize) -> Option<&'a str> {
        let column = FIELDS.iter().position(|name| *name == field).unwrap();
        self.columns[column].split(',').nth(nth).filter(|value| !value.is_empty())
    }

    fn number(&self, field: &str, nth: usize) -> u64 {
        let Some(value) = self.get(field, nth) else { return 0 };
        match value.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => value.parse(),
        }
        .unwrap()
    }

    /// Both ports where the header was captured far enough.
    fn ports(&self, protocol: &str, nth: usize) -> (u16, u16) {
        let port = |end| self.number(&format!("{protocol}.{end}port"), nth) as u16;
        (port("src"), port("dst"))
    }

    fn packet(&self) -> Option<Packet> {
        let mut met = HashMap::<&str, usize>::new();
        let mut packet: Option<Packet> = None;
        let mut layers = self.get("frame.protocols", 0)?.split(':');
        for layer in layers.by_ref() {
            let count = met.entry(layer).or_default();
            let nth = *count;
            *count += 1;
            match (layer, &mut packet) {
                ("ip", _) => packet = Some(self.ipv4(nth)?),
                ("ipv6", _) => packet = Some(self.ipv6(nth)?),
                ("ah", Some(packet)) => packet.protocol = self.number("ah.next_header", nth) as u8,
                ("ipv6.fraghdr", Some(packet)) => self.fragment_header(packet, nth),
                // tshark reads them behind IPv4 as well, where they are only a protocol.
                ("ipv6.hopopts" | "ipv6.dstopts" | "ipv6.routing", Some(packet))
                    if packet.source.is_ipv6() =>
                {
                    packet.protocol = self.number(&format!("{layer}.nxt"), nth) as u8;
                }
                ("tcp" | "udp" | "sctp", Some(packet)) => packet.ports = self.ports(layer, nth),
                ("icmp" | "icmpv6", Some(packet)) => {
                    let kind = self.number(&format!("{layer}.type"), nth) as u16;
                    let code = self.number(&format!("{layer}.code"), nth) as u16;
                    packet.ports = (kind, answer(layer, kind).unwrap_or(code));
                    return Some(Packet { is_innermost: true, ..*packet });
                }
                _ if FOLLOWED.contains(&layer) => {}
                _ => break,
            }
        }
        let is_innermost = !layers.any(|layer| layer == "ip" || layer == "ipv6");
        packet.map(|packet| Packet { is_innermost, ..packet })
    }

    fn ipv4(&self, nth: usize) -> Option<Packet> {
        let (offset, more) = (self.number("ip.frag_offset", nth), self.number("ip.flags.mf", nth));
        let protocol = self.number("ip.proto", nth) as u8;
        let id = (protocol, self.number("ip.id", nth));
        Some(Packet {
            source: self.get("ip.src", nth)?.parse().unwrap(),
            destination: self.get("ip.dst", nth)?.parse().unwrap(),
            ports: (0, 0),
            protocol,
            ip_bytes: self.number("ip.len", nth),
            fragment: (offset != 0 || more != 0).then_some((id, offset == 0)),
            is_innermost: true,
        })
    }

    fn ipv6(&self, nth: usize) -> Option<Packet> {
        Some(Packet {
            source: self.get("ipv6.src", nth)?.parse().unwrap(),
            destination: self.get("ipv6.dst", nth)?.parse().unwrap(),
            ports: (0, 0),
            protocol: self.number("ipv6.nxt", nth) as u8,
            ip_bytes: 40 + self.number("ipv6.plen", nth),
            fragment: None,
            is_innermost: true,
        })
    }

    fn fragment_header(&self, packet: &mut Packet, nth: usize) {
        let field = |name| self.number(&format!("ipv6.fraghdr.{name}"), nth);
        packet.protocol = field("nxt") as u8;
        let (id, offset) = ((packet.protocol, field("ident")), field("offset"));
        if offset != 0 || field("more") != 0 {
            packet.fragment = Some((id, offset == 0));
        }
    }
}

/// The ICMP type that answers `kind`, by the Community ID's specification.
fn answer(protocol: &str, kind: u16) -> Option<u16> {
    const PAIRS: &[(&str, u16, u16)] = &[
        ("icmp", 0, 8),
        ("icmp", 9, 10),
        ("icmp", 13, 14),
        ("icmp", 15, 16),
        ("icmp", 17, 18),
        ("icmpv6", 128, 129),
        ("icmpv6", 130, 131),
        ("icmpv6", 133, 134),
        ("icmpv6", 135, 136),
        ("icmpv6", 139, 140),
        ("icmpv6", 144, 145),
    ];
    PAIRS.iter().filter(|pair| pair.0 == protocol).find_map(|&(_, a, b)| match kind {
        _ if kind == a => Some(b),
        _ if kind == b => Some(a),
        _ => None,
    })
}
