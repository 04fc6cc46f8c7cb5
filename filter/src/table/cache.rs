//! The keys that one worker has looked up, with their records: a request with one of them needs no
//! SHA-256 and reads no slot.
//!
//! A key is known by a keyed 128-bit hash (SipHash-2-4 under a secret drawn when the worker starts),
//! so no key's value is kept and nobody can aim at a collision. What is *not* in the table is not
//! remembered. Does not read slots; does not know when they change, it is told.
//!
//! Invariants: whatever is found here was read from the table under the edition that the cache was
//! last moved to, or under an earlier one that changed nothing of it since; memory is bounded.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hasher;

use keytable::{AccountId, KeyHash, PresentedKey};
use siphasher::sip128::{Hasher128, SipHasher24};

use super::record::CheckedRecord;
use crate::fast_hash::FastHashBuilder;

/// Most bytes that a worker's cache takes, about: 16,000 keys with usual records.
const BYTES_MAX: usize = 8 * 1024 * 1024;
/// What an entry takes beside its record, about.
const ENTRY_BYTES: usize = 256;

/// A key that is in the table.
#[derive(Clone, Debug)]
pub struct KnownKey {
    /// Its hash.
    pub key_hash: KeyHash,
    /// Its record.
    pub record: CheckedRecord,
}

/// The cache of one worker.
#[derive(Debug)]
pub struct RecordCache {
    seed: [u8; 16],
    known: HashMap<u128, KnownKey, FastHashBuilder>,
    bytes: usize,
}

impl RecordCache {
    /// An empty cache. `seed` is drawn now and told to nobody.
    pub fn new(seed: [u8; 16]) -> Self {
        Self {
            seed,
            known: HashMap::default(),
            bytes: 0,
        }
    }

    /// The name of a key in this cache.
    pub fn tag(&self, key: &PresentedKey<'_>) -> u128 {
        let mut hasher = SipHasher24::new_with_key(&self.seed);
        hasher.write(key.as_bytes());
        hasher.finish128().as_u128()
    }

    /// The name of an account in this cache: no key has a blank.
    pub fn account_tag(&self, account: &AccountId) -> u128 {
        let mut hasher = SipHasher24::new_with_key(&self.seed);
        hasher.write(b"account ");
        hasher.write(account.as_str().as_bytes());
        hasher.finish128().as_u128()
    }

    /// What is known of a key.
    pub fn find(&self, tag: u128) -> Option<KnownKey> {
        self.known.get(&tag).cloned()
    }

    /// Remembers what was read of a key.
    pub fn keep(&mut self, tag: u128, known: KnownKey) {
        let bytes = cost(&known);
        if self.bytes.saturating_add(bytes) > BYTES_MAX {
            self.forget_all();
        }
        if bytes <= BYTES_MAX {
            self.bytes += bytes;
            self.known.insert(tag, known);
        }
    }

    /// Forgets the keys of these buckets.
    pub fn forget(&mut self, buckets: &BTreeSet<u16>) {
        let mut freed = 0;
        self.known.retain(|_, known| {
            let stays = !buckets.contains(&known.key_hash.bucket());
            if !stays {
                freed += cost(known);
            }
            stays
        });
        self.bytes = self.bytes.saturating_sub(freed);
    }

    /// Forgets every key.
    pub fn forget_all(&mut self) {
        self.known.clear();
        self.bytes = 0;
    }
}

fn cost(known: &KnownKey) -> usize {
    known.record.len().saturating_add(ENTRY_BYTES)
}
