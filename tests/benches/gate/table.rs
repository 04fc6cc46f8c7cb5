//! A key table as the frames that a sidecar would serve, cut as the sidecar cuts them.
//!
//! Invariant: the pages cover every bucket once.

use std::sync::Arc;

use keytable::limits::{BUCKETS, PAGE_BUCKETS_MAX, PAGE_BYTES_TARGET};
use keytable::{Change, Delta, Epoch, FormatVersion, Generation, Page, RecordView};

use crate::keys::{Policy, record};

/// The generation of a table before its first change.
pub(crate) const FIRST: u64 = 1;

/// Frames with the first bucket that each covers.
pub(crate) type Pages = Vec<(u32, Arc<Vec<u8>>)>;

/// All records of one table, encoded.
#[derive(Debug)]
pub(crate) struct Table {
    records: Vec<(u16, Vec<u8>)>,
    policy: Policy,
}

impl Table {
    /// The keys 0 to `keys` - 1.
    pub(crate) fn of(keys: usize, policy: Policy) -> Self {
        let mut records: Vec<(u16, Vec<u8>)> = (0..keys)
            .map(|n| {
                let record = record(n, policy);
                (record.key_hash.bucket(), record.encode().unwrap())
            })
            .collect();
        records.sort_unstable();
        Self { records, policy }
    }

    /// How many keys.
    pub(crate) fn keys(&self) -> usize {
        self.records.len()
    }

    /// Mean size of a record.
    pub(crate) fn record_bytes(&self) -> usize {
        let bytes: usize = self.records.iter().map(|(_, record)| record.len()).sum();
        bytes / self.keys().max(1)
    }

    /// All pages, each with its first bucket.
    pub(crate) fn pages(&self, epoch: Epoch, format: FormatVersion) -> Pages {
        let mut pages = Pages::new();
        let mut first_bucket = 0;
        while first_bucket < BUCKETS {
            let (page, end) = self.page(epoch, format, first_bucket);
            pages.push((first_bucket, Arc::new(page)));
            first_bucket = end;
        }
        pages
    }

    /// The page that begins with this bucket, and the bucket behind it.
    fn page(&self, epoch: Epoch, format: FormatVersion, first_bucket: u32) -> (Vec<u8>, u32) {
        let start = self
            .records
            .partition_point(|(bucket, _)| u32::from(*bucket) < first_bucket);
        let mut rest = self.records[start..].iter().peekable();
        let (mut records, mut bytes, mut end) = (Vec::new(), 0, first_bucket);
        while end < BUCKETS && end - first_bucket < PAGE_BUCKETS_MAX && bytes < PAGE_BYTES_TARGET {
            while let Some((_, record)) = rest.next_if(|(bucket, _)| u32::from(*bucket) == end) {
                bytes += record.len();
                records.push(RecordView::parse(record).unwrap());
            }
            end += 1;
        }
        let page = Page {
            epoch,
            generation: Generation::new(FIRST),
            first_bucket,
            buckets: end - first_bucket,
            records,
        };
        (page.encode_as(format), end)
    }

    /// The frame that leads from one generation to another by putting one key anew.
    pub(crate) fn delta(&self, epoch: Epoch, format: FormatVersion, from: u64, to: u64) -> Vec<u8> {
        let spread = 7_919 * usize::try_from(to).unwrap() % self.keys().max(1);
        let bytes = record(spread, self.policy).encode().unwrap();
        let changes = match from == to {
            true => Vec::new(),
            false => vec![Change::Put(RecordView::parse(&bytes).unwrap())],
        };
        let delta = Delta {
            epoch,
            from: Generation::new(from),
            to: Generation::new(to),
            changes,
        };
        delta.encode_as(format)
    }
}
