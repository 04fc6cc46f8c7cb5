//! Nonsense with right checksums, so that the check of the value is what refuses it.
//!
//! Does not test damage (`malformed`). Invariant: each case differs from a golden vector in the
//! one value that its name says.

#![cfg(test)]

#[path = "support/golden.rs"]
mod golden_file;
#[path = "support/seal.rs"]
mod seal;

use keytable::bucket::{self, BucketError};
use keytable::limits::{
    BUCKETS, DELTA_CHANGES_MAX, FRAME_BYTES_MAX, PAGE_BUCKETS_MAX, RECORD_BYTES_MAX,
};
use keytable::{
    Change, Delta, Epoch, Frame, FrameError, Generation, KeyHash, Page, RecordError, RecordView,
    TableHead,
};

use golden_file::golden;
use seal::{resealed, with_length};

/// Offsets of the golden full record.
const STATUS: usize = 36;
const FLAGS: usize = 37;
const RESERVED: usize = 38;
const KEY_ID: usize = 48;
const V4_COUNT: usize = 89;
const FIRST_V4: usize = 91;
const FIRST_V6: usize = 101;
const MODELS: usize = 135;
/// Where the first limit of the golden limited record begins, and how long one is.
const LIMIT: usize = 94;
const LIMIT_BYTES: usize = 46;
/// Offsets of a frame.
const FRAME_KIND: usize = 6;
const FRAME_LENGTH: usize = 8;
const FRAME_BODY: usize = 28;

const FRAMES: [&str; 3] = ["v1-delta", "v1-heartbeat", "v1-page"];

/// `bytes` with `value` at `at`, and the checksum right again.
fn patched(bytes: &[u8], at: usize, value: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at..at + value.len()].copy_from_slice(value);
    resealed(bytes)
}

fn record_error(bytes: &[u8]) -> Option<RecordError> {
    RecordView::parse(bytes).err()
}

fn frame_error(bytes: &[u8]) -> Option<FrameError> {
    Frame::decode(bytes).err()
}

#[test]
fn a_bucket_takes_only_its_own_records() {
    let bytes = golden("v1-record-full");
    let view = RecordView::parse(&bytes).unwrap();
    let elsewhere = KeyHash::from_bytes([0x11; 32]);
    let foreign = Err(BucketError::Foreign);
    assert_eq!(bucket::with_record(&bytes, &elsewhere, None), foreign);
    assert_eq!(bucket::with_record(&[], &elsewhere, Some(&view)), foreign);
    let mut same_bucket = *view.key_hash().as_bytes();
    same_bucket[31] ^= 1;
    let same_bucket = KeyHash::from_bytes(same_bucket);
    assert_eq!(bucket::with_record(&[], &same_bucket, Some(&view)), foreign);
    assert_eq!(
        bucket::with_record(&bytes, &same_bucket, None),
        Ok(bytes.clone())
    );
}

#[test]
fn impossible_lengths_in_a_bucket_are_damage() {
    let damaged = BucketError::Damaged(RecordError::Length);
    let hash = KeyHash::from_bytes([0; 32]);
    for length in [0u32, 1, 4, 1_000, u32::MAX] {
        let bytes = [length.to_le_bytes().as_slice(), &[0; 60]].concat();
        assert_eq!(bucket::find(&bytes, &hash).unwrap_err(), damaged);
        assert_eq!(bucket::count(&bytes), Err(damaged), "{length}");
    }
    let nothing_but_lengths = 4u32.to_le_bytes().repeat(2);
    assert_eq!(bucket::count(&nothing_but_lengths), Err(damaged));
    let no_room_for_a_hash = [20u32.to_le_bytes().as_slice(), &[0; 16]].concat();
    assert_eq!(
        bucket::find(&no_room_for_a_hash, &hash).unwrap_err(),
        damaged
    );
}

