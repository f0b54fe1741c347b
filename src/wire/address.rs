//! One address type for both families.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An IPv4 or IPv6 address in sixteen bytes of network order; IPv4 as `::ffff:a.b.c.d`, as Zeek keeps it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Address([u8; 16]);

impl Address {
    /// An IPv4 address from its four bytes.
    #[must_use]
    pub const fn v4(bytes: [u8; 4]) -> Self {
        Self((0xffff_0000_0000 | u32::from_be_bytes(bytes) as u128).to_be_bytes())
    }

    /// An IPv6 address from its sixteen bytes.
    #[must_use]
    pub const fn v6(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// All sixteen bytes, an IPv4 address in its mapped form.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The four bytes of an IPv4 address, `None` for IPv6.
    #[must_use]
    pub const fn as_v4(&self) -> Option<[u8; 4]> {
        match self.0 {
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => Some([a, b, c, d]),
            _ => None,
        }
    }
}

impl From<std::net::IpAddr> for Address {
    fn from(address: std::net::IpAddr) -> Self {
        match address {
            std::net::IpAddr::V4(v4) => Self::v4(v4.octets()),
            std::net::IpAddr::V6(v6) => Self::v6(v6.octets()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_v4() {
            Some(v4) => Ipv4Addr::from(v4).fmt(f),
            None => Ipv6Addr::from(self.0).fmt(f),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_print_as_people_write_them() {
        assert_eq!(Address::v4([192, 0, 2, 1]).to_string(), "192.0.2.1");
        assert_eq!(
            Address::from("2001:db8::1".parse::<std::net::IpAddr>().unwrap()).to_string(),
            "2001:db8::1"
        );
        assert_eq!(Address::v6([0; 16]).as_v4(), None);
    }
}
