//! `allowed_outbound_hosts`: which peers a component may talk to, in the forms
//! that Spin takes: `scheme://host[:port]` with `*`, `*.domain`, CIDR, port
//! ranges and `self`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

use anyhow::{Context, Result, bail};
use ipnet::IpNet;
use url::Host;

/// The suffix of the names by which components call each other in process.
const CHAIN_SUFFIX: &str = ".spin.internal";

/// The component that `host` stands for, if it is `NAME.spin.internal`.
pub(crate) fn chained_component(host: &str) -> Option<&str> {
    host.strip_suffix(CHAIN_SUFFIX)
}

#[derive(Clone, Debug, Default)]
pub struct AllowList(Vec<Entry>);

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    /// `None` is `*`.
    scheme: Option<String>,
    host: HostRule,
    /// Without the end, as in Spin. `None` is `*`.
    ports: Option<Range<u32>>,
}

#[derive(Clone, Debug, PartialEq)]
enum HostRule {
    Any,
    /// `*.example.com`, kept as `.example.com`.
    Subdomain(String),
    Itself,
    Literal(Host),
    Network(IpNet),
}

impl AllowList {
    /// `resolved` are the entries with their templates filled in. One that a
    /// variable left empty is skipped, so that an optional peer can be unset.
    pub fn parse(resolved: &[String]) -> Result<Self> {
        resolved
            .iter()
            .filter(|entry| !matches!(entry.as_str(), "" | "http://" | "https://"))
            .map(|entry| {
                parse_entry(entry).with_context(|| format!("allowed_outbound_hosts: `{entry}`"))
            })
            .collect::<Result<_>>()
            .map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `scheme://host:port` may be called.
    pub fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let Ok(host) = Host::parse(host) else { return false };
        self.allows_peer(scheme, &host, port.or_else(|| default_port(scheme)))
    }

    fn allows_peer(&self, scheme: &str, host: &Host, port: Option<u16>) -> bool {
        self.0.iter().any(|entry| {
            entry.allows_scheme(scheme) && entry.host.allows(host) && entry.allows_port(port)
        })
    }

    /// Whether the application may call its own public routes.
    pub fn allows_itself(&self) -> bool {
        self.0.iter().any(|entry| {
            matches!(entry.host, HostRule::Any | HostRule::Itself)
                && (entry.allows_scheme("http") || entry.allows_scheme("https"))
        })
    }

    /// Whether raw sockets lead anywhere; `scheme` is `tcp` or `udp`.
    pub fn allows_sockets(&self, scheme: &str) -> bool {
        self.0.iter().any(|entry| entry.allows_scheme(scheme))
    }

    /// Whether a raw socket to `address` is allowed; `scheme` is `tcp` or `udp`.
    pub fn allows_socket(&self, scheme: &str, address: IpAddr, port: u16) -> bool {
        let host = match address.to_canonical() {
            IpAddr::V4(address) => Host::Ipv4(address),
            IpAddr::V6(address) => Host::Ipv6(address),
        };
        self.allows_peer(scheme, &host, Some(port))
    }
}

impl Entry {
    fn allows_scheme(&self, scheme: &str) -> bool {
        self.scheme.as_deref().is_none_or(|allowed| allowed == scheme)
    }

    fn allows_port(&self, port: Option<u16>) -> bool {
        let Some(ports) = &self.ports else { return true };
        port.is_some_and(|port| ports.contains(&port.into()))
    }
}

impl HostRule {
    fn allows(&self, host: &Host<String>) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Subdomain(suffix), Host::Domain(name)) => name.ends_with(suffix),
            (Self::Literal(literal), host) => literal == host,
            (Self::Network(network), Host::Ipv4(v4)) => network.contains(&IpAddr::V4(*v4)),
            (Self::Network(network), Host::Ipv6(v6)) => network.contains(&IpAddr::V6(*v6)),
            (Self::Subdomain(_) | Self::Network(_) | Self::Itself, _) => false,
        }
    }
}