#[test]
fn values_that_no_record_has_are_refused() {
    let full = golden("v1-record-full");
    let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0, 104];
    let cases: &[(&str, usize, &[u8])] = &[
        ("length too small", 0, &[183, 0, 0, 0]),
        ("length too large", 0, &[255, 255, 255, 255]),
        ("status 0", STATUS, &[0]),
        ("status 3", STATUS, &[3]),
        ("limits that are not there", FLAGS, &[4]),
        ("an account of a key", FLAGS, &[16]),
        ("unknown flag", FLAGS, &[32]),
        ("unknown flag, high", FLAGS, &[0x80]),
        ("entries on a models axis that is all", FLAGS, &[1]),
        ("entries on a services axis that is all", FLAGS, &[2]),
        ("reserved, first", RESERVED, &[1]),
        ("reserved, second", RESERVED + 1, &[1]),
        ("empty key id", KEY_ID, &[0]),
        ("key id longer than the record", KEY_ID, &[255]),
        ("key id with an upper-case letter", KEY_ID + 1, b"A"),
        ("key id that is no text", KEY_ID + 1, &[0xff]),
        ("account with a blank", KEY_ID + 31, b" "),
        ("51 networks", V4_COUNT, &[51, 0]),
        ("51 networks of two families", V4_COUNT, &[26, 25]),
        ("255 networks of each family", V4_COUNT, &[255, 255]),
        ("IPv4 host bits", FIRST_V4 + 3, &[1]),
        ("IPv4 prefix length 33", FIRST_V4 + 4, &[33]),
        ("IPv6 host bits", FIRST_V6 + 15, &[1]),
        ("IPv6 prefix length 129", FIRST_V6 + 16, &[129]),
        ("IPv4 written as IPv6", FIRST_V6, &mapped),
        ("fewer entries than there are", MODELS, &[1, 0]),
        ("more entries than there are", MODELS, &[3, 0]),
        ("501 entries", MODELS, &[0xf5, 1]),
        ("65535 entries", MODELS, &[255, 255]),
        ("unknown kind of entry, 0", MODELS + 2, &[0]),
        ("unknown kind of entry, 3", MODELS + 2, &[3]),
        ("empty entry", MODELS + 3, &[0, 0]),
        ("entry longer than the record", MODELS + 3, &[255, 255]),
        ("entry that is no text", MODELS + 5, &[0xff]),
    ];
    for (what, at, value) in cases {
        let bytes = patched(&full, *at, value);
        assert_eq!(record_error(&bytes), Some(RecordError::Value), "{what}");
    }
}

#[test]
fn values_that_no_limit_has_are_refused() {
    let limited = golden("v3-record-limited");
    let minute = LIMIT + LIMIT_BYTES;
    let cases: &[(&str, usize, &[u8])] = &[
        ("no limits behind the flag", FLAGS, &[0x0b]),
        ("an empty subject", LIMIT - 6, &[0]),
        ("a subject that is no id", LIMIT - 5, b"A"),
        ("no limits", LIMIT - 1, &[0]),
        ("fewer limits than there are", LIMIT - 1, &[1]),
        ("more limits than there are", LIMIT - 1, &[3]),
        ("nine limits", LIMIT - 1, &[9]),
        ("unit 0", LIMIT, &[0]),
        ("unit 3", LIMIT, &[3]),
        ("window 0", LIMIT + 1, &[0]),
        ("window 5", LIMIT + 1, &[5]),
        ("start day 0", LIMIT + 2, &[0]),
        ("start day 32", LIMIT + 2, &[32]),
        ("another start day than the window's", LIMIT + 2, &[16]),
        ("an unknown flag", LIMIT + 3, &[4]),
        ("an offset of 14:01", LIMIT + 4, &[0x49, 3]),
        ("too many expected tokens", LIMIT + 6, &[0x41, 0x42, 0x0f]),
        ("amount 0", LIMIT + 10, &[0; 8]),
        ("amount above the most", LIMIT + 10, &[0xff; 8]),
        ("a start that begins no window", LIMIT + 22, &[1]),
        ("a minute with a start day", minute + 2, &[1]),
        ("a minute with an offset", minute + 4, &[1]),
        ("a minute with a start", minute + 22, &[1]),
        ("a minute with a sum", minute + 30, &[1]),
        ("a minute that is full", minute + 38, &[1]),
    ];
    for (what, at, value) in cases {
        let bytes = patched(&limited, *at, value);
        assert_eq!(record_error(&bytes), Some(RecordError::Value), "{what}");
    }
    let twice = limited[LIMIT..minute].to_vec();
    let bytes = patched(&limited, minute, &twice);
    assert_eq!(record_error(&bytes), Some(RecordError::Value));
}

#[test]
fn an_account_s_record_has_nothing_of_a_key_s() {
    let account = golden("v3-record-account");
    let cases: &[(&str, usize, &[u8])] = &[
        ("another hash", 4, &[0]),
        ("enabled", STATUS, &[1]),
        ("without the flag of limits", FLAGS, &[0x10]),
        ("a models axis that is all", FLAGS, &[0x15]),
        ("a services axis that is all", FLAGS, &[0x16]),
        ("limited by its account", FLAGS, &[0x1c]),
        ("an expiry", 40, &[0]),
        ("another id than the account", KEY_ID + 1, b"x"),
        ("another account", KEY_ID + 6, b"x"),
        ("another subject", KEY_ID + 17, b"x"),
    ];
    for (what, at, value) in cases {
        let bytes = patched(&account, *at, value);
        assert_eq!(record_error(&bytes), Some(RecordError::Value), "{what}");
    }
}

