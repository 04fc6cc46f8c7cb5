//! Round trips: what one side writes, the other reads as the same value, for any value.
//!
//! Does not look for damage (`malformed`). Invariant: `encode` then `decode` is the identity on
//! values, and `decode` then `encode` is the identity on bytes.

#![cfg(test)]

use std::collections::BTreeMap;

use keytable::limits::{BUCKETS, NETWORKS_MAX, PAGE_BUCKETS_MAX};
use keytable::{
    AccountId, AccountRecord, AddressList, Amount, Axis, Change, Delta, Epoch, ExpectedTokens,
    Frame, Generation, KeptRecord, KeyHash, KeyId, Limit, Network, Page, Record, RecordView,
    RecordedLimit, RecordedLimits, Scope, ScopeEntry, StartDay, Status, TableHead, Unit, Unmetered,
    UtcOffset, WhenApart, Window, bucket,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn id() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z0-9_.-]{0,63}"
}

fn entry_text() -> impl Strategy<Value = String> {
    "[A-Za-z0-9@:/._+é中-]([A-Za-z0-9@:/._+ é中-]{0,40}[A-Za-z0-9é中-])?\\*?"
}

fn axis() -> impl Strategy<Value = Axis> {
    let entry = entry_text().prop_map(|text| ScopeEntry::parse(&text).unwrap());
    prop_oneof![Just(Axis::All), vec(entry, 0..12).prop_map(Axis::Listed)]
}

/// The text of a network, host bits cleared.
fn network_text() -> impl Strategy<Value = String> {
    let four = (any::<u32>(), 0u32..=32).prop_map(|(address, length)| {
        let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
        format!("{}/{length}", std::net::Ipv4Addr::from(address & mask))
    });
    let six = (any::<u128>(), 0u32..=128).prop_map(|(address, length)| {
        let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
        format!("{}/{length}", std::net::Ipv6Addr::from(address & mask))
    });
    prop_oneof![four, six]
}

/// A list as a record holds it: IPv4 before IPv6.
fn addresses() -> impl Strategy<Value = AddressList> {
    vec(network_text(), 0..=NETWORKS_MAX).prop_map(|texts| {
        let mut networks: Vec<_> = texts
            .iter()
            .map(|text| Network::parse(text).unwrap())
            .collect();
        networks.sort_by_key(|network| (network.address().is_ipv6(), network.to_string()));
        networks.dedup();
        AddressList::new(networks).unwrap()
    })
}

fn window() -> impl Strategy<Value = Window> {
    let offset = (-720i16..=840).prop_map(|minutes| UtcOffset::from_minutes(minutes).unwrap());
    let start = (1u8..=31).prop_map(|day| StartDay::new(day).unwrap());
    prop_oneof![
        Just(Window::Minute),
        Just(Window::Lifetime),
        offset.clone().prop_map(Window::Day),
        (start, offset).prop_map(|(day, offset)| Window::Month(day, offset)),
    ]
}

fn limit() -> impl Strategy<Value = Limit> {
    let numbers = (1..=Amount::MAX, 0..=ExpectedTokens::MAX);
    let words = (any::<bool>(), any::<bool>(), any::<bool>());
    (window(), numbers, words).prop_map(|(window, (amount, expected), (tokens, apart, charge))| {
        Limit {
            unit: Unit::ALL[usize::from(tokens)],
            window,
            amount: Amount::new(amount).unwrap(),
            expected: ExpectedTokens::new(expected).unwrap(),
            when_apart: [WhenApart::Serve, WhenApart::Refuse][usize::from(apart)],
            unmetered: [Unmetered::Refuse, Unmetered::Charge][usize::from(charge)],
        }
    })
}

fn recorded_limit() -> impl Strategy<Value = RecordedLimit> {
    let figures = (any::<u64>(), prop::option::of(1..u64::MAX));
    (limit(), any::<u32>(), any::<u64>(), figures).prop_map(|(limit, resets, at, figures)| {
        let is_in_ledger = limit.window.kind().is_in_ledger();
        let (used, full_until_unix_ms) = if is_in_ledger { figures } else { (0, None) };
        RecordedLimit {
            limit,
            resets,
            start_unix_ms: limit.window.span_at(at).start_unix_ms,
            used,
            full_until_unix_ms,
        }
    })
}

