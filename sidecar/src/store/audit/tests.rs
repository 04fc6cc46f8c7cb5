//! Whoever changes, removes or reorders rows is found out.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::json;

use super::*;
use crate::domain::audit::{Actor, AuditAction};
use crate::store::lock;
use crate::store::tests::cluster;
use crate::store::tests::fixture::{self, Scratch};

fn entry(number: u64) -> AuditEntry {
    AuditEntry {
        at: UnixMillis::new(1_800_000_000_000 + number),
        actor: Actor::User(format!("user{number}")),
        address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        account: None,
        action: AuditAction::KeyCreated,
        target: format!("ak-{number}"),
        detail: json!({"name": "a key"}),
    }
}

fn store_with_rows(scratch: &Scratch) -> Store {
    with_rows(scratch.open())
}

fn with_rows(store: Store) -> Store {
    for number in 1..=6 {
        store.note(&entry(number)).unwrap();
    }
    store
}

/// Runs statements as somebody would who has the file.
fn tamper(store: &Store, statements: &str) {
    let open = match cluster::is_asked_for() {
        true => "ALTER TABLE audit DISABLE TRIGGER USER",
        false => "DROP TRIGGER audit_is_not_edited; DROP TRIGGER audit_is_not_shortened;",
    };
    fixture::run(store, open).unwrap();
    fixture::run(store, statements).unwrap();
}

#[test]
fn an_audit_that_nobody_touched_is_whole() {
    let scratch = Scratch::new();
    let empty = scratch.open().audit_verify().unwrap();
    let none = AuditFinding::Whole {
        rows: 0,
        head: [0; 32],
        with_credentials: Vec::new(),
    };
    assert_eq!(empty, none);
    let store = store_with_rows(&scratch);
    let found = store.audit_verify().unwrap();
    assert!(matches!(found, AuditFinding::Whole { rows: 6, .. }));
}

#[test]
fn rows_cannot_be_changed_or_removed_by_a_mistake_of_ours() {
    let scratch = Scratch::new();
    let store = store_with_rows(&scratch);
    for statement in [
        "UPDATE audit SET actor = 'x'",
        "DELETE FROM audit WHERE seq = 6",
    ] {
        let error = fixture::run(&store, statement).unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[test]
fn every_change_removal_and_reordering_is_found() {
    let broken = |seq| AuditFinding::Broken { seq };
    let shortened = |found| AuditFinding::Shortened { found, written: 6 };
    let cases = [
        ("UPDATE audit SET actor = 'user:x' WHERE seq = 3", broken(3)),
        ("UPDATE audit SET at = at + 1 WHERE seq = 1", broken(1)),
        ("UPDATE audit SET address = NULL WHERE seq = 4", broken(4)),
        ("UPDATE audit SET account = '' WHERE seq = 2", broken(2)),
        ("UPDATE audit SET detail = '{}' WHERE seq = 6", broken(6)),
        (
            "UPDATE audit SET hash = (SELECT hash FROM audit WHERE seq = 1) WHERE seq = 5",
            broken(5),
        ),
        ("DELETE FROM audit WHERE seq = 1", broken(1)),
        ("DELETE FROM audit WHERE seq = 4", broken(4)),
        ("DELETE FROM audit WHERE seq = 6", shortened(5)),
        ("DELETE FROM audit", shortened(0)),
        (
            "UPDATE audit SET seq = 99 WHERE seq = 2; UPDATE audit SET seq = 2 WHERE seq = 3; \
             UPDATE audit SET seq = 3 WHERE seq = 99",
            broken(2),
        ),
        (
            "DELETE FROM audit WHERE seq = 6; UPDATE audit_head SET seq = 5",
            broken(5),
        ),
    ];
    for (statements, finding) in cases {
        let scratch = Scratch::new();
        let store = store_with_rows(&scratch);
        tamper(&store, statements);
        assert_eq!(store.audit_verify().unwrap(), finding, "{statements}");
    }
}

#[test]
fn a_change_is_undone_if_its_row_cannot_be_written() {
    let scratch = Scratch::new();
    let store = store_with_rows(&scratch);
    let refuse = match cluster::is_asked_for() {
        true => "CREATE TRIGGER no_more BEFORE INSERT ON audit EXECUTE FUNCTION refuse_change()",
        false => {
            "CREATE TRIGGER no_more BEFORE INSERT ON audit \
             BEGIN SELECT RAISE(ABORT, 'full'); END;"
        }
    };
    fixture::run(&store, refuse).unwrap();
    let id = keytable::AccountId::parse("new").unwrap();
    let name = crate::domain::name::KeyName::parse("New").unwrap();
    assert!(store.insert_account(&id, &name, None, &entry(7)).is_err());
    assert!(!store.has_account(&id).unwrap());
    assert!(matches!(
        store.audit_verify().unwrap(),
        AuditFinding::Whole { rows: 6, .. }
    ));
}

#[test]
fn lists_are_read_through_an_index() {
    let scratch = Scratch::new();
    let store = with_rows(scratch.open_file());
    let some = |text: &str| Some(text.to_owned());
    let filters = [
        AuditFilter::default(),
        AuditFilter {
            account: some("demo"),
            ..AuditFilter::default()
        },
        AuditFilter {
            actor: some("user:x"),
            ..AuditFilter::default()
        },
        AuditFilter {
            target: some("ak-1"),
            before: Some(9),
            ..AuditFilter::default()
        },
        AuditFilter {
            action: some("key.created"),
            account: some("demo"),
            ..AuditFilter::default()
        },
    ];
    for filter in filters {
        let plan = format!("EXPLAIN QUERY PLAN {}", page_sql(&filter).0);
        let writer = lock(&store.file().writer);
        let mut statement = writer.prepare(&plan).unwrap();
        // What is not bound is NULL, which changes no plan.
        let mut rows = statement.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get::<_, String>(3).unwrap());
        }
        let narrow = filter.account.is_some() || filter.actor.is_some() || filter.target.is_some();
        let text = steps.join("; ");
        assert!(!text.contains("TEMP B-TREE"), "{text}");
        assert!(
            !narrow || text.contains("SEARCH audit USING INDEX"),
            "{text}"
        );
    }
}
