//! Damage: what is cut, flipped or random is refused, and nothing panics.
//!
//! Does not test nonsense with a right checksum (`crafted`) nor what good bytes mean (`golden`).
//! Invariant: no damage is read as another value, nor as "no such key".

#![cfg(test)]

#[path = "support/golden.rs"]
mod golden_file;
#[path = "support/random.rs"]
mod random;
#[path = "support/seal.rs"]
mod seal;

use std::hint::black_box;

use keytable::{
    FormatVersion, Frame, FrameError, KeyHash, RecordError, RecordView, TableHead, bucket,
};
use proptest::prelude::*;

use golden_file::golden;
use random::Random;
use seal::{resealed, with_length};

const FRAMES: [&str; 3] = ["v1-delta", "v1-heartbeat", "v1-page"];
const RECORDS: [&str; 2] = ["v1-record-minimal", "v1-record-full"];

/// Every version of `bytes` with one bit flipped.
fn with_a_bit_flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

fn record_error(bytes: &[u8]) -> Option<RecordError> {
    RecordView::parse(bytes).err()
}

fn frame_error(bytes: &[u8]) -> Option<FrameError> {
    Frame::decode(bytes).err()
}

#[test]
fn every_truncation_and_every_added_byte_is_refused() {
    for name in RECORDS {
        let bytes = golden(name);
        for end in 0..bytes.len() {
            assert!(record_error(&bytes[..end]).is_some(), "{name} {end}");
            assert!(RecordView::split_first(&bytes[..end]).is_err());
            assert!(end == 0 || record_error(&resealed_or(&bytes[..end])).is_some());
        }
        assert!(record_error(&[bytes.as_slice(), &[0]].concat()).is_some());
    }
    for name in FRAMES {
        let bytes = golden(name);
        for end in 0..bytes.len() {
            assert!(frame_error(&bytes[..end]).is_some(), "{name} {end}");
            assert!(frame_error(&resealed_or(&bytes[..end])).is_some());
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(frame_error(&longer), Some(FrameError::Length));
    }
    let head = golden("v3-head");
    for end in 0..head.len() {
        assert_eq!(TableHead::decode(&head[..end]), None, "head {end}");
        assert_eq!(TableHead::decode(&resealed_or(&head[..end])), None);
    }
    let longer = resealed([head.as_slice(), &[0; 8]].concat());
    assert_eq!(TableHead::decode(&longer), None);
}

/// Resealed, if there is room for a checksum.
fn resealed_or(bytes: &[u8]) -> Vec<u8> {
    match bytes.len() {
        0..4 => bytes.to_vec(),
        _ => resealed(bytes.to_vec()),
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    for name in RECORDS {
        for flipped in with_a_bit_flipped(&golden(name)) {
            assert!(record_error(&flipped).is_some(), "{name}");
            assert!(RecordView::split_first(&flipped).is_err(), "{name}");
        }
    }
    for name in FRAMES {
        for flipped in with_a_bit_flipped(&golden(name)) {
            assert!(frame_error(&flipped).is_some(), "{name}");
        }
    }
    for flipped in with_a_bit_flipped(&golden("v3-head")) {
        assert_eq!(TableHead::decode(&flipped), None);
    }
}

/// A bit flipped in a bucket: each key is found undamaged or the bucket is refused; and for at
/// least one of them it is refused. Never is a key simply absent.
#[test]
fn a_damaged_bucket_is_never_read_as_no_such_key() {
    let records = RECORDS.map(golden);
    let hashes = records
        .each_ref()
        .map(|bytes| RecordView::parse(bytes).unwrap().key_hash());
    let absent = KeyHash::from_bytes([0x10; 32]);
    let whole = golden("v1-bucket");
    assert_eq!(bucket::find(&whole, &absent).unwrap().map(|_| ()), None);
    for flipped in with_a_bit_flipped(&whole) {
        let mut refused = 0;
        for (hash, bytes) in hashes.iter().zip(&records) {
            match bucket::find(&flipped, hash) {
                Ok(found) => assert_eq!(found.unwrap().as_bytes(), bytes),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 0);
        assert!(bucket::find(&flipped, &absent).is_err());
    }
}

#[test]
fn a_cut_bucket_is_refused_or_cut_between_records() {
    let first = golden("v1-record-minimal");
    let second_hash = RecordView::parse(&golden("v1-record-full"))
        .unwrap()
        .key_hash();
    let whole = golden("v1-bucket");
    for end in 0..whole.len() {
        let found = bucket::find(&whole[..end], &second_hash).map(|found| found.is_some());
        let between = end == 0 || end == first.len();
        assert_eq!(found.is_ok(), between, "{end}");
        assert_ne!(found, Ok(true), "{end}");
        assert_eq!(bucket::count(&whole[..end]).is_ok(), between, "{end}");
    }
}

/// Everything that reads bytes, on the same bytes.
fn read_all(bytes: &[u8]) {
    let hash = KeyHash::from_bytes([0x10; 32]);
    if let Ok(view) = RecordView::parse(bytes) {
        black_box(view.covers(b"anything", keytable::Norm::Plain));
        black_box(view.to_record());
    }
    black_box(RecordView::split_first(bytes).is_ok());
    black_box(bucket::find(bytes, &hash).is_ok());
    black_box(bucket::count(bytes).is_ok());
    black_box(bucket::with_record(bytes, &hash, None).is_ok());
    black_box(TableHead::decode(bytes));
    let format = Frame::format_of(bytes).unwrap_or(FormatVersion::NEWEST);
    match Frame::decode(bytes) {
        Ok(Frame::Page(page)) => assert_eq!(page.encode_as(format), bytes),
        Ok(Frame::Delta(delta)) => assert_eq!(delta.encode_as(format), bytes),
        Err(_) => {}
    }
}

/// A golden vector with up to eight bytes changed and, half the time, a right checksum.
fn mutated(random: &mut Random, goldens: &[Vec<u8>]) -> Vec<u8> {
    let below = |random: &mut Random, end: usize| {
        usize::try_from(random.below(u64::try_from(end).unwrap())).unwrap()
    };
    let mut bytes = goldens[below(random, goldens.len())].clone();
    for _ in 0..=below(random, 8) {
        let at = below(random, bytes.len());
        bytes[at] = random.next().to_le_bytes()[0];
    }
    if random.below(4) == 0 {
        bytes.truncate(4 + below(random, bytes.len() - 4));
    }
    if random.below(2) == 0 {
        resealed(bytes)
    } else {
        bytes
    }
}

#[test]
fn half_a_million_mutated_vectors_are_read_without_a_panic() {
    let mut random = Random::seeded("half_a_million_mutated_vectors");
    let names = RECORDS
        .iter()
        .chain(&FRAMES)
        .chain(&["v1-bucket", "v1-head"]);
    let goldens: Vec<_> = names.map(|name| golden(name)).collect();
    for _ in 0..500_000 {
        read_all(&mutated(&mut random, &goldens));
    }
}

proptest! {
    #[test]
    fn random_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_all(&bytes);
        if bytes.len() >= 4 {
            read_all(&with_length(bytes.clone()));
        }
    }
}