/// One for each unit and window at most.
fn recorded_limits() -> impl Strategy<Value = Vec<RecordedLimit>> {
    vec(recorded_limit(), 1..20).prop_map(|mut limits| {
        limits.sort_by_key(|one| (one.limit.unit, one.limit.window.kind()));
        limits.dedup_by_key(|one| (one.limit.unit, one.limit.window.kind()));
        limits
    })
}

fn own_limits() -> impl Strategy<Value = Option<RecordedLimits>> {
    let own = (id(), recorded_limits()).prop_map(|(subject, limits)| RecordedLimits {
        subject: KeyId::parse(&subject).unwrap(),
        limits,
    });
    prop::option::of(own)
}

fn record_of(key_hash: impl Strategy<Value = KeyHash>) -> impl Strategy<Value = Record> {
    let who = (key_hash, id(), id());
    let when = (any::<bool>(), prop::option::of(0..u64::MAX));
    let limits = (own_limits(), any::<bool>());
    (who, when, addresses(), axis(), axis(), limits).prop_map(
        |(
            (key_hash, key_id, account),
            (enabled, expires_at_unix_ms),
            addresses,
            models,
            services,
            (limits, is_account_limited),
        )| {
            Record {
                key_hash,
                key_id: KeyId::parse(&key_id).unwrap(),
                account: AccountId::parse(&account).unwrap(),
                status: if enabled {
                    Status::Enabled
                } else {
                    Status::Disabled
                },
                expires_at_unix_ms,
                addresses,
                scope: Scope { models, services },
                limits,
                is_account_limited,
            }
        },
    )
}

fn any_hash() -> impl Strategy<Value = KeyHash> {
    any::<[u8; 32]>().prop_map(KeyHash::from_bytes)
}

/// One of eight hashes of the bucket 0xabcd, so that they meet again.
fn hash_in_one_bucket() -> impl Strategy<Value = KeyHash> {
    (0u8..8).prop_map(|last| {
        let mut bytes = [0xee; 32];
        bytes[..2].copy_from_slice(&[0xab, 0xcd]);
        bytes[31] = last;
        KeyHash::from_bytes(bytes)
    })
}

fn epoch() -> impl Strategy<Value = Epoch> {
    any::<[u8; 16]>().prop_map(Epoch::from_bytes)
}

/// What was stored for one key: a record's bytes, or that there is none.
type Stored = (KeyHash, Option<Vec<u8>>);

fn stored(key_hash: impl Strategy<Value = KeyHash>) -> impl Strategy<Value = Stored> {
    (record_of(key_hash), any::<bool>())
        .prop_map(|(record, kept)| (record.key_hash, kept.then(|| record.encode().unwrap())))
}

fn change(stored: &Stored) -> Change<'_> {
    match stored {
        (_, Some(bytes)) => Change::Put(RecordView::parse(bytes).unwrap()),
        (key_hash, None) => Change::Remove(*key_hash),
    }
}

/// A change as plain values, to be compared.
fn plain(change: &Change<'_>) -> ([u8; 32], Option<Vec<u8>>) {
    match change {
        Change::Put(view) => (*view.key_hash().as_bytes(), Some(view.as_bytes().to_vec())),
        Change::Remove(key_hash) => (*key_hash.as_bytes(), None),
    }
}

