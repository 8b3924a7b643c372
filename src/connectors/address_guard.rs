//! Which addresses may be called: the public internet, and nothing that only we can reach.
//!
//! A base URL is typed by a person. Without this guard it could point at our own machine, at a neighbour on the
//! private network or at a cloud's metadata service, and a name can change its address between two look-ups. So
//! the check stands where a connection is made, not where the URL is typed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not called, or `None` when it is fine.
pub(super) fn objection(address: IpAddr, allow_loopback: bool) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => objection_v4(v4, allow_loopback),
        IpAddr::V6(v6) => objection_v6(v6, allow_loopback),
    }
}

fn objection_v4(ip: Ipv4Addr, allow_loopback: bool) -> Option<&'static str> {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        (127, ..) if allow_loopback => None,
        (127, ..) => Some("our own machine"),
        (0, ..) => Some("no real address"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Some("a private network"),
        (169, 254, _) => Some("a link-local address"),
        (100, 64..=127, _) => Some("a carrier's inner network"),
        (192, 0, 0) => Some("an address kept for protocols"),
        (192, 0, 2) | (198, 51, 100) | (203, 0, 113) => Some("an address for documentation"),
        (198, 18..=19, _) => Some("an address for measurements"),
        (192, 88, 99) => Some("a relay address"),
        (224..=239, ..) => Some("a multicast address"),
        (240..=255, ..) => Some("no address of a single machine"),
        _ => None,
    }
}

fn objection_v6(ip: Ipv6Addr, allow_loopback: bool) -> Option<&'static str> {
    if ip == Ipv6Addr::LOCALHOST {
        return (!allow_loopback).then_some("our own machine");
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = ip.segments();
    let inner = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match (s0, s1) {
        _ if [s0, s1, s2, s3, s4] == [0; 5] && s5 == 0xffff => objection_v4(inner(s6, s7), allow_loopback),
        (0, 0) => Some("no real address"),
        (0x64, 0xff9b) if [s2, s3, s4, s5] == [0; 4] => objection_v4(inner(s6, s7), false),
        (0x64, 0xff9b) => Some("a translated inner network"),
        (0x2002, _) => objection_v4(inner(s1, s2), false),
        (0x2001, 0) => Some("a tunnel address"),
        (0x2001, 0x0db8) => Some("an address for documentation"),
        (0xfc00..=0xfdff, _) => Some("a private network"),
        (0xfe80..=0xfebf, _) => Some("a link-local address"),
        (0xfec0..=0xfeff, _) => Some("a private network"),
        (0xff00..=0xffff, _) => Some("a multicast address"),
        (0x2000..=0x3fff, _) => None,
        _ => Some("no address of the public internet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_may_be_called() {
        for ip in [
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.1",
            "192.88.99.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2002:7f00:1::1",
            "2002:c0a8:101::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ] {
            let address: IpAddr = ip.parse().expect("an address");
            assert!(objection(address, false).is_some(), "{ip}");
        }
        for ip in [
            "1.1.1.1",
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            let address: IpAddr = ip.parse().expect("an address");
            assert_eq!(objection(address, false), None, "{ip}");
        }
    }

    #[test]
    fn the_demo_may_call_its_own_machine_and_nothing_else_more() {
        for (ip, fine) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("169.254.169.254", false),
            ("0.0.0.0", false),
            ("64:ff9b::7f00:1", false),
        ] {
            let address: IpAddr = ip.parse().expect("an address");
            assert_eq!(objection(address, true).is_none(), fine, "{ip}");
        }
    }
}
