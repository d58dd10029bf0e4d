//! Addresses: whose word on the client's address is taken, and what that address is.

use std::{
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use http::HeaderMap;

/// A network in CIDR notation (RFC 4632), or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    bits: u128,
    prefix: u32,
}

/// Text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network: write an address, or an address and a length as in 10.0.0.0/8")]
pub struct BadNetwork(String);

impl Network {
    pub(super) fn holds(&self, address: IpAddr) -> bool {
        let bits = bits(address);
        self.prefix == 0 || (bits ^ self.bits) >> (128 - self.prefix) == 0
    }
}

impl FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let wrong = || BadNetwork(text.to_owned());
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Ok(most), |l| l.parse::<u32>().map_err(|_| wrong()))?;
        if length > most {
            return Err(wrong());
        }
        Ok(Self { bits: bits(address), prefix: length + 128 - most })
    }
}

/// IPv4 as IPv6 maps it (RFC 4291, 2.5.5.2), so that both spellings of one address are the same.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// One customer: an IPv4 address, or the /64 that an IPv6 customer is given at least.
pub(super) fn customer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Who is outside, and how they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outside {
    /// The client: the socket's other end, or what a trusted proxy says.
    pub address: IpAddr,
    /// A trusted proxy says that the client came by HTTPS.
    pub https: bool,
}

impl Outside {
    /// Reads `X-Forwarded-For` from its end: the last address that is not a trusted proxy's own is the client's, whatever
    /// stands before it.
    pub(super) fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.holds(address));
        if !is_trusted(peer) {
            return Self { address: peer, https: false };
        }
        let texts: Vec<_> = headers.get_all("x-forwarded-for").iter().filter_map(|v| v.to_str().ok()).collect();
        let mut address = peer;
        for said in texts.iter().flat_map(|text| text.split(',')).rev() {
            let Ok(said) = said.trim().parse::<IpAddr>() else { break };
            address = said;
            if !is_trusted(said) {
                break;
            }
        }
        let proto = headers.get_all("x-forwarded-proto").iter().next_back().and_then(|v| v.to_str().ok());
        let https = proto.is_some_and(|p| p.rsplit(',').next().is_some_and(|p| p.trim().eq_ignore_ascii_case("https")));
        Self { address, https }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(peer: &str, forwarded: &[&str], trusted: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().ok()?);
        }
        let trusted: Vec<Network> = trusted.split(' ').filter_map(|t| t.parse().ok()).collect();
        Some(Outside::of(peer.parse().ok()?, &headers, &trusted).address.to_string())
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let is = |peer, forwarded: &[&str], trusted, wanted: &str| {
            assert_eq!(outside(peer, forwarded, trusted).as_deref(), Some(wanted), "{peer} {forwarded:?}");
        };
        is("203.0.113.9", &["198.51.100.1"], "10.0.0.0/8", "203.0.113.9");
        is("10.1.2.3", &["198.51.100.1"], "10.0.0.0/8", "198.51.100.1");
        is("10.1.2.3", &["1.1.1.1, 198.51.100.1, 10.9.9.9"], "10.0.0.0/8", "198.51.100.1");
        is("10.1.2.3", &["1.1.1.1", "198.51.100.1"], "10.0.0.0/8", "198.51.100.1");
        is("10.1.2.3", &["evil, 10.9.9.9"], "10.0.0.0/8", "10.9.9.9");
        is("10.1.2.3", &[], "10.0.0.0/8", "10.1.2.3");
        is("::ffff:10.1.2.3", &["2001:db8::1"], "10.0.0.0/8", "2001:db8::1");
        is("10.1.2.3", &["198.51.100.1"], "", "10.1.2.3");
    }

    #[test]
    fn networks_hold_what_they_say() {
        let holds = |network: &str, address: &str| {
            network.parse::<Network>().is_ok_and(|n| address.parse().is_ok_and(|a| n.holds(a)))
        };
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "2001:db8::1") && holds("::/0", "8.8.8.8"));
        assert!(holds("127.0.0.1", "127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("2001:db8::/32", "2001:db8:1::1") && !holds("2001:db8::/32", "2001:db9::1"));
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "a/8", "10.0.0.0/"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_customer_of_ipv6_is_a_64() {
        let of = |text: &str| text.parse().map(|a| customer(a).to_string()).ok();
        assert_eq!(of("2001:db8:1:2:3:4:5:6").as_deref(), Some("2001:db8:1:2::"));
        assert_eq!(of("::ffff:10.0.0.1").as_deref(), Some("10.0.0.1"));
    }
}
