//! Connections, services and flags as the page names them.

use crate::flow::{ConnectionKey, Service, Side, Uid};
use crate::sink::endpoints::{FlagNames, transport};
use crate::wire::TcpFlags;

use super::json::Json;

/// The keys of an object that say which connection it is about.
pub(super) fn connection(json: &mut Json, uid: u128, key: &ConnectionKey, originator: Side) {
    json.key("uid").text(&self::uid(uid));
    json.key("orig").text(&endpoint(key, originator));
    json.key("resp").text(&endpoint(key, originator.other()));
    json.key("service").text(&service(key, originator));
}

/// A connection's name, the same as in the logs.
pub(super) fn uid(uid: u128) -> String {
    Uid(uid).to_string()
}

/// Address and port of a side, an IPv6 address in brackets.
pub(super) fn endpoint(key: &ConnectionKey, side: Side) -> String {
    let (address, port) = (key.address(side), key.port(side));
    match address.as_v4() {
        Some(_) => format!("{address}:{port}"),
        None => format!("[{address}]:{port}"),
    }
}

/// The service as people name it.
pub(super) fn service(key: &ConnectionKey, originator: Side) -> String {
    let service = Service::of(key.protocol, [key.port_a, key.port_b], originator);
    match (service.name(), transport(key.protocol)) {
        (Some(name), _) => name.to_owned(),
        (None, "unknown_transport") => format!("protocol {}", key.protocol),
        (None, protocol) => format!("{protocol} {}", service.port),
    }
}

/// A packet's TCP flags; empty for a protocol that has none.
pub(super) fn flags(protocol: u8, flags: TcpFlags) -> String {
    FlagNames::of(protocol, flags)
        .map_or_else(String::new, |names| String::from_utf8_lossy(names.as_bytes()).into_owned())
}
