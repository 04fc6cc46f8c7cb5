//! Usage: what an agent tells the sidecar about the requests that its gate has judged.
//!
//! A [`UsageBatch`] holds counts and tokens per key, resource and outcome, which are statistics, and what
//! was used of each counter, which is charged. Layout in FORMAT.md. Does not count and does not send. A
//! batch is known by its source and sequence, so that one that is sent twice is counted once.
//!
//! Invariant: `decode` accepts a batch only whole: magic, version, every length, every row and the
//! checksum over all of it; and then it is exactly what `encode` wrote.

mod charge;
mod tokens;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::decision::{Denial, Permit};
use crate::encoding::envelope::{self, Envelope, EnvelopeError};
use crate::encoding::wire::{Reader, Write};
use crate::format::FormatVersion;
use crate::key_id::KeyId;
use crate::limits::{CHARGES_MAX, SCOPE_ENTRY_BYTES_MAX, USAGE_BYTES_MAX, USAGE_ROWS_MAX};

pub use charge::{Charge, LedgerFigure, UsageAnswer};
pub use tokens::{TokenCounts, Tokens};

const MAGIC: &[u8; 4] = b"LKU1";
/// Where the length of the whole batch stands.
const ADDRESS_NONE: u8 = 0;
const ADDRESS_V4: u8 = 4;
const ADDRESS_V6: u8 = 6;

/// The counts of one source since its batch before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageBatch {
    /// Who counted: drawn at random at each start of an agent.
    pub source: [u8; 16],
    /// The number of the batch; a source uses each once.
    pub sequence: u64,
    /// At most [`USAGE_ROWS_MAX`] rows.
    pub rows: Vec<UsageRow>,
    /// At most [`CHARGES_MAX`] charges, one for each counter. Versions before 3 have no place for them.
    pub charges: Vec<Charge>,
}

/// Requests of one key that named one resource and came to one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// Of which key.
    pub key_id: KeyId,
    /// What they named; empty if it is not known. At most [`SCOPE_ENTRY_BYTES_MAX`] bytes.
    pub resource: String,
    /// What became of them.
    pub outcome: UsageOutcome,
    /// How many; none if only tokens of requests that were counted before are told.
    pub count: u64,
    /// What those that ended since used. Version 1 has no place for them.
    pub tokens: Tokens,
    /// When the newest of them was counted, in milliseconds since 1970: at most a second after it came.
    pub last_at_unix_ms: u64,
    /// Where one of the newest came from, if it could be read: the first of the last second that had one.
    pub last_address: Option<IpAddr>,
}

/// What became of a request with a known key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum UsageOutcome {
    /// It was passed on.
    Permitted = 1,
    /// The key was disabled.
    Disabled = 2,
    /// The key had expired.
    Expired = 3,
    /// The client's address was not on the key's list.
    AddressNotAllowed = 4,
    /// A resource was not in scope.
    OutOfScope = 5,
    /// The endpoint cannot be judged for a key that is limited to a list.
    EndpointNotAllowed = 6,
    /// The body was malformed, ambiguous, too large or in an encoding that is not read.
    BodyRefused = 7,
    /// It was passed on and cut before its end: its key was revoked, or its body was found out.
    Cut = 8,
}

/// Why bytes are not a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageError {
    /// Shorter than any batch, cut, or with bytes behind its end.
    Length,
    /// Larger than [`USAGE_BYTES_MAX`].
    TooLarge,
    /// Not a batch at all.
    Magic,
    /// A format version that this build does not read.
    Version(u16),
    /// The checksum is wrong.
    Checksum,
    /// A field has a value that makes no sense.
    Value,
}