fn parse_entry(entry: &str) -> Result<Entry> {
    let Some((scheme, rest)) = entry.trim().split_once("://") else {
        bail!("write <scheme>://<host>[:<port>], each may be `*`");
    };
    if scheme != "*" && (scheme.is_empty() || !scheme.chars().all(char::is_alphabetic)) {
        bail!("scheme `{scheme}` is not a word and not `*`");
    }
    let (host, port) = match rest.rsplit_once(':') {
        Some((_, tail)) if !tail.is_empty() && parse_host(rest).is_ok() => (rest, ""),
        Some((host, tail)) => (host, tail),
        None => (rest, ""),
    };
    Ok(Entry {
        scheme: (scheme != "*").then(|| scheme.to_owned()),
        host: parse_host(host)?,
        ports: parse_ports(port.strip_suffix('/').unwrap_or(port), scheme)?,
    })
}

fn parse_host(host: &str) -> Result<HostRule> {
    match host {
        "*" => return Ok(HostRule::Any),
        "self" | "self.alt" => return Ok(HostRule::Itself),
        _ => {}
    }
    if let Ok(network) = host.parse::<IpNet>() {
        return Ok(HostRule::Network(network.trunc()));
    }
    let host = host.strip_suffix('/').unwrap_or(host);
    if host.contains('/') {
        bail!("an entry has no path");
    }
    if let Some(domain) = host.strip_prefix("*.") {
        return match Host::parse(domain) {
            Ok(Host::Domain(domain)) if !domain.contains('*') => {
                Ok(HostRule::Subdomain(format!(".{domain}")))
            }
            _ => bail!("`*.` is followed by a domain name"),
        };
    }
    if host.contains('*') {
        bail!("`*` stands alone or in front of a domain");
    }
    Ok(HostRule::Literal(Host::parse(host).with_context(|| format!("host `{host}`"))?))
}

fn parse_ports(port: &str, scheme: &str) -> Result<Option<Range<u32>>> {
    let number =
        |text: &str| text.parse::<u16>().with_context(|| format!("port `{text}` is not a number"));
    let range = |start: u16, end: u32| Some(start.into()..end);
    let one = |port: u16| range(port, u32::from(port) + 1);
    Ok(match port {
        "" => one(default_port(scheme)
            .with_context(|| format!("scheme `{scheme}` has no default port; write one or `*`"))?),
        "*" => None,
        _ => match port.split_once("..") {
            Some((start, end)) => range(number(start)?, number(end)?.into()),
            None => one(number(port)?),
        },
    })
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        _ => None,
    }
}

/// Networks that no component may reach, whatever its list says.
/// `[outbound_networking] block_networks` of the runtime config file.
#[derive(Clone, Debug, Default)]
pub struct BlockedNetworks {
    networks: Vec<IpNet>,
    /// `"private"`: everything that is not on the public internet.
    private: bool,
}

impl BlockedNetworks {
    pub fn parse(entries: &[String]) -> Result<Self> {
        let mut blocked = Self::default();
        for entry in entries {
            if entry == "private" {
                blocked.private = true;
            } else if let Ok(network) = entry.parse::<IpNet>() {
                blocked.networks.push(network);
            } else {
                bail!(
                    "outbound_networking.block_networks: `{entry}` is not a network and not `private`"
                );
            }
        }
        Ok(blocked)
    }

    /// An IPv4 address written as IPv6 counts as the IPv4 address, and "any address" as well as this
    /// machine, which is where a connection to it leads.
    pub fn contains(&self, address: IpAddr) -> bool {
        let within = ipv4_within(address).map_or(address, IpAddr::V4);
        let reached = match within {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            address => address,
        };
        [address, within, reached]
            .iter()
            .any(|address| self.networks.iter().any(|network| network.contains(address)))
            || self.private && !(is_public(within) && is_public(reached))
    }
}

