//! The golden vectors: bytes written by hand from FORMAT.md, against what this crate reads and
//! writes.
//!
//! Does not look for damage (`malformed`). Invariant: a vector decodes to the value stated here
//! and that value encodes to the same bytes; FORMAT.md names every vector and pins its SHA-256.

#![cfg(test)]

#[path = "support/golden.rs"]
mod support;

use keytable::{
    AccountId, AccountRecord, AddressList, Amount, Axis, Change, Delta, Epoch, ExpectedTokens,
    FormatVersion, Frame, Generation, KeyHash, KeyId, Limit, Network, Page, PresentedKey, Record,
    RecordView, RecordedLimit, RecordedLimits, Scope, ScopeEntry, StartDay, Status, TableHead,
    Unit, Unmetered, UtcOffset, WhenApart, Window, bucket,
};
use sha2::{Digest, Sha256};

use support::golden;

const FORMAT_MD: &str = include_str!("../FORMAT.md");
/// Every vector of the current format version, without `v<version>-`.
const VECTORS: [&str; 9] = [
    "key",
    "record-minimal",
    "record-full",
    "bucket",
    "delta",
    "heartbeat",
    "page",
    "head",
    "usage",
];
/// Vectors that came with a later version than the first, and with which.
const LATER: [(u16, &str); 3] = [
    (3, "record-limited"),
    (3, "record-account"),
    (3, "usage-answer"),
];
const EPOCH: &str = "0123456789abcdef0f1e2d3c4b5a6978";

fn listed(entries: &[&str]) -> Axis {
    let parse = |text: &&str| ScopeEntry::parse(text).unwrap();
    Axis::Listed(entries.iter().map(parse).collect())
}

fn addresses(texts: &[&str]) -> AddressList {
    let parse = |text: &&str| Network::parse(text).unwrap();
    AddressList::new(texts.iter().map(parse).collect()).unwrap()
}

/// The hash of the golden key.
fn key_hash() -> KeyHash {
    KeyHash::of(&PresentedKey::parse(&golden("v1-key")).unwrap())
}

/// A hash whose first two bytes are `bucket`.
fn hash_in(bucket: u16, rest: [u8; 30]) -> KeyHash {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&bucket.to_be_bytes());
    bytes[2..].copy_from_slice(&rest);
    KeyHash::from_bytes(bytes)
}

fn minimal() -> Record {
    Record {
        key_hash: key_hash(),
        key_id: KeyId::parse("ak-20261123-00000000000000a1").unwrap(),
        account: AccountId::parse("demo").unwrap(),
        status: Status::Enabled,
        expires_at_unix_ms: None,
        addresses: AddressList::default(),
        scope: Scope::ALL,
        limits: None,
        is_account_limited: false,
    }
}

fn full() -> Record {
    let rest = std::array::from_fn(|at| u8::try_from(at + 2).unwrap());
    Record {
        key_hash: hash_in(key_hash().bucket(), rest),
        key_id: KeyId::parse("ak-20261123-9f2c51d0a7b34e18").unwrap(),
        account: AccountId::parse("team.blue_2").unwrap(),
        status: Status::Disabled,
        expires_at_unix_ms: Some(1_798_761_600_000),
        addresses: addresses(&["10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48", "2001:db8::7"]),
        scope: Scope {
            models: listed(&["glm-5.1", "deepseek-*"]),
            services: listed(&["ep-chat", "@team/*"]),
        },
        limits: None,
        is_account_limited: false,
    }
}

/// The last record of the golden page, two buckets behind the others.
fn third() -> Record {
    Record {
        key_hash: hash_in(key_hash().bucket() + 2, [0xa5; 30]),
        key_id: KeyId::parse("ak-3").unwrap(),
        account: AccountId::parse("demo").unwrap(),
        status: Status::Enabled,
        expires_at_unix_ms: Some(1_798_761_600_001),
        addresses: addresses(&["::/0"]),
        scope: Scope {
            models: listed(&[]),
            services: Axis::All,
        },
        limits: None,
        is_account_limited: false,
    }
}

