//! IP allowlists: networks as an admin writes them, and the client address as Envoy gives it.
//!
//! Strict on purpose: a form that two programs could read differently (leading zeros, host bits,
//! zone ids, IPv4-mapped IPv6) is refused with what to write instead. Never reads a header.
//!
//! Invariant: an [`AddressList`] has at most 50 different networks in canonical form; an IPv4
//! client is admitted by IPv4 networks only.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;

use crate::limits::NETWORKS_MAX;

/// The networks a key may be used from; empty means anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressList(Vec<Network>);

/// An IPv4 or IPv6 network without host bits; a single address is a network of full length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpNet);

/// The downstream address of a request, IPv4-mapped IPv6 already turned into IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(IpAddr);

/// Why a text is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// Neither an address nor `address/length`.
    NotANetwork,
    /// The part behind `/` is no plain number within the address's length.
    PrefixLength,
    /// An octet or prefix length with leading zeros, which some programs read as octal.
    LeadingZero,
    /// A zone id such as `%eth0`, which means nothing on another machine.
    ZoneId,
    /// IPv4 written as IPv6; write the network inside.
    MappedIpv4(Ipv4Addr),
    /// Bits behind the prefix length are set; write the network inside.
    HostBits(Network),
}

/// Why networks are not a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressListError {
    /// More than [`NETWORKS_MAX`].
    TooMany(usize),
    /// The network at this index stands earlier in the list.
    Duplicate(usize),
}

impl Network {
    /// Reads `10.0.0.0/8`, `10.1.2.3`, `2001:db8::/32` or `2001:db8::7`.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let (address_text, length_text) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address = parse_address(address_text)?;
        let length_max = if address.is_ipv4() { 32 } else { 128 };
        let length = match length_text {
            Some(digits) => parse_length(digits, length_max)?,
            None => length_max,
        };
        let net = IpNet::new(address, length).map_err(|_| NetworkError::PrefixLength)?;
        if net != net.trunc() {
            return Err(NetworkError::HostBits(Self(net.trunc())));
        }
        Ok(Self(net))
    }

    /// The network of a stored record; `None` for what [`Network::parse`] refuses: host bits, an
    /// impossible length, IPv4 written as IPv6.
    pub(crate) fn from_parts(address: IpAddr, length: u8) -> Option<Self> {
        let net = IpNet::new(address, length).ok()?;
        let canonical = net == net.trunc() && address == address.to_canonical();
        canonical.then_some(Self(net))
    }

    /// The network address.
    pub fn address(&self) -> IpAddr {
        self.0.addr()
    }

    /// The prefix length, in bits.
    pub fn length(&self) -> u8 {
        self.0.prefix_len()
    }

    /// Whether a client at this address is inside.
    pub fn admits(&self, client: &ClientAddress) -> bool {
        self.0.contains(&client.0)
    }
}

impl AddressList {
    /// A list of at most 50 different networks.
    pub fn new(networks: Vec<Network>) -> Result<Self, AddressListError> {
        if networks.len() > NETWORKS_MAX {
            return Err(AddressListError::TooMany(networks.len()));
        }
        for (index, network) in networks.iter().enumerate() {
            if networks
                .iter()
                .take(index)
                .any(|earlier| earlier == network)
            {
                return Err(AddressListError::Duplicate(index));
            }
        }
        Ok(Self(networks))
    }

    /// The networks, in the order they were written.
    pub fn networks(&self) -> &[Network] {
        &self.0
    }
}

impl ClientAddress {
    /// Reads Envoy's `source.address`, `192.0.2.1:4711` or `[2001:db8::1]:4711`, or an address
    /// alone. `None` for anything else (a Unix socket, an internal listener, a zone id).
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(bytes).ok()?;
        if text.contains('%') {
            return None;
        }
        let with_port = text.parse::<SocketAddr>().map(|socket| socket.ip());
        with_port.or_else(|_| text.parse()).ok().map(Self::new)
    }

    /// A client's address, from whatever socket.
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The address, canonical.
    pub fn get(&self) -> IpAddr {
        self.0
    }
}

fn parse_address(text: &str) -> Result<IpAddr, NetworkError> {
    if text.contains('%') {
        return Err(NetworkError::ZoneId);
    }
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return match address.to_ipv4_mapped() {
            Some(inner) => Err(NetworkError::MappedIpv4(inner)),
            None => Ok(IpAddr::V6(address)),
        };
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(IpAddr::V4(address));
    }
    let numeric = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let zero_led = |part: &str| numeric(part) && part.len() > 1 && part.starts_with('0');
    if text.split('.').all(numeric) && text.split('.').any(zero_led) {
        return Err(NetworkError::LeadingZero);
    }
    Err(NetworkError::NotANetwork)
}

fn parse_length(digits: &str, max: u8) -> Result<u8, NetworkError> {
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(NetworkError::LeadingZero);
    }
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let length = digits
        .parse::<u8>()
        .ok()
        .filter(|length| plain && *length <= max);
    length.ok_or(NetworkError::PrefixLength)
}

// === impl Network ===

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

// === impl NetworkError ===

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANetwork => f.write_str(
                "is not an IP address or network: write for example 192.0.2.7, 10.0.0.0/8 or \
                 2001:db8::/32",
            ),
            Self::PrefixLength => f.write_str(
                "has a bad prefix length: write a number from 0 to 32 (IPv4) or 128 (IPv6) \
                 behind the '/'",
            ),
            Self::LeadingZero => f.write_str(
                "has leading zeros, which some programs read as octal: write it without them",
            ),
            Self::ZoneId => f.write_str("has a zone id: write the address without '%...'"),
            Self::MappedIpv4(inner) => {
                write!(
                    f,
                    "is an IPv4 address written as IPv6: write the IPv4 form, as {inner}"
                )
            }
            Self::HostBits(network) => {
                write!(
                    f,
                    "has bits set behind its prefix length: write {network} instead"
                )
            }
        }
    }
}

impl core::error::Error for NetworkError {}

// === impl AddressListError ===

impl fmt::Display for AddressListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany(count) => {
                write!(f, "has {count} entries: at most {NETWORKS_MAX} are allowed")
            }
            Self::Duplicate(_) => f.write_str("stands earlier in the list: remove one of the two"),
        }
    }
}

impl core::error::Error for AddressListError {}
