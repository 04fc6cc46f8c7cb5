//! A hundred thousand keys in a thousand accounts: no page scans a table, and a change costs the
//! same whatever there is.
//!
//! Looks at plans and at steps of SQLite's machine, never at the clock. Invariant: what is looked
//! at is what the store itself ran.

use std::time::Instant;

use keytable::{
    AccountId, Amount, ExpectedTokens, KeyHash, KeyId, Limit, Limits, Status, Tokens, Unit,
    Unmetered, UsageBatch, UsageOutcome, UsageRow, WhenApart, Window,
};
use serde_json::Value;

use crate::store::sql::Connection;

use crate::domain::audit::AuditAction;
use crate::domain::identity::account::AccountEdit;
use crate::domain::key::NewKey;
use crate::domain::label::Labels;
use crate::domain::name::KeyName;
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::domain::usage::{Interval, Period};
use crate::store::tests::fixture::{
    self, NOW, Scratch, act, insert, insert_at_once, minted, new_key, region, target,
};
use crate::store::tests::traced::Traced;
use crate::store::{
    AuditFilter, CatalogFilter, Cursor, CursorValue, KeyFilter, Minted, News, Sort, Store, Subject,
    tenancy,
};

const ACCOUNTS: u32 = 1_000;
const KEYS: u32 = 100_000;
/// Keys that have usage.
const USED: u32 = 5_000;

const SORTS: [Sort; 6] = [
    Sort::Newest,
    Sort::Oldest,
    Sort::Name,
    Sort::NameBackwards,
    Sort::LeastRecentlyUsed,
    Sort::MostRecentlyUsed,
];

/// Tables that have one row each, and what is no table at all.
const SCANNED: [&str; 4] = [
    "SCAN meta",
    "SCAN audit_head",
    "SCAN CONSTANT ROW",
    "SCAN c",
];

fn account(number: u32) -> AccountId {
    AccountId::parse(&format!("acc-{number}")).unwrap()
}

/// Key `number`; its account follows from it.
fn key(number: u32) -> (NewKey, Minted) {
    let made = Minted {
        id: KeyId::parse(&format!("ak-{number:08}")).unwrap(),
        hash: spread(number),
        ..minted(number)
    };
    let new = NewKey {
        account: account(number % ACCOUNTS),
        origin: match number / ACCOUNTS % 3 {
            0 => Origin::TokenPlan,
            _ => Origin::Standard,
        },
        name: KeyName::parse(&format!("key {}", number.wrapping_mul(7919) % KEYS)).unwrap(),
        ..new_key("local")
    };
    (new, made)
}

/// Hashes that lie as far apart as real ones.
fn spread(number: u32) -> KeyHash {
    let mut hash = [0; 32];
    hash[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_be_bytes());
    hash[28..].copy_from_slice(&number.to_be_bytes());
    KeyHash::from_bytes(hash)
}

fn seed(store: &Store) {
    let accounts = |connection: &Connection| {
        let mut numbers = 0..ACCOUNTS;
        numbers.try_for_each(|number| tenancy::seed_account(connection, &account(number), NOW))
    };
    store.write(accounts).unwrap();
    insert_at_once(store, (0..KEYS).map(key));
    let rows = |numbers: std::ops::Range<u32>| numbers.map(used).collect();
    for (sequence, first) in (1..).zip((0..USED).step_by(1_000)) {
        let batch = UsageBatch {
            source: [7; 16],
            sequence,
            rows: rows(first..first + 1_000),
            charges: Vec::new(),
        };
        store.count_usage(&batch, NOW).unwrap();
    }
}

fn used(number: u32) -> UsageRow {
    UsageRow {
        key_id: key(number).1.id,
        resource: format!("model-{}", number % 7),
        outcome: UsageOutcome::ALL[number as usize % 8],
        count: 1,
        tokens: Tokens::default(),
        last_at_unix_ms: NOW.get(),
        last_address: Some("192.0.2.7".parse().unwrap()),
    }
}