#[test]
fn the_key_parses_and_has_the_hash_that_format_md_works_out() {
    let bytes = golden("v1-key");
    let key = PresentedKey::parse(&bytes).unwrap();
    let (body, sum) = bytes.split_last_chunk::<6>().unwrap();
    let digits: String = key_hash()
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();

    assert_eq!(key.as_bytes(), bytes);
    assert_eq!(keytable::api_key::checksum(body), *sum);
    assert_eq!(key_hash().bucket(), 0x1097);
    assert!(FORMAT_MD.contains(str::from_utf8(&bytes).unwrap()));
    assert!(FORMAT_MD.contains(&digits));
    assert!(FORMAT_MD.contains(keytable::api_key::API_KEY_REGEX));
}

#[test]
fn the_records_decode_and_encode_to_the_same_bytes() {
    for (name, record) in [("v1-record-minimal", minimal()), ("v1-record-full", full())] {
        let bytes = golden(name);
        let view = RecordView::parse(&bytes).unwrap();
        assert_eq!(view.to_record().unwrap(), record, "{name}");
        assert_eq!(view.as_bytes(), bytes, "{name}");
        assert_eq!(record.encode().unwrap(), bytes, "{name}");
    }
}

fn limited() -> Record {
    let tokens = Limit {
        unit: Unit::Tokens,
        window: Window::Month(
            StartDay::new(15).unwrap(),
            UtcOffset::parse("+08:00").unwrap(),
        ),
        amount: Amount::new(1_000_000).unwrap(),
        expected: ExpectedTokens::new(2_000).unwrap(),
        when_apart: WhenApart::Refuse,
        unmetered: Unmetered::Charge,
    };
    let requests = Limit {
        unit: Unit::Requests,
        window: Window::Minute,
        amount: Amount::new(60).unwrap(),
        expected: ExpectedTokens::default(),
        when_apart: WhenApart::Serve,
        unmetered: Unmetered::Refuse,
    };
    let used = RecordedLimit {
        limit: tokens,
        resets: 1,
        start_unix_ms: 1_794_672_000_000,
        used: 1_000_000,
        full_until_unix_ms: Some(1_797_264_000_000),
    };
    Record {
        limits: Some(RecordedLimits {
            subject: KeyId::parse("ak-1").unwrap(),
            limits: vec![used, unused(requests)],
        }),
        is_account_limited: true,
        ..minimal()
    }
}

fn unused(limit: Limit) -> RecordedLimit {
    RecordedLimit {
        limit,
        resets: 0,
        start_unix_ms: 0,
        used: 0,
        full_until_unix_ms: None,
    }
}

fn limited_account() -> AccountRecord {
    let lifetime = Limit {
        unit: Unit::Tokens,
        window: Window::Lifetime,
        amount: Amount::new(10_000_000).unwrap(),
        expected: ExpectedTokens::default(),
        when_apart: WhenApart::Serve,
        unmetered: Unmetered::Refuse,
    };
    AccountRecord {
        account: AccountId::parse("demo").unwrap(),
        limits: vec![RecordedLimit {
            used: 1_234_567,
            ..unused(lifetime)
        }],
    }
}

#[test]
fn the_records_with_limits_decode_and_encode_to_the_same_bytes() {
    let (key, account) = (golden("v3-record-limited"), golden("v3-record-account"));
    let view = RecordView::parse(&key).unwrap();
    assert_eq!(view.to_record().unwrap(), limited());
    assert_eq!(view.to_account_record(), None);
    assert_eq!(limited().encode().unwrap(), key);
    let view = RecordView::parse(&account).unwrap();
    assert_eq!(view.to_account_record().unwrap(), limited_account());
    assert_eq!(view.to_record(), None);
    assert_eq!(limited_account().encode().unwrap(), account);
}

