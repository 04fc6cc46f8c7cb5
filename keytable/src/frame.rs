//! The frame: what the sidecar's feed answers to an agent.
//!
//! A [`Delta`] leads from one generation to a later one (or, empty, says "nothing new"); a
//! [`Page`] is a part of a snapshot that covers whole buckets. Layout in FORMAT.md. Does not say
//! when which of them is sent, nor what an agent does with it.
//!
//! Invariant: `decode` accepts a frame only whole: magic, version, every length, every record and
//! the checksum over all of it; and then it is exactly what `encode` wrote.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt;

use crate::encoding::envelope::{self, Envelope, EnvelopeError};
use crate::encoding::wire::{Reader, Write};
use crate::format::FormatVersion;
use crate::generation::{Epoch, Generation};
use crate::key_hash::KeyHash;
use crate::limits::{BUCKETS, DELTA_CHANGES_MAX, FRAME_BYTES_MAX, PAGE_BUCKETS_MAX};
use crate::record::{RecordError, RecordView};

const MAGIC: &[u8; 4] = b"LKF1";
const KIND_DELTA: u8 = 1;
const KIND_PAGE: u8 = 2;
const CHANGE_PUT: u8 = 1;
const CHANGE_REMOVE: u8 = 2;

/// One answer of the feed.
#[derive(Debug)]
pub enum Frame<'a> {
    /// Changes since the generation that the agent has.
    Delta(Delta<'a>),
    /// A part of a whole table.
    Page(Page<'a>),
}

/// The changes that lead from `from` to `to`. With `from == to` there are none: a heartbeat.
#[derive(Debug)]
pub struct Delta<'a> {
    /// Which history.
    pub epoch: Epoch,
    /// The generation these changes apply to.
    pub from: Generation,
    /// The generation reached by applying all of them.
    pub to: Generation,
    /// The changes, in the order in which they were stored.
    pub changes: Vec<Change<'a>>,
}

/// One change of one key.
#[derive(Debug)]
pub enum Change<'a> {
    /// The key has this record now.
    Put(RecordView<'a>),
    /// The key does not exist any more.
    Remove(KeyHash),
}

/// All records of the buckets `first_bucket .. first_bucket + buckets`.
#[derive(Debug)]
pub struct Page<'a> {
    /// Which history.
    pub epoch: Epoch,
    /// The generation of the whole snapshot.
    pub generation: Generation,
    /// The first bucket covered.
    pub first_bucket: u32,
    /// How many buckets are covered, at least one.
    pub buckets: u32,
    /// The records, sorted by bucket.
    pub records: Vec<RecordView<'a>>,
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// Shorter than any frame, cut, or with bytes behind its end.
    Length,
    /// Larger than [`FRAME_BYTES_MAX`].
    TooLarge,
    /// Not a frame at all.
    Magic,
    /// A format version that this build does not read.
    Version(u16),
    /// The checksum is wrong.
    Checksum,
    /// A field has a value that makes no sense.
    Value,
    /// A record in it is damaged.
    Record(RecordError),
}

impl<'a> Frame<'a> {
    /// The format in which these bytes are written, as far as their beginning tells.
    pub fn format_of(bytes: &[u8]) -> Option<FormatVersion> {
        let number = bytes.strip_prefix(MAGIC)?.first_chunk::<2>()?;
        FormatVersion::known(u16::from_le_bytes(*number))
    }

    /// Reads a whole frame.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, FrameError> {
        if bytes.len() > FRAME_BYTES_MAX {
            return Err(FrameError::TooLarge);
        }
        let ([kind, reserved], mut reader) = envelope::open(MAGIC, bytes)?;
        let epoch = reader
            .array()
            .map(Epoch::from_bytes)
            .ok_or(FrameError::Length)?;
        match (kind, reserved) {
            (KIND_DELTA, 0) => Delta::read(epoch, reader).map(Frame::Delta),
            (KIND_PAGE, 0) => Page::read(epoch, reader).map(Frame::Page),
            _ => Err(FrameError::Value),
        }
    }
}

impl<'a> Delta<'a> {
    /// The bytes of the frame, in the newest format.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_as(FormatVersion::NEWEST)
    }

    /// The bytes of the frame, in the format that its reader knows.
    pub fn encode_as(&self, format: FormatVersion) -> Vec<u8> {
        let mut envelope = begin(KIND_DELTA, self.epoch, format);
        let out = envelope.inside();
        out.put_u64(self.from.get());
        out.put_u64(self.to.get());
        let changes = self.changes.iter();
        let told = changes.filter_map(|change| change.bytes_for(format));
        let told: Vec<_> = told.collect();
        out.put_length(told.len());
        for (kind, bytes) in told {
            out.push(kind);
            out.put(&bytes);
        }
        envelope.end()
    }

    fn read(epoch: Epoch, mut reader: Reader<'a>) -> Result<Self, FrameError> {
        let from = reader
            .u64()
            .map(Generation::new)
            .ok_or(FrameError::Length)?;
        let to = reader
            .u64()
            .map(Generation::new)
            .ok_or(FrameError::Length)?;
        let count = reader.length().ok_or(FrameError::Length)?;
        let sensible = if from == to { count == 0 } else { from < to };
        if !sensible || count > DELTA_CHANGES_MAX {
            return Err(FrameError::Value);
        }
        let mut changes = Vec::new();
        for _ in 0..count {
            changes.push(read_change(&mut reader)?);
        }
        at_end(reader)?;
        Ok(Self {
            epoch,
            from,
            to,
            changes,
        })
    }
}

