//! A sidecar in memory: a table with its history, and the answers of its feed.
//!
//! Does not wait and does not lose anything; faults are the tests' business. Invariant: what it
//! answers is a whole frame that fits the request, as a real sidecar's answer is.

use std::collections::BTreeMap;

use keytable::limits::PAGE_BUCKETS_MAX;
use keytable::{
    AccountRecord, Change, Delta, Epoch, Generation, KeyHash, Page, Record, RecordView,
};

/// Encoded records by key hash.
pub(crate) type Table = BTreeMap<[u8; 32], Vec<u8>>;

/// The sidecar.
#[derive(Clone)]
pub(crate) struct FakeSidecar {
    pub(crate) epoch: Epoch,
    pub(crate) generation: u64,
    pub(crate) table: Table,
    /// Which key each generation changed, and its record since.
    history: Vec<([u8; 32], Option<Vec<u8>>)>,
    /// The snapshot that is being paged through.
    snapshot: (u64, Table),
}

impl FakeSidecar {
    /// An empty table at generation 0.
    pub(crate) fn new(epoch: u8) -> Self {
        Self {
            epoch: Epoch::from_bytes([epoch; 16]),
            generation: 0,
            table: Table::new(),
            history: Vec::new(),
            snapshot: (0, Table::new()),
        }
    }

    /// A table of these records.
    pub(crate) fn with(records: &[Record]) -> Self {
        let mut sidecar = Self::new(1);
        records.iter().for_each(|record| sidecar.put(record));
        sidecar
    }

    pub(crate) fn put(&mut self, record: &Record) {
        let bytes = record.encode().unwrap();
        self.change(*record.key_hash.as_bytes(), Some(bytes));
    }

    pub(crate) fn put_account(&mut self, record: &AccountRecord) {
        let bytes = record.encode().unwrap();
        let hash = KeyHash::of_account(&record.account);
        self.change(*hash.as_bytes(), Some(bytes));
    }

    pub(crate) fn remove(&mut self, key_hash: &KeyHash) {
        self.change(*key_hash.as_bytes(), None);
    }

    fn change(&mut self, key_hash: [u8; 32], record: Option<Vec<u8>>) {
        match &record {
            Some(bytes) => self.table.insert(key_hash, bytes.clone()),
            None => self.table.remove(&key_hash),
        };
        self.history.push((key_hash, record));
        self.generation += 1;
    }

    /// The frame for a request.
    pub(crate) fn answer(&mut self, path: &str) -> Vec<u8> {
        let number = |name| parameter(path, name).map(|text| text.parse::<u64>().unwrap());
        if let (Some(wanted), Some(bucket)) = (number("snapshot"), number("bucket"))
            && wanted == self.snapshot.0
        {
            return self.page(u32::try_from(bucket).unwrap());
        }
        let ours = parameter(path, "epoch").and_then(Epoch::parse) == Some(self.epoch);
        match number("generation") {
            Some(from) if ours && from <= self.generation => self.delta(from),
            _ => {
                self.snapshot = (self.generation, self.table.clone());
                self.page(0)
            }
        }
    }

    /// As after a restart: pages of the snapshot that was begun are not there any more.
    pub(crate) fn forget_snapshot(&mut self) {
        self.snapshot = (u64::MAX, Table::new());
    }

    /// The changes since a generation; none if it is the newest.
    pub(crate) fn delta(&self, from: u64) -> Vec<u8> {
        let since = &self.history[usize::try_from(from).unwrap()..];
        let change = |(key_hash, record): &'_ ([u8; 32], Option<Vec<u8>>)| match record {
            Some(bytes) => (*key_hash, Some(bytes.clone())),
            None => (*key_hash, None),
        };
        let owned: Vec<_> = since.iter().map(change).collect();
        let changes = owned.iter().map(|(key_hash, record)| match record {
            Some(bytes) => Change::Put(RecordView::parse(bytes).unwrap()),
            None => Change::Remove(KeyHash::from_bytes(*key_hash)),
        });
        Delta {
            epoch: self.epoch,
            from: Generation::new(from),
            to: Generation::new(self.generation),
            changes: changes.collect(),
        }
        .encode()
    }

    /// A page of the snapshot that was begun last.
    fn page(&self, first_bucket: u32) -> Vec<u8> {
        let (generation, table) = &self.snapshot;
        let buckets = first_bucket..first_bucket + PAGE_BUCKETS_MAX;
        let inside = |view: &RecordView<'_>| buckets.contains(&view.key_hash().bucket().into());
        let views = table
            .values()
            .map(|bytes| RecordView::parse(bytes).unwrap());
        Page {
            epoch: self.epoch,
            generation: Generation::new(*generation),
            first_bucket,
            buckets: PAGE_BUCKETS_MAX,
            records: views.filter(inside).collect(),
        }
        .encode()
    }
}

/// A query parameter of a path.
pub(crate) fn parameter<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = path.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value)
}
