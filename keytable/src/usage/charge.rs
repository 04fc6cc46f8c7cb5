//! Charges: what was used of each counter, as an agent tells it and as the ledger answers.
//!
//! Unlike rows they are no statistics: none is left out. Layout in FORMAT.md. Does not add anything up.
//!
//! Invariant: an answer is read only whole, and names a charge of its batch by its place in it.

use alloc::vec::Vec;

use super::UsageError;
use crate::encoding::envelope::{self, Envelope};
use crate::encoding::wire::{Reader, Write};
use crate::format::FormatVersion;
use crate::key_id::{AccountId, KeyId};
use crate::limit::{CounterId, LimitSubject, Unit, WindowKind};
use crate::limits::{CHARGES_MAX, USAGE_ANSWER_BYTES_MAX};

const MAGIC: &[u8; 4] = b"LKA1";
const SUBJECT_KEY: u8 = 1;
const SUBJECT_ACCOUNT: u8 = 2;

/// What one Envoy used of one counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Of which.
    pub counter: CounterId,
    /// What was settled since the last batch that was acknowledged.
    pub charged: u64,
    /// What its running requests hold now.
    pub held: u64,
    /// What this Envoy takes for the ledger's figure, without `charged`.
    pub base: u64,
}

/// What the ledger answers to a batch of format 3 or later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageAnswer {
    /// Which batch it answers.
    pub sequence: u64,
    /// The ledger's time, in milliseconds since 1970.
    pub ledger_unix_ms: u64,
    /// After how many milliseconds the next batch is welcome; 0 = whenever there is one.
    pub next_ms: u32,
    /// Of each counter whose figure is not `base + charged`: what it is.
    pub figures: Vec<LedgerFigure>,
}

/// What the ledger has of one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerFigure {
    /// The place of its charge in the batch, counted from 0.
    pub charge: u32,
    /// The sum, with this batch, and what other Envoys hold.
    pub figure: u64,
}

impl Charge {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let CounterId {
            subject,
            unit,
            window,
            start_unix_ms,
            resets,
        } = &self.counter;
        let kind = match subject {
            LimitSubject::Key(_) => SUBJECT_KEY,
            LimitSubject::Account(_) => SUBJECT_ACCOUNT,
        };
        let id = subject.id().as_bytes();
        out.put(&[kind, unit.code(), window.code()]);
        out.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
        out.put(id);
        out.put_u64(*start_unix_ms);
        out.put_u32(*resets);
        out.put_u64(self.charged);
        out.put_u64(self.held);
        out.put_u64(self.base);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, UsageError> {
        let [kind, unit, window, id_bytes] = reader.array().ok_or(UsageError::Length)?;
        let id = reader.bytes(id_bytes.into()).ok_or(UsageError::Length)?;
        let start_unix_ms = reader.u64().ok_or(UsageError::Length)?;
        let resets = reader.u32().ok_or(UsageError::Length)?;
        let charge = Self {
            counter: CounterId {
                subject: read_subject(kind, id).ok_or(UsageError::Value)?,
                unit: Unit::from_code(unit).ok_or(UsageError::Value)?,
                window: WindowKind::from_code(window)
                    .filter(|window| window.is_in_ledger())
                    .ok_or(UsageError::Value)?,
                start_unix_ms,
                resets,
            },
            charged: reader.u64().ok_or(UsageError::Length)?,
            held: reader.u64().ok_or(UsageError::Length)?,
            base: reader.u64().ok_or(UsageError::Length)?,
        };
        let is_lifetime = charge.counter.window == WindowKind::Lifetime;
        match is_lifetime && start_unix_ms != 0 {
            true => Err(UsageError::Value),
            false => Ok(charge),
        }
    }
}

fn read_subject(kind: u8, id: &[u8]) -> Option<LimitSubject> {
    let id = core::str::from_utf8(id).ok()?;
    match kind {
        SUBJECT_KEY => KeyId::parse(id).ok().map(LimitSubject::Key),
        SUBJECT_ACCOUNT => AccountId::parse(id).ok().map(LimitSubject::Account),
        _ => None,
    }
}

impl UsageAnswer {
    /// The bytes of the answer. Version 2 and earlier have none: their batches have no charges.
    pub fn encode(&self) -> Vec<u8> {
        let capacity = 64 + 12 * self.figures.len();
        let mut envelope = Envelope::begin(MAGIC, FormatVersion::NEWEST, [0; 2], capacity);
        let out = envelope.inside();
        out.put_u64(self.sequence);
        out.put_u64(self.ledger_unix_ms);
        out.put_u32(self.next_ms);
        out.put_length(self.figures.len());
        for figure in &self.figures {
            out.put_u32(figure.charge);
            out.put_u64(figure.figure);
        }
        envelope.end()
    }

    /// Reads a whole answer.
    pub fn decode(bytes: &[u8]) -> Result<Self, UsageError> {
        if bytes.len() > USAGE_ANSWER_BYTES_MAX {
            return Err(UsageError::TooLarge);
        }
        let (reserved, reader) = envelope::open(MAGIC, bytes)?;
        match reserved {
            [0, 0] => Self::read(reader),
            _ => Err(UsageError::Value),
        }
    }

    fn read(mut reader: Reader<'_>) -> Result<Self, UsageError> {
        let sequence = reader.u64().ok_or(UsageError::Length)?;
        let ledger_unix_ms = reader.u64().ok_or(UsageError::Length)?;
        let next_ms = reader.u32().ok_or(UsageError::Length)?;
        let count = reader.length().ok_or(UsageError::Length)?;
        if count > CHARGES_MAX {
            return Err(UsageError::Value);
        }
        let mut figures: Vec<LedgerFigure> = Vec::new();
        for _ in 0..count {
            let charge = reader.u32().ok_or(UsageError::Length)?;
            let figure = reader.u64().ok_or(UsageError::Length)?;
            if figures.last().is_some_and(|last| last.charge >= charge) {
                return Err(UsageError::Value);
            }
            figures.push(LedgerFigure { charge, figure });
        }
        match reader.rest().is_empty() {
            true => Ok(Self {
                sequence,
                ledger_unix_ms,
                next_ms,
                figures,
            }),
            false => Err(UsageError::Length),
        }
    }
}
