//! What a snapshot holds, for a reader, and what can be taken out of it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::{Directory, Ends, Forgotten, Record, Records, RestoreError, Snapshot, part};
use super::{ServiceRecord, TooManyForgotten};
use crate::bytes::Reader;
use crate::flow::Service;
use crate::wire::Address;

/// The parts of a snapshot that can be understood without the model.
pub struct Contents {
    /// The name of the model that learned.
    pub model: String,
    /// Bytes of what it learned.
    pub model_bytes: usize,
    /// The services met.
    pub directory: Directory,
    /// The connections kept.
    pub records: Records,
    /// What was forgotten.
    pub forgotten: Forgotten,
}

/// What can be looked for or forgotten.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// A service, as in `tcp/443`.
    Service(Service),
    /// An address and everything it did with others.
    Address(Address),
    /// One connection, as in `udp/10.0.0.1:123-10.0.0.2:123`.
    Connection(Ends),
}

/// What forgetting did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Forgot {
    /// Services dropped from the directory.
    pub services: usize,
    /// Connections dropped.
    pub connections: usize,
}

impl Contents {
    /// Reads a snapshot.
    ///
    /// # Errors
    /// When a part is missing or can't be understood.
    pub fn of(snapshot: &Snapshot) -> Result<Self, RestoreError> {
        let part = |name| snapshot.get(name).ok_or(RestoreError::Missing(name));
        let damaged = RestoreError::Damaged;
        let model = part(part::MODEL)?;
        let records = Records::decode(part(part::CONNECTIONS)?);
        let forgotten = Forgotten::decode(part(part::FORGOTTEN)?);
        Ok(Self {
            model: Reader(model).text().ok_or(damaged(part::MODEL))?.to_owned(),
            model_bytes: model.len(),
            directory: Directory::decode(part(part::SERVICES)?).ok_or(damaged(part::SERVICES))?,
            records: records.ok_or(damaged(part::CONNECTIONS))?,
            forgotten: forgotten.ok_or(damaged(part::FORGOTTEN))?,
        })
    }

    /// Puts back what may have changed.
    pub fn put(&self, snapshot: &mut Snapshot) {
        snapshot.put(part::SERVICES, self.directory.encode());
        snapshot.put(part::CONNECTIONS, self.records.encode());
        snapshot.put(part::FORGOTTEN, self.forgotten.encode());
    }

    /// The services of a target: one, or none for anything but a service.
    #[must_use]
    pub fn services(&self, target: &Target) -> Vec<ServiceRecord> {
        match target {
            Target::Service(service) => self.directory.get(*service).copied().into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The connections of a target with their states, the latest first.
    #[must_use]
    pub fn connections(&self, target: &Target) -> Vec<(&Record, &[u8])> {
        let mut found: Vec<_> =
            self.records.iter().filter(|(record, _)| target.has(record)).collect();
        found.reverse();
        found
    }

    /// Forgets a target: its records are dropped, and what the model learned of it under a service or
    /// an address is not found again.
    ///
    /// # Errors
    /// When too much was forgotten already; then nothing is.
    pub fn forget(&mut self, target: &Target) -> Result<Forgot, TooManyForgotten> {
        let mut forgot = Forgot::default();
        match *target {
            Target::Service(service) => {
                self.forgotten.service(service)?;
                forgot.services = usize::from(self.directory.remove(service));
            }
            Target::Address(address) => self.forgotten.address(address)?,
            // What it taught under its own number is found through its record alone.
            Target::Connection(_) => {}
        }
        forgot.connections = self.records.remove(|record| target.has(record));
        Ok(forgot)
    }
}

impl Target {
    fn has(&self, record: &Record) -> bool {
        match self {
            Self::Service(service) => record.ends.service() == *service,
            Self::Address(address) => record.ends.has(*address),
            Self::Connection(ends) => record.ends == *ends,
        }
    }
}

/// Protocols that have a name here.
const PROTOCOLS: [(&str, u8); 5] =
    [("tcp", 6), ("udp", 17), ("icmp", 1), ("icmp6", 58), ("sctp", 132)];

/// A text that names no service, address or connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoTarget(String);

impl fmt::Display for NoTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(text) = self;
        write!(
            f,
            "{text}: expected a service (tcp/443), an address (192.0.2.1) or a connection \
             (udp/192.0.2.1:123-192.0.2.2:123)"
        )
    }
}

impl std::error::Error for NoTarget {}

impl FromStr for Target {
    type Err = NoTarget;

    fn from_str(text: &str) -> Result<Self, NoTarget> {
        target(text).ok_or_else(|| NoTarget(text.to_owned()))
    }
}

fn target(text: &str) -> Option<Target> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Target::Address(address.into()));
    }
    let (protocol, rest) = text.split_once('/')?;
    let named = PROTOCOLS.iter().find(|(name, _)| *name == protocol);
    let protocol = named.map_or_else(|| protocol.parse().ok(), |(_, number)| Some(*number))?;
    if let Ok(port) = rest.parse() {
        return Some(Target::Service(Service { protocol, port }));
    }
    let (one, other) = rest.split_once('-')?;
    let [one, other] = [one, other].map(end);
    let (one, other) = (one?, other?);
    let ends = Ends { lower: one.min(other), upper: one.max(other), protocol };
    Some(Target::Connection(ends))
}

fn end(text: &str) -> Option<(Address, u16)> {
    let (address, port) = text.rsplit_once(':')?;
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address: IpAddr = bare.unwrap_or(address).parse().ok()?;
    // Without brackets a colon of the address could be taken for the port's.
    (address.is_ipv4() != bare.is_some()).then_some(())?;
    Some((address.into(), port.parse().ok()?))
}

/// A protocol as targets name it.
struct Protocol(u8);

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match PROTOCOLS.iter().find(|(_, number)| *number == self.0) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(Service { protocol, port }) => {
                write!(f, "{}/{port}", Protocol(*protocol))
            }
            Self::Address(address) => address.fmt(f),
            Self::Connection(Ends { lower, upper, protocol }) => {
                write!(f, "{}/", Protocol(*protocol))?;
                write_end(f, *lower)?;
                f.write_str("-")?;
                write_end(f, *upper)
            }
        }
    }
}

fn write_end(f: &mut fmt::Formatter<'_>, (address, port): (Address, u16)) -> fmt::Result {
    match address.as_v4() {
        Some(_) => write!(f, "{address}:{port}"),
        None => write!(f, "[{address}]:{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_can_be_asked_for() {
        for text in [
            "tcp/443",
            "udp/53",
            "icmp6/128",
            "47/0",
            "192.0.2.1",
            "2001:db8::1",
            "udp/192.0.2.1:123-192.0.2.2:123",
            "tcp/[2001:db8::1]:1-[2001:db8::2]:502",
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        let turned: Target = "udp/192.0.2.2:5-192.0.2.1:6".parse().unwrap();
        assert_eq!(turned.to_string(), "udp/192.0.2.1:6-192.0.2.2:5");
    }

    #[test]
    fn what_is_no_target_is_said_with_examples() {
        for text in [
            "",
            "443",
            "tcp",
            "tcp/",
            "tcp/70000",
            "x/1",
            "udp/1.2.3.4-1.2.3.5:1",
            "udp/::1:1-::2:2",
        ] {
            let error = text.parse::<Target>().unwrap_err().to_string();
            assert!(error.contains("tcp/443"), "{error}");
        }
    }
}
