//! Copies: whole or not there, a history of their own, and no way back for what was deleted.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use super::*;
use crate::domain::audit::{Actor, AuditAction};
use crate::domain::clock::UnixMillis;
use crate::domain::table_entry::TableEntry;
use crate::store::Store;
use crate::store::tests::fixture::{self, NOW, Scratch, act, add, minted, target};

fn entry() -> AuditEntry {
    AuditEntry {
        at: UnixMillis::new(1_800_000_000_000),
        actor: Actor::System,
        address: None,
        account: None,
        action: AuditAction::Restored,
        target: String::new(),
        detail: json!({}),
    }
}

/// A scratch directory with two keys and a row in the audit, and where copies of it go.
fn prepared() -> (Scratch, Store, PathBuf) {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    store.note(&entry()).unwrap();
    add(&store, 1, "local");
    add(&store, 2, "local");
    let copy = scratch.0.with_extension("backup");
    let _ = fs::remove_file(&copy);
    (scratch, store, copy)
}

#[test]
fn a_copy_is_made_while_the_database_is_in_use_and_is_private() {
    let (scratch, store, copy) = prepared();
    backup(&scratch.0, &copy).unwrap();
    let mode = fs::metadata(&copy).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(matches!(
        backup(&scratch.0, &copy),
        Err(OpenError::Exists(_))
    ));
    add(&store, 3, "local");
    let elsewhere = Scratch::new();
    restore(&elsewhere.0, &copy, &entry()).unwrap();
    let restored = elsewhere.open_file();
    assert!(restored.get(&target(2)).is_ok());
    assert!(restored.get(&target(3)).is_err(), "made after the copy");
    assert_ne!(restored.epoch(), store.epoch());
    fs::remove_file(&copy).unwrap();
}

#[test]
fn what_was_deleted_stays_deleted() {
    let (scratch, store, copy) = prepared();
    backup(&scratch.0, &copy).unwrap();
    let epoch = store.epoch();
    store.delete(&target(1), Some("a key"), &act()).unwrap();
    drop(store);
    let carried = restore(&scratch.0, &copy, &entry()).unwrap();
    assert_eq!(carried, CarriedOver::Deletions(1));
    let store = scratch.open_file();
    assert!(store.get(&target(1)).is_err());
    assert!(store.get(&target(2)).is_ok());
    assert_ne!(store.epoch(), epoch);
    assert!(matches!(
        store.audit_verify(),
        Ok(AuditFinding::Whole { .. })
    ));
    assert!(with_suffix(&scratch.database(), ".replaced").exists());
    let hash = minted(1).hash;
    let news = store.table(
        &crate::domain::region::RegionId::parse("local").unwrap(),
        NOW,
        |entry| assert!(!matches!(entry, TableEntry::Key(entry) if entry.key.hash == hash)),
    );
    assert!(news.is_ok());
    fs::remove_file(&copy).unwrap();
}

#[test]
fn a_database_that_is_in_use_is_not_replaced() {
    let (scratch, store, copy) = prepared();
    backup(&scratch.0, &copy).unwrap();
    let refused = restore(&scratch.0, &copy, &entry());
    assert!(matches!(refused, Err(OpenError::Locked(_))));
    drop(store);
    fs::remove_file(&copy).unwrap();
}

#[test]
fn a_damaged_database_is_replaced_and_its_log_is_not_played_into_the_copy() {
    let (scratch, store, copy) = prepared();
    backup(&scratch.0, &copy).unwrap();
    drop(store);
    let mut bytes = fs::read(scratch.database()).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(scratch.database(), &bytes).unwrap();
    fs::write(with_suffix(&scratch.database(), "-wal"), "left over").unwrap();
    let carried = restore(&scratch.0, &copy, &entry()).unwrap();
    assert_eq!(carried, CarriedOver::Unreadable);
    assert!(scratch.open_file().get(&target(2)).is_ok());
    assert_eq!(
        fs::read(with_suffix(&scratch.database(), ".replaced")).unwrap(),
        bytes
    );
    fs::remove_file(&copy).unwrap();
}

#[test]
fn a_copy_that_was_tampered_with_or_cut_is_refused() {
    let (scratch, store, copy) = prepared();
    backup(&scratch.0, &copy).unwrap();
    drop(store);
    let before = fs::read(scratch.database()).unwrap();
    let other = Connection::open(&copy).unwrap();
    let statements = "DROP TRIGGER audit_is_not_edited; UPDATE audit SET actor = 'x'";
    other.execute_batch(statements).unwrap();
    drop(other);
    // A process that another test begins just now has the lock of the closed store for an instant.
    let refused = fixture::patiently(
        || restore(&scratch.0, &copy, &entry()),
        |refused| matches!(refused, Err(OpenError::Locked(_))),
    );
    assert!(
        matches!(refused, Err(OpenError::Tampered(_, 1))),
        "{refused:?}"
    );
    let bytes = fs::read(&copy).unwrap();
    fs::write(&copy, &bytes[..bytes.len() / 3]).unwrap();
    assert!(restore(&scratch.0, &copy, &entry()).is_err());
    fs::write(&copy, "no database").unwrap();
    assert!(restore(&scratch.0, &copy, &entry()).is_err());
    assert_eq!(fs::read(scratch.database()).unwrap(), before);
    fs::remove_file(&copy).unwrap();
}
