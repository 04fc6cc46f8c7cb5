//! The key's side of a cell: status, expiry, address list with a client, and the two axes.
//!
//! Does not name resources. Invariant: every policy of the grid has a record.

use keytable::{
    AccountId, AddressList, Axis, ClientAddress, KeyHash, KeyId, Network, Record, Scope,
    ScopeEntry, Status,
};

use crate::NOW_UNIX_MS;

/// A key, and where the request with it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether it is switched on.
    pub status: Status,
    /// When it expires.
    pub expiry: Expiry,
    /// Its address list and the client.
    pub address: AddressCase,
    /// Its models axis.
    pub models: AxisCase,
    /// Its services axis.
    pub services: AxisCase,
}

/// When a key expires, seen from the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// It does not.
    Never,
    /// A millisecond later.
    Ahead,
    /// At that very moment.
    Now,
    /// A millisecond earlier.
    Past,
}

/// An address list and a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressCase {
    /// No list, an IPv4 client.
    NoList,
    /// No list, an address that cannot be read.
    NoListUnreadable,
    /// An IPv4 network, the client inside.
    V4Inside,
    /// An IPv4 network, the client just outside.
    V4Outside,
    /// An IPv4 network, the client inside but written as IPv6.
    V4Mapped,
    /// An IPv4 network, the client IPv6 with the same bytes in the compatible form.
    V4Compatible,
    /// All of IPv4, the client IPv6.
    V4AllForV6,
    /// An IPv6 network, the client inside.
    V6Inside,
    /// An IPv6 network, the client just outside.
    V6Outside,
    /// All of IPv6, the client IPv4.
    V6AllForV4,
    /// All of IPv6, the client IPv4 written as IPv6.
    V6AllForMapped,
    /// Networks of both families, the client inside the last.
    MixedInside,
    /// Networks of both families, the client inside none.
    MixedOutside,
    /// Networks of both families, an address that cannot be read.
    Unreadable,
}

/// One axis of a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisCase {
    /// Everything.
    All,
    /// An empty list.
    Empty,
    /// An exact name of this axis.
    Exact,
    /// A prefix of this axis.
    Prefix,
    /// Both.
    Both,
    /// Entries that fit names of the other axis alone.
    Crossed,
}

impl Policy {
    /// All policies, in their order.
    pub fn all() -> impl Iterator<Item = Self> {
        let keys = [Status::Enabled, Status::Disabled]
            .into_iter()
            .flat_map(|status| Expiry::ALL.map(|expiry| (status, expiry)));
        let addressed = keys
            .flat_map(|(status, expiry)| AddressCase::ALL.map(|address| (status, expiry, address)));
        addressed.flat_map(|(status, expiry, address)| {
            AxisCase::pairs().map(move |(models, services)| Self {
                status,
                expiry,
                address,
                models,
                services,
            })
        })
    }

    /// The bytes of the key's record.
    pub fn record(&self) -> Option<Vec<u8>> {
        let networks = self.address.networks().iter();
        let networks = networks.map(|text| Network::parse(text).ok());
        let record = Record {
            key_hash: KeyHash::from_bytes([0x5a; 32]),
            key_id: KeyId::parse("ak-20261123-grid").ok()?,
            account: AccountId::parse("demo").ok()?,
            status: self.status,
            expires_at_unix_ms: self.expiry.at_unix_ms(),
            addresses: AddressList::new(networks.collect::<Option<_>>()?).ok()?,
            scope: Scope {
                models: axis(self.models.model_entries())?,
                services: axis(self.services.service_entries())?,
            },
            limits: None,
            is_account_limited: false,
        };
        record.encode().ok()
    }
}

/// The axis with these entries; *all* without a list.
fn axis(entries: Option<&[&str]>) -> Option<Axis> {
    let Some(entries) = entries else {
        return Some(Axis::All);
    };
    let parsed = entries.iter().map(|text| ScopeEntry::parse(text).ok());
    parsed.collect::<Option<_>>().map(Axis::Listed)
}

