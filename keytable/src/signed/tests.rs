//! Signed tables that are whole, cut, changed, forged or put together from others.

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::generation::{Epoch, Generation};
use crate::limits::PAGE_BUCKETS_MAX;

const MADE_AT: u64 = 1_790_000_000_000;

fn key() -> SigningKey {
    SigningKey::from_seed([7; 32])
}

/// The pages of an empty table.
fn pages(epoch: u8, generation: u64) -> Vec<Vec<u8>> {
    let step = usize::try_from(PAGE_BUCKETS_MAX).unwrap();
    let page = |first_bucket: u32| Page {
        epoch: Epoch::from_bytes([epoch; 16]),
        generation: Generation::new(generation),
        first_bucket,
        buckets: PAGE_BUCKETS_MAX,
        records: Vec::new(),
    };
    (0..BUCKETS)
        .step_by(step)
        .map(|first| page(first).encode())
        .collect()
}

fn opened(bytes: &[u8]) -> Result<usize, SignedTableError> {
    SignedTable::open(bytes, &key().public()).map(|table| table.pages.len())
}

#[test]
fn what_was_signed_is_what_is_opened() {
    let bytes = sign(&key(), MADE_AT, "local", &pages(1, 5)).unwrap();
    let public = key().public();
    let table = SignedTable::open(&bytes, &public).unwrap();
    assert_eq!(
        (table.made_at_unix_ms, table.region),
        (MADE_AT, &b"local"[..])
    );
    assert_eq!(table.pages.last().unwrap().end_bucket(), BUCKETS);
    assert_eq!(table.pages[0].generation, Generation::new(5));
}

#[test]
fn no_byte_can_be_changed_or_left_out() {
    let bytes = sign(&key(), MADE_AT, "local", &pages(1, 5)).unwrap();
    for at in (0..bytes.len()).step_by(31).chain([bytes.len() - 1]) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(
            opened(&changed),
            Err(SignedTableError::Signature),
            "byte {at}"
        );
    }
    for end in [0, 1, 63, 64, 100, bytes.len() - 1] {
        assert!(opened(&bytes[..end]).is_err(), "{end} bytes");
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    assert_eq!(opened(&longer), Err(SignedTableError::Signature));
}

#[test]
fn a_table_of_another_key_is_refused() {
    let forged = sign(
        &SigningKey::from_seed([8; 32]),
        MADE_AT,
        "local",
        &pages(1, 5),
    )
    .unwrap();
    assert_eq!(opened(&forged), Err(SignedTableError::Signature));
}

#[test]
fn pages_that_are_not_one_table_are_refused() {
    let whole = pages(1, 5);
    let mut mixed = whole.clone();
    mixed[3] = pages(1, 6)[3].clone();
    let mut other = whole.clone();
    other[3] = pages(2, 5)[3].clone();
    let mut twice = whole.clone();
    twice.insert(3, whole[3].clone());
    let short = whole[..whole.len() - 1].to_vec();
    for pages in [mixed, other, twice, short, vec![]] {
        let bytes = sign(&key(), MADE_AT, "local", &pages).unwrap();
        assert_eq!(opened(&bytes), Err(SignedTableError::Incomplete));
    }
}

#[test]
fn a_table_at_the_limit_is_signed_and_opened_and_none_above_it() {
    // Five pages of nonsense: what is above the limit is refused for that, before it is read.
    let page = vec![0; SIGNED_TABLE_BYTES_MAX / 5];
    let used = HEAD_BYTES + "local".len() + 5 * LENGTH_BYTES + SIGNATURE_BYTES;
    let mut pages = vec![page; 5];
    let spare = SIGNED_TABLE_BYTES_MAX % 5;
    let last = pages.last_mut().unwrap();
    last.resize(last.len() + spare - used, 0);
    let bytes = sign(&key(), MADE_AT, "local", &pages).unwrap();
    assert_eq!(bytes.len(), SIGNED_TABLE_BYTES_MAX);
    assert!(matches!(opened(&bytes), Err(SignedTableError::Page(_))));
    pages.last_mut().unwrap().push(0);
    let above = SignedTableError::TooLarge(SIGNED_TABLE_BYTES_MAX + 1);
    assert_eq!(sign(&key(), MADE_AT, "local", &pages), Err(above));
    assert_eq!(opened(&[bytes.as_slice(), &[0]].concat()), Err(above));
}

#[test]
fn a_verifying_key_is_written_and_read_in_hexadecimal() {
    let public = key().public();
    assert_eq!(VerifyingKey::parse(&public.to_string()), Some(public));
    for bad in ["", "00", &"g".repeat(64), &"A".repeat(64)] {
        assert_eq!(VerifyingKey::parse(bad), None, "{bad}");
    }
}