proptest! {
    #[test]
    fn account_records(account in id(), limits in prop::option::of(recorded_limits())) {
        let account = AccountId::parse(&account).unwrap();
        let record = AccountRecord { account, limits: limits.unwrap_or_default() };
        let bytes = record.encode().unwrap();
        let view = RecordView::parse(&bytes).unwrap();
        prop_assert_eq!(view.as_bytes(), bytes.as_slice());
        prop_assert_eq!(view.key_hash(), KeyHash::of_account(&record.account));
        prop_assert_eq!(view.status(), Status::Disabled);
        prop_assert!(view.to_record().is_none() && !view.is_unrestricted());
        let kept = KeptRecord::new(&view);
        prop_assert_eq!(kept.view().unwrap().to_account_record(), Some(record));
    }

    #[test]
    fn records(record in record_of(any_hash())) {
        let bytes = record.encode().unwrap();
        let view = RecordView::parse(&bytes).unwrap();
        prop_assert_eq!(view.as_bytes(), bytes.as_slice());
        prop_assert_eq!(view.key_id(), record.key_id.as_str());
        prop_assert_eq!(view.account(), record.account.as_str());
        prop_assert_eq!(view.status(), record.status);
        prop_assert_eq!(view.expires_at_unix_ms(), record.expires_at_unix_ms);
        prop_assert_eq!(view.has_address_list(), !record.addresses.networks().is_empty());
        prop_assert_eq!(view.has_limits(), record.limits.is_some());
        prop_assert_eq!(view.is_account_limited(), record.is_account_limited);
        let kept = KeptRecord::new(&view);
        prop_assert_eq!(kept.as_bytes(), bytes.as_slice());
        let again = kept.view().unwrap();
        prop_assert_eq!(again.as_bytes(), bytes.as_slice());
        prop_assert_eq!(again.is_unrestricted(), view.is_unrestricted());
        prop_assert_eq!(again.to_record(), Some(record.clone()));
        prop_assert_eq!(view.to_record(), Some(record));
    }

    #[test]
    fn records_stand_one_behind_another(
        one in record_of(any_hash()), rest in vec(any::<u8>(), 0..9)
    ) {
        let bytes = one.encode().unwrap();
        let both = [bytes.as_slice(), &rest].concat();
        let (view, left) = RecordView::split_first(&both).unwrap();
        prop_assert_eq!(view.as_bytes(), bytes.as_slice());
        prop_assert_eq!(left, rest.as_slice());
    }

    #[test]
    fn buckets_are_maps_from_key_hash_to_record(steps in vec(stored(hash_in_one_bucket()), 1..20)) {
        let mut model = BTreeMap::new();
        let mut bytes = Vec::new();
        for (key_hash, record) in &steps {
            let view = record.as_deref().map(|bytes| RecordView::parse(bytes).unwrap());
            bytes = bucket::with_record(&bytes, key_hash, view.as_ref()).unwrap();
            match record {
                Some(record) => model.insert(*key_hash.as_bytes(), record.clone()),
                None => model.remove(key_hash.as_bytes()),
            };
            prop_assert_eq!(bucket::count(&bytes), Ok(model.len()));
            prop_assert_eq!(bytes.len(), model.values().map(Vec::len).sum::<usize>());
        }
        for (key_hash, _) in &steps {
            let found = bucket::find(&bytes, key_hash).unwrap();
            let expected = model.get(key_hash.as_bytes()).map(Vec::as_slice);
            prop_assert_eq!(found.map(|view| view.as_bytes()), expected);
        }
    }

    #[test]
    fn deltas(
        epoch in epoch(),
        from in any::<u64>(),
        ahead in 1..u64::MAX,
        changes in vec(stored(any_hash()), 0..8)
    ) {
        let (from, to) = (from.min(u64::MAX - ahead), from.min(u64::MAX - ahead) + ahead);
        let delta = Delta {
            epoch,
            from: Generation::new(from),
            to: Generation::new(to),
            changes: changes.iter().map(change).collect(),
        };
        let bytes = delta.encode();
        let Frame::Delta(read) = Frame::decode(&bytes).unwrap() else {
            return Err(TestCaseError::fail("not a delta"));
        };
        prop_assert_eq!((read.epoch, read.from, read.to), (delta.epoch, delta.from, delta.to));
        prop_assert!(read.changes.iter().map(plain).eq(delta.changes.iter().map(plain)));
        prop_assert_eq!(read.encode(), bytes);
    }

    #[test]
    fn pages(
        epoch in epoch(),
        generation in any::<u64>(),
        buckets in 1..=PAGE_BUCKETS_MAX,
        first in 0..BUCKETS,
        records in vec(record_of(any_hash()), 0..8)
    ) {
        let first_bucket = first.min(BUCKETS - buckets);
        let encoded = moved_into(records, first_bucket, buckets);
        let page = Page {
            epoch,
            generation: Generation::new(generation),
            first_bucket,
            buckets,
            records: encoded.iter().map(|bytes| RecordView::parse(bytes).unwrap()).collect(),
        };
        let bytes = page.encode();
        let Frame::Page(read) = Frame::decode(&bytes).unwrap() else {
            return Err(TestCaseError::fail("not a page"));
        };
        prop_assert_eq!((read.epoch, read.generation), (page.epoch, page.generation));
        prop_assert_eq!((read.first_bucket, read.buckets), (page.first_bucket, page.buckets));
        prop_assert_eq!(read.encode(), bytes.as_slice());
        let contents: Vec<_> = read.bucket_contents().collect();
        prop_assert_eq!(contents.len(), usize::try_from(buckets).unwrap());
        let numbers = contents.iter().map(|(bucket, _)| u32::from(*bucket));
        prop_assert!(numbers.eq(first_bucket..read.end_bucket()));
        let whole: Vec<u8> = contents.into_iter().flat_map(|(_, bytes)| bytes).collect();
        prop_assert_eq!(whole, encoded.concat());
    }

    #[test]
    fn heads(
        epoch in epoch(),
        generation in any::<u64>().prop_map(Generation::new),
        edition in any::<u64>(),
        records in any::<u64>()
    ) {
        let head = TableHead { epoch, generation, edition, records };
        prop_assert_eq!(TableHead::decode(&head.encode()), Some(head));
    }

    #[test]
    fn epochs_as_text(epoch in epoch()) {
        prop_assert_eq!(Epoch::parse(&epoch.to_string()), Some(epoch));
        prop_assert_eq!(Epoch::parse(&epoch.to_string().to_uppercase()).is_some(),
            epoch.to_string().bytes().all(|b| b.is_ascii_digit()));
    }

    #[test]
    fn scope_entries_as_text(text in entry_text()) {
        let entry = ScopeEntry::parse(&text).unwrap();
        prop_assert_eq!(entry.to_string(), text.clone());
        prop_assert_eq!(matches!(entry, ScopeEntry::Prefix(_)), text.ends_with('*'));
    }

    #[test]
    fn any_text_is_an_entry_that_prints_itself_or_is_refused(text in any::<String>()) {
        if let Ok(entry) = ScopeEntry::parse(&text) {
            prop_assert_eq!(entry.to_string(), text);
        }
    }

    #[test]
    fn networks_as_text(text in network_text()) {
        let network = Network::parse(&text).unwrap();
        prop_assert_eq!(Network::parse(&network.to_string()), Ok(network));
        prop_assert_eq!(format!("{}/{}", network.address(), network.length()), text);
    }

    #[test]
    fn ids_as_text(text in id()) {
        prop_assert_eq!(KeyId::parse(&text).unwrap().to_string(), text.clone());
        prop_assert_eq!(AccountId::parse(&text).unwrap().to_string(), text);
    }
}

