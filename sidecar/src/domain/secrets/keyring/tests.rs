//! What the ring promises: a value opens whole, in its own place, with its own key, or not at all.

use std::collections::HashSet;

use super::*;

const PLACE: SealContext<'static> = SealContext {
    table: "keys",
    row: "ak-1",
    column: "sealed",
    key_version: 1,
};
const VALUE: &[u8] = b"sk-a-value-that-is-secret";

fn sealed(ring: &Keyring) -> Sealed {
    ring.seal(&PLACE, VALUE).unwrap()
}

#[test]
fn a_value_opens_in_its_place() {
    let ring = Keyring::draw().unwrap();
    let sealed = sealed(&ring);
    assert_eq!(ring.open(&PLACE, &sealed).unwrap().as_bytes(), VALUE);
    assert_eq!(sealed.master_key(), Ok(ring.current()));
    let hidden = sealed
        .as_bytes()
        .windows(8)
        .all(|part| !VALUE.starts_with(part));
    assert!(hidden);
}

#[test]
fn a_value_with_any_bit_flipped_or_cut_anywhere_is_refused() {
    let ring = Keyring::draw().unwrap();
    let sealed = sealed(&ring);
    let whole = sealed.as_bytes();
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.to_vec();
            bytes[at] ^= 1 << bit;
            let refused = ring.open(&PLACE, &Sealed::from_bytes(bytes));
            assert!(refused.is_err(), "byte {at} bit {bit}");
        }
        let cut = Sealed::from_bytes(whole[..at].to_vec());
        assert!(ring.open(&PLACE, &cut).is_err(), "cut at {at}");
    }
}

#[test]
fn a_value_that_was_moved_is_refused() {
    let ring = Keyring::draw().unwrap();
    let sealed = sealed(&ring);
    let places = [
        SealContext {
            table: "key",
            ..PLACE
        },
        SealContext {
            row: "ak-2",
            ..PLACE
        },
        SealContext {
            column: "seale",
            ..PLACE
        },
        SealContext {
            key_version: 2,
            ..PLACE
        },
        SealContext {
            table: "keysa",
            row: "k-1",
            ..PLACE
        },
    ];
    for place in places {
        assert_eq!(
            ring.open(&place, &sealed).unwrap_err(),
            SealError::Damaged,
            "{place:?}"
        );
    }
}

#[test]
fn another_master_key_does_not_open_it_and_an_earlier_one_does() {
    let ring = Keyring::draw().unwrap();
    let sealed = sealed(&ring);
    let stranger = Keyring::draw().unwrap();
    assert_eq!(
        stranger.open(&PLACE, &sealed).unwrap_err(),
        SealError::UnknownMasterKey(ring.current())
    );
    let longer = ring.with_new_key().unwrap();
    assert_ne!(longer.current(), ring.current());
    assert!(longer.has(ring.current()));
    assert_eq!(longer.open(&PLACE, &sealed).unwrap().as_bytes(), VALUE);
    let again = longer.seal(&PLACE, VALUE).unwrap();
    assert_eq!(again.master_key(), Ok(longer.current()));
}

#[test]
fn nonces_do_not_repeat() {
    let ring = Keyring::draw().unwrap();
    let number = 1_000_000;
    let nonces: HashSet<[u8; NONCE_BYTES]> = (0..number)
        .map(|_| ring.seal(&PLACE, b"").unwrap().parts().unwrap().1)
        .collect();
    assert_eq!(nonces.len(), number);
}

#[test]
fn a_ring_is_written_and_read_the_same_way() {
    let ring = Keyring::draw().unwrap().with_new_key().unwrap();
    let text = ring.to_text();
    let same = Keyring::parse(&format!("# in use\n{}\n", *text)).unwrap();
    assert_eq!(same.current(), ring.current());
    assert_eq!(*same.to_text(), *text);
}

#[test]
fn other_texts_are_refused_and_say_where() {
    let key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let cases = [
        ("", KeyringError::Empty),
        ("\n# nothing\n", KeyringError::Empty),
        ("abc", KeyringError::Line(1)),
        (&key[1..], KeyringError::Line(1)),
        (&format!("{key}\n{key}0"), KeyringError::Line(2)),
        (
            &format!("{key}\n\n{}", key.to_uppercase()),
            KeyringError::Repeated(3),
        ),
        (&"0".repeat(64), KeyringError::Weak(1)),
        (&format!("{key}\n{}", "é".repeat(32)), KeyringError::Line(2)),
    ];
    for (text, error) in cases {
        assert_eq!(Keyring::parse(text).unwrap_err(), error, "{text}");
    }
}

#[test]
fn nothing_of_a_key_or_value_is_shown() {
    let ring = Keyring::draw().unwrap();
    let sealed = sealed(&ring);
    let opened = ring.open(&PLACE, &sealed).unwrap();
    let shown = format!("{ring:?} {sealed:?} {opened:?}");
    let text = ring.to_text();
    assert!(
        !shown.contains(text.trim_end()) && !shown.contains("secret"),
        "{shown}"
    );
    assert!(shown.contains("Opened(..)") && shown.contains("Sealed(..)"));
}