fn filters(account: &AccountId) -> Vec<KeyFilter> {
    let all = KeyFilter::of(account.clone());
    let region = Some(RegionId::parse("local").unwrap());
    let status = Some(Status::Enabled);
    let name_contains = Some("9".to_owned());
    let unused_since = Some(NOW);
    vec![
        all.clone(),
        KeyFilter {
            region: region.clone(),
            ..all.clone()
        },
        KeyFilter {
            status,
            ..all.clone()
        },
        KeyFilter {
            name_contains: name_contains.clone(),
            ..all.clone()
        },
        KeyFilter {
            search: name_contains.clone(),
            ..all.clone()
        },
        KeyFilter {
            unused_since,
            ..all.clone()
        },
        KeyFilter {
            name: Some("key 9".to_owned()),
            ..all.clone()
        },
        KeyFilter {
            id: Some("ak-9".to_owned()),
            ..all.clone()
        },
        KeyFilter {
            creator: Some("user:alice".to_owned()),
            labels: Labels::parse_pair("team=search").unwrap(),
            ..all.clone()
        },
        KeyFilter {
            region,
            status,
            name_contains,
            unused_since,
            ..all
        },
    ]
}

/// A place in the midst of a list.
fn cursor(sort: Sort) -> Cursor {
    let by = match sort {
        Sort::Newest | Sort::Oldest => None,
        Sort::Name | Sort::NameBackwards => Some(CursorValue::Name("key 5".into())),
        Sort::LeastRecentlyUsed | Sort::MostRecentlyUsed => Some(CursorValue::Time(5)),
    };
    Cursor { by, seq: 50_000 }
}

/// Every page that shows keys, their usage or advice on them.
pub(super) fn read_pages(store: &Store, account: &AccountId) {
    for filter in filters(account) {
        for sort in SORTS {
            store.list(&filter, sort, None, 50).unwrap();
            store.list(&filter, sort, Some(&cursor(sort)), 50).unwrap();
        }
    }
    let of_key = Subject::Key(key(7).1.id);
    let labelled = Subject::Labelled(account.clone(), Labels::parse_pair("team=search").unwrap());
    for subject in [of_key, labelled, Subject::Account(account.clone())] {
        for period in Period::ALL {
            let interval = Interval::new(period, None, None, NOW).unwrap();
            store.usage_series(&subject, &interval).unwrap();
            store.usage_by_key(&subject, &interval, 50).unwrap();
            store.usage_by_resource(&subject, &interval, 50).unwrap();
        }
    }
    store.examine(account, 0, 50, NOW).unwrap();
    store.require_account(account).unwrap();
    store.account(account).unwrap();
    store.accounts("acc-5", 50).unwrap();
    store
        .catalog(&region("local"), &CatalogFilter::default(), 50)
        .unwrap();
}

pub(super) fn read_audit(store: &Store, account: &AccountId) {
    let text = || Some("x".to_owned());
    let filters = [
        AuditFilter {
            account: Some(account.to_string()),
            ..AuditFilter::default()
        },
        AuditFilter {
            actor: text(),
            ..AuditFilter::default()
        },
        AuditFilter {
            action: text(),
            ..AuditFilter::default()
        },
        AuditFilter {
            target: text(),
            before: Some(9),
            ..AuditFilter::default()
        },
    ];
    for filter in filters {
        store.audit(&filter, 50).unwrap();
    }
}

/// What an admin, an agent and a gate make the store change or look up.
pub(super) fn change(store: &Store) {
    let before = store.generation().unwrap();
    insert(store, new_key("local"), minted(1)).unwrap();
    store
        .edit(&target(1), Default::default(), false, &act())
        .unwrap();
    store
        .count_usage(
            &UsageBatch {
                source: [9; 16],
                sequence: 1,
                rows: vec![used(3)],
                charges: Vec::new(),
            },
            NOW,
        )
        .unwrap();
    store
        .news(&region("local"), Some((store.epoch(), before)), NOW)
        .unwrap();
    store.delete(&target(1), Some("a key"), &act()).unwrap();
    store
        .note(&act().entry(AuditAction::LoggedIn, None, "x", serde_json::json!({})))
        .unwrap();
}

