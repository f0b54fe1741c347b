//! Which traffic is alike: protocol classes, and within them services, as many as fit.

use crate::flow::Service;

/// Services told apart; later ones share their protocol's class.
pub(super) const SERVICES: usize = 96;
/// TCP, UDP, ICMP, the rest.
pub(super) const PROTOCOLS: usize = 4;
/// A connection's first packet, the three after it, up to the sixteenth, and later ones: a
/// forecast gets better along a connection, and what is rare early is not what is rare late.
pub(super) const STAGES: usize = 4;

/// Where a connection's traffic is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Class {
    /// Below [`PROTOCOLS`].
    pub(super) protocol: u8,
    /// Below [`SERVICES`]; `None` once there are too many, and for ports that name no service.
    pub(super) service: Option<u8>,
}

/// The services seen, in the order of their first connection.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Classes {
    known: Vec<Service>,
}

impl Classes {
    /// The class of a service, which is made room for if there is any.
    pub(super) fn of(&mut self, service: Service) -> Class {
        let protocol = match service.protocol {
            6 => 0,
            17 => 1,
            1 | 58 => 2,
            _ => 3,
        };
        let known = self.known.iter().position(|&known| known == service);
        let place = known.or_else(|| {
            let names_one = service.port < 1_024 || service.name().is_some();
            (names_one && self.known.len() < SERVICES).then(|| {
                self.known.push(service);
                self.known.len() - 1
            })
        });
        Class { protocol, service: place.map(|place| place as u8) }
    }

    /// The services by place.
    pub(super) fn known(&self) -> &[Service] {
        &self.known
    }
}

/// The stage of a packet that `before` others of its connection preceded.
pub(super) const fn stage(before: u32) -> usize {
    match before {
        0 => 0,
        1..=3 => 1,
        4..=15 => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_one_class_and_an_ephemeral_port_none() {
        let mut classes = Classes::default();
        let https = Service { protocol: 6, port: 443 };
        assert_eq!(classes.of(https), classes.of(https));
        assert_eq!(classes.of(Service { protocol: 6, port: 50_000 }).service, None);
        assert_ne!(classes.of(https), classes.of(Service { protocol: 17, port: 443 }));
    }

    #[test]
    fn there_is_room_for_so_many_and_the_rest_share() {
        let mut classes = Classes::default();
        let all: Vec<_> =
            (0..1_000).map(|port| classes.of(Service { protocol: 6, port }).service).collect();
        assert_eq!(all.iter().flatten().count(), SERVICES);
        assert_eq!(classes.of(Service { protocol: 6, port: 3 }).service, Some(3));
    }
}