impl Expiry {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Never, Self::Ahead, Self::Now, Self::Past];

    /// In milliseconds since 1970.
    pub const fn at_unix_ms(self) -> Option<u64> {
        match self {
            Self::Never => None,
            Self::Ahead => Some(NOW_UNIX_MS + 1),
            Self::Now => Some(NOW_UNIX_MS),
            Self::Past => Some(NOW_UNIX_MS - 1),
        }
    }
}

impl AddressCase {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::NoList,
        Self::NoListUnreadable,
        Self::V4Inside,
        Self::V4Outside,
        Self::V4Mapped,
        Self::V4Compatible,
        Self::V4AllForV6,
        Self::V6Inside,
        Self::V6Outside,
        Self::V6AllForV4,
        Self::V6AllForMapped,
        Self::MixedInside,
        Self::MixedOutside,
        Self::Unreadable,
    ];

    /// The key's list.
    pub const fn networks(self) -> &'static [&'static str] {
        match self {
            Self::NoList | Self::NoListUnreadable => &[],
            Self::V4Inside | Self::V4Outside | Self::V4Mapped | Self::V4Compatible => {
                &["10.20.0.0/14"]
            }
            Self::V4AllForV6 => &["0.0.0.0/0"],
            Self::V6Inside | Self::V6Outside => &["2001:db8:40::/42"],
            Self::V6AllForV4 | Self::V6AllForMapped => &["::/0"],
            Self::MixedInside | Self::MixedOutside | Self::Unreadable => &[
                "192.0.2.7",
                "10.20.0.0/14",
                "2001:db8::7",
                "2001:db8:40::/42",
            ],
        }
    }

    /// The client as Envoy gives it.
    pub fn client(self) -> Option<ClientAddress> {
        ClientAddress::parse(match self {
            Self::NoList | Self::V6AllForV4 => b"192.0.2.1:40001",
            Self::NoListUnreadable | Self::Unreadable => b"/run/envoy.sock",
            Self::V4Inside => b"10.23.255.255:40001",
            Self::V4Outside => b"10.24.0.0:40001",
            Self::V4Mapped => b"[::ffff:10.20.0.0]:40001",
            Self::V4Compatible => b"[::10.20.0.0]:40001",
            Self::V4AllForV6 | Self::V6Outside => b"[2001:db8:80::]:40001",
            Self::V6Inside => b"[2001:db8:7f:ffff::1]:40001",
            Self::V6AllForMapped => b"[::ffff:192.0.2.1]:40001",
            Self::MixedInside => b"[2001:db8:40::]:40001",
            Self::MixedOutside => b"192.0.2.8:40001",
        })
    }
}

impl AxisCase {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::All,
        Self::Empty,
        Self::Exact,
        Self::Prefix,
        Self::Both,
        Self::Crossed,
    ];

    /// Every models axis with every services axis.
    fn pairs() -> impl Iterator<Item = (Self, Self)> {
        Self::ALL
            .into_iter()
            .flat_map(|models| Self::ALL.map(|services| (models, services)))
    }

    /// The entries of this case as a models axis, as they are written; `None` = *all*.
    pub const fn model_entries(self) -> Option<&'static [&'static str]> {
        match self {
            Self::All => None,
            Self::Empty => Some(&[]),
            Self::Exact => Some(&["glm-5.1"]),
            Self::Prefix => Some(&["deepseek-*"]),
            Self::Both => Some(&["deepseek-*", "glm-5.1"]),
            Self::Crossed => Some(&["ep-chat", "@team/*"]),
        }
    }

    /// The entries of this case as a services axis, as they are written; `None` = *all*.
    pub const fn service_entries(self) -> Option<&'static [&'static str]> {
        match self {
            Self::All => None,
            Self::Empty => Some(&[]),
            Self::Exact => Some(&["ep-chat"]),
            Self::Prefix => Some(&["@team/*"]),
            Self::Both => Some(&["ep-chat", "@team/*"]),
            Self::Crossed => Some(&["deepseek-*", "glm-5.1"]),
        }
    }
}
