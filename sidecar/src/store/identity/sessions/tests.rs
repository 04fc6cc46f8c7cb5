//! Sessions end, proofs are used up, and both are bounded.

use std::net::Ipv4Addr;

use serde_json::json;

use super::*;
use crate::domain::audit::{Actor, AuditAction};
use crate::domain::identity::role::Role;
use crate::domain::identity::user::UserName;
use crate::store::Idempotent;
use crate::store::tests::fixture::{self, NOW, Scratch};

const USER: &str = "u-1";

fn entry() -> AuditEntry {
    AuditEntry {
        at: NOW,
        actor: Actor::System,
        address: None,
        account: None,
        action: AuditAction::LoggedIn,
        target: USER.into(),
        detail: json!({}),
    }
}

fn store_with_user(scratch: &Scratch) -> Store {
    let store = scratch.open();
    let user = User {
        id: USER.into(),
        name: UserName::parse("operator").unwrap(),
        account: None,
        role: Role::Operator,
        enabled: true,
        password: None,
        setup: None,
        totp: None,
        created_at: NOW,
        updated_at: NOW,
        last_login_at: None,
        revision: 1,
    };
    let made = store.insert_user(&user, None, &entry()).unwrap();
    assert!(matches!(made, Idempotent::Done(())));
    store
}

fn hash(number: u8) -> KeyHash {
    KeyHash::from_bytes([number; 32])
}

fn log_in(store: &Store, number: u8, at: UnixMillis) {
    let session = NewSession {
        hash: hash(number),
        earlier: None,
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, number))),
        expires_at: at.plus_ms(1000),
    };
    let entry = AuditEntry { at, ..entry() };
    store.log_in(USER, &session, &entry, |_| Ok(())).unwrap();
}

#[test]
fn a_session_ends_at_its_time() {
    let scratch = Scratch::new();
    let store = store_with_user(&scratch);
    log_in(&store, 1, NOW);
    let user = |ms| store.session_user(&hash(1), NOW.plus_ms(ms)).unwrap();
    assert_eq!(user(999).unwrap().id, USER);
    assert!(user(1000).is_none());
    assert!(store.session_user(&hash(2), NOW).unwrap().is_none());
}

#[test]
fn a_proof_serves_once_and_not_for_long() {
    let scratch = Scratch::new();
    let store = store_with_user(&scratch);
    log_in(&store, 1, NOW);
    let prove = || {
        let whose = (USER, &hash(1));
        let until = NOW.plus_ms(500);
        store
            .verify_session(whose, until, &entry(), |_| Ok(()))
            .unwrap();
    };
    let uses = |kind, ms| {
        let used = store.use_verification(&hash(1), kind, NOW.plus_ms(ms));
        used.unwrap()
    };
    assert!(!uses("mint", 0), "none was given");
    prove();
    assert!(uses("mint", 0));
    assert!(uses("mint", 499), "the same kind");
    assert!(!uses("delete", 499), "another kind");
    assert!(!uses("mint", 500), "too old");
    prove();
    assert!(uses("delete", 499), "a new one is for any kind");
    assert!(!uses("mint", 499));
    let refused = store.verify_session((USER, &hash(1)), NOW.plus_ms(500), &entry(), |_| {
        Err(StoreError::Stale)
    });
    assert!(matches!(refused, Err(StoreError::Stale)));
}

#[test]
fn sessions_and_known_addresses_are_bounded_and_old_ones_make_room() {
    let scratch = Scratch::new();
    let store = store_with_user(&scratch);
    for number in 0..30 {
        log_in(&store, number, NOW.plus_ms(u64::from(number)));
    }
    let count =
        |table: &str| -> i64 { fixture::number(&store, &format!("SELECT count(*) FROM {table}")) };
    assert_eq!((count("sessions"), count("known_addresses")), (20, 20));
    let knows = |number| {
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, number));
        store.knows_address(USER, address).unwrap()
    };
    assert!(knows(29) && !knows(0));
    assert!(store.session_user(&hash(29), NOW).unwrap().is_some());
    assert!(store.session_user(&hash(0), NOW).unwrap().is_none());
    log_in(&store, 99, NOW.plus_ms(5000));
    assert_eq!(count("sessions"), 1, "those that are over go");
}
