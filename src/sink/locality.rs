//! Which addresses are ours, as far as an address alone can tell.

use crate::wire::Address;

/// Whether `address` is one that Zeek calls local by default: `Site::private_address_space` of
/// Zeek 8, which is what IANA lists as not routable, in IPv6 also as a 6to4 address.
pub(super) fn is_local(address: Address) -> bool {
    match address.as_v4() {
        Some(bytes) => is_local_v4(u32::from_be_bytes(bytes)),
        None => is_local_v6(u128::from_be_bytes(*address.bytes())),
    }
}

fn is_local_v4(address: u32) -> bool {
    LOCAL_V4.iter().any(|(prefix, len)| (address ^ u32::from_be_bytes(*prefix)) >> (32 - len) == 0)
}

fn is_local_v6(address: u128) -> bool {
    if address >> 112 == 0x2002 {
        return is_local_v4((address >> 80) as u32);
    }
    LOCAL_V6.iter().any(|(prefix, len)| (address ^ prefix) >> (128 - len) == 0)
}

const LOCAL_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 24),
    ([239, 0, 0, 0], 8),
    ([240, 0, 0, 0], 4),
    ([255, 255, 255, 255], 32),
];

const LOCAL_V6: [(u128, u32); 10] = [
    (0, 128),
    (1, 128),
    (0x0064_ff9b_0001 << 80, 48),
    (0x0100 << 112, 64),
    (0x2001 << 112, 23),
    (0x2001_0002 << 96, 48),
    (0x2001_0db8 << 96, 32),
    (0xfc << 120, 7),
    (0xfe80 << 112, 10),
    (0xfec0 << 112, 10),
];

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn local_is_what_zeek_calls_local() {
        let local = |text: &str| is_local(text.parse::<IpAddr>().unwrap().into());
        for address in [
            "10.255.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "192.0.2.7",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fd00::1",
            "fe80::1",
            "febf::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "2002:c0a8:101::",
        ] {
            assert!(local(address), "{address}");
        }
        for address in [
            "172.32.0.0",
            "11.0.0.0",
            "193.1.186.60",
            "224.2.127.254",
            "100.128.0.0",
            "2606:4700::1111",
            "::2",
            "2002:808:808::1",
            "ff02::1",
            "2001:4860::8888",
        ] {
            assert!(!local(address), "{address}");
        }
    }
}
