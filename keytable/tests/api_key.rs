//! API keys: every key of the published form is read, every mistyped one is refused.
//!
//! Does not test the hash's value (`golden`). Invariant: no change of a single character of a key
//! gives another key.

#![cfg(test)]

#[path = "support/golden.rs"]
mod support;

use keytable::api_key::{BASE62, checksum};
use keytable::limits::API_KEY_BYTES_MAX;
use keytable::{KeyFormatError, KeyHash, PresentedKey};
use proptest::prelude::*;

use support::golden;

/// `body` with its checksum behind it.
fn sealed(body: &str) -> Vec<u8> {
    [body.as_bytes(), &checksum(body.as_bytes())].concat()
}

fn secret(chars: usize) -> String {
    "k9".repeat(chars.div_ceil(2)).chars().take(chars).collect()
}

#[test]
fn every_single_character_change_of_a_key_is_refused() {
    let key = golden("v1-key");
    for at in 0..key.len() {
        for byte in 0..=u8::MAX {
            let mut other = key.clone();
            other[at] = byte;
            assert_eq!(PresentedKey::parse(&other).is_ok(), byte == key[at]);
        }
    }
}

#[test]
fn every_cut_and_every_added_character_is_refused() {
    let key = golden("v1-key");
    for at in 0..key.len() {
        assert!(PresentedKey::parse(&key[..at]).is_err(), "cut at {at}");
        assert!(PresentedKey::parse(&key[at + 1..]).is_err());
        let doubled = [&key[..at], b"A", &key[at..]].concat();
        assert!(PresentedKey::parse(&doubled).is_err(), "added at {at}");
    }
    for byte in BASE62.iter().chain(b" \n\0=,\xff") {
        assert!(PresentedKey::parse(&[key.as_slice(), &[*byte]].concat()).is_err());
    }
}

#[test]
fn upper_and_lower_case_are_different_keys() {
    let key = golden("v1-key");
    assert!(PresentedKey::parse(&key.to_ascii_uppercase()).is_err());
    assert!(PresentedKey::parse(&key.to_ascii_lowercase()).is_err());
}

#[test]
fn prefixes_of_the_published_form_are_read_and_no_others() {
    for prefix in ["sk-", "sk-tp-", "sk-cp-", "k-", "latchkey2-eu-1-"] {
        let key = sealed(&format!("{prefix}{}", secret(40)));
        assert!(PresentedKey::parse(&key).is_ok(), "{prefix}");
    }
    for prefix in [
        "", "-", "sk", "SK-", "Sk-", "1k-", "sk--", "-sk-", "sk-TP-", "sk_", "s.k-", "s k-", "é-",
    ] {
        let key = sealed(&format!("{prefix}{}", secret(40)));
        assert_eq!(
            PresentedKey::parse(&key).unwrap_err(),
            KeyFormatError::Character,
            "{prefix}"
        );
    }
}

#[test]
fn lengths_are_judged_to_the_character() {
    let of_length = |chars| PresentedKey::parse(&sealed(&format!("sk-{}", secret(chars)))).err();
    let most = API_KEY_BYTES_MAX - "sk-".len() - 6;
    assert_eq!(of_length(39), Some(KeyFormatError::Length));
    assert_eq!(of_length(40), None);
    assert_eq!(of_length(most), None);
    assert_eq!(of_length(most + 1), Some(KeyFormatError::Length));
    assert_eq!(
        PresentedKey::parse(b"").unwrap_err(),
        KeyFormatError::Length
    );
    assert_eq!(
        PresentedKey::parse(b"12345").unwrap_err(),
        KeyFormatError::Length
    );
}

#[test]
fn hostile_credentials_are_refused() {
    let hash_text = "10974effe66523cb9adeadafca74def294a1b5c3ebe7941a7664d5e725aa1b1b";
    let long = vec![b'a'; 100_000];
    let cases: [&[u8]; 7] = [
        b"' OR '1'='1",
        b"x' UNION SELECT value FROM keys --",
        b"\xff\xfe\xc0\xa7",
        hash_text.as_bytes(),
        b"sk-00000000000000000000000000000000000000000",
        b"Bearer sk-Golden0Vector1OfLatchkey2NotAnyoneSecret2cYK6m",
        &long,
    ];
    for case in cases {
        assert!(PresentedKey::parse(case).is_err());
    }
}

#[test]
fn nothing_prints_a_key_or_a_hash() {
    let bytes = golden("v1-key");
    let key = PresentedKey::parse(&bytes).unwrap();
    assert_eq!(format!("{key:?}"), "PresentedKey(..)");
    assert_eq!(format!("{:?}", KeyHash::of(&key)), "KeyHash(..)");
}

#[test]
fn hashes_are_equal_only_if_every_byte_is() {
    let bytes: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
    for at in 0..32 {
        let mut other = bytes;
        other[at] ^= 1;
        assert!(KeyHash::from_bytes(bytes) != KeyHash::from_bytes(other));
    }
    assert!(KeyHash::from_bytes(bytes) == KeyHash::from_bytes(bytes));
}

proptest! {
    /// The published expression, with bounds for what it leaves open.
    #[test]
    fn what_the_published_expression_describes_is_a_key_once_its_checksum_is_right(
        text in "[a-z][a-z0-9]{0,8}-(?:[a-z0-9]{1,4}-){0,2}[0-9A-Za-z]{46,80}"
    ) {
        let key = sealed(&text[..text.len() - 6]);
        prop_assert!(PresentedKey::parse(&key).is_ok(), "{}", text);
    }

    #[test]
    fn one_changed_character_is_always_noticed(
        text in "sk-[0-9A-Za-z]{40,60}", at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let key = sealed(&text);
        let mut other = key.clone();
        other[at.index(key.len())] = byte;
        prop_assert_eq!(PresentedKey::parse(&other).is_ok(), other == key);
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(key) = PresentedKey::parse(&bytes) {
            prop_assert_eq!(key.as_bytes(), bytes.as_slice());
        }
    }
}
