//! What the store promises: nothing half done, nothing lost, nothing of a broken file touched.

#[path = "../../../tests/cluster/mod.rs"]
pub(super) mod cluster;
pub(super) mod fixture;
mod scale;
mod server;
mod traced;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keytable::limits::DELTA_CHANGES_MAX;
use keytable::{AccountId, KeyHash};

use super::*;
use crate::domain::clock::UnixMillis;
use crate::domain::key::{KeyEdit, NewKey};
use crate::domain::origin::Origin;
use fixture::{
    NOW, Scratch, account, act, act_at, add, add_all, insert, insert_at_once, minted, new_key,
    region, target,
};

fn everything() -> KeyFilter {
    KeyFilter::of(account())
}

fn changed(news: News) -> Vec<(KeyHash, bool)> {
    match news {
        News::Changes { changes, .. } => changes
            .into_iter()
            .map(|(hash, key)| (hash, key.is_some()))
            .collect(),
        News::Gap { .. } => panic!("a gap"),
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_stored_is_read_back_also_after_a_restart() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    let (epoch, before) = (store.epoch(), store.get(&target(1)).unwrap());
    drop(store);
    let store = scratch.open();
    let after = store.get(&target(1)).unwrap();
    assert_eq!(after.policy, before.policy);
    assert_eq!((after.hash, after.revision), (minted(1).hash, 1));
    assert_eq!(
        (store.epoch(), store.generation().unwrap()),
        (epoch, Generation::new(1))
    );
}

#[test]
fn closing_puts_the_write_ahead_log_away() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    add(&store, 1, "local");
    store.get(&target(1)).unwrap();
    drop(store);
    assert!(!scratch.0.join("latchkey.db-wal").exists());
}

#[test]
fn the_settings_that_durability_rests_on_are_in_force() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    let writer = lock(&store.file().writer);
    let number = |name: &str| -> i64 {
        writer
            .pragma_query_value(None, name, |row| row.get(0))
            .unwrap()
    };
    let mode: String = writer
        .pragma_query_value(None, "journal_mode", |r| r.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    let found = ["synchronous", "foreign_keys", "secure_delete"].map(number);
    assert_eq!(found, [2, 1, 1]);
}

#[test]
fn others_can_read_neither_the_directory_nor_the_files() {
    let scratch = Scratch::new();
    fs::create_dir(&scratch.0).unwrap();
    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o755)).unwrap();
    let store = scratch.open_file();
    add(&store, 1, "local");
    assert_eq!(mode(&scratch.0), 0o700);
    for entry in fs::read_dir(&scratch.0).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn an_open_directory_with_other_things_is_left_alone() {
    let scratch = Scratch::new();
    fs::create_dir(&scratch.0).unwrap();
    fs::set_permissions(&scratch.0, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(scratch.0.join("notes.txt"), "mine").unwrap();
    assert!(matches!(scratch.refusal(), OpenError::OpenToOthers(_)));
    assert_eq!(mode(&scratch.0), 0o755);
}

#[test]
fn a_second_opening_is_refused_until_the_first_is_over() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    let error = scratch.refusal();
    assert!(matches!(error, OpenError::Locked(_)));
    assert!(error.to_string().contains("another sidecar"), "{error}");
    drop(store);
    drop(scratch.open_file());
}

#[test]
fn a_file_that_is_no_database_of_ours_is_refused_and_left_as_it_is() {
    let foreign = Scratch::new();
    fs::create_dir(&foreign.0).unwrap();
    let other = rusqlite::Connection::open(foreign.database()).unwrap();
    other
        .execute_batch("CREATE TABLE t (x); PRAGMA user_version = 9;")
        .unwrap();
    drop(other);
    assert!(matches!(foreign.refusal(), OpenError::Foreign(_)));

    for contents in [
        &b""[..],
        b"not a database at all, but long enough to be read as one: .....",
    ] {
        let broken = Scratch::new();
        fs::create_dir(&broken.0).unwrap();
        fs::write(broken.database(), contents).unwrap();
        let error = broken.refusal();
        assert!(matches!(error, OpenError::Broken(..)), "{error}");
        assert_eq!(fs::read(broken.database()).unwrap(), contents);
    }
}

#[test]
fn a_damaged_database_is_refused() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    add_all(&store, 0..50);
    drop(store);
    let mut bytes = fs::read(scratch.database()).unwrap();
    let half = bytes.len() / 2;
    bytes.truncate(half);
    fs::write(scratch.database(), &bytes).unwrap();
    assert!(matches!(scratch.refusal(), OpenError::Broken(..)));
}

