//! Copies find out that they are; a database that stayed where it was never does.

use std::fs;

use super::*;
use crate::store::Store;
use crate::store::tests::fixture::Scratch;

/// What the database says of where it lives.
fn home(scratch: &Scratch) -> String {
    let connection = Connection::open(scratch.database()).unwrap();
    let home = "SELECT home FROM meta";
    connection.query_row(home, [], |row| row.get(0)).unwrap()
}

fn set_home(scratch: &Scratch, home: &str) {
    let connection = Connection::open(scratch.database()).unwrap();
    connection
        .execute("UPDATE meta SET home = ?1", [home])
        .unwrap();
}

fn lock_file(scratch: &Scratch) -> String {
    fs::read_to_string(scratch.0.join("latchkey.lock")).unwrap()
}

fn set_lock_file(scratch: &Scratch, text: &str) {
    fs::write(scratch.0.join("latchkey.lock"), text).unwrap();
}

fn mark_of(home: &str) -> &str {
    home.rsplit(':').next().unwrap()
}

/// Opens and closes; whether it was a copy, and its epoch.
fn start(scratch: &Scratch) -> (bool, keytable::Epoch) {
    let store: Store = scratch.open_file();
    (store.was_copied(), store.epoch())
}

#[test]
fn a_copy_is_a_new_history_once_and_a_file_that_was_moved_is_the_same() {
    let (original, copy) = (Scratch::new(), Scratch::new());
    let (_, epoch) = start(&original);
    fs::create_dir_all(&copy.0).unwrap();
    for name in ["latchkey.db", "latchkey.lock"] {
        fs::copy(original.0.join(name), copy.0.join(name)).unwrap();
    }
    let (was_copied, its_epoch) = start(&copy);
    assert!(was_copied);
    assert_ne!(its_epoch, epoch);
    assert_eq!(start(&copy), (false, its_epoch));
    let (old, aside) = (original.database(), original.0.join("aside.db"));
    fs::rename(&old, &aside).unwrap();
    fs::rename(&aside, &old).unwrap();
    assert_eq!(start(&original), (false, epoch));
}

#[test]
fn a_database_that_is_put_back_over_its_own_file_is_a_copy() {
    let scratch = Scratch::new();
    let (_, epoch) = start(&scratch);
    let aside = scratch.0.join("aside.db");
    fs::copy(scratch.database(), &aside).unwrap();
    assert_eq!(start(&scratch), (false, epoch), "a plain start");
    let before = file_of(&scratch.database()).unwrap();
    fs::copy(&aside, scratch.database()).unwrap();
    let after = file_of(&scratch.database()).unwrap();
    assert_eq!(before, after, "the file does not tell");
    let (was_copied, its_epoch) = start(&scratch);
    assert!(was_copied);
    assert_ne!(its_epoch, epoch);
    assert_eq!(start(&scratch), (false, its_epoch));
}

#[test]
fn a_backup_that_is_put_in_place_by_hand_is_a_copy() {
    let scratch = Scratch::new();
    let (_, epoch) = start(&scratch);
    let backup = scratch.0.join("backup.db");
    crate::store::backup(&scratch.0, &backup).unwrap();
    // Over its own file, with the marks of that moment.
    fs::copy(&backup, scratch.database()).unwrap();
    let (was_copied, its_epoch) = start(&scratch);
    assert!(was_copied);
    assert_ne!(its_epoch, epoch);
}

/// Every state that a crash between two steps can leave.
#[test]
fn a_crash_during_a_start_leaves_a_database_at_home() {
    let scratch = Scratch::new();
    let (_, epoch) = start(&scratch);
    let (home_before, lock_before) = (home(&scratch), lock_file(&scratch));
    assert_eq!(start(&scratch), (false, epoch));
    let (home_after, lock_after) = (home(&scratch), lock_file(&scratch));
    let (old, new) = (mark_of(&home_before), mark_of(&home_after));
    assert_ne!(old, new);
    assert_eq!(lock_before, format!("{old}\n{old}\n"));
    assert_eq!(lock_after, format!("{new}\n{new}\n"));
    let both = format!("{old}\n{new}\n");
    for (home, lock) in [
        (&home_before, &both),
        (&home_after, &both),
        (&home_after, &lock_after),
    ] {
        set_home(&scratch, home);
        set_lock_file(&scratch, lock);
        assert_eq!(start(&scratch), (false, epoch), "{home} {lock}");
    }
    set_home(&scratch, &home_before);
    set_lock_file(&scratch, &lock_after);
    assert!(start(&scratch).0, "the mark of an earlier start");
}

#[test]
fn a_database_without_a_mark_is_at_home_in_its_file_until_it_has_one() {
    let scratch = Scratch::new();
    let (_, epoch) = start(&scratch);
    let file = file_of(&scratch.database()).unwrap();
    let mark = new_mark().unwrap();
    for lock in [String::new(), format!("{NO_MARK}\n{mark}\n")] {
        set_home(&scratch, &file);
        set_lock_file(&scratch, &lock);
        assert_eq!(start(&scratch), (false, epoch), "{lock}");
    }
    set_home(&scratch, &file);
    let (was_copied, its_epoch) = start(&scratch);
    assert!(was_copied, "it had a mark since");
    fs::remove_file(scratch.0.join("latchkey.lock")).unwrap();
    let (was_copied, another) = start(&scratch);
    assert!(was_copied, "nobody knows its mark");
    assert_ne!(its_epoch, another);
}

#[test]
fn times_are_compared_if_both_are_known() {
    let mark = "m";
    for (home, file, is_home) in [
        ("7:100:m", "7:100", true),
        ("7:100:m", "7:101", false),
        ("7:0:m", "7:101", true),
        ("7:100:m", "7:0", true),
        ("7:100:m", "8:100", false),
        ("7:100:n", "7:100", false),
        ("backup", "7:100", false),
    ] {
        let found = mark_at_home(home, file, "l\nm\n");
        assert_eq!(found, is_home.then_some(mark), "{home} {file}");
    }
}
