//! Keys and records by number: the same number is the same key.
//!
//! Invariant: every key text here passes the format check, so that refusals have other reasons.

use keytable::{
    AccountId, AddressList, Axis, AxisKind, KeyHash, KeyId, PresentedKey, Record, Scope,
    ScopeEntry, Status, api_key,
};

/// The text of key `n`.
pub(crate) fn key(n: usize) -> String {
    let body = format!("sk-{:0>40}", format!("Key{n}x"));
    let sum = api_key::checksum(body.as_bytes());
    body + std::str::from_utf8(&sum).unwrap()
}

/// The hash of key `n`.
pub(crate) fn hash(n: usize) -> KeyHash {
    KeyHash::of(&PresentedKey::parse(key(n).as_bytes()).unwrap())
}

/// The record of key `n`: enabled, everything allowed.
pub(crate) fn record(n: usize) -> Record {
    Record {
        key_hash: hash(n),
        key_id: KeyId::parse(&format!("ak-20260101-{n}")).unwrap(),
        account: AccountId::parse("demo").unwrap(),
        status: Status::Enabled,
        expires_at_unix_ms: None,
        addresses: AddressList::default(),
        scope: Scope::ALL,
        limits: None,
        is_account_limited: false,
    }
}

/// A scope of these models and no service.
pub(crate) fn list(models: &[&str]) -> Scope {
    Scope {
        models: axis(models),
        services: axis(&[]),
    }
}

/// A scope of these names, each on its own axis.
pub(crate) fn names(names: &[&str]) -> Scope {
    let of = |kind: AxisKind| -> Vec<&str> {
        let on_axis = |name: &&str| AxisKind::of(name.as_bytes()) == kind;
        names.iter().copied().filter(on_axis).collect()
    };
    Scope {
        models: axis(&of(AxisKind::Models)),
        services: axis(&of(AxisKind::Services)),
    }
}

fn axis(entries: &[&str]) -> Axis {
    let entries = entries.iter().map(|text| ScopeEntry::parse(text).unwrap());
    Axis::Listed(entries.collect())
}
