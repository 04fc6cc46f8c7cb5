//! `HOST:PORT`, the address of something that Envoy calls.
//!
//! It resolves nothing. Invariant: a `HostPort` has a host and a port other than 0.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A host name or IP address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    host: String,
    port: u16,
}

/// A text that is no `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidHostPort(String);

// === impl HostPort ===

impl HostPort {
    /// The loopback address with this port.
    pub fn loopback(port: u16) -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port,
        }
    }

    /// Host name or IP address; an IPv6 address has no brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How Envoy finds the endpoints: an address is taken as it is, a name is looked up.
    pub fn discovery(&self) -> &'static str {
        match self.host.parse::<IpAddr>() {
            Ok(_) => "STATIC",
            Err(_) => "STRICT_DNS",
        }
    }
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
        }
    }
}

impl FromStr for HostPort {
    type Err = InvalidHostPort;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidHostPort(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(invalid)?;
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host = bracketed.unwrap_or(host);
        let is_name = host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
        let is_valid = match bracketed {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && is_name,
        };
        is_valid
            .then(|| Self {
                host: host.to_owned(),
                port,
            })
            .ok_or_else(invalid)
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

// === impl InvalidHostPort ===

impl fmt::Display for InvalidHostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no address: write HOST:PORT, for example 127.0.0.1:8000",
            self.0
        )
    }
}

impl std::error::Error for InvalidHostPort {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_static_and_a_name_is_looked_up() {
        for (text, discovery) in [
            ("127.0.0.1:80", "STATIC"),
            ("[::1]:8000", "STATIC"),
            ("models.internal:443", "STRICT_DNS"),
        ] {
            let address: HostPort = text.parse().unwrap();
            assert_eq!(address.discovery(), discovery, "{text}");
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "host",
            ":80",
            "host:",
            "host:0",
            "host:65536",
            "http://host:80",
            "::1:80",
        ] {
            assert!(text.parse::<HostPort>().is_err(), "{text}");
        }
    }
}
