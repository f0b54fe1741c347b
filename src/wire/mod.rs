//! Bytes in, a [`PacketView`] out: what one captured frame says, as far as it can be read.
//!
//! `wire` never fails, never panics and never allocates. A malformed or cut packet is a normal
//! event: the view holds what was readable and [`PacketView::stop`] says in which layer reading
//! ended and why. Length on the wire and length captured are kept apart everywhere, because a
//! capture with a snap length still tells the size of what it cut.
//!
//! Headers are etherparse's slices as far as it has them; the loop over layers is our own, so that
//! tunnels nest. [`payload_entropy`] is computed only by those who ask for it.
//!
//! What it does not do: reassemble, verify checksums, or look into application protocols.

mod address;
mod dot11;
mod entropy;
mod link;
mod network;
mod parse;
mod rest;
mod shim;
#[cfg(test)]
mod tests;
mod transport;
mod tunnel;
mod types;

pub use address::Address;
pub use entropy::payload_entropy;
pub use parse::parse;
pub use types::{
    Fragment, Icmp, Layer, LinkType, Network, PacketView, Reason, Stop, Tcp, TcpFlags, Transport,
    Tunnel, TunnelKind, Tunnels, Vlans,
};
