//! The record: the compiled policy of one key, as bytes.
//!
//! [`Record`] is what the sidecar writes; [`RecordView`] is what the filter reads, in place and
//! without allocation. Layout in FORMAT.md. Does not hold the key, its name or its description.
//!
//! Invariant: a [`RecordView`] exists only for bytes that are whole, canonical and pass their
//! checksum; `encode` and `parse` are inverse to each other.

mod kept;

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::address::{AddressList, ClientAddress, Network};
use crate::encoding::wire::{Reader, Write};
use crate::key_hash::KeyHash;
use crate::key_id::{self, AccountId, KeyId};
use crate::limits::{NETWORKS_MAX, RECORD_BYTES_MAX, SCOPE_ENTRIES_MAX, SCOPE_ENTRY_BYTES_MAX};
use crate::norm::Norm;
use crate::scope::{Axis, AxisKind, Scope, ScopeEntry, prefix_covers};

pub use kept::KeptRecord;

const STATUS_ENABLED: u8 = 1;
const STATUS_DISABLED: u8 = 2;
const FLAG_MODELS_ALL: u8 = 1;
const FLAG_SERVICES_ALL: u8 = 2;
const ENTRY_EXACT: u8 = 1;
const ENTRY_PREFIX: u8 = 2;
const CHECKSUM_BYTES: usize = 4;
const V4_BYTES: usize = 5;
const V6_BYTES: usize = 17;

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
        let fits = self.scope.models.fits() && self.scope.services.fits();
        let mut out = Vec::with_capacity(256);
        out.put_u32(0);
        out.put(self.key_hash.as_bytes());
        out.push(match self.status {
            Status::Enabled => STATUS_ENABLED,
            Status::Disabled => STATUS_DISABLED,
        });
        out.push(flags_of(&self.scope));
        out.put_u16(0);
        out.put_u64(self.expires_at_unix_ms.unwrap_or(u64::MAX));
        put_text(&mut out, self.key_id.as_str());
        put_text(&mut out, self.account.as_str());
        put_networks(&mut out, &self.addresses);
        put_entries(&mut out, &self.scope.models)?;
        put_entries(&mut out, &self.scope.services)?;
        let length = out.len() + CHECKSUM_BYTES;
        if !fits || length > RECORD_BYTES_MAX {
            return Err(RecordError::TooLarge);
        }
        let prefix = u32::try_from(length)
            .map_err(|_| RecordError::TooLarge)?
            .to_le_bytes();
        out.iter_mut()
            .zip(prefix)
            .for_each(|(byte, value)| *byte = value);
        let sum = crc32fast::hash(&out);
        out.put_u32(sum);
        RecordView::parse(&out)?;
        Ok(out)
    }
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
        if length != bytes.len() || reserved != 0 || flags > (FLAG_MODELS_ALL | FLAG_SERVICES_ALL) {
            return None;
        }
        let expires_at_unix_ms = reader.u64()?;
        let key_id = read_text(&mut reader)?;
        let account = read_text(&mut reader)?;
        let (networks_v4, networks_v6) = read_networks(&mut reader)?;
        let models = read_entries(&mut reader, flags & FLAG_MODELS_ALL != 0)?;
        let services = read_entries(&mut reader, flags & FLAG_SERVICES_ALL != 0)?;
        reader.rest().is_empty().then_some(Self {
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
        })
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
        self.flags == FLAG_MODELS_ALL | FLAG_SERVICES_ALL
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

    /// The record as the sidecar wrote it.
    pub fn to_record(&self) -> Option<Record> {
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

/// Two counts, then all IPv4 networks, then all IPv6 networks.
fn put_networks(out: &mut Vec<u8>, list: &AddressList) {
    let v4 = || {
        list.networks()
            .iter()
            .filter(|network| network.address().is_ipv4())
    };
    let v6 = || {
        list.networks()
            .iter()
            .filter(|network| network.address().is_ipv6())
    };
    out.push(u8::try_from(v4().count()).unwrap_or(u8::MAX));
    out.push(u8::try_from(v6().count()).unwrap_or(u8::MAX));
    for network in v4().chain(v6()) {
        match network.address() {
            IpAddr::V4(address) => out.put(&address.octets()),
            IpAddr::V6(address) => out.put(&address.octets()),
        }
        out.push(network.length());
    }
}

fn read_networks<'a>(reader: &mut Reader<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let v4_count = usize::from(reader.u8()?);
    let v6_count = usize::from(reader.u8()?);
    if v4_count + v6_count > NETWORKS_MAX {
        return None;
    }
    let v4 = reader.bytes(v4_count * V4_BYTES)?;
    let v6 = reader.bytes(v6_count * V6_BYTES)?;
    let v4_sound = v4.chunks_exact(V4_BYTES).all(|chunk| {
        let (net, length) = split_network::<4>(chunk);
        Network::from_parts(IpAddr::V4(Ipv4Addr::from(net)), length).is_some()
    });
    let v6_sound = v6.chunks_exact(V6_BYTES).all(|chunk| {
        let (net, length) = split_network::<16>(chunk);
        Network::from_parts(IpAddr::V6(Ipv6Addr::from(net)), length).is_some()
    });
    (v4_sound && v6_sound).then_some((v4, v6))
}