impl UsageOutcome {
    /// Every outcome, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Permitted,
        Self::Disabled,
        Self::Expired,
        Self::AddressNotAllowed,
        Self::OutOfScope,
        Self::EndpointNotAllowed,
        Self::BodyRefused,
        Self::Cut,
    ];

    /// The outcome of a request that holds a permit.
    pub const fn of_permit(_: &Permit) -> Self {
        Self::Permitted
    }

    /// The outcome of a request that was denied.
    pub const fn of_denial(denial: &Denial) -> Self {
        match denial {
            Denial::Disabled => Self::Disabled,
            Denial::Expired { .. } => Self::Expired,
            Denial::AddressNotAllowed => Self::AddressNotAllowed,
            Denial::OutOfScope { .. } => Self::OutOfScope,
            Denial::EndpointNotAllowed => Self::EndpointNotAllowed,
        }
    }

    /// The code in a batch.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Reads a code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }
}

impl UsageBatch {
    /// The bytes of the batch, in the newest format. More or longer rows than the limits allow are
    /// refused by whoever reads them.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_as(FormatVersion::NEWEST)
    }

    /// The bytes of the batch, in the format that its reader knows.
    pub fn encode_as(&self, format: FormatVersion) -> Vec<u8> {
        let capacity = 64 + 96 * (self.rows.len() + self.charges.len());
        let mut envelope = Envelope::begin(MAGIC, format, [0; 2], capacity);
        let out = envelope.inside();
        out.put(&self.source);
        out.put_u64(self.sequence);
        let tells_tokens = tells_tokens(format);
        let rows = self.rows.iter().filter(|row| tells_tokens || row.count > 0);
        out.put_length(rows.clone().count());
        rows.for_each(|row| row.write(out, tells_tokens));
        if format.keeps_limits() {
            out.put_length(self.charges.len());
            self.charges.iter().for_each(|charge| charge.write(out));
        }
        envelope.end()
    }

    /// Reads a whole batch.
    pub fn decode(bytes: &[u8]) -> Result<Self, UsageError> {
        if bytes.len() > USAGE_BYTES_MAX {
            return Err(UsageError::TooLarge);
        }
        let (format, reserved, reader) = envelope::open_any(MAGIC, bytes)?;
        if reserved != [0; 2] {
            return Err(UsageError::Value);
        }
        Self::read(reader, format)
    }

    fn read(mut reader: Reader<'_>, format: FormatVersion) -> Result<Self, UsageError> {
        let source = reader.array().ok_or(UsageError::Length)?;
        let sequence = reader.u64().ok_or(UsageError::Length)?;
        let count = reader.length().ok_or(UsageError::Length)?;
        if count > USAGE_ROWS_MAX {
            return Err(UsageError::Value);
        }
        let mut rows = Vec::new();
        for _ in 0..count {
            rows.push(UsageRow::read(&mut reader, tells_tokens(format))?);
        }
        let charges = match format.keeps_limits() {
            true => read_charges(&mut reader)?,
            false => Vec::new(),
        };
        if !reader.rest().is_empty() {
            return Err(UsageError::Length);
        }
        Ok(Self {
            source,
            sequence,
            rows,
            charges,
        })
    }
}

fn read_charges(reader: &mut Reader<'_>) -> Result<Vec<Charge>, UsageError> {
    let count = reader.length().ok_or(UsageError::Length)?;
    if count > CHARGES_MAX {
        return Err(UsageError::Value);
    }
    let mut charges = Vec::new();
    for _ in 0..count {
        charges.push(Charge::read(reader)?);
    }
    Ok(charges)
}

impl UsageRow {
    fn write(&self, out: &mut Vec<u8>, tells_tokens: bool) {
        let id = self.key_id.as_str().as_bytes();
        out.push(self.outcome.code());
        out.push(match self.last_address {
            None => ADDRESS_NONE,
            Some(IpAddr::V4(_)) => ADDRESS_V4,
            Some(IpAddr::V6(_)) => ADDRESS_V6,
        });
        // A longer one is written as the largest value, which every reader refuses.
        out.put_u16(u16::try_from(self.resource.len()).unwrap_or(u16::MAX));
        out.put_u64(self.count);
        out.put_u64(self.last_at_unix_ms);
        out.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
        out.put(id);
        match self.last_address {
            None => {}
            Some(IpAddr::V4(address)) => out.put(&address.octets()),
            Some(IpAddr::V6(address)) => out.put(&address.octets()),
        }
        out.put(self.resource.as_bytes());
        if tells_tokens {
            self.tokens.write(out);
        }
    }

