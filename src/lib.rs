//! Foreshadow knows which packet should come next.
//!
//! One Rust core behind one C ABI: Zeek, Wireshark and the `foreshadow` command line push packets
//! into the same [`sensor`](crate) and read back scores, synthetic packets and summaries.
//!
//! A module uses only what stands above it in this list:
//!
//! | layer | what it does |
//! |---|---|
//! | [`time`] | integer nanoseconds out of the packet, deadlines on that clock |
//! | [`wire`] | bytes to a [`wire::PacketView`]; never fails, says how far it got |
//! | [`flow`] | connections: key, side, table, TCP sequence space, expiry |

pub mod flow;
pub mod time;
pub mod wire;