impl Change<'_> {
    /// Its kind and bytes for a reader of this version; `None` if it cannot know such a record.
    fn bytes_for(&self, format: FormatVersion) -> Option<(u8, Cow<'_, [u8]>)> {
        match self {
            Self::Put(record) => Some((CHANGE_PUT, record.bytes_for(format)?)),
            Self::Remove(key_hash) => {
                Some((CHANGE_REMOVE, Cow::Borrowed(key_hash.as_bytes().as_slice())))
            }
        }
    }
}

impl<'a> Page<'a> {
    /// The bytes of the frame, in the newest format.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_as(FormatVersion::NEWEST)
    }

    /// The bytes of the frame, in the format that its reader knows.
    pub fn encode_as(&self, format: FormatVersion) -> Vec<u8> {
        let mut envelope = begin(KIND_PAGE, self.epoch, format);
        let out = envelope.inside();
        out.put_u64(self.generation.get());
        out.put_u32(self.first_bucket);
        out.put_u32(self.buckets);
        let records = self.records.iter();
        let told = records.filter_map(|record| record.bytes_for(format));
        let told: Vec<_> = told.collect();
        out.put_length(told.len());
        told.iter().for_each(|record| out.put(record));
        envelope.end()
    }

    /// The bucket behind the last one covered; [`BUCKETS`] when the snapshot is complete.
    pub const fn end_bucket(&self) -> u32 {
        self.first_bucket.saturating_add(self.buckets)
    }

    /// Each covered bucket with its contents, also the empty ones.
    pub fn bucket_contents(&self) -> impl Iterator<Item = (u16, Vec<u8>)> + '_ {
        let mut records = self.records.iter().peekable();
        (self.first_bucket..self.end_bucket()).filter_map(move |bucket| {
            let bucket = u16::try_from(bucket).ok()?;
            let mut bytes = Vec::new();
            while let Some(record) = records.next_if(|r| r.key_hash().bucket() == bucket) {
                bytes.extend_from_slice(record.as_bytes());
            }
            Some((bucket, bytes))
        })
    }

    fn read(epoch: Epoch, mut reader: Reader<'a>) -> Result<Self, FrameError> {
        let generation = reader
            .u64()
            .map(Generation::new)
            .ok_or(FrameError::Length)?;
        let first_bucket = reader.u32().ok_or(FrameError::Length)?;
        let buckets = reader.u32().ok_or(FrameError::Length)?;
        let count = reader.length().ok_or(FrameError::Length)?;
        let end = first_bucket.checked_add(buckets).ok_or(FrameError::Value)?;
        if buckets == 0 || buckets > PAGE_BUCKETS_MAX || end > BUCKETS {
            return Err(FrameError::Value);
        }
        let mut records = Vec::new();
        let mut least = first_bucket;
        for _ in 0..count {
            let record = read_record(&mut reader)?;
            let bucket = u32::from(record.key_hash().bucket());
            if bucket < least || bucket >= end {
                return Err(FrameError::Value);
            }
            least = bucket;
            records.push(record);
        }
        at_end(reader)?;
        Ok(Self {
            epoch,
            generation,
            first_bucket,
            buckets,
            records,
        })
    }
}

fn begin(kind: u8, epoch: Epoch, format: FormatVersion) -> Envelope {
    let mut envelope = Envelope::begin(MAGIC, format, [kind, 0], 256);
    envelope.inside().put(epoch.as_bytes());
    envelope
}

fn at_end(reader: Reader<'_>) -> Result<(), FrameError> {
    if reader.rest().is_empty() {
        Ok(())
    } else {
        Err(FrameError::Length)
    }
}

fn read_record<'a>(reader: &mut Reader<'a>) -> Result<RecordView<'a>, FrameError> {
    let (record, rest) = RecordView::split_first(reader.rest()).map_err(FrameError::Record)?;
    *reader = Reader::new(rest);
    Ok(record)
}

fn read_change<'a>(reader: &mut Reader<'a>) -> Result<Change<'a>, FrameError> {
    match reader.u8().ok_or(FrameError::Length)? {
        CHANGE_PUT => read_record(reader).map(Change::Put),
        CHANGE_REMOVE => reader
            .array()
            .map(|bytes| Change::Remove(KeyHash::from_bytes(bytes)))
            .ok_or(FrameError::Length),
        _ => Err(FrameError::Value),
    }
}

// === impl FrameError ===

impl From<EnvelopeError> for FrameError {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Length => Self::Length,
            EnvelopeError::Magic => Self::Magic,
            EnvelopeError::Version(version) => Self::Version(version),
            EnvelopeError::Checksum => Self::Checksum,
        }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => f.write_str("the frame is cut or has bytes behind its end"),
            Self::TooLarge => write!(f, "the frame is larger than {FRAME_BYTES_MAX} bytes"),
            Self::Magic => f.write_str("the answer is not a frame of Latchkey's feed"),
            Self::Version(version) => {
                let newest = FormatVersion::NEWEST.number();
                write!(
                    f,
                    "format version {version} is not read here: this is {newest}"
                )
            }
            Self::Checksum => f.write_str("the frame's checksum is wrong"),
            Self::Value => f.write_str("the frame has a value that makes no sense"),
            Self::Record(_) => f.write_str("the frame holds a damaged record"),
        }
    }
}

impl core::error::Error for FrameError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Record(source) => Some(source),
            _ => None,
        }
    }
}