    fn read(reader: &mut Reader<'_>, tells_tokens: bool) -> Result<Self, UsageError> {
        let outcome = reader.u8().ok_or(UsageError::Length)?;
        let kind = reader.u8().ok_or(UsageError::Length)?;
        let resource_bytes = usize::from(reader.u16().ok_or(UsageError::Length)?);
        let count = reader.u64().ok_or(UsageError::Length)?;
        let last_at_unix_ms = reader.u64().ok_or(UsageError::Length)?;
        let id_bytes = usize::from(reader.u8().ok_or(UsageError::Length)?);
        let id = reader.bytes(id_bytes).ok_or(UsageError::Length)?;
        let id = core::str::from_utf8(id).map_err(|_| UsageError::Value)?;
        let key_id = KeyId::parse(id).map_err(|_| UsageError::Value)?;
        let last_address = read_address(kind, reader)?;
        let resource = reader.bytes(resource_bytes).ok_or(UsageError::Length)?;
        let resource = core::str::from_utf8(resource).map_err(|_| UsageError::Value)?;
        let tokens = match tells_tokens {
            true => Tokens::read(reader).ok_or(UsageError::Length)?,
            false => Some(Tokens::default()),
        };
        let tokens = tokens.ok_or(UsageError::Value)?;
        let tells_nothing = count == 0 && tokens.is_zero();
        if tells_nothing || resource_bytes > SCOPE_ENTRY_BYTES_MAX {
            return Err(UsageError::Value);
        }
        Ok(Self {
            key_id,
            resource: resource.into(),
            outcome: UsageOutcome::from_code(outcome).ok_or(UsageError::Value)?,
            count,
            tokens,
            last_at_unix_ms,
            last_address,
        })
    }
}

/// Version 1 counts requests alone.
fn tells_tokens(format: FormatVersion) -> bool {
    format > FormatVersion::OLDEST
}

/// IPv4 written as IPv6 is no address of a client: the gate has turned it into IPv4.
fn read_address(kind: u8, reader: &mut Reader<'_>) -> Result<Option<IpAddr>, UsageError> {
    match kind {
        ADDRESS_NONE => Ok(None),
        ADDRESS_V4 => {
            let octets: [u8; 4] = reader.array().ok_or(UsageError::Length)?;
            Ok(Some(Ipv4Addr::from(octets).into()))
        }
        ADDRESS_V6 => {
            let octets: [u8; 16] = reader.array().ok_or(UsageError::Length)?;
            let address = Ipv6Addr::from(octets);
            match address.to_ipv4_mapped() {
                None => Ok(Some(address.into())),
                Some(_) => Err(UsageError::Value),
            }
        }
        _ => Err(UsageError::Value),
    }
}

// === impl UsageError ===

impl From<EnvelopeError> for UsageError {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Length => Self::Length,
            EnvelopeError::Magic => Self::Magic,
            EnvelopeError::Version(version) => Self::Version(version),
            EnvelopeError::Checksum => Self::Checksum,
        }
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("the batch is cut or has bytes behind its end"),
            Self::TooLarge => write!(f, "the batch is larger than {USAGE_BYTES_MAX} bytes"),
            Self::Magic => f.write_str("these bytes are not a batch of usage"),
            Self::Version(version) => {
                let newest = FormatVersion::NEWEST.number();
                write!(
                    f,
                    "format version {version} is not read here: this is {newest}"
                )
            }
            Self::Checksum => f.write_str("the batch's checksum is wrong"),
            Self::Value => f.write_str("the batch has a value that makes no sense"),
        }
    }
}

impl core::error::Error for UsageError {}
