//! What stands between link and network: VLAN tags, MPLS labels, PPPoE.

use super::parse::{Next, Step};
use super::rest::Rest;
use super::{Layer, Reason, Vlans, link};

use etherparse::SingleVlanHeaderSlice;

/// One 802.1Q or 802.1ad tag, its identifier added to `vlans` while there is room.
pub(super) fn vlan(rest: &mut Rest<'_>, vlans: &mut Vlans) -> Step {
    let Ok(tag) = SingleVlanHeaderSlice::from_slice(rest.bytes) else {
        return Err(rest.short(Layer::Shim, 4));
    };
    // Identifier 0 marks a priority and no VLAN (IEEE 802.1Q, 9.6).
    let id = Some(tag.vlan_identifier().value()).filter(|id| *id != 0);
    if vlans.outer.is_none() {
        vlans.outer = id;
    } else if vlans.inner.is_none() {
        vlans.inner = id;
    }
    Ok(rest.then(4, link::announced(tag.ether_type().0)))
}

/// One MPLS label; behind the last one only the first four bits tell what follows.
pub(super) fn mpls(rest: &mut Rest<'_>) -> Step {
    let label = rest.head::<4>(Layer::Shim)?;
    let last = label[2] & 1 == 1;
    Ok(rest.then(4, if last { Next::Ip } else { Next::Mpls }))
}

/// A PPPoE session header (RFC 2516).
pub(super) fn pppoe(rest: &mut Rest<'_>) -> Step {
    let [version_type, code, ..] = *rest.head::<6>(Layer::Shim)?;
    match (version_type, code) {
        (0x11, 0) => Ok(rest.then(6, Next::Ppp)),
        (0x11, _) => Err(rest.stop(Layer::Shim, Reason::Unsupported)),
        _ => Err(rest.stop(Layer::Shim, Reason::Malformed)),
    }
}
