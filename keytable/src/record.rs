//! The record: the compiled policy of one key, as bytes.
//!
//! [`Record`] is what the sidecar writes; [`RecordView`] is what the filter reads, in place and
//! without allocation. Layout in FORMAT.md. Does not hold the key, its name or its description.
//!
//! Invariant: a [`RecordView`] exists only for bytes that are whole, canonical and pass their
//! checksum; `encode` and `parse` are inverse to each other.

mod account;
mod entries;
mod kept;
mod networks;
mod older;

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::{AddressList, ClientAddress, Network};
use crate::encoding::wire::{Reader, Write};
use crate::key_hash::KeyHash;
use crate::key_id::{self, AccountId, KeyId};
use crate::limit::{self, LimitSubject, RecordedLimit, RecordedLimits};
use crate::limits::RECORD_BYTES_MAX;
use crate::norm::Norm;
use crate::scope::{Axis, AxisKind, Scope};
use entries::{Entries, axis_of, put_entries, read_entries};
use networks::{V4_BYTES, V6_BYTES, inside, put_networks, read_networks, split_network};

pub use account::AccountRecord;
pub use kept::KeptRecord;

const STATUS_ENABLED: u8 = 1;
const STATUS_DISABLED: u8 = 2;
const FLAG_MODELS_ALL: u8 = 1;
const FLAG_SERVICES_ALL: u8 = 2;
/// Limits stand behind the entries.
const FLAG_LIMITED: u8 = 4;
/// The key's account has limits, in a record of its own.
const FLAG_ACCOUNT_LIMITED: u8 = 8;
/// The record is an account's and no key's.
const FLAG_ACCOUNT: u8 = 16;
const FLAGS: u8 = 31;
const CHECKSUM_BYTES: usize = 4;

/// Whether a key may be used at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Enabled,
    /// An admin switched it off; it can be switched on again.
    Disabled,
}

/// The policy of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which key.
    pub key_hash: KeyHash,
    /// Its public handle.
    pub key_id: KeyId,
    /// Whose it is.
    pub account: AccountId,
    /// Whether it is switched on.
    pub status: Status,
    /// From when on it is refused, in milliseconds since 1970; `None` = never.
    pub expires_at_unix_ms: Option<u64>,
    /// Where from.
    pub addresses: AddressList,
    /// What for.
    pub scope: Scope,
    /// How much; `None` = no limits of its own.
    pub limits: Option<RecordedLimits>,
    /// Whether its account has limits: then there is an [`AccountRecord`] too, and who does not find it
    /// serves no key of the account.
    pub is_account_limited: bool,
}

/// A record read in place.
#[derive(Clone, Copy)]
pub struct RecordView<'a> {
    bytes: &'a [u8],
    key_hash: KeyHash,
    status: Status,
    flags: u8,
    expires_at_unix_ms: u64,
    key_id: &'a str,
    account: &'a str,
    networks_v4: &'a [u8],
    networks_v6: &'a [u8],
    models: &'a [u8],
    services: &'a [u8],
    /// Whose limits, and they; empty if there are none.
    limits: &'a [u8],
}

/// Why bytes are not a record, or a record has no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The bytes end too early, or go on behind the record.
    Length,
    /// The checksum is wrong: the bytes were damaged.
    Checksum,
    /// A field has a value that the format does not know.
    Value,
    /// More networks, scope entries or bytes than [`crate::limits`] allow.
    TooLarge,
}

impl Record {
    /// The bytes of the record; an error if [`RecordView::parse`] would refuse them.
    pub fn encode(&self) -> Result<Vec<u8>, RecordError> {
        let limits = self.limits.as_ref();
        let own = limits.map(|own| (own.subject.as_str(), own.limits.as_slice()));
        let account = match self.is_account_limited {
            true => FLAG_ACCOUNT_LIMITED,
            false => 0,
        };
        self.encode_with(own, account)
    }

    fn encode_with(
        &self,
        limits: Option<(&str, &[RecordedLimit])>,
        flags: u8,
    ) -> Result<Vec<u8>, RecordError> {
        let fits = self.scope.models.fits() && self.scope.services.fits();
        let limited = limits.map_or(0, |_| FLAG_LIMITED);
        let mut out = Vec::with_capacity(256);
        out.put_u32(0);
        out.put(self.key_hash.as_bytes());
        out.push(match self.status {
            Status::Enabled => STATUS_ENABLED,
            Status::Disabled => STATUS_DISABLED,
        });
        out.push(flags_of(&self.scope) | limited | flags);
        out.put_u16(0);
        out.put_u64(self.expires_at_unix_ms.unwrap_or(u64::MAX));
        put_text(&mut out, self.key_id.as_str());
        put_text(&mut out, self.account.as_str());
        put_networks(&mut out, &self.addresses);
        put_entries(&mut out, &self.scope.models)?;
        put_entries(&mut out, &self.scope.services)?;
        if let Some((subject, limits)) = limits {
            put_text(&mut out, subject);
            limit::put_limits(&mut out, limits);
        }
        match fits {
            true => sealed(out),
            false => Err(RecordError::TooLarge),
        }
    }
}