#[test]
fn bytes_between_the_last_entry_and_the_checksum_are_refused() {
    for name in ["v1-record-minimal", "v1-record-full"] {
        let bytes = golden(name);
        let longer = [&bytes[..bytes.len() - 4], &[0; 5]].concat();
        let error = record_error(&with_length(longer));
        assert_eq!(error, Some(RecordError::Value), "{name}");
    }
}

/// A record of one network or entry too many, whole and with a right checksum and length.
#[test]
fn counts_above_the_limits_are_refused_even_if_the_bytes_are_there() {
    let minimal = golden("v1-record-minimal");
    let networks = minimal.len() - 4 - 4 - 2;
    for (v4, v6, accepted) in [
        (50, 0, true),
        (51, 0, false),
        (0, 51, false),
        (25, 25, true),
        (26, 25, false),
    ] {
        let bytes_of_list = usize::from(v4) * 5 + usize::from(v6) * 17;
        let list = [&[v4, v6][..], &vec![0; bytes_of_list]].concat();
        let bytes = [&minimal[..networks], &list, &[0; 8]].concat();
        assert_eq!(record_error(&with_length(bytes)).is_none(), accepted);
    }
    let axis = minimal.len() - 4 - 4;
    for (count, accepted) in [(500u16, true), (501, false)] {
        let entries = b"\x01\x01\x00m".repeat(usize::from(count));
        let list = [&count.to_le_bytes()[..], &entries].concat();
        let mut bytes = [&minimal[..axis], &list, &[0; 6]].concat();
        bytes[FLAGS] = 2;
        assert_eq!(record_error(&with_length(bytes)).is_none(), accepted);
    }
    for (length, accepted) in [(256u16, true), (257, false)] {
        let name = vec![b'm'; usize::from(length)];
        let list = [&[1, 0, 1][..], &length.to_le_bytes(), &name].concat();
        let mut bytes = [&minimal[..axis], &list, &[0; 6]].concat();
        bytes[FLAGS] = 2;
        assert_eq!(record_error(&with_length(bytes)).is_none(), accepted);
    }
    let huge = vec![0; RECORD_BYTES_MAX + 1];
    assert_eq!(
        record_error(&with_length(huge)),
        Some(RecordError::TooLarge)
    );
}

#[test]
fn values_that_no_frame_has_are_refused() {
    let refused = [
        ("kind 0", "v1-delta", FRAME_KIND, &[0][..]),
        ("kind 3", "v1-delta", FRAME_KIND, &[3]),
        ("reserved", "v1-delta", FRAME_KIND + 1, &[1]),
        ("reserved in a page", "v1-page", FRAME_KIND + 1, &[1]),
        ("from above to", "v1-delta", FRAME_BODY, &[45]),
        (
            "changes without a new generation",
            "v1-delta",
            FRAME_BODY,
            &[44],
        ),
        ("unknown change, 0", "v1-delta", FRAME_BODY + 20, &[0]),
        ("unknown change, 3", "v1-delta", FRAME_BODY + 20, &[3]),
        ("no buckets", "v1-page", FRAME_BODY + 12, &[0]),
        (
            "a record before the page",
            "v1-page",
            FRAME_BODY + 8,
            &[0x98],
        ),
        ("a record behind the page", "v1-page", FRAME_BODY + 12, &[3]),
        (
            "last bucket above all",
            "v1-page",
            FRAME_BODY + 8,
            &[0xff, 0xff],
        ),
        ("overflowing buckets", "v1-page", FRAME_BODY + 8, &[0xff; 4]),
        ("too many buckets", "v1-page", FRAME_BODY + 12, &[1, 16]),
    ];
    for (what, name, at, value) in refused {
        let bytes = patched(&golden(name), at, value);
        assert_eq!(frame_error(&bytes), Some(FrameError::Value), "{what}");
    }
}

#[test]
fn other_magics_versions_and_lengths_are_named() {
    for name in FRAMES {
        let bytes = golden(name);
        let with = |at, value: &[u8]| frame_error(&patched(&bytes, at, value));
        assert_eq!(with(0, b"LKH1"), Some(FrameError::Magic));
        assert_eq!(with(4, &[4, 0]), Some(FrameError::Version(4)));
        assert_eq!(with(4, &[0, 0]), Some(FrameError::Version(0)));
        assert_eq!(with(4, &[1, 1]), Some(FrameError::Version(257)));
        assert_eq!(with(FRAME_LENGTH, &[0; 4]), Some(FrameError::Length));
        assert_eq!(with(FRAME_LENGTH, &[255; 4]), Some(FrameError::Length));
    }
    for answer in ["", "{}", "<html><body>502 Bad Gateway</body></html>", "ok"] {
        assert!(frame_error(answer.as_bytes()).is_some());
    }
    let huge = vec![0; FRAME_BYTES_MAX + 1];
    assert_eq!(frame_error(&huge), Some(FrameError::TooLarge));
}

