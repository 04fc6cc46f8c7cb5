//! Which header names that were removed stand in metrics by themselves, and which are `other`.
//!
//! Clients choose these names, a metric is never forgotten by Envoy, and a name may hold a secret.
//! Does not count. Invariants: a worker gives out a bounded number of names and one key a share of
//! it; what does not read as words is never one of them.

use std::collections::{BTreeMap, BTreeSet};

use keytable::{KeyHash, find_credential};

/// Names that a worker gives out in its life.
const NAMES_MAX: usize = 64;
/// How many of them one key may be the first to send.
const NAMES_OF_KEY_MAX: usize = 8;
const NAME_BYTES_MAX: usize = 48;
const WORD_BYTES_MAX: usize = 16;
/// Digits in a name: `x-b3-traceid` has one, tokens have many.
const DIGITS_MAX: usize = 2;
/// For every name that is not given out.
const OTHER: &str = "other";

/// The names that were given out.
#[derive(Debug, Default)]
pub(super) struct RemovedNames {
    names: BTreeSet<String>,
    by_key: BTreeMap<[u8; KeyHash::BYTES], usize>,
}

impl RemovedNames {
    /// The word under which a removed header of this key's request is counted.
    pub(super) fn word<'n>(&mut self, name: &'n [u8], key: &KeyHash) -> &'n str {
        let Some(text) = words_of(name) else {
            return OTHER;
        };
        if self.names.contains(text) {
            return text;
        }
        let of_key = self.by_key.get(key.as_bytes()).copied().unwrap_or(0);
        if self.names.len() >= NAMES_MAX || of_key >= NAMES_OF_KEY_MAX {
            return OTHER;
        }
        self.by_key.insert(*key.as_bytes(), of_key + 1);
        self.names.insert(text.to_owned());
        text
    }
}

/// The name, if it reads as words that somebody chose for a header.
fn words_of(name: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(name).ok()?;
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let reads = text.len() <= NAME_BYTES_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(is_plain)
        && digits <= DIGITS_MAX
        && text
            .split(['-', '_'])
            .all(|word| (1..=WORD_BYTES_MAX).contains(&word.len()))
        && find_credential(name).is_none();
    reads.then_some(text)
}