/// A record whose fields are written: with its length in front and its checksum behind.
fn sealed(mut out: Vec<u8>) -> Result<Vec<u8>, RecordError> {
    let length = out.len() + CHECKSUM_BYTES;
    if length > RECORD_BYTES_MAX {
        return Err(RecordError::TooLarge);
    }
    let prefix = u32::try_from(length).map_err(|_| RecordError::TooLarge)?;
    let field = out.iter_mut().zip(prefix.to_le_bytes());
    field.for_each(|(byte, value)| *byte = value);
    let sum = crc32fast::hash(&out);
    out.put_u32(sum);
    RecordView::parse(&out)?;
    Ok(out)
}

impl<'a> RecordView<'a> {
    /// Splits the first record off `bytes`; gives it and the rest.
    pub fn split_first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), RecordError> {
        let length = Reader::new(bytes).length().ok_or(RecordError::Length)?;
        let (record, rest) = bytes.split_at_checked(length).ok_or(RecordError::Length)?;
        Ok((Self::parse(record)?, rest))
    }

    /// Reads exactly one record.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let body = intact_body(bytes)?;
        Self::read(bytes, body).ok_or(RecordError::Value)
    }

    fn read(bytes: &'a [u8], body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let length = reader.length()?;
        let key_hash = KeyHash::from_bytes(reader.array()?);
        let status = match reader.u8()? {
            STATUS_ENABLED => Status::Enabled,
            STATUS_DISABLED => Status::Disabled,
            _ => return None,
        };
        let flags = reader.u8()?;
        let reserved = reader.u16()?;
        if length != bytes.len() || reserved != 0 || flags > FLAGS {
            return None;
        }
        let expires_at_unix_ms = reader.u64()?;
        let key_id = read_text(&mut reader)?;
        let account = read_text(&mut reader)?;
        let (networks_v4, networks_v6) = read_networks(&mut reader)?;
        let models = read_entries(&mut reader, flags & FLAG_MODELS_ALL != 0)?;
        let services = read_entries(&mut reader, flags & FLAG_SERVICES_ALL != 0)?;
        let limits = read_subject_limits(&mut reader, flags)?;
        let view = Self {
            bytes,
            key_hash,
            status,
            flags,
            expires_at_unix_ms,
            key_id,
            account,
            networks_v4,
            networks_v6,
            models,
            services,
            limits,
        };
        (reader.rest().is_empty() && view.is_of_its_kind()).then_some(view)
    }

    /// The record's own bytes, as a bucket or a frame holds them.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Which key.
    pub const fn key_hash(&self) -> KeyHash {
        self.key_hash
    }

    /// Whether the key is switched on.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// From when on the key is refused, in milliseconds since 1970; `None` = never.
    pub const fn expires_at_unix_ms(&self) -> Option<u64> {
        match self.expires_at_unix_ms {
            u64::MAX => None,
            at => Some(at),
        }
    }

    /// The key's public handle.
    pub const fn key_id(&self) -> &'a str {
        self.key_id
    }

    /// The key's account.
    pub const fn account(&self) -> &'a str {
        self.account
    }

    /// Whether the client's address has to be known to decide.
    pub const fn has_address_list(&self) -> bool {
        !self.networks_v4.is_empty() || !self.networks_v6.is_empty()
    }

    /// Whether both axes are *all*, so that what a request names does not matter.
    pub const fn is_unrestricted(&self) -> bool {
        self.flags & (FLAG_MODELS_ALL | FLAG_SERVICES_ALL) == FLAG_MODELS_ALL | FLAG_SERVICES_ALL
    }

    /// Whether the key has limits of its own.
    pub const fn has_limits(&self) -> bool {
        self.flags & FLAG_LIMITED != 0
    }

    /// Whether the key's account has limits, in a record of its own.
    pub const fn is_account_limited(&self) -> bool {
        self.flags & FLAG_ACCOUNT_LIMITED != 0
    }

    /// Whether this is the record of an account, which permits nothing.
    pub const fn is_account(&self) -> bool {
        self.flags & FLAG_ACCOUNT != 0
    }

    /// Its own limits and whose they are: a key's, or an account's in its record. `None` = it has none.
    pub fn limits(&self) -> Option<(LimitSubject, Vec<RecordedLimit>)> {
        let mut reader = Reader::new(self.limits);
        let id = read_text(&mut reader)?;
        let subject = match self.is_account() {
            true => LimitSubject::Account(AccountId::parse(id).ok()?),
            false => LimitSubject::Key(KeyId::parse(id).ok()?),
        };
        Some((subject, limit::read_limits(&mut reader)?))
    }

    /// Whether a client at this address is on the list. Only asked if there is a list.
    pub fn admits_address(&self, client: &ClientAddress) -> bool {
        match client.get() {
            IpAddr::V4(address) => self.networks_v4.chunks_exact(V4_BYTES).any(|chunk| {
                let (net, length) = split_network::<4>(chunk);
                inside(u32::from(address), u32::from_be_bytes(net), length, 32)
            }),
            IpAddr::V6(address) => self.networks_v6.chunks_exact(V6_BYTES).any(|chunk| {
                let (net, length) = split_network::<16>(chunk);
                inside(u128::from(address), u128::from_be_bytes(net), length, 128)
            }),
        }
    }

    /// Whether a requested name is in scope, as it was sent or in another of its spellings. The
    /// axis is the same for all of them.
    pub fn covers(&self, name: &[u8], norm: Norm) -> bool {
        let (all, entries) = match norm.axis_of(name) {
            AxisKind::Models => (FLAG_MODELS_ALL, self.models),
            AxisKind::Services => (FLAG_SERVICES_ALL, self.services),
        };
        let is_listed = |name: &[u8]| Entries(entries).any(|entry| entry.covers(name));
        let others = || core::str::from_utf8(name).map(|name| norm.other_spellings(name));
        self.flags & all != 0
            || is_listed(name)
            || others().is_ok_and(|others| others.iter().any(|name| is_listed(name.as_bytes())))
    }

    /// The record as the sidecar wrote it; `None` for an account's.
    pub fn to_record(&self) -> Option<Record> {
        if self.is_account() {
            return None;
        }
        let limits = match self.limits() {
            Some((LimitSubject::Key(subject), limits)) => Some(RecordedLimits { subject, limits }),
            Some((LimitSubject::Account(_), _)) | None => None,
        };
        let v4 = self.networks_v4.chunks_exact(V4_BYTES).map(|chunk| {
            let (net, length) = split_network::<4>(chunk);
            Network::from_parts(IpAddr::V4(Ipv4Addr::from(net)), length)
        });
        let v6 = self.networks_v6.chunks_exact(V6_BYTES).map(|chunk| {
            let (net, length) = split_network::<16>(chunk);
            Network::from_parts(IpAddr::V6(Ipv6Addr::from(net)), length)
        });
        Some(Record {
            key_hash: self.key_hash,
            key_id: KeyId::parse(self.key_id).ok()?,
            account: AccountId::parse(self.account).ok()?,
            status: self.status,
            expires_at_unix_ms: self.expires_at_unix_ms(),
            addresses: AddressList::new(v4.chain(v6).collect::<Option<Vec<_>>>()?).ok()?,
            scope: Scope {
                models: axis_of(self.models, self.flags & FLAG_MODELS_ALL != 0)?,
                services: axis_of(self.services, self.flags & FLAG_SERVICES_ALL != 0)?,
            },
            limits,
            is_account_limited: self.is_account_limited(),
        })
    }
}