#[test]
fn counts_of_a_frame_are_believed_only_as_far_as_there_are_bytes() {
    for (name, at) in [("v1-delta", FRAME_BODY + 16), ("v1-page", FRAME_BODY + 16)] {
        for count in [0u32, 2, 4, 9_999, u32::MAX] {
            let bytes = patched(&golden(name), at, &count.to_le_bytes());
            assert!(frame_error(&bytes).is_some(), "{name} {count}");
        }
    }
}

#[test]
fn a_damaged_record_damns_its_frame() {
    let full = golden("v1-record-full");
    let start = FRAME_BODY + 21;
    let bytes = golden("v1-delta");
    assert_eq!(bytes[start..start + full.len()], full);
    let damaged = patched(&bytes, start + STATUS, &[1]);
    assert_eq!(
        frame_error(&damaged),
        Some(FrameError::Record(RecordError::Checksum))
    );
    let sealed = patched(&full, STATUS, &[9]);
    assert_eq!(
        frame_error(&patched(&bytes, start, &sealed)),
        Some(FrameError::Record(RecordError::Value))
    );
}

#[test]
fn bytes_between_the_last_record_and_the_checksum_are_refused() {
    for name in FRAMES {
        let bytes = golden(name);
        let mut longer = [&bytes[..bytes.len() - 4], &[0; 5]].concat();
        let length = u32::try_from(longer.len()).unwrap().to_le_bytes();
        longer[FRAME_LENGTH..FRAME_LENGTH + 4].copy_from_slice(&length);
        assert_eq!(frame_error(&resealed(longer)), Some(FrameError::Length));
    }
}

#[test]
fn a_page_out_of_order_is_refused() {
    let bytes = golden("v1-page");
    let Frame::Page(mut page) = Frame::decode(&bytes).unwrap() else {
        panic!("not a page");
    };
    page.records.swap(0, 1);
    assert!(Frame::decode(&page.encode()).is_ok(), "same bucket");
    page.records.swap(1, 2);
    assert_eq!(frame_error(&page.encode()), Some(FrameError::Value));
}

#[test]
fn deltas_and_pages_are_as_large_as_their_limits_and_no_larger() {
    let delta = |count: usize| Delta {
        epoch: Epoch::from_bytes([1; 16]),
        from: Generation::ZERO,
        to: Generation::new(1),
        changes: (0..count)
            .map(|_| Change::Remove(KeyHash::from_bytes([2; 32])))
            .collect(),
    };
    assert_eq!(frame_error(&delta(DELTA_CHANGES_MAX).encode()), None);
    assert_eq!(
        frame_error(&delta(DELTA_CHANGES_MAX + 1).encode()),
        Some(FrameError::Value)
    );
    let page = |first_bucket, buckets| Page {
        epoch: Epoch::from_bytes([1; 16]),
        generation: Generation::new(1),
        first_bucket,
        buckets,
        records: Vec::new(),
    };
    let refused = |first, buckets| frame_error(&page(first, buckets).encode()).is_some();
    assert!(!refused(BUCKETS - PAGE_BUCKETS_MAX, PAGE_BUCKETS_MAX));
    assert!(!refused(BUCKETS - 1, 1));
    assert!(refused(BUCKETS - 1, 2));
    assert!(refused(BUCKETS, 1));
    assert!(refused(0, PAGE_BUCKETS_MAX + 1));
    assert!(refused(0, 0));
    assert!(refused(u32::MAX, u32::MAX));
}

#[test]
fn values_that_no_head_has_are_refused() {
    let head = golden("v3-head");
    for (what, at, value) in [
        ("magic of a frame", 0, &b"LKF1"[..]),
        ("version 4", 4, &[4]),
        ("version 0", 4, &[0]),
        ("reserved, first", 6, &[1]),
        ("reserved, second", 7, &[1]),
    ] {
        assert_eq!(
            TableHead::decode(&patched(&head, at, value)),
            None,
            "{what}"
        );
    }
}

#[test]
fn epochs_are_exactly_thirty_two_lower_case_digits() {
    let good = "0123456789abcdef0f1e2d3c4b5a6978";
    assert!(Epoch::parse(good).is_some());
    for bad in [
        "",
        &good[1..],
        &format!("{good}0"),
        &good.to_uppercase(),
        &good.replace('0', "g"),
    ] {
        assert_eq!(Epoch::parse(bad), None, "{bad}");
    }
    assert_eq!(Epoch::parse(&"é".repeat(16)), None);
}
