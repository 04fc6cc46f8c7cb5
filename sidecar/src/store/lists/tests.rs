//! Lists: their order, their parts, and that no list looks at rows that are not its own.

use super::*;
use crate::domain::name::KeyName;
use crate::store::fixture::{NOW, Scratch, account, act, insert, minted, new_key};
use crate::store::{lock, usage};

const SORTS: [Sort; 6] = [
    Sort::Newest,
    Sort::Oldest,
    Sort::Name,
    Sort::NameBackwards,
    Sort::LeastRecentlyUsed,
    Sort::MostRecentlyUsed,
];
/// A hundred thousand keys in a thousand accounts, as SQL: a key each would take minutes.
const MANY: &str = "
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
    INSERT INTO accounts (id, created_at) SELECT 'acc-' || i, 0 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
    INSERT INTO keys (id, account, region, origin, name, description, status, networks, key_hash,
        masked, key_version, creator, created_at, updated_at, last_used_at, revision)
    SELECT 'ak-many-' || i, 'acc-' || (i % 1000), 'local',
        iif(i / 1000 % 3 = 0, 'token_plan', 'standard'), 'key ' || (i * 7919 % 100000), '',
        iif(i / 1000 % 2 = 0, 'enabled', 'disabled'), '[]',
        unhex(printf('%064x', i + 1000000)), 'sk-ab***wxyz', 1, 'system', i, i,
        iif(i / 1000 % 5 = 0, NULL, i), 1 FROM n;";

fn of(account: &AccountId) -> Filter {
    Filter {
        account: account.clone(),
        origin: Origin::Standard,
        region: None,
        status: None,
        name_contains: None,
        unused_since: None,
    }
}

fn every_filter(account: &AccountId) -> Vec<Filter> {
    let all = of(account);
    let region = Some(RegionId::parse("local").unwrap());
    let status = Some(Status::Enabled);
    let name_contains = Some("9".to_owned());
    vec![
        all.clone(),
        Filter {
            region: region.clone(),
            ..all.clone()
        },
        Filter {
            status,
            ..all.clone()
        },
        Filter {
            name_contains: name_contains.clone(),
            ..all.clone()
        },
        Filter {
            unused_since: Some(NOW),
            ..all.clone()
        },
        Filter {
            region,
            status,
            name_contains,
            unused_since: Some(NOW),
            ..all
        },
    ]
}

/// Every page of a list, of three keys each.
fn read_through(store: &Store, filter: &Filter, sort: Sort) -> Vec<Key> {
    let (mut cursor, mut keys) = (None, Vec::new());
    loop {
        let part = store.list(filter, sort, cursor.as_ref(), 3).unwrap();
        keys.extend(part.keys);
        cursor = part.next;
        if cursor.is_none() {
            return keys;
        }
    }
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

fn plan(connection: &Connection, sql: &Sql) -> Vec<String> {
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {}", sql.text))
        .unwrap();
    let rows = statement.query_map(params_from_iter(sql.values.clone()), |row| row.get(3));
    rows.unwrap().collect::<rusqlite::Result<_>>().unwrap()
}

#[test]
fn every_order_is_read_whole_in_parts() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let names = [
        "beta", "Alpha", "beta", "gamma", "alpha", "键", "Beta", "delta",
    ];
    for (number, name) in (1..).zip(names) {
        let mut new = new_key("local");
        new.name = KeyName::parse(name).unwrap();
        insert(&store, new, minted(number)).unwrap();
    }
    let used = "UPDATE keys SET last_used_at = seq % 3 WHERE seq > 2";
    lock(&store.0.writer).execute(used, []).unwrap();
    for sort in SORTS {
        let keys = read_through(&store, &of(&account()), sort);
        let mut ids: Vec<_> = keys.iter().map(|key| key.id.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((keys.len(), ids.len()), (8, 8), "{sort:?}");
        let in_order = keys.is_sorted_by_key(|key| {
            let name = key.name.as_str().to_ascii_lowercase();
            match sort {
                Sort::Newest | Sort::Oldest => (String::new(), 0),
                Sort::Name | Sort::NameBackwards => (name, 0),
                _ => (String::new(), key.last_used_at.map_or(0, UnixMillis::get)),
            }
        });
        let backwards = matches!(sort, Sort::NameBackwards | Sort::MostRecentlyUsed);
        assert_eq!(in_order, !backwards, "{sort:?}");
    }
}

#[test]
fn keys_that_were_not_used_since_are_found() {
    let scratch = Scratch::new();
    let store = scratch.open();
    for number in 1..=3 {
        insert(&store, new_key("local"), minted(number)).unwrap();
    }
    let used = "UPDATE keys SET last_used_at = created_at + 1000 WHERE id = 'ak-2'";
    lock(&store.0.writer).execute(used, []).unwrap();
    let since = Filter {
        unused_since: Some(UnixMillis::new(act().at.get() + 1)),
        ..of(&account())
    };
    assert_eq!(store.list(&since, Sort::Newest, None, 9).unwrap().total, 2);
}

#[test]
fn at_a_hundred_thousand_keys_no_list_scans_or_sorts() {
    let scratch = Scratch::new();
    let store = scratch.open();
    lock(&store.0.writer).execute_batch(MANY).unwrap();
    let one = AccountId::parse("acc-7").unwrap();
    let connection = lock(&store.0.writer);
    for filter in every_filter(&one) {
        let counted = plan(&connection, &count_sql(&filter));
        assert!(
            counted.iter().all(|step| step.starts_with("SEARCH")),
            "{counted:?}"
        );
        for sort in SORTS {
            let first = page_sql(&filter, sort, None, 51);
            let further = page_sql(&filter, sort, Some(&cursor(sort)), 51);
            for sql in [first, further] {
                let steps = plan(&connection, &sql);
                let served = steps.len() == 1 && steps[0].starts_with("SEARCH k USING INDEX");
                assert!(served, "{filter:?} {sort:?}: {steps:?}");
            }
        }
    }
    drop(connection);
    for filter in every_filter(&one) {
        for sort in SORTS {
            store.list(&filter, sort, None, 50).unwrap();
        }
    }
    usage::tests::assert_pages_are_searched(&store);
}
