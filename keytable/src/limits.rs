//! Every maximum of the contract, with its unit and its reason.
//!
//! Does not hold the limits of one side alone (how many keys an account may have, how much body
//! the gate holds). Invariant: the relations between them are checked at compile time.

/// Longest API key that is looked at, in bytes. Longer credentials are refused unread.
pub const API_KEY_BYTES_MAX: usize = 128;
/// Base62 characters of the secret part of a key, at least: 238 bits.
pub const API_KEY_SECRET_CHARS_MIN: usize = 40;
/// Base62 characters of the checksum that ends a key: 62^6 > 2^32.
pub const API_KEY_CHECKSUM_CHARS: usize = 6;

/// Longest key id and longest account id, in bytes: they travel in headers and access logs.
pub const ID_BYTES_MAX: usize = 64;
/// Longest scope entry, in bytes: Bedrock's inference-profile ARNs are the longest names known.
pub const SCOPE_ENTRY_BYTES_MAX: usize = 256;
/// Entries on one axis of one scope.
pub const SCOPE_ENTRIES_MAX: usize = 500;
/// Networks on one key's address list.
pub const NETWORKS_MAX: usize = 50;
/// Limits of one subject: one for each unit and kind of window.
pub const LIMITS_MAX: usize = 8;
/// Longest encoded record, in bytes.
pub const RECORD_BYTES_MAX: usize = 300 * 1024;

/// Buckets of a key table. A constant of the format: the bucket of a key is the first 16 bits of
/// its hash, so a table never rehashes and a look-up copies about one record per 65,536 keys.
pub const BUCKETS: u32 = 65_536;
/// Buckets that one snapshot page covers at most: bounds the stall of Envoy's main thread.
pub const PAGE_BUCKETS_MAX: u32 = 4_096;
/// Record bytes after which a page is closed; one bucket is never split over pages.
pub const PAGE_BYTES_TARGET: usize = 2 * 1024 * 1024;
/// Changes in one delta; beyond it the sidecar answers with a snapshot.
pub const DELTA_CHANGES_MAX: usize = 10_000;
/// Longest frame, in bytes: below Envoy's 32 MiB limit for answers to callouts.
pub const FRAME_BYTES_MAX: usize = 24 * 1024 * 1024;
/// Longest signed table, in bytes: Envoy refuses an answer to a callout above 32 MiB without a word, so
/// this is a mebibyte below, and whoever is above it is told.
pub const SIGNED_TABLE_BYTES_MAX: usize = 31 * 1024 * 1024;
/// Rows of one usage batch: what an Envoy counts between two of them.
pub const USAGE_ROWS_MAX: usize = 10_000;
/// Charges of one usage batch; more go into a further one.
pub const CHARGES_MAX: usize = 10_000;
/// Longest usage batch, in bytes.
pub const USAGE_BYTES_MAX: usize = 6 * 1024 * 1024;
/// Longest answer to one, in bytes.
pub const USAGE_ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Longest tokens of a row: which are told, and four figures of each kind.
const TOKENS_BYTES_MAX: usize = 1 + 2 * 4 * 8;
/// Longest row: fixed fields, key id, address, resource, tokens.
const USAGE_ROW_BYTES_MAX: usize =
    21 + ID_BYTES_MAX + 16 + SCOPE_ENTRY_BYTES_MAX + TOKENS_BYTES_MAX;
/// Longest charge: kinds, subject, window, figures.
const CHARGE_BYTES_MAX: usize = 4 + ID_BYTES_MAX + 8 + 4 + 3 * 8;
/// A figure of an answer: which charge, and what it is.
const FIGURE_BYTES: usize = 4 + 8;

const _: () = assert!(API_KEY_SECRET_CHARS_MIN + API_KEY_CHECKSUM_CHARS < API_KEY_BYTES_MAX);
const _: () = assert!(BUCKETS.is_power_of_two() && BUCKETS as u64 == 1 << 16);
const _: () = assert!(BUCKETS.is_multiple_of(PAGE_BUCKETS_MAX));
const _: () = assert!(2 * SCOPE_ENTRIES_MAX * (SCOPE_ENTRY_BYTES_MAX + 3) < RECORD_BYTES_MAX);
const _: () = assert!(FRAME_BYTES_MAX < SIGNED_TABLE_BYTES_MAX);
const _: () = assert!(PAGE_BYTES_TARGET + RECORD_BYTES_MAX < FRAME_BYTES_MAX);
const _: () = assert!(
    USAGE_ROWS_MAX * USAGE_ROW_BYTES_MAX + CHARGES_MAX * CHARGE_BYTES_MAX < USAGE_BYTES_MAX
);
const _: () = assert!(CHARGES_MAX * FIGURE_BYTES < USAGE_ANSWER_BYTES_MAX);
