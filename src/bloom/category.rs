//! A category: a behaviour, what is counted of it, and whom it speaks of.

use super::geometry::Geometry;
use super::key::{Element, FederationKey};
use super::name::Name;
use super::rule::{Facts, Rule};
use crate::wire::Address;

/// A category as the configuration declares it.
#[derive(Clone, PartialEq, Debug)]
pub struct Category {
    /// Its name in logs.
    pub name: Name,
    /// Why anybody should care, in one line.
    pub why: String,
    /// Which packets belong to it.
    pub rule: Rule,
    /// What makes two of them different elements.
    pub count: Vec<Part>,
    /// Whom it speaks of.
    pub target: Role,
    /// Distinct elements that a target must have had before it appears in the category.
    pub at_least: u32,
    /// Capacity and false-positive rate of its counter.
    pub geometry: Geometry,
    /// Its weight at the beginning.
    pub weight: f64,
}

/// One of the two ends of a packet or of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Who began the connection.
    Originator,
    /// Whom it was begun with.
    Responder,
    /// Who sent the packet.
    Source,
    /// Whom it was sent to.
    Destination,
}

impl Role {
    /// Every role by its name in the configuration.
    pub const NAMES: &[(&str, Self)] = &[
        ("originator", Self::Originator),
        ("responder", Self::Responder),
        ("source", Self::Source),
        ("destination", Self::Destination),
    ];

    fn of(self, facts: &Facts<'_>) -> Address {
        let is_originator = match self {
            Self::Originator => true,
            Self::Responder => false,
            Self::Source => facts.is_outgoing,
            Self::Destination => !facts.is_outgoing,
        };
        if is_originator { facts.originator } else { facts.responder }
    }
}

/// A part of what is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// An address.
    Address(Role),
    /// The originator's port: another for each connection.
    OriginatorPort,
    /// The responder's port.
    Port,
    /// The service: protocol and name, or protocol and port where it has none.
    Service,
}

/// The bytes of an element, gathered part by part.
struct Parts {
    bytes: [u8; Self::LONGEST],
    len: usize,
}

impl Parts {
    /// Room for every part there can be, once each; what lies beyond is left out.
    const LONGEST: usize = 4 * 16 + 2 + 2 + 33;

    const NONE: Self = Self { bytes: [0; Self::LONGEST], len: 0 };

    #[inline]
    fn put(&mut self, part: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.len..self.len + part.len()) {
            room.copy_from_slice(part);
            self.len += part.len();
        }
    }

    fn put_service(&mut self, facts: &Facts<'_>) {
        self.put(&[facts.protocol]);
        match facts.service {
            Some(name) => self.put(name.as_bytes()),
            None => self.put(&facts.responder_port.to_be_bytes()),
        }
    }

    #[inline]
    fn element(&self, key: &FederationKey) -> Element {
        key.element(self.bytes.get(..self.len).unwrap_or_default())
    }
}

impl Category {
    /// The element that a packet of this category stands for.
    #[inline]
    pub(super) fn element(&self, facts: &Facts<'_>, key: &FederationKey) -> Element {
        let mut parts = Parts::NONE;
        for part in &self.count {
            match part {
                Part::Address(role) => parts.put(role.of(facts).bytes()),
                Part::OriginatorPort => parts.put(&facts.originator_port.to_be_bytes()),
                Part::Port => parts.put(&facts.responder_port.to_be_bytes()),
                Part::Service => parts.put_service(facts),
            }
        }
        parts.element(key)
    }

    /// The address it speaks of.
    #[inline]
    pub(super) fn target(&self, facts: &Facts<'_>) -> Address {
        self.target.of(facts)
    }
}

/// The element that stands for an endpoint's use of a service.
pub(super) fn use_of_service(facts: &Facts<'_>, key: &FederationKey) -> Element {
    let mut parts = Parts::NONE;
    parts.put(facts.originator.bytes());
    parts.put_service(facts);
    parts.element(key)
}