/// What an older filter gets of them.
#[test]
fn a_frame_of_an_older_version_has_limited_keys_disabled_and_no_accounts() {
    let (key, account) = (golden("v3-record-limited"), golden("v3-record-account"));
    let of_account = Record {
        limits: None,
        ..limited()
    };
    let of_account = of_account.encode().unwrap();
    let page = |record: &'static str| (record, RecordView::parse(&key).unwrap());
    for (what, view) in [
        page("its own"),
        ("of its account", RecordView::parse(&of_account).unwrap()),
    ] {
        let delta = Delta {
            epoch: Epoch::parse(EPOCH).unwrap(),
            from: Generation::new(1),
            to: Generation::new(2),
            changes: vec![
                Change::Put(RecordView::parse(&account).unwrap()),
                Change::Put(view),
            ],
        };
        for version in [1, 2] {
            let bytes = delta.encode_as(FormatVersion::known(version).unwrap());
            let Ok(Frame::Delta(read)) = Frame::decode(&bytes) else {
                panic!("{what}: not a delta");
            };
            let [Change::Put(record)] = read.changes.as_slice() else {
                panic!("{what}: other changes: {:?}", read.changes);
            };
            let disabled = Record {
                status: Status::Disabled,
                ..minimal()
            };
            assert_eq!(record.to_record().unwrap(), disabled, "{what}");
        }
        assert_eq!(Frame::decode(&delta.encode()).map(|_| ()), Ok(()));
    }
}

#[test]
fn the_view_of_the_full_record_reads_what_is_written() {
    let bytes = golden("v1-record-full");
    let view = RecordView::parse(&bytes).unwrap();

    assert_eq!(view.key_hash(), full().key_hash);
    assert_eq!(view.key_id(), "ak-20261123-9f2c51d0a7b34e18");
    assert_eq!(view.account(), "team.blue_2");
    assert_eq!(view.status(), Status::Disabled);
    assert_eq!(view.expires_at_unix_ms(), Some(1_798_761_600_000));
    assert!(view.has_address_list() && !view.is_unrestricted());
    assert_eq!(
        format!("{view:?}"),
        r#"RecordView { key_id: "ak-20261123-9f2c51d0a7b34e18", .. }"#
    );
}

#[test]
fn the_bucket_holds_both_records_and_is_built_from_them() {
    let bytes = golden("v1-bucket");
    let encoded = [minimal().encode().unwrap(), full().encode().unwrap()];
    let mut built = Vec::new();
    for one in &encoded {
        let view = RecordView::parse(one).unwrap();
        let found = bucket::find(&bytes, &view.key_hash()).unwrap().unwrap();
        assert_eq!(found.as_bytes(), view.as_bytes());
        built = bucket::with_record(&built, &view.key_hash(), Some(&view)).unwrap();
    }
    assert_eq!(built, bytes);
    assert_eq!(bucket::count(&bytes), Ok(2));
}

#[test]
fn the_delta_decodes_and_encodes_to_the_same_bytes() {
    let bytes = golden("v3-delta");
    let Frame::Delta(delta) = Frame::decode(&bytes).unwrap() else {
        panic!("not a delta");
    };
    assert_eq!(delta.epoch, Epoch::parse(EPOCH).unwrap());
    assert_eq!((delta.from.get(), delta.to.get()), (41, 44));
    let [Change::Put(first), Change::Remove(gone), Change::Put(last)] = delta.changes.as_slice()
    else {
        panic!("other changes: {:?}", delta.changes);
    };
    assert_eq!(first.to_record().unwrap(), full());
    assert_eq!(*gone, KeyHash::from_bytes([0xee; 32]));
    assert_eq!(last.to_record().unwrap(), minimal());
    assert_eq!(delta.encode(), bytes);
}

#[test]
fn the_heartbeat_decodes_and_encodes_to_the_same_bytes() {
    let bytes = golden("v3-heartbeat");
    let heartbeat = Delta {
        epoch: Epoch::parse(EPOCH).unwrap(),
        from: Generation::new(44),
        to: Generation::new(44),
        changes: Vec::new(),
    };
    let Frame::Delta(read) = Frame::decode(&bytes).unwrap() else {
        panic!("not a delta");
    };
    assert_eq!((read.epoch, read.from), (heartbeat.epoch, heartbeat.from));
    assert!(read.to == heartbeat.to && read.changes.is_empty());
    assert_eq!(heartbeat.encode(), bytes);
}