/// Address bytes and prefix length of one encoded network.
fn split_network<const N: usize>(chunk: &[u8]) -> ([u8; N], u8) {
    match chunk.split_first_chunk::<N>() {
        Some((net, [length])) => (*net, *length),
        _ => ([0xff; N], u8::MAX),
    }
}

/// Whether `address` has the first `length` bits of `net`; never for an impossible length.
fn inside<T>(address: T, net: T, length: u8, bits: u8) -> bool
where
    T: Copy + PartialEq + core::ops::BitXor<Output = T> + core::ops::Shr<u8, Output = T>,
    T: From<u8>,
{
    match bits.checked_sub(length) {
        None => false,
        Some(shift) if shift == bits => true,
        Some(shift) => (address ^ net) >> shift == T::from(0),
    }
}

fn put_entries(out: &mut Vec<u8>, axis: &Axis) -> Result<(), RecordError> {
    let count = u16::try_from(axis.entries().len()).map_err(|_| RecordError::TooLarge)?;
    out.put_u16(count);
    for entry in axis.entries() {
        let (kind, name) = match entry {
            ScopeEntry::Exact(name) => (ENTRY_EXACT, name),
            ScopeEntry::Prefix(name) => (ENTRY_PREFIX, name),
        };
        out.push(kind);
        out.put_u16(u16::try_from(name.len()).map_err(|_| RecordError::TooLarge)?);
        out.put(name.as_bytes());
    }
    Ok(())
}

/// The bytes of one axis's entries, each checked. An axis that is *all* has none.
fn read_entries<'a>(reader: &mut Reader<'a>, all: bool) -> Option<&'a [u8]> {
    let count = usize::from(reader.u16()?);
    if count > SCOPE_ENTRIES_MAX || (all && count != 0) {
        return None;
    }
    let start = reader.rest();
    let mut cursor = Entries(start);
    for _ in 0..count {
        cursor.next()?.checked_name()?;
    }
    let length = start.len() - cursor.0.len();
    reader.bytes(length)
}

fn axis_of(bytes: &[u8], all: bool) -> Option<Axis> {
    if all {
        return Some(Axis::All);
    }
    Entries(bytes)
        .map(|entry| entry.to_entry())
        .collect::<Option<Vec<_>>>()
        .map(Axis::Listed)
}

/// The entries of one axis, read in place.
struct Entries<'a>(&'a [u8]);

/// One entry, read in place.
struct EntryView<'a> {
    kind: u8,
    name: &'a [u8],
}

impl EntryView<'_> {
    fn covers(&self, name: &[u8]) -> bool {
        match self.kind {
            ENTRY_EXACT => self.name == name,
            _ => prefix_covers(self.name, name),
        }
    }

    /// The name, if this is an entry that the format knows.
    fn checked_name(&self) -> Option<&str> {
        let known = matches!(self.kind, ENTRY_EXACT | ENTRY_PREFIX);
        let fits = !self.name.is_empty() && self.name.len() <= SCOPE_ENTRY_BYTES_MAX;
        core::str::from_utf8(self.name)
            .ok()
            .filter(|_| known && fits)
    }

    fn to_entry(&self) -> Option<ScopeEntry> {
        let name = self.checked_name()?.into();
        match self.kind {
            ENTRY_EXACT => Some(ScopeEntry::Exact(name)),
            _ => Some(ScopeEntry::Prefix(name)),
        }
    }
}

// === impl Entries ===

impl<'a> Iterator for Entries<'a> {
    type Item = EntryView<'a>;

    fn next(&mut self) -> Option<EntryView<'a>> {
        let mut reader = Reader::new(self.0);
        let kind = reader.u8()?;
        let length = usize::from(reader.u16()?);
        let name = reader.bytes(length)?;
        self.0 = reader.rest();
        Some(EntryView { kind, name })
    }
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
