//! Foreshadow knows which packet should come next.
//!
//! One Rust core behind one C ABI: Zeek, Wireshark and the `foreshadow` command line push packets
//! into the same [`sensor`] and read back scores, synthetic packets and summaries.
//!
//! A module uses only what stands above it in this list:
//!
//! | layer | what it does |
//! |---|---|
//! | [`time`] | integer nanoseconds out of the packet, deadlines on that clock |
//! | [`wire`] | bytes to a [`wire::PacketView`]; never fails, says how far it got |
//! | [`flow`] | connections: key, side, table, TCP sequence space, expiry |
//! | [`bloom`] | behaviours counted, and the targets that do what others do not |
//! | [`config`] | every setting with its default, range and cost; one TOML for every host |
//! | [`model`] | the forecast: what packet comes next, and how surprising the one that came was |
//! | [`predict`] | expectations with a deadline, synthetic packets when it passes |
//! | [`score`] | what the forecast did not expect |
//! | [`kept`] | what outlives a connection: services, returning connections, what was forgotten |
//! | [`sensor`] | the whole line in order: push, advance, poll |
//! | [`store`] | what a sensor learned, in a file over a restart |
//! | `source` | packets out of captures and interfaces (feature `cli`) |
//! | `sink` | Zeek-format logs (feature `cli`) |
//! | `eval` | what every model needs in bits per packet, on sources held out (feature `cli`) |
//! | `train` | libtorch at run time: training and the reference engine (feature `torch`) |
//! | [`abi`] | the sensor for C: the functions of `c-shim/include/foreshadow.h` |
//! | `cli` | the `foreshadow` command (feature `cli`) |

pub mod abi;
pub mod bloom;
mod bytes;
#[cfg(feature = "cli")]
pub mod cli;
pub mod config;
#[cfg(feature = "cli")]
pub mod eval;
#[cfg(feature = "cli")]
pub mod exchange;
pub mod flow;
pub mod kept;
pub mod model;
pub mod predict;
pub mod score;
pub mod sensor;
#[cfg(feature = "cli")]
pub mod sink;
#[cfg(feature = "cli")]
pub mod source;
pub mod store;
pub mod time;
#[cfg(feature = "torch")]
pub mod train;
pub mod wire;
