//! The passage to a new master key: complete, repeatable, and safe to kill at any row.

use super::*;
use crate::store::tests::fixture::{Scratch, act, insert_at_once, minted, new_key, target};
use crate::store::{Minted, value_place};

/// More than two transactions take.
const COUNT: u32 = 250;

fn value(number: u32) -> Vec<u8> {
    format!("sk-value-{number}").into_bytes()
}

/// A store whose keys have sealed values.
fn store(scratch: &Scratch, ring: &Keyring) -> Store {
    let store = scratch.open();
    store.note_master_key(ring.current(), act().at).unwrap();
    let sealed = |number| {
        let minted = minted(number);
        let sealed = ring
            .seal(&value_place(minted.id.as_str(), 1), &value(number))
            .unwrap();
        (
            new_key("local"),
            Minted {
                sealed: Some(sealed),
                ..minted
            },
        )
    };
    insert_at_once(&store, (0..COUNT).map(sealed));
    store
}

fn assert_all_open(store: &Store, ring: &Keyring) {
    for number in 0..COUNT {
        let (key, sealed) = store.reveal(&target(number), &act()).unwrap();
        let opened = ring
            .open(&value_place(key.id.as_str(), 1), &sealed)
            .unwrap();
        assert_eq!(opened.as_bytes(), value(number));
    }
}

#[test]
fn everything_is_sealed_anew_and_the_old_key_forgotten() {
    let scratch = Scratch::new();
    let ring = Keyring::draw().unwrap();
    let store = store(&scratch, &ring);
    let longer = ring.with_new_key().unwrap();
    assert_eq!(store.seal_anew(&longer, &act()).unwrap(), u64::from(COUNT));
    assert_eq!(store.master_keys().unwrap(), [longer.current()]);
    let first_line = longer.to_text().lines().next().unwrap().to_owned();
    let alone = Keyring::parse(&first_line).unwrap();
    assert_all_open(&store, &alone);
    assert_eq!(store.seal_anew(&longer, &act()).unwrap(), 0);
}

#[test]
fn a_passage_that_was_killed_leaves_every_row_readable_and_goes_on() {
    let scratch = Scratch::new();
    let ring = Keyring::draw().unwrap();
    let store = store(&scratch, &ring);
    let longer = ring.with_new_key().unwrap();
    store.note_master_key(longer.current(), act().at).unwrap();
    // As far as one transaction; the process ends here.
    let done = store.write(|connection| SEALED_COLUMNS[0].seal_some_anew(connection, &longer));
    assert_eq!(done.unwrap(), VALUES_AT_ONCE);
    assert_eq!(store.master_keys().unwrap().len(), 2);
    assert_all_open(&store, &longer);
    let rest = u64::from(COUNT) - u64::try_from(VALUES_AT_ONCE).unwrap();
    assert_eq!(store.seal_anew(&longer, &act()).unwrap(), rest);
    assert_all_open(&store, &longer);
}

#[test]
fn a_value_that_does_not_open_stops_the_passage_and_stays_as_it_is() {
    let scratch = Scratch::new();
    let ring = Keyring::draw().unwrap();
    let store = store(&scratch, &ring);
    let swap = "UPDATE keys SET sealed = (SELECT sealed FROM keys WHERE id = 'ak-1') \
                WHERE id = 'ak-2'";
    store
        .write(|connection| Ok(connection.execute(swap, params![])?))
        .unwrap();
    let longer = ring.with_new_key().unwrap();
    let refused = store.seal_anew(&longer, &act());
    assert!(matches!(
        refused,
        Err(StoreError::Sealed(SealError::Damaged))
    ));
    assert_eq!(
        store.master_keys().unwrap().len(),
        2,
        "the old key is still needed"
    );
}