#[test]
fn a_lost_database_is_not_replaced_by_an_empty_one() {
    let scratch = Scratch::new();
    drop(scratch.open_file());
    fs::remove_file(scratch.database()).unwrap();
    fs::write(scratch.0.join("latchkey.db-wal"), "left over").unwrap();
    assert!(matches!(scratch.refusal(), OpenError::Missing(_)));
    assert!(!scratch.database().exists());
}

/// Case D-08: what is missing beside the database is found out or made anew.
#[test]
fn a_page_that_was_changed_is_found_and_a_lost_index_of_the_log_is_made_anew() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    add_all(&store, 0..50);
    let before = fs::read(scratch.database()).unwrap();
    let log = fs::read(scratch.0.join("latchkey.db-wal")).unwrap();
    drop(store);
    let whole = fs::read(scratch.database()).unwrap();
    let mut bytes = whole.clone();
    // The kind of a page: no page has this one.
    let page = bytes.len() / 4096 / 2 * 4096;
    bytes[page] = 0x77;
    bytes[page + 1..page + 100].fill(0xff);
    fs::write(scratch.database(), &bytes).unwrap();
    assert!(matches!(scratch.refusal(), OpenError::Broken(..)));
    assert_eq!(
        fs::read(scratch.database()).unwrap(),
        bytes,
        "left as it is"
    );
    // A log that was cut ends with its last whole transaction; its index is not there at all.
    for part in [log.len(), log.len() / 2 + 7] {
        fs::write(scratch.database(), &before).unwrap();
        fs::write(scratch.0.join("latchkey.db-wal"), &log[..part]).unwrap();
        let store = scratch.open_file();
        let total = store
            .list(&everything(), Sort::Newest, None, 1)
            .unwrap()
            .total;
        assert_eq!(store.generation().unwrap(), Generation::new(total));
        assert!(total == 50 || (part < log.len() && total > 0), "{total}");
    }
}

/// Case D-14.
#[test]
fn a_clock_that_goes_back_takes_no_generation_back() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    let earlier = UnixMillis::new(NOW.get() - 3_600_000);
    let generations = [NOW, earlier, NOW, earlier].map(|at| {
        let edit = store
            .edit(&target(1), KeyEdit::default(), true, &act_at(at))
            .unwrap();
        assert!(
            edit.value.updated_at >= NOW,
            "a key is not older than it was"
        );
        edit.generation.get()
    });
    assert_eq!(generations, [2, 3, 4, 5]);
    let all = Some((store.epoch(), Generation::new(2)));
    assert_eq!(
        changed(store.news(&region("local"), all, NOW).unwrap()).len(),
        1
    );
}

#[test]
fn a_newer_schema_is_refused() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    lock(&store.file().writer)
        .pragma_update(
            None,
            "user_version",
            i64::try_from(1 + crate::store::file::migrate::known()).unwrap(),
        )
        .unwrap();
    drop(store);
    let OpenError::Newer { found, known } = scratch.refusal() else {
        panic!("opened");
    };
    assert_eq!(found, known + 1);
}

#[test]
fn news_are_what_changed_in_the_region_each_key_once() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let start = Some((store.epoch(), Generation::ZERO));
    add(&store, 1, "local");
    add(&store, 2, "other");
    store
        .edit(&target(1), KeyEdit::default(), true, &act())
        .unwrap();
    add(&store, 3, "local");
    store.delete(&target(3), Some("a key"), &act()).unwrap();
    let news = changed(store.news(&region("local"), start, NOW).unwrap());
    assert_eq!(news, [(minted(1).hash, true), (minted(3).hash, false)]);
    let newest = Some((store.epoch(), Generation::new(5)));
    assert!(changed(store.news(&region("local"), newest, NOW).unwrap()).is_empty());
}

#[test]
fn whoever_cannot_be_led_on_gets_the_whole_table() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add_all(&store, 1..=4);
    let gap = |position| {
        matches!(
            store.news(&region("local"), position, NOW),
            Ok(News::Gap { .. })
        )
    };
    let at = |number| Some((store.epoch(), Generation::new(number)));
    assert!(gap(None), "nothing in force");
    assert!(
        gap(Some((Epoch::from_bytes([1; 16]), Generation::new(4)))),
        "another history"
    );
    assert!(gap(at(5)), "the future");
    let forget = "DELETE FROM changes WHERE generation <= 2";
    fixture::run(&store, forget).unwrap();
    assert!(gap(at(1)), "forgotten");
    assert!(!gap(at(2)) && !gap(at(4)), "remembered");
}

