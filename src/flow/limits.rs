//! How much the table may hold, for how long, and what keeps connections apart.

use crate::time::Span;

/// What bounds a [`ConnectionTable`](super::ConnectionTable).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Live connections at most, at least 1; one more evicts the least valuable in reach.
    pub max_connections: u32,
    /// Whether the same addresses and ports in another VLAN are another connection.
    pub key_vlan: bool,
    /// Whether the same addresses and ports in another tunnel are another connection.
    pub key_tunnel: bool,
    /// Silence that ends a TCP connection.
    pub timeout_tcp: Span,
    /// Silence that ends a TCP connection whose first packet nobody answered.
    pub timeout_tcp_attempt: Span,
    /// Silence that ends a TCP connection after both FINs or a RST.
    pub timeout_tcp_closed: Span,
    /// Silence that ends a UDP pseudo-connection.
    pub timeout_udp: Span,
    /// Silence that ends an ICMP pseudo-connection.
    pub timeout_icmp: Span,
    /// Silence that ends a connection of any other protocol.
    pub timeout_other: Span,
    /// How far behind the clock a packet's time may lie and still count as disorder within one
    /// capture; further behind, the capture's clock was set back.
    pub reorder_tolerance: Span,
    /// Fragmented datagrams remembered at a time, rounded up to a power of two.
    pub fragments: u32,
    /// Seeds the index's hash and the uids.
    pub seed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 1_000_000,
            key_vlan: false,
            key_tunnel: false,
            timeout_tcp: Span::from_secs(300),
            timeout_tcp_attempt: Span::from_secs(30),
            timeout_tcp_closed: Span::from_secs(5),
            timeout_udp: Span::from_secs(60),
            timeout_icmp: Span::from_secs(60),
            timeout_other: Span::from_secs(60),
            reorder_tolerance: Span::from_secs(10),
            fragments: 4_096,
            seed: 0,
        }
    }
}