#[test]
fn at_a_hundred_thousand_keys_no_page_scans_and_no_list_sorts() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    seed(&store);
    drop(store);
    let begin = Instant::now();
    let store = scratch.open_file();
    println!(
        "{KEYS} keys in {ACCOUNTS} accounts: open again after {:?}",
        begin.elapsed()
    );
    let traced = Traced::of(&store);
    let pages = traced.steps(|| read_pages(&store, &account(7)));
    read_audit(&store, &account(7));
    change(&store);
    let plans = traced.plans();
    for (sql, steps) in &plans {
        let scans = |step: &&String| {
            step.starts_with("SCAN") && !SCANNED.iter().any(|known| step.starts_with(known))
        };
        assert_eq!(steps.iter().find(scans), None, "{sql}\n{steps:#?}");
        let sorts =
            sql.contains("FROM keys AS k") && steps.iter().any(|step| step.contains("B-TREE"));
        assert!(!sorts, "{sql}\n{steps:#?}");
    }
    println!(
        "{} statements, none scans; all pages: {pages} steps",
        plans.len()
    );
    assert!(
        plans.len() > 100,
        "the pages were not seen: {}",
        plans.len()
    );
}

#[test]
fn a_key_costs_the_same_whatever_its_account_has() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    let full = "UPDATE accounts SET key_limit = 1000000";
    crate::store::lock(&store.file().writer)
        .execute(full, [])
        .unwrap();
    let traced = Traced::of(&store);
    let steps = |number: u32| {
        let make = || drop(insert(&store, new_key("local"), minted(number)).unwrap());
        let edit = || {
            drop(
                store
                    .edit(&target(number), Default::default(), true, &act())
                    .unwrap(),
            )
        };
        let delete = || {
            drop(
                store
                    .delete(&target(number), Some("a key"), &act())
                    .unwrap(),
            )
        };
        [traced.steps(make), traced.steps(edit), traced.steps(delete)]
    };
    steps(1);
    let few = steps(2);
    let keys = (10..3_010).map(|number| (new_key("local"), fixture::minted(number)));
    insert_at_once(&store, keys);
    let many = steps(3);
    for (few, many) in few.iter().zip(many) {
        assert!(
            *few > 0 && many < few + 100,
            "{few} steps before, {many} behind 3,000 keys"
        );
    }
}

/// On a server each statement is a way there and back, during which nobody else changes anything.
#[test]
fn the_first_limits_of_an_account_are_few_statements_whatever_it_has() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    let traced = Traced::of(&store);
    let limit = |account: &AccountId| {
        let limit = Limit {
            unit: Unit::Requests,
            window: Window::Lifetime,
            amount: Amount::new(5).unwrap(),
            expected: ExpectedTokens::default(),
            when_apart: WhenApart::default(),
            unmetered: Unmetered::default(),
        };
        let edit = AccountEdit {
            limits: Limits::new(vec![limit]).ok(),
            ..AccountEdit::default()
        };
        let entry = act().entry(AuditAction::AccountEdited, None, "x", Value::Null);
        store.edit_account(account, None, &edit, &entry).unwrap();
    };
    let [small, large] = [account(1), account(2)];
    for (account, keys) in [(&small, 10..15), (&large, 100..2_600)] {
        let seed = |connection: &Connection| tenancy::seed_account(connection, account, NOW);
        store.write(seed).unwrap();
        let of_account = |number| NewKey {
            account: account.clone(),
            name: KeyName::parse(&format!("key {number}")).unwrap(),
            ..new_key("local")
        };
        insert_at_once(
            &store,
            keys.map(|number| (of_account(number), minted(number))),
        );
    }
    let few = traced.runs(|| limit(&small));
    let before = store.generation().unwrap();
    let many = traced.runs(|| limit(&large));
    assert!(
        many <= few + 3,
        "{few} statements for 5 keys, {many} for 2,500"
    );
    let news = store.news(&region("local"), Some((store.epoch(), before)), NOW);
    let News::Changes { newest, changes } = news.unwrap() else {
        panic!("a gap");
    };
    // The account has a record in each of two regions.
    assert_eq!(newest.get() - before.get(), 2_502, "each a generation");
    assert_eq!(changes.len(), 2_501);
}