/// The records, their hashes moved into the buckets of a page, as bytes sorted by bucket.
fn moved_into(records: Vec<Record>, first_bucket: u32, buckets: u32) -> Vec<Vec<u8>> {
    let mut moved: Vec<_> = records
        .into_iter()
        .map(|mut record| {
            let mut bytes = *record.key_hash.as_bytes();
            let bucket = first_bucket + u32::from(record.key_hash.bucket()) % buckets;
            bytes[..2].copy_from_slice(&u16::try_from(bucket).unwrap().to_be_bytes());
            record.key_hash = KeyHash::from_bytes(bytes);
            record
        })
        .collect();
    moved.sort_by_key(|record| record.key_hash.bucket());
    moved
        .iter()
        .map(|record| record.encode().unwrap())
        .collect()
}

#[test]
fn ids_are_judged_to_the_character() {
    let longest = "a".repeat(64);
    for text in [
        "a",
        "0",
        "ak-20261123-9f2c51d0a7b34e18",
        "a_b.c-d",
        &longest,
    ] {
        assert!(KeyId::parse(text).is_ok(), "{text}");
    }
    let too_long = "a".repeat(65);
    for text in [
        "", "-a", "_a", ".a", "A", "aB", "a b", "a/b", "é", "a\n", "a%", &too_long,
    ] {
        assert!(KeyId::parse(text).is_err(), "{text}");
        assert!(AccountId::parse(text).is_err(), "{text}");
    }
}

#[test]
fn generations_rise_to_the_end_of_their_range_and_stay_there() {
    assert_eq!(Generation::ZERO.next(), Generation::new(1));
    assert_eq!(Generation::new(u64::MAX).next().get(), u64::MAX);
    assert_eq!(Generation::new(7).to_string(), "7");
}