/// Mapped (RFC 4291, 2.5.5.2), or behind a translator (RFC 6052, 2.1).
fn ipv4_within(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = v6.segments() else { return v6.to_ipv4_mapped() };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_documentation()
                || v4.is_multicast()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (18..20).contains(&b))
                || (a == 192 && b == 0 && c == 0))
        }
        IpAddr::V6(v6) => {
            // Only 2000::/3 is global; of that the documentation prefix is not.
            let first = v6.segments()[0];
            (first & 0xe000) == 0x2000 && !(first == 0x2001 && v6.segments()[1] == 0x0db8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> AllowList {
        let entries: Vec<_> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        AllowList::parse(&entries).expect("entries parse")
    }

    #[test]
    fn sockets_are_for_their_schemes_alone() {
        let address = IpAddr::from([127, 0, 0, 1]);
        for (entry, schemes, tcp, udp) in [
            ("*://127.0.0.1:4", &["tcp", "udp"][..], true, true),
            ("tcp://127.0.0.1:*", &["tcp"], true, false),
            ("udp://127.0.0.1:4", &["udp"], false, true),
            ("tcp://127.0.0.1:5", &["tcp"], false, false),
            ("http://127.0.0.1:4", &[], false, false),
        ] {
            let list = AllowList::parse(&[entry.to_owned()]).expect(entry);
            assert_eq!(list.allows_socket("tcp", address, 4), tcp, "{entry}");
            assert_eq!(list.allows_socket("udp", address, 4), udp, "{entry}");
            for scheme in ["tcp", "udp"] {
                let expected = schemes.contains(&scheme);
                assert_eq!(list.allows_sockets(scheme), expected, "{entry} {scheme}");
            }
        }
    }

    #[test]
    fn the_forms_that_spin_takes() {
        let cases = [
            ("http://example.com", "http", "example.com", None, true),
            ("http://example.com", "http", "example.com", Some(80), true),
            ("http://example.com", "http", "example.com", Some(8080), false),
            ("http://example.com", "https", "example.com", None, false),
            ("http://example.com", "http", "www.example.com", None, false),
            ("http://example.com:8080", "http", "example.com", Some(8080), true),
            ("http://example.com:8080/", "http", "example.com", Some(8080), true),
            ("*://example.com:*", "https", "example.com", Some(1), true),
            ("https://*.example.com", "https", "a.b.example.com", None, true),
            ("https://*.example.com", "https", "example.com", None, false),
            ("https://*.example.com", "https", "evilexample.com", None, false),
            ("http://10.0.0.0/8:*", "http", "10.255.0.1", Some(99), true),
            ("http://10.0.0.0/8:*", "http", "11.0.0.1", Some(99), false),
            ("http://10.0.0.0/8:*", "http", "ten.example.com", Some(99), false),
            ("http://127.0.0.1:4000..4010", "http", "127.0.0.1", Some(4009), true),
            ("http://127.0.0.1:4000..4010", "http", "127.0.0.1", Some(4010), false),
            ("http://[::1]:80", "http", "[::1]", None, true),
            ("http://*", "http", "anything", None, true),
            ("http://auth.spin.internal", "http", "auth.spin.internal", None, true),
            ("http://*.spin.internal", "http", "auth.spin.internal", None, true),
            ("http://self", "http", "example.com", None, false),
        ];
        for (entry, scheme, host, port, expected) in cases {
            assert_eq!(
                list(&[entry]).allows(scheme, host, port),
                expected,
                "{entry} {scheme} {host} {port:?}"
            );
        }
        assert!(list(&["http://self"]).allows_itself());
        assert!(!list(&["http://example.com"]).allows_itself());
        assert!(list(&["", "http://"]).is_empty());
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let forms =
            "example.com * http://a/b http://a*b ftp://a http://a:x http://*.*.com h-p://a:1";
        for entry in forms.split(' ') {
            assert!(AllowList::parse(&[entry.to_owned()]).is_err(), "{entry}");
        }
    }

    #[test]
    fn blocked_networks_see_through_mapped_addresses() {
        let blocked = BlockedNetworks::parse(&["127.0.0.0/8".to_owned()]).expect("parses");
        for address in
            ["127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "::ffff:0.0.0.0", "64:ff9b::7f00:1"]
        {
            assert!(blocked.contains(address.parse().expect("address")), "{address}");
        }
        let translators = BlockedNetworks::parse(&["64:ff9b::/96".to_owned()]).expect("parses");
        assert!(translators.contains("64:ff9b::102:304".parse().expect("address")));
        assert!(!blocked.contains("64:ff9b::102:304".parse().expect("address")));
        let any = BlockedNetworks::parse(&["::1/128".to_owned()]).expect("parses");
        assert!(any.contains("::".parse().expect("address")));
        let private = BlockedNetworks::parse(&["private".to_owned()]).expect("parses");
        for address in
            ["10.1.1.1", "169.254.169.254", "::1", "fd00::1", "100.64.0.1", "::ffff:192.168.0.1"]
        {
            assert!(private.contains(address.parse().expect("address")), "{address}");
        }
        assert!(!private.contains("1.1.1.1".parse().expect("address")));
    }
}