/// A record's bytes without their checksum, which was right.
pub(crate) fn intact_body(bytes: &[u8]) -> Result<&[u8], RecordError> {
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(RecordError::TooLarge);
    }
    let (body, sum) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or(RecordError::Length)?;
    if crc32fast::hash(body) == u32::from_le_bytes(*sum) {
        Ok(body)
    } else {
        Err(RecordError::Checksum)
    }
}

fn flags_of(scope: &Scope) -> u8 {
    let flag = |axis: &Axis, bit| if *axis == Axis::All { bit } else { 0 };
    flag(&scope.models, FLAG_MODELS_ALL) | flag(&scope.services, FLAG_SERVICES_ALL)
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.put(text.as_bytes());
}

fn read_text<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    let length = usize::from(reader.u8()?);
    let bytes = reader.bytes(length)?;
    key_id::check(bytes).ok()?;
    core::str::from_utf8(bytes).ok()
}

/// The bytes of the limits, each checked, and of whose they are.
fn read_subject_limits<'a>(reader: &mut Reader<'a>, flags: u8) -> Option<&'a [u8]> {
    let start = reader.rest();
    if flags & FLAG_LIMITED != 0 {
        read_text(reader)?;
        let limits = limit::read_limits(reader)?;
        if limits.is_empty() && flags & FLAG_ACCOUNT == 0 {
            return None;
        }
    }
    start.get(..start.len() - reader.rest().len())
}

// === impl RecordView ===

impl fmt::Debug for RecordView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordView")
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

// === impl RecordError ===

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "the record ends too early or too late",
            Self::Checksum => "the record's checksum is wrong",
            Self::Value => "the record has a value that this format version does not know",
            Self::TooLarge => "the record is larger than the format allows",
        })
    }
}

impl core::error::Error for RecordError {}
