//! The loop over layers.

use super::network::{ipv4, ipv6};
use super::rest::{Rest, saturate};
use super::transport::transport;
use super::tunnel::{self, Opened};
use super::{
    Layer, LinkType, PacketView, Reason, Stop, Transport, Tunnel, Tunnels, Vlans, link, shim,
};

use etherparse::EtherType;

/// How many tunnels are opened in one another. Operators stack two (GTP-U over GRE) or three.
const MAX_TUNNELS: u8 = 4;
/// How many tags, labels and link headers may stand before a network header.
const MAX_SHIMS: u8 = 16;

/// What stands at the start of a [`Rest`].
#[derive(Clone, Copy)]
pub(super) enum Next {
    Ethernet,
    /// What an EtherType announces.
    Type(EtherType),
    Llc,
    Ppp,
    Pppoe,
    Mpls,
    /// IP of whichever version its first four bits say.
    Ip,
}

/// What the header that was just left behind announced.
pub(super) type Step = Result<Next, Stop>;

/// Reads one captured frame as far as it can be read.
///
/// `bytes` are what was captured and `wire_len` is what the frame had on the wire; a `wire_len`
/// below what was captured is taken for the captured length. A tunnel whose inside has no readable
/// network header leaves the view on the connection that carries it, with [`PacketView::stop`]
/// inside. The first fragment of a tunnel's packet is opened, the later ones stay on the carrying
/// connection, as nothing in them says what they belong to.
#[must_use]
#[inline(always)]
pub fn parse(link: LinkType, bytes: &[u8], wire_len: u32, tunnels: Tunnels) -> PacketView<'_> {
    let captured = saturate(bytes.len());
    let mut view = PacketView {
        captured,
        wire_len: wire_len.max(captured),
        vlans: Vlans::default(),
        tunnel: None,
        network: None,
        transport: Transport::Absent,
        payload: &[],
        payload_len: 0,
        stop: None,
    };
    parse_into(link, bytes, tunnels, &mut view);
    view
}

/// The rest of [`parse`], apart so that the view's 160 bytes are filled where the caller keeps them.
/// Copied, the smaller writes just made would stall the wide reads; that and moving headers through
/// results took as long as all the reading.
fn parse_into<'a>(link: LinkType, bytes: &'a [u8], tunnels: Tunnels, view: &mut PacketView<'a>) {
    let mut rest = Rest { bytes, at: 0, wire: view.wire_len }.sized(view.wire_len);
    let mut reader = Reader { tunnels, vlans: Vlans::default(), tunnel: None, view };
    if let Err(stop) = reader.read(link, &mut rest) {
        if reader.view.network.is_none() {
            reader.view.vlans = reader.vlans;
        }
        reader.view.stop = Some(stop);
    }
}

/// Which network header comes.
#[derive(Clone, Copy)]
enum Version {
    V4,
    V6,
}

struct Reader<'v, 'a> {
    tunnels: Tunnels,
    /// The tags so far; the view's once a network header behind them was read.
    vlans: Vlans,
    /// The innermost tunnel so far; the view's once a network header inside it was read.
    tunnel: Option<Tunnel>,
    view: &'v mut PacketView<'a>,
}

impl<'a> Reader<'_, 'a> {
    #[inline]
    fn read(&mut self, link: LinkType, rest: &mut Rest<'a>) -> Result<(), Stop> {
        let mut next = link::first(link, rest)?;
        loop {
            let version = self.approach(next, rest)?;
            let Some(opened) = self.network(version, *rest)? else {
                return Ok(());
            };
            next = self.enter(opened)?;
            *rest = opened.inside;
        }
    }

    /// Reads on until a network header comes.
    #[inline]
    fn approach(&mut self, mut next: Next, rest: &mut Rest<'a>) -> Result<Version, Stop> {
        for _ in 0..=MAX_SHIMS {
            next = match next {
                Next::Type(EtherType::IPV4) => return Ok(Version::V4),
                Next::Type(EtherType::IPV6) => return Ok(Version::V6),
                Next::Ethernet => link::ethernet(rest)?,
                Next::Ip => by_version(rest)?,
                other => self.uncommon(other, rest)?,
            };
        }
        Err(rest.stop(Layer::Shim, Reason::TooDeep))
    }

    #[inline(never)]
    fn uncommon(&mut self, next: Next, rest: &mut Rest<'a>) -> Step {
        match next {
            Next::Llc => link::llc(rest),
            Next::Ppp => link::ppp(rest),
            Next::Pppoe | Next::Type(EtherType(0x8864)) => shim::pppoe(rest),
            Next::Mpls | Next::Type(EtherType(0x8847 | 0x8848)) => shim::mpls(rest),
            Next::Type(
                EtherType::VLAN_TAGGED_FRAME
                | EtherType::PROVIDER_BRIDGING
                | EtherType::VLAN_DOUBLE_TAGGED_FRAME,
            ) => shim::vlan(rest, &mut self.vlans),
            _ => Err(rest.stop(Layer::Network, Reason::Unsupported)),
        }
    }

    /// Reads a network header and what it carries into the view, and opens that if it is a tunnel.
    #[inline]
    fn network(&mut self, version: Version, rest: Rest<'a>) -> Result<Option<Opened<'a>>, Stop> {
        let inside = match version {
            Version::V4 => ipv4(rest, &mut self.view.network)?,
            Version::V6 => ipv6(rest, &mut self.view.network)?,
        };
        self.view.vlans = self.vlans;
        if self.tunnel.is_some() {
            self.view.tunnel = self.tunnel;
            self.view.transport = Transport::Absent;
            self.view.payload = &[];
            self.view.payload_len = 0;
        }
        let (inside, Some(network)) = (inside?, &self.view.network) else {
            return Ok(None);
        };
        let carried = transport(network, inside);
        self.view.transport = carried.transport;
        self.view.payload = carried.payload.bytes;
        self.view.payload_len = carried.payload.wire;
        if let Some(stop) = carried.stop {
            return Err(stop);
        }
        tunnel::open(self.tunnels, network, &carried.transport, carried.payload)
    }

    fn enter(&mut self, opened: Opened<'a>) -> Step {
        let depth = self.tunnel.map_or(0, |tunnel| tunnel.depth);
        let Some(carrier) = self.view.network.filter(|_| depth < MAX_TUNNELS) else {
            return Err(opened.inside.stop(Layer::Tunnel, Reason::TooDeep));
        };
        self.tunnel = Some(Tunnel {
            kind: opened.kind,
            id: opened.id,
            depth: depth + 1,
            source: carrier.source,
            destination: carrier.destination,
        });
        Ok(opened.next)
    }
}

#[inline]
fn by_version(rest: &Rest<'_>) -> Step {
    match rest.head::<1>(Layer::Network)?[0] >> 4 {
        4 => Ok(Next::Type(EtherType::IPV4)),
        6 => Ok(Next::Type(EtherType::IPV6)),
        _ => Err(rest.stop(Layer::Network, Reason::Unsupported)),
    }
}