#[test]
fn too_many_changes_are_a_gap() {
    let scratch = Scratch::new();
    let store = Store::open(&scratch.0, u64::MAX).unwrap();
    scratch_homes(&store).unwrap();
    let count = u32::try_from(DELTA_CHANGES_MAX).unwrap();
    insert_at_once(
        &store,
        (0..count).map(|number| (new_key("local"), minted(number))),
    );
    let start = Some((store.epoch(), Generation::ZERO));
    assert_eq!(
        changed(store.news(&region("local"), start, NOW).unwrap()).len(),
        DELTA_CHANGES_MAX
    );
    add(&store, count, "local");
    assert!(matches!(
        store.news(&region("local"), start, NOW),
        Ok(News::Gap { .. })
    ));
}

fn scratch_homes(store: &Store) -> Result<(), StoreError> {
    store.seed_account(&account(), NOW)?;
    store.seed_region(&region("local"), NOW)
}

#[test]
fn followers_are_woken_by_a_commit() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let follower = store.follow();
    assert!(!follower.has_changed().unwrap());
    let generation = add(&store, 1, "local");
    assert!(follower.has_changed().unwrap());
    assert_eq!(*follower.borrow(), generation);
}

#[test]
fn the_value_of_a_deleted_key_never_works_again() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    store.delete(&target(1), Some("a key"), &act()).unwrap();
    let again = insert(&store, new_key("local"), minted(1));
    assert!(matches!(again, Err(StoreError::Taken("value"))));
    assert!(matches!(store.get(&target(1)), Err(StoreError::NotFound)));
}

#[test]
fn a_refused_change_changes_nothing() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    let not_confirmed = store.delete(&target(1), Some("A key"), &act());
    assert!(matches!(not_confirmed, Err(StoreError::NotConfirmed)));
    let stale = Target {
        revisions: Some(vec![2]),
        ..target(1)
    };
    let edit = store.edit(&stale, KeyEdit::default(), true, &act());
    assert!(matches!(edit, Err(StoreError::Stale)));
    let foreign = Target {
        account: Some(AccountId::parse("x").unwrap()),
        ..target(1)
    };
    assert!(matches!(store.get(&foreign), Err(StoreError::NotFound)));
    assert_eq!(store.generation().unwrap(), Generation::new(1));
}

#[test]
fn the_limit_counts_standard_keys_over_all_regions() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let limit = "UPDATE accounts SET key_limit = 2";
    fixture::run(&store, limit).unwrap();
    add(&store, 1, "local");
    add(&store, 2, "other");
    let third = insert(&store, new_key("local"), minted(3));
    assert!(matches!(third, Err(StoreError::LimitReached { limit: 2 })));
    let plan = NewKey {
        origin: Origin::TokenPlan,
        ..new_key("local")
    };
    insert(&store, plan, minted(4)).unwrap();
    store.delete(&target(1), Some("a key"), &act()).unwrap();
    add(&store, 5, "local");
}

#[test]
fn a_full_disk_refuses_the_change_and_keeps_what_there_was() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    add(&store, 1, "local");
    let pages: i64 = lock(&store.file().writer)
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    lock(&store.file().writer)
        .execute_batch(&format!("PRAGMA max_page_count = {pages}"))
        .unwrap();
    let mut number = 2;
    let error = loop {
        match insert(&store, new_key("local"), minted(number)) {
            Ok(_) => number += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full(_)), "{error}");
    let total = u64::from(number - 1);
    assert_eq!(
        store
            .list(&everything(), Sort::Newest, None, 1)
            .unwrap()
            .total,
        total
    );
    assert_eq!(store.generation().unwrap(), Generation::new(total));
    let room = "PRAGMA max_page_count = 1000000";
    lock(&store.file().writer).execute_batch(room).unwrap();
    add(&store, number, "local");
}

#[test]
fn a_list_is_read_part_by_part_newest_first() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add_all(&store, 1..=5);
    let (mut cursor, mut ids) = (None, Vec::new());
    loop {
        let part = store
            .list(&everything(), Sort::Newest, cursor.as_ref(), 2)
            .unwrap();
        assert_eq!(part.total, 5);
        ids.extend(part.keys.iter().map(|key| key.id.to_string()));
        cursor = part.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(ids, ["ak-5", "ak-4", "ak-3", "ak-2", "ak-1"]);
}