#[test]
fn the_page_decodes_to_its_buckets_and_encodes_to_the_same_bytes() {
    let bytes = golden("v3-page");
    let Frame::Page(page) = Frame::decode(&bytes).unwrap() else {
        panic!("not a page");
    };
    assert_eq!(page.epoch, Epoch::parse(EPOCH).unwrap());
    assert_eq!(page.generation.get(), 44);
    assert_eq!((page.first_bucket, page.buckets), (0x1096, 4));
    assert_eq!(page.end_bucket(), 0x109a);
    let records: Vec<_> = page
        .records
        .iter()
        .map(|r| r.to_record().unwrap())
        .collect();
    assert_eq!(records, [minimal(), full(), third()]);
    let contents: Vec<_> = page.bucket_contents().collect();
    let expected = [
        (0x1096, Vec::new()),
        (0x1097, golden("v1-bucket")),
        (0x1098, Vec::new()),
        (0x1099, third().encode().unwrap()),
    ];
    assert_eq!(contents, expected);
    assert_eq!(page.encode(), bytes);
    assert_eq!(bytes, rebuilt_page().as_slice());
}

/// The golden page, made from values alone.
fn rebuilt_page() -> Vec<u8> {
    let encoded = [minimal(), full(), third()].map(|record| record.encode().unwrap());
    Page {
        epoch: Epoch::parse(EPOCH).unwrap(),
        generation: Generation::new(44),
        first_bucket: 0x1096,
        buckets: 4,
        records: encoded
            .iter()
            .map(|bytes| RecordView::parse(bytes).unwrap())
            .collect(),
    }
    .encode()
}

#[test]
fn the_head_decodes_and_encodes_to_the_same_bytes() {
    let bytes = golden("v3-head");
    let head = TableHead {
        epoch: Epoch::parse(EPOCH).unwrap(),
        generation: Generation::new(44),
        edition: 7,
        records: 3,
    };
    assert_eq!(TableHead::decode(&bytes), Some(head));
    assert_eq!(head.encode(), bytes);
    assert_eq!(head.epoch.to_string(), EPOCH);
}

/// What an older side reads and writes: the same values under the number of its version.
#[test]
fn frames_of_version_one_are_read_and_written() {
    for vector in ["delta", "heartbeat", "page"] {
        let (old, new) = (
            golden(&format!("v1-{vector}")),
            golden(&format!("v3-{vector}")),
        );
        let in_version_one = match Frame::decode(&new).unwrap() {
            Frame::Delta(delta) => delta.encode_as(FormatVersion::OLDEST),
            Frame::Page(page) => page.encode_as(FormatVersion::OLDEST),
        };
        assert_eq!(in_version_one, old, "{vector}");
        assert!(Frame::decode(&old).is_ok(), "{vector}");
        assert!(Frame::decode(&golden(&format!("v2-{vector}"))).is_ok());
    }
}

/// The guard of FORMAT.md: who raises `FormatVersion::NEWEST` writes the page and new vectors and keeps
/// the old ones; who edits a vector in place has to change the page too.
#[test]
fn format_md_states_the_version_and_pins_every_vector() {
    let newest = FormatVersion::NEWEST.number();
    let stated = format!("`FormatVersion::NEWEST` = {newest}");
    assert!(
        FORMAT_MD.contains(&stated),
        "write the new version into FORMAT.md: {stated}"
    );
    for version in 1..=newest {
        let later = LATER.iter().filter(|(since, _)| *since <= version);
        for vector in VECTORS.iter().chain(later.map(|(_, vector)| vector)) {
            let name = format!("v{version}-{vector}");
            let sum = Sha256::digest(golden(&name));
            let digits: String = sum.iter().take(8).map(|b| format!("{b:02x}")).collect();
            let row = format!("| `{name}.hex` | {} | `{digits}` |", golden(&name).len());
            assert!(
                FORMAT_MD.contains(&row),
                "FORMAT.md lacks the row of this vector: {row}"
            );
        }
    }
}
