//! Frames as the agent reads them.

use keytable::{AccountId, AddressList, Axis, Frame, KeyId, Network, Scope, ScopeEntry, Status};

use super::*;
use crate::domain::clock::UnixMillis;
use crate::domain::key::Policy;
use crate::domain::name::{Description, KeyName};
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;

const EPOCH: Epoch = Epoch::from_bytes([7; 16]);

fn key(bucket: u16, number: u8) -> Key {
    let mut hash = [number; 32];
    hash[..2].copy_from_slice(&bucket.to_be_bytes());
    Key {
        id: KeyId::parse(&format!("ak-{bucket}-{number}")).unwrap(),
        account: AccountId::parse("demo").unwrap(),
        region: RegionId::parse("local").unwrap(),
        origin: Origin::Standard,
        name: KeyName::parse("a key").unwrap(),
        team: None,
        policy: Policy {
            description: Description::default(),
            status: Status::Disabled,
            scope: Scope::ALL,
            addresses: AddressList::new(vec![Network::parse("10.0.0.0/8").unwrap()]).unwrap(),
            expires_at: Some(UnixMillis::new(5)),
            labels: Default::default(),
        },
        hash: KeyHash::from_bytes(hash),
        masked: "sk-ab***wxyz".into(),
        key_version: 1,
        creator: "operator".into(),
        created_at: UnixMillis::new(1),
        updated_at: UnixMillis::new(1),
        value_set_at: UnixMillis::new(1),
        last_used_at: None,
        predecessor: None,
        successor: None,
        recoverable: false,
        revision: 1,
        subject: KeyId::parse(&format!("ak-{bucket}-{number}")).unwrap(),
        limits: Default::default(),
    }
}

fn entry(key: &Key) -> KeyEntry {
    KeyEntry {
        key: Box::new(key.clone()),
        limits: Vec::new(),
        is_account_limited: false,
        is_switched_off: false,
    }
}

fn snapshot(keys: &[Key]) -> Snapshot {
    let mut builder = TableBuilder::default();
    keys.iter()
        .for_each(|key| builder.add(&TableEntry::Key(entry(key))));
    builder
        .finish(EPOCH, Generation::new(3), FormatVersion::NEWEST)
        .unwrap()
}

fn page_of(bytes: &[u8]) -> Page<'_> {
    match Frame::decode(bytes).unwrap() {
        Frame::Page(page) => page,
        Frame::Delta(_) => panic!("a delta"),
    }
}

#[test]
fn a_record_has_the_policy_of_its_key() {
    let snapshot = snapshot(&[key(0, 1)]);
    let page = page_of(&snapshot.pages[0].bytes);
    assert_eq!(
        page.records[0].to_record(),
        Some(record(&entry(&key(0, 1))))
    );
    assert_eq!(page.records[0].expires_at_unix_ms(), Some(5));
}

#[test]
fn a_key_that_had_expired_when_it_was_written_is_refused_by_slow_clocks_too() {
    let mut ended = key(0, 1);
    ended.updated_at = UnixMillis::new(5);
    assert_eq!(record(&entry(&ended)).expires_at_unix_ms, Some(0));
}

#[test]
fn the_pages_cover_every_bucket_once_and_hold_every_key() {
    let keys: Vec<Key> = (0..2_000_u16).map(|n| key(n.wrapping_mul(37), 1)).collect();
    let snapshot = snapshot(&keys);
    let (mut next, mut records) = (0, 0);
    for encoded in &snapshot.pages {
        let page = page_of(&encoded.bytes);
        assert_eq!((page.first_bucket, encoded.first_bucket), (next, next));
        assert_eq!(page.generation, Generation::new(3));
        next = page.end_bucket();
        records += page.records.len();
    }
    assert_eq!((next, records), (BUCKETS, keys.len()));
}

#[test]
fn an_empty_table_has_pages_too() {
    assert_eq!(snapshot(&[]).pages.len(), 16);
}

#[test]
fn keys_of_one_bucket_stay_on_one_page_and_large_pages_are_cut() {
    let large = |bucket, number| {
        let mut key = key(bucket, number);
        let entry = |n: usize| ScopeEntry::parse(&format!("{n:0250}")).unwrap();
        key.policy.scope.models = Axis::Listed((0..500).map(entry).collect());
        key
    };
    let keys: Vec<Key> = (0..20)
        .map(|number| large(9, number))
        .chain([large(10, 1)])
        .collect();
    let snapshot = snapshot(&keys);
    let first = page_of(&snapshot.pages[0].bytes);
    assert_eq!((first.records.len(), first.end_bucket()), (20, 10));
    assert_eq!(page_of(&snapshot.pages[1].bytes).records.len(), 1);
}

#[test]
fn the_same_keys_give_the_same_pages_in_whatever_order() {
    let keys = [key(1, 1), key(1, 2), key(5, 1)];
    let turned = [keys[2].clone(), keys[1].clone(), keys[0].clone()];
    for (one, other) in snapshot(&keys).pages.iter().zip(&snapshot(&turned).pages) {
        assert_eq!(one.bytes, other.bytes);
    }
}

#[test]
fn a_delta_puts_and_removes() {
    let (put, gone) = (key(1, 1), key(2, 2));
    let changes = [
        (put.hash, Some(TableEntry::Key(entry(&put)))),
        (gone.hash, None),
    ];
    let (from, to) = (Generation::new(3), Generation::new(9));
    let bytes = delta(EPOCH, from, to, &changes, FormatVersion::NEWEST)
        .unwrap()
        .unwrap();
    let Ok(Frame::Delta(delta)) = Frame::decode(&bytes) else {
        panic!("no delta");
    };
    assert_eq!((delta.from, delta.to, delta.epoch), (from, to, EPOCH));
    assert!(matches!(&delta.changes[0], Change::Put(view) if view.key_hash() == put.hash));
    assert!(matches!(&delta.changes[1], Change::Remove(hash) if *hash == gone.hash));
}

#[test]
fn a_heartbeat_changes_nothing() {
    let bytes = heartbeat(EPOCH, Generation::new(4), FormatVersion::NEWEST);
    let Ok(Frame::Delta(delta)) = Frame::decode(&bytes) else {
        panic!("no delta");
    };
    assert_eq!((delta.from, delta.changes.len()), (delta.to, 0));
}
