//! What the sidecar had at each generation, and the frames that tell of it.
//!
//! Two keys, in the first and in the last bucket, so that a snapshot half written has one of them.
//! Invariant: a generation differs from the one before in one key.

use keytable::limits::{BUCKETS, PAGE_BUCKETS_MAX};
use keytable::{
    AccountId, AddressList, Change, Delta, Epoch, Generation, KeyHash, KeyId, Page, Record,
    RecordView, Scope, Status,
};

/// How many keys there are.
pub(crate) const KEYS: usize = 2;

/// Which keys may call: those that are in the table, and enabled.
pub(crate) type Table = [bool; KEYS];

/// The tables of each epoch; the generation is the index. The last epoch is the one that goes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct History {
    epochs: Vec<Vec<Table>>,
}

impl History {
    pub(crate) fn new() -> Self {
        Self {
            epochs: vec![vec![[true; KEYS]]],
        }
    }

    /// Which history goes on.
    pub(crate) fn epoch(&self) -> u8 {
        u8::try_from(self.epochs.len()).unwrap()
    }

    pub(crate) fn newest(&self) -> Generation {
        let tables = self.tables(self.epoch());
        Generation::new(u64::try_from(tables.len() - 1).unwrap())
    }

    pub(crate) fn now(&self) -> Table {
        self.at(self.epoch(), self.newest())
    }

    pub(crate) fn change(&mut self, key: usize) {
        let mut table = self.now();
        table[key] = !table[key];
        self.epochs.last_mut().unwrap().push(table);
    }

    /// A copy from before the last change is put in place.
    pub(crate) fn restore(&mut self) {
        let mut copy = self.tables(self.epoch()).to_vec();
        if copy.len() > 1 {
            copy.pop();
        }
        self.epochs.push(copy);
    }

    /// Forgets what was before the first table that is needed, but for the last two of an epoch, which
    /// the next change and a restore begin from.
    pub(crate) fn forget(&mut self, needed: &[Generation]) {
        let first = needed.iter().map(|generation| generation.get()).min();
        let first = first.map_or(usize::MAX, |first| usize::try_from(first).unwrap());
        for tables in &mut self.epochs {
            let forgotten = first.min(tables.len().saturating_sub(2));
            tables[..forgotten].fill([false; KEYS]);
        }
    }

    fn tables(&self, epoch: u8) -> &[Table] {
        &self.epochs[usize::from(epoch) - 1]
    }

    fn at(&self, epoch: u8, generation: Generation) -> Table {
        self.tables(epoch)[usize::try_from(generation.get()).unwrap()]
    }

    /// The frame that leads from one generation to another; the same twice is a heartbeat.
    pub(crate) fn delta(&self, of: u8, from: Generation, to: Generation) -> Vec<u8> {
        let (before, after) = (self.at(of, from), self.at(of, to));
        let records: Vec<Vec<u8>> = (0..KEYS).map(record).collect();
        let changed = (0..KEYS).filter(|key| before[*key] != after[*key]);
        let changes = changed.map(|key| match after[key] {
            true => Change::Put(RecordView::parse(&records[key]).unwrap()),
            false => Change::Remove(hash(key)),
        });
        let delta = Delta {
            epoch: epoch(of),
            from,
            to,
            changes: changes.collect(),
        };
        delta.encode()
    }

    /// The page of a snapshot that begins with a bucket.
    pub(crate) fn page(&self, of: u8, generation: Generation, first_bucket: u32) -> Vec<u8> {
        let table = self.at(of, generation);
        let buckets = first_bucket..first_bucket + PAGE_BUCKETS_MAX;
        let inside = |key: &usize| table[*key] && buckets.contains(&u32::from(hash(*key).bucket()));
        let records: Vec<Vec<u8>> = (0..KEYS).filter(inside).map(record).collect();
        let views = records
            .iter()
            .map(|bytes| RecordView::parse(bytes).unwrap());
        let page = Page {
            epoch: epoch(of),
            generation,
            first_bucket,
            buckets: PAGE_BUCKETS_MAX,
            records: views.collect(),
        };
        page.encode()
    }
}

pub(crate) fn epoch(number: u8) -> Epoch {
    Epoch::from_bytes([number; 16])
}

/// Key 0 is in the first bucket, key 1 in the last.
pub(crate) fn hash(key: usize) -> KeyHash {
    KeyHash::from_bytes([[0; 32], [0xff; 32]][key])
}

pub(crate) fn key_in(hash: &KeyHash) -> usize {
    usize::from(u32::from(hash.bucket()) >= BUCKETS / 2)
}

fn record(key: usize) -> Vec<u8> {
    let record = Record {
        key_hash: hash(key),
        key_id: KeyId::parse("ak-20260101-0000000000000000").unwrap(),
        account: AccountId::parse("demo").unwrap(),
        status: Status::Enabled,
        expires_at_unix_ms: None,
        addresses: AddressList::default(),
        scope: Scope::ALL,
        limits: None,
        is_account_limited: false,
    };
    record.encode().unwrap()
}
